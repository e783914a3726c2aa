"""A step on a substrate: weights that are devices, written and read one by one, and the chains that numbers go through.

Every function here has a plain form beside it, which is all that is compiled without a substrate.
"""

from typing import Any

from onlinernn.kernels.dispatch import FAST, LOOP, compiled, where_implemented
from onlinernn.kernels.effects import (
    DRIVE,
    ERROR,
    INPUT,
    LOSS,
    NODE,
    OUTPUT,
    READ_A,
    READ_B,
    READ_R,
    WRITE_A,
    WRITE_B,
    WRITE_R,
    aged,
    along,
    chains,
    changed,
    like,
    needs_age,
    needs_ageing,
    needs_count,
    place,
    through,
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
    BOUND_WEIGHT,
    LOST,
    TICK,
    WANTED,
    WRITES,
)
from onlinernn.kernels.losses import output_error
from onlinernn.kernels.noise import SYNAPSE_INPUT, SYNAPSE_READOUT, SYNAPSE_RECURRENT
from onlinernn.kernels.number import input_drive, reading, weigh
from onlinernn.kernels.passes import copy_row
from onlinernn.kernels.readouts import learn_readout, present_error
from onlinernn.kernels.synapses import find_signs
from onlinernn.kernels.twins import array_of
from onlinernn.kernels.updates import TOP, learn_inputs, learn_weights


@compiled(**LOOP)
def read_rows(
    chain: Any, scale: Any, rows: Any, i: Any, planes: Any, tick: Any, at_a: Any, at_b: Any, a: Any, b: Any
) -> Any:
    """Return the inner products of row `i` of an array of devices, as two copies read it, with `a` and `b`."""
    zero = rows.dtype.type(0)
    unit, per_unit, now = like(zero, scale), like(zero, 1.0 / scale), like(zero, tick)
    total_a, total_b, age, written = zero, zero, zero, zero
    last = planes.shape[0] - rows.shape[0] + i  # the last plane tells when, the first one how often
    for j in range(rows.shape[1]):
        if needs_age(chain, False, 0):
            written = planes[last, j]
            age = now - written
        state = rows[i, j] * per_unit
        total_a += through(chain, state, along(at_a, j, age, written, state)) * a[j]
        total_b += through(chain, state, along(at_b, j, age, written, state)) * b[j]
    return unit * total_a, unit * total_b


@compiled(**LOOP)
def add_row(chain: Any, scale: Any, rows: Any, i: Any, planes: Any, tick: Any, at: Any, factor: Any, out: Any) -> None:
    """Add row `i` of an array of devices, as one copy reads it, times `factor` to `out`."""
    zero = rows.dtype.type(0)
    unit, per_unit, now = like(zero, scale) * factor, like(zero, 1.0 / scale), like(zero, tick)
    age, written, last = zero, zero, planes.shape[0] - rows.shape[0] + i
    for j in range(out.size):
        if needs_age(chain, False, 0):
            written = planes[last, j]
            age = now - written
        state = rows[i, j] * per_unit
        out[j] += unit * through(chain, state, along(at, j, age, written, state))


@compiled(**LOOP)
def write_row(
    chain: Any,
    read: Any,
    scale: Any,
    rows: Any,
    i: Any,
    wanted: Any,
    planes: Any,
    tick: Any,
    start: Any,
    tally: Any,
) -> None:
    """Add row 0 of `wanted` to row `i` of an array of devices, as far as these do so, and count."""
    zero = rows.dtype.type(0)
    unit, per_unit, now = like(zero, scale), like(zero, 1.0 / scale), like(zero, tick)
    asked, moves, bound = zero, zero, zero
    last = planes.shape[0] - rows.shape[0] + i
    for j in range(rows.shape[1]):
        state, step = rows[i, j] * per_unit, wanted[0, j] * per_unit
        here = along(start, j, zero, zero, state)
        new, limits = through_counting(chain, (state + changed(chain, step, here), zero), here)
        asks = step != zero  # what is counted is added up, not chosen: choices would cost the loop its speed
        new = new if asks else state
        moved = like(zero, new != state)
        rows[i, j] = new * unit
        asked += like(zero, asks)
        moves += moved
        bound += limits * like(zero, asks)
        if needs_count(chain, False, 0):
            planes[i, j] += moved
        if needs_age(read, False, 0):
            planes[last, j] = now if new != state else planes[last, j]
    tally[WANTED] += int(asked)
    tally[LOST] += int(asked - moves)
    tally[WRITES] += int(moves)
    tally[BOUND_WEIGHT] += int(bound)


