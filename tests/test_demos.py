"""The demos run and show what they promise."""

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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
