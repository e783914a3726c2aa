"""Networks of integers: from what a user asks for to what the kernels take."""

import math
from typing import Any

import numpy as np

from onlinernn.border import quantised, top
from onlinernn.kernels import integer_parts, integers
from onlinernn.kernels.cells import LeakyTanh, Tanh
from onlinernn.kernels.decorrelation import Undecorrelated
from onlinernn.kernels.effects import Ideal
from onlinernn.kernels.layout import Spec
from onlinernn.kernels.losses import SquaredError
from onlinernn.kernels.noise import LFSR, Gaussian, Rademacher, Uniform
from onlinernn.kernels.number import CARRIERS, Division, Fixed, Int8, Int16, Int32, Int64, PowerOfTwo
from onlinernn.kernels.readouts import Perturbed
from onlinernn.kernels.rules import ANP, NP, WP
from onlinernn.kernels.schedules import Constant
from onlinernn.kernels.traces import PerStep
from onlinernn.played import spread

#: What a network of integers can be made of.
_PARTS = {
    "rule": (ANP, NP),
    "cell": (Tanh, LeakyTanh),
    "loss": (SquaredError,),
    "readout": (Perturbed,),
    "decorrelation": (Undecorrelated,),
    "schedule": (Constant,),
    "trace": (PerStep,),
    "substrate": (Ideal,),
}
_FORMATS = {
    "weights": (Int8, Int16),
    "readout": (Int8, Int16),
    "inputs": (Int16,),
    "activities": (Int16,),
    "drives": (Int32,),
    "accumulator": (Int32, Int64),
    "division": (Division, PowerOfTwo),
}
#: Standard deviation of a noise source's integers before they are scaled.
_SPREAD = {Gaussian: math.sqrt((65536.0**2 - 1) / 3), Uniform: math.sqrt((65536.0**2 - 1) / 3), Rademacher: 1.0}


def canonical_number(fixed: Fixed) -> Fixed:
    """Return the number of a network with every field of the type that it is declared with.

    Parameters
    ----------
    fixed
        What the user gave.

    Raises
    ------
    TypeError, ValueError
        If a format is none, or has a number of bits that its carrier does not hold.
    """
    fields: dict[str, Any] = {}
    for name, value in fixed._asdict().items():
        if isinstance(value, tuple):
            if any(type(bits) is not int for bits in value):
                raise TypeError(f"Fixed: {name} is {value!r}; bits are whole numbers")
            fields[name] = value
        elif name == "headroom" and type(value) is int:
            fields[name] = value
        else:
            raise TypeError(f"Fixed: {name} is {value!r}; see help(Fixed)")
    result = Fixed(**fields)
    _require_formats(result)
    return result


def lower(spec: Spec) -> Spec:
    """Return the specification that the kernels take: the same one, or for integers one of integers only.

    Parameters
    ----------
    spec
        What the user asks for.

    Raises
    ------
    TypeError, ValueError
        If integers cannot do that, or a format is too narrow or can overflow.
    """
    fixed = spec.number
    if not isinstance(fixed, Fixed):
        return spec
    _require_parts(spec)
    _require_formats(fixed)
    sizes, rule = spec.sizes, spec.rule
    n, d, m, z = sizes.hidden, sizes.inputs, sizes.outputs, sizes.hidden + 1
    drive, pre = fixed.drives.fraction, max(fixed.activities.fraction, fixed.inputs.fraction)
    fraction = _signal_fraction(rule.lr_hidden, fixed.headroom, 30 - pre + fixed.weights.fraction)
    fraction_out = _signal_fraction(
        rule.lr_readout, fixed.headroom, 30 - fixed.activities.fraction + fixed.readout.fraction
    )
    common = (top(fixed.drives),)
    recurrent = integers.Synapses(
        fixed.weights.fraction + fixed.activities.fraction - drive,
        *common,
        fraction + fixed.activities.fraction - fixed.weights.fraction,
        top(fixed.weights),
        *(0, n, 2 * n + z, n),
    )
    of_input = integers.Synapses(
        fixed.weights.fraction + fixed.inputs.fraction - drive,
        *common,
        fraction + fixed.inputs.fraction - fixed.weights.fraction,
        top(fixed.weights),
        *(n, n, 3 * n + z, d + 1),
    )
    output = integers.Synapses(
        fixed.readout.fraction + fixed.activities.fraction - drive,
        *common,
        fraction_out + fixed.activities.fraction - fixed.readout.fraction,
        top(fixed.readout),
        *(2 * n, z, 3 * n + z + d + 1, m),
    )
    _require_room(spec, (recurrent, of_input, output))
    one = 1.0
    number = integers.Integers(
        fixed.weights,
        fixed.readout,
        fixed.activities,
        fixed.inputs,
        fixed.drives,
        Int16(0, 16),
        recurrent,
        of_input,
        output,
        top(fixed.drives),
        int(quantised(one, fixed.inputs)),
        int(quantised(one, fixed.activities)),
    )
    return spec._replace(
        rule=_lowered_rule(spec, fraction, fraction_out),
        cell=_lowered_cell(spec.cell, fixed),
        loss=integer_parts.IntegerSquaredError(),
        schedule=integer_parts.IntegerRate(),
        number=number,
    )


