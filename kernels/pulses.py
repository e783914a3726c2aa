"""Changes that are made of pulses, by stochastic trains: how many a device gets, and which of many get none."""

import math
from typing import Any, NamedTuple

import numpy as np

from onlinernn.kernels.dispatch import EXACT, compiled
from onlinernn.kernels.effects import Draws, Made, again, change, draws, gaussian, like, quiet, uniform, way


class PulsedUpdate(NamedTuple):
    """A change made by pulses, whose number is drawn as coincidences of two stochastic trains.

    A wanted change dw becomes n pulses, n binomial with mean ``|dw| / dw_min`` out of `length`: larger changes than
    ``length dw_min`` cannot be made. Each pulse moves the state by ``dw_min |1 + dtod g|`` with a relative spread of
    `cycle` from pulse to pulse. A device that gets none is not written, and what else is in the chain does not act on
    it. With ``d = dw_min |1 + dtod g|`` and ``p = |dw| / (length dw_min)`` the change has mean
    ``d length p`` and variance ``d^2 length p (1 - p + cycle^2)``.

    Parameters
    ----------
    dw_min
        Mean change of one pulse, in units of the state, > 0.
    dtod
        Relative spread of dw_min over the devices, >= 0.
    cycle
        Relative spread from pulse to pulse, >= 0.
    length
        Length of a train, in pulses, at least 1.

    References
    ----------
    Gokmen and Vlasov 2016 (doi:10.3389/fnins.2016.00333).

    Examples
    --------
    >>> PulsedUpdate(0.001).length
    31
    """

    dw_min: float
    dtod: float = 0.0
    cycle: float = 0.0
    length: int = 31


@compiled(**EXACT)
def _binomial(u: Any, count: Any, p: Any) -> Any:
    """Return the binomial number whose distribution function first exceeds `u`."""
    if p >= 1.0:
        return count
    share = math.exp(count * math.log1p(-p))
    below, n, odds = share, 0, p / (1.0 - p)
    while u >= below and n < count:
        share *= odds * (count - n) / (n + 1)
        n += 1
        below += share
    return n


@change.register(PulsedUpdate)
def _pulsed_update(spec: Any, x: Any, here: Any) -> Any:
    size = abs(like(x, spec.dw_min) * (like(x, 1.0) + like(x, spec.dtod) * gaussian(x, here.device)))
    p = min(1.0, abs(np.float64(x)) / (spec.dw_min * spec.length))
    n = like(x, _binomial(np.float64(uniform(x, here.moment)), spec.length, p))
    made = size * (n + like(x, spec.cycle) * np.sqrt(n) * gaussian(x, again(here.moment)))
    return made if x > 0 else -made


@way.register(PulsedUpdate)
def _pulsed_way(spec: Any, usual: Any, place: Any) -> Any:
    return Made()


@quiet.register(PulsedUpdate)
def _no_pulse(spec: Any, both: Any, here: Any) -> Any:
    """No pulse comes with probability ``(1 - p)^length``, which is at least ``1 - length p``."""
    x, nothing = both
    most = like(x, 1.0 - 1e-6) - abs(x) * like(x, (1.0 + 1e-6) / spec.dw_min)  # less than that, also once rounded
    return like(x, math.inf), nothing | (uniform(x, here.moment) < most)  # what it makes of x is not known here


@draws.register(PulsedUpdate)
def _pulsed_update_draws(spec: Any) -> Any:
    return Draws(each=2)  # how many pulses, and their spread: hardware draws a bit for each pulse of the trains
