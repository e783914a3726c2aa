"""Pictures of what hardware costs: the error against a number that was varied, or one bar a device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from onlinernn.plots import COLOURS, DASHES, GREY, SIZE


def save_sweep(
    path: str | PathLike[str],
    title: str,
    varied: str,
    values: Sequence[float],
    errors: Mapping[str, Sequence[Sequence[float]]],
    floors: Mapping[str, float],
    scored: str = "frozen test NMSE (1 = training mean)",
    *,
    even: bool = False,
) -> None:
    """Draw errors against what was varied: the median over seeds, and their whole range.

    Parameters
    ----------
    path : path
        The PNG file.
    title, varied, scored : str
        What was done, what was varied with its unit, and what the error is.
    values : sequence of float
        The values of what was varied.
    errors : mapping
        For each method one row a value, one column a seed.
    floors : mapping
        Labelled horizontal lines.
    even : bool
        Whether the values stand at even distances, as they may where they grow by factors from 0 on.
    """
    figure = Figure(figsize=(SIZE[0], 0.65 * SIZE[1]), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    places = np.arange(len(values)) if even else np.asarray(values, float)
    for number, (label, of_method) in enumerate(errors.items()):
        rows = np.asarray(of_method, float)
        colour = COLOURS[number % len(COLOURS)]
        middle = np.median(rows, axis=1)
        axes.plot(places, middle, color=colour, ls=DASHES[number % len(DASHES)], lw=1.8, marker="o", ms=4, label=label)
        axes.fill_between(places, rows.min(axis=1), rows.max(axis=1), color=colour, alpha=0.15, lw=0)
    for label, height in floors.items():
        axes.axhline(height, color=GREY, lw=1.0, ls=(0, (1, 1)))
        axes.text(0.01, height, label, color=GREY, fontsize=8, va="bottom", transform=axes.get_yaxis_transform())
    axes.set(xlabel=varied, ylabel=scored, title=title, yscale="log")
    axes.set_xticks(places, [f"{value:g}" for value in values])
    axes.grid(which="major", lw=0.3, alpha=0.6)
    axes.legend(fontsize=8)
    figure.savefig(path, format="png")


def save_devices(
    path: str | PathLike[str],
    title: str,
    errors: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    floors: Mapping[str, float],
    scored: str,
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
    """
    figure = Figure(figsize=(SIZE[0], 1.2 + 0.28 * len(errors)), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for shift, which, label, marker in ((-0.12, 0, "learner", "o"), (0.12, 1, "frozen network", "D")):
        for number, both in enumerate(errors.values()):
            seeds = np.asarray(both[which], float)
            axes.plot([seeds.min(), seeds.max()], [number + shift] * 2, color=COLOURS[which], lw=1.2)
            name = label if number == 0 else None
            axes.plot(np.median(seeds), number + shift, marker, color=COLOURS[which], ms=5, label=name)
    for number, (label, value) in enumerate(floors.items()):
        axes.axvline(value, color=GREY, lw=1.0, ls=DASHES[(number + 1) % len(DASHES)], label=label)
    axes.set(xlabel=scored, title=title, xscale="symlog" if any(min(a) <= 0 for a, _ in errors.values()) else "log")
    axes.set_yticks(range(len(errors)), list(errors))
    axes.invert_yaxis()
    axes.grid(which="major", axis="x", lw=0.3, alpha=0.6)
    axes.legend(fontsize=8)
    figure.savefig(path, format="png")
