"""The comparison: the same network, samples and rows for every method, and a table that tells who learnt."""

import json
import math
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from onlinernn import LeakSpectrum, LeakyTanh
from onlinernn.cli import main
from onlinernn.cli_bptt import OtherTraining
from onlinernn.compare import (
    EQUAL_TIME,
    METHODS,
    compete,
    equal_time,
    floor_row,
    initial_weights,
    learner,
    method,
    named,
    reference,
)
from onlinernn.compare_torch import TORCH, installed, torch_row
from onlinernn.controls import leaks, unit
from onlinernn.kernels.cells import cell_step
from onlinernn.reference import Adam
from onlinernn.settings import PROBES, match, overridden
from onlinernn.tasks import CopyMemory, MackeyGlass, NoisyTargets, Recall, Settled, Task, switching, xor

KEYS = {
    "task", "method", "n_hidden", "seed", "samples", "nmse_test", "nmse_prequential", "accuracy", "seconds",
    "us_per_step", "bytes",
}  # fmt: skip
TINY = ["--hidden", "8", "--length", "300", "--samples", "600", "--seeds", "1,2", "--quiet"]


def compare(tmp_path: Path, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """Run the command in this process; return its exit code and the rows that it wrote."""
    path = tmp_path / "rows.json"
    code = main(["compare", *arguments, "--json", str(path)])
    written = json.loads(path.read_text())
    assert written["command"] == "compare"
    return code, written["rows"]


def test_all_methods_are_compared_by_default(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, rows = compare(tmp_path, "mackey-glass", *TINY)
    printed = capsys.readouterr()
    assert code == 0
    assert printed.err == ""
    assert {(row["method"], row["seed"]) for row in rows} == {
        (m, s) for m in (*METHODS, EQUAL_TIME, *([TORCH] if installed() else [])) for s in (1, 2)
    }
    assert all(row.keys() >= KEYS and row["task"] == "mackey-glass" for row in rows)
    networks = [row for row in rows if row["method"] not in ("persistence", "ridge", "constant", EQUAL_TIME)]
    assert all(row["samples"] == 600 and row["n_hidden"] == 8 and row["seconds"] > 0 for row in networks)
    assert all(row["n_hidden"] is None for row in rows if row["method"] in ("persistence", "ridge", "constant"))
    for text in (
        f"true BPTT ({match('mackey-glass').window} steps), Adam",
        "in LearnedFeedback's time",
        "ridge on 20 lags",
        "first 200 steps",
    ):
        assert text in printed.out


def test_chosen_methods_repeat_to_the_same_numbers(tmp_path: Path) -> None:
    options = ["xor", *TINY, "--methods", "bptt,LEARNEDFEEDBACK,rflo,constant"]
    code, rows = compare(tmp_path, *options)
    assert code == 0
    repeated = compare(tmp_path, *options)[1]
    assert {row["method"] for row in rows} == {"LearnedFeedback", "BPTT", EQUAL_TIME, "RFLO", "constant"}
    for one, other in zip(rows, repeated, strict=True):
        if one["method"] != EQUAL_TIME:  # how much it learns depends on the clock
            assert (one["nmse_test"], one["accuracy"]) == (other["nmse_test"], other["accuracy"])
            assert one["accuracy"] is not None


def test_a_task_without_a_series_has_no_persistence_score(tmp_path: Path) -> None:
    (row,) = compare(tmp_path, "recall", *TINY, "--seeds", "3", "--methods", "persistence")[1]
    assert (row["nmse_test"], row["accuracy"], row["samples"]) == (None, None, None)


def test_the_file_of_a_stranger_is_compared_on_all_its_test_rows(tmp_path: Path) -> None:
    path = tmp_path / "series.csv"
    t = np.arange(400)
    path.write_text("load,wind\n" + "".join(f"{a:.4f},{b:.4f}\n" for a, b in np.c_[np.sin(t / 5), np.cos(t / 5)]))
    options = ["csv", "--csv", str(path), "--target", "load", "--methods", "frozen,ridge", "--hidden", "8", "--quiet"]
    code, rows = compare(tmp_path, *options, "--samples", "640")
    assert code == 0
    assert {row["samples"] for row in rows if row["method"] == "frozen"} == {640}
    assert match("csv").washout == 0


def test_the_leaks_of_the_learners_are_those_of_the_reference() -> None:
    settings = overridden(match("weather"), hidden=5)
    cell, spread = unit(settings), np.asarray(leaks(settings))
    assert (settings.readout, settings.dtype, cell) == ("rls", "float64", LeakSpectrum(0.005))
    x = np.zeros((2, 5))
    np.testing.assert_allclose(
        [cell_step(cell, x, i, np.float64(1.0)) for i in range(5)], spread * np.tanh(1.0), rtol=1e-12
    )
    assert (spread[0], spread[-1]) == (0.005, 1.0)
    plain = overridden(settings, slowest=0.0, leak=0.5)
    assert (unit(plain), leaks(plain)) == (LeakyTanh(0.5), 0.5)


def test_a_readout_brings_its_precision_and_a_leak_ends_the_spectrum(tmp_path: Path) -> None:
    def settings_of(*options: str) -> Any:
        compare(
            tmp_path,
            "csv",
            "--csv",
            str(path),
            "--target",
            "load",
            "--samples",
            "640",
            "--methods",
            "constant",
            *options,
        )
        return json.loads((tmp_path / "rows.json").read_text())["settings"]

    path = tmp_path / "series.csv"
    path.write_text("load,wind\n" + "".join(f"{np.sin(t / 5):.4f},{np.cos(t / 5):.4f}\n" for t in range(400)))
    usual = settings_of()
    assert (usual["readout"], usual["dtype"], usual["slowest"]) == ("rls", "float64", 0.005)
    assert settings_of("--readout", "nlms")["dtype"] == "float32"
    assert settings_of("--readout", "nlms", "--dtype", "float64")["dtype"] == "float64"
    assert settings_of("--slowest", "0.1")["slowest"] == 0.1
    assert settings_of("--leak", "0.5")["slowest"] == 0.0


@pytest.mark.parametrize("task", PROBES)
def test_every_probe_has_its_settings(task: Any) -> None:
    assert match(task).hidden == (200 if task in ("weather", "csv") else 30)
    assert match(task, 48).ridge == (100.0 if task in ("weather", "csv") else 1.0)
    assert match(task).endless == (task in ("drifting", "switching"))


@pytest.mark.parametrize("name", ["WindowedNP", "ANP", "NP", "WP", "frozen"])
@pytest.mark.parametrize("task", [MackeyGlass(length=300), xor()])
def test_every_network_starts_from_the_same_weights(task: Task, name: str) -> None:
    settings = overridden(match("mackey-glass"), hidden=6)
    first = learner(task, settings, "LearnedFeedback", 1, seed=5).weights
    other = learner(task, settings, name, 1, seed=5).weights
    assert first.keys() == other.keys()
    assert all(np.array_equal(first[key], other[key]) for key in first)
    assert np.abs(first["b"]).min() > 0


@pytest.mark.parametrize("name", ["one-step", "k-step", "BPTT", "RFLO"])
@pytest.mark.parametrize("delay", [0, 4])
def test_a_gradient_trains_the_network_of_the_learners(name: str, delay: int) -> None:
    task, settings = MackeyGlass(horizon=delay or -3, length=300), overridden(match("mackey-glass"), hidden=6, leak=0.7)
    rule = learner(task, settings, "frozen", 1, seed=5)
    rng = np.random.default_rng(0)
    readout = {"B": rng.normal(size=(1, 6)), "E": rng.normal(size=(1, 1))}
    rule.set_weights(**readout)
    other = reference(task, settings, name, 1, seed=5)
    for key, value in readout.items():
        other.network.parameters.named()[key][...] = value
    U = rng.normal(size=(50, 1))
    assert np.allclose(rule.run(U).predictions, other.run(U).predictions, atol=1e-5)
    assert other.target_delay == delay


def test_rates_fall_over_the_run_unless_the_stream_is_endless() -> None:
    task = switching(length=300)
    falls, stays = (overridden(match("switching"), hidden=4, endless=endless) for endless in (False, True))
    assert learner(task, falls, "ANP", 3, 0).spec.schedule.steps == 900
    assert learner(task, stays, "ANP", 3, 0).spec.schedule._fields == ()
    steps = []
    for settings in (falls, stays):
        optimizer = reference(task, settings, "BPTT", 3, 0).optimizer
        assert isinstance(optimizer, Adam)
        steps.append(optimizer.decay_steps)
    assert steps == [3 * math.ceil(300 / falls.window), None]


def test_only_the_frozen_control_is_frozen() -> None:
    task, settings = MackeyGlass(length=300, test_length=300), overridden(match("mackey-glass"), hidden=6)
    stream = task.train(0)
    for name in ("LearnedFeedback", "frozen"):
        one = learner(task, settings, name, 1, seed=0)
        start = {key: value.copy() for key, value in one.weights.items()}
        one.run(stream.inputs, stream.targets)
        moved = {key for key, value in one.weights.items() if not np.array_equal(value, start[key])}
        assert moved == {"B", "E", "c", "D"} | (set() if name == "frozen" else {"A", "R", "b"})


def test_learned_feedback_has_a_referee_unless_it_is_sent_away(tmp_path: Path) -> None:
    options = ["mackey-glass", *TINY, "--seeds", "1", "--methods", "learnedfeedback,frozen"]
    refereed, frozen = compare(tmp_path, *options)[1]
    alone = compare(tmp_path, *options, "--no-referee")[1][0]
    assert refereed["bytes"] > alone["bytes"] + 0.5 * frozen["bytes"] > 0  # the shadow is a frozen network
    assert frozen["bytes"] <= alone["bytes"]


def test_learned_feedback_learns_what_the_frozen_network_cannot() -> None:
    task, settings = cast(Task, Settled(xor(back=1, length=5000), 200)), match("xor")
    rows = [compete(task, settings, method(task, settings, name, 4), 0) for name in ("LearnedFeedback", "frozen")]
    assert rows[0]["nmse_test"] < 0.5 * rows[1]["nmse_test"]


def test_equal_time_is_as_many_passes_as_fit() -> None:
    task, settings = Recall(length=300), match("recall")
    bptt = {"seconds": 2.0, "samples": 1200, "seed": 0}
    for seconds, epochs in ((3.6, 7), (0.1, 1)):
        one = equal_time(task, settings, {"seconds": seconds}, bptt)
        assert one is not None
        assert (one.name, one.epochs) == (EQUAL_TIME, epochs)
    assert equal_time(task, settings, {"seconds": None}, bptt) is None


def test_a_comparison_that_was_stopped_goes_on_from_its_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["recall", *TINY, "--methods", "bptt,one-step", "--store", str(tmp_path / "rows.db")]
    calls: list[tuple[str, int]] = []

    def counted(task: Any, settings: Any, one: Any, seed: int, *more: Any, **named: Any) -> Any:
        if len(calls) == 3 and not (tmp_path / "rows.json").exists():
            raise KeyboardInterrupt
        calls.append((one.name, seed))
        return compete(task, settings, one, seed, *more, **named)

    monkeypatch.setattr("onlinernn.cli_compare.compete", counted)
    assert main(["compare", *options]) == 130
    assert f"what is finished is in {tmp_path / 'rows.db'}" in capsys.readouterr().err
    (tmp_path / "rows.json").write_text("")
    code, rows = compare(tmp_path, *options)
    assert code == 0
    assert calls == [("one-step", 1), ("one-step", 2), ("BPTT", 1), ("BPTT", 2)]
    capsys.readouterr()
    assert compare(tmp_path, *options)[1] == rows  # seconds too: nothing was computed
    assert len(calls) == 4
    compare(tmp_path, *options, "--leak", "0.5")  # other numbers are other rows
    assert len(calls) == 8
    assert main(["results", str(tmp_path / "rows.db")]) == 0
    assert "one-step" in capsys.readouterr().out


def test_a_figure_and_an_endless_stream_show_the_error_over_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figure = tmp_path / "race.png"
    options = ["recall", *TINY, "--samples", "900", "--methods", "bptt,one-step,constant", "--figure", str(figure)]
    rows = compare(tmp_path, *options, "--endless")[1]
    assert figure.stat().st_size > 20_000
    curves = rows[0]["curves"]
    assert curves["samples"] == [300, 600, 900]
    assert curves["test"][-1] == rows[0]["nmse_test"]
    assert np.all(np.diff(curves["seconds"]) > 0)
    printed = capsys.readouterr().out.splitlines()
    (header,) = (line for line in printed if line.startswith("prequential NMSE until"))
    assert header.split()[-3:] == ["33%", "67%", "100%"]
    falling = compare(tmp_path, *options)[1]
    assert falling[0]["nmse_test"] != rows[0]["nmse_test"]  # the rate stayed there
    assert "prequential NMSE until" not in capsys.readouterr().out


def test_past_inputs_are_for_the_networks_alone(tmp_path: Path) -> None:
    options = ["recall", "--length", "600", "--hidden", "8", "--samples", "6000", "--seeds", "1", "--quiet",
               "--methods", "bptt,ridge"]  # fmt: skip
    one, eleven = (compare(tmp_path, *options, "--past", past)[1] for past in ("1", "11"))
    assert one[0]["nmse_test"] > 0.5 > eleven[0]["nmse_test"]  # the bit 10 back stands in the input
    assert one[1]["nmse_test"] == eleven[1]["nmse_test"]


def test_bptt_is_tuned_on_training_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "tuned.json"
    assert main(["compare", "recall", *TINY, "--samples", "300", "--tune-bptt", "--json", str(path)]) == 0
    rows = json.loads(path.read_text())["rows"]
    assert len({(row["lr_bptt"], row["window"], row["endless"]) for row in rows}) == 18
    assert len(rows) == 36
    assert sum(line.endswith("used") for line in capsys.readouterr().out.splitlines()) == 1
    task, settings = cast(Task, Settled(Recall(length=300), 200)), overridden(match("recall"), hidden=8)
    used = next(r for r in rows if (r["lr_bptt"], r["window"], r["endless"]) == (settings.lr_bptt, 50, False))
    row = compete(cast(Task, OtherTraining(task)), settings, method(task, settings, "BPTT", 1), 1)
    assert (
        used["nmse_test"]
        == row["nmse_test"]
        != compete(task, settings, method(task, settings, "BPTT", 1), 1)["nmse_test"]
    )


def test_a_divergence_is_a_row_without_scores() -> None:
    task, settings = MackeyGlass(length=300, test_length=300), overridden(match("mackey-glass"), lr_anp=1e30, hidden=6)
    row = compete(task, settings, method(task, settings, "ANP", 2), 0)
    assert row["diverged_at_step"] is not None
    assert (row["nmse_test"], row["n_hidden"]) == (None, 6)


def test_noise_is_added_to_what_is_taught_and_not_to_the_test(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["mackey-glass", "--length", "1000", "--samples", "1000", "--methods", "constant", "--quiet"]
    clean, noisy = (compare(tmp_path, *options, *more)[1][0] for more in ([], ["--target-noise", "1.0"]))
    assert noisy["target_variance"] == pytest.approx(2 * clean["target_variance"], rel=0.1)
    assert noisy["mse_test"] == pytest.approx(clean["mse_test"], rel=0.2)
    assert "noise included" in capsys.readouterr().out


def test_ridge_looks_far_enough_back_with_noise_too() -> None:
    plain = Recall(back=10)
    row = floor_row(cast(Task, Settled(NoisyTargets(plain, 0.1), 200)), plain, "ridge", 0)
    assert row["accuracy"] == 1.0


def test_settled_leaves_out_the_beginning_only() -> None:
    task = MackeyGlass(length=300, test_length=300)
    stream, whole = Settled(task, 100).test(0), task.test(0)
    assert np.array_equal(np.flatnonzero(stream.scored), np.arange(100, 300))
    assert np.array_equal(stream.inputs, whole.inputs)
    assert Settled(task, 100).train(0).scored.all()


def test_names_are_found_whatever_their_case() -> None:
    assert [named(text) for text in ("bptt", "ANP", "learnedFEEDBACK", "K-Step")] == [
        "BPTT", "ANP", "LearnedFeedback", "k-step",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fly"], "invalid choice: 'fly'"),
        (["--methods", "bppt"], "there is no method 'bppt'; did you mean BPTT"),
        (["--methods", "qqqq"], "choose from LearnedFeedback, WindowedNP"),
        (["--samples", "10"], "--samples 10 is less than one pass over the training stream, which has 5000"),
        (["--samples", "many"], "'many' is not a whole number"),
        (["--length", "150", "--samples", "150"], "the test stream has 150 rows; 201 are needed"),
        (["--target-noise", "-1"], "share must be finite and at least 0"),
        (["--leak", "3"], "alpha is 3"),
        (["recall", "--horizon", "3"], "--horizon is for mackey-glass and weather and csv"),
        (["weather"], "weather needs a file: --csv FILE"),
        (["--json", "nowhere/x.json"], "there is no folder nowhere"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["compare", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("onlinernn: error: ")
    assert printed.err.count("\n") == 1
    assert said in printed.err


def test_ctrl_c_stops_without_a_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("onlinernn.compare.evaluate", stopped)
    path = tmp_path / "rows.json"
    assert main(["compare", "xor", "--methods", "bptt", "--json", str(path), "--quiet"]) == 130
    assert capsys.readouterr().err == "onlinernn: stopped; nothing was written\n"
    assert not path.exists()


def test_pytorch_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("onlinernn.cli_compare.installed", lambda: False)
    assert main(["compare", "xor", "--methods", TORCH]) == 2
    assert "needs PyTorch, which is not installed" in capsys.readouterr().err


@pytest.mark.parametrize("leak", [1.0, 0.5])
@pytest.mark.parametrize("task", [MackeyGlass(length=330), xor(length=330), CopyMemory(length=3, delay=2)])
def test_pytorch_learns_what_the_reference_learns(task: Any, leak: float) -> None:
    pytest.importorskip("torch")
    settings = overridden(match("mackey-glass"), hidden=6, leak=leak, dtype="float64", window=40)
    ours = compete(task, settings, method(task, settings, "BPTT", 3), 0)
    theirs = torch_row(task, settings, initial_weights(task, settings, 0), 3, 0)
    assert theirs["nmse_test"] == pytest.approx(ours["nmse_test"], rel=1e-4)
    assert theirs["samples"] == ours["samples"]
