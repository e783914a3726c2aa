"""Rows of integers, 32 numbers at a time: inner products and updates that the compiler would not make so fast itself.

It computes products of 16-bit numbers in 32 bits and more, a number at a time or eight. What stands here says which
half of a product is wanted, and that the sum of two products of symmetric 16-bit numbers fits into 32 bits. Each
function has its meaning beside it in plain Python, which is what runs with the JIT off.
"""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from onlinernn.kernels.dispatch import FOLDED, LOOP, compiled

I16, I32, I64 = np.int16, np.int32, np.int64

#: How many numbers are worked on together.
LANES = 32


#: So many columns can be summed in 32 bits: see :class:`_FourSums`.
CHUNK = 1024


def sums(rows: Any, others: Any) -> Any:
    """Return the inner products of `rows` of integers within ``+-(2^15 - 1)`` with all `others`, exactly, in 64 bits.

    First come those of the first row.
    """
    return tuple(I64(np.dot(w.astype(np.int64), a.astype(np.int64))) for w in rows for a in others)


@overload(sums, jit_options=FOLDED)
def _sums(rows: Any, others: Any) -> Any:
    def total(rows: Any, others: Any) -> Any:
        return _lanes(rows, others, ())  # type: ignore[call-arg]

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


def change_and_sum(
    rows: Any, others: Any, c: Any, pre: Any, low: Any, high: Any, words: Any, bits: Any, bound: Any
) -> Any:
    """:func:`change_each` of some `rows`, then the :func:`sums` of the new ones with `others`.

    `c` has one number for each row, `words` its two halves. Many numbers are worked on at a time where `bits` is 16 or
    more: the lower half of a sum only carries then.
    """
    for k in range(len(rows)):
        change_each(rows[k], c[k], pre, low, high, words[k][0], words[k][1], bits, bound)
    return sums(rows, others)


@overload(change_and_sum, jit_options=FOLDED)
def _change_and_sum(
    rows: Any, others: Any, c: Any, pre: Any, low: Any, high: Any, words: Any, bits: Any, bound: Any
) -> Any:
    def change(rows: Any, others: Any, c: Any, pre: Any, low: Any, high: Any, words: Any, bits: Any, bound: Any) -> Any:
        if bits >= 16:
            return _lanes(rows, others, (c, pre, low, high, words, I16(bits - 16), I16(bound)))  # type: ignore[call-arg]
        for k in range(len(rows)):
            change_each(rows[k], c[k], pre, low, high, words[k][0], words[k][1], bits, bound)
        return _lanes(rows, others, ())  # type: ignore[call-arg]

    return change


def sum_columns(matrix: Any, factors: Any, out: Any, shift: Any, top: Any) -> None:
    """``out_i <- clamp(floor(sum_j matrix_ji factors_j / 2^shift + 1/2), top)``, exactly, in 64 bits.

    Numbers of `matrix` and of `factors` have at most 16 bits, `top` fits into those of `out`.
    """
    half = (I64(1) << I64(shift)) >> I64(1)
    for i in range(out.size):
        total = half
        for j in range(factors.size):
            total += I64(matrix[j, i]) * I64(factors[j])
        out[i] = min(max(total >> I64(shift), -I64(top)), I64(top))


@overload(sum_columns, jit_options=FOLDED)
def _sum_columns(matrix: Any, factors: Any, out: Any, shift: Any, top: Any) -> Any:
    def total(matrix: Any, factors: Any, out: Any, shift: Any, top: Any) -> None:
        _columns(matrix, factors, out, I64(shift), I64(top))  # type: ignore[call-arg]

    return total


class _Row:
    """A row in memory, or all of a matrix, of which many numbers are read and written at once, some under a mask."""

    def __init__(self, context: Any, builder: Any, array: Any, value: Any) -> None:
        struct = cgutils.create_struct_proxy(array)(context, builder, value)
        self.builder, self.data, self.bits = builder, struct.data, array.dtype.bitwidth
        self.size = cgutils.unpack_tuple(builder, struct.shape)[-1]

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


def _for_lanes(builder: Any, first: Any, end: Any, body: Callable[[Any, Any], None]) -> None:
    """Emit a loop over blocks of LANES numbers, and `body` once more, under a mask, for what is left."""
    whole = builder.add(first, builder.and_(builder.sub(end, first), ir.Constant(end.type, -LANES)))
    with cgutils.for_range_slice(builder, first, whole, ir.Constant(end.type, LANES)) as (j, _):
        body(j, None)
    with builder.if_then(builder.icmp_signed("<", whole, end)):
        numbers = ir.Constant(_vector(64), list(range(LANES)))
        body(whole, builder.icmp_signed("<", numbers, _spread(builder, builder.sub(end, whole))))


