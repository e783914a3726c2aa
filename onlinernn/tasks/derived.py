"""A task made from another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from onlinernn.tasks.stream import Stream, Task


@dataclass(frozen=True)
class DerivedTask:
    """A task that is another one in everything that a subclass does not change.

    Parameters
    ----------
    task : Task
        The other task.

    Examples
    --------
    >>> from onlinernn.tasks import Recall
    >>> class Silent(DerivedTask):
    ...     def test(self, seed):
    ...         whole = self.task.test(seed)
    ...         return Stream(0 * whole.inputs, whole.targets, whole.scored)
    >>> silent = Silent(Recall(back=2, test_length=20))
    >>> silent.name, silent.back, float(abs(silent.test(0).inputs).max())
    ('recall', 2, 0.0)
    """

    task: Task

    def __getattr__(self, name: str) -> Any:
        if name == "task":  # a copy asks before it has one
            raise AttributeError(name)
        return getattr(self.task, name)

    def train(self, seed: int, epoch: int = 0) -> Stream:
        """Return the other task's training stream.

        Parameters
        ----------
        seed, epoch : int
            As for the other task.
        """
        return self.task.train(seed, epoch)

    def test(self, seed: int) -> Stream:
        """Return the other task's test stream.

        Parameters
        ----------
        seed : int
            As for the other task.
        """
        return self.task.test(seed)
