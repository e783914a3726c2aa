"""The figures of the paper, each as data: which trials, and how its panels show them."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from onlinernn.errors import StudyError, unknown
from onlinernn.settings import NEAR, TaskName, defaults
from onlinernn.studies.models import FEEDBACK, FROZEN
from onlinernn.studies.panels import FLOOR, Against, Figure, Finals, Learning, Series
from onlinernn.studies.scales import SCALES, Scale
from onlinernn.studies.trial import Trial
from onlinernn.tasks import CopyMemory

RATES = Path(__file__).with_name("rates.json")
"""What ``onlinernn tune`` has found: the rates of each method on each task, from training data alone."""

Numbers = dict[str, Any]

METHODS = (
    *("ANP", "DANP", "NP", "DNP", "WP", "DWP"),
    *("LearnedFeedback", "frozen whitened NLMS", FROZEN),
    *("one-step-Adam", "BPTT-Adam", "DBPTT-Adam", "BPTT-SGD", "DBPTT-SGD"),
)
"""Of the figures on tasks, in the order of their tables."""
SCALING = ("ANP", "DANP", "NP", "WP", FROZEN, "LearnedFeedback", "one-step-Adam", "BPTT-Adam")
SEQUENCES = {
    "NP-per-step": ("NP", False),
    "NP-per-sequence": ("NP", True),
    "WP-per-step": ("WP", False),
    "WP-per-sequence": ("WP", True),
}
"""Rules that are told the loss of each step, or one loss for a whole sequence (True)."""
FLOORS = {
    "mackey-glass": ("constant", "persistence", "ridge-20", "ridge-32"),
    "copy": ("constant", "phase"),
    "weather": ("constant", "persistence", "ridge-24", "ridge-48"),
}
TASKS: dict[str, dict[str, Any]] = {
    "forecast": {"name": "mackey-glass", "horizon": 15},
    "recall": {"name": "mackey-glass", "horizon": -15},
    "copy": {"name": "copy"},
    "weather 1 h": {"name": "weather", "horizon": 1},
    "weather 24 h": {"name": "weather", "horizon": 24},
    "weather 48 h": {"name": "weather", "horizon": 48},
}
"""What is learnt, by the name under which its rates are kept."""


@functools.cache
def tuned() -> dict[str, dict[str, Numbers]]:
    """Return the tuned rates by task and method.

    Raises
    ------
    StudyError
        If their file is not there or not what ``onlinernn tune`` writes.
    """
    try:
        found: dict[str, dict[str, Numbers]] = json.loads(RATES.read_text())["rates"]
    except (OSError, ValueError, KeyError) as error:
        raise StudyError(f"{RATES.name} cannot be read ({error}): write it again with `onlinernn tune`") from error
    return found


def network(what: Mapping[str, Any]) -> Numbers:
    """Return what all methods share on a task: leak and input scale, as chosen for a frozen reservoir.

    Parameters
    ----------
    what : mapping
        The task of a trial.
    """
    name: TaskName = what["name"]
    chosen = defaults(name, "anp", what.get("horizon", NEAR))
    # Credit for an answer of copy memory reaches its symbol only where BPTT unrolls the whole sequence.
    window = 2 * what["length"] + CopyMemory.delay if name == "copy" else chosen.window
    return {"leak": chosen.leak, "input_scale": chosen.input_scale, "window": window}


def rates(task: str, method: str) -> Numbers:
    """Return the tuned rates of a method.

    Parameters
    ----------
    task : str
        Out of ``TASKS``.
    method : str
        Its name.
    """
    if method in FEEDBACK:
        return {}  # one default for all tasks
    try:
        return dict(tuned()[task][method])
    except KeyError:
        raise StudyError(
            f"{RATES.name} holds no rates of {method} on {task}: find them with `onlinernn tune`"
        ) from None


def sized(task: str, scale: Scale) -> tuple[dict[str, Any], int]:
    """Return the task of a trial at a scale, and the passes over its training stream.

    Parameters
    ----------
    task : str
        Out of ``TASKS``.
    scale : Scale
        The sizes.
    """
    what = TASKS[task]
    if what["name"] == "mackey-glass":
        return {**what, "length": scale.length, "test_length": scale.length}, scale.epochs
    if what["name"] == "copy":
        # The paper's 100 symbols; a tenth of them where time is short.
        length = 100 if scale.length >= 5000 else 10
        return {**what, "length": length, "sequences": scale.sequences}, scale.epochs_copy
    return {**what, "rows": scale.rows}, scale.epochs_weather


def learning(task: str, methods: Iterable[str], scale: Scale, **more: Any) -> list[Trial]:
    """Return the trials of methods on a task, each with every seed, and its floors.

    Parameters
    ----------
    task : str
        Out of ``TASKS``.
    methods : iterable of str
        Their names.
    scale : Scale
        The sizes.
    **more
        Numbers that take the place of the scale's.
    """
    what, epochs = sized(task, scale)
    trials = [
        Trial(
            "learn",
            method,
            seed,
            what,
            {"hidden": scale.hidden, "epochs": epochs, **network(what), **rates(task, method), **more},
        )
        for method in methods
        for seed in range(scale.seeds)
    ]
    return trials + floors(task, scale)


def floors(task: str, scale: Scale) -> list[Trial]:
    """Return the floors of a task; a file has one of each kind, whatever the seed.

    Parameters
    ----------
    task, scale
        As for ``learning``.
    """
    what, _ = sized(task, scale)
    label = {"phase": "phase known, no memory"}
    seeds = 1 if what["name"] == "weather" else scale.seeds
    return [
        Trial(FLOOR, label.get(kind, kind.replace("ridge-", "ridge, lags ")), seed, what, {"floor": kind})
        for kind in FLOORS[what["name"]]
        if kind != "persistence" or what["horizon"] > 0  # a recall has none
        for seed in range(seeds)
    ]


def _mackey_glass(scale: str) -> list[Trial]:
    size = SCALES[scale]
    return [one for task in ("forecast", "recall") for one in learning(task, METHODS, size)]


def _copy(scale: str) -> list[Trial]:
    return learning("copy", METHODS, SCALES[scale])


def _weather(*hours: int) -> Any:
    return lambda scale: [one for h in hours for one in learning(f"weather {h} h", METHODS, SCALES[scale])]


def _units(scale: str) -> list[Trial]:
    size = SCALES[scale]
    size = replace(size, rows=size.rows_units)
    return [
        one
        for units in size.units
        for one in learning("weather 1 h", SCALING, size, hidden=units, epochs=size.epochs_units)
    ]


def _decorrelation(scale: str) -> list[Trial]:
    size, methods = SCALES[scale], ("ANP", "DANP", "NP", "DNP", "WP", "DWP", "BPTT-Adam", "DBPTT-Adam")
    # Eight looks a pass; whole windows of BPTT lie between them.
    probe = max(size.rows // 8 // 50, 1) * 50
    return [one for one in learning("weather 1 h", methods, size, probe=probe) if one.kind != FLOOR]


def _sequences(scale: str) -> list[Trial]:
    size = SCALES[scale]
    what, epochs = sized("recall", size)
    made = []
    for method, (rule, whole) in SEQUENCES.items():
        numbers = {
            "hidden": size.hidden,
            "epochs": epochs,
            "sequence": 50,
            "rule": rule,
            "whole": whole,
            **network(what),
            **rates("recall", method),
        }
        made += [Trial("sequences", method, seed, what, numbers) for seed in range(size.seeds)]
    return made + floors("recall", size)


def _cost(scale: str) -> list[Trial]:
    size = SCALES[scale]
    points = [("length", size.hidden, steps) for steps in size.steps]
    points += [("size", hidden, size.steps[len(size.steps) // 2]) for hidden in size.sizes]
    made = []
    for against, hidden, steps in points:
        for method in ("ANP", "DANP", "LearnedFeedback", "BPTT-Adam"):
            numbers = {
                "hidden": hidden,
                "epochs": 1,
                "repeats": 5,
                "against": against,
                "steps": steps,
                **network(TASKS["forecast"]),
                **rates("forecast", method),
                **({"unrolled": True} if method == "BPTT-Adam" else {}),
            }
            task = {**TASKS["forecast"], "length": steps, "test_length": 50}
            made.append(Trial("cost", method, 0, task, numbers))
    return made


def _rflo(scale: str) -> list[Trial]:
    return learning("forecast", ("RFLO", "ANP", "LearnedFeedback", FROZEN, "one-step-Adam", "BPTT-Adam"), SCALES[scale])


def _on(task: str) -> dict[str, Any]:
    return TASKS[task]


def _both(title: str, task: str) -> tuple[Learning, Finals]:
    return Learning(f"{title}: during training", _on(task)), Finals(f"{title}: in the end", _on(task))


FIGURES = (
    Figure(
        "fig4",
        "Mackey-Glass: the forecast 15 steps ahead, and the recall of 15 steps back",
        "Does ANP approach true BPTT, and does it train the recurrent weights?",
        (*_both("forecast, 15 ahead", "forecast"), *_both("recall, 15 back", "recall")),
        _mackey_glass,
    ),
    Figure(
        "fig5",
        "Copy memory: 100 symbols, 10 steps of delay",
        "Does any method remember, and so get below the floor that knows the phase?",
        _both("copy memory", "copy"),
        _copy,
    ),
    Figure(
        "fig6",
        "Weather: the air temperature 48 hours ahead",
        "Does ANP approach true BPTT on real data, and does any network beat lagged ridge?",
        _both("weather, 48 h ahead", "weather 48 h"),
        _weather(48),
    ),
    Figure(
        "fig7",
        "Scaling: the weather 1 hour ahead with more hidden units",
        "Which methods gain from more units, which become unstable, and how does the time grow?",
        (
            Against("weather, 1 h ahead", {"name": "weather"}),
            Against("time of training", {"name": "weather"}, y="seconds", y_label="seconds"),
        ),
        _units,
    ),
    Figure(
        "fig8",
        "Decorrelation of the hidden activity during training, weather 1 hour ahead",
        "Does the decorrelation matrix make the hidden activity less correlated?",
        (
            Series("covariance", {}, "covariance", "mean squared off-diagonal covariance"),
            Series("correlation", {}, "correlation", "mean squared off-diagonal correlation"),
        ),
        _decorrelation,
    ),
    Figure(
        "supp1",
        "One loss for each step against one loss for a whole sequence (eqs. 2 and 5 against 1 and 4)",
        "Is the loss of each step a better teacher than that of the sequence?",
        _both("recall, sequences of 50 steps", "recall"),
        _sequences,
    ),
    Figure(
        "supp3",
        "Time and memory against the length of a sequence and the size of the network",
        "What does learning cost, and what of it grows with time?",
        (
            Against(
                "time against the length",
                {"against": "length"},
                "steps",
                "steps of the sequence",
                "seconds",
                "CPU seconds",
            ),
            Against(
                "memory against the length",
                {"against": "length"},
                "steps",
                "steps of the sequence",
                "peak_kb",
                "peak, kB",
            ),
            Against("time against the size", {"against": "size"}, "hidden", "hidden units", "seconds", "CPU seconds"),
            Against("memory against the size", {"against": "size"}, "hidden", "hidden units", "peak_kb", "peak, kB"),
        ),
        _cost,
    ),
    Figure(
        "supp4",
        "Random-feedback local online learning (RFLO) on the Mackey-Glass forecast",
        "How does ANP stand beside another local rule, which reads the output error?",
        _both("forecast, 15 ahead", "forecast"),
        _rflo,
    ),
    Figure(
        "supp5",
        "Weather: the air temperature 1 and 24 hours ahead",
        "Does what holds 48 hours ahead hold nearer?",
        (*_both("weather, 1 h ahead", "weather 1 h"), *_both("weather, 24 h ahead", "weather 24 h")),
        _weather(1, 24),
    ),
)
"""Every figure, in the order of the paper."""


def chosen(names: Sequence[str]) -> list[Figure]:
    """Return the figures of these names; ``all`` stands for every one.

    Parameters
    ----------
    names : sequence of str
        Names.

    Raises
    ------
    StudyError
        If there is no such figure; the nearest names are told.

    Examples
    --------
    >>> [figure.name for figure in chosen(["fig5"])]
    ['fig5']
    """
    known = {figure.name: figure for figure in FIGURES}
    for name in names:
        if name != "all" and name not in known:
            raise StudyError(unknown("figure", name, [*known, "all"]))
    return list(FIGURES) if "all" in names else [known[name] for name in dict.fromkeys(names)]


def needs_weather(trials: Iterable[Trial]) -> bool:
    """Return whether any trial learns from the weather file.

    Parameters
    ----------
    trials : iterable of Trial
        Of a figure.
    """
    return any(trial.task.get("name") == "weather" for trial in trials)
