"""The house rules hold in every file, and each rule catches a small faulty source."""

import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest
from house_rules import (
    all_problems,
    allocations,
    bad_imports,
    cache_uses,
    foreign_places,
    stateful_random,
    too_long,
    undocumented,
)
from rooms import ROOMS

ROOT = Path(__file__).resolve().parents[1]

ONLY_CACHE = "kernels/entry.py"
# Files whose functions run inside a step, with those of their functions that Python calls once, at construction.
INSIDE_THE_STEP: dict[str, set[str]] = {
    "kernels/noise.py": set(),
    "kernels/cells.py": set(),
    "kernels/losses.py": set(),
    "kernels/rules.py": set(),
    "kernels/decorrelation.py": set(),
    "kernels/layout.py": {"allocate"},
    "kernels/number.py": set(),
    "kernels/integers.py": set(),
    "kernels/integer_parts.py": set(),
    "kernels/passes.py": set(),
    "kernels/synapses.py": set(),
    "kernels/schedules.py": set(),
    "kernels/updates.py": set(),
    "kernels/readouts.py": set(),
    "kernels/window.py": set(),
    "kernels/mixing.py": set(),
    "kernels/feedback.py": set(),
    "kernels/traces.py": set(),
    "kernels/effects.py": set(),
    "kernels/converters.py": set(),
    "kernels/devices.py": set(),
    "kernels/pulses.py": set(),
    "kernels/arrays.py": set(),
    "kernels/crossbar.py": set(),
    "kernels/writes.py": set(),
    "kernels/twins.py": set(),
    "kernels/advance.py": set(),
    "kernels/lockstep.py": set(),
}
LONGEST_FILE = 450


