"""The table of a run, and a sentence below it that says what it shows."""

from __future__ import annotations

import math
import statistics
import textwrap
from collections.abc import Mapping, Sequence

from onlinernn.cli_output import short, table
from onlinernn.scores import SCORES, Row, median_and_spread

LEVEL = 0.05
"""Medians that differ by less than this share are called level, and so is what one seed of several says otherwise."""


def results_table(rows: Sequence[Row], labels: Mapping[str, str]) -> str:
    """Return the table: a line for each method, medians over its seeds with their extremes.

    Parameters
    ----------
    rows : sequence of dict
        One for each method and seed.
    labels : mapping of str to str
        What to call each method.
    """
    summaries = median_and_spread(rows, (*SCORES, "samples", "bytes"))
    with_accuracy = any(one["accuracy"] is not None for one in summaries)
    header = ["method", "frozen test NMSE", "prequential NMSE", *(["accuracy"] if with_accuracy else [])]
    lines = []
    for one in summaries:
        diverged = [row for row in rows if row["method"] == one["method"] and row.get("diverged_at_step") is not None]
        cells = [labels.get(one["method"], one["method"]), _spread(one, "nmse_test"), _spread(one, "nmse_prequential")]
        if diverged:
            count = f"{len(diverged)} of {one['seeds']} " if one["seeds"] > 1 else ""
            note = f"{count}diverged at step {min(row['diverged_at_step'] for row in diverged)}"
            cells[1] = note if len(diverged) == one["seeds"] else f"{cells[1]}, {note}"
        cells += [_spread(one, "accuracy")] if with_accuracy else []
        held = one["bytes"]
        taught = one["samples"]
        cells += ["-" if taught is None else f"{taught / 1000:,.4g}"]
        cells += [short(one["seconds"]), short(one["us_per_step"]), "-" if held is None else f"{held:,.0f}"]
        lines.append(cells)
    return table([*header, "samples/1000", "seconds", "us/step", "bytes"], lines)


def verdict(rows: Sequence[Row], labels: Mapping[str, str]) -> str:
    """Return what the table shows of the rule, which is the method of the first row, against every other method.

    Parameters
    ----------
    rows : sequence of dict
        One for each method and seed.
    labels : mapping of str to str
        What to call each method.

    Examples
    --------
    >>> rows = [dict(method=m, seed=s, nmse_test=x + s) for m, x in (("anp", 2), ("frozen", 4)) for s in (0, 1)]
    >>> print(verdict(rows, {"anp": "ANP"}))
    ANP has a frozen-test NMSE of 2.5 (median of 2 seeds).
    Training A and R paid: the error is 0.556 times that of the frozen reservoir, lower in 2 of 2 seeds.
    """
    rule = str(rows[0]["method"])
    errors, label = _errors(rows, rule), labels.get(rule, rule)
    if not errors:
        return f"{label} has no score in any seed: lower its learning rates or its sigma, or set --resync."
    seeds = f"median of {len(errors)} seeds" if len(errors) > 1 else "of one seed, which says little"
    lines = [f"{label} has a frozen-test NMSE of {short(statistics.median(errors.values()))} ({seeds})."]
    groups: dict[str, list[str]] = {"Better than": [], "Level with": [], "Worse than": [], "Not compared with": []}
    for method in dict.fromkeys(str(one["method"]) for one in rows if one["method"] != rule):
        compared, name = _compared(rows, method), labels.get(method, method)
        if not compared:
            groups["Not compared with"].append(f"{name} (no score)")
            continue
        mine, theirs, wins, seeds_of_both = compared
        word = _word(*compared)
        times = short(mine / theirs) if theirs > 0 else "infinitely many"
        if method == "frozen":
            lines.append(
                f"{_MEANING[word]}: the error is {times} times that of the frozen reservoir, "
                f"lower in {wins} of {seeds_of_both} seed{'s' * (seeds_of_both > 1)}."
            )
        else:
            groups[word].append(f"{name} (x {times})")
    lines += [f"{word} {', '.join(names)}." for word, names in groups.items() if names]
    if any(groups[word] for word in _MEANING):
        lines.append(f"(x: the error of {label} divided by theirs)")
    return "\n".join(textwrap.fill(line, 118, subsequent_indent="  ") for line in lines)


def standing(rows: Sequence[Row], method: str) -> str:
    """Return how the rule, which is the method of the first row, stands to another one, or nothing without scores.

    Parameters
    ----------
    rows : sequence of dict
        As for :func:`verdict`.
    method : str
        The other.

    Examples
    --------
    >>> rows = [dict(method=m, seed=s, nmse_test=x + s) for m, x in (("anp", 2), ("frozen", 4)) for s in (0, 1)]
    >>> standing(rows, "frozen"), standing(rows[::-1], "anp"), standing(rows, "float")
    ('Better than', 'Worse than', '')
    """
    compared = _compared(rows, method)
    return _word(*compared) if compared else ""


_MEANING = {
    "Better than": "Training A and R paid",
    "Level with": "Training A and R gained nothing that can be seen",
    "Worse than": "Training A and R did harm",
}


def _errors(rows: Sequence[Row], method: str) -> dict[int, float]:
    return {
        row["seed"]: row["nmse_test"] for row in rows if row["method"] == method and row.get("nmse_test") is not None
    }


def _compared(rows: Sequence[Row], method: str) -> tuple[float, float, int, int] | None:
    """Return the rule's median error, that of a method, and in how many seeds of how many the rule is better."""
    errors, other = _errors(rows, str(rows[0]["method"])), _errors(rows, method)
    shared = sorted(errors.keys() & other.keys())
    if not shared:
        return None
    mine, theirs = (statistics.median(values[seed] for seed in shared) for values in (errors, other))
    return mine, theirs, sum(errors[seed] < other[seed] for seed in shared), len(shared)


def _word(mine: float, theirs: float, wins: int, seeds: int) -> str:
    if mine < theirs * (1.0 - LEVEL) and wins == seeds:
        return "Better than"
    if mine > theirs * (1.0 + LEVEL) and wins == 0:
        return "Worse than"
    return "Level with"


def _spread(summary: Row, key: str) -> str:
    low, middle, high = (summary[name] for name in (f"{key}_min", key, f"{key}_max"))
    if middle is None or not math.isfinite(middle):
        return "-"
    if summary[f"{key}_seeds"] < 2 or short(low) == short(high):
        return short(middle)
    return f"{short(middle)} [{short(low)}..{short(high)}]"
