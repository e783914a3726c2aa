"""Arrays that are held behave in compiled code as they do in Python."""

from typing import Any

import numpy as np
import pytest

from onlinernn.kernels.dispatch import ENTRY, FAST, compiled
from onlinernn.kernels.held import Held, released


@compiled(**FAST)
def _corner(x: Any) -> Any:
    return x[0, 0] + x[-1, -1]


def _look(held: Any, i: Any, out: Any) -> None:
    x, v, flags = released(held)
    out[0], out[1], out[2] = x[i, -1], x[-i][1], x[i - 2, i - 1]
    out[3], out[4], out[5] = x.shape[0], x.size, len(x[i])
    out[6], out[7] = x[:, 1][-1], x[1:3].shape[0]
    out[8], out[9] = v[np.uint32(i)], v[np.int8(-i)]
    out[10], out[11] = x[1:][0, i], _corner(x[1:3])
    out[12], out[13] = flags[i], x.reshape(2, 6)[1, i]
    out[14] = x.T[i, 0]
    x[i, 1] = 50
    x[-1] = 3
    x[0][i] += 4
    v[-1], flags[-1] = 9.7, v[0] > 100
    x[1, 0:2] = 7


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
@pytest.mark.parametrize("i", [1, 2])
def test_elements_rows_and_slices(dtype: Any, i: int) -> None:
    results = []
    for look in (_look, compiled(**ENTRY)(_look)):
        x, v = np.arange(12, dtype=dtype).reshape(4, 3), np.arange(5, dtype=dtype)
        flags, out = np.array([False, True, True]), np.zeros(15)
        look(Held((x, v, flags)), i, out)
        results.append((x, v, flags, out))
    for plain, fast in zip(*results, strict=True):
        np.testing.assert_array_equal(fast, plain)


def test_an_array_that_is_read_only_stays_so() -> None:
    x = np.zeros(3)
    x.flags.writeable = False

    @compiled(**ENTRY)
    def write(held: Any) -> None:
        (x,) = released(held)
        x[0] = 1

    with pytest.raises(Exception, match=r"read-only|readonly"):
        write(Held((x,)))
