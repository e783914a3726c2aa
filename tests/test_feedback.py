"""Learned feedback: the responses it identifies are the network's, and its copies stay close."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from engine import Engine, random_weights
from naive_credit import NaiveFeedback
from naive_noise import noise_of

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
from onlinernn.kernels.noise import Gaussian, Rademacher
from onlinernn.kernels.readouts import NLMS

N, N_IN, N_OUT, LAGS = 8, 2, 2, 5
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
    assert radius_after(rule._replace(stray=2.0)) < kept
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
