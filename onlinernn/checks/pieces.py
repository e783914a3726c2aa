"""What one kind of part has to be by itself: a cell, a loss, a noise source, an effect, a schedule."""

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from onlinernn.checks.properties import hold
from onlinernn.kernels import effects, noise
from onlinernn.kernels.cells import cell_slope, cell_step
from onlinernn.kernels.effects import bites, change, effect
from onlinernn.kernels.losses import loss, loss_difference, output_error
from onlinernn.kernels.noise import draw
from onlinernn.kernels.schedules import factor

SEEDS = st.integers(0, 2**16)


def _name(part: Any) -> str:
    return type(part).__name__


def check_cell(cell: Any, *, examples: int = 40) -> None:
    """A neuron advances by its own drive and its own variables, changes no other's, and tells its slope rightly.

    Parameters
    ----------
    cell
        The cell.
    examples
        How many states are tried.

    Raises
    ------
    AssertionError
        With the neuron that was seen or changed, or the slope that is not that of the activity.

    Examples
    --------
    >>> from onlinernn import LeakyTanh
    >>> check_cell(LeakyTanh(0.3))
    """
    if isinstance(cell.n_vars, bool) or not isinstance(cell.n_vars, int) or cell.n_vars < 0:
        raise AssertionError(f"{_name(cell)}: n_vars is {cell.n_vars!r}; it must be a whole number of at least 0")

    def claim(example: tuple[int, int, int]) -> None:
        n, i, seed = example
        i %= n
        rng = np.random.default_rng(seed)
        x, drive = np.abs(0.3 * rng.normal(size=(cell.n_vars, n))) + 0.1, np.float64(rng.normal())
        others = x + 0.2
        others[:, i] = x[:, i]
        after, of_others = x.copy(), others.copy()
        told, told_of_others = cell_step(cell, after, i, drive), cell_step(cell, of_others, i, drive)
        again = x.copy()
        if not math.isfinite(told):
            raise AssertionError(f"{_name(cell)}: the activity of a drive of {drive:.3g} is {told}")
        if cell_step(cell, again, i, drive) != told or not np.array_equal(again, after):
            raise AssertionError(f"{_name(cell)}: the same drive and variables gave another activity the second time")
        if told != told_of_others or not np.array_equal(after[:, i], of_others[:, i]):
            raise AssertionError(f"{_name(cell)} is not local: neuron {i} of {n} depends on variables of another one")
        after[:, i] = x[:, i]
        if not np.array_equal(after, x):
            raise AssertionError(f"{_name(cell)} is not local: the step of neuron {i} of {n} changes another one")
        if type(cell) in cell_slope.open.implementations:
            step = 1e-6
            up, down = (float(cell_step(cell, x.copy(), i, drive + d)) for d in (step, -step))
            slope, measured = float(cell_slope(cell, x.copy(), i, drive)), (up - down) / (2 * step)
            if abs(slope - measured) > 1e-5 * (1 + abs(measured)):
                raise AssertionError(
                    f"{_name(cell)}: cell_slope is {slope:.6g} at a drive of {drive:.3g}, where the activity grows by "
                    f"{measured:.6g} per unit"
                )

    hold(st.tuples(st.integers(1, 6), st.integers(0, 5), SEEDS), claim, examples)


def check_loss(part: Any, *, examples: int = 40) -> None:
    """A loss is finite, changes nothing, its difference is one, and its error points where it grows.

    Parameters
    ----------
    part
        The loss.
    examples
        How many outputs and targets are tried.

    Raises
    ------
    AssertionError
        With what was found and what it should have been.

    Examples
    --------
    >>> from onlinernn import SquaredError
    >>> check_loss(SquaredError())
    """

    def claim(example: tuple[int, int]) -> None:
        m, seed = example
        rng = np.random.default_rng(seed)
        target = rng.random(m) + 0.1
        target /= target.sum()
        y, push = rng.normal(size=m), 1e-3 * rng.normal(size=m)
        given = [y.copy(), target.copy()]
        value, other = float(loss(part, y, target)), float(loss(part, y + push, target))
        difference, error = float(loss_difference(part, y, y + push, target)), np.zeros(m)
        output_error(part, y, target, error)
        if not (np.array_equal(y, given[0]) and np.array_equal(target, given[1])):
            raise AssertionError(f"{_name(part)} changes the outputs or the target that it is given")
        if not math.isfinite(value):
            raise AssertionError(f"{_name(part)}: the loss of {y} against {target} is {value}")
        if abs(difference - (other - value)) > 1e-12 * (1 + abs(value)):
            raise AssertionError(
                f"{_name(part)}: loss_difference is {difference:.6g}, and the losses differ by {other - value:.6g}"
            )
        if float(loss_difference(part, y, y.copy(), target)) != 0.0:
            raise AssertionError(f"{_name(part)}: outputs that are the same have a loss difference that is not 0")
        slope = np.array([_slope(part, y, target, k) for k in range(m)])
        alike, size = float(slope @ error), float(np.linalg.norm(slope) * np.linalg.norm(error))
        if size > 1e-6 and alike < 0.999 * size:
            raise AssertionError(f"{_name(part)}: output_error is {error}, and the loss grows along {slope}")

    hold(st.tuples(st.integers(1, 4), SEEDS), claim, examples)


