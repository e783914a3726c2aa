"""The random numbers of a report are those that were drawn: each hash of a step, seen for the first time, is one."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

#: In plain Python, where what draws can be replaced by what draws and takes note. Properties of devices are the same in
#: all steps, so that those of the second half of a run are no news. A and B are read when they are written, as R is,
#: only that what comes of it is thrown away: no hardware would draw for that.
COUNT = """
import json
import numpy as np
from onlinernn import *
from onlinernn import substrates
from onlinernn.kernels import arrays, converters, devices, feedback, pulses, rules, writes

seen, thrown_away = set(), []

def noted(name, draw, which):
    def drawn(*args):
        if not thrown_away:
            seen.add((name, int(args[which])))
        return draw(*args)
    return drawn

def marked(call, mark):
    def marking(*args):
        mark.append(call)
        try:
            return call(*args)
        finally:
            mark.pop()
    return marking

for module in (converters, devices, pulses):
    for name in ("gaussian", "uniform"):
        setattr(module, name, noted("of a chain", getattr(module, name), 1))
converters.by_chance = noted("of a chain", converters.by_chance, 2)
for module in (rules, feedback):
    module.draw = noted("perturbation", module.draw, 1)

write_row, through, writing = writes.write_row, arrays.through, []
writes.write_row = marked(write_row, writing)
arrays.through = lambda *args: (marked(through, thrown_away) if writing else through)(*args)

U = 0.3 + 0.2 * np.sin(np.arange(48.0)).reshape(12, 2, 2)
def drawn():
    perturbations = sum(name == "perturbation" for name, _ in seen)
    return np.array([perturbations, len(seen) - perturbations])

def told(learner):
    found = learner.report()
    return np.array([found["random_numbers"], found["random_numbers_chains"] + found["random_numbers_writes"]])

def count(streams=1, **parts):
    seen.clear()
    learner = OnlineLearner(2, 3, 2, dtype=np.float64, seed=3, streams=streams, input_scale=0.5, **parts)
    u = U if streams == 2 else U[:, 0]
    learner.run(u[:6], u[5::-1])
    before = np.array([drawn(), told(learner)])
    learner.run(u[6:], u[:5:-1])
    return (np.array([drawn(), told(learner)]) - before).tolist()

print(json.dumps({name: count(**parts) for name, parts in eval(CASES).items()}))
"""

#: All devices are written in each step: what else a kernel works out and throws away would be counted as drawn.
CASES = """{
    "nothing": dict(substrate=Substrate(), rule=ANP(1e-2, 1e-2)),
    "both copies noisy": dict(substrate=Substrate(), rule=ANP(1e-2, 1e-2, both_noisy=True)),
    "copies of NP": dict(substrate=Substrate(), rule=NP(1e-2, 1e-2), replicas=3, streams=2),
    "reads": dict(substrate=Substrate(read=(Noise(0.01),)), rule=ANP(1e-2, 1e-2), replicas=2),
    "reads to learn": dict(
        substrate=Substrate(read=(Noise(0.01),), output=(Noise(0.01),), feedback=(Noise(0.01), Mismatch(0.1))),
        rule=ANP(1e-2, 1e-2), readout=NLMS(), streams=2,
    ),
    "reads of one late target": dict(
        substrate=Substrate(read=(PhaseChange(1.0),), output=(Noise(0.01),)), rule=ANP(1e-2, 1e-2), readout=NLMS(),
        target_delay=2, direct=True,
    ),
    "rounding anywhere": dict(
        substrate=Substrate(**{
            name: (Quantise(0.001, Stochastic()), Quantise(0.002, StochasticShared()))
            for name in ("read", "input", "drive", "node", "output", "feedback")
        }),
        rule=ANP(1e-2, 1e-2), streams=2,
    ),
    "messages": dict(substrate=Substrate(feedback=(Lost(0.3),), drive=(Lost(0.1),)), rule=ANP(1e-2, 1e-2), replicas=2),
    "writes": dict(
        substrate=Substrate(write=(WriteNoise(1e-3), PulsedUpdate(0.01, 0.3, 0.3), Quantise(1e-6, Stochastic()))),
        rule=ANP(1e-2, 1e-2),
    ),
    "writes of an array": dict(
        substrate=Substrate(write=(Quantise(1e-6, StochasticShared()), Noise(0.01))), rule=ANP(1e-2, 1e-2)
    ),
    "errors of writes": dict(substrate=Substrate(read=(WriteError(0.01),)), rule=ANP(1e-2, 1e-2)),
    "devices": dict(
        substrate=Substrate(
            read=(Mismatch(0.1, 0.1), TwinMismatch(0.1, 0.1), Drift(0.1, 0.1)),
            write=(Asymmetry(0.1, 0.1), SoftBounds(-9.0, 9.0, 0.1), DeviceBounds(-9.0, 9.0, 0.1, 0.1), Stuck(0.0),
                   Leak(100.0, 0.1), CountWrites()),
        ),
        rule=ANP(1e-2, 1e-2),
    ),
    "int8": dict(substrate=substrates.int8),
    "ecram": dict(substrate=substrates.ecram),
    "analog_io": dict(substrate=substrates.analog_io),
    "mtj": dict(substrate=substrates.mtj),
}"""


@pytest.fixture(scope="module")
def counted() -> dict[str, Any]:
    code = COUNT.replace("eval(CASES)", CASES)
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


NAMES = [line.split('"')[1] for line in CASES.splitlines() if line.startswith('    "')]


#: Numbers for each change in chains with pulses: where no pulse comes, one of them is drawn.
AT_MOST = {"writes": 4, "ecram": 2}


@pytest.mark.parametrize("name", NAMES)
def test_the_report_tells_how_many_random_numbers_were_drawn(name: str, counted: dict[str, Any]) -> None:
    drawn, told = counted[name]
    assert drawn[0] == told[0]
    if name == "mtj":  # of 36 junctions in these steps few are drawn anew, which takes a number more
        assert 2 * 36 < drawn[1] < told[1] == 3 * 36
    elif name in AT_MOST:
        assert told[1] / AT_MOST[name] < drawn[1] < told[1]
    else:
        assert drawn[1] == told[1]


def test_there_was_something_to_count(counted: dict[str, Any]) -> None:
    assert set(counted) == set(NAMES)
    of_chains = {name for name, (drawn, _) in counted.items() if drawn[1] == 0}
    assert of_chains == {"nothing", "both copies noisy", "copies of NP", "devices"}
    assert all(drawn[0] > 0 for drawn, _ in counted.values())
