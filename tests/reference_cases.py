"""Random networks and streams for the tests of the reference algorithms."""

import numpy as np

N_IN, N_HIDDEN, N_OUT = 2, 5, 3
NAMES = ["A", "R", "b", "B", "c"]


def some_weights(rng, n=N_HIDDEN, d=N_IN, m=N_OUT, D=False, E=False):
    weights = {
        "A": rng.normal(size=(n, d)),
        "R": rng.normal(size=(n, n)) / np.sqrt(n),
        "b": 0.3 * rng.normal(size=n),
        "B": rng.normal(size=(m, n)),
        "c": rng.normal(size=m),
    }
    if D:
        weights["D"] = np.eye(n) + 0.3 * rng.normal(size=(n, n))
    if E:
        weights["E"] = rng.normal(size=(m, d))
    return weights


def plain_stream(steps, seed=6):
    """Inputs and targets, none of them missing."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(steps, N_IN)), rng.normal(size=(steps, N_OUT))


def relative_error(got, expected):
    return np.linalg.norm(got - expected) / np.linalg.norm(expected)
