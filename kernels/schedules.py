"""How the learning rates change with time: one factor for all that change weights.

What RLS and the impulse responses of learnt feedback estimate is not scaled.
"""

import math
from typing import Any, NamedTuple

from onlinernn.kernels.dispatch import open_function


class Constant(NamedTuple):
    """Learning rates that stay as they are, for streams without an end."""


class Cosine(NamedTuple):
    """Learning rates that fall as half a cosine, for a network that is to be frozen in the end.

    ``floor + (1 - floor) (1 + cos(pi t / steps)) / 2``, and `floor` after that.

    Parameters
    ----------
    steps
        Number of steps of the fall, at least 1.
    floor
        What is left of the rates in the end, in [0, 1].

    Examples
    --------
    >>> Cosine(steps=1000).floor
    0.01
    """

    steps: int
    floor: float = 0.01


class InverseTime(NamedTuple):
    """Learning rates that fall as ``1 / (1 + t / steps)``, as stochastic approximation asks for.

    Parameters
    ----------
    steps
        Number of steps after which the rates are half of what they were, at least 1.

    Examples
    --------
    >>> InverseTime(5000).steps
    5000
    """

    steps: int


@open_function()
def factor(schedule: Any, tick: Any) -> Any:
    """Return the factor on all learning rates in step `tick`, counted from 0."""


@factor.register(Constant)
def _constant(schedule: Any, tick: Any) -> Any:
    return 1.0


@factor.register(Cosine)
def _cosine(schedule: Any, tick: Any) -> Any:
    done = min(1.0, tick / schedule.steps)
    return schedule.floor + (1.0 - schedule.floor) * 0.5 * (1.0 + math.cos(math.pi * done))


@factor.register(InverseTime)
def _inverse_time(schedule: Any, tick: Any) -> Any:
    return schedule.steps / (schedule.steps + tick)
