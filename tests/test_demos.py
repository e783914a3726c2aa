"""The demos run and show what they promise."""

import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onlinernn import CountWrites, Quantise, Saturate, Substrate, on_hardware, substrate_file, substrates
from onlinernn.hardware import CHAINS
from onlinernn.tasks import MackeyGlass

DEMOS = Path(__file__).resolve().parents[1] / "demos"


def demo(name: str) -> dict[str, Any]:
    return runpy.run_path(str(DEMOS / name))


def test_quickstart_beats_persistence(capsys: pytest.CaptureFixture[str]) -> None:
    demo("quickstart.py")["main"]()
    words = capsys.readouterr().out.replace(",", "").split()
    assert float(words[3]) < 0.5 * float(words[5])


def test_quickstart_is_as_short_as_promised() -> None:
    code = [line for line in (DEMOS / "quickstart.py").read_text().splitlines() if line.strip()]
    assert len(code) <= 25


def test_the_weather_demo_makes_a_table_and_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = (
        "date,Visibility,DryBulbFarenheit,WetBulbFarenheit,DewPointFarenheit,RelativeHumidity,WindSpeed,WindDirection,"
        "StationPressure,Altimeter"
    )
    noise = np.random.default_rng(0)
    lines = [names]
    for hour in range(34_600):
        day, clock = divmod(hour, 24)
        values = 50 + 20 * np.sin(hour * 2 * np.pi / 24) + noise.normal(size=9)
        date = np.datetime64("2010-01-01") + day
        lines.append(f"{date} {clock:02d}:00," + ",".join(f"{value:.1f}" for value in values))
    path = tmp_path / "weather.csv"
    path.write_text("\n".join(lines) + "\n")
    demo("weather.py")["main"]([str(path), "--horizons", "1", "--epochs", "1", "--out", str(tmp_path / "out")])
    printed = capsys.readouterr().out
    for label in ("ANP (the rule)", "frozen reservoir", "true BPTT", "persistence", "ridge on 48 lags"):
        assert label in printed
    assert (tmp_path / "out" / "weather-1h.png").stat().st_size > 20_000


def test_the_race_with_bptt_makes_a_table_and_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo("beats_bptt.py")["main"](epochs=1, seeds=(0, 1), out=tmp_path / "out")
    lines = capsys.readouterr().out.splitlines()
    rows = {line.split("  ")[0]: [float(cell) for cell in line.split()[-4:]] for line in lines[3:7]}
    assert [name.split()[0] for name in rows] == ["frozen,", "ANP", "LearnedFeedback", "true"]
    assert all(0 < least <= median <= most and seconds > 0 for median, least, most, seconds in rows.values())
    assert (tmp_path / "out" / "beats-bptt.png").stat().st_size > 20_000


