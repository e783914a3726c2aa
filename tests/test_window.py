"""Windowed node perturbation: it is NP where the window is one step, and the gradient through time where it is more."""

import numpy as np
import pytest
from engine import Engine, random_weights

from onlinernn import NLMS, NP, InverseTime, LeakSpectrum, OnlineLearner, SoftmaxCrossEntropy, WindowedNP
from onlinernn.kernels.decorrelation import Whitening
from onlinernn.kernels.noise import Rademacher
from onlinernn.reference import Network, State, bptt, one_step

# The types are some that the covering array compiles anyhow.
LOGITS = {"loss": SoftmaxCrossEntropy(), "schedule": InverseTime(30)}


def labels(steps, seed=3, n_in=2, n_out=3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(steps, n_in)), np.eye(n_out)[rng.integers(n_out, size=steps)]


def test_window_1_is_np_with_the_copies_set_back_every_step() -> None:
    U, Y = labels(60)
    Y[7] = np.nan
    parts = {"noise": Rademacher(), "sigma": 0.05}
    rules = WindowedNP(0.01, 0.0, window=1, replicas=1, antithetic=False, **parts), NP(0.01, 0.0, **parts)
    settings = {"cell": LeakSpectrum(0.4), "decorrelation": Whitening(0.01), "readout": NLMS(), "dtype": np.float64}
    learners = [
        OnlineLearner(2, 11, 3, rule=rule, resync=resync, **settings)
        for rule, resync in ((rules[0], None), (rules[1], 1), (rules[1], 2))
    ]
    windowed, plain, other = [learner.run(U, Y) for learner in learners]
    same = {"rtol": 1e-12, "atol": 1e-14}  # two rules are two programs, whose products the compiler may order otherwise
    np.testing.assert_allclose(windowed.predictions, plain.predictions, **same)
    np.testing.assert_allclose(windowed.noisy_losses, plain.noisy_losses, **same)
    for name, weight in learners[1].weights.items():
        np.testing.assert_allclose(learners[0].weights[name], weight, **same)
    assert np.abs(other.predictions - plain.predictions).max() > 1e-6


def test_black_box_losses_teach_as_the_engine_s_own() -> None:
    U, Y = labels(40)
    rule = WindowedNP(0.01, 0.02, window=5, replicas=4, sigma=0.05)
    whole, halves = (OnlineLearner(2, 11, 3, rule=rule, **LOGITS) for _ in range(2))

    def loss(logits, y):
        logits = np.float64(logits)
        return np.log(np.exp(logits).sum(axis=-1)) - (y * logits).sum(axis=-1)

    for u, y in zip(U, Y, strict=True):
        whole.step(u, y)
        clean, noisy = halves.forward(u)
        halves.feedback(loss(clean, y), loss(noisy, y))
    for name, weight in whole.weights.items():
        np.testing.assert_allclose(halves.weights[name], weight, rtol=2e-3, atol=2e-5)
    start = OnlineLearner(2, 11, 3, rule=rule, **LOGITS).weights["R"]
    assert np.abs(whole.weights["R"] - start).max() > 1e-3


def test_the_noise_of_a_window_is_not_stored() -> None:
    sizes = [
        OnlineLearner(1, 50, 1, rule=WindowedNP(window=window, replicas=16))._tags.hidden.size for window in (1, 25)
    ]
    assert sizes == [0, 0]


N, N_IN, N_OUT, WINDOW, WARM_UP = 10, 2, 3, 4, 8
TINY = 1e-9  # so small a rate leaves the weights as they are, within a window


def mean_update(streams: int, seeds: int, window: int = WINDOW):
    """Draw the update of one window many times; return it with the network, the state before it, and its data."""
    rng = np.random.default_rng(3)
    first = random_weights(rng, N, N_IN, N_OUT)
    first["D"] = np.eye(N) + 0.2 * rng.normal(size=(N, N)) / np.sqrt(N)
    U = rng.normal(size=(WARM_UP + 2 * window - 1, N_IN))
    Y = np.full((len(U), N_OUT), np.nan)
    Y[WARM_UP : WARM_UP + window] = 2 * rng.normal(size=(window, N_OUT))  # the last steps only let the window be learnt
    inputs, targets = (np.repeat(rows[:, None], streams, axis=1) for rows in (U, Y))
    total = {name: np.zeros_like(first[name]) for name in "ARb"}
    for seed in range(seeds):
        rule = WindowedNP(TINY, 0.0, window, replicas=2, sigma=1e-3, noise=Rademacher())
        parts = {"cell": LeakSpectrum(0.4), "decorrelation": Whitening(0.0, recurrent=True), "readout": NLMS(0.0)}
        engine = Engine(first, rule, **parts, streams=streams, seed=seed)
        engine.run(inputs[:WARM_UP], targets[:WARM_UP])
        state = State(engine.state.x[0].copy(), engine.state.s[0].copy())
        engine.run(inputs[WARM_UP:], targets[WARM_UP:])
        learnt = engine.weights()
        for name in total:
            total[name] += (first[name] - learnt[name]) / TINY / seeds
    leak = 0.4 ** (1 - np.arange(N) / (N - 1))
    net = Network(first, leak=leak)
    return total, net, state, U[WARM_UP : WARM_UP + window], Y[WARM_UP : WARM_UP + window]


def cosine_and_ratio(got, wanted):
    norms = np.linalg.norm(got), np.linalg.norm(wanted)
    return (got * wanted).sum() / (norms[0] * norms[1]), norms[0] / norms[1]


def test_the_mean_update_is_the_gradient_of_the_window_through_time() -> None:
    update, net, state, U, Y = mean_update(streams=500, seeds=24)
    gradient, short = (of(net, U, Y, state).grads for of in (bptt, one_step))
    assert np.linalg.norm(state.s) > 0.1
    for name, mean in update.items():
        cosine, ratio = cosine_and_ratio(mean, gradient[name])
        assert cosine >= 0.99
        assert abs(ratio - 1) <= 0.05
        assert cosine_and_ratio(mean, short[name])[0] < 0.97  # the twin: credit for the step itself is not enough


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rule": WindowedNP(window=0)}, "window is 0; it must be at least 1"),
        ({"rule": WindowedNP(replicas=3)}, r"replicas is 3; antithetic noise comes in pairs: use 4"),
        ({"rule": WindowedNP(replicas=0)}, "replicas is 0"),
        ({"rule": WindowedNP(), "replicas": 4}, r"replicas is 4, but WindowedNP has replicas=16"),
        ({"rule": WindowedNP(), "resync": 5}, r"resync is 5, but WindowedNP sets its copies back after each window"),
        ({"rule": WindowedNP(window=2.5)}, "window is 2.5; it must be a whole number"),
    ],
    ids=str,
)
def test_a_bad_window_is_named(settings, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        OnlineLearner(1, 5, 1, **settings)
