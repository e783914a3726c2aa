"""The methods of a comparison: rules, gradients and floors on one network, one readout and the same streams.

Every network of a seed starts from the same A, R and b, has a direct link from input to output, and is scored on the
same rows. All learners share one readout (whitened NLMS, or RLS), so that "frozen" tells what hidden learning is worth.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from onlinernn.baselines import constant, persistence, phase, ridge
from onlinernn.compare_torch import TORCH
from onlinernn.controls import Method, adam, leaks, loss, no_score, reference_weights, ridge_lags, unit
from onlinernn.evaluate import Model, Progress, evaluate
from onlinernn.kernels.decorrelation import Undecorrelated, Whitening
from onlinernn.kernels.feedback import LearnedFeedback
from onlinernn.kernels.readouts import NLMS, RLS
from onlinernn.kernels.rules import ANP, NP, WP
from onlinernn.kernels.schedules import Constant, Cosine
from onlinernn.kernels.window import WindowedNP
from onlinernn.learner import OnlineLearner
from onlinernn.referee import Referee
from onlinernn.reference import Network, ReferenceLearner
from onlinernn.scores import Row, row
from onlinernn.settings import Match
from onlinernn.tasks import CopyMemory, Task

RULES = ("LearnedFeedback", "WindowedNP", "ANP", "NP", "WP", "frozen")
GRADIENTS = ("one-step", "k-step", "BPTT")
FLOORS = ("persistence", "ridge", "constant")
METHODS = (*RULES, *GRADIENTS, *FLOORS)
"""What is compared unless a choice is made."""
EXTRA = ("RFLO", TORCH)
EQUAL_TIME = "BPTT, equal time"

_ALGORITHMS: dict[str, Literal["one_step", "k_step", "rflo", "tbptt"]] = {
    "one-step": "one_step",
    "k-step": "k_step",
    "RFLO": "rflo",
    "BPTT": "tbptt",
    EQUAL_TIME: "tbptt",
}


def named(text: str) -> str:
    """Return the method that a name means, whatever its case.

    Parameters
    ----------
    text : str
        The name.

    Raises
    ------
    ValueError
        If there is no such method; the nearest ones are told.

    Examples
    --------
    >>> named("bptt")
    'BPTT'
    """
    known = {name.lower(): name for name in (*METHODS, *EXTRA)}
    if text.lower() in known:
        return known[text.lower()]
    near = [known[name] for name in difflib.get_close_matches(text.lower(), known, n=3, cutoff=0.5)]
    hint = f"did you mean {' or '.join(near)}?" if near else f"choose from {', '.join(known.values())}"
    raise ValueError(f"there is no method {text!r}; {hint}")


def trained(task: Task, settings: Match, names: Sequence[str], epochs: int, *, referee: bool = True) -> list[Method]:
    """Return the methods that are trained as models, in the order of the table.

    Parameters
    ----------
    task : Task
        What they are trained on.
    settings : Match
        Of the network and of each method.
    names : sequence of str
        Methods out of ``METHODS`` and ``EXTRA``; floors are left to ``floor_row``, PyTorch to ``torch_row``.
    epochs : int
        Passes over the training stream.
    referee : bool
        Whether LearnedFeedback learns beside a frozen shadow.
    """
    return [
        method(task, settings, name, epochs, referee=referee) for name in (*RULES, *GRADIENTS, "RFLO") if name in names
    ]


def method(task: Task, settings: Match, name: str, epochs: int, *, referee: bool = True) -> Method:
    """Return one method that is trained.

    Parameters
    ----------
    task, settings, epochs, referee
        As for ``trained``.
    name : str
        Its name.
    """
    make: Callable[[int], Model]
    if name == "LearnedFeedback" and referee:
        make = lambda seed: Referee(learner(task, settings, name, epochs, seed))  # noqa: E731
    elif name in RULES:
        make = lambda seed: learner(task, settings, name, epochs, seed)  # noqa: E731
    else:
        make = lambda seed: reference(task, settings, name, epochs, seed)  # noqa: E731
    return Method(name, _label(settings, name), make, False, epochs)


def learner(task: Task, settings: Match, name: str, epochs: int, seed: int) -> OnlineLearner:
    """Return the untrained learner of a rule.

    Parameters
    ----------
    task, settings, name, epochs
        As for ``method``.
    seed : int
        Of the weights and of the perturbations.
    """
    rules: dict[str, Any] = {
        "WindowedNP": WindowedNP(settings.lr_windowed),
        "ANP": ANP(settings.lr_anp),
        "NP": NP(settings.lr_np),
        "WP": WP(settings.lr_wp),
    }
    by_least_squares = settings.readout == "rls"
    return OnlineLearner(
        task.n_in,
        settings.hidden,
        task.n_out,
        rule=rules.get(name, LearnedFeedback()),
        cell=unit(settings),
        loss=loss(task),
        decorrelation=Undecorrelated() if by_least_squares else Whitening(),  # P holds for what does not drift
        readout=RLS(ridge=settings.ridge) if by_least_squares else NLMS(),
        direct=True,
        schedule=Constant() if settings.endless else Cosine(epochs * len(task.train(seed, 0))),
        frozen=("A", "R") if name == "frozen" else (),
        resync=1 if name in ("NP", "WP") else None,
        target_delay=task.target_delay,
        bias=settings.bias,
        spectral_radius=settings.spectral_radius,
        input_scale=settings.input_scale,
        bias_scale=settings.input_scale,
        dtype=np.dtype(settings.dtype),
        seed=seed,
    )


def reference(task: Task, settings: Match, name: str, epochs: int, seed: int) -> ReferenceLearner:
    """Return the learners' network, untrained, to be trained along a gradient by Adam.

    Parameters
    ----------
    task, settings, name, epochs, seed
        As for ``learner``.
    """
    start = initial_weights(task, settings, seed)
    algorithm = _ALGORITHMS[name]
    rates = {"one_step": settings.lr_one_step, "k_step": settings.lr_k_step, "rflo": settings.lr_rflo}
    rate, window = rates.get(algorithm, settings.lr_bptt), settings.window if algorithm == "tbptt" else settings.lags
    return ReferenceLearner(
        Network(start, leak=leaks(settings), loss=task.loss, dtype=np.dtype(settings.dtype)),
        algorithm,
        adam(task, algorithm, rate, window, None if settings.endless else epochs),
        window=window,
        target_delay=task.target_delay,
        seed=seed,
    )


def initial_weights(task: Task, settings: Match, seed: int) -> dict[str, np.ndarray]:
    """Return the weights that every learner of a seed starts from, for networks whose biases are driven by 1.

    Parameters
    ----------
    task, settings, seed
        As for ``learner``.
    """
    weights = reference_weights(learner(task, settings, "frozen", 1, seed))
    weights.pop("D", None)  # the learners' whitening serves their readout; Adam needs none
    return weights


def compete(
    task: Task,
    settings: Match,
    one: Method,
    seed: int,
    on_chunk: Callable[[Progress], None] | None = None,
    *,
    test_curve: bool = False,
) -> Row:
    """Train and test one method with one seed, and return its row; one without scores if it diverged.

    The key ``curves`` of the row holds, after each pass, the ``samples`` and ``seconds`` that it took, the
    ``prequential`` NMSE of the pass and, if asked for, the NMSE of a frozen ``test``.

    Parameters
    ----------
    task : Task
        What it is trained on.
    settings : Match
        Of the comparison.
    one : Method
        The method.
    seed : int
        Of weights, noise and streams.
    on_chunk : callable, optional
        As for ``evaluate``.
    test_curve : bool
        Whether to test after every pass.
    """
    done, ends = 0, []
    steps = len(task.train(seed, 0))

    def watch(now: Progress) -> None:
        nonlocal done
        done = now.samples
        if now.step == steps:
            ends.append((now.samples, now.seconds))
        if on_chunk is not None:
            on_chunk(now)

    chunk = max(1000 // settings.window, 1) * settings.window  # whole windows of BPTT
    try:
        result = evaluate(
            one.make, task, seed=seed, epochs=one.epochs, chunk=chunk, on_chunk=watch, test_curve=test_curve
        )
    except ArithmeticError as error:
        step = done + int(getattr(error, "step", 0))
        return no_score(task, one.name, seed, n_hidden=settings.hidden, samples=done, diverged_at_step=step)
    samples, seconds = (list(column) for column in zip(*ends, strict=True))
    curves = {"samples": samples, "seconds": seconds, "prequential": result.curve, "test": result.test_curve}
    return row(result, one.name, n_hidden=settings.hidden, diverged_at_step=None, curves=curves)


def equal_time(task: Task, settings: Match, rule: Row, bptt: Row) -> Method | None:
    """Return BPTT with as many whole passes, at least one, as fit into the time that a rule took; None if it has none.

    Parameters
    ----------
    task, settings
        As for ``trained``.
    rule : dict
        Row of the rule.
    bptt : dict
        Row of BPTT with the same seed, which tells how fast it is.
    """
    if rule["seconds"] is None or bptt["seconds"] is None:
        return None
    of_one = bptt["seconds"] * len(task.train(bptt["seed"], 0)) / bptt["samples"]
    return method(task, settings, EQUAL_TIME, max(1, int(rule["seconds"] / of_one)))


def floor_row(task: Task, honest: Task, name: str, seed: int) -> Row:
    """Return the row of a floor; one without scores where the task has none of the kind.

    Parameters
    ----------
    task : Task
        With the noise, if any, that the networks are taught with.
    honest : Task
        The task itself: its kind tells how far back a linear filter has to look.
    name : str
        Out of ``FLOORS``, or ``"phase"`` for copy memory.
    seed : int
        Of the streams.
    """
    if name == "ridge":
        result = ridge(task, seed, max(ridge_lags(honest)))
    elif name == "phase" and isinstance(honest, CopyMemory):
        result = phase(honest, seed)
    elif name == "constant":
        result = constant(task, seed)
    else:
        still = persistence(task, seed)
        if still is None:
            return no_score(task, name, seed)
        result = still
    return row(result, name, diverged_at_step=None)


def labels(settings: Match, honest: Task) -> dict[str, str]:
    """Return what to call each method before readers.

    Parameters
    ----------
    settings : Match
        Of the comparison.
    honest : Task
        The task itself.
    """
    networks = (*RULES, *_ALGORITHMS, TORCH)
    return {
        **{name: _label(settings, name) for name in networks},
        "persistence": "persistence",
        "ridge": f"ridge on {max(ridge_lags(honest))} lags",
        "constant": "constant (training mean)",
        "phase": "phase known, no memory",
    }


def _label(settings: Match, name: str) -> str:
    return {
        "frozen": "frozen, the same readout",
        "one-step": "one-step gradient, Adam",
        "k-step": f"{settings.lags}-step gradient, Adam",
        "RFLO": "RFLO, Adam",
        "BPTT": f"true BPTT ({settings.window} steps), Adam",
        TORCH: f"true BPTT ({settings.window} steps), PyTorch",
        EQUAL_TIME: "true BPTT in LearnedFeedback's time",
    }.get(name, name)
