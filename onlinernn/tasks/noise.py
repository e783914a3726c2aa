"""Noise in the targets: what cannot be learnt, and must do no harm."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from onlinernn.tasks.derived import DerivedTask
from onlinernn.tasks.stream import Loss, Stream, require_integer, target_variance


@dataclass(frozen=True)
class NoisyTargets(DerivedTask):
    """A task whose TRAINING targets are observed with noise; its test is clean and all else is the task's own.

    To every training target independent Gaussian noise is added, with ``share`` times the variance of the scored
    targets of the task's first epoch (mean over the outputs). It comes from the seed of the stream, and from the epoch
    where every epoch is fresh: where the task repeats its stream, the noise is repeated as well. ``last_known`` is left
    as it is.

    Parameters
    ----------
    task : Task
        With squared error; noise makes no probabilities.
    share : float
        Variance of the noise divided by that of the targets, at least 0.

    Raises
    ------
    ValueError
        If the share is negative or not finite, or the task trains with softmax cross-entropy.

    Notes
    -----
    NMSE is divided by the variance of the training targets, noise included: about 1 + share times the clean one.

    Examples
    --------
    >>> from onlinernn.tasks.bits import Recall
    >>> clean = Recall(length=5000)
    >>> noisy = NoisyTargets(clean, 0.3)
    >>> print(f"{np.nanvar(noisy.train(seed=0).targets - clean.train(seed=0).targets):.2f}")
    0.30
    >>> bool((noisy.test(seed=0).inputs == clean.test(seed=0).inputs).all()), noisy.name, noisy.back
    (True, 'recall', 10)
    """

    share: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.share) and self.share >= 0):
            raise ValueError(f"share must be finite and at least 0, not {self.share}")
        if self.task.loss != "squared_error":
            raise ValueError(
                f"noise on the targets needs a task with squared error, not {self.task.loss}: "
                "a target with noise is no probability"
            )

    def train(self, seed: int, epoch: int = 0) -> Stream:
        """Return the task's training stream with noise on its targets.

        Parameters
        ----------
        seed : int
            Of the stream and of the noise, at least 0.
        epoch : int
            Counted from 0.
        """
        clean = self.task.train(seed, epoch)
        rng = np.random.default_rng([seed, 2, epoch if self.task.fresh else 0])
        deviation = math.sqrt(self.share * target_variance(self.task.train(seed, 0)))
        targets = clean.targets + deviation * rng.standard_normal(clean.targets.shape)
        return Stream(clean.inputs, targets, clean.scored, clean.last_known)


@dataclass(frozen=True)
class WhiteNoise:
    """Gaussian inputs, and Gaussian targets that have nothing to do with them: there is nothing to learn.

    Inputs and targets have mean 0 and variance 1. The best prediction is 0 and scores NMSE 1; whatever is above it is
    the harm done by learning. Every epoch is fresh and the test has a seed of its own.

    Parameters
    ----------
    length, test_length : int
        Time steps of an epoch and of the test stream.

    Raises
    ------
    ValueError, TypeError
        If a number is out of its range.

    Examples
    --------
    >>> stream = WhiteNoise(length=5000).train(seed=0)
    >>> print(f"{target_variance(stream):.1f}, {abs((stream.inputs * stream.targets).mean()):.1f}")
    1.0, 0.0
    """

    length: int = 5000
    test_length: int = 5000

    name: ClassVar[str] = "white-noise"
    n_in: ClassVar[int] = 1
    n_out: ClassVar[int] = 1
    loss: ClassVar[Loss] = "squared_error"
    target_delay: ClassVar[int] = 0
    resets: ClassVar[bool] = True
    fresh: ClassVar[bool] = True
    accuracy: ClassVar[None] = None

    def __post_init__(self) -> None:
        require_integer("length", self.length, 2)
        require_integer("test_length", self.test_length, 1)

    def train(self, seed: int, epoch: int = 0) -> Stream:
        """Return the noise of one epoch: other noise for every seed and epoch.

        Parameters
        ----------
        seed : int
            Of the stream, at least 0.
        epoch : int
            Counted from 0.
        """
        return _noise(np.random.default_rng([seed, 0, epoch]), self.length)

    def test(self, seed: int) -> Stream:
        """Return noise that shares no seed with any training stream.

        Parameters
        ----------
        seed : int
            Of the training stream that it belongs to, at least 0.
        """
        return _noise(np.random.default_rng([seed, 1]), self.test_length)


def _noise(rng: np.random.Generator, steps: int) -> Stream:
    inputs, targets = rng.standard_normal((2, steps, 1))
    return Stream(inputs, targets, np.ones(steps, bool))
