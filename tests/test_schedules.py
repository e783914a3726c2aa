"""The schedules of the learning rates: their values, and that they reach every rate."""

import itertools
import math

import numpy as np
import pytest
from engine import Engine, random_weights

from onlinernn import (
    RLS,
    Constant,
    Cosine,
    InverseTime,
    LeakyTanh,
    LearnedFeedback,
    OnlineLearner,
    SoftmaxCrossEntropy,
    Whitening,
)
from onlinernn.kernels.schedules import factor


def test_the_factors_are_those_of_their_equations() -> None:
    assert [factor(Constant(), t) for t in (0, 10**9)] == [1.0, 1.0]
    half = Cosine(steps=100, floor=0.2)
    assert [factor(half, t) for t in (0, 100, 101, 10**9)] == pytest.approx([1.0, 0.2, 0.2, 0.2], abs=1e-15)
    assert factor(half, 50) == pytest.approx(0.6)
    assert factor(half, 25) == pytest.approx(0.2 + 0.8 * (1 + math.sqrt(0.5)) / 2)
    assert np.all(np.diff([factor(half, t) for t in range(101)]) < 0)
    assert [factor(InverseTime(5), t) for t in (0, 5, 45)] == pytest.approx([1.0, 0.5, 0.1])


def test_the_factor_of_a_step_is_on_every_rate_of_that_step() -> None:
    """Steps 0 and 1 learn, with the factors 1 and 1/2; from then on the factor is zero."""
    rng = np.random.default_rng(2)
    weights = random_weights(rng, 8, 2, 3)
    U, Y = rng.normal(size=(10, 1, 2)), np.abs(rng.normal(size=(10, 1, 3)))
    # The types are some that the covering array compiles anyhow. RLS has no learning rate: it goes on.
    parts = {"cell": LeakyTanh(0.7), "loss": SoftmaxCrossEntropy(), "decorrelation": Whitening(0.01), "readout": RLS()}
    network = Engine(weights, LearnedFeedback(0.1, lags=1), **parts, schedule=Cosine(2, floor=0.0))
    seen = [network.weights()]
    for t in range(10):
        network.run(U[t : t + 1], Y[t : t + 1])
        seen.append(network.weights())
    for name in seen[0]:
        moved = [not np.array_equal(before[name], after[name]) for before, after in itertools.pairwise(seen)]
        if name in "BEc":
            assert all(moved)
        else:
            assert moved == [name != "R", True] + [False] * 8  # at step 0 nothing comes before R


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (Cosine(0), "steps is 0; it must be at least 1"),
        (Cosine(10, floor=1.5), "floor is 1.5"),
        (InverseTime(0), "steps is 0"),
        (Cosine, "pass an instance"),
        (0.5, "schedule is 0.5; it must be one of Constant, Cosine, "),
    ],
    ids=str,
)
def test_a_bad_schedule_is_named(schedule, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        OnlineLearner(1, 5, 1, schedule=schedule)
