"""A stranger's part: the recipes of the docs, the files that `onlinernn new` writes, and errors that teach."""

import os
import re
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from onlinernn import OnlineLearner
from onlinernn.cli import main
from onlinernn.kernels.cells import cell_step
from onlinernn.kernels.rules import gain, node_noise
from onlinernn.templates import KINDS, written

ROOT = Path(__file__).resolve().parents[1]
PLAIN = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
RECIPES = {"rule": "SignNP", "cell": "SoftSign", "effect": "DeadZone", "task": "ShortMean"}


def blocks() -> list[str]:
    """Return the Python files that stand in docs/extending.md."""
    text = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize("kind", KINDS)
def test_a_recipe_is_what_the_command_writes(kind: str) -> None:
    (source, _) = written(kind, RECIPES[kind]).values()
    assert source in blocks()


def test_the_recipes_hold_under_the_checks_and_the_linter(tmp_path: Path, capsys: Any) -> None:
    recipes = [block for block in blocks() if "\nclass " in block]
    assert len(recipes) == len(KINDS)
    for kind, name in RECIPES.items():
        assert main(["new", kind, name, "--folder", str(tmp_path)]) == 0
        (module, _) = written(kind, name)
        (recipe,) = [block for block in recipes if f"class {name}" in block]
        (tmp_path / module).write_text(recipe, encoding="utf-8")
    assert "check it: python -m pytest" in capsys.readouterr().out
    program = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", str(tmp_path)]
    done = subprocess.run(program, env=PLAIN, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\b2[0-9] passed", done.stdout), done.stdout
    lint = [sys.executable, "-m", "ruff", "check", "--no-cache", str(tmp_path)]
    ours = ["--config", str(ROOT / "pyproject.toml"), "--config", 'lint.per-file-ignores={"*"=["ARG"],"test_*"=["D"]}']
    for options in (["--isolated", "--line-length", "120"], ours):
        done = subprocess.run([*lint, *options], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_a_file_that_is_there_is_left_alone(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "test_sign_np.py").write_text("mine")
    assert main(["new", "rule", "SignNP", "--folder", str(tmp_path)]) == 2
    assert re.fullmatch(r"onlinernn: error: .*test_sign_np\.py is there already; .*\n", capsys.readouterr().err)
    assert [file.name for file in tmp_path.iterdir()] == ["test_sign_np.py"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rule", "sign"], "'sign' is no name of a class"),
        (["rule", "Class"], "would be class.py, which Python or a package has; use MyClass"),
        (["task", "Random"], "would be random.py"),
        (["rules", "Sign"], "invalid choice: 'rules'"),
        (["rule", "Sign", "--folder", "nowhere"], "there is no folder nowhere"),
    ],
)
def test_what_cannot_be_written_is_one_line(arguments: list[str], words: str, capsys: Any) -> None:
    assert main(["new", *arguments]) == 2
    assert words in capsys.readouterr().err


# Wrong parts: the wrong line, and the right one.


class NoGain(NamedTuple):
    lr_hidden: float = 0.1


class Untyped(NamedTuple):
    sigma = 0.1
    lr_hidden: float = 0.1


Bare = namedtuple("Bare", "lr_hidden sigma")


class WithArray(NamedTuple):
    lr_hidden: float
    weights: np.ndarray


class Sizeless(NamedTuple):
    alpha: float = 0.5


class Rateless(NamedTuple):
    sigma: float = 0.5


class NoTuple:
    lr_hidden = 0.1


for rule in (Untyped, Bare, WithArray, Rateless, NoTuple):
    gain.register(rule)(lambda rule, lr, delta_loss, power, size: lr * delta_loss)
node_noise.register(NoGain)(lambda rule, bits: 0.0)
cell_step.register(Sizeless)(lambda cell, x, i, drive: drive)

WRONG = [
    ({"rule": NoGain()}, r"missing:  @gain\.register\(NoGain\)\n.*def _gain\(rule, lr, delta_loss, power, size\)"),
    ({"rule": Untyped()}, r"sigma has no type.*\n  wrong:  sigma = 0\.1\n  right:  sigma: float = 0\.1"),
    ({"rule": Bare(0.1, 0.2)}, r"field lr_hidden has no type\.\n  wrong:  lr_hidden\n  right:  lr_hidden: float"),
    (
        {"rule": WithArray(0.1, np.zeros(3))},
        r"weights is declared as ndarray.*\n  wrong:  weights: ndarray\n  right:  weights: float",
    ),
    ({"rule": Rateless()}, r"has no field lr_hidden.*\n  missing:  lr_hidden: float = 0\.01"),
    ({"rule": NoTuple()}, r"NoTuple is no NamedTuple\.\n  right:  class NoTuple\(NamedTuple\):"),
    ({"cell": Sizeless()}, r"(?s)missing:  @property\n.*def n_vars\(self\) -> int: return 1"),
]


@pytest.mark.parametrize(("settings", "words"), WRONG, ids=lambda value: str(value)[:30])
def test_a_wrong_part_is_shown_the_right_line(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        OnlineLearner(1, 3, 1, **settings)


def test_wrong_arguments_are_shown_the_right_line() -> None:
    words = r"wrong:  def few\(rule, lr\)\n  right:  def few\(rule, lr, delta_loss, power, size\)"
    with pytest.raises(TypeError, match=words):

        @gain.register(Sizeless)
        def few(rule, lr): ...
