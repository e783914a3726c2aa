"""The tasks of a study, from what a trial says of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from onlinernn.errors import StudyError
from onlinernn.tasks import CopyMemory, DerivedTask, MackeyGlass, Stream, Task
from onlinernn.tasks.weather import weather


@dataclass(frozen=True)
class LastRows(DerivedTask):
    """A task that trains on the last rows of its training stream.

    Parameters
    ----------
    task : Task
        The task; all else is its own.
    rows : int
        How many, at least 1.

    Examples
    --------
    >>> len(LastRows(MackeyGlass(length=100, test_length=50), 30).train(0))
    30
    """

    rows: int

    def train(self, seed: int, epoch: int = 0) -> Stream:
        """Return the last rows that train.

        Parameters
        ----------
        seed, epoch : int
            As for the task.
        """
        whole, last = self.task.train(seed, epoch), slice(-self.rows, None)
        known = None if whole.last_known is None else whole.last_known[last]
        return Stream(whole.inputs[last], whole.targets[last], whole.scored[last], known)


@dataclass(frozen=True)
class Validation(DerivedTask):
    """The training rows of a task from a file, cut in two: tuning never sees a test row.

    Parameters
    ----------
    task : Task
        Whose training stream is cut.
    share : float
        Of the rows that train, in (0, 1).

    Examples
    --------
    >>> tuning = Validation(MackeyGlass(length=100, test_length=50), share=0.8)
    >>> len(tuning.train(0)), len(tuning.test(0))
    (80, 20)
    """

    share: float = 5 / 6

    def train(self, seed: int, epoch: int = 0) -> Stream:
        """Return the rows that train; no target is known after the last of them.

        Parameters
        ----------
        seed, epoch : int
            As for the task.
        """
        whole = self.task.train(seed, epoch)
        cut = self._cut(whole)
        targets, scored = whole.targets[:cut].copy(), whole.scored[:cut].copy()
        late = max(cut - self.task.target_delay, 0)
        targets[late:], scored[late:] = np.nan, False
        return Stream(whole.inputs[:cut], targets, scored, None if whole.last_known is None else whole.last_known[:cut])

    def test(self, seed: int) -> Stream:
        """Return the other rows.

        Parameters
        ----------
        seed : int
            As for the task.
        """
        whole = self.task.train(seed, 0)
        rows = slice(self._cut(whole), None)
        known = None if whole.last_known is None else whole.last_known[rows]
        return Stream(whole.inputs[rows], whole.targets[rows], whole.scored[rows], known)

    def _cut(self, whole: Stream) -> int:
        return int(self.share * len(whole))


def make_task(what: Mapping[str, Any], files: Mapping[str, str]) -> Task:
    """Return the task of a trial.

    Parameters
    ----------
    what : mapping
        Its ``name`` (``"mackey-glass"``, ``"copy"`` or ``"weather"``) and its own numbers.
    files : mapping of str to str
        Where the weather file is, under ``"weather"``.

    Raises
    ------
    StudyError
        If the task is unknown, or its file is not named.

    Examples
    --------
    >>> make_task({"name": "mackey-glass", "horizon": -15}, {}).name
    'mackey-glass-recall'
    """
    numbers = {name: value for name, value in what.items() if name not in ("name", "tuning", "rows")}
    task: Task
    if what["name"] == "mackey-glass":
        task = MackeyGlass(**numbers)
    elif what["name"] == "copy":
        task = CopyMemory(**numbers)
    elif what["name"] == "weather":
        if "weather" not in files:
            raise StudyError("the weather trials need the paper's file: --csv FILE")
        task = LastRows(_weather(files["weather"], numbers["horizon"]), what["rows"])
        return Validation(task) if what.get("tuning") else task
    else:
        raise StudyError(f"there is no task {what['name']!r} for trials; choose mackey-glass, copy or weather")
    return task


@lru_cache(maxsize=4)
def _weather(path: str, horizon: int) -> Task:
    """Return the task of a file; a worker reads each file once."""
    return weather(path, horizon)
