"""Cells and losses, against mathematics in higher precision."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numba import njit

from onlinernn.kernels.cells import LeakyTanh, Tanh, cell_step, tanh_float32
from onlinernn.kernels.losses import SoftmaxCrossEntropy, SquaredError, loss, loss_difference

LOSSES = [SquaredError(), SoftmaxCrossEntropy()]


@njit
def fast_tanh(x, out):
    for i in range(x.size):
        out[i] = tanh_float32(x[i])


@njit
def activities(cell, drives, x, out):
    for t in range(drives.shape[0]):
        for i in range(drives.shape[1]):
            out[t, i] = cell_step(cell, x, i, drives[t, i])


@njit
def loss_of(spec, y, target):
    return loss(spec, y, target)


@njit
def difference_of(spec, y, y_noisy, target):
    return loss_difference(spec, y, y_noisy, target)


def fast(x):
    out = np.empty_like(x)
    fast_tanh(x, out)
    return out


def run(cell, drives):
    out = np.empty_like(drives)
    activities(cell, drives, np.zeros((cell.n_vars, drives.shape[1]), drives.dtype), out)
    return out


def units(y, x):
    """Return the errors of tanh(x) in units in the last place."""
    exact = np.tanh(x.astype(np.float64))
    return np.abs(y - exact) / np.spacing(np.maximum(np.abs(exact), np.finfo(np.float32).tiny).astype(np.float32))


def falls(y) -> int:
    return int(np.sum(np.diff(y.astype(np.float64)) < 0))


def test_the_fast_tanh_is_within_its_bound() -> None:
    grid = np.linspace(-12, 12, 4_000_001, dtype=np.float32)
    every = np.arange(0, 2**32, 1009, dtype=np.uint64).astype(np.uint32).view(np.float32)  # all exponents, both signs
    for x in (grid, every[np.isfinite(every)]):
        y = fast(x)
        assert units(y, x).max() < 1
        assert np.abs(y).max() <= 1
        assert np.array_equal(fast(-x), -y)
    assert units(fast(grid), grid).max() > 0.6  # the twin: it is no correctly rounded function


def test_the_fast_tanh_never_falls() -> None:
    first, last = (int(np.float32(x).view(np.int32)) for x in (2.0**-14, 10.0))  # 145 million floats
    for start in np.linspace(first, last - 2**15, 400).astype(np.int32):
        x = np.arange(start, start + 2**15, dtype=np.int32).view(np.float32)  # each float of a window
        assert falls(fast(x)) == 0
    numbers = np.random.default_rng(0).integers(0, 2**31, 2_000_000).astype(np.int32).view(np.float32)
    x = np.sort(numbers[np.isfinite(numbers)])
    assert falls(fast(np.concatenate([-x[::-1], x]))) == 0
    window = np.arange(0x3F800000, 0x3F808000, dtype=np.int32).view(np.float32)
    exponentials = np.exp(2 * window)
    assert falls((exponentials - 1) / (exponentials + 1)) > 0  # the twin: the textbook's form, in float32


def test_the_fast_tanh_of_what_is_no_number() -> None:
    y = fast(np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 3e38, -3e38, 1e-45], np.float32))
    assert np.isnan(y[0])
    assert np.array_equal(y[1:], np.array([1, -1, 0, 0, 1, -1, 1e-45], np.float32))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_leak_of_one_is_the_plain_cell(dtype) -> None:
    drives = np.random.default_rng(0).normal(size=(50, 9)).astype(dtype)
    plain = run(Tanh(), drives)
    tolerance = 2 * np.finfo(dtype).eps  # x + (h - x) rounds
    assert np.abs(run(LeakyTanh(1.0), drives) - plain).max() <= tolerance
    assert np.abs(run(LeakyTanh(0.5), drives) - plain).max() > 0.1


def test_the_leaky_cell_is_its_equation() -> None:
    drives = np.random.default_rng(0).normal(size=(50, 9))
    x = np.zeros(9)
    for drive, got in zip(drives, run(LeakyTanh(0.3), drives), strict=True):
        x = 0.7 * x + 0.3 * np.tanh(drive)
        assert np.abs(got - x).max() < 1e-14


def test_exact_asks_for_the_tanh_of_the_library() -> None:
    drives = np.random.default_rng(0).normal(size=(400, 9)).astype(np.float32)
    exact = np.tanh(drives.astype(np.float64))
    assert np.abs(run(Tanh(exact=True), drives) - exact).max() < 1.2e-7
    assert not np.array_equal(run(Tanh(), drives), run(Tanh(exact=True), drives))


def exactly(spec, y, target) -> Decimal:
    """Compute the loss with the digits of the current decimal context, from the very bits of its arguments."""
    outputs, wanted = [Decimal(float(v)) for v in y], [Decimal(float(v)) for v in target]
    if isinstance(spec, SquaredError):
        return sum(((v - t) ** 2 for v, t in zip(outputs, wanted, strict=True)), Decimal(0))
    top = max(outputs)
    log_sum = top + sum((v - top).exp() for v in outputs).ln()
    return sum((t * (log_sum - v) for v, t in zip(outputs, wanted, strict=True)), Decimal(0))


def cases(dtype):
    width = 8 * np.dtype(dtype).itemsize
    numbers = st.floats(-4, 4, width=width)
    steps = st.integers(-1024, 1024).map(lambda k: k / 1024)  # none so small that sixty digits do not resolve it
    vectors = [arrays.arrays(dtype, 4, elements=e) for e in (numbers, steps, st.floats(0, 1, width=width))]
    return st.tuples(*vectors, st.integers(0, 7))


@pytest.mark.parametrize("spec", LOSSES, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_loss_difference_is_exact_where_a_plain_one_is_lost(spec, dtype) -> None:
    """Its error is a few units in the last place of the DIFFERENCE's own terms, not of the losses."""
    eps = float(np.finfo(dtype).eps)

    @given(case=cases(dtype))
    def check(case) -> None:
        y, step, target, digits = case
        y_noisy = y + step * dtype(10.0**-digits)
        moved = np.abs(y_noisy.astype(np.float64) - y).max()
        with localcontext() as context:
            context.prec = 60
            expected = float(exactly(spec, y_noisy, target) - exactly(spec, y, target))
            value = float(exactly(spec, y, target))
        got = difference_of(spec, y, y_noisy, target)
        assert abs(got - expected) <= 250 * eps * moved
        assert abs(loss_of(spec, y, target) - value) <= 20 * eps * max(1, value, np.abs(y).max())

    check()


