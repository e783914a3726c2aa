"""What a study finished is listed, exported and drawn without computing; unstable runs are told as the paper does."""

import csv
import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture

from onlinernn.cli import main
from onlinernn.studies import draw, figures, study
from onlinernn.studies.pages import MARK
from onlinernn.studies.panels import FLOOR, Against, Figure, Finals, Learning, Series, shown, spread, spread_over
from onlinernn.studies.store import Kept, Store
from onlinernn.studies.trial import Trial

TASK = {"name": "mackey-glass", "horizon": 15}
METHODS = ("ANP", "DANP", "NP", "WP", "BPTT-Adam")
SIZES = (10, 30)


def trials(scale: str) -> list[Trial]:
    """Return the trials of a made-up figure."""
    seeds = 2 if scale == "quick" else 3
    learnt = [Trial("learn", m, seed, TASK, {"hidden": n}) for m in METHODS for n in SIZES for seed in range(seeds)]
    return [*learnt, Trial(FLOOR, "persistence", 0, TASK)]


FIGURE = Figure(
    "fig4",
    "a made-up figure",
    "Is it drawn?",
    (
        Learning("forecast", {**TASK, "hidden": 30}),
        Finals("forecast", {**TASK, "hidden": 30}),
        Against("sizes", {}),
        Series("covariance", {"hidden": 10}, "covariance", "covariance"),
    ),
    trials,
)
OTHER = Figure("fig5", "another", "And this?", (Finals("copy", {}),), lambda _: [])


def outcome(trial: Trial) -> dict[str, Any]:
    """Return what such a trial might come to: NP is unstable with one seed, WP with all."""
    measured = {"seconds": 2.0 + trial.seed, "peak_bytes": 1000}
    if trial.kind == FLOOR:
        return {"numbers": {"score": 2.5, "unstable_at": None, "curve": []}, "measured": measured}
    if trial.method == "WP" or (trial.method, trial.seed) == ("NP", 1):
        return {"numbers": {"score": None, "unstable_at": 77, "curve": []}, "measured": measured}
    end = random.Random(trial.text).uniform(0.1, 0.9)
    curve = [[1000 * k, 1.0 + (end - 1.0) * k / 4] for k in range(5)]
    return {"numbers": {"score": end, "unstable_at": None, "curve": curve, "covariance": curve}, "measured": measured}


