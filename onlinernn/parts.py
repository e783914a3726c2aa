"""Parts as the kernels want them: field types, ranges, and errors that teach.

A part is a ``NamedTuple`` of numbers. Numba compiles anew for every field TYPE (1 and 1.0 are two kernels), so the
fields are coerced here to the types that the class declares.
"""

import inspect
import math
from collections.abc import Mapping
from typing import Any, NamedTuple, get_type_hints

import numpy as np

from onlinernn.kernels.cells import cell_step
from onlinernn.kernels.converters import rounded
from onlinernn.kernels.decorrelation import Undecorrelated, rate
from onlinernn.kernels.devices import CountWrites
from onlinernn.kernels.dispatch import registered
from onlinernn.kernels.effects import Ideal, Substrate, ageing, change, effect
from onlinernn.kernels.losses import loss
from onlinernn.kernels.noise import draw
from onlinernn.kernels.number import Division, Fixed, Int8, Int16, Int32, Int64, PowerOfTwo
from onlinernn.kernels.readouts import readout_signal
from onlinernn.kernels.rules import gain
from onlinernn.kernels.schedules import factor
from onlinernn.kernels.traces import PerStep, decay
from onlinernn.kernels.updates import hidden_signal


class Range(NamedTuple):
    """The values that a field may take.

    Parameters
    ----------
    low, high
        The bounds.
    above
        Whether `low` itself is excluded.
    """

    low: float
    high: float = math.inf
    above: bool = False

    def __contains__(self, value: object) -> bool:
        """Tell whether `value` may be taken."""
        assert isinstance(value, (int, float))
        return (value > self.low if self.above else value >= self.low) and value <= self.high and math.isfinite(value)

    def __str__(self) -> str:
        """Say it in words."""
        low = f"{'greater than' if self.above else 'at least'} {self.low:g}"
        return low if math.isinf(self.high) else f"{low} and at most {self.high:g}"


#: Ranges by field name; a part of one's own may override them in a class attribute ``ranges``.
RANGES: Mapping[str, Range] = {
    "lr_hidden": Range(0),
    "lr_readout": Range(0),
    "sigma": Range(0, above=True),
    "floor": Range(0, 1),
    "alpha": Range(0, 1, above=True),
    "slowest": Range(0, 1, above=True),
    "rate": Range(0),
    "kappa": Range(0, 1),
    "damping": Range(0),
    "forgetting": Range(0, 1, above=True),
    "ridge": Range(0, above=True),
    "steps": Range(1),
    "decay": Range(0, 1, above=True),
    "window": Range(1),
    "lags": Range(1),
    "lr_response": Range(0, 2),
    "contraction": Range(0, 1),
    "stray": Range(0, above=True),
    "step": Range(0, above=True),
    "std": Range(0),
    "gain": Range(0),
    "offset": Range(0),
    "probability": Range(0, 1),
    "switching": Range(0, 0.5, above=True),
    "thermal": Range(0),
    "dw_min": Range(0, above=True),
    "dtod": Range(0),
    "low_dtod": Range(0),
    "high_dtod": Range(0),
    "cycle": Range(0),
    "length": Range(1),
    "up": Range(-1, 1),
    "lifetime": Range(1),
    "nu": Range(0),
    "t0": Range(0, above=True),
    "seconds": Range(0, above=True),
    "share": Range(0, 1),
    "stages": Range(8, 20),
    "clocks": Range(1),
}

#: What each kind of part has to implement: one of these.
KINDS: Mapping[str, tuple[Any, ...]] = {
    "rule": (gain, hidden_signal),
    "cell": (cell_step,),
    "loss": (loss,),
    "decorrelation": (rate,),
    "readout": (readout_signal,),
    "schedule": (factor,),
    "trace": (decay,),
    "noise": (draw,),
    "effect": (effect, change, ageing),
    "rounding": (rounded,),
}

#: Fields that the kernels read of every part of a kind.
_FIELDS: Mapping[str, tuple[str, ...]] = {"rule": ("lr_hidden",)}


