"""``onlinernn compare``: learning rules, gradients and floors on one network, at equal samples and at equal time."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import statistics
import sys
from pathlib import Path
from typing import Any, cast

import numpy as np

from onlinernn.cli_bptt import tune
from onlinernn.cli_finished import Finished
from onlinernn.cli_options import (
    add_network,
    add_run,
    add_task,
    identity,
    leak_warning,
    make_task,
    whole,
    whole_sequences,
)
from onlinernn.cli_output import UsageError, check_writable, refusing, short, table, versions, write_json
from onlinernn.cli_table import results_table, verdict
from onlinernn.compare import (
    EQUAL_TIME,
    EXTRA,
    FLOORS,
    METHODS,
    compete,
    equal_time,
    floor_row,
    initial_weights,
    labels,
    named,
    trained,
)
from onlinernn.compare_torch import TORCH, installed, torch_row
from onlinernn.controls import Method
from onlinernn.plots import Curve, save_race
from onlinernn.progress import Bar
from onlinernn.scores import Row, median_and_spread
from onlinernn.settings import PROBES, READOUTS, Match, match, overridden
from onlinernn.tasks import CopyMemory, CsvTask, DelayLine, NoisyTargets, Settled, Task

DESCRIPTION = """\
Train one recurrent network with every method, from the same initial weights, and print what each reaches: rules that
need no gradient, the same readout on a frozen hidden layer, gradients through one step, k steps and all of time, and
floors that need no network. All get the same number of samples; true BPTT runs once more for as long as
LearnedFeedback took. Columns are medians over the seeds with their extremes; NMSE is the mean squared error divided by
the variance of the training targets.
"""
EXAMPLES = """\
examples:
  onlinernn compare mackey-glass --hidden 30 --samples 100000 --seeds 901,902
  onlinernn compare xor --samples 150000 --methods learnedfeedback,frozen,bptt
  onlinernn compare mackey-glass --samples 5000000 --endless --methods learnedfeedback,frozen
  onlinernn compare recall --target-noise 0.3              what noise on the targets does to each
  onlinernn compare weather --csv FILE --horizon 1 --samples 33600 --methods frozen,learnedfeedback,bptt,ridge
  onlinernn compare switching                              a stream that goes on changing: read the prequential column
