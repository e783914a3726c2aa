"""The referee: learning in the hidden layer must earn its keep against a frozen shadow."""

import os
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from onlinernn import checkpoint
from onlinernn.chunks import Progress, chunks
from onlinernn.errors import CheckpointError
from onlinernn.inputs import number, read_array, whole
from onlinernn.learner import OnlineLearner
from onlinernn.results import StepResult, Trace
from onlinernn.snapshot import named_arrays, restore, snapshot
from onlinernn.specification import frozen_names

_SHARED = ("n_in", "n_hidden", "n_out", "streams", "replicas", "target_delay", "steps", "weights", "predict", "dtype")


class Referee:
    """A learner beside a frozen shadow of itself: the one with the lower running loss speaks.

    The shadow starts from the same weights and learns its readout (and D) only. After every `period` steps the mean
    losses of both go into running means, ``score <- memory score + (1 - memory) mean``; until the next look the one
    with the lower score gives the predictions. After `patience` looks in a row that the learner has lost, its hidden
    layer has done harm: the learner goes on from all that the shadow is.

    Twice the memory and twice the time of the learner, and nothing else that its hardware would need: two numbers.

    Parameters
    ----------
    learner
        The learner, before its first step; it belongs to the referee from then on.
    period
        Steps between two looks, at least 1.
    memory
        Weight of the past in the running losses, in [0, 1).
    patience
        Looks in a row that the learner may lose before it is set back, at least 1.

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

    def __init__(self, learner: OnlineLearner, period: int = 200, memory: float = 0.8, patience: int = 25) -> None:
        if learner.steps:
            raise ValueError(f"the learner has taken {learner.steps} steps; a referee needs one that has taken none")
        self.period = whole("period", period, 1)
        self.discount, self.patience = number("memory", memory, 0.0), whole("patience", patience, 1)
        if self.discount >= 1.0:
            raise ValueError(f"memory is {memory}; it must be below 1")
        self.learner, self.shadow = learner, learner.clone()
        self.shadow.retune(frozen={*frozen_names(learner.spec), "A", "R"}, lr_hidden=0.0)
        self._judged = np.zeros(8)  # sums and number of losses, looks begun, both scores, looks lost in a row, setbacks

    @property
    def setbacks(self) -> int:
        """How often the learner was set back to the shadow."""
        return int(self._judged[7])

    @property
    def active(self) -> OnlineLearner:
        """The one that speaks now."""
        return self.learner if self._judged[4] <= self._judged[5] else self.shadow

    def __getattr__(self, name: str) -> Any:
        """Answer like the one that speaks, for all that does not change it: sizes, ``steps``, ``weights``."""
        if name in _SHARED:
            return getattr(self.active, name)
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def step(self, u: ArrayLike, y: ArrayLike | None = None) -> StepResult:
        """Predict, then learn, as :meth:`OnlineLearner.step`.

        Parameters
        ----------
        u : (n_in,) array_like
            Input; finite.
        y : (n_out,) array_like, optional
            Target of the input `target_delay` steps ago.
        """
        spoken = self.active
        told = {one: one.step(u, y) for one in (self.learner, self.shadow)}
        self._weigh(*(np.asarray(told[one].loss) for one in (self.learner, self.shadow)))
        return told[spoken]

    def run(self, U: ArrayLike, Y: ArrayLike | None = None, progress: Progress = False) -> Trace:
        """Do one step per row, as :meth:`OnlineLearner.run`.

        Parameters
        ----------
        U : (T, n_in) array_like
            Inputs; finite.
        Y : (T, n_out) array_like, optional
            Targets.
        progress
            As there.
        """
        one = () if self.streams == 1 else (self.streams,)
        U = read_array("U", U, (None, *one, self.n_in), self.dtype)
        if Y is not None:
            Y = read_array("Y", Y, (len(U), *one, self.n_out), self.dtype, missing=True)
        whole_run = Trace(*(np.zeros((len(U), *one, *tail), self.dtype) for tail in ((self.n_out,), (), ())))
        for part in chunks(len(U), progress, whole_run.losses):
            start = part.start
            while start < part.stop:
                stop = min(part.stop, start + self.period - self.steps % self.period)
                rows, spoken = slice(start, stop), self.active
                told = {run: run.run(U[rows], None if Y is None else Y[rows]) for run in (self.learner, self.shadow)}
                self._weigh(told[self.learner].losses, told[self.shadow].losses)
                for kept, new in zip(whole_run, told[spoken], strict=True):
                    kept[rows] = new
                start = stop
        return whole_run

    def _weigh(self, losses: np.ndarray, shadow_losses: np.ndarray) -> None:
        """Take in losses, and look at both at the end of a period."""
        judged = self._judged
        known = ~np.isnan(losses)
        judged[0] += float(losses[known].astype(np.float64).sum())
        judged[1] += float(shadow_losses[known].astype(np.float64).sum())
        judged[2] += known.sum()
        if self.learner.steps % self.period or not judged[2]:
            return
        means, past = judged[:2] / judged[2], judged[3] > 0
        judged[4:6] = self.discount * judged[4:6] + (1 - self.discount) * means if past else means
        judged[:4] = 0, 0, 0, 1
        judged[6] = judged[6] + 1 if judged[4] > judged[5] else 0
        if judged[6] == self.patience:
            spared = named_arrays(self.shadow)
            for name, array in named_arrays(self.learner).items():
                array[...] = spared[name]
            judged[4], judged[6] = judged[5], 0
            judged[7] += 1

    def reset(self) -> None:
        """Forget the past of both; weights and scores stay."""
        self.learner.reset()
        self.shadow.reset()

    def memory(self) -> dict[str, int]:
        """Return what both keep, in bytes by role, and the ``referee`` itself."""
        own, other = self.learner.memory(), self.shadow.memory()
        return {role: own[role] + other[role] for role in own} | {"referee": self._judged.nbytes}

    def report(self) -> dict[str, int]:
        """Return what the learner has counted, and how often it was set back."""
        return self.learner.report() | {"setbacks": self.setbacks}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write both to a file, atomically; :meth:`load` goes on from it bit for bit.

        Parameters
        ----------
        path
            The file.
        """
        parts = {"learner": snapshot(self.learner), "shadow": snapshot(self.shadow)}
        settings = {"period": self.period, "memory": self.discount, "patience": self.patience}
        header = {"referee": settings, **{name: head for name, (head, _) in parts.items()}}
        arrays = {f"{name}.{key}": array for name, (_, held) in parts.items() for key, array in held.items()}
        checkpoint.write(path, header, {**arrays, "judged": self._judged})

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
        header, arrays = checkpoint.read(path)
        try:
            pair = []
            for name in ("learner", "shadow"):
                held = {key.removeprefix(f"{name}."): array for key, array in arrays.items() if key.startswith(name)}
                pair.append(restore(OnlineLearner, header[name], held))
            referee = cls.__new__(cls)
            referee.learner, referee.shadow = pair
            settings = header["referee"]
            referee.period, referee.discount = settings["period"], settings["memory"]
            referee.patience, referee._judged = settings["patience"], arrays["judged"]
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{os.fspath(path)} holds no referee that fits this version: {error}") from None
        return referee
