"""The picture exists, has a sensible size, and survives what a run can bring."""

import struct
from pathlib import Path

import numpy as np
import pytest

from onlinernn.plots import Curve, Window, save_picture, save_race, spread_out


def window(outputs: int, scale: float = 1.0) -> Window:
    target = np.sin(0.1 * np.arange(120.0))[:, None] * np.ones(outputs)
    return Window(200, target, np.zeros_like(target), scale * target)


def curves(values: list[list[float]]) -> list[Curve]:
    steps = 1000.0 * np.arange(len(values[0]))
    return [Curve("ANP (the rule)", steps, np.array(values)), Curve("frozen reservoir", steps, np.array(values) * 1.01)]


def size(path: Path) -> tuple[int, int]:
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:24])
    return width, height


@pytest.mark.parametrize("outputs", [1, 10])
def test_a_picture_is_written(tmp_path: Path, outputs: int) -> None:
    path = tmp_path / "picture.png"
    save_picture(
        path, "a run", window(outputs), curves([[1, 0.5, 0.2], [1, 0.6, 0.3]]), {"persistence": 2.6, "ridge": 0.2}
    )
    width, height = size(path)
    assert 900 <= width <= 1600
    assert 800 <= height <= 1600
    assert path.stat().st_size > 20_000


@pytest.mark.parametrize(
    ("values", "floors"),
    [
        ([[1.0, 1e30]], {"constant": 1.0}),
        ([[1.0, np.nan, 0.5]], {"constant": 1.0}),
        ([[np.nan, np.nan]], {}),
        ([[1.0, 0.0]], {"perfect": 0.0}),
    ],
)
def test_curves_that_blow_up_or_vanish_are_drawn(
    tmp_path: Path, values: list[list[float]], floors: dict[str, float]
) -> None:
    save_picture(tmp_path / "picture.png", "a run", window(1, scale=1e12), curves(values), floors)
    assert size(tmp_path / "picture.png")[0] > 0


def test_labels_keep_their_distance_and_their_order() -> None:
    heights = spread_out([0.0, 0.01, 0.02, 0.5, 0.51, 1.0], 0.06)
    assert heights == sorted(heights)
    assert min(np.diff(heights)) >= 0.06 - 1e-12
    assert heights[-1] == 1.0


def test_a_race_is_drawn_against_seconds_and_samples(tmp_path: Path) -> None:
    timed = [Curve(one.label, one.samples, one.nmse, 1e-3 * one.samples) for one in curves([[1, 0.5, 0.2]])]
    save_race(tmp_path / "race.png", "a race", timed)
    width, height = size(tmp_path / "race.png")
    assert width > height > 400
    with pytest.raises(ValueError, match="has no seconds"):
        save_race(tmp_path / "other.png", "a race", curves([[1, 0.5, 0.2]]))
    assert not (tmp_path / "other.png").exists()
