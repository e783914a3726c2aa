"""Checks of what the reference algorithms are given: one clear error each, before anything changes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]


def numeric(name: str, values: object, shape: tuple[int | None, ...], dtype: np.dtype[Any]) -> Array:
    """Real numbers of a given shape, as a C-contiguous array.

    Parameters
    ----------
    name : str
        What the error calls them.
    values : array_like
        The numbers.
    shape : tuple of int or None
        The shape they must have; None is any length from 1 on.
    dtype : numpy dtype
        That of the result.

    Raises
    ------
    TypeError
        If the values are no real numbers.
    ValueError
        If the shape is another one.
    """
    try:
        given = np.asarray(values)
    except ValueError as ragged:
        raise ValueError(f"{name} must have shape {_shape_text(shape)}, got rows of unequal length") from ragged
    if given.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got dtype {given.dtype}")
    fits = given.ndim == len(shape) and all(
        have >= 1 if want is None else have == want for have, want in zip(given.shape, shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{name} must have shape {_shape_text(shape)}, got {given.shape}")
    with np.errstate(over="ignore"):  # a number too large for the dtype becomes infinite, which the caller refuses
        return np.ascontiguousarray(given, dtype=dtype)


def finite(name: str, values: object, shape: tuple[int | None, ...], dtype: np.dtype[Any]) -> Array:
    """Finite numbers of a given shape, as a C-contiguous array.

    Parameters
    ----------
    name, values, shape, dtype
        As for `numeric`, whose errors it raises too.

    Raises
    ------
    ValueError
        If a number is NaN or infinite.
    """
    array = numeric(name, values, shape, dtype)
    bad = ~np.isfinite(array)
    if bad.any():
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"{name} must be finite, got {array[place]} at {list(place)}")
    return array


def targets(
    name: str, values: object, shape: tuple[int | None, ...], dtype: np.dtype[Any], *, probabilities: bool
) -> Array:
    """Targets of a given shape, as a C-contiguous array; NaN stands for no target.

    Parameters
    ----------
    name, values, shape, dtype
        As for `numeric`, whose errors it raises too.
    probabilities : bool
        Whether they must not be negative.

    Raises
    ------
    ValueError
        If a number is infinite, or negative where it must not be.
    """
    array = numeric(name, values, shape, dtype)
    for bad, rule in (
        (np.isinf(array), "finite, or NaN for no target"),
        ((array < 0) & probabilities, "probabilities >= 0"),
    ):
        if bad.any():
            place = tuple(int(i) for i in np.argwhere(bad)[0])
            raise ValueError(f"{name} must be {rule}, got {array[place]} at {list(place)}")
    return array


def positive(name: str, value: float, *, zero: bool = False) -> float:
    """A finite float above zero.

    Parameters
    ----------
    name : str
        What the error calls it.
    value : float
        The number.
    zero : bool
        Whether zero is allowed as well.

    Raises
    ------
    TypeError, ValueError
        If it is no number, or not in the range.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name} must be a number, got {value!r}")
    number = float(value)
    if not math.isfinite(number) or number < 0 or (number == 0 and not zero):
        raise ValueError(f"{name} must be finite and {'>=' if zero else '>'} 0, got {value!r}")
    return number


def shares(name: str, values: object, count: int, dtype: np.dtype[Any]) -> Array:
    """Shares in (0, 1], one for each of `count` things, as an array.

    Parameters
    ----------
    name : str
        What the error calls them.
    values : float or array_like (count,)
        The shares; one number is meant for all.
    count : int
        How many there must be.
    dtype : numpy dtype
        That of the result.

    Raises
    ------
    TypeError, ValueError
        If they are no numbers, not as many, or not in the range.
    """
    given = np.full(count, values) if isinstance(values, int | float | np.integer | np.floating) else values
    array = finite(name, given, (count,), dtype)
    bad = (array <= 0) | (array > 1)
    if bad.any():
        raise ValueError(f"{name} must be in (0, 1], got {array[bad][0]}")
    return array


def whole(name: str, value: int, least: int) -> int:
    """An integer that is not too small.

    Parameters
    ----------
    name : str
        What the error calls it.
    value : int
        The number.
    least : int
        The smallest allowed.

    Raises
    ------
    TypeError, ValueError
        If it is no integer, or too small.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be an integer >= {least}, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be an integer >= {least}, got {value!r}")
    return int(value)


def _shape_text(shape: tuple[int | None, ...]) -> str:
    return "(" + ", ".join("any" if n is None else str(n) for n in shape) + ("," if len(shape) == 1 else "") + ")"
