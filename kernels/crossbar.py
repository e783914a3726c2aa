"""A step on a substrate: weights that are devices, written and read one by one, and the chains that numbers go through.

Every function here has a plain form beside it, which is all that is compiled without a substrate.
"""

from typing import Any

from onlinernn.kernels.arrays import add_row, age, program, read_rows, write_row, write_two_rows
from onlinernn.kernels.dispatch import FAST, LOOP, choose, compiled, where_implemented
from onlinernn.kernels.effects import (
    DRIVE,
    ERROR,
    I32,
    INPUT,
    LOSS,
    NODE,
    NONE,
    ONCE,
    OUTPUT,
    READ_A,
    READ_B,
    READ_R,
    WRITE_A,
    WRITE_B,
    WRITE_R,
    along,
    beginning,
    chains,
    hop,
    keys,
    like,
    needs_ageing,
    place,
    through_counting,
)
from onlinernn.kernels.layout import (
    BOUND_DRIVE,
    BOUND_ERROR,
    BOUND_FORWARD,
    BOUND_INPUT,
    BOUND_LOSS,
    BOUND_NODE,
    BOUND_OUTPUT,
    TICK,
)
from onlinernn.kernels.losses import output_error
from onlinernn.kernels.noise import SYNAPSE_INPUT, SYNAPSE_READOUT, SYNAPSE_RECURRENT
from onlinernn.kernels.number import input_drive, reading, weigh
from onlinernn.kernels.passes import copy_row
from onlinernn.kernels.readouts import learn_readout, present_error
from onlinernn.kernels.rules import synapse_sigma
from onlinernn.kernels.synapses import find_signs
from onlinernn.kernels.twins import array_of
from onlinernn.kernels.updates import TOP, learn_inputs, learn_weights


def _plain_program(substrate: Any, params: Any, spec: Any) -> None:
    pass


@where_implemented(chains, otherwise=_plain_program)
def program_all(substrate: Any, params: Any, spec: Any) -> None:
    """Write all weights, after they were set from outside."""
    program(substrate.write, substrate.scale_input, params.A, spec.seed, WRITE_A)
    program(substrate.write, substrate.scale_recurrent, params.R, spec.seed, WRITE_R)
    program(substrate.write, substrate.scale_readout, params.B, spec.seed, WRITE_B)


@compiled(**LOOP)
def convert(
    chain: Any, x: Any, size: Any, seed: Any, tick: Any, stream: Any, copy: Any, array: Any, domain: Any
) -> Any:
    """Let the first `size` numbers of a vector go through a chain; return how many reached a limit."""
    zero = x.dtype.type(0)
    start = place(seed, tick, stream, copy, array, domain, 0, zero)
    bound = NONE
    for i in range(size):
        x[i], limited = through_counting(chain, (x[i], False), along(start, hop(start, i), zero, zero, x[i]))
        bound = I32(bound + choose(limited, ONCE, NONE))
    return bound // ONCE


def _plain_inputs(substrate: Any, work: Any, spec: Any, tick: Any) -> None:
    pass


@where_implemented(chains, otherwise=_plain_inputs)
def convert_inputs(substrate: Any, work: Any, spec: Any, tick: Any) -> None:
    """Let the inputs of a step through their chain."""
    for of in range(work.bound.shape[1]):
        work.bound[0, of] = 0
    for s in range(work.u.shape[0]):
        count = convert(substrate.input, work.u[s], work.u.shape[1] - 1, spec.seed, tick, s, 0, 0, INPUT)
        work.bound[0, BOUND_INPUT] += count


def _plain_input_drive(substrate: Any, params: Any, work: Any, spec: Any, tick: Any, s: Any, k: Any) -> None:
    if k == 0:
        input_drive(reading(spec.number, SYNAPSE_INPUT), params.A, work.u[s], work.common[s])


