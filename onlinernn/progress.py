"""A progress bar: one line that rewrites itself on a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import math
import shutil
import sys
import time
from collections.abc import Callable
from typing import TextIO

WIDTH = 24
SECONDS_BETWEEN_LINES = 10.0
SECONDS_BETWEEN_FRAMES = 0.1


class Bar:
    """The progress of one job after the other.

    Parameters
    ----------
    stream : text file, optional
        Where to show it; standard error by default.
    quiet : bool
        Show nothing.
    clock : callable
        Returns seconds.

    Examples
    --------
    >>> bar = Bar(sys.stdout)
    >>> bar.start("anp, seed 0", total=100)
    >>> bar.update(100, loss=0.25)
    >>> bar.finish("test NMSE 0.231")
    anp, seed 0: test NMSE 0.231
    """

    def __init__(
        self, stream: TextIO | None = None, *, quiet: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._quiet, self._clock = quiet, clock
        self._rewrites = self._stream.isatty()
        self._label, self._total, self._first = "", 1, 0
        self._started = self._shown = clock()
        self._open = False

    def start(self, label: str, total: int, done: int = 0) -> None:
        """Begin a job.

        Parameters
        ----------
        label : str
            Its name.
        total, done : int
            Steps in all, and steps done in an earlier session.
        """
        self._label, self._total, self._first = label, max(total, 1), done
        self._started = self._clock()
        self._shown = self._started if not self._rewrites else -math.inf

    def update(self, done: int, loss: float | None = None, note: str = "") -> None:
        """Show how far the job is, unless that was shown a moment ago.

        Parameters
        ----------
        done : int
            Steps done.
        loss : float, optional
            The running loss; NaN is not shown.
        note : str
            What else to show.
        """
        now = self._clock()
        pause = SECONDS_BETWEEN_FRAMES if self._rewrites else SECONDS_BETWEEN_LINES
        if self._quiet or now - self._shown < pause:
            return
        self._shown = now
        share = min(done / self._total, 1.0)
        parts = [f"{self._label}: {share:4.0%}"]
        if self._rewrites:
            filled = round(share * WIDTH)
            parts[0] = f"{self._label} [{'#' * filled}{'.' * (WIDTH - filled)}] {share:4.0%}"
        if loss is not None and not math.isnan(loss):
            parts.append(f"running NMSE {loss:.3g}")
        if note:
            parts.append(note)
        if self._first < done < self._total:
            left = (now - self._started) / (done - self._first) * (self._total - done)
            parts.append(f"{duration(left)} left")
        self._write(", ".join(parts))

    def finish(self, text: str) -> None:
        """End the job with a line that stays.

        Parameters
        ----------
        text : str
            What came out.
        """
        if not self._quiet:
            self._write(f"{self._label}: {text}", stays=True)

    def say(self, line: str) -> None:
        """Write a line that stays, above the progress.

        Parameters
        ----------
        line : str
            What happened.
        """
        if not self._quiet:
            self._write(line, stays=True)
            self._shown = -math.inf if self._rewrites else self._shown

    def close(self) -> None:
        """Leave the line of an unfinished job, so that what is printed next has a line of its own."""
        if self._open:
            self._stream.write("\n")
            self._open = False

    def _write(self, line: str, stays: bool = False) -> None:
        if self._rewrites:
            width = shutil.get_terminal_size().columns - 1
            line = f"\r{line[:width]:<{width}}"
        self._open = self._rewrites and not stays
        self._stream.write(line + ("" if self._open else "\n"))
        self._stream.flush()


def duration(seconds: float) -> str:
    """Return a time in words.

    Parameters
    ----------
    seconds : float
        At least 0.

    Examples
    --------
    >>> duration(4.2), duration(200), duration(8000)
    ('4 s', '3 min 20 s', '2 h 13 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
