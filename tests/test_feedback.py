"""Learned feedback: the responses it identifies are the network's, its copies stay close, and its update is local."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from engine import Engine, random_weights
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_credit import NaiveFeedback
from naive_noise import noise_of
from test_locality import Feedback, fill, with_other_weights

from onlinernn import (
    RLS,
    Cosine,
    LeakyTanh,
    LearnedFeedback,
    OnlineLearner,
    Perturbed,
    SoftmaxCrossEntropy,
    Tanh,
    Undecorrelated,
    Whitening,
)
from onlinernn.kernels.feedback import ALONE, STRAY
from onlinernn.kernels.layout import TICK
from onlinernn.kernels.noise import Gaussian, Rademacher
from onlinernn.kernels.readouts import NLMS

N, N_IN, N_OUT, LAGS = 8, 2, 2, 5
TAPS = 3  # where a synapse is looked at
TINY = 1e-12  # so small a rate leaves the weights as they are, and the responses are learnt all the same


class Setting(NamedTuple):
    """Parts of types that the covering array compiles anyhow."""

    noise: Any
    cell: Any
    decorrelation: Any
    readout: Any
    schedule: Any


SETTINGS = {
    "tanh": Setting(Gaussian(), Tanh(), Undecorrelated(), NLMS(), None),
    "leaky, whitened": Setting(Rademacher(), LeakyTanh(0.6), Whitening(), RLS(), Cosine(10**9)),
}


def engine_parts(setting: Setting) -> dict[str, Any]:
    """Return the parts that are no part of the rule."""
    return {name: part for name, part in setting._asdict().items() if name != "noise"}


def responses(weights, leak: float, U: np.ndarray) -> np.ndarray:
    """Return the mean of d y_{t+tau} / d x_t over a run of the clean network, by the chain rule; (LAGS, m, n)."""
    x, steps = np.zeros(N), []
    readout = weights["B"] @ weights.get("D", np.eye(N))
    for u in U:
        h = np.tanh(weights["A"] @ u + weights["R"] @ x + weights["b"])
        x = (1 - leak) * x + leak * h
        steps.append((1 - leak) * np.eye(N) + (leak * (1 - h * h))[:, None] * weights["R"])  # d x_t / d x_{t-1}
    total = np.zeros((LAGS, N_OUT, N))
    for t in range(len(U) - LAGS):
        through = np.eye(N)
        for tau in range(LAGS):
            total[tau] += readout @ through
            through = steps[t + tau + 1] @ through
    return total / (len(U) - LAGS)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_responses_are_the_mean_jacobians(name: str) -> None:
    setting = SETTINGS[name]
    rng = np.random.default_rng(5)
    weights = random_weights(rng, N, N_IN, N_OUT, scale=0.7)
    if isinstance(setting.decorrelation, Whitening):
        weights["D"] = np.eye(N) + 0.5 * rng.normal(size=(N, N)) / np.sqrt(N)
    U = 0.7 * rng.normal(size=(40_000, N_IN))
    targets = np.eye(N_OUT)[rng.integers(N_OUT, size=len(U))]
    rule = LearnedFeedback(TINY, lags=LAGS, sigma=1e-3, lr_response=0.02, noise=setting.noise)
    engine = Engine(weights, rule, **engine_parts(setting), loss=SoftmaxCrossEntropy(), frozen=("B", "D"), bias=True)
    engine.run(U[:, None], targets[:, None])
    for key, weight in weights.items():
        np.testing.assert_allclose(engine.weights()[key], weight, atol=1e-6)
    learnt = engine.params.F.reshape(LAGS, N_OUT, N)
    wanted = responses(weights, getattr(setting.cell, "alpha", 1.0), U[-4000:])
    for tau in range(LAGS):
        norms = np.linalg.norm(learnt[tau]), np.linalg.norm(wanted[tau])
        cosine = (learnt[tau] * wanted[tau]).sum() / (norms[0] * norms[1])
        assert cosine > 0.95, (tau, cosine)
        assert 0.8 < norms[0] / norms[1] < 1.25
        other = wanted[(tau + 1) % LAGS]
        assert cosine > (learnt[tau] * other).sum() / (norms[0] * np.linalg.norm(other))


def distances(rule, steps: int = 300) -> np.ndarray:
    """Return the squared distance of the two copies after each step of a network that pulls them apart."""
    weights = random_weights(np.random.default_rng(5), N, N_IN, N_OUT, scale=4.0)
    parts = engine_parts(SETTINGS["tanh"])
    engine = Engine(weights, rule, **parts, loss=SoftmaxCrossEntropy(), frozen=("A", "R"))
    rng, found = np.random.default_rng(1), []
    for _ in range(steps):
        engine.run(0.1 * rng.normal(size=(1, 1, N_IN)), np.full((1, 1, N_OUT), np.nan))
        found.append(np.square(engine.state.s[1] - engine.state.s[0]).sum())
    return np.array(found)


def test_copies_that_stray_are_set_back() -> None:
    rule = LearnedFeedback(0.1, lags=3, sigma=1e-3, noise=Gaussian())
    near = distances(rule)
    assert near.max() <= 100 * N * rule.sigma**2
    assert (near == 0).sum() > 3
    apart = distances(rule._replace(sigma=0.3))  # the twin: with a wider bound they are not
    assert apart.max() > 100 * N * rule.sigma**2
    assert (apart > 0).all()


def test_what_is_learnt_beside_copies_that_stray_agrees_with_the_naive_loops() -> None:
    setting, streams, replicas, steps = SETTINGS["tanh"], 2, 2, 26
    rng = np.random.default_rng(6)
    weights = random_weights(rng, N, N_IN, N_OUT, scale=3.0) | {"b": np.zeros(N)}
    U = 0.1 * rng.normal(size=(steps, streams, N_IN))
    Y = np.eye(N_OUT)[rng.integers(N_OUT, size=(steps, streams))]
    rule = LearnedFeedback(0.1, lags=3, sigma=1e-3, noise=setting.noise)
    settings = engine_parts(setting) | {"loss": SoftmaxCrossEntropy(), "streams": streams, "replicas": replicas}
    settings["direct"] = False
    engine = Engine(weights, rule, **settings, seed=7)
    naive = NaiveFeedback(weights, rule, noise=noise_of(setting.noise, 7), **settings)
    forgotten = []
    for u, y in zip(U, Y, strict=True):
        engine.run(u[None], y[None])
        naive.step(u, y)
        forgotten.append(naive.first_push)
    assert 2 < len(set(forgotten)) < steps  # it happened more than once, and not in every step
    for name, weight in naive.weights().items():
        np.testing.assert_allclose(engine.weights()[name], weight, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(engine.params.F.reshape(naive.F.shape), naive.F, rtol=1e-6, atol=1e-8)


def radius_after(rule: LearnedFeedback, taught: bool = True) -> float:
    """Return the spectral radius that is left of one of 1.5, with nothing to be learnt beside."""
    learner = OnlineLearner(1, 30, 1, rule=rule, spectral_radius=1.5, input_scale=0.3, seed=3)
    rng = np.random.default_rng(1)
    learner.run(rng.normal(size=(20_000, 1)), np.zeros((20_000, 1)) if taught else None)
    return float(np.abs(np.linalg.eigvals(learner.weights["R"])).max())


def test_recurrent_weights_shrink_until_the_network_forgets() -> None:
    rule = LearnedFeedback(TINY)
    kept = radius_after(rule)
    assert 0.7 < kept < 1.2
    assert radius_after(rule._replace(stray=3.0)) < kept
    assert radius_after(rule._replace(contraction=0.0)) == pytest.approx(1.5)
    assert radius_after(rule, taught=False) == pytest.approx(1.5)


BAD = [
    ({"rule": LearnedFeedback(lags=0)}, "lags is 0; it must be at least 1"),
    ({"rule": LearnedFeedback(lags=1.5)}, "lags is 1.5; it must be a whole number"),
    ({"rule": LearnedFeedback(sigma=0)}, "sigma is 0"),
    ({"rule": LearnedFeedback(lr_hidden=-1)}, "lr_hidden is -1"),
    ({"rule": LearnedFeedback(contraction=2)}, "contraction is 2; it must be at least 0 and at most 1"),
    ({"rule": LearnedFeedback(stray=0)}, "stray is 0; it must be greater than 0"),
    ({"readout": Perturbed()}, r"learns from the output error, which readout=Perturbed\(\) does not use; use readout"),
]


@pytest.mark.parametrize(("settings", "message"), BAD, ids=lambda value: str(value)[:40])
def test_bad_settings_are_named(settings, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        OnlineLearner(1, 5, 1, **{"rule": LearnedFeedback()} | settings)


def test_losses_alone_are_refused_before_anything_changes() -> None:
    learner = OnlineLearner(1, 5, 1, rule=LearnedFeedback())
    learner.forward([1.0])
    arena = learner._arena.tobytes()
    with pytest.raises(TypeError, match=r"feedback gives losses only.*NP, ANP, WP or WindowedNP"):
        learner.feedback(1.0, 2.0)
    assert learner._arena.tobytes() == arena


# Learned feedback: its synapse sees its weight, its activity before it (whitened or not), its neuron's slope, pushes
# and impulse responses, and the broadcast output errors, residual, norms and stray. The broadcasts are sums over
# neurons that the kernel computes itself. So the other neurons change places and signs, by which no sum changes but by
# rounding.


class Synapse(NamedTuple):
    """A synapse of R or A under learned feedback, with the whitening inside the recurrence or not."""

    layer: str
    i: int
    j: int
    n: int
    d: int
    m: int
    delay: int
    recurrent: bool
    seed: int


def learning_scene(place: Synapse, seed: int) -> Engine:
    rng = np.random.default_rng(seed)
    engine = Engine(
        random_weights(rng, place.n, place.d, place.m),
        LearnedFeedback(0.5, lags=TAPS, sigma=0.5, contraction=0.3, stray=1.0),
        decorrelation=Whitening(recurrent=place.recurrent),
        readout=NLMS(),
        direct=True,
        target_delay=place.delay,
    )
    fill(engine, rng)
    for array in (engine.tags.norm, engine.tags.power, engine.params.running):
        array[...] = np.abs(array)
    engine.params.running[0, [STRAY, ALONE]] = 1.3, 1.0  # some of R goes
    engine.tally[TICK] = 20 + place.seed % 5
    return engine


class Seen(NamedTuple):
    """What a synapse may see, and the arrays whose sums it may see."""

    own: dict[str, tuple[Any, Any]]  # array and index
    neurons: list[tuple[Any, Any]]  # with a column for each neuron: places and signs change together
    read: list[tuple[Any, Any]]  # with a column for each number that the readout reads
    inputs: tuple[Any, int]
    broadcast: list[tuple[Any, Any]]


def seen_by(engine: Engine, place: Synapse) -> Seen:
    params, tags, work, (i, j) = engine.params, engine.tags, engine.work, (place.i, place.j)
    slots, tick = len(tags.u), int(engine.tally[TICK])
    tagged = tick - place.delay
    source = tagged - (TAPS - 1)
    row, before = source % slots, (source - 1) % slots
    pushed = [(tick - tau) % slots for tau in range(TAPS)]
    told = [(source + tau) % slots for tau in range(TAPS)]
    recurrent = place.layer == "R"
    own = {
        "its weight": (params.R, (i, j)) if recurrent else (params.A, (j, i)),
        "the activity before it": (tags.s, (before, j)) if recurrent else (tags.u, (row, j)),
        "its neuron's slope": (tags.slope, (row, i)),
        "its neuron's response": (params.F, (slice(None), i)),
        "its neuron's pushes": (tags.hidden, (pushed, i)),
        "the output errors": (tags.error, told),
        "the residual": (work.y, slice(None)),
        "the norm of what is before": (tags.norm, before),
        "the power of the pushes": (tags.power, pushed),
    }
    if recurrent:
        own["how far the copies stray"] = (params.running, (0, STRAY))
    neurons = [(params.F, slice(None)), (tags.hidden, pushed), (tags.slope, [row, tick % slots]), (work.a, slice(None))]
    read = [(params.B, slice(None)), (tags.z, [tagged % slots])]
    broadcast = [(work.target, slice(None)), (params.running, slice(None))]
    return Seen(own, neurons, read, (tags.u, row), broadcast)


def elsewhere(place: Synapse) -> Engine:
    """Return the scene with all redrawn or moved that the synapse may not see."""
    was, engine = learning_scene(place, place.seed), learning_scene(place, place.seed + 1)
    old, new, rng = seen_by(was, place), seen_by(engine, place), np.random.default_rng(place.seed)

    def shuffled(size: int, fixed: int | None) -> tuple[np.ndarray, np.ndarray]:
        free = rng.permutation([k for k in range(size) if k != fixed]).astype(int)
        places, signs = np.arange(size), rng.choice([-1.0, 1.0], size=size)
        places[free] = np.roll(free, 1)  # one round, so that each goes somewhere else
        signs[[] if fixed is None else [fixed]] = 1.0
        return places, signs

    for before_and_after, fixed in (((old.neurons, new.neurons), place.i), ((old.read, new.read), None)):
        places, signs = shuffled(before_and_after[0][0][0].shape[1], fixed)
        for (before, rows), (array, _) in zip(*before_and_after, strict=True):
            array[rows] = before[rows][:, places] * signs
    places, signs = shuffled(place.d + 1, place.j if place.layer == "A" else None)
    engine.tags.u[new.inputs[1]] = was.tags.u[old.inputs[1]][places] * signs
    for (before, index), (array, _) in zip(
        [*old.own.values(), *old.broadcast], [*new.own.values(), *new.broadcast], strict=True
    ):
        array[index] = before[index]
    return engine


def learnt_by(engine: Engine, place: Synapse, feedback: Feedback) -> tuple[float, float]:
    """Let the network learn; return the weight of the synapse, and its change."""
    array, index = seen_by(engine, place).own["its weight"]
    before = array[index]
    feedback(engine)
    return array[index], array[index] - before


def faults(place: Synapse, feedback: Feedback = Engine.feedback) -> list[str]:
    weight, change = learnt_by(learning_scene(place, place.seed), place, feedback)
    close = 1e-12 * (abs(weight) + abs(change))
    moved = abs(learnt_by(elsewhere(place), place, feedback)[0] - weight) > close
    found = ["it depends on something else in the network"] if moved else []
    for name in [*seen_by(learning_scene(place, place.seed), place).own][1:]:  # but its weight
        engine = learning_scene(place, place.seed)
        array, index = seen_by(engine, place).own[name]
        array[index] *= 3
        if abs(learnt_by(engine, place, feedback)[1] - change) <= close:
            found.append(f"it does not depend on {name}")
    return found


@st.composite
def synapses(draw: st.DrawFn) -> Synapse:
    layer, n, d, m = (
        draw(st.sampled_from("RA")),
        draw(st.integers(1, 20)),
        draw(st.integers(1, 3)),
        draw(st.integers(1, 3)),
    )
    i, j = draw(st.integers(0, n - 1)), draw(st.integers(0, n - 1 if layer == "R" else d))
    return Synapse(layer, i, j, n, d, m, draw(st.integers(0, 3)), draw(st.booleans()), draw(st.integers(0, 2**16)))


@settings(max_examples=60)
@given(place=synapses())
def test_learned_feedback_is_local(place: Synapse) -> None:
    assert faults(place) == []


def with_the_readout_carried_back(engine: Engine) -> None:
    """Bring the output error back through the readout's own weights."""
    tagged = engine.tally[TICK] - engine.spec.target_delay
    carried = engine.tags.error[(tagged - 1) % len(engine.tags.u)] @ engine.params.B[:, : engine.n]
    before = engine.tags.s[(tagged - TAPS) % len(engine.tags.u)]
    engine.feedback()
    engine.params.R[...] -= 0.01 * carried[:, None] * before


def with_a_neighbour_s_response(engine: Engine) -> None:
    """Mix in the response of the next neuron."""
    engine.params.F[...] += 0.1 * np.roll(engine.params.F, 1, axis=1)
    engine.feedback()


def with_derivatives_through_time(engine: Engine) -> None:
    """Take the error a step back through R, as backpropagation does."""
    engine.params.F[...] += 0.1 * engine.params.F @ engine.params.R
    engine.feedback()


@pytest.mark.parametrize(
    "leak",
    [with_the_readout_carried_back, with_a_neighbour_s_response, with_derivatives_through_time, with_other_weights],
)
def test_feedback_that_is_not_local_is_caught(leak: Feedback) -> None:
    place = Synapse("R", i=2, j=3, n=9, d=2, m=3, delay=1, recurrent=False, seed=4)
    assert faults(place) == []
    assert faults(place, leak) == ["it depends on something else in the network"]
