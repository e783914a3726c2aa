"""``onlinernn reproduce`` and ``onlinernn tune``: the paper's figures, and the rates that they are run with."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from onlinernn.cli_jobs import complain
from onlinernn.cli_output import refusing, short, table
from onlinernn.errors import StudyError, unknown
from onlinernn.studies.draw import draw_figure
from onlinernn.studies.figures import FIGURES, RATES, TASKS, chosen, needs_weather
from onlinernn.studies.panels import FLOOR, Figure, Spread, spread
from onlinernn.studies.pool import ClusterWorkers, LocalWorkers, Workers
from onlinernn.studies.scales import SCALES
from onlinernn.studies.store import DEFAULT, Kept, Store
from onlinernn.studies.study import Tally, run_study
from onlinernn.studies.trial import Trial, code_version
from onlinernn.studies.tuning import TUNED, require_optuna, tuning_trials, write_rates
from onlinernn.studies.watch import Watch
from onlinernn.studies.work import perform

DEFAULT_STORE = Path(DEFAULT)

DESCRIPTION = """\
Run the paper's figures (Fernandez, Keemink and van Gerven 2024) with the controls that it left out.

Every finished trial goes into a results file at once: stop whenever you like, the same command goes on from there.
"""
EXAMPLES = """\
examples:
  onlinernn reproduce fig4 --scale quick            a glance, in seconds
  onlinernn reproduce all --csv WTH.csv             what docs/results/ shows
  onlinernn reproduce fig7 --csv WTH.csv --scale full --cluster tcp://head:8786
