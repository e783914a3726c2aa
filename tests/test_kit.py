"""Every check of the kit catches the fault that it is there for, and passes the part without it."""

import io
import json
import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import kit_twins
import pytest
from hypothesis import find

from onlinernn import ANP, Cosine, LeakyTanh, Rademacher, SoftmaxCrossEntropy, substrates
from onlinernn.checks import CheckError, check, strategies, yield_checks
from onlinernn.checks.hosts import parts_of
from onlinernn.checks.suite import GUARANTEES, checks_of

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def told() -> dict[str, str]:
    """Return what the checks say about each of the twins, in plain Python."""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, str(HERE / "kit_twins.py")], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("fault", kit_twins.FAULTS)
def test_a_fault_is_caught(told: dict[str, str], fault: str) -> None:
    assert re.search(kit_twins.FAULTS[fault][2], told[fault], re.DOTALL), told[fault]


@pytest.mark.parametrize("sound", kit_twins.SOUND)
def test_the_same_without_the_fault_passes(told: dict[str, str], sound: str) -> None:
    assert told[f"sound: {sound}"] == ""


def test_harm_from_bad_input_is_caught(told: dict[str, str]) -> None:
    assert "was refused, but changed params.R" in told["harm"]


HARDWARE = """
from onlinernn import substrates as presets
from onlinernn.checks import check_bad_input, check_determinism, check_resume
for preset in (presets.int8, presets.reram_sb, presets.mtj):
    check_determinism(preset, examples=2)
    check_resume(preset, examples=2)
    check_bad_input(preset, examples=2)
"""


def test_presets_hold_what_a_learner_guarantees() -> None:
    plain = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, "-c", HARDWARE], env=plain, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_preset_goes_through_the_guarantees_with_what_learns_on_it() -> None:
    assert [case.name for case in checks_of(substrates.reram_sb)] == [one.__name__ for one in GUARANTEES]
    assert parts_of(substrates.mtj).rule == substrates.mtj.rule


def test_all_checks_are_told_line_by_line() -> None:
    with redirect_stdout(io.StringIO()) as out:
        check(kit_twins.Sine())
    assert re.fullmatch(r"check_task +holds +\d+\.\d s\n", out.getvalue())
    with redirect_stdout(io.StringIO()) as out, pytest.raises(CheckError, match="Sine: check_task did not hold"):
        check(kit_twins.Sine(target_delay=0))
    assert re.search(r"check_task +fails.*\n    Sine: target 0 is input 0 of 3 steps later", out.getvalue())


def test_checks_are_given_to_pytest_with_readable_names() -> None:
    cases = yield_checks(Cosine(10), kit_twins.Excused())
    assert [case.id for case in cases][:2] == ["Cosine, schedule", "Cosine, determinism"]
    skipped = {case.id: case.marks[0].kwargs["reason"] for case in cases if case.marks}
    assert skipped == {"Excused, noise": "its mean is known to be off"}


@pytest.mark.parametrize(
    ("part", "words"),
    [(ANP, r"ANP is a class; check an instance: check\(ANP\(\)\)"), (3, "3 is no part"), (object(), "is no part")],
)
def test_what_is_no_part_is_named(part: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        check(part)


@pytest.mark.parametrize("part", [ANP(), LeakyTanh(), Cosine(5), SoftmaxCrossEntropy(), Rademacher()], ids=str)
def test_hyper_parameters_are_of_the_type_and_in_range(part: Any) -> None:
    other = find(strategies.hyper_parameters(part), lambda one: one != part or not part._fields)
    assert type(other) is type(part)


def test_without_hypothesis_one_line_says_so() -> None:
    program = "import sys; sys.modules['hypothesis'] = None; import onlinernn.checks"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr.endswith("ImportError: onlinernn.checks needs Hypothesis: pip install 'onlinernn[test]'\n")
    assert "During handling" not in done.stderr
