"""Effects on any number: rounding, limits, noise, and deviations of one device from the next."""

from typing import Any, NamedTuple

import numpy as np

from onlinernn.kernels.dispatch import choose, open_function
from onlinernn.kernels.effects import (
    U32,
    Draws,
    again,
    bites,
    by_chance,
    draws,
    effect,
    gaussian,
    like,
    of_step,
    uniform,
)
from onlinernn.kernels.room import reach, room, within


class Nearest(NamedTuple):
    """Rounding to the nearest point of the grid, ties to even."""


class Truncate(NamedTuple):
    """Rounding towards zero."""


class Stochastic(NamedTuple):
    """Rounding up or down by chance, so that the mean is exact; each device has a random number of its own."""


class StochasticShared(NamedTuple):
    """Rounding up or down by chance, with one random number for all devices of an array in a step."""


@open_function()
def rounded(rounding: Any, x: Any, step: Any, here: Any) -> Any:
    """Return a multiple of `step` next to `x`, or `x` if it is one; chance depends on the place `here`."""


@rounded.register(Nearest)
def _nearest(rounding: Any, x: Any, step: Any, here: Any) -> Any:
    return np.rint(x * like(x, 1.0 / step)) * like(x, step)


@rounded.register(Truncate)
def _truncate(rounding: Any, x: Any, step: Any, here: Any) -> Any:
    v = x * like(x, 1.0 / step)
    on_grid = np.rint(v) * like(x, step)
    return choose(x == on_grid, on_grid, np.trunc(v) * like(x, step))


@rounded.register(Stochastic)
def _stochastic(rounding: Any, x: Any, step: Any, here: Any) -> Any:
    return by_chance(x, step, here.moment)


@rounded.register(StochasticShared)
def _stochastic_shared(rounding: Any, x: Any, step: Any, here: Any) -> Any:
    return by_chance(x, step, here.shared)


@draws.register(Stochastic)
def _stochastic_draws(spec: Any) -> Any:
    return Draws(each=1)


@draws.register(StochasticShared)
def _stochastic_shared_draws(spec: Any) -> Any:
    return Draws(shared=1)


class Quantise(NamedTuple):
    """Rounding to the multiples of a step.

    Parameters
    ----------
    step
        Distance of the points of the grid, in units of what is quantised, > 0.
    rounding
        :class:`Nearest`, :class:`Truncate`, :class:`Stochastic` or :class:`StochasticShared`.

    Examples
    --------
    >>> Quantise(2**-7).rounding
    Nearest()
    """

    step: float
    rounding: Any = Nearest()


@effect.register(Quantise)
def _quantise(spec: Any, x: Any, here: Any) -> Any:
    return rounded(spec.rounding, x, spec.step, here)


@draws.register(Quantise)
def _quantise_draws(spec: Any) -> Any:
    return draws(spec.rounding)


@reach.register(Quantise)
def _quantise_reach(spec: Any) -> Any:
    return spec.step


class Saturate(NamedTuple):
    """Clipping to a range.

    Parameters
    ----------
    low, high
        The bounds, in units of what is clipped; low < high.

    Examples
    --------
    >>> Saturate(-1.0, 1.0).high
    1.0
    """

    low: float
    high: float


@effect.register(Saturate)
def _saturate(spec: Any, x: Any, here: Any) -> Any:
    return min(max(x, like(x, spec.low)), like(x, spec.high))


@bites.register(Saturate)
def _saturates(spec: Any, x: Any, here: Any) -> Any:
    return min(max(x, like(x, spec.low)), like(x, spec.high)) != x


class Wrap(NamedTuple):
    """Overflow that wraps around, as in two's complement: what leaves the range at one end comes in at the other.

    Parameters
    ----------
    low, high
        The range, in units of what overflows, `high` excluded; low < high.

    Examples
    --------
    >>> Wrap(-1.0, 1.0).low
    -1.0
    """

    low: float
    high: float


@effect.register(Wrap)
def _wrap(spec: Any, x: Any, here: Any) -> Any:
    low, span = like(x, spec.low), like(x, spec.high - spec.low)
    return x - span * np.floor((x - low) / span)


@bites.register(Wrap)
def _wraps(spec: Any, x: Any, here: Any) -> Any:
    return not like(x, spec.low) <= x < like(x, spec.high)


@reach.register(Saturate)
@reach.register(Wrap)
def _limit_reach(spec: Any) -> Any:
    return 0.0


@within.register(Saturate)
@within.register(Wrap)
def _within_limits(spec: Any, x: Any, here: Any) -> Any:
    return x


