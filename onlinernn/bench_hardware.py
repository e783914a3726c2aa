"""Microseconds per step on hardware, beside the ideal engine of the same run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from onlinernn.bench import medians
from onlinernn.kernels.converters import Quantise, Saturate, Stochastic
from onlinernn.kernels.effects import Substrate
from onlinernn.kernels.number import Fixed
from onlinernn.kernels.rules import ANP
from onlinernn.learner import OnlineLearner
from onlinernn.substrate_file import find
from onlinernn.substrates import PRESETS, grid

_STEPS = 200
#: What can be timed beside the presets: a network of integers, and a chain of six effects.
MORE: dict[str, dict[str, Any]] = {
    "integers": {"number": Fixed()},
    "six_effects": {
        "substrate": Substrate(
            read=(Quantise(2.0**-7),),
            drive=(Quantise(2.0**-12), Saturate(-8.0, 8.0)),
            node=(Quantise(2.0**-15),),
            write=(Quantise(2.0**-15, Stochastic()), Saturate(-1.0, 1.0 - 2.0**-15)),
        )
    },
    "chain_8bit": {"substrate": Substrate(write=grid(8, rounding=Stochastic()))},
}
NAMES = (*MORE, *PRESETS)


def _running(learner: OnlineLearner, wave: np.ndarray) -> Callable[[], object]:
    return lambda: learner.run(wave[:-1], wave[1:])


def time_hardware(names: list[str], sizes: list[int], repeats: int, seconds: float = 0.2) -> list[dict[str, Any]]:
    """Return the microseconds per step of ANP on hardware and of the ideal float32 engine, which take turns.

    Parameters
    ----------
    names : list of str
        Out of ``NAMES``.
    sizes : list of int
        Hidden units.
    repeats : int
        Turns that each gets.
    seconds : float
        About how long a turn takes.

    Returns
    -------
    list of dict
        With the keys hardware, n, us_per_step, and ratio: us_per_step in units of the ideal engine's.
    """
    wave = np.sin(0.1 * np.arange(_STEPS + 1.0))[:, None]
    rule, rows = ANP(lr_hidden=1e-5, lr_readout=1e-3, sigma=2.0**-8), []
    for n in sizes:
        settings = {name: MORE[name] if name in MORE else {"substrate": find(name).substrate} for name in names}
        learners = {name: OnlineLearner(1, n, 1, rule=rule, **own) for name, own in {"ideal": {}, **settings}.items()}
        works = {name: _running(one, wave) for name, one in learners.items()}
        us = {name: 1e6 * value / _STEPS for name, value in medians(works, repeats, seconds).items()}
        rows += [
            {"hardware": name, "n": n, "us_per_step": value, "ratio": value / us["ideal"]} for name, value in us.items()
        ]
    return rows
