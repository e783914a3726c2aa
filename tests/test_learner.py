"""The learner's promises: one step at a time, nothing changed by bad input, black-box losses, weights in and out."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onlinernn import (
    ANP,
    NP,
    WP,
    Decorrelation,
    DivergenceError,
    Gaussian,
    LeakyTanh,
    OnlineLearner,
    SoftmaxCrossEntropy,
    Tanh,
)
from onlinernn.kernels.rules import gain
from onlinernn.snapshot import named_arrays

SMALL = {"n_in": 2, "n_hidden": 9, "n_out": 3}


def make(**changes):
    """Return a small learner; most tests take its parts, since any other combination takes seconds to compile."""
    rule, cell = ANP(lr_hidden=1e-3, lr_readout=1e-2), LeakyTanh(0.5)
    settings = {**SMALL, "rule": rule, "cell": cell, "seed": 3, **changes}
    return OnlineLearner(**settings)


def stream(steps, seed=0, n_in=2, n_out=3):
    draw = np.random.default_rng(seed)
    return draw.normal(size=(steps, n_in)), draw.normal(size=(steps, n_out))


def state_bytes(learner):
    return learner._arena.tobytes() + learner._tally.tobytes()


def kept_bytes(learner):
    """Everything that a later step can see: the arrays of a checkpoint."""
    return b"".join(array.tobytes() for array in named_arrays(learner).values())


def test_learning_moves_every_weight_and_lowers_the_loss():
    sizes = {"n_in": 1, "n_hidden": 20, "n_out": 1}
    learner = make(**sizes, rule=ANP(lr_hidden=1e-4, lr_readout=2e-2), decorrelation=Decorrelation(1e-3))
    wave = np.sin(0.3 * np.arange(3001))[:, None]
    before = {name: weight.copy() for name, weight in learner.weights.items()}
    losses = learner.run(wave[:-1], wave[1:]).losses
    assert losses[-300:].mean() < 0.1 * losses[:30].mean()
    for name, weight in learner.weights.items():
        assert not np.array_equal(weight, before[name]), name


def test_prediction_of_a_step_does_not_depend_on_its_target():
    U, Y = stream(30)
    first, second = make(), make()
    first.run(U, Y), second.run(U, Y)
    here, there = first.step(U[0], Y[0]), second.step(U[0], Y[0] + 5)
    assert np.array_equal(here.prediction, there.prediction)
    assert here.loss != there.loss
    assert not np.array_equal(first.step(U[1]).prediction, second.step(U[1]).prediction)


@pytest.mark.parametrize("decorrelation", [None, Decorrelation(1e-2)])
def test_predict_is_what_step_will_predict_and_changes_nothing(decorrelation):
    U, Y = stream(40)
    learner = make(decorrelation=decorrelation)
    learner.run(U, Y)
    untouched = learner.clone()
    prediction = learner.predict(U[0])
    for one in (learner, untouched):
        assert one.weights  # applies the update of D that waits to be read, in both
    before = kept_bytes(untouched)
    assert kept_bytes(learner) == before
    assert np.array_equal(prediction, learner.step(U[0], Y[0]).prediction)
    assert kept_bytes(learner) != before


def test_missing_targets_advance_and_teach_nothing():
    U, Y = stream(40)
    learner = make(decorrelation=Decorrelation(1e-2))
    learner.run(U, Y)
    before = {name: weight.tobytes() for name, weight in learner.weights.items()}
    steps = learner.steps
    trace = learner.run(U)
    learner.step(U[0]), learner.step(U[1], [np.nan] * 3)
    assert learner.steps == steps + 42
    assert np.isnan(trace.losses).all()
    assert np.isfinite(trace.predictions).all()
    assert {name: weight.tobytes() for name, weight in learner.weights.items()} == before
    learner.step(U[2], Y[2])
    assert {name: weight.tobytes() for name, weight in learner.weights.items()} != before


@pytest.mark.parametrize("delay", [1, 4])
def test_targets_of_the_first_delay_steps_belong_to_no_input(delay):
    U, Y = stream(12)
    with_targets, without = make(target_delay=delay), make(target_delay=delay)
    start = with_targets.weights["R"].copy()
    with_targets.run(U[:delay], Y[:delay] + 100), without.run(U[:delay])
    assert kept_bytes(with_targets) == kept_bytes(without)
    assert np.isfinite(with_targets.step(U[delay], Y[delay]).loss)
    assert not np.array_equal(with_targets.weights["B"], without.weights["B"])
    assert np.array_equal(without.weights["R"], start)


def test_loss_is_that_of_the_step_that_the_target_belongs_to():
    U, Y = stream(20)
    learner = make(target_delay=3, rule=ANP(lr_hidden=0, lr_readout=0))
    trace = learner.run(U, Y)
    expected = ((trace.predictions[:-3] - Y[3:]) ** 2).sum(axis=1)
    np.testing.assert_allclose(trace.losses[3:], expected, rtol=1e-6)


def test_feedback_with_the_losses_of_the_task_equals_step():
    U, Y = stream(25)
    whole, halves = (make(dtype=np.float64, decorrelation=Decorrelation(1e-2), resync=5) for _ in range(2))
    for u, y in zip(U, Y, strict=True):
        whole.step(u, y)
        clean, noisy = halves.forward(u)
        halves.feedback(((clean - y) ** 2).sum(), ((noisy - y) ** 2).sum())
    for name, weight in whole.weights.items():
        np.testing.assert_allclose(halves.weights[name], weight, rtol=1e-6, atol=1e-9)
    assert halves.report()["taught"] == 25


def test_forward_without_feedback_teaches_nothing():
    U, _ = stream(6)
    forwards, steps = (make(dtype=np.float64, decorrelation=Decorrelation(1e-2)) for _ in range(2))
    for u in U:
        forwards.forward(u)
        steps.step(u)
    forwards.feedback(None, None)
    assert kept_bytes(forwards) == kept_bytes(steps)
    with pytest.raises(RuntimeError, match="feedback without forward"):
        forwards.feedback(1.0, 2.0)
    forwards.forward(U[0])
    with pytest.raises(RuntimeError, match="predict between forward and feedback"):
        forwards.predict(U[0])


def test_reset_forgets_the_past_and_keeps_the_weights():
    U, Y = stream(30)
    learner = make(decorrelation=Decorrelation(1e-2), target_delay=2)
    learner.run(U, Y)
    weights = {name: weight.copy() for name, weight in learner.weights.items()}
    learner.reset()
    assert not any(array.any() for array in (*learner._state, *learner._tags))
    for name, weight in learner.weights.items():
        assert np.array_equal(weight, weights[name])
    fresh = make(decorrelation=Decorrelation(1e-2), target_delay=2)
    fresh.set_weights(**weights)
    assert np.array_equal(learner.run(U).predictions, fresh.run(U).predictions)


def test_set_weights_copies_checks_and_takes_effect_at_once():
    learner = make()
    learner.run(*stream(5))
    learner.reset()
    given_R = np.zeros((9, 9))
    learner.set_weights(R=given_R, B=np.ones((3, 9)), b=np.full(9, 0.1), A=np.ones((9, 2)), c=[0, 1, 2])
    given_R[...] = 7
    expected = 0.5 * np.tanh(0.1 + 0.3) * 9 + np.array([0, 1, 2])
    np.testing.assert_allclose(learner.predict([0.1, 0.2]), expected, rtol=1e-6)
    with pytest.raises(ValueError, match="read-only"):
        learner.weights["R"][0, 0] = 1
    before = state_bytes(learner)
    bad_weights = [
        ({"Q": 1}, "no weight 'Q'"),
        ({"R": np.zeros((3, 3))}, r"must be \(9, 9\)"),
        ({"B": np.full((3, 9), np.nan)}, "must be finite"),
        ({"D": np.eye(9)}, "no weight 'D'"),
    ]
    for bad, message in bad_weights:
        with pytest.raises(ValueError, match=message):
            learner.set_weights(A=np.zeros((9, 2)), **bad)
        assert state_bytes(learner) == before


def test_without_bias_there_is_none():
    learner = make(bias=False)
    learner.run(*stream(30))
    assert set(learner.weights) == {"A", "R", "B"}
    learner.reset()
    assert not learner.predict([0, 0]).any()


def test_softmax_predicts_logits_and_learns():
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 3, 4000)
    U, Y = np.eye(3)[labels], np.eye(3)[labels]
    learner = OnlineLearner(3, 12, 3, rule=ANP(lr_hidden=0, lr_readout=0.05), loss=SoftmaxCrossEntropy())
    predictions = learner.run(U, Y).predictions
    assert (predictions[-500:].argmax(axis=1) == labels[-500:]).mean() > 0.95
    assert (predictions[:20].argmax(axis=1) == labels[:20]).mean() < 0.9


BAD_INPUTS = [
    ([1.0], "shape"),
    ([1.0, 2.0, 3.0], "shape"),
    ([[1.0, 2.0]], "shape"),
    ([1.0, np.nan], "finite"),
    ([np.inf, 0.0], "finite"),
    ([1e300, 0.0], "finite"),
    (np.array([np.nan, 1], np.float32), "finite"),
    ("ab", "real numbers"),
    (["1", "2"], "real numbers"),
    ([1j, 0], "real numbers"),
    ([None, 1.0], "real numbers"),
    ({}, "real numbers"),
    ([[1.0], [2.0, 3.0]], "different lengths"),
]


@pytest.mark.parametrize(("u", "message"), BAD_INPUTS, ids=str)
@pytest.mark.filterwarnings("error")
def test_a_bad_input_is_named_and_nothing_changes(u, message):
    learner = make(target_delay=1)
    learner.run(*stream(5))
    before = kept_bytes(learner)
    for call in (learner.step, learner.predict, learner.forward, lambda x: learner.run([x, x])):
        with pytest.raises((TypeError, ValueError), match=message):
            call(u)
        assert kept_bytes(learner) == before


BAD_TARGETS = [
    ([1.0], "shape"),
    (3.0, "shape"),
    ([1.0, 2.0, np.inf], "finite"),
    ([1.0, 2.0, np.nan], "whole row"),
    (np.array([1.0, 2.0, np.nan], np.float32), "whole row"),
    ("abc", "real numbers"),
    (["1", "2", "3"], "real numbers"),
]


@pytest.mark.parametrize(("y", "message"), BAD_TARGETS, ids=str)
def test_a_bad_target_is_named_and_nothing_changes(y, message):
    learner = make()
    learner.run(*stream(5))
    before = kept_bytes(learner)
    with pytest.raises((TypeError, ValueError), match=message):
        learner.step([0.0, 0.0], y)
    with pytest.raises((TypeError, ValueError), match=message):
        learner.run([[0.0, 0.0]] * 2, [[0.0] * 3, y] if np.shape(y) == (3,) else y)
    assert kept_bytes(learner) == before


def test_run_names_the_row_of_a_bad_value_before_any_step():
    U, Y = stream(50)
    learner = make()
    U[31, 1] = np.nan
    with pytest.raises(ValueError, match=r"U is nan at \[31, 1\]"):
        learner.run(U, Y)
    with pytest.raises(ValueError, match=r"Y has the shape \(49, 3\); it must be \(50, 3\)"):
        learner.run(np.zeros((50, 2)), Y[1:])
    assert learner.steps == 0


BAD_SETTINGS = [
    ({"n_hidden": 0}, "n_hidden is 0"),
    ({"n_in": -1}, "n_in is -1"),
    ({"n_out": 1.5}, "n_out is 1.5"),
    ({"n_hidden": True}, "n_hidden is True"),
    ({"rule": ANP}, "pass an instance"),
    ({"rule": Tanh()}, "must be one of ANP, .*LearnedFeedback, .*NP, .*WP, WindowedNP"),
    ({"rule": NP(sigma=0)}, "sigma is 0; it must be greater than 0"),
    ({"rule": NP(lr_hidden=-1)}, "lr_hidden is -1; it must be at least 0"),
    ({"rule": WP(lr_readout=float("nan"))}, "lr_readout is nan"),
    ({"rule": WP(lr_readout=float("inf"))}, "lr_readout is inf"),
    ({"rule": ANP(floor=2)}, "floor is 2"),
    ({"rule": ANP(sigma="big")}, "sigma is 'big'; it must be a number"),
    ({"rule": ANP(both_noisy=1)}, "both_noisy is 1; it must be True or False"),
    ({"rule": ANP(noise=Gaussian)}, "pass an instance"),
    ({"rule": ANP(noise=3)}, "noise is 3"),
    ({"cell": LeakyTanh(0)}, "alpha is 0"),
    ({"cell": "tanh"}, "cell is 'tanh'"),
    ({"loss": None}, "loss is None"),
    ({"decorrelation": 1e-3}, "decorrelation is 0.001"),
    ({"decorrelation": Decorrelation(-1)}, "rate is -1"),
    ({"resync": -1}, "resync is -1"),
    ({"target_delay": 2.0}, "target_delay is 2.0"),
    ({"seed": -1}, "seed is -1"),
    ({"streams": 0}, "streams is 0"),
    ({"dtype": np.int32}, "float32 or float64"),
    ({"spectral_radius": -0.1}, "spectral_radius is -0.1"),
    ({"input_scale": np.inf}, "input_scale is inf"),
]


@pytest.mark.parametrize(("settings", "message"), BAD_SETTINGS, ids=lambda value: str(value)[:40])
def test_bad_settings_are_named(settings, message):
    with pytest.raises((TypeError, ValueError), match=message.replace("(", r"\(")):
        make(**settings)


@pytest.mark.parametrize("rule", [ANP(0, 1e9), NP(0, 1e9), WP(0, 1e9)], ids=lambda rule: type(rule).__name__)
def test_divergence_is_reported_at_its_step_with_finite_weights_kept(rule):
    U, Y = stream(400)
    with pytest.raises(DivergenceError, match="diverged at step") as in_run:
        make(rule=rule).run(U, Y)
    steps = in_run.value.step
    assert steps > 0
    learner = make(rule=rule)
    for u, y in zip(U[:steps], Y[:steps], strict=True):
        learner.step(u, y)
    with pytest.raises(DivergenceError, match="diverged at step") as caught:
        learner.step(U[steps], Y[steps])
    assert caught.value.step == steps
    for name, weight in learner.weights.items():
        assert np.isfinite(weight).all(), name


def test_replicas_and_streams_average_their_updates():
    U, Y = stream(20)
    many = make(replicas=3, streams=2, dtype=np.float64, decorrelation=Decorrelation(1e-2))
    trace = many.run(np.stack([U, U[::-1]], 1), np.stack([Y, Y[::-1]], 1))
    assert (trace.predictions.shape, trace.losses.shape) == ((20, 2, 3), (20, 2))
    clean, noisy = many.forward([U[0], U[1]])
    assert (clean.shape, noisy.shape) == ((2, 3), (2, 3, 3))
    assert not np.array_equal(noisy[0, 0], noisy[0, 1])


def test_progress_changes_no_number():
    U, Y = stream(237)
    calls = []
    plain, shown = make(), make()
    first = plain.run(U, Y)
    second = shown.run(U, Y, progress=lambda done, total, loss: calls.append((done, total, loss)))
    assert np.array_equal(first.predictions, second.predictions)
    assert kept_bytes(plain) == kept_bytes(shown)
    assert calls[-1][:2] == (237, 237)
    assert len(calls) > 50
    assert np.isfinite(calls[-1][2])


def test_clone_goes_on_alike_and_apart():
    U, Y = stream(40)
    learner = make(decorrelation=Decorrelation(1e-2))
    learner.run(U[:20], Y[:20])
    twin = learner.clone()
    assert np.array_equal(learner.run(U[20:], Y[20:]).predictions, twin.run(U[20:], Y[20:]).predictions)
    before = kept_bytes(learner)
    twin.step(U[0], Y[0])
    assert kept_bytes(learner) == before


@given(
    values=st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=2),
    kind=st.sampled_from(["list", "tuple", "float32", "float64", "integers"]),
)
def test_every_way_to_write_an_input_means_the_same(values, kind):
    learner = make()
    ways = {
        "list": list,
        "tuple": tuple,
        "float32": lambda v: np.array(v, np.float32),
        "float64": np.array,
        "integers": lambda v: [int(x) for x in v],
    }
    written = ways[kind](values)
    expected = make().run([[float(x) for x in written]]).predictions[0]
    assert np.array_equal(learner.step(written).prediction, expected)


def test_a_network_that_saturates_is_counted_as_dead():
    learner = make(rule=ANP(lr_hidden=1e9, lr_readout=1e9), cell=LeakyTanh(1.0))
    learner.run(*stream(50))
    assert learner.report()["dead"] > 30
    healthy = make(cell=LeakyTanh(1.0))
    healthy.run(*stream(50))
    assert healthy.report()["dead"] == 0


def test_a_decorrelation_that_explodes_is_reported():
    U, Y = stream(60)
    learner = make(decorrelation=Decorrelation(50.0), n_hidden=30)
    with pytest.raises(DivergenceError, match=r"diverged at step \d+: .*Decorrelation"):
        learner.run(U, Y)


class WithoutRates(NamedTuple):
    """A rule that forgot its learning rates."""

    sigma: float = 0.1


def test_a_rule_without_learning_rates_is_told_which_fields_it_lacks():
    gain.register(WithoutRates)(lambda rule, lr, delta_loss, power, size: 0.0)
    try:
        with pytest.raises(TypeError, match="WithoutRates has no field lr_hidden"):
            make(rule=WithoutRates())
    finally:
        del gain.open.implementations[WithoutRates]


def test_an_implementation_with_other_arguments_is_refused():
    with pytest.raises(TypeError, match=r"right:  def .*\(rule, lr, delta_loss, power, size\)"):
        gain.register(WithoutRates)(lambda rule, x: 0.0)
    assert WithoutRates not in gain.open.implementations
