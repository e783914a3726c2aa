"""One time step of all copies: forward, then learning.

The rank-1 update of the recurrent weights and the recurrent drive of the next step are one pass. `forward` (in
``advance.py``) changes nothing but scratch, `commit` makes the step happen, `compare` judges it, `learn` teaches.
"""

import math
from typing import Any

import numpy as np

from onlinernn.kernels import noise, number, passes
from onlinernn.kernels.advance import decorrelate_part
from onlinernn.kernels.crossbar import broadcast, read_error
from onlinernn.kernels.dispatch import LOOP, compiled, where_implemented
from onlinernn.kernels.effects import chains
from onlinernn.kernels.layout import (
    DEAD,
    DIVERGED,
    FROZEN_A,
    FROZEN_B,
    FROZEN_D,
    FROZEN_R,
    GUARD_HIDDEN,
    GUARD_READOUT,
    OK,
    ORIGIN,
    PENDING,
    STALE,
    TAUGHT,
    TICK,
)
from onlinernn.kernels.losses import loss, loss_difference
from onlinernn.kernels.number import absent, count_bounds, count_updates, draw_words, mean, missing, nothing, reading
from onlinernn.kernels.passes import copy_row
from onlinernn.kernels.readouts import perturbed, readout_rate, readout_signal
from onlinernn.kernels.rules import contraction, synapse_sigma
from onlinernn.kernels.schedules import factor
from onlinernn.kernels.synapses import add_noise_times, find_signs
from onlinernn.kernels.team import (
    DECORRELATION,
    RECURRENT,
    bounds,
    finish,
    publish,
    published,
    seek,
    take,
    turned,
    wait,
)
from onlinernn.kernels.traces import decay, keeps_traces, learn_from_trace, trace_layers
from onlinernn.kernels.updates import (
    EACH,
    after_resync,
    hidden_signal,
    lag,
    learn_and_multiply,
    strays,
    taps,
)
from onlinernn.kernels.writes import program_all, read_row, write_and_read, write_inputs, write_outputs

HIDDEN = FROZEN_A | FROZEN_R


