"""The parts of a network of integers: its noise, cell, loss and rules, exactly, where no number is a float.

``docs/fixed-point.md`` says the same in words. A user writes the ordinary parts; ``onlinernn/fixed.py`` turns them into
these.
"""

from typing import Any, NamedTuple

import numpy as np

from onlinernn.kernels import noise
from onlinernn.kernels.cells import cell_step
from onlinernn.kernels.dispatch import EXACT, compiled, open_function
from onlinernn.kernels.integers import DELTA_TOP, I64, SIGNAL_TOP, clamp, rounded
from onlinernn.kernels.losses import loss, loss_difference, output_error
from onlinernn.kernels.noise import LFSR, Gaussian, Rademacher, Uniform
from onlinernn.kernels.number import Division, PowerOfTwo
from onlinernn.kernels.rules import clean_noise, node_noise, node_signal, noise_sign, power_floor, source
from onlinernn.kernels.schedules import factor
from onlinernn.kernels.updates import add_signal, shared_gain, squared_norm

#: Largest gain; fractional bits of a gain, of the scale of its noise, and of the floor of a power.
GAIN_TOP = I64(2**36 - 1)
GAIN_FRACTION, SCALE_FRACTION, FLOOR_FRACTION = I64(16), I64(24), I64(20)
#: Fractional bits of a leak.
LEAK_FRACTION = I64(15)

#: Steps of the tanh table per unit of the drive, as a power of two, and its last entry: that of a drive of 8.
TABLE_BITS, TABLE_END = I64(5), I64(256)
#: ``tanh(k / 32)`` in units of 2^-15, to the nearest, for k = 0 .. 256.
TABLE = np.minimum(np.floor(np.tanh(np.arange(257) / 32.0) * 32768 + 0.5), 32767).astype(np.int64)


class IntegerTanh(NamedTuple):
    """Tanh from a table of 257 entries with linear interpolation."""

    fraction: int  # of the drive
    shift: int  # from 2^-15 to the scale of an activity
    top: int  # of an activity

    @property
    def n_vars(self) -> int:
        """Number of state variables per neuron and copy."""
        return 0


class IntegerLeakyTanh(NamedTuple):
    """Leaky integration of :class:`IntegerTanh`, in the format of the activities."""

    fraction: int  # of the drive
    shift: int  # from 2^-15 to the scale of an activity
    top: int  # of an activity
    alpha: int  # 2^15 times the leak

    @property
    def n_vars(self) -> int:
        """Number of state variables per neuron and copy."""
        return 1


class IntegerSquaredError(NamedTuple):
    """The squared error in units of the square of an output's."""


class IntegerRate(NamedTuple):
    """Learning rates that stay as they are."""


class IntegerANP(NamedTuple):
    """Activity-based node perturbation."""

    lr_hidden: int  # lr N 2^(fraction of the signal + GAIN_FRACTION - fraction of a drive)
    lr_readout: int  # likewise, of the readout
    scale: int  # of the noise
    floor: int  # 2^FLOOR_FRACTION floor sigma^2 of a unit
    both_noisy: bool  # whether the clean copy has noise of its own
    division: Any  # Division or PowerOfTwo
    noise: Any  # the source


class IntegerNP(NamedTuple):
    """Node perturbation."""

    lr_hidden: int  # as for IntegerANP
    lr_readout: int  # likewise, of the readout
    scale: int  # of the noise
    variance: int  # sigma^2 in units of the square of a drive's
    division: Any  # Division or PowerOfTwo
    noise: Any  # the source


@open_function()
def quotient(division: Any, numerator: Any, denominator: Any) -> Any:
    """Divide an int64 `numerator` >= 0 by a `denominator` > 0."""


@quotient.register(Division)
def _divide(division: Any, numerator: Any, denominator: Any) -> Any:
    return numerator // denominator


@quotient.register(PowerOfTwo)
def _shift_instead(division: Any, numerator: Any, denominator: Any) -> Any:
    bits = I64(0)
    while (denominator >> bits) > I64(1):
        bits += I64(1)
    return numerator >> bits


@open_function()
def integer_draw(source: Any, bits: Any, scale: Any) -> Any:
    """Turn 64 random `bits` into one integer of mean 0; the `scale` makes its spread that of the perturbation."""


@integer_draw.register(Rademacher)
def _integer_sign(source: Any, bits: Any, scale: Any) -> Any:
    return scale if (bits >> noise.U64(63)) == noise.U64(1) else -scale


@integer_draw.register(Uniform)
def _integer_uniform(source: Any, bits: Any, scale: Any) -> Any:
    return rounded((I64(bits >> noise.U64(48)) * I64(2) - I64(65535)) * scale, SCALE_FRACTION)


@integer_draw.register(Gaussian)
def _integer_gaussian(source: Any, bits: Any, scale: Any) -> Any:
    low = noise.U64(0xFFFF)
    total = (bits & low) + ((bits >> noise.U64(16)) & low) + ((bits >> noise.U64(32)) & low) + (bits >> noise.U64(48))
    return rounded((I64(total) - I64(131070)) * scale, SCALE_FRACTION)