def _require_parts(spec: Spec) -> None:
    if isinstance(spec.rule, WP):
        raise ValueError(
            "rule is WP, which number=Fixed(...) cannot compute: the noise of its weights comes from a table of "
            "floats; integers would need a draw for every weight, in the forward pass and again in the update. Take "
            "ANP(), which perturbs each neuron and reads the difference of two drives, or NP()"
        )
    for name, allowed in _PARTS.items():
        part = getattr(spec, name)
        if type(part) not in allowed:
            can = " or ".join(kind.__name__ for kind in allowed)
            raise ValueError(
                f"{name} is {part}, which number=Fixed(...) cannot compute; integers can have {can} there, and the "
                "rules ANP and NP with Tanh or LeakyTanh, SquaredError and a Perturbed readout in all"
            )
    if spec.sizes.linked:
        raise ValueError("direct=True cannot be had with number=Fixed(...): inputs and activities differ in scale")
    if type(spec.rule.noise) not in (*_SPREAD, LFSR):
        can = "Gaussian, Rademacher, Uniform and LFSR"
        raise ValueError(f"noise is {spec.rule.noise}; number=Fixed(...) can draw {can}")


def _require_formats(fixed: Fixed) -> None:
    for name, kinds in _FORMATS.items():
        kind = getattr(fixed, name)
        if type(kind) not in kinds:
            raise TypeError(f"Fixed: {name} is {kind!r}; it must be an {' or an '.join(k.__name__ for k in kinds)}")
        if hasattr(kind, "bits") and name != "accumulator":
            most = min(8 * np.dtype(CARRIERS[type(kind)]).itemsize, 24)
            if not 2 <= kind.bits <= most:
                raise ValueError(f"Fixed: {name} has {kind.bits} bits; {type(kind).__name__} can use 2 to {most} there")
    if fixed.activities.fraction != fixed.activities.bits - 1:
        raise ValueError(
            f"Fixed: activities have {fixed.activities.bits} bits, {fixed.activities.fraction} of them after the "
            f"binary point; tanh needs all but the sign: Int16({fixed.activities.bits - 1}, {fixed.activities.bits})"
        )
    if not 5 <= fixed.drives.fraction <= 18:
        raise ValueError(f"Fixed: drives have {fixed.drives.fraction} bits after the binary point; it must be 5 to 18")
    if not 0 <= fixed.headroom <= 12:
        raise ValueError(f"Fixed: headroom is {fixed.headroom}; it must be at least 0 and at most 12")


