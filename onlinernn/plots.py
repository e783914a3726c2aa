"""Pictures: what a run predicted before and after training, and learning curves against floors, samples and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import blended_transform_factory

from onlinernn.tasks.stream import Floats

# Okabe and Ito's colours, told apart by every kind of colour vision; dashes tell the same apart in print.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")
DASHES: tuple[Any, ...] = ("-", (0, (6, 2)), "-.", (0, (3, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 3)))
GREY = "#666666"
SIZE = (7.5, 7.0)
"""Inches; at page width the letters keep their size."""


@dataclass(frozen=True, eq=False)
class Window:
    """A stretch of the test stream.

    Attributes
    ----------
    first : int
        The row of the test stream at which it begins.
    target, before, after : array, shape (T, m)
        The targets, and the predictions before and after training.
    """

    first: int
    target: Floats
    before: Floats
    after: Floats


@dataclass(frozen=True, eq=False)
class Curve:
    """The learning curve of one method.

    Attributes
    ----------
    label : str
        The method.
    samples : array, shape (k,)
        Training steps done.
    nmse : array, shape (seeds, k)
        Frozen test NMSE after as many.
    seconds : array, shape (k,), optional
        Time spent on as many.
    """

    label: str
    samples: Floats
    nmse: Floats
    seconds: Floats | None = None


def save_picture(
    path: str | PathLike[str],
    title: str,
    window: Window,
    curves: Sequence[Curve],
    floors: Mapping[str, float],
    *,
    time_unit: str = "time step",
    target_unit: str = "target",
) -> None:
    """Draw a run and write it to a PNG file.

    Parameters
    ----------
    path : path
        The file.
    title : str
        What was run.
    window : Window
        What to show of the predictions: lines where there is one output, else one strip each for target, before, after.
    curves : sequence of Curve
        The first is the rule's.
    floors : mapping of str to float
        Frozen test NMSE of what needs no training, by label.
    time_unit, target_unit : str
        For the axes.
    """
    figure = Figure(figsize=SIZE, dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11)
    top, bottom = figure.subfigures(2, 1, height_ratios=(1, 1.15), squeeze=False)[:, 0]
    if window.target.shape[1] == 1:
        _lines(top.subplots(), window, time_unit, target_unit)
    else:
        _strips(top.subplots(3, 1, sharex=True), window, time_unit)
    _learning(bottom.subplots(), curves, floors)
    figure.savefig(path, format="png")


def save_race(path: str | PathLike[str], title: str, curves: Sequence[Curve]) -> None:
    """Draw the error against the time and against the samples that it took, and write it to a PNG file.

    Parameters
    ----------
    path : path
        The file.
    title : str
        What was run.
    curves : sequence of Curve
        With their seconds; the time axis is logarithmic.

    Raises
    ------
    ValueError
        If a curve has no seconds.
    """
    if missing := [curve.label for curve in curves if curve.seconds is None]:
        raise ValueError(f"the curve of {missing[0]} has no seconds to be drawn against")
    figure = Figure(figsize=(SIZE[0], 0.55 * SIZE[1]), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11)
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, against in ((left, "seconds"), (right, "samples")):
        for number, curve in enumerate(curves):
            colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
            x = getattr(curve, against) / (1.0 if against == "seconds" else 1000.0)
            axes.plot(x, np.median(curve.nmse, axis=0), color=colour, ls=dash, lw=1.8, marker="o", ms=2.5)
            axes.fill_between(x, curve.nmse.min(axis=0), curve.nmse.max(axis=0), color=colour, alpha=0.15, lw=0)
        axes.grid(which="major", lw=0.3, alpha=0.6)
    left.set(xscale="log", yscale="log", xlabel="seconds of training", ylabel="frozen test NMSE (1 = training mean)")
    right.set(xlabel="training samples (thousands)", xlim=(0.0, None))
    for axis in (left.xaxis, left.yaxis):
        axis.set_major_formatter(_plain_number)
        axis.set_minor_formatter("")
    ends = [(float(np.median(curve.nmse[:, -1])), curve.label) for curve in curves]
    label_at_the_right(right, [(end, name, COLOURS[k % len(COLOURS)]) for k, (end, name) in enumerate(ends)])
    figure.savefig(path, format="png")


def _lines(axes: Axes, window: Window, time_unit: str, target_unit: str) -> None:
    rows = window.first + np.arange(len(window.target))
    axes.plot(rows, window.target[:, 0], color="black", lw=2.2, alpha=0.85, label="target")
    axes.plot(rows, window.before[:, 0], color=GREY, lw=1.2, ls=(0, (1, 1)), label="before training")
    axes.plot(rows, window.after[:, 0], color=COLOURS[4], lw=1.4, label="after training")
    # The scale is the target's: a prediction that leaves it is cut off, not allowed to flatten everything else.
    low, high = np.nanmin(window.target), np.nanmax(window.target)
    margin = 0.5 * max(high - low, 1e-12)
    axes.set_ylim(low - margin, high + margin)
    axes.set_xlim(rows[0], rows[-1])
    axes.set_xlabel(f"{time_unit} of the test stream")
    axes.set_ylabel(target_unit)
    axes.legend(ncols=3, fontsize=8, frameon=False, loc="upper center")
    axes.set_title("Frozen test: target and prediction (first seed)", fontsize=9, loc="left")


def _strips(axes: Any, window: Window, time_unit: str) -> None:
    strips = {"target": window.target, "before training": window.before, "after training": window.after}
    last = window.first + len(window.target)
    for one, (name, values) in zip(axes, strips.items(), strict=True):
        image = one.imshow(
            values.T,
            aspect="auto",
            interpolation="nearest",
            cmap="cividis",
            vmin=0.0,
            vmax=1.0,
            extent=(window.first - 0.5, last - 0.5, values.shape[1] - 0.5, -0.5),
        )
        one.set_ylabel("output")
        one.set_title(name, fontsize=8, loc="left", pad=2)
    axes[-1].set_xlabel(f"{time_unit} of the test stream (first seed)")
    axes[0].figure.colorbar(image, ax=list(axes), label="value", fraction=0.03, pad=0.01)


def _learning(axes: Axes, curves: Sequence[Curve], floors: Mapping[str, float]) -> None:
    labels: list[tuple[float, str, str]] = []
    finite = [value for value in floors.values() if np.isfinite(value) and value > 0]
    finite += [float(value) for curve in curves for value in curve.nmse.ravel() if np.isfinite(value) and value > 0]
    for name, value in floors.items():
        if np.isfinite(value) and value > 0:
            axes.axhline(value, color=GREY, lw=0.9, ls=(0, (2, 2)), zorder=1)
            labels.append((value, name, GREY))
    for number, curve in enumerate(curves):
        colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
        good = (np.isfinite(curve.nmse) & (curve.nmse > 0)).all(axis=0)
        if not good.any():
            continue
        samples, nmse = curve.samples[good] / 1000.0, curve.nmse[:, good]
        middle = np.median(nmse, axis=0)
        axes.plot(samples, middle, color=colour, ls=dash, lw=1.8, marker="o", ms=2.5, zorder=4 if number == 0 else 3)
        if len(nmse) > 1:
            axes.fill_between(samples, nmse.min(axis=0), nmse.max(axis=0), color=colour, alpha=0.15, lw=0, zorder=2)
        labels.append((float(middle[-1]), curve.label, colour))
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(_plain_number)
    axes.yaxis.set_minor_formatter("")
    if finite:
        # A method that blows up may leave the picture; ten times the worst floor is room enough to see it go.
        highest = min(max(finite), 10.0 * max([1.0, *floors.values()]))
        axes.set_ylim(min(finite) / 1.6, highest * 1.6)
    axes.set_xlim(left=0.0)
    axes.set_xlabel("training samples (thousands)")
    axes.set_ylabel("frozen test NMSE (1 = training mean)")
    seeds = max((len(curve.nmse) for curve in curves), default=1)
    spread = f"; lines are medians of {seeds} seeds, bands their extremes" if seeds > 1 else ""
    axes.set_title(f"Learning curves against the floors{spread}", fontsize=9, loc="left")
    axes.grid(which="major", axis="y", lw=0.3, alpha=0.6)
    label_at_the_right(axes, labels)


def _plain_number(value: float, _position: float) -> str:
    return f"{value:g}"


def label_at_the_right(axes: Axes, labels: list[tuple[float, str, str]], gap: float = 0.058) -> None:
    """Write each label beside the end of its line, moved up or down where labels would touch.

    Parameters
    ----------
    axes : Axes
        With a logarithmic ordinate whose limits are set.
    labels : list of (float, str, str)
        Height of the line's end, name and colour.
    gap : float
        The height of a label, as a part of the axes' height.
    """
    low, high = np.log(axes.get_ylim())
    place = blended_transform_factory(axes.transAxes, axes.transAxes)
    wanted = sorted(((float(np.clip((np.log(v) - low) / (high - low), 0, 1)), name, c) for v, name, c in labels))
    heights = spread_out([height for height, _, _ in wanted], gap)
    for (height, name, colour), at in zip(wanted, heights, strict=True):
        axes.annotate(
            name,
            xy=(1.0, height),
            xytext=(1.045, at),
            xycoords=place,
            textcoords=place,
            color=colour,
            fontsize=8,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.6, "shrinkA": 0, "shrinkB": 0, "relpos": (0, 0.5)},
        )


def spread_out(heights: Sequence[float], gap: float) -> list[float]:
    """Return heights at least ``gap`` apart, near the given ones.

    Parameters
    ----------
    heights : sequence of float
        In rising order.
    gap : float
        The least distance.

    Examples
    --------
    >>> [round(height, 2) for height in spread_out([0.1, 0.12, 0.8], 0.1)]
    [0.06, 0.16, 0.8]
    """
    # Groups of labels that touch are merged, and each group is centred on the mean of what its members wanted.
    groups: list[list[float]] = []
    for height in heights:
        groups.append([height])
        while len(groups) > 1 and _top(groups[-2], gap) + gap > _bottom(groups[-1], gap):
            groups[-2:] = [groups[-2] + groups[-1]]
    return [_bottom(group, gap) + gap * index for group in groups for index in range(len(group))]


def _bottom(group: list[float], gap: float) -> float:
    return sum(group) / len(group) - gap * (len(group) - 1) / 2


def _top(group: list[float], gap: float) -> float:
    return _bottom(group, gap) + gap * (len(group) - 1)
