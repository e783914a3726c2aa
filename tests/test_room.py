"""Room: where a write can take no device to a limit none is looked for, and nothing else may change."""

import math
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onlinernn import ANP, OnlineLearner, Quantise, Saturate, SoftBounds, Stochastic, Stuck, Substrate, Wrap
from onlinernn.kernels.arrays import Devices, Every, Some, write_two_rows
from onlinernn.kernels.effects import WRITE_R, bites, effect, keys, place, through_counting
from onlinernn.kernels.layout import N_TALLY_SUBSTRATE, ROOM
from onlinernn.kernels.room import has_room
from onlinernn.snapshot import named_arrays

rng = np.random.default_rng(5)
U = rng.normal(size=(300, 2))
Y = np.tanh(U[:, :1] - 0.5 * np.roll(U[:, 1:], 1, axis=0))
GRID = Quantise(2.0**-7, Stochastic())
LIMITS = (Saturate(-0.5, 0.5),)
CHAINS = {
    "saturate": (GRID, Saturate(-0.5, 0.5)),
    "wrap": (GRID, Wrap(-0.6, 0.6)),
    "limits only": LIMITS,
    "rounded after": (Saturate(-0.5, 0.5), Quantise(2.0**-12)),
}
NONE_STUCK = Stuck(0.0)  # changes no number, but nobody told how far it moves one


def learner_of(chain: Any, rate: float, dtype: Any) -> OnlineLearner:
    substrate = Substrate(write=chain, scale_input=8.0, scale_recurrent=2.0, scale_readout=8.0)
    return OnlineLearner(2, 20, 1, rule=ANP(rate, 0.01, sigma=0.03), substrate=substrate, seed=4, dtype=dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CHAINS)
def test_limits_that_are_not_reached_change_no_bit(name, dtype):
    draw = np.random.default_rng(3)
    rows, pre = draw.uniform(-0.4, 0.4, (2, 37)).astype(dtype), draw.uniform(0.1, 1, 37).astype(dtype)
    a, b = draw.normal(size=(2, 37)).astype(dtype)
    seen = []
    for change in (Every(), Some()):
        tally, own = np.zeros(N_TALLY_SUBSTRATE, np.int64), rows.copy()
        planes, writing = np.zeros((0, 37), dtype), keys(3, 5, 0, 0, 0, WRITE_R)
        of = Devices(CHAINS[name], (), 1.0, planes, 2, 5, writing, (writing, writing))
        shares = dtype(0.01), dtype(-0.02)
        drives = write_two_rows(change, of, (0, 1), own[0], own[1], shares, pre, pre, 74, a, b, tally)
        seen.append((own, tally, np.array(drives)))
    (own, tally, drives), (others, other_tally, other_drives) = seen
    assert np.array_equal(own, others)
    assert not np.array_equal(own, rows)
    assert np.array_equal(tally, other_tally)
    np.testing.assert_allclose(drives, other_drives, rtol=1e-5)  # sums may be taken in another order


@pytest.mark.parametrize("name", ["saturate", "limits only"])
def test_nothing_depends_on_room(name):
    """At the lower rate there is room in most steps, at the higher one devices reach their limits."""
    for rate, least, most in ((1e-4, 150, 300), (0.3, 0, 150)):
        usual, wary = (learner_of(chain, rate, np.float32) for chain in (CHAINS[name], (*CHAINS[name], NONE_STUCK)))
        roomy = 0
        for u, y in zip(U, Y, strict=True):
            usual.step(u, y)
            wary.step(u, y)
            roomy += usual._tally[ROOM] > 0
            assert wary._tally[ROOM] == 0
        assert least <= roomy <= most
        bound, same = (learner.report()["bound_weight"] for learner in (usual, wary))
        assert (bound > 0) == (rate == 0.3)
        assert abs(bound - same) <= 0.1 * bound
        for one, other in zip(usual.weights.values(), wary.weights.values(), strict=True):
            assert np.mean(np.abs(one - other)) <= 1e-3 * np.mean(np.abs(other))


