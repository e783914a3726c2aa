"""What a neuron does with its drive: the cells.

A cell is a ``NamedTuple`` with an attribute ``n_vars``, the number of state variables that it keeps per neuron and
copy, and an implementation of :func:`cell_step`.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from onlinernn.kernels.dispatch import FAST, compiled, open_function


class Tanh(NamedTuple):
    """The paper's cell, ``x_t = tanh(a_t)``.

    Parameters
    ----------
    exact
        Use the mathematical library's tanh. By default a float32 engine uses a rational function that vectorises
        (monotone, within 1 unit in the last place); float64 is always exact.

    Examples
    --------
    >>> Tanh()
    Tanh(exact=False)
    """

    exact: bool = False

    @property
    def n_vars(self) -> int:
        """Number of state variables per neuron and copy."""
        return 0


class LeakyTanh(NamedTuple):
    """A leaky integrator, ``x_t = (1 - alpha) x_{t-1} + alpha tanh(a_t)``.

    Parameters
    ----------
    alpha
        Leak rate: share of the new value, the inverse time constant in steps, in (0, 1]; 1 is the plain tanh cell.
    exact
        As for :class:`Tanh`.

    Examples
    --------
    >>> LeakyTanh(alpha=0.5).alpha
    0.5
    """

    alpha: float = 0.5
    exact: bool = False

    @property
    def n_vars(self) -> int:
        """Number of state variables per neuron and copy: the activity."""
        return 1


class LeakSpectrum(NamedTuple):
    """Leaky integrators with time constants of many lengths: the leak of neuron i is ``slowest^(1 - i / (n - 1))``.

    Parameters
    ----------
    slowest
        Leak rate of the first neuron, in (0, 1]; the last one has 1, and their logarithms are evenly spaced.
    exact
        As for :class:`Tanh`.

    Examples
    --------
    >>> LeakSpectrum().slowest
    0.05
    """

    slowest: float = 0.05
    exact: bool = False

    @property
    def n_vars(self) -> int:
        """Number of state variables per neuron and copy: the activity, and the leak."""
        return 2


# tanh(x/2) = x P(x^2) / Q(x^2), a rational minimax fit of relative error 2.3e-8 on |x| <= 9.02, and
# tanh(x) = 2 t / (1 + t^2): doubling the argument shrinks the error where tanh saturates. In float64, because only one
# rounding at the end keeps the function monotone: in float32 it fell by up to 5 units in the last place.
_CLAMP = np.float32(9.02)
_P0, _P1, _P2, _P3 = 0.5, 0.015744367614388466, 7.9901801655069e-05, 4.290192379130531e-08
_Q1, _Q2, _Q3 = 0.11482200771570206, 0.001394999329932034, 2.733981546043651e-06


@compiled(**FAST)
def tanh_float32(x: Any) -> Any:
    """Hyperbolic tangent of a float32, without a branch, to 1 unit in the last place; odd, monotone, NaN stays NaN."""
    v = np.float64(min(max(x, -_CLAMP), _CLAMP))
    z = v * v
    top = v * (_P0 + z * (_P1 + z * (_P2 + z * _P3)))
    bottom = 1.0 + z * (_Q1 + z * (_Q2 + z * _Q3))
    product = top * bottom
    return np.float32((product + product) / (top * top + bottom * bottom))


@open_function()
def squash(x: Any, exact: Any) -> Any:
    """Hyperbolic tangent in the precision of `x`; `exact` asks for the library's in float32 too."""


@squash.register(np.float32)
def _squash_float32(x: Any, exact: Any) -> Any:
    return np.float32(math.tanh(x)) if exact else tanh_float32(x)


@squash.register(np.float64)
def _squash_float64(x: Any, exact: Any) -> Any:
    return math.tanh(x)


@open_function()
def cell_step(cell: Any, x: Any, i: Any, drive: Any) -> Any:
    """Advance neuron `i` by one step under its `drive` and return its activity.

    `x` (n_vars, n) holds the cell's variables, to be changed in place.
    """


@open_function(default=True)
def cell_slope(cell: Any, x: Any, i: Any, drive: Any) -> Any:
    """Return by how much the activity of neuron `i` grows per unit of its `drive`, in the step that is to come.

    `x` (n_vars, n) holds the cell's variables of the step before. Only rules that need the slope call it; for a cell
    that cannot tell it is taken as 1.
    """
    return 1.0


@open_function(default=True)
def cell_memory(cell: Any, x: Any, i: Any) -> Any:
    """Return what is left over time of a push of neuron `i` of size 1, squared and summed, if nothing else is pushed.

    `x` (n_vars, n) holds the cell's variables. Only rules that watch the noisy copies stray call it; for a cell that
    cannot tell it is taken as 1: nothing is left after the step.
    """
    return 1.0


@cell_step.register(Tanh)
def _tanh_step(cell: Any, x: Any, i: Any, drive: Any) -> Any:
    return squash(drive, cell.exact)


@cell_step.register(LeakyTanh)
def _leaky_tanh_step(cell: Any, x: Any, i: Any, drive: Any) -> Any:
    alpha = x.dtype.type(cell.alpha)
    x[0, i] += alpha * (squash(drive, cell.exact) - x[0, i])
    return x[0, i]


@compiled(**FAST)
def _leak(x: Any, i: Any, slowest: Any) -> Any:
    """Return the leak of neuron `i`, which its second variable holds from the first step on."""
    if x[1, i] == 0:
        x[1, i] = slowest ** (1.0 - i / max(1, x.shape[1] - 1))
    return x[1, i]


@cell_step.register(LeakSpectrum)
def _leak_spectrum_step(cell: Any, x: Any, i: Any, drive: Any) -> Any:
    x[0, i] += _leak(x, i, cell.slowest) * (squash(drive, cell.exact) - x[0, i])
    return x[0, i]


@cell_slope.register(Tanh)
def _tanh_slope(cell: Any, x: Any, i: Any, drive: Any) -> Any:
    h, one = squash(drive, cell.exact), x.dtype.type(1)
    return one - h * h


@cell_slope.register(LeakyTanh)
def _leaky_tanh_slope(cell: Any, x: Any, i: Any, drive: Any) -> Any:
    h, one = squash(drive, cell.exact), x.dtype.type(1)
    return x.dtype.type(cell.alpha) * (one - h * h)


@cell_slope.register(LeakSpectrum)
def _leak_spectrum_slope(cell: Any, x: Any, i: Any, drive: Any) -> Any:
    h, one = squash(drive, cell.exact), x.dtype.type(1)
    return _leak(x, i, cell.slowest) * (one - h * h)


@cell_memory.register(LeakyTanh)
def _leaky_tanh_memory(cell: Any, x: Any, i: Any) -> Any:
    alpha, two = x.dtype.type(cell.alpha), x.dtype.type(2)
    return 1 / (alpha * (two - alpha))


@cell_memory.register(LeakSpectrum)
def _leak_spectrum_memory(cell: Any, x: Any, i: Any) -> Any:
    alpha, two = _leak(x, i, cell.slowest), x.dtype.type(2)
    return 1 / (alpha * (two - alpha))
