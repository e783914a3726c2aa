"""The exact gradient of the present loss through the last k steps, at every step: backpropagation in a sliding window.

Every loss is traced back through the same number of steps, where `tbptt`, whose windows stand side by side, traces it
back through 0 to k - 1 steps. It costs k times as much, but the update can follow at once: the online peer of a rule
that carries credit through time (Williams and Peng 1990, doi 10.1162/neco.1990.2.4.490).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from onlinernn.reference import checks
from onlinernn.reference.bptt import Gradient, backward_readout, credit, drive_errors
from onlinernn.reference.checks import Array
from onlinernn.reference.network import Network, Parameters, State, Tape


class History(NamedTuple):
    """The steps that the next losses will still be traced back to, at most k - 1 of them, as they were passed.

    Attributes
    ----------
    k : int
        The length of the window, the present step included.
    inputs : array (steps, d)
        The inputs u_q.
    before : array (steps, n)
        The decorrelated activities s_{q-1}.
    h : array (steps, n)
        tanh of the drives.
    """

    k: int
    inputs: Array
    before: Array
    h: Array

    @property
    def nbytes(self) -> int:
        """The bytes of the steps that are kept."""
        return self.inputs.nbytes + self.before.nbytes + self.h.nbytes

    def accumulate(self, net: Network, tape: Tape, errors: Array, out: Parameters) -> History:
        """Write what a recorded forward pass says of the gradient to `out`; return the history after its last step.

        The stored activities are those of their own steps, R and B those of the moment::

            delta_t = leak (1 - h_t^2) D^T B^T e_t        and back from there to t - k + 1, as in `backward`

        Parameters
        ----------
        net, tape, errors, out
            As for `backward`.
        """
        inputs = np.concatenate([self.inputs, tape.inputs])
        before = np.concatenate([self.before, tape.s[:-1]])
        h = np.concatenate([self.h, tape.h])
        out.vector.fill(0)
        scratch = out if len(errors) == 1 else net.new_parameters()
        for t in map(int, np.flatnonzero(errors.any(axis=1))):
            end = len(self.inputs) + t + 1
            steps = min(self.k, end)
            window = slice(end - steps, end)
            asked = np.zeros((steps, net.n_out), net.dtype)
            asked[-1] = errors[t]
            credit(drive_errors(net, h[window], asked, self.k), inputs[window], before[window], scratch)
            if scratch is not out:
                out.hidden += scratch.hidden
        backward_readout(net, tape, errors, out)
        kept = slice(max(0, len(h) - self.k + 1), None)
        return History(self.k, inputs[kept], before[kept], h[kept])


def no_history(net: Network, k: int) -> History:
    """The history before the first step.

    Parameters
    ----------
    net : Network
        The network whose sizes it has.
    k : int
        The length of the window in steps, >= 1.
    """
    none = np.empty((0, net.n_hidden), net.dtype)
    return History(k, np.empty((0, net.n_in), net.dtype), none, none)


def k_step(net: Network, U: npt.ArrayLike, Y: npt.ArrayLike, k: int, state: State | None = None) -> Gradient:
    """The sum over t of the gradient of l_t with the state before step t - k + 1 a constant.

    With k = 1 it is `one_step`, with k >= T `bptt`. It takes O(T k n^2), as it would online.

    Parameters
    ----------
    net, U, Y, state
        As for `bptt`, like the results and errors.
    k : int
        The length of the window in steps, >= 1.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.ones((1, 1))
    >>> net = Network({"A": one, "R": one, "b": [0.0], "B": one, "c": [0.0]})
    >>> [k_step(net, [[0.0], [0.0]], [[0.0], [1.0]], k).grads["b"].tolist() for k in (1, 2)]
    [[-2.0], [-4.0]]
    """
    k = checks.whole("k", k, 1)
    inputs = net.check_inputs(U)
    targets = net.check_targets(Y, len(inputs))
    tape = net.forward(inputs, net.start() if state is None else net.check_state(state))
    losses, errors, _ = net.losses(tape.outputs, targets)
    grads = net.new_parameters()
    no_history(net, k).accumulate(net, tape, errors, grads)
    return Gradient(losses, grads.named(), tape.end)
