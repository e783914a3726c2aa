"""The update of a synapse depends on what its part declares, on all of it, and on nothing else in the network.

The machinery is the kit's own (``onlinernn.checks``); here every part that ships is put through it, and rules that look
elsewhere are shown to be caught.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onlinernn import ANP, NP, WP, Decorrelation, LearnedFeedback, Whitening, WindowedNP, substrates
from onlinernn.checks import LocalityContract, LocalityError, check_locality
from onlinernn.kernels import passes
from onlinernn.kernels.contracts import DELTA_LOSS, NOISE, PRE, WEIGHT
from onlinernn.scene import Scene

ALL = "A B R"
PAPER = {"own weight": "", "activity before it": ALL, "loss difference": ALL}
FEEDBACK = {
    "own weight": "R",
    "activity before it": "A R",
    "last pushes of its neuron": "A R",
    "slope of its neuron": "A R",
    "impulse response of its neuron": "A R",
    "power of activities and inputs": "A R",
    "output errors": "A R",
    "output difference not expected": "A R",
    "power of the pushes": "A R",
    "strength of all responses": "A R",
    "how far the noisy copies stray": "R",
}
# What each part uses, in which layers: all that it declares, but for its own weight.
USED: dict[str, tuple[Any, dict[str, Any], dict[str, str]]] = {
    "NP": (NP(0.1, 0.2, 0.5), {}, {**PAPER, "noise of its neuron": ALL}),
    "ANP": (
        ANP(0.1, 0.2, 0.5),
        {},
        {**PAPER, "noisy minus clean drive of its neuron": ALL, "power of its layer's differences": ALL},
    ),
    "WP": (WP(0.1, 0.2, 0.5), {}, {"own weight": "", "own noise, drawn again": ALL, "loss difference": ALL}),
    "WindowedNP": (
        WindowedNP(0.1, 0.2, 3, replicas=2, sigma=0.5),
        {},
        {
            "own weight": "",
            "activity before it": ALL,
            "noise of its neuron": "B",
            "noise of its neuron, drawn again": "A R",
            "loss differences of the window": ALL,
        },
    ),
    "feedback": (LearnedFeedback(0.5, lags=3, sigma=0.5, contraction=0.3, stray=1.0), {}, FEEDBACK),
    "feedback, whitened": (
        LearnedFeedback(0.5, lags=3, sigma=0.5, contraction=0.3, stray=1.0),
        {"decorrelation": Whitening(recurrent=True)},
        FEEDBACK,
    ),
    "eq. 6": (
        Decorrelation(0.01),
        {},
        {"own weight": "D", "activity before it": "D", "activity of its unit, s_i": "D"},
    ),
    "whitening": (
        Whitening(0.01, damping=0.5),
        {},
        {
            "own weight": "D",
            "activity before it": "D",
            "activity of its unit, s_i": "D",
            "length of its unit's row": "D",
            "power of s": "D",
        },
    ),
}


@pytest.mark.parametrize("name", USED)
def test_an_update_is_local_and_uses_what_it_may(name: str) -> None:
    part, more, used = USED[name]
    found = check_locality(part, examples=20, **more)
    assert {row.signal: row.used for row in found.rows} == used


def test_the_noise_of_a_step_is_not_learnt_from_in_another() -> None:
    """A contract that is too narrow is found out, by the signal that it lacks."""
    narrow = LocalityContract((WEIGHT, PRE, NOISE, DELTA_LOSS))
    with pytest.raises(LocalityError, match=r"R\[0, 0\] of a network of .* when tags\.hidden\[\d, 1\]"):
        check_locality(ANP(0.1, 0.2, 0.5), narrow)


#: In plain Python, where nothing is compiled. The rates are high: some pulses are larger than usual updates.
HARDWARE = """
import json
from onlinernn import *
from onlinernn import substrates
from onlinernn.checks import check_locality
from onlinernn.hardware import CHAINS, misplaced
from onlinernn.parts import implementations

effects = [
    *(Quantise(2.0**-6, rounding) for rounding in (Nearest(), Truncate(), Stochastic(), StochasticShared())),
    Saturate(-2.0, 2.0), Wrap(-4.0, 4.0), Noise(0.01), Mismatch(0.1, 0.1), TwinMismatch(0.1, 0.1), Lost(0.05),
    TelegraphNoise(0.04, 0.01, 0.1, 0.001), WriteNoise(1e-3), WriteError(0.01), PulsedUpdate(0.01, 0.3, 0.3),
    Asymmetry(0.2, 0.1), SoftBounds(-2.0, 2.0, 0.1), DeviceBounds(-2.0, 2.0, 0.1, 0.1), Leak(100.0, 0.3),
    Drift(0.05, 0.01), PhaseChange(1e-3), Stuck(0.1, -1.0, 1.0), CountWrites(),
]
assert {type(one) for one in effects} == implementations("effect")
tried = {
    repr(one): Substrate(**{chain: (one,) for chain in CHAINS if not misplaced(type(one), chain)}) for one in effects
}
tried |= {name: preset.substrate for name, preset in substrates.PRESETS.items()}
tried["exchanged and cancelled"] = tried[repr(TwinMismatch(0.1, 0.1))]._replace(chop=True, cancel=0.1)
found = {}
for name, hardware in tried.items():
    pulse = max([one.dw_min for one in hardware.write if isinstance(one, PulsedUpdate)], default=0.0)
    rate = max(5.0, 30.0 * pulse)  # so many pulses that some come
    rows = check_locality(ANP(rate, rate, 0.5), examples=1, substrate=hardware).rows
    found[name] = {row.signal: row.used for row in rows}
