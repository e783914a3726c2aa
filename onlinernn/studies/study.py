"""Running a study: every trial that is not finished, with the outcomes written one by one."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from dataclasses import dataclass, field, replace
from typing import Any

from onlinernn.studies.pool import Workers
from onlinernn.studies.store import Store, missing
from onlinernn.studies.trial import Trial, code_version, require_code

TRIES = 3
"""How often a trial is begun whose worker process died."""
Perform = Callable[[Trial, Mapping[str, str]], dict[str, Any]]


@dataclass(frozen=True)
class Tally:
    """How far a study is.

    Attributes
    ----------
    total, kept : int
        Trials in all, and those that were finished before.
    done, running : int
        Finished by now, the kept ones included; and under way.
    failed : tuple of str
        Why, for each trial that failed.
    """

    total: int
    kept: int
    done: int
    running: int = 0
    failed: tuple[str, ...] = field(default=())


def run_study(
    trials: Sequence[Trial],
    store: Store,
    workers: Workers,
    perform: Perform,
    *,
    files: Mapping[str, str] | None = None,
    tell: Callable[[Tally], None] = lambda _: None,
) -> Tally:
    """Compute what is missing, and write each outcome at once.

    A trial that fails is noted with its reason and does not stop the others. One whose worker process dies is begun
    again, three times at most. Several processes may run the same study on the same file.

    Parameters
    ----------
    trials : sequence of Trial
        What is wanted; twins count once.
    store : Store
        Where outcomes go.
    workers : LocalWorkers or ClusterWorkers
        Where trials run; they are let go at the end.
    perform : callable
        From a trial and the files to its outcome: a function of a module, that workers can import.
    files : mapping of str to str
        Paths of data files, by name; they do not count for the key of a trial.
    tell : callable
        Called with the tally after every change.

    Raises
    ------
    StudyError
        If an outcome cannot be written; all that was written before is kept.
    """
    code = code_version()
    waiting = deque(missing(store, trials, code))
    total = len({one.key(code) for one in trials})
    tally = Tally(total, total - len(waiting), total - len(waiting))
    tries: Counter[str] = Counter()
    running: dict[Future[tuple[str, Any]], Trial] = {}
    tell(tally)
    try:
        executor = workers.executor() if waiting else None
        while waiting or running:
            while executor is not None and waiting:
                # Who was there when a worker died runs alone the next time, so that none is blamed for another.
                alone = any(tries[one.text] for one in (waiting[0], *running.values()))
                if len(running) >= (1 if alone else workers.at_once):
                    break
                trial = waiting.popleft()
                if store.get(trial, code) is not None:  # another process was faster
                    tally = replace(tally, done=tally.done + 1)
                    continue
                try:
                    running[executor.submit(attempt, perform, trial, code, dict(files or {}))] = trial
                except BrokenExecutor:
                    waiting.appendleft(trial)
                    executor = None
            tally = replace(tally, running=len(running))
            tell(tally)
            broken = executor is None
            for future in wait(running, timeout=1.0, return_when=FIRST_COMPLETED).done:
                trial = running.pop(future)
                tries[trial.text] += 1
                try:
                    state, what = future.result()
                except (BrokenExecutor, CancelledError) as error:
                    broken = True
                    state, what = "died", f"its worker process died ({type(error).__name__}), {TRIES} times"
                except Exception as error:  # noqa: BLE001 - what a cluster may say of a worker that it lost
                    state, what = "failed", f"{type(error).__name__}: {error}"
                if state == "died" and tries[trial.text] < TRIES:
                    waiting.appendleft(trial)
                elif state == "done":
                    store.put(trial, code, what)
                    tally = replace(tally, done=tally.done + 1)
                else:
                    message = f"{trial.label}: {what}"
                    store.fail(trial, code, message)
                    tally = replace(tally, failed=(*tally.failed, message))
            if broken and not running:
                executor = workers.executor() if waiting else None
        tally = replace(tally, running=0)
        tell(tally)
    finally:
        workers.close()
    return tally


def attempt(perform: Perform, trial: Trial, code: str, files: Mapping[str, str]) -> tuple[str, Any]:
    """Return ``("done", outcome)``, or ``("failed", why)``: what a worker does with a trial.

    Parameters
    ----------
    perform, trial, files
        As for ``run_study``.
    code : str
        The version of the code of who asks.
    """
    try:
        require_code(code)
        return "done", perform(trial, files)
    except Exception as error:  # noqa: BLE001 - a trial may fail in any way, and the others go on
        notes = "; ".join(getattr(error, "__notes__", []))
        return "failed", f"{type(error).__name__}: {error}" + (f" ({notes})" if notes else "")
