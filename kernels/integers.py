"""A network of integers: what each step of the arithmetic does, exactly, where no number is a float.

``docs/fixed-point.md`` says the same in words, precise enough to write this engine in another language. Nothing here is
called by a floating-point network. Numba computes in 64 bits whatever it can: every result that is meant to have 32
bits is cast, or the passes over weights would be several times slower.
"""

from typing import Any, NamedTuple

import numpy as np

from onlinernn.kernels import noise, number
from onlinernn.kernels.dispatch import EXACT, LOOP, compiled, distinct
from onlinernn.kernels.layout import FROZEN_A, FROZEN_B, FROZEN_R, N_TALLY, TAUGHT
from onlinernn.kernels.number import Int16, Int64, Kinds
from onlinernn.kernels.wide import change_and_sum, sum_columns, sums

I16, I32, I64 = np.int16, np.int32, np.int64

#: Largest loss difference and largest learning signal.
DELTA_TOP, SIGNAL_TOP = I64(2**38 - 1), I64(2**15 - 1)

#: What stands for a target and for a loss that is not there.
NO_TARGET, NO_LOSS = I64(-(2**31)), I64(-(2**63))

#: Domain of the keys of the random words that updates are rounded by; those of noise.py and effects.py are others.
ROUNDING = 7

#: Further entries of the tally: values at a bound by what they are, learning signals that came out as 0, and of one row
#: of weights in each step that teaches the updates that are not 0, and those of them that rounding makes 0.
AT_DRIVE, AT_OUTPUT, AT_SIGNAL, AT_SIGNAL_OUT, AT_DELTA, LOST, LOST_OUT, UPDATES, LOST_UPDATES = range(
    N_TALLY, N_TALLY + 9
)
N_TALLY_INTEGERS = N_TALLY + 9


class Synapses(NamedTuple):
    """How the weights of one matrix are read and written."""

    shift: int  # from the scale of a product to that of a drive
    top: int  # of a drive
    change: int  # shift from the scale of signal times presynaptic factor to that of a weight
    bound: int  # of a weight
    columns: int  # where the random words of its columns begin
    width: int  # and how many there are
    rows: int  # where those of its rows begin
    height: int  # and how many there are


class Writing(NamedTuple):
    """:class:`Synapses` with the random words of the step."""

    shift: Any  # as for Synapses
    top: Any  # likewise
    change: Any  # likewise
    bound: Any  # likewise
    low_columns: Any  # (width,) lower halves of the words of columns, each word below 2^change
    high_columns: Any  # (width,) and their upper halves
    low_rows: Any  # (height,) likewise of the words of rows
    high_rows: Any  # (height,) likewise


class Integers(NamedTuple):
    """The number of a network of integers."""

    weights: Any  # formats, as in number.Kinds
    readout: Any  # of B and c
    activities: Any  # as R and B read them
    inputs: Any  # and the constant of b
    drives: Any  # and outputs, targets
    signals: Any  # 16 bits
    recurrent: Any  # Synapses
    input: Any  # Synapses of A and b
    output: Any  # Synapses of B and c
    top: int  # of drives and outputs
    one_input: int  # the constant of b
    one_readout: int  # and of c


@compiled(**EXACT)
def clamp(x: Any, top: Any) -> Any:
    """Hold an int64 within ``+-top``."""
    return min(max(I64(x), -I64(top)), I64(top))


@compiled(**EXACT)
def rounded(x: Any, bits: Any) -> Any:
    """``floor(x / 2^bits + 1/2)`` of an int64: to the nearest, halves up."""
    return (I64(x) + ((I64(1) << I64(bits)) >> I64(1))) >> I64(bits)


@compiled(**EXACT)
def loihi_decay(x: Any, d: Any) -> Any:
    """Decay of Loihi: ``x (4096 - d) / 4096`` towards zero; `d` has 12 bits (Lava, ``lif/models.py``)."""
    size = (abs(I64(x)) * (I64(4096) - I64(d))) >> I64(12)
    return size if x >= 0 else -size


@compiled(**EXACT)
def xylo_decay(v: Any, dash: Any) -> Any:
    """Decay of Xylo: ``v - (v >> dash)``, and by 1 where the shift leaves nothing of a v above 0: a linear tail.

    `dash` is in [0, 15] (Rockpool, ``lif_bitshift_torch.py``).
    """
    step = I64(v) >> I64(dash)
    return I64(v) - (I64(1) if step == 0 and v > 0 else step)


# The arrays.


@number.kinds.register(Integers)
def _kinds(number: Any) -> Any:
    return Kinds(
        number.weights,
        number.readout,
        number.activities,
        number.inputs,
        number.drives,
        number.signals,
        Int64(),
        Int16(0, 16),
    )


