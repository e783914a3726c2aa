"""The pages of results: picture, command, sizes, time and tables of each figure; the verdict above them is kept."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from onlinernn.checkpoint import write_atomically
from onlinernn.progress import duration
from onlinernn.studies.draw import draw_figure
from onlinernn.studies.panels import Against, Figure, Finals, Series, Spread, result, shown, spread, spread_over, value
from onlinernn.studies.store import Kept

MARK = "<!-- All below is written by `onlinernn results --pages`; what stands above is kept. -->"
_VERDICT = "Not yet judged."


def write_page(folder: Path, figure: Figure, scale: str, kept: Sequence[Kept], total: int) -> None:
    """Write the page of a figure and its picture; nothing is computed.

    Parameters
    ----------
    folder : Path
        Where to; it exists.
    figure : Figure
        Which.
    scale : str
        At which scale.
    kept : sequence of Kept
        Its finished trials.
    total : int
        How many trials it has in all.
    """
    draw_figure(figure, kept, folder / f"{figure.name}.png", f"{scale} scale")
    codes = ", ".join(f"`{code}`" for code in dict.fromkeys(one.code for one in kept))
    seconds = sum(result(one, "seconds") or 0.0 for one in kept)
    weather = any(one.trial.task.get("name") == "weather" for one in kept)
    lines = [
        f"![{figure.title}]({figure.name}.png)",
        "",
        "```",
        f"onlinernn reproduce {figure.name} --scale {scale}{' --csv WTH.csv' if weather else ''}",
        "```",
        "",
        f"{len(kept)} of {total} trials are finished; training alone took them {duration(seconds)} together, each "
        f"in one process with one thread. Computed by {codes}.",
        "",
        f"Sizes: {_sizes(kept)}.",
        "",
        "Mean, median and range are those of the stable seeds; unstable ones are counted.",
        *(line for panel in figure.panels for line in _table(panel, *shown(panel, kept))),
    ]
    _keep_above(
        folder / f"{figure.name}.md", f"# {figure.name}: {figure.title}\n\n{figure.question}\n\n{_VERDICT}", lines
    )


def write_index(folder: Path, figures: Sequence[Figure]) -> None:
    """Write the list of the pages that there are.

    Parameters
    ----------
    folder : Path
        Where the pages are.
    figures : sequence of Figure
        All figures.
    """
    there = [one for one in figures if (folder / f"{one.name}.md").exists()]
    rows = [f"| [{one.name}]({one.name}.md) | {one.title} | {one.question} |" for one in there]
    _keep_above(folder / "index.md", "# Results", ["| page | shows | question |", "|---|---|---|", *rows])


def _keep_above(path: Path, first: str, lines: Sequence[str]) -> None:
    """Replace what stands below the mark; a page that has none yet begins with `first`."""
    above = path.read_text(encoding="utf-8").split(MARK)[0].rstrip() if path.exists() else first
    write_atomically(path, f"{above}\n\n{MARK}\n\n{chr(10).join(lines).rstrip()}\n".encode())


def _sizes(kept: Sequence[Kept]) -> str:
    """Return the whole numbers that trials were given; what is no whole number is a rate."""
    found: dict[str, set[int]] = {}
    for one in kept:
        for name, number in {**one.trial.task, **one.trial.numbers}.items():
            if isinstance(number, int) and not isinstance(number, bool):
                found.setdefault(name, set()).add(number)
    sizes = "; ".join(f"{name} {', '.join(map(str, sorted(of)))}" for name, of in found.items())
    return f"{len({one.trial.seed for one in kept})} seeds" + (f"; {sizes}" if sizes else "")


@functools.singledispatch
def _table(_panel: Any, _methods: dict[str, list[Kept]], _floors: dict[str, list[Kept]]) -> list[str]:
    return []  # of learning curves the picture says it all


@_table.register
def _(panel: Finals, methods: dict[str, list[Kept]], floors: dict[str, list[Kept]]) -> list[str]:
    rows = [
        (name, *_numbers(spread(kept)), _unstable(spread(kept)), short(spread(kept, "seconds").median))
        for name, kept in {**methods, **{f"{floor} (floor)": kept for floor, kept in floors.items()}}.items()
    ]
    header = ("method", "mean", "median", "least", "most", "unstable", "seconds, median")
    return _lay_out(f"{panel.title}: {panel.score}", header, rows)


@_table.register
def _(panel: Against, methods: dict[str, list[Kept]], floors: dict[str, list[Kept]]) -> list[str]:
    points = {value(one.trial, panel.x) for kept in methods.values() for one in kept} - {None}
    rows = []
    for name, kept in methods.items():
        at = [spread([one for one in kept if value(one.trial, panel.x) == x], panel.y) for x in sorted(points)]
        rows.append((name, *map(_cell, at)))
    if panel.y == "score":
        rows += [(f"{name} (floor)", *[_cell(spread(kept))] * len(points)) for name, kept in floors.items()]
    header = (panel.x_label, *(f"{x:g}" for x in sorted(points)))
    return _lay_out(f"{panel.title}: {panel.y_label}, mean [least..most]", header, rows)


@_table.register
def _(panel: Series, methods: dict[str, list[Kept]], _floors: dict[str, list[Kept]]) -> list[str]:
    rows = []
    for name, kept in methods.items():
        samples, points = spread_over(kept, panel.series)
        if samples:
            ends = f"{samples[0]:g}..{samples[-1]:g}"
            rows.append((name, ends, _cell(points[0]), _cell(points[-1]), _unstable(points[-1])))
    header = ("method", "samples", "first", "last", "unstable")
    return _lay_out(f"{panel.title}: {panel.y_label}, mean [least..most]", header, rows)


def _lay_out(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return ["", f"{title}:", "", *(f"| {' | '.join(line)} |" for line in lines)]


def _numbers(one: Spread) -> tuple[str, ...]:
    return tuple(short(number) for number in (one.mean, one.median, one.least, one.most))


def _unstable(one: Spread) -> str:
    return f"{one.unstable} of {one.runs}" if one.unstable else "-"


def _cell(one: Spread) -> str:
    if not one.values:
        return f"{_unstable(one)} unstable" if one.unstable else "-"
    text = short(one.mean)
    if len(one.values) > 1:
        text += f" [{short(one.least)}..{short(one.most)}]"
    return text + (f", {_unstable(one)} unstable" if one.unstable else "")


def short(number: float) -> str:
    """Return a number in three digits, and a dash for NaN.

    Parameters
    ----------
    number : float
        Any number.

    Examples
    --------
    >>> short(0.04821), short(12345.0), short(float("nan"))
    ('0.0482', '1.23e+04', '-')
    """
    return "-" if number != number else f"{number:.3g}"
