"""Decorrelation and whitening in O(n^2), applied late without anyone noticing, and what they do to the activity."""

import numpy as np
import pytest
from engine import Engine, random_weights
from hypothesis import given, settings
from hypothesis import strategies as st

from onlinernn.kernels.cells import LeakyTanh
from onlinernn.kernels.decorrelation import Decorrelation, Whitening, learn_rows
from onlinernn.kernels.layout import PENDING
from onlinernn.kernels.noise import Rademacher
from onlinernn.kernels.readouts import NLMS
from onlinernn.kernels.rules import ANP, NP

N, N_IN, N_OUT = 12, 3, 2


def network(rate, *, dtype=np.float64, lr=1e-3, **settings):
    weights = random_weights(np.random.default_rng(1), N, N_IN, N_OUT)
    # Parts that other tests compile anyhow; a leak of 1 is none.
    parts = {"cell": LeakyTanh(1.0), "decorrelation": Decorrelation(rate)}
    return Engine(weights, ANP(lr, lr, 0.05), **parts, dtype=dtype, **settings)


def correlated_stream(steps, seed=2):
    """Draw white inputs whose three channels share most of their variance."""
    rng = np.random.default_rng(seed)
    U = rng.normal(size=(steps, 1, 1)) + 0.3 * rng.normal(size=(steps, 1, N_IN))
    return U, 0.5 * rng.normal(size=(steps, 1, N_OUT))


def draw_activity(n: int, streams: int, seed: int):
    """Draw D and the decorrelated activity s of each stream."""
    rng = np.random.default_rng(seed)
    D = rng.normal(size=(n, n))
    return D, rng.normal(size=(streams, n)) @ D.T


def learnt_rows(spec, D, s, rates):
    learnt = D.copy()
    learn_rows(spec, learnt, 0, s, s @ D, np.array(rates)[:, None])
    return learnt


@settings(max_examples=50)
@given(n=st.integers(1, 24), streams=st.integers(1, 3), seed=st.integers(0, 2**16))
def test_the_fast_form_is_the_printed_equation(n: int, streams: int, seed: int) -> None:
    (D, s), eps = draw_activity(n, streams, seed), 0.01
    printed = D - eps * sum((np.outer(v, v) - np.diag(v**2)) @ D for v in s) / streams
    learnt = learnt_rows(Decorrelation(eps), D, s, [eps / streams] * streams)
    assert np.abs(learnt - printed).max() <= 1e-12 * np.abs(printed).max()
    assert n == 1 or np.abs(learnt - D).max() > 1e-6


@settings(max_examples=50)
@given(
    n=st.integers(1, 24),
    streams=st.integers(1, 3),
    seed=st.integers(0, 2**16),
    kappa=st.floats(0, 1),
    damping=st.floats(0, 0.1),
)
def test_whitening_is_the_printed_equation(n: int, streams: int, seed: int, kappa: float, damping: float) -> None:
    D, s = draw_activity(n, streams, seed)
    rates = [1e-4 * (k + 1) for k in range(streams)]
    printed = D.copy()
    for v, eps in zip(s, rates, strict=True):
        apart = np.outer(v, D.T @ v) - np.diag(v**2) @ D
        excess = np.diag(v**2 + damping * np.square(D).sum(axis=1) - 1) @ D
        printed -= eps * ((1 - kappa) * apart + kappa * excess)
    learnt = learnt_rows(Whitening(kappa=kappa, damping=damping), D, s, rates)
    assert np.abs(learnt - printed).max() <= 1e-12 * np.abs(printed).max()


def test_a_rate_that_is_too_high_shrinks_a_row_and_never_turns_it_round() -> None:
    D, s = draw_activity(8, 1, 0)
    shrunk = learnt_rows(Whitening(kappa=1.0), D, 100 * s, [1.0])
    np.testing.assert_allclose(shrunk, 0.9 * D, rtol=1e-12)
    little = learnt_rows(Whitening(kappa=1.0), D, s, [1e-6])
    assert not np.allclose(little, 0.9 * D)


