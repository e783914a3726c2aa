"""The probes: bits of the past, mappings that change, noise that cannot be learnt."""

import copy
import pickle

import numpy as np
import pytest

from onlinernn.evaluate import evaluate
from onlinernn.reference import SGD, Network, ReferenceLearner
from onlinernn.tasks import (
    CopyMemory,
    Drifting,
    MackeyGlass,
    NoisyTargets,
    Recall,
    Stream,
    WhiteNoise,
    switching,
    target_variance,
    xor,
)

FRESH = [Recall(back=3), xor(back=3), Drifting(), switching(), WhiteNoise()]


def bits_of(stream: Stream) -> list[float]:
    return stream.inputs[:, 0].tolist()


@pytest.mark.parametrize("back", [0, 1, 10])
def test_recall_asks_for_the_bit_so_many_steps_back(back: int) -> None:
    stream = Recall(back, length=40).train(0)
    bits = bits_of(stream)
    for t, (target, scored) in enumerate(zip(stream.targets[:, 0], stream.scored, strict=True)):
        assert scored == (t >= back)
        assert target == bits[t - back] if scored else np.isnan(target)


@pytest.mark.parametrize("back", [0, 5])
def test_xor_asks_whether_two_bits_differ(back: int) -> None:
    stream = xor(back, length=40).train(0)
    bits = bits_of(stream)
    for t, (target, scored) in enumerate(zip(stream.targets[:, 0], stream.scored, strict=True)):
        assert scored == (t >= back + 1)
        assert (target == -1) == (bits[t - back] != bits[t - back - 1]) if scored else np.isnan(target)


def test_a_linear_filter_recalls_exactly_and_knows_nothing_of_the_xor() -> None:
    for task, share in [(Recall(4), 1.0), (xor(4), 0.0)]:
        stream = task.train(0)
        bits = stream.inputs[:, 0]
        lags = np.stack([np.roll(bits, lag) for lag in range(7)], axis=1)[10:]
        fitted = lags @ np.linalg.lstsq(lags, stream.targets[10:, 0], rcond=None)[0]
        assert 1 - np.var(fitted - stream.targets[10:, 0]) == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize("task", FRESH, ids=lambda task: task.name)
def test_a_probe_is_fresh_repeatable_and_held_out(task) -> None:
    assert task.fresh
    assert task.resets
    assert task.target_delay == 0
    streams = [task.train(0, 0), task.train(0, 1), task.train(1, 0), task.test(0), task.test(1)]
    assert len({stream.inputs.tobytes() for stream in streams}) == 5
    np.testing.assert_array_equal(task.train(0, 1).targets, streams[1].targets)
    assert target_variance(streams[0]) == pytest.approx(1.0, abs=0.1)


def test_probes_are_called_what_they_are() -> None:
    names = [task.name for task in (*FRESH, Recall(2, factors=3))]
    assert names == ["recall", "xor", "drifting", "switching", "white-noise", "parity-3"]
    assert Recall().accuracy == xor().accuracy == "sign"
    assert (Recall().back, xor().back, xor().factors) == (10, 5, 2)


def test_drifting_turns_from_one_bit_to_the_other_and_on_through_the_epochs() -> None:
    task = Drifting(near=1, far=3, period=100, length=70, test_length=70)
    for stream, first in [(task.train(0, 0), 0), (task.train(0, 3), 210), (task.test(0), 0)]:
        bits = bits_of(stream)
        for t in range(3, 70):
            angle = 2 * np.pi * (first + t) / 100
            expected = np.cos(angle) * bits[t - 1] + np.sin(angle) * bits[t - 3]
            assert stream.targets[t, 0] == pytest.approx(expected, abs=1e-12)
        assert stream.scored.tolist() == [False] * 3 + [True] * 67


