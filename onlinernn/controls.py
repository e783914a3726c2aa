"""The rows of one table: a rule, and all that it has to be compared with, on the same network and the same streams.

A rule that does not beat the frozen reservoir has not trained the recurrent network; one that does not beat lagged
ridge needed no network; true BPTT shows what the network could do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import numpy as np

from onlinernn.baselines import floors
from onlinernn.evaluate import Model
from onlinernn.kernels.cells import LeakSpectrum, LeakyTanh, Tanh
from onlinernn.kernels.decorrelation import Decorrelation
from onlinernn.kernels.effects import IDEAL
from onlinernn.kernels.losses import SoftmaxCrossEntropy, SquaredError
from onlinernn.kernels.rules import ANP, NP, WP
from onlinernn.learner import OnlineLearner
from onlinernn.reference import Adam, Network, ReferenceLearner
from onlinernn.scores import Result, Row, row, score
from onlinernn.settings import Match, Settings
from onlinernn.substrate_file import find
from onlinernn.substrates import tuned_with
from onlinernn.tasks import CopyMemory, CsvTask, Settled, Task
from onlinernn.tasks.stream import Floats

MAX_NORM = 1.0
"""The longest gradient, all weights together, that the controls along a gradient follow unshortened."""
CONTROLS = ("frozen", "one-step", "bptt", "floors")
_RULE_TYPES: dict[str, Any] = {"anp": ANP, "np": NP, "wp": WP}


@dataclass(frozen=True)
class Method:
    """A way to train the network, and what to call it.

    Attributes
    ----------
    name : str
        In JSON rows.
    label : str
        For readers.
    make : callable
        From a seed to an untrained model.
    resumable : bool
        Whether the model has ``save``; others start again after an interruption, to the same numbers.
    epochs : int
        Passes over the training stream.
    """

    name: str
    label: str
    make: Callable[[int], Model]
    resumable: bool
    epochs: int


def cell(leak: float) -> Tanh | LeakyTanh:
    """Return the cell of a learner.

    Parameters
    ----------
    leak : float
        Share of the new value, in (0, 1]; 1 is a plain tanh.
    """
    return Tanh() if leak == 1.0 else LeakyTanh(leak)


def unit(settings: Match) -> Tanh | LeakyTanh | LeakSpectrum:
    """Return the cell of the learners of a comparison.

    Parameters
    ----------
    settings : Match
        With its leaks.
    """
    return LeakSpectrum(settings.slowest) if settings.slowest else cell(settings.leak)


def leaks(settings: Match) -> float | Floats:
    """Return the leak, or that of each neuron, for the networks that are no learners.

    Parameters
    ----------
    settings : Match
        With its leaks.
    """
    if not settings.slowest:
        return settings.leak
    spread: Floats = settings.slowest ** np.linspace(1.0, 0.0, settings.hidden)
    return spread


def loss(task: Task) -> SquaredError | SoftmaxCrossEntropy:
    """Return the loss that a task trains with, as the learner's part.

    Parameters
    ----------
    task : Task
        The task.
    """
    return SquaredError() if task.loss == "squared_error" else SoftmaxCrossEntropy()


def learner(task: Task, settings: Settings, seed: int, *, ideal: bool = False) -> OnlineLearner:
    """Return the untrained learner of the rule that the settings name.

    Parameters
    ----------
    task : Task
        Whose sizes, loss and target delay it gets.
    settings : Settings
        Everything else.
    seed : int
        Of the weights and of the perturbations.
    ideal : bool
        In floating point, whatever the substrate of the settings.

    Raises
    ------
    ValueError, TypeError
        If a setting is out of its range.
    """
    network: dict[str, Any]
    if settings.by_preset:
        own = find(settings.substrate)
        network = {
            "rule": own.rule._replace(lr_hidden=settings.lr_hidden, sigma=settings.sigma),
            "decorrelation": own.decorrelation,
            "readout": own.readout,
            **tuned_with(settings.epochs * len(task.train(seed, 0)), settings.input_scale),
        }
    else:
        network = {
            "rule": _RULE_TYPES[settings.rule](settings.lr_hidden, settings.lr_readout, settings.sigma),
            "decorrelation": Decorrelation(settings.decorrelation) if settings.decorrelation else None,
            "input_scale": settings.input_scale,
        }
    return OnlineLearner(
        task.n_in,
        settings.hidden,
        task.n_out,
        cell=cell(settings.leak),
        loss=loss(task),
        resync=settings.resync,
        target_delay=task.target_delay,
        spectral_radius=settings.spectral_radius,
        dtype=np.dtype(settings.dtype),
        seed=seed,
        substrate=find(settings.substrate).substrate if settings.substrate and not ideal else IDEAL,
        **network,
    )


def reference(
    task: Task, settings: Settings, seed: int, algorithm: Literal["one_step", "tbptt"], rate: float, epochs: int
) -> ReferenceLearner:
    """Return an untrained network with the rule's initial weights, to be trained along a gradient by Adam.

    Parameters
    ----------
    task, settings, seed
        As for ``learner``.
    algorithm : {"one_step", "tbptt"}
        Which gradient.
    rate : float
        Adam's learning rate at the start.
    epochs : int
        Passes over the training stream, after which the rate is 0.
    """
    weights = reference_weights(learner(task, settings, seed, ideal=True))
    if not settings.decorrelation:
        weights.pop("D", None)  # a preset's whitening serves its readout; Adam needs none
    network = Network(
        weights,
        leak=settings.leak,
        loss=task.loss,
        dtype=np.dtype(settings.dtype),
    )
    return ReferenceLearner(
        network,
        algorithm,
        adam(task, algorithm, rate, settings.window, epochs),
        window=settings.window,
        target_delay=task.target_delay,
        decorrelation_rate=settings.decorrelation,
    )


def reference_weights(model: OnlineLearner) -> dict[str, np.ndarray]:
    """Return the weights of an untrained learner for a network whose biases are driven by 1.

    Parameters
    ----------
    model : OnlineLearner
        The learner.
    """
    weights = model.weights
    return {**weights, "b": model.bias * weights["b"]}


def adam(task: Task, algorithm: str, rate: float, window: int, epochs: int | None) -> Adam:
    """Return the optimizer of every control that follows a gradient.

    Gradients are shortened to ``MAX_NORM``, and the rate falls to 0 over the run as half a cosine.

    Parameters
    ----------
    task : Task
        What it is trained on.
    algorithm : str
        As the reference learner names it; ``"tbptt"`` learns once in a window, all others at every step.
    rate : float
        At the start.
    window : int
        Steps of one update of ``"tbptt"``.
    epochs : int or None
        Passes over the training stream, after which the rate is 0; None: it stays as it is.
    """
    updates = math.ceil(len(task.train(0, 0)) / (window if algorithm == "tbptt" else 1))
    return Adam(rate, max_norm=MAX_NORM, decay_steps=None if epochs is None else epochs * updates)


def rule_name(settings: Settings) -> str:
    """Return what to call the rule of a table before readers.

    Parameters
    ----------
    settings : Settings
        With the rule.

    Examples
    --------
    >>> rule_name(Settings(decorrelation=1e-3))
    'DANP'
    """
    if settings.by_preset:
        return type(find(settings.substrate).rule).__name__
    return settings.rule.upper() if not settings.decorrelation else f"D{settings.rule.upper()}"


def methods(task: Task, settings: Settings, controls: Sequence[str] = CONTROLS) -> list[Method]:
    """Return the trained methods of a table: the rule first, then the controls that were asked for.

    Parameters
    ----------
    task : Task
        What they are trained on.
    settings : Settings
        Of the network and of each method.
    controls : sequence of str
        Some of ``CONTROLS``; "floors" are not trained and are left to ``floor_results``.
    """
    rule = rule_name(settings)
    still = replace(settings, lr_hidden=0.0)
    on = f", {settings.substrate}" if settings.substrate else ""
    in_float = Method(
        "float",
        f"{rule} in floating point",
        lambda seed: learner(task, settings, seed, ideal=True),
        True,
        settings.epochs,
    )
    every = {
        **({"float": in_float} if settings.substrate else {}),
        "frozen": Method(
            "frozen",
            f"frozen reservoir, {rule} readout{on}",
            lambda seed: learner(task, still, seed),
            True,
            settings.epochs,
        ),
        "one-step": Method(
            "one-step",
            "one-step gradient, Adam",
            lambda seed: reference(task, settings, seed, "one_step", settings.lr_one_step, settings.epochs),
            False,
            settings.epochs,
        ),
        "bptt": Method(
            f"tbptt-{settings.window}",
            f"true BPTT ({settings.window} steps), Adam",
            lambda seed: reference(task, settings, seed, "tbptt", settings.lr_bptt, settings.epochs_bptt),
            False,
            settings.epochs_bptt,
        ),
    }
    first = Method(
        rule.lower(), f"{rule} (the rule){on}", lambda seed: learner(task, settings, seed), True, settings.epochs
    )
    return [first, *(method for name, method in every.items() if name in (*controls, "float"))]


def settled(task: Task, washout: int) -> Task:
    """Return a task of whose test stream the first rows are not scored, and at most a quarter of them.

    Parameters
    ----------
    task : Task
        The task.
    washout : int
        Rows; 0: the task stays as it is.
    """
    return cast(Task, Settled(task, min(washout, len(task.test(0)) // 4))) if washout else task


def floor_results(task: Task, seeds: Sequence[int], washout: int = 0) -> list[dict[str, Result]]:
    """Return for each seed the scores of the floors, by name.

    Parameters
    ----------
    task : Task
        With its own target delay: a floor needs no other.
    seeds : sequence of int
        Of the streams. A file is the same for every seed, and its floors are computed once.
    washout : int
        First rows of the test stream that are not scored.
    """
    scored, lags = settled(task, washout), ridge_lags(task)
    if isinstance(task, CsvTask):
        found = floors(scored, seeds[0], lags)
        return [{name: replace(result, seed=seed) for name, result in found.items()} for seed in seeds]
    return [floors(scored, seed, lags) for seed in seeds]


def no_score(task: Task, method: str, seed: int, **more: Any) -> Row:
    """Return the row of a method that has no score on a task, or broke off.

    Parameters
    ----------
    task : Task
        The task.
    method : str
        Name of the method.
    seed : int
        Of the streams.
    **more
        Further keys of the row.
    """
    nothing = score(task, np.full(task.test(seed).targets.shape, math.nan), seed=seed)
    return row(nothing, method, **{"samples": None, "accuracy": None, "diverged_at_step": None, **more})


def ridge_lags(task: Task) -> Sequence[int]:
    """Return the numbers of lagged inputs given to ridge regression: one, and more where the stream is long enough.

    Parameters
    ----------
    task : Task
        What it is fitted to.
    """
    if isinstance(task, CopyMemory):
        return (1, task.length + task.delay + 1)  # the shortest filter that solves the task
    steps = (1, 24, 48) if isinstance(task, CsvTask) else (1, 20, 32)
    scored = np.flatnonzero(task.train(0, 0).scored)
    return [lags for lags in steps if np.count_nonzero(scored >= max(lags, 1) - 1) >= 10 * lags] or [1]


def floor_label(name: str) -> str:
    """Return what to call a floor before readers.

    Parameters
    ----------
    name : str
        As ``floor_results`` names it.

    Examples
    --------
    >>> floor_label("ridge-20")
    'ridge on 20 lags'
    """
    kind, _, lags = name.partition("-")
    return {
        "constant": "constant (training mean)",
        "persistence": "persistence",
        "phase": "phase known, no memory",
        "ridge": f"ridge on {lags} lag{'s' if lags != '1' else ''}",
    }.get(kind, name)
