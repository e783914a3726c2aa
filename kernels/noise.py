"""Counter-based random numbers: a hash of (seed, tick, stream, copy, domain, site).

Nothing is stored. The order of evaluation does not matter, a noisy pass can be replayed, and a resumed run draws the
numbers that the uninterrupted one would have drawn. The hash is the output function of SplitMix64 (Steele, Lea and
Flood 2014, doi:10.1145/2660193.2660195); the site is its counter.

All arithmetic here is compiled without reordering or fused multiply-add, so that a draw has the same bits in the
kernel, in a kernel of another shape, and in plain Python.
"""

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
    return mix(base + U64(index) * U64(0x9E3779B97F4A7C15))


@compiled(**EXACT)
def following(place: Any) -> Any:
    """Return the place of the site after that of `place`; a key is the place of site 0, and ``mix(place)`` its bits.

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


@open_function()
def draw(noise: Any, bits: Any) -> Any:
    """Turn 64 random `bits` into one number of mean 0 and variance 1."""


@draw.register(Gaussian)
def _draw_gaussian(noise: Any, bits: Any) -> Any:
    return _gaussian(bits)


@draw.register(Rademacher)
def _draw_rademacher(noise: Any, bits: Any) -> Any:
    return np.float64(np.int32(bits >> U64(63)) * np.int32(2) - np.int32(1))


@compiled(**EXACT)
def _uniform(bits: Any) -> Any:
    # 2^-31 (k + 1/2) - 1 over k = 0 .. 2^32 - 1, times sqrt(3)
    return ((np.float64(bits >> U64(32)) + 0.5) * 4.656612873077393e-10 - 1.0) * 1.7320508075688772


@draw.register(Uniform)
def _draw_uniform(noise: Any, bits: Any) -> Any:
    return _uniform(bits)
