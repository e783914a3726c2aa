"""A stream whose mapping changes as it goes: what a frozen model cannot follow and a learning one can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from onlinernn.tasks.bits import delayed, random_bits
from onlinernn.tasks.stream import Loss, Stream, require_integer


@dataclass(frozen=True)
class Drifting:
    """Recall of random bits where the bit that is asked for changes slowly, or all of a sudden, and for ever.

    The inputs are independent bits u_t = +1 or -1, the target is a mixture of two of the past::

        y*_t = cos(phi_t) u_{t - near} + sin(phi_t) u_{t - far}          phi_t = 2 pi t / period

    With ``sudden`` the mixture has four values only, each for a quarter of the period: u_{t - near}, u_{t - far},
    -u_{t - near}, -u_{t - far}. The phase goes on from epoch to epoch. Over whole periods every fixed mapping scores
    the target variance at best (NMSE 1): to do better means to learn all along, so that the PREQUENTIAL score is the
    one to read. Every epoch holds bits never shown before and the test, which begins at phase 0, has bits of its own.

    Parameters
    ----------
    near, far : int
        Steps back of the two bits; they must differ.
    period : int
        Steps after which the mapping is the first one again.
    sudden : bool
        True: the mapping switches at every quarter of the period. False: it drifts.
    length, test_length : int
        Time steps of an epoch and of the test stream. With a length of whole periods the test goes on with the mapping
        with which the training ends.

    Raises
    ------
    ValueError, TypeError
        If a number is out of its range, or a stream so short that no row has a target.

    Examples
    --------
    >>> task = Drifting(near=1, far=2, period=8, length=8, sudden=True)
    >>> stream = task.train(seed=0)
    >>> stream.inputs.ravel()
    array([ 1.,  1.,  1., -1., -1., -1., -1., -1.])
    >>> stream.targets.ravel()  # from row 2 on: the far bit twice, the near one turned round twice, the far one so
    array([nan, nan,  1.,  1.,  1.,  1.,  1.,  1.])
    """

    near: int = 1
    far: int = 3
    period: int = 5000
    sudden: bool = False
    length: int = 5000
    test_length: int = 5000

    n_in: ClassVar[int] = 1
    n_out: ClassVar[int] = 1
    loss: ClassVar[Loss] = "squared_error"
    target_delay: ClassVar[int] = 0
    resets: ClassVar[bool] = True
    fresh: ClassVar[bool] = True
    accuracy: ClassVar[None] = None

    def __post_init__(self) -> None:
        require_integer("near", self.near, 0)
        require_integer("far", self.far, 0)
        if self.near == self.far:
            raise ValueError(f"near and far must be different numbers of steps, not both {self.near}")
        require_integer("period", self.period, 4)
        for name in ("length", "test_length"):
            require_integer(name, getattr(self, name), max(self.near, self.far) + 1)

    @property
    def name(self) -> str:
        """How the mapping changes."""
        return "switching" if self.sudden else "drifting"

    def train(self, seed: int, epoch: int = 0) -> Stream:
        """Return the bits of one epoch, others for every seed and epoch, with the phase where the epoch before left it.

        Parameters
        ----------
        seed : int
            Of the stream, at least 0.
        epoch : int
            Counted from 0.
        """
        return self._stream(np.random.default_rng([seed, 0, epoch]), self.length, epoch * self.length)

    def test(self, seed: int) -> Stream:
        """Return bits that share no seed with any training stream, from phase 0 on.

        Parameters
        ----------
        seed : int
            Of the training stream that they belong to, at least 0.
        """
        return self._stream(np.random.default_rng([seed, 1]), self.test_length, 0)

    def _stream(self, rng: np.random.Generator, steps: int, first: int) -> Stream:
        bits = random_bits(rng, steps)
        turn = ((first + np.arange(steps)[:, None]) % self.period) / self.period
        angle = 0.5 * np.pi * np.floor(4.0 * turn) if self.sudden else 2.0 * np.pi * turn
        targets = np.cos(angle) * delayed(bits, self.near) + np.sin(angle) * delayed(bits, self.far)
        return Stream(bits, targets, ~np.isnan(targets[:, 0]))


def switching(every: int = 2500, length: int = 5000, test_length: int = 5000) -> Drifting:
    """Return the stream of ``Drifting`` whose mapping switches every so many steps.

    Parameters
    ----------
    every : int
        Steps from one switch to the next.
    length, test_length : int
        As for ``Drifting``, like the errors.

    Examples
    --------
    >>> switching(every=1000).name
    'switching'
    """
    return Drifting(period=4 * require_integer("every", every, 1), sudden=True, length=length, test_length=test_length)
