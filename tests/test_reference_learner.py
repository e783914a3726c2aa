"""The reference algorithms as learners: honest prediction, delays, learning, and refusals."""

import numpy as np
import pytest
from reference_cases import N_HIDDEN, N_OUT, NAMES, plain_stream, relative_error, some_weights

from onlinernn.errors import DivergenceError
from onlinernn.reference import SGD, Adam, Network, ReferenceLearner, State, bptt, k_step, one_step, rtrl, tbptt


def learner_of(method="tbptt", seed=5, lr=0.02, **options):
    rng = np.random.default_rng(seed)
    return ReferenceLearner(Network(some_weights(rng)), method, SGD(lr), **({"window": 4} | options))


def same(a, b):
    return all(np.array_equal(a[name], b[name]) for name in a)


METHODS = ["bptt", "tbptt", "one_step", "k_step", "rflo", "rtrl"]


@pytest.mark.parametrize(
    ("method", "gradient"),
    [
        ("bptt", bptt),
        ("tbptt", lambda *given: tbptt(*given, 4)),
        ("one_step", one_step),
        ("k_step", lambda *given: k_step(*given, 4)),
        ("rtrl", rtrl),
    ],
)
def test_a_run_at_a_tiny_rate_descends_the_methods_own_gradient(method, gradient):
    U, Y = plain_stream(30)
    learner = learner_of(method, lr=1e-9)
    before = learner.weights
    grads = gradient(learner.network, U, Y).grads
    learner.run(U, Y)
    for name in NAMES:
        assert relative_error((before[name] - learner.weights[name]) / 1e-9, grads[name]) < 1e-5, name


@pytest.mark.parametrize("delay", [0, 3, 9])
@pytest.mark.parametrize("method", METHODS)
def test_a_prediction_depends_on_no_target_of_its_own_row_or_later(method, delay):
    U, Y = plain_stream(40)
    changed = 20
    other = Y.copy()
    other[changed:] += 1
    # The whole run is one window for bptt, so it is given the stream in two runs.
    runs = []
    for targets in (Y, other):
        learner = learner_of(method, target_delay=delay)
        first = learner.run(U[: changed + 1], targets[: changed + 1]).predictions
        runs.append(np.concatenate([first, learner.run(U[changed + 1 :], targets[changed + 1 :]).predictions]))
    np.testing.assert_array_equal(runs[0][: changed + 1], runs[1][: changed + 1])
    assert not np.array_equal(runs[0][-1], runs[1][-1])


@pytest.mark.parametrize("method", METHODS)
def test_a_window_is_predicted_with_the_weights_from_before_its_update(method):
    U, Y = plain_stream(4)
    learner = learner_of(method)
    frozen = learner_of(method).run(U).predictions
    first_update = {"bptt": 4, "tbptt": 4}.get(method, 1)
    predictions = learner.run(U, Y).predictions
    np.testing.assert_allclose(predictions[:first_update], frozen[:first_update], rtol=1e-12)
    assert np.allclose(predictions[first_update:], frozen[first_update:]) == (first_update == 4)


@pytest.mark.parametrize("decorrelation_rate", [0.0, 0.01])
@pytest.mark.parametrize("delay", [1, 4, 11])
@pytest.mark.parametrize("method", METHODS)
def test_a_delay_shifts_learning_and_changes_nothing_else(method, delay, decorrelation_rate):
    U, Y = plain_stream(30)
    delayed = learner_of(method, target_delay=delay, decorrelation_rate=decorrelation_rate)
    late = np.concatenate([np.full((delay, N_OUT), 1e9), Y[:-delay]])  # the first rows belong to no input
    delayed.run(U, late)
    prompt = learner_of(method, decorrelation_rate=decorrelation_rate)
    prompt.run(U[:-delay], Y[:-delay])
    assert same(prompt.weights, delayed.weights)
    assert not same(learner_of(method).weights, delayed.weights)


