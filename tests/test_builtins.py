"""Python's ``range``, ``min`` and ``max`` mean in kernels what they mean in Python."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from onlinernn.kernels.dispatch import ENTRY, FAST, compiled


def _visited(start: Any, stop: Any, step: Any, out: Any) -> int:
    count = 0
    for i in range(start, stop, step):
        out[count] = i
        count += 1
    return count


def _by_fours(start: Any, stop: Any, step: Any, out: Any) -> int:
    count = 0
    for i in range(start, stop, 4):
        out[count] = i
        count += 1
    return count


def _one_by_one(start: Any, stop: Any, step: Any, out: Any) -> int:
    count = 0
    for i in range(start, stop):
        if i == 7:
            break
        out[count] = i
        count += 1
    for i in range(stop):
        for j in range(i):
            out[count] = i - j
            count += 1
    return count


@pytest.mark.parametrize("loop", [_visited, _by_fours, _one_by_one])
@pytest.mark.parametrize(
    ("start", "stop", "step"), [(0, 8, 1), (1, 9, 4), (-3, 5, 3), (5, 2, 2), (2, 2, 1), (9, -4, -2)]
)
def test_loops_go_over_what_python_goes_over(loop: Callable[..., int], start: int, stop: int, step: int) -> None:
    wanted, out = np.zeros(99), np.zeros(99)
    count = loop(start, stop, step, wanted)
    assert compiled(**ENTRY)(loop)(start, stop, step, out) == count
    np.testing.assert_array_equal(out, wanted)


def test_loops_over_numbers_of_32_bits_and_unsigned_ones() -> None:
    @compiled(**ENTRY)
    def total(stop: Any) -> Any:
        found = stop - stop
        for i in range(stop):
            found += i
        return found

    assert [total(np.int32(5)), total(np.uint64(6)), total(7)] == [10, 15, 21]


def test_a_step_of_nothing_is_an_error() -> None:
    @compiled(**FAST)
    def loop(step: Any) -> int:
        count = 0
        for _ in range(0, 3, step):
            count += 1
        return count

    @compiled(**ENTRY)
    def outer(step: Any) -> int:
        return loop(step)  # type: ignore[no-any-return]

    assert outer(1) == 3
    with pytest.raises(ValueError, match="must not be zero"):
        outer(0)


def test_what_a_called_function_raises_comes_through() -> None:
    @compiled(**FAST)
    def inner(x: Any) -> Any:
        if x < 0:
            raise ValueError("negative")
        return 2 * x

    @compiled(**FAST)
    def between(x: Any) -> Any:
        return inner(x) + 1

    @compiled(**ENTRY)
    def outer(x: Any) -> Any:
        return between(x)

    assert outer(3) == 7
    with pytest.raises(ValueError, match="negative"):
        outer(-3)


def _extremes(a: Any, b: Any, c: Any) -> Any:
    return min(a, b), max(a, b), min(a, b, c), max(a, b, c)


@pytest.mark.parametrize(
    "numbers",
    [(1, 2, 3), (3, 2, 1), (2.5, 1, 2), (np.nan, 1.0, 2.0), (1.0, np.nan, 0.5), (np.float32(2), np.float32(1), 0)],
)
def test_the_least_and_the_greatest_are_those_of_python(numbers: Any) -> None:
    np.testing.assert_array_equal(compiled(**ENTRY)(_extremes)(*numbers), _extremes(*numbers))
