"""The passes over a weight matrix, each beside what NumPy makes of the same numbers."""

import numpy as np
import pytest

from onlinernn.kernels import passes
from onlinernn.kernels.decorrelation import Decorrelation, learn_rows
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


def test_no_row_of_the_matrix_shrinks_by_more_than_a_tenth_in_one_pass() -> None:
    rows, zero = numbers(4, 5), np.zeros((1, 5))
    before, wild = rows.copy(), np.full((1, 1), -1e6)
    learn_rows(Decorrelation(), rows, 0, np.ones((1, 5)), zero, wild)
    np.testing.assert_allclose(rows, 0.9 * before)


@pytest.mark.parametrize("n", [1, 2, 3, 7, 100, 500, 1000, 5000])
def test_blocks_have_a_whole_number_of_four_rows(n: int) -> None:
    assert block_rows(n) % 4 == 0
    assert block_rows(n) >= min(n, 8)
