"""Every check of the kit catches the fault that it is there for, and passes the part without it."""

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import kit_twins
import pytest
from hypothesis import find

from onlinernn import (
    ANP,
    NLMS,
    Cosine,
    Decorrelation,
    Drift,
    Leak,
    LeakyTanh,
    Quantise,
    Rademacher,
    SoftmaxCrossEntropy,
    Substrate,
    TwinMismatch,
    checks,
    substrates,
)
from onlinernn.checks import CheckError, check, strategies, yield_checks
from onlinernn.checks.hosts import parts_of
from onlinernn.checks.suite import GUARANTEES, checks_of
from onlinernn.hardware import canonical_substrate

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


# Between them these have every effect that a preset has, which a test below holds; a preset more costs seconds.
PRESETS = ("spinnaker_like", "dynapse_like", "reram_es", "reram_om", "capacitor", "pcm", "analog_io", "mtj")
HARDWARE = """
import sys
from onlinernn import NP, substrates
from onlinernn.checks import check_bad_input, check_determinism, check_locality, check_memory, check_resume, strategies
from onlinernn.checks.properties import hold

for name in sys.argv[1:]:
    for check in (check_determinism, check_resume, check_bad_input):
        check(substrates.named(name), examples=2)
check_memory(substrates.named(sys.argv[1]))

def claim(hardware):
    drawn.append(hardware)
    check_determinism(hardware, examples=1)
    check_resume(hardware, examples=2)
    assert check_locality(NP(0.1, 0.2, 0.5), examples=1, substrate=hardware).rows[1].used

drawn = []
hold(strategies.substrates(), claim, 6)
assert any(one.write for one in drawn) and any(one.read for one in drawn) and any(one.drive for one in drawn)
"""


def test_hardware_holds_what_a_learner_guarantees_and_what_a_rule_declares() -> None:
    plain = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    program = [sys.executable, "-c", HARDWARE, *PRESETS]
    done = subprocess.run(program, env=plain, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def effects_of(names: Iterable[str]) -> set[type]:
    """Return the effects of some presets, and how these round."""
    hardware = [substrates.named(name).substrate for name in names]
    chains = [one for each in hardware for field in each if isinstance(field, tuple) for one in field]
    return {type(one) for effect in chains for one in (effect, getattr(effect, "rounding", effect))}


def test_the_presets_that_are_tried_have_every_effect() -> None:
    assert effects_of(PRESETS) == effects_of(substrates.PRESETS)
    assert effects_of(PRESETS[1:]) < effects_of(PRESETS)


GUARANTEED = tuple(one.__name__ for one in GUARANTEES)
KINDS = [
    (ANP(), ("check_locality", "check_inputs_kept", *GUARANTEED)),
    (NLMS(), ("check_locality", "check_inputs_kept", *GUARANTEED)),
    (Decorrelation(), ("check_locality", *GUARANTEED)),
    (LeakyTanh(), ("check_cell", *GUARANTEED)),
    (SoftmaxCrossEntropy(), ("check_loss", *GUARANTEED)),
    (Rademacher(), ("check_noise", *GUARANTEED)),
    (Quantise(0.1), ("check_effect", *GUARANTEED)),
    (Cosine(5), ("check_schedule", *GUARANTEED)),
    (Substrate(), GUARANTEED),
    (substrates.reram_sb, GUARANTEED),
    (kit_twins.Sine(), ("check_task",)),
]


@pytest.mark.parametrize(("part", "names"), KINDS, ids=lambda value: type(value).__name__)
def test_each_kind_of_part_has_its_checks(part: Any, names: tuple[str, ...]) -> None:
    assert tuple(one.name for one in checks_of(part)) == names


def test_every_check_has_a_twin_that_it_catches() -> None:
    caught = {one.__name__ for one, _, _ in kit_twins.FAULTS.values()} | {"check_bad_input"}  # caught as harm, above
    assert caught == {name for _, names in KINDS for name in names}
    assert caught == {name for name in checks.__all__ if name.startswith("check_")}


def test_a_preset_is_checked_with_what_learns_on_it() -> None:
    assert parts_of(substrates.mtj).rule == substrates.mtj.rule


def test_an_effect_is_checked_in_the_chains_that_take_it() -> None:
    taken = {Quantise(0.1): "read write node", Leak(9.0): "write", Drift(0.1): "read", TwinMismatch(0.1): "read node"}
    for one, names in taken.items():
        chains = dict.fromkeys(names.split(), (one,))
        assert parts_of(one).settings["substrate"] == Substrate(**chains) == canonical_substrate(Substrate(**chains))


def test_all_checks_are_told_line_by_line() -> None:
    with redirect_stdout(io.StringIO()) as out:
        check(kit_twins.Sine())
    assert re.fullmatch(r"check_task +holds +\d+\.\d s\n", out.getvalue())
    with redirect_stdout(io.StringIO()) as out, pytest.raises(CheckError, match="Sine: check_task did not hold"):
        check(kit_twins.Sine(target_delay=0))
    assert re.search(r"check_task +fails.*\n    Sine: target 0 is input 0 of 3 steps later", out.getvalue())


class Late(kit_twins.Sine):
    def train(self, seed):
        return super().train(seed)


class Endless(kit_twins.Sine):
    resets = property()


UNFINISHED = [
    (kit_twins.Aimless(), TypeError, r"missing:  @gain\.register\(Aimless\)"),
    (kit_twins.Unsized(), TypeError, "Unsized does not say how many variables"),
    (
        Late(),
        CheckError,
        r"wrong:  def train\(self, seed\): .*\n +right:  def train\(self, seed: int, epoch",
    ),
    (Endless(), CheckError, r"Endless has no resets\.\n +missing:  resets: ClassVar\[bool\] = True"),
    (
        kit_twins.Stumbling(),
        CheckError,
        r'does not run: AttributeError.*\n +File ".*kit_twins\.py", line \d+, in _stumble\n',
    ),
]


@pytest.mark.parametrize(("part", "error", "words"), UNFINISHED, ids=lambda value: type(value).__name__)
def test_an_unfinished_part_is_shown_what_it_lacks(part: Any, error: Any, words: str, capsys: Any) -> None:
    with pytest.raises(error) as told:
        check(part)
    said = capsys.readouterr().out
    assert re.search(words, said + str(told.value))
    assert said.count("fails") == (error is CheckError)  # what does not run is not tried again


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