@compiled(**LOOP)
def compare(tags: Any, work: Any, spec: Any, tally: Any, losses: Any, noisy_losses: Any) -> None:
    """Compare the copies' outputs of the tagged step with ``work.target``; a row of NaN teaches nothing."""
    streams, replicas = work.delta_loss.shape
    tagged = tally[TICK] - spec.target_delay
    row = tagged % (tags.u.shape[0] // streams) * streams * (replicas + 1)
    for s in range(streams):
        taught = tagged >= tally[ORIGIN] and not missing(spec.number, work.target[s, 0])
        work.taught[s, 0] = taught
        losses[s] = absent(spec.number)
        noisy_losses[s] = absent(spec.number)
        if taught:
            y = tags.y[row + s * (replicas + 1)]
            losses[s] = loss(spec.loss, y, work.target[s])
            total = nothing(spec.number)
            for k in range(replicas):
                y_noisy = tags.y[row + s * (replicas + 1) + k + 1]
                work.delta_loss[s, k] = loss_difference(spec.loss, y, y_noisy, work.target[s])
                total += work.delta_loss[s, k]
            if replicas > 0:
                noisy_losses[s] = losses[s] + mean(spec.number, total, replicas)


@compiled(**LOOP)
def recurrent_pass(
    R: Any,
    state: Any,
    work: Any,
    pre: Any,
    before: Any,
    spec: Any,
    tagged: Any,
    learning: Any,
    alike: Any,
) -> None:
    """Learn R from step `tagged`, and use it at once for the recurrent drive of the next step.

    `pre` holds what R read in the tagged step from row `before` on, the signals and gains in `work` what it means; a
    rule that shrinks R keeps a ``work.share`` of it. Of `alike` copies that read the same only the first is computed.
    """
    if learning:
        find_signs(spec.rule, spec.seed, tagged, noise.SYNAPSE_RECURRENT, R.shape[0], work)
    team, parts = spec.team, spec.sizes.parts
    publish(team, RECURRENT, before, tagged, learning, alike)
    part = take(team, parts, -1)
    while part < parts:
        turn = turned(team, parts, part, tagged)
        recurrent_part(R, state, work, pre, before, spec, tagged, learning, alike, turn)
        finish(team)
        part = take(team, parts, part)
    wait(team, parts)
    if alike > 1:
        for lane in range(state.s.shape[0]):
            copy_row(state.drive, lane, state.drive, lane // alike * alike)


@compiled(**LOOP)
def recurrent_part(
    R: Any,
    state: Any,
    work: Any,
    pre: Any,
    before: Any,
    spec: Any,
    tagged: Any,
    learning: Any,
    alike: Any,
    part: Any,
) -> None:
    """Do the rows of one `part` of a :func:`recurrent_pass`, block by block."""
    n, block = R.shape[0], spec.sizes.block
    share = R.dtype.type(work.share[0, 0])
    of = reading(spec.number, noise.SYNAPSE_RECURRENT)
    first, end = bounds(n, spec.sizes.parts, part)
    for lo in range(first, end, block):
        rows, done = R[lo : min(lo + block, end)], 0
        if learning:
            done = learn_and_multiply(spec.rule, rows, lo, share, pre, before, spec, tagged, state, work, alike)
        number.multiply_lanes(of, rows, lo, state.s[done:], state.drive[done:], alike)


@compiled(**LOOP)
def attend(params: Any, state: Any, tags: Any, work: Any, spec: Any) -> None:
    """Take parts of the passes of a learner that another thread runs, until there have been none for long."""
    team, parts = spec.team, spec.sizes.parts
    part = seek(team, parts)
    while part >= 0:
        kind, before, tagged, learning, alike = published(team)
        part = turned(team, parts, part, tagged)
        if kind == DECORRELATION:
            decorrelate_part(spec.decorrelation, params, work, spec, learning, part)
        else:
            recurrent_part(params.R, state, work, tags.s, before, spec, tagged, learning, alike, part)
        finish(team)
        part = seek(team, parts)


def _whole(rule: Any, params: Any, learning: Any) -> Any:
    return 1.0


@where_implemented(contraction, otherwise=_whole)
def kept_share(rule: Any, params: Any, learning: Any) -> Any:
    """Return the share of R that is kept in this step; all of it where no target came."""
    return contraction(rule, params) if learning else 1.0


def _plain_recurrence(
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
    before, tagged, _, alike = steps
    work.share[0, 0] = share
    recurrent_pass(params.R, state, work, tags.s, before, spec, tagged, learning, alike)


@where_implemented(chains, otherwise=_plain_recurrence)
def recur(
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
    write_and_read(substrate, params, state, tags, work, spec, tally, steps, share, learning)


def _no_noisy_recurrent_drive(rule: Any, seed: Any, tick: Any, state: Any, work: Any) -> None:
    pass


@where_implemented(synapse_sigma, otherwise=_no_noisy_recurrent_drive)
def noisy_recurrent_drive(rule: Any, seed: Any, tick: Any, state: Any, work: Any) -> None:
    """Add what the noise of each recurrent synapse adds to the drive of step `tick`."""
    streams, replicas = work.gain.shape
    for s in range(streams):
        for k in range(replicas):
            lane = s * (replicas + 1) + k + 1
            base = noise.key(seed, tick, s, k + 1, noise.SYNAPSE_RECURRENT)
            add_noise_times(rule, base, state.s[lane], work, s * replicas + k, state.drive[lane])


def _present_errors(readout: Any, params: Any, tags: Any, work: Any, spec: Any, tally: Any, row: Any) -> None:
    for s in range(work.error.shape[0]):
        if work.taught[s, 0] > 0:
            read_error(spec.substrate, params, tags, work, spec, tally, row, s)
        else:
            for o in range(work.error.shape[1]):
                work.error[s, o] = 0


@where_implemented(perturbed, otherwise=_present_errors)
def find_errors(readout: Any, params: Any, tags: Any, work: Any, spec: Any, tally: Any, row: Any) -> None:
    """Write what the present readout gets wrong on the tagged step of `row`, where a target is there to tell.

    A readout that learns from its perturbation asks for no error, and integers could not tell it.
    """


def _no_traces(
    trace: Any, params: Any, traces: Any, tags: Any, work: Any, spec: Any, tally: Any, row: Any, before: Any, rate: Any
) -> Any:
    return True


@where_implemented(decay, otherwise=_no_traces)
def learn_by_traces(
    trace: Any, params: Any, traces: Any, tags: Any, work: Any, spec: Any, tally: Any, row: Any, before: Any, rate: Any
) -> Any:
    """Let the traces take in the tagged step of `row`, then learn from them; return whether that is finite."""
    rule, frozen = spec.rule, spec.frozen
    streams, replicas = work.gain.shape
    n, rows_A, rows_B = params.R.shape[0], params.A.shape[0], params.B.shape[0]
    real = params.R.dtype.type
    tagged = tally[TICK] - spec.target_delay
    count, finite = 0, True
    for s in range(streams):
        count += work.taught[s, 0] > 0
        for k in range(replicas):
            finite &= math.isfinite(work.delta_loss[s, k]) or work.taught[s, 0] == 0
    for s in range(streams):
        for k in range(replicas):
            lane = s * replicas + k
            bites, bites_out = trace_layers(
                rule, traces, tags, work, spec, real(decay(trace)), s, k, row, before, tagged
            )
            tally[GUARD_HIDDEN] += bites
            tally[GUARD_READOUT] += bites_out
            if finite and work.taught[s, 0] > 0:
                share = rate * np.float64(work.delta_loss[s, k]) / (count * replicas)
                hidden, readout = real(rule.lr_hidden * share), real(readout_rate(spec.readout, rule) * share)
                if frozen & FROZEN_R == 0:
                    learn_from_trace(params.R, traces.R[lane * n : (lane + 1) * n], hidden)
                if frozen & FROZEN_A == 0:
                    learn_from_trace(params.A, traces.A[lane * rows_A : (lane + 1) * rows_A], hidden)
                if frozen & FROZEN_B == 0 and perturbed(spec.readout):
                    learn_from_trace(params.B, traces.B[lane * rows_B : (lane + 1) * rows_B], readout)
    return finite


@compiled(**LOOP)
def learn(params: Any, state: Any, tags: Any, traces: Any, work: Any, spec: Any, tally: Any) -> int:
    """Learn from what is known of the tagged step, make the drive of the next step ready, and count the step.

    A stream without a target teaches nothing. Where a learning signal is not finite no weight is changed, the step is
    finished without learning, and DIVERGED is returned.
    """
    rule, frozen = spec.rule, spec.frozen
    streams, replicas = work.gain.shape
    lanes, slots = state.s.shape[0], tags.u.shape[0] // streams
    tick = tally[TICK]
    tagged = tick - spec.target_delay
    row = tagged % slots * streams
    rate = factor(spec.schedule, tick)
    per_step, perturbs = not keeps_traces(spec.trace), perturbed(spec.readout)
    learning, dead, finite = False, replicas > 0, True
    broadcast(spec.substrate, work, spec, tally)
    for s in range(streams):
        learning |= work.taught[s, 0] > 0
        for k in range(replicas):
            if work.taught[s, 0] > 0:
                dead &= work.delta_loss[s, k] == 0
                tags.delta[row + s, k] = work.delta_loss[s, k]
            else:
                tags.delta[row + s, k] = 0
    find_errors(spec.readout, params, tags, work, spec, tally, row)
    by_signal = learning and (per_step or not perturbs)
    if learning:
        draw_words(spec.number, work.rounding, spec.seed, tick)
        tally[TAUGHT] += 1
        tally[DEAD] += dead
    if by_signal:
        finite, guarded = readout_signal(spec.readout, rule, tags, work, row, rate)
        tally[GUARD_READOUT] += guarded
    source = tagged - lag(rule)
    moving = per_step and (learning or lag(rule) + taps(rule) > 0)
    moving = moving and rule.lr_hidden != 0 and frozen & HIDDEN != HIDDEN
    if moving:
        finite_hidden, guarded = hidden_signal(rule, params, tags, work, spec, tally, tagged, rule.lr_hidden * rate)
        tally[GUARD_HIDDEN] += guarded
        finite &= finite_hidden
    if finite and by_signal and frozen & FROZEN_B == 0:
        write_outputs(spec.substrate, params, tags, work, spec, tally, row, tagged)
    moving = moving and finite and source >= tally[ORIGIN]
    row_learnt, before = source % slots * streams, (source - 1) % slots * streams
    if by_signal:
        still = frozen if moving else frozen | HIDDEN
        count_updates(spec.number, tags, (row, row_learnt, before), work, tally, still)
    if moving and frozen & FROZEN_A == 0:
        write_inputs(spec.substrate, params, tags, work, spec, tally, row_learnt, source)
    if tagged >= tally[ORIGIN]:
        traced = (tagged - 1) % slots * streams
        finite &= learn_by_traces(spec.trace, params, traces, tags, work, spec, tally, row, traced, rate)
    if finite and learning and frozen & FROZEN_D == 0:
        tally[PENDING] = params.D.shape[0] > 0
    due = spec.resync > 0 and (tick + 1 - tally[ORIGIN]) % spec.resync == 0
    alike = EACH
    if due or strays(rule, work.a, lanes // streams):
        set_back(state, streams)
        after_resync(rule, tags)
        alike = lanes // streams
    moving = moving and frozen & FROZEN_R == 0
    share = kept_share(rule, params, learning)
    recur(spec.substrate, params, state, tags, work, spec, tally, (before, source, tick + 1, alike), share, moving)
    count_bounds(spec.number, state, work, tally)
    noisy_recurrent_drive(rule, spec.seed, tick + 1, state, work)
    tally[TICK] = tick + 1
    for lane in range(lanes):
        finite &= math.isfinite(passes.total(state.drive[lane]))
    return OK if finite else DIVERGED


@compiled(**LOOP)
def set_back(state: Any, streams: Any) -> None:
    """Set the noisy copies back to the clean one."""
    lanes = state.s.shape[0]
    copies, n_vars = lanes // streams, state.x.shape[0] // lanes
    for lane in range(lanes):
        clean = lane // copies * copies
        copy_row(state.s, lane, state.s, clean)
        for v in range(n_vars):
            copy_row(state.x, lane * n_vars + v, state.x, clean * n_vars + v)


def _plain_drive(substrate: Any, params: Any, state: Any, work: Any, spec: Any, tick: Any) -> None:
    of = reading(spec.number, noise.SYNAPSE_RECURRENT)
    number.multiply_lanes(of, params.R, 0, state.s, state.drive, EACH)


@where_implemented(chains, otherwise=_plain_drive)
def recurrent_drive(substrate: Any, params: Any, state: Any, work: Any, spec: Any, tick: Any) -> None:
    """Compute the recurrent drive of step `tick`, and learn nothing."""
    for i in range(params.R.shape[0]):
        read_row(substrate, params, state, work, spec, tick, i, 0)


@compiled(**LOOP)
def renew(params: Any, state: Any, work: Any, spec: Any, tally: Any) -> None:
    """Where weights were set from outside, write them to the devices and compute the drive of the next step anew."""
    if tally[STALE] == 1:
        program_all(spec.substrate, params, spec, tally)
        recurrent_drive(spec.substrate, params, state, work, spec, tally[TICK])
        noisy_recurrent_drive(spec.rule, spec.seed, tally[TICK], state, work)
        tally[STALE] = 0
