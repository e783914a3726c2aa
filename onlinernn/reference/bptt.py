"""The gradient of the summed loss by going back in time: full, truncated, or not across a step at all.

All three are one backward pass with a window of k steps. The sequence is cut into consecutive windows of k steps,
counted from its first step (the last window may be shorter). The state is carried from each window to the next, but as
a constant: no gradient crosses the cut. So k >= T is the full gradient, and k = 1, where s_{t-1} and x_{t-1} are
constants at every step, is the one-step gradient (what the authors' code calls BP).

D is a constant: no gradient is taken with respect to it. The gradient of the other weights flows through it.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from onlinernn.reference import checks
from onlinernn.reference.checks import Array
from onlinernn.reference.network import Network, Parameters, State, Tape

WHOLE = sys.maxsize  # a window longer than any sequence


class Gradient(NamedTuple):
    """The gradient of the sum of the step losses.

    Attributes
    ----------
    losses : array (T,)
        The loss of every step, NaN where there was no target.
    grads : dict of str to array
        The derivatives with respect to A, R, b, B, c and, with a direct link, E.
    state : State
        The state after the last step.
    """

    losses: Array
    grads: dict[str, Array]
    state: State


def bptt(net: Network, U: npt.ArrayLike, Y: npt.ArrayLike, state: State | None = None) -> Gradient:
    """The full gradient of sum_t l_t by backpropagation through time (Werbos 1990, doi 10.1109/5.58337).

    Parameters
    ----------
    net : Network
        The network; it is not changed.
    U : array (T, d)
        The inputs.
    Y : array (T, m)
        The targets, aligned with the inputs; a row with a NaN in it is no target and contributes nothing.
    state : State, optional
        The state before the first step, a constant; silence by default.

    Returns
    -------
    Gradient
        (losses, grads, state).

    Raises
    ------
    ValueError, TypeError
        If a shape is wrong, U is not finite, or Y infinite.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.ones((1, 1))
    >>> net = Network({"A": one, "R": one, "b": [0.0], "B": one, "c": [0.0]})
    >>> losses, grads, state = bptt(net, [[0.0], [0.0]], [[0.0], [1.0]])
    >>> losses, grads["c"]
    (array([0., 1.]), array([-2.]))
    """
    return tbptt(net, U, Y, WHOLE, state)


def tbptt(net: Network, U: npt.ArrayLike, Y: npt.ArrayLike, k: int, state: State | None = None) -> Gradient:
    """The truncated gradient: every loss is traced back to the first step of its own window of k steps, no further.

    Parameters
    ----------
    net, U, Y, state
        As for `bptt`, like the results and errors.
    k : int
        The window in steps, >= 1; the head of this module says where windows begin.
    """
    k = checks.whole("k", k, 1)
    inputs = net.check_inputs(U)
    targets = net.check_targets(Y, len(inputs))
    tape = net.forward(inputs, net.start() if state is None else net.check_state(state))
    losses, errors, _ = net.losses(tape.outputs, targets)
    grads = net.new_parameters()
    backward(net, tape, errors, k, grads)
    return Gradient(losses, grads.named(), tape.end)


def one_step(net: Network, U: npt.ArrayLike, Y: npt.ArrayLike, state: State | None = None) -> Gradient:
    """The one-step gradient: the sum of dl_t / dW with the state before step t a constant. It is `tbptt` with k = 1.

    Parameters
    ----------
    net, U, Y, state
        As for `bptt`, like the results and errors.
    """
    return tbptt(net, U, Y, 1, state)


def backward(net: Network, tape: Tape, errors: Array, k: int, out: Parameters) -> None:
    """Write the gradient of a recorded forward pass, truncated to windows of k steps, to `out`.

    With g_t = dl/dx_t and delta_t = dl/da_t, within a window::

        delta_t = leak (1 - h_t^2) g_t
        g_{t-1} = (what the output of t - 1 asks for) + (1 - leak) g_t + D^T R^T delta_t

    Parameters
    ----------
    net : Network
        The network, with the weights of the forward pass.
    tape : Tape
        What the forward pass recorded.
    errors : array (T, m)
        dl_t / dy_t, zero where there is no target.
    k : int
        The window.
    out : Parameters
        Where the gradient goes; it is overwritten.
    """
    credit(drive_errors(net, tape.h, errors, k), tape.inputs, tape.s[:-1], out)
    backward_readout(net, tape, errors, out)


def drive_errors(net: Network, h: Array, errors: Array, k: int) -> Array:
    """The delta_t = dl/da_t of all steps, shape (T, n), as `backward` defines them.

    Parameters
    ----------
    net, errors, k
        As for `backward`.
    h : array (T, n)
        As on the tape.
    """
    g = errors @ net.parameters.B
    if net.D is not None and net.readout_reads == "s":
        g = g @ net.D
    slope = h * h
    np.subtract(1, slope, out=slope)
    slope *= net.leak
    if k > 1:
        _back_in_time(net, g, slope, k)
    slope *= g
    return slope


def credit(delta: Array, inputs: Array, before: Array, out: Parameters) -> None:
    """Write the gradient of A, R and b, the sum of delta_t times what entered the drive of step t, to `out`.

    Parameters
    ----------
    delta : array (T, n)
        The drive errors.
    inputs : array (T, d)
        The inputs u_t.
    before : array (T, n)
        The activities s_{t-1}.
    out : Parameters
        Where the gradient goes; it is overwritten.
    """
    np.dot(delta.T, inputs, out=out.A)
    np.dot(delta.T, before, out=out.R)
    np.sum(delta, axis=0, out=out.b)


def backward_readout(net: Network, tape: Tape, errors: Array, out: Parameters) -> None:
    """Write the part of the gradient that needs no way back, that of B, c and E, to `out`.

    Parameters
    ----------
    net, tape, errors, out
        As for `backward`.
    """
    np.dot(errors.T, net.read(tape.x, tape.s)[1:], out=out.B)
    np.sum(errors, axis=0, out=out.c)
    if out.E is not None:
        np.dot(errors.T, tape.inputs, out=out.E)


def _back_in_time(net: Network, g: Array, slope: Array, k: int) -> None:
    """Add to every row g_t what the later steps of its window ask of x_t."""
    # As in the forward pass, results by position.
    back_through_R, back_through_D = net.parameters.R.T.dot, None if net.D is None else net.D.T.dot
    keep = 1 - net.leak if net.leaky else None
    add, multiply = np.add, np.multiply
    delta, carry, asked = np.empty_like(g[0]), np.empty_like(g[0]), np.empty_like(g[0])
    for first in range(0, len(g), k):
        window = slice(first, first + k)
        later = zip(g[window][:0:-1], slope[window][:0:-1], g[window][-2::-1], strict=True)
        for g_after, slope_after, g_before in later:
            multiply(g_after, slope_after, delta)
            back_through_R(delta, carry)
            if back_through_D is None:
                add(g_before, carry, g_before)
            else:
                back_through_D(carry, asked)
                add(g_before, asked, g_before)
            if keep is not None:
                multiply(g_after, keep, carry)
                add(g_before, carry, g_before)
