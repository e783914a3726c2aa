"""Random bits: recall one of the past, or the XOR of two. The probes that tell learning rules apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from onlinernn.tasks.stream import Accuracy, Floats, Loss, Stream, require_integer


@dataclass(frozen=True)
class Recall:
    """Say again the random bit of ``back`` steps ago, or the product of it and the bits before it.

    The inputs are independent bits u_t = +1 or -1, so that nothing but memory helps::

        y*_t = u_{t - back} u_{t - back - 1} ...          ``factors`` of them

    One factor is recall, which a linear filter with back + 1 taps does exactly. Two are the XOR of two bits (of signs,
    the product is one), of which no linear filter knows anything: it takes memory and a nonlinearity at once, and
    chance is 50 %. Every epoch holds bits never shown before and the test has bits of its own seed.

    Parameters
    ----------
    back : int
        Steps from the newest bit that is asked for to its question; 0 is the bit of the row itself.
    factors : int
        How many successive bits are multiplied.
    length, test_length : int
        Time steps of an epoch and of the test stream. Their first back + factors - 1 rows have no target.

    Raises
    ------
    ValueError, TypeError
        If a number is out of its range, or a stream so short that no row has a target.

    Examples
    --------
    >>> stream = Recall(back=2, length=6).train(seed=0)
    >>> stream.inputs.ravel()
    array([ 1.,  1.,  1., -1., -1., -1.])
    >>> stream.targets.ravel()
    array([nan, nan,  1.,  1.,  1., -1.])
    """

    back: int = 10
    factors: int = 1
    length: int = 5000
    test_length: int = 5000

    n_in: ClassVar[int] = 1
    n_out: ClassVar[int] = 1
    loss: ClassVar[Loss] = "squared_error"
    target_delay: ClassVar[int] = 0
    resets: ClassVar[bool] = True
    fresh: ClassVar[bool] = True
    accuracy: ClassVar[Accuracy] = "sign"

    def __post_init__(self) -> None:
        require_integer("back", self.back, 0)
        require_integer("factors", self.factors, 1)
        for name in ("length", "test_length"):
            require_integer(name, getattr(self, name), self.back + self.factors)

    @property
    def name(self) -> str:
        """What is asked for."""
        return {1: "recall", 2: "xor"}.get(self.factors, f"parity-{self.factors}")

    def train(self, seed: int, epoch: int = 0) -> Stream:
        """Return the bits of one epoch: others for every seed and epoch.

        Parameters
        ----------
        seed : int
            Of the stream, at least 0.
        epoch : int
            Counted from 0.
        """
        return self._stream(np.random.default_rng([seed, 0, epoch]), self.length)

    def test(self, seed: int) -> Stream:
        """Return bits that share no seed with any training stream.

        Parameters
        ----------
        seed : int
            Of the training stream that they belong to, at least 0.
        """
        return self._stream(np.random.default_rng([seed, 1]), self.test_length)

    def _stream(self, rng: np.random.Generator, steps: int) -> Stream:
        bits = random_bits(rng, steps)
        targets = np.ones((steps, 1))
        for lag in range(self.back, self.back + self.factors):
            targets *= delayed(bits, lag)
        return Stream(bits, targets, ~np.isnan(targets[:, 0]))


def xor(back: int = 5, length: int = 5000, test_length: int = 5000) -> Recall:
    """Return the XOR of the bits ``back`` and ``back + 1`` steps ago.

    Parameters
    ----------
    back, length, test_length : int
        As for ``Recall``, like the errors.

    Examples
    --------
    >>> stream = xor(back=1, length=5).train(seed=0)
    >>> stream.inputs.ravel(), stream.targets.ravel()
    (array([ 1.,  1.,  1., -1., -1.]), array([nan, nan,  1.,  1., -1.]))
    """
    return Recall(back, 2, length, test_length)


def random_bits(rng: np.random.Generator, steps: int) -> Floats:
    """Return independent bits +1 and -1 as a column (steps, 1).

    Parameters
    ----------
    rng : numpy Generator
        Their source.
    steps : int
        How many.
    """
    return rng.choice(np.array([-1.0, 1.0]), (steps, 1))


def delayed(rows: Floats, lag: int) -> Floats:
    """Return every row ``lag`` rows later; the first ``lag`` are NaN.

    Parameters
    ----------
    rows : array, shape (T, k)
        At least ``lag`` of them.
    lag : int
        At least 0.
    """
    late = np.full_like(rows, np.nan)
    late[lag:] = rows[: len(rows) - lag]
    return late
