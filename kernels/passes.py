"""The passes over a weight matrix: where the time goes.

Two or four rows are worked on together, and up to four copies, so that what they share is loaded once. Whoever reads
a weight for several purposes does so while it is in the cache: callers hand over blocks of rows.
"""

from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from onlinernn.kernels.decorrelation import LEAST, growth, learn_rows, mixing
from onlinernn.kernels.dispatch import FAST, INNER, LOOP, broad, compiled, distinct, where_implemented
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
    distinct()
    for i in range(out.size):
        out[i] = 0
    for j in range(A.shape[0]):
        for i in range(out.size):
            out[i] += A[j, i] * u[j]


@compiled(**LOOP)
def multiply_lanes(rows: Any, lo: Any, x: Any, out: Any, step: Any) -> None:
    """``out[lane, lo + i] = rows_i . x[lane]`` for every lane that is a multiple of `step`."""
    lanes = x.shape[0]
    lane = (lanes + 2 * step - 1) // (4 * step) * 4 * step
    for four in range(0, lane, 4 * step):
        multiply_four(rows, lo, x, out, four, step)
    if lane + step < lanes:
        multiply(rows, lo, x[lane], x[lane + step], out[lane], out[lane + step])
    elif lane < lanes:
        multiply_one(rows, lo, x[lane], out[lane])


@compiled(**LOOP)
def multiply_one(rows: Any, lo: Any, a: Any, out_a: Any) -> None:
    """``out_a[lo + i] = rows_i . a``."""
    distinct()
    for i in range(rows.shape[0]):
        out_a[lo + i] = dot(rows[i], a)


@compiled(**LOOP)
def multiply_four(rows: Any, lo: Any, x: Any, out: Any, lane: Any, step: Any) -> None:
    """:func:`multiply_lanes` for three or four lanes from `lane` on: 16 sums of 4 rows stay in registers.

    Where there are fewer rows or lanes, the last is done more than once.
    """
    distinct()
    broad()
    zero = rows.dtype.type(0)
    count, n = rows.shape
    other, third = lane + step, lane + 2 * step
    fourth = third + step if third + step < x.shape[0] else third
    a, b, c, d = x[lane], x[other], x[third], x[fourth]
    for i in range(0, count, 4):
        k, p, q = min(i + 1, count - 1), min(i + 2, count - 1), min(i + 3, count - 1)
        i_a, i_b, i_c, i_d = zero, zero, zero, zero
        k_a, k_b, k_c, k_d = zero, zero, zero, zero
        p_a, p_b, p_c, p_d = zero, zero, zero, zero
        q_a, q_b, q_c, q_d = zero, zero, zero, zero
        for j in range(n):
            of_i, of_k, of_p, of_q = rows[i, j], rows[k, j], rows[p, j], rows[q, j]
            i_a += of_i * a[j]
            i_b += of_i * b[j]
            i_c += of_i * c[j]
            i_d += of_i * d[j]
            k_a += of_k * a[j]
            k_b += of_k * b[j]
            k_c += of_k * c[j]
            k_d += of_k * d[j]
            p_a += of_p * a[j]
            p_b += of_p * b[j]
            p_c += of_p * c[j]
            p_d += of_p * d[j]
            q_a += of_q * a[j]
            q_b += of_q * b[j]
            q_c += of_q * c[j]
            q_d += of_q * d[j]
        out[lane, lo + i], out[other, lo + i], out[third, lo + i], out[fourth, lo + i] = i_a, i_b, i_c, i_d
        out[lane, lo + k], out[other, lo + k], out[third, lo + k], out[fourth, lo + k] = k_a, k_b, k_c, k_d
        out[lane, lo + p], out[other, lo + p], out[third, lo + p], out[fourth, lo + p] = p_a, p_b, p_c, p_d
        out[lane, lo + q], out[other, lo + q], out[third, lo + q], out[fourth, lo + q] = q_a, q_b, q_c, q_d


@compiled(**LOOP)
def multiply(rows: Any, lo: Any, a: Any, b: Any, out_a: Any, out_b: Any) -> None:
    """``out[lo + i] = rows_i . a`` and likewise with `b`: both copies share each read of a weight."""
    distinct()
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
    distinct()
    for i in range(rows.shape[0]):
        c = signal[lo + i]
        for j in range(rows.shape[1]):
            rows[i, j] -= c * pre[j]


