"""The learner: two copies of a recurrent network in lockstep, one clean and one perturbed, learning at every step."""

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from onlinernn.border import floats, quantised, quantised_delta
from onlinernn.chunks import Progress, chunks
from onlinernn.hardware import suited
from onlinernn.initialise import reservoir
from onlinernn.inputs import number as at_least
from onlinernn.inputs import read_array, read_losses
from onlinernn.kernels import layout
from onlinernn.kernels.cells import Tanh
from onlinernn.kernels.effects import IDEAL
from onlinernn.kernels.held import Held
from onlinernn.kernels.losses import SquaredError
from onlinernn.kernels.number import Fixed
from onlinernn.network import Network
from onlinernn.played import numbers_of, read_recording
from onlinernn.results import StepResult, Trace
from onlinernn.specification import require_losses_do, specify
from onlinernn.threads import choose_threads

_FLOATS = (np.dtype(np.float64), np.dtype(np.float32))
_new: Any = tuple.__new__  # half the time of calling the class


class OnlineLearner(Network):
    """A recurrent network that learns online, without gradients, from the difference of two copies.

    ``a_t = A u_t + R s_{t-1} + b``, ``x_t = f(a_t)``, ``s_t = D x_t`` (s = x without decorrelation),
    ``y_t = B s_t + c``. A noisy copy runs beside it; after every step the rule changes the weights from the loss
    difference and the perturbation. Nothing grows with time.

    Parameters
    ----------
    n_in, n_hidden, n_out
        Number of inputs, hidden units and outputs, each at least 1.
    rule
        The learning rule: :class:`ANP`, :class:`NP`, :class:`WP`, :class:`WindowedNP`, :class:`LearnedFeedback`; None
        for the one that goes with a preset, else ANP.
    cell
        The cell: :class:`Tanh`, :class:`LeakyTanh` or :class:`LeakSpectrum`.
    loss
        :class:`SquaredError` or :class:`SoftmaxCrossEntropy`.
    decorrelation
        A :class:`Decorrelation`, a :class:`Whitening`, :class:`Undecorrelated`, or None for what goes with the rule:
        Whitening for :class:`LearnedFeedback`, none for the others.
    readout
        How the readout learns: :class:`Perturbed` (by the rule itself, as in the paper), :class:`NLMS`,
        :class:`RLS`, or None for what goes with the rule: NLMS for :class:`LearnedFeedback`, else Perturbed.
    direct
        Whether the readout reads the input too, ``y_t = B s_t + E u_t + c``; None as for `readout`.
    schedule
        A factor on all learning rates: :class:`Constant`, :class:`Cosine` or :class:`InverseTime`.
    trace
        What is left of an eligibility trace after one step: 0 is the paper's rule per step, 1 credits every step since
        the last :meth:`reset` with every loss after it.
    frozen
        What does not learn, of A, R, B and D; the biases go with A and B, E with B.
    resync
        The noisy copy is set back to the clean one after so many steps; 0 is never.
    target_delay
        The target passed at time t belongs to step ``t - target_delay``; the first `target_delay` ones are ignored.
    streams
        Parallel streams that share the weights, their updates averaged; above 1 rows have an axis for them first.
    replicas
        Noisy copies, their updates averaged; a rule may bring its own number. 0, where A and R are frozen and the
        readout learns from the output error, saves their time.
    bias
        The constant that drives b and c, ``a_t = A u_t + R s_{t-1} + bias b``; 0 or False: there are none.
    spectral_radius, input_scale, bias_scale
        Of the initial weights; see :func:`onlinernn.initialise.reservoir`. The readout starts at zero.
    dtype
        float32 or float64.
    seed
        Of the initial weights and of the perturbations, and of the devices of a substrate and their noise.
    threads
        Threads that share the passes over R and D; the numbers are the same to the last bit. None: two from 700 hidden
        units on, where the process may use two processors, ``OMP_NUM_THREADS`` is not 1 and there is no substrate.
        Below 256 units one does all in any case. It is no part of a checkpoint.
    substrate
        The hardware: a :class:`Substrate`, a preset of :mod:`onlinernn.substrates`, or :data:`IDEAL` for none.

    number
        :class:`Fixed`: a network of integers; `dtype` is of no account then, inputs are rounded to integers, and what
        is returned are their values in float64. Or None: floating point.
    recording
        What a rule with ``noise=Recorded()`` plays: numbers, or the path of a text file with a number in each line or
        of a ``.npy`` file. Checkpoints hold it.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from onlinernn import ANP
    >>> learner = OnlineLearner(1, 20, 1, rule=ANP(lr_hidden=0.0, lr_readout=0.02), seed=1)
    >>> wave = np.sin(0.3 * np.arange(2001))
    >>> losses = [learner.step([wave[t]], [wave[t + 1]]).loss for t in range(2000)]
    >>> bool(np.mean(losses[-100:]) < 0.01 * np.mean(losses[:100]))
    True
    """

    def __init__(
        self,
        n_in: int,
        n_hidden: int,
        n_out: int,
        *,
        rule: Any = None,
        cell: Any = Tanh(),  # noqa: B008 - an immutable value
        loss: Any = SquaredError(),  # noqa: B008
        decorrelation: Any = None,
        readout: Any = None,
        direct: bool | None = None,
        schedule: Any = None,
        trace: float = 0.0,
        frozen: Collection[str] = (),
        resync: int | None = None,
        target_delay: int = 0,
        streams: int = 1,
        replicas: int | None = None,
        bias: float = True,
        spectral_radius: float = 0.9,
        input_scale: float = 1.0,
        bias_scale: float = 0.0,
        dtype: Any = np.float32,
        seed: int = 0,
        threads: int | None = None,
        substrate: Any = IDEAL,
        number: Any = None,
        recording: Any = None,
    ) -> None:
        rule, decorrelation, readout, substrate = suited(substrate, rule, decorrelation, readout)
        self.dtype, self.bias = np.dtype(dtype), at_least("bias", float(bias), 0.0)
        if self.dtype not in (np.float32, np.float64):
            raise ValueError(f"dtype is {self.dtype}; it must be float32 or float64")
        numbers = read_recording(recording)
        self.spec = specify(
            (n_in, n_hidden, n_out),
            rule=rule,
            cell=cell,
            loss=loss,
            decorrelation=decorrelation,
            readout=readout,
            direct=direct,
            schedule=schedule,
            trace=trace,
            frozen=frozen,
            resync=resync,
            target_delay=target_delay,
            streams=streams,
            replicas=replicas,
            seed=seed,
            dtype=self.dtype,
            substrate=substrate,
            number=number,
            recorded=len(numbers),
        )
        if isinstance(self.spec.number, Fixed):
            self.dtype = np.dtype(np.float64)
            if self.bias not in (0.0, 1.0):
                raise ValueError(f"bias is {bias}; with number=Fixed(...) it is True or False")
        sizes = self.spec.sizes
        self.threads = choose_threads(threads, sizes)
        self.n_in, self.n_hidden, self.n_out, self.streams, self.replicas = sizes[:5]
        names = {"spectral_radius": spectral_radius, "input_scale": input_scale, "bias_scale": bias_scale}
        radius, scale, of_bias = (at_least(name, value, 0.0) for name, value in names.items())
        self._allocate()
        if sizes.tape:
            self._params.tape[0] = numbers_of(self.spec.rule.noise, numbers, whole=isinstance(self.spec.number, Fixed))
        A, R, b = reservoir(self.n_in, self.n_hidden, radius, scale, of_bias, self.spec.seed)
        if isinstance(self.spec.number, Fixed):
            A, R, b = (quantised(weight, self.spec.number.weights) for weight in (A, R, b))
        self._params.A[: self.n_in], self._params.R[...], self._params.A[self.n_in] = A.T, R, b
        self._tally[layout.STALE] = sizes.substrate

    def step(self, u: ArrayLike, y: ArrayLike | None = None) -> StepResult:
        """Predict, then learn.

        Parameters
        ----------
        u : (n_in,) array_like
            Input; finite. A plain number will do where there is one input.
        y : (n_out,) array_like, optional
            Target of the input `target_delay` steps ago; finite. None or all NaN teaches nothing.

        Returns
        -------
        StepResult
            Prediction and losses.

        Raises
        ------
        TypeError, ValueError
            If `u` or `y` has the wrong shape or type or is not finite; nothing has changed then.
        DivergenceError
            If a loss, a learning signal or an activity is not finite. An update that is not finite is not applied.
        """
        # What is usual takes a short way, 0.4 us an array; the kernel checks that it is finite.
        if type(u) is np.ndarray and u.dtype in _FLOATS and u.shape == self._shape_u:
            self._u[...] = u
        else:
            self._take("u", u, self._u)
        if type(y) is np.ndarray and y.dtype in _FLOATS and y.shape == self._shape_y:
            self._y[...] = y
        elif y is None:
            self._y[...] = np.nan
        else:
            self._take("y", y, self._y)
        if self._run(self._held, self._rows) != 1:
            self._mend()
        loss, noisy_loss = self._both_losses.tolist() if self.streams == 1 else self._both_losses.copy()
        result: StepResult = _new(StepResult, (self._prediction.copy(), loss, noisy_loss))
        return result

    def _take(self, name: str, value: Any, buffer: np.ndarray) -> None:
        """Copy one input or target; a list of numbers takes a short way too."""
        if type(value) is list and len(value) == buffer.size == len(buffer) and all(type(x) is float for x in value):
            buffer[...] = value
        else:
            buffer[...] = read_array(name, value, buffer.shape, self.dtype, missing=name == "y")

    def _mend(self) -> None:
        """Finish the half-done step that stood in the way of one, or raise what else did."""
        read_array("u", self._u, self._u.shape, self.dtype)
        read_array("y", self._y, self._y.shape, self.dtype, missing=True)
        if not self._tally[layout.OPEN]:
            raise self._diverged(self.steps - 1)
        self._finish()
        if self._run(self._held, self._rows) != 1:
            raise self._diverged(self.steps - 1)

    def run(
        self,
        U: ArrayLike,
        Y: ArrayLike | None = None,
        progress: Progress = False,
    ) -> Trace:
        """Do one step per row; the same numbers as as many calls of :meth:`step`.

        Parameters
        ----------
        U : (T, n_in) array_like
            Inputs; finite.
        Y : (T, n_out) array_like, optional
            Row t is the target of the input of step ``t - target_delay``. A row of NaN teaches nothing, nor does None.
        progress
            True for a progress bar with the running loss, or a function ``(done, total, mean loss)``.

        Returns
        -------
        Trace
            Predictions and losses of every step.

        Raises
        ------
        TypeError, ValueError
            If `U` or `Y` cannot be used; nothing has changed then.
        DivergenceError
            As for :meth:`step`; ``.step`` counts from the first row. The steps before it have been done.
        """
        U = read_array("U", U, (None, *self._u.shape), self.dtype)
        steps = U.shape[0]
        if Y is None:
            Y = np.full((steps, *self._y.shape), np.nan, self.dtype)
        else:
            Y = read_array("Y", Y, (steps, *self._y.shape), self.dtype, missing=True)
        if self._tally[layout.OPEN]:
            self._finish()
        inputs, targets = (rows.reshape(steps, self.streams, rows.shape[-1]).astype(np.float64) for rows in (U, Y))
        predictions = np.zeros(targets.shape, self.dtype)
        losses, noisy_losses = (np.zeros((steps, self.streams), self.dtype) for _ in range(2))
        for part in chunks(steps, progress, losses):
            rows = (inputs[part], targets[part], predictions[part], losses[part], noisy_losses[part])
            done = self._run(self._held, Held(rows))
            if done != len(rows[0]):
                raise self._diverged(part.start + done)
        shape = (steps,) if self.streams == 1 else (steps, self.streams)
        return Trace(predictions.reshape(Y.shape), losses.reshape(shape), noisy_losses.reshape(shape))

    def predict(self, u: ArrayLike) -> np.ndarray:
        """Return what :meth:`step` would predict for this input; changes nothing.

        Parameters
        ----------
        u : (n_in,) array_like
            Input; finite.
        """
        if self._tally[layout.OPEN]:
            raise RuntimeError("predict between forward and feedback: call feedback first, or feedback(None, None)")
        inputs = read_array("u", u, self._u.shape, self.dtype).reshape(self.streams, -1).astype(np.float64)
        prediction = np.zeros((self.streams, self.n_out), self.dtype)
        self._entries.predict(self._held, inputs, prediction)
        return prediction.reshape(self._y.shape)

    def forward(self, u: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Do the first half of a step, for a loss or a reward that only the user can compute.

        Parameters
        ----------
        u : (n_in,) array_like
            Input; finite.

        Returns
        -------
        clean : (n_out,) array
            Output of the clean copy.
        noisy : (n_out,) array
            Output of the noisy copy; ``(replicas, n_out)`` with more than one. With several streams both have a
            leading axis.
        """
        inputs = read_array("u", u, self._u.shape, self.dtype).reshape(self.streams, -1).astype(np.float64)
        if self._tally[layout.OPEN]:
            self._finish()
        self._entries.advance(self._held, inputs)
        self._tally[layout.OPEN] = 1
        y = floats(self._work.y, self.spec.number.drives) if self._integers else self._work.y
        outputs = y.reshape(self.streams, self.replicas + 1, self.n_out).copy()
        outputs = outputs[0] if self.streams == 1 else outputs
        return outputs[..., 0, :], outputs[..., 1, :] if self.replicas == 1 else outputs[..., 1:, :]

    def feedback(self, loss_clean: ArrayLike | None, loss_noisy: ArrayLike | None) -> None:
        """Do the second half of a step: learn from the two losses (for rewards pass their negatives).

        Parameters
        ----------
        loss_clean
            Loss of the clean copy's output in the step `target_delay` steps ago; one number, or ``(streams,)``. None
            teaches nothing.
        loss_noisy
            Loss of the noisy copy's; one number, or with replicas and streams ``([streams,] [replicas])``.

        Raises
        ------
        RuntimeError
            If there was no :meth:`forward`.
        TypeError
            If the rule or the readout learns from the output error, which a loss alone does not tell.
        ValueError
            If a loss is not finite or has the wrong shape; nothing has changed then.
        """
        if not self._tally[layout.OPEN]:
            raise RuntimeError("feedback without forward: call forward(u) first, then feedback(loss_clean, loss_noisy)")
        if loss_clean is None or loss_noisy is None:
            self._finish()
            return
        require_losses_do(self.spec)
        clean, noisy = read_losses(loss_clean, loss_noisy, self.streams, self.replicas)
        delta = noisy - clean
        self._work.delta_loss[...] = quantised_delta(delta, self.spec.number) if self._integers else delta
        self._work.taught[...] = self.steps - self.target_delay >= self._tally[layout.ORIGIN]
        self._tally[layout.OPEN] = 0
        if self._entries.feedback(self._held) != layout.OK:
            raise self._diverged(self.steps - 1)