print(json.dumps(found))
"""


def test_an_update_is_local_on_every_hardware() -> None:
    """With each effect in every chain that takes it, and on each preset; R learns from what it may see."""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-c", HARDWARE], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(substrates.PRESETS) < set(found)
    for name, used in found.items():
        assert set(used) == set(USED["ANP"][2]), name
        assert all("R" in used[signal] for signal in ("activity before it", "loss difference")), name


# The twins: learning that looks elsewhere, before or after the rule's own.

Leak = Callable[[Scene], None]


def learning(before: Leak = lambda scene: None, after: Leak = lambda scene: None) -> Callable[[Scene], Any]:
    def learn(scene: Scene) -> tuple[float, float]:
        array, index = scene.view.weight
        was = float(array[index])
        before(scene)
        scene.learn()
        after(scene)
        return float(array[index]), float(array[index]) - was

    return learn


def transport(scene: Scene) -> None:
    """Carry the readout's differences back to the hidden layer through the readout's own weights."""
    view, n = scene.view, scene.synapse.n
    carried = view.params.B[:, :n].T @ view.tags.readout[view.tagged]
    view.params.R[...] -= 0.01 * carried[:, None] * view.tags.s[view.before]


def neighbour(scene: Scene) -> None:
    """Mix in the difference of the next neuron."""
    view = scene.view
    view.tags.hidden[view.perturbed] += 0.1 * np.roll(view.tags.hidden[view.perturbed], 1)


def normalised_inputs(scene: Scene) -> None:
    """Divide by the power of all activities before the neuron."""
    view = scene.view
    view.tags.s[view.before] /= 1 + np.square(view.tags.s[view.before]).sum()


def other_weights(scene: Scene) -> None:
    """Let all weights of a neuron decay towards their mean."""
    R = scene.view.params.R
    R += 0.01 * R.mean(axis=1, keepdims=True)


def error_through_the_readout(scene: Scene) -> None:
    """Bring the output error back through the readout's own weights."""
    view, n = scene.view, scene.synapse.n
    carried = view.tags.error[view.told[1]] @ view.params.B[:, :n]
    view.params.R[...] -= 0.01 * carried[:, None] * view.tags.s[view.before]


def neighbour_response(scene: Scene) -> None:
    """Mix in the response of the next neuron."""
    F = scene.view.params.F
    F += 0.1 * np.roll(F, 1, axis=1)


def through_time(scene: Scene) -> None:
    """Take the error a step back through R, as backpropagation does."""
    F = scene.view.params.F
    F += 0.1 * F @ scene.view.params.R


LEAKS = {
    "transport": ("paper", {"before": transport}, r"params\.B\[|tags\.readout\["),
    "neighbour": ("paper", {"before": neighbour}, r"tags\.hidden|another neuron"),
    "normalised inputs": ("paper", {"before": normalised_inputs}, r"tags\.s\["),
    "other weights": ("paper", {"after": other_weights}, r"params\.R\["),
    "error through the readout": ("feedback", {"before": error_through_the_readout}, "another neuron|params.B"),
    "neighbour's response": ("feedback", {"before": neighbour_response}, "another neuron"),
    "through time": ("feedback", {"before": through_time}, r"params\.R\["),
    "feedback, other weights": ("feedback", {"after": other_weights}, r"params\.R\["),
}
LEAKING = [
    (rule, leak)
    for leak, (family, _, _) in LEAKS.items()
    for rule in (["feedback"] if family == "feedback" else ["NP", "ANP"])
]


@pytest.mark.parametrize(("rule", "leak"), LEAKING)
def test_learning_that_is_not_local_is_caught(rule: str, leak: str) -> None:
    _, hooks, culprit = LEAKS[leak]
    with pytest.raises(LocalityError, match=culprit):
        check_locality(USED[rule][0], learn=learning(**hooks))


@pytest.mark.parametrize("rule", ["NP", "WP", "feedback"])
def test_a_rule_that_learns_nothing_is_caught(rule: str) -> None:
    def nothing(scene: Scene) -> tuple[float, float]:
        array, index = scene.view.weight
        return float(array[index]), 0.0

    with pytest.raises(LocalityError, match="teaches R nothing"):
        check_locality(USED[rule][0], learn=nothing)


def test_noise_drawn_again_that_belongs_to_another_synapse_is_caught() -> None:
    def anothers(scene: Scene) -> tuple[float, float]:
        if scene.learner.spec.rule.noise.salt > 0:  # what is salted is what is not its own
            scene.draw_anew()
        return scene.learn()

    with pytest.raises(LocalityError, match="noise that is not its own"):
        check_locality(USED["WP"][0], learn=anothers)


# D gives back to neuron j through the neuron's own outgoing weights.


@settings(max_examples=40)
@given(n=st.integers(2, 40), data=st.data(), seed=st.integers(0, 2**16))
def test_what_a_neuron_gets_back_through_d_comes_through_its_own_weights(
    n: int, data: st.DataObject, seed: int
) -> None:
    j = data.draw(st.integers(0, n - 1))
    rng = np.random.default_rng(seed)
    D, s = rng.normal(size=(n, n)).astype(np.float32), rng.normal(size=n).astype(np.float32)

    def back(matrix: np.ndarray) -> np.float32:
        out = np.zeros(n, np.float32)
        passes.multiply_transposed(matrix, 0, s, out)
        return out[j]

    other = rng.normal(size=(n, n)).astype(np.float32)
    other[:, j] = D[:, j]
    assert back(other) == back(D)
    other[n // 2, j] += 1
    assert back(other) != back(D)
