"""Learned impulse-response feedback: credit through time from the noise itself.

The free-running noisy copies tell how a push to neuron i now moves output o tau steps later. That impulse response is
identified online, by NLMS, from the noise and the difference of the outputs; then it carries the output error back to
each neuron's own past, where the presynaptic activity is still in the ring of tags. No weight is transported, no
derivative goes through time, nothing grows with it.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from onlinernn.kernels.cells import cell_memory, cell_slope
from onlinernn.kernels.contracts import (
    ERRORS,
    PRE,
    PRE_POWER,
    PUSH_POWER,
    PUSHES,
    RESIDUAL,
    RESPONSE,
    SLOPE,
    STRAYING,
    WEIGHT,
    LocalityContract,
    contract,
)
from onlinernn.kernels.contracts import STRENGTH as STRENGTH_SIGNAL
from onlinernn.kernels.decorrelation import learns_from_q
from onlinernn.kernels.dispatch import LOOP, compiled, where_implemented
from onlinernn.kernels.layout import TICK
from onlinernn.kernels.noise import Rademacher, draw
from onlinernn.kernels.passes import copy_row, dot
from onlinernn.kernels.rules import contraction, node_noise, source
from onlinernn.kernels.updates import after_resync, hidden_signal, lag, reads_error, strays, taps


class LearnedFeedback(NamedTuple):
    """Impulse-response feedback learnt from the noise (ours; ``docs/learning.md``).

    With ``p_t = f'_t xi_t``, the push that the noise gives to each activity, and q the step ``lags - 1`` before the
    one whose target came now::

        r_t = (y~_t - y_t) - sum_tau F_tau p_{t-tau}        F_tau += lr_response r_t p_{t-tau} / sum_tau |p_{t-tau}|^2
        L_q = f'_q sum_tau F_tau^T e_{q+tau}                g_q = sum_i (f'_q,i)^2 sum_tau,o F_tau,o,i^2
        dR  = lr_hidden L_q v_{q-1}^T / [(1 + v_{q-1} . x_{q-1} + |u_q|^2) (1 + max(g_q, mean of g))]

    where x is what R reads, and v the same, or with :class:`Whitening` its whitened form ``D^T D x``; A and b learn
    with u_q and the constant of the biases, which ``|u_q|^2`` contains. F is corrected before it is used; the mean of g
    runs with rate 1e-3. The second bracket is how far the step moves the outputs: it cannot overshoot, however strong
    the responses. Where a noisy copy strays further than ``|x~ - x|^2 = 100 n sigma^2``, all are set back to the clean
    one.

    The noisy copy also tells whether the network forgets. With mu the leak of a neuron and all means running ones of
    rate 1e-3, in each step with a target::

        excess = 1 - stray sigma^2 mean of sum_i f'_i^2 / (mu_i (2 - mu_i)) / mean of |x~ - x|^2
        R     <- R (1 - contraction max(0, excess))

    at the pace of the schedule, as all learning. The first mean is what noise leaves in units without recurrence. The
    distance grows without bound where a network nears chaos; `stray` says how many times the first it may be.

    What a synapse sees: its weight; its presynaptic activity (plain or whitened); its neuron's noise, slope and impulse
    response; the broadcast output errors, residual, norms and stray.

    Parameters
    ----------
    lr_hidden
        Learning rate of A, R and b, >= 0; 0 freezes the hidden layer.
    lags
        Taps of the impulse response, at least 1: how many steps back credit reaches. 1 is learnt one-step feedback.
    sigma
        Standard deviation of the perturbation, in units of the drive, > 0.
    lr_response
        Learning rate of the impulse responses, in [0, 2]; no schedule scales it. None are learnt where A and R are
        frozen.
    contraction
        Largest share of R that a step takes away where the noisy copies stray, in [0, 1]; 0 takes none.
    stray
        How many times as far as without recurrence the noisy copies may stray, in squares, > 0.
    noise
        The noise source.

    Examples
    --------
    >>> LearnedFeedback(lags=8).lags
    8
    """

    lr_hidden: float = 0.08
    lags: int = 13
    sigma: float = 1e-2
    lr_response: float = 0.1
    contraction: float = 2.5e-4
    stray: float = 4.0
    noise: Any = Rademacher()


#: Entries of ``Params.running``: the means of g and of both distances, and the share of R that is kept.
STRENGTH, STRAY, ALONE, KEPT = range(4)


@node_noise.register(LearnedFeedback)
def _node_noise(rule: Any, bits: Any) -> Any:
    return rule.sigma * draw(rule.noise, bits)


@source.register(LearnedFeedback)
def _source(rule: Any) -> Any:
    return rule.noise


@contract.register(LearnedFeedback)
def _contract(part: Any) -> Any:
    own = (WEIGHT, PRE, PUSHES, SLOPE, RESPONSE)
    told = (PRE_POWER, ERRORS, RESIDUAL, PUSH_POWER, STRENGTH_SIGNAL, STRAYING)
    return LocalityContract((*own, *told), steps=part.lags - 1)


@lag.register(LearnedFeedback)
def _lag(rule: Any) -> Any:
    return rule.lags - 1


@taps.register(LearnedFeedback)
def _taps(rule: Any) -> Any:
    return rule.lags


@reads_error.register(LearnedFeedback)
def _reads_error(rule: Any) -> Any:
    return True


def _no_slopes(rule: Any, cell: Any, x: Any, a: Any, slope: Any, pushes: Any) -> None:
    pass


@where_implemented(taps, otherwise=_no_slopes)
def find_slopes(rule: Any, cell: Any, x: Any, a: Any, slope: Any, pushes: Any) -> None:
    """Write the slope of each neuron at the drives `a` of a clean copy, and turn noise into pushes of the activity."""
    if pushes.shape[0] == 0:
        return
    for i in range(a.size):
        slope[0, i] = cell_slope(cell, x, i, a[i])
    for k in range(pushes.shape[0]):
        for i in range(a.size):
            pushes[k, i] *= slope[0, i]


@strays.register(LearnedFeedback)
def _strays(rule: Any, activity: Any, copies: Any) -> Any:
    bound = 100.0 * activity.shape[1] * rule.sigma * rule.sigma
    far = False
    for lane in range(activity.shape[0]):
        far |= not distance(activity[lane // copies * copies], activity[lane]) <= bound
    return far


@compiled(**LOOP)
def distance(a: Any, b: Any) -> Any:
    """Return the squared distance of two vectors."""
    total = a.dtype.type(0)
    for i in range(a.size):
        total += (a[i] - b[i]) * (a[i] - b[i])
    return total


@contraction.register(LearnedFeedback)
def _contraction(rule: Any, params: Any) -> Any:
    return params.running[0, KEPT]


@after_resync.register(LearnedFeedback)
def _after_resync(rule: Any, tags: Any) -> None:
    for row in range(tags.hidden.shape[0]):  # pushes that no difference remembers any more
        tags.power[row, 0] = 0
        for i in range(tags.hidden.shape[1]):
            tags.hidden[row, i] = 0


@hidden_signal.register(LearnedFeedback)
def _hidden_signal(rule: Any, params: Any, tags: Any, work: Any, spec: Any, tally: Any, tagged: Any, scale: Any) -> Any:
    streams, replicas = work.gain.shape
    slots, tick = tags.u.shape[0] // streams, tally[TICK]
    now, source = tick % slots * streams, tagged - (rule.lags - 1)
    row, before = source % slots * streams, (source - 1) % slots * streams
    finite = True
    for s in range(streams):
        copy_row(tags.error, tagged % slots * streams + s, work.error, s)
        pre = params.w[s] if learns_from_q(spec.decorrelation) else tags.s[now + s]
        tags.norm[now + s, 0] = dot(pre, pre)
        for k in range(replicas):
            lane = s * replicas + k
            push = tags.hidden[now * replicas + lane]
            tags.power[now * replicas + lane, 0] = dot(push, push)
            power = expect(params.F, tags.hidden, tags.power, tick, slots, lane, rule.lags, work.residual)
            clean, noisy = work.y[s * (replicas + 1)], work.y[s * (replicas + 1) + k + 1]
            for o in range(clean.size):
                work.residual[lane, o] = (noisy[o] - clean[o]) - work.residual[lane, o]
            finite &= math.isfinite(dot(work.residual[lane], work.residual[lane]))
            floor = 1e-6 * push.size * rule.lags * rule.sigma * rule.sigma
            work.gain[s, k] = rule.lr_response / ((power + floor) * streams * replicas)
        finite &= math.isfinite(dot(work.error[s], work.error[s]))
    if finite:
        learn_responses(params.F, tags.hidden, tick, slots, rule.lags, work.residual, work.gain)
    finite &= watch(
        rule, spec.cell, work.x, work.a, tags.slope, now, params.running[0], streams, scale / rule.lr_hidden
    )
    for s in range(streams):
        respond(params.F, tags.error, source, slots, s, rule.lags, work.signal[s], work.strength[s])
        u = tags.u[row + s]
        norm = 1.0 + np.float64(tags.norm[before + s, 0]) + np.float64(dot(u, u))
        strength = weigh(work.signal[s], work.strength[s], tags.slope[row + s])
        mean = params.running[0, STRENGTH]
        step = scale / (norm * (1.0 + max(strength, mean)) * streams)
        for i in range(work.signal.shape[1]):
            work.signal[s, i] *= step
        params.running[0, STRENGTH] += 1e-3 / streams * (strength - mean)
        finite &= math.isfinite(dot(work.signal[s], work.signal[s]))
    return finite, 0


@compiled(**LOOP)
def watch(
    rule: Any, cell: Any, x: Any, activity: Any, slope: Any, now: Any, running: Any, streams: Any, pace: Any
) -> Any:
    """Take in how far the noisy copies have strayed, and how far noise alone would take them; return if it is finite.

    `pace` is the schedule's: R must not shrink faster than a readout can follow. `x` and `activity` are those of all
    copies, the slopes those of the clean ones, from row `now` on.
    """
    lanes = activity.shape[0]
    copies, n_vars = lanes // streams, x.shape[0] // lanes
    strayed, alone = 0.0, 0.0
    for s in range(streams):
        first = s * copies
        of_clean = x[first * n_vars : (first + 1) * n_vars]
        for lane in range(first + 1, first + copies):
            strayed += distance(activity[first], activity[lane]) / ((copies - 1) * streams)
        power = slope.dtype.type(0)
        for i in range(slope.shape[1]):
            power += slope[now + s, i] * slope[now + s, i] * cell_memory(cell, of_clean, i)
        alone += power / streams
    strayed /= rule.sigma * rule.sigma
    if not (math.isfinite(strayed) and math.isfinite(alone)):
        return False
    running[STRAY] += 1e-3 * (strayed - running[STRAY])
    running[ALONE] += 1e-3 * (alone - running[ALONE])
    excess = max(0.0, 1.0 - rule.stray * running[ALONE] / max(running[STRAY], 1e-9))
    running[KEPT] = 1.0 - pace * rule.contraction * excess
    return True


@compiled(**LOOP)
def expect(F: Any, pushes: Any, power: Any, tick: Any, slots: Any, lane: Any, lags: Any, expected: Any) -> Any:
    """Write the output difference that the last pushes of a noisy copy let expect; return the power of these pushes."""
    lanes, outputs = expected.shape
    total = 0.0
    for o in range(outputs):
        expected[lane, o] = 0
    for tau in range(lags):
        row = (tick - tau) % slots * lanes + lane
        total += power[row, 0]
        for o in range(outputs):
            expected[lane, o] += dot(F[tau * outputs + o], pushes[row])
    return total


@compiled(**LOOP)
def learn_responses(F: Any, pushes: Any, tick: Any, slots: Any, lags: Any, residual: Any, gain: Any) -> None:
    """Correct the impulse responses by what they did not let expect."""
    lanes, outputs = residual.shape
    replicas = gain.shape[1]
    for tau in range(lags):
        row = (tick - tau) % slots * lanes
        for lane in range(lanes):
            g = gain[lane // replicas, lane % replicas]
            for o in range(outputs):
                c = g * residual[lane, o]
                for i in range(F.shape[1]):
                    F[tau * outputs + o, i] += c * pushes[row + lane, i]


@compiled(**LOOP)
def respond(F: Any, error: Any, source: Any, slots: Any, s: Any, lags: Any, signal: Any, strength: Any) -> None:
    """Write what the errors after step `source` mean for each neuron, and how strongly the neuron moves the outputs."""
    outputs, streams = error.shape[1], error.shape[0] // slots
    for i in range(signal.size):
        signal[i] = 0
        strength[i] = 0
    for tau in range(lags):
        row = (source + tau) % slots * streams + s
        for o in range(outputs):
            response, e = F[tau * outputs + o], error[row, o]
            for i in range(signal.size):
                signal[i] += response[i] * e
                strength[i] += response[i] * response[i]


@compiled(**LOOP)
def weigh(signal: Any, strength: Any, slope: Any) -> Any:
    """Turn what an activity means into what its drive means; return how strongly all drives move the outputs."""
    total = signal.dtype.type(0)
    for i in range(signal.size):
        signal[i] *= slope[i]
        total += slope[i] * slope[i] * strength[i]
    return total
