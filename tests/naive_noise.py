"""The counter-based noise in plain Python integers and floats: an oracle that imports no kernel.

The hash is SplitMix64 (Steele, Lea and Flood 2014, doi:10.1145/2660193.2660195), written from its publication.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15
NODE_HIDDEN, NODE_READOUT, SYNAPSE_RECURRENT, SYNAPSE_INPUT, SYNAPSE_READOUT = range(5)

Noise = Callable[[int, int, int, int, Any], float]


def split_mix(z: int) -> int:
    z = (z + GOLDEN) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def random_bits(seed: int, tick: int, stream: int, copy: int, domain: int, site: int) -> int:
    """Hash a place in the run to 64 bits: seed, tick, then (stream, copy, domain); the site is a counter."""
    return split_mix((key_of(seed, tick, stream, copy, domain) + site * GOLDEN) & MASK)


def key_of(seed: int, tick: int, stream: int, copy: int, domain: int) -> int:
    return split_mix(split_mix(split_mix(seed & MASK) ^ tick) ^ (stream << 32 | copy << 8 | domain))


def gaussian(bits: int) -> float:
    """Sum four 16-bit numbers, scale the sum to variance 1, and bend it a little towards the normal distribution."""
    total = sum(bits >> shift & 0xFFFF for shift in (0, 16, 32, 48))
    h = (total - 4 * 65535 / 2) * (12 / (4 * (65536.0**2 - 1))) ** 0.5
    return h * (0.9490355216213159 + 0.018641505989028063 * (h * h))


def rademacher(bits: int) -> float:
    """Take the top bit as a sign."""
    return 1.0 if bits >> 63 else -1.0


def uniform(bits: int) -> float:
    """Spread the upper 32 bits evenly over (-sqrt(3), sqrt(3))."""
    return (((bits >> 32) + 0.5) / 2**31 - 1.0) * 3**0.5


def telegraph(source: Any, seed: int, tick: int, stream: int, copy: int, domain: int, site: int) -> float:
    """Go from the step in which the sign was last drawn anew to this one, and add the Gaussian part of this step."""
    junction = split_mix((key_of(seed, 0, stream, copy, domain) + site * GOLDEN) & MASK)
    words = [split_mix((junction + step * GOLDEN) & MASK) for step in range(tick - tick % 4096, tick + 1)]
    sign = words[0] % 2
    for word in words[1:]:
        sign = word % 2 if (word >> 1) / 2**63 < 2 * source.switching else sign
    thermal = gaussian(split_mix(words[-1] - words[-1] % 2))
    return (2 * sign - 1 + source.thermal * thermal) / (1 + source.thermal**2) ** 0.5


TABLE_KEY = 0x7461626C65


@cache
def table(kind: str, draws: int) -> list[float]:
    """Return the draws from which the noise of weights comes, scaled to a mean square of 1."""
    key = split_mix(TABLE_KEY)
    numbers = [SOURCES[kind](split_mix((key + p * GOLDEN) & MASK)) for p in range(draws)]
    scale = (draws / sum(x * x for x in numbers)) ** 0.5
    return [scale * x for x in numbers]


def synapse(kind: str, draws: int, key: int, row: int, column: int) -> float:
    """Read the table where the row begins, and turn the number by the signs of its row and its column."""
    of_row, of_column = (split_mix((k + i * GOLDEN) & MASK) for k, i in ((key, row), (split_mix(key), column)))
    x = table(kind, draws)[(of_row + column) % draws]
    return x if of_row >> 63 == of_column >> 63 else -x


SOURCES = {"Gaussian": gaussian, "Rademacher": rademacher, "Uniform": uniform}


def noise_of(source: object, seed: int, draws: int = 4096) -> Noise:
    """Return the noise of one run as a function of (tick, stream, copy, domain, site); `source` is a spec.

    The site of a synapse is a row and a column; `draws` is the size of the table for these.
    """
    kind = type(source).__name__
    known: dict[tuple[Any, ...], float] = {}

    def noise(*where: Any) -> float:
        if where not in known:
            site = where[-1]
            if isinstance(site, tuple):
                known[where] = synapse(kind, draws, key_of(seed, *where[:-1]), *site)
            elif kind == "RandomTelegraph":
                known[where] = telegraph(source, seed, *where)
            else:
                known[where] = SOURCES[kind](random_bits(seed, *where))
        return known[where]

    return noise
