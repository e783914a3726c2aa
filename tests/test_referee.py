"""The referee: its share is the regression that it should be, hidden learning is paid by what it saves, and no more."""

import numpy as np
import pytest

from onlinernn import (
    NLMS,
    NP,
    CheckpointError,
    LearnedFeedback,
    OnlineLearner,
    Referee,
    SoftmaxCrossEntropy,
    SquaredError,
)
from onlinernn.kernels.losses import curvature, loss, output_error

N, M, STEPS, RATE = 8, 2, 400, 0.003


def learner(**settings) -> OnlineLearner:
    return OnlineLearner(1, N, M, **{"rule": LearnedFeedback(0.1, lags=3), "dtype": np.float64, "seed": 1} | settings)


def handicapped(one: OnlineLearner, **settings) -> Referee:
    """Return a referee whose shadow learns nothing at all, so that the learner is soon plainly ahead."""
    referee = Referee(one, **settings)
    referee.shadow.retune(frozen=("A", "R", "B"))
    return referee


def stream(streams: int = 1, classes: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and targets to be learnt from them; every fifth target is missing."""
    rng = np.random.default_rng(2)
    U = rng.normal(size=(STEPS, streams, 1))
    Y = np.concatenate([np.tanh(U + np.roll(U, 1, 0)), U * np.roll(U, 2, 0)], axis=2)
    if classes:
        Y = np.eye(M)[(Y[..., 0] > 0).astype(int)]
    Y[::5] = np.nan
    return (U[:, 0], Y[:, 0]) if streams == 1 else (U, Y)


def naive_mixture(first, second, targets, delay, spec) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Mix in plain loops; return predictions, losses, the share and what is saved."""
    steps, streams, _ = first.shape
    mixed, losses, shares = np.zeros(first.shape), np.full((steps, streams), np.nan), []
    linear = curved = alone = together = share = usual = 0.0
    for t in range(steps):
        shares.append(share)
        mixed[t] = first[t] + share * (second[t] - first[t])
        q = t - delay
        lessons = []
        for s in range(streams):
            if q < 0 or np.isnan(targets[t, s]).any():
                continue
            y, d, target = mixed[q, s], second[q, s] - first[q, s], targets[t, s]
            if isinstance(spec, SquaredError):
                slope, bend = (y - target) @ d, d @ d
                lost = [np.sum((v - target) ** 2) for v in (first[q, s], y)]
            else:
                p = np.exp(y) / np.exp(y).sum()
                slope, bend = (p - target) @ d, p @ d**2 - (p @ d) ** 2
                lost = [np.log(np.exp(v).sum()) - target @ v for v in (first[q, s], y)]
            losses[t, s] = lost[1]
            lessons.append((bend * shares[q] - slope, bend, *lost))
        if lessons:
            lesson = np.mean(lessons, axis=0)
            usual = (1 - RATE) * (usual or lesson[2]) + RATE * lesson[2]
            a, b, c, e = lesson * min(1, 3 * usual / lesson[2])
            linear, curved = linear + RATE * (a - linear), curved + RATE * (b - curved)
            alone, together = alone + RATE * (c - alone), together + RATE * (e - together)
            share = 0.0
            if linear > 0 and curved > 0:
                best, variance = linear / curved, RATE * (1 + delay) / streams * together / curved
                share = min(1.0, best * max(0.0, 1.0 - 2.0 * variance / best**2))
    return mixed, losses, share, 1 - together / alone


@pytest.mark.parametrize("spec", [SquaredError(), SoftmaxCrossEntropy()], ids=lambda spec: type(spec).__name__)
@pytest.mark.parametrize(("streams", "delay"), [(1, 0), (3, 2)])
def test_the_mixture_is_that_of_the_naive_loops(spec, streams: int, delay: int) -> None:
    U, Y = stream(streams, isinstance(spec, SoftmaxCrossEntropy))
    one = learner(loss=spec, streams=streams, target_delay=delay)
    referee = handicapped(one, rate=RATE, period=STEPS, full=1, least=1)
    both = [one.clone().run(U, Y).predictions.reshape(STEPS, streams, M) for one in (referee.shadow, referee.learner)]
    trace = referee.run(U, Y)
    mixed, losses, share, saved = naive_mixture(*both, Y.reshape(STEPS, streams, M), delay, spec)
    np.testing.assert_allclose(trace.predictions.reshape(mixed.shape), mixed, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(trace.losses.reshape(losses.shape), losses, rtol=1e-9, atol=1e-12)
    assert referee.share == pytest.approx(share, rel=1e-9)
    assert referee.saved == pytest.approx(saved, rel=1e-9)
    assert np.abs(mixed - both[0]).max() > 1e-4  # the learner was heard, and not alone
    assert np.abs(mixed - both[1]).max() > 1e-4


@pytest.mark.parametrize("spec", [SquaredError(), SoftmaxCrossEntropy()], ids=lambda spec: type(spec).__name__)
def test_the_curvature_is_the_second_derivative(spec) -> None:
    rng, tiny = np.random.default_rng(3), 1e-4
    y, step, target, error = rng.normal(size=3), rng.normal(size=3), np.array([0.2, 0.5, 0.3]), np.zeros(3)
    around = [loss(spec, y + k * tiny * step, target) for k in (-1, 0, 1)]
    output_error(spec, y, target, error)
    half = 2 if isinstance(spec, SquaredError) else 1  # of the squared error's slope and curvature
    assert curvature(spec, y, step) * half == pytest.approx((around[0] - 2 * around[1] + around[2]) / tiny**2, rel=1e-4)
    assert error @ step * half == pytest.approx((around[2] - around[0]) / (2 * tiny), rel=1e-4)


@pytest.mark.parametrize("settings", [{}, {"streams": 2, "target_delay": 1}, {"dtype": np.float32}])
def test_steps_and_runs_give_the_same_numbers(settings) -> None:
    U, Y = stream(settings.get("streams", 1))
    one, other = (handicapped(learner(**settings), rate=RATE, period=30) for _ in range(2))
    trace = one.run(U, Y)
    steps = [other.step(u, y) for u, y in zip(U, Y, strict=True)]
    for name, rows in (("prediction", trace.predictions), ("loss", trace.losses), ("noisy_loss", trace.noisy_losses)):
        assert np.array_equal(np.array([getattr(step, name) for step in steps]), rows, equal_nan=True)
    assert one.share == other.share
    assert one.saved == other.saved != 0
    assert np.array_equal(one.predict(U[0]), other.step(U[0]).prediction)
    assert one.learner.spec.rule.lr_hidden == other.learner.spec.rule.lr_hidden < one.lr_hidden


def test_a_new_hidden_rate_needs_no_other_compiled_function() -> None:
    referee = handicapped(learner(), rate=RATE, period=30)
    before = referee.learner.spec.rule.lr_hidden
    referee.run(*(rows[:390] for rows in stream()))  # ends with a new rate
    assert before != referee.learner.spec.rule.lr_hidden == referee.learner._held.value[-1].rule.lr_hidden
    assert referee.learner._run != referee.learner._first_run


def test_one_that_was_saved_goes_on_bit_for_bit(tmp_path) -> None:
    U, Y = stream()
    referee = Referee(learner(target_delay=2), rate=RATE, period=30)
    referee.run(U[:111], Y[:111])
    referee.save(tmp_path / "referee")
    loaded, copy = Referee.load(tmp_path / "referee"), referee.clone()
    rest = [one.run(U[111:], Y[111:]).predictions for one in (referee, loaded, copy)]
    assert np.array_equal(rest[0], rest[1])
    assert np.array_equal(rest[0], rest[2])
    assert referee.share == loaded.share == copy.share
    learner().save(tmp_path / "learner")
    with pytest.raises(CheckpointError, match="holds no referee"):
        Referee.load(tmp_path / "learner")


def test_what_saves_nothing_is_paid_the_least_and_not_heard() -> None:
    rng = np.random.default_rng(4)
    U, Y = rng.normal(size=(2, 4000, 1))
    noise = Referee(OnlineLearner(1, N, 1, rule=LearnedFeedback(1.0), seed=1))
    losses, alone = noise.run(U, Y).losses, noise.shadow
    assert noise.learner.spec.rule.lr_hidden == pytest.approx(0.3 * noise.lr_hidden)
    frozen = OnlineLearner(1, N, 1, rule=LearnedFeedback(1.0), frozen=("A", "R"), seed=1).run(U, Y).losses
    assert losses.mean() < 1.01 * frozen.mean()
    assert np.array_equal(alone.weights["R"], OnlineLearner(1, N, 1, rule=LearnedFeedback(), seed=1).weights["R"])
    product = np.concatenate([np.zeros((4, 1)), np.sign(U[1:-3] * U[:-4])])  # the twin: what the shadow cannot do
    useful = Referee(OnlineLearner(1, 20, 1, rule=LearnedFeedback(1.0), seed=1))
    for _ in range(3):
        useful.run(np.sign(U), product)
    assert useful.learner.spec.rule.lr_hidden == useful.lr_hidden
    assert useful.share > 0.5
    assert useful.saved > 0.3


def test_the_shadow_has_a_noisy_copy_only_where_its_readout_needs_one() -> None:
    assert Referee(learner()).shadow.replicas == 0
    referee = Referee(OnlineLearner(1, N, 1, rule=NP(1e-3, 1e-2), seed=1))
    assert referee.shadow.replicas == 1
    U, Y = stream()
    assert np.isfinite(referee.run(U, Y[:, :1]).predictions).all()


def test_a_frozen_layer_predicts_the_same_without_its_noisy_copy() -> None:
    U, Y = stream()
    with_copy, without = (learner(frozen=("A", "R"), replicas=k) for k in (1, 0))
    traces = [one.run(U, Y) for one in (with_copy, without)]
    np.testing.assert_allclose(traces[0].predictions, traces[1].predictions, rtol=1e-12, atol=1e-12)
    assert np.isnan(traces[1].noisy_losses).all()
    assert without.report()["dead"] == 0
    assert without.forward(U[0])[1].shape == (0, M)


BAD = [
    ({"rate": 0}, "rate is 0; it must be greater than 0"),
    ({"full": 0}, "full is 0; it must be greater than 0"),
    ({"least": 1.5}, "least is 1.5; it must be at most 1"),
    ({"period": 0}, "period is 0; it must be a whole number of at least 1"),
]


@pytest.mark.parametrize(("settings", "message"), BAD, ids=str)
def test_bad_numbers_are_named(settings, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Referee(learner(), **settings)


def test_what_cannot_be_judged_is_refused() -> None:
    used = learner()
    used.step([0.0])
    with pytest.raises(ValueError, match="has taken 1 steps; a referee needs one that has taken none"):
        Referee(used)
    with pytest.raises(ValueError, match="replicas is 0, but without a noisy copy only a readout"):
        learner(replicas=0)
    frozen = learner(replicas=0, frozen=("A", "R"), readout=NLMS())
    with pytest.raises(ValueError, match="replicas is 0, but without a noisy copy only a readout"):
        frozen.retune(frozen=())
