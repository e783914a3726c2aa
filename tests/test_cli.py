"""The command-line tool: its table, its files, its refusals, and what survives Ctrl-C."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from onlinernn import OnlineLearner, __version__
from onlinernn.cli import main
from onlinernn.cli_options import add_arguments, make_plan
from onlinernn.cli_output import short
from onlinernn.cli_table import results_table, verdict
from onlinernn.controls import reference
from onlinernn.progress import Bar
from onlinernn.reference import Adam
from onlinernn.settings import Settings, defaults
from onlinernn.tasks import MackeyGlass

TINY = ["--hidden", "10", "--epochs", "1", "--seeds", "0,1"]
KEYS = {
    "task", "method", "n_hidden", "seed", "samples", "nmse_test", "nmse_prequential", "accuracy", "seconds",
    "us_per_step", "bytes",
}  # fmt: skip
TIMES = ("seconds", "us_per_step")


def run(out: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run a command in this process; return its exit code and what it wrote."""
    code = main(["run", *arguments, "--out", str(out), "--quiet"])
    written: dict[str, Any] = json.loads((out / "result.json").read_text())
    return code, written


def numbers(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows without what depends on the clock."""
    return [{key: value for key, value in row.items() if key not in TIMES} for row in result["rows"]]


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    t = np.arange(300.0)
    rows = [f"2020-01-{1 + int(h) // 24:02d} {int(h) % 24:02d}:00,{np.sin(h / 5):.4f},{np.cos(h / 5):.4f}" for h in t]
    path = tmp_path / "series.csv"
    path.write_text("\n".join(["time,load,wind", *rows]) + "\n")
    return path


def test_the_default_task_prints_a_table_and_leaves_its_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    extra = tmp_path / "extra.json"
    code, result = run(tmp_path / "out", *TINY, "--length", "400", "--json", str(extra))
    printed = capsys.readouterr()
    assert code == 0
    assert printed.err == ""
    for label in ("ANP (the rule)", "frozen reservoir", "one-step gradient", "true BPTT", "persistence", "ridge on 20"):
        assert label in printed.out
    assert "of the frozen reservoir" in printed.out
    assert json.loads(extra.read_text()) == result
    assert result["command"] == "run"
    assert result["version"] == __version__
    methods = {"anp", "frozen", "one-step", "tbptt-50", "constant", "persistence", "ridge-1", "ridge-20", "ridge-32"}
    assert {(row["method"], row["seed"]) for row in result["rows"]} == {(m, s) for m in methods for s in (0, 1)}
    assert all(row.keys() >= KEYS for row in result["rows"])
    assert all(row["task"] == "mackey-glass" and row["samples"] == 400 for row in result["rows"])
    assert {"arguments", "settings", "seeds", "parts", "versions"} <= result.keys()
    assert (tmp_path / "out" / "picture.png").stat().st_size > 20_000
    trained = OnlineLearner.load(tmp_path / "out" / "anp-seed0.ckpt")
    assert trained.target_delay == 15
    assert float(np.abs(trained.weights["B"]).max()) > 0


def test_a_run_repeats_to_the_same_numbers(tmp_path: Path) -> None:
    options = [*TINY, "--length", "300", "--no-plot", "--methods", "frozen,bptt"]
    assert numbers(run(tmp_path / "a", *options)[1]) == numbers(run(tmp_path / "b", *options)[1])
    assert not (tmp_path / "a" / "picture.png").exists()


def test_bptt_has_epochs_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [*TINY, "--length", "1500", "--methods", "frozen,bptt", "--epochs-bptt", "3"]
    result = run(tmp_path, *options)[1]
    assert {row["method"]: row["samples"] for row in result["rows"]} == {"anp": 1500, "frozen": 1500, "tbptt-50": 4500}
    assert {one["method"]: len(one["nmse_test_by_epoch"]) for one in result["curves"]} == {
        "anp": 2, "frozen": 2, "tbptt-50": 4,
    }  # fmt: skip
    printed = capsys.readouterr().out
    assert "samples/1000" in printed
    assert " 4.5 " in next(line for line in printed.splitlines() if line.startswith("true BPTT"))


@pytest.mark.parametrize(
    ("given", "epochs", "of_bptt"),
    [
        ([], Settings().epochs, None),
        (["--epochs", "7"], 7, 7),
        (["--epochs-bptt", "9"], Settings().epochs, 9),
        (["--epochs", "7", "--epochs-bptt", "9"], 7, 9),
    ],
)
def test_epochs_hold_for_bptt_too_unless_it_is_given_its_own(
    given: list[str], epochs: int, of_bptt: int | None
) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    settings = make_plan(parser.parse_args(["mackey-glass", *given])).settings
    assert settings.epochs == epochs
    assert settings.epochs_bptt == (of_bptt or defaults("mackey-glass").epochs_bptt)


@pytest.mark.parametrize(("algorithm", "updates"), [("one_step", 4 * 1010), ("tbptt", 4 * 21)])
def test_the_rate_of_a_gradient_control_falls_to_nothing_over_its_run(
    algorithm: Literal["one_step", "tbptt"], updates: int
) -> None:
    task, settings = MackeyGlass(length=1010), Settings(hidden=5)
    optimizer = reference(task, settings, 0, algorithm, 1e-3, epochs=4).optimizer
    assert isinstance(optimizer, Adam)
    assert (optimizer.max_norm, optimizer.decay_steps) == (1.0, updates)


def test_the_frozen_control_keeps_its_hidden_weights(tmp_path: Path) -> None:
    run(tmp_path, *TINY, "--length", "300", "--no-plot", "--methods", "frozen", "--lr-hidden", "0.001")
    rule, frozen = (OnlineLearner.load(tmp_path / f"{name}-seed0.ckpt").weights for name in ("anp", "frozen"))
    start = OnlineLearner(1, 10, 1, input_scale=6.0, seed=0).weights
    assert np.array_equal(frozen["R"], start["R"])
    assert not np.array_equal(rule["R"], start["R"])


def test_another_rule_runs_with_decorrelation_in_double_precision(tmp_path: Path) -> None:
    options = ["--rule", "np", "--decorrelation", "1e-4", "--dtype", "float64", "--methods", "none", "--resync", "1"]
    code, result = run(tmp_path, *TINY, "--length", "300", "--no-plot", *options)
    assert code == 0
    assert {row["method"] for row in result["rows"]} == {"dnp"}
    assert OnlineLearner.load(tmp_path / "dnp-seed0.ckpt").weights["D"].dtype == np.float64


def test_copy_memory_has_an_accuracy_and_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, result = run(tmp_path, "copy", *TINY, "--length", "5", "--pause", "2")
    assert code == 0
    assert "accuracy" in capsys.readouterr().out
    assert all(row["accuracy"] is not None for row in result["rows"])
    assert {"phase", "ridge-8", "tbptt-12"} <= {row["method"] for row in result["rows"]}
    assert (tmp_path / "picture.png").stat().st_size > 10_000


def test_any_csv_file_is_a_task(tmp_path: Path, csv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--csv", str(csv), "--target", "load", "--columns", "wind", "--horizon", "3", "--date", "time"]
    code, result = run(tmp_path / "out", "csv", *options, *TINY, "--split", "200")
    assert code == 0
    assert {row["horizon"] for row in result["rows"]} == {3}
    assert result["data"] == "300 rows; missing cells: none; time stamps regular (3600 s)"
    assert len(result["settings"]["csv"]) == 64
    assert "3 steps ahead" in capsys.readouterr().out


def test_a_delay_that_leaks_the_future_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path, *TINY, "--length", "300", "--no-plot", "--delay", "0", "--methods", "none")
    assert "NOT HONEST" in capsys.readouterr().out


def test_the_weather_runs(tmp_path: Path, weather_csv: Path) -> None:
    code, result = run(
        tmp_path, "weather", "--csv", str(weather_csv), *TINY, "--methods", "frozen,floors", "--horizon", "1"
    )
    assert code == 0
    still = next(row for row in result["rows"] if row["method"] == "persistence")
    assert still["mse_test"] == pytest.approx(0.0210, abs=1e-4)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fly"], "invalid choice: 'fly'"),
        (["mackey-glass", "--speed", "3"], "unrecognized arguments: --speed 3"),
        (["mackey-glass", "--csv", "x.csv"], "--csv is for weather and csv"),
        (["mackey-glass", "--horizon", "0"], "horizon must lie between"),
        (["mackey-glass", "--length", "100", "--horizon", "100"], "horizon must lie between"),
        (["mackey-glass", "--lr-hidden", "-1"], "lr_hidden is -1; it must be at least 0"),
        (["mackey-glass", "--lr-readout", "nan"], "lr_readout is nan"),
        (["mackey-glass", "--lr-bptt", "-1"], "lr_hidden must be"),
        (["mackey-glass", "--sigma", "0"], "sigma is 0; it must be greater than 0"),
        (["mackey-glass", "--decorrelation", "-1"], "rate is -1; it must be at least 0"),
        (["mackey-glass", "--leak", "2"], "alpha is 2; it must be greater than 0 and at most 1"),
        (["mackey-glass", "--hidden", "0"], "it must be at least 1"),
        (["mackey-glass", "--hidden", "many"], "'many' is not a whole number"),
        (["mackey-glass", "--seeds", "0,0"], "names a seed twice"),
        (["mackey-glass", "--seeds", "0,-1"], "-1 is too small"),
        (["mackey-glass", "--methods", "bptt,magic"], "there is no method 'magic'"),
        (["mackey-glass", "--delay", "5000"], "--delay 5000 is longer than the training stream"),
        (["mackey-glass", "--resume"], "nothing to resume"),
        (["mackey-glass", "--json", "nowhere/x.json"], "there is no folder nowhere"),
        (["weather"], "weather needs a file: --csv FILE"),
        (["csv", "--csv", "{csv}"], "--target NAME"),
        (["csv", "--csv", "gone.csv", "--target", "load"], "gone.csv: No such file"),
        (["csv", "--csv", "{csv}", "--target", "laod"], "has no column 'laod'. Did you mean 'load'?"),
        (["csv", "--csv", "{csv}", "--target", "load", "--columns", "time"], "is not a number"),
        (["csv", "--csv", "{csv}", "--target", "load", "--columns", "wind,,"], "holds an empty name"),
        (["csv", "--csv", "{csv}", "--target", "load", "--horizon", "400"], "horizon 400 is too long for 300 rows"),
        (["csv", "--csv", "{csv}", "--target", "load", "--split", "half"], "neither a number of rows nor a share"),
        (["csv", "--csv", "{csv}", "--target", "load", "--split", "1.5"], "split must be"),
        (["csv", "--csv", "{csv}", "--target", "load", "--date", "wind"], "is not a time stamp"),
        (["csv", "--csv", "{bad}", "--target", "load"], "row 3, column 'load': 'inf' is not finite"),
        (["csv", "--csv", "{folder}", "--target", "load"], "Is a directory"),
        (["csv", "--csv", "{empty}", "--target", "load"], "is empty"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_leaves_nothing(
    tmp_path: Path,
    csv: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    (tmp_path / "bad.csv").write_text("load,wind\n1,2\ninf,3\n" + "1,2\n" * 50)
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    places = {"csv": csv, "bad": tmp_path / "bad.csv", "empty": tmp_path / "empty.csv", "folder": tmp_path}
    code = main(["run", *(argument.format(**places) for argument in arguments)])
    printed = capsys.readouterr()
    assert code == 2
    assert printed.out == ""
    assert printed.err.startswith("onlinernn: error: ")
    assert printed.err.count("\n") == 1
    assert said in printed.err
    assert list(Path().iterdir()) == []


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["run", "--help"])
    assert stopped.value.code == 0
    assert "examples:" in capsys.readouterr().out
    assert main([]) == 0
    assert "run" in capsys.readouterr().out


def test_a_rule_that_diverges_says_so_and_the_others_make_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--length", "3000", "--lr-hidden", "1e30", "--methods", "frozen,bptt"]
    code, result = run(tmp_path, *TINY, *options)
    printed = capsys.readouterr()
    assert code == 1
    lines = printed.err.splitlines()
    assert len(lines) == 2
    assert "ANP (the rule), seed 0, diverged at step " in lines[0]
    by_method = {row["method"]: row for row in result["rows"] if row["seed"] == 0}
    broken = by_method["anp"]
    assert broken["nmse_test"] is None
    assert f"diverged at step {broken['diverged_at_step']}" in lines[0]
    assert by_method["frozen"]["nmse_test"] is not None
    assert by_method["tbptt-50"]["nmse_test"] is not None
    assert "2 of 2 diverged" in printed.out
    assert not (tmp_path / "picture.png").exists()


def test_the_last_good_checkpoint_of_a_divergence_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0
    honest_run = OnlineLearner.run

    def later_infinite(self: OnlineLearner, U: Any, Y: Any = None, progress: Any = False) -> Any:
        nonlocal calls
        calls += Y is not None and len(U) == 1000
        if calls == 3 and Y is not None:
            self.set_weights(c=[3e38])
        return honest_run(self, U, Y, progress)

    monkeypatch.setattr(OnlineLearner, "run", later_infinite)
    options = ["--hidden", "10", "--epochs", "1", "--seeds", "0", "--length", "3000", "--methods", "none"]
    code, result = run(tmp_path, *options)
    row = result["rows"][0]
    assert code == 1
    assert row["samples"] == 2000
    assert row["diverged_at_step"] >= 2000
    assert result["reports"][0]["steps"] == row["diverged_at_step"] + 1  # counted until then: it tells why
    kept = list(tmp_path.glob("anp-seed0-step*.ckpt"))
    assert len(kept) == 1
    assert np.isfinite(OnlineLearner.load(kept[0]).weights["R"]).all()


LONG = ["run", "--hidden", "100", "--epochs", "60", "--length", "5000", "--seeds", "0", "--no-plot"]
LONG += ["--methods", "frozen"]


def test_ctrl_c_keeps_a_checkpoint_and_resume_ends_with_the_same_numbers(tmp_path: Path) -> None:
    assert main([*LONG, "--out", str(tmp_path / "whole"), "--quiet"]) == 0
    out = tmp_path / "broken"
    process = subprocess.Popen(
        [sys.executable, "-m", "onlinernn", *LONG, "--out", str(out), "--quiet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not list(out.glob("*-step*.ckpt")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    printed, complaint = process.communicate(timeout=30)
    assert process.returncode == 130, complaint
    assert printed == ""
    assert complaint.count("\n") == 1
    assert "--resume" in complaint
    assert not (out / "result.json").exists()
    journal = json.loads((out / "progress.json").read_text())
    assert 0 < journal["working"]["progress"]["samples"] < 300_000
    assert (out / journal["working"]["learner"]).is_file()
    assert main([*LONG, "--out", str(out), "--quiet", "--resume"]) == 0
    whole, resumed = (json.loads((tmp_path / name / "result.json").read_text()) for name in ("whole", "broken"))
    assert numbers(whole) == numbers(resumed)
    assert whole["curves"] == resumed["curves"]
    for name in ("anp", "danp"):
        if (out / f"{name}-seed0.ckpt").exists():
            weights = [
                OnlineLearner.load(folder / f"{name}-seed0.ckpt").weights for folder in (tmp_path / "whole", out)
            ]
            assert all(np.array_equal(weights[0][key], weights[1][key]) for key in weights[0])
    assert not list(out.glob("*-step*.ckpt"))


def test_resume_refuses_another_run_and_takes_up_a_finished_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [*TINY, "--length", "300", "--no-plot", "--methods", "frozen"]
    first = run(tmp_path, *options)[1]
    assert run(tmp_path, *options, "--resume")[1]["rows"] == first["rows"]
    before = (tmp_path / "progress.json").read_bytes()
    capsys.readouterr()
    assert main(["run", *options, "--sigma", "0.5", "--out", str(tmp_path), "--resume"]) == 2
    assert "belongs to a run with sigma 0.01, not 0.5" in capsys.readouterr().err
    assert (tmp_path / "progress.json").read_bytes() == before
    (tmp_path / "progress.json").write_text("[]")
    assert main(["run", *options, "--out", str(tmp_path), "--resume"]) == 2
    assert "is no journal of a run" in capsys.readouterr().err


def table_rows(**errors: list[float | None]) -> list[dict[str, Any]]:
    empty = dict.fromkeys(("nmse_prequential", "accuracy", "seconds", "us_per_step", "bytes"))
    return [
        {"task": "t", "method": method, "seed": seed, "nmse_test": value, "n_hidden": 1, **empty}
        for method, values in errors.items()
        for seed, value in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("rule", "frozen", "said"),
    [
        ([0.1, 0.1, 0.1], [0.2, 0.2, 0.2], "Training A and R paid"),
        ([0.1, 0.1, 0.3], [0.2, 0.2, 0.2], "Training A and R gained nothing that can be seen"),
        ([0.1, 0.1, 0.1], [0.101, 0.101, 0.101], "Training A and R gained nothing that can be seen"),
        ([0.2, 0.2, 0.2], [0.1, 0.1, 0.1], "Training A and R did harm"),
        ([None, None, None], [0.1, 0.1, 0.1], "anp has no score in any seed"),
        ([0.1, None, None], [0.2, 0.05, 0.05], "lower in 1 of 1 seed."),
        ([0.1, 0.1, 0.1], [None, None, None], "Not compared with frozen (no score)."),
    ],
)
def test_the_verdict_is_plain(rule: list[float | None], frozen: list[float | None], said: str) -> None:
    assert said in verdict(table_rows(anp=rule, frozen=frozen), {})


def test_the_table_shows_medians_and_extremes() -> None:
    text = results_table(table_rows(anp=[0.1, 0.2, 0.4]), {"anp": "ANP"})
    assert "0.2 [0.1..0.4]" in text
    assert short(float("inf")) == "-"


class Terminal:
    """A text file that may say it is a terminal."""

    def __init__(self, terminal: bool) -> None:
        self.terminal, self.text = terminal, ""

    def isatty(self) -> bool:
        return self.terminal

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


@pytest.mark.parametrize("terminal", [True, False])
def test_the_bar_shows_running_loss_and_time_left(terminal: bool) -> None:
    screen, now = Terminal(terminal), [0.0]
    bar = Bar(screen, clock=lambda: now[0])  # type: ignore[arg-type]
    bar.start("anp, seed 0", total=100)
    now[0] = 20.0
    bar.update(25, 0.5)
    now[0] = 20.01
    bar.update(26, 0.4)
    assert "25%, running NMSE 0.5, 1 min 0 s left" in screen.text
    assert "0.4" not in screen.text
    assert ("\r" in screen.text) == terminal
    assert screen.text.endswith("\n") != terminal
    bar.close()
    bar.finish("done")
    assert screen.text.endswith("\n")
    assert os.linesep not in Terminal(terminal).text


def test_a_quiet_bar_is_silent() -> None:
    screen = Terminal(True)
    bar = Bar(screen, quiet=True)  # type: ignore[arg-type]
    bar.start("anp", total=1)
    bar.update(1, 0.1)
    bar.finish("done")
    bar.close()
    assert screen.text == ""
