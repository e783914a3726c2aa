"""A delay line: the newest inputs at a time, for networks that shall not have to remember them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onlinernn.tasks.derived import DerivedTask
from onlinernn.tasks.stream import Floats, Stream, require_integer


@dataclass(frozen=True)
class DelayLine(DerivedTask):
    """A task whose input holds the newest ``rows`` inputs of another one, the newest first; all else is the other's.

    Before the first input there are zeros. A test that goes on where the training stream ends (``resets`` is False)
    looks back into it.

    Parameters
    ----------
    task : Task
        The other task.
    rows : int
        Inputs at a time, the present one included, at least 1.

    Raises
    ------
    ValueError, TypeError
        If the number is out of its range.

    Examples
    --------
    >>> from onlinernn.tasks import Recall
    >>> delayed = DelayLine(Recall(back=2, length=4), rows=3)
    >>> delayed.task.train(0).inputs.ravel()
    array([ 1.,  1.,  1., -1.])
    >>> delayed.train(0).inputs
    array([[ 1.,  0.,  0.],
           [ 1.,  1.,  0.],
           [ 1.,  1.,  1.],
           [-1.,  1.,  1.]])
    """

    rows: int

    def __post_init__(self) -> None:
        require_integer("rows", self.rows, 1)

    @property
    def n_in(self) -> int:
        """Channels of the other task's inputs times the rows."""
        return self.task.n_in * self.rows

    def train(self, seed: int, epoch: int = 0) -> Stream:
        """Return the other task's training stream with the newest rows as inputs.

        Parameters
        ----------
        seed, epoch : int
            As for the other task.
        """
        return self._delayed(self.task.train(seed, epoch), None)

    def test(self, seed: int) -> Stream:
        """Return the other task's test stream with the newest rows as inputs.

        Parameters
        ----------
        seed : int
            As for the other task.
        """
        before = None if self.task.resets else self.task.train(seed, 0).inputs
        return self._delayed(self.task.test(seed), before)

    def _delayed(self, whole: Stream, before: Floats | None) -> Stream:
        steps, d = whole.inputs.shape
        past = np.zeros((self.rows - 1, d))
        known = past if before is None else np.concatenate([past, before])[len(before) :]
        padded = np.concatenate([known, whole.inputs])
        taps = [padded[self.rows - 1 - k : self.rows - 1 - k + steps] for k in range(self.rows)]
        return Stream(np.concatenate(taps, axis=1), whole.targets, whole.scored, whole.last_known)