"""


def add_parser(subparsers: Any) -> None:
    """Declare the command.

    Parameters
    ----------
    subparsers
        Of the tool's parser.
    """
    parser = subparsers.add_parser(
        "compare",
        help="train one network with every method, at equal samples and at equal time",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_task(parser, PROBES)
    how = parser.add_argument_group("the network (defaults are tuned for each task)")
    add_network(how, Match())
    how.add_argument("--slowest", type=float, metavar="SHARE", help="leaks from this one to 1, evenly spaced in their "
                     "logarithms, in place of --leak (weather, csv: 0.005); 0: one leak for all")  # fmt: skip
    how.add_argument("--readout", choices=READOUTS, help="of all learners: nlms on whitened activity, or rls, in "
                     "float64 (weather, csv)")  # fmt: skip
    how.add_argument("--ridge", type=float, metavar="R", help=f"regularisation of rls ({Match().ridge:g}; 100 for "
                     "more than 6 rows ahead)")  # fmt: skip
    how.add_argument("--bias", type=float, metavar="C", help=f"constant that drives the biases ({Match().bias})")
    how.add_argument("--past", type=whole(1), metavar="ROWS", help="inputs that every network reads at a time, the "
                     "present one included, as ridge does (1; weather, csv: 24)")  # fmt: skip
    how.add_argument("--target-noise", type=float, metavar="SHARE", help="add noise to the training targets, of so "
                     "many times their variance; the test stays clean")  # fmt: skip
    how.add_argument("--referee", action=argparse.BooleanOptionalAction, default=True, help="let LearnedFeedback learn "
                     "beside a frozen shadow and speak only while it is ahead; twice the time (default)")  # fmt: skip

    how.add_argument("--endless", action=argparse.BooleanOptionalAction, default=None, help="constant learning "
                     "rates, and the prequential error over the run (drifting, switching); else they fall as half a "
                     "cosine")  # fmt: skip

    run = parser.add_argument_group("the run")
    add_run(run, [0, 1, 2])
    add = run.add_argument
    add("--samples", type=whole(1), default=100_000, metavar="N", help="training steps of every method, rounded to "
        "whole passes over the training stream (100000)")  # fmt: skip
    default = [*METHODS, TORCH] if installed() else list(METHODS)
    add("--methods", type=_methods, default=default, metavar="A,B,...", help=f"out of {','.join(METHODS)} (default: "
        f"all of these), {','.join(EXTRA)} (the last in the default too where PyTorch is installed)")  # fmt: skip
    add("--figure", type=Path, metavar="FILE", help="draw the frozen-test error, after each pass, against seconds and "
        "against samples (PNG)")  # fmt: skip
    add("--store", type=Path, metavar="FILE", help="keep every finished row in this results file at once, and take "
        "from it those that are there: after a stop the same command goes on")  # fmt: skip
    add("--tune-bptt", action="store_true", help="instead, try 18 settings of true BPTT on training data alone: how "
        "its defaults were chosen")  # fmt: skip
    parser.set_defaults(main=main)


def _methods(text: str) -> list[str]:
    try:
        return [named(name.strip()) for name in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """What to compare.

    Attributes
    ----------
    task : Task
        With the target delay, the noise and the past inputs that were asked for, and its washout.
    single : Task
        The same, one input at a time: for floors, which have lags of their own.
    honest : Task
        The task itself.
    settings : Match
        Of all methods.
    epochs : int
        Passes over the training stream.
    floors : list of str
        Which are asked for.
    identity : dict
        All that decides the numbers of one method and seed.
    """

    task: Task
    single: Task
    honest: Task
    settings: Match
    epochs: int
    floors: list[str]
    identity: dict[str, Any]


def make_plan(args: argparse.Namespace) -> Plan:
    """Return the plan that the arguments amount to.

    Parameters
    ----------
    args : Namespace
        As parsed.

    Raises
    ------
    UsageError, ValueError, TypeError, OSError
        If they do not fit together, or the file cannot be used.
    """
    task, honest = make_task(args)
    usual = match(args.task, honest.horizon if isinstance(honest, CsvTask) else 1)
    if args.readout is not None and args.dtype is None:
        usual = dataclasses.replace(usual, dtype="float64" if args.readout == "rls" else "float32")
    if args.leak is not None and args.slowest is None:
        usual = dataclasses.replace(usual, slowest=0.0)
    settings = whole_sequences(overridden(usual, **vars(args)), honest, args)
    if args.target_noise is not None:
        task = NoisyTargets(task, args.target_noise)
    single = cast(Task, Settled(task, settings.washout))
    task = cast(Task, Settled(cast(Task, DelayLine(task, settings.past)), settings.washout))
    task.test(args.seeds[0])  # refuses what is too short
    steps = len(task.train(args.seeds[0], 0))
    if args.samples < steps:
        raise UsageError(f"--samples {args.samples} is less than one pass over the training stream, which has {steps}")
    if TORCH in args.methods and not installed():
        raise UsageError(f"{TORCH} needs PyTorch, which is not installed: pip install torch, or leave it out")
    floors = [name for name in FLOORS if name in args.methods]
    if floors and isinstance(honest, CopyMemory):
        floors.append("phase")
    epochs = round(args.samples / steps)
    decisive = {
        "target_noise": args.target_noise,
        "referee": args.referee,
        "epochs": epochs,
        "test_curve": args.figure is not None,
        **identity(args, task, settings),
    }
    return Plan(task, single, honest, settings, epochs, floors, decisive)


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
    with refusing():
        plan = make_plan(args)
        for path in (args.json, args.figure, args.store):
            if path is not None:
                check_writable(path)
    if args.tune_bptt:
        return tune(args, plan.task, plan.settings, plan.epochs, plan.identity)
    with refusing():
        methods = trained(plan.task, plan.settings, args.methods, plan.epochs, referee=args.referee)
        for one in methods:
            one.make(args.seeds[0])  # refuses what is out of range
        finished = Finished(args.store, plan.identity)
        floors = [floor_row(plan.single, plan.honest, name, seed) for name in plan.floors for seed in args.seeds]
    bar = Bar(quiet=args.quiet)
    try:
        with finished:
            rows = [_job(plan, one, seed, bar, finished) for one in methods for seed in args.seeds]
            rows += _equal_times(plan, rows, args.seeds, bar, finished)
            rows += [_torch_job(plan, seed, bar, finished) for seed in args.seeds if TORCH in args.methods]
    except KeyboardInterrupt:
        if args.store is None:
            raise
        raise KeyboardInterrupt(f"what is finished is in {args.store}, and the same command goes on") from None
    finally:
        bar.close()
    _report(args, plan, rows + floors)
    return 1 if rows and all(one["nmse_test"] is None for one in rows) else 0


def _job(plan: Plan, one: Method, seed: int, bar: Bar, finished: Finished) -> Row:
    def compute() -> Row:
        bar.start(f"{one.label}, seed {seed}", one.epochs * len(plan.task.train(seed, 0)))
        row = compete(
            plan.task,
            plan.settings,
            one,
            seed,
            lambda now: bar.update(now.samples, now.running_loss),
            test_curve=plan.identity["test_curve"],
        )
        broken = row["diverged_at_step"]
        bar.finish(f"diverged at step {broken}" if broken is not None else
                   f"frozen test NMSE {row['nmse_test']:.3g}, {row['seconds']:.1f} s")  # fmt: skip
        return row

    return finished.row(one.name, seed, compute)


def _equal_times(plan: Plan, rows: list[Row], seeds: list[int], bar: Bar, finished: Finished) -> list[Row]:
    """Return the rows of BPTT for as long as the rule took, where both are in the table."""
    found = {(row["method"], row["seed"]): row for row in rows}
    again = []
    for seed in seeds:
        rule, bptt = found.get(("LearnedFeedback", seed)), found.get(("BPTT", seed))
        one = None if rule is None or bptt is None else equal_time(plan.task, plan.settings, rule, bptt)
        again += [] if one is None else [_job(plan, one, seed, bar, finished)]
    return again


def _torch_job(plan: Plan, seed: int, bar: Bar, finished: Finished) -> Row:
    task, settings = plan.task, plan.settings

    def compute() -> Row:
        bar.start(f"{labels(settings, plan.honest)[TORCH]}, seed {seed}", plan.epochs * len(task.train(seed, 0)))
        row = torch_row(task, settings, initial_weights(task, settings, seed), plan.epochs, seed, bar.update)
        bar.finish(f"frozen test NMSE {short(row['nmse_test'])}, {row['seconds']:.1f} s")
        return row

    return finished.row(TORCH, seed, compute)


def _report(args: argparse.Namespace, plan: Plan, rows: list[Row]) -> None:
    task, names = plan.task, labels(plan.settings, plan.honest)
    title = _title(plan, len(task.train(args.seeds[0], 0)))
    notes = [] if plan.settings.washout == 0 else [
        f"The first {plan.settings.washout} steps of the test are not scored: the activity settles."]  # fmt: skip
    if args.target_noise:
        notes.append("The test is clean; NMSE is divided by the variance of the training targets, noise included.")
    if args.task in ("drifting", "switching"):
        notes.append("The mapping goes on changing: only the prequential score tells who follows it.")
    over_time = _over_time(rows, names) if plan.settings.endless else []
    said = (
        [verdict(rows, names)] if rows[0]["n_hidden"] is not None and args.task not in ("drifting", "switching") else []
    )
    lines = [title, "", results_table(rows, names), "", *over_time, *notes, *said, *leak_warning(task, plan.honest)]
    sys.stdout.write("\n".join(lines) + "\n")
    if args.figure is not None:
        save_race(args.figure, title, _curves(rows, names))
    if args.json is not None:
        arguments = {name: value for name, value in vars(args).items() if name != "main"}
        facts = {"arguments": arguments, "settings": plan.identity, "summary": median_and_spread(rows)}
        write_json(args.json, "compare", rows, **facts, seeds=args.seeds, versions=versions())


def _over_time(rows: list[Row], names: dict[str, str], parts: int = 10) -> list[str]:
    """Return the table of the prequential error in each tenth of the run, medians over the seeds."""
    lines = []
    for method in dict.fromkeys(row["method"] for row in rows if row.get("curves")):
        curves = [row["curves"]["prequential"] for row in rows if row["method"] == method and row.get("curves")]
        count = min(parts, len(curves[0]))
        means = [[statistics.fmean(p) for p in _split(curve, count)] for curve in curves]
        lines.append(
            [names.get(method, method), *(short(statistics.median(column)) for column in zip(*means, strict=True))]
        )
    if not lines:
        return []
    count = len(lines[0]) - 1
    return [table(["prequential NMSE until", *(f"{(i + 1) / count:.0%}" for i in range(count))], lines), ""]


def _split(curve: list[float], count: int) -> list[list[float]]:
    edges = [round(i * len(curve) / count) for i in range(count + 1)]
    return [curve[first:last] for first, last in itertools.pairwise(edges)]


def _curves(rows: list[Row], names: dict[str, str]) -> list[Curve]:
    """Return the frozen-test error of every method after each pass, with the median of its seconds."""
    curves = []
    for method in dict.fromkeys(row["method"] for row in rows if row.get("curves") and row["method"] != EQUAL_TIME):
        of = [row["curves"] for row in rows if row["method"] == method and row.get("curves")]
        samples, seconds = (np.array([one[key] for one in of], float) for key in ("samples", "seconds"))
        curves.append(
            Curve(
                names.get(method, method), samples[0], np.array([one["test"] for one in of]), np.median(seconds, axis=0)
            )
        )
    return curves


def _title(plan: Plan, steps: int) -> str:
    task, settings = plan.task, plan.settings
    horizon = getattr(task, "horizon", None)
    what = task.name if horizon is None else f"{task.name}, {abs(horizon)} steps {'ahead' if horizon > 0 else 'back'}"
    return (
        f"{what}: {settings.hidden} units, {plan.epochs * steps:,} samples, targets {task.target_delay} steps late, "
        f"{settings.dtype}"
    )