def test_the_plain_difference_is_lost() -> None:
    """The twin: in float32 the subtraction of two losses gives nothing at a perturbation that the formula resolves."""
    y, target = np.array([0.3, -0.2, 0.9], np.float32), np.array([0.0, 0.0, 1.0], np.float32)
    y_noisy = y + np.float32(1e-7)
    y_noisy[0] = y[0]
    for spec in LOSSES:
        with localcontext() as context:
            context.prec = 60
            expected = float(exactly(spec, y_noisy, target) - exactly(spec, y, target))
        plain = loss_of(spec, y_noisy, target) - loss_of(spec, y, target)
        assert abs(difference_of(spec, y, y_noisy, target) / expected - 1) < 1e-3
        assert abs(plain / expected - 1) > 0.1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_logits_are_no_trouble(dtype) -> None:
    spec = SoftmaxCrossEntropy()
    y, target = np.array([1e4, -1e4, 0], dtype), np.array([0, 1, 0], dtype)
    assert loss_of(spec, y, target) == 2e4
    assert loss_of(spec, y, np.array([1, 0, 0], dtype)) == 0
    assert difference_of(spec, y, y + np.array([0, 1, 0], dtype), target) == -1
    assert difference_of(spec, y, y + dtype(1), target) == pytest.approx(0, abs=1e-6)


def test_a_target_that_is_a_distribution() -> None:
    y, target = np.array([0.2, 1.0, -3.0]), np.array([0.25, 0.5, 0.25])
    softmax = np.exp(y) / np.exp(y).sum()
    assert loss_of(SoftmaxCrossEntropy(), y, target) == pytest.approx(-(target * np.log(softmax)).sum(), rel=1e-14)
