"""Noise that is played from a tape: the words of a shift register, or a recording."""

import functools
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from onlinernn.kernels.noise import LFSR, Recorded, begin, plays
from onlinernn.kernels.rules import source, synapse_sigma

#: Taps of registers of maximal length, by the number of stages (Xilinx XAPP052).
TAPS = {
    8: (8, 6, 5, 4),
    9: (9, 5),
    10: (10, 7),
    11: (11, 9),
    12: (12, 6, 4, 1),
    13: (13, 4, 3, 1),
    14: (14, 5, 3, 1),
    15: (15, 14),
    16: (16, 15, 13, 4),
    17: (17, 14),
    18: (18, 11),
    19: (19, 6, 2, 1),
    20: (20, 17),
}


@functools.cache
def words(register: LFSR) -> np.ndarray:
    """Return the words of a shift register over its whole period, from the one after 1 on.

    A shift takes the exclusive or of the taps (tap k is bit ``k - 1``) in at bit 0.

    Parameters
    ----------
    register
        The register.

    Examples
    --------
    >>> words(LFSR(stages=8, clocks=1))[:9].tolist()
    [2, 4, 8, 17, 35, 71, 142, 28, 56]
    """
    period = 2**register.stages - 1
    each, state = np.empty(period, np.int64), 1
    for k in range(period):
        bit = 0
        for tap in TAPS[register.stages]:
            bit ^= state >> (tap - 1)
        state = (state << 1 | bit & 1) & period
        each[k] = state
    taken: np.ndarray = each[(register.clocks * np.arange(1, period + 1) - 1) % period]
    taken.flags.writeable = False
    return taken


def read_recording(given: Any) -> np.ndarray:
    """Return a recording at mean 0 and variance 1.

    Parameters
    ----------
    given
        Numbers, or the path of a text file with a number in each line or of a ``.npy`` file; None: no numbers.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If there are fewer than 2 numbers, one of them is none or not finite, or all are the same.

    Examples
    --------
    >>> read_recording([1.0, 3.0]).tolist()
    [-1.0, 1.0]
    """
    if given is None:
        return np.zeros(0)
    if isinstance(given, (str, os.PathLike)):
        where, numbers = os.fspath(given), _read(given)
    else:
        where, numbers = "recording", np.asarray(given, np.float64).ravel()
    if len(numbers) < 2:
        raise ValueError(f"{where} holds {len(numbers)} numbers; a recording has at least 2")
    if not np.isfinite(numbers).all():
        first = int(np.flatnonzero(~np.isfinite(numbers))[0])
        raise ValueError(f"{where}: number {first + 1} is {numbers[first]}; a recording holds finite numbers only")
    spread = float(numbers.std())
    if not spread > 1e-12 * float(np.abs(numbers).max()):
        raise ValueError(f"{where} holds the same number {len(numbers)} times; noise has to vary")
    scaled: np.ndarray = (numbers - numbers.mean()) / spread
    return scaled


def _read(path: str | os.PathLike[str]) -> np.ndarray:
    where = os.fspath(path)
    if where.endswith(".npy"):
        try:
            loaded: np.ndarray = np.load(path, allow_pickle=False).astype(np.float64).ravel()
        except (ValueError, EOFError) as error:
            raise ValueError(f"{where} is no whole .npy file of numbers: {error}") from None
        return loaded
    numbers = []
    with Path(path).open(encoding="utf-8") as file:
        for k, line in enumerate(file):
            try:
                numbers.append(float(line))
            except ValueError:
                raise ValueError(f"{where}: line {k + 1} is {line.strip()!r}; each line holds one number") from None
    return np.array(numbers)


def tape_sizes(rule: Any, recorded: int, per_step: int) -> tuple[int, int]:
    """Return how many numbers the noise source of a rule plays, and how many of them a step takes.

    A step takes at least as many as it has use for, and so many that every neuron meets all numbers in time.

    Parameters
    ----------
    rule
        The rule, ready for the kernels.
    recorded
        How many numbers are recorded, or 0.
    per_step
        How many numbers a step has use for.

    Raises
    ------
    ValueError
        If there is a recording that nothing plays, or none to play; if it is too short; if the rule cannot take noise
        from that source.

    Examples
    --------
    >>> from onlinernn import NP
    >>> tape_sizes(NP(noise=LFSR(stages=8)), 0, 17)
    (255, 19)
    """
    noise = getattr(rule, "noise", None)
    if recorded and not isinstance(noise, Recorded):
        raise ValueError("a recording was given, but the rule does not play it: use noise=Recorded() in the rule")
    if noise is None or type(noise) not in begin.open.implementations:
        return 0, 0
    name = type(rule).__name__
    if type(rule) in synapse_sigma.open.implementations:
        raise ValueError(
            f"{name} takes the noise of its weights from a table of independent draws, fresh in every step; {noise} "
            "cannot be had there: use Gaussian(), Rademacher() or Uniform(), or a rule that perturbs neurons, NP or ANP"
        )
    if type(rule) not in source.open.implementations:
        raise ValueError(f"{name} does not tell its source: register onlinernn.kernels.rules.source for {noise}")
    if not plays(noise):
        return 0, 0
    if isinstance(noise, Recorded):
        count, remedy = recorded, "record more"
        if not count:
            raise ValueError("noise is Recorded(), but there is no recording: OnlineLearner(..., recording='FILE')")
    else:
        count, remedy = 2**noise.stages - 1, "use more stages"
        if math.gcd(noise.clocks, count) != 1:
            raise ValueError(
                f"LFSR: clocks is {noise.clocks}, which has a divisor in common with the period {count}, so that some "
                f"words would never come; use {noise.stages if math.gcd(noise.stages, count) == 1 else 1}"
            )
    if count < per_step:
        raise ValueError(
            f"{noise} plays {count} numbers, and a step takes {per_step}: neurons would share them; {remedy}"
        )
    return count, next(k for k in range(per_step, per_step + count + 1) if math.gcd(k, count) == 1)


def numbers_of(noise: Any, recording: np.ndarray, *, whole: bool) -> np.ndarray:
    """Return what stands on the tape.

    Parameters
    ----------
    noise
        LFSR or Recorded.
    recording
        The recording, at mean 0 and variance 1.
    whole
        Whether the words of a register stand there as integers, ``2 w - 2^stages``.
    """
    if isinstance(noise, Recorded):
        return recording
    centred: np.ndarray = 2 * words(noise) - 2**noise.stages
    return centred if whole else centred / spread(noise)


def spread(register: LFSR) -> float:
    """Return the standard deviation of ``2 w - 2^stages`` over the words w of a register.

    Parameters
    ----------
    register
        The register.
    """
    return math.sqrt(((2.0**register.stages - 1) ** 2 - 1) / 3)