def tracked_texts() -> dict[str, str]:
    """Return the text files that git knows or would take, by path."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("the list of files comes from git, and this folder is not a git checkout")
    texts = {}
    for name in listed.stdout.splitlines():
        try:
            texts[name] = (ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
    return texts


def python_sources(*patterns: str) -> dict[str, str]:
    """Return the Python files of the checkout that match a pattern, by path."""
    folders = [ROOT / name for name in ("demos", "kernels", "onlinernn", "tests")]
    names = sorted(path.relative_to(ROOT).as_posix() for folder in folders for path in folder.rglob("*.py"))
    return {
        name: (ROOT / name).read_text(encoding="utf-8")
        for name in names
        if any(fnmatch(name, pattern) for pattern in patterns)
    }


LIBRARY = ("kernels/*.py", "onlinernn/*.py")


def test_the_library_is_there() -> None:
    sources = python_sources(*LIBRARY)
    assert {ONLY_CACHE, *INSIDE_THE_STEP, "onlinernn/__init__.py", "onlinernn/learner.py"} <= sources.keys()


def test_imports_follow_the_layers() -> None:
    sources = python_sources(*LIBRARY, "demos/*.py", "tests/naive.py")
    assert not all_problems(sources, bad_imports, ROOMS, set(sources))


def test_one_file_caches_compiled_code() -> None:
    sources = python_sources(*LIBRARY, "demos/*.py", "tests/naive.py")
    assert {path for path, source in sources.items() if cache_uses(path, source)} == {ONLY_CACHE}


def test_kernels_keep_no_random_state() -> None:
    assert not all_problems(python_sources("kernels/*.py"), stateful_random)


@pytest.mark.parametrize("path", INSIDE_THE_STEP)
def test_the_step_allocates_nothing(path: str) -> None:
    assert not "\n".join(allocations(path, (ROOT / path).read_text(encoding="utf-8"), INSIDE_THE_STEP[path]))


def test_public_names_are_documented() -> None:
    assert not all_problems(python_sources("onlinernn/*.py"), undocumented)
    assert not all_problems(python_sources("kernels/*.py"), undocumented, True)


def test_no_file_names_a_place_of_one_machine() -> None:
    assert not all_problems(tracked_texts(), foreign_places)


def test_files_stay_small() -> None:
    sources = {path: text for path, text in tracked_texts().items() if path.endswith(".py")}
    assert not all_problems(sources, too_long, LONGEST_FILE)


# The twins: each rule sees the fault that it is there for, and passes the same source without it.

FILES = {
    "kernels/__init__.py",
    "kernels/rules.py",
    "kernels/cells.py",
    "kernels/noise.py",
    "kernels/dispatch.py",
    "kernels/entry.py",
    "onlinernn/__init__.py",
    "onlinernn/learner.py",
    "onlinernn/tasks/__init__.py",
    "onlinernn/tasks/copy.py",
}


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("kernels/rules.py", "import onlinernn.kernels.cells"),
        ("kernels/rules.py", "from onlinernn.kernels import cells"),
        ("kernels/rules.py", "from . import cells"),
        ("kernels/rules.py", "from .cells import Tanh"),
        ("kernels/rules.py", "def f():\n    from onlinernn.kernels.entry import step"),
        ("kernels/rules.py", "from onlinernn import learner"),
        ("kernels/rules.py", "import scipy.linalg"),
        ("kernels/noise.py", "from kernels import dispatch, missing"),
        ("kernels/unheard_of.py", "import math"),
        ("onlinernn/learner.py", "from onlinernn import OnlineLearner"),
        ("onlinernn/tasks/copy.py", "from onlinernn.kernels.rules import ANP"),
        ("onlinernn/tasks/copy.py", "from ..learner import OnlineLearner"),
        ("onlinernn/tasks/copy.py", "import numba"),
        ("tests/naive.py", "from onlinernn.kernels.rules import ANP"),
        ("tests/naive.py", "import pytest"),
    ],
)
def test_a_wrong_import_is_caught(path: str, source: str) -> None:
    assert len(bad_imports(path, source, ROOMS, FILES)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        (
            "kernels/rules.py",
            "import math\nimport numpy as np\nfrom numba import njit\nfrom onlinernn.kernels import noise",
        ),
        ("kernels/rules.py", "from .dispatch import open_function"),
        ("onlinernn/learner.py", "from onlinernn.kernels.entry import step"),
        ("onlinernn/tasks/copy.py", "from . import copy\nimport numpy.linalg"),
        ("tests/naive.py", "import math\nimport numpy as np"),
    ],
)
def test_a_right_import_is_left_alone(path: str, source: str) -> None:
    assert bad_imports(path, source, ROOMS, FILES) == []


@pytest.mark.parametrize(
    "source", ["@njit(cache=True)\ndef f(): ...", "FLAGS = {'cache': True}", "FLAGS = dict(cache=True)"]
)
def test_a_second_cache_is_caught(source: str) -> None:
    assert cache_uses("kernels/rules.py", source)
    assert not cache_uses("kernels/rules.py", source.replace("True", "False"))


@pytest.mark.parametrize(
    "source",
    [
        "import random",
        "from random import gauss",
        "from numpy import random",
        "from numpy.random import default_rng",
        "import numpy.random as r",
        "def f():\n    return np.random.normal()",
    ],
)
def test_a_random_state_is_caught(source: str) -> None:
    assert stateful_random("kernels/rules.py", source)
    assert not stateful_random("kernels/rules.py", source.replace("random", "linalg"))


@pytest.mark.parametrize(
    "statement",
    [
        "y = np.zeros(3)",
        "y = np.empty_like(x)",
        "y = x.copy()",
        "y = [1, 2]",
        "y = [v for v in x]",
        "y = sum(v for v in x)",
        "y = {1: 2}",
        "y = {1}",
        "y = {v: v for v in x}",
        "y = list(x)",
        "y = np.concatenate((x, x))",
        "y = x @ x",
        "y = 2 * x[:3]",
        "y = -x[1:]",
        "y = f'{x}'",
        "def inner():\n        return np.ones(3)",
    ],
)
def test_an_allocation_is_caught(statement: str) -> None:
    source = f"TABLE = [1, 2]\ndef advance(x):\n    {statement}\n    return y\n"
    assert allocations("kernels/lockstep.py", source)
    assert not allocations("kernels/lockstep.py", source, {"advance"})


def test_an_allocation_by_its_bare_name_is_caught() -> None:
    source = "def advance(x):\n    x[0] = dot(zeros(3), x)\n"
    assert allocations("kernels/lockstep.py", "from numpy import zeros\n" + source)
    assert not allocations("kernels/lockstep.py", "from onlinernn.kernels.vectors import dot, zeros\n" + source)


def test_arithmetic_in_place_is_no_allocation() -> None:
    source = (
        "def advance(x, n):\n    row = x[0, :]\n    for i in range(n):\n        row[i] = f(x[1:], (i, 2)) * row[i]\n"
    )
    assert allocations("kernels/lockstep.py", source) == []


def test_a_stale_entry_of_the_allow_list_is_caught() -> None:
    assert allocations("kernels/layout.py", "def allocate(): ...", {"allocate", "gone"})


DOCUMENTED = '''"""A module."""
class Spec(NamedTuple):
    """A spec.

    Attributes
    ----------
    rate : float
        Its rate.
    """

    rate: float

class Learner:
    """A learner.

    Parameters
    ----------
    n_in, n_out : int
        Sizes.
    """

    def __init__(self, n_in, *, n_out=1): ...

    def step(self, u, *rest):
        """One step.

        Parameters
        ----------
        u
            The input.
        *rest
            More.

        Returns
        -------
        float
            The loss.
        """
'''


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('"""A module."""', ""),
        ("    rate : float", "    speed : float"),
        ("n_in, n_out", "n_in"),
        ('"""A learner.', '0, """'),
        ('"""One step.', '0, """'),
        ("        u\n            The", "        v\n            The"),
        ("        *rest\n            More.\n", ""),
        ("            More.\n", "            More.\n        gone\n            Old.\n"),
        ("        Parameters\n        ---", "        Notes\n        ---"),
    ],
)
def test_a_gap_in_the_documentation_is_caught(right: str, wrong: str) -> None:
    assert undocumented("onlinernn/learner.py", DOCUMENTED) == []
    assert right in DOCUMENTED
    assert undocumented("onlinernn/learner.py", DOCUMENTED.replace(right, wrong, 1))


TERSE = '''"""A module."""
class State(NamedTuple):
    """A state."""

    x: Array  # (n,) activities

@open_function()
def gain(rule, power):
    """Return the gain for ``1 / power``."""

def inner(row):
    """Inside the engine."""
'''


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("  # (n,) activities", ""),
        ("``1 / power``", "power"),
        ('"""Inside', '0, """'),
        ("rule, power", "rule, power, size"),
    ],
)
def test_a_gap_in_the_documentation_of_the_engine_is_caught(right: str, wrong: str) -> None:
    assert undocumented("kernels/rules.py", TERSE, terse=True) == []
    assert len(undocumented("kernels/rules.py", TERSE.replace(right, wrong, 1), terse=True)) == 1
    assert len(undocumented("kernels/rules.py", TERSE)) == 4


# Written with a gap, so that this file passes its own rule.
@pytest.mark.parametrize("place", ["/ho|me/ann/data.csv", "/tm|p/out", "C:|\\Users\\ann", "https://py|pi.org/simple/x"])
def test_a_foreign_place_is_caught(place: str) -> None:
    assert foreign_places("README.md", f"Read {place.replace('|', '')} first.\n")


@pytest.mark.parametrize(
    "place", ["#!/usr/bin/env bash", "/proc/self/statm", "https://example.com/home/x", "build/tmp/x"]
)
def test_an_ordinary_address_is_left_alone(place: str) -> None:
    assert not foreign_places("README.md", f"{place}\n")


def test_a_long_file_is_caught() -> None:
    assert too_long("onlinernn/cli.py", "x = 1\n" * LONGEST_FILE, LONGEST_FILE)
    assert not too_long("onlinernn/cli.py", "x = 1\n" * (LONGEST_FILE - 1), LONGEST_FILE)
