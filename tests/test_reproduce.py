"""``onlinernn reproduce`` and ``tune``: every kind of trial, bit for bit, through the command's own code path."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onlinernn.cli import main
from onlinernn.errors import StudyError
from onlinernn.studies.figures import FIGURES, chosen, network, rates
from onlinernn.studies.models import TRAINED, model
from onlinernn.studies.panels import shown
from onlinernn.studies.scales import SCALES
from onlinernn.studies.store import Kept, Store
from onlinernn.studies.streams import LastRows, Validation, make_task
from onlinernn.studies.trial import Trial
from onlinernn.studies.tuning import ALIKE, TUNED, space, tuning_trials
from onlinernn.studies.work import perform
from onlinernn.tasks import CopyMemory, MackeyGlass
from onlinernn.tasks.weather import COLUMNS, TRAIN_ROWS


@pytest.fixture(scope="module")
def weather_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a made file with the header and the split of the paper's, a year shorter at its beginning."""
    rng = np.random.default_rng(0)
    hours = np.arange(TRAIN_ROWS + 400)
    day = np.sin(2 * np.pi * hours / 24)
    lines = ["date," + ",".join(COLUMNS)]
    noise = rng.normal(size=(len(hours), len(COLUMNS)))
    dates = np.datetime_as_string(np.datetime64("2010-01-01T00:00") + hours * np.timedelta64(1, "h"))
    lines += [dates[t].replace("T", " ") + "," + ",".join(f"{day[t] + 0.1 * x:.3f}" for x in noise[t]) for t in hours]
    path = tmp_path_factory.mktemp("weather") / "made.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def small(method: str, **numbers: Any) -> Trial:
    """Return a trial of a method, of a few steps."""
    task = {"name": "mackey-glass", "horizon": 15, "length": 300, "test_length": 200}
    own = {"hidden": 8, "epochs": 2, "leak": 0.2, "input_scale": 6.0, "window": 50, **numbers}
    return Trial("learn", method, 0, task, {**own, **rates("forecast", method)})


# Of every figure; the other methods would only compile further kernels.
SOME = ("ANP", "BPTT-Adam", "RFLO", "NP-per-sequence")


