"""The weights that a network starts with."""

import numpy as np

# Above this size the spectral radius comes from the circular law instead of an O(n^3) eigenvalue computation.
_LARGEST_EXACT = 500


def reservoir(
    n_in: int, n_hidden: int, spectral_radius: float, input_scale: float, bias_scale: float, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw input weights, recurrent weights and biases.

    ``A ~ N(0, input_scale^2 2 / (n_in + n_hidden))`` (Glorot and Bengio 2010, times the scale), b likewise, and R with
    independent Gaussian entries, scaled to the spectral radius: exactly up to 500 units, above that by the circular law
    (``1 / sqrt(n)`` entries have radius 1 as n grows).

    Parameters
    ----------
    n_in, n_hidden
        Sizes.
    spectral_radius
        Largest absolute eigenvalue of R.
    input_scale, bias_scale
        Scales of A and of b.
    seed
        Seed of the draw.

    Returns
    -------
    A : (n_hidden, n_in) array
    R : (n_hidden, n_hidden) array
    b : (n_hidden,) array

    Examples
    --------
    >>> A, R, b = reservoir(2, 50, spectral_radius=0.9, input_scale=1.0, bias_scale=0.0, seed=0)
    >>> round(float(abs(np.linalg.eigvals(R)).max()), 6)
    0.9
    """
    draw = np.random.default_rng(seed)
    width = np.sqrt(2.0 / (n_in + n_hidden))
    A = input_scale * width * draw.standard_normal((n_hidden, n_in))
    R = draw.standard_normal((n_hidden, n_hidden)) / np.sqrt(n_hidden)
    b = bias_scale * width * draw.standard_normal(n_hidden)
    if spectral_radius == 0.0 or n_hidden > _LARGEST_EXACT:
        return A, spectral_radius * R, b
    return A, R * (spectral_radius / np.abs(np.linalg.eigvals(R)).max()), b
