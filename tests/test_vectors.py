"""The loop over the columns of a few rows: compiled, beside its meaning in NumPy, at widths around those of vectors."""

from typing import Any

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

from onlinernn.kernels import passes
from onlinernn.kernels.vectors import sweep

WIDTHS = [1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 100]
PRECISIONS = [np.float32, np.float64]


@njit
def everything(rows: Any, keep: Any, signal: Any, pre: Any, x: Any, gain: Any, out: Any) -> Any:
    factors, others = (pre[0], pre[1]), (x[0], x[1], x[2])
    kept, learnt = (keep[0], keep[1]), (signal[0], signal[1], signal[2], signal[3])
    return sweep(rows, (2, 0), kept, learnt, factors, others, (1, 2), (gain[0], gain[1]), out)


@njit
def products(rows: Any, x: Any) -> Any:
    return sweep(rows, (1,), (), (), (), (x[0],), (), (), None)


@njit
def mixed(rows: Any, gain: Any, out: Any) -> Any:
    return sweep(rows, (), (), (), (), (), (0, 2), (gain[0], gain[1]), out)


def fenced(rows: int, n: int, kind: type) -> tuple[np.ndarray, np.ndarray]:
    """Return a matrix of random numbers, and the memory around it, which begins at no boundary and holds NaN."""
    memory = np.full(rows * n + 41, np.nan, kind)
    matrix = memory[1 : 1 + rows * n].reshape(rows, n)
    matrix[...] = np.random.default_rng(n).standard_normal((rows, n))
    return matrix, memory


def plain(rows: Any, keep: Any, signal: Any, pre: Any, x: Any, gain: Any, out: Any) -> tuple[Any, ...]:
    return sweep(rows, (2, 0), tuple(keep), tuple(signal), tuple(pre), tuple(x), (1, 2), tuple(gain), out)


@pytest.mark.parametrize("kind", PRECISIONS, ids=["float32", "float64"])
@pytest.mark.parametrize("n", WIDTHS)
def test_compiled_it_does_what_it_means(n: int, kind: type) -> None:
    draw, near = np.random.default_rng(n), {"rtol": 0, "atol": 200 * np.finfo(kind).eps}
    keep, signal, gain = (draw.standard_normal(size).astype(kind) for size in (2, 4, 2))
    pre, x = (draw.standard_normal((size, n)).astype(kind) for size in (2, 3))
    (rows, fence), (out, other_fence) = fenced(3, n, kind), fenced(1, n, kind)
    wanted, wanted_out = rows.copy(), out[0].copy()
    expected = plain(wanted, keep, signal, pre, x, gain, wanted_out)
    found = everything(rows, keep, signal, pre, x, gain, out[0])
    assert [type(one) for one in found] == [float] * 6
    np.testing.assert_allclose(found, expected, **near)
    np.testing.assert_allclose(rows, wanted, **near)
    np.testing.assert_allclose(out[0], wanted_out, **near)
    for memory, size in ((fence, 3 * n), (other_fence, n)):
        assert np.isnan(memory[[0, *range(1 + size, memory.size)]]).all()


@pytest.mark.parametrize("n", WIDTHS)
def test_what_is_left_out_changes_nothing(n: int) -> None:
    rows, _ = fenced(3, n, np.float32)
    before, x, gain = rows.copy(), rows[::-1].copy(), np.float32([0.5, -2.0])
    np.testing.assert_allclose(products(rows, x), [rows[1] @ x[0]], rtol=1e-5, atol=1e-5)
    out = x[1].copy()
    assert mixed(rows, gain, out) == ()
    np.testing.assert_allclose(out, x[1] + 0.5 * rows[0] - 2.0 * rows[2], rtol=1e-5, atol=1e-5)
    assert rows.tobytes() == before.tobytes()


@pytest.mark.parametrize("n", [7, 32, 65])
def test_integers_wrap_around(n: int) -> None:
    rows = np.random.default_rng(n).integers(-9, 9, (2, n)).astype(np.int16)
    assert products(rows, rows[:1]) == (int(rows[1].astype(int) @ rows[0]),)
    rows[...] = 1000
    assert products(rows, rows[:1]) == (np.int64(n * 1_000_000).astype(np.int16),)


@pytest.mark.parametrize("function", [products, products.py_func], ids=["compiled", "plain"])
def test_of_no_columns_all_sums_are_0(function: Any) -> None:
    assert function(np.ones((2, 0)), np.ones((1, 0))) == (0.0,)
    assert passes.dot(np.ones(0), np.ones(0)) == 0.0


@pytest.mark.parametrize("other", [np.zeros((2, 14))[:, ::2], np.zeros((1, 7), np.float32)], ids=["strided", "float32"])
def test_arrays_of_another_kind_do_not_compile(other: np.ndarray) -> None:
    with pytest.raises(TypingError, match="sweep"):
        products(np.ones((2, 7)), other)


def test_what_is_read_only_can_be_multiplied() -> None:
    rows = np.ones((2, 5))
    rows.flags.writeable = False
    assert products.py_func(rows, np.ones((1, 5))) == (5.0,)


def test_in_plain_python_it_is_the_update_and_then_the_products() -> None:
    rows = np.float64([[1, 2], [3, 4]])
    made = sweep(rows, (1,), (0.5,), (2.0,), (np.float64([1, 0]),), (np.float64([1, 1]),), (), (), None)
    assert rows.tolist() == [[1, 2], [-0.5, 2]]
    assert made == (1.5,)
