"""Substrates as the kernels want them, and what no engine can honour."""

import math
from typing import Any, NamedTuple

import numpy as np

from onlinernn.kernels.converters import (
    Lost,
    Mismatch,
    Noise,
    Quantise,
    Saturate,
    Stochastic,
    StochasticShared,
    TelegraphNoise,
    TwinMismatch,
    Wrap,
)
from onlinernn.kernels.devices import DeviceBounds, SoftBounds, Stuck
from onlinernn.kernels.effects import Ideal, Substrate, ageing, change, counts, effect, remembers
from onlinernn.kernels.readouts import perturbed
from onlinernn.kernels.rules import ANP, synapse_sigma
from onlinernn.kernels.traces import keeps_traces
from onlinernn.parts import canonical

#: The chains of a substrate, in the order in which a step goes through them.
CHAINS = ("input", "read", "drive", "node", "output", "feedback", "write")
#: A bound that no number of a network reaches, which is none.
NO_BOUND = 2.0**100
#: What an effect would be taken for in a chain without a word, and what is meant.
_TAKEN_AMISS = {
    (TelegraphNoise, "write"): "would add its mean at every write; it belongs in the chain read, and noise of writes "
    "is WriteNoise",
    (Mismatch, "write"): "would multiply the state again at every write; it belongs in the chain read, and steps or "
    "bounds that differ from device to device are PulsedUpdate and DeviceBounds",
    (Lost, "write"): "would set what is stored to 0; a broadcast is lost in the chain feedback",
    (TwinMismatch, "write"): "finds one state for all copies there; it belongs in the chain read",
    (TwinMismatch, "input"): "finds one converter for all copies there; use Mismatch",
    (TwinMismatch, "feedback"): "finds one line for all copies there; use Mismatch",
}
_SCALES = ("scale_input", "scale_recurrent", "scale_readout")


def canonical_substrate(spec: Any) -> Any:
    """Return the substrate with every effect of its chains ready for the kernels.

    Parameters
    ----------
    spec
        A :class:`Substrate`, or :data:`IDEAL`.

    Raises
    ------
    TypeError, ValueError
        If a chain is no tuple of effects, or a number is out of its range.

    Examples
    --------
    >>> canonical_substrate(Substrate(node=(Saturate(1.0, -1.0),)))
    Traceback (most recent call last):
    ...
    ValueError: Substrate: node: Saturate: low is 1 and high is -1; low must be below high
    """
    if type(spec) is Ideal:
        return spec
    if type(spec) is not Substrate:
        raise TypeError(f"substrate is {spec!r}; it must be a Substrate, a preset of onlinernn.substrates, or IDEAL")
    fields = spec._asdict()
    for name in CHAINS:
        if type(fields[name]) is not tuple:
            raise TypeError(f"Substrate: {name} is {fields[name]!r}; it must be a tuple: {name}=(Quantise(0.1),)")
        fields[name] = tuple(canonical("effect", one) for one in fields[name])
        _require_limits(name, fields[name])
    for name in _SCALES:
        scale = fields[name]
        if not _is_number(scale) or not 0 < scale <= NO_BOUND or math.frexp(scale)[0] != 0.5:
            raise ValueError(f"Substrate: {name} is {scale!r}; it must be a power of two, so that no digit is lost")
        fields[name] = float(scale)
    if not isinstance(fields["chop"], bool):
        raise TypeError(f"Substrate: chop is {fields['chop']!r}; it must be True or False")
    if not _is_number(fields["cancel"]) or not 0.0 <= fields["cancel"] < 2.0:
        raise ValueError(f"Substrate: cancel is {fields['cancel']!r}; it must be at least 0 and below 2")
    fields["cancel"] = float(fields["cancel"])
    return Substrate(**fields)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def suited(substrate: Any, rule: Any, decorrelation: Any, readout: Any) -> tuple[Any, Any, Any, Any]:
    """Return rule, decorrelation, readout and substrate, where a preset brings what is not given.

    Parameters
    ----------
    substrate
        A substrate or a preset.
    rule, decorrelation, readout
        As given, None for what goes with the rest. A rule that was given brings its own.
    """
    preset, substrate = substrate, getattr(substrate, "substrate", substrate)
    if preset is substrate or rule is not None:
        return ANP() if rule is None else rule, decorrelation, readout, substrate
    decorrelation = preset.decorrelation if decorrelation is None else decorrelation
    readout = preset.readout if readout is None else readout  # one without numbers is an empty tuple
    return preset.rule, decorrelation, readout, substrate


class _Grid(NamedTuple):
    """What a chain leaves of a number: the last step of quantisation, and the range."""

    step: float
    by_chance: bool
    low: float
    high: float


def _by_chance(effect: Any) -> bool:
    return isinstance(effect, Quantise) and isinstance(effect.rounding, (Stochastic, StochasticShared))


