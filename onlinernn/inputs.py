"""Reading what users pass: one clear error each, before anything is changed."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def whole(name: str, value: Any, least: int) -> int:
    """Return a whole number of at least `least`.

    Parameters
    ----------
    name
        What to call it in an error.
    value
        What was passed.
    least
        The smallest value allowed.

    Examples
    --------
    >>> whole("n_hidden", 0, 1)
    Traceback (most recent call last):
    ...
    ValueError: n_hidden is 0; it must be a whole number of at least 1
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} is {value!r}; it must be a whole number of at least {least}")
    if not least <= value < 2**62:
        raise ValueError(f"{name} is {value}; it must be a whole number of at least {least}")
    return int(value)


def number(name: str, value: Any, least: float) -> float:
    """Return a finite number of at least `least`.

    Parameters
    ----------
    name
        What to call it in an error.
    value
        What was passed.
    least
        The smallest value allowed.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} is {value!r}; it must be a number of at least {least:g}")
    if not (value >= least and np.isfinite(value)):
        raise ValueError(f"{name} is {value}; it must be a finite number of at least {least:g}")
    return float(value)


def read_array(
    name: str, value: ArrayLike, shape: tuple[int | None, ...], dtype: np.dtype[Any], missing: bool = False
) -> np.ndarray:
    """Return `value` as a contiguous array of this shape and type.

    Parameters
    ----------
    name
        What to call it in an error.
    value
        What was passed. A plain number, or a column without its last axis, stands for a last axis of length 1.
    shape
        The shape wanted; None is any length.
    dtype
        float32 or float64.
    missing
        Whether a row (the last axis) may be all NaN, for a missing target.

    Raises
    ------
    TypeError
        If it is not made of numbers.
    ValueError
        If the shape is wrong, or a value is not finite in this type.
    """
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} has rows of different lengths; it must have the shape {_shape(shape)}") from None
    if missing and array.dtype == object:
        array = _without_none(name, array)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} holds {array.dtype} values ({_first(array)}); it must hold real numbers")
    if shape and shape[-1] == 1 and array.ndim == len(shape) - 1:
        array = array[..., None]
    if array.ndim != len(shape) or any(want not in (None, have) for want, have in zip(shape, array.shape, strict=True)):
        raise ValueError(f"{name} has the shape {array.shape}; it must be {_shape(shape)}")
    with np.errstate(over="ignore"):
        array = np.ascontiguousarray(array, dtype) if array.ndim else array.astype(dtype)
    absent = np.isnan(array).all(axis=-1, keepdims=True) if missing and array.ndim else np.zeros((), bool)
    good = np.isfinite(array) | absent
    if not good.all():
        where = tuple(int(index) for index in np.argwhere(~good)[0])
        place = f" at {list(where)}" if array.ndim else ""
        advice = "; a missing target is None or a whole row of NaN" if missing else ""
        raise ValueError(f"{name} is {array[where]}{place} (as {dtype}); it must be finite{advice}")
    return array


def read_weight(name: str, value: ArrayLike, views: Mapping[str, np.ndarray], dtype: np.dtype[Any]) -> np.ndarray:
    """Return a weight array in the shape of the one that it is to replace.

    Parameters
    ----------
    name
        Which weight.
    value
        What was passed.
    views
        The weights that there are.
    dtype
        float32 or float64.
    """
    if name not in views:
        raise ValueError(f"there is no weight {name!r}; this learner has {', '.join(views)}")
    array = np.asarray(value)
    if array.shape != views[name].shape:
        raise ValueError(f"{name} has the shape {array.shape}; it must be {views[name].shape}")
    return read_array(name, array, array.shape, dtype)


def _without_none(name: str, array: np.ndarray) -> np.ndarray:
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} holds {_first(array)}; it must hold real numbers") from None


def _first(array: np.ndarray) -> str:
    return f"for example {array.flat[0]!r}" if array.size else "none"


def _shape(shape: tuple[int | None, ...]) -> str:
    return (
        "a plain number"
        if not shape
        else f"({', '.join('T' if n is None else str(n) for n in shape)}{',' * (len(shape) == 1)})"
    )


def read_losses(clean: ArrayLike, noisy: ArrayLike, streams: int, replicas: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the losses of the clean copies (S, 1) and of the noisy ones (S, K).

    Parameters
    ----------
    clean, noisy
        What was passed: a number each, or with several streams and replicas ``(S,)`` and ``([S,] [K])``.
    streams, replicas
        How many there are.

    Raises
    ------
    TypeError, ValueError
        If one of them has the wrong shape or is not finite.
    """
    lead, tail = () if streams == 1 else (streams,), () if replicas == 1 else (replicas,)
    double = np.dtype(np.float64)
    of_clean, of_noisy = (
        read_array("loss_clean", clean, lead, double),
        read_array("loss_noisy", noisy, lead + tail, double),
    )
    return of_clean.reshape(streams, 1), of_noisy.reshape(streams, replicas)
