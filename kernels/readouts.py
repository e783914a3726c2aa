"""How the readout learns: by the perturbation rule itself, or from the output error.

The rules that read the output error take it from the readout of now, ``e = B z_q - y*`` on what it read in the tagged
step q (softmax of it under cross-entropy): with a target delay the error of then would be that of weights long gone.
"""

import math
from typing import Any, NamedTuple

from onlinernn.kernels import noise, passes
from onlinernn.kernels.contracts import (
    COVARIANCE,
    OWN_ERROR,
    PRE,
    READ_POWER,
    TARGET,
    WEIGHT,
    LocalityContract,
    contract,
)
from onlinernn.kernels.dispatch import LOOP, compiled, open_function
from onlinernn.kernels.losses import output_error
from onlinernn.kernels.passes import dot
from onlinernn.kernels.synapses import find_signs
from onlinernn.kernels.updates import TOP, layer_signal, learn_weights


class Perturbed(NamedTuple):
    """The readout of the paper: outputs are perturbed too, and B learns by the same rule as the hidden layer."""


class NLMS(NamedTuple):
    """Normalised least mean squares: ``dB = rate e z^T / (1 + |z|^2)``, with z all that the readout reads.

    Parameters
    ----------
    rate
        Learning rate, >= 0, and below 2 to be stable: 1 cancels the error of the present sample where ``|z|`` is large.

    References
    ----------
    Widrow and Hoff 1960; Haykin, Adaptive Filter Theory, chapter 7.

    Examples
    --------
    >>> NLMS(0.3)
    NLMS(rate=0.3)
    """

    rate: float = 0.5


class RLS(NamedTuple):
    """Recursive least squares: after every sample B is the ridge regression on all samples so far. Float64 only.

    ``k = P z / (forgetting + z^T P z)``, ``B <- B - e k^T``, ``P <- (P - k (P z)^T) / forgetting``, P = I / ridge at
    first. O(Z^2) numbers and operations, and not local. With forgetting below 1 P would grow without bound where the
    input does not excite it: it is not divided while its trace would exceed that of the first P.

    Parameters
    ----------
    forgetting
        Weight of the past per step, in (0, 1].
    ridge
        Strength of the regularisation, > 0.

    References
    ----------
    Haykin, Adaptive Filter Theory, chapter 10.

    Examples
    --------
    >>> RLS().forgetting
    1.0
    """

    forgetting: float = 1.0
    ridge: float = 1.0


@open_function(default=True)
def perturbed(readout: Any) -> Any:
    """Return whether noise is added to the outputs of the noisy copies."""
    return False


@open_function()
def readout_signal(readout: Any, rule: Any, tags: Any, work: Any, row: Any, factor: Any) -> Any:
    """Write the learning signal of each output into `work`, and return whether it is finite.

    The step learnt from begins at `row` of the `tags`; `rule` is the learner's, `factor` that of the schedule. The
    second number returned is how often the guard of the rule bit.
    """


@open_function()
def learn_readout(
    readout: Any, rule: Any, B: Any, P: Any, tags: Any, work: Any, spec: Any, row: Any, tick: Any
) -> None:
    """Update `B` (m, Z), and `P` if there is one, from the learning signal in `work`.

    The step learnt from is `tick` and begins at `row` of the `tags`; `rule` and `spec` are the learner's.
    """


@open_function(default=True)
def readout_rate(readout: Any, rule: Any) -> Any:
    """Return the learning rate with which the `rule` itself teaches the readout."""
    return 0.0


@readout_rate.register(Perturbed)
def _readout_rate(readout: Any, rule: Any) -> Any:
    return rule.lr_readout


@perturbed.register(Perturbed)
def _perturbed(readout: Any) -> Any:
    return True


@readout_signal.register(Perturbed)
def _perturbed_signal(readout: Any, rule: Any, tags: Any, work: Any, row: Any, factor: Any) -> Any:
    return layer_signal(
        rule,
        rule.lr_readout * factor,
        work.delta_loss,
        work.taught,
        tags.readout,
        row * work.gain_out.shape[1],
        work.gain_out,
        work.signal_out,
    )


