"""The bench: its peers do the engine's arithmetic, and its table and JSON hold what they promise."""

import json
import math
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from onlinernn import ANP, OnlineLearner, bench, bench_bounds, bench_instructions, threads
from onlinernn.bench import IMPLEMENTATIONS, ONE_THREAD, pinned, time_steps
from onlinernn.bench_bounds import time_bounds, time_epoch, time_threads
from onlinernn.bench_instructions import count_instructions
from onlinernn.bench_more import _wave, numpy_streams, profile, time_feedback, time_streams
from onlinernn.bench_others import PACKAGES, other_peer
from onlinernn.bench_peers import Net, fused_peer, numpy_peer, random_net
from onlinernn.cli import main
from onlinernn.cli_bench import _report_more

WAVE = np.sin(0.3 * np.arange(200)).astype(np.float32)


def net(decorrelated: bool, lr: float = 1e-4, rate: float = 1e-3, sigma: float = 1e-2) -> Net:
    return random_net(12, decorrelated, lr, rate, sigma, seed=3)


@pytest.mark.parametrize("decorrelated", [False, True])
def test_the_peers_agree_with_each_other(decorrelated: bool) -> None:
    one, other = net(decorrelated), net(decorrelated)
    np.testing.assert_allclose(
        fused_peer()(one, WAVE[:-1], WAVE[1:]), numpy_peer(other, WAVE[:-1], WAVE[1:]), rtol=1e-3, atol=1e-5
    )
    for name in ("A", "R", "B", "D"):
        start = getattr(net(decorrelated), name)
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-3, atol=1e-5)
        assert start.size == 0 or not np.array_equal(getattr(one, name), start)