def _grid(chain: tuple[Any, ...]) -> _Grid:
    step, by_chance, low, high, dither = 0.0, False, -math.inf, math.inf, 0.0
    for one in chain:
        if isinstance(one, Noise):
            dither = max(dither, one.std)
        elif isinstance(one, Quantise):
            step, by_chance = max(step, one.step), _by_chance(one) or dither >= one.step / 2
        elif isinstance(one, (Saturate, Wrap, DeviceBounds)):
            low, high = max(low, one.low), min(high, one.high)
    return _Grid(step, by_chance, low, high)


def misplaced(kind: type, chain: str) -> str:
    """Return what is wrong with an effect in a chain, or nothing.

    Changes, ageing and the count of writes are asked for where weights are written only; the time since a device was
    written is known where it is read only.

    Parameters
    ----------
    kind
        Class of the effect.
    chain
        One of :data:`CHAINS`.

    Examples
    --------
    >>> misplaced(Quantise, "read"), misplaced(SoftBounds, "read")
    ('', 'does nothing there; it belongs in the chain write')
    """

    def has(*functions: Any) -> bool:
        return any(kind in function.open.implementations for function in functions)

    only = "read" if has(remembers) else "write" if has(counts) or (has(change, ageing) and not has(effect)) else chain
    if only != chain:
        return f"does nothing there; it belongs in the chain {only}"
    return _TAKEN_AMISS.get((kind, chain), "")


def _require_limits(name: str, chain: tuple[Any, ...]) -> None:
    for one in chain:
        where = f"Substrate: {name}: {type(one).__name__}"
        if wrong := misplaced(type(one), name):
            raise ValueError(f"{where} {wrong}")
        if isinstance(one, (Saturate, Wrap)) and not one.low < one.high:
            raise ValueError(f"{where}: low is {one.low:g} and high is {one.high:g}; low must be below high")
        if isinstance(one, (SoftBounds, DeviceBounds)) and not one.low < 0.0 < one.high:
            raise ValueError(f"{where}: low is {one.low:g} and high is {one.high:g}; 0 must lie between them")
        if isinstance(one, Stuck) and one.low > one.high:
            raise ValueError(f"{where}: low is {one.low:g} and high is {one.high:g}; low must not exceed high")
    grid = _grid(chain)
    if grid.low > grid.high:
        raise ValueError(
            f"Substrate: {name}: one effect holds numbers above {grid.low:g} and another below {grid.high:g}; "
            "the ranges of a chain must overlap"
        )
    if grid.step > grid.high - grid.low:
        raise ValueError(
            f"Substrate: {name}: a step of {grid.step:g} is coarser than the whole range from {grid.low:g} to "
            f"{grid.high:g}; use a step of at most {grid.high - grid.low:g}"
        )


def require_carrier(substrate: Any, rule: Any, readout: Any, traces: Any, dtype: Any, replicas: int = 1) -> None:
    """Refuse a substrate on which the rule cannot work, or that the engine's numbers cannot carry.

    Parameters
    ----------
    substrate
        The substrate, ready for the kernels.
    rule
        The learning rule.
    readout
        How the readout learns.
    traces
        PerStep or Eligibility.
    dtype
        Of the engine.
    replicas
        Number of noisy copies.

    Raises
    ------
    ValueError
        If the engine's numbers have fewer bits than a grid, the perturbation is smaller than what drives, activities
        or perturbed outputs are rounded to, or there are eligibility traces, which no device keeps.
    """
    if isinstance(substrate, Ideal):
        return
    if substrate.chop and replicas != 1:
        raise ValueError(f"Substrate: chop exchanges two arrays; replicas is {replicas}, and it must be 1")
    for name in CHAINS:
        grid = _grid(getattr(substrate, name))
        chance = any(_by_chance(one) for one in getattr(substrate, name))
        bits = np.finfo(dtype).nmant + (-1 if chance else 1)  # see effects.by_chance
        size = max(-grid.low, grid.high)
        if grid.step > 0.0 and size < NO_BOUND and size / grid.step > 2.0**bits:
            raise ValueError(
                f"Substrate: {name}: its grid has {math.ceil(math.log2(size / grid.step)) + 1} bits; "
                f"{np.dtype(dtype)} carries {bits}{' by chance' * chance}: use fewer bits"
                + (", or dtype=np.float64" if dtype == np.float32 else "")
            )
    sigma = getattr(rule, "sigma", math.inf)
    by_output = perturbed(readout) and type(rule) not in synapse_sigma.open.implementations
    for name in ("drive", "node", *["output"] * by_output):
        grid = _grid(getattr(substrate, name))
        if sigma < grid.step and not grid.by_chance:
            raise ValueError(
                f"{type(rule).__name__}: sigma is {sigma:g}, and the chain {name} rounds to {grid.step:g}, so that "
                f"most perturbations vanish; use a sigma of at least {grid.step:g}"
            )
    if keeps_traces(traces):
        raise ValueError("a substrate keeps no eligibility traces; leave trace at 0")
