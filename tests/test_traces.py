"""Eligibility traces: from the per-step rules (0) to those of a whole sequence (1), and what they can learn."""

import numpy as np
import pytest
from engine import Engine, random_weights
from naive_noise import NODE_HIDDEN, NODE_READOUT, SYNAPSE_INPUT, SYNAPSE_RECURRENT, noise_of

from onlinernn import (
    ANP,
    NLMS,
    NP,
    WP,
    Decorrelation,
    LeakyTanh,
    LearnedFeedback,
    OnlineLearner,
    Rademacher,
    SoftmaxCrossEntropy,
    Whitening,
    WindowedNP,
)
from onlinernn.kernels.traces import PerStep

N, N_IN, N_OUT, STEPS, SEED = 6, 2, 2, 9, 3
PLAIN = LeakyTanh(1.0)  # the covering array compiles parts of these types anyhow
SIGMA, LR_HIDDEN, LR_READOUT = 0.05, 0.01, 0.03


def sequence():
    """Draw inputs, and a target for the last step only."""
    rng = np.random.default_rng(2)
    Y = np.full((STEPS, 1, N_OUT), np.nan)
    Y[-1] = rng.normal(size=N_OUT)
    return rng.normal(size=(STEPS, 1, N_IN)), Y


def whole_sequence(rule, **settings):
    """Run a sequence with trace 1; return what was learnt, the loss difference of its end, and s before t of all t."""
    first = random_weights(np.random.default_rng(1), N, N_IN, N_OUT)
    engine = Engine(first, rule, trace=1.0, seed=SEED, cell=PLAIN, **settings)
    U, Y = sequence()
    s, losses = [np.zeros(N)], np.zeros(2)
    for t in range(STEPS):
        assert all(np.array_equal(engine.weights()[name], first[name]) for name in first)
        losses = np.array([column[-1, 0] for column in engine.run(U[t : t + 1], Y[t : t + 1])[1:]])
        s.append(engine.state.s[0].copy())
    learnt = engine.weights()
    return {name: first[name] - learnt[name] for name in first}, losses[1] - losses[0], np.array(s), U[:, 0]


def drawn(source, domain, sites, t):
    """Draw the noise of a layer of so many neurons, or of a matrix of that shape."""
    noise = noise_of(source, SEED)
    places = range(sites) if isinstance(sites, int) else np.ndindex(*sites)
    return SIGMA * np.array([noise(t, 0, 1, domain, site) for site in places]).reshape(sites)


def test_trace_1_with_one_loss_at_the_end_is_equation_1() -> None:
    rule = NP(LR_HIDDEN, LR_READOUT, SIGMA, noise=Rademacher())
    learnt, delta, s, U = whole_sequence(rule, loss=SoftmaxCrossEntropy())
    xi = np.array([drawn(rule.noise, NODE_HIDDEN, N, t) for t in range(STEPS)])
    nu = np.array([drawn(rule.noise, NODE_READOUT, N_OUT, t) for t in range(STEPS)])
    hidden, readout = LR_HIDDEN * delta / SIGMA**2, LR_READOUT * delta / SIGMA**2
    expected = {
        "R": hidden * sum(np.outer(xi[t], s[t]) for t in range(STEPS)),
        "A": hidden * sum(np.outer(xi[t], U[t]) for t in range(STEPS)),
        "b": hidden * sum(xi),
        "B": readout * sum(np.outer(nu[t], s[t + 1]) for t in range(STEPS)),
        "c": readout * sum(nu),
    }
    for name, change in expected.items():
        np.testing.assert_allclose(learnt[name], change, rtol=1e-8, atol=1e-9 * np.abs(change).max())


def test_trace_1_with_one_loss_at_the_end_is_equation_4() -> None:
    rule, tiny = WP(LR_HIDDEN, LR_READOUT, SIGMA), 2e-4
    learnt, delta, _, _ = whole_sequence(rule, decorrelation=Whitening(0.0), readout=NLMS(0.0), dtype=np.float32)
    hidden = LR_HIDDEN * delta / SIGMA**2
    R = sum(drawn(rule.noise, SYNAPSE_RECURRENT, (N, N), t) for t in range(STEPS))
    Ab = sum(drawn(rule.noise, SYNAPSE_INPUT, (N_IN + 1, N), t) for t in range(STEPS))
    expected = {"R": hidden * R, "A": hidden * Ab[:-1].T, "b": hidden * Ab[-1]}
    for name, change in expected.items():
        np.testing.assert_allclose(learnt[name], change, atol=tiny * np.abs(change).max())


def test_trace_0_is_the_rule_per_step() -> None:
    plain, zero = OnlineLearner(1, 5, 1), OnlineLearner(1, 5, 1, trace=0)
    assert plain.spec == zero.spec
    assert type(zero.spec.trace) is PerStep
    assert all(array.size == 0 for array in zero._traces)


def rewarded(trace: float, sequences: int = 400):
    """Teach a chain of one neuron by a loss at the end: the input at the start alone decides on the output then."""
    learner = OnlineLearner(
        1,
        1,
        1,
        rule=ANP(0.02, 0.0, 0.05, noise=Rademacher()),
        cell=PLAIN,
        decorrelation=Decorrelation(0.0),
        trace=trace,
        frozen=("R", "B", "D"),
        bias=False,
        dtype=np.float64,
        seed=1,
    )
    learner.set_weights(A=[[0.0]], R=[[0.95]], B=[[1.0]])
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=sequences)
    losses = []
    for sign in signs:
        U, Y = np.zeros((5, 1)), np.full((5, 1), np.nan)
        U[0], Y[-1] = sign, 0.4 * sign
        losses.append(learner.run(U, Y).losses[-1])
        learner.reset()
    return learner, np.array(losses)


@pytest.mark.parametrize("trace", [0.8, 1.0])
def test_a_delayed_reward_teaches_with_a_trace_and_not_without(trace: float) -> None:
    learner, losses = rewarded(trace)
    assert losses[-50:].mean() < 0.1 * losses[0]
    assert learner.weights["A"][0, 0] > 0.3
    deaf, unmoved = rewarded(1e-30, sequences=20)  # as good as none
    assert abs(deaf.weights["A"][0, 0]) < 1e-100
    np.testing.assert_allclose(unmoved, unmoved[0], rtol=1e-12)


def test_reset_forgets_the_traces() -> None:
    learner, _ = rewarded(1.0, sequences=1)
    learner.step([1.0], [0.5])
    assert any(trace.any() for trace in learner._traces)
    learner.reset()
    assert not any(trace.any() for trace in learner._traces)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"trace": 1.1}, r"trace is 1\.1; .* at most 1"),
        ({"trace": -0.1}, r"trace is -0\.1"),
        ({"trace": float("nan")}, "trace is nan"),
        ({"trace": 0.5, "rule": LearnedFeedback()}, "LearnedFeedback carries credit through time by itself"),
        ({"trace": 0.5, "rule": WindowedNP()}, "WindowedNP carries credit through time by itself"),
    ],
    ids=str,
)
def test_a_bad_trace_is_named(settings, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        OnlineLearner(1, 5, 1, **settings)
