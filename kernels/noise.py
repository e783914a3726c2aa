"""Counter-based random numbers: a hash of (seed, tick, stream, copy, domain, site).

Nothing is stored. The order of evaluation does not matter, a noisy pass can be replayed, and a resumed run draws the
numbers that the uninterrupted one would have drawn. The hash is the output function of SplitMix64 (Steele, Lea and
Flood 2014, doi:10.1145/2660193.2660195); the site is its counter.

All arithmetic here is compiled without reordering or fused multiply-add, so that a draw has the same bits in the
kernel, in a kernel of another shape, and in plain Python.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from onlinernn.kernels.dispatch import EXACT, compiled, open_function

U64 = np.uint64

#: What a key is for: two domains never share a number.
NODE_HIDDEN, NODE_READOUT, SYNAPSE_RECURRENT, SYNAPSE_INPUT, SYNAPSE_READOUT = range(5)

# Sum of four 16-bit uniforms: centre and unit variance of the discrete distribution, then the cubic g = h (a + c h^2)
# that makes variance and kurtosis exactly those of a Gaussian (the sum alone has kurtosis 2.7).
_CENTRE = 131070.0
_SCALE = (12.0 / (4.0 * (65536.0**2 - 1.0))) ** 0.5
_LINEAR, _CUBIC = 0.9490355216213159, 0.018641505989028063


@compiled(**EXACT)
def mix(z: Any) -> Any:
    """Hash 64 bits to 64 bits (one SplitMix64 step)."""
    z = U64(z) + U64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> U64(30))) * U64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> U64(27))) * U64(0x94D049BB133111EB)
    return z ^ (z >> U64(31))


@compiled(**EXACT)
def key(seed: Any, tick: Any, stream: Any, copy: Any, domain: Any) -> Any:
    """Return the 64-bit key of one step, stream, copy and domain; its sites are numbered by :func:`site`."""
    where = (U64(stream) << U64(32)) | (U64(copy) << U64(8)) | U64(domain)
    return mix(mix(mix(U64(seed)) ^ U64(tick)) ^ where)


@compiled(**EXACT)
def site(base: Any, index: Any) -> Any:
    """Return the 64 random bits of one neuron or synapse under a key."""
    return mix(place_of(base, index))


@compiled(**EXACT)
def place_of(base: Any, index: Any) -> Any:
    """Return the place of a site: a key is that of site 0, and ``mix(place)`` its random bits."""
    return base + U64(index) * U64(0x9E3779B97F4A7C15)


@compiled(**EXACT)
def following(place: Any) -> Any:
    """Return the place of the site after that of `place`.

    A loop over sites that adds is four times as fast as one that multiplies: AVX-512 makes products of 64-bit numbers
    wait for each other unless they may overwrite what they multiply.
    """
    return place + U64(0x9E3779B97F4A7C15)


@compiled(**EXACT)
def _gaussian(bits: Any) -> Any:
    low = U64(0xFFFF)
    # int32 holds the sum of four 16-bit numbers, and its conversion vectorises where that of 64 bits does not
    total = np.int32((bits & low) + ((bits >> U64(16)) & low) + ((bits >> U64(32)) & low) + (bits >> U64(48)))
    h = (np.float64(total) - _CENTRE) * _SCALE
    return h * (_LINEAR + _CUBIC * (h * h))


class Gaussian(NamedTuple):
    """Gaussian noise of mean 0 and variance 1.

    A sum of four 16-bit uniforms with a cubic correction: mean, variance, skewness and kurtosis are those of the
    normal distribution, the largest value is 4.06. A draw costs about half a nanosecond.
    """


class Rademacher(NamedTuple):
    """Noise of +1 or -1 with equal probability: mean 0, variance 1."""


class Uniform(NamedTuple):
    """Uniform noise on (-sqrt(3), sqrt(3)): mean 0, variance 1."""


class LFSR(NamedTuple):
    """Noise as a chip makes it: a linear-feedback shift register that all neurons read in turn, one word each.

    The register goes through all numbers from 1 to ``N = 2^stages - 1`` and begins again. A word w is the noise
    ``(2 w - N - 1) sqrt(3 / (N^2 - 1))``: uniform, of mean 0 and variance 1 over the whole period.

    Parameters
    ----------
    stages
        Length of the register, in bits, 8 to 20.
    clocks
        Shifts from one word to the next, at least 1, without a divisor in common with ``2^stages - 1``. With fewer
        of them than stages, words that follow each other are alike.

    References
    ----------
    Taps of maximal length: Xilinx application note XAPP052.

    Examples
    --------
    >>> LFSR().stages
    16
    """

    stages: int = 16
    clocks: int = 16


class RandomTelegraph(NamedTuple):
    """Noise of a magnetic tunnel junction: a sign that turns now and then, with Gaussian noise on top.

    ``(s + thermal g) / sqrt(1 + thermal^2)``: mean 0, variance 1. The sign s turns with probability `switching` in a
    step: it lasts ``1 / switching`` steps on average, and the autocorrelation of the noise is
    ``(1 - 2 switching)^lag / (1 + thermal^2)``. Every neuron and output of every copy has a junction of its own. What
    a perturbation that tells of the next one does to a rule stands in ``docs/noise.md``.

    Nothing is stored: the sign is that of the last step in which it was drawn anew, which happens with probability
    ``2 switching``, and in every 4096th step.

    Parameters
    ----------
    switching
        Probability of a turn in a step, in (0, 0.5]; at 0.5 the signs of two steps are independent.
    thermal
        Standard deviation of the Gaussian part, in units of the telegraph's, >= 0.

    References
    ----------
    The defaults are those of the tunnel junctions of artcogsys, MTJ-Node-Perturbation (``default_config.yaml``:
    an offset of 5.93e-3, a Gaussian part of 9.08e-4).

    Examples
    --------
    >>> RandomTelegraph().switching
    0.0809
    """

    switching: float = 0.0809
    thermal: float = 0.153


class Recorded(NamedTuple):
    """Noise from a recording, which goes to the learner as ``recording``: numbers that are read in turn, and again.

    They are shifted and scaled to mean 0 and variance 1. Learners of different seeds begin at different places.
    """


@open_function()
def draw(noise: Any, bits: Any) -> Any:
    """Turn 64 random `bits`, or a number that was played, into one number of mean 0 and variance 1."""


@open_function(default=True)
def begin(noise: Any, sizes: Any, seed: Any, tick: Any, stream: Any, copy: Any, domain: Any) -> Any:
    """Return the place of site 0: the key of `seed`, `tick`, `stream`, `copy` and `domain`, or where a tape goes on.

    `sizes` are those of the learner.
    """
    return key(seed, tick, stream, copy, domain)


@open_function(default=True)
def bits_at(noise: Any, tape: Any, place: Any) -> Any:
    """Return the random bits at a `place`; what is played finds its number on the `tape` (1, L)."""
    return mix(place)


@open_function(default=True)
def step_on(noise: Any, tape: Any, place: Any) -> Any:
    """Return the place after `place`, that of the next site; `tape` is what is played."""
    return following(place)


@open_function(default=True)
def plays(noise: Any) -> Any:
    """Return whether a source plays numbers from a tape, in turn, and hashes nothing."""
    return False


@draw.register(Gaussian)
def _draw_gaussian(noise: Any, bits: Any) -> Any:
    return _gaussian(bits)


@draw.register(Rademacher)
def _draw_rademacher(noise: Any, bits: Any) -> Any:
    return np.float64(np.int32(bits >> U64(63)) * np.int32(2) - np.int32(1))


def _play(noise: Any, sizes: Any, seed: Any, tick: Any, stream: Any, copy: Any, domain: Any) -> Any:
    # A step takes `stride` numbers, which has no divisor in common with their count: so every site meets all of them.
    units, count = np.int64(sizes.hidden + sizes.outputs), np.int64(sizes.tape)
    first = np.int64(mix(U64(seed)) >> U64(1)) % count
    lane = np.int64(stream) * (np.int64(sizes.replicas) + np.int64(1)) + np.int64(copy)
    within = lane * units + (np.int64(sizes.hidden) if domain == NODE_READOUT else np.int64(0))
    return (first + np.int64(tick) % count * np.int64(sizes.stride) + within) % count


def _number_at(noise: Any, tape: Any, place: Any) -> Any:
    return tape[0, place]


def _next_number(noise: Any, tape: Any, place: Any) -> Any:
    return place + np.int64(1) if place + np.int64(1) < tape.shape[1] else np.int64(0)


def _is_played(noise: Any) -> Any:
    return True


def _draw_played(noise: Any, bits: Any) -> Any:
    return np.float64(bits)


for _source in (LFSR, Recorded):
    begin.register(_source)(_play)
    bits_at.register(_source)(_number_at)
    step_on.register(_source)(_next_number)
    plays.register(_source)(_is_played)
    draw.register(_source)(_draw_played)


@compiled(**EXACT)
def _uniform(bits: Any) -> Any:
    # 2^-31 (k + 1/2) - 1 over k = 0 .. 2^32 - 1, times sqrt(3)
    return ((np.float64(bits >> U64(32)) + 0.5) * 4.656612873077393e-10 - 1.0) * 1.7320508075688772


@begin.register(RandomTelegraph)
def _junctions(noise: Any, sizes: Any, seed: Any, tick: Any, stream: Any, copy: Any, domain: Any) -> Any:
    return key(seed, 0, stream, copy, domain), U64(tick)


@step_on.register(RandomTelegraph)
def _next_junction(noise: Any, tape: Any, place: Any) -> Any:
    return following(place[0]), place[1]


@bits_at.register(RandomTelegraph)
def _bits_of_junction(noise: Any, tape: Any, place: Any) -> Any:
    # The last bit of a hash is the sign, the others decide whether it is drawn anew.
    junction, then, anew = mix(place[0]), place[1], noise.switching * 2.0**64
    now = site(junction, then)
    bits = now
    while np.float64(np.int64(bits >> U64(1))) >= anew and (then & U64(4095)) > U64(0):
        then = then - U64(1)
        bits = site(junction, then)
    return (bits << U64(63)) | (now >> U64(1))


@draw.register(RandomTelegraph)
def _draw_telegraph(noise: Any, bits: Any) -> Any:
    sign = np.float64(np.int32(bits >> U64(63)) * np.int32(2) - np.int32(1))
    return (sign + noise.thermal * _gaussian(mix(bits << U64(1)))) / math.sqrt(1.0 + noise.thermal * noise.thermal)


@draw.register(Uniform)
def _draw_uniform(noise: Any, bits: Any) -> Any:
    return _uniform(bits)
