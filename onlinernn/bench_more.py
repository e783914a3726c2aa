"""What else the bench times: parallel streams, learned feedback, and where the time of a step goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from onlinernn.bench import medians
from onlinernn.bench_peers import TINY, Array, random_net
from onlinernn.kernels import advance, noise, passes
from onlinernn.kernels.cells import Tanh
from onlinernn.kernels.decorrelation import Decorrelation, Whitening
from onlinernn.kernels.feedback import LearnedFeedback
from onlinernn.kernels.number import Real
from onlinernn.kernels.readouts import NLMS
from onlinernn.kernels.rules import ANP
from onlinernn.learner import OnlineLearner
from onlinernn.referee import Referee

_RULE = ANP(lr_hidden=1e-7, lr_readout=1e-7, sigma=1e-2)
_STEPS = 200  # a call costs about 20 us, whatever it does


def _wave(streams: int) -> Array:
    """Return inputs (T, S, 1), each stream in a phase of its own; without the axis of streams for one."""
    wave: Array = np.sin(0.1 * np.arange(_STEPS)[:, None] + np.arange(streams)).astype(np.float32)[..., None]
    return wave[:, 0] if streams == 1 else wave


def numpy_streams(n: int, streams: int) -> Any:
    """Return a function of inputs (T, S) and targets that does the steps of parallel streams in NumPy: losses (T, S).

    Parameters
    ----------
    n, streams : int
        Hidden units, and streams that share the weights; their updates are averaged.
    """
    net, random = random_net(n, False, 1e-7, 1e-7, 1e-2, seed=n), np.random.default_rng(0)
    A, R, B, lr = net.A, net.R, net.B, np.float32(net.lr / streams)
    noises = 0.01 * random.standard_normal((64, streams, n)).astype(np.float32)
    state = np.zeros((2, streams, n), np.float32)

    def run(U: Array, Y: Array) -> Array:
        losses = np.zeros_like(U)
        for t, (u, target) in enumerate(zip(U, Y, strict=True)):
            seen = state[0].copy()
            drives = (state.reshape(2 * streams, n) @ R.T).reshape(state.shape)
            drives += A * u[:, None]
            drives[1] += noises[t % 64]
            delta = drives[1] - drives[0]
            np.tanh(drives, out=state)
            y, y_noisy = state @ B
            y_noisy += noises[t % 64, :, 0]
            losses[t] = (y - target) ** 2
            third = lr * (y_noisy - y) * (y_noisy + y - 2 * target)
            B[...] -= (third / (y_noisy - y + TINY)) @ state[0]
            signal = (third * n / ((delta * delta).sum(axis=1) + TINY))[:, None] * delta
            A[...] -= u @ signal
            R[...] -= signal.T @ seen
        return losses

    return run


def time_streams(n: int, counts: list[int], repeats: int, seconds: float = 0.2) -> list[dict[str, Any]]:
    """Return the microseconds per step and stream of ANP with parallel streams, of the engine and of NumPy.

    Parameters
    ----------
    n : int
        Hidden units.
    counts : list of int
        Streams.
    repeats : int
        Turns that each gets.
    seconds : float
        About how long a turn takes.
    """
    rows = []
    for streams in counts:
        learner = OnlineLearner(1, n, 1, rule=_RULE, streams=streams)
        other, wave = numpy_streams(n, streams), _wave(streams)
        flat = wave.reshape(_STEPS, streams)
        works = {"engine": _running(learner.run, wave), "numpy": _running(other, flat)}
        found = medians(works, repeats, seconds)
        us = {name: 1e6 * value / ((_STEPS - 1) * streams) for name, value in found.items()}
        rows.append({"n": n, "streams": streams, **us, "ratio": us["numpy"] / us["engine"]})
    return rows


def time_feedback(sizes: list[int], repeats: int, seconds: float = 0.2) -> list[dict[str, Any]]:
    """Return the microseconds per step of learned feedback with 10 lags, alone and with its referee, and of ANP.

    All have the same readout, NLMS on whitened activity and the input.

    Parameters
    ----------
    sizes : list of int
        Hidden units.
    repeats : int
        Turns that each gets.
    seconds : float
        About how long a turn takes.
    """
    rows, wave = [], _wave(1)
    for n in sizes:
        rule = LearnedFeedback(lr_hidden=1e-7, lags=10)
        models: dict[str, Any] = {
            "anp": OnlineLearner(1, n, 1, rule=_RULE, decorrelation=Whitening(), readout=NLMS(), direct=True),
            "feedback": OnlineLearner(1, n, 1, rule=rule),
            "referee": Referee(OnlineLearner(1, n, 1, rule=rule)),
        }
        works = {name: _running(model.run, wave) for name, model in models.items()}
        us = {name: 1e6 * value / (_STEPS - 1) for name, value in medians(works, repeats, seconds).items()}
        ratios = {f"{name}_ratio": us[name] / us["anp"] for name in ("feedback", "referee")}
        rows.append({"n": n, **us, **ratios})
    return rows


def _running(run: Callable[[Array, Array], object], wave: Array) -> Callable[[], object]:
    return lambda: run(wave[:-1], wave[1:])


@njit
def _noise_alone(rule: Any, drive: Array, common: Array, a: Array, tag: Array, count: int) -> None:
    nothing = drive.reshape(1, drive.size)[:0]
    for k in range(count):
        base = noise.key(k, 1, 0, 1, noise.NODE_HIDDEN)
        advance.noisy_drive(Real(), rule, nothing, base, 1.0, drive, common, a, tag)


@njit
def _cells_alone(cell: Any, a: Array, count: int) -> None:
    nothing = a.reshape(1, a.size)[:0]
    for _ in range(count):
        advance.activate(cell, nothing, a)


@njit
def _update_alone(rule: Any, R: Array, signal: Array, pre: Array, x: Array, out: Array, count: int) -> None:
    one = R.dtype.type(1)
    for _ in range(count):
        passes.learn_and_multiply(rule, R, np.int64(0), one, signal, pre, x[0], x[1], out[0], out[1])


@njit
def _decorrelation_alone(
    spec: Any, D: Array, w: Array, q: Array, rates: Array, x: Array, out: Array, count: int
) -> None:
    for _ in range(count):
        passes.learn_and_mix(spec, D, np.int64(0), w, q, rates, x[0], x[1], out[0], out[1], out[2])


def profile(n: int, repeats: int, seconds: float = 0.2) -> list[dict[str, Any]]:
    """Return what a step of ANP with decorrelation is made of: time, bytes of weights moved, and operations.

    Each part is the engine's own function, run alone on arrays of its own; ``rest`` is what they leave of a step.

    Parameters
    ----------
    n : int
        Hidden units.
    repeats : int
        Turns that each gets.
    seconds : float
        About how long a turn takes.
    """
    random = np.random.default_rng(0)
    R, D = (random.standard_normal((n, n)).astype(np.float32) / np.float32(n) for _ in range(2))
    x, out = random.standard_normal((2, n)).astype(np.float32), np.zeros((2, n), np.float32)
    signal, pre, tag, w = (np.zeros(n, np.float32) for _ in range(4))
    rates, wide, wave, count = np.zeros((1, 1), np.float32), np.zeros((1, n), np.float32), _wave(1), _STEPS - 1
    rule, spec, mixed = _RULE, Decorrelation(1e-7), np.zeros((3, n), np.float32)
    learner = OnlineLearner(1, n, 1, rule=rule, decorrelation=spec)
    found = medians(
        {
            "step": _running(learner.run, wave),
            "noise": lambda: _noise_alone(rule, x[0], x[1], w, tag, count),
            "tanh": lambda: _cells_alone(Tanh(), out.reshape(-1), count),
            "update of R and drives": lambda: _update_alone(rule, R, signal, pre, x, out, count),
            "decorrelation": lambda: _decorrelation_alone(spec, D, wide, wide, rates, x, mixed, count),
        },
        repeats,
        seconds,
    )
    us = {name: 1e6 * value / count for name, value in found.items()}
    us["rest"] = us["step"] - sum(value for name, value in us.items() if name != "step")
    square = n * n
    moved = {"update of R and drives": 8 * square, "decorrelation": 8 * square, "step": 16 * square}
    flops = {"noise": 12 * n, "tanh": 2 * 20 * n, "update of R and drives": 6 * square, "decorrelation": 9 * square}
    flops["step"] = sum(flops.values())
    return [
        {
            "n": n,
            "part": name,
            "us": value,
            "share": value / us["step"],
            "bytes": moved.get(name, 0),
            "flops": flops.get(name, 0),
        }
        for name, value in us.items()
    ]
