"""Rows of integers, 32 numbers at a time: inner products and updates that the compiler would not make so fast itself.

It computes products of 16-bit numbers in 32 bits and more, a number at a time or eight. What stands here says which
half of a product is wanted, and that the sum of two products of symmetric 16-bit numbers fits into 32 bits. Each
function has its meaning beside it in plain Python, which is what runs with the JIT off.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from onlinernn.kernels.dispatch import INNER, LOOP, compiled

I16, I32, I64 = np.int16, np.int32, np.int64

#: How many numbers are worked on together.
LANES = 32


def exact_sum(w: Any, a: Any) -> Any:
    """Return the inner product of two rows of integers within ``+-(2^15 - 1)``, exactly, in 64 bits."""
    return I64(np.dot(w.astype(np.int64), a.astype(np.int64)))


@overload(exact_sum, jit_options=INNER)
def _exact_sum(w: Any, a: Any) -> Any:
    def total(w: Any, a: Any) -> Any:
        return _sum_of_lanes(w, a)  # type: ignore[call-arg]

    return total


@compiled(**LOOP)
def change_each(
    row: Any, c: Any, pre: Any, low: Any, high: Any, low_word: Any, high_word: Any, bits: Any, bound: Any
) -> None:
    """``w_j <- clamp(w_j - ((c pre_j + (word xor word_j)) >> bits), bound)``, where a word is ``high 2^16 + low``.

    `low` and `high` hold the halves of the words of all j as 16-bit integers, of which `low` counts without its sign.
    """
    c, bound = I32(c), I32(bound)
    for j in range(row.size):
        word = I32(I32(I32(high_word ^ high[j]) << 16) | I32(I32(low_word ^ low[j]) & 0xFFFF))
        total = I32(I32(c * I32(pre[j])) + word)
        row[j] = min(max(I32(I32(row[j]) - I32(total >> bits)), I32(-bound)), bound)


def change_row(
    row: Any, c: Any, pre: Any, low: Any, high: Any, low_word: Any, high_word: Any, bits: Any, bound: Any
) -> None:
    """:func:`change_each`, many at a time where `bits` is 16 or more: the lower half of a sum only carries then."""
    change_each(row, c, pre, low, high, low_word, high_word, bits, bound)


@overload(change_row, jit_options=INNER)
def _change_row(
    row: Any, c: Any, pre: Any, low: Any, high: Any, low_word: Any, high_word: Any, bits: Any, bound: Any
) -> Any:
    def change(
        row: Any, c: Any, pre: Any, low: Any, high: Any, low_word: Any, high_word: Any, bits: Any, bound: Any
    ) -> None:
        if bits >= 16:
            _change_lanes(row, I16(c), pre, low, high, I16(low_word), I16(high_word), I16(bits - 16), I16(bound))  # type: ignore[call-arg]
        else:
            change_each(row, c, pre, low, high, low_word, high_word, bits, bound)

    return change


class _Row:
    """A row in memory, of which many numbers are read and written at once, the last of them under a mask."""

    def __init__(self, context: Any, builder: Any, array: Any, value: Any) -> None:
        struct = cgutils.create_struct_proxy(array)(context, builder, value)
        self.builder, self.data, self.bits = builder, struct.data, array.dtype.bitwidth
        (self.size,) = cgutils.unpack_tuple(builder, struct.shape)

    def _at(self, j: Any) -> Any:
        return self.builder.bitcast(self.builder.gep(self.data, (j,)), _vector(self.bits).as_pointer())

    def load(self, j: Any, mask: Any, bits: int = 16) -> Any:
        """Return the numbers from `j` on, as signed ones of so many bits; where the mask is 0 they are 0."""
        kind = _vector(self.bits)
        if mask is None:
            found = self.builder.load(self._at(j), align=1)
        else:
            load = _llvm(
                self.builder,
                f"masked.load.v{LANES}i{self.bits}.p0",
                kind,
                (kind.as_pointer(), _BYTE.type, mask.type, kind),
            )
            found = self.builder.call(load, (self._at(j), _BYTE, mask, ir.Constant(kind, None)))
        return found if bits == self.bits else self.builder.sext(found, _vector(bits))

    def store(self, value: Any, j: Any, mask: Any) -> None:
        """Write the numbers from `j` on, where the mask is 1."""
        kind = _vector(self.bits)
        value = value if value.type == kind else self.builder.trunc(value, kind)
        if mask is None:
            self.builder.store(value, self._at(j), align=1)
        else:
            arguments = (kind, kind.as_pointer(), _BYTE.type, mask.type)
            store = _llvm(self.builder, f"masked.store.v{LANES}i{self.bits}.p0", ir.VoidType(), arguments)
            self.builder.call(store, (value, self._at(j), _BYTE, mask))


_BYTE = ir.Constant(ir.IntType(32), 1)


def _vector(bits: int, lanes: int = LANES) -> Any:
    return ir.VectorType(ir.IntType(bits), lanes)


def _same(bits: int, value: int, lanes: int = LANES) -> Any:
    return ir.Constant(_vector(bits, lanes), [value] * lanes)


def _spread(builder: Any, value: Any) -> Any:
    """Return a vector whose every entry is `value`."""
    kind, index = ir.VectorType(value.type, LANES), ir.Constant(ir.IntType(32), 0)
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), value, index)
    return builder.shuffle_vector(first, first, _same(32, 0))


def _llvm(builder: Any, name: str, result: Any, arguments: tuple[Any, ...]) -> Any:
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, arguments), f"llvm.{name}")


def _for_lanes(builder: Any, size: Any, body: Callable[[Any, Any], None]) -> None:
    """Emit a loop over blocks of LANES numbers, and `body` once more, under a mask, for what is left."""
    whole = builder.and_(size, ir.Constant(size.type, -LANES))
    step = ir.Constant(size.type, LANES)
    with cgutils.for_range_slice(builder, ir.Constant(size.type, 0), whole, step) as (j, _):
        body(j, None)
    with builder.if_then(builder.icmp_signed("<", whole, size)):
        numbers = ir.Constant(_vector(64), list(range(LANES)))
        body(whole, builder.icmp_signed("<", numbers, _spread(builder, builder.sub(size, whole))))


@intrinsic
def _sum_of_lanes(context: Any, w: Any, a: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        weights, other = (_Row(context, builder, *both) for both in zip((w, a), args, strict=True))
        half, quarter = LANES // 2, LANES // 4
        total = cgutils.alloca_once_value(builder, ir.Constant(_vector(64, quarter), None))

        def body(j: Any, mask: Any) -> None:
            products = builder.mul(weights.load(j, mask, 32), other.load(j, mask, 32))
            even, odd = (
                builder.shuffle_vector(products, products, ir.Constant(_vector(32, half), list(range(first, LANES, 2))))
                for first in (0, 1)
            )
            pairs = builder.bitcast(builder.add(even, odd), _vector(64, quarter))  # two sums of 32 bits in one of 64
            shift = _same(64, 32, quarter)
            upper, lower = builder.ashr(pairs, shift), builder.ashr(builder.shl(pairs, shift), shift)
            builder.store(builder.add(builder.load(total), builder.add(upper, lower)), total)

        _for_lanes(builder, weights.size, body)
        add = _llvm(builder, f"vector.reduce.add.v{quarter}i64", ir.IntType(64), (_vector(64, quarter),))
        return builder.call(add, (builder.load(total),))

    return types.int64(w, a), code


@intrinsic
def _change_lanes(
    context: Any,
    row: Any,
    c: Any,
    pre: Any,
    low: Any,
    high: Any,
    low_word: Any,
    high_word: Any,
    shift: Any,
    bound: Any,
) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        weights, before, lows, highs = (_Row(context, builder, signature.args[k], args[k]) for k in (0, 2, 3, 4))
        signal, below, above, by, most = (_spread(builder, args[k]) for k in (1, 5, 6, 7, 8))
        least, signal_32 = builder.neg(most), builder.sext(signal, _vector(32))
        minus = _llvm(builder, f"ssub.sat.v{LANES}i16", _vector(16), (_vector(16), _vector(16)))

        def body(j: Any, mask: Any) -> None:
            x = before.load(j, mask)
            lower = builder.mul(signal, x)
            product = builder.mul(signal_32, builder.sext(x, _vector(32)))
            upper = builder.trunc(builder.lshr(product, _same(32, 16)), _vector(16))
            total = builder.add(lower, builder.xor(below, lows.load(j, mask)))
            carry = builder.zext(builder.icmp_unsigned("<", total, lower), _vector(16))
            upper = builder.add(builder.add(upper, builder.xor(above, highs.load(j, mask))), carry)
            w = builder.call(minus, (weights.load(j, mask), builder.ashr(upper, by)))
            w = builder.select(builder.icmp_signed("<", w, most), w, most)
            weights.store(builder.select(builder.icmp_signed(">", w, least), w, least), j, mask)

        _for_lanes(builder, weights.size, body)
        return context.get_dummy_value()

    number = types.int16
    return types.void(row, number, pre, low, high, number, number, number, number), code
