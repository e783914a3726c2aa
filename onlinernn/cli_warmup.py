"""``onlinernn warmup``: compile the usual combinations of parts once, into the cache on disk."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from onlinernn.cli_output import UsageError
from onlinernn.errors import unknown
from onlinernn.kernels.cells import LeakyTanh
from onlinernn.kernels.decorrelation import Decorrelation
from onlinernn.kernels.feedback import LearnedFeedback
from onlinernn.kernels.rules import ANP, NP, WP
from onlinernn.kernels.schedules import Cosine
from onlinernn.learner import OnlineLearner
from onlinernn.progress import Bar, duration

COMBINATIONS: dict[str, Callable[[], OnlineLearner]] = {
    "ANP": lambda: OnlineLearner(1, 4, 1, rule=ANP()),
    "DANP": lambda: OnlineLearner(1, 4, 1, rule=ANP(), decorrelation=Decorrelation()),
    "NP": lambda: OnlineLearner(1, 4, 1, rule=NP()),
    "WP": lambda: OnlineLearner(1, 4, 1, rule=WP()),
    "ANP-leaky": lambda: OnlineLearner(1, 4, 1, rule=ANP(), cell=LeakyTanh()),
    "LearnedFeedback": lambda: OnlineLearner(1, 4, 1, rule=LearnedFeedback()),
    "LearnedFeedback-cosine": lambda: OnlineLearner(1, 4, 1, rule=LearnedFeedback(), schedule=Cosine(1000)),
}
"""What is compiled, by name: sizes and rates never compile anew, the types of parts do."""


def add_parser(subparsers: Any) -> None:
    """Declare the command.

    Parameters
    ----------
    subparsers
        Of the tool's parser.
    """
    parser = subparsers.add_parser(
        "warmup",
        help="compile the usual kernels into the cache on disk",
        description="Compile the usual combinations of parts, so that the first step of any later process is served "
        f"from the cache on disk. They are: {', '.join(COMBINATIONS)}.",
        allow_abbrev=False,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these combinations [all]")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace) -> int:
    """Run the command and return its exit code.

    Parameters
    ----------
    args : Namespace
        As parsed.

    Raises
    ------
    UsageError
        If there is no combination of a name; nothing has been compiled then.
    """
    for name in args.names:
        if name not in COMBINATIONS:
            raise UsageError(unknown("combination", name, COMBINATIONS))
    names = list(dict.fromkeys(args.names)) or list(COMBINATIONS)
    bar, began = Bar(quiet=args.quiet), time.monotonic()
    for i, name in enumerate(names):
        bar.start(f"{i + 1} of {len(names)}, {name}", total=1)
        bar.update(0)
        started = time.monotonic()
        warm(COMBINATIONS[name]())
        bar.finish(f"ready after {duration(time.monotonic() - started)}")
    sys.stdout.write(f"{len(names)} of {len(names)} ready, after {duration(time.monotonic() - began)}\n")
    return 0


def warm(learner: OnlineLearner) -> None:
    """Call every compiled entry point of a learner that a stream needs.

    Parameters
    ----------
    learner : OnlineLearner
        Any; it is changed.
    """
    u, y = np.zeros(learner.n_in), np.zeros(learner.n_out)
    learner.step(u, y)
    _ = learner.weights  # with a D, whose update is pending
    learner.predict(u)