def canonical(kind: str, spec: Any) -> Any:
    """Return `spec` with every field in the type that its class declares and within its range.

    Parameters
    ----------
    kind
        What it is to be: ``"rule"``, ``"cell"``, ``"loss"``, ``"decorrelation"``, ``"readout"``, ``"schedule"``,
        ``"trace"`` or ``"noise"``.
    spec
        The part.

    Returns
    -------
    NamedTuple
        An equal part, ready for the kernels.

    Raises
    ------
    TypeError
        If `spec` is no part of that kind, or a field has another type than declared.
    ValueError
        If a field is out of its range.

    Examples
    --------
    >>> from onlinernn import NP
    >>> canonical("rule", NP(lr_hidden=0, sigma=1)).sigma
    1.0
    >>> canonical("rule", NP(sigma=0))
    Traceback (most recent call last):
    ...
    ValueError: NP: sigma is 0; it must be greater than 0
    """
    known_types = implementations(kind)
    known = ", ".join(sorted(part.__name__ for part in known_types))
    if isinstance(spec, type) and spec in known_types:
        raise TypeError(f"{kind} is the class {spec.__name__}; pass an instance: {kind}={spec.__name__}()")
    if type(spec) not in known_types:
        own = KINDS[kind][0]
        raise TypeError(
            f"{kind} is {spec!r}; it must be one of {known}, or a NamedTuple of your own for which "
            f"`{own.__name__}` is registered{_lines(spec, own)}"
        )
    _require_fields(kind, spec)
    hints = get_type_hints(type(spec))
    ranges = {**RANGES, **getattr(type(spec), "ranges", {})}
    return type(spec)(*(_field(spec, name, hints[name], ranges.get(name)) for name in spec._fields))


def implementations(kind: str) -> set[type]:
    """Return the types that can be a part of a kind.

    Parameters
    ----------
    kind
        As for :func:`canonical`, or ``"effect"`` or ``"rounding"``.

    Examples
    --------
    >>> sorted(part.__name__ for part in implementations("rounding"))
    ['Nearest', 'Stochastic', 'StochasticShared', 'Truncate']
    """
    known = set().union(*(function.open.implementations for function in KINDS[kind]))
    return {
        part for part in known if part.__module__ != "onlinernn.kernels.integer_parts"
    }  # what Fixed turns parts into


def _lines(spec: Any, function: Any) -> str:
    """Return the lines that register a function for the type of a spec of the user's own, or nothing."""
    if not hasattr(spec, "_fields"):
        return ""
    arguments = ", ".join(inspect.signature(function.open.stub).parameters)
    return (
        f"\n  missing:  @{function.__name__}.register({type(spec).__name__})"
        f"\n            def _{function.__name__}({arguments}): ..."
    )


def _require_fields(kind: str, spec: Any) -> None:
    """Refuse a spec whose fields are not written as a NamedTuple's are, and show how they are."""
    part = type(spec)
    if not hasattr(spec, "_fields"):
        raise TypeError(f"{part.__name__} is no NamedTuple.\n  right:  class {part.__name__}(NamedTuple):")
    for name, value in vars(part).items():
        if not name.startswith("_") and isinstance(value, (bool, int, float, np.ndarray)) and name != "n_vars":
            right = "float" if isinstance(value, np.ndarray) else type(value).__name__
            raise TypeError(
                f"{part.__name__}: {name} has no type, so it is no field.\n"
                f"  wrong:  {name} = {value!r}\n"
                f"  right:  {name}: {right} = {1.0 if isinstance(value, np.ndarray) else value!r}"
            )
    hints = get_type_hints(part)
    for name in spec._fields:
        if name not in hints:
            raise TypeError(f"{part.__name__}: field {name} has no type.\n  wrong:  {name}\n  right:  {name}: float")
    for name in _FIELDS.get(kind, ()):
        if name not in spec._fields:
            raise TypeError(
                f"{part.__name__} has no field {name}, as every {kind} has.\n  missing:  {name}: float = 0.01"
            )
    if kind == "cell" and not isinstance(getattr(spec, "n_vars", None), int):
        raise TypeError(
            f"{part.__name__} does not say how many variables it keeps per neuron.\n"
            "  missing:  @property\n            def n_vars(self) -> int: return 1"
        )


def kind_of(spec: Any) -> str | None:
    """Return what kind of part a spec is, or None.

    Parameters
    ----------
    spec
        Anything.

    Examples
    --------
    >>> from onlinernn import ANP
    >>> kind_of(ANP()), kind_of(3)
    ('rule', None)
    """
    return next((kind for kind in KINDS if type(spec) in implementations(kind)), None)


