"""``onlinernn results``: list, filter, export and draw what a study has finished, without computing anything."""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from onlinernn.checkpoint import write_atomically
from onlinernn.cli_output import UsageError, check_writable, refusing, short, table
from onlinernn.errors import unknown
from onlinernn.studies import figures as paper
from onlinernn.studies.draw import draw_figure
from onlinernn.studies.pages import write_index, write_page
from onlinernn.studies.panels import Figure, result, spread
from onlinernn.studies.scales import SCALES
from onlinernn.studies.store import DEFAULT, Kept, Store

DESCRIPTION = """\
List the finished trials of a results file (as onlinernn reproduce writes it), export them as CSV, and draw figures
again. Nothing is computed. Only trials of one version of the code are used, the latest in the file by default.
"""
EPILOG = """\
examples:
  onlinernn results                                     what there is, seeds together
  onlinernn results --figure fig4 --method ANP,BPTT-Adam
  onlinernn results --csv trials.csv                    one row a trial
  onlinernn results --figure fig4,fig7 --draw pictures  the pictures again
  onlinernn results --pages docs/results                the pages; what stands above their mark is kept
"""
ALL = "all"


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _seeds(text: str) -> list[int]:
    try:
        return [int(part) for part in _list(text)]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of seeds, as 0,1,2") from None


def add_parser(subparsers: Any) -> None:
    """Declare the command.

    Parameters
    ----------
    subparsers
        Of the tool's parser.
    """
    parser = subparsers.add_parser(
        "results",
        help="list, export and draw what reproduce has finished",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("file", nargs="?", type=Path, default=Path(DEFAULT), metavar="FILE", help=f"results file ({DEFAULT})")
    add("--figure", type=_list, default=[], metavar="NAME,...", help="trials of these figures (all there are)")
    add("--scale", choices=list(SCALES), default="standard", help="which trials a figure has (standard)")
    add("--method", type=_list, default=[], metavar="NAME,...", help="trials of these methods (all)")
    add("--seed", type=_seeds, default=[], metavar="N,...", help="trials of these seeds (all)")
    add("--code", metavar="VERSION", help=f"trials of this version of the code, or {ALL} (the latest in the file)")
    add("--csv", type=Path, metavar="FILE", help="write one row a trial here")
    add("--draw", type=Path, metavar="FOLDER", help="draw the figures into this folder")
    add("--pages", type=Path, metavar="FOLDER", help="write a page and a picture for each figure into this folder")
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
        If it cannot be done.
    """
    with refusing():
        figures = paper.chosen(args.figure or ["all"])
    if args.csv is not None:
        check_writable(args.csv)
    with refusing(), Store(args.file, create=False) as store:
        kept = _chosen(store, args)
        failures = store.failures()
    if args.figure:
        wanted = {trial.text for figure in figures for trial in figure.trials(args.scale)}
        kept = [one for one in kept if one.trial.text in wanted]
    with refusing():
        for folder in (args.draw, args.pages):
            if folder is not None:
                _write_figures(folder, figures, args.scale, kept, pages=folder is args.pages, named=bool(args.figure))
        if args.csv is not None:
            write_atomically(args.csv, rows_of_csv(kept).encode())
    if args.draw is args.pages is args.csv is None:
        sys.stdout.write(_report(args.file, kept, [message for _, message in failures]))
    return 0


def _chosen(store: Store, args: argparse.Namespace) -> list[Kept]:
    """Return the trials that the options ask for; of one that several versions finished, the last."""
    codes = store.codes()
    code = args.code or (codes[-1] if codes else ALL)
    if code not in (ALL, *codes):
        raise UsageError(unknown("version of the code", code, (*codes, ALL)))
    kept = store.trials(None if code == ALL else code)
    methods = {one.trial.method for one in kept}
    if strange := [name for name in args.method if name not in methods]:
        raise UsageError(unknown("method", strange[0], sorted(methods)))
    return [
        one
        for one in kept
        if (not args.method or one.trial.method in args.method) and (not args.seed or one.trial.seed in args.seed)
    ]


def _write_figures(
    folder: Path, figures: Sequence[Figure], scale: str, kept: Sequence[Kept], *, pages: bool, named: bool
) -> None:
    """Draw each figure of which something is finished; one that was named must have something."""
    latest = {one.trial.text: one for one in kept}
    written = []
    for figure in figures:
        trials = {trial.text: trial for trial in figure.trials(scale)}
        finished = [latest[text] for text in trials if text in latest]
        if not finished and named:
            raise UsageError(
                f"no trial of {figure.name} at {scale} scale fits: name another --scale or --code, or compute it: "
                f"onlinernn reproduce {figure.name} --scale {scale}"
            )
        if not finished:
            continue
        folder.mkdir(parents=True, exist_ok=True)
        if pages:
            write_page(folder, figure, scale, finished, len(trials))
        else:
            draw_figure(figure, finished, folder / f"{figure.name}.png", f"{scale} scale")
        written.append(figure.name)
        short_of = f", {len(finished)} of {len(trials)} trials" if len(finished) < len(trials) else ""
        sys.stdout.write(f"{folder / figure.name}.{'md' if pages else 'png'}{short_of}\n")
    if not written:
        raise UsageError(f"nothing of any figure at {scale} scale is finished: name another --scale or --code")
    if pages:
        write_index(folder, paper.FIGURES)


def _report(path: Path, kept: Sequence[Kept], failures: Sequence[str]) -> str:
    groups: dict[str, list[Kept]] = {}
    for one in kept:
        groups.setdefault(f"{one.code} {replace(one.trial, seed=0).text}", []).append(one)
    rows = []
    for group in groups.values():
        trial, score = group[0].trial, spread(group)
        scores = f"{short(score.median)} [{short(score.least)}..{short(score.most)}]" if score.values else "-"
        hidden = str(trial.numbers.get("hidden", "-"))
        unstable = str(score.unstable or "-")
        seconds = short(spread(group, "seconds").median)
        rows.append([trial.label.rpartition(", seed")[0], hidden, str(len(group)), scores, unstable, seconds])
    header = ["trials", "hidden", "seeds", "score, median [least..most]", "unstable", "seconds"]
    codes = ", ".join(dict.fromkeys(one.code for one in kept))
    text = f"{table(header, rows)}\n\n{len(kept)} finished trials of {path}, by {codes}.\n" if kept else ""
    text = text or f"No finished trial of {path} fits.\n"
    return text + "".join(f"failed when last tried: {message}\n" for message in failures)


def rows_of_csv(kept: Iterable[Kept]) -> str:
    """Return the trials as CSV: one row a trial; lists, as learning curves, are JSON in their cell.

    Parameters
    ----------
    kept : iterable of Kept
        The trials.
    """
    rows = []
    for one in kept:
        row: dict[str, Any] = {"kind": one.trial.kind, "method": one.trial.method, "seed": one.trial.seed}
        row |= {"code": one.code, "finished": one.finished}
        row |= {f"task.{name}": what for name, what in one.trial.task.items()}
        row |= {f"given.{name}": what for name, what in one.trial.numbers.items()}
        row |= dict(one.outcome.get("numbers", {}))
        row |= {name: result(one, name) for name in one.outcome.get("measured", {})}
        rows.append({name: json.dumps(what) if isinstance(what, (list, dict)) else what for name, what in row.items()})
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