def _require_room(spec: Spec, layers: tuple[integers.Synapses, ...]) -> None:
    fixed, sizes = spec.number, spec.sizes
    for name, of in zip(("R", "A", "B"), layers, strict=True):
        if of.shift < 0:
            raise ValueError(
                f"Fixed: products of {name} have {-of.shift} bits fewer after the binary point than a drive; "
                "give the weights more, or the drives fewer"
            )
        if of.change < 0:
            raise ValueError(f"Fixed: the learning rate of {name} is so high that its signals have no room; lower it")
    for name, kind, terms in (("R", fixed.weights, sizes.hidden), ("B", fixed.readout, sizes.hidden + 1)):
        most = terms * top(kind) * top(fixed.activities)
        if isinstance(fixed.accumulator, Int32) and most >= 2**31:
            raise ValueError(
                f"Fixed: a sum of {terms} products of {name} can reach 2^{math.log2(most):.1f}, and an accumulator of "
                "32 bits holds 2^31: use accumulator=Int64(), or fewer bits of weights or activities"
            )
    units = max(sizes.hidden, sizes.outputs) * sizes.streams * sizes.replicas
    if units * 2 ** (2 * fixed.drives.bits) >= 2**63:
        raise ValueError(
            f"Fixed: the power of {units} differences of {fixed.drives.bits + 1} bits can pass 64 bits; use fewer bits "
            f"for the drives, for example Int32({fixed.drives.fraction}, {(62 - math.ceil(math.log2(units))) // 2})"
        )


def _signal_fraction(lr: float, headroom: int, most: int) -> int:
    if lr == 0.0:
        return min(15, most)
    return min(math.floor(15 - headroom - math.log2(lr)), most)


def _lowered_cell(cell: Any, fixed: Fixed) -> Any:
    table = fixed.drives.fraction, 15 - fixed.activities.fraction, top(fixed.activities)
    if isinstance(cell, Tanh):
        return integer_parts.IntegerTanh(*table)
    alpha = round(cell.alpha * 2.0 ** int(integer_parts.LEAK_FRACTION))
    if alpha == 0:
        raise ValueError(f"LeakyTanh: alpha is {cell.alpha:g}; integers keep 15 bits of it: use at least 2^-15")
    return integer_parts.IntegerLeakyTanh(*table, alpha)


def _lowered_rule(spec: Spec, fraction: int, fraction_out: int) -> Any:
    rule, sizes, fixed = spec.rule, spec.sizes, spec.number
    point = int(integer_parts.GAIN_FRACTION) - fixed.drives.fraction
    sigma = rule.sigma * 2.0**fixed.drives.fraction
    if sigma < 1.0:
        raise ValueError(
            f"sigma is {rule.sigma:g}, below one step of the drives, 2^-{fixed.drives.fraction}: no perturbation would "
            f"be left; use at least {2.0**-fixed.drives.fraction:g}, or drives with more bits after the binary point"
        )
    if sigma >= 2**13:
        raise ValueError(f"sigma is {rule.sigma:g}; integers need it below {2.0 ** (13 - fixed.drives.fraction):g}")
    rates: list[int] = []
    for name, lr, units, bits in (
        ("lr_hidden", rule.lr_hidden, sizes.hidden, fraction),
        ("lr_readout", rule.lr_readout, sizes.outputs, fraction_out),
    ):
        rate = round(lr * units * 2.0 ** (bits + point))
        if lr > 0.0 and rate == 0:
            raise ValueError(f"{name} is {lr:g}, too small for these formats: no signal would be left")
        if rate >= 2**24:
            raise ValueError(f"{name} times the number of units needs more than 24 bits; use more headroom")
        rates.append(rate)
    exact = type(rule.noise) is Rademacher
    of_noise = spread(rule.noise) if isinstance(rule.noise, LFSR) else _SPREAD[type(rule.noise)]
    scale = round(sigma / of_noise * 2.0 ** (0 if exact else int(integer_parts.SCALE_FRACTION)))
    if isinstance(rule, NP):
        return integer_parts.IntegerNP(rates[0], rates[1], scale, round(sigma * sigma), fixed.division, rule.noise)
    floor = round(rule.floor * sigma * sigma * 2.0 ** int(integer_parts.FLOOR_FRACTION))
    return integer_parts.IntegerANP(rates[0], rates[1], scale, floor, rule.both_noisy, fixed.division, rule.noise)