def test_the_command_runs_every_figure_once_and_draws_it(
    weather_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--scale", "quick", "--methods", ",".join(SOME), "--workers", "1", "--quiet"]
    arguments += ["--store", str(tmp_path / "s.db"), "--out", str(tmp_path / "out"), "--csv", str(weather_file)]
    assert main(["reproduce", "all", *arguments]) == 0
    first = capsys.readouterr().out
    assert first.count("picture: ") == len(FIGURES)
    for figure in FIGURES:
        assert f"{figure.name}: {figure.title}" in first
        assert (tmp_path / "out" / f"{figure.name}-quick.png").stat().st_size > 5_000
    with Store(tmp_path / "s.db") as store:
        before = [(one.trial, one.outcome, one.finished) for one in store.trials()]
        assert not store.failures()
    assert {one.method for one, _, _ in before} > {*SOME, "constant", "ridge, lags 32"}
    assert {one.kind for one, _, _ in before} == {"learn", "floor", "sequences", "cost"}
    arguments[3] = "ANP,BPTT-Adam"
    assert main(["reproduce", "fig5", *arguments]) == 0
    with Store(tmp_path / "s.db") as store:
        assert [(one.trial, one.outcome, one.finished) for one in store.trials()] == before
    again = capsys.readouterr().out
    assert again.startswith("fig5: ")
    assert again in first


@pytest.mark.parametrize("method", ["BPTT-Adam", "DBPTT-SGD", "one-step-Adam", "RFLO", "ANP", "frozen reservoir"])
def test_a_trial_repeats_bit_for_bit_and_learns(method: str) -> None:
    numbers = perform(small(method), {})["numbers"]
    assert perform(small(method), {})["numbers"] == numbers
    assert perform(replace(small(method), seed=1), {})["numbers"] != numbers
    assert numbers["unstable_at"] is None
    assert [samples for samples, _ in numbers["curve"]] == [300, 600]
    assert numbers["curve"][-1][1] == numbers["score"] > 0


def test_a_run_away_is_an_outcome_with_its_step() -> None:
    trial = small("ANP")
    wild = replace(trial, numbers={**trial.numbers, "lr_hidden": 1e6, "lr_readout": 1e6})
    numbers = perform(wild, {})["numbers"]
    assert numbers["score"] is None
    assert 0 <= numbers["unstable_at"] <= 600


def test_one_loss_for_a_sequence_learns_otherwise_than_one_for_each_step() -> None:
    task = {"name": "mackey-glass", "horizon": -15, "length": 300, "test_length": 200}
    own = {"hidden": 8, "epochs": 1, "leak": 0.2, "input_scale": 6.0, "window": 50, "sequence": 50, "rule": "NP"}
    own |= {"lr_hidden": 1e-5, "lr_readout": 1e-3, "sigma": 1e-2}
    of = [perform(Trial("sequences", "NP", 0, task, {**own, "whole": w}), {})["numbers"] for w in (True, False)]
    assert of[0]["score"] != of[1]["score"]
    assert all(0 < one["score"] < 10 for one in of)


def cost(method: str, steps: int, **numbers: Any) -> dict[str, float]:
    """Measure the cost of a sequence of so many steps."""
    trial = small(method, repeats=1, **numbers)
    measured: dict[str, float] = perform(replace(trial, kind="cost", task={**trial.task, "length": steps}), {})[
        "measured"
    ]
    assert measured["seconds"] > 0
    return measured


def test_memory_of_bptt_grows_with_the_sequence_and_that_of_anp_does_not() -> None:
    held = np.zeros(10_000_000)  # of this process, so that none of it may count
    short, long = (cost("BPTT-Adam", steps, unrolled=True)["peak_kb"] for steps in (300, 3000))
    assert 5 * short < long < held.nbytes / 1000
    short, long = (cost("ANP", steps)["peak_kb"] for steps in (300, 3000))
    assert abs(long - short) < 20  # what Python frees late; eight numbers a step would be 86


def test_a_cost_whose_process_fails_says_why() -> None:
    with pytest.raises(StudyError, match=r"its process failed: .*no method 'AMP'"):
        perform(replace(small("ANP", repeats=1), kind="cost", method="AMP"), {})


def test_every_figure_has_trials_that_all_its_panels_show() -> None:
    for figure in FIGURES:
        for scale in SCALES:
            trials = list(figure.trials(scale))
            kept = [Kept(one, "", {}, "") for one in trials]
            for panel in figure.panels:
                methods, _ = shown(panel, kept)
                assert methods, (figure.name, scale, panel)
            assert {one.method for one in trials if one.kind == "learn"} <= set(TRAINED)
            assert not any("," in one.method for one in trials if one.kind != "floor")  # --methods A,B chooses them
            seeds = {one.seed for one in trials if one.kind in ("learn", "sequences")}
            assert seeds == (set() if figure.name == "supp3" else set(range(SCALES[scale].seeds)))


def test_all_networks_of_a_seed_start_alike() -> None:
    task = make_task({"name": "mackey-glass", "horizon": 15, "length": 200}, {})
    starts = [model(task, name, small(name).numbers, 3).weights for name in TRAINED]  # type: ignore[attr-defined]
    for one in starts[1:]:
        np.testing.assert_array_equal(one["R"], starts[0]["R"])
        np.testing.assert_array_equal(one["A"], starts[0]["A"])


def test_weather_trials_read_the_file_that_is_named(weather_file: Path) -> None:
    what = {"name": "weather", "horizon": 24, "rows": 500}
    files = {"weather": str(weather_file)}
    task = make_task(what, files)
    assert (len(task.train(0)), len(task.test(0))) == (500, 376)
    floor = Trial("floor", "ridge, lags 24", 0, what, {"floor": "ridge-24"})
    still = Trial("floor", "constant", 0, what, {"floor": "constant"})
    assert perform(floor, files)["numbers"]["score"] < 0.2 < perform(still, files)["numbers"]["score"]
    of = {
        one.numbers["floor"]
        for f in FIGURES
        for one in f.trials("full")
        if one.task.get("name") == "weather" and one.kind == "floor"
    }
    for kind in of:
        assert (
            perform(replace(floor, task={**what, "rows": 1000}, numbers={"floor": kind}), files)["numbers"]["score"] > 0
        )
    with pytest.raises(ValueError, match="--csv FILE"):
        make_task(what, {})


def test_tuning_sees_no_test_row_and_gives_each_method_the_same_budget(weather_file: Path) -> None:
    files = {"weather": str(weather_file)}
    whole = make_task({"name": "weather", "horizon": 24, "rows": 500}, files)
    held = make_task({"name": "weather", "horizon": 24, "rows": 500, "tuning": True}, files)
    rows = np.vstack([held.train(0).inputs, held.test(0).inputs])
    np.testing.assert_array_equal(rows, whole.train(0).inputs)
    trials = tuning_trials(7)
    assert {one.numbers["settings"] for one in trials} == {7}
    assert {one.method for one in trials} == set(TUNED)
    assert min(one.seed for one in trials) > max(one.seed for f in FIGURES for one in f.trials("full"))
    assert all(low <= first <= high for name in TUNED for low, high, first in space(name).values())
    assert not set(ALIKE) & {one.numbers["task"] for one in trials}


def test_cut_streams_keep_their_rows_together() -> None:
    task = MackeyGlass(length=100, test_length=50)
    last, validation = LastRows(task, 30), Validation(task, 0.8)
    np.testing.assert_array_equal(last.train(0).targets, task.train(0).targets[-30:])
    assert np.isnan(validation.train(0).targets[65:]).all()  # not yet known at row 80
    assert np.isfinite(validation.train(0).targets[:65]).all()
    assert LastRows(CopyMemory(), 10).n_out == 10


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["reproduce", "fig44"], "fig4"),
        (["reproduce", "fig4", "--methods", "AMP"], "ANP"),
        (["reproduce", "fig4", "--methods", "BPTT,Adam"], "There are: ANP, BPTT-Adam, BPTT-SGD"),
        (["reproduce", "fig6"], "--csv"),
        (["reproduce", "fig5", "--cluster", "nonsense://there"], "cluster"),
        (["reproduce", "fig4", "--csv", "nowhere.csv"], "nowhere.csv"),
        (["reproduce", "fig4", "--workers", "0"], "at least 1"),
        (["tune", "--settings", "0"], "at least 1"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    if arguments[0] == "tune":
        pytest.importorskip("optuna")
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_ctrl_c_says_where_what_is_finished_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("onlinernn.cli_reproduce.run_study", stopped)
    assert main(["reproduce", "fig4", "--scale", "quick", "--store", "s.db", "--quiet"]) == 130
    assert capsys.readouterr().err == (
        "onlinernn: stopped; what is finished is in s.db, and the same command goes on from there\n"
    )


def test_tuning_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("onlinernn.studies.tuning.find_spec", lambda _: None)
    assert main(["tune"]) == 2
    assert "pip install onlinernn[tune]" in capsys.readouterr().err


def test_a_search_is_repeatable_and_keeps_the_best_setting() -> None:
    pytest.importorskip("optuna")
    task = {"name": "mackey-glass", "horizon": 15, "length": 300, "test_length": 200}
    trial = Trial(
        "tune", "BPTT-Adam", 1000, task, {"task": "forecast", "settings": 3, "hidden": 8, "passes": 1, "seeds": 2}
    )
    numbers = perform(trial, {})["numbers"]
    assert perform(trial, {})["numbers"] == numbers
    assert len(numbers["tried"]) == 3
    assert numbers["score"] == min(score for _, score in numbers["tried"])
    assert [numbers["best"], numbers["score"]] in numbers["tried"]
    own = {"hidden": 8, "epochs": 1, **network(task), **numbers["best"]}
    of = [perform(Trial("learn", "BPTT-Adam", seed, task, own), {})["numbers"]["score"] for seed in (1000, 1001)]
    assert numbers["score"] == pytest.approx(math.sqrt(of[0] * of[1]))


def test_chosen_figures_come_once() -> None:
    assert [one.name for one in chosen(["fig5", "fig4", "fig5"])] == ["fig5", "fig4"]
    assert len(chosen(["all"])) == len(FIGURES) == 9
