"""The passes over a weight matrix: where the time goes.

Two rows are worked on together, so that what they share is loaded once. Whoever reads a weight for several purposes
does so while it is in the cache: callers hand over blocks of rows.
"""

from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from onlinernn.kernels.dispatch import FAST, INNER, LOOP, compiled, where_implemented
from onlinernn.kernels.rules import contraction


@compiled(**FAST)
def dot(a: Any, b: Any) -> Any:
    """Return the inner product of two vectors, in their own precision."""
    total = a.dtype.type(0)
    for j in range(a.size):
        total += a[j] * b[j]
    return total


@compiled(**FAST)
def total(a: Any) -> Any:
    """Return the sum of a vector; it is finite unless an entry is not (or the entries are absurd)."""
    result = a.dtype.type(0)
    for j in range(a.size):
        result += a[j]
    return result


def copy_row(target: Any, i: Any, source: Any, j: Any) -> None:
    """Copy row `j` of `source` to row `i` of `target`, as far as the shorter of them goes."""
    for k in range(min(source.shape[1], target.shape[1])):
        target[i, k] = source[j, k]


@intrinsic
def _move_row(context: Any, target: Any, i: Any, source: Any, j: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        to = cgutils.create_struct_proxy(target)(context, builder, args[0])
        of = cgutils.create_struct_proxy(source)(context, builder, args[2])
        _, width = cgutils.unpack_tuple(builder, to.shape)
        _, other = cgutils.unpack_tuple(builder, of.shape)
        count = builder.select(builder.icmp_signed("<", width, other), width, other)
        first = builder.gep(to.data, (builder.mul(args[1], width),))
        second = builder.gep(of.data, (builder.mul(args[3], other),))
        cgutils.raw_memmove(builder, first, second, count, to.itemsize)
        return context.get_dummy_value()

    return types.void(target, types.intp, source, types.intp), code


@overload(copy_row, jit_options=INNER)
def _copy_row(target: Any, i: Any, source: Any, j: Any) -> Any:
    # A dozen vectorised loops that do nothing but copy took a tenth of the time to compile.
    def move(target: Any, i: Any, source: Any, j: Any) -> None:
        _move_row(target, i, source, j)  # type: ignore[call-arg]

    alike = target.dtype == source.dtype and target.layout == source.layout == "C"
    return move if alike else copy_row


@compiled(**FAST)
def input_drive(A: Any, u: Any, out: Any) -> None:
    """``A u + b``, the part of the drive that all copies share."""
    for i in range(out.size):
        out[i] = 0
    for j in range(A.shape[0]):
        for i in range(out.size):
            out[i] += A[j, i] * u[j]


@compiled(**LOOP)
def multiply(rows: Any, lo: Any, a: Any, b: Any, out_a: Any, out_b: Any) -> None:
    """``out[lo + i] = rows_i . a`` and likewise with `b`: both copies share each read of a weight."""
    zero = rows.dtype.type(0)
    count, n = rows.shape
    for i in range(0, count - 1, 2):
        first_a, first_b, second_a, second_b = zero, zero, zero, zero
        for j in range(n):
            first_a += rows[i, j] * a[j]
            first_b += rows[i, j] * b[j]
            second_a += rows[i + 1, j] * a[j]
            second_b += rows[i + 1, j] * b[j]
        out_a[lo + i], out_b[lo + i] = first_a, first_b
        out_a[lo + i + 1], out_b[lo + i + 1] = second_a, second_b
    if count % 2 == 1:
        i = count - 1
        out_a[lo + i], out_b[lo + i] = dot(rows[i], a), dot(rows[i], b)


@compiled(**LOOP)
def learn(rows: Any, lo: Any, signal: Any, pre: Any) -> None:
    """``rows_i -= signal[lo + i] pre``: the rank-1 update."""
    for i in range(rows.shape[0]):
        c = signal[lo + i]
        for j in range(rows.shape[1]):
            rows[i, j] -= c * pre[j]


def _all(rule: Any, weight: Any, share: Any) -> Any:
    return weight


@where_implemented(contraction, otherwise=_all)
def kept(rule: Any, weight: Any, share: Any) -> Any:
    """Return what is left of a recurrent weight, where the rule shrinks them."""
    return share * weight


def _no_shrinking(rule: Any, rows: Any, share: Any) -> None:
    pass


@where_implemented(contraction, otherwise=_no_shrinking)
def shrink(rule: Any, rows: Any, share: Any) -> None:
    """``rows *= share``, where the rule shrinks the recurrent weights."""
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            rows[i, j] *= share


@compiled(**LOOP)
def learn_and_multiply(
    rule: Any, rows: Any, lo: Any, share: Any, signal: Any, pre: Any, a: Any, b: Any, out_a: Any, out_b: Any
) -> None:
    """Keep a `share` of the weights, learn the rank-1 update, and :func:`multiply` by the new weights, in one pass."""
    zero = rows.dtype.type(0)
    count, n = rows.shape
    for i in range(0, count - 1, 2):
        first, second = signal[lo + i], signal[lo + i + 1]
        first_a, first_b, second_a, second_b = zero, zero, zero, zero
        for j in range(n):
            w = kept(rule, rows[i, j], share) - first * pre[j]
            v = kept(rule, rows[i + 1, j], share) - second * pre[j]
            rows[i, j] = w
            rows[i + 1, j] = v
            first_a += w * a[j]
            first_b += w * b[j]
            second_a += v * a[j]
            second_b += v * b[j]
        out_a[lo + i], out_b[lo + i] = first_a, first_b
        out_a[lo + i + 1], out_b[lo + i + 1] = second_a, second_b
    if count % 2 == 1:
        i = count - 1
        shrink(rule, rows[i:], share)
        learn(rows[i:], lo + i, signal, pre)
        out_a[lo + i], out_b[lo + i] = dot(rows[i], a), dot(rows[i], b)


@compiled(**LOOP)
def multiply_transposed(rows: Any, lo: Any, a: Any, out: Any) -> None:
    """``out += rows^T a[lo : lo + len(rows)]``."""
    count, n = rows.shape
    for i in range(0, count - 1, 2):
        first, second = a[lo + i], a[lo + i + 1]
        for j in range(n):
            out[j] += first * rows[i, j] + second * rows[i + 1, j]
    if count % 2 == 1:
        last = a[lo + count - 1]
        for j in range(n):
            out[j] += last * rows[count - 1, j]