@compiled(**LOOP)
def program(chain: Any, scale: Any, rows: Any, seed: Any, domain: Any) -> None:
    """Set an array of devices to its own states, as exactly as these can be held."""
    zero = rows.dtype.type(0)
    unit, per_unit = like(zero, scale), like(zero, 1.0 / scale)
    for i in range(rows.shape[0]):
        start = place(seed, 0, 0, 0, 0, domain, i, zero)
        for j in range(rows.shape[1]):
            state = rows[i, j] * per_unit
            rows[i, j] = unit * through(chain, state, along(start, j, zero, zero, state))


@compiled(**LOOP)
def age(chain: Any, scale: Any, rows: Any, i: Any, start: Any) -> None:
    """Let one step of time pass for row `i` of an array of devices."""
    zero = rows.dtype.type(0)
    unit, per_unit = like(zero, scale), like(zero, 1.0 / scale)
    for j in range(rows.shape[1]):
        state = rows[i, j] * per_unit
        rows[i, j] = unit * aged(chain, state, along(start, j, zero, zero, state))


def _plain_program(substrate: Any, params: Any, spec: Any) -> None:
    pass


@where_implemented(chains, otherwise=_plain_program, whole=True)
def program_all(substrate: Any, params: Any, spec: Any) -> None:
    """Write all weights, after they were set from outside."""
    program(substrate.write, substrate.scale_input, params.A, spec.seed, WRITE_A)
    program(substrate.write, substrate.scale_recurrent, params.R, spec.seed, WRITE_R)
    program(substrate.write, substrate.scale_readout, params.B, spec.seed, WRITE_B)


@compiled(**LOOP)
def convert(
    chain: Any, x: Any, size: Any, seed: Any, tick: Any, stream: Any, copy: Any, array: Any, domain: Any
) -> Any:
    """Let the first `size` numbers of a vector go through a chain; return how often a limit was reached."""
    zero = x.dtype.type(0)
    start = place(seed, tick, stream, copy, array, domain, 0, zero)
    bound = zero
    for i in range(size):
        x[i], limits = through_counting(chain, (x[i], zero), along(start, i, zero, zero, x[i]))
        bound += limits
    return bound


def _plain_inputs(substrate: Any, work: Any, spec: Any, tick: Any) -> None:
    pass


@where_implemented(chains, otherwise=_plain_inputs, whole=True)
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


@where_implemented(chains, otherwise=_plain_input_drive, whole=True)
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


@where_implemented(chains, otherwise=_plain_lane, whole=True)
def convert_drive(substrate: Any, work: Any, spec: Any, tick: Any, s: Any, k: Any) -> None:
    """Let the drives of copy `k` of stream `s` through their chain."""
    copies = work.a.shape[0] // work.u.shape[0]
    a, array = work.a[s * copies + k], array_of(substrate, tick, k, copies)
    work.bound[0, BOUND_DRIVE] += convert(substrate.drive, a, a.size, spec.seed, tick, s, k, array, DRIVE)


@where_implemented(chains, otherwise=_plain_lane, whole=True)
def convert_node(substrate: Any, work: Any, spec: Any, tick: Any, s: Any, k: Any) -> None:
    """Let the activities of copy `k` of stream `s` through their chain."""
    copies = work.a.shape[0] // work.u.shape[0]
    a, array = work.a[s * copies + k], array_of(substrate, tick, k, copies)
    work.bound[0, BOUND_NODE] += convert(substrate.node, a, a.size, spec.seed, tick, s, k, array, NODE)


@where_implemented(chains, otherwise=_plain_lane, whole=True)
def convert_output(substrate: Any, work: Any, spec: Any, tick: Any, s: Any, k: Any) -> None:
    """Let the outputs of copy `k` of stream `s` through their chain."""
    copies = work.y.shape[0] // work.u.shape[0]
    y, array = work.y[s * copies + k], array_of(substrate, tick, k, copies)
    work.bound[0, BOUND_OUTPUT] += convert(substrate.output, y, y.size, spec.seed, tick, s, k, array, OUTPUT)


def _plain_read_outputs(substrate: Any, params: Any, z: Any, y: Any, spec: Any, tick: Any, s: Any, k: Any) -> None:
    for o in range(y.size):
        y[o] = weigh(reading(spec.number, SYNAPSE_READOUT), params.B[o], z)


@where_implemented(chains, otherwise=_plain_read_outputs, whole=True)
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


@where_implemented(chains, otherwise=_plain_errors, whole=True)
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


