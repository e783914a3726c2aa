"""`onlinernn warmup` fills the cache on disk: after it, another process compiles nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from numba import config

from onlinernn.cli import main
from onlinernn.cli_warmup import COMBINATIONS, warm

STEP = """
from onlinernn import ANP, OnlineLearner
learner = OnlineLearner(2, 9, 3, rule=ANP(1e-3), seed=5)
learner.step([0.1, 0.2], [0.0] * 3)
learner.set_weights(R=2.0 * learner.weights["R"])
learner.predict([0.1, 0.2])
learner.run([[0.1, 0.2]], [[0.0] * 3])
"""


def compiled(cache: Path) -> set[str]:
    return {path.name for path in cache.rglob("*.nbc")}


def run(cache: Path, *arguments: str) -> str:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=True, timeout=300
    )
    return done.stdout


@pytest.mark.skipif(bool(config.DISABLE_JIT), reason="compiles nothing without the JIT")
def test_what_is_warm_is_not_compiled_again(tmp_path: Path) -> None:
    assert not compiled(tmp_path)
    assert "1 of 1 ready" in run(tmp_path, "-m", "onlinernn", "warmup", "ANP", "--quiet")
    warmed = compiled(tmp_path)
    assert len(warmed) >= 2  # step, prediction
    run(tmp_path, "-c", STEP)
    assert compiled(tmp_path) == warmed


def test_every_combination_can_step(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [make() for make in COMBINATIONS.values()]
    assert len({(type(one.spec.rule), type(one.spec.decorrelation), type(one.spec.cell), type(one.spec.schedule))
                for one in made}) == len(made)  # fmt: skip
    warm(made[0])
    assert made[0].steps == 1


def test_an_unknown_combination_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["warmup", "DNAP"]) == 2
    said = capsys.readouterr().err
    assert "did you mean" in said
    assert said.count("\n") == 1