@number.constants.register(Integers)
def _constants(number: Any, bias: Any) -> Any:
    return (number.one_input, number.one_readout) if bias > 0 else (0, 0)


@number.words.register(Integers)
def _words(number: Any, n: Any, d: Any, m: Any, z: Any) -> Any:
    return 2 * (n + n + z + n + (d + 1) + m)  # each in two halves, all lower ones first


@number.draw_words.register(Integers)
def _draw_words(number: Any, rounding: Any, seed: Any, tick: Any) -> None:
    half = rounding.shape[1] // 2
    for s in range(rounding.shape[0]):
        base = noise.key(seed, tick, s, 0, ROUNDING)
        low, high = rounding[s, :half], rounding[s, half:]
        for of in (number.recurrent, number.input, number.output):
            for first, count in ((of.columns, of.width), (of.rows, of.height)):
                some = slice(first, first + count)
                _fill(noise.place_of(base, first), low[some], high[some], of.change)


@compiled(**LOOP)
def _fill(place: Any, low: Any, high: Any, bits: Any) -> None:
    distinct()
    shift = noise.U64(64 - bits)
    for k in range(low.size):
        word = I32(noise.mix(place) >> shift) if bits > 0 else I32(0)
        place = noise.following(place)
        low[k], high[k] = I16(((word & 0xFFFF) ^ 0x8000) - 0x8000), I16(word >> 16)


@number.reading.register(Integers)
def _reading(number: Any, domain: Any) -> Any:
    if domain == noise.SYNAPSE_RECURRENT:
        return number.recurrent
    if domain == noise.SYNAPSE_INPUT:
        return number.input
    return number.output


@number.writing.register(Integers)
def _writing(number: Any, domain: Any, rounding: Any, stream: Any) -> Any:
    of = number.output
    if domain == noise.SYNAPSE_RECURRENT:
        of = number.recurrent
    elif domain == noise.SYNAPSE_INPUT:
        of = number.input
    half = rounding.shape[1] // 2
    low, high = rounding[stream, :half], rounding[stream, half:]
    columns, rows = slice(of.columns, of.columns + of.width), slice(of.rows, of.rows + of.height)
    halves = low[columns], high[columns], low[rows], high[rows]
    return Writing(of.shift, of.top, of.change, of.bound, *halves)


# The passes over weights.


@compiled(**EXACT)
def drive_of(of: Any, total: Any) -> Any:
    """Return the drive that a sum of products makes."""
    return clamp(rounded(total, of.shift), of.top)


@compiled(**LOOP)
def change(of: Any, row: Any, i: Any, c: Any, pre: Any) -> None:
    """Take the update `c` `pre` off `row`, number `i` of its matrix, rounded by chance, without a bias."""
    words = ((of.low_rows[i], of.high_rows[i]),)
    change_and_sum((row,), (), (c,), pre, of.low_columns, of.high_columns, words, of.change, of.bound)


@number.weigh.register(Synapses)
def _weigh(number: Any, w: Any, a: Any) -> Any:
    return drive_of(number, sums((w,), (a,))[0])


@number.multiply.register(Synapses)
def _multiply(number: Any, rows: Any, lo: Any, a: Any, b: Any, out_a: Any, out_b: Any) -> None:
    multiply(number, rows, lo, a, b, out_a, out_b)


@compiled(**LOOP)
def multiply(of: Any, rows: Any, lo: Any, a: Any, b: Any, out_a: Any, out_b: Any) -> None:
    """``number.multiply``; the last of an odd number of rows is done twice."""
    for i in range(0, rows.shape[0], 2):
        k = min(i + 1, rows.shape[0] - 1)
        found = sums((rows[i], rows[k]), (a, b))
        out_a[lo + i], out_b[lo + i] = drive_of(of, found[0]), drive_of(of, found[1])
        out_a[lo + k], out_b[lo + k] = drive_of(of, found[2]), drive_of(of, found[3])


@number.learn.register(Writing)
def _learn(number: Any, rows: Any, lo: Any, signal: Any, pre: Any) -> None:
    for i in range(rows.shape[0]):
        change(number, rows[i], lo + i, signal[lo + i], pre)


@number.learn_and_multiply.register(Writing)
def _learn_and_multiply(
    number: Any,
    rule: Any,
    rows: Any,
    lo: Any,
    share: Any,
    signal: Any,
    pre: Any,
    a: Any,
    b: Any,
    out_a: Any,
    out_b: Any,
) -> None:
    whole = rows.shape[0] // 2 * 2
    low, high, c, first, second = number.low_rows[lo:], number.high_rows[lo:], signal[lo:], out_a[lo:], out_b[lo:]
    for i in range(0, whole, 2):
        k = i + 1
        found = change_and_sum(
            (rows[i], rows[k]),
            (a, b),
            (c[i], c[k]),
            pre,
            number.low_columns,
            number.high_columns,
            ((low[i], high[i]), (low[k], high[k])),
            number.change,
            number.bound,
        )
        first[i], second[i] = drive_of(number, found[0]), drive_of(number, found[1])
        first[k], second[k] = drive_of(number, found[2]), drive_of(number, found[3])
    for i in range(whole, rows.shape[0]):
        change(number, rows[i], lo + i, c[i], pre)
    multiply(number, rows[whole:], lo + whole, a, b, out_a, out_b)


