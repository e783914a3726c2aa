"""From loss differences and perturbations to new weights: the same for every rule and every layer."""

import math
from typing import Any

import numpy as np

from onlinernn.kernels import noise, number
from onlinernn.kernels.dispatch import FAST, LOOP, compiled, distinct, open_function, where_implemented
from onlinernn.kernels.number import writing
from onlinernn.kernels.passes import dot, shrink
from onlinernn.kernels.rules import gain, power_floor, synapse_sigma
from onlinernn.kernels.synapses import add_rows_and_multiply, find_signs, learn_noise, ready

# Typed numbers: for a plain 0 Numba compiles every function that takes it once more.
TOP, CLEAN, ONE, EACH = np.int64(0), np.int64(0), np.int64(1), np.int64(1)


@open_function(default=True)
def squared_norm(rule: Any, perturbation: Any) -> Any:
    """Return the power of the `perturbation` of a layer."""
    return np.float64(dot(perturbation, perturbation))


@open_function(default=True)
def shared_gain(rule: Any, lr: Any, delta_loss: Any, power: Any, size: Any, shares: Any) -> Any:
    """Return the gain of one copy out of `shares` whose updates are averaged.

    The other arguments are those of :func:`gain`: `lr`, `delta_loss`, `power` and `size`.
    """
    return gain(rule, lr, np.float64(delta_loss), power, size) / shares


@compiled(**FAST)
def _add_scaled(g: Any, perturbation: Any, signal: Any) -> None:
    for i in range(signal.size):
        signal[i] += g * perturbation[i]


@open_function(default=True)
def add_signal(rule: Any, g: Any, perturbation: Any, signal: Any) -> None:
    """``signal += g perturbation``, in place."""
    _add_scaled(g, perturbation, signal)


@compiled(**LOOP)
def layer_signal(rule: Any, lr: Any, delta_loss: Any, taught: Any, tag: Any, row: Any, gains: Any, signal: Any) -> Any:
    """Turn the loss differences (S, K) into the learning signal of a layer.

    `tag` holds the perturbations from `row` on; `gains` (S, K) and `signal` (S, size) are written. Returns whether
    the signal is finite, and in how many cases the power of the perturbation was below its floor.
    """
    distinct()
    streams, replicas = gains.shape
    size = tag.shape[1]
    count, guarded, finite = 0, 0, True
    for s in range(streams):
        count += taught[s, 0] > 0
    for s in range(streams):
        for i in range(size):
            signal[s, i] = 0
        for k in range(replicas):
            gains[s, k] = 0
            if taught[s, 0] > 0:
                perturbation = tag[row + s * replicas + k]
                power = squared_norm(rule, perturbation)
                floor = power_floor(rule, size)
                if power < floor:
                    guarded += 1
                    power = floor
                gains[s, k] = shared_gain(rule, lr, delta_loss[s, k], power, size, count * replicas)
                finite &= math.isfinite(gains[s, k])
                add_signal(rule, gains[s, k], perturbation, signal[s])
        finite &= math.isfinite(dot(signal[s], signal[s]))
    return finite, guarded