@room.register(Saturate)
@room.register(Wrap)
def _limit_room(spec: Any, x: Any) -> Any:
    return min(x - like(x, spec.low), like(x, spec.high) - x)


class Noise(NamedTuple):
    """Gaussian noise, fresh for every device, copy and step: read noise of weights, thermal noise of drives.

    Parameters
    ----------
    std
        Standard deviation, in units of what it is added to, >= 0.

    Examples
    --------
    >>> Noise(0.01)
    Noise(std=0.01)
    """

    std: float


@effect.register(Noise)
def _noise(spec: Any, x: Any, here: Any) -> Any:
    return x + like(x, spec.std) * gaussian(x, here.moment)


@draws.register(Noise)
def _noise_draws(spec: Any) -> Any:
    return Draws(each=1)


class Mismatch(NamedTuple):
    """Deviation of each device from the next, the same for all copies and steps: ``(1 + gain g) x + offset g'``.

    Parameters
    ----------
    gain
        Standard deviation of the relative gain, >= 0.
    offset
        Standard deviation of the offset, in units of what is changed, >= 0.

    Examples
    --------
    >>> Mismatch(gain=0.1).offset
    0.0
    """

    gain: float = 0.0
    offset: float = 0.0


@effect.register(Mismatch)
def _mismatch(spec: Any, x: Any, here: Any) -> Any:
    scaled = x + like(x, spec.gain) * gaussian(x, here.device) * x
    return scaled + like(x, spec.offset) * gaussian(x, again(here.device))


class TwinMismatch(NamedTuple):
    """Deviation of the devices of one copy from those of the other: a :class:`Mismatch` that each copy has of its own.

    Without it the copies are two passes through one array.

    Parameters
    ----------
    gain
        Standard deviation of the relative gain, >= 0.
    offset
        Standard deviation of the offset, in units of what is changed, >= 0.

    Examples
    --------
    >>> TwinMismatch(0.03).gain
    0.03
    """

    gain: float = 0.0
    offset: float = 0.0


@effect.register(TwinMismatch)
def _twin_mismatch(spec: Any, x: Any, here: Any) -> Any:
    scaled = x + like(x, spec.gain) * gaussian(x, here.twin) * x
    return scaled + like(x, spec.offset) * gaussian(x, again(here.twin))


class TelegraphNoise(NamedTuple):
    """Noise of a magnetic tunnel junction: Gaussian noise, a mean, and an offset that jumps between two values.

    ``x + mean + std g +- offset``; the sign is turned with probability `switching` in a step, so that its
    autocorrelation is ``(1 - 2 switching)^lag``. Each device of each array has noise of its own. The state is found by
    looking back to the last step in which it was drawn anew, which happens with probability ``2 switching``, and in
    every 4096th step.

    Parameters
    ----------
    mean
        Mean, in units of what it is added to.
    offset
        Half the distance of both values, >= 0.
    switching
        Probability of a turn in a step, in (0, 0.5].
    std
        Standard deviation of the Gaussian part, >= 0.

    Examples
    --------
    >>> TelegraphNoise(0.0421, 5.93e-3, 0.0809, 9.08e-4).switching
    0.0809
    """

    mean: float
    offset: float
    switching: float
    std: float = 0.0


@effect.register(TelegraphNoise)
def _telegraph_noise(spec: Any, x: Any, here: Any) -> Any:
    back, renewal = U32(0), like(x, 2.0 * spec.switching)
    then = of_step(here.twin, here.now)
    while uniform(x, then) >= renewal and U32(here.now - back) & U32(4095):
        back = U32(back + U32(1))
        then = of_step(here.twin, U32(here.now - back))
    up = uniform(x, again(then)) < like(x, 0.5)
    noisy = x + like(x, spec.mean) + like(x, spec.std) * gaussian(x, here.moment)
    return noisy + (like(x, spec.offset) if up else -like(x, spec.offset))


@draws.register(TelegraphNoise)
def _telegraph_noise_draws(spec: Any) -> Any:
    return Draws(each=3)  # the Gaussian part, whether the state is drawn anew, and if so which it is


class Lost(NamedTuple):
    """A message that does not arrive: all numbers that a stream broadcasts in a step become 0.

    Parameters
    ----------
    probability
        Of a loss, in [0, 1].

    Examples
    --------
    >>> Lost(0.1).probability
    0.1
    """

    probability: float


@effect.register(Lost)
def _lost(spec: Any, x: Any, here: Any) -> Any:
    return like(x, 0.0) if uniform(x, here.shared) < like(x, spec.probability) else x


@draws.register(Lost)
def _lost_draws(spec: Any) -> Any:
    return Draws(shared=1)