class _FourSums:
    """Four sums of products w a in 32 bits.

    Of each its remainder modulo 2^32 and the sum of the w (a >> 8) are kept, in vectors of which an entry gets two
    products of a block. A w (a & 255) is below 2^23, so that 256 times the second one and what fits into 32 bits of the
    first make the sum, even of four entries together and for so many columns: 2^23 * 2 * 4 * CHUNK / LANES = 2^31.
    """

    def __init__(self, builder: Any) -> None:
        self.builder, self.nothing = builder, ir.Constant(_vector(32, LANES // 2), None)
        self.total = cgutils.alloca_once_value(builder, ir.Constant(_vector(64, 4), None))
        self.parts = [[cgutils.alloca_once_value(builder, self.nothing) for _ in range(2)] for _ in range(4)]

    def add(self, k: int, w: Any, a: Any, high: Any) -> None:
        """Add the products of two vectors to sum `k`; `high` is ``a >> 8``."""
        for part, factor in zip(self.parts[k], (a, high), strict=True):
            pairs = _sum_of_pairs(self.builder, w, factor)
            self.builder.store(self.builder.add(self.builder.load(part), pairs), part)

    def widen(self) -> None:
        """Add what has been summed to the totals."""
        builder, half = self.builder, LANES // 2
        rest, high = (self._together([builder.load(of[k]) for of in self.parts]) for k in range(2))
        low = builder.sub(rest, builder.shl(high, _same(32, 8, half)))
        found = builder.shl(builder.sext(high, _vector(64, half)), _same(64, 8, half))
        found = builder.add(found, builder.sext(low, _vector(64, half)))
        for size in (half // 2, half // 4):
            lower, upper = (ir.Constant(_vector(32, size), list(range(k, k + size))) for k in (0, size))
            found = builder.add(*(builder.shuffle_vector(found, found, part) for part in (lower, upper)))
        builder.store(builder.add(builder.load(self.total), found), self.total)
        for part in itertools.chain(*self.parts):
            builder.store(self.nothing, part)

    def _together(self, vectors: Any) -> Any:
        """Return a vector with entries of the four in turn, each the sum of four neighbours of its own."""
        half = LANES // 2
        for order in ((0, half, 1, half + 1), (0, 1, half, half + 1)):
            lower, upper = (
                ir.Constant(_vector(32, half), [start + k + at for start in range(0, half, 4) for at in order])
                for k in (0, 2)
            )
            vectors = [
                self.builder.add(*(self.builder.shuffle_vector(x, y, part) for part in (lower, upper)))
                for x, y in zip(vectors[::2], vectors[1::2], strict=True)
            ]
        return vectors[0]


def _sum_of_pairs(builder: Any, a: Any, b: Any) -> Any:
    """Return ``a_0 b_0 + a_1 b_1, ...`` of two vectors in 32 bits: one instruction of many processors."""
    products = builder.mul(builder.sext(a, _vector(32)), builder.sext(b, _vector(32)))
    even, odd = (
        builder.shuffle_vector(products, products, ir.Constant(_vector(32, LANES // 2), list(range(k, LANES, 2))))
        for k in (0, 1)
    )
    return builder.add(even, odd)


class _Change:
    """What is taken off rows, as vectors: see :func:`change_each`."""

    def __init__(self, context: Any, builder: Any, kinds: Any, values: Any) -> None:
        self.builder = builder
        c, pre, low, high, words, shift, bound = cgutils.unpack_tuple(builder, values)
        self.shared = [_Row(context, builder, *both) for both in zip(kinds[1:4], (pre, low, high), strict=True)]
        self.by, self.most = _spread(builder, shift), _spread(builder, bound)
        self.least = builder.neg(self.most)
        self.signals = [_spread(builder, one) for one in cgutils.unpack_tuple(builder, c)]
        self.words = [
            [_spread(builder, half) for half in cgutils.unpack_tuple(builder, word)]
            for word in cgutils.unpack_tuple(builder, words)
        ]
        one = ir.FunctionType(_vector(16).element, (_vector(16).element,))
        # Where LLVM knows that it adds 1, it makes three operations of an addition under a mask.
        self.one = _spread(builder, builder.asm(one, "", "=r,0", (ir.Constant(one.return_type, 1),), False))

    def of_row(self, k: Any, w: Any, x: Any, low: Any, high: Any) -> Any:
        """Return the new weights of row `k`, where `x`, `low` and `high` are what all rows share."""
        builder, signal = self.builder, self.signals[k]
        lower = builder.mul(signal, x)
        product = builder.mul(builder.sext(signal, _vector(32)), builder.sext(x, _vector(32)))
        upper = builder.trunc(builder.lshr(product, _same(32, 16)), _vector(16))
        room = builder.xor(builder.not_(self.words[k][0]), low)  # for what the lower half of the word leaves
        carry = builder.select(builder.icmp_unsigned(">", lower, room), self.one, ir.Constant(_vector(16), None))
        upper = builder.add(builder.add(upper, builder.xor(self.words[k][1], high)), carry)
        minus = _llvm(builder, f"ssub.sat.v{LANES}i16", _vector(16), (_vector(16), _vector(16)))
        w = builder.call(minus, (w, builder.ashr(upper, self.by)))
        w = builder.select(builder.icmp_signed("<", w, self.most), w, self.most)
        return builder.select(builder.icmp_signed(">", w, self.least), w, self.least)


@intrinsic
def _lanes(context: Any, rows: Any, others: Any, change: Any) -> Any:
    """Change `rows`, unless `change` is empty, and return their sums with `others`, in one loop over blocks."""
    count = len(rows) * len(others)

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        weights, factors = (
            [_Row(context, builder, *each) for each in zip(kinds.types, cgutils.unpack_tuple(builder, of), strict=True)]
            for kinds, of in zip((rows, others), args[:2], strict=True)
        )
        changing = _Change(context, builder, change.types, args[2]) if len(change) else None
        totals = _FourSums(builder)

        def body(j: Any, mask: Any) -> None:
            shared = [one.load(j, mask) for one in changing.shared] if changing else []
            of = [row.load(j, mask) for row in weights]
            if changing:
                of = [changing.of_row(i, w, *shared) for i, w in enumerate(of)]
                for row, w in zip(weights, of, strict=True):
                    row.store(w, j, mask)
            for k, factor in enumerate(factors):
                a = factor.load(j, mask)
                high = builder.ashr(a, _same(16, 8))
                for i, w in enumerate(of):
                    totals.add(i * len(factors) + k, w, a, high)

        size, step = weights[0].size, ir.Constant(weights[0].size.type, CHUNK)
        with cgutils.for_range_slice(builder, ir.Constant(size.type, 0), size, step) as (first, _):
            end = builder.add(first, step)
            _for_lanes(builder, first, builder.select(builder.icmp_signed("<", end, size), end, size), body)
            totals.widen()
        four = builder.load(totals.total)
        found = [builder.extract_element(four, ir.Constant(ir.IntType(32), k)) for k in range(count)]
        return context.make_tuple(builder, signature.return_type, found)

    return types.UniTuple(types.int64, count)(rows, others, change), code


@intrinsic
def _columns(context: Any, matrix: Any, factors: Any, out: Any, shift: Any, top: Any) -> Any:
    """Do what :func:`sum_columns` says, a block of columns at a time."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        weights, factor, drives = (
            _Row(context, builder, kind, value) for kind, value in zip(signature.args[:3], args[:3], strict=True)
        )
        shift, top = args[3:]
        half = builder.ashr(builder.shl(ir.Constant(shift.type, 1), shift), ir.Constant(shift.type, 1))
        start, by, most = (_spread(builder, one) for one in (half, shift, top))
        least = builder.neg(most)
        total = cgutils.alloca_once(builder, _vector(64))

        def body(i: Any, mask: Any) -> None:
            builder.store(start, total)
            with cgutils.for_range(builder, factor.size) as each:
                w = weights.load(builder.add(builder.mul(each.index, weights.size), i), mask, 32)
                one = builder.sext(builder.load(builder.gep(factor.data, (each.index,))), w.type.element)
                product = builder.sext(builder.mul(w, _spread(builder, one)), _vector(64))
                builder.store(builder.add(builder.load(total), product), total)
            found = builder.ashr(builder.load(total), by)
            found = builder.select(builder.icmp_signed("<", found, most), found, most)
            found = builder.select(builder.icmp_signed(">", found, least), found, least)
            drives.store(builder.trunc(found, _vector(drives.bits)), i, mask)

        _for_lanes(builder, ir.Constant(drives.size.type, 0), drives.size, body)
        return context.get_dummy_value()

    return types.void(matrix, factors, out, shift, top), code
