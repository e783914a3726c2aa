"""What a run leaves: the table and what it shows, the JSON file, the picture."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from onlinernn.accounts import warnings
from onlinernn.cli_jobs import shown_rows
from onlinernn.cli_options import Plan, leak_warning
from onlinernn.cli_output import versions, write_json
from onlinernn.cli_table import results_table, standing, verdict
from onlinernn.controls import learner, rule_name
from onlinernn.plots import Curve, Window, save_picture
from onlinernn.scores import Row, median_and_spread
from onlinernn.substrate_file import find
from onlinernn.substrates import Preset
from onlinernn.tasks import CopyMemory, CsvTask


def report(
    args: argparse.Namespace,
    plan: Plan,
    rows: list[Row],
    labels: dict[str, str],
    outcomes: dict[str, list[dict[str, Any]]],
    out: Path,
) -> None:
    """Print the table and what it shows, and write the JSON file and the picture.

    Parameters
    ----------
    args : Namespace
        As parsed.
    plan : Plan
        What they amount to.
    rows : list of dict
        One for each method and seed, the rule's first.
    labels : dict of str to str
        What to call each method.
    outcomes : dict
        By trained method, what the journal holds of each seed.
    out : path
        The folder.
    """
    title = _title(plan)
    lines = [title, "", results_table(rows, labels), "", verdict(rows, labels), *leak_warning(plan.task, plan.honest)]
    if plan.settings.substrate:
        lines += _substrate_warnings(labels, outcomes) + what_helps(find(plan.settings.substrate), rows)
    made = learner(plan.task, plan.settings, plan.seeds[0])
    facts = {
        "summary": median_and_spread(rows),
        "curves": [
            {"method": method, "seed": outcome["row"]["seed"], "nmse_test_by_epoch": outcome.get("curve")}
            for method, of_method in outcomes.items()
            for outcome in of_method
        ],
        "reports": [
            {"method": method, "seed": outcome["row"]["seed"], **outcome["report"]}
            for method, of_method in outcomes.items()
            for outcome in of_method
            if "report" in outcome
        ],
        "arguments": {name: value for name, value in vars(args).items() if name != "main"},
        "settings": plan.identity,
        "seeds": plan.seeds,
        "parts": {name: repr(getattr(made.spec, name)) for name in ("rule", "cell", "loss", "decorrelation")},
        "data": plan.honest.gaps.describe() if isinstance(plan.honest, CsvTask) else None,
        "versions": versions(),
        "verdict": verdict(rows, labels),
    }
    for path in (out / "result.json", *([] if args.json is None else [args.json])):
        write_json(path, "run", rows, **facts)
    written = [str(out / "result.json")]
    shown = next(iter(outcomes.values()))[0]
    if not args.no_plot and "window" in shown:
        _picture(plan, title, labels, rows, outcomes, shown, out / "picture.png")
        written.append(str(out / "picture.png"))
    data = [f"data: {plan.honest.gaps.describe()}"] if isinstance(plan.honest, CsvTask) else []
    sys.stdout.write("\n".join([*lines, "", *data, f"written: {', '.join(written)}"]) + "\n")


def _substrate_warnings(labels: dict[str, str], outcomes: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Return what the substrate's counters warn of: a line for each warning that a method gives, all seeds together."""
    found: dict[str, str] = {}
    for method, of_method in outcomes.items():
        counters: Counter[str] = Counter()
        for outcome in of_method:
            counters.update(outcome.get("report", {}))
        for line in warnings(counters):
            found.setdefault(line, f"warning ({labels[method]}): {line}")
    return ["", *found.values()] if found else []


def what_helps(found: Preset, rows: list[Row]) -> list[str]:
    """Return what is known of a preset, and what helps where the hidden layer had better not learn on it.

    Where the same learner in floating point is no better, the hardware is not to blame.

    Parameters
    ----------
    found : Preset
        The hardware.
    rows : list of dict
        One for each method and seed, the rule's first.
    """
    lines = [f"{found.name}: {found.note}"] if found.note else []
    scored = {row["method"] for row in rows if row["nmse_test"] is not None}
    broken = rows[0]["method"] not in scored
    if broken or standing(rows, "frozen") in ("Level with", "Worse than"):
        hardware = "float" in scored and (broken or standing(rows, "float") == "Worse than")
        lines.append(
            "What helps where learning does not pay: more bits in the store than are read (as int8_wide has), smaller "
            "pulses, quieter writes; or A and R frozen (--lr-hidden 0). docs/substrates.md has figures: What helps."
            if hardware
            else "Floating point is not clearly better here: look at the rule, its rates (--sigma, --lr-hidden), the "
            "passes (--epochs) and the task before the hardware."
        )
    return ["", *(textwrap.fill(line, 118, subsequent_indent="  ") for line in lines)] if lines else []


def _picture(
    plan: Plan,
    title: str,
    labels: dict[str, str],
    rows: list[Row],
    outcomes: dict[str, list[dict[str, Any]]],
    shown: dict[str, Any],
    path: Path,
) -> None:
    seed = plan.seeds[0]
    epoch = len(plan.task.train(seed, 0))
    where = shown_rows(plan)
    window = Window(
        where.start, plan.task.test(seed).targets[where], *(np.array(shown["window"][k]) for k in ("before", "after"))
    )
    curves = []
    for method, of_method in outcomes.items():
        of_seeds = np.array([outcome["curve"] for outcome in of_method if "curve" in outcome])
        if len(of_seeds):  # one point before training and one after each epoch of the method's own
            curves.append(Curve(labels[method], epoch * np.arange(float(of_seeds.shape[1])), of_seeds))
    floors = {
        labels[one["method"]]: float(one["nmse_test"])
        for one in median_and_spread(rows, ["nmse_test"])
        if one["method"] not in outcomes and one["nmse_test"] is not None
    }
    weather = isinstance(plan.honest, CsvTask)
    save_picture(
        path,
        title,
        window,
        curves,
        floors,
        time_unit="row" if weather else "time step",
        target_unit=f"{plan.honest.target}, standardised"
        if isinstance(plan.honest, CsvTask)
        else "target (squashed x)",
    )


def _title(plan: Plan) -> str:
    task, settings = plan.task, plan.settings
    horizon = getattr(task, "horizon", None)
    what = f"{task.name}, {_steps(abs(horizon))} {'ahead' if horizon > 0 else 'back'}" if horizon else task.name
    if isinstance(plan.honest, CopyMemory):
        what = f"{task.name}, {plan.honest.length} symbols, pause {plan.honest.delay}"
    decorrelated = f", decorrelation {settings.decorrelation:g}" if settings.decorrelation else ""
    rule = rule_name(settings) if settings.by_preset else settings.rule.upper() + decorrelated
    rule += f" on {settings.substrate}" if settings.substrate else ""
    return (
        f"{what}: {rule}, {settings.hidden} units, {settings.epochs} epoch{'s' * (settings.epochs > 1)}, "
        f"targets {_steps(task.target_delay)} late, {settings.dtype}"
    )


def _steps(count: int) -> str:
    return f"{count} step" if count == 1 else f"{count} steps"
