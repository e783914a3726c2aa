"""`onlinernn explain` shows what is measured, for built-in rules and others, and refuses what is none in one line."""

import os
import subprocess
import sys
from pathlib import Path

from onlinernn.cli import main

PLAIN = {**os.environ, "NUMBA_DISABLE_JIT": "1"}


def explain(rule: str, folder: Path) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "onlinernn", "explain", rule]
    return subprocess.run(program, env=PLAIN, cwd=folder, capture_output=True, text=True, check=False)


def test_a_rule_of_one_s_own_is_explained(tmp_path: Path) -> None:
    assert main(["new", "rule", "SignNP", "--folder", str(tmp_path)]) == 0
    done = explain("sign_np:SignNP", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "dR = lr sign(dl) xi s_{t-1}^T / sigma" in done.stdout
    assert "loss difference      A B R  network" in done.stdout
    assert "weights     1            3" in done.stdout


def test_what_is_no_rule_is_refused_in_one_line(tmp_path: Path) -> None:
    done = explain("Nothing", tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("onlinernn: error: there is no rule Nothing")
    assert done.stderr.count("\n") == 1