@open_function(default=True)
def hidden_signal(rule: Any, params: Any, tags: Any, work: Any, spec: Any, tally: Any, tagged: Any, scale: Any) -> Any:
    """Write the learning signal of each neuron into `work`, and return whether it is finite.

    It is that of the step that lies :func:`lag` steps before step `tagged`, whose target came now; `scale` is the
    learning rate. `params`, `tags`, `tally` and `spec` are the learner's. The second number returned
    is how often the guard of the rule bit.
    """
    row = tagged % (tags.u.shape[0] // work.u.shape[0]) * work.u.shape[0]
    return layer_signal(
        rule, scale, work.delta_loss, work.taught, tags.hidden, row * work.gain.shape[1], work.gain, work.signal
    )


@open_function(default=True)
def lag(rule: Any) -> Any:
    """Return how many steps before the tagged one the step lies that a rule learns from."""
    return 0


@open_function(default=True)
def taps(rule: Any) -> Any:
    """Return how many numbers the impulse responses that a rule learns have per neuron and output."""
    return 0


@open_function(default=True)
def stores_perturbation(rule: Any) -> Any:
    """Return whether the ring of tags has to keep the perturbation of each neuron."""
    return True


@open_function(default=True)
def reads_error(rule: Any) -> Any:
    """Return whether a rule learns from the output error, and not from loss differences alone."""
    return False


@open_function(default=True)
def strays(rule: Any, activity: Any, copies: Any) -> Any:
    """Return whether a noisy copy is so far from the clean one that it has to be set back.

    `activity` (S C, n) holds the `copies` of each stream, the clean one first.
    """
    return False


@open_function(default=True)
def after_resync(rule: Any, tags: Any) -> None:
    """Change in the `tags` what a rule has to when the noisy copies have been set back to the clean one."""


def _learn_rank1(
    rule: Any,
    rows: Any,
    lo: Any,
    signal: Any,
    pre: Any,
    first: Any,
    gains: Any,
    work: Any,
    spec: Any,
    tick: Any,
    domain: Any,
) -> None:
    number.learn_streams(spec.number, rows, lo, signal, pre, first, domain, work.rounding)


@where_implemented(synapse_sigma, otherwise=_learn_rank1)
def learn_weights(
    rule: Any,
    rows: Any,
    lo: Any,
    signal: Any,
    pre: Any,
    first: Any,
    gains: Any,
    work: Any,
    spec: Any,
    tick: Any,
    domain: Any,
) -> None:
    """Update `rows` of a weight matrix from number `lo` on, from what step `tick` has taught.

    Signal times presynaptic activity, ``W_i -= sum_s signal_{s,i} pre_{first + s}``; for a rule that perturbs
    synapses gain times the weight's own noise, ``W_ij -= sum_{s,k} gain_{s,k} xi_ij``, whose signs are ready.
    """
    learn_noise(rule, rows, lo, gains, spec.seed, tick, domain, work)


def _learn_inputs_rank1(
    rule: Any, A: Any, lo: Any, signal: Any, u: Any, first: Any, gains: Any, work: Any, spec: Any, tick: Any
) -> None:
    for s in range(signal.shape[0]):
        of = writing(spec.number, noise.SYNAPSE_INPUT, work.rounding, s)
        number.learn(of, A, lo, u[first + s], signal[s])


@where_implemented(synapse_sigma, otherwise=_learn_inputs_rank1)
def learn_inputs(
    rule: Any, A: Any, lo: Any, signal: Any, u: Any, first: Any, gains: Any, work: Any, spec: Any, tick: Any
) -> None:
    """:func:`learn_weights` for the input weights, whose matrix is kept input-major."""
    find_signs(rule, spec.seed, tick, noise.SYNAPSE_INPUT, A.shape[1], work)
    learn_noise(rule, A, lo, gains, spec.seed, tick, noise.SYNAPSE_INPUT, work)


def _learn_rank1_and_multiply(
    rule: Any,
    rows: Any,
    lo: Any,
    share: Any,
    pre: Any,
    before: Any,
    spec: Any,
    tick: Any,
    state: Any,
    work: Any,
    alike: Any,
) -> Any:
    s, drives = state.s, state.drive
    if work.signal.shape[0] == 1 and s.shape[0] > 1 and alike == 1:
        of = writing(spec.number, noise.SYNAPSE_RECURRENT, work.rounding, TOP)
        number.learn_and_multiply(
            of, rule, rows, lo, share, work.signal[0], pre[before], s[0], s[1], drives[0], drives[1]
        )
        return 2
    shrink(rule, rows, share)
    learn_weights(rule, rows, lo, work.signal, pre, before, work.gain, work, spec, tick, noise.SYNAPSE_RECURRENT)
    return 0


@where_implemented(synapse_sigma, otherwise=_learn_rank1_and_multiply)
def learn_and_multiply(
    rule: Any,
    rows: Any,
    lo: Any,
    share: Any,
    pre: Any,
    before: Any,
    spec: Any,
    tick: Any,
    state: Any,
    work: Any,
    alike: Any,
) -> Any:
    """:func:`learn_weights` for `rows` of R; return how many copies' drives were computed in the same pass."""
    domain = noise.SYNAPSE_RECURRENT
    if state.s.shape[0] == 2 and alike == 1 and work.signs.shape[0] == 1:
        base = noise.key(spec.seed, tick, CLEAN, ONE, domain)
        scale = -np.float64(work.gain[0, 0]) * synapse_sigma(rule)
        draws, s, drives = ready(rule, work), state.s, state.drive
        add_rows_and_multiply(rows, lo, base, scale, work.table, work.signs[0], draws, s[0], s[1], drives[0], drives[1])
        return 2
    learn_noise(rule, rows, lo, work.gain, spec.seed, tick, domain, work)
    return 0