def test_a_learner_that_is_saved_keeps_its_room(tmp_path):
    whole = learner_of(LIMITS, 1e-4, np.float32)
    whole.run(U[:100], Y[:100])
    whole.save(tmp_path / "a.npz")
    resumed = OnlineLearner.load(tmp_path / "a.npz")
    assert resumed._tally[ROOM] == whole._tally[ROOM] > 0
    whole.run(U[100:], Y[100:])
    resumed.run(U[100:], Y[100:])
    arrays = named_arrays(resumed)
    assert all(np.array_equal(array, arrays[name]) for name, array in named_arrays(whole).items())


def test_weights_set_from_outside_have_to_find_room_anew():
    usual, wary = (learner_of(chain, 1e-4, np.float32) for chain in (LIMITS, (*LIMITS, NONE_STUCK)))
    usual.run(U[:100], Y[:100])
    wary.run(U[:100], Y[:100])
    assert usual._tally[ROOM] > 0
    assert usual.report()["bound_weight"] == 0
    for learner in (usual, wary):
        learner.set_weights(R=np.full((20, 20), 1.0))  # at the limits of the devices: 2 times 0.5
        learner.run(U[:100], Y[:100])
    assert usual._tally[ROOM] == 0
    assert usual.report()["bound_weight"] == wary.report()["bound_weight"] > 1000


sizes = st.integers(1, 9)


@given(
    st.integers(0, 2**32 - 1), sizes, st.floats(0, 0.2), st.sampled_from([0.5, 1.0, 4.0]), st.sampled_from(list(CHAINS))
)
def test_what_has_room_reaches_no_limit(seed, n, size, scale, name):
    chain, draw = CHAINS[name], np.random.default_rng(seed)
    rows = (scale * draw.uniform(-0.4, 0.4, (n, n))).astype(np.float32)
    signal, pre = (draw.normal(0, math.sqrt(scale * size), n).astype(np.float32) for _ in range(2))
    tally, least = np.zeros(N_TALLY_SUBSTRATE, np.int64), np.zeros(n, np.float32)
    if has_room(chain, scale, rows, signal, pre, least, tally):
        states = rows / np.float32(scale)
        for i in range(n):
            for j in range(n):
                here = place(seed, 0, 0, 0, 0, 32, i * n + j, np.float32(0))
                states[i, j] += signal[i] * pre[j] / np.float32(scale)
                states[i, j], limited = through_counting(chain, (states[i, j], False), here)
                assert not limited
        low, high = (getattr(next(one for one in chain if hasattr(one, "low")), end) for end in ("low", "high"))
        assert tally[ROOM] / 2.0**40 <= min((states - low).min(), (high - states).min()) + 1e-6


class Hidden(NamedTuple):
    """A limit of a user's own, who did not tell where it is."""


@bites.register(Hidden)
def _hidden(spec: Any, x: Any, here: Any) -> Any:
    return x > 0.1


class Shift(NamedTuple):
    """An effect of a user's own that has no limit."""


@effect.register(Shift)
def _shift(spec: Any, x: Any, here: Any) -> Any:
    return x + 1


def test_what_is_not_known_is_looked_for():
    rows, one = np.zeros((2, 2), np.float32), np.full(2, 1e-3, np.float32)
    tally, least = np.zeros(N_TALLY_SUBSTRATE, np.int64), np.zeros(2, np.float32)

    def found(*chain: Any, signal: Any = one) -> bool:
        tally[ROOM] = 0
        return bool(has_room(chain, 1.0, rows, signal, one, least, tally))

    assert found(GRID, Saturate(-1.0, 1.0))
    assert not found(GRID, Saturate(-1.0, 1.0), Hidden())
    assert not found(Hidden())
    assert not found(Shift(), Saturate(-1.0, 1.0))
    assert found(Shift())  # there is no limit
    assert found(SoftBounds())  # its bounds shrink steps, which is no limit
    assert not found(SoftBounds(), Saturate(-1.0, 1.0))
    assert not found(GRID, Saturate(-1.0, 1.0), signal=np.full(2, np.nan, np.float32))