@learn_readout.register(Perturbed)
def _learn_perturbed(
    readout: Any, rule: Any, B: Any, P: Any, tags: Any, work: Any, spec: Any, row: Any, tick: Any
) -> None:
    domain = noise.SYNAPSE_READOUT
    find_signs(rule, spec.seed, tick, domain, B.shape[1], work)
    learn_weights(rule, B, TOP, work.signal_out, tags.z, row, work.gain_out, work, spec, tick, domain)


@contract.register(NLMS)
def _nlms_contract(part: Any) -> Any:
    return LocalityContract((WEIGHT, PRE, OWN_ERROR, READ_POWER))


@contract.register(RLS)
def _rls_contract(part: Any) -> Any:
    return LocalityContract((WEIGHT, PRE, TARGET, COVARIANCE), matrices=("params.P",))


@readout_signal.register(NLMS)
def _nlms_signal(readout: Any, rule: Any, tags: Any, work: Any, row: Any, factor: Any) -> Any:
    return _normalised(readout.rate * factor, work.error, work.taught, tags.z, row, work.signal_out)


@compiled(**LOOP)
def _normalised(rate: Any, error: Any, taught: Any, z: Any, row: Any, signal: Any) -> Any:
    real = error.dtype.type
    streams, outputs = error.shape
    count, finite = 0, True
    for s in range(streams):
        count += taught[s, 0] > 0
    for s in range(streams):
        g = real(0)
        if taught[s, 0] > 0:
            g = real(rate / (count * (1.0 + dot(z[row + s], z[row + s]))))
        for o in range(outputs):
            signal[s, o] = g * error[s, o]
        finite &= math.isfinite(dot(signal[s], signal[s]))
    return finite, 0


@learn_readout.register(NLMS)
def _learn_nlms(readout: Any, rule: Any, B: Any, P: Any, tags: Any, work: Any, spec: Any, row: Any, tick: Any) -> None:
    for s in range(work.signal_out.shape[0]):
        passes.learn(B, TOP, work.signal_out[s], tags.z[row + s])


@readout_signal.register(RLS)
def _rls_signal(readout: Any, rule: Any, tags: Any, work: Any, row: Any, factor: Any) -> Any:
    finite = True
    for s in range(work.error.shape[0]):
        power = dot(work.error[s], work.error[s]) + dot(tags.z[row + s], tags.z[row + s])
        finite &= work.taught[s, 0] == 0 or math.isfinite(power)
    return finite, 0


@learn_readout.register(RLS)
def _learn_rls(readout: Any, rule: Any, B: Any, P: Any, tags: Any, work: Any, spec: Any, row: Any, tick: Any) -> None:
    for s in range(work.error.shape[0]):
        if work.taught[s, 0] > 0:
            z = tags.z[row + s]
            present_error(spec.loss, B, z, work.target[s], work.error[s])  # a stream before may have changed B
            _least_squares(readout.forgetting, readout.ridge, P, z, work.pre_out[s])
            passes.learn(B, TOP, work.error[s], work.pre_out[s])


@compiled(**LOOP)
def _least_squares(forgetting: Any, ridge: Any, P: Any, z: Any, k: Any) -> None:
    """Take the sample `z` into P, and write the gain vector `k`."""
    size = z.size
    for i in range(size):
        k[i] = dot(P[i], z)
    scale = 1.0 / (forgetting + dot(k, z))
    trace = 0.0
    for i in range(size):
        c = scale * k[i]
        for j in range(size):
            P[i, j] -= c * k[j]
        trace += P[i, i]
    if forgetting < 1.0 and trace <= forgetting * size / ridge:
        for i in range(size):
            for j in range(size):
                P[i, j] /= forgetting
    for i in range(size):
        k[i] *= scale


@compiled(**LOOP)
def present_error(loss: Any, B: Any, z: Any, target: Any, error: Any) -> None:
    """Write the output error (m,) that the present readout would make on `z`."""
    for o in range(error.size):
        error[o] = dot(B[o], z)
    output_error(loss, error, target, error)