@pytest.mark.parametrize("decorrelated", [False, True])
def test_the_peers_do_what_the_engine_does(decorrelated: bool) -> None:
    # The noise differs, so the weights must not learn; D does, and it learns from the clean copy alone.
    given = net(decorrelated, lr=1e-30)
    learner = bench._engine(net(decorrelated, lr=1e-30))
    losses = numpy_peer(given, WAVE[:-1], WAVE[1:])
    np.testing.assert_allclose(learner.run(WAVE[:-1, None], WAVE[1:, None]).losses, losses, rtol=1e-3, atol=1e-5)
    if decorrelated:
        assert not np.array_equal(given.D, np.eye(12))
        np.testing.assert_allclose(learner.weights["D"], given.D, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", PACKAGES)
@pytest.mark.parametrize("decorrelated", [False, True])
def test_the_peers_of_other_packages_do_what_the_others_do(name: str, decorrelated: bool) -> None:
    pytest.importorskip(PACKAGES[name])
    # Without noise, so that all see the same: nothing but D learns.
    given = net(decorrelated, sigma=0.0)
    U = np.resize(WAVE, 1001)
    expected = numpy_peer(given, U[:-1], U[1:])
    losses = other_peer(name, net(decorrelated), 0.0)(U[:-1], U[1:])
    np.testing.assert_allclose(losses, expected, rtol=2e-3, atol=1e-5)


def test_every_cell_of_the_table_is_measured() -> None:
    told: list[str] = []
    rows = time_steps([4, 8], ["anp", "danp"], 2, seconds=1e-3, progress=told.append)
    assert told == ["anp, n = 4", "danp, n = 4", "anp, n = 8", "danp, n = 8"]
    assert {(row["implementation"], row["rule"], row["n"]) for row in rows} == {
        (name, rule, n) for name in IMPLEMENTATIONS for rule in ("anp", "danp") for n in (4, 8)
    }
    assert len(rows) == 16
    for row in rows:
        assert set(row) == {"implementation", "rule", "n", "us_per_step", "ratio"}
        assert row["us_per_step"] > 0
        assert math.isfinite(row["ratio"])
        assert row["implementation"] != "run" or row["ratio"] == 1


def test_numpy_does_parallel_streams_as_the_engine_does() -> None:
    # The noise differs, so the weights hardly learn: losses are those of the clean copies.
    n, streams = 12, 3
    wave = _wave(streams)
    given = random_net(n, False, 1e-7, 1e-7, 1e-2, seed=n)
    learner = OnlineLearner(1, n, 1, rule=ANP(lr_hidden=1e-30, lr_readout=1e-30), streams=streams, spectral_radius=0.0)
    learner.set_weights(A=given.A[:, None], R=given.R, B=given.B[None])
    losses = numpy_streams(n, streams)(wave[:-1, :, 0], wave[1:, :, 0])
    np.testing.assert_allclose(learner.run(wave[:-1], wave[1:]).losses, losses, rtol=1e-3, atol=1e-5)
    assert np.ptp(losses, axis=1).max() > 1e-3  # each stream has a phase of its own


def test_more_is_measured_than_the_table_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "available", lambda: 2)
    # Of what is bounded: one that has more copies, and one of other parts, which the table of feedback compiles too.
    monkeypatch.setattr(bench_bounds, "BOUNDS", (bench_bounds.BOUNDS[0], bench_bounds.BOUNDS[-1]))
    streams = time_streams(4, [1, 3], 1, seconds=1e-3)
    assert [row["streams"] for row in streams] == [1, 3]
    parts = profile(4, 1, seconds=1e-3)
    assert sum(row["share"] for row in parts if row["part"] != "step") == pytest.approx(1)
    assert {row["part"]: row["bytes"] for row in parts}["decorrelation"] == 2 * 4 * 4 * 4
    (feedback,) = time_feedback([4], 1, seconds=1e-3)
    bounds, epoch = time_bounds(1, seconds=1e-3, most=4), time_epoch(4, 1, samples=50)
    beside = time_threads([4], ["anp"], 1, seconds=1e-3)
    for row in (*streams, *bounds, *beside):
        assert row["ratio"] > 0
    more = {"streams": streams, "feedback": [feedback], "profile": parts, "bounds": bounds, "epochs": [epoch]}
    shown = _report_more({**more, "threads": beside})
    assert "8 noisy copies beside 1" in shown
    assert "(bound 1.5)" in shown
    assert "by the reference" in shown
    assert "of memory alone" in shown
    assert "of memory alone" not in _report_more(more)
    assert 0 < feedback["feedback_ratio"] < feedback["referee_ratio"]  # one step more
    assert "numpy/engine" in shown
    assert "bound 1.5" in shown
    assert "n=4 tanh" in shown


def test_a_call_of_step_costs_little() -> None:
    rows = time_steps([10], ["anp"], 5, seconds=0.02)
    us = {row["implementation"]: row["us_per_step"] for row in rows}
    # 1.5 to 3 us on a quiet machine; `onlinernn bench` prints what it is
    assert us["step"] - us["run"] < 20
    assert us["run"] < us["numpy"]


