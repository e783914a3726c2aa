"""Node perturbation over a window: credit through time from nothing but losses.

Several noisy copies start a window from the clean one and run free to its end. Each step's noise is credited with all
loss differences from then to the end. A step is learnt from ``window - 1`` steps late, when that sum is known, so that
one rank-1 update a step does the work of the window; its noise is drawn again from the counters, never stored.
"""

import math
from typing import Any, NamedTuple

from onlinernn.kernels import noise
from onlinernn.kernels.contracts import (
    DELTA_LOSSES,
    DRAWN_NOISE,
    NOISE,
    PRE,
    WEIGHT,
    LocalityContract,
    contract,
)
from onlinernn.kernels.dispatch import LOOP, compiled
from onlinernn.kernels.layout import ORIGIN
from onlinernn.kernels.noise import Gaussian, draw
from onlinernn.kernels.passes import dot
from onlinernn.kernels.rules import gain, node_noise, noise_copy, noise_sign, source
from onlinernn.kernels.updates import hidden_signal, lag, stores_perturbation


class WindowedNP(NamedTuple):
    """Node perturbation with the reward to go: ``dR = lr sum_q mean_k xi_q^k C_q^k s_{q-1}^T / sigma^2``.

    ``C_q^k`` is the sum of the loss differences of copy k from step q to the end of q's window: an unbiased estimate of
    the gradient of the window's loss, through time. Window 1 is NP with the copies set back after every step. It needs
    no slope of the cell and no output error: a loss that only the user can compute will do.

    What a synapse sees: its presynaptic activity, its neuron's own noise, and the broadcast loss differences.

    Parameters
    ----------
    lr_hidden
        Learning rate of A, R and b, >= 0.
    lr_readout
        Learning rate of B and c where the rule itself teaches them (per step, as NP does), >= 0.
    window
        Steps from one reset of the noisy copies to the next, at least 1.
    replicas
        Number of noisy copies, at least 1.
    sigma
        Standard deviation of the perturbation, in units of the drive, > 0.
    antithetic
        Give every second copy the noise of the one before it with the sign turned: even terms cancel.
    noise
        The noise source.

    Examples
    --------
    >>> WindowedNP(window=10, replicas=4).antithetic
    True
    """

    lr_hidden: float = 1e-4
    lr_readout: float = 1e-3
    window: int = 25
    replicas: int = 16
    sigma: float = 1e-2
    antithetic: bool = True
    noise: Any = Gaussian()


@node_noise.register(WindowedNP)
def _node_noise(rule: Any, bits: Any) -> Any:
    return rule.sigma * draw(rule.noise, bits)


@source.register(WindowedNP)
def _source(rule: Any) -> Any:
    return rule.noise


@noise_copy.register(WindowedNP)
def _noise_copy(rule: Any, copy: Any) -> Any:
    return copy - (copy - 1) % 2 if rule.antithetic else copy


@noise_sign.register(WindowedNP)
def _noise_sign(rule: Any, copy: Any) -> Any:
    return -1.0 if rule.antithetic and copy % 2 == 0 else 1.0


@gain.register(WindowedNP)
def _gain(rule: Any, lr: Any, delta_loss: Any, power: Any, size: Any) -> Any:
    return lr * delta_loss / (rule.sigma * rule.sigma)


@lag.register(WindowedNP)
def _lag(rule: Any) -> Any:
    return rule.window - 1


@stores_perturbation.register(WindowedNP)
def _stores_perturbation(rule: Any) -> Any:
    return False


@contract.register(WindowedNP)
def _contract(part: Any) -> Any:
    # The hidden layer draws the noise of a step long gone again; the readout, which learns per step, finds it in a tag.
    return LocalityContract((WEIGHT, PRE, NOISE, DRAWN_NOISE, DELTA_LOSSES), steps=part.window - 1)


@hidden_signal.register(WindowedNP)
def _hidden_signal(rule: Any, params: Any, tags: Any, work: Any, spec: Any, tally: Any, tagged: Any, scale: Any) -> Any:
    streams, replicas = work.gain.shape
    slots = tags.delta.shape[0] // streams
    if (tagged - tally[ORIGIN]) % rule.window == rule.window - 1:
        sum_to_go(tags.delta, tagged, rule.window, streams, slots)
    step = tagged - (rule.window - 1)
    finite = True
    for s in range(streams):
        for i in range(work.signal.shape[1]):
            work.signal[s, i] = 0
        for k in range(replicas):
            to_go = tags.delta[step % slots * streams + s, k]
            g = gain(rule, scale, to_go, 0.0, 0) * noise_sign(rule, k + 1) / (streams * replicas)
            copy = noise_copy(rule, k + 1)
            base = noise.begin(source(rule), spec.sizes, spec.seed, step, s, copy, noise.NODE_HIDDEN)
            add_noise(rule, params.tape, base, g, work.signal[s])
        finite &= math.isfinite(dot(work.signal[s], work.signal[s]))
    return finite, 0


@compiled(**LOOP)
def sum_to_go(delta: Any, last: Any, window: Any, streams: Any, slots: Any) -> None:
    """Turn the loss differences of the window that ends with step `last` into sums from each step to its end."""
    for tick in range(last - 1, last - window, -1):
        for s in range(streams):
            for k in range(delta.shape[1]):
                delta[tick % slots * streams + s, k] += delta[(tick + 1) % slots * streams + s, k]


@compiled(**LOOP)
def add_noise(rule: Any, tape: Any, base: Any, g: Any, signal: Any) -> None:
    """Add `g` times the noise of each neuron, which begins at `base`."""
    real = signal.dtype.type
    place = base
    for i in range(signal.size):
        signal[i] += real(g * node_noise(rule, noise.bits_at(source(rule), tape, place)))
        place = noise.step_on(source(rule), tape, place)
