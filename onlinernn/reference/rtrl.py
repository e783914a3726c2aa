"""The full gradient by forward accumulation: real-time recurrent learning (Williams and Zipser 1989).

Instead of going back, the derivatives of the state with respect to every hidden weight are carried along:
n^2 (n + d + 1) numbers and O(n^4) operations a step. It is exact for any length and meant for small n, as the oracle
of the oracle.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from onlinernn.reference.bptt import Gradient, backward_readout
from onlinernn.reference.checks import Array
from onlinernn.reference.network import Network, Parameters, State, Tape


class Influence(NamedTuple):
    """The derivatives of the state with respect to the hidden weights W = [A | R | b].

    Attributes
    ----------
    x, s : array (n, n, d + n + 1)
        dx_i / dW_jq and ds_i / dW_jq.
    """

    x: Array
    s: Array

    @property
    def nbytes(self) -> int:
        """The bytes of both; without decorrelation they are one array."""
        return self.x.nbytes + (self.s.nbytes if self.s is not self.x else 0)

    def accumulate(self, net: Network, tape: Tape, errors: Array, out: Parameters) -> Influence:
        """Write the gradient of a recorded forward pass to `out`; return the influence after its last step.

        One step of the accumulation, with [u; s; 1] the presynaptic vector v_t::

            da_i/dW_jq = delta_ij v_q + sum_l R_il ds_l/dW_jq
            dx_i/dW_jq = (1 - leak) dx_i/dW_jq + leak (1 - h_i^2) da_i/dW_jq        ds/dW = D dx/dW

        Parameters
        ----------
        net, tape, errors, out
            As for `backward`.
        """
        influence = self
        n, d, p = net.n_hidden, net.n_in, net.parameters
        diagonal = np.arange(n)
        total = np.zeros((n, d + n + 1), net.dtype)
        for t, asked in enumerate(errors @ p.B):
            da = (p.R @ influence.s.reshape(n, -1)).reshape(influence.s.shape)
            da[diagonal, diagonal, :d] += tape.inputs[t]
            da[diagonal, diagonal, d:-1] += tape.s[t]
            da[diagonal, diagonal, -1] += 1
            da *= (net.leak * (1 - tape.h[t] ** 2))[:, None, None]
            dx = da + (1 - net.leak)[:, None, None] * influence.x
            influence = Influence(dx, dx if net.D is None else (net.D @ dx.reshape(n, -1)).reshape(dx.shape))
            total += np.tensordot(asked, net.read(influence.x, influence.s), axes=1)
        out.A[...], out.R[...], out.b[...] = total[:, :d], total[:, d:-1], total[:, -1]
        backward_readout(net, tape, errors, out)
        return influence


def rtrl(net: Network, U: npt.ArrayLike, Y: npt.ArrayLike, state: State | None = None) -> Gradient:
    """The full gradient of sum_t l_t without going back in time.

    Parameters
    ----------
    net, U, Y, state
        As for `bptt`, which it equals.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.ones((1, 1))
    >>> net = Network({"A": one, "R": one, "b": [0.0], "B": one, "c": [0.0]})
    >>> rtrl(net, [[0.0], [0.0]], [[0.0], [1.0]]).grads["b"]
    array([-4.])
    """
    inputs = net.check_inputs(U)
    targets = net.check_targets(Y, len(inputs))
    tape = net.forward(inputs, net.start() if state is None else net.check_state(state))
    losses, errors, _ = net.losses(tape.outputs, targets)
    grads = net.new_parameters()
    no_influence(net).accumulate(net, tape, errors, grads)
    return Gradient(losses, grads.named(), tape.end)


def no_influence(net: Network) -> Influence:
    """The influence on a state that depends on no weight, such as the initial one.

    Parameters
    ----------
    net : Network
        The network whose sizes it has.
    """
    zero = np.zeros((net.n_hidden, net.n_hidden, net.n_in + net.n_hidden + 1), net.dtype)
    return Influence(zero, zero)