@pytest.mark.parametrize("delay", [0, 3, 7])
@pytest.mark.parametrize("method", ["one_step", "k_step", "rflo", "rtrl", "tbptt"])
def test_cutting_a_run_at_the_end_of_a_window_changes_nothing(method, delay):
    U, Y = plain_stream(28)
    whole, parts = learner_of(method, target_delay=delay), learner_of(method, target_delay=delay)
    expected = whole.run(U, Y)
    cut = 8 + delay  # two windows have been learnt by then
    got = [parts.run(U[:cut], Y[:cut]), parts.run(U[cut:], Y[cut:])]
    np.testing.assert_allclose(np.concatenate([part.predictions for part in got]), expected.predictions, rtol=1e-10)
    np.testing.assert_allclose(np.concatenate([part.losses for part in got]), expected.losses, rtol=1e-10)
    for name in NAMES:
        np.testing.assert_allclose(parts.weights[name], whole.weights[name], rtol=1e-10)


def test_targets_of_the_inputs_left_waiting_arrive_in_the_next_run():
    U, Y = plain_stream(3)
    learner = learner_of("one_step", target_delay=5)
    before = learner.weights
    assert np.isnan(learner.run(U, Y).losses).all()
    assert np.isnan(learner.run(U[:2], Y[:2]).losses).all()
    assert same(before, learner.weights)
    assert np.isfinite(learner.run(U[:1], Y[:1]).losses).all()
    assert not same(before, learner.weights)


@pytest.mark.parametrize("delay", [0, 2])
def test_row_t_of_the_losses_is_of_the_prediction_whose_target_is_in_row_t(delay):
    U, Y = plain_stream(20)
    Y[7] = np.nan
    predictions, losses = learner_of(target_delay=delay).run(U, Y)
    expected = np.full(20, np.nan)
    expected[delay:] = ((predictions[: 20 - delay] - Y[delay:]) ** 2).sum(axis=1)
    np.testing.assert_allclose(losses, expected, rtol=1e-12)


@pytest.mark.parametrize("delay", [0, 3])
@pytest.mark.parametrize("method", METHODS)
def test_a_run_without_targets_teaches_nothing_and_advances(method, delay):
    U, Y = plain_stream(12)
    learner = learner_of(method, target_delay=delay, decorrelation_rate=0.01)
    learner.run(U, Y)
    taught = learner.weights
    without = learner.run(U)
    assert np.isnan(without.losses).all()
    learner.run(U, np.full_like(Y, np.nan))
    assert same(taught, learner.weights)
    assert not np.array_equal(without.predictions[0], learner.run(U).predictions[0])
    learner.run(U, Y)
    assert not same(taught, learner.weights)


