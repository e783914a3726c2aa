"""What a figure is made of: which trials, and how each of its panels shows them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any, NamedTuple

from onlinernn.studies.store import Kept
from onlinernn.studies.trial import Trial

FLOOR = "floor"
"""The ``Trial.kind`` of what needs no training: drawn as a labelled line, not as a method."""


class Learning(NamedTuple):
    """Learning curves: the score of the frozen test over training samples, against the floors.

    Attributes
    ----------
    title : str
        What is learnt.
    where : dict
        Which trials: those whose task or numbers hold every one of these items.
    score : str
        What the score is, for the axis.
    """

    title: str
    where: Mapping[str, Any]
    score: str = "frozen test NMSE"


class Finals(NamedTuple):
    """The score after training, one row a method, against the floors.

    Attributes
    ----------
    title : str
        What was learnt.
    where : dict
        Which trials, as for ``Learning``.
    score : str
        What the score is, for the axis.
    """

    title: str
    where: Mapping[str, Any]
    score: str = "frozen test NMSE"


class Against(NamedTuple):
    """A result of each method against a number of its trials, as the network's size.

    Attributes
    ----------
    title : str
        What is shown.
    where : dict
        Which trials, as for ``Learning``.
    x : str
        The number, out of the trial's numbers or task.
    x_label : str
        Its name, with the unit.
    y : str
        The result: ``score``, or what was measured, as ``seconds`` or ``peak_kb``.
    y_label : str
        Its name, with the unit.
    """

    title: str
    where: Mapping[str, Any]
    x: str = "hidden"
    x_label: str = "hidden units"
    y: str = "score"
    y_label: str = "frozen test NMSE"


class Series(NamedTuple):
    """A series that trials kept beside their learning curve, over training samples.

    Attributes
    ----------
    title : str
        What is shown.
    where : dict
        Which trials, as for ``Learning``.
    series : str
        Its name in the outcome's numbers.
    y_label : str
        What it is, with the unit.
    """

    title: str
    where: Mapping[str, Any]
    series: str
    y_label: str


Panel = Learning | Finals | Against | Series


@dataclass(frozen=True)
class Figure:
    """A figure of the paper.

    Parameters
    ----------
    name : str
        As on the command line.
    title : str
        What it shows.
    question : str
        What it is to decide.
    panels : tuple of Learning, Finals, Against or Series
        From top to bottom.
    trials : callable
        From the name of a scale to its trials; methods are listed in their order.
    """

    name: str
    title: str
    question: str
    panels: tuple[Panel, ...]
    trials: Callable[[str], Sequence[Trial]]


@dataclass(frozen=True)
class Spread:
    """One number of several seeds; unstable runs are counted, and have none.

    Attributes
    ----------
    values : tuple of float
        Of the stable runs.
    unstable : int
        How many runs were not.

    Examples
    --------
    >>> one = Spread((0.2, 0.4, 0.3), unstable=1)
    >>> round(one.mean, 2), one.median, one.least, one.most, one.runs, one.some_unstable
    (0.3, 0.3, 0.2, 0.4, 4, True)
    """

    values: tuple[float, ...]
    unstable: int = 0

    @property
    def runs(self) -> int:
        """All runs."""
        return len(self.values) + self.unstable

    @property
    def mean(self) -> float:
        """The mean of the stable runs, NaN if there is none."""
        return fmean(self.values) if self.values else math.nan

    @property
    def median(self) -> float:
        """The median of the stable runs, NaN if there is none."""
        return median(self.values) if self.values else math.nan

    @property
    def least(self) -> float:
        """The least of the stable runs, NaN if there is none."""
        return min(self.values, default=math.nan)

    @property
    def most(self) -> float:
        """The greatest of the stable runs, NaN if there is none."""
        return max(self.values, default=math.nan)

    @property
    def some_unstable(self) -> bool:
        """Whether any run was unstable: then the point is hollow."""
        return self.unstable > 0


def value(trial: Trial, name: str) -> Any:
    """Return an item of a trial's numbers, or of its task; None where there is none.

    Parameters
    ----------
    trial : Trial
        Any trial.
    name : str
        The item.
    """
    return trial.numbers.get(name, trial.task.get(name))


def shown(panel: Panel, kept: Iterable[Kept]) -> tuple[dict[str, list[Kept]], dict[str, list[Kept]]]:
    """Return the trials of a panel by method, in their order: what is trained, and the floors.

    Parameters
    ----------
    panel : Panel
        Which.
    kept : iterable of Kept
        What is finished.
    """
    methods: dict[str, list[Kept]] = {}
    floors: dict[str, list[Kept]] = {}
    for one in kept:
        is_floor = one.trial.kind == FLOOR
        # A floor has no network: what it does not have, as hidden units, does not keep it out.
        if all(
            value(one.trial, name) in ([wanted, None] if is_floor else [wanted]) for name, wanted in panel.where.items()
        ):
            (floors if is_floor else methods).setdefault(one.trial.method, []).append(one)
    return methods, floors


def result(one: Kept, name: str) -> float | None:
    """Return a result of a trial, None where there is none that is finite.

    Parameters
    ----------
    one : Kept
        The finished trial.
    name : str
        Out of its numbers, as ``score``, or of what was measured, as ``seconds``.
    """
    found = one.outcome.get("numbers", {}).get(name)
    if found is None:
        found = one.outcome.get("measured", {}).get(name)
    return float(found) if isinstance(found, (int, float)) and math.isfinite(found) else None


def is_unstable(one: Kept) -> bool:
    """Return whether a run diverged.

    Parameters
    ----------
    one : Kept
        The finished trial.
    """
    return one.outcome.get("numbers", {}).get("unstable_at") is not None


def spread(kept: Sequence[Kept], name: str = "score") -> Spread:
    """Return a result over the seeds.

    Parameters
    ----------
    kept : sequence of Kept
        Finished trials that differ in their seed.
    name : str
        As for ``result``.
    """
    stable = [result(one, name) for one in kept if not is_unstable(one)]
    return Spread(tuple(one for one in stable if one is not None), sum(map(is_unstable, kept)))


def spread_over(kept: Sequence[Kept], series: str = "curve") -> tuple[list[float], list[Spread]]:
    """Return a series over the seeds, at the samples that all stable runs have.

    Parameters
    ----------
    kept : sequence of Kept
        Finished trials that differ in their seed.
    series : str
        Its name in the outcome's numbers.
    """
    runs = [dict(one.outcome["numbers"].get(series) or []) for one in kept if not is_unstable(one)]
    runs = [run for run in runs if run]
    unstable = sum(map(is_unstable, kept))
    common = sorted(set(runs[0]).intersection(*runs[1:])) if runs else []
    points = [Spread(tuple(float(run[x]) for run in runs), unstable) for x in common]
    return [float(x) for x in common], points
