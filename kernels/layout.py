"""The arrays of a learner: weights, state, tags and scratch, with their shapes, in one arena.

Letters: n hidden units, d inputs, m outputs, S streams, K replicas, C = 1 + K copies (row 0 is the clean one), V
cell variables, H slots of the ring of tags, Z what the readout reads (n, the inputs it is linked to, and the bias), L
taps of an impulse response. The number of a network says what type each array has; in floating point all share one.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from onlinernn.kernels.number import Real, constants, kinds, matrix, words

Array = Any


class Sizes(NamedTuple):
    """The numbers that fix every shape."""

    inputs: int  # d
    hidden: int  # n
    outputs: int  # m
    streams: int  # S
    replicas: int  # K, noisy copies
    variables: int  # V, state variables of the cell per neuron
    slots: int  # H, of the ring of tags: target_delay + lag of the rule + 2
    linked: int  # inputs that the readout reads: d or 0
    decorrelated: int  # 1 with a matrix D, else 0
    stored: int  # 1 where the ring keeps the perturbation of each neuron, else 0
    traced: int  # 1 with eligibility traces, else 0
    inverse: int  # 1 where the readout keeps an inverse covariance, else 0
    taps: int  # L, of the impulse responses, or 0
    draws: int  # of the table from which the noise of weights comes, a power of 2, or 0
    block: int  # rows of an (n, n) matrix that are worked on together
    parts: int  # P, in which threads share a pass over such a matrix
    substrate: int  # 1 with a substrate, else 0
    planes: int  # G, of what the devices of each weight matrix remember
    twins: int  # 1 where the mismatch of the copies is learnt, else 0
    tape: int  # numbers that a noise source plays, or 0
    stride: int  # how many of them a step takes


class Spec(NamedTuple):
    """The parts and the settings of a learner, as the kernels take them."""

    sizes: Any  # Sizes
    rule: Any  # a rule
    cell: Any  # a cell
    loss: Any  # a loss
    decorrelation: Any  # Decorrelation, Whitening or Undecorrelated
    readout: Any  # a readout rule
    schedule: Any  # of the learning rates
    trace: Any  # PerStep or Eligibility
    frozen: int  # what does not learn: a sum of FROZEN_A, FROZEN_R, FROZEN_B, FROZEN_D
    resync: int  # steps between two resets of the noisy copies, 0 is never
    target_delay: int  # steps until a target arrives
    seed: int  # of the noise
    substrate: Any  # Ideal or Substrate
    number: Any  # Real, or integers of stated widths
    team: int = 0  # the address of the words in which threads share passes, or 0


class Params(NamedTuple):
    """What is learnt. `A` is kept input-major so that a step runs along its rows; its last row is the bias b.

    The update of D is applied when D is next read, so the clean ``D x`` of the last step and ``D^T D x`` belong here.
    """

    R: Array  # (n, n) recurrent
    A: Array  # (d + 1, n) input, then bias
    B: Array  # (m, Z) readout: of the hidden units, of the inputs, bias
    D: Array  # (n, n) decorrelation, or (0, 0)
    w: Array  # (S, n) D x, with D
    q: Array  # (S, n) D^T D x, with D
    P: Array  # (Z, Z) inverse covariance of what the readout reads, or (0, 0)
    F: Array  # (L m, n) impulse responses, row ``tap m + o``
    running: Array  # (1, N_RUNNING) running means of a rule
    memory_recurrent: Array  # (G n, n) what the devices of R remember, row ``plane n + i``
    memory_input: Array  # (G (d + 1), n)
    memory_readout: Array  # (G m, Z)
    twin_hidden: Array  # (K n, n + d + 1) what mismatch adds to the drives, where it is learnt
    twin_outputs: Array  # (K m, Z) what it adds to the outputs
    tape: Array  # (1, numbers) that a noise source plays, or (0, 0)


class State(NamedTuple):
    """What the copies carry from one step to the next. Row ``s C + k`` is copy k of stream s."""

    x: Array  # (S C V, n) cell variables
    s: Array  # (S C, n) activity as the recurrent weights read it
    drive: Array  # (S C, n) recurrent drive of the next step


class Tags(NamedTuple):
    """What learning needs of each step until its target arrives: a ring of H = target_delay + 2 slots.

    The rows of a slot lie together: row ``slot S + s``, ``(slot S + s) K + k`` or ``(slot S + s) C + k``.
    """

    u: Array  # (H S, d + 1) input, then the constant of the bias
    s: Array  # (H S, n) presynaptic to R one step later, as learning sees it
    z: Array  # (H S, Z) presynaptic to B
    hidden: Array  # (H S K, n) perturbation of each neuron, where it is stored
    readout: Array  # (H S K, m) perturbation of each output
    y: Array  # (H S C, m) outputs
    delta: Array  # (H S, K) loss differences
    slope: Array  # (H S, n) slope of each neuron, with taps
    error: Array  # (H S, m) output errors, with taps
    norm: Array  # (H S, 1) power of s, with taps
    power: Array  # (H S K, 1) power of the perturbation, with taps


class Traces(NamedTuple):
    """Eligibility traces, a matrix for each copy that is noisy."""

    R: Array  # (S K n, n)
    A: Array  # (S K (d + 1), n)
    B: Array  # (S K m, Z)


class Work(NamedTuple):
    """Scratch of one step; nothing in it outlives the step."""

    u: Array  # (S, d + 1)
    target: Array  # (S, m)
    common: Array  # (S, n) the part of the drive that all copies of a stream share
    x: Array  # (S C V, n)
    a: Array  # (S C, n) drives, then activities
    s: Array  # (S C, n)
    z: Array  # (S C, Z)
    q: Array  # (S, n)
    rate: Array  # (S, 1) learning rate of D
    partial: Array  # (P S, n) what each part adds to q
    idle: Array  # (S, n) zeros, what D learns from where nothing is pending
    hidden: Array  # (S K, n)
    readout: Array  # (S K, m)
    y: Array  # (S C, m)
    share: Array  # (1, 1) of R that is kept
    signal: Array  # (S, n) learning signal of each neuron
    signal_out: Array  # (S, m)
    error: Array  # (S, m) output error of the tagged step
    residual: Array  # (S K, m) output difference that the impulse responses did not let expect
    slope: Array  # (S, n), with taps
    strength: Array  # (S, n), with taps
    pre_out: Array  # (S, Z) presynaptic factor of B
    gain: Array  # (S, K)
    gain_out: Array  # (S, K)
    delta_loss: Array  # (S, K)
    taught: Array  # (S, 1), 1 where the stream has a target
    table: Array  # (1, draws + Z + 1) of the noise of weights, where there is any
    signs: Array  # (S K, Z) of the columns of a matrix of noise
    change: Array  # (3, n) what is to be added to two rows of devices, with a substrate, and a row of zeros
    change_out: Array  # (2, Z) likewise to a row of B
    old_out: Array  # (m, Z) the devices of B before they learn
    difference: Array  # (1, m) of the outputs of two copies, with a substrate
    bound: Array  # (1, N_BOUND) how many values of a step reached a limit, with a substrate
    rounding: Array  # (S, words) random words that integers are rounded by, or (S, 0)


#: The number of a learner that is given none.
REAL = Real()

#: Entries of the tally, the int64 counters of a learner. STALE is 1 where weights were set from outside since the drive
#: of the next step was computed.
TICK, ORIGIN, OPEN, PENDING, STALE, TAUGHT, DEAD, GUARD_HIDDEN, GUARD_READOUT, N_TALLY = range(10)

#: Counters that follow with a substrate: updates wanted, lost (the weight stayed where it was), and made; values that
#: reached a limit.
WANTED, LOST, WRITES, BOUND_WEIGHT, BOUND_LOSS, BOUND_ERROR, BOUND_FORWARD = range(N_TALLY, N_TALLY + 7)

#: Entries of ``Work.bound``, which the tally continues with from BOUND_FORWARD on.
BOUND_INPUT, BOUND_DRIVE, BOUND_NODE, BOUND_OUTPUT, N_BOUND = range(5)

#: What the tally ends with on a substrate: a lower bound of the distance of R's devices from limits (``room.py``).
ROOM = BOUND_FORWARD + N_BOUND
N_TALLY_SUBSTRATE = ROOM + 1

#: Entries of ``Params.running``.
N_RUNNING = 4

#: What does not learn; the biases go with A and B.
FROZEN_A, FROZEN_R, FROZEN_B, FROZEN_D = 1, 2, 4, 8

#: What an entry point reports.
OK, DIVERGED = 0, 1


def unpack(arena: Any, z: Any, number: Any) -> Any:
    """Return the arrays of a learner as views of its arena: Params, State, Tags, Traces, Work."""
    kind = kinds(number)
    d, n, m, S, K, V, H, L = z.inputs, z.hidden, z.outputs, z.streams, z.replicas, z.variables, z.slots, z.taps
    C, Z, first, some = K + 1, n + z.linked + 1, min(L, 1), z.substrate
    R, at = matrix(kind.weights, arena, 0, n, n)
    D, at = matrix(kind.weights, arena, at, n * z.decorrelated, n * z.decorrelated)
    A, at = matrix(kind.weights, arena, at, d + 1, n)
    B, at = matrix(kind.readout, arena, at, m, Z)
    w, at = matrix(kind.drives, arena, at, S, n * z.decorrelated)
    q, at = matrix(kind.drives, arena, at, S, n * z.decorrelated)
    P, at = matrix(kind.drives, arena, at, Z * z.inverse, Z * z.inverse)
    F, at = matrix(kind.drives, arena, at, L * m, n)
    running, at = matrix(kind.sums, arena, at, 1, N_RUNNING)
    memory_recurrent, at = matrix(kind.drives, arena, at, z.planes * n, n)
    memory_input, at = matrix(kind.drives, arena, at, z.planes * (d + 1), n)
    memory_readout, at = matrix(kind.drives, arena, at, z.planes * m, Z)
    twin_hidden, at = matrix(kind.drives, arena, at, z.twins * K * n, n + d + 1)
    twin_outputs, at = matrix(kind.drives, arena, at, z.twins * K * m, Z)
    tape, at = matrix(kind.drives, arena, at, min(z.tape, 1), z.tape)
    x, at = matrix(kind.activities, arena, at, S * C * V, n)
    s, at = matrix(kind.activities, arena, at, S * C, n)
    drive, at = matrix(kind.drives, arena, at, S * C, n)
    tag_u, at = matrix(kind.inputs, arena, at, H * S, d + 1)
    tag_s, at = matrix(kind.activities, arena, at, H * S, n)
    tag_z, at = matrix(kind.activities, arena, at, H * S, Z)
    tag_hidden, at = matrix(kind.drives, arena, at, H * S * K * z.stored, n)
    tag_readout, at = matrix(kind.drives, arena, at, H * S * K, m)
    tag_y, at = matrix(kind.drives, arena, at, H * S * C, m)
    tag_delta, at = matrix(kind.sums, arena, at, H * S, K)
    tag_slope, at = matrix(kind.drives, arena, at, H * S * first, n)
    tag_error, at = matrix(kind.drives, arena, at, H * S * first, m)
    tag_norm, at = matrix(kind.drives, arena, at, H * S * first, 1)
    power, at = matrix(kind.drives, arena, at, H * S * K * first, 1)
    trace_R, at = matrix(kind.weights, arena, at, S * K * n * z.traced, n)
    trace_A, at = matrix(kind.weights, arena, at, S * K * (d + 1) * z.traced, n)
    trace_B, at = matrix(kind.readout, arena, at, S * K * m * z.traced, Z)
    work_u, at = matrix(kind.inputs, arena, at, S, d + 1)
    target, at = matrix(kind.drives, arena, at, S, m)
    common, at = matrix(kind.drives, arena, at, S, n)
    work_x, at = matrix(kind.activities, arena, at, S * C * V, n)
    a, at = matrix(kind.drives, arena, at, S * C, n)
    work_s, at = matrix(kind.drives, arena, at, S * C, n)
    work_z, at = matrix(kind.activities, arena, at, S * C, Z)
    work_q, at = matrix(kind.drives, arena, at, S, n * z.decorrelated)
    rate, at = matrix(kind.drives, arena, at, S, 1)
    partial, at = matrix(kind.drives, arena, at, z.parts * S, n * z.decorrelated)
    idle, at = matrix(kind.drives, arena, at, S, n * z.decorrelated)
    hidden, at = matrix(kind.drives, arena, at, S * K, n)
    readout, at = matrix(kind.drives, arena, at, S * K, m)
    y, at = matrix(kind.drives, arena, at, S * C, m)
    share, at = matrix(kind.drives, arena, at, 1, 1)
    signal, at = matrix(kind.signals, arena, at, S, n)
    signal_out, at = matrix(kind.signals, arena, at, S, m)
    error, at = matrix(kind.drives, arena, at, S, m)
    residual, at = matrix(kind.drives, arena, at, S * K, m)
    slope, at = matrix(kind.drives, arena, at, S * first, n)
    strength, at = matrix(kind.drives, arena, at, S * first, n)
    pre_out, at = matrix(kind.activities, arena, at, S, Z)
    gain, at = matrix(kind.sums, arena, at, S, K)
    gain_out, at = matrix(kind.sums, arena, at, S, K)
    delta_loss, at = matrix(kind.sums, arena, at, S, K)
    taught, at = matrix(kind.sums, arena, at, S, 1)
    noisy = min(z.draws, 1)
    table, at = matrix(kind.drives, arena, at, noisy, (z.draws + Z + 1) * noisy)
    signs, at = matrix(kind.drives, arena, at, S * K * noisy, Z)
    change, at = matrix(kind.drives, arena, at, 3 * some, n)
    change_out, at = matrix(kind.drives, arena, at, 2 * some, Z)
    old_out, at = matrix(kind.drives, arena, at, some * m, Z)
    difference, at = matrix(kind.drives, arena, at, some, m)
    bound, at = matrix(kind.drives, arena, at, some, N_BOUND)
    rounding, at = matrix(kind.words, arena, at, S, words(number, n, d, m, Z))
    params = Params(
        R,
        A,
        B,
        D,
        w,
        q,
        P,
        F,
        running,
        memory_recurrent,
        memory_input,
        memory_readout,
        twin_hidden,
        twin_outputs,
        tape,
    )
    state = State(x, s, drive)
    tags = Tags(tag_u, tag_s, tag_z, tag_hidden, tag_readout, tag_y, tag_delta, tag_slope, tag_error, tag_norm, power)
    traces = Traces(trace_R, trace_A, trace_B)
    work = Work(
        work_u,
        target,
        common,
        work_x,
        a,
        work_s,
        work_z,
        work_q,
        rate,
        partial,
        idle,
        hidden,
        readout,
        y,
        share,
        signal,
        signal_out,
        error,
        residual,
        slope,
        strength,
        pre_out,
        gain,
        gain_out,
        delta_loss,
        taught,
        table,
        signs,
        change,
        change_out,
        old_out,
        difference,
        bound,
        rounding,
    )
    return params, state, tags, traces, work


def allocate(sizes: Sizes, bias: float, dtype: Any, ridge: float = 1.0, number: Any = REAL) -> Any:
    """Return an arena for arrays of these sizes: zero, but for the constant of the biases, D = I and P = I / ridge.

    One array in place of thirty makes a call from Python ten times cheaper. Its `dtype` is that of all numbers, or
    bytes where the `number` has integers of several widths.
    """
    ruler = _Ruler()
    unpack(ruler, sizes, number)
    line = max(16, 64 // np.dtype(dtype).itemsize)
    arena = np.zeros(ruler.end + line, dtype)
    start = -arena.ctypes.data // arena.itemsize % line  # the rows of the first matrix begin with a cache line
    arena = arena[start : start + ruler.end]
    params, _, _, _, work = unpack(arena, sizes, number)
    work.u[:, -1], work.z[:, -1] = constants(number, bias)
    np.fill_diagonal(params.D, 1)
    np.fill_diagonal(params.P, 1 / ridge)
    return arena


def block_rows(n: int) -> int:
    """Return how many rows of an (n, n) matrix are worked on together: a multiple of 4, about 48 KB of float32."""
    return min(max(8, 12288 // n // 4 * 4), (n + 3) // 4 * 4)


def shared_parts(n: int) -> int:
    """Return in how many parts threads share a pass over an (n, n) matrix; in one where it is too short to share."""
    return 8 if n >= 256 else 1


def table_draws(n: int) -> int:
    """Return how many draws the noise of the weights of an (n, n) matrix comes from: a power of 2, at least 16 n."""
    return 1 << max(12, math.ceil(math.log2(16 * n)))


class _Ruler:
    """Stands in for an arena, to learn how long it has to be."""

    end = 0

    def __getitem__(self, part: slice) -> "_Ruler":
        self.end = part.stop
        return self

    def view(self, dtype: Any) -> "_Ruler":
        return self

    def reshape(self, *shape: int) -> "_Ruler":
        return self
