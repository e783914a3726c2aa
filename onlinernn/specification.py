"""From what a user asks for to the value that the kernels take."""

from collections.abc import Collection
from typing import Any

import numpy as np

from onlinernn.fixed import canonical_number
from onlinernn.hardware import canonical_substrate, require_carrier
from onlinernn.inputs import number as at_least
from onlinernn.inputs import whole
from onlinernn.kernels.decorrelation import Whitening, rate
from onlinernn.kernels.effects import IDEAL, Ideal, counts, remembers
from onlinernn.kernels.layout import (
    FROZEN_A,
    FROZEN_B,
    FROZEN_D,
    FROZEN_R,
    REAL,
    Sizes,
    Spec,
    block_rows,
    shared_parts,
    table_draws,
)
from onlinernn.kernels.noise import plays
from onlinernn.kernels.number import Fixed, Real
from onlinernn.kernels.readouts import NLMS, RLS, Perturbed, perturbed
from onlinernn.kernels.rules import gain, synapse_sigma
from onlinernn.kernels.schedules import Constant
from onlinernn.kernels.traces import Eligibility, PerStep, keeps_traces
from onlinernn.kernels.updates import lag, reads_error, stores_perturbation, taps
from onlinernn.parts import canonical, canonical_decorrelation
from onlinernn.played import tape_sizes

#: What can be kept from learning; the biases go with A and B, the link from input to output with B.
FREEZABLE = {"A": FROZEN_A, "R": FROZEN_R, "B": FROZEN_B, "D": FROZEN_D}


def specify(
    shape: tuple[int, int, int],
    *,
    rule: Any,
    cell: Any,
    loss: Any,
    decorrelation: Any = None,
    readout: Any = None,
    direct: bool | None = None,
    schedule: Any = None,
    trace: float = 0.0,
    frozen: Collection[str] = (),
    resync: int | None = None,
    target_delay: int = 0,
    streams: int = 1,
    replicas: int | None = None,
    seed: int = 0,
    dtype: Any = np.float32,
    substrate: Any = IDEAL,
    number: Any = None,
    recorded: int = 0,
) -> Spec:
    """Return the checked specification of a learner; the arguments are those of :class:`OnlineLearner`.

    Parameters
    ----------
    shape
        Numbers of inputs, hidden units and outputs.
    rule, cell, loss, decorrelation, readout, schedule
        The parts.
    direct, trace, frozen, resync, target_delay, streams, replicas, seed
        The settings.
    dtype
        Of all weights.
    substrate
        The hardware.
    number
        A :class:`Fixed`, or None for floating point.
    recorded
        Numbers in the recording of the noise, or 0.

    Raises
    ------
    TypeError, ValueError
        If one of them has the wrong type or is out of range, or if they do not go together.

    Examples
    --------
    >>> from onlinernn import ANP, SquaredError, Tanh
    >>> specify((1, 10, 1), rule=ANP(), cell=Tanh(), loss=SquaredError(), target_delay=3).sizes.slots
    5
    """
    inputs, hidden, outputs = (whole(name, n, 1) for name, n in zip(("n_in", "n_hidden", "n_out"), shape, strict=True))
    rule, cell = canonical("rule", rule), canonical("cell", cell)
    # What goes with a rule that reads the output error is a readout that does, on whitened activity.
    by_error = reads_error(rule)
    if decorrelation is None and by_error:
        decorrelation = Whitening()
    decorrelation = canonical_decorrelation(decorrelation)
    readout = canonical("readout", readout if readout is not None else NLMS() if by_error else Perturbed())
    linked = by_error if direct is None else bool(direct)
    spectrum = at_least("trace", trace, 0.0)
    if spectrum > 1.0:
        raise ValueError(f"trace is {trace}; it must be at least 0 (per step) and at most 1 (the whole sequence)")
    traces = canonical("trace", Eligibility(spectrum)) if spectrum else PerStep()
    delay, replicas = whole("target_delay", target_delay, 0), _replicas(rule, replicas)
    _require_fit(rule, readout, traces, dtype)
    bits = _frozen(frozen)
    _require_copies(replicas, readout, bits)
    substrate = canonical_substrate(substrate)
    require_carrier(substrate, rule, readout, traces, dtype, replicas)
    parallel = whole("streams", streams, 1)
    tape, stride = tape_sizes(rule, recorded, parallel * (replicas + 1) * (hidden + outputs))
    return Spec(
        sizes=Sizes(
            inputs=inputs,
            hidden=hidden,
            outputs=outputs,
            streams=parallel,
            replicas=replicas,
            variables=cell.n_vars,
            slots=delay + lag(rule) + 2,
            linked=inputs * linked,
            decorrelated=int(type(decorrelation) in rate.open.implementations),
            stored=int(stores_perturbation(rule)),
            traced=int(keeps_traces(traces)),
            inverse=int(isinstance(readout, RLS)),
            taps=taps(rule),
            draws=table_draws(hidden) if type(rule) in synapse_sigma.open.implementations else 0,
            block=block_rows(hidden),
            parts=shared_parts(hidden),
            substrate=int(not isinstance(substrate, Ideal)),
            planes=planes(substrate),
            twins=int(getattr(substrate, "cancel", 0.0) > 0.0),
            tape=tape,
            stride=stride,
        ),
        rule=rule,
        cell=cell,
        loss=canonical("loss", loss),
        decorrelation=decorrelation,
        readout=readout,
        schedule=canonical("schedule", Constant() if schedule is None else schedule),
        trace=traces,
        frozen=bits,
        resync=_resync(rule, resync),
        target_delay=delay,
        seed=whole("seed", seed, 0),
        substrate=substrate,
        number=_number(number),
    )


