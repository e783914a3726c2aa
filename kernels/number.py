"""What the numbers of a network are: floating point, or integers of stated widths.

The passes over weights and a few scalar steps are chosen by the type of the number; all else in a time step is the
same source for all of them. Floating point is the default everywhere; what integers do instead is in ``integers.py``.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from onlinernn.kernels import passes
from onlinernn.kernels.dispatch import open_function
from onlinernn.kernels.passes import dot


class Real(NamedTuple):
    """Floating point, of the precision of the arena."""


class Own(NamedTuple):
    """The format of an array that has the type of its arena."""


class Int8(NamedTuple):
    """Signed integers of at most 8 bits; the value of an integer k is ``k 2^-fraction``.

    Parameters
    ----------
    fraction
        Bits after the binary point.
    bits
        Bits in use, with the sign: values are kept within ``+-(2^(bits - 1) - 1) 2^-fraction``.

    Examples
    --------
    >>> Int8(fraction=6).bits
    8
    """

    fraction: int
    bits: int = 8


class Int16(NamedTuple):
    """Signed integers of at most 16 bits; the value of an integer k is ``k 2^-fraction``.

    Parameters
    ----------
    fraction
        Bits after the binary point.
    bits
        Bits in use, with the sign: values are kept within ``+-(2^(bits - 1) - 1) 2^-fraction``.

    Examples
    --------
    >>> Int16(fraction=12)
    Int16(fraction=12, bits=16)
    """

    fraction: int
    bits: int = 16


class Int32(NamedTuple):
    """Signed integers of at most 32 bits; the value of an integer k is ``k 2^-fraction``.

    Parameters
    ----------
    fraction
        Bits after the binary point.
    bits
        Bits in use, with the sign: values are kept within ``+-(2^(bits - 1) - 1) 2^-fraction``.

    Examples
    --------
    >>> Int32(fraction=16, bits=24).fraction
    16
    """

    fraction: int
    bits: int = 32


class Int64(NamedTuple):
    """Signed integers of 64 bits: sums of products."""


class Division(NamedTuple):
    """The gain of a layer is one integer division, ``sign floor(|numerator| / denominator)``."""


class PowerOfTwo(NamedTuple):
    """The gain of a layer is one shift: the denominator counts as the power of two that is not above it."""


class Fixed(NamedTuple):
    """Integers in place of floating point: what each kind of number is kept in.

    Every value is an integer times a power of two. From the quantised input to the written weight no float is touched;
    ``docs/fixed-point.md`` states every operation.

    Parameters
    ----------
    weights
        Format of A, R and b: an :class:`Int8` or :class:`Int16`.
    readout
        Format of B and c: an :class:`Int8` or :class:`Int16`.
    inputs
        Format of the inputs: an :class:`Int16`; what is beyond its range is held at it.
    activities
        Format of the activities: an :class:`Int16` with as many bits as it has after the binary point, and the sign.
    drives
        Format of drives, outputs and targets: an :class:`Int32` of at most 24 bits.
    accumulator
        What products are summed in: :class:`Int64`, or :class:`Int32` where no sum can pass it; the sums are the same.
    division
        How the gain of a layer is found: one :class:`Division` a step, or the nearest :class:`PowerOfTwo` below.
    headroom
        A learning signal is kept in 16 bits, of a scale at which 2^headroom times the learning rate just fits.

    Examples
    --------
    >>> Fixed().weights
    Int16(fraction=12, bits=16)
    >>> Fixed(weights=Int8(fraction=5))._replace(headroom=3).headroom
    3
    """

    weights: Any = Int16(12)
    readout: Any = Int16(12)
    inputs: Any = Int16(12)
    activities: Any = Int16(15)
    drives: Any = Int32(16, 24)
    accumulator: Any = Int64()
    division: Any = Division()
    headroom: int = 4


#: The integer that an array of each format holds.
CARRIERS = {Int8: np.int8, Int16: np.int16, Int32: np.int32, Int64: np.int64}


class Kinds(NamedTuple):
    """The formats of the arrays of a network."""

    weights: Any  # A, R
    readout: Any  # B
    activities: Any  # as they are read and kept for learning
    inputs: Any  # and the constant of the bias
    drives: Any  # drives, outputs, perturbations
    signals: Any  # learning signals
    sums: Any  # what is as wide as it gets: loss differences, gains
    words: Any  # random words


@open_function(default=True)
def kinds(number: Any) -> Any:
    """Return the formats of the arrays."""
    return Kinds(Own(), Own(), Own(), Own(), Own(), Own(), Own(), Own())


@open_function(default=True)
def constants(number: Any, bias: Any) -> Any:
    """Return the constants that drive the biases b and c, where the user's is `bias`."""
    return bias, bias


@open_function(default=True)
def words(number: Any, n: Any, d: Any, m: Any, z: Any) -> Any:
    """Return how many random words the updates of A (`d` + 1, `n`), R (`n`, `n`) and B (`m`, `z`) are rounded by."""
    return 0


def matrix(kind: Any, arena: Any, start: Any, rows: Any, columns: Any) -> Any:
    """Return the matrix that starts at `start` in the arena, and where the next may start (on a cache line).

    An arena of floating-point numbers is counted in numbers, one of integers in bytes.
    """
    carrier = CARRIERS.get(type(kind))
    size = rows * columns * (1 if carrier is None else np.dtype(carrier).itemsize)
    line = 16 if carrier is None else 64
    part = arena[start : start + size]
    if carrier is not None:
        part = part.view(carrier)
    return part.reshape(rows, columns), (start + size + line - 1) // line * line


