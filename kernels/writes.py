"""What becomes of arrays of devices: weights set from outside, and in a step what is learnt and what time does.

Every function that a step calls has a plain form beside it, or is called on substrates alone.
"""

from typing import Any

from onlinernn.kernels.arrays import (
    Devices,
    Every,
    age,
    count_at_limit,
    how_many,
    program,
    read_rows,
    write_row,
    write_some,
    write_two_rows,
)
from onlinernn.kernels.dispatch import FAST, LOOP, broad, compiled, where_implemented
from onlinernn.kernels.effects import (
    READ_R,
    WRITE_A,
    WRITE_B,
    WRITE_R,
    beginning,
    chains,
    keys,
    like,
    needs_ageing,
    place,
)
from onlinernn.kernels.layout import ROOM, TICK
from onlinernn.kernels.noise import SYNAPSE_RECURRENT
from onlinernn.kernels.passes import copy_row
from onlinernn.kernels.readouts import learn_readout
from onlinernn.kernels.room import has_room
from onlinernn.kernels.rules import synapse_sigma
from onlinernn.kernels.synapses import find_signs
from onlinernn.kernels.twins import array_of
from onlinernn.kernels.updates import TOP, learn_inputs, learn_weights


def _plain_program(substrate: Any, params: Any, spec: Any, tally: Any) -> None:
    pass


@where_implemented(chains, otherwise=_plain_program)
def program_all(substrate: Any, params: Any, spec: Any, tally: Any) -> None:
    """Write all weights, after they were set from outside."""
    tally[ROOM] = 0
    program(substrate.write, substrate.scale_input, params.A, spec.seed, WRITE_A)
    program(substrate.write, substrate.scale_recurrent, params.R, spec.seed, WRITE_R)
    program(substrate.write, substrate.scale_readout, params.B, spec.seed, WRITE_B)


@compiled(**LOOP)
def weights_at_limit(substrate: Any, params: Any, spec: Any) -> int:
    """Return how many devices of A, R and B stand at a limit of the chain `write`."""
    found = count_at_limit(substrate.write, substrate.scale_input, params.A, spec.seed, WRITE_A)
    found += count_at_limit(substrate.write, substrate.scale_recurrent, params.R, spec.seed, WRITE_R)
    return found + count_at_limit(substrate.write, substrate.scale_readout, params.B, spec.seed, WRITE_B)


def _plain_write_inputs(
    substrate: Any, params: Any, tags: Any, work: Any, spec: Any, tally: Any, row: Any, tagged: Any
) -> None:
    learn_inputs(spec.rule, params.A, TOP, work.signal, tags.u, row, work.gain, work, spec, tagged)


@where_implemented(chains, otherwise=_plain_write_inputs)
def write_inputs(
    substrate: Any, params: Any, tags: Any, work: Any, spec: Any, tally: Any, row: Any, tagged: Any
) -> None:
    """Learn the input weights from step `tagged`, whose inputs begin at `row` of the tags."""
    of = devices(substrate, substrate.scale_input, params.A, params.memory_input, spec, tally[TICK], WRITE_A)
    for j in range(params.A.shape[0]):
        clear(work.change)
        learn_inputs(spec.rule, work.change[:1], j, work.signal, tags.u, row, work.gain, work, spec, tagged)
        write_row(of, params.A, j, work.change, tally)


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
    of = devices(substrate, substrate.scale_readout, params.B, params.memory_readout, spec, tally[TICK], WRITE_B)
    for o in range(params.B.shape[0]):
        for j in range(params.B.shape[1]):
            work.change_out[0, j] = params.B[o, j] - work.old_out[o, j]
        copy_row(params.B, o, work.old_out, o)
        write_row(of, params.B, o, work.change_out, tally)


@compiled(**FAST)
def devices(substrate: Any, scale: Any, rows: Any, planes: Any, spec: Any, tick: Any, domain: Any) -> Any:
    """Return an array of devices as it is written in step `tick`, and not read."""
    writing = keys(spec.seed, tick, 0, 0, 0, domain)
    return Devices(substrate.write, substrate.read, scale, planes, rows.shape[0], tick, writing, (writing, writing))


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
    if tagged < ahead and needs_ageing(substrate.write):  # time stands still while weights are set
        let_time_pass(substrate, params, spec, ahead)
    if learning:
        find_signs(spec.rule, spec.seed, tagged, SYNAPSE_RECURRENT, params.R.shape[1], work)
        learn_and_read(substrate, params, state, tags, work, spec, tally, before, tagged, ahead, share)
    first = 2 if learning else 0
    if first < state.s.shape[0]:
        for i in range(params.R.shape[0]):
            read_row(substrate, params, state, work, spec, ahead, i, first)


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
    broad()
    count, lanes = params.R.shape[0], state.s.shape[0]
    twin, copies = min(1, lanes - 1), lanes // work.u.shape[0]
    a, b, pre, nobody = state.s[0], state.s[twin], tags.s[before], work.change[2]
    zero, scale = params.R.dtype.type(0), substrate.scale_recurrent
    growth, per_unit = like(zero, share - 1.0), like(zero, 1.0 / scale)
    writing = keys(spec.seed, ahead, 0, 0, 0, WRITE_R)
    reading = (reads(substrate, spec, ahead, 0, copies), reads(substrate, spec, ahead, twin, copies))
    of = Devices(substrate.write, substrate.read, scale, params.memory_recurrent, count, ahead, writing, reading)
    alone = rank_one(spec.rule, work.signal, growth)
    roomy = False
    if alone:
        roomy = has_room(substrate.write, scale, params.R, work.signal[0], pre, work.change[1], tally)
    else:
        tally[ROOM] = 0
    every = roomy and how_many(pre) == count
    for i in range(0, count, 2):
        k = min(i + 1, count - 1)
        w, v = params.R[i], params.R[k] if k > i else nobody
        c, d = per_unit, per_unit
        first, second = work.change[0], work.change[1]
        if alone:
            c, d = -work.signal[0, i] * per_unit, -work.signal[0, k] * per_unit
            first, second = pre if c != zero else nobody, pre if d != zero else nobody
        else:
            want(spec.rule, params, tags, work, spec, before, tagged, growth, i)
        if every and k > i and c != zero and d != zero:
            drives = write_two_rows(Every(), of, (i, k), w, v, (c, d), pre, pre, 2 * count, a, b, tally)
        else:
            second = second if k > i else nobody
            asked = how_many(first) + how_many(second)
            some = (first, second, work.change[0], work.change[1])
            drives = write_some(of, (i, k), w, v, (c, d), *some, asked, a, b, tally)
        state.drive[0, i], state.drive[twin, i] = drives[0], drives[1]
        if k > i:
            state.drive[0, k], state.drive[twin, k] = drives[2], drives[3]
