"""Two copies as two devices: what exchanging them and learning their mismatch do; and locality on every effect."""

import os
import subprocess
import sys

import numpy as np
import pytest

from onlinernn import ANP, OnlineLearner, Substrate, TwinMismatch
from onlinernn.kernels.twins import array_of

U = np.sin(0.3 * np.arange(60.0))[:, None]


def twins(gain: float = 0.3, sigma: float = 1e-6, **cure: object) -> OnlineLearner:
    hardware = Substrate(read=(TwinMismatch(gain),), **cure)  # type: ignore[arg-type]
    learner = OnlineLearner(1, 6, 1, rule=ANP(0.0, 0.0, sigma), dtype=np.float64, seed=3, substrate=hardware)
    learner.set_weights(B=np.linspace(-1.0, 1.0, 6)[None])
    return learner


def outputs(learner: OnlineLearner) -> np.ndarray:
    """Return the outputs of both copies without any memory, so that each step tells which array a copy was on."""
    learner.set_weights(R=np.zeros((6, 6)))
    rows = []
    for u in U:
        rows.append([float(y[0]) for y in learner.forward(u)])
        learner.feedback(0.0, 0.0)
    return np.array(rows)


def test_copies_exchange_their_arrays_at_every_step() -> None:
    assert [[array_of(Substrate(chop=True), t, k, 2) for k in (0, 1)] for t in range(3)] == [[0, 1], [1, 0], [0, 1]]
    kept, exchanged = outputs(twins()), outputs(twins(chop=True))
    assert np.abs(kept[:, 0] - kept[:, 1]).max() > 0.01
    np.testing.assert_allclose(exchanged[0::2], kept[0::2], atol=1e-4)
    np.testing.assert_allclose(exchanged[1::2], kept[1::2, ::-1], atol=1e-4)


@pytest.mark.parametrize("chop", [False, True])
def test_what_mismatch_adds_is_learnt_and_taken_off(chop: bool) -> None:
    """Without the cure the differences are mismatch, many times the noise; with it most of that is gone."""
    wave = np.sin(0.3 * np.arange(4000.0))[:, None]
    sigma, power = 1e-3, {}
    for cancel in (0.0, 0.1):
        learner = twins(0.03, sigma, cancel=cancel, chop=chop)
        learner.run(wave)
        of_steps = []
        for u in U:
            learner.step(u)
            of_steps.append(np.mean(learner._work.hidden**2))
        power[cancel] = np.mean(of_steps) / sigma**2
    assert power[0.0] > 30
    assert power[0.1] < 0.2 * power[0.0]


#: All effects are in one of these: NP and ANP read differences and noise only, which no device changes for others.
LOCAL = """
from onlinernn import ANP, NP, Drift, Leak, Lost, PulsedUpdate, Substrate, TwinMismatch, Wrap, WriteNoise
from onlinernn import substrates
from onlinernn.checks import check_locality

def largest(chain):
    return max([one.dw_min for one in chain if isinstance(one, PulsedUpdate)], default=0.07)

rest = Substrate(
    read=(Drift(0.05), TwinMismatch(0.1)), write=(WriteNoise(0.01), Leak(1e3), Wrap(-8.0, 8.0)), feedback=(Lost(0.1),),
    chop=True, cancel=0.1,
)
names = "spinnaker_like dynapse_like reram_es reram_sb reram_om capacitor pcm analog_io mtj"
chosen = [substrates.named(name).substrate for name in names.split()]
for k, hardware in enumerate([rest, *chosen]):
    rule, pulses = ((NP, 1.5), (ANP, 15.0))[k % 2]  # so many that not every update is lost, nor the longest train
    rate = pulses * largest(hardware.write)
    rule = rule(rate, 2 * rate, 0.5)
    assert check_locality(rule, examples=2, substrate=hardware).rows[1].used, hardware
tried = {type(one) for each in [rest, *chosen] for chain in each if isinstance(chain, tuple) for one in chain}
every = {type(one) for each in substrates.PRESETS.values() for chain in each.substrate if isinstance(chain, tuple)
         for one in chain} | {Drift, TwinMismatch, WriteNoise, Leak, Wrap, Lost}
assert tried >= every, every - tried
"""


def test_updates_stay_local_with_every_effect() -> None:
    plain = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, "-c", LOCAL], env=plain, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
