"""The arguments of ``onlinernn run``, and the plan that they amount to."""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from onlinernn.cli_output import UsageError
from onlinernn.controls import CONTROLS, settled
from onlinernn.settings import RULES, TASKS, Match, ProbeName, Settings, defaults, on_hardware, overridden
from onlinernn.substrate_file import SUFFIX, find
from onlinernn.tasks import CopyMemory, CsvTask, Drifting, MackeyGlass, Recall, Task, switching, xor
from onlinernn.tasks.weather import COLUMNS, TARGET, TRAIN_ROWS

DESCRIPTION = """\
Train a recurrent network online on one task, and print it beside its controls: the same readout rule on a frozen
reservoir, the one-step gradient, true BPTT, and floors that need no network. NMSE is the mean squared error divided
by the variance of the training targets: 1 is as good as their mean. "Prequential" scores every prediction of the
first pass, made before its target was known; "frozen test" scores a held-out stream without learning.
"""
EXAMPLES = """\
examples:
  onlinernn run                                            Mackey-Glass, 15 steps ahead, ANP, 100 units, 3 seeds
  onlinernn run mackey-glass --rule np --sigma 0.001       another rule, another perturbation
  onlinernn run mackey-glass --substrate int8_wide         on hardware; `onlinernn presets` lists it
  onlinernn run mackey-glass --substrate my_chip.json      on your own: `onlinernn presets int8 --write my_chip.json`
  onlinernn run copy --length 20 --pause 5                 repeat 20 symbols after a pause
  onlinernn run weather --csv FILE --horizon 24            temperature a day ahead, from the paper's weather file
  onlinernn run csv --csv FILE --target load --horizon 12 --columns load,wind --date time
  onlinernn run mackey-glass --resume                      go on after Ctrl-C, to the numbers of an unbroken run

Rates and scales default to values tuned for the task at 100 units on training data alone; see onlinernn/settings.py.
With --substrate and no --rule the network is that of the hardware demos, which the presets are tuned for: 30 units with
biases, a link from input to output, rates that fall to 0; the first 200 rows of the test stream are not scored.
The folder --out receives result.json, picture.png, the trained learners (OnlineLearner.load) and the journal.
"""

_ONLY_FOR: dict[str, tuple[ProbeName, ...]] = {
    "length": ("mackey-glass", "recall", "xor", "copy", "drifting", "switching"),
    "pause": ("copy",),
    "horizon": ("mackey-glass", "weather", "csv"),
    "csv": ("weather", "csv"),
    "target": ("weather", "csv"),
    "columns": ("weather", "csv"),
    "split": ("weather", "csv"),
    "date": ("weather", "csv"),
}
_PROBES: dict[str, Callable[..., Task]] = {"recall": Recall, "xor": xor, "drifting": Drifting, "switching": switching}
_Group = argparse._ArgumentGroup  # argparse has no public name for it
_Some = TypeVar("_Some", Settings, Match)


@dataclass(frozen=True, eq=False)
class Plan:
    """What to run.

    Attributes
    ----------
    task : Task
        With the target delay that was asked for.
    honest : Task
        The same with the delay at which its targets are known.
    settings : Settings
        Of all methods.
    seeds : list of int
        One run of every method for each.
    controls : list of str
        Which.
    identity : dict
        All that decides the numbers of one method and seed.
    """

    task: Task
    honest: Task
    settings: Settings
    seeds: list[int]
    controls: list[str]
    identity: dict[str, Any]


