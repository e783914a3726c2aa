"""The progress of a study: trials done, running, failed, and the time left."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from onlinernn.progress import Bar
from onlinernn.studies.study import Tally


class Watch:
    """What ``run_study`` tells, shown as one line, with a line that stays for every failed trial.

    Parameters
    ----------
    label : str
        What runs.
    stream : text file, optional
        Where to show it; standard error by default.
    quiet : bool
        Show nothing.
    clock : callable
        Returns seconds.

    Examples
    --------
    >>> import sys
    >>> seconds = iter([0.0, 0.0, 0.0, 60.0])
    >>> watch = Watch("fig4", sys.stdout, clock=lambda: next(seconds))
    >>> watch(Tally(total=10, kept=2, done=2))
    fig4: 2 of 10 trials were finished before
    >>> watch(Tally(total=10, kept=2, done=4, running=2, failed=("NP on mackey-glass, seed 1: diverged at step 7",)))
    failed: NP on mackey-glass, seed 1: diverged at step 7
    fig4:  50%, 4 of 10 trials done, 2 running, 1 failed, 1 min 40 s left
    """

    def __init__(
        self,
        label: str,
        stream: TextIO | None = None,
        *,
        quiet: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._label, self._bar = label, Bar(stream, quiet=quiet, clock=clock)
        self._told = -1

    def __call__(self, tally: Tally) -> None:
        """Show how far it is.

        Parameters
        ----------
        tally : Tally
            As ``run_study`` tells it.
        """
        if self._told < 0:
            self._told = 0
            self._bar.start(self._label, tally.total, tally.kept)
            if tally.kept:
                self._bar.say(f"{self._label}: {tally.kept} of {tally.total} trials were finished before")
        for message in tally.failed[self._told :]:
            self._bar.say(f"failed: {message}")
        self._told = len(tally.failed)
        failed = f", {self._told} failed" if self._told else ""
        self._bar.update(
            tally.done + self._told,
            note=f"{tally.done} of {tally.total} trials done, {tally.running} running{failed}",
        )

    def close(self) -> None:
        """Leave the line, so that what is printed next has a line of its own."""
        self._bar.close()
