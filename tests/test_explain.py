"""`onlinernn explain` shows what is measured, for built-in rules and others, and refuses what is none in one line."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from onlinernn.cli import main

ROOT = Path(__file__).resolve().parents[1]
PLAIN = {**os.environ, "NUMBA_DISABLE_JIT": "1"}


def explain(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "onlinernn", "explain", *arguments]
    return subprocess.run(program, env=PLAIN, cwd=folder, capture_output=True, text=True, check=False)


def test_a_rule_of_one_s_own_is_explained_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    assert main(["new", "rule", "SignNP", "--folder", str(tmp_path / "mine")]) == 0
    done = explain(tmp_path, "mine/sign_np.py:SignNP", "--preset", "ecram")
    assert done.returncode == 0, done.stderr
    assert "dR = lr sign(dl) xi s_{t-1}^T / sigma" in done.stdout
    assert "loss difference      A B R  network" in done.stdout
    assert "weights     1            3" in done.stdout
    assert "forward   2n² + 2nd + 2nm + 2n + 2m  (" in done.stdout
    assert "random numbers                  n + m  (101" in done.stdout
    assert "yes   rank 1: coincident pulses of 0.002, at most 0.062 in a step" in done.stdout
    assert "-     the preset states no memory beside its neurons" in done.stdout
    assert "-     the preset states no rate of operations" in done.stdout


def test_a_rule_that_no_crossbar_can_write_is_told_why(tmp_path: Path) -> None:
    done = explain(tmp_path, "WP", "--preset", "reram_sb")
    assert done.returncode == 0, done.stderr
    assert (
        "own noise, drawn again  NO    the writes are PulsedUpdate: no device draws a number for its weight"
        in done.stdout
    )
    assert "update of the weights   NO    of full rank, a number for every weight" in done.stdout


def test_the_page_on_all_rules_is_what_the_command_writes(tmp_path: Path) -> None:
    done = explain(tmp_path, "--docs", "page.md")
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert written == (ROOT / "docs" / "locality.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["Nothing"], "there is no rule Nothing"),
        (["nowhere.py:Mine"], "there is no file nowhere.py"),
        (["broken.py:Mine"], "broken.py, line 1: "),
        (["ANP", "--preset", "loihi"], "did you mean loihi_like"),
        ([], "name a rule"),
        (["--docs", "notes.md"], "is no page that this command wrote"),
    ],
)
def test_what_cannot_be_explained_is_one_line(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")  # no second process
    monkeypatch.setattr("onlinernn.explained.page", lambda: "# A title\n")
    Path("notes.md").write_text("mine")
    Path("broken.py").write_text("def x(:\n")
    assert main(["explain", *arguments]) == 2
    told = capsys.readouterr().err
    assert told.startswith("onlinernn: error: ")
    assert words in told
    assert told.count("\n") == 1
    assert Path("notes.md").read_text() == "mine"
