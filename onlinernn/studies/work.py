"""What a trial does: pure functions of its configuration, chosen by its kind."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from onlinernn.baselines import floors
from onlinernn.controls import ridge_lags
from onlinernn.evaluate import Model, Progress, evaluate
from onlinernn.learner import OnlineLearner
from onlinernn.reference import Network
from onlinernn.scores import mse
from onlinernn.studies.cost import cost
from onlinernn.studies.models import model, perturbed
from onlinernn.studies.streams import LastRows, make_task
from onlinernn.studies.trial import Trial
from onlinernn.tasks.stream import target_variance

Outcome = dict[str, Any]
Files = Mapping[str, str]

RUNAWAY = 100.0
"""A run whose frozen test NMSE ends above this is called unstable, as is one that stops being finite."""


def perform(trial: Trial, files: Files) -> Outcome:
    """Return the outcome of a trial.

    Parameters
    ----------
    trial : Trial
        What to do.
    files : mapping of str to str
        Paths of data files, by name.
    """
    return KINDS[trial.kind](trial, files)


def learn(trial: Trial, files: Files) -> Outcome:
    """Train a method, testing it frozen after every pass; look at its hidden activity every ``probe`` rows.

    Parameters
    ----------
    trial, files
        As for ``perform``.
    """
    task, numbers = make_task(trial.task, files), trial.numbers
    probe: int | None = numbers.get("probe")
    held: list[Model] = []
    looks: list[tuple[int, float, float]] = []
    done = 0

    def look() -> None:
        if probe:
            looks.append((done, *correlations(held[0], numbers["leak"], task.test(trial.seed).inputs)))

    def make(seed: int) -> Model:
        held.append(model(task, trial.method, numbers, seed))
        look()
        return held[0]

    def watch(now: Progress) -> None:
        nonlocal done
        done = now.samples
        look()

    began = time.perf_counter()
    try:
        epochs = numbers["epochs"]
        result = evaluate(make, task, seed=trial.seed, epochs=epochs, chunk=probe, on_chunk=watch, test_curve=True)
    except ArithmeticError as error:
        return _unstable(done + int(getattr(error, "step", 0)), time.perf_counter() - began)
    if not result.nmse_test <= RUNAWAY:
        return _unstable(result.samples, time.perf_counter() - began)
    passed = result.samples // len(result.test_curve)
    found: dict[str, Any] = {
        "score": result.nmse_test,
        "unstable_at": None,
        "prequential": result.nmse_last,
        "curve": [[(i + 1) * passed, value] for i, value in enumerate(result.test_curve)],
    }
    if looks:
        found["covariance"] = [[samples, covariance] for samples, covariance, _ in looks]
        found["correlation"] = [[samples, correlation] for samples, _, correlation in looks]
    return {"numbers": found, "measured": {"seconds": result.seconds}}


def correlations(trained: Model, leak: float, inputs: np.ndarray) -> tuple[float, float]:
    """Return the mean squared off-diagonal covariance and correlation of what the recurrent weights read.

    Parameters
    ----------
    trained : Model
        A learner with ``weights``.
    leak : float
        Of its cells.
    inputs : array, shape (T, d)
        The stream it is looked at on, from a reset state.
    """
    weights = dict(trained.weights)  # type: ignore[attr-defined]
    network = Network(weights, leak=leak)
    s = network.forward(inputs, network.start()).s[1:]
    covariance = np.cov(s, rowvar=False)
    off = ~np.eye(len(covariance), dtype=bool)
    deviation = np.sqrt(np.maximum(np.diag(covariance), 1e-30))
    correlation = covariance / np.outer(deviation, deviation)
    return float(np.mean(covariance[off] ** 2)), float(np.mean(correlation[off] ** 2))


def floor(trial: Trial, files: Files) -> Outcome:
    """Score a floor: a constant, persistence, lagged ridge, the known phase.

    Parameters
    ----------
    trial, files
        As for ``perform``.
    """
    task = make_task(trial.task, files)
    found = floors(task, trial.seed, ridge_lags(task.task if isinstance(task, LastRows) else task))
    result = found[trial.numbers["floor"]]
    numbers: dict[str, Any] = {"score": result.nmse_test, "unstable_at": None, "curve": []}
    return {"numbers": numbers, "measured": {"seconds": result.seconds or 0.0}}


def sequences(trial: Trial, files: Files) -> Outcome:
    """Learn from sequences that each begin from a reset, by the loss of each step or by one loss for the sequence.

    With ``whole`` a sequence is told its summed losses once, at its end, and every step is credited with them: an
    eligibility trace that does not decay, eqs. 1 and 4. Without, each step is told its own: eqs. 2 and 5.

    Parameters
    ----------
    trial, files
        As for ``perform``.
    """
    task, numbers = make_task(trial.task, files), trial.numbers
    whole, length = numbers["whole"], numbers["sequence"]

    def make() -> OnlineLearner:
        return perturbed(task, numbers["rule"], numbers, trial.seed, trace=1.0 if whole else 0.0)

    stream, test = task.train(trial.seed, 0), task.test(trial.seed)

    def learn_from(learner: OnlineLearner, first: int) -> None:
        rows = slice(first, first + length)
        learner.reset()
        if whole:
            _one_sequence(learner, stream.inputs[rows], stream.targets[rows])
        else:
            learner.run(stream.inputs[rows], stream.targets[rows])

    with suppress(ArithmeticError):
        learn_from(make(), 0)  # compile before the clock runs
    learner, variance = make(), target_variance(stream)
    curve: list[list[float]] = []
    began = time.perf_counter()
    for epoch in range(numbers["epochs"]):
        try:
            for first in range(0, len(stream) - length + 1, length):
                learn_from(learner, first)
        except ArithmeticError:
            return _unstable(epoch * len(stream) + first, time.perf_counter() - began)
        tested = learner.clone()
        tested.reset()
        score = mse(np.asarray(tested.run(test.inputs).predictions, np.float64), test) / variance
        if not score <= RUNAWAY:
            return _unstable((epoch + 1) * len(stream), time.perf_counter() - began)
        curve.append([(epoch + 1) * len(stream), score])
    found = {"score": curve[-1][1], "unstable_at": None, "curve": curve}
    return {"numbers": found, "measured": {"seconds": time.perf_counter() - began}}


def _one_sequence(learner: OnlineLearner, inputs: np.ndarray, targets: np.ndarray) -> None:
    clean = noisy = 0.0
    for t, (u, target) in enumerate(zip(inputs, targets, strict=True)):
        y, y_noisy = learner.forward(u)
        if not np.isnan(target).any():
            # The difference is summed without cancellation; only the difference teaches.
            noisy += float(np.sum((y_noisy - y) * (y_noisy + y - 2 * target)))
        last = t == len(inputs) - 1
        learner.feedback(clean if last else None, noisy if last else None)


def _unstable(samples: int, seconds: float) -> Outcome:
    numbers: dict[str, Any] = {"score": None, "unstable_at": samples, "curve": []}
    return {"numbers": numbers, "measured": {"seconds": seconds if math.isfinite(seconds) else 0.0}}


def _tune(trial: Trial, files: Files) -> Outcome:
    from onlinernn.studies.tuning import tune  # Optuna is an extra

    return tune(trial, files)


KINDS: dict[str, Callable[[Trial, Files], Outcome]] = {
    "learn": learn,
    "floor": floor,
    "sequences": sequences,
    "cost": cost,
    "tune": _tune,
}
"""What a trial can be, by ``Trial.kind``."""
