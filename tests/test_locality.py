"""The update of a synapse depends on what is at the synapse and on its layer's broadcast scalars, on nothing else.

A scene is a network at the moment of learning, with every array full of random numbers. The update of one synapse is
read twice: as it is, and after everything was redrawn except the signals that the synapse may see. The two have the
same bits. Then each of these signals is changed, and the update moves.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from engine import Engine, random_weights
from hypothesis import given, settings
from hypothesis import strategies as st

from onlinernn.kernels import passes
from onlinernn.kernels.decorrelation import Decorrelation, Whitening
from onlinernn.kernels.layout import PENDING, TICK
from onlinernn.kernels.rules import ANP, NP, WP
from onlinernn.kernels.window import WindowedNP

WINDOW = 3
RULES = {
    "NP": NP(0.1, 0.2, 0.5),
    "ANP": ANP(0.1, 0.2, 0.5),
    "WP": WP(0.1, 0.2, 0.5),
    "WindowedNP": WindowedNP(0.1, 0.2, WINDOW, replicas=1, sigma=0.5, antithetic=False),
}
DECORRELATION = Decorrelation(0.01)
Feedback = Callable[[Engine], Any]


class Place(NamedTuple):
    """A synapse, and the sizes of the network it is in."""

    rule: str
    layer: str
    i: int  # the neuron after it
    j: int  # the neuron or input before it; the last input is the constant of the bias
    n: int
    d: int
    m: int
    delay: int
    seed: int


class Signals(NamedTuple):
    """What a synapse may see: single entries of arrays, as (array, index)."""

    weight: tuple[Any, tuple[int, int]]
    pre: tuple[Any, tuple[int, int]]
    post: tuple[Any, tuple[int, int]]
    layer_differences: Any  # of its layer: it may see their power
    delta_losses: tuple[Any, ...]  # that of now, and those of the window


def fill(engine: Engine, rng: np.random.Generator) -> None:
    """Fill every array with random numbers."""
    for group in (engine.params, engine.state, engine.tags, engine.work):
        for array in group:
            array[...] = rng.normal(size=array.shape)
    engine.work.taught[...] = 1


def scene(place: Place, decorrelation: Any = DECORRELATION) -> Engine:
    rng = np.random.default_rng(place.seed)
    engine = Engine(
        random_weights(rng, place.n, place.d, place.m),
        RULES[place.rule],
        decorrelation=decorrelation,
        target_delay=place.delay,
        dtype=np.float32,
        seed=place.seed,
    )
    fill(engine, rng)
    engine.tally[TICK] = 20 + place.seed % 5
    return engine


def signals(engine: Engine, place: Place) -> Signals:
    """Say where in the arrays the signals of the synapse are."""
    params, tags, i, j = engine.params, engine.tags, place.i, place.j
    slots = len(tags.u)
    late = WINDOW - 1 if place.rule == "WindowedNP" and place.layer != "B" else 0
    slot = (engine.tally[TICK] - place.delay - late) % slots
    hidden = tags.hidden if len(tags.hidden) else tags.delta  # noise that is not stored is no array
    weight, pre, post = {
        "R": ((params.R, (i, j)), (tags.s, ((slot - 1) % slots, j)), hidden),
        "A": ((params.A, (j, i)), (tags.u, (slot, j)), hidden),
        "B": ((params.B, (i, j)), (tags.z, (slot, j)), tags.readout),
    }[place.layer]
    deltas = (engine.work.delta_loss, *([tags.delta] if place.rule == "WindowedNP" else []))
    return Signals(weight, pre, (post, (slot, i)), post[slot], deltas)


def draws_again(place: Place) -> bool:
    """Tell whether the synapse's noise is drawn a second time, and found in no array."""
    return place.rule == "WP" or (place.rule == "WindowedNP" and place.layer != "B")