@open_function(default=True)
def reading(number: Any, domain: Any) -> Any:
    """Return how the weights of a `domain` (of ``noise.py``) are read."""
    return number


@open_function(default=True)
def writing(number: Any, domain: Any, rounding: Any, stream: Any) -> Any:
    """Return how the weights of a `domain` are written.

    `rounding` (S, words) holds the random words of the step, `stream` tells whose update it is.
    """
    return number


@open_function(default=True)
def draw_words(number: Any, rounding: Any, seed: Any, tick: Any) -> None:
    """Draw the random words that the updates of step `tick` round by, into `rounding` (S, words).

    `seed` is that of the noise.
    """


@open_function(default=True)
def multiply(number: Any, rows: Any, lo: Any, a: Any, b: Any, out_a: Any, out_b: Any) -> None:
    """Write the drives that the weights in `rows`, from number `lo` on, cause in two copies.

    Entry lo + i of `out_a` is row i times the activities `a`, and likewise that of `out_b` times `b`.
    """
    passes.multiply(rows, lo, a, b, out_a, out_b)


@open_function(default=True)
def multiply_lanes(number: Any, rows: Any, lo: Any, x: Any, out: Any, step: Any) -> None:
    """:func:`multiply` for every lane of `x` (lanes, n) and `out` that is a multiple of `step`.

    `rows` are the weights from number `lo` on.
    """
    for lane in range(0, x.shape[0], 2 * step):
        twin = lane + step if lane + step < x.shape[0] else lane
        multiply(number, rows, lo, x[lane], x[twin], out[lane], out[twin])


@multiply_lanes.register(Real)
def _multiply_lanes(number: Any, rows: Any, lo: Any, x: Any, out: Any, step: Any) -> None:
    passes.multiply_lanes(rows, lo, x, out, step)


@open_function(default=True)
def learn_streams(
    number: Any, rows: Any, lo: Any, signal: Any, pre: Any, first: Any, domain: Any, rounding: Any
) -> None:
    """:func:`learn` from all streams: the sum over them of `signal` (S, n) times the presynaptic factors in `pre`.

    `rows` are the weights of a `domain` from number `lo` on, `signal` and `pre` those of all streams (`pre` from row
    `first` on), `rounding` the random words of the step.
    """
    for s in range(signal.shape[0]):
        learn(writing(number, domain, rounding, s), rows, lo, signal[s], pre[first + s])


@learn_streams.register(Real)
def _learn_streams(
    number: Any, rows: Any, lo: Any, signal: Any, pre: Any, first: Any, domain: Any, rounding: Any
) -> None:
    passes.learn_streams(rows, lo, signal, pre, first)


@open_function(default=True)
def learn(number: Any, rows: Any, lo: Any, signal: Any, pre: Any) -> None:
    """The rank-1 update of the weights in `rows`, from number `lo` on: ``rows_i -= signal[lo + i] pre``.

    `signal` holds what is learnt of each row, `pre` the presynaptic factor.
    """
    passes.learn(rows, lo, signal, pre)


@open_function(default=True)
def learn_and_multiply(
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
    """The update `signal` `pre` of the weights in `rows`, and the drives of two copies with activities `a` and `b`.

    `lo` is the number of the first row; `out_a` and `out_b` get the drives. A `rule` that shrinks weights keeps a
    `share` of them.
    """
    passes.learn_and_multiply(rule, rows, lo, share, signal, pre, a, b, out_a, out_b)


@open_function(default=True)
def input_drive(number: Any, A: Any, u: Any, out: Any) -> None:
    """Write A u + b to `out`, the part of the drive that all copies share.

    `A` has a row for each input and one for b, `u` ends with the constant of b.
    """
    passes.input_drive(A, u, out)


@open_function(default=True)
def weigh(number: Any, w: Any, a: Any) -> Any:
    """Return the drive that activities `a` cause through one row of weights `w`."""
    return dot(w, a)


@open_function(default=True)
def saturate(number: Any, x: Any) -> Any:
    """Return a drive or an output `x`, held within its range."""
    return x


@open_function(default=True)
def missing(number: Any, target: Any) -> Any:
    """Return whether a `target` is not there."""
    return math.isnan(target)


@open_function(default=True)
def absent(number: Any) -> Any:
    """Return what stands for a loss that is not there."""
    return np.nan


@open_function(default=True)
def mean(number: Any, total: Any, count: Any) -> Any:
    """Return the mean loss difference of `count` copies from its `total`."""
    return total / count


@open_function(default=True)
def nothing(number: Any) -> Any:
    """Return the zero that loss differences are added to."""
    return 0.0


@open_function(default=True)
def count_bounds(number: Any, state: Any, work: Any, tally: Any) -> None:
    """Count in `tally` what stands at a bound after a step: drives of `state`, outputs and signals of `work`."""


@open_function(default=True)
def count_updates(number: Any, tags: Any, rows: Any, work: Any, tally: Any, frozen: Any) -> None:
    """Count in `tally` the updates of weights that a step wants, and those of them that rounding leaves nothing of.

    `rows` are those of `tags` that B, A and R learn from, `work` holds the signals, `frozen` tells what does not learn.
    """