def meant(spec: Any) -> str | None:
    """Return what kind of part a spec is on the way to be, by the functions that are registered for its type, or None.

    Parameters
    ----------
    spec
        A part that lacks the function that would make it one.
    """
    return next((kind for kind, (own, *_) in KINDS.items() if type(spec) in registered(own.open.stub.__module__)), None)


def canonical_decorrelation(spec: Any) -> Any:
    """Return the decorrelation part, where None stands for no decorrelation.

    Parameters
    ----------
    spec
        A :class:`Decorrelation`, a :class:`Whitening`, or None.
    """
    if spec is None or type(spec) is Undecorrelated:
        return Undecorrelated()
    return canonical("decorrelation", spec)


def known_parts() -> dict[str, type]:
    """Return every part that can stand in a learner, by the full name of its class.

    Examples
    --------
    >>> "onlinernn.kernels.rules.ANP" in known_parts()
    True
    """
    formats = {Fixed, Int8, Int16, Int32, Int64, Division, PowerOfTwo}
    single = {Undecorrelated, PerStep, Ideal, Substrate, CountWrites} | formats
    types = single.union(*(implementations(kind) for kind in KINDS))
    return {full_name(part): part for part in types}


def full_name(part: type) -> str:
    """Return module and name of a part's class.

    Parameters
    ----------
    part
        The class.
    """
    return f"{part.__module__}.{part.__qualname__}"


def encode(part: Any) -> dict[str, Any]:
    """Return a part as JSON can hold it.

    Parameters
    ----------
    part
        A part, perhaps with other parts in its fields.

    Examples
    --------
    >>> from onlinernn import LeakyTanh
    >>> decode(encode(LeakyTanh(0.25)))
    LeakyTanh(alpha=0.25, exact=False)
    """
    fields = {name: _encode_field(value) for name, value in part._asdict().items()}
    return {"part": full_name(type(part)), "fields": fields}


def _encode_field(value: Any) -> Any:
    if not isinstance(value, tuple):
        return value
    return encode(value) if hasattr(value, "_fields") else [encode(one) for one in value]


def _decode_field(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(decode(one) for one in value)
    return decode(value) if isinstance(value, dict) else value


def decode(encoded: Mapping[str, Any]) -> Any:
    """Return the part that :func:`encode` wrote down.

    Parameters
    ----------
    encoded
        What it returned.

    Raises
    ------
    ValueError
        If nothing of that name is registered; its module is not imported for you, because that would run its code.
    """
    known = known_parts()
    if encoded["part"] not in known:
        raise ValueError(
            f"it holds the part {encoded['part']}, which is not registered: import its module before loading"
        )
    fields = {name: _decode_field(value) for name, value in encoded["fields"].items()}
    return known[encoded["part"]](**fields)


def _field(spec: Any, name: str, hint: Any, allowed: Range | None) -> Any:
    value = getattr(spec, name)
    where = f"{type(spec).__name__}: {name}"
    if hint is Any and isinstance(value, np.ndarray):
        hint = np.ndarray
    if hint is Any:
        return canonical(name, value)
    if hint is bool:
        if not isinstance(value, (bool, np.bool_)):
            raise TypeError(f"{where} is {value!r}; it must be True or False")
        return bool(value)
    if hint is int:
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise TypeError(f"{where} is {value!r}; it must be a whole number")
        value = int(value)
        if not -(2**63) <= value < 2**63:
            raise ValueError(f"{where} does not fit into 64 bits")
    elif hint is float:
        if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
            raise TypeError(f"{where} is {value!r}; it must be a number")
        try:
            value = float(value)
        except OverflowError:  # Python's whole numbers have no end
            raise ValueError(f"{where} is too large; it must be below 1.8e308") from None
    else:
        written = getattr(hint, "__name__", str(hint))
        raise TypeError(
            f"{where} is declared as {written}; a part's fields are float, int, bool or another part (Any): what it "
            "keeps for each neuron or synapse stands in the arrays of the learner, not in the part.\n"
            f"  wrong:  {name}: {written}\n"
            f"  right:  {name}: float"
        )
    if allowed is not None and value not in allowed:
        raise ValueError(f"{where} is {value:g}; it must be {allowed}")
    if hint is float and not math.isfinite(value):
        raise ValueError(f"{where} is {value}; it must be finite")
    return value
