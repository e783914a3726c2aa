"""Tuning: the rates of every method by the same budget, on training data alone.

Optuna proposes settings (its tree-structured Parzen estimator, from a fixed seed); each is a run like those of the
figures, on streams of seeds that no figure reports, or on the last sixth of the training rows of a file; the best has
the least geometric mean over seeds. The first setting tried is the engine's default.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from statistics import fmean
from typing import Any

from onlinernn.checkpoint import write_atomically
from onlinernn.errors import StudyError
from onlinernn.studies import work
from onlinernn.studies.figures import METHODS, RATES, SEQUENCES, TASKS, network, sized
from onlinernn.studies.models import FEEDBACK, FROZEN, GRADIENTS, is_decorrelated
from onlinernn.studies.scales import SCALES
from onlinernn.studies.store import Kept
from onlinernn.studies.trial import Trial

TUNING_SEED = 1000
"""Of the streams that rates are tuned on; figures report seeds from 0."""
ALIKE = {"weather 48 h": "weather 24 h"}
"""Tasks that take the rates of another."""
TUNED = (*(name for name in METHODS if name not in FEEDBACK), "RFLO", *SEQUENCES)
"""Every method that has rates to tune."""

#: Ranges of what is tuned, all on a logarithmic scale, and what is tried first.
_SPACE = {
    "lr_hidden": (1e-8, 1e-2, 1e-5),
    "lr_readout": (1e-5, 1e-1, 1e-3),
    "sigma": (1e-4, 1e-1, 1e-2),
    "decorrelation": (1e-7, 1e-2, 1e-5),
    "rate": (1e-5, 3e-2, 1e-3),
}
#: Passes over the training stream of a run that judges a setting, and seeds; of the weather half the rows. Rates for
#: the few updates of a short run are too high for a long one, and one seed is luck: what is cheap gets more of both.
_RUNS = {"mackey-glass": (3, 2), "copy": (5, 1), "weather": (1, 1)}
_RATE_OF_SGD = (1e-4, 1.0, 1e-2)


def tuning_trials(settings: int, tasks: Iterable[str] = TASKS, methods: Sequence[str] = ()) -> list[Trial]:
    """Return the trials of tuning: one for each task and method, which tries all its settings.

    Parameters
    ----------
    settings : int
        Settings tried for each method on each task, at least 1.
    tasks : iterable of str
        Out of ``TASKS``.
    methods : sequence of str
        Only these; default: every one that has rates.

    Raises
    ------
    StudyError
        If there is nothing to try.
    """
    if settings < 1:
        raise StudyError(f"{settings} settings cannot be tried; at least 1 is needed")
    scale = SCALES["standard"]
    scale = replace(scale, rows=scale.rows // 2)
    made = []
    for task in tasks:
        if task in ALIKE:
            continue
        what, _ = sized(task, scale)
        passes, seeds = _RUNS[what["name"]]
        every = [name for name in METHODS if name not in FEEDBACK]
        every += ["RFLO"] if task == "forecast" else list(SEQUENCES) if task == "recall" else []
        made += [
            Trial(
                "tune",
                method,
                TUNING_SEED,
                {**what, "tuning": True} if what["name"] == "weather" else what,
                {"task": task, "settings": settings, "hidden": scale.hidden, "passes": passes, "seeds": seeds},
            )
            for method in every
            if not methods or method in methods
        ]
    return made


def space(method: str) -> dict[str, tuple[float, float, float]]:
    """Return what is tuned of a method: least, most, and first value of each number.

    Parameters
    ----------
    method : str
        Its name.

    Examples
    --------
    >>> list(space("DNP"))
    ['lr_hidden', 'lr_readout', 'sigma', 'decorrelation']
    """
    names = ["rate"] if method in GRADIENTS else ["lr_hidden", "lr_readout", "sigma"]
    names = names[1:] if method == FROZEN else names  # a control by rates of another method would be no control
    names += ["decorrelation"] if is_decorrelated(method) else []
    found = {name: _SPACE[name] for name in names}
    return found | {"rate": _RATE_OF_SGD} if method.endswith("SGD") else found


def tune(trial: Trial, files: Mapping[str, str]) -> work.Outcome:
    """Try the settings of one method on one task, and return the best.

    Parameters
    ----------
    trial, files
        As for ``work.perform``.

    Raises
    ------
    StudyError
        If Optuna is not installed.
    """
    optuna = require_optuna()
    wanted = space(trial.method)
    of_rule = "rule" in trial.numbers or trial.method in SEQUENCES
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0, n_startup_trials=5))
    first = {name: middle for name, (_, _, middle) in wanted.items()}
    resynced = trial.method in ("NP", "DNP", "WP", "DWP", *SEQUENCES)
    study.enqueue_trial(first)
    tried: list[list[Any]] = []
    seconds = 0.0
    for _ in range(trial.numbers["settings"]):
        asked = study.ask()
        numbers: dict[str, Any] = {
            name: asked.suggest_float(name, low, high, log=True) for name, (low, high, _) in wanted.items()
        }
        numbers |= {"resync": 1} if resynced else {}  # set back every step: else their variance grows with time
        one = {"hidden": trial.numbers["hidden"], "epochs": trial.numbers["passes"], **network(trial.task), **numbers}
        if of_rule:
            rule, whole = SEQUENCES[trial.method]
            one |= {"sequence": 50, "rule": rule, "whole": whole} | ({"resync": 0} if whole else {})
        kind = "sequences" if of_rule else "learn"
        seeds = range(trial.seed, trial.seed + trial.numbers["seeds"])
        outcomes = [work.perform(Trial(kind, trial.method, seed, trial.task, one), files) for seed in seeds]
        scores = [outcome["numbers"]["score"] for outcome in outcomes]
        seconds += sum(outcome["measured"]["seconds"] for outcome in outcomes)
        log = fmean(math.log(work.RUNAWAY if score is None else score) for score in scores)
        study.tell(asked, log)
        tried.append([numbers, None if None in scores else math.exp(log)])
    stable = [(score, numbers) for numbers, score in tried if score is not None]
    # Where no setting is stable the first one is kept: the figures then count its unstable runs.
    score, best = min(stable, key=lambda one: float(one[0])) if stable else (None, tried[0][0])
    return {"numbers": {"score": score, "unstable_at": None, "best": best, "tried": tried},
            "measured": {"seconds": seconds}}  # fmt: skip


def require_optuna() -> Any:
    """Return Optuna, told to be quiet.

    Raises
    ------
    StudyError
        If it is not installed.
    """
    if find_spec("optuna") is None:
        raise StudyError("tuning needs Optuna, which is not installed: pip install onlinernn[tune]")
    optuna = import_module("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def write_rates(kept: Iterable[Kept], command: str) -> dict[str, dict[str, Any]]:
    """Write the best rates found to the file that the figures read; rates of what was not tuned now stay.

    Parameters
    ----------
    kept : iterable of Kept
        Finished trials of tuning.
    command : str
        What found them, for the file.
    """
    try:
        rates: dict[str, dict[str, Any]] = json.loads(RATES.read_text())["rates"]
    except (OSError, ValueError, KeyError):
        rates = {}
    settings = 0
    for one in kept:
        task = str(one.trial.numbers["task"])
        settings = one.trial.numbers["settings"]
        best = {name: float(f"{value:.3g}") for name, value in one.outcome["numbers"]["best"].items()}
        if "resync" in best:
            best["resync"] = int(best["resync"])
        if one.trial.method in SEQUENCES and SEQUENCES[one.trial.method][1]:
            best["resync"] = 0
        for name in (task, *(other for other, source in ALIKE.items() if source == task)):
            rates.setdefault(name, {})[one.trial.method] = best
    about = f"{command}: {settings} settings a method, tried on training data alone; the best of each"
    text = json.dumps({"about": about, "rates": rates}, indent=1, sort_keys=True) + "\n"
    write_atomically(RATES, text.encode())
    return rates
