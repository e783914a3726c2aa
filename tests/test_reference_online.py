"""The references that change the weights at every step: sliding-window gradients, and random feedback."""

import numpy as np
import pytest
from reference_cases import (
    N_HIDDEN,
    N_OUT,
    SPECTRUM,
    STEPS,
    VARIANTS,
    case,
    central_difference,
    naive_run,
    plain_stream,
    relative_error,
    some_weights,
)

from onlinernn.reference import SGD, Network, ReferenceLearner, bptt, k_step, one_step, rflo

RATE = 0.03


def output_error(y, target, loss):
    if loss == "squared_error":
        return 2 * (y - target)
    softmax = np.exp(y) / np.exp(y).sum()
    return target.sum() * softmax - target


def online(weights, net, U, Y, changes):
    """The weights of every step of gradient descent where `changes(w, step)` says the gradient of the step."""
    w = {name: array.copy() for name, array in weights.items()}
    x = s = np.zeros(N_HIDDEN)
    passed = []
    for u, target in zip(U, Y, strict=True):
        h = np.tanh(w["A"] @ u + w["R"] @ s + w["b"])
        x_after = (1 - net.leak) * x + net.leak * h
        s_after = w["D"] @ x_after if "D" in w else x_after
        read = s_after if net.readout_reads == "s" else x_after
        y = w["B"] @ read + w["c"] + (w["E"] @ u if "E" in w else 0)
        passed.append({"u": u, "before": s, "h": h, "read": read, "taught": not np.isnan(target).any()})
        passed[-1]["error"] = output_error(y, target, net.loss)
        x, s = x_after, s_after
        for name, gradient in changes(w, passed).items():
            w[name] = w[name] - RATE * gradient
    return w


def readout_gradient(w, step):
    gradient = {"B": np.outer(step["error"], step["read"]), "c": step["error"]}
    return gradient | ({"E": np.outer(step["error"], step["u"])} if "E" in w else {})


def learnt(weights, net, method, U, Y, **options):
    learner = ReferenceLearner(net, method, SGD(RATE), **options)
    learner.run(U, Y)
    return learner.weights


# k steps


@pytest.mark.parametrize(("loss", "leak", "form", "reads"), VARIANTS)
@pytest.mark.parametrize("k", [1, 4])
def test_every_loss_is_traced_back_through_k_steps(loss, leak, form, reads, k):
    weights, net, U, Y, state = case(loss, leak, form, reads)
    states = [state, *naive_run(weights, U, Y, state, loss, leak, reads)[2]]

    def last_losses(moved):
        total = 0.0
        for t in range(STEPS):
            first = max(0, t - k + 1)
            only = np.full_like(Y[first : t + 1], np.nan)
            only[-1] = Y[t]
            total += naive_run(moved, U[first : t + 1], only, states[first], loss, leak, reads)[0]
        return total

    grads = k_step(net, U, Y, k, state).grads
    assert set(grads) == set(weights) - {"D"}
    for name in grads:
        assert relative_error(grads[name], central_difference(weights, name, last_losses)) < 1e-6, name


@pytest.mark.parametrize(("loss", "leak", "form", "reads"), VARIANTS)
def test_k_steps_reduce_to_one_step_and_to_all_of_them_and_those_differ(loss, leak, form, reads):
    _, net, U, Y, state = case(loss, leak, form, reads)
    for k, same in [(1, one_step(net, U, Y, state)), (STEPS, bptt(net, U, Y, state)), (99, bptt(net, U, Y, state))]:
        found = k_step(net, U, Y, k, state)
        for name in same.grads:
            np.testing.assert_allclose(found.grads[name], same.grads[name], rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(found.losses, same.losses)
        np.testing.assert_array_equal(found.state, same.state)
    assert relative_error(k_step(net, U, Y, 3, state).grads["R"], bptt(net, U, Y, state).grads["R"]) > 1e-3


@pytest.mark.parametrize(("loss", "leak", "form", "reads"), VARIANTS)
def test_k_steps_online_use_stored_activities_and_the_weights_of_the_moment(loss, leak, form, reads):
    weights, net, U, Y, _ = case(loss, leak, form, reads)
    k = 3

    def changes(w, passed):
        if not passed[-1]["taught"]:
            return {}
        gradient = {name: np.zeros_like(w[name]) for name in ("A", "R", "b")}
        asked_s = asked_x = np.zeros(N_HIDDEN)
        if reads == "s":
            asked_s = w["B"].T @ passed[-1]["error"]
        else:
            asked_x = w["B"].T @ passed[-1]["error"]
        for step in passed[: -k - 1 : -1]:
            asked_x = asked_x + (w["D"].T @ asked_s if "D" in w else asked_s)
            delta = net.leak * (1 - step["h"] ** 2) * asked_x
            gradient["A"] += np.outer(delta, step["u"])
            gradient["R"] += np.outer(delta, step["before"])
            gradient["b"] += delta
            asked_s, asked_x = w["R"].T @ delta, (1 - net.leak) * asked_x
        return gradient | readout_gradient(w, passed[-1])

    expected = online(weights, net, U, Y, changes)
    found = learnt(weights, net, "k_step", U, Y, window=k)
    for name in weights:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-9, atol=1e-12)
        assert np.array_equal(found[name], weights[name]) == (name == "D")