def redraw_the_rest(engine: Engine, place: Place) -> None:
    """Redraw everything that the synapse may not see."""
    seen = signals(engine, place)
    allowed = [seen.weight, *([] if place.rule == "WP" else [seen.pre])]
    allowed += [] if draws_again(place) else [seen.post]
    kept = [(array, index, array[index]) for array, index in allowed]
    rng = np.random.default_rng(place.seed + 1)
    differences, deltas = seen.layer_differences.copy(), [delta.copy() for delta in seen.delta_losses]
    fill(engine, rng)
    if place.rule == "ANP":  # other signs, and the power has the same bits
        seen.layer_differences[:] = differences * rng.choice([-1, 1], size=differences.shape)
    for array, delta in zip(seen.delta_losses, deltas, strict=True):
        array[...] = delta
    for array, index, value in kept:
        array[index] = value


def update(place: Place, feedback: Feedback, change: Callable[[Engine], Any] = lambda engine: None) -> Any:
    """Return what the synapse learns in the scene, after a change of the scene; the learnt weight's own bits."""
    engine = scene(place)
    change(engine)
    array, index = signals(engine, place).weight
    before = array[index]
    feedback(engine)
    return array[index], array[index] - before


def violations(place: Place, feedback: Feedback = Engine.feedback) -> list[str]:
    """Return what is wrong with the locality of one synapse: signals it sees and may not, or does not and should."""
    found = []
    learnt, change = update(place, feedback)
    if update(place, feedback, lambda engine: redraw_the_rest(engine, place))[0] != learnt:
        found.append("it depends on something else in the network")

    def scaled(name: str) -> Callable[[Engine], Any]:
        def scale(engine: Engine) -> None:
            array, index = getattr(signals(engine, place), name)
            array[index] *= 3

        return scale

    def other_power(engine: Engine) -> None:
        differences = signals(engine, place).layer_differences
        differences[(place.i + 1) % len(differences)] *= 3

    def other_delta_loss(engine: Engine) -> None:
        for delta in signals(engine, place).delta_losses:
            np.multiply(delta, 3, out=delta)

    def other_noise(engine: Engine) -> None:
        engine.spec = engine.spec._replace(seed=engine.spec.seed + 1)

    due = {"delta_loss": other_delta_loss}
    due |= {"its own noise": other_noise} if draws_again(place) else {"the difference after it": scaled("post")}
    if place.rule != "WP":
        due |= {"the activity before it": scaled("pre")}
        size = place.m if place.layer == "B" else place.n
        due |= {"the power of its layer": other_power} if place.rule == "ANP" and size > 1 else {}
    found += [
        f"it does not depend on {name}" for name, other in due.items() if update(place, feedback, other)[1] == change
    ]
    return found


@st.composite
def places(draw: st.DrawFn) -> Place:
    rule, layer = draw(st.sampled_from(sorted(RULES))), draw(st.sampled_from("RAB"))
    n, d, m = draw(st.integers(1, 40)), draw(st.integers(1, 3)), draw(st.integers(1, 4))
    after, before = {"R": (n, n), "A": (n, d + 1), "B": (m, n + 1)}[layer]
    i, j = draw(st.integers(0, after - 1)), draw(st.integers(0, before - 1))
    return Place(rule, layer, i, j, n, d, m, draw(st.integers(0, 3)), draw(st.integers(0, 2**16)))


@settings(max_examples=150)
@given(place=places())
def test_an_update_is_local(place: Place) -> None:
    assert violations(place) == []


# The twins: rules that look elsewhere.


def with_transport(engine: Engine) -> None:
    """Carry the readout's differences back to the hidden layer through the readout's own weights."""
    tagged = (engine.tally[TICK] - engine.spec.target_delay) % len(engine.tags.u)
    carried = engine.params.B[:, : engine.n].T @ engine.tags.readout[tagged]
    engine.feedback()
    engine.params.R[...] -= 0.01 * carried[:, None] * engine.tags.s[tagged - 1]


