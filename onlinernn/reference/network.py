"""The network the reference algorithms differentiate: its parameters, its forward pass, its losses.

It shares no code with the kernels, because an oracle must not share code with what it judges.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from onlinernn.reference import checks
from onlinernn.reference.checks import Array

LossName = Literal["squared_error", "softmax_cross_entropy"]
Readout = Literal["s", "x"]


class Parameters:
    """The trained parameters A, R, b, B, c and perhaps E (or their gradient): named views of one vector.

    One vector makes an optimizer a few passes over memory instead of a few per matrix. `hidden` (A, R, b) and
    `readout` (B, c, E) are the two parts of the vector that have learning rates of their own.

    Parameters
    ----------
    n_in, n_hidden, n_out : int
        The sizes d, n and m: A is (n, d), R (n, n), b (n,), B (m, n), c (m,), E (m, d).
    dtype : numpy dtype
        float32 or float64.
    direct : bool
        Whether there is an E.
    """

    def __init__(self, n_in: int, n_hidden: int, n_out: int, dtype: npt.DTypeLike, *, direct: bool = False) -> None:
        n_weights = n_hidden * (n_in + n_hidden + 1)
        self.vector: Array = np.zeros(n_weights + n_out * (n_hidden + 1 + direct * n_in), dtype)
        self.hidden, self.readout = self.vector[:n_weights], self.vector[n_weights:]
        A, R, self.b = np.split(self.hidden, [n_hidden * n_in, n_hidden * (n_in + n_hidden)])
        B, self.c, E = np.split(self.readout, [n_out * n_hidden, n_out * (n_hidden + 1)])
        self.E = E.reshape(n_out, n_in) if direct else None
        self.A, self.R, self.B = A.reshape(n_hidden, n_in), R.reshape(n_hidden, n_hidden), B.reshape(n_out, n_hidden)

    def named(self) -> dict[str, Array]:
        """The views by name."""
        named = {"A": self.A, "R": self.R, "b": self.b, "B": self.B, "c": self.c}
        return named if self.E is None else named | {"E": self.E}


class State(NamedTuple):
    """What one step hands to the next.

    Attributes
    ----------
    x : array (n,)
        The activity.
    s : array (n,)
        The decorrelated activity D x; without decorrelation equal to x.
    """

    x: Array
    s: Array


class Tape(NamedTuple):
    """All that a forward pass over T steps leaves behind for the backward pass.

    Attributes
    ----------
    inputs : array (T, d)
        The inputs.
    h : array (T, n)
        tanh of the drives; without leak a view of `x`.
    x, s : array (T + 1, n)
        The activities, row 0 being the state before the first step; without decorrelation one array.
    outputs : array (T, m)
        The outputs.
    """

    inputs: Array
    h: Array
    x: Array
    s: Array
    outputs: Array

    @property
    def end(self) -> State:
        """The state after the last step (a copy)."""
        return State(self.x[-1].copy(), self.s[-1].copy())

    @property
    def nbytes(self) -> int:
        """The bytes of the recorded arrays, each counted once."""
        own_h = self.h.nbytes if self.h.base is None else 0
        own_s = self.s.nbytes if self.s is not self.x else 0
        return self.inputs.nbytes + own_h + self.x.nbytes + own_s + self.outputs.nbytes


class Losses(NamedTuple):
    """The losses of a sequence of steps and what they say about its outputs.

    Attributes
    ----------
    values : array (T,)
        The losses, NaN where there was no target.
    errors : array (T, m)
        dl_t / dy_t, 0 where there was no target.
    present : array of bool (T,)
        Whether there was a target.
    """

    values: Array
    errors: Array
    present: npt.NDArray[np.bool_]


class Network:
    """A recurrent network of tanh units with leak and decorrelation, as plain NumPy.

    The equations (Fernandez, Keemink and van Gerven 2024, section 2, with a bias and a leak), y_t before y*_t::

        a_t = A u_t + R s_{t-1} + b          h_t = tanh(a_t)           x_t = (1 - leak) x_{t-1} + leak h_t
        s_t = D x_t                          y_t = B z_t + E u_t + c   z_t = s_t, or x_t if readout_reads = "x"
        squared error          l_t = sum_k (y_k - y*_k)^2
        softmax cross-entropy  l_t = - sum_k y*_k log softmax(y)_k

    Parameters
    ----------
    weights : mapping of str to array
        A (n, d), R (n, n), b (n,), B (m, n), c (m,); with a direct link from input to output E (m, d); with
        decorrelation D (n, n). For instance the `weights` of a learner. They are copied.
    leak : float or array (n,)
        0 < leak <= 1, for all neurons or for each; 1 is a plain tanh neuron.
    loss : {"squared_error", "softmax_cross_entropy"}
        The loss of one step.
    readout_reads : {"s", "x"}
        What the readout reads. The two differ only with decorrelation.
    dtype : numpy dtype
        float64 (default: this is an oracle) or float32.

    Raises
    ------
    ValueError, TypeError
        If a weight is missing, unknown, not finite or of the wrong shape, or an option out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.ones((1, 1))
    >>> net = Network({"A": one, "R": 0 * one, "b": [0.0], "B": 2 * one, "c": [1.0]})
    >>> net.forward(np.array([[0.0], [1.0]]), net.start()).outputs.ravel()
    array([1.        , 2.52318831])
    """

    def __init__(
        self,
        weights: Mapping[str, npt.ArrayLike],
        *,
        leak: npt.ArrayLike = 1.0,
        loss: LossName = "squared_error",
        readout_reads: Readout = "s",
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise ValueError(f"dtype must be float32 or float64, got {self.dtype}")
        if loss not in get_args(LossName):
            raise ValueError(f"loss must be one of {get_args(LossName)}, got {loss!r}")
        if readout_reads not in get_args(Readout):
            raise ValueError(f"readout_reads must be 's' or 'x', got {readout_reads!r}")
        self.loss, self.readout_reads = loss, readout_reads
        needed = {"A", "R", "b", "B", "c"}
        if missing := needed - set(weights):
            raise ValueError(f"weights must hold A, R, b, B and c, got none named {', '.join(sorted(missing))}")
        if unknown := set(weights) - needed - {"D", "E"}:
            raise ValueError(f"weights may hold A, R, b, B, c, D and E only, got {', '.join(sorted(unknown))}")
        self.direct = "E" in weights
        self.n_hidden, self.n_in = checks.numeric("A", weights["A"], (None, None), self.dtype).shape
        self.n_out = checks.numeric("B", weights["B"], (None, self.n_hidden), self.dtype).shape[0]
        self.leak = checks.shares("leak", leak, self.n_hidden, self.dtype)
        self.leaky = bool((self.leak < 1).any())
        self.parameters = self.new_parameters()
        for name, view in self.parameters.named().items():
            view[...] = checks.finite(name, weights[name], view.shape, self.dtype)
        self.D: Array | None = None
        if "D" in weights:
            self.D = checks.finite("D", weights["D"], (self.n_hidden, self.n_hidden), self.dtype).copy()

    @property
    def weights(self) -> dict[str, Array]:
        """A snapshot: read-only copies of A, R, b, B, c and, where there are any, E and D."""
        snapshot = {name: view.copy() for name, view in self.parameters.named().items()}
        if self.D is not None:
            snapshot["D"] = self.D.copy()
        for array in snapshot.values():
            array.flags.writeable = False
        return snapshot

    def new_parameters(self) -> Parameters:
        """Parameters of this network's shapes, all zero: room for a gradient."""
        return Parameters(self.n_in, self.n_hidden, self.n_out, self.dtype, direct=self.direct)

    def start(self) -> State:
        """The state before the first step: silence."""
        return State(np.zeros(self.n_hidden, self.dtype), np.zeros(self.n_hidden, self.dtype))

    def forward(self, inputs: Array, state: State) -> Tape:
        """The pass over a sequence, recorded.

        Parameters
        ----------
        inputs : array (T, d)
            The inputs, unchecked: C-contiguous and of the network's dtype.
        state : State
            The state before the first step; it is left as it is.
        """
        p, steps = self.parameters, len(inputs)
        h = inputs @ p.A.T  # the input drive of all steps at once; every row then becomes its h in place
        h += p.b
        x = np.empty((steps + 1, self.n_hidden), self.dtype)
        x[0] = state.x
        s = x
        if self.D is not None:
            s = np.empty_like(x)
            s[0] = state.s
        # Small arrays: what a call costs counts, hence bound methods, and results (the last argument) by position.
        recurrent, through_R = np.empty(self.n_hidden, self.dtype), p.R.dot
        through_D = None if self.D is None else self.D.dot
        add, subtract, multiply, tanh = np.add, np.subtract, np.multiply, np.tanh
        if not self.leaky:
            for a, s_before, x_after, s_after in zip(h, s, x[1:], s[1:], strict=False):
                through_R(s_before, recurrent)
                add(a, recurrent, a)
                tanh(a, x_after)
                if through_D is not None:
                    through_D(x_after, s_after)
            h = x[1:]
        else:
            for a, x_before, s_before, x_after, s_after in zip(h, x, s, x[1:], s[1:], strict=False):
                through_R(s_before, recurrent)
                add(a, recurrent, a)
                tanh(a, a)
                subtract(a, x_before, x_after)
                multiply(x_after, self.leak, x_after)
                add(x_after, x_before, x_after)
                if through_D is not None:
                    through_D(x_after, s_after)
        outputs = self.read(x, s)[1:] @ p.B.T
        outputs += p.c
        if p.E is not None:
            outputs += inputs @ p.E.T
        return Tape(inputs, h, x, s, outputs)

    def read(self, x: Array, s: Array) -> Array:
        """Whichever of the two the readout reads.

        Parameters
        ----------
        x, s : array
            Activities and decorrelated activities.
        """
        return s if self.readout_reads == "s" else x

    def losses(self, outputs: Array, targets: Array) -> Losses:
        """The loss of every step and its derivative with respect to the output.

        The derivative is 2 (y - y*) for the squared error and (sum_k y*_k) softmax(y) - y* for softmax cross-entropy.
        A target row with a NaN in it is no target: its loss is NaN, for there is none, and its derivative 0.

        Parameters
        ----------
        outputs, targets : array (T, m)
            The outputs (logits for softmax cross-entropy) and what they should have been.

        Returns
        -------
        Losses
            (values, errors, present).
        """
        if self.loss == "squared_error":
            errors = outputs - targets
            losses = np.einsum("tk,tk->t", errors, errors)
            errors *= 2
        else:
            shifted = outputs - outputs.max(axis=1, keepdims=True)
            log_softmax = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
            losses = -np.einsum("tk,tk->t", targets, log_softmax)
            errors = np.exp(log_softmax) * targets.sum(axis=1, keepdims=True) - targets
        present: npt.NDArray[np.bool_] = np.logical_not(np.isnan(targets).any(axis=1))
        if not present.all():
            losses[~present] = np.nan
            errors[~present] = 0
        return Losses(losses, errors, present)

    def check_inputs(self, U: npt.ArrayLike) -> Array:
        """The inputs in the network's dtype, or one error that says what is wrong.

        Parameters
        ----------
        U : array (T, d)
            Finite numbers; T >= 1.
        """
        return checks.finite("U", U, (None, self.n_in), self.dtype)

    def check_targets(self, Y: npt.ArrayLike, steps: int) -> Array:
        """The targets in the network's dtype, or one error that says what is wrong.

        Parameters
        ----------
        Y : array (steps, m)
            Numbers, or NaN for no target; not negative for softmax cross-entropy.
        steps : int
            How many there must be.
        """
        probabilities = self.loss == "softmax_cross_entropy"
        return checks.targets("Y", Y, (steps, self.n_out), self.dtype, probabilities=probabilities)

    def check_state(self, state: State) -> State:
        """The state in the network's dtype, or one error that says what is wrong.

        Parameters
        ----------
        state : State
            Finite activities.
        """
        x, s = (checks.finite(name, part, (self.n_hidden,), self.dtype) for name, part in zip("xs", state, strict=True))
        return State(x, s)

    def __repr__(self) -> str:
        least, most = self.leak.min(), self.leak.max()
        leak = f"{most:g}" if least == most else f"{least:g} to {most:g}"
        return (
            f"Network({self.n_in} -> {self.n_hidden} -> {self.n_out}, leak={leak}, loss={self.loss!r}, "
            f"readout_reads={self.readout_reads!r}, direct={self.direct}, decorrelated={self.D is not None}, "
            f"{self.dtype})"
        )