"""


def add_parser(subparsers: Any) -> None:
    """Declare both commands.

    Parameters
    ----------
    subparsers
        Of the tool's parser.
    """
    parser = subparsers.add_parser(
        "reproduce",
        help="run the paper's figures, with honest controls",
        description=DESCRIPTION + "\nfigures:\n" + "\n".join(f"  {one.name:6} {one.title}" for one in FIGURES),
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("figures", nargs="+", metavar="FIGURE", help="names of figures, or all")
    parser.add_argument(
        "--scale", choices=list(SCALES), default="standard", help="sizes: quick (tests), standard, full (the paper's)"
    )
    parser.add_argument("--methods", metavar="A,B", help="only these methods (floors are always there), by name")
    parser.add_argument("--out", type=Path, default=Path("figures"), help="folder of the pictures [figures]")
    _add_common(parser)
    parser.set_defaults(main=main)

    tuning = subparsers.add_parser(
        "tune",
        help="find the rates that the figures are run with",
        description="Tune the rates and the sigma of every method, by the same budget, on training data alone, and\n"
        f"write them to {RATES.name} in the package. Needs the extra: pip install onlinernn[tune]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    tuning.add_argument("--settings", type=int, default=12, help="settings tried for each method and task [12]")
    tuning.add_argument("--tasks", metavar="A,B", help=f"only these: {', '.join(TASKS)}")
    tuning.add_argument("--methods", metavar="A,B", help="only these methods; the rates of the others stay")
    _add_common(tuning)
    tuning.set_defaults(main=main_tune)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--csv", type=Path, metavar="FILE", help="the paper's weather file (docs/tasks.md)")
    parser.add_argument("--store", type=Path, default=DEFAULT_STORE, help=f"the results file [{DEFAULT_STORE}]")
    parser.add_argument("--workers", type=int, metavar="N", help="worker processes [as many as there are cores]")
    parser.add_argument("--cluster", metavar="ADDRESS", help="run on a Dask cluster, as tcp://host:8786")
    parser.add_argument("--quiet", action="store_true", help="no progress")


def main(args: argparse.Namespace) -> int:
    """Run figures and return the exit code: 1 if a trial failed.

    Parameters
    ----------
    args : Namespace
        As parsed.

    Raises
    ------
    UsageError
        If it cannot be done; nothing has been computed then.
    """
    with refusing():
        every = {figure.name: figure.trials(args.scale) for figure in chosen(args.figures)}
        known = {one.method for trials in every.values() for one in trials if one.kind != FLOOR}
        only = _listed("method", args.methods, known)
        wanted = {name: _of_methods(trials, only) for name, trials in every.items()}
        figures = [figure for figure in FIGURES if figure.name in wanted]
        if args.csv is None:
            figures = _without_weather(figures, wanted, "all" in args.figures)
        trials = [one for figure in figures for one in wanted[figure.name]]
    tally, found = _run(args, trials, "reproduce", args.out)
    for figure in figures:
        kept = [found[text] for text in dict.fromkeys(one.text for one in wanted[figure.name]) if text in found]
        path = args.out / f"{figure.name}-{args.scale}.png"
        draw_figure(figure, kept, path, f"{args.scale} scale")
        head = f"{figure.name}: {figure.title}\n{figure.question}"
        sys.stdout.write(f"{head}\n\n{summary(figure, kept)}\n\npicture: {path}\n\n")
    if tally.failed:
        complain(f"{len(tally.failed)} trials failed; the others are kept, and the same command tries these again")
    return 1 if tally.failed else 0


def main_tune(args: argparse.Namespace) -> int:
    """Tune and return the exit code: 1 if a method found no stable rates.

    Parameters
    ----------
    args : Namespace
        As parsed.

    Raises
    ------
    UsageError
        If it cannot be done; nothing has been computed then.
    """
    with refusing():
        require_optuna()
        tasks = _listed("task", args.tasks, TASKS) or list(TASKS)
        if args.csv is None and args.tasks is None:
            tasks = [name for name in tasks if TASKS[name]["name"] != "weather"]
        trials = tuning_trials(args.settings, tasks, _listed("method", args.methods, TUNED))
        if not trials:
            raise StudyError("there is nothing to tune: these methods have no rates on these tasks")
    if args.csv is None and args.tasks is None:
        complain("the weather is left out: name the paper's file with --csv FILE")
    tally, found = _run(args, trials, "tune")
    command = f"onlinernn tune --settings {args.settings}" + (" --csv FILE" if args.csv else "")
    with refusing():
        write_rates(found.values(), command)
    rows = [
        [
            str(one.trial.numbers["task"]),
            one.trial.method,
            short(one.outcome["numbers"]["score"]),
            ", ".join(f"{name} {short(value)}" for name, value in one.outcome["numbers"]["best"].items()),
        ]
        for one in found.values()
    ]
    sys.stdout.write(f"{table(['task', 'method', 'validation NMSE', 'best'], rows)}\n\nwritten: {RATES}\n")
    return 1 if tally.failed else 0


def summary(figure: Figure, kept: Sequence[Kept]) -> str:
    """Return the table of a figure: each method and floor over its seeds.

    Parameters
    ----------
    figure : Figure
        Which.
    kept : sequence of Kept
        Its finished trials.
    """
    groups: dict[tuple[str, str], list[Kept]] = {}
    for one in kept:
        groups.setdefault((_setting(one.trial), one.trial.method), []).append(one)
    rows = []
    for (setting, method), of in groups.items():
        score, seconds = spread(of), spread(of, "seconds")
        stable = f"{score.runs - score.unstable} of {score.runs}"
        rows.append([f"{setting}  {method}", *_cells(score), stable, short(seconds.median)])
    return table([figure.name, "median", "mean", "least", "most", "stable", "seconds"], rows)


def _cells(score: Spread) -> list[str]:
    return [short(value) for value in (score.median, score.mean, score.least, score.most)]


def _setting(trial: Trial) -> str:
    horizon = trial.task.get("horizon")
    ahead = "" if horizon is None else f" {horizon:+d}"
    size = f", n {trial.numbers['hidden']}" if "hidden" in trial.numbers else ""
    steps = f", {trial.numbers['steps']} steps" if "steps" in trial.numbers else ""
    return f"{trial.task.get('name', trial.kind)}{ahead}{size}{steps}"


def _run(
    args: argparse.Namespace, trials: list[Trial], label: str, out: Path | None = None
) -> tuple[Tally, dict[str, Kept]]:
    """Compute what is missing, and return what is finished by the text of its trial."""
    with refusing():
        if args.csv is not None and not args.csv.is_file():
            raise FileNotFoundError(2, "no such file", str(args.csv))
        workers: Workers = ClusterWorkers(args.cluster) if args.cluster else LocalWorkers(args.workers)
        # Only now: a command that cannot run leaves nothing behind.
        store = Store(args.store)
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
    files = {} if args.csv is None else {"weather": str(args.csv.resolve())}
    watch = Watch(label, quiet=args.quiet)
    with store:
        try:
            with refusing():
                tally = run_study(trials, store, workers, perform, files=files, tell=watch)
        except KeyboardInterrupt:
            left = f"what is finished is in {args.store}, and the same command goes on from there"
            raise KeyboardInterrupt(left) from None
        finally:
            watch.close()
        texts = {one.text for one in trials}
        found = {one.trial.text: one for one in store.trials(code_version()) if one.trial.text in texts}
    return tally, found


def _without_weather(figures: list[Figure], wanted: dict[str, list[Trial]], every: bool) -> list[Figure]:
    lacking = [figure.name for figure in figures if needs_weather(wanted[figure.name])]
    if not lacking:
        return figures
    what = f"{', '.join(lacking)} {'needs' if len(lacking) == 1 else 'need'} the paper's weather file: --csv FILE"
    if not every:
        raise StudyError(what)
    complain(f"left out: {what}")
    return [figure for figure in figures if figure.name not in lacking]


def _of_methods(trials: Sequence[Trial], only: Sequence[str]) -> list[Trial]:
    return [one for one in trials if not only or one.kind == FLOOR or one.method in only]


def _listed(what: str, text: str | None, known: Collection[str]) -> list[str]:
    names = [part.strip() for part in (text or "").split(",") if part.strip()]
    for name in names:
        if name not in known:
            raise StudyError(unknown(what, name, sorted(known)))
    return names