def test_one_step_of_the_engine_is_the_printed_equation() -> None:
    engine, eps = network(0.01), 0.01
    U, Y = correlated_stream(30)
    for t in range(30):
        before = engine.weights()["D"]
        engine.run(U[t : t + 1], Y[t : t + 1])
        s = engine.state.s[0]
        printed = before - eps * (np.outer(s, s) - np.diag(s**2)) @ before
        after = engine.weights()["D"]
        assert np.abs(after - printed).max() <= 1e-12 * np.abs(printed).max()
        assert not np.array_equal(after, before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_late_update_is_seen_by_nobody(dtype) -> None:
    """Who reads the weights in the middle of a run gets D with its update, and the run goes on with the same bits."""
    U, Y = correlated_stream(40)
    undisturbed, read = network(0.01, dtype=dtype), network(0.01, dtype=dtype)
    predictions = undisturbed.run(U, Y)[0]
    assert undisturbed.tally[PENDING] == 1
    parts = []
    for t in range(0, 40, 4):
        parts.append(read.run(U[t : t + 4], Y[t : t + 4])[0])
        stale = read.params.D.copy()
        assert not np.array_equal(read.weights()["D"], stale)  # the twin: something was pending
        assert np.array_equal(read.weights()["D"], read.params.D)
    assert np.array_equal(np.concatenate(parts), predictions)
    for name, weight in undisturbed.weights().items():
        assert np.array_equal(read.weights()[name], weight)


def test_a_step_without_a_target_leaves_d_alone() -> None:
    engine = network(0.01)
    U, Y = correlated_stream(20)
    engine.run(U[:10], Y[:10])
    before = engine.weights()["D"]
    engine.run(U[10:], np.full_like(Y[10:], np.nan))
    assert np.array_equal(engine.weights()["D"], before)


def share_off_the_diagonal(engine: Engine, steps: int = 2000) -> float:
    """Measure how much of the second moments of s lies off the diagonal, on a stream that teaches nothing."""
    U, Y = correlated_stream(steps, seed=9)
    S = []
    for t in range(steps):
        engine.run(U[t : t + 1], np.full_like(Y[:1], np.nan))
        S.append(engine.state.s[0].copy())
    moments = np.square(np.array(S).T @ np.array(S))
    return 1 - np.trace(moments) / moments.sum()


def test_the_correlations_fall() -> None:
    shares = {}
    U, Y = correlated_stream(6000)
    for rate in (0.0, 0.01):
        engine = network(rate, lr=0.0)
        engine.run(U, Y)
        shares[rate] = share_off_the_diagonal(engine)
    untouched = share_off_the_diagonal(network(0.01))
    assert untouched > 0.5
    assert shares[0.0] == pytest.approx(untouched, rel=0.01)
    assert shares[0.01] < 0.1 * untouched


def whitening(spec, *, steps=8000):
    """Let a network whiten its activity, which nothing else changes; return it, and s and x of steps after that."""
    weights = random_weights(np.random.default_rng(1), N, N_IN, N_OUT)
    engine = Engine(weights, NP(0.0, 0.0, 0.05, noise=Rademacher()), decorrelation=spec, readout=NLMS(0.1))
    U, Y = correlated_stream(steps)
    engine.run(U, Y)
    S, X = [], []
    for t in range(1000):
        engine.run(U[t : t + 1], np.full_like(Y[:1], np.nan))
        S.append(engine.params.w[0].copy())
        X.append(engine.work.a[0].copy())
    return engine, np.array(S), np.array(X)


def test_whitening_makes_the_activity_uncorrelated_and_of_unit_variance() -> None:
    untouched, touched = (whitening(Whitening(rate=rate, damping=0.0)) for rate in (0.0, 0.01))
    shares = []
    for _, S, _ in (untouched, touched):
        moments = np.square(S.T @ S)
        shares.append(1 - np.trace(moments) / moments.sum())
    powers = [np.square(S).mean(axis=0) for _, S, _ in (untouched, touched)]
    assert shares[1] < 0.2 * shares[0]
    assert np.abs(powers[1] - 1).max() < 0.5 < np.abs(powers[0] - 1).max()


def test_whitening_leaves_the_recurrence_alone_unless_asked() -> None:
    runs = {
        spec: whitening(spec, steps=50) for spec in (Whitening(0.0), Whitening(0.1), Whitening(0.1, recurrent=True))
    }
    (_, _, plain), (_, whitened, apart), (engine, _, inside) = runs.values()
    assert np.array_equal(apart, plain)
    assert not np.array_equal(whitened, apart)
    assert not np.allclose(inside, plain)
    assert np.array_equal(engine.state.s[0], engine.params.w[0])
