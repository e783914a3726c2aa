"""A task that is scored once the activity of a network has settled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onlinernn.tasks.derived import DerivedTask
from onlinernn.tasks.stream import Stream


@dataclass(frozen=True)
class Settled(DerivedTask):
    """A task whose test scores no row of its beginning, where the activity of a network that was reset settles.

    Parameters
    ----------
    task : Task
        The task; all else is its own.
    washout : int
        First rows of the test stream that are not scored, at least 0.

    Examples
    --------
    >>> from onlinernn.tasks import Recall
    >>> int(Settled(Recall(length=300, test_length=300), washout=200).test(seed=0).scored.sum())
    100
    """

    washout: int

    def test(self, seed: int) -> Stream:
        """Return the task's test stream, its beginning not scored.

        Parameters
        ----------
        seed : int
            Of the training stream that it belongs to, at least 0.
        """
        whole = self.task.test(seed)
        scored = whole.scored & (np.arange(len(whole)) >= self.washout)
        if not scored.any():
            raise ValueError(f"the test stream has {len(whole)} rows; {self.washout + 1} are needed, "
                             f"because the first {self.washout} are not scored")  # fmt: skip
        return Stream(whole.inputs, whole.targets, scored, whole.last_known)
