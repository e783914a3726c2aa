"""How many instructions a step takes, which no other work of the machine changes: counted by valgrind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

#: valgrind knows no instructions of 512 bits, so the kernels are compiled for a processor that has none. Its features
#: are named too: those that are found differ under valgrind, which would compile everything once more.
PROCESSOR, FEATURES = "haswell", "+avx2,+fma"
#: One count covers all that a process does: the difference between two counts of steps is that of the steps alone.
STEPS = (20, 120)

_PROGRAM = """
import json, os, sys
import numpy as np
from onlinernn import ANP, Decorrelation, OnlineLearner

def work(rule, n, how, steps):
    learner = OnlineLearner(1, n, 1, rule=ANP(lr_hidden=1e-7, lr_readout=1e-7), spectral_radius=0.0, threads=1,
                            decorrelation=Decorrelation(1e-7) if rule == "danp" else None)
    wave = np.sin(0.1 * np.arange(steps + 1.0))[:, None]
    if how == "run":
        learner.run(wave[:-1], wave[1:])
    else:
        for u, y in zip(wave[:-1], wave[1:]):
            learner.step(u, y)

children = []
for job in json.loads(sys.argv[1]):
    child = os.fork()  # one start of Python for all: a child goes on counting from there
    if not child:
        work(*job)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        raise SystemExit(1)
    children.append(child)
print(json.dumps(children))
"""


def count_instructions(sizes: list[int], rules: list[str]) -> list[dict[str, Any]]:
    """Return the instructions of a step of ANP, in a `run` and as a `step` from Python, on a processor with AVX2.

    Parameters
    ----------
    sizes : list of int
        Hidden units.
    rules : list of str
        Out of ``bench.RULES``; ``"danp"`` is ANP with decorrelation.

    Returns
    -------
    list of dict
        With the keys rule, n, run, step, and per_weight: those of `run` over the weights of R and D.

    Raises
    ------
    ValueError
        If valgrind is not installed.
    """
    valgrind = shutil.which("valgrind")
    if valgrind is None or not hasattr(os, "fork"):
        raise ValueError("instructions are counted by valgrind, which is not installed")
    cases = [(rule, n, how) for rule in rules for n in sizes for how in ("run", "step")]
    jobs = [(*case, steps) for case in cases for steps in STEPS]
    environment = {**os.environ, "NUMBA_CPU_NAME": PROCESSOR, "NUMBA_CPU_FEATURES": FEATURES, "PYTHONHASHSEED": "0"}

    def started(jobs: list[Any], *before: str) -> list[int]:
        command = [*before, sys.executable, "-c", _PROGRAM, json.dumps(jobs)]
        done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        children: list[int] = json.loads(done.stdout)
        return children

    started([(rule, min(sizes), "run", 1) for rule in rules])  # compiles into the cache
    with tempfile.TemporaryDirectory() as folder:
        counting = [valgrind, "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
        children = started(jobs, *counting, f"--log-file={folder}/%p")
        counts = {tuple(job): _counted(Path(folder, str(child))) for job, child in zip(jobs, children, strict=True)}
    per_step = {case: (counts[*case, STEPS[1]] - counts[*case, STEPS[0]]) / (STEPS[1] - STEPS[0]) for case in cases}
    return [
        {
            "rule": rule,
            "n": n,
            **{how: per_step[rule, n, how] for how in ("run", "step")},
            "per_weight": per_step[rule, n, "run"] / (n * n * (2 if rule == "danp" else 1)),
        }
        for rule in rules
        for n in sizes
    ]


def _counted(log: Path) -> int:
    lines = [line for line in log.read_text(encoding="utf-8").splitlines() if "refs:" in line]
    return int(lines[-1].rpartition(":")[2].replace(",", ""))
