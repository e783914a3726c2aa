"""The picture of the bench: microseconds per step against the size, with the limit of the memory drawn in."""

from __future__ import annotations

import os
from typing import Any

from matplotlib import pyplot as plt

STYLES = ("o-", "s-", "^-", "D-", "v-", "P-", "X-")


def save_bench(path: str | os.PathLike[str], rows: list[dict[str, Any]]) -> None:
    """Write a log-log picture, one panel a rule.

    Parameters
    ----------
    path
        The file.
    rows
        Of :func:`onlinernn.bench.time_steps`.
    """
    rules = list(dict.fromkeys(row["rule"] for row in rows))
    figure, panels = plt.subplots(
        1, len(rules), figsize=(5.2 * len(rules) + 2, 4.2), squeeze=False, layout="constrained"
    )
    with plt.style.context("tableau-colorblind10"):
        for axes, rule in zip(panels[0], rules, strict=True):
            of = [row for row in rows if row["rule"] == rule]
            names = [name for name in dict.fromkeys(row["implementation"] for row in of) if name != "limit"]
            for name, style in zip(names, STYLES * 2, strict=False):
                points = sorted((row["n"], row["us_per_step"]) for row in of if row["implementation"] == name)
                axes.plot(*zip(*points, strict=True), style, markersize=4, linewidth=1.2, label=name)
            if limit := sorted((row["n"], row["us_per_step"]) for row in of if row["implementation"] == "limit"):
                axes.plot(*zip(*limit, strict=True), "k--", linewidth=1.2, label="limit: each weight\nread and written")
            axes.set(xscale="log", yscale="log", xlabel="hidden units n", ylabel="time per step (us)", title=rule)
            axes.grid(visible=True, which="both", alpha=0.2)
        figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside right center", fontsize=8)
    figure.savefig(path, dpi=150)
    plt.close(figure)
