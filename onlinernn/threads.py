"""Threads that help a learner with its large matrices: how many there are, and how they are called."""

import functools
import os
import queue
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from onlinernn.inputs import whole
from onlinernn.kernels import team
from onlinernn.kernels.layout import Sizes

#: More than these do not pay by themselves: they were measured to.
_MOST = 2
#: From so many hidden units on two threads take less time than one.
_PAYS = 700

#: What to run, the network, and the words of its team, which have to live as long as someone looks at them.
_requests: "queue.SimpleQueue[tuple[Callable[[Any], None], Any, np.ndarray]]" = queue.SimpleQueue()
_workers: list[threading.Thread] = []


def available() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose_threads(threads: int | None, sizes: Sizes) -> int:
    """Return how many threads a learner of some sizes has.

    By itself it has two where they pay, unless the process may use one processor only, or ``OMP_NUM_THREADS`` says 1.

    Parameters
    ----------
    threads
        How many are wanted, or None.
    sizes
        Of the learner.

    Raises
    ------
    TypeError, ValueError
        If `threads` is no whole number of at least 1, or above the number of processors.
    """
    most = available()
    if threads is None:
        told = os.environ.get("OMP_NUM_THREADS", "")
        most = min(most, _MOST, int(told) if told.isdecimal() and int(told) else _MOST)
        return most if sizes.hidden >= _PAYS and not sizes.substrate else 1
    if whole("threads", threads, 1) > most:
        raise ValueError(f"threads is {threads}; this process may use {most} processors: pass at most that, or None")
    return min(int(threads), sizes.parts)


class Team:
    """The words in which threads share the passes of one learner, of one specification.

    Parameters
    ----------
    threads
        How many threads, at least 2.
    """

    def __init__(self, threads: int) -> None:
        self.helpers = threads - 1
        words = np.zeros(team.N_TEAM + 8, np.int64)
        start = -words.ctypes.data // 8 % 8  # on a cache line
        self.words = words[start : start + team.N_TEAM]
        self.words[team.TICKET] = team.BYTE - 1  # no part is left
        self.address = int(self.words.ctypes.data)

    def shared(self, run: Callable[..., int], attend: Callable[[Any], None]) -> Callable[..., int]:
        """Return a `run` that has helpers while it runs.

        Parameters
        ----------
        run
            The compiled function; its first argument is the network.
        attend
            The compiled function that helpers run, of the network alone.
        """
        words = self.words

        @functools.wraps(run)
        def with_helpers(network: Any, rows: Any) -> int:
            words[team.STAY] = 1
            try:
                if not words[team.HELPERS]:
                    self._call(attend, network)
                return run(network, rows)
            finally:
                words[team.STAY] = 0

        return with_helpers

    def _call(self, attend: Callable[[Any], None], network: Any) -> None:
        _workers[:] = [one for one in _workers if one.is_alive()]  # those of a process that has forked are not
        while len(_workers) < self.helpers:
            _workers.append(threading.Thread(target=_work, name="onlinernn-helper", daemon=True))
            _workers[-1].start()
        self.words[team.HELPERS] = self.helpers
        for _ in range(self.helpers):
            _requests.put((attend, network, self.words))


def _work() -> None:
    while True:
        attend, network, words = _requests.get()
        attend(network)
        del attend, network, words  # or the learner would live until the next request
