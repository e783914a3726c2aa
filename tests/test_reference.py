"""The reference gradients and optimizers against central differences, each other, and worked examples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_cases import (
    MISSING,
    N_HIDDEN,
    NAMES,
    SPECTRUM,
    STEPS,
    VARIANTS,
    case,
    central_difference,
    naive_run,
    plain_stream,
    relative_error,
    some_stream,
    some_weights,
)

from onlinernn.reference import SGD, Adam, Network, Parameters, bptt, decorrelation_step, one_step, rtrl, tbptt

# Gradients


@pytest.mark.parametrize(("loss", "leak", "form", "reads"), VARIANTS)
def test_forward_pass_and_loss_are_the_equations(loss, leak, form, reads):
    weights, net, U, Y, state = case(loss, leak, form, reads)
    total, outputs, states = naive_run(weights, U, Y, state, loss, leak, reads)
    losses, _, end = bptt(net, U, Y, state)
    np.testing.assert_allclose(net.forward(U, state).outputs, outputs, rtol=1e-12)
    np.testing.assert_allclose(np.nansum(losses), total, rtol=1e-12)
    assert np.flatnonzero(np.isnan(losses)).tolist() == MISSING
    np.testing.assert_allclose(end, states[-1], rtol=1e-12)


@pytest.mark.parametrize(("loss", "leak", "form", "reads"), VARIANTS)
def test_full_gradient_agrees_with_central_differences(loss, leak, form, reads):
    weights, net, U, Y, state = case(loss, leak, form, reads)
    grads = bptt(net, U, Y, state).grads
    assert set(grads) == set(weights) - {"D"}
    for name in grads:
        numeric = central_difference(weights, name, lambda w: naive_run(w, U, Y, state, loss, leak, reads)[0])
        assert relative_error(grads[name], numeric) < 1e-6, name


@pytest.mark.parametrize(("loss", "leak", "form", "reads"), VARIANTS)
@pytest.mark.parametrize("k", [1, 4])
def test_truncated_gradient_holds_the_state_at_every_cut(loss, leak, form, reads, k):
    weights, net, U, Y, state = case(loss, leak, form, reads)
    states = [state, *naive_run(weights, U, Y, state, loss, leak, reads)[2]]

    def loss_with_cuts(moved):
        windows = [slice(first, first + k) for first in range(0, STEPS, k)]
        return sum(naive_run(moved, U[w], Y[w], states[w.start], loss, leak, reads)[0] for w in windows)

    grads = (one_step(net, U, Y, state) if k == 1 else tbptt(net, U, Y, k, state)).grads
    for name in grads:
        assert relative_error(grads[name], central_difference(weights, name, loss_with_cuts)) < 1e-6, name


@pytest.mark.parametrize(("loss", "leak", "form", "reads"), VARIANTS)
def test_rtrl_equals_full_bptt(loss, leak, form, reads):
    _, net, U, Y, state = case(loss, leak, form, reads)
    backward, forward = bptt(net, U, Y, state), rtrl(net, U, Y, state)
    assert forward.grads.keys() == backward.grads.keys()
    for name in backward.grads:
        np.testing.assert_allclose(forward.grads[name], backward.grads[name], rtol=1e-9, atol=1e-12, err_msg=name)
    np.testing.assert_array_equal(forward.losses, backward.losses)
    np.testing.assert_array_equal(forward.state, backward.state)


def test_truncation_reduces_to_full_and_to_one_step_and_they_differ():
    _, net, U, Y, _ = case("squared_error", 1.0, "plain", "s")
    full, single = bptt(net, U, Y).grads, one_step(net, U, Y).grads
    for name in NAMES:
        np.testing.assert_array_equal(tbptt(net, U, Y, STEPS).grads[name], full[name])
        np.testing.assert_array_equal(tbptt(net, U, Y, 1).grads[name], single[name])
    for name in ["A", "R", "b"]:
        assert relative_error(single[name], full[name]) > 0.05
        assert relative_error(tbptt(net, U, Y, STEPS - 1).grads[name], full[name]) > 1e-4
    for name in ["B", "c"]:
        np.testing.assert_allclose(single[name], full[name], rtol=1e-12)


@pytest.mark.parametrize(("leak", "same"), [(1.0, True), (0.3, False)])
def test_without_recurrence_only_the_leak_carries_credit_back(leak, same):
    weights, _, U, Y, _ = case("squared_error", leak, "plain", "s")
    net = Network(weights | {"R": np.zeros_like(weights["R"])}, leak=leak)
    assert np.allclose(one_step(net, U, Y).grads["A"], bptt(net, U, Y).grads["A"], rtol=1e-12) == same


def test_one_leak_for_all_is_the_same_leak_for_each_and_another_one_differs():
    weights, _, U, Y, _ = case("squared_error", 1.0, "direct", "s")
    one, each, other = (Network(weights, leak=leak) for leak in (0.3, [0.3] * N_HIDDEN, SPECTRUM))
    for name, grad in bptt(one, U, Y).grads.items():
        np.testing.assert_array_equal(grad, bptt(each, U, Y).grads[name])
    assert relative_error(bptt(other, U, Y).grads["R"], bptt(one, U, Y).grads["R"]) > 0.05


def test_the_direct_link_adds_to_the_outputs_and_leaves_the_activities():
    weights, net, U, _, state = case("squared_error", 0.3, "direct", "s")
    without = Network({name: array for name, array in weights.items() if name != "E"}, leak=0.3)
    linked, unlinked = net.forward(U, state), without.forward(U, state)
    np.testing.assert_allclose(linked.outputs - unlinked.outputs, U @ weights["E"].T, rtol=1e-10)
    np.testing.assert_array_equal(linked.x, unlinked.x)


@given(steps=st.integers(1, 9), k=st.integers(1, 12), variant=st.sampled_from(VARIANTS), seed=st.integers(0, 99))
@settings(max_examples=60)
def test_truncated_gradient_is_the_sum_over_windows_with_the_state_carried(steps, k, variant, seed):
    loss = variant[0]
    _, net, _, _, state = case(*variant, seed=seed)
    U, Y = some_stream(np.random.default_rng(seed), steps, loss)
    whole, total = tbptt(net, U, Y, k, state), net.new_parameters().named()
    for first in range(0, steps, k):
        part = bptt(net, U[first : first + k], Y[first : first + k], state)
        state = part.state
        for name in total:
            total[name] += part.grads[name]
    for name in total:
        np.testing.assert_allclose(whole.grads[name], total[name], rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(whole.state, state, rtol=1e-12)


def test_a_missing_target_contributes_nothing_and_a_present_one_does():
    net = Network(some_weights(np.random.default_rng(1)))
    U, Y = plain_stream(STEPS)
    masked, rest = Y.copy(), np.full_like(Y, np.nan)
    masked[4], rest[4] = np.nan, Y[4]
    for gradient in (bptt, one_step, rtrl):
        all_of_it, without, alone = (gradient(net, U, targets).grads["R"] for targets in (Y, masked, rest))
        np.testing.assert_allclose(without + alone, all_of_it, rtol=1e-10)
        assert np.linalg.norm(alone) > 0
    assert not any(g.any() for g in bptt(net, U, np.full_like(Y, np.nan)).grads.values())


# Decorrelation


@given(seed=st.integers(0, 999))
@settings(max_examples=20)
def test_decorrelation_step_is_equation_6_as_printed_summed_over_the_window(seed):
    rng = np.random.default_rng(seed)
    D, S = rng.normal(size=(4, 4)), rng.normal(size=(rng.integers(1, 6), 4))
    printed = sum((np.outer(s, s) - np.diag(s**2)) @ D for s in S)
    np.testing.assert_allclose(decorrelation_step(D, S, 0.1), 0.1 * printed, rtol=1e-10, atol=1e-12)


# Optimizers


def gradient_of(values):
    gradient = Parameters(1, 1, 1, np.float64)
    gradient.vector[:] = values
    return gradient


def test_adam_takes_the_two_steps_worked_out_by_hand():
    # beta1 = 1/2, beta2 = 3/4, epsilon = 1; g = 2, then -5:
    # m = 1, v = 1, hats 2 and 4: 2 / (2 + 1) = 2/3;  m = -2, v = 7, hats -8/3 and 16: -(8/3) / (4 + 1) = -8/15
    adam = Adam(0.3, 0.15, beta1=0.5, beta2=0.75, epsilon=1.0)
    np.testing.assert_allclose(adam.step(gradient_of(2.0)), [0.2, 0.2, 0.2, 0.1, 0.1], rtol=1e-14)
    np.testing.assert_allclose(adam.step(gradient_of(-5.0)), [-0.16, -0.16, -0.16, -0.08, -0.08], rtol=1e-14)


def test_adam_is_its_printed_algorithm_over_many_steps():
    rng = np.random.default_rng(4)
    adam, m, v = Adam(1e-2), np.zeros(5), np.zeros(5)
    for t in range(1, 30):
        g = rng.normal(size=5)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        expected = 1e-2 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        np.testing.assert_allclose(adam.step(gradient_of(g)), expected, rtol=1e-10)


def test_adam_follows_half_a_cosine_down_to_nothing_and_stays_there():
    # beta1 = beta2 = 0 leaves lr g / (|g| + 1) = 0.3 for g = 3; over 3 steps the shares are
    # (1 + cos 0) / 2 = 1, (1 + cos 60 deg) / 2 = 3/4, (1 + cos 120 deg) / 2 = 1/4, (1 + cos 180 deg) / 2 = 0
    adam = Adam(0.4, 0.8, beta1=0.0, beta2=0.0, epsilon=1.0, decay_steps=3)
    for expected in (0.3, 0.225, 0.075, 0.0, 0.0):
        step = adam.step(gradient_of(3.0))
        np.testing.assert_allclose(step, expected * np.array([1, 1, 1, 2, 2]), rtol=1e-14, atol=1e-16)


def test_adam_without_decay_keeps_its_rate():
    adam = Adam(0.4, beta1=0.0, beta2=0.0, epsilon=1.0)
    steps = [adam.step(gradient_of(3.0))[0] for _ in range(50)]
    np.testing.assert_allclose(steps, 0.3, rtol=1e-14)


def test_sgd_has_a_rate_per_layer_and_one_rate_serves_both():
    np.testing.assert_array_equal(SGD(0.5, 2.0).step(gradient_of(1.0)), [0.5, 0.5, 0.5, 2, 2])
    np.testing.assert_array_equal(SGD(0.5).step(gradient_of(1.0)), [0.5] * 5)


def test_clipping_shortens_a_long_gradient_and_leaves_a_short_one():
    values = np.array([3.0, 0, 0, 4.0, 0])
    np.testing.assert_allclose(SGD(1.0, max_norm=1.0).step(gradient_of(values)), values / 5, rtol=1e-15)
    np.testing.assert_array_equal(SGD(1.0, max_norm=5.0).step(gradient_of(values)), values)
    clipped, small = Adam(0.1, epsilon=1.0, max_norm=1.0), Adam(0.1, epsilon=1.0)
    np.testing.assert_allclose(clipped.step(gradient_of(values)), small.step(gradient_of(values / 5)), rtol=1e-14)


def test_an_adam_belongs_to_one_network():
    adam = Adam()
    adam.step(gradient_of(1.0))
    with pytest.raises(ValueError, match="5 parameters, got 11"):
        adam.step(Parameters(1, 2, 1, np.float64))
