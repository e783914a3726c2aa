"""The first half of a time step: the input goes through all copies.

The copies go through every weight together. `forward` changes nothing but scratch, `commit` makes the step happen.
"""

from typing import Any

import numpy as np

from onlinernn.kernels import noise, passes
from onlinernn.kernels.cells import cell_step
from onlinernn.kernels.crossbar import (
    convert_drive,
    convert_inputs,
    convert_node,
    convert_output,
    read_inputs,
    read_outputs,
)
from onlinernn.kernels.decorrelation import learn_rows, learns_from_q, rate, readout_reads_s, recurrence_reads_s
from onlinernn.kernels.dispatch import FAST, LOOP, compiled, distinct, where_implemented
from onlinernn.kernels.feedback import find_slopes
from onlinernn.kernels.layout import PENDING, TICK
from onlinernn.kernels.number import saturate
from onlinernn.kernels.passes import copy_row, dot
from onlinernn.kernels.readouts import perturbed
from onlinernn.kernels.rules import clean_noise, node_noise, node_signal, noise_copy, noise_sign, source
from onlinernn.kernels.schedules import factor
from onlinernn.kernels.synapses import add_noise_times, add_noise_transposed_times
from onlinernn.kernels.team import DECORRELATION, bounds, finish, publish, take, turned, wait
from onlinernn.kernels.twins import expect_drives, expect_outputs, learn_mismatch
from onlinernn.kernels.updates import CLEAN, EACH


@compiled(**LOOP)
def receive(rows: Any, given: Any) -> None:
    """Take the inputs or the targets of a step, one row per stream."""
    for s in range(given.shape[0]):
        copy_row(rows, s, given, s)


