"""Where trials run: worker processes of this machine, or a Dask cluster. Same trials, same numbers."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

from onlinernn.errors import StudyError

# With what it takes to load Dask and the compiler, less than ten seconds after the command was given.
ANSWER_SECONDS = 4
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
"""Environment of a process that computes trials: the cores go to trials, not to the threads of one."""


class Workers(Protocol):
    """A place where trials run."""

    @property
    def at_once(self) -> int:
        """How many trials to have under way."""

    def executor(self) -> Executor:
        """Return what takes trials; called again after it broke."""

    def close(self) -> None:
        """Let go of all workers, whatever they are doing."""


class LocalWorkers:
    """Processes of this machine, one thread each.

    Parameters
    ----------
    count : int
        How many; default: as many as there are cores for this process.

    Raises
    ------
    StudyError
        If there would be none.
    """

    def __init__(self, count: int | None = None) -> None:
        if count is not None and count < 1:
            raise StudyError(f"{count} workers cannot work; at least 1 is needed")
        self.at_once = count or len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else [0] * _cores())
        self._executor: ProcessPoolExecutor | None = None
        self._threads = contextlib.ExitStack()

    def executor(self) -> Executor:
        """Return a new pool; worker processes begin anew, as if nothing had run before."""
        self.close()
        self._threads.enter_context(_environment(ONE_THREAD))  # read by the workers when they import NumPy and Numba
        self._executor = ProcessPoolExecutor(self.at_once, multiprocessing.get_context("spawn"), _become_worker)
        return self._executor

    def close(self) -> None:
        """End the processes of the pool, whatever they are doing."""
        if self._executor is not None:
            working = list((self._executor._processes or {}).values())  # there is no public name before Python 3.14
            self._executor.shutdown(wait=False, cancel_futures=True)
            for process in working:
                process.terminate()
            for process in working:
                process.join()
            self._executor = None
        self._threads.close()


class ClusterWorkers:
    """The workers of a Dask cluster that is up already.

    Parameters
    ----------
    address : str
        Of its scheduler, as ``tcp://host:8786``.

    Raises
    ------
    StudyError
        If Dask distributed is not installed, or no scheduler answers within ten seconds.
    """

    def __init__(self, address: str) -> None:
        if find_spec("distributed") is None:
            raise StudyError("--cluster needs Dask distributed, which is not installed: pip install onlinernn[cluster]")
        self.address = address
        self._client = _client(address)

    @property
    def at_once(self) -> int:
        """Two trials for every thread of every worker that is there now, so that none waits for the next."""
        return max(2 * int(sum(self._client.nthreads().values())), 2)

    def executor(self) -> Executor:
        """Return Dask's own executor: it starts the trials of a lost worker again on another one."""
        executor: Executor = self._client.get_executor(pure=False)
        return executor

    def close(self) -> None:
        """Leave the cluster; trials under way are given up."""
        self._client.close()


def _client(address: str) -> Any:
    """Return a client of the scheduler.

    Dask's own time limit does not hold for an address that takes connections and never answers, so that the client is
    made in a thread, which is left behind when the time is over.
    """
    distributed = import_module("distributed")
    made: list[Any] = []
    why: list[str] = []

    def make() -> None:
        try:
            made.append(distributed.Client(address, timeout=ANSWER_SECONDS, set_as_default=False))
        except Exception as error:  # noqa: BLE001 - an address that means nothing to Dask raises what it likes
            why.append(type(error).__name__)

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    thread.join(ANSWER_SECONDS)
    if made:
        return made[0]
    raise StudyError(
        f"no cluster answers at {address} within {ANSWER_SECONDS} s{f' ({why[0]})' if why else ''}: start one with "
        "`dask scheduler` and `dask worker`, and name the address that the scheduler prints"
    )


def _cores() -> int:
    return os.cpu_count() or 1


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _become_worker() -> None:
    """Leave Ctrl-C to the parent, and end with it: a parent that was killed cannot end its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent: Any = multiprocessing.parent_process()

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
