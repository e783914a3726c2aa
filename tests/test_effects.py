"""Every effect by itself: its range, its moments over many draws, and what it depends on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onlinernn import (
    Asymmetry,
    DeviceBounds,
    Drift,
    Leak,
    Lost,
    Mismatch,
    Nearest,
    Noise,
    PhaseChange,
    PulsedUpdate,
    Quantise,
    Saturate,
    SoftBounds,
    Stochastic,
    StochasticShared,
    Stuck,
    TelegraphNoise,
    Truncate,
    TwinMismatch,
    Wrap,
    WriteError,
    WriteNoise,
)
from onlinernn.kernels import effects
from onlinernn.kernels.arrays import Devices, find_made
from onlinernn.kernels.dispatch import LOOP, compiled

MANY = 100_000
values = st.floats(-3.0, 3.0, width=32)
steps = st.sampled_from([2.0**-7, 2.0**-3, 1 / 126, 0.1])

#: What is tested here is made anew for each test, which a kernel may not do.
ALLOCATING = {**LOOP, "_nrt": True}


@compiled(**ALLOCATING)
def _through(chain, x, tick, copy, age):
    out = np.empty_like(x)
    zero = x.dtype.type(0)
    start = effects.place(7, tick, 0, copy, copy, effects.WRITE_R, 0, zero)
    for i in range(x.size):
        out[i] = effects.through(
            chain,
            x[i],
            effects.along(
                start, effects.hop(start, i), x.dtype.type(age), x.dtype.type(tick) - x.dtype.type(age), x[i]
            ),
        )
    return out


@compiled(**ALLOCATING)
def _change(chain, dw, stored, tick):
    out = np.empty_like(dw)
    start = effects.place(7, tick, 0, 0, 0, effects.WRITE_R, 0, dw.dtype.type(0))
    for i in range(dw.size):
        out[i] = effects.changed(
            chain, dw[i], effects.along(start, effects.hop(start, i), dw.dtype.type(0), dw.dtype.type(0), stored[i])
        )
    return out


@compiled(**ALLOCATING)
def _age(chain, x):
    out = np.empty_like(x)
    start = effects.place(7, 1, 0, 0, 0, effects.WRITE_R, 0, x.dtype.type(0))
    for i in range(x.size):
        out[i] = effects.aged(
            chain, x[i], effects.along(start, effects.hop(start, i), x.dtype.type(0), x.dtype.type(0), x[i])
        )
    return out


def through(chain, x, tick=1, copy=0, age=0.0):
    return _through(chain, np.atleast_1d(np.asarray(x, np.float32)), tick, copy, age)


def change(chain, dw, stored=0.0, tick=1):
    dw = np.atleast_1d(np.asarray(dw, np.float32))
    return _change(chain, dw, np.broadcast_to(np.float32(stored), dw.shape), tick)


@pytest.mark.parametrize("rounding", [Nearest(), Truncate(), Stochastic(), StochasticShared()])
@given(x=values, step=steps)
@settings(max_examples=60, deadline=None)
def test_rounding_goes_to_a_neighbour_and_stays_there(rounding, x, step):
    chain = (Quantise(step, rounding),)
    once = through(chain, x)
    assert np.array_equal(through(chain, once, tick=2), once)
    distance = abs(float(once[0]) - x) / step
    assert distance <= (0.5 if isinstance(rounding, Nearest) else 1.0) + 1e-5
    if isinstance(rounding, Truncate):
        assert abs(once[0]) <= abs(x) + 1e-6


@pytest.mark.parametrize("x", [0.3, -0.7, 2.0**-12])
def test_stochastic_rounding_has_the_right_mean(x):
    step = 0.25
    drawn = through((Quantise(step, Stochastic()),), np.full(MANY, x))
    spread = step * np.sqrt((x / step) % 1 * (1 - (x / step) % 1))
    assert drawn.mean() == pytest.approx(x, abs=4 * spread / np.sqrt(MANY))
    assert drawn.std() == pytest.approx(spread, rel=0.15)


def test_rounding_by_chance_of_two_devices_is_independent():
    """In every pair of 60 devices over 4000 steps, and of any of them in successive steps."""
    chain = (Quantise(1.0, Stochastic()),)
    drawn = np.array([through(chain, np.full(60, 0.3), tick=t) for t in range(4000)], np.float64)
    z = (drawn - 0.3) / np.sqrt(0.3 * 0.7)
    together = z.T @ z / len(z)
    later = z[1:].T @ z[:-1] / len(z)
    assert np.diag(together) == pytest.approx(1.0, abs=0.15)
    assert np.abs(together - np.diag(np.diag(together))).max() < 5 / np.sqrt(len(z))
    assert np.abs(later).max() < 5 / np.sqrt(len(z))


@pytest.mark.parametrize("rounding", [Stochastic(), StochasticShared()])
def test_rounding_by_chance_of_two_effects_of_a_chain_is_independent(rounding):
    """In every pair of 60 devices over 4000 steps, the same device and successive steps among them.

    What comes out tells of both: 1.3 becomes 1 or 2, of which 1 becomes 0.6 or 1.2, and 2 becomes 1.8 or 2.4.
    """
    chain = (Quantise(1.0, rounding), Quantise(0.6, rounding))
    drawn = np.array([through(chain, np.full(60, 1.3), tick=t) for t in range(4000)], np.float64)
    first, p = drawn > 1.5, np.where(drawn > 1.5, 1 / 3, 2 / 3)
    second = np.rint(drawn / 0.6) % 2 == 0
    z, z_second = (first - 0.3) / np.sqrt(0.3 * 0.7), (second - p) / np.sqrt(p * (1 - p))
    assert [z.mean(), z_second.mean()] == pytest.approx([0.0, 0.0], abs=5 / np.sqrt(len(z)))
    assert np.abs(z.T @ z_second / len(z)).max() < 5 / np.sqrt(len(z))
    assert np.abs(z[1:].T @ z_second[:-1] / len(z)).max() < 5 / np.sqrt(len(z))


def test_shared_rounding_moves_all_devices_together():
    chain = (Quantise(1.0, StochasticShared()),)
    steps = np.array([through(chain, np.full(8, 0.3), tick=t) for t in range(2000)])
    assert np.array_equal(steps, np.repeat(steps[:, :1], 8, axis=1))
    assert steps[:, 0].mean() == pytest.approx(0.3, abs=0.04)
    assert len(np.unique(through((Quantise(1.0, Stochastic()),), np.full(8, 0.5)))) == 2


@given(x=values)
@settings(max_examples=60, deadline=None)
def test_limits_hold(x):
    assert -0.5 <= through((Saturate(-0.5, 1.0),), x)[0] <= 1.0
    wrapped = through((Wrap(-0.5, 1.0),), x)[0]
    assert -0.5 <= wrapped <= 1.0
    assert (x - wrapped) / 1.5 == pytest.approx(round((x - wrapped) / 1.5), abs=1e-5)


def test_chains_act_in_their_order():
    assert through((Saturate(-1.0, 1.0), Quantise(0.4)), 5.0)[0] == pytest.approx(0.8)
    assert through((Quantise(0.4), Saturate(-1.0, 1.0)), 5.0)[0] == pytest.approx(1.0)


def test_noise_is_fresh_and_has_its_spread():
    chain = (Noise(0.5),)
    first, second, other = (through(chain, np.ones(MANY), *when) for when in ((1, 0), (2, 0), (1, 1)))
    assert first.mean() == pytest.approx(1.0, abs=0.01)
    assert first.std() == pytest.approx(0.5, rel=0.01)
    for drawn in (second, other):
        assert abs(np.corrcoef(first, drawn)[0, 1]) < 0.02
    assert np.array_equal(first, through(chain, np.ones(MANY)))


def test_the_same_seed_gives_the_same_chip():
    chain = (Mismatch(0.1, 0.2),)
    ones = np.ones(MANY)
    drawn = through(chain, ones)
    assert np.array_equal(drawn, through(chain, ones, tick=9, copy=1))
    assert drawn.std() == pytest.approx(np.hypot(0.1, 0.2), rel=0.02)
    assert through(chain, 2 * ones).std() == pytest.approx(np.hypot(0.2, 0.2), rel=0.02)
    twins = (TwinMismatch(0.1, 0.2),)
    clean, noisy = through(twins, ones), through(twins, ones, copy=1)
    assert np.array_equal(clean, through(twins, ones, tick=9))
    assert abs(np.corrcoef(clean, noisy)[0, 1]) < 0.02
    assert clean.std() == pytest.approx(np.hypot(0.1, 0.2), rel=0.02)


def test_two_effects_of_a_chain_draw_apart():
    both = through((Noise(1.0), Noise(1.0)), np.zeros(MANY))
    assert both.std() == pytest.approx(np.sqrt(2), rel=0.02)


def test_telegraph_noise_has_its_mean_spread_and_memory():
    chain = (TelegraphNoise(0.0421, 5.93e-3, 0.0809, 9.08e-4),)
    drawn = np.array([through(chain, np.zeros(4000), tick=10_000 + t) for t in range(11)], np.float64)
    assert drawn.mean() == pytest.approx(0.0421, abs=1e-3 * 0.0421 * 10)
    assert drawn.std() == pytest.approx(np.hypot(5.93e-3, 9.08e-4), rel=0.02)
    share = 5.93e-3**2 / (5.93e-3**2 + 9.08e-4**2)
    for lag in (1, 5, 10):
        found = np.corrcoef(drawn[0], drawn[lag])[0, 1]
        assert found == pytest.approx(share * (1 - 2 * 0.0809) ** lag, abs=0.05)


def test_telegraph_noise_that_hardly_ever_turns_stays():
    chain = (TelegraphNoise(0.0, 1.0, 1e-6),)
    drawn = np.array([through(chain, np.zeros(1000), tick=3 * 4096 + t) for t in (0, 1000, 4095, 4096)])
    assert set(np.unique(drawn)) == {-1.0, 1.0}
    for later in drawn[1:3]:  # within 4096 steps; one in 500 devices turns
        assert np.mean(drawn[0] == later) > 0.97
    assert np.mean(drawn[0] == drawn[3]) < 0.6


def test_messages_get_lost_together():
    rows = np.array([through((Lost(0.3),), np.ones(4), tick=t) for t in range(2000)])
    assert np.array_equal(rows, np.repeat(rows[:, :1], 4, axis=1))
    assert rows.mean() == pytest.approx(0.7, abs=0.04)


@pytest.mark.parametrize(("dw", "cycle"), [(0.002, 0.0), (0.02, 0.5), (-0.02, 3.0)])
def test_pulses_match_their_mean_and_spread(dw, cycle):
    drawn = change((PulsedUpdate(0.001, cycle=cycle),), np.full(MANY, dw))
    n, p = 31, abs(dw) / 0.031
    spread = 0.001 * np.sqrt(n * p * (1 - p + cycle**2))
    assert drawn.mean() == pytest.approx(dw, abs=5 * spread / np.sqrt(MANY))
    assert drawn.std() == pytest.approx(spread, rel=0.02)


@compiled(**ALLOCATING)
def _all_changed(of, number, row, share, wanted):
    out = np.empty_like(row)
    zero = row.dtype.type(0)
    start = effects.beginning(of.writing, number, zero)
    for j in range(row.size):
        here = effects.along(start, effects.hop(start, j), zero, zero, row[j])
        out[j] = effects.changed(of.write, share * wanted[j], here) if wanted[j] != zero else zero
    return out


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "chain",
    [
        (PulsedUpdate(0.001, 0.3, 0.3), Asymmetry(0.1, 0.05), SoftBounds(-1.0, 1.0, 0.1)),
        (Asymmetry(0.9), PulsedUpdate(0.001), Saturate(-1.0, 1.0)),
        (WriteNoise(1e-4), PulsedUpdate(0.001, length=3)),
        (PulsedUpdate(0.001), WriteNoise(1e-4)),  # no noise of a write without a pulse
        (PulsedUpdate(0.001), PulsedUpdate(0.002)),
    ],
    ids=lambda chain: "-".join(type(one).__name__ for one in chain),
)
def test_pulses_that_are_found_first_are_those_of_the_chain(chain, dtype):
    """For changes of a millionth of a pulse to ten pulses, whatever comes before the pulses or after them."""
    draw = np.random.default_rng(5)
    row = draw.uniform(-0.5, 0.5, 20_000).astype(dtype)
    wanted = (draw.choice([-1.0, 0.0, 1.0], row.size) * 10.0 ** draw.uniform(-6.0, 1.0, row.size)).astype(dtype)
    keys = effects.keys(7, 3, 0, 0, 0, effects.WRITE_R)
    of = Devices(chain, (), 1.0, np.zeros((1, 1), dtype), 1, 3, keys, (keys, keys))
    found, share = np.empty_like(row), dtype(0.001)
    find_made(of, 5, row, share, wanted, found)
    whole = _all_changed(of, 5, row, share, wanted)
    np.testing.assert_array_equal(found, whole)
    assert 1000 < np.count_nonzero(found) < 15_000
    in_place = wanted.copy()
    find_made(of, 5, row, share, in_place, in_place)
    np.testing.assert_array_equal(in_place, whole)


def test_pulses_are_whole_limited_and_of_each_device_its_own():
    drawn = change((PulsedUpdate(0.001),), np.full(MANY, 0.005)) / np.float32(0.001)
    np.testing.assert_allclose(drawn, np.rint(drawn), atol=1e-4)
    np.testing.assert_allclose(change((PulsedUpdate(0.001, length=10),), [0.5, -0.5]), [0.01, -0.01], rtol=1e-5)
    full = [change((PulsedUpdate(0.001, dtod=0.3),), np.ones(1000), tick=t) for t in (1, 2)]
    assert np.array_equal(*full)
    assert full[0].std() / full[0].mean() == pytest.approx(0.3, rel=0.1)


def test_asymmetry_and_soft_bounds_scale_the_change():
    np.testing.assert_allclose(change((Asymmetry(0.25),), [0.1, -0.1]), [0.125, -0.075], rtol=1e-6)
    soft = (SoftBounds(-0.5, 1.0),)
    np.testing.assert_allclose(change(soft, [0.1, -0.1], stored=0.5), [0.05, -0.2], rtol=1e-6)
    np.testing.assert_allclose(change(soft, [0.1], stored=1.0), [0.0], atol=1e-9)
    assert change((Asymmetry(0.0, dtod=0.1),), np.ones(MANY)).std() == pytest.approx(0.1, rel=0.02)


def test_write_noise_has_its_spread():
    assert change((WriteNoise(0.3),), np.full(MANY, 0.1)).std() == pytest.approx(0.3, rel=0.02)


def test_write_errors_stay_until_the_next_write():
    chain = (WriteError(0.3),)
    first = through(chain, np.zeros(MANY), tick=9, age=4.0)
    assert first.std() == pytest.approx(0.3, rel=0.02)
    assert np.array_equal(first, through(chain, np.zeros(MANY), tick=11, copy=1, age=6.0))
    again = through(chain, np.zeros(MANY), tick=11, age=0.0)
    assert abs(np.corrcoef(first, again)[0, 1]) < 0.02


def test_bounds_differ_from_device_to_device():
    high = through((DeviceBounds(-1.0, 1.0, high_dtod=0.2),), np.full(MANY, 9.0))
    assert high.mean() == pytest.approx(1.0, rel=0.01)
    assert high.std() == pytest.approx(0.2, rel=0.02)
    assert np.all(through((DeviceBounds(-1.0, 1.0, high_dtod=0.2),), np.full(9, -9.0)) == -1.0)


def test_what_leaks_goes_to_rest():
    x = np.full(MANY, 1.0, np.float32)
    np.testing.assert_allclose(_age((Leak(10.0, rest=0.5),), x), 0.95, rtol=1e-6)
    assert _age((Leak(1e6, dtod=0.3),), x).min() < 1.0
    assert np.array_equal(_age((Noise(0.1),), x), x)


def test_drift_follows_its_power_law():
    assert through((Drift(0.05),), 1.0, age=0.0)[0] == 1.0
    assert through((Drift(0.05),), 1.0, age=180.0)[0] == pytest.approx(10.0**-0.05, rel=1e-5)
    late = through((Drift(0.05, dtod=0.01),), np.ones(MANY), age=180.0)
    assert np.log10(late).std() == pytest.approx(0.01, rel=0.02)


def test_phase_change_drifts_and_is_noisy():
    x = np.full(MANY, 0.5)
    drawn = through((PhaseChange(1.0),), x, age=180.0)
    nu = 0.049
    noise = 0.0088 / 0.5**0.65 * np.sqrt(np.log((200.0 + 250e-9) / 500e-9))
    assert np.median(drawn) == pytest.approx(0.5 * 10.0**-nu, rel=0.01)
    assert drawn.std() / drawn.mean() == pytest.approx(np.hypot(noise, 0.008 * np.log(10)), rel=0.05)


def test_stuck_devices_stay():
    first, second = (through((Stuck(0.2, -1.0, 1.0),), np.full(MANY, x)) for x in (5.0, 7.0))
    stuck = first != 5.0
    assert stuck.mean() == pytest.approx(0.2, abs=0.005)
    assert np.array_equal(first[stuck], second[stuck])
    assert first[stuck].mean() == pytest.approx(0.0, abs=0.02)
    assert np.all(through((Stuck(1.0),), [3.0]) == 0.0)


@pytest.mark.parametrize("chain", [(), (Noise(0.0), Mismatch(), TwinMismatch(), Lost(0.0), Stuck(0.0))])
def test_effects_of_size_zero_do_nothing(chain):
    x = np.linspace(-2, 2, 101, dtype=np.float32)
    assert np.array_equal(through(chain, x), x)
