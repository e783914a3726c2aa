"""The type that an array of a learner has in compiled code.

It is Numba's array that is known to be contiguous and to be counted by nobody. What is done with arrays all the time,
to pass them, to index them by whole numbers, and to ask for their shape, takes Numba 30 instructions, which LLVM then
reduces to five; here it takes five. For all the rest it is an array like any other.
"""

import functools
import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import lower_builtin, lower_getattr, models, register_model
from numba.np.numpy_support import as_dtype

_INT = ir.IntType(64)
_NITEMS, _ITEMSIZE, _DATA, _SHAPE, _STRIDES = range(2, 7)


class Contiguous(types.Array):
    """The type of an array whose rows follow each other.

    Parameters
    ----------
    dtype
        Type of its numbers.
    ndim
        Number of its dimensions.
    readonly
        Whether it may not be written to.
    """

    def __init__(self, dtype: Any, ndim: int, readonly: bool = False) -> None:
        name = f"{'readonly ' if readonly else ''}contiguous({dtype}, {ndim}d)"
        super().__init__(dtype, ndim, "C", readonly, name)

    def copy(self, dtype: Any = None, ndim: Any = None, layout: Any = None, readonly: Any = None) -> Any:
        """Return the type of a part of the array."""
        return contiguous(super().copy(dtype, ndim, layout, readonly))


def contiguous(kind: Any) -> Any:
    """Return the type that a value has in compiled code which is held and so is contiguous where it is an array."""
    if isinstance(kind, types.Array) and kind.layout == "C":
        return Contiguous(kind.dtype, kind.ndim, not kind.mutable)
    return kind


def array(builder: Any, kind: Any, struct: Any, data: Any, shape: Any) -> Any:
    """Return code for an array of a type, which LLVM knows as `struct`, from its address and its lengths."""
    size = ir.Constant(_INT, as_dtype(kind.dtype).itemsize)
    fields = [ir.Constant(field, None) for field in struct.elements]
    fields[_ITEMSIZE] = size
    fields[_STRIDES] = ir.Constant(fields[_STRIDES].type, [ir.Constant(_INT, 0)] * (kind.ndim - 1) + [size])
    value: Any = ir.Constant(struct, fields)
    stride: Any = size
    for i in reversed(range(1, kind.ndim)):
        stride = builder.mul(stride, shape[i])
        value = builder.insert_value(value, stride, (_STRIDES, i - 1))
    for i, length in enumerate(shape):
        value = builder.insert_value(value, length, (_SHAPE, i))
    value = builder.insert_value(value, functools.reduce(builder.mul, shape), _NITEMS)
    return builder.insert_value(value, data, _DATA)


@register_model(Contiguous)
class _Model(models.ArrayModel):
    """An array that is passed as its address and its lengths."""

    def get_argument_type(self) -> Any:
        """Return the types that are passed."""
        struct = self.get_value_type()  # type: ignore[no-untyped-call]
        return (struct.elements[_DATA], *self.fe_type.ndim * (_INT,))

    def as_argument(self, builder: Any, value: Any) -> Any:
        """Return what is passed of a value."""
        shape = [builder.extract_value(value, (_SHAPE, i)) for i in range(self.fe_type.ndim)]
        return (builder.extract_value(value, _DATA), *shape)

    def from_argument(self, builder: Any, value: Any) -> Any:
        """Return the value of what was passed."""
        struct = self.get_value_type()  # type: ignore[no-untyped-call]
        return array(builder, self.fe_type, struct, value[0], value[1:])


def _usual(context: Any, function: Any, sig: Any) -> Any:
    """Return what Numba does with an array of any kind, for arguments of the types of a signature."""
    first = sig.args[0]
    kind = types.Array(first.dtype, first.ndim, "C", not first.mutable)
    return context.get_function(function, sig.replace(args=(kind, *sig.args[1:])))


def _indices(builder: Any, kind: Any, index: Any) -> list[tuple[Any, Any]] | None:
    """Return the whole numbers that an index consists of, and their types; None where they are something else."""
    several = isinstance(kind, types.BaseTuple)
    kinds, numbers = (list(kind), cgutils.unpack_tuple(builder, index)) if several else ([kind], [index])
    whole = all(isinstance(one, types.Integer) for one in kinds)
    return list(zip(kinds, numbers, strict=True)) if whole else None


def _place(context: Any, builder: Any, value: Any, indices: list[tuple[Any, Any]]) -> Any:
    """Return the address of what stands at the indices, and the lengths of the part of the array that begins there."""
    at, shape = ir.Constant(_INT, 0), cgutils.unpack_tuple(builder, builder.extract_value(value, _SHAPE))
    for i, length in enumerate(shape):
        at = builder.mul(at, length) if i else at
        if i < len(indices):
            kind, index = indices[i]
            index = context.cast(builder, index, kind, types.intp)
            if kind.signed:
                before = builder.icmp_signed("<", index, ir.Constant(_INT, 0))
                index = builder.select(before, builder.add(index, length), index)
            at = builder.add(at, index) if i else index
    return builder.gep(builder.extract_value(value, _DATA), (at,)), shape[len(indices) :]


@lower_builtin(operator.getitem, Contiguous, types.Integer)
@lower_builtin(operator.getitem, Contiguous, types.BaseTuple)
def _getitem(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    indices = _indices(builder, sig.args[1], args[1])
    if indices is None:
        return _usual(context, operator.getitem, sig)(builder, args)
    place, shape = _place(context, builder, args[0], indices)
    if shape:
        return array(builder, sig.return_type, context.get_value_type(sig.return_type), place, shape)
    return context.unpack_value(builder, sig.return_type, place)


@lower_builtin(operator.setitem, Contiguous, types.Any, types.Any)
def _setitem(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    kind, index, given = sig.args
    indices = _indices(builder, index, args[1])
    if indices is None or len(indices) < kind.ndim:
        return _usual(context, operator.setitem, sig)(builder, args)
    place, _ = _place(context, builder, args[0], indices)
    context.pack_value(builder, kind.dtype, context.cast(builder, args[2], given, kind.dtype), place)
    return context.get_dummy_value()


@lower_getattr(Contiguous, "shape")
def _shape(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    return builder.extract_value(value, _SHAPE)


@lower_getattr(Contiguous, "size")
def _size(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    return builder.extract_value(value, _NITEMS)
