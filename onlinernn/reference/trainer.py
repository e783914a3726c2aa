"""A reference algorithm as a learner: the same `run` as the online learner, so that both stand in one table."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, Protocol, Self, get_args

import numpy as np
import numpy.typing as npt

from onlinernn.errors import DivergenceError
from onlinernn.reference import checks
from onlinernn.reference.bptt import backward, backward_readout
from onlinernn.reference.checks import Array
from onlinernn.reference.decorrelation import decorrelation_step
from onlinernn.reference.k_step import no_history
from onlinernn.reference.network import Network, Parameters, Tape
from onlinernn.reference.optimizers import Optimizer
from onlinernn.reference.rflo import no_traces, random_feedback
from onlinernn.reference.rtrl import no_influence

Method = Literal["bptt", "tbptt", "one_step", "k_step", "rflo", "rtrl"]

_FROZEN_CHUNK = 1024  # steps of a pass that teaches nothing are recorded this many at a time


class Trace(NamedTuple):
    """What a run leaves.

    Attributes
    ----------
    predictions : array (T, m)
        The output of every step, made before its target was used.
    losses : array (T,)
        In row t the loss of the prediction whose target came in row t; NaN if none came.
    """

    predictions: Array
    losses: Array


class Carried(Protocol):
    """What an algorithm that goes forward in time carries from step to step, beside the state of the network."""

    @property
    def nbytes(self) -> int:
        """Its bytes."""

    def accumulate(self, net: Network, tape: Tape, errors: Array, out: Parameters) -> Self:
        """Write the gradient of a recorded forward pass to `out`; return what is carried on from its last step.

        Parameters
        ----------
        net, tape, errors, out
            As for `backward`.
        """


class ReferenceLearner:
    """A network trained by a reference algorithm on a stream, predicting first and learning afterwards.

    The stream is cut into windows; each is predicted, then learnt in one update, by the gradient of the sum of its
    losses. The state is carried from window to window as a constant, as `tbptt` defines it. The window is

    * ``"bptt"``: the whole run;
    * ``"tbptt"``: `window` steps, and what is left at the end of the run;
    * ``"one_step"``: one step;
    * ``"k_step"``: one step as well, whose loss is traced back through the last `window` steps. O(window n^2) a step;
    * ``"rflo"``: one step; traces at the synapses are carried along, and the feedback is random. O(n^2) a step;
    * ``"rtrl"``: one step; the exact influence of all earlier steps is carried along. O(n^4) a step.

    With `target_delay` = h the target in row t of a run belongs to the input of h steps before. A window is learnt once
    its last target has arrived: a second copy of the network, h steps behind the predicting one, goes through the
    window with the weights of that moment, and is where the window's gradient comes from. So the weights pass through
    the same values as without a delay, h steps later. A window never spans two runs, but inputs whose targets have not
    arrived at the end of a run wait for those of the next one.

    Parameters
    ----------
    network : Network
        The network. It is trained in place.
    method : {"bptt", "tbptt", "one_step", "k_step", "rflo", "rtrl"}
        The algorithm.
    optimizer : SGD, Adam, or alike
        What turns gradients into updates. It belongs to this learner.
    window : int
        The window of ``"tbptt"`` and the k of ``"k_step"`` in steps, >= 1. The other methods have their own.
    target_delay : int
        How many steps after its input a target arrives, >= 0.
    decorrelation_rate : float
        The learning rate of D, >= 0. D starts as the network's, or as the identity, and learns from the window's steps
        that have a target, by equation 6 summed over them. At 0 it stays as it is.
    learn_hidden : bool
        False keeps A, R and b as they are: a fixed reservoir with a trained readout, whose gradient is the same for all
        methods.
    seed : int
        Of the random feedback of ``"rflo"``, >= 0.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> from onlinernn.reference import SGD, Network
    >>> one = np.ones((1, 1))
    >>> net = Network({"A": one, "R": 0 * one, "b": [0.0], "B": one, "c": [0.0]})
    >>> learner = ReferenceLearner(net, "one_step", SGD(0.1))
    >>> learner.run(np.ones((3, 1)), np.zeros((3, 1))).losses.round(2)
    array([0.58, 0.22, 0.08])
    """

    def __init__(
        self,
        network: Network,
        method: Method,
        optimizer: Optimizer,
        *,
        window: int = 50,
        target_delay: int = 0,
        decorrelation_rate: float = 0.0,
        learn_hidden: bool = True,
        seed: int = 0,
    ) -> None:
        if method not in get_args(Method):
            raise ValueError(f"method must be one of {get_args(Method)}, got {method!r}")
        self.network, self.method, self.optimizer, self.learn_hidden = network, method, optimizer, learn_hidden
        self.window, self.seed = checks.whole("window", window, 1), checks.whole("seed", seed, 0)
        self.target_delay = checks.whole("target_delay", target_delay, 0)
        self.decorrelation_rate = checks.positive("decorrelation_rate", decorrelation_rate, zero=True)
        if self.decorrelation_rate and network.D is None:
            network.D = np.eye(network.n_hidden, dtype=network.dtype)
        self._gradient = network.new_parameters()
        self._feedback = random_feedback(network, seed)
        self._tape_bytes = 0
        self.reset()

    @property
    def weights(self) -> dict[str, Array]:
        """Read-only copies of A, R, b, B, c and, where there are any, E and D."""
        return self.network.weights

    def reset(self) -> None:
        """Back to silence: states, and inputs that wait for a target, are dropped. Weights and optimizer stay."""
        net = self.network
        self._ahead = self._behind = net.start()  # the copy that predicts, and the one that learns h steps later
        self._inputs = np.empty((0, net.n_in), net.dtype)  # the inputs between the two,
        self._outputs = np.empty((0, net.n_out), net.dtype)  # and what was predicted for them
        self._carried = self._nothing_carried() if self.learn_hidden else None

    def run(self, U: npt.ArrayLike, Y: npt.ArrayLike | None = None) -> Trace:
        """Predict every step of a stream, and learn from the targets as they arrive.

        Parameters
        ----------
        U : array (T, d)
            The inputs.
        Y : array (T, m), optional
            Row t is the target of the input of step t - `target_delay`, counted through from the last reset; rows that
            belong to no input are ignored. A row with a NaN in it is no target: it teaches nothing. Without `Y` the
            network runs on with the weights it has.

        Returns
        -------
        Trace
            (predictions, losses). Row t was predicted with weights that have learnt from no row of `Y` after t - 1.

        Raises
        ------
        ValueError, TypeError
            If a shape is wrong, U is not finite, or Y infinite. Nothing has changed then.
        DivergenceError
            If a loss, a gradient or an updated weight is not finite; `step` counts from the start of this run. The
            weights are those before that update. The activities are to be reset.
        """
        inputs = self.network.check_inputs(U)
        if Y is None:
            targets = np.full((len(inputs), self.network.n_out), np.nan, self.network.dtype)
            window = _FROZEN_CHUNK
        else:
            targets = self.network.check_targets(Y, len(inputs))
            window = {"bptt": len(inputs), "tbptt": self.window}.get(self.method, 1)
        with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is caught, with the step's number
            return self._run(inputs, targets, window)

    def memory(self) -> dict[str, int]:
        """Bytes by role; the tape, which grows with the window, is the longest so far."""
        D = self.network.D
        states = (self._ahead,) if self.target_delay == 0 else (self._ahead, self._behind)
        return {
            "weights": self._gradient.vector.nbytes + (0 if D is None else D.nbytes),
            "gradient": self._gradient.vector.nbytes,
            "optimizer": self.optimizer.nbytes,
            "activities": sum(part.nbytes for state in states for part in state),
            "waiting": self._inputs.nbytes + self._outputs.nbytes,
            "carried": 0 if self._carried is None else self._carried.nbytes,
            "tape": self._tape_bytes,
        }

    def _nothing_carried(self) -> Carried | None:
        if self.method == "rtrl":
            return no_influence(self.network)
        if self.method == "k_step":
            return no_history(self.network, self.window)
        return no_traces(self.network, self._feedback) if self.method == "rflo" else None

    def _run(self, new_inputs: Array, targets: Array, window: int) -> Trace:
        net, steps = self.network, len(new_inputs)
        orphans = self.target_delay - len(self._inputs)  # the first rows of targets, if no input has waited for them
        learnable = max(0, steps - orphans)  # so many inputs, the oldest, have their target among these rows
        inputs = np.concatenate([self._inputs, new_inputs]) if self.target_delay else new_inputs
        predictions = np.empty((steps, net.n_out), net.dtype)
        predicted = 0
        for first in range(0, learnable, window):
            last = min(first + window, learnable)
            arrived = slice(first + orphans, last + orphans)
            if self.target_delay:
                predictions[predicted : arrived.stop] = self._predict(new_inputs[predicted : arrived.stop])
                tape = net.forward(inputs[first:last], self._behind)
            else:
                tape = net.forward(inputs[first:last], self._behind)
                predictions[first:last] = tape.outputs
            predicted = arrived.stop
            self._learn(tape, targets[arrived], arrived.start)
            self._behind = tape.end
        if self.target_delay:
            predictions[predicted:] = self._predict(new_inputs[predicted:])
        else:
            self._ahead = self._behind

        outputs = np.concatenate([self._outputs, predictions])
        losses = np.full(steps, np.nan, net.dtype)
        losses[orphans:] = net.losses(outputs[:learnable], targets[orphans:]).values
        if self.target_delay:
            self._inputs, self._outputs = inputs[learnable:].copy(), outputs[learnable:].copy()
        return Trace(predictions, losses)

    def _predict(self, inputs: Array) -> Array:
        outputs = np.empty((len(inputs), self.network.n_out), self.network.dtype)
        for first in range(0, len(inputs), _FROZEN_CHUNK):
            chunk = slice(first, first + _FROZEN_CHUNK)
            tape = self.network.forward(inputs[chunk], self._ahead)
            outputs[chunk] = tape.outputs
            self._ahead = tape.end
        return outputs

    def _learn(self, tape: Tape, targets: Array, row: int) -> None:
        """Learn one window, whose first target is in `row` of the run."""
        net, gradient = self.network, self._gradient
        losses, errors, present = net.losses(tape.outputs, targets)
        if self._carried is not None:
            self._carried = self._carried.accumulate(net, tape, errors, gradient)
        if not present.any():
            return
        bad = present & ~np.isfinite(losses)
        if bad.any():
            first_bad = int(bad.argmax())
            raise DivergenceError(f"the loss became {losses[first_bad]} at step {row + first_bad}", row + first_bad)
        if not self.learn_hidden:
            gradient.hidden.fill(0)
            backward_readout(net, tape, errors, gradient)
        elif self._carried is None:
            backward(net, tape, errors, len(errors), gradient)
        self._tape_bytes = max(self._tape_bytes, tape.nbytes)
        self._update(tape.s[1:][present], row + len(targets) - 1)

    def _update(self, S: Array, step: int) -> None:
        """Change the weights by the gradient at hand, and D by the decorrelated activities S, or nothing at all."""
        net, gradient = self.network, self._gradient
        _refuse_nonfinite("gradient", gradient.vector, step)
        change = self.optimizer.step(gradient)
        changed = np.subtract(net.parameters.vector, change, out=change)
        _refuse_nonfinite("updated weights", changed, step)
        if self.decorrelation_rate and net.D is not None:
            changed_D = net.D - decorrelation_step(net.D, S, self.decorrelation_rate)
            _refuse_nonfinite("updated decorrelation matrix", changed_D, step)
            net.D = changed_D
        if self.learn_hidden:
            net.parameters.vector[:] = changed
        else:
            net.parameters.readout[:] = changed[len(net.parameters.hidden) :]

    def __repr__(self) -> str:
        return (
            f"ReferenceLearner({self.network!r}, {self.method!r}, {self.optimizer!r}, window={self.window}, "
            f"target_delay={self.target_delay}, decorrelation_rate={self.decorrelation_rate}, "
            f"learn_hidden={self.learn_hidden}, seed={self.seed})"
        )


def _refuse_nonfinite(what: str, values: Array, step: int) -> None:
    # The sum is finite only if all values are, and cheaper than a test of each.
    if not math.isfinite(values.sum()):
        raise DivergenceError(f"the {what} stopped being finite at step {step}", step)
