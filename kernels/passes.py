"""The passes over a weight matrix: where the time goes.

Four rows are worked on together, and up to four copies, so that what they share is loaded once; where fewer rows are
left, the last is done more than once. Whoever reads a weight for several purposes does so while it is in the cache:
callers hand over blocks of rows.
"""

from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from onlinernn.kernels.decorrelation import LEAST, growth, mixing
from onlinernn.kernels.dispatch import FAST, INNER, LOOP, compiled, distinct, where_implemented
from onlinernn.kernels.rules import contraction
from onlinernn.kernels.vectors import MANY_REGISTERS, sweep


@compiled(**FAST)
def dot(a: Any, b: Any) -> Any:
    """Return the inner product of two vectors, in their own precision."""
    return sweep(a, (0,), (), (), (), (b,), (), (), None)[0]


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
    for first in range(0, lane, 4 * step):
        multiply_four(rows, lo, x, out, first, step)
    if lane + step < lanes:
        multiply(rows, lo, x[lane], x[lane + step], out[lane], out[lane + step])
    elif lane < lanes:
        multiply_one(rows, lo, x[lane], out[lane])


@compiled(**FAST)
def four(rows: Any, i: Any) -> Any:
    """Return the numbers of four rows from `i` on; where there are fewer, the last stands there more than once."""
    last = rows.shape[0] - 1
    return i, min(i + 1, last), min(i + 2, last), min(i + 3, last)


@compiled(**FAST)
def _once(which: Any, values: Any, again: Any) -> Any:
    """Return the values of four rows, but `again` for those that stand there again."""
    i, k, p, q = which
    a, b, c, d = values
    return a, b if k > i else again, c if p > k else again, d if q > p else again


@compiled(**FAST)
def _of_each(values: Any, lo: Any, which: Any) -> Any:
    """Return the values of four rows from number `lo` on, 0 for those that stand there again."""
    i, k, p, q = which
    return _once(which, (values[lo + i], values[lo + k], values[lo + p], values[lo + q]), values.dtype.type(0))


@compiled(**FAST)
def _put(sums: Any, lo: Any, which: Any, out_a: Any, out_b: Any) -> None:
    """Write what four rows make of two copies."""
    i, k, p, q = which
    out_a[lo + i], out_b[lo + i], out_a[lo + k], out_b[lo + k] = sums[:4]
    out_a[lo + p], out_b[lo + p], out_a[lo + q], out_b[lo + q] = sums[4:]


@compiled(**LOOP)
def multiply_one(rows: Any, lo: Any, a: Any, out_a: Any) -> None:
    """``out_a[lo + i] = rows_i . a``."""
    for i in range(rows.shape[0]):
        out_a[lo + i] = sweep(rows, (i,), (), (), (), (a,), (), (), None)[0]


@compiled(**LOOP)
def multiply_four(rows: Any, lo: Any, x: Any, out: Any, lane: Any, step: Any) -> None:
    """:func:`multiply_lanes` for three or four lanes from `lane` on: 16 sums of 4 rows stay in registers.

    Where there are fewer lanes, the last is done more than once.
    """
    second, third = lane + step, lane + 2 * step
    fourth = third + step if third + step < x.shape[0] else third
    lanes = x[lane], x[second], x[third], x[fourth]
    for i in range(0, rows.shape[0], 4):
        which = four(rows, i)
        sums = sweep(rows, which, (), (), (), lanes, (), (), None)
        i_a, i_b, i_c, i_d, k_a, k_b, k_c, k_d, p_a, p_b, p_c, p_d, q_a, q_b, q_c, q_d = sums
        _put((i_a, i_b, k_a, k_b, p_a, p_b, q_a, q_b), lo, which, out[lane], out[second])
        _put((i_c, i_d, k_c, k_d, p_c, p_d, q_c, q_d), lo, which, out[third], out[fourth])


@compiled(**LOOP)
def multiply(rows: Any, lo: Any, a: Any, b: Any, out_a: Any, out_b: Any) -> None:
    """``out[lo + i] = rows_i . a`` and likewise with `b`: both copies share each read of a weight."""
    for i in range(0, rows.shape[0], 4):
        which = four(rows, i)
        _put(sweep(rows, which, (), (), (), (a, b), (), (), None), lo, which, out_a, out_b)