def _require_fit(rule: Any, readout: Any, traces: Any, dtype: Any) -> None:
    """Refuse parts that do not go together, and say what to take instead."""
    name, own = type(rule).__name__, type(readout).__name__
    if perturbed(readout) and reads_error(rule):
        raise ValueError(f"{name} learns from the output error, which readout={own}() does not use; use readout=NLMS()")
    if perturbed(readout) and "lr_readout" not in rule._fields:
        raise TypeError(f"{name} has no field lr_readout, with which readout={own}() learns; add it, or use NLMS()")
    if isinstance(readout, RLS) and np.dtype(dtype) != np.float64:
        raise ValueError("RLS is unstable in float32: use dtype=np.float64, or readout=NLMS() with Whitening()")
    if keeps_traces(traces) and (type(rule) not in gain.open.implementations or lag(rule) > 0):
        raise ValueError(f"{name} carries credit through time by itself; leave trace at 0, or use NP, ANP or WP")


def _require_copies(replicas: int, readout: Any, frozen: int) -> None:
    """Refuse to learn from noise where there is no noisy copy."""
    if replicas == 0 and (perturbed(readout) or ~frozen & (FROZEN_A | FROZEN_R)):
        raise ValueError(
            "replicas is 0, but without a noisy copy only a readout that learns from the output error learns: "
            'use replicas=1, or frozen=("A", "R") and readout=NLMS() or RLS()'
        )


def frozen_names(spec: Spec) -> list[str]:
    """Return what does not learn, by name.

    Parameters
    ----------
    spec
        Of the learner.
    """
    return [name for name, bit in FREEZABLE.items() if spec.frozen & bit]


def retuned(spec: Spec, frozen: Collection[str] | None, fields: dict[str, Any]) -> Spec:
    """Return a specification for the same arrays in which other things learn, or learn at other rates.

    Parameters
    ----------
    spec
        The one so far.
    frozen
        What does not learn; None: as so far.
    fields
        New values of fields of the rule.

    Raises
    ------
    TypeError, ValueError
        If the rule has no such field, a value is out of range, or the arrays would need another shape.
    """
    rule = spec.rule
    for name in fields:
        if name not in rule._fields:
            raise TypeError(f"{type(rule).__name__} has no field {name!r}; it has {', '.join(rule._fields)}")
    new = canonical("rule", rule._replace(**fields))
    shape = [(lag(one), taps(one), getattr(one, "window", 0), getattr(one, "replicas", 0)) for one in (rule, new)]
    if shape[0] != shape[1] or _tape_of(new) != _tape_of(rule):
        raise ValueError(f"{', '.join(fields)} fixes what a learner keeps; make a new learner to change it")
    bits = spec.frozen if frozen is None else _frozen(frozen)
    _require_copies(spec.sizes.replicas, spec.readout, bits)
    return spec._replace(rule=new, frozen=bits)


def _tape_of(rule: Any) -> Any:
    """Return what of the noise of a rule fixes what a learner keeps."""
    noise = getattr(rule, "noise", None)
    return noise if noise is not None and plays(noise) else type(noise)


def require_losses_do(spec: Spec) -> None:
    """Refuse to teach a learner from losses alone that has no use for them.

    Parameters
    ----------
    spec
        Of the learner.

    Raises
    ------
    TypeError
        If its readout learns from the output error.
    """
    if not perturbed(spec.readout):
        raise TypeError(
            f"feedback gives losses only, but {type(spec.rule).__name__} with {spec.readout} learns from the output "
            "error: use step(u, y), or NP, ANP, WP or WindowedNP with readout=Perturbed()"
        )


def planes(substrate: Any) -> int:
    """Return how many numbers each device of a weight remembers: how often it was written, and when last.

    Parameters
    ----------
    substrate
        The hardware.
    """
    if isinstance(substrate, Ideal):
        return 0
    counting = any(counts(effect) for effect in substrate.write)
    return counting + any(remembers(effect) for effect in substrate.read)


def _number(given: Any) -> Any:
    if given is None or isinstance(given, Real):
        return REAL
    if not isinstance(given, Fixed):
        raise TypeError(f"number is {given!r}; it must be Fixed(...), or None for floating point")
    return canonical_number(given)


def _replicas(rule: Any, given: int | None) -> int:
    own = getattr(rule, "replicas", None)
    if own is None:
        return whole("replicas", 1 if given is None else given, 0)
    if given not in (None, own):
        raise ValueError(f"replicas is {given}, but {type(rule).__name__} has replicas={own}; give it in the rule only")
    if getattr(rule, "antithetic", False) and own % 2:
        raise ValueError(
            f"{type(rule).__name__}: replicas is {own}; antithetic noise comes in pairs: use {own + 1}, "
            "or antithetic=False"
        )
    return whole("replicas", own, 1)


def _resync(rule: Any, given: int | None) -> int:
    own = getattr(rule, "window", None)
    if own is None:
        return whole("resync", 0 if given is None else given, 0)
    if given not in (None, own):
        raise ValueError(
            f"resync is {given}, but {type(rule).__name__} sets its copies back after each window of {own}"
        )
    return int(own)


def _frozen(names: Collection[str]) -> int:
    names = [names] if isinstance(names, str) else list(names)
    for name in names:
        if name not in FREEZABLE:
            raise ValueError(
                f"frozen names {name!r}; what can be frozen is {', '.join(FREEZABLE)} (biases go with A and B)"
            )
    return sum(FREEZABLE[name] for name in set(names))
