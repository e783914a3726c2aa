"""The jobs of a run: one method with one seed each, trained, tested, and entered in the journal."""

from __future__ import annotations

import math
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import numpy as np

from onlinernn.cli_options import Plan
from onlinernn.cli_output import refusing
from onlinernn.controls import Method, no_score
from onlinernn.evaluate import Model, Progress, evaluate
from onlinernn.journal import Journal
from onlinernn.learner import OnlineLearner
from onlinernn.progress import Bar
from onlinernn.scores import mse, row
from onlinernn.settings import Settings
from onlinernn.tasks import CopyMemory

SECONDS_BETWEEN_SAVES = 2.0


class Stop:
    """Whether Ctrl-C was pressed: the first one asks for a stop at the next good moment, the second stops at once."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self, _signal: int, _frame: FrameType | None) -> None:
        """Handle the signal."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def check(self) -> None:
        """Stop here if that was asked."""
        if self.asked:
            raise KeyboardInterrupt

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen to Ctrl-C, and put the former handler back in the end."""
        former = signal.signal(signal.SIGINT, self)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, former)


def do_job(plan: Plan, journal: Journal, method: Method, seed: int, bar: Bar, stop: Stop) -> None:
    """Train and test one method with one seed, or go on with it, and enter it in the journal.

    Parameters
    ----------
    plan : Plan
        What to run.
    journal : Journal
        Where it is entered; a job that is there already is not done again.
    method : Method
        The method.
    seed : int
        The seed.
    bar : Bar
        Where it is shown.
    stop : Stop
        Whether to stop.

    Raises
    ------
    KeyboardInterrupt
        If a stop was asked for; what can be saved is in the journal then.
    """
    name, task, settings = job_name(method, seed), plan.task, plan.settings
    if name in journal.finished:
        return
    stream, test = task.train(seed, 0), task.test(seed)
    untrained = np.asarray(method.make(seed).run(test.inputs).predictions, np.float64)
    kept = journal.working(name) if method.resumable else None
    progress = None if kept is None else kept[1]
    with refusing():
        model: Model = method.make(seed) if kept is None else OnlineLearner.load(kept[0])
    done, saved = 0 if progress is None else progress.samples, -math.inf
    total = method.epochs * len(stream)
    bar.start(f"{method.label}, seed {seed}", total, done)
    bar.update(done)

    def on_chunk(now: Progress) -> None:
        nonlocal done, saved
        done = now.samples
        bar.update(done, now.running_loss)
        if isinstance(model, OnlineLearner) and (stop.asked or time.monotonic() - saved > SECONDS_BETWEEN_SAVES):
            journal.keep(name, model, now)
            saved = time.monotonic()
        stop.check()

    try:
        result = evaluate(
            lambda _: model,
            task,
            seed=seed,
            epochs=method.epochs,
            chunk=_chunk(settings),
            on_chunk=on_chunk,
            resume=progress,
            test_curve=True,
        )
    except ArithmeticError as error:
        step = done + int(getattr(error, "step", 0))
        broken = no_score(task, method.name, seed, n_hidden=settings.hidden, samples=done, diverged_at_step=step)
        report = {"report": model.report()} if isinstance(model, OnlineLearner) else {}
        file = journal.finish(name, {"row": broken, **report}, discard=False)
        bar.close()
        where = f"; the last good checkpoint is {journal.folder / file}" if file else ""
        complain(f"{method.label}, seed {seed}, diverged at step {step}{where}")
        return
    shown = shown_rows(plan)
    entry = {
        "row": row(result, method.name, n_hidden=settings.hidden, diverged_at_step=None),
        "curve": [mse(untrained, test) / result.target_variance, *result.test_curve],
        "window": {"before": untrained[shown].tolist(), "after": result.predictions[shown].tolist()},
    }
    if isinstance(model, OnlineLearner):
        entry["report"] = model.report()
        model.save(journal.folder / f"{name}.ckpt")
    journal.finish(name, entry)
    bar.finish(f"frozen test NMSE {result.nmse_test:.3g}, {result.seconds:.1f} s")


def shown_rows(plan: Plan) -> slice:
    """Return the rows of the test stream that the picture shows.

    Parameters
    ----------
    plan : Plan
        What to run.
    """
    rows = len(plan.task.test(plan.seeds[0]))
    if isinstance(plan.honest, CopyMemory):
        return slice(0, min(plan.honest.period, rows))
    first = min(200, rows // 4)  # past what the network does while its state fills up
    return slice(first, min(first + 300, rows))


def _chunk(settings: Settings) -> int:
    """Return the rows between two looks at Ctrl-C: about a second at most, and whole windows of truncated BPTT."""
    rows = max(50, min(1000, 10**9 // settings.hidden**2))
    return max(1, rows // settings.window) * settings.window


def job_name(method: Method, seed: int) -> str:
    """Return the name of a job in the journal, and of its learner's file.

    Parameters
    ----------
    method : Method
        The method.
    seed : int
        The seed.
    """
    return f"{method.name}-seed{seed}"


def complain(text: str) -> None:
    """Write one line to standard error.

    Parameters
    ----------
    text : str
        The line.
    """
    sys.stderr.write(f"onlinernn: {text}\n")
