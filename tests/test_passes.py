"""The passes over a weight matrix, each beside what NumPy makes of the same numbers."""

from typing import Any

import numpy as np
import pytest

from onlinernn.kernels import passes
from onlinernn.kernels.decorrelation import Decorrelation, Whitening, learn_rows
from onlinernn.kernels.layout import block_rows


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape)


@pytest.mark.parametrize("step", [1, 3])
@pytest.mark.parametrize("lanes", range(13))
def test_every_copy_reads_its_own_activity(lanes: int, step: int) -> None:
    rows, x, out = numbers(5, 9), numbers(lanes, 9), np.full((lanes, 8), np.nan)
    passes.multiply_lanes(rows, 2, x, out, step)
    np.testing.assert_allclose(out[::step, 2:7], x[::step] @ rows.T, rtol=1e-12)
    untouched = np.ones(out.shape, bool)
    untouched[::step, 2:7] = False
    assert np.isnan(out[untouched]).all()


@pytest.mark.parametrize("count", [1, 4, 5])
@pytest.mark.parametrize("streams", [1, 3, 4, 6])
def test_weights_learn_from_all_streams(count: int, streams: int) -> None:
    rows, signal, pre = numbers(count, 9), numbers(streams, 8), numbers(streams + 2, 9)
    expected = rows - signal[:, 2 : 2 + count].T @ pre[1 : 1 + streams]
    passes.learn_streams(rows, 2, signal, pre, 1)
    np.testing.assert_allclose(rows, expected, rtol=1e-12)


@pytest.mark.parametrize("registers", ["as here", "many", "few"])
@pytest.mark.parametrize("spec", [Decorrelation(1e-2), Whitening(1e-1)], ids=str)
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8])
def test_to_learn_decorrelation_and_use_it_in_one_pass_is_to_do_one_after_the_other(
    spec: Any, count: int, registers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn_and_mix = passes.learn_and_mix
    if registers != "as here":  # what other processors do, in plain Python
        monkeypatch.setattr(passes, "MANY_REGISTERS", registers == "many")
        learn_and_mix = getattr(learn_and_mix, "py_func", learn_and_mix)
    n, lo = 9, 1
    together, w, q, rate = numbers(count, n), numbers(1, n), numbers(1, n)[:, ::-1].copy(), np.full((1, 1), 0.03)
    before, apart, x, total = together.copy(), together.copy(), numbers(2, n), numbers(n)
    out, expected = np.full((2, n), np.nan), total.copy()
    learn_and_mix(spec, together, lo, w, q, rate, x[0], x[1], out[0], out[1], total)
    learn_rows(spec, apart, lo, w, q, rate)
    expected += apart.T @ (apart @ x[0])
    np.testing.assert_allclose(together, apart, rtol=1e-12)
    np.testing.assert_allclose(out[:, lo : lo + count], x @ apart.T, rtol=1e-12)
    np.testing.assert_allclose(total, expected, rtol=1e-12)
    assert np.abs(together - before).max() > 1e-3
    assert np.isnan(out[:, :lo]).all()


@pytest.mark.parametrize("spec", [Decorrelation(1e-2), Whitening(1e-1)], ids=str)
def test_to_learn_from_zeros_leaves_every_bit_of_decorrelation(spec: Any) -> None:
    rows, zero, x, out = numbers(7, 7), np.zeros((1, 7)), numbers(2, 7), np.zeros((3, 7))
    before = rows.copy()
    passes.learn_and_mix(spec, rows, 0, zero, zero, zero, x[0], x[1], *out)
    assert rows.tobytes() == before.tobytes()
    assert np.abs(out).min() > 0


def test_no_row_of_the_matrix_shrinks_by_more_than_a_tenth_in_one_pass() -> None:
    rows, zero = numbers(4, 5), np.zeros((1, 5))
    before, wild = rows.copy(), np.full((1, 1), -1e6)
    passes.learn_and_mix(Decorrelation(), rows, 0, np.ones((1, 5)), zero, wild, *numbers(2, 5), *np.zeros((3, 5)))
    np.testing.assert_allclose(rows, 0.9 * before)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 100, 500, 1000, 5000])
def test_blocks_have_a_whole_number_of_four_rows(n: int) -> None:
    assert block_rows(n) % 4 == 0
    assert block_rows(n) >= min(n, 8)
