"""``onlinernn run``: one task, one rule, all its controls; a table, a picture, a JSON file."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from onlinernn.cli_jobs import Stop, complain, do_job, job_name
from onlinernn.cli_options import DESCRIPTION, EXAMPLES, add_arguments, make_plan
from onlinernn.cli_output import check_writable, refusing
from onlinernn.cli_report import report
from onlinernn.controls import floor_label, floor_results, methods
from onlinernn.journal import Journal
from onlinernn.progress import Bar
from onlinernn.scores import Row, row


def add_parser(subparsers: Any) -> None:
    """Declare the command.

    Parameters
    ----------
    subparsers
        Of the tool's parser.
    """
    parser = subparsers.add_parser(
        "run",
        help="train on one task and print the rule beside its controls",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_arguments(parser)
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
        If it cannot be done; nothing has been written then.
    """
    out = args.out or Path("runs") / args.task
    with refusing():
        plan = make_plan(args)
        if args.json is not None:
            check_writable(args.json)
        trained = methods(plan.task, plan.settings, plan.controls)
        for method in trained:
            method.make(plan.seeds[0])  # refuses what is out of range
        floors = floor_results(plan.honest, plan.seeds, plan.settings.washout) if "floors" in plan.controls else []
        if args.resume:
            journal = Journal.resume(out, plan.identity)
        else:
            out.mkdir(parents=True, exist_ok=True)
            journal = Journal(out, plan.identity)

    bar, stop = Bar(quiet=args.quiet), Stop()
    try:
        with stop.listening():
            for method in trained:
                for seed in plan.seeds:
                    stop.check()
                    do_job(plan, journal, method, seed, bar, stop)
    except KeyboardInterrupt:
        bar.close()
        again = shlex.join(["onlinernn", *(part for part in sys.argv[1:] if part != "--resume"), "--resume"])
        complain(f"stopped with {len(journal.finished)} of {len(trained) * len(plan.seeds)} parts done; go on: {again}")
        return 130

    outcomes = {m.name: [journal.finished[job_name(m, seed)] for seed in plan.seeds] for m in trained}
    rows: list[Row] = [outcome["row"] for of_method in outcomes.values() for outcome in of_method]
    rows += [
        row(found[name], name, diverged_at_step=None) for name in (floors[0] if floors else {}) for found in floors
    ]
    labels = {m.name: m.label for m in trained} | {name: floor_label(name) for found in floors for name in found}
    report(args, plan, rows, labels, outcomes, out)
    return 1 if all(outcome["row"]["diverged_at_step"] is not None for outcome in outcomes[trained[0].name]) else 0
