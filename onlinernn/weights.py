"""The weights of a learner under the names that the paper gives them."""

from typing import Any

import numpy as np


def named_weights(params: Any, sizes: Any, bias: bool) -> dict[str, np.ndarray]:
    """Return views of the weights.

    Parameters
    ----------
    params
        The arrays as the kernels keep them.
    sizes
        Their sizes.
    bias
        Whether b and c exist.

    Returns
    -------
    dict
        A (n, d), R (n, n), B (m, n), with a link from input to output E (m, d), with biases b (n,) and c (m,), with
        decorrelation D (n, n).
    """
    n, d = sizes.hidden, sizes.inputs
    views = {"A": params.A[:d].T, "R": params.R.view(), "B": params.B[:, :n]}
    if sizes.linked:
        views["E"] = params.B[:, n : n + d]
    if bias:
        views |= {"b": params.A[d], "c": params.B[:, -1]}
    return {**views, "D": params.D.view()} if sizes.decorrelated else views
