"""Pictures of a figure's panels, in one style: a colour a method, floors as labelled lines, seeds as ranges.

A point is filled where every run was stable, hollow where only some were, and absent where none was; means, medians and
ranges are those of the stable runs.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Picture
from matplotlib.ticker import FuncFormatter, NullFormatter
from PIL import Image

from onlinernn.plots import GREY, label_at_the_right
from onlinernn.studies.panels import (
    Against,
    Figure,
    Finals,
    Learning,
    Panel,
    Series,
    Spread,
    is_unstable,
    shown,
    spread,
    spread_over,
    value,
)
from onlinernn.studies.store import Kept

WIDTH = 7.5
"""Inches; at page width the letters keep their size."""
_DPI = 120
_DASHED = (0, (5, 2))


class Style(NamedTuple):
    """How a method looks in every picture.

    Attributes
    ----------
    colour : str
        The same with and without decorrelation.
    marker : str
        Tells the same apart where colours cannot.
    dash : str or tuple
        Dashed with decorrelation.
    """

    colour: str
    marker: str
    dash: Any


# Okabe and Ito's colours, told apart by every kind of colour vision; the longest name that fits wins.
_LOOKS = {
    "ANP": ("#0072B2", "o"),
    "NP": ("#E69F00", "^"),
    "WP": ("#CC79A7", "v"),
    "BP": ("#009E73", "s"),
    "BPTT": ("#009E73", "s"),
    "BPTT-SGD": ("#56B4E9", "D"),
    "one-step": ("#D55E00", "P"),
    "LearnedFeedback": ("#000000", "*"),
    "RFLO": ("#882255", "X"),
    "NP-per-sequence": ("#D55E00", "P"),
    "WP-per-sequence": ("#882255", "X"),
    "frozen whitened": ("#8A8A00", "p"),
}


def style(method: str) -> Style:
    """Return how a method looks.

    Parameters
    ----------
    method : str
        Its name; a leading D is its twin with decorrelation.

    Examples
    --------
    >>> style("DANP").colour == style("ANP").colour, style("DANP").dash == style("ANP").dash
    (True, False)
    """
    twin = method.removeprefix("D").lstrip()
    decorrelated = twin != method and any(twin.startswith(name) for name in _LOOKS)
    fits = [name for name in _LOOKS if (twin if decorrelated else method).startswith(name)]
    colour, marker = _LOOKS[max(fits, key=len)] if fits else (GREY, "h")
    return Style(colour, marker, _DASHED if decorrelated else "-")


def draw_figure(figure: Figure, kept: Sequence[Kept], path: str | PathLike[str], subtitle: str = "") -> None:
    """Draw a figure and write it to a PNG file; nothing is computed.

    Parameters
    ----------
    figure : Figure
        Which.
    kept : sequence of Kept
        Its finished trials.
    path : path
        The file.
    subtitle : str
        What else to say, as the scale.
    """
    heights = [_height(panel, kept) for panel in figure.panels]
    picture = Picture(figsize=(WIDTH, sum(heights) + 0.5), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(picture)
    picture.suptitle(figure.title + (f"\n{subtitle}" if subtitle else ""), fontsize=10.5)
    for axes, panel in zip(
        picture.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0], figure.panels, strict=True
    ):
        _draw(panel, axes, *shown(panel, kept))
    drawn = io.BytesIO()
    picture.savefig(drawn, format="png")
    # With a palette, which is enough for these, a picture has a third of the bytes.
    Image.open(drawn).convert("RGB").quantize(256).save(path, "PNG", optimize=True)


def _height(panel: Panel, kept: Sequence[Kept]) -> float:
    methods, floors = shown(panel, kept)
    if isinstance(panel, Finals):
        return 0.9 + 0.21 * max(len(methods), 2) + 0.16 * len(floors)
    return max(3.0, 0.7 + 0.17 * (len(methods) + len(floors)))


@functools.singledispatch
def _draw(panel: Any, _axes: Axes, _methods: Mapping[str, list[Kept]], _floors: Mapping[str, list[Kept]]) -> None:
    raise TypeError(f"no panel: {panel!r}")


@_draw.register
def _(panel: Learning, axes: Axes, methods: Mapping[str, list[Kept]], floors: Mapping[str, list[Kept]]) -> None:
    _over_samples(axes, methods, "curve", panel.score, floors, panel.title)


@_draw.register
def _(panel: Series, axes: Axes, methods: Mapping[str, list[Kept]], _floors: Mapping[str, list[Kept]]) -> None:
    _over_samples(axes, methods, panel.series, panel.y_label, {}, panel.title)


@_draw.register
def _(panel: Finals, axes: Axes, methods: Mapping[str, list[Kept]], floors: Mapping[str, list[Kept]]) -> None:
    lines = _levels(floors)
    values = [level for level, _ in lines]
    for row, (method, kept) in enumerate(methods.items()):
        look, one = style(method), spread(kept)
        if not one.values:
            text = f"unstable in {one.unstable} of {one.runs} seeds" if one.runs else "no score"
            axes.annotate(text, (0.01, row), xycoords=("axes fraction", "data"), va="center", fontsize=7.5, color=GREY)
            continue
        values += one.values
        axes.plot([one.least, one.most], [row, row], color=look.colour, lw=1.6, solid_capstyle="butt")
        axes.plot(one.median, row, color=look.colour, marker="|", ms=11, mew=1.8)
        axes.plot(one.mean, row, color=look.colour, marker=look.marker, ms=6, mfc=_fill(one, look))
        if one.unstable:
            axes.annotate(
                f"unstable in {one.unstable} of {one.runs}",
                (1.0, row),
                xycoords=("axes fraction", "data"),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=7.5,
                color=GREY,
            )
    axes.set_yticks(range(len(methods)), list(methods), fontsize=8)
    axes.set_ylim(len(methods) - 0.4, -0.6 - 0.75 * len(lines))
    # Each floor has its name on a line of its own above the rows, so that names do not touch however close they are,
    # and on the side with more room.
    middle = float(np.sqrt(min(values) * max(values))) if values else 1.0
    for number, (level, name) in enumerate(sorted(lines)):
        axes.axvline(level, color=GREY, lw=0.9, ls=(0, (2, 2)), zorder=1)
        right = level < middle
        axes.annotate(
            name,
            (level, -0.8 - 0.75 * number),
            xytext=(3 if right else -3, 0),
            textcoords="offset points",
            ha="left" if right else "right",
            va="center",
            fontsize=7.5,
            color=GREY,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        )
    _scale(axes, "x", values)
    axes.set_xlabel(panel.score, fontsize=8.5)
    seeds = max((len(kept) for kept in methods.values()), default=0)
    _finish(axes, f"{panel.title} (mean, | median, bar from least to most of {seeds} seeds)", methods)


@_draw.register
def _(panel: Against, axes: Axes, methods: Mapping[str, list[Kept]], floors: Mapping[str, list[Kept]]) -> None:
    values: list[float] = []
    labels = [(level, name, GREY) for level, name in (_levels(floors) if panel.y == "score" else ())]
    xs = sorted(
        {
            float(value(one.trial, panel.x))
            for kept in methods.values()
            for one in kept
            if value(one.trial, panel.x) is not None
        }
    )
    for number, (method, kept) in enumerate(methods.items()):
        look = style(method)
        at = [(x, spread([one for one in kept if value(one.trial, panel.x) == x], panel.y)) for x in xs]
        at = [(x, one) for x, one in at if one.values]
        if not at:
            continue
        # A little aside, so that methods at the same size do not hide each other.
        shift = 1.0 + 0.012 * (number - len(methods) / 2)
        axes.plot([x * shift for x, _ in at], [one.mean for _, one in at], color=look.colour, ls=look.dash, lw=1.3)
        for x, one in at:
            values += [one.least, one.most]
            axes.plot([x * shift] * 2, [one.least, one.most], color=look.colour, lw=1.2, alpha=0.7)
            axes.plot(x * shift, one.mean, color=look.colour, marker=look.marker, ms=5.5, mfc=_fill(one, look))
        labels.append((at[-1][1].mean, method, look.colour))
    for level, _, _ in [one for one in labels if one[2] == GREY and one[1] in floors]:
        axes.axhline(level, color=GREY, lw=0.9, ls=(0, (2, 2)), zorder=1)
    _scale(axes, "y", [*values, *(level for level, _, _ in labels)])
    if xs:
        axes.set_xscale("log")
        axes.set_xticks(xs, [f"{x:g}" for x in xs], fontsize=8)
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(panel.x_label, fontsize=8.5)
    axes.set_ylabel(panel.y_label, fontsize=8.5)
    hollow = any(is_unstable(one) for kept in methods.values() for one in kept)
    note = "; hollow: some seeds unstable, absent: all" if hollow and panel.y == "score" else ""
    _finish(axes, f"{panel.title} (mean, bar from least to most{note})", methods)
    label_at_the_right(axes, labels, _gap(axes))


def _over_samples(
    axes: Axes,
    methods: Mapping[str, list[Kept]],
    series: str,
    y_label: str,
    floors: Mapping[str, list[Kept]],
    title: str,
) -> None:
    labels = [(level, name, GREY) for level, name in _levels(floors)]
    for level, _, _ in labels:
        axes.axhline(level, color=GREY, lw=0.9, ls=(0, (2, 2)), zorder=1)
    values = [level for level, _, _ in labels]
    seeds = 0
    for method, kept in methods.items():
        look = style(method)
        samples, points = spread_over(kept, series)
        if not samples:
            continue
        seeds = max(seeds, points[0].runs)
        x = np.array(samples) / 1000.0
        mean, least, most = (np.array([getattr(one, name) for one in points]) for name in ("mean", "least", "most"))
        values += [value for one in points for value in one.values]
        axes.plot(x, mean, color=look.colour, ls=look.dash, lw=1.5)
        axes.fill_between(x, least, most, color=look.colour, alpha=0.13, lw=0)
        axes.plot(x[-1], mean[-1], color=look.colour, marker=look.marker, ms=5, mfc=_fill(points[-1], look))
        bad = points[-1].unstable
        labels.append(
            (float(mean[-1]), method + (f" ({bad} of {points[-1].runs} unstable)" if bad else ""), look.colour)
        )
    _scale(axes, "y", values)
    axes.set_xlabel("training samples (thousands)", fontsize=8.5)
    axes.set_ylabel(y_label, fontsize=8.5)
    axes.set_xlim(left=0.0)
    _finish(axes, f"{title} (mean, band from least to most of {seeds} seeds)", methods)
    label_at_the_right(axes, labels, _gap(axes))


def _levels(floors: Mapping[str, list[Kept]], name: str = "score") -> list[tuple[float, str]]:
    """Return the level of each floor: the mean over its seeds, which differ in their streams only."""
    levels = [(spread(kept, name).mean, floor) for floor, kept in floors.items()]
    return [(level, floor) for level, floor in levels if level > 0]


def _fill(one: Spread, look: Style) -> str:
    return "white" if one.unstable else look.colour


def _gap(axes: Axes) -> float:
    """Return the height of a label, as a part of the axes' height."""
    place: Any = axes.get_subplotspec()
    return float(0.145 / (place.get_gridspec().get_height_ratios()[place.rowspan.start] - 0.7))


def _scale(axes: Axes, which: str, values: Sequence[float]) -> None:
    """Make an axis logarithmic, with plain numbers, and wide enough for all values."""
    good = [one for one in values if one > 0] or [0.1, 1.0]
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    limits = min(good) / 1.35, max(good) * 1.35
    (axes.set_xlim if which == "x" else axes.set_ylim)(*limits)
    axis.set_major_formatter(FuncFormatter(lambda one, _: f"{one:g}"))
    # A short axis may hold no power of ten: then others are labelled too.
    ratio = limits[1] / limits[0]
    digits = "123456789" if ratio < 6 else "25" if ratio < 30 else ""
    axis.set_minor_formatter(FuncFormatter(lambda one, _: f"{one:.3g}" if f"{one:.0e}"[0] in digits else ""))
    axis.set_tick_params(which="both", labelsize=8)


def _finish(axes: Axes, title: str, methods: Mapping[str, list[Kept]]) -> None:
    axes.set_title(title, fontsize=8.5, loc="left")
    axes.grid(which="major", lw=0.3, alpha=0.6)
    axes.tick_params(axis="x", labelsize=8)
    if not methods:
        axes.text(0.5, 0.5, "nothing finished", transform=axes.transAxes, ha="center", color=GREY)