def with_a_neighbour(engine: Engine) -> None:
    """Mix in the difference of the next neuron."""
    tagged = (engine.tally[TICK] - engine.spec.target_delay) % len(engine.tags.u)
    engine.tags.hidden[tagged] += 0.1 * np.roll(engine.tags.hidden[tagged], 1)
    engine.feedback()


def with_normalised_inputs(engine: Engine) -> None:
    """Divide by the power of all activities before the neuron."""
    tagged = (engine.tally[TICK] - engine.spec.target_delay) % len(engine.tags.u)
    engine.tags.s[tagged - 1] /= 1 + np.square(engine.tags.s[tagged - 1]).sum()
    engine.feedback()


def with_other_weights(engine: Engine) -> None:
    """Let all weights of a neuron decay towards their mean."""
    engine.feedback()
    engine.params.R[...] += 0.01 * engine.params.R.mean(axis=1, keepdims=True)


@pytest.mark.parametrize("rule", ["NP", "ANP"])
@pytest.mark.parametrize("leak", [with_transport, with_a_neighbour, with_normalised_inputs, with_other_weights])
def test_a_rule_that_is_not_local_is_caught(rule: str, leak: Feedback) -> None:
    place = Place(rule, "R", i=2, j=3, n=9, d=2, m=3, delay=1, seed=4)
    assert violations(place) == []
    assert violations(place, leak) == ["it depends on something else in the network"]


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_rule_that_learns_nothing_is_caught(rule: str) -> None:
    place = Place(rule, "A", i=2, j=1, n=9, d=2, m=3, delay=0, seed=4)
    assert "it does not depend on delta_loss" in violations(place, lambda engine: None)


# D: its synapse (i, j) sees its own weight, s_i, and q_j = sum_i D_ij s_i, what neuron j gets back through its own
# outgoing weights. Of the sums, s_i runs over row i and q_j over column j. Whitening also sees the length of row i, the
# weights of one unit, and the broadcast |s|^2.


@pytest.mark.parametrize(
    "decorrelation", [Decorrelation(0.01), Whitening(0.01, damping=0.5)], ids=["eq. 6", "whitening"]
)
@settings(max_examples=60)
@given(n=st.integers(2, 70), data=st.data(), seed=st.integers(0, 2**16))
def test_the_update_of_d_is_local(decorrelation: Any, n: int, data: st.DataObject, seed: int) -> None:
    i, j = data.draw(st.integers(0, n - 1)), data.draw(st.integers(0, n - 1))
    place = Place("ANP", "R", 0, 0, n, 1, 1, 0, seed)

    def learnt(*, redrawn: bool = False, factors: tuple[float, float, float] = (1, 1, 1)) -> np.float32:
        engine = scene(place, decorrelation)
        engine.tally[PENDING] = 1
        seen = [(engine.params.D, (i, j)), (engine.params.w, (0, i)), (engine.params.q, (0, j))]
        kept = [array[index] * np.float32(factor) for (array, index), factor in zip(seen, factors, strict=True)]
        if redrawn:
            lengths = [(vector, vector.copy()) for vector in (engine.params.D[i], engine.params.w[0])]
            rng = np.random.default_rng(seed + 1)
            fill(engine, rng)
            if isinstance(decorrelation, Whitening):  # other signs, and the lengths have the same bits
                for vector, before in lengths:
                    vector[:] = before * rng.choice([-1, 1], size=n)
        for (array, index), value in zip(seen, kept, strict=True):
            array[index] = value
        engine.settle()
        return engine.params.D[i, j] - (0 if factors[0] == 1 else kept[0])

    assert learnt() == learnt(redrawn=True)
    assert learnt() != learnt(factors=(1, 3, 1))
    assert learnt() != learnt(factors=(1, 1, 3))
    assert learnt() != learnt(factors=(3, 1, 1))


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