def test_switching_changes_the_mapping_at_once_every_so_many_steps() -> None:
    task = switching(every=10, length=85)
    near, far = task.near, task.far
    for epoch in (0, 1):
        stream = task.train(0, epoch)
        bits = bits_of(stream)
        for t in range(5, 85):
            mapping = (85 * epoch + t) // 10 % 4
            expected = [bits[t - near], bits[t - far], -bits[t - near], -bits[t - far]][mapping]
            assert stream.targets[t, 0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("task", [Drifting(period=5000), switching(every=2500)], ids=lambda task: task.name)
def test_a_constant_rate_follows_what_a_frozen_model_cannot(task: Drifting) -> None:
    def model(seed: int) -> ReferenceLearner:
        rng = np.random.default_rng(seed)
        n = 20
        R = rng.normal(size=(n, n))
        weights = {
            "A": 0.5 * rng.normal(size=(n, 1)),
            "R": 0.9 * R / abs(np.linalg.eigvals(R)).max(),
            "b": np.zeros(n),
            "B": np.zeros((1, n)),
            "c": np.zeros(1),
        }
        return ReferenceLearner(Network(weights), "one_step", SGD(0.02), learn_hidden=False)

    result = evaluate(model, task, seed=3, epochs=2)
    assert result.nmse_prequential is not None
    assert result.nmse_prequential < 0.2
    assert result.nmse_test > 1.5


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("task", [MackeyGlass(length=5000), MackeyGlass(-15), Recall()], ids=lambda task: task.name)
def test_noise_has_its_share_of_the_variance_and_the_test_is_clean(task, share: float) -> None:
    noisy = NoisyTargets(task, share)
    clean, train = task.train(7, 2), noisy.train(7, 2)
    added = (train.targets - clean.targets)[clean.scored]
    assert added.var() == pytest.approx(share * target_variance(clean), rel=0.1, abs=1e-15)
    assert abs(added.mean()) < 0.05
    np.testing.assert_array_equal(train.inputs, clean.inputs)
    np.testing.assert_array_equal(train.scored, clean.scored)
    np.testing.assert_array_equal(np.isnan(train.targets), np.isnan(clean.targets))
    np.testing.assert_array_equal(noisy.test(7).targets, task.test(7).targets)


def test_noise_comes_from_the_seed_and_is_fresh_where_the_task_is() -> None:
    def added(task, seed: int, epoch: int) -> bytes:
        return (NoisyTargets(task, 0.3).train(seed, epoch).targets - task.train(seed, epoch).targets).tobytes()

    series = MackeyGlass(length=300)
    for task in (series, Recall()):
        assert added(task, 0, 1) == added(task, 0, 1) != added(task, 1, 1)
    assert added(series, 0, 0) == added(series, 0, 5)
    assert added(Recall(), 0, 0) != added(Recall(), 0, 5)


def test_all_but_the_training_targets_is_the_tasks_own() -> None:
    task = MackeyGlass(length=300)
    for noisy in (NoisyTargets(task, 0.1), NoisyTargets(NoisyTargets(task, 0.1), 0.1)):
        for name in ("name", "n_in", "n_out", "loss", "target_delay", "resets", "fresh", "accuracy", "horizon", "tau"):
            assert getattr(noisy, name) == getattr(task, name)
        with pytest.raises(AttributeError, match="gaps"):
            _ = noisy.gaps
        assert copy.deepcopy(noisy) == pickle.loads(pickle.dumps(noisy)) == noisy


def test_white_noise_has_nothing_in_it_for_any_lag() -> None:
    stream = WhiteNoise(length=20_000).train(0)
    u, y = stream.inputs[:, 0], stream.targets[:, 0]
    for lag in range(30):
        assert abs(np.mean(np.roll(u, lag) * y)) < 0.03
    assert abs(np.mean(y[1:] * y[:-1])) < 0.03


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: Recall(back=-1), ValueError, "back must be at least 0, not -1"),
        (lambda: Recall(back=2.0), TypeError, "back must be an integer, not 2.0"),
        (lambda: Recall(factors=0), ValueError, "factors must be at least 1, not 0"),
        (lambda: Recall(back=10, length=10), ValueError, "length must be at least 11, not 10"),
        (lambda: xor(back=10, test_length=11), ValueError, "test_length must be at least 12, not 11"),
        (lambda: Drifting(near=2, far=2), ValueError, "near and far must be different numbers of steps, not both 2"),
        (lambda: Drifting(period=3), ValueError, "period must be at least 4, not 3"),
        (lambda: Drifting(far=10, length=10), ValueError, "length must be at least 11, not 10"),
        (lambda: switching(every=0), ValueError, "every must be at least 1, not 0"),
        (lambda: WhiteNoise(length=1), ValueError, "length must be at least 2, not 1"),
        (lambda: NoisyTargets(Recall(), -0.1), ValueError, "share must be finite and at least 0, not -0.1"),
        (lambda: NoisyTargets(Recall(), np.inf), ValueError, "share must be finite and at least 0, not inf"),
        (
            lambda: NoisyTargets(CopyMemory(loss="softmax_cross_entropy"), 0.1),
            ValueError,
            "squared error, not softmax_cross_entropy",
        ),
    ],
)
def test_a_probe_without_meaning_is_refused(build, error, message: str) -> None:
    with pytest.raises(error, match=message):
        build()
