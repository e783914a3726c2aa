"""``onlinernn compare TASK --tune-bptt``: how the settings of true BPTT were chosen, on training data alone."""

from __future__ import annotations

import argparse
import dataclasses
import functools
import itertools
import math
import statistics
import sys
from typing import Any, cast

from onlinernn.cli_finished import Finished
from onlinernn.cli_output import short, table, versions, write_json
from onlinernn.compare import compete, method
from onlinernn.progress import Bar
from onlinernn.scores import Row
from onlinernn.settings import Match
from onlinernn.studies.streams import Validation
from onlinernn.tasks import DerivedTask, Stream, Task

RATES = (1e-3, 3e-3, 1e-2)
"""Adam's rates, at the start."""
WINDOWS = (0.5, 1.0, 2.0)
"""Steps that are unrolled, in units of the default."""


@dataclasses.dataclass(frozen=True)
class OtherTraining(DerivedTask):
    """A task whose test is the training stream of another seed.

    Parameters
    ----------
    task : Task
        The task; all else is its own.

    Examples
    --------
    >>> from onlinernn.tasks import Recall
    >>> task = Recall(length=300)
    >>> bool((OtherTraining(task).test(1).inputs == task.train(1001).inputs).all())
    True
    """

    def test(self, seed: int) -> Stream:
        """Return the training stream of another seed.

        Parameters
        ----------
        seed : int
            Of the training stream that it belongs to, at least 0.
        """
        return self.task.train(seed + 1000, 0)


def settings_tried(usual: Match) -> list[Match]:
    """Return the settings of BPTT that are tried: rates, windows, and rates that fall or stay.

    Parameters
    ----------
    usual : Match
        The settings of the comparison.

    Examples
    --------
    >>> len(settings_tried(Match()))
    18
    """
    return [
        dataclasses.replace(usual, lr_bptt=rate, window=max(1, round(part * usual.window)), endless=endless)
        for rate, part, endless in itertools.product(RATES, WINDOWS, (False, True))
    ]


def tune(args: argparse.Namespace, task: Task, usual: Match, epochs: int, asked: dict[str, Any]) -> int:
    """Train BPTT with every setting, score it on other training data, print the table, and return the exit code.

    Streams are scored on the training stream of another seed, files on the last sixth of the training rows.

    Parameters
    ----------
    args : Namespace
        As parsed.
    task : Task
        Of the comparison.
    usual : Match
        Its settings.
    epochs : int
        Passes over the training stream.
    asked : dict
        All that decides the numbers of one method and seed.
    """
    kept = cast(Task, OtherTraining(task) if task.resets else Validation(task))
    rows: list[Row] = []
    bar = Bar(quiet=args.quiet)
    try:
        for one in settings_tried(usual):
            fields = {"lr_bptt": one.lr_bptt, "window": one.window, "endless": one.endless}
            with Finished(args.store, {**asked, **fields, "tuning": True}) as finished:
                for seed in args.seeds:
                    bar.start(f"BPTT {fields}, seed {seed}", epochs * len(kept.train(seed, 0)))
                    bptt = method(kept, one, "BPTT", epochs)
                    row = finished.row("BPTT", seed, functools.partial(compete, kept, one, bptt, seed))
                    bar.finish(f"NMSE {short(row['nmse_test'])}")
                    rows.append({**row, **fields})
    finally:
        bar.close()
    lines = []
    for one in settings_tried(usual):
        scores = [math.inf if row["nmse_test"] is None else row["nmse_test"] for row in rows if _told(row) == _of(one)]
        middle = statistics.median(scores)
        cells = [short(one.lr_bptt), str(one.window), "constant" if one.endless else "cosine"]
        cells += [*map(short, (middle, min(scores), max(scores))), "used" if _of(one) == _of(usual) else ""]
        lines.append((middle, cells))
    header = ["rate", "window", "schedule", "median NMSE", "least", "most", ""]
    where = "on the training stream of another seed" if task.resets else "on the last sixth of the training rows"
    title = f"True BPTT on {task.name}, {len(args.seeds)} seeds, {epochs} passes, scored {where}, the best first"
    found = table(header, [cells for _, cells in sorted(lines, key=lambda line: line[0])])
    sys.stdout.write(f"{title}\n\n{found}\n")
    if args.json is not None:
        write_json(args.json, "compare --tune-bptt", rows, settings=asked, seeds=args.seeds, versions=versions())
    return 0


def _of(settings: Match) -> tuple[float, int, bool]:
    return settings.lr_bptt, settings.window, settings.endless


def _told(row: Row) -> tuple[float, int, bool]:
    return row["lr_bptt"], row["window"], row["endless"]
