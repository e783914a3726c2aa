"""The readouts that learn from the output error: their equations, batch ridge regression, bounds, and bad input."""

import numpy as np
import pytest
from engine import Engine, random_weights

from onlinernn import NLMS, NP, RLS, LeakSpectrum, OnlineLearner, Whitening, WindowedNP
from onlinernn.kernels.noise import Rademacher
from onlinernn.specification import require_losses_do

N, N_IN, N_OUT = 9, 2, 3
RULE = NP(0.0, 0.0, 0.05, noise=Rademacher())


def stream(steps, streams=1):
    rng = np.random.default_rng(4)
    return rng.normal(size=(steps, streams, N_IN)), rng.normal(size=(steps, streams, N_OUT))


def network(readout, **settings):
    return Engine(random_weights(np.random.default_rng(1), N, N_IN, N_OUT), RULE, readout=readout, **settings)


def error_driven(**settings):
    """Return a network with NLMS, of types that the covering array compiles anyhow: its hidden layer is plain."""
    rule = WindowedNP(0.0, 0.0, window=1, replicas=1, antithetic=False, noise=Rademacher())
    parts = {"cell": LeakSpectrum(1.0), "decorrelation": Whitening(0.0), "readout": NLMS(0.5)}
    return Engine(random_weights(np.random.default_rng(1), N, N_IN, N_OUT), rule, **parts, **settings)


def whole_readout(engine):
    return engine.params.B.copy()


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("streams", [1, 3])
def test_rls_is_ridge_regression_on_all_samples(direct: bool, streams: int) -> None:
    steps, ridge = 40, 3.0
    engine = network(RLS(ridge=ridge), direct=direct, streams=streams)
    U, Y = stream(steps, streams)
    Y[5] = np.nan
    first, samples = whole_readout(engine), []
    for t in range(steps):
        engine.run(U[t : t + 1], Y[t : t + 1])
        samples.append(engine.work.z[::2].copy())  # what the clean copies' readouts read
    taught = [t for t in range(steps) if t != 5]
    Z, wanted = np.concatenate([samples[t] for t in taught]), np.concatenate(Y[taught])
    size = Z.shape[1]
    # The ridge pulls towards the first weights.
    best = first + np.linalg.solve(Z.T @ Z + ridge * np.eye(size), Z.T @ (wanted - Z @ first.T)).T
    assert size == N + 1 + direct * N_IN
    assert np.abs(whole_readout(engine) - best).max() < 1e-11
    assert np.abs(first - best).max() > 0.1
    np.testing.assert_allclose(engine.params.P, np.linalg.inv(Z.T @ Z + ridge * np.eye(size)), atol=1e-12)


def test_rls_that_forgets_is_weighted_ridge_regression() -> None:
    steps, forgetting = 60, 0.99
    engine = network(RLS(forgetting=forgetting))
    U, Y = stream(steps)
    first, samples = whole_readout(engine), []
    for t in range(steps):
        engine.run(U[t : t + 1], Y[t : t + 1])
        samples.append(engine.work.z[0].copy())
    Z, ages = np.array(samples), np.arange(steps)[::-1]
    moments = (Z.T * forgetting**ages) @ Z + forgetting**steps * np.eye(N + 1)
    best = first + np.linalg.solve(moments, (Z.T * forgetting**ages) @ (Y[:, 0] - Z @ first.T)).T
    assert np.abs(whole_readout(engine) - best).max() < 1e-10


def test_rls_stays_bounded_where_nothing_excites_it() -> None:
    ridge, forgetting = 0.5, 0.9
    engine = network(RLS(forgetting, ridge))
    U, Y = np.zeros((4000, 1, N_IN)), np.zeros((4000, 1, N_OUT))
    engine.run(U, Y)
    P = engine.params.P
    assert np.trace(P) <= (N + 1) / ridge * (1 + 1e-9)
    assert np.linalg.eigvalsh(P).min() > 0
    assert np.trace(P) > 0.5 * (N + 1) / ridge  # it does forget: without that the trace would have fallen
    assert np.isfinite(engine.params.B).all()


def test_nlms_cancels_its_share_of_the_error_of_the_same_sample() -> None:
    engine = error_driven(direct=True)
    U, Y = stream(1)
    first = whole_readout(engine)
    engine.run(U, Y)
    z = engine.work.z[0]
    before, after = first @ z - Y[0, 0], whole_readout(engine) @ z - Y[0, 0]
    np.testing.assert_allclose(after, before * (1 - 0.5 * (z @ z) / (1 + z @ z)), rtol=1e-12)


def test_a_late_target_teaches_by_the_error_of_the_present_readout() -> None:
    delay = 3
    engine = error_driven(target_delay=delay)
    U, Y = stream(12)
    samples = []
    for t in range(12):
        before = whole_readout(engine)
        engine.run(U[t : t + 1], Y[t : t + 1])
        samples.append(engine.work.z[0].copy())
        if t < delay:
            assert np.array_equal(whole_readout(engine), before)
            continue
        z = samples[t - delay]
        step = 0.5 * np.outer(before @ z - Y[t, 0], z) / (1 + z @ z)
        np.testing.assert_allclose(whole_readout(engine), before - step, rtol=1e-12, atol=1e-14)
        assert np.abs(step).max() > 1e-3


def test_a_direct_link_learns_what_the_hidden_layer_cannot_carry() -> None:
    U, _ = stream(400)
    wanted = U[:, 0] @ np.array([[3.0, -2.0]]).T
    losses = []
    for direct in (False, True):
        learner = OnlineLearner(
            N_IN, N, 1, rule=RULE, readout=RLS(ridge=1e-3), direct=direct, input_scale=3.0, dtype=np.float64
        )
        losses.append(learner.run(U[:, 0], wanted).losses[-50:].mean())
        assert ("E" in learner.weights) == direct
    assert losses[1] < 1e-6 < 1e-2 < losses[0]
    np.testing.assert_allclose(learner.weights["E"], [[3.0, -2.0]], atol=1e-3)


BAD = [
    ({"readout": RLS(), "dtype": np.float32}, "RLS is unstable in float32: use dtype=np.float64"),
    ({"readout": RLS(forgetting=1.01)}, "forgetting is 1.01; it must be greater than 0 and at most 1"),
    ({"readout": RLS(forgetting=0.0)}, "forgetting is 0"),
    ({"readout": RLS(ridge=0.0)}, "ridge is 0; it must be greater than 0"),
    ({"readout": NLMS(rate=-0.1)}, "rate is -0.1"),
    ({"readout": NLMS}, "pass an instance"),
    ({"readout": "ridge"}, "readout is 'ridge'; it must be one of NLMS, Perturbed, RLS"),
    ({"frozen": ("B", "Q")}, "frozen names 'Q'; what can be frozen is A, R, B, D"),
]


@pytest.mark.parametrize(("settings", "message"), BAD, ids=lambda value: str(value)[:40])
def test_a_bad_readout_is_named(settings, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        OnlineLearner(2, 5, 1, **{"dtype": np.float64} | settings)


def test_losses_alone_do_not_teach_a_readout_that_needs_errors() -> None:
    spec = OnlineLearner(1, 5, 1, rule=RULE, readout=NLMS()).spec
    with pytest.raises(TypeError, match=r"feedback gives losses only.*use step\(u, y\)"):
        require_losses_do(spec)
    require_losses_do(OnlineLearner(1, 5, 1, rule=RULE).spec)
