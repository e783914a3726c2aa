"""Values behind one address arrive in compiled code as they are."""

from collections import namedtuple

import numpy as np
import pytest
from numba import njit

from onlinernn import ANP, NP
from onlinernn.kernels.held import Held, released


def test_numbers_and_arrays_arrive() -> None:
    @njit
    def sums(held):
        (first, flag, (large, small, bits)), (matrix, cube), nothing = released(held)
        matrix[1, 2] += 1
        return first, flag, large, small, bits, matrix.sum(), cube[1, 2, 3], cube.shape, len(nothing)

    matrix, cube = np.ones((2, 3), np.float32), np.arange(24).reshape(2, 3, 4)
    value = ((0.1, True, (2**61 + 1, -5, np.uint64(2**63 + 5))), (matrix, cube), ())
    assert sums(Held(value)) == (0.1, True, 2**61 + 1, -5, 2**63 + 5, 7, 23, (2, 3, 4), 0)
    assert matrix[1, 2] == 2
    assert released(Held(value)) is value


def test_what_is_held_within_is_found() -> None:
    @njit
    def total(held):
        (matrix, number), rule, last = released(held)
        return matrix.sum() + number + rule.sigma + last

    inner = Held((np.ones((2, 3)), 5))
    assert total(Held((inner, ANP(sigma=0.25), 2.0))) == 13.25
    assert total(Held((inner, ANP(sigma=0.5), 2.0))) == 13.5
    assert released(Held((inner, 7))) == (inner.value, 7)


def test_fields_of_a_named_tuple_are_loaded_where_they_are_used() -> None:
    @njit
    def spread(spec, other):
        return spec.noise[0] * spec.rows[1] + spec.deep.sigma * other

    @njit
    def both(held):
        return spread(released(held)[0], 2.0)

    spec = namedtuple("Spec", ["deep", "rows", "noise"])(ANP(sigma=0.25), np.arange(3.0), (4, 1))
    assert both(Held((spec,))) == 4.5


def test_parts_keep_their_types() -> None:
    @njit
    def sigma(held):
        return released(held).sigma

    assert sigma(Held(ANP(sigma=0.25))) == 0.25
    assert sigma(Held(NP(sigma=0.5))) == 0.5
    assert len(sigma.signatures) == 2  # one for each type of part
    assert sigma(Held(ANP(sigma=0.125))) == 0.125
    assert len(sigma.signatures) == 2  # none for another number


def test_what_is_not_contiguous_is_refused() -> None:
    with pytest.raises(ValueError, match="contiguous"):
        Held((np.ones((4, 4))[:, ::2],))
