"""A step allocates nothing, and nothing grows with time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# The allocator counts only where NUMBA_NRT_STATS is set before numba is imported, so these run in a process of their
# own. A call needs one small record for each array that it is given, and gives it back; a step needs nothing.
ALLOCATIONS = """
import numpy as np
from numba import njit
from numba.core.runtime import rtsys
from onlinernn import *

@njit
def twin(T):
    total = 0.0
    for t in range(T):
        total += np.full(3 + t % 2, 0.5).sum()
    return total

twin(1)  # what is compiled starts the counting; what is read from disk does not

def counted(work):
    before = rtsys.get_allocation_stats()
    work()
    after = rtsys.get_allocation_stats()
    return after.alloc - before.alloc, after.free - before.free

# Parts that other tests compile anyhow.
lagged = {"cell": LeakSpectrum(), "decorrelation": Decorrelation(), "readout": NLMS(), "schedule": InverseTime(50)}
windowed = {"cell": LeakSpectrum(), "decorrelation": Whitening(), "readout": NLMS(), "dtype": np.float64}
for delay, rule, parts in (
    (0, ANP(), {"cell": LeakyTanh(0.5)}),
    (3, ANP(), {"cell": LeakyTanh(0.5), "decorrelation": Decorrelation()}),
    (3, LearnedFeedback(lags=4, noise=Uniform()), lagged),
    (1, WindowedNP(window=4, replicas=2, noise=Rademacher()), windowed),
):
    learner = OnlineLearner(1, 10, 1, rule=rule, **parts, target_delay=delay)
    U = np.sin(0.1 * np.arange(100_001.0))[:, None].astype(np.float32)
    learner.run(U[:2], U[1:3])
    assert counted(lambda: learner.run(U[:1], U[1:2])) == (0, 0)
    assert counted(lambda: learner.run(U[:-1], U[1:])) == (0, 0)
    assert counted(lambda: [learner.step(u, u) for u in U[:1000]]) == (0, 0)

print(counted(lambda: twin(1000)))
"""

GROWTH = """
import numpy as np
from pathlib import Path
from onlinernn import *

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1])

learner = OnlineLearner(1, 10, 1, cell=LeakyTanh(0.5), decorrelation=Decorrelation(), target_delay=2)
U = np.sin(0.1 * np.arange(10_001.0))[:, None].astype(np.float32)
sizes, memory = [], learner.memory()
for _ in range(100):
    learner.run(U[:-1], U[1:])
    sizes.append(resident())
for u in U[:-1]:
    learner.step(u, u)
sizes.append(resident())
assert learner.steps == 1_010_000
assert learner.memory() == memory
print((max(sizes) - sizes[4]) * 4096)
"""


def run(program: str) -> str:
    environment = {**os.environ, "NUMBA_NRT_STATS": "1"}
    environment.pop("NUMBA_DISABLE_JIT", None)
    done = subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_step_allocates_nothing() -> None:
    # The program asserts it; its last line shows that the counter sees a loop that does allocate.
    assert run(ALLOCATIONS) == "(1000, 1000)"


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads the resident memory where Linux shows it")
def test_a_million_steps_do_not_grow() -> None:
    assert int(run(GROWTH)) < 1_000_000