class _Delayed:
    """A task whose targets are taught another number of steps late than they are known."""

    def __init__(self, task: Task, delay: int) -> None:
        self.task, self.target_delay = task, delay

    def __getattr__(self, name: str) -> Any:
        return getattr(self.task, name)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments.

    Parameters
    ----------
    parser : ArgumentParser
        Of the command ``run``.
    """
    add_task(parser, TASKS)
    how = parser.add_argument_group("the network and the rule (defaults are tuned for each task)")
    add_network(how, Settings())
    add = how.add_argument
    add("--rule", choices=RULES, help="activity-based node perturbation (the default), node perturbation, or weight "
        "perturbation")  # fmt: skip
    add("--substrate", metavar="NAME", help="hardware preset to learn on (`onlinernn presets` lists them), or a "
        "file NAME.json of your own (`onlinernn presets NAME --write FILE` gives one to start from); without "
        "--rule on 30 units with its own rule, decorrelation and readout, of which --lr-hidden and --sigma can be "
        "changed")  # fmt: skip
    add("--epochs", type=whole(1), metavar="N", help="passes over the training stream")
    add("--epochs-bptt", type=whole(1), metavar="N", help="passes of true BPTT, which learns longer before it stops "
        "gaining; default: tuned for the task, or --epochs where that is given")  # fmt: skip
    add("--lr-hidden", type=float, metavar="RATE", help="learning rate of A, R and b; 0 freezes them")
    add("--lr-readout", type=float, metavar="RATE", help="learning rate of B and c")
    add("--sigma", type=float, metavar="S", help="standard deviation of the perturbation, in units of the drive "
        "(wp: of the weight)")  # fmt: skip
    add("--decorrelation", type=float, metavar="RATE", help="learning rate of the decorrelation matrix, used by every "
        "network of the table; 0 (default): none")  # fmt: skip
    add("--resync", type=whole(0), metavar="STEPS", help="set the noisy copy back to the clean one every so many "
        "steps; 0: never")  # fmt: skip
    add("--lr-one-step", type=float, metavar="RATE", help="Adam's rate for the one-step gradient, at the start; it "
        "falls to 0 over the run, as for true BPTT")  # fmt: skip
    add("--lr-bptt", type=float, metavar="RATE", help="Adam's rate for true BPTT, at the start")

    run = parser.add_argument_group("the run")
    add_run(run, [0, 1, 2])
    add = run.add_argument
    add("--methods", type=_methods, default=list(CONTROLS), metavar="A,B,...", help="controls beside the rule, out of "
        f"{','.join(CONTROLS)} (default: all), or none")  # fmt: skip
    add("--out", type=Path, metavar="FOLDER", help="where results go (runs/TASK)")
    add("--no-plot", action="store_true", help="draw no picture")
    add("--resume", action="store_true", help="go on where a run in the same folder was stopped")


def add_task(parser: argparse.ArgumentParser, tasks: Sequence[str]) -> None:
    """Declare the arguments that say what to learn.

    Parameters
    ----------
    parser : ArgumentParser
        Of the command.
    tasks : sequence of str
        The tasks to choose from.
    """
    parser.add_argument("task", nargs="?", choices=tasks, default="mackey-glass", help="default: mackey-glass")
    add = parser.add_argument_group("the task").add_argument
    add("--horizon", type=int, metavar="STEPS", help="rows ahead to forecast; default 15 (mackey-glass; -15 recalls "
        "the past, as the authors' code has it), 24 (weather: hours), 1 (csv)")  # fmt: skip
    add("--delay", type=whole(0), metavar="STEPS", help="steps after its input at which a target is taught; default: "
        "when it is really known, which is the horizon of a forecast. Less than that leaks the future")  # fmt: skip
    add("--length", type=whole(1), metavar="N", help="steps of the training and of the test stream (5000); copy: "
        "symbols to hold (100)")  # fmt: skip
    add("--pause", type=whole(1), metavar="STEPS", help="copy: steps between the symbols and the answer (10)")
    add("--csv", type=Path, metavar="FILE", help="weather, csv: a file with a header row and one row a time step")
    add("--target", metavar="NAME", help="column to forecast (weather: DryBulbFarenheit)")
    add("--columns", type=_names, metavar="A,B,...", help="input columns (csv: all that are numeric)")
    add("--split", type=_split, metavar="ROWS|SHARE", help="training rows, as a number or as a share below 1 "
        "(weather: 33600, csv: 0.8)")  # fmt: skip
    add("--date", metavar="NAME", help="column of time stamps, read to report gaps (weather: date)")


def add_network(group: _Group, base: Settings | Match) -> None:
    """Declare the arguments of the network that all methods train.

    Parameters
    ----------
    group : argument group
        Where they go.
    base : Settings or Match
        Their defaults, as far as these are the same for every task.
    """
    add = group.add_argument
    add("--hidden", type=whole(1), metavar="N", help=f"hidden units ({base.hidden})")
    add("--leak", type=float, metavar="SHARE", help="share of the new value in a cell, in (0, 1]; 1: plain tanh")
    add("--spectral-radius", type=float, metavar="R", help=f"of the initial R ({base.spectral_radius})")
    add("--input-scale", type=float, metavar="S", help="of the initial A, in units of sqrt(2 / (inputs + hidden))")
    add("--window", type=whole(1), metavar="STEPS", help="steps over which BPTT unrolls the network "
        f"({base.window}; copy: one sequence)")  # fmt: skip
    add("--dtype", choices=("float32", "float64"), help=f"arithmetic of all networks ({base.dtype})")


def add_run(group: _Group, seeds: list[int]) -> None:
    """Declare the arguments of how to go about it.

    Parameters
    ----------
    group : argument group
        Where they go.
    seeds : list of int
        The default.
    """
    add = group.add_argument
    shown = ",".join(map(str, seeds))
    add("--seeds", type=_seeds, default=seeds, metavar="0,1,...", help=f"of weights, noise and streams ({shown})")
    add("--json", type=Path, metavar="FILE", help="write the rows, and all it takes to repeat them, to this file")
    add("--quiet", action="store_true", help="no progress, only the table")


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
    horizon = honest.horizon if isinstance(honest, CsvTask) else 0
    of_bptt = args.epochs if args.epochs_bptt is None else args.epochs_bptt
    usual = _usual(args, horizon)
    settings = whole_sequences(overridden(usual, **{**vars(args), "epochs_bptt": of_bptt}), honest, args)
    task = settled(task, settings.washout)
    return Plan(task, honest, settings, args.seeds, args.methods, identity(args, task, settings))


def _usual(args: argparse.Namespace, horizon: int) -> Settings:
    """Return the settings where nothing else is asked for: without a rule those of the preset, if there is one."""
    preset = None if args.substrate is None else find(args.substrate)
    if preset is None or args.rule is not None:
        return defaults(args.task, args.rule or "anp", horizon)
    for name, part in (("lr_readout", preset.readout), ("decorrelation", preset.decorrelation)):
        if getattr(args, name) is not None:
            raise UsageError(
                f"--{name.replace('_', '-')} does not reach what the preset {preset.name} brings, {part}; give --rule "
                "as well, and rule, decorrelation and readout are yours"
            )
    own = preset.rule
    return dataclasses.replace(on_hardware(args.task, horizon), lr_hidden=own.lr_hidden, sigma=own.sigma)


def make_task(args: argparse.Namespace) -> tuple[Task, Task]:
    """Return the task with the target delay that was asked for, and with the delay at which its targets are known.

    Parameters
    ----------
    args : Namespace
        As parsed.

    Raises
    ------
    UsageError, ValueError, TypeError, OSError
        If the arguments do not fit together, or the file cannot be used.
    """
    for name, tasks in _ONLY_FOR.items():
        if getattr(args, name) is not None and args.task not in tasks:
            raise UsageError(f"--{name} is for {' and '.join(tasks)}; {args.task} has no use for it")
    honest = _task(args)
    delay = honest.target_delay if args.delay is None else args.delay
    task = honest if delay == honest.target_delay else cast(Task, _Delayed(honest, delay))
    if delay >= len(task.train(args.seeds[0], 0)):
        raise UsageError(f"--delay {delay} is longer than the training stream of {len(task.train(0, 0))} steps")
    return task, honest


def whole_sequences(settings: _Some, honest: Task, args: argparse.Namespace) -> _Some:
    """Return settings whose window holds a sequence of copy memory: a shorter one cannot carry the memory.

    Parameters
    ----------
    settings : Settings or Match
        With a window.
    honest : Task
        The task itself.
    args : Namespace
        As parsed; a window that was asked for stays.
    """
    if isinstance(honest, CopyMemory) and args.window is None:
        return dataclasses.replace(settings, window=honest.period)
    return settings


def identity(args: argparse.Namespace, task: Task, settings: Settings | Match) -> dict[str, Any]:
    """Return all that decides the numbers of one method and seed.

    Parameters
    ----------
    args : Namespace
        As parsed.
    task : Task
        What is trained on.
    settings : Settings or Match
        Of all methods.
    """
    asked = {name: getattr(args, name) for name in ("task", *_ONLY_FOR)}
    substrate = getattr(settings, "substrate", "")
    if substrate:  # what is in a file, or behind a name, may change
        named = hashlib.sha256(repr(find(substrate)).encode()).hexdigest()
        asked["preset"] = _fingerprint(Path(substrate)) if substrate.endswith(SUFFIX) else named
    return {**asked, "csv": _fingerprint(args.csv), "delay": task.target_delay, **dataclasses.asdict(settings)}


def leak_warning(task: Task, honest: Task) -> list[str]:
    """Return the line to print where targets are taught before they are known.

    Parameters
    ----------
    task, honest : Task
        As ``make_task`` returns them.
    """
    if task.target_delay >= honest.target_delay:
        return []
    return [
        f"NOT HONEST: targets were taught {task.target_delay} steps after their input but are known only "
        f"{honest.target_delay} steps after it"
    ]


def _task(args: argparse.Namespace) -> Task:
    sizes = {} if args.length is None else {"length": args.length, "test_length": args.length}
    if args.task == "mackey-glass":
        return MackeyGlass(**sizes) if args.horizon is None else MackeyGlass(horizon=args.horizon, **sizes)
    if args.task == "copy":
        given = {"length": args.length, "delay": args.pause}
        return CopyMemory(**{name: value for name, value in given.items() if value is not None})
    if args.task in _PROBES:
        return _PROBES[args.task](**sizes)
    if args.csv is None:
        raise UsageError(f"{args.task} needs a file: --csv FILE")
    if args.task == "weather":
        return CsvTask(
            args.csv,
            args.target or TARGET,
            24 if args.horizon is None else args.horizon,
            args.columns or COLUMNS,
            split=args.split or TRAIN_ROWS,
            date=args.date or "date",
            name="weather",
        )
    if args.target is None:
        raise UsageError("csv needs the name of the column to forecast: --target NAME")
    horizon, split = (1 if args.horizon is None else args.horizon), (args.split or 0.8)
    return CsvTask(args.csv, args.target, horizon, args.columns, split=split, date=args.date)


def _fingerprint(path: Path | None) -> str | None:
    return None if path is None else hashlib.sha256(path.read_bytes()).hexdigest()


def whole(least: int) -> Callable[[str], int]:
    """Return the reader of a whole number from the command line.

    Parameters
    ----------
    least : int
        The lowest that is taken.
    """

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if value < least:
            raise argparse.ArgumentTypeError(f"{value} is too small; it must be at least {least}")
        return value

    return read


def hardware(text: str) -> str:
    """Check the name of a preset, or of a file with one, from the command line.

    Parameters
    ----------
    text : str
        The name.
    """
    try:
        find(text)
    except (ValueError, OSError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"{text!r} holds an empty name; write A,B,C")
    return names


def _seeds(text: str) -> list[int]:
    seeds = [whole(0)(part) for part in text.split(",")]
    if len(set(seeds)) < len(seeds):
        raise argparse.ArgumentTypeError(f"{text!r} names a seed twice")
    return seeds


def _methods(text: str) -> list[str]:
    names = [] if text == "none" else _names(text)
    for name in names:
        if name not in CONTROLS:
            raise argparse.ArgumentTypeError(f"there is no method {name!r}; choose from {', '.join(CONTROLS)}, or none")
    return names


def _split(text: str) -> int | float:
    try:
        return int(text) if text.isdigit() else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number of rows nor a share") from None
