"""The referee: learning in the hidden layer must earn its keep against a frozen shadow."""

import functools
import os
from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from onlinernn import checkpoint
from onlinernn.chunks import Progress, chunks
from onlinernn.errors import CheckpointError
from onlinernn.inputs import number, read_array, whole
from onlinernn.kernels import entry
from onlinernn.kernels.held import Held
from onlinernn.kernels.mixing import ALONE, N_MEANS, N_ROWS, SHARE, TOGETHER
from onlinernn.kernels.readouts import perturbed
from onlinernn.learner import OnlineLearner
from onlinernn.results import StepResult, Trace
from onlinernn.snapshot import rebuild, restore, snapshot
from onlinernn.specification import frozen_names

_SHARED = ("n_in", "n_hidden", "n_out", "streams", "replicas", "target_delay", "steps", "weights", "dtype")


class Referee:
    """A learner beside a frozen shadow of itself; their predictions are mixed so that the mixture errs least.

    The shadow starts from the same weights and learns its readout (and D) only. With y0 its prediction, y1 that of the
    learner, and running means of rate `rate`::

        y     = y0 + share (y1 - y0)        b = mean (y* - y0)(y1 - y0) / mean (y1 - y0)^2
        share = b max(0, 1 - 2 v / b^2), within 0 and 1
        v     = rate (1 + target_delay) / streams * mean loss of y / mean (y1 - y0)^2
        saved = 1 - mean loss of y / mean loss of y0

    summed over outputs and streams. b is what mixes best, v the variance that chance alone gives it: errors of a
    forecast last for about its delay, and what may be luck is not heard. With :class:`SoftmaxCrossEntropy` the
    logits are mixed, and b is the Newton step to the least loss along ``y1 - y0`` (``kernels/mixing.py``). The
    learner's hidden layer learns with ``saved / full`` of its rate, at least `least` and at most all of it, set anew
    after every `period` steps.

    It takes the shadow's memory and time, which are less than the learner's: the shadow has no noisy copy unless its
    readout learns from one. Hardware would need the outputs of both, and six numbers. A step in which y0 errs more
    than three times as much as usual, as after a reset, enters the means as one of three times.

    Parameters
    ----------
    learner
        The learner, before its first step; it belongs to the referee from then on.
    rate
        Of the running means, in (0, 1].
    full
        What of the shadow's loss has to be saved for the full hidden rate, in (0, 1].
    least
        What is left of the hidden rate where nothing is saved, in [0, 1].
    period
        Steps between two changes of the hidden rate, at least 1.

    Raises
    ------
    ValueError
        If the learner has taken a step, or a number is out of its range.

    Examples
    --------
    >>> from onlinernn import LearnedFeedback
    >>> wave = np.sin(0.3 * np.arange(501))[:, None]
    >>> referee = Referee(OnlineLearner(1, 10, 1, rule=LearnedFeedback(), seed=1))
    >>> losses = referee.run(wave[:-1], wave[1:]).losses
    >>> bool(losses[-100:].mean() < 0.01 * losses[:100].mean())
    True
    """

    def __init__(
        self,
        learner: OnlineLearner,
        rate: float = 1e-3,
        full: float = 0.3,
        least: float = 0.3,
        period: int = 100,
    ) -> None:
        if learner.steps:
            raise ValueError(f"the learner has taken {learner.steps} steps; a referee needs one that has taken none")
        self.rate, self.full, self.least = (_share(n, v) for n, v in (("rate", rate), ("full", full), ("least", least)))
        for name in ("rate", "full"):
            if getattr(self, name) == 0.0:
                raise ValueError(f"{name} is 0; it must be greater than 0 and at most 1")
        self.period = whole("period", period, 1)
        self.learner, self.shadow = learner, _frozen_twin(learner)
        self.lr_hidden = learner.spec.rule.lr_hidden
        self._allocate()
        self._grant()

    def _allocate(self) -> None:
        slots, streams, m = self.target_delay + 1, self.streams, self.n_out
        self._ring, self._shares = np.zeros((slots, streams, N_ROWS, m)), np.zeros(slots)
        self._means, self._scratch = np.zeros(N_MEANS), np.zeros((2, m))
        self._predictions, self._losses = np.zeros((1, streams, m), self.dtype), np.zeros((1, streams), self.dtype)

    @functools.cached_property
    def _mix(self) -> Callable[..., None]:
        """Compile, or load from the disk cache, at the first call."""
        mix = entry.entry_points(self.learner.spec).mix
        return entry.specialised(mix, *self._mixing(), *self._told_in_a_step())

    def _mixing(self) -> tuple[Any, ...]:
        spec, tally = self.learner.spec, self.learner._tally
        return spec.loss, tally, spec.target_delay, self.rate, self._ring, self._shares, self._means, self._scratch

    def _told_in_a_step(self) -> tuple[np.ndarray, ...]:
        one, other = self.shadow, self.learner
        return one._predictions, other._predictions, other._targets, self._predictions, self._losses

    @property
    def share(self) -> float:
        """The learner's share in the predictions, in [0, 1]."""
        return float(self._means[SHARE])

    @property
    def saved(self) -> float:
        """What the mixture saves of the shadow's loss; below 0 where it errs more."""
        means = self._means
        return float(1.0 - means[TOGETHER] / means[ALONE]) if means[ALONE] > 0.0 else 0.0

    def _grant(self) -> None:
        """Let the hidden layer learn as fast as it has earned."""
        learner, part = self.learner, min(1.0, max(self.least, self.saved / self.full))
        rule = learner.spec.rule._replace(lr_hidden=self.lr_hidden * part)
        if rule.lr_hidden != learner.spec.rule.lr_hidden:  # most often it is as before: all or the least
            learner.spec = learner.spec._replace(rule=rule)
            learner._bind_numbers()

    def __getattr__(self, name: str) -> Any:
        """Answer like the learner for all that does not change it: sizes, ``steps``, ``weights``."""
        if name in _SHARED:
            return getattr(self.learner, name)
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def step(self, u: ArrayLike, y: ArrayLike | None = None) -> StepResult:
        """Predict, then learn, as :meth:`OnlineLearner.step`; the noisy loss is the learner's own.

        Parameters
        ----------
        u : (n_in,) array_like
            Input; finite.
        y : (n_out,) array_like, optional
            Target of the input `target_delay` steps ago.
        """
        told = self.learner.step(u, y)
        self.shadow.step(u, y)
        self._mix(*self._mixing(), *self._told_in_a_step())
        if self.steps % self.period == 0:
            self._grant()
        if self.streams > 1:
            return StepResult(self._predictions[0].copy(), self._losses[0].copy(), told.noisy_loss)
        return StepResult(self._predictions[0, 0].copy(), self._losses.item(), told.noisy_loss)

    def run(self, U: ArrayLike, Y: ArrayLike | None = None, progress: Progress = False) -> Trace:
        """Do one step per row, as :meth:`OnlineLearner.run`; the noisy losses are the learner's own.

        Parameters
        ----------
        U : (T, n_in) array_like
            Inputs; finite.
        Y : (T, n_out) array_like, optional
            Targets.
        progress
            As there.
        """
        streams = () if self.streams == 1 else (self.streams,)
        U = read_array("U", U, (None, *streams, self.n_in), self.dtype)
        steps = len(U)
        if Y is None:
            Y = np.full((steps, *streams, self.n_out), np.nan, self.dtype)
        else:
            Y = read_array("Y", Y, (steps, *streams, self.n_out), self.dtype, missing=True)
        inputs, targets = (rows.reshape(steps, self.streams, -1).astype(np.float64) for rows in (U, Y))
        first, second, mixed = (np.zeros(targets.shape, self.dtype) for _ in range(3))
        lost, noisy, losses = (np.zeros((steps, self.streams), self.dtype) for _ in range(3))
        for part in chunks(steps, progress, losses):
            start = part.start
            while start < part.stop:
                stop = min(part.stop, start + self.period - self.steps % self.period)
                rows = slice(start, stop)
                for one, said in ((self.shadow, first), (self.learner, second)):
                    given = inputs[rows], targets[rows], said[rows], lost[rows], noisy[rows]
                    done = one._run(one._held, Held(given))
                    if done != stop - start:
                        raise one._diverged(start + done)
                self._mix(*self._mixing(), first[rows], second[rows], targets[rows], mixed[rows], losses[rows])
                if self.steps % self.period == 0:
                    self._grant()
                start = stop
        shape = (steps, *streams)
        return Trace(mixed.reshape(*shape, -1), losses.reshape(shape), noisy.reshape(shape))

    def predict(self, u: ArrayLike) -> np.ndarray:
        """Return what :meth:`step` would predict for this input; changes nothing.

        Parameters
        ----------
        u : (n_in,) array_like
            Input; finite.
        """
        first, second = (one.predict(u).astype(np.float64) for one in (self.shadow, self.learner))
        return (first + self.share * (second - first)).astype(self.dtype)

    def reset(self) -> None:
        """Forget the past of both; weights and running means stay."""
        self.learner.reset()
        self.shadow.reset()

    def clone(self) -> Self:
        """Return an independent copy that would go on exactly like this one."""
        return self._restored(*self._snapshot())

    def memory(self) -> dict[str, int]:
        """Return what both keep, in bytes by role, and the ``referee`` itself."""
        own, other = self.learner.memory(), self.shadow.memory()
        held = (self._ring, self._shares, self._means, self._scratch, self._predictions, self._losses)
        return {role: own[role] + other[role] for role in own} | {"referee": sum(array.nbytes for array in held)}

    def report(self) -> dict[str, int]:
        """Return what the learner has counted."""
        return self.learner.report()

    def _snapshot(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        parts = {"learner": snapshot(self.learner), "shadow": snapshot(self.shadow)}
        settings = {name: getattr(self, name) for name in ("rate", "full", "least", "period", "lr_hidden")}
        arrays = {f"{name}.{key}": array for name, (_, held) in parts.items() for key, array in held.items()}
        own = {"ring": self._ring.copy(), "shares": self._shares.copy(), "means": self._means.copy()}
        return {"referee": settings, **{name: head for name, (head, _) in parts.items()}}, {**arrays, **own}

    @classmethod
    def _restored(cls, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        referee = cls.__new__(cls)
        for name in ("learner", "shadow"):
            held = {key.removeprefix(f"{name}."): array for key, array in arrays.items() if key.startswith(name)}
            setattr(referee, name, restore(OnlineLearner, header[name], held))
        for name in ("rate", "full", "least", "period", "lr_hidden"):
            setattr(referee, name, header["referee"][name])
        referee._allocate()
        referee._ring[...], referee._shares[...] = arrays["ring"], arrays["shares"]
        referee._means[...] = arrays["means"]
        return referee

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write both to a file, atomically; :meth:`load` goes on from it bit for bit.

        Parameters
        ----------
        path
            The file.
        """
        checkpoint.write(path, *self._snapshot())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a referee from a file that :meth:`save` wrote.

        Parameters
        ----------
        path
            The file.

        Raises
        ------
        CheckpointError
            If the file does not hold one that this version can read.
        """
        try:
            return cls._restored(*checkpoint.read(path))
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{os.fspath(path)} holds no referee that fits this version: {error}") from None


def _share(name: str, value: Any) -> float:
    share = number(name, value, 0.0)
    if share > 1.0:
        raise ValueError(f"{name} is {value}; it must be at most 1")
    return share


def _frozen_twin(learner: OnlineLearner) -> OnlineLearner:
    """Return a learner of the same weights whose A and R are frozen, without noisy copies where none are needed."""
    frozen = sorted({*frozen_names(learner.spec), "A", "R"})
    if perturbed(learner.spec.readout) or "replicas" in learner.spec.rule._fields:
        twin = learner.clone()
        twin.retune(frozen=frozen)
        return twin
    header, _ = snapshot(learner)
    header["settings"] |= {"frozen": frozen, "replicas": 0}
    twin = rebuild(OnlineLearner, header)
    twin.set_weights(**learner.weights)
    return twin