@where_implemented(chains, otherwise=_plain_input_drive)
def read_inputs(substrate: Any, params: Any, work: Any, spec: Any, tick: Any, s: Any, k: Any) -> None:
    """Make ``work.common`` the input drive of copy `k` of stream `s`; without a substrate that of copy 0 serves all."""
    zero = params.A.dtype.type(0)
    array = array_of(substrate, tick, k, work.a.shape[0] // work.u.shape[0])
    for i in range(work.common.shape[1]):
        work.common[s, i] = zero
    for j in range(params.A.shape[0]):
        at = place(spec.seed, tick, s, k, array, READ_A, j, zero)
        add_row(
            substrate.read,
            substrate.scale_input,
            params.A,
            j,
            params.memory_input,
            tick,
            at,
            work.u[s, j],
            work.common[s],
        )


def _plain_lane(substrate: Any, work: Any, spec: Any, tick: Any, s: Any, k: Any) -> None:
    pass


@where_implemented(chains, otherwise=_plain_lane)
def convert_drive(substrate: Any, work: Any, spec: Any, tick: Any, s: Any, k: Any) -> None:
    """Let the drives of copy `k` of stream `s` through their chain."""
    copies = work.a.shape[0] // work.u.shape[0]
    a, array = work.a[s * copies + k], array_of(substrate, tick, k, copies)
    work.bound[0, BOUND_DRIVE] += convert(substrate.drive, a, a.size, spec.seed, tick, s, k, array, DRIVE)


@where_implemented(chains, otherwise=_plain_lane)
def convert_node(substrate: Any, work: Any, spec: Any, tick: Any, s: Any, k: Any) -> None:
    """Let the activities of copy `k` of stream `s` through their chain."""
    copies = work.a.shape[0] // work.u.shape[0]
    a, array = work.a[s * copies + k], array_of(substrate, tick, k, copies)
    work.bound[0, BOUND_NODE] += convert(substrate.node, a, a.size, spec.seed, tick, s, k, array, NODE)


@where_implemented(chains, otherwise=_plain_lane)
def convert_output(substrate: Any, work: Any, spec: Any, tick: Any, s: Any, k: Any) -> None:
    """Let the outputs of copy `k` of stream `s` through their chain."""
    copies = work.y.shape[0] // work.u.shape[0]
    y, array = work.y[s * copies + k], array_of(substrate, tick, k, copies)
    work.bound[0, BOUND_OUTPUT] += convert(substrate.output, y, y.size, spec.seed, tick, s, k, array, OUTPUT)


def _plain_read_outputs(substrate: Any, params: Any, z: Any, y: Any, spec: Any, tick: Any, s: Any, k: Any) -> None:
    for o in range(y.size):
        y[o] = weigh(reading(spec.number, SYNAPSE_READOUT), params.B[o], z)


@where_implemented(chains, otherwise=_plain_read_outputs)
def read_outputs(substrate: Any, params: Any, z: Any, y: Any, spec: Any, tick: Any, s: Any, k: Any) -> None:
    """Write ``y = B z``, with B as copy `k` of stream `s` reads it in step `tick`."""
    array = array_of(substrate, tick, k, spec.sizes.replicas + 1)
    for o in range(y.size):
        at = place(spec.seed, tick, s, k, array, READ_B, o, params.B.dtype.type(0))
        y[o], _ = read_rows(
            substrate.read, substrate.scale_readout, params.B, o, params.memory_readout, tick, at, at, z, z
        )


def _plain_errors(substrate: Any, params: Any, tags: Any, work: Any, spec: Any, tally: Any, row: Any, s: Any) -> None:
    present_error(spec.loss, params.B, tags.z[row + s], work.target[s], work.error[s])


@where_implemented(chains, otherwise=_plain_errors)
def read_error(substrate: Any, params: Any, tags: Any, work: Any, spec: Any, tally: Any, row: Any, s: Any) -> None:
    """Write what the present readout gets wrong on the tagged step of `row`, as it is broadcast."""
    error, tagged = work.error[s], tally[TICK] - spec.target_delay
    array = array_of(substrate, tagged, 0, spec.sizes.replicas + 1)
    read_outputs(substrate, params, tags.z[row + s], error, spec, tagged, s, 0)
    bound = convert(substrate.output, error, error.size, spec.seed, tagged, s, 0, array, OUTPUT)
    output_error(spec.loss, error, work.target[s], error)
    bound = convert(substrate.feedback, error, error.size, spec.seed, tagged, s, 0, 0, ERROR)
    tally[BOUND_ERROR] += int(bound)


def _plain_feedback(substrate: Any, work: Any, spec: Any, tally: Any) -> None:
    pass


@where_implemented(chains, otherwise=_plain_feedback)
def broadcast(substrate: Any, work: Any, spec: Any, tally: Any) -> None:
    """Let the loss differences of a step through their chain, and count what the first half of the step counted."""
    for of in range(work.bound.shape[1]):
        tally[BOUND_FORWARD + of] += int(work.bound[0, of])
        work.bound[0, of] = 0
    for s in range(work.delta_loss.shape[0]):
        if work.taught[s, 0] > 0:
            delta = work.delta_loss[s]
            bound = convert(substrate.feedback, delta, delta.size, spec.seed, tally[TICK], s, 0, 0, LOSS)
            tally[BOUND_LOSS] += int(bound)


def _plain_write_inputs(
    substrate: Any, params: Any, tags: Any, work: Any, spec: Any, tally: Any, row: Any, tagged: Any
) -> None:
    learn_inputs(spec.rule, params.A, TOP, work.signal, tags.u, row, work.gain, work, spec, tagged)


@where_implemented(chains, otherwise=_plain_write_inputs)
def write_inputs(
    substrate: Any, params: Any, tags: Any, work: Any, spec: Any, tally: Any, row: Any, tagged: Any
) -> None:
    """Learn the input weights from step `tagged`, whose inputs begin at `row` of the tags."""
    writing = keys(spec.seed, tally[TICK], 0, 0, 0, WRITE_A)
    for j in range(params.A.shape[0]):
        clear(work.change)
        learn_inputs(spec.rule, work.change[:1], j, work.signal, tags.u, row, work.gain, work, spec, tagged)
        write_row(
            substrate.write,
            substrate.read,
            substrate.scale_input,
            params.A,
            j,
            work.change,
            params.memory_input,
            tally[TICK],
            writing,
            tally,
        )


def _plain_write_outputs(
    substrate: Any, params: Any, tags: Any, work: Any, spec: Any, tally: Any, row: Any, tagged: Any
) -> None:
    learn_readout(spec.readout, spec.rule, params.B, params.P, tags, work, spec, row, tagged)


@where_implemented(chains, otherwise=_plain_write_outputs)
def write_outputs(
    substrate: Any, params: Any, tags: Any, work: Any, spec: Any, tally: Any, row: Any, tagged: Any
) -> None:
    """Learn the readout from step `tagged`, which begins at `row` of the tags."""
    for o in range(params.B.shape[0]):
        copy_row(work.old_out, o, params.B, o)
    learn_readout(spec.readout, spec.rule, params.B, params.P, tags, work, spec, row, tagged)
    writing = keys(spec.seed, tally[TICK], 0, 0, 0, WRITE_B)
    for o in range(params.B.shape[0]):
        for j in range(params.B.shape[1]):
            work.change_out[0, j] = params.B[o, j] - work.old_out[o, j]
        copy_row(params.B, o, work.old_out, o)
        write_row(
            substrate.write,
            substrate.read,
            substrate.scale_readout,
            params.B,
            o,
            work.change_out,
            params.memory_readout,
            tally[TICK],
            writing,
            tally,
        )


@compiled(**FAST)
def clear(row: Any) -> None:
    """Set row 0 to zero."""
    for j in range(row.shape[1]):
        row[0, j] = 0


def _one_signal(rule: Any, signal: Any, growth: Any) -> Any:
    return signal.shape[0] == 1 and growth == 0


@where_implemented(synapse_sigma, otherwise=_one_signal)
def rank_one(rule: Any, signal: Any, growth: Any) -> Any:
    """Return whether the change of R is a learning signal times presynaptic activity, and no more."""
    return False


@compiled(**LOOP)
def want(
    rule: Any, params: Any, tags: Any, work: Any, spec: Any, before: Any, tagged: Any, growth: Any, i: Any
) -> None:
    """Write what is to be added to rows `i` and `i + 1` of R, where that is one, into ``work.change``."""
    count = min(2, params.R.shape[0] - i)
    for row in range(count):
        for j in range(params.R.shape[1]):
            work.change[row, j] = growth * params.R[i + row, j]
    learn_weights(
        rule, work.change[:count], i, work.signal, tags.s, before, work.gain, work, spec, tagged, SYNAPSE_RECURRENT
    )


@compiled(**LOOP)
def read_row(substrate: Any, params: Any, state: Any, work: Any, spec: Any, ahead: Any, i: Any, first: Any) -> None:
    """Write the recurrent drive of neuron `i` in step `ahead`, in all copies from number `first` on."""
    lanes = state.s.shape[0]
    copies = lanes // work.u.shape[0]
    zero = params.R.dtype.type(0)
    for lane in range(first, lanes, 2):
        twin = min(lane + 1, lanes - 1)
        at = beginning(reads(substrate, spec, ahead, lane, copies), i, zero)
        at_twin = beginning(reads(substrate, spec, ahead, twin, copies), i, zero)
        state.drive[lane, i], state.drive[twin, i] = read_rows(
            substrate.read,
            substrate.scale_recurrent,
            params.R,
            i,
            params.memory_recurrent,
            ahead,
            at,
            at_twin,
            state.s[lane],
            state.s[twin],
        )


@compiled(**LOOP)
def reads(substrate: Any, spec: Any, tick: Any, lane: Any, copies: Any) -> Any:
    """Return the keys of how a lane, one of the `copies` of a stream, reads R in step `tick`."""
    array = array_of(substrate, tick, lane % copies, copies)
    return keys(spec.seed, tick, lane // copies, lane % copies, array, READ_R)


@compiled(**LOOP)
def let_time_pass(substrate: Any, params: Any, spec: Any, ahead: Any) -> None:
    """Let all devices age by one step, the one before step `ahead`."""
    zero = params.R.dtype.type(0)
    for j in range(params.A.shape[0]):
        start = place(spec.seed, ahead, 0, 0, 0, WRITE_A, j, zero)
        age(substrate.write, substrate.scale_input, params.A, j, start)
    for i in range(params.R.shape[0]):
        start = place(spec.seed, ahead, 0, 0, 0, WRITE_R, i, zero)
        age(substrate.write, substrate.scale_recurrent, params.R, i, start)
    for o in range(params.B.shape[0]):
        start = place(spec.seed, ahead, 0, 0, 0, WRITE_B, o, zero)
        age(substrate.write, substrate.scale_readout, params.B, o, start)


@compiled(**LOOP)
def write_and_read(
    substrate: Any,
    params: Any,
    state: Any,
    tags: Any,
    work: Any,
    spec: Any,
    tally: Any,
    steps: Any,
    share: Any,
    learning: Any,
) -> None:
    """Learn R, and make the recurrent drive of the next step ready.

    `steps` holds the row before that of the step learnt from, its number, the number of the next step, and the number
    of copies that read alike; a rule that shrinks R keeps a `share` of it.
    """
    before, tagged, ahead, _ = steps
    if tagged < ahead and needs_ageing(substrate.write, False, 0):  # time stands still while weights are set
        let_time_pass(substrate, params, spec, ahead)
    if learning:
        find_signs(spec.rule, spec.seed, tagged, SYNAPSE_RECURRENT, params.R.shape[1], work)
        learn_and_read(substrate, params, state, tags, work, spec, tally, before, tagged, ahead, share)
    for i in range(params.R.shape[0]):
        read_row(substrate, params, state, work, spec, ahead, i, 2 if learning else 0)


@compiled(**LOOP)
def learn_and_read(
    substrate: Any,
    params: Any,
    state: Any,
    tags: Any,
    work: Any,
    spec: Any,
    tally: Any,
    before: Any,
    tagged: Any,
    ahead: Any,
    share: Any,
) -> None:
    """Learn R from step `tagged`, and read it for the first two copies in step `ahead`, two rows at a time."""
    count, lanes = params.R.shape[0], state.s.shape[0]
    twin, copies = min(1, lanes - 1), lanes // work.u.shape[0]
    zero = params.R.dtype.type(0)
    growth, per_unit = like(zero, share - 1.0), like(zero, 1.0 / substrate.scale_recurrent)
    writing = keys(spec.seed, ahead, 0, 0, 0, WRITE_R)
    reading = (reads(substrate, spec, ahead, 0, copies), reads(substrate, spec, ahead, twin, copies))
    alone = rank_one(spec.rule, work.signal, growth)
    wanted, wanted_next, nothing = tags.s[before], tags.s[before], work.change[2]
    if not alone:
        wanted, wanted_next = work.change[0], work.change[1]
    for i in range(0, count, 2):
        k = min(i + 1, count - 1)
        c, d = per_unit, per_unit
        if alone:
            c, d = -work.signal[0, i] * per_unit, -work.signal[0, k] * per_unit
        else:
            want(spec.rule, params, tags, work, spec, before, tagged, growth, i)
        both = k > i
        drives = write_two_rows(
            substrate.write,
            substrate.read,
            substrate.scale_recurrent,
            params.R[i],
            params.R[k] if both else nothing,
            (c, d),
            wanted if c != zero else nothing,
            wanted_next if both and d != zero else nothing,
            params.memory_recurrent,
            (i, k, count),
            ahead,
            writing,
            reading,
            state.s[0],
            state.s[twin],
            tally,
        )
        state.drive[0, i], state.drive[twin, i] = drives[0], drives[1]
        if both:
            state.drive[0, k], state.drive[twin, k] = drives[2], drives[3]