def test_harm_is_told_as_the_worst_ratio_of_the_seeds(capsys: pytest.CaptureFixture[str]) -> None:
    names = demo("do_no_harm.py")
    short = MackeyGlass(length=300, test_length=300), names["match"]("mackey-glass"), 2
    found = np.array(names["ratios"](short, 0.1, [1, 2]))
    assert found.shape == (2, 4)
    assert np.all(found > 0)
    names["main"].__globals__["probes"] = lambda csv: {"short": short}
    names["main"](["--probes", "short", "--noise", "0.1", "--seeds", "1", "2"])
    *_, learner, frozen, middle, worst, prequential = capsys.readouterr().out.splitlines()[-1].split()
    assert float(middle) <= float(worst)
    assert min(map(float, (learner, frozen, prequential))) > 0
    assert float(worst) == pytest.approx(found[:, 2].max(), rel=0.01)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--noise", "-1"], "share must be finite and at least 0, not -1"),
        (["--seeds", "1", "-2"], "a seed is at least 0, not -2"),
        (["--csv", "no/such/file.csv"], "no/such/file.csv"),
        (["--probes", "weather-1"], "there is no probe weather-1; choose from forecast"),
    ],
)
def test_harm_is_not_measured_with_wrong_arguments(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        demo("do_no_harm.py")["main"](arguments)
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("noise", ["--seeds", "-1"], "-1 is too small; it must be at least 1"),
        ("twins", ["--sizes", "nan"], "a mismatch is at least 0 and below 1, not [nan]"),
        ("weight_bits", ["--bits", "8", "40"], "22 bits at most by chance, not 40"),
        ("devices", ["--csv", "no/such/file.csv"], "no/such/file.csv"),
        ("devices", ["--share", "0"], "a share of the passes is above 0"),
        ("sensitivity", ["many"], "'many' is not a whole number"),
    ],
)
def test_wrong_arguments_are_answered_in_one_line(
    name: str, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        demo(f"{name}.py")["main"](arguments)
    assert told in capsys.readouterr().err.splitlines()[-1]


def test_hardware_that_the_engine_cannot_carry_is_refused_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fine = substrates.int8._replace(substrate=Substrate(write=(Quantise(2.0**-30), Saturate(-1.0, 1.0))))
    substrate_file.write(tmp_path / "fine.json", fine)
    with pytest.raises(SystemExit, match="2"):
        demo("devices.py")["main"](["--presets", "int8", str(tmp_path / "fine.json"), "--out", str(tmp_path / "x")])
    assert "fine.json: Substrate: write: its grid has 31 bits; float32 carries 24" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_presets_are_few_combinations_of_types_with_the_effects_that_they_had() -> None:
    names = demo("devices.py")
    rows = names["rows_of"](list(substrates.PRESETS), 5)
    assert len({on_hardware.types_of(row) for row in rows}) == 8
    for row in rows[2:]:  # after floating point
        own = substrates.named(row.name.removesuffix(", frozen"))
        for chain in CHAINS:
            before, now = getattr(own.substrate, chain), getattr(row.substrate.substrate, chain)
            assert [one for one in now if one not in on_hardware.NEUTRAL] == list(before)
            for i, one in enumerate(before):  # what draws by chance knows its place
                assert now[i] == one or isinstance(one, (Quantise, Saturate, CountWrites))


HARDWARE = """
import runpy, sys
from onlinernn import on_hardware
from onlinernn.tasks import MackeyGlass
on_hardware.PROBES["forecast"] = on_hardware.Probe(MackeyGlass(length=40, test_length=40), 1, 6.0, 20)
main = runpy.run_path(sys.argv[1])["main"]
main.__globals__.update(READ=(0.01,), WRITE=(0.001,))
main(["--hidden", "3", "--out", sys.argv[2], *sys.argv[3:]])
"""


@pytest.mark.parametrize(
    ("name", "arguments", "rows", "pictures"),
    [
        (
            "weight_bits",
            ["--epochs", "1", "--bits", "8", "--rules", "ANP"],
            ["ANP, 22 bits", "8 bits, 8 more in store, frozen", "float, frozen", "ANP, 8 bits, stochastic, shared"],
            ["weight-bits-anp.png"],
        ),
        (
            "noise",
            ["--epochs", "1", "--rules", "ANP, no other noise"],
            ["no noise, frozen hidden", "read noise 0.01, ANP, no other noise", "write noise 0.001, frozen"],
            ["noise-read.png", "noise-write.png"],
        ),
        (
            "twins",
            ["--epochs", "1", "--seeds", "1", "--sizes", "0.1", "--rules", "NP"],
            ["NP, float", "frozen hidden layer, 0.1", "NP, 0.1, mismatch learnt", "NP, 0.1, one array, used twice"],
            ["twins.png"],
        ),
        (
            "devices",
            ["--presets", "int8_wide", "reram_sb", "--share", "0.01"],
            ["no --csv", "float, frozen", "int8_wide, frozen", "reram_sb"],
            ["devices-forecast.png"],
        ),
    ],
)
def test_demos_of_hardware_make_tables_and_pictures(
    name: str, arguments: list[str], rows: list[str], pictures: list[str], tmp_path: Path
) -> None:
    command = [sys.executable, "-c", HARDWARE, str(DEMOS / f"{name}.py"), str(tmp_path), *arguments]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}  # a small network in plain Python: nothing is compiled
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    for row in ("persistence", *rows):
        (line,) = [line for line in found.stdout.splitlines() if line.startswith(row)][:1] or [""]
        assert line, row
        assert row.startswith("no") or all(float(cell) > 0 for cell in line.split()[-3:])
    assert all((tmp_path / picture).stat().st_size > 10_000 for picture in pictures)
