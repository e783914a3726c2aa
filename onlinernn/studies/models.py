"""What a study trains: a model from the name of a method and the numbers of a trial."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from onlinernn.controls import MAX_NORM, adam, loss
from onlinernn.errors import StudyError, unknown
from onlinernn.evaluate import Model
from onlinernn.kernels.cells import LeakyTanh
from onlinernn.kernels.decorrelation import Decorrelation
from onlinernn.kernels.feedback import LearnedFeedback
from onlinernn.kernels.rules import ANP, NP, WP
from onlinernn.kernels.schedules import Cosine
from onlinernn.learner import OnlineLearner
from onlinernn.reference import SGD, Network, ReferenceLearner
from onlinernn.tasks import Task

Numbers = Mapping[str, Any]

PERTURBATIONS: dict[str, Any] = {"NP": NP, "WP": WP, "ANP": ANP, "DNP": NP, "DWP": WP, "DANP": ANP}
FROZEN = "frozen reservoir"
FEEDBACK = ("LearnedFeedback", "frozen whitened NLMS")
_Algorithm = Literal["one_step", "tbptt", "rflo"]
GRADIENTS: dict[str, _Algorithm] = {
    "one-step-Adam": "one_step",
    "BPTT-Adam": "tbptt",
    "DBPTT-Adam": "tbptt",
    "BPTT-SGD": "tbptt",
    "DBPTT-SGD": "tbptt",
    "RFLO": "rflo",
}
TRAINED = (*PERTURBATIONS, FROZEN, *FEEDBACK, *GRADIENTS)
"""Every method that is trained."""


def is_decorrelated(method: str) -> bool:
    """Return whether a method learns a decorrelation matrix inside the recurrence.

    Parameters
    ----------
    method : str
        Its name.

    Examples
    --------
    >>> is_decorrelated("DANP"), is_decorrelated("ANP")
    (True, False)
    """
    return method.startswith("D")


def model(task: Task, method: str, numbers: Numbers, seed: int, *, trace: float = 0.0) -> Model:
    """Return the untrained model of a method.

    All methods of a seed start from the same A and R, and the rates of all fall as half a cosine over the run.

    Parameters
    ----------
    task : Task
        What it is to learn.
    method : str
        Out of ``TRAINED``.
    numbers : mapping
        ``hidden``, ``epochs``, ``leak``, ``input_scale``, ``window`` and the method's rates.
    seed : int
        Of weights and noise.
    trace : float
        What is left of an eligibility trace after a step, for the perturbation rules.

    Raises
    ------
    StudyError
        If there is no such method.
    ValueError, TypeError
        If a number is out of its range.
    """
    if method in GRADIENTS:
        return _gradient(task, method, numbers, seed)
    if method in FEEDBACK:
        learner = _feedback(task, method, numbers, seed)
    elif method in PERTURBATIONS or method == FROZEN:
        learner = perturbed(task, method, numbers, seed, trace=trace)
    else:
        raise StudyError(unknown("method", method, TRAINED))
    # The first run of a learner looks up its kernel, 0.05 s or more: no time of learning.
    learner.run(np.empty((0, task.n_in)), np.empty((0, task.n_out)))
    return learner


def perturbed(task: Task, method: str, numbers: Numbers, seed: int, *, trace: float = 0.0) -> OnlineLearner:
    """Return the untrained learner of a perturbation rule of the paper, or its frozen control.

    Parameters
    ----------
    task, method, numbers, seed, trace
        As for ``model``.
    """
    rule = PERTURBATIONS.get(method, ANP)
    own = {**numbers, "lr_hidden": 0.0} if method == FROZEN else numbers
    rates = {name: own[name] for name in ("lr_hidden", "lr_readout", "sigma")}
    return OnlineLearner(
        task.n_in,
        numbers["hidden"],
        task.n_out,
        rule=rule(**rates),
        cell=LeakyTanh(numbers["leak"]),
        loss=loss(task),
        decorrelation=Decorrelation(numbers["decorrelation"]) if is_decorrelated(method) else None,
        schedule=Cosine(numbers["epochs"] * len(task.train(seed, 0))),
        trace=trace,
        resync=numbers.get("resync", 0),
        target_delay=task.target_delay,
        input_scale=numbers["input_scale"],
        seed=seed,
    )


def _feedback(task: Task, method: str, numbers: Numbers, seed: int) -> OnlineLearner:
    return OnlineLearner(
        task.n_in,
        numbers["hidden"],
        task.n_out,
        rule=LearnedFeedback(),
        cell=LeakyTanh(numbers["leak"]),
        loss=loss(task),
        schedule=Cosine(numbers["epochs"] * len(task.train(seed, 0))),
        frozen=() if method == FEEDBACK[0] else ("A", "R"),
        target_delay=task.target_delay,
        bias=0.3,
        input_scale=numbers["input_scale"],
        bias_scale=numbers["input_scale"],
        seed=seed,
    )


def _gradient(task: Task, method: str, numbers: Numbers, seed: int) -> ReferenceLearner:
    algorithm, window = GRADIENTS[method], int(numbers["window"])
    start = OnlineLearner(
        task.n_in,
        numbers["hidden"],
        task.n_out,
        loss=loss(task),
        input_scale=numbers["input_scale"],
        seed=seed,
    )
    updates = numbers["epochs"] * math.ceil(len(task.train(seed, 0)) / window)
    optimizer = (
        SGD(numbers["rate"], max_norm=MAX_NORM, decay_steps=updates)
        if method.endswith("SGD")
        else adam(task, algorithm, numbers["rate"], window, numbers["epochs"])
    )
    return ReferenceLearner(
        Network(start.weights, leak=numbers["leak"], loss=task.loss, dtype=np.float32),
        algorithm,
        optimizer,
        window=window,
        target_delay=task.target_delay,
        decorrelation_rate=numbers["decorrelation"] if is_decorrelated(method) else 0.0,
        seed=seed,
    )
