"""Counts as formulas in n, d and m: found by counting networks of several sizes, and shown to hold for others."""

import itertools
from collections.abc import Callable

import numpy as np

NAMES = "ndm"
#: The exponents of n, d, m in each term, the largest first.
_TERMS = sorted(
    (powers for powers in itertools.product(range(3), repeat=3) if sum(powers) <= 2),
    key=lambda powers: (-sum(powers), -powers[0], -powers[1]),
)


def formula(count: Callable[[int, int, int], int]) -> str:
    """Return the polynomial of degree 2 that a count is.

    Parameters
    ----------
    count
        From n, d, m to a number.

    Raises
    ------
    ValueError
        If the count is no such polynomial.

    Examples
    --------
    >>> formula(lambda n, d, m: n * (n + d + 1) + 3 * m * (n + 1))
    'n² + nd + 3nm + n + 3m'
    """
    sizes = list(itertools.product((3, 5, 8), (1, 2, 4), (1, 2, 3)))
    matrix = np.array([[np.prod(np.power(size, powers)) for powers in _TERMS] for size in sizes], float)
    counted = np.array([count(*size) for size in sizes], float)
    found = np.linalg.lstsq(matrix, counted, rcond=None)[0].round().astype(int)
    if not np.array_equal(matrix @ found, counted):
        raise ValueError("the count is no polynomial of degree 2 in n, d, m")
    terms = [_term(int(c), powers) for c, powers in zip(found, _TERMS, strict=True) if c]
    return " + ".join(terms).replace("+ -", "- ") or "0"


def _term(coefficient: int, powers: tuple[int, ...]) -> str:
    letters = "".join(name + "²" * (power == 2) for name, power in zip(NAMES, powers, strict=True) if power)
    return f"{'' if coefficient == 1 and letters else coefficient}{letters}"
