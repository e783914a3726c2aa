"""The wheel, the sdist and the editable install hold the same package and run.

The wheel is built from the sdist, and installed in a fresh environment that shares only the dependencies of this one.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = {
    *(
        path.relative_to(ROOT).as_posix()
        for folder in ("onlinernn", "kernels")
        for path in (ROOT / folder).rglob("*.py")
    ),
    "onlinernn/py.typed",
    "onlinernn/studies/rates.json",
}

PROBE = """
import json
import numpy as np
import onlinernn, onlinernn.kernels, onlinernn.reference, onlinernn.tasks

learner = onlinernn.OnlineLearner(2, 5, 1, seed=1)
losses = [float(learner.step(np.array([0.5, -0.5]), np.array([1.0])).loss) for _ in range(3)]
places = {module.__name__: module.__file__ for module in (onlinernn, onlinernn.kernels, onlinernn.tasks)}
print(json.dumps({"version": onlinernn.__version__, "losses": losses, "places": places}))
"""


def call(*command: str | Path, cwd: Path) -> str:
    """Run a command from another folder, free of this process's paths, and return what it prints."""
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def probe(python: Path | str, cwd: Path) -> dict[str, Any]:
    """Import the package with another interpreter, make three steps, and return what it says of itself."""
    answer: dict[str, Any] = json.loads(call(python, "-c", PROBE, cwd=cwd))
    return answer


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Build the sdist and from it the wheel, out of a copy so that the checkout stays clean."""
    copy = tmp_path_factory.mktemp("sources")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for name in ("onlinernn", "kernels"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    call(sys.executable, "-m", "build", "--no-isolation", "--outdir", copy / "dist", copy, cwd=copy)
    (sdist,) = (copy / "dist").glob("*.tar.gz")
    (wheel,) = (copy / "dist").glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="module")
def installed(distributions: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into a fresh environment and return the environment's folder of programs."""
    home = tmp_path_factory.mktemp("fresh")
    venv.create(home, symlinks=True, with_pip=False)
    programs = home / "bin"
    pip = (sys.executable, "-m", "pip", "--python", programs / "python", "--disable-pip-version-check")
    call(*pip, "install", "--quiet", "--no-index", "--no-deps", distributions[1], cwd=home)
    # The dependencies come from this environment. A path file does not run the path files of the folder it names, so
    # the editable install that lives there too stays out of reach.
    (packages,) = home.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return programs


def test_the_sdist_holds_every_source(distributions: tuple[Path, Path]) -> None:
    with tarfile.open(distributions[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names >= {"pyproject.toml", "README.md", "LICENSE"} | SOURCES


def test_the_wheel_holds_the_package_and_nothing_else(distributions: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(distributions[1]) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == {name if name.startswith("onlinernn/") else f"onlinernn/{name}" for name in SOURCES}


def test_the_wheel_runs_away_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    answer = probe(installed / "python", tmp_path)
    assert {Path(place).is_relative_to(installed.parent) for place in answer["places"].values()} == {True}
    assert answer["losses"][0] > 0.0


def test_the_wheel_and_the_editable_install_agree(installed: Path, tmp_path: Path) -> None:
    fresh, editable = probe(installed / "python", tmp_path), probe(sys.executable, tmp_path)
    assert editable["places"] == {
        "onlinernn": str(ROOT / "onlinernn/__init__.py"),
        "onlinernn.kernels": str(ROOT / "kernels/__init__.py"),
        "onlinernn.tasks": str(ROOT / "onlinernn/tasks/__init__.py"),
    }
    assert (fresh["losses"], fresh["version"]) == (editable["losses"], editable["version"])


@pytest.mark.parametrize("command", [["onlinernn"], ["python", "-m", "onlinernn"]])
def test_the_command_line_tool_of_the_wheel_answers(installed: Path, tmp_path: Path, command: list[str]) -> None:
    assert "mackey-glass" in call(installed / command[0], *command[1:], "run", "--help", cwd=tmp_path)


def test_the_kernels_refuse_a_second_name() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import kernels"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "onlinernn.kernels" in done.stderr