def test_the_command_writes_its_rows(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bench.json"
    arguments = ["bench", "--hidden", "4,6", "--rules", "anp", "--repeats", "1", "--no-first-call", "--no-more"]
    (tmp_path / "good_peer.py").write_text("print('N=4 ANP a median=30'); print('N=4 ANP b median=20.0 min=3')")
    (tmp_path / "bad_peer.py").write_text("import no_such_package")
    arguments += ["--peers", "limit", "--peers-folder", str(tmp_path)]
    picture = tmp_path / "bench.png"
    assert main([*arguments, "--json", str(path), "--figure", str(picture)]) == 0
    assert picture.stat().st_size > 10_000
    written = json.loads(path.read_text())
    assert written["command"] == "bench"
    assert [row["n"] for row in written["rows"]] == [4] * 5 + [6] * 5
    assert all(row["rule"] == "anp" and row["us_per_step"] > 0 for row in written["rows"])
    assert [row.get("us_per_step") for row in written["scripts"]] == [None, 20.0]
    shown = capfd.readouterr()
    assert "good_peer.py anp n=4" in shown.out
    assert "bad_peer.py timed nothing: ModuleNotFoundError: No module named 'no_such_package'" in shown.out
    assert "anp n=4" in shown.out
    assert "bound 1.3" in shown.out
    assert "of the limit" in shown.out
    assert "timing anp, n = 6" in shown.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--hidden", "0"], "'0' is no whole number"),
        (["--hidden", "10,x"], "'x' is no whole number"),
        (["--rules", "anp,bptt"], "'bptt' is none of anp, danp"),
        (["--repeats", "0"], "'0' is no whole number"),
        (["--peers", "limit,abacus"], "'abacus' is none of limit, jax, jax stacked, jax call, torch"),
        (["--substrate", "six_effect"], "did you mean six_effects? `onlinernn presets` lists all"),
        (["--substrate", "?"], "'?' is none; `onlinernn presets` lists all, and there are integers, six_effects"),
        (["--peers-folder", "no/such/folder"], "holds no script *_peer.py"),
        (["--json", "no/such/folder/x.json"], "there is no folder"),
    ],
)
def test_a_wrong_argument_is_refused(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", *arguments]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot pin a process")
def test_a_process_is_pinned_and_let_go() -> None:
    before = os.sched_getaffinity(0)
    with pinned() as cpu:
        assert os.sched_getaffinity(0) == {cpu}
    assert os.sched_getaffinity(0) == before
    with pytest.raises(ValueError, match="processor 99999 is not available; choose one of"), pinned(99999):
        pass


def test_an_unknown_processor_is_refused_by_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system cannot pin a process")
    for name, value in ONE_THREAD.items():
        monkeypatch.setenv(name, value)
    assert main(["bench", "--cpu", "99999"]) == 2
    assert "processor 99999 is not available" in capsys.readouterr().err


def test_hardware_is_timed_beside_the_ideal_engine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in ONE_THREAD.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "bench.json"
    arguments = ["bench", "--substrate", "chain_8bit", "--hidden", "30", "--repeats", "1", "--json", str(path)]
    assert main(arguments) == 0
    assert "chain_8bit" in capsys.readouterr().out
    ideal, chain = json.loads(path.read_text())["rows"]
    assert ideal["ratio"] == 1
    assert chain["ratio"] == pytest.approx(chain["us_per_step"] / ideal["us_per_step"])
    assert chain["ratio"] > 0.5
    for more, words in ((["loihi"], "did you mean loihi_like"), (["int8", "--figure", "a.png"], "--figure draws")):
        assert main(["bench", "--substrate", *more]) == 2
        assert words in capsys.readouterr().err


# In place of valgrind: says that whatever child took a thousand instructions, and 32 for each step.
STAND_IN = f"""#!{sys.executable}
import json, sys
jobs, log = json.loads(sys.argv[-1]), next(arg for arg in sys.argv if arg.startswith("--log-file=")).partition("=")[2]
for child, (_, _, _, steps) in enumerate(jobs):
    with open(log.replace("%p", str(child)), "w") as file:
        file.write(f"==1== I   refs:      {{1000 + 32 * steps:,}}\\n")
print(list(range(len(jobs))))
"""


def test_instructions_are_counted_only_where_valgrind_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["bench", "--instructions"]) == 2
    assert "valgrind, which is not installed" in capsys.readouterr().err
    assert main(["bench", "--instructions", "--figure", "a.png"]) == 2
    assert "--instructions counts" in capsys.readouterr().err


def test_instructions_are_those_of_the_steps_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    valgrind = tmp_path / "valgrind"
    valgrind.write_text(STAND_IN)
    valgrind.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(bench_instructions, "_PROGRAM", "print([])")  # nothing is compiled for another processor
    (row,) = count_instructions([4], ["anp"])
    assert row == {"rule": "anp", "n": 4, "run": 32, "step": 32, "per_weight": 2}