def test_learning_by_one_step_is_learning_by_k_steps_with_k_of_one():
    U, Y = plain_stream(30)
    weights = some_weights(np.random.default_rng(0), D=True)
    single, one, three = (
        learnt(weights, Network(weights, leak=0.3), method, U, Y, window=window, decorrelation_rate=1e-3)
        for method, window in [("one_step", 50), ("k_step", 1), ("k_step", 3)]
    )
    for name in weights:
        np.testing.assert_allclose(one[name], single[name], rtol=1e-10)
        assert not np.allclose(three[name], single[name], rtol=1e-4)


# Random feedback


@pytest.mark.parametrize(("loss", "leak", "form", "reads"), VARIANTS)
def test_rflo_is_its_loop_over_single_synapses(loss, leak, form, reads):
    weights, net, U, Y, _ = case(loss, leak, form, reads)
    sizes = {"A": net.n_in, "R": N_HIDDEN, "b": 1}
    traces = {name: np.zeros((N_HIDDEN, size)) for name, size in sizes.items()}
    learner = ReferenceLearner(net, "rflo", SGD(RATE), seed=4)
    feedback = np.random.default_rng(4).standard_normal((N_HIDDEN, N_OUT)) / np.sqrt(N_OUT)

    def changes(w, passed):
        step, gradient = passed[-1], {}
        for name, before in (("A", step["u"]), ("R", step["before"]), ("b", [1.0])):
            gradient[name] = np.zeros((N_HIDDEN, sizes[name]))
            for i in range(N_HIDDEN):
                signal = sum(feedback[i, k] * step["error"][k] for k in range(N_OUT))
                for j, presynaptic in enumerate(before):
                    slope = 1 - step["h"][i] ** 2
                    old = traces[name][i, j]
                    traces[name][i, j] = (1 - net.leak[i]) * old + net.leak[i] * slope * presynaptic
                    gradient[name][i, j] = signal * traces[name][i, j]
        gradient["b"] = gradient["b"][:, 0]
        return gradient | readout_gradient(w, step) if step["taught"] else {}

    expected = online(weights, net, U, Y, changes)
    learner.run(U, Y)
    for name in weights:
        np.testing.assert_allclose(learner.weights[name], expected[name], rtol=1e-9, atol=1e-12)
        assert np.array_equal(learner.weights[name], weights[name]) == (name == "D")


@pytest.mark.parametrize(("leak", "same"), [(1.0, True), (0.3, False)])
def test_without_leak_and_with_the_readouts_own_feedback_rflo_is_the_one_step_gradient(leak, same):
    weights, net, U, Y, _ = case("squared_error", leak, "direct", "s")
    found, gradient = rflo(net, U, Y, weights["B"].T).grads, one_step(net, U, Y).grads
    for name in gradient:
        assert np.allclose(found[name], gradient[name], rtol=1e-10) == (same or name in "BcE"), name
    elsewhere = rflo(net, U, Y, np.ones((N_HIDDEN, N_OUT))).grads
    assert relative_error(elsewhere["R"], gradient["R"]) > 0.1


@pytest.mark.parametrize("leak", [0.3, SPECTRUM])
def test_without_recurrence_and_with_the_readouts_own_feedback_rflo_is_the_full_gradient(leak):
    weights, connected, U, Y, _ = case("squared_error", leak, "plain", "s")
    net = Network(weights | {"R": np.zeros((N_HIDDEN, N_HIDDEN))}, leak=leak)
    found, gradient = rflo(net, U, Y, weights["B"].T).grads, bptt(net, U, Y).grads
    for name in gradient:
        np.testing.assert_allclose(found[name], gradient[name], rtol=1e-9, atol=1e-12)
    assert relative_error(rflo(connected, U, Y, weights["B"].T).grads["R"], bptt(connected, U, Y).grads["R"]) > 0.05


def test_the_feedback_is_fixed_by_its_seed():
    U, Y = plain_stream(20)
    weights = some_weights(np.random.default_rng(0))
    same, again, other = (learnt(weights, Network(weights), "rflo", U, Y, seed=seed)["R"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(same, again)
    assert not np.allclose(same, other)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda net, U, Y: k_step(net, U, Y, 0), ValueError, "k must be an integer >= 1, got 0"),
        (
            lambda net, U, Y: rflo(net, U, Y, np.ones((3, 5))),
            ValueError,
            r"feedback must have shape \(5, 3\), got \(3, 5\)",
        ),
        (
            lambda net, U, Y: ReferenceLearner(net, "rflo", SGD(1.0), seed=-1),
            ValueError,
            "seed must be an integer >= 0",
        ),
        (lambda net, U, Y: k_step(net, U[:, :1], Y, 2), ValueError, "U must have shape"),
        (lambda net, U, Y: rflo(net, U, Y[:1], np.ones((5, 3))), ValueError, "Y must have shape"),
    ],
)
def test_a_meaningless_call_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(Network(some_weights(np.random.default_rng(0))), *plain_stream(4))