@integer_draw.register(LFSR)
def _integer_word(source: Any, bits: Any, scale: Any) -> Any:
    return rounded(I64(bits) * scale, SCALE_FRACTION)


@compiled(**EXACT)
def _tanh(cell: Any, x: Any, i: Any, drive: Any) -> Any:
    size = abs(I64(drive))
    bits = cell.fraction - TABLE_BITS
    k = min(size >> bits, TABLE_END - I64(1))
    part = min(size - (k << bits), I64(1) << bits)  # the table ends at 8: what is beyond has the value of 8
    value = TABLE[k] + rounded((TABLE[k + I64(1)] - TABLE[k]) * part, bits)
    value = min(rounded(value, cell.shift), I64(cell.top))
    return value if drive >= 0 else -value


@cell_step.register(IntegerTanh)
def _tanh_step(cell: Any, x: Any, i: Any, drive: Any) -> Any:
    return _tanh(cell, x, i, drive)


@cell_step.register(IntegerLeakyTanh)
def _leaky_tanh(cell: Any, x: Any, i: Any, drive: Any) -> Any:
    before = I64(x[0, i])
    x[0, i] = clamp(before + rounded((_tanh(cell, x, i, drive) - before) * I64(cell.alpha), LEAK_FRACTION), cell.top)
    return x[0, i]


@loss.register(IntegerSquaredError)
def _squared_error(spec: Any, y: Any, target: Any) -> Any:
    total = I64(0)
    for k in range(y.size):
        error = I64(y[k]) - I64(target[k])
        total += error * error
    return total


@loss_difference.register(IntegerSquaredError)
def _squared_error_difference(spec: Any, y: Any, y_noisy: Any, target: Any) -> Any:
    total = I64(0)
    for k in range(y.size):
        clean, noisy, wanted = I64(y[k]), I64(y_noisy[k]), I64(target[k])
        total += (noisy - clean) * ((noisy - wanted) + (clean - wanted))
    return clamp(total, DELTA_TOP)


@output_error.register(IntegerSquaredError)
def _error(spec: Any, y: Any, target: Any, error: Any) -> None:
    for k in range(y.size):
        error[k] = y[k] - target[k]


@factor.register(IntegerRate)
def _factor(schedule: Any, tick: Any) -> Any:
    return I64(1)


def _node_noise(rule: Any, bits: Any) -> Any:
    return integer_draw(rule.noise, bits, rule.scale)


def _source(rule: Any) -> Any:
    return rule.noise


def _no_noise(rule: Any, bits: Any) -> Any:
    return I64(0)


def _same_sign(rule: Any, copy: Any) -> Any:
    return I64(1)


def _squared_norm(rule: Any, perturbation: Any) -> Any:
    total = I64(0)
    for i in range(perturbation.size):
        total += I64(perturbation[i]) * I64(perturbation[i])
    return total


def _add_signal(rule: Any, g: Any, perturbation: Any, signal: Any) -> None:
    for i in range(signal.size):
        signal[i] = clamp(I64(signal[i]) + rounded(g * I64(perturbation[i]), GAIN_FRACTION), SIGNAL_TOP)


for _rule in (IntegerANP, IntegerNP):
    node_noise.register(_rule)(_node_noise)
    source.register(_rule)(_source)
    noise_sign.register(_rule)(_same_sign)
    squared_norm.register(_rule)(_squared_norm)
    add_signal.register(_rule)(_add_signal)
clean_noise.register(IntegerNP)(_no_noise)


@clean_noise.register(IntegerANP)
def _clean_noise(rule: Any, bits: Any) -> Any:
    return integer_draw(rule.noise, bits, rule.scale) if rule.both_noisy else I64(0)


@node_signal.register(IntegerANP)
def _difference(rule: Any, xi: Any, a: Any, a_noisy: Any) -> Any:
    return a_noisy - a


@power_floor.register(IntegerANP)
def _power_floor(rule: Any, size: Any) -> Any:
    return max(I64(1), (rule.floor * I64(size)) >> FLOOR_FRACTION)


@power_floor.register(IntegerNP)
def _no_floor(rule: Any, size: Any) -> Any:
    return I64(0)


@compiled(**EXACT)
def _gain_of(division: Any, lr: Any, delta_loss: Any, denominator: Any) -> Any:
    top = I64(delta_loss) * I64(lr)
    size = min(quotient(division, abs(top), I64(denominator)), GAIN_TOP)
    return size if top >= 0 else -size


@shared_gain.register(IntegerANP)
def _anp_gain(rule: Any, lr: Any, delta_loss: Any, power: Any, size: Any, shares: Any) -> Any:
    return _gain_of(rule.division, lr, delta_loss, power * shares)


@shared_gain.register(IntegerNP)
def _np_gain(rule: Any, lr: Any, delta_loss: Any, power: Any, size: Any, shares: Any) -> Any:
    return _gain_of(rule.division, lr, delta_loss, rule.variance * size * shares)