def _slope(part: Any, y: np.ndarray, target: np.ndarray, k: int) -> float:
    step = np.zeros_like(y)
    step[k] = 1e-5
    return float(loss(part, y + step, target) - loss(part, y - step, target)) / 2e-5


def check_noise(part: Any, *, draws: int = 20_000) -> None:
    """A noise source has mean 0 and variance 1, and the same bits give the same number.

    Parameters
    ----------
    part
        The noise source.
    draws
        How many numbers are drawn; the bounds are those of five standard errors of a Gaussian.

    Raises
    ------
    AssertionError
        With the mean or the variance that was found.

    Examples
    --------
    >>> from onlinernn import Rademacher
    >>> check_noise(Rademacher(), draws=2000)
    """
    if noise.plays(part):
        return  # it draws nothing: what it plays has mean 0 and variance 1 by its making
    base = np.uint64(noise.key(1, 2, 3, 4, 5))
    bits = [np.uint64(noise.site(base, k)) for k in range(draws)]
    numbers = np.array([float(draw(part, one)) for one in bits])
    again = np.array([float(draw(part, one)) for one in reversed(bits)])[::-1]
    if not np.array_equal(numbers, again):
        raise AssertionError(f"{_name(part)}: the same bits gave another number the second time")
    mean, variance = float(numbers.mean()), float(numbers.var())
    bound = 5 / math.sqrt(draws)
    if not abs(mean) < bound:
        raise AssertionError(f"{_name(part)}: the mean of {draws} draws is {mean:.3g}; it must be 0")
    if not abs(variance - 1) < math.sqrt(2) * bound:
        raise AssertionError(f"{_name(part)}: the variance of {draws} draws is {variance:.3g}; it must be 1")


def check_effect(part: Any, *, examples: int = 60) -> None:
    """An effect answers by what it is given alone, with a finite number of its precision, and says if it draws.

    Parameters
    ----------
    part
        The effect.
    examples
        How many values and places are tried.

    Raises
    ------
    AssertionError
        With the function that did not, and what it answered.

    Examples
    --------
    >>> from onlinernn import Saturate
    >>> check_effect(Saturate(-1.0, 1.0))
    """
    silent = effects.draws(part) == effects.Draws()
    own = [function for function in (effect, change, bites) if type(part) in function.open.implementations]

    def claim(example: tuple[int, float, bool]) -> None:
        seed, value, single = example
        real = np.float32 if single else np.float64
        x, zero = real(value), real(0)
        here = effects.place(seed, seed % 7, 0, 1, 0, effects.NODE, seed % 5, zero)
        places = [effects.along(here, effects.hop(here, j), real(j), zero, real(0.25)) for j in range(3)]
        for function in own:
            name = f"{_name(part)}: {function.__name__}({value:.6g})"
            told = [function(part, x, one) for one in places]
            again = [function(part, x, one) for one in reversed(places)][::-1]
            if [np.asarray(one).tobytes() for one in told] != [np.asarray(one).tobytes() for one in again]:
                raise AssertionError(f"{name} is {told} and then {again}, at the same places and times")
            if not all(math.isfinite(one) for one in told):
                raise AssertionError(f"{name} is {told}, not finite")
            later = [one._replace(moment=effects.again(one.moment), shared=effects.again(one.shared)) for one in places]
            if silent and [function(part, x, one) for one in later] != told:
                raise AssertionError(
                    f"{name} is another number at another moment: register how many random numbers it draws, which the "
                    f"report counts: @draws.register({_name(part)})"
                )
            if single and isinstance(told[0], (float, np.floating)) and not isinstance(told[0], np.float32):
                raise AssertionError(
                    f"{name} answers in double precision, which a float32 engine pays for with its speed; write its "
                    "constants as like(x, ...)"
                )

    hold(st.tuples(SEEDS, st.floats(-4, 4, width=16), st.booleans()), claim, examples)


def check_schedule(part: Any, *, examples: int = 60) -> None:
    """A schedule is finite, never below 0, and depends on the number of the step alone.

    Parameters
    ----------
    part
        The schedule.
    examples
        How many steps are tried.

    Raises
    ------
    AssertionError
        With the step and the factor.

    Examples
    --------
    >>> from onlinernn import Cosine
    >>> check_schedule(Cosine(100))
    """

    def claim(tick: int) -> None:
        told, again = float(factor(part, tick)), float(factor(part, tick))
        if told != again:
            raise AssertionError(f"{_name(part)}: the factor of step {tick} is {told}, and then {again}")
        if not (math.isfinite(told) and told >= 0):
            raise AssertionError(f"{_name(part)}: the factor of step {tick} is {told}; it must be at least 0")

    hold(st.integers(0, 10**7), claim, examples)