@number.input_drive.register(Synapses)
def _input_drive(number: Any, A: Any, u: Any, out: Any) -> None:
    sum_columns(A, u, out, number.shift, number.top)


# The scalars of a step.


@number.saturate.register(Integers)
def _saturate(number: Any, x: Any) -> Any:
    return I32(clamp(x, number.top))


@number.missing.register(Integers)
def _missing(number: Any, target: Any) -> Any:
    return target == NO_TARGET


@number.absent.register(Integers)
def _absent(number: Any) -> Any:
    return NO_LOSS


@number.mean.register(Integers)
def _mean(number: Any, total: Any, count: Any) -> Any:
    return total // count


@number.nothing.register(Integers)
def _nothing(number: Any) -> Any:
    return I64(0)


@compiled(**LOOP)
def at_bound(values: Any, top: Any) -> Any:
    """Return how many values stand at ``+-top``."""
    count = I64(0)
    for v in range(values.shape[0]):
        for i in range(values.shape[1]):
            count += I64(values[v, i] >= top) + I64(values[v, i] <= -top)
    return count


@number.count_bounds.register(Integers)
def _count_bounds(number: Any, state: Any, work: Any, tally: Any) -> None:
    tally[AT_DRIVE] += at_bound(state.drive, number.top)
    tally[AT_OUTPUT] += at_bound(work.y, number.top)
    for s in range(work.taught.shape[0]):
        if work.taught[s, 0] > 0:
            tally[AT_SIGNAL] += at_bound(work.signal[s : s + 1], SIGNAL_TOP)
            tally[AT_SIGNAL_OUT] += at_bound(work.signal_out[s : s + 1], SIGNAL_TOP)
            tally[AT_DELTA] += at_bound(work.delta_loss[s : s + 1], DELTA_TOP)
            tally[LOST] += at_bound(work.signal[s : s + 1], 0) - work.signal.shape[1]
            tally[LOST_OUT] += at_bound(work.signal_out[s : s + 1], 0) - work.signal_out.shape[1]


@compiled(**EXACT)
def count_lost(c: Any, pre: Any, low: Any, high: Any, low_word: Any, high_word: Any, bits: Any) -> Any:
    """Return how many updates ``c pre_j`` of a row are not 0, and how many of those are 0 when they are rounded.

    `pre` is the presynaptic factor, `low` and `high` are the halves of the random words of the columns, `low_word` and
    `high_word` of that of the row; `bits` is the shift to the scale of a weight.
    """
    wanted, lost = I32(0), I32(0)
    for j in range(pre.size):
        word = I32(I32(I32(high_word ^ high[j]) << 16) | I32(I32(low_word ^ low[j]) & 0xFFFF))
        product = I32(c * I32(pre[j]))
        wanted = I32(wanted + I32(product != 0))
        lost = I32(lost + I32((product != 0) & (I32(I32(product + word) >> bits) == 0)))
    return wanted, lost


@number.count_updates.register(Integers)
def _count_updates(number: Any, tags: Any, rows: Any, work: Any, tally: Any, frozen: Any) -> None:
    # One row of R, A or B in turn, of one stream in turn: to count in all of them takes longer than to learn.
    n, d, m = work.signal.shape[1], tags.u.shape[1], work.signal_out.shape[1]
    s, k = tally[TAUGHT] // (n + d + m) % work.signal.shape[0], tally[TAUGHT] % (n + d + m)
    words, signal = work.rounding[s], work.signal[s]
    half = words.size // 2
    if work.taught[s, 0] > 0:
        if k < n:
            of, i, c, pre, still = number.recurrent, k, signal[k], tags.s[rows[2] + s], FROZEN_R
        elif k < n + d:
            of, i, c, pre, still = number.input, k - n, tags.u[rows[1] + s, k - n], signal, FROZEN_A
        else:
            of, i, c = number.output, k - n - d, work.signal_out[s, k - n - d]
            pre, still = tags.z[rows[0] + s], FROZEN_B
        if frozen & still == 0:
            low, high = words[of.columns :], words[half + of.columns :]
            low_word, high_word = words[of.rows + i], words[half + of.rows + i]
            wanted, lost = count_lost(I32(c), pre, low, high, low_word, high_word, I32(of.change))
            tally[UPDATES] += wanted
            tally[LOST_UPDATES] += lost
