"""Random-feedback local online learning (Murray 2019, eLife 8:e43299): traces at the synapses, feedback at random.

No gradient, but what stands in for one. A synapse keeps a trace of how its own neuron's leak carries its effect on,
and leaves out what the effect does through other neurons; the output errors reach the neurons through fixed random
weights instead of the transpose of the readout. O(n^2) a step.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from onlinernn.reference import checks
from onlinernn.reference.bptt import Gradient, backward_readout
from onlinernn.reference.checks import Array
from onlinernn.reference.network import Network, Parameters, State, Tape


class Traces(NamedTuple):
    """What the synapses carry from step to step, and the feedback that turns it into a change.

    Attributes
    ----------
    feedback : array (n, m)
        The fixed weights F from the output errors to the neurons.
    p : array (n, d + n + 1)
        The trace of each weight of [A | R | b].
    """

    feedback: Array
    p: Array

    @property
    def nbytes(self) -> int:
        """The bytes of both."""
        return self.feedback.nbytes + self.p.nbytes

    def accumulate(self, net: Network, tape: Tape, errors: Array, out: Parameters) -> Traces:
        """Write what takes the gradient's place to `out`; return the traces after the last step of the tape.

        With v_t = [u_t; s_{t-1}; 1] the presynaptic vector and e_t = dl_t / dy_t::

            p_ij,t = (1 - leak_i) p_ij,t-1 + leak_i (1 - h_i,t^2) v_j,t          dl/dW_ij ~ sum_t (F e_t)_i p_ij,t

        B, c and E need no feedback: theirs is the gradient.

        Parameters
        ----------
        net, tape, errors, out
            As for `backward`.
        """
        d, p = net.n_in, self.p
        keep = (1 - net.leak)[:, None]
        slopes = net.leak * (1 - tape.h**2)
        presynaptic = np.column_stack([tape.inputs, tape.s[:-1], np.ones_like(tape.s[:-1, 0])])
        total = np.zeros_like(p)
        for slope, v, asked in zip(slopes, presynaptic, errors @ self.feedback.T, strict=True):
            p = keep * p
            p += np.outer(slope, v)
            total += asked[:, None] * p
        out.A[...], out.R[...], out.b[...] = total[:, :d], total[:, d:-1], total[:, -1]
        backward_readout(net, tape, errors, out)
        return Traces(self.feedback, p)


def no_traces(net: Network, feedback: Array) -> Traces:
    """The traces before the first step.

    Parameters
    ----------
    net : Network
        The network whose sizes they have.
    feedback : array (n, m)
        The fixed weights from the output errors to the neurons.
    """
    return Traces(feedback, np.zeros((net.n_hidden, net.n_in + net.n_hidden + 1), net.dtype))


def random_feedback(net: Network, seed: int) -> Array:
    """Feedback weights (n, m) drawn from a normal distribution of variance 1 / m.

    Parameters
    ----------
    net : Network
        The network whose sizes they have.
    seed : int
        Of the draw, >= 0.
    """
    drawn = np.random.default_rng(checks.whole("seed", seed, 0)).standard_normal((net.n_hidden, net.n_out))
    return np.asarray(drawn / np.sqrt(net.n_out), net.dtype)


def rflo(
    net: Network, U: npt.ArrayLike, Y: npt.ArrayLike, feedback: npt.ArrayLike, state: State | None = None
) -> Gradient:
    """The sum over a sequence of what RFLO takes for the gradient; that of B, c and E is the gradient.

    Parameters
    ----------
    net, U, Y, state
        As for `bptt`, like the results and errors.
    feedback : array (n, m)
        The fixed weights from the output errors to the neurons.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.ones((1, 1))
    >>> net = Network({"A": one, "R": one, "b": [0.0], "B": one, "c": [0.0]})
    >>> rflo(net, [[0.0], [0.0]], [[0.0], [1.0]], feedback=[[0.5]]).grads["b"]
    array([-1.])
    """
    inputs = net.check_inputs(U)
    targets = net.check_targets(Y, len(inputs))
    fixed = checks.finite("feedback", feedback, (net.n_hidden, net.n_out), net.dtype)
    tape = net.forward(inputs, net.start() if state is None else net.check_state(state))
    losses, errors, _ = net.losses(tape.outputs, targets)
    grads = net.new_parameters()
    no_traces(net, fixed).accumulate(net, tape, errors, grads)
    return Gradient(losses, grads.named(), tape.end)
