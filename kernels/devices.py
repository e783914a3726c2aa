"""Effects on the weights of analog arrays: how devices take a write, what they forget, and which of them fail.

Each device deviates by a Gaussian number g of its own; ``dtod`` (device to device) is always a standard deviation.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from onlinernn.kernels.dispatch import EXACT, compiled
from onlinernn.kernels.effects import (
    I32,
    U32,
    Draws,
    again,
    ageing,
    ages,
    bites,
    change,
    counts,
    draws,
    effect,
    gaussian,
    like,
    of_step,
    remembers,
    uniform,
)
from onlinernn.kernels.room import reach


class WriteNoise(NamedTuple):
    """Gaussian noise of each write, which adds up in the state. It stands in the chain `write`.

    Parameters
    ----------
    std
        Standard deviation, in units of the state of a device, >= 0.

    Examples
    --------
    >>> WriteNoise(0.01).std
    0.01
    """

    std: float


@change.register(WriteNoise)
def _write_noise(spec: Any, x: Any, here: Any) -> Any:
    return x + like(x, spec.std) * gaussian(x, here.moment)


@draws.register(WriteNoise)
def _write_noise_draws(spec: Any) -> Any:
    return Draws(each=1)


class WriteError(NamedTuple):
    """Gaussian error of each write that does not add up: the device shows its state with it until the next write.

    It stands in the chain `read`; all copies see the same error.

    Parameters
    ----------
    std
        Standard deviation, in units of the state of a device, >= 0.

    References
    ----------
    The ``write_noise_std`` of IBM's aihwkit.

    Examples
    --------
    >>> WriteError(0.1).std
    0.1
    """

    std: float


@remembers.register(WriteError)
def _write_error_remembers(spec: Any) -> Any:
    return True


@effect.register(WriteError)
def _write_error(spec: Any, x: Any, here: Any) -> Any:
    return x + like(x, spec.std) * gaussian(x, of_step(here.device, U32(I32(here.written))))


@draws.register(WriteError)
def _write_error_draws(spec: Any) -> Any:
    return Draws(kept=1)


class Asymmetry(NamedTuple):
    """Unequal steps up and down: a change is multiplied by ``1 + a`` upwards and by ``1 - a`` downwards.

    ``a = up + dtod g``; neither factor becomes negative.

    Parameters
    ----------
    up
        Mean of a, in [-1, 1].
    dtod
        Spread of a over the devices, >= 0.

    Examples
    --------
    >>> Asymmetry(0.259, dtod=0.05).up
    0.259
    """

    up: float
    dtod: float = 0.0


@change.register(Asymmetry)
def _asymmetry(spec: Any, x: Any, here: Any) -> Any:
    a = like(x, spec.up) + like(x, spec.dtod) * gaussian(x, here.device)
    return x * max(like(x, 0.0), like(x, 1.0) + (a if x > 0 else -a))


class SoftBounds(NamedTuple):
    """Steps that shrink towards the bounds: upwards by ``1 - w / high``, downwards by ``1 - w / low``.

    Parameters
    ----------
    low, high
        The bounds, in units of the state; low < 0 < high.
    dtod
        Relative spread of the bounds over the devices, >= 0.

    Examples
    --------
    >>> SoftBounds(-0.75, 1.25).high
    1.25
    """

    low: float = -1.0
    high: float = 1.0
    dtod: float = 0.0


@compiled(**EXACT)
def _bound(x: Any, mean: Any, dtod: Any, hashed: Any) -> Any:
    """Return a bound as a device has it: never beyond zero."""
    return like(x, mean) * max(like(x, 0.01), like(x, 1.0) + like(x, dtod) * gaussian(x, hashed))


@change.register(SoftBounds)
def _soft_bounds(spec: Any, x: Any, here: Any) -> Any:
    high = _bound(x, spec.high, spec.dtod, here.device)
    low = _bound(x, spec.low, spec.dtod, again(here.device))
    return x * max(like(x, 0.0), like(x, 1.0) - here.stored / (high if x > 0 else low))


class DeviceBounds(NamedTuple):
    """Clipping to a range that differs from device to device.

    Parameters
    ----------
    low, high
        The bounds, in units of the state; low <= 0 <= high.
    low_dtod, high_dtod
        Relative spreads of the bounds over the devices, >= 0. No bound comes nearer to zero than a hundredth.

    Examples
    --------
    >>> DeviceBounds(-1.0, 1.0, 0.3, 0.3).low
    -1.0
    """

    low: float = -1.0
    high: float = 1.0
    low_dtod: float = 0.0
    high_dtod: float = 0.0


@effect.register(DeviceBounds)
def _device_bounds(spec: Any, x: Any, here: Any) -> Any:
    high = _bound(x, spec.high, spec.high_dtod, here.device)
    return min(max(x, _bound(x, spec.low, spec.low_dtod, again(here.device))), high)


@bites.register(DeviceBounds)
def _device_bounds_bite(spec: Any, x: Any, here: Any) -> Any:
    high = _bound(x, spec.high, spec.high_dtod, here.device)
    return min(max(x, _bound(x, spec.low, spec.low_dtod, again(here.device))), high) != x


class Leak(NamedTuple):
    """A state that decays, whether it is written or not: ``w <- w + (rest - w) / lifetime`` in every step.

    Parameters
    ----------
    lifetime
        Time constant, in steps, at least 1.
    dtod
        Relative spread of the lifetime over the devices, >= 0; no lifetime is below one step.
    rest
        What it decays to, in units of the state.

    Examples
    --------
    >>> Leak(1e6, dtod=0.3).rest
    0.0
    """

    lifetime: float
    dtod: float = 0.0
    rest: float = 0.0


@ages.register(Leak)
def _leak_ages(spec: Any) -> Any:
    return True


@ageing.register(Leak)
def _leak(spec: Any, x: Any, here: Any) -> Any:
    one = like(x, 1.0)
    lifetime = like(x, spec.lifetime) * (one + like(x, spec.dtod) * gaussian(x, here.device))
    return x + (like(x, spec.rest) - x) / max(one, lifetime)


class Drift(NamedTuple):
    """Conductance that drifts by a power law after each write: ``w ((t + t0) / t0)^-nu`` as it is read, t since then.

    Parameters
    ----------
    nu
        Mean exponent, >= 0.
    dtod
        Spread of the exponent over the devices, >= 0; no exponent is negative.
    t0
        Time after a write at which the state is what was written, in steps, > 0.

    Examples
    --------
    >>> Drift(0.05).t0
    20.0
    """

    nu: float
    dtod: float = 0.0
    t0: float = 20.0


@remembers.register(Drift)
def _drift_remembers(spec: Any) -> Any:
    return True


@effect.register(Drift)
def _drift(spec: Any, x: Any, here: Any) -> Any:
    nu = max(0.0, spec.nu + spec.dtod * np.float64(gaussian(x, here.device)))
    return x * like(x, (1.0 + np.float64(here.age) / spec.t0) ** -nu)


class PhaseChange(NamedTuple):
    """Drift and read noise of a phase-change cell, whose state is its conductance g relative to the largest.

    ``w (t / 20 s)^-nu`` t seconds after 20 s have passed since the write, with nu of mean
    ``clip(-0.0155 ln g + 0.0244, 0.049, 0.1)`` and spread ``clip(-0.0125 ln g - 0.0059, 0.008, 0.045)``; relative read
    noise ``min(0.0088 / g^0.65, 0.2) sqrt(ln((t + 250 ns) / 500 ns))``.

    Parameters
    ----------
    seconds
        Duration of a step, > 0.

    References
    ----------
    The statistical model of IBM's aihwkit, ``PCMLikeNoiseModel``; Nandakumar et al. 2019
    (doi:10.1109/ICECS46596.2019.8964852).

    Examples
    --------
    >>> PhaseChange(1e-3).seconds
    0.001
    """

    seconds: float


@remembers.register(PhaseChange)
def _phase_change_remembers(spec: Any) -> Any:
    return True


@effect.register(PhaseChange)
def _phase_change(spec: Any, x: Any, here: Any) -> Any:
    g = min(1.0, max(1e-6, abs(np.float64(x))))
    t = 20.0 + spec.seconds * np.float64(here.age)
    size = math.log(g)  # a power takes longer than a logarithm and an exponential
    mean = min(0.1, max(0.049, -0.0155 * size + 0.0244))
    spread = min(0.045, max(0.008, -0.0125 * size - 0.0059))
    nu = mean + spread * np.float64(gaussian(x, here.device))
    noise = min(0.0088 * math.exp(-0.65 * size), 0.2) * math.sqrt(math.log((t + 250e-9) / 500e-9))
    factor = math.exp(-nu * math.log(t / 20.0)) * (1.0 + noise * np.float64(gaussian(x, here.moment)))
    return x * like(x, factor)


@draws.register(PhaseChange)
def _phase_change_draws(spec: Any) -> Any:
    return Draws(each=1)


class Stuck(NamedTuple):
    """Devices that failed: a share of them always has one and the same state, each its own.

    Parameters
    ----------
    share
        Of the devices, in [0, 1].
    low, high
        Range of their states; both 0: they are dead.

    Examples
    --------
    >>> Stuck(0.135, -1.0, 1.0).share
    0.135
    """

    share: float
    low: float = 0.0
    high: float = 0.0


@effect.register(Stuck)
def _stuck(spec: Any, x: Any, here: Any) -> Any:
    value = like(x, spec.low) + like(x, spec.high - spec.low) * uniform(x, again(here.device))
    return value if uniform(x, here.device) < like(x, spec.share) else x


class CountWrites(NamedTuple):
    """No effect, but each device counts how often it was written (up to 2^24, exactly), for the report."""


@counts.register(CountWrites)
def _counts(spec: Any) -> Any:
    return True


@effect.register(CountWrites)
def _count_writes(spec: Any, x: Any, here: Any) -> Any:
    return x


@reach.register(CountWrites)
def _count_reach(spec: Any) -> Any:
    return 0.0
