"""Eligibility traces: what joins the per-step rules to those that see the loss of a whole sequence.

A trace keeps, for each synapse and noisy copy, the decaying sum of what a step would have taught per unit of the loss
difference: ``e_t = decay e_{t-1} + p_t s_{t-1}^T``, with p the perturbation times its gain (for weight perturbation
the weight's own noise), and ``R <- R - lr dl_t e_t``. Decay 0 is the per-step rule (eqs. 2, 3, 5); decay 1, with the
loss given once at the end of a sequence and a reset after it, is the whole-sequence rule (eqs. 1 and 4).
"""

from typing import Any, NamedTuple

import numpy as np

from onlinernn.kernels import noise
from onlinernn.kernels.contracts import TRACE, LocalityContract, contract
from onlinernn.kernels.dispatch import LOOP, compiled, open_function, where_implemented
from onlinernn.kernels.passes import dot
from onlinernn.kernels.readouts import perturbed
from onlinernn.kernels.rules import gain, power_floor, synapse_sigma
from onlinernn.kernels.synapses import add_rows, put_plain_signs, ready
from onlinernn.kernels.updates import TOP


class PerStep(NamedTuple):
    """No trace: a loss difference teaches its own step only."""


class Eligibility(NamedTuple):
    """Eligibility traces.

    Parameters
    ----------
    decay
        What is left of a trace after one step, in (0, 1].
    """

    decay: float


@open_function()
def decay(trace: Any) -> Any:
    """Return what is left of a trace after one step; only specs that keep traces implement it."""


@open_function(default=True)
def keeps_traces(trace: Any) -> Any:
    """Return whether there are traces."""
    return False


@keeps_traces.register(Eligibility)
def _keeps_traces(trace: Any) -> Any:
    return True


@contract.register(PerStep)
def _no_contract(part: Any) -> Any:
    return LocalityContract(())


@contract.register(Eligibility)
def _contract(part: Any) -> Any:
    return LocalityContract((TRACE,), matrices=("traces.R", "traces.A", "traces.B"))


@decay.register(Eligibility)
def _decay(trace: Any) -> Any:
    return trace.decay


@compiled(**LOOP)
def eligibility(rule: Any, perturbation: Any) -> Any:
    """Return the gain of a layer per unit of loss difference and learning rate, and whether the guard bit."""
    size = perturbation.size
    power, floor = np.float64(dot(perturbation, perturbation)), power_floor(rule, size)
    return gain(rule, 1.0, 1.0, max(power, floor), size), power < floor


@compiled(**LOOP)
def trace_pairs(left: Any, scale: Any, right: Any, keep: Any, trace: Any) -> None:
    """``trace <- keep trace + scale left right^T``."""
    for i in range(left.size):
        c = scale * left[i]
        for j in range(right.size):
            trace[i, j] = keep * trace[i, j] + c * right[j]


@compiled(**LOOP)
def trace_noise(rule: Any, base: Any, scale: Any, keep: Any, trace: Any, work: Any, lane: Any) -> None:
    """``trace <- keep trace + scale xi``, with the noise of the synapses under the key `base`."""
    signs = work.signs[lane]
    put_plain_signs(base, trace.shape[1], signs)
    add_rows(trace, TOP, base, scale * synapse_sigma(rule), keep, work.table, signs, ready(rule, work))


def _trace_layers(
    rule: Any, traces: Any, tags: Any, work: Any, spec: Any, keep: Any, s: Any, k: Any, row: Any, before: Any, tick: Any
) -> Any:
    replicas = tags.delta.shape[1]
    n, rows_A, rows_B = traces.R.shape[1], tags.u.shape[1], tags.y.shape[1]
    real = tags.s.dtype.type
    lane = s * replicas + k
    xi, nu = tags.hidden[row * replicas + lane], tags.readout[row * replicas + lane]
    hidden, bites = eligibility(rule, xi)
    trace_pairs(xi, real(hidden), tags.s[before + s], keep, traces.R[lane * n : (lane + 1) * n])
    trace_pairs(tags.u[row + s], real(hidden), xi, keep, traces.A[lane * rows_A : (lane + 1) * rows_A])
    bites_out = False
    if perturbed(spec.readout):
        readout, bites_out = eligibility(rule, nu)
        trace_pairs(nu, real(readout), tags.z[row + s], keep, traces.B[lane * rows_B : (lane + 1) * rows_B])
    return bites, bites_out


@where_implemented(synapse_sigma, otherwise=_trace_layers)
def trace_layers(
    rule: Any, traces: Any, tags: Any, work: Any, spec: Any, keep: Any, s: Any, k: Any, row: Any, before: Any, tick: Any
) -> Any:
    """Let the traces of copy `k` of stream `s` take in the tagged step `tick`; return how often guards bit."""
    replicas = tags.delta.shape[1]
    n, rows_A, rows_B = traces.R.shape[1], tags.u.shape[1], tags.y.shape[1]
    real = tags.s.dtype.type
    lane, copy = s * replicas + k, k + 1
    g = real(gain(rule, 1.0, 1.0, 0.0, n))
    base = noise.key(spec.seed, tick, s, copy, noise.SYNAPSE_RECURRENT)
    trace_noise(rule, base, np.float64(g), keep, traces.R[lane * n : (lane + 1) * n], work, lane)
    base = noise.key(spec.seed, tick, s, copy, noise.SYNAPSE_INPUT)
    trace_noise(rule, base, np.float64(g), keep, traces.A[lane * rows_A : (lane + 1) * rows_A], work, lane)
    if perturbed(spec.readout):
        base = noise.key(spec.seed, tick, s, copy, noise.SYNAPSE_READOUT)
        trace_noise(rule, base, np.float64(g), keep, traces.B[lane * rows_B : (lane + 1) * rows_B], work, lane)
    return 0, 0


@compiled(**LOOP)
def learn_from_trace(W: Any, trace: Any, scale: Any) -> None:
    """``W -= scale trace``."""
    for i in range(W.shape[0]):
        for j in range(W.shape[1]):
            W[i, j] -= scale * trace[i, j]
