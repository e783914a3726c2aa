"""What the bench times against a bound of its own: copies, noise of weights, threads, and an epoch of BPTT."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any

import numpy as np
from numba import njit

from onlinernn.bench import clocked, medians
from onlinernn.compare import initial_weights, reference
from onlinernn.compare_torch import installed, torch_row
from onlinernn.kernels.decorrelation import Decorrelation
from onlinernn.kernels.feedback import LearnedFeedback
from onlinernn.kernels.rules import ANP, NP, WP
from onlinernn.learner import OnlineLearner
from onlinernn.settings import match
from onlinernn.tasks import Recall

_RATES: dict[str, Any] = {"lr_hidden": 1e-9, "lr_readout": 1e-9}
_FEEDBACK = LearnedFeedback(lr_hidden=1e-7, lags=10)
_WAVE = np.sin(0.1 * np.arange(101.0))[:, None]

#: What is timed beside what, at how many hidden units, and how many times as long it may take.
BOUNDS: tuple[tuple[str, int, float, dict[str, Any], dict[str, Any]], ...] = (
    ("8 noisy copies beside 1", 1000, 3.0, {"replicas": 8}, {}),
    ("16 noisy copies beside 1, set back every step", 1000, 1.5, {"replicas": 16, "resync": 1}, {"resync": 1}),
    ("WP beside NP", 500, 3.0, {"rule": WP(**_RATES)}, {"rule": NP(**_RATES)}),
    *(
        ("LearnedFeedback of 10 lags beside DANP", n, 1.5, {"rule": _FEEDBACK}, {"decorrelation": Decorrelation(1e-9)})
        for n in (100, 500, 1000)
    ),
)


def time_bounds(repeats: int, seconds: float = 0.2, most: int = 1000) -> list[dict[str, Any]]:
    """Return microseconds per step of what stands in ``BOUNDS``, and the ratio that is bounded.

    Parameters
    ----------
    repeats : int
        Turns that each gets.
    seconds : float
        About how long a turn takes.
    most : int
        Hidden units at most.
    """
    rows = []
    for name, n, bound, settings, other in BOUNDS:
        learners = [
            OnlineLearner(1, min(n, most), 1, **{"rule": ANP(**_RATES), "threads": 1, **given})
            for given in (settings, other)
        ]
        works = {str(i): _running(learner) for i, learner in enumerate(learners)}
        us, beside = (1e6 * value / (len(_WAVE) - 1) for value in medians(works, repeats, seconds).values())
        rows.append({"what": name, "n": min(n, most), "us": us, "beside": beside, "ratio": us / beside, "bound": bound})
    return rows


def _running(learner: OnlineLearner) -> Callable[[], object]:
    return lambda: learner.run(_WAVE[:-1], _WAVE[1:])


@njit(fastmath={"contract"}, error_model="numpy", nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _touch(weights: np.ndarray, times: int, factor: Any) -> None:
    for _ in range(times):
        for i in range(weights.size):
            weights[i] *= factor


def _touch_all(weights: np.ndarray, count: int, times: int) -> None:
    """Read and write all weights, in so many threads at once."""
    threads = [
        threading.Thread(target=_touch, args=(part, times, np.float32(1))) for part in np.array_split(weights, count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def time_threads(sizes: list[int], rules: list[str], repeats: int, seconds: float = 0.2) -> list[dict[str, Any]]:
    """Return microseconds per step with one thread and with two, by the clock, and what memory alone gains by two.

    Parameters
    ----------
    sizes : list of int
        Hidden units.
    rules : list of str
        Out of ``bench.RULES``.
    repeats : int
        Turns that each gets.
    seconds : float
        About how long a turn takes.
    """
    rows = []
    for n in sizes:
        for rule in rules:
            decorrelation = Decorrelation(1e-9) if rule == "danp" else None
            works: dict[str, Callable[[], object]] = {}
            weights = np.ones(n * n * (2 if decorrelation else 1), np.float32)
            for count, name in ((1, "one"), (2, "two")):
                made = OnlineLearner(1, n, 1, rule=ANP(**_RATES), decorrelation=decorrelation, threads=count)
                works[name] = _running(made)
                works[f"memory {name}"] = lambda weights=weights, count=count: _touch_all(weights, count, 100)  # type: ignore[misc]
            us = {name: 1e4 * value for name, value in medians(works, repeats, seconds, clocked).items()}
            row = {"n": n, "rule": rule, "one": us["one"], "two": us["two"], "ratio": us["one"] / us["two"]}
            rows.append({**row, "memory": us["memory one"] / us["memory two"]})
    return rows


def time_epoch(hidden: int, repeats: int, samples: int = 2000) -> dict[str, Any]:
    """Return the seconds of an epoch of BPTT, of the reference and of PyTorch (None where there is none).

    Both have the same network, the same windows and the same stream, and one thread.

    Parameters
    ----------
    hidden : int
        Hidden units.
    repeats : int
        Epochs that each does, of which the median counts.
    samples : int
        In an epoch.
    """
    task, settings = Recall(length=samples), replace(match("recall"), hidden=hidden)
    stream = task.train(0, 0)
    learner = reference(task, settings, "BPTT", 1, 0)
    own = median(clocked(lambda: learner.run(stream.inputs, stream.targets)) for _ in range(repeats))
    other = None
    if installed():
        weights = initial_weights(task, settings, 0)
        found = (torch_row(task, settings, weights, 1, 0)["us_per_step"] for _ in range(repeats))
        other = 1e-6 * samples * median(float(us) for us in found if us is not None)
    return {"n": hidden, "samples": samples, "window": settings.window, "reference": own, "torch": other}
