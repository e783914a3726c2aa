"""Passing many values to compiled code at once: one address in place of an object for each.

Numba takes a tuple apart whenever Python passes it, 20 ns a number and 60 ns an array: for a specification and the
arrays of a learner as long as half a step of a hundred neurons. So they are laid out in memory once, and compiled code
loads those it needs.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import typeof, types
from numba.core import cgutils
from numba.extending import NativeValue, intrinsic, models, overload, register_model, typeof_impl, unbox
from numba.np import arrayobj


class Held(int):
    """The address of a value, nested tuples of numbers and contiguous arrays, laid out in memory.

    Parameters
    ----------
    value
        The tuple.

    Examples
    --------
    >>> released(Held((1, (2.5, True))))
    (1, (2.5, True))
    """

    value: Any
    _words: np.ndarray

    def __new__(cls, value: Any) -> "Held":
        """Lay out `value`."""
        fields = list(_fields(value))
        words = np.zeros(len(fields), np.int64)
        for i, field in enumerate(fields):
            kind = np.float64 if isinstance(field, float) else np.uint64 if isinstance(field, np.uint64) else np.int64
            words.view(kind)[i] = field
        held = super().__new__(cls, words.ctypes.data)
        held.value, held._words = value, words
        return held


def _fields(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple):
        for field in value:
            yield from _fields(field)
    elif isinstance(value, np.ndarray):
        if not value.flags.c_contiguous:
            raise ValueError("an array that is held must be contiguous")
        yield from (value.ctypes.data, *value.shape)
    else:
        yield value


class HeldType(types.Type):
    """The type of a :class:`Held` whose value has the type `value`."""

    def __init__(self, value: Any) -> None:
        self.value, self.types = value, (value,)
        super().__init__(name=f"Held({value})")


register_model(HeldType)(models.OpaqueModel)


@typeof_impl.register(Held)
def _typeof(held: Any, context: Any) -> Any:
    return HeldType(typeof(held.value))


@unbox(HeldType)
def _unbox(kind: Any, held: Any, context: Any) -> Any:
    return NativeValue(context.pyapi.long_as_voidptr(held))


def released(held: Any) -> Any:
    """Return the value of a :class:`Held`."""
    return held.value


@intrinsic
def _load(context: Any, held: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        words, places = builder.bitcast(args[0], ir.IntType(64).as_pointer()), itertools.count()

        def word() -> Any:
            return builder.load(cgutils.gep_inbounds(builder, words, next(places)))

        def value(kind: Any) -> Any:
            if isinstance(kind, types.BaseTuple):
                return context.make_tuple(builder, kind, [value(field) for field in kind])  # type: ignore[attr-defined]
            if isinstance(kind, types.Array):
                return array(kind)
            if isinstance(kind, types.Float):
                return builder.bitcast(word(), context.get_value_type(kind))
            return context.cast(builder, word(), types.int64, kind)

        def array(kind: Any) -> Any:
            size = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
            data = builder.inttoptr(word(), context.get_data_type(kind.dtype).as_pointer())
            shape = [word() for _ in range(kind.ndim)]
            strides = [size]
            for length in shape[:0:-1]:
                strides.insert(0, builder.mul(strides[0], length))
            view = arrayobj.make_array(kind)(context, builder)
            arrayobj.populate_array(view, data=data, shape=shape, strides=strides, itemsize=size, meminfo=None)
            return view._getvalue()

        return value(held.value)

    return held.value(held), code


@overload(released)
def _released(held: Any) -> Any:
    def load(held: Any) -> Any:
        return _load(held)  # type: ignore[call-arg]

    return load
