"""Pictures of what hardware costs: the error against a number that was varied, or one bar a device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from onlinernn.plots import COLOURS, DASHES, GREY, SIZE

# Seven colours, six dashes and five markers: what looks the same comes after 210 others.
METHODS, MARKERS = (*COLOURS, "black"), "os^Dv"


def save_sweep(
    path: str | PathLike[str],
    title: str,
    varied: str,
    values: Sequence[float],
    panels: Mapping[str, Mapping[str, Sequence[Sequence[float]]]],
    floors: Mapping[str, float],
) -> None:
    """Draw errors against what was varied, whose values stand at even distances: the median, and the range of seeds.

    Parameters
    ----------
    path : path
        The PNG file.
    title, varied : str
        What was done, and what was varied with its unit.
    values : sequence of float
        The values of what was varied.
    panels : mapping
        For each panel its methods, which look the same in all of them: one row a value, one column a seed.
    floors : mapping
        Labelled horizontal lines.
    """
    figure = Figure(figsize=(SIZE[0], 0.75 * SIZE[1]), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    upper, lower = figure.subfigures(2, 1, height_ratios=(1, 0.16), squeeze=False)[:, 0]
    upper.suptitle(title, fontsize=11)
    labels, handles = list(dict.fromkeys(label for lines in panels.values() for label in lines)), {}
    row = upper.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (name, lines) in zip(row, panels.items(), strict=True):
        for number, label in enumerate(labels):
            if label in lines:
                aside = 0.5 * ((number + 0.5) / len(labels) - 0.5)  # equal errors are seen beside each other
                handles[label] = _line(axes, np.arange(len(values)) + aside, np.asarray(lines[label], float), number)
        for number, (label, height) in enumerate(floors.items()):
            handles[label] = axes.axhline(height, color=GREY, lw=1.2, ls=DASHES[(number + 1) % len(DASHES)], zorder=1)
        axes.set_yscale("log")
        axes.set_xticks(range(len(values)), [f"{value:g}" for value in values])
        axes.set_title(name, fontsize=9)
        axes.grid(which="major", axis="y", lw=0.3, alpha=0.6)
    upper.supxlabel(varied, fontsize=10)
    upper.supylabel("frozen test NMSE (1 = training mean)", fontsize=10)
    lower.legend(list(handles.values()), list(handles), loc="center", ncols=3, fontsize=8)
    figure.savefig(path, format="png")


def _line(axes: Axes, places: Any, rows: Any, number: int) -> Any:
    """Draw a method, and return what shows it in a legend."""
    colour, dash = METHODS[number % len(METHODS)], DASHES[number % len(DASHES)]
    axes.vlines(places, rows.min(axis=1), rows.max(axis=1), color=colour, lw=1.2)
    middle, marker = np.median(rows, axis=1), MARKERS[number % len(MARKERS)]
    return axes.plot(places, middle, color=colour, ls=dash, lw=1.2, marker=marker, ms=4)[0]


def save_devices(
    path: str | PathLike[str],
    title: str,
    errors: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    floors: Mapping[str, float],
    scored: str,
    *,
    shares: bool = False,
) -> None:
    """Draw for each device the errors of the learner and of the frozen network on it.

    Parameters
    ----------
    path : path
        The PNG file.
    title, scored : str
        What was done, and what the error is.
    errors : mapping
        By device the errors of the seeds: of the learner, and of the frozen network.
    floors : mapping
        Labelled vertical lines.
    shares : bool
        Whether the errors are shares, of which 0 is one: their axis begins there. It is not logarithmic, as it is for
        other errors that reach over a decade.
    """
    figure = Figure(figsize=(SIZE[0], 1.6 + 0.28 * len(errors)), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for shift, which, label, marker in ((-0.12, 0, "learner", "o"), (0.12, 1, "frozen network", "D")):
        for number, both in enumerate(errors.values()):
            seeds = np.asarray(both[which], float)
            axes.plot([seeds.min(), seeds.max()], [number + shift] * 2, color=COLOURS[which], lw=1.2)
            name = label if number == 0 else None
            axes.plot(np.median(seeds), number + shift, marker, color=COLOURS[which], ms=5, label=name, clip_on=False)
    for number, (label, value) in enumerate(floors.items()):
        axes.axvline(value, color=GREY, lw=1.2, ls=DASHES[(number + 1) % len(DASHES)], label=label, zorder=1)
    shown = [*floors.values(), *(seed for both in errors.values() for seeds in both for seed in seeds)]
    narrow = shares or max(shown) < 10 * min(shown)
    axes.set(xlabel=scored, xscale="linear" if narrow else "log")
    axes.set_title(title, fontsize=11)
    if shares:
        axes.set_xlim(left=0.0)
    axes.set_yticks(range(len(errors)), list(errors))
    axes.invert_yaxis()
    axes.grid(which="major", axis="x", lw=0.3, alpha=0.6)
    figure.legend(loc="outside lower center", ncols=5, fontsize=8)
    figure.savefig(path, format="png")