@pytest.mark.parametrize("method", ["rtrl", "k_step"])
def test_what_is_carried_survives_a_stretch_without_targets(method):
    U, Y = plain_stream(10)
    Y[:9] = np.nan
    learner = learner_of(method, lr=1.0, window=10)
    before, full = learner.weights["R"], bptt(learner.network, U, Y).grads["R"]
    learner.run(U[:9])
    learner.run(U[9:], Y[9:])
    np.testing.assert_allclose(before - learner.weights["R"], full, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("delay", [0, 3])
def test_reset_drops_activities_and_waiting_inputs_and_keeps_weights(delay):
    U, Y = plain_stream(12)
    learner = learner_of(target_delay=delay)
    learner.run(U, Y)
    kept = learner.weights
    learner.reset()
    assert same(kept, learner.weights)
    fresh = ReferenceLearner(Network(kept), "tbptt", SGD(0.02), window=4, target_delay=delay)
    np.testing.assert_array_equal(learner.run(U, Y).predictions, fresh.run(U, Y).predictions)
    assert same(learner.weights, fresh.weights)


@pytest.mark.parametrize("method", METHODS)
def test_a_fixed_reservoir_keeps_its_hidden_weights_and_trains_its_readout(method):
    U, Y = plain_stream(12)
    learner = learner_of(method, learn_hidden=False)
    before = learner.weights
    learner.run(U, Y)
    for name in NAMES:
        assert np.array_equal(before[name], learner.weights[name]) == (name in "ARb")


@pytest.mark.parametrize("method", ["one_step", "tbptt"])
def test_decorrelation_lowers_the_off_diagonal_covariance(method):
    rng = np.random.default_rng(2)
    U, Y = plain_stream(3000)

    def correlation(learner):
        learner.reset()
        S = learner.network.forward(U, learner.network.start()).s[1:]
        covariance = S.T @ S / len(S)
        return np.abs(covariance - np.diag(np.diag(covariance))).mean()

    learner = ReferenceLearner(
        Network(some_weights(rng)), method, SGD(1e-12), window=20, decorrelation_rate=3e-3, learn_hidden=False
    )
    np.testing.assert_array_equal(learner.weights["D"], np.eye(N_HIDDEN))
    before = correlation(learner)
    learner.run(U, Y)
    assert correlation(learner) < 0.2 * before


def test_decorrelation_of_the_one_step_learner_is_equation_6_at_every_step():
    rng = np.random.default_rng(3)
    weights, rate = some_weights(rng, D=True), 0.02
    U, Y = plain_stream(11)
    Y[[2, 3, 9]] = np.nan
    learner = ReferenceLearner(Network(weights), "one_step", SGD(1e-300), decorrelation_rate=rate)
    learner.run(U, Y)
    D, s = weights["D"], np.zeros(N_HIDDEN)
    for t, u in enumerate(U):
        s = D @ np.tanh(weights["A"] @ u + weights["R"] @ s + weights["b"])
        if not np.isnan(Y[t, 0]):
            D = D - rate * (np.outer(s, s) - np.diag(s**2)) @ D
    np.testing.assert_allclose(learner.weights["D"], D, rtol=1e-10)


def test_decorrelation_of_a_window_learns_from_its_steps_with_a_target_only():
    U, Y = plain_stream(8)
    Y[[0, 5]] = np.nan
    net = Network(some_weights(np.random.default_rng(3), D=True))
    D, S = net.weights["D"], net.forward(U, net.start()).s[1:]
    learner = ReferenceLearner(net, "tbptt", SGD(1e-300), window=8, decorrelation_rate=0.02)
    learner.run(U, Y)
    taught = sum((np.outer(s, s) - np.diag(s**2)) @ D for s, y in zip(S, Y, strict=True) if not np.isnan(y).any())
    np.testing.assert_allclose(learner.weights["D"], D - 0.02 * taught, rtol=1e-10)


def recall_task(steps, seed):
    """The sum of the inputs of one and two steps before: out of reach without memory."""
    u = np.random.default_rng(seed).uniform(-1, 1, size=steps + 2)
    return u[2:, None], (u[1:-1] + u[:-2])[:, None]


@pytest.mark.parametrize("method", METHODS)
def test_learning_lowers_the_loss(method):
    rng = np.random.default_rng(7)
    learner = ReferenceLearner(Network(some_weights(rng, n=12, d=1, m=1)), method, Adam(3e-3), window=20)
    losses = []
    for epoch in range(30):
        U, Y = recall_task(100, seed=epoch)
        losses.append(learner.run(U, Y).losses.mean())
    assert np.mean(losses[-3:]) < 0.25 * losses[0]


@pytest.mark.parametrize("seed", range(3))
def test_recalling_an_input_takes_credit_through_time(seed):
    u = np.random.default_rng(seed).uniform(-1, 1, size=(11_003, 1))
    U, Y = u[3:], u[:-3]
    errors = {}
    for method, learn_hidden in [("tbptt", True), ("one_step", True), ("one_step", False)]:
        net = Network(some_weights(np.random.default_rng(seed), n=12, d=1, m=1))
        learner = ReferenceLearner(net, method, Adam(3e-3, max_norm=1.0), window=10, learn_hidden=learn_hidden)
        learner.run(U[:10_000], Y[:10_000])
        errors[method, learn_hidden] = np.mean((learner.run(U[10_000:]).predictions - Y[10_000:]) ** 2)
    credited = errors.pop(("tbptt", True))
    assert credited < 0.5 * min(errors.values())


def test_weights_are_a_read_only_snapshot():
    learner = learner_of()
    before = learner.weights
    with pytest.raises(ValueError, match="read-only"):
        before["A"][0, 0] = 1
    learner.run(*plain_stream(8))
    assert not same(before, learner.weights)


@pytest.mark.parametrize("method", METHODS)
def test_float32_stays_float32(method):
    U, Y = plain_stream(12)
    net = Network(some_weights(np.random.default_rng(0), D=True), leak=0.5, dtype=np.float32)
    learner = ReferenceLearner(net, method, Adam(1e-3, max_norm=1.0), decorrelation_rate=1e-3, target_delay=2)
    trace = learner.run(U, Y)
    assert {array.dtype for array in (*trace, *learner.weights.values())} == {np.dtype(np.float32)}


@pytest.mark.parametrize("delay", [0, 5])
@pytest.mark.parametrize("method", ["tbptt", "one_step", "k_step", "rflo", "rtrl"])
def test_memory_does_not_grow_with_time(method, delay):
    learner = ReferenceLearner(Network(some_weights(np.random.default_rng(0))), method, Adam(), target_delay=delay)
    learner.run(*plain_stream(200))
    early = learner.memory()
    learner.run(*plain_stream(600))
    assert learner.memory() == early
    assert early["tape"] > 0


# Refusals


@pytest.mark.parametrize("delay", [0, 3])
def test_divergence_names_the_step_and_leaves_the_weights(delay):
    U, Y = plain_stream(20)
    Y[6 + delay] = 1e200  # whose square is infinite
    learner, sound = learner_of(target_delay=delay, lr=1e-3), learner_of(target_delay=delay, lr=1e-3)
    with pytest.raises(DivergenceError) as caught:
        learner.run(U, Y)
    assert caught.value.step == 6 + delay
    sound.run(U[: 4 + delay], Y[: 4 + delay])
    assert same(sound.weights, learner.weights)


@pytest.mark.parametrize("options", [{"lr": 1e308}, {"lr": 1e-9, "decorrelation_rate": 1e308}])
def test_an_update_that_overflows_is_refused_before_it_is_made(options):
    U, Y = plain_stream(12)
    learner = learner_of(**options)
    before = learner.weights
    with pytest.raises(DivergenceError, match="step 3") as caught:
        learner.run(U, 1e3 * Y)
    assert caught.value.step == 3
    assert same(before, learner.weights)


def test_a_gradient_that_overflows_is_refused():
    weights = some_weights(np.random.default_rng(0)) | {"B": np.full((N_OUT, N_HIDDEN), 1e160)}
    learner = ReferenceLearner(Network(weights), "bptt", SGD(1e-9))
    with pytest.raises(DivergenceError):
        learner.run(*plain_stream(12))
    assert same({"B": weights["B"]}, learner.weights)


def with_entry(array, place, value):
    changed = array.copy()
    changed[place] = value
    return changed


GOOD = some_weights(np.random.default_rng(0))
U_GOOD, Y_GOOD = plain_stream(4)
BAD_NETWORKS = [
    ({k: v for k, v in GOOD.items() if k != "R"}, {}, "none named R"),
    (GOOD | {"Z": 1}, {}, "got Z"),
    (GOOD | {"R": np.zeros((5, 4))}, {}, r"R must have shape \(5, 5\), got \(5, 4\)"),
    (GOOD | {"b": np.zeros((5, 1))}, {}, r"b must have shape \(5,\), got \(5, 1\)"),
    (GOOD | {"B": np.zeros((3, 4))}, {}, r"B must have shape \(any, 5\)"),
    (GOOD | {"A": np.zeros((0, 2))}, {}, r"A must have shape \(any, any\), got \(0, 2\)"),
    (GOOD | {"D": np.full((5, 5), np.nan)}, {}, r"D must be finite, got nan at \[0, 0\]"),
    (GOOD | {"E": np.zeros((2, 3))}, {}, r"E must have shape \(3, 2\), got \(2, 3\)"),
    (GOOD, {"leak": 0.0}, r"leak must be in \(0, 1\], got 0.0"),
    (GOOD, {"leak": [0.5, 0.5, 1.2, 0.5, 0.5]}, r"leak must be in \(0, 1\], got 1.2"),
    (GOOD, {"leak": [0.5, 0.5]}, r"leak must have shape \(5,\), got \(2,\)"),
    (GOOD, {"leak": np.nan}, "leak must be finite, got nan"),
    (GOOD, {"leak": 1.5}, r"leak must be in \(0, 1\], got 1.5"),
    (GOOD, {"loss": "hinge"}, "loss must be one of .* got 'hinge'"),
    (GOOD, {"readout_reads": "y"}, "readout_reads must be 's' or 'x', got 'y'"),
    (GOOD, {"dtype": np.int32}, "dtype must be float32 or float64, got int32"),
]


@pytest.mark.parametrize(("weights", "options", "message"), BAD_NETWORKS)
def test_a_bad_network_is_refused(weights, options, message):
    with pytest.raises(ValueError, match=message):
        Network(weights, **options)


BAD_STREAMS = [
    (U_GOOD[:, :1], Y_GOOD, ValueError, r"U must have shape \(any, 2\), got \(4, 1\)"),
    (U_GOOD[0], Y_GOOD, ValueError, r"U must have shape"),
    (U_GOOD[:0], Y_GOOD[:0], ValueError, r"U must have shape \(any, 2\), got \(0, 2\)"),
    (U_GOOD, Y_GOOD[:3], ValueError, r"Y must have shape \(4, 3\), got \(3, 3\)"),
    (with_entry(U_GOOD, (2, 1), np.nan), Y_GOOD, ValueError, r"U must be finite, got nan at \[2, 1\]"),
    (with_entry(U_GOOD, (2, 1), np.inf), Y_GOOD, ValueError, r"U must be finite, got inf at \[2, 1\]"),
    (
        U_GOOD,
        np.where(Y_GOOD == Y_GOOD[1, 0], -np.inf, Y_GOOD),
        ValueError,
        r"Y must be finite, .* got -inf at \[1, 0\]",
    ),
    (U_GOOD.astype(str), Y_GOOD, TypeError, "U must hold real numbers, got dtype <U"),
    ([[1.0, 2.0], [1.0]], Y_GOOD, ValueError, "rows of unequal length"),
]


@pytest.mark.parametrize(("U", "Y", "error", "message"), BAD_STREAMS)
def test_a_bad_stream_is_refused_and_changes_nothing(U, Y, error, message):
    learner, untouched = learner_of(target_delay=2), learner_of(target_delay=2)
    with pytest.raises(error, match=message):
        learner.run(U, Y)
    np.testing.assert_array_equal(learner.run(U_GOOD, Y_GOOD).predictions, untouched.run(U_GOOD, Y_GOOD).predictions)
    for gradient in (bptt, one_step, rtrl):
        with pytest.raises(error, match=message):
            gradient(learner.network, U, Y)


def test_a_negative_probability_is_refused():
    net = Network(GOOD, loss="softmax_cross_entropy")
    with pytest.raises(ValueError, match=r"Y must be probabilities >= 0, got -1\.0 at"):
        bptt(net, U_GOOD, np.full((4, 3), -1.0))


def test_a_bad_state_is_refused():
    with pytest.raises(ValueError, match=r"s must have shape \(5,\), got \(4,\)"):
        bptt(Network(GOOD), U_GOOD, Y_GOOD, State(np.zeros(5), np.zeros(4)))


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: SGD(0.0), ValueError, "lr_hidden must be finite and > 0, got 0.0"),
        (lambda: SGD(0.1, -1), ValueError, "lr_readout must be finite and > 0, got -1"),
        (lambda: Adam(np.nan), ValueError, "lr_hidden must be finite"),
        (lambda: Adam("fast"), TypeError, "lr_hidden must be a number, got 'fast'"),
        (lambda: Adam(max_norm=0), ValueError, "max_norm must be finite and > 0, got 0"),
        (lambda: Adam(beta1=1.0), ValueError, r"beta1 must be in \[0, 1\), got 1.0"),
        (lambda: Adam(beta2=-0.1), ValueError, "beta2 must be finite and >= 0, got -0.1"),
        (lambda: Adam(decay_steps=0), ValueError, "decay_steps must be an integer >= 1, got 0"),
        (lambda: Adam(decay_steps=2.5), TypeError, "decay_steps must be an integer >= 1, got 2.5"),
        (lambda: Adam(epsilon=0.0), ValueError, "epsilon must be finite and > 0"),
        (lambda: learner_of("adjoint"), ValueError, "method must be one of .* got 'adjoint'"),
        (lambda: learner_of(window=0), ValueError, "window must be an integer >= 1, got 0"),
        (lambda: learner_of(window=2.0), TypeError, "window must be an integer >= 1, got 2.0"),
        (lambda: learner_of(target_delay=-1), ValueError, "target_delay must be an integer >= 0, got -1"),
        (lambda: learner_of(decorrelation_rate=-1e-3), ValueError, "decorrelation_rate must be finite and >= 0"),
        (lambda: tbptt(Network(GOOD), U_GOOD, Y_GOOD, 0), ValueError, "k must be an integer >= 1, got 0"),
    ],
)
def test_a_bad_option_is_refused(build, error, message):
    with pytest.raises(error, match=message):
        build()
