"""Passing many values to compiled code at once: one address in place of an object for each.

Numba takes a tuple apart whenever Python passes it, 20 ns a number and 60 ns an array: for a specification and the
arrays of a learner as long as half a step of a hundred neurons. So they are laid out in memory once, and compiled code
loads those it needs. A named tuple stays where it is: what takes it takes its address, and loads a field where it uses
it. Functions of five values compile in half the time of functions of five hundred, and so do those that call them.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import typeof, types
from numba.core import cgutils
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    NativeValue,
    infer_getattr,
    lower_builtin,
    lower_getattr_generic,
    models,
    register_model,
    type_callable,
    typeof_impl,
    unbox,
)

from onlinernn.kernels.contiguous import array, contiguous


class Held(int):
    """The address of a value, nested tuples of numbers and contiguous arrays, laid out in memory.

    Parameters
    ----------
    value
        The tuple; a :class:`Held` in it stands for its own value, and is not laid out again.

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


class FieldsType(types.Type):
    """The type of a named tuple of the type `value` that stays where a :class:`Held` has it."""

    def __init__(self, value: Any) -> None:
        self.value = value
        super().__init__(name=f"Fields({value})")

    @property
    def mangling_args(self) -> tuple[str, tuple[()]]:
        """The name in those of functions, which need no other to differ."""
        return "Fields", ()


register_model(HeldType)(models.OpaqueModel)
register_model(FieldsType)(models.OpaqueModel)


@typeof_impl.register(Held)
def _typeof(held: Any, context: Any) -> Any:
    return HeldType(typeof(held.value))


@unbox(HeldType)
def _unbox(kind: Any, held: Any, context: Any) -> Any:
    return NativeValue(context.pyapi.long_as_voidptr(held))


def released(held: Any) -> Any:
    """Return the value of a :class:`Held`."""
    value = held.value
    if Held in map(type, value):
        return tuple(released(one) if isinstance(one, Held) else one for one in value)
    return value


def _is_tuple(kind: Any) -> bool:
    return isinstance(kind, types.BaseTuple)


def _words(kind: Any) -> int:
    """Return how many words a value takes."""
    if _is_tuple(kind):
        return sum(_words(field) for field in kind)
    return 1 + kind.ndim if isinstance(kind, types.Array) else 1


def _load(context: Any, builder: Any, words: Any, kind: Any, at: int = 0) -> Any:
    """Return code for the value of a type that starts at word number `at`."""

    def word(i: int) -> Any:
        loaded = builder.load(cgutils.gep_inbounds(builder, words, at + i))
        loaded.set_metadata("invariant.load", builder.module.add_metadata([]))  # nothing writes while kernels run
        return loaded

    if _is_tuple(kind):
        fields = []
        for field in kind:
            fields.append(_load(context, builder, words, field, at))
            at += _words(field)
        return context.make_tuple(builder, kind, fields)
    if isinstance(kind, types.Array):
        data = builder.inttoptr(word(0), context.get_data_type(kind.dtype).as_pointer())
        return array(builder, kind, context.get_value_type(kind), data, [word(1 + i) for i in range(kind.ndim)])
    if isinstance(kind, types.Float):
        return builder.bitcast(word(0), context.get_value_type(kind))
    return context.cast(builder, word(0), types.int64, kind)


def _in_place(kind: Any) -> Any:
    """Return the type that a held value has in compiled code."""
    if isinstance(kind, HeldType):
        return _in_place(kind.value)
    if isinstance(kind, types.BaseNamedTuple):
        return FieldsType(kind)
    return types.Tuple([_in_place(field) for field in kind]) if _is_tuple(kind) else contiguous(kind)


@infer_getattr
class _FieldsAttributes(AttributeTemplate):
    key = FieldsType

    def generic_resolve(self, fields: Any, name: str) -> Any:  # type: ignore[override]
        """Return the type of a field."""
        named = fields.value
        return contiguous(list(named)[named.fields.index(name)]) if name in named.fields else None


@lower_getattr_generic(FieldsType)
def _field(context: Any, builder: Any, fields: Any, address: Any, name: str) -> Any:
    named = list(fields.value)
    number = fields.value.fields.index(name)
    words = builder.bitcast(address, ir.IntType(64).as_pointer())
    return _load(context, builder, words, named[number], sum(_words(field) for field in named[:number]))


@type_callable(released)
def _type_of_released(context: Any) -> Any:
    return lambda held: _in_place(held.value)


@lower_builtin(released, HeldType)
def _release(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    def value(words: Any, kind: Any, at: int) -> Any:
        if isinstance(kind, HeldType):
            address = _load(context, builder, words, types.int64, at)
            return value(builder.inttoptr(address, words.type), kind.value, 0)
        if isinstance(kind, types.BaseNamedTuple):
            return builder.bitcast(cgutils.gep_inbounds(builder, words, at), args[0].type)
        if not _is_tuple(kind):
            return _load(context, builder, words, kind, at)
        fields = []
        for field in kind:
            fields.append(value(words, field, at))
            at += _words(field)
        return context.make_tuple(builder, _in_place(kind), fields)

    return value(builder.bitcast(args[0], ir.IntType(64).as_pointer()), sig.args[0].value, 0)