@where_implemented(chains, otherwise=_plain_feedback, whole=True)
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


@where_implemented(chains, otherwise=_plain_write_inputs, whole=True)
def write_inputs(
    substrate: Any, params: Any, tags: Any, work: Any, spec: Any, tally: Any, row: Any, tagged: Any
) -> None:
    """Learn the input weights from step `tagged`, whose inputs begin at `row` of the tags."""
    for j in range(params.A.shape[0]):
        clear(work.change)
        learn_inputs(spec.rule, work.change, j, work.signal, tags.u, row, work.gain, work, spec, tagged)
        start = place(spec.seed, tally[TICK], 0, 0, 0, WRITE_A, j, work.change.dtype.type(0))
        write_row(
            substrate.write,
            substrate.read,
            substrate.scale_input,
            params.A,
            j,
            work.change,
            params.memory_input,
            tally[TICK],
            start,
            tally,
        )


def _plain_write_outputs(
    substrate: Any, params: Any, tags: Any, work: Any, spec: Any, tally: Any, row: Any, tagged: Any
) -> None:
    learn_readout(spec.readout, spec.rule, params.B, params.P, tags, work, spec, row, tagged)


@where_implemented(chains, otherwise=_plain_write_outputs, whole=True)
def write_outputs(
    substrate: Any, params: Any, tags: Any, work: Any, spec: Any, tally: Any, row: Any, tagged: Any
) -> None:
    """Learn the readout from step `tagged`, which begins at `row` of the tags."""
    for o in range(params.B.shape[0]):
        copy_row(work.old_out, o, params.B, o)
    learn_readout(spec.readout, spec.rule, params.B, params.P, tags, work, spec, row, tagged)
    for o in range(params.B.shape[0]):
        for j in range(params.B.shape[1]):
            work.change_out[0, j] = params.B[o, j] - work.old_out[o, j]
        copy_row(params.B, o, work.old_out, o)
        start = place(spec.seed, tally[TICK], 0, 0, 0, WRITE_B, o, work.change.dtype.type(0))
        write_row(
            substrate.write,
            substrate.read,
            substrate.scale_readout,
            params.B,
            o,
            work.change_out,
            params.memory_readout,
            tally[TICK],
            start,
            tally,
        )


@compiled(**FAST)
def clear(row: Any) -> None:
    """Set row 0 to zero."""
    for j in range(row.shape[1]):
        row[0, j] = 0


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
    lanes = state.s.shape[0]
    copies = lanes // work.u.shape[0]
    zero = params.R.dtype.type(0)
    growth = like(zero, share - 1.0)
    if tagged < ahead and needs_ageing(substrate.write, False, 0):  # time stands still while weights are set
        for j in range(params.A.shape[0]):
            start = place(spec.seed, ahead, 0, 0, 0, WRITE_A, j, zero)
            age(substrate.write, substrate.scale_input, params.A, j, start)
        for i in range(params.R.shape[0]):
            start = place(spec.seed, ahead, 0, 0, 0, WRITE_R, i, zero)
            age(substrate.write, substrate.scale_recurrent, params.R, i, start)
        for o in range(params.B.shape[0]):
            start = place(spec.seed, ahead, 0, 0, 0, WRITE_B, o, zero)
            age(substrate.write, substrate.scale_readout, params.B, o, start)
    if learning:
        find_signs(spec.rule, spec.seed, tagged, SYNAPSE_RECURRENT, params.R.shape[1], work)
    for i in range(params.R.shape[0]):
        if learning:
            for j in range(params.R.shape[1]):
                work.change[0, j] = growth * params.R[i, j]
            learn_weights(
                spec.rule,
                work.change,
                i,
                work.signal,
                tags.s,
                before,
                work.gain,
                work,
                spec,
                tagged,
                SYNAPSE_RECURRENT,
            )
            start = place(spec.seed, ahead, 0, 0, 0, WRITE_R, i, zero)
            write_row(
                substrate.write,
                substrate.read,
                substrate.scale_recurrent,
                params.R,
                i,
                work.change,
                params.memory_recurrent,
                ahead,
                start,
                tally,
            )
        for lane in range(0, lanes, 2):
            twin = min(lane + 1, lanes - 1)
            array = array_of(substrate, ahead, lane % copies, copies)
            at = place(spec.seed, ahead, lane // copies, lane % copies, array, READ_R, i, zero)
            array = array_of(substrate, ahead, twin % copies, copies)
            at_twin = place(spec.seed, ahead, twin // copies, twin % copies, array, READ_R, i, zero)
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