@compiled(**LOOP)
def learn_streams(rows: Any, lo: Any, signal: Any, pre: Any, first: Any) -> None:
    """``rows_i -= sum_s signal[s, lo + i] pre[first + s]``: the update from all streams, four of them at a time.

    What is missing of the last four is learnt from the last stream, with a signal of zero.
    """
    distinct()
    broad()
    streams, count = signal.shape[0], rows.shape[0]
    last, zero = count // 2 * 2, signal.dtype.type(0)
    for s in range(0, streams, 4):
        t, u, v = min(s + 1, streams - 1), min(s + 2, streams - 1), min(s + 3, streams - 1)
        a, b, c, d = pre[first + s], pre[first + t], pre[first + u], pre[first + v]
        for i in range(0, last, 2):
            k = i + 1
            of_a, next_a = signal[s, lo + i], signal[s, lo + k]
            of_b, next_b = (signal[t, lo + i], signal[t, lo + k]) if t > s else (zero, zero)
            of_c, next_c = (signal[u, lo + i], signal[u, lo + k]) if u > t else (zero, zero)
            of_d, next_d = (signal[v, lo + i], signal[v, lo + k]) if v > u else (zero, zero)
            for j in range(rows.shape[1]):
                rows[i, j] -= (of_a * a[j] + of_b * b[j]) + (of_c * c[j] + of_d * d[j])
                rows[k, j] -= (next_a * a[j] + next_b * b[j]) + (next_c * c[j] + next_d * d[j])
    for s in range(streams):
        learn(rows[last:], lo + last, signal[s], pre[first + s])


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
    distinct()
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
def learn_and_mix(
    spec: Any,
    rows: Any,
    lo: Any,
    s: Any,
    q: Any,
    rates: Any,
    a: Any,
    b: Any,
    out_a: Any,
    out_b: Any,
    out: Any,
) -> None:
    """Apply the update of D to its `rows`, :func:`multiply` by the new ones, and ``out += rows^T out_a``, in one pass.

    What two rows add to `out` is added while the next two come from memory, which takes longer.
    """
    distinct()
    broad()
    real = rows.dtype.type
    zero, one = real(0), real(1)
    count, n = rows.shape
    rate, mix, old = rates[0, 0], real(mixing(spec)), q[0]
    start = min(count, 2 + count % 2)  # so that whole pairs follow a pair
    learn_rows(spec, rows[:start], lo, s, q, rates)
    multiply(rows[:start], lo, a, b, out_a, out_b)
    multiply_transposed(rows[: start - 2], lo, out_a, out)
    for i in range(start, count, 2):
        k = i + 1
        before, before_next = out_a[lo + i - 2], out_a[lo + i - 1]
        keep = max(one + rate * real(growth(spec, s[0, lo + i], rows[i])), real(LEAST))
        keep_next = max(one + rate * real(growth(spec, s[0, lo + k], rows[k])), real(LEAST))
        c, d = mix * rate * s[0, lo + i], mix * rate * s[0, lo + k]
        first_a, first_b, second_a, second_b = zero, zero, zero, zero
        for j in range(n):
            out[j] += before * rows[i - 2, j] + before_next * rows[i - 1, j]
            w = keep * rows[i, j] - c * old[j]
            v = keep_next * rows[k, j] - d * old[j]
            rows[i, j] = w
            rows[k, j] = v
            first_a += w * a[j]
            first_b += w * b[j]
            second_a += v * a[j]
            second_b += v * b[j]
        out_a[lo + i], out_b[lo + i] = first_a, first_b
        out_a[lo + k], out_b[lo + k] = second_a, second_b
    last = max(count - 2, 0)
    multiply_transposed(rows[last:], lo + last, out_a, out)


@compiled(**LOOP)
def multiply_transposed(rows: Any, lo: Any, a: Any, out: Any) -> None:
    """``out += rows^T a[lo : lo + len(rows)]``."""
    distinct()
    count, n = rows.shape
    whole = count // 4 * 4
    for i in range(0, whole, 4):
        first, second, third, fourth = a[lo + i], a[lo + i + 1], a[lo + i + 2], a[lo + i + 3]
        for j in range(n):
            out[j] += (first * rows[i, j] + second * rows[i + 1, j]) + (
                third * rows[i + 2, j] + fourth * rows[i + 3, j]
            )
    for i in range(whole, count):
        last = a[lo + i]
        for j in range(n):
            out[j] += last * rows[i, j]