@compiled(**LOOP)
def learn(rows: Any, lo: Any, signal: Any, pre: Any) -> None:
    """``rows_i -= signal[lo + i] pre``: the rank-1 update."""
    for i in range(0, rows.shape[0], 4):
        which = four(rows, i)
        sweep(rows, which, (), _of_each(signal, lo, which), (pre,), (), (), (), None)


@compiled(**LOOP)
def learn_streams(rows: Any, lo: Any, signal: Any, pre: Any, first: Any) -> None:
    """``rows_i -= sum_s signal[s, lo + i] pre[first + s]``: the update from all streams, four of them at a time.

    What is missing of the last four is learnt from the last stream, with a signal of zero.
    """
    streams, zero = signal.shape[0], signal.dtype.type(0)
    nothing = zero, zero, zero, zero
    for s in range(0, streams, 4):
        t, u, v = min(s + 1, streams - 1), min(s + 2, streams - 1), min(s + 3, streams - 1)
        factors = pre[first + s], pre[first + t], pre[first + u], pre[first + v]
        for i in range(0, rows.shape[0], 4):
            which = four(rows, i)
            a, b = _of_each(signal[s], lo, which), _of_each(signal[t], lo, which) if t > s else nothing
            c = _of_each(signal[u], lo, which) if u > t else nothing
            d = _of_each(signal[v], lo, which) if v > u else nothing
            sweep(rows, which, (), a + b + c + d, factors, (), (), (), None)


def _all(rule: Any, which: Any, share: Any) -> Any:
    return ()


@where_implemented(contraction, otherwise=_all)
def kept(rule: Any, which: Any, share: Any) -> Any:
    """Return what is kept of four rows of recurrent weights, where the rule shrinks them."""
    return _once(which, (share, share, share, share), type(share)(1))


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
    for i in range(0, rows.shape[0], 4):
        which = four(rows, i)
        sums = sweep(rows, which, kept(rule, which, share), _of_each(signal, lo, which), (pre,), (a, b), (), (), None)
        _put(sums, lo, which, out_a, out_b)


@compiled(**FAST)
def _share(spec: Any, row: Any, s: Any, rate: Any) -> Any:
    """Return the share of a `row` of D that is kept in a step with the activity `s`."""
    real = row.dtype.type
    return max(real(1) + rate * real(growth(spec, s, row)), real(LEAST))


@compiled(**FAST)
def _keep(spec: Any, rows: Any, lo: Any, which: Any, s: Any, rate: Any) -> Any:
    i, k, p, q = which
    first, second = _share(spec, rows[i], s[lo + i], rate), _share(spec, rows[k], s[lo + k], rate)
    third, fourth = _share(spec, rows[p], s[lo + p], rate), _share(spec, rows[q], s[lo + q], rate)
    return _once(which, (first, second, third, fourth), rows.dtype.type(1))


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

    There is at least one row. What four rows add to `out` is added while the next four come from memory, which takes
    longer, where the processor has registers for so much.
    """
    rate, part, zero = rates[0, 0], rows.dtype.type(mixing(spec)) * rates[0, 0], rows.dtype.type(0)
    last, gain = (0, 0, 0, 0), (zero, zero, zero, zero)
    for i in range(0, rows.shape[0], 4):
        which = four(rows, i)
        a_i, a_k, a_p, a_q = _of_each(s[0], lo, which)
        signal = part * a_i, part * a_k, part * a_p, part * a_q
        keep = _keep(spec, rows, lo, which, s[0], rate)
        if MANY_REGISTERS:
            sums = sweep(rows, which, keep, signal, (q[0],), (a, b), last, gain, out)
        else:
            sums = sweep(rows, which, keep, signal, (q[0],), (a, b), (), (), None)
        _put(sums, lo, which, out_a, out_b)
        last, gain = which, _of_each(out_a, lo, which)
        if not MANY_REGISTERS:
            sweep(rows, (), (), (), (), (), last, gain, out)
    if MANY_REGISTERS:
        sweep(rows, (), (), (), (), (), last, gain, out)


@compiled(**LOOP)
def multiply_transposed(rows: Any, lo: Any, a: Any, out: Any) -> None:
    """``out += rows^T a[lo : lo + len(rows)]``."""
    for i in range(0, rows.shape[0], 4):
        which = four(rows, i)
        sweep(rows, (), (), (), (), (), which, _of_each(a, lo, which), out)