@compiled(**LOOP)
def report(work: Any, prediction: Any) -> None:
    """Give the clean copies' outputs (S, m) away."""
    for s in range(prediction.shape[0]):
        copy_row(prediction, s, work.y, s * (work.y.shape[0] // work.u.shape[0]))


@compiled(**LOOP)
def forward(params: Any, state: Any, work: Any, spec: Any, pending: Any, tick: Any) -> None:
    """Compute step `tick` of all copies into `work`, whose input is set; apply the update of D that is `pending`."""
    rule = spec.rule
    streams = work.u.shape[0]
    lanes = work.a.shape[0]
    copies, n_vars = lanes // streams, work.x.shape[0] // lanes
    for v in range(work.x.shape[0]):
        copy_row(work.x, v, state.x, v)
    convert_inputs(spec.substrate, work, spec, tick)
    for s in range(streams):
        first, u, common = s * copies, work.u[s], work.common[s]
        read_inputs(spec.substrate, params, work, spec, tick, s, 0)
        base = noise.begin(source(rule), spec.sizes, spec.seed, tick, s, CLEAN, noise.NODE_HIDDEN)
        clean_drive(spec.number, rule, params.tape, base, state.drive[first], common, work.a[first])
        convert_drive(spec.substrate, work, spec, tick, s, 0)
        for k in range(1, copies):
            lane, tag = first + k, work.hidden[s * (copies - 1) + k - 1]
            base = noise.begin(source(rule), spec.sizes, spec.seed, tick, s, noise_copy(rule, k), noise.NODE_HIDDEN)
            read_inputs(spec.substrate, params, work, spec, tick, s, k)
            sign = noise_sign(rule, k)
            noisy_drive(spec.number, rule, params.tape, base, sign, state.drive[lane], common, work.a[lane], tag)
            of_inputs = noise.key(spec.seed, tick, s, k, noise.SYNAPSE_INPUT)
            add_noise_transposed_times(rule, of_inputs, u, work, s * (copies - 1) + k - 1, work.a[lane])
            convert_drive(spec.substrate, work, spec, tick, s, k)
            find_perturbation(rule, work.a[first], work.a[lane], tag)
            expect_drives(spec.substrate, params, state, work, spec, tick, s, k)
    for s in range(streams):
        first, lane = s * (copies - 1), s * copies
        x = work.x[lane * n_vars : (lane + 1) * n_vars]
        find_slopes(rule, spec.cell, x, work.a[lane], work.slope[s : s + 1], work.hidden[first : first + copies - 1])
    for lane in range(lanes):
        activate(spec.cell, work.x[lane * n_vars : (lane + 1) * n_vars], work.a[lane])
        convert_node(spec.substrate, work, spec, tick, lane // copies, lane % copies)
    if pending:
        present_rates(spec, params, work, tick)
    decorrelate(spec.decorrelation, params, work, spec, pending, tick)
    linked = work.z.shape[1] - work.a.shape[1] - 1
    for s in range(streams):
        for k in range(copies):
            lane = s * copies + k
            copy_row(work.z, lane, work.s if readout_reads_s(spec.decorrelation) else work.a, lane)
            for j in range(linked):
                work.z[lane, work.a.shape[1] + j] = work.u[s, j]
            readout, y = spec.readout, work.y[lane]
            read_outputs(spec.substrate, params, work.z[lane], y, spec, tick, s, k)
            if k == 0:
                base = noise.begin(source(rule), spec.sizes, spec.seed, tick, s, CLEAN, noise.NODE_READOUT)
                clean_readout(spec.number, readout, rule, params.tape, base, y)
                convert_output(spec.substrate, work, spec, tick, s, k)
            else:
                base = noise.begin(
                    source(rule), spec.sizes, spec.seed, tick, s, noise_copy(rule, k), noise.NODE_READOUT
                )
                weights = noise.key(spec.seed, tick, s, k, noise.SYNAPSE_READOUT)
                sign, clean, tag = noise_sign(rule, k), work.y[s * copies], work.readout[s * (copies - 1) + k - 1]
                if perturbed(readout):
                    add_noise_times(rule, weights, work.z[lane], work, s * (copies - 1) + k - 1, y)
                noisy_readout(spec.number, readout, rule, params.tape, base, sign, y, tag)
                convert_output(spec.substrate, work, spec, tick, s, k)
                expect_outputs(spec.substrate, params, state, work, spec, tick, s, k)
                find_perturbation(rule, clean, y, tag)


@compiled(**FAST)
def clean_drive(number: Any, rule: Any, tape: Any, base: Any, drive: Any, common: Any, a: Any) -> None:
    """Drive of a clean copy (a noisy device's clean copy has noise of its own)."""
    distinct()
    real = a.dtype.type
    place = base
    for i in range(a.size):
        a[i] = saturate(
            number, drive[i] + common[i] + real(clean_noise(rule, noise.bits_at(source(rule), tape, place)))
        )
        place = noise.step_on(source(rule), tape, place)


@compiled(**FAST)
def noisy_drive(
    number: Any, rule: Any, tape: Any, base: Any, sign: Any, drive: Any, common: Any, a: Any, tag: Any
) -> None:
    """Drive of a noisy copy, and in `tag` the noise that was added."""
    distinct()
    real = a.dtype.type
    place = base
    for i in range(a.size):
        xi = real(sign * node_noise(rule, noise.bits_at(source(rule), tape, place)))
        place = noise.step_on(source(rule), tape, place)
        a[i] = saturate(number, drive[i] + common[i] + xi)
        tag[i] = xi


@compiled(**FAST)
def find_perturbation(rule: Any, clean: Any, noisy: Any, tag: Any) -> None:
    """Turn the noise in `tag` into what counts as the perturbation of each unit."""
    distinct()
    for i in range(tag.size):
        tag[i] = node_signal(rule, tag[i], clean[i], noisy[i])


@compiled(**FAST)
def activate(cell: Any, x: Any, a: Any) -> None:
    """Turn the drives `a` of one copy into its activities, in place."""
    distinct()
    for i in range(a.size):
        a[i] = cell_step(cell, x, i, a[i])


@compiled(**FAST)
def clean_readout(number: Any, readout: Any, rule: Any, tape: Any, base: Any, y: Any) -> None:
    """Add to the outputs of a clean copy the noise that it has of its own."""
    real = y.dtype.type
    place = base
    for o in range(y.size):
        if perturbed(readout):
            y[o] = saturate(number, y[o] + real(clean_noise(rule, noise.bits_at(source(rule), tape, place))))
            place = noise.step_on(source(rule), tape, place)


@compiled(**FAST)
def noisy_readout(number: Any, readout: Any, rule: Any, tape: Any, base: Any, sign: Any, y: Any, tag: Any) -> None:
    """Add its noise to the outputs of a noisy copy, and write it to `tag`."""
    real = y.dtype.type
    place = base
    for o in range(y.size):
        nu = real(0)
        if perturbed(readout):
            nu = real(sign * node_noise(rule, noise.bits_at(source(rule), tape, place)))
            place = noise.step_on(source(rule), tape, place)
            y[o] = saturate(number, y[o] + nu)
        tag[o] = nu


def _copy_activity(decorrelation: Any, params: Any, work: Any, spec: Any, pending: Any, tick: Any) -> None:
    for lane in range(work.a.shape[0]):
        copy_row(work.s, lane, work.a, lane)


@where_implemented(rate, otherwise=_copy_activity)
def decorrelate(decorrelation: Any, params: Any, work: Any, spec: Any, pending: Any, tick: Any) -> None:
    """Apply the pending update of D, then compute ``s = D x`` of all copies and ``q = D^T s`` in the same pass.

    The pending update comes from the clean activity w of the step before and its q, with the rates in ``work.rate``.
    Without decorrelation, s is x.
    """
    team, parts = spec.team, spec.sizes.parts
    publish(team, DECORRELATION, 0, tick, pending, 0)
    part = take(team, parts, -1)
    while part < parts:
        decorrelate_part(decorrelation, params, work, spec, pending, turned(team, parts, part, tick))
        finish(team)
        part = take(team, parts, part)
    wait(team, parts)
    streams = work.q.shape[0]
    for stream in range(streams):
        copy_row(work.q, stream, work.partial, stream)
        for part in range(1, parts):
            add_to(work.q[stream], work.partial[part * streams + stream])


def _nothing_to_do(decorrelation: Any, params: Any, work: Any, spec: Any, pending: Any, part: Any) -> None:
    pass


@where_implemented(rate, otherwise=_nothing_to_do)
def decorrelate_part(decorrelation: Any, params: Any, work: Any, spec: Any, pending: Any, part: Any) -> None:
    """Do the rows of one `part` of :func:`decorrelate`; what they add to q goes to ``work.partial``.

    The pass is the same with nothing pending: then it learns from zeros. Other sums would give other bits, and whoever
    looks at D, which applies the update, would change what comes after.
    """
    x, s, streams, lanes = work.a, work.s, work.q.shape[0], work.a.shape[0]
    w, q, rates = work.idle, work.idle, work.idle
    if pending:
        w, q, rates = params.w, params.q, work.rate
    first, end = bounds(params.D.shape[0], spec.sizes.parts, part)
    sums = work.partial[part * streams : (part + 1) * streams]
    for stream in range(streams):
        copy_row(sums, stream, work.idle, stream)
    block = end if lanes == 2 else spec.sizes.block
    for lo in range(first, end, block):
        rows = params.D[lo : min(lo + block, end)]
        if streams == 1 and lanes > 1:
            passes.learn_and_mix(decorrelation, rows, lo, w, q, rates, x[0], x[1], s[0], s[1], sums[0])
            passes.multiply_lanes(rows, lo, x[2:], s[2:], EACH)
        else:
            if pending:
                learn_rows(decorrelation, rows, lo, w, q, rates)
            passes.multiply_lanes(rows, lo, x, s, EACH)
            for stream in range(streams):
                passes.multiply_transposed(rows, lo, s[stream * (lanes // streams)], sums[stream])


@compiled(**FAST)
def add_to(sums: Any, a: Any) -> None:
    """``sums += a``."""
    distinct()
    for j in range(a.size):
        sums[j] += a[j]


def _no_rates(decorrelation: Any, w: Any, scale: Any, rates: Any) -> None:
    pass


@where_implemented(rate, otherwise=_no_rates)
def learning_rates(decorrelation: Any, w: Any, scale: Any, rates: Any) -> None:
    """Write the learning rates of D that the clean activity `w` of each stream calls for, times `scale`."""
    for stream in range(w.shape[0]):
        rates[stream, 0] = rate(decorrelation, np.float64(dot(w[stream], w[stream]))) * scale / w.shape[0]


@compiled(**LOOP)
def present_rates(spec: Any, params: Any, work: Any, tick: Any) -> None:
    """Write the learning rates of the update of D that is pending before step `tick`."""
    learning_rates(spec.decorrelation, params.w, factor(spec.schedule, tick - 1), work.rate)


@compiled(**LOOP)
def settle(params: Any, state: Any, work: Any, spec: Any, tally: Any) -> None:
    """Leave no update of D pending."""
    if tally[PENDING] == 1:
        present_rates(spec, params, work, tally[TICK])
        decorrelate(spec.decorrelation, params, work, spec, True, tally[TICK])
        tally[PENDING] = 0


@compiled(**LOOP)
def commit(params: Any, state: Any, tags: Any, work: Any, spec: Any, tally: Any) -> None:
    """Make the step in `work` the present one: state, and the tags that its learning will need."""
    streams = work.u.shape[0]
    lanes = work.a.shape[0]
    copies = lanes // streams
    slot = tally[TICK] % (tags.u.shape[0] // streams)
    learn_mismatch(spec.substrate, params, state, work, spec, tally[TICK])
    read = work.s if recurrence_reads_s(spec.decorrelation) else work.a
    for v in range(work.x.shape[0]):
        copy_row(state.x, v, work.x, v)
    for lane in range(lanes):
        copy_row(state.s, lane, read, lane)
        copy_row(tags.y, slot * lanes + lane, work.y, lane)
    for s in range(streams):
        copy_row(tags.u, slot * streams + s, work.u, s)
        copy_row(tags.z, slot * streams + s, work.z, s * copies)
        copy_row(params.w, s, work.s, s * copies)
        copy_row(params.q, s, work.q, s)
        if tags.slope.shape[0] > 0:
            copy_row(tags.slope, slot * streams + s, work.slope, s)
        if learns_from_q(spec.decorrelation):
            copy_row(tags.s, slot * streams + s, work.q, s)
        else:
            copy_row(tags.s, slot * streams + s, read, s * copies)
    for row in range(work.hidden.shape[0]):
        copy_row(tags.readout, slot * work.hidden.shape[0] + row, work.readout, row)
    if tags.hidden.shape[0] > 0:
        for row in range(work.hidden.shape[0]):
            copy_row(tags.hidden, slot * work.hidden.shape[0] + row, work.hidden, row)
    tally[PENDING] = 0