def kept_of(scale: str = "standard", code: str = "2") -> list[Kept]:
    return [Kept(trial, code, outcome(trial), "now") for trial in trials(scale)]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A results file of the figure, with one trial of older code; and a command that must not compute."""

    def compute(*_: object, **__: object) -> None:
        raise AssertionError("results must not compute")

    monkeypatch.setattr(figures, "FIGURES", (FIGURE, OTHER))
    monkeypatch.setattr(study, "run_study", compute)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "study.db"
    with Store(path) as store:
        store.put(Trial("learn", "LearnedFeedback", 0, TASK), "1", {"numbers": {"score": 0.5}, "measured": {}})
        for one in kept_of():
            store.put(one.trial, "2", one.outcome)
        store.fail(Trial("learn", "ANP", 9, TASK), "2", "ANP on mackey-glass 15 ahead, seed 9: out of memory")
    return path


def rows(path: Path, *options: str) -> list[dict[str, str]]:
    """Return what the command exports."""
    assert main(["results", str(path), "--csv", "out.csv", *options]) == 0
    with Path("out.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_export_holds_every_number_to_the_bit(store: Path) -> None:
    found = rows(store)
    assert len(found) == len(trials("standard"))
    for row, one in zip(found, kept_of(), strict=True):
        numbers = one.outcome["numbers"]
        assert (row["method"], int(row["seed"]), row["task.horizon"]) == (one.trial.method, one.trial.seed, "15")
        assert (float(row["score"]) if row["score"] else None) == numbers["score"]
        assert row["unstable_at"] == ("77" if numbers["unstable_at"] else "")
        assert row["curve"] == str(numbers["curve"])


def test_filters_choose_trials(store: Path) -> None:
    assert {row["method"] for row in rows(store, "--method", "ANP,BPTT-Adam")} == {"ANP", "BPTT-Adam"}
    assert {row["seed"] for row in rows(store, "--seed", "0,2")} == {"0", "2"}
    assert [row["method"] for row in rows(store, "--code", "1")] == ["LearnedFeedback"]
    assert len(rows(store, "--code", "all")) == len(trials("standard")) + 1
    assert len(rows(store, "--code", "all", "--figure", "fig4")) == len(trials("standard"))
    assert len(rows(store, "--figure", "fig4", "--scale", "quick")) == len(trials("quick"))
    assert rows(store, "--figure", "fig5") == []


def test_the_list_counts_seeds_and_unstable_runs(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["results", str(store), "--method", "NP"]) == 0
    text = capsys.readouterr().out
    line = next(line for line in text.splitlines() if line.startswith("NP on mackey-glass 15 ahead"))
    scores = [one.outcome["numbers"]["score"] for one in kept_of() if one.trial.method == "NP"][:3:2]
    assert line.split()[5:7] == ["10", "3"]
    assert f"{np.median(scores):.3g} [{min(scores):.3g}..{max(scores):.3g}]" in line
    assert line.split()[-2:] == ["1", "3"]
    assert "6 finished trials of" in text
    assert "failed when last tried: ANP on mackey-glass 15 ahead, seed 9: out of memory" in text


def test_pictures_and_pages_are_made_again(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["results", str(store), "--draw", "drawn", "--pages", "pages"]) == 0
    assert [path.name for path in sorted(Path("drawn").iterdir())] == ["fig4.png"]
    assert sorted(path.name for path in Path("pages").iterdir()) == ["fig4.md", "fig4.png", "index.md"]
    assert Path("drawn/fig4.png").read_bytes() == Path("pages/fig4.png").read_bytes()
    assert 20_000 < Path("drawn/fig4.png").stat().st_size < 150_000
    page = Path("pages/fig4.md")
    text = page.read_text()
    for part in ("onlinernn reproduce fig4 --scale standard", "31 of 31 trials", "3 seeds", "hidden 10, 30", "`2`"):
        assert part in text
    assert "| WP | - | - | - | - | 3 of 3 |" in text
    assert "| persistence (floor) | 2.5 | 2.5 | 2.5 | 2.5 | - | 2 |" in text
    anp = spread([one for one in kept_of() if one.trial.method == "ANP" and one.trial.numbers["hidden"] == 30])
    assert f"| ANP | {anp.mean:.3g} | {anp.median:.3g} | {anp.least:.3g} | {anp.most:.3g} | - | 3 |" in text
    page.write_text(text.replace("Not yet judged.", "It holds.").replace("31 of 31", "what somebody wrote"))
    assert main(["results", str(store), "--pages", "pages"]) == 0
    assert page.read_text() == text.replace("Not yet judged.", "It holds.")
    assert Path("pages/index.md").read_text().count("fig4.md") == 1
    assert page.read_text().count(MARK) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--figure", "fig44"], "no figure 'fig44'; did you mean fig4"),
        (["--method", "DNAP"], "no method 'DNAP'; did you mean DANP"),
        (["--code", "3"], "no version of the code '3'"),
        (["--figure", "fig5", "--draw", "drawn"], "no trial of fig5 at standard scale fits"),
        (["--code", "1", "--pages", "pages"], "nothing of any figure at standard scale"),
        (["--csv", "nowhere/out.csv"], "there is no folder nowhere"),
        (["--seed", "one"], "'one' is no list of seeds"),
    ],
)
def test_bad_input_is_one_line(store: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str) -> None:
    assert main(["results", str(store), *options]) == 2
    out, error = capsys.readouterr()
    assert not out
    assert words in error
    assert error.count("\n") == 1
    assert sorted(path.name for path in Path().iterdir() if path.suffix != ".db-wal") == ["study.db"]


def test_no_file_and_a_foreign_file_are_one_line(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("foreign.db").write_text("no database, and long enough to be read as the head of one" * 10)
    for name, words in (("nowhere.db", "no results file nowhere.db"), ("foreign.db", "it is no results file")):
        assert main(["results", name]) == 2
        error = capsys.readouterr().err
        assert words in error
        assert error.count("\n") == 1
    assert not Path("nowhere.db").exists()


def axes_of(panel: Any, kept: list[Kept]) -> Axes:
    axes = Picture(figsize=(7.5, 3.5)).subplots(1, 1, squeeze=False, height_ratios=[3.0])[0, 0]
    draw._draw(panel, axes, *shown(panel, kept))
    return axes


def fills(axes: Axes, method: str) -> list[bool]:
    """Return of each point of a method whether it is filled."""
    look = draw.style(method)
    points = [line for line in axes.lines if line.get_marker() == look.marker and line.get_color() == look.colour]
    return [line.get_markerfacecolor() != "white" for line in points]


def test_points_are_filled_hollow_or_absent() -> None:
    panels = (
        Finals("end", {"hidden": 30}),
        Learning("curve", {"hidden": 30}),
        Series("series", {"hidden": 30}, "covariance", "covariance"),
    )
    for panel in panels:
        axes = axes_of(panel, kept_of())
        assert [fills(axes, name) for name in ("NP", "WP", "BPTT-Adam")] == [[False], [], [True]]
    axes = axes_of(Against("sizes", {}), kept_of())
    assert [fills(axes, name) for name in ("NP", "WP", "BPTT-Adam")] == [[False] * 2, [], [True] * 2]


def test_floors_are_labelled_lines_and_axes_are_named() -> None:
    for panel in FIGURE.panels[:3]:
        axes = axes_of(panel, kept_of())
        assert any(text.get_text() == "persistence" for text in axes.texts)
        at = "get_xdata" if isinstance(panel, Finals) else "get_ydata"
        assert any(list(getattr(line, at)()) == [2.5, 2.5] for line in axes.lines)
        assert axes.get_xlabel()
        assert axes.get_ylabel() or axes.get_yticklabels()


def test_a_curve_is_the_mean_of_the_stable_seeds() -> None:
    chosen = [one for one in kept_of() if one.trial.method == "NP" and one.trial.numbers["hidden"] == 10]
    samples, points = spread_over(chosen)
    assert samples == [0.0, 1000.0, 2000.0, 3000.0, 4000.0]
    ends = [one.outcome["numbers"]["score"] for one in chosen if one.trial.seed != 1]
    assert points[-1].mean == pytest.approx(sum(ends) / 2)
    assert (points[-1].least, points[-1].most, points[-1].unstable) == (min(ends), max(ends), 1)
    assert math.isnan(spread([one for one in kept_of() if one.trial.method == "WP"]).mean)


def test_methods_that_share_a_panel_look_different() -> None:
    for method in figures.METHODS:
        assert draw.style(method) == draw.style(method)
    assert len({draw.style(method) for method in figures.METHODS}) == len(figures.METHODS)
