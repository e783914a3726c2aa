"""The combinations of parts that the tests go through: covering arrays, and the full product.

Rules that go with the same parts are a family. Under the JIT a new combination of TYPES costs seconds, a new
combination of values nothing. So an array is built in two rounds: first the fewest combinations of types that contain
every pair of types (for the paper's rules; every type, for the others), then enough cases on top of these that every
pair of settings that these types allow, types and values alike, occurs in one case.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from onlinernn.kernels.cells import LeakSpectrum, LeakyTanh, Tanh
from onlinernn.kernels.decorrelation import Decorrelation, Undecorrelated, Whitening
from onlinernn.kernels.feedback import LearnedFeedback
from onlinernn.kernels.losses import SoftmaxCrossEntropy, SquaredError
from onlinernn.kernels.noise import Gaussian, Rademacher, Uniform
from onlinernn.kernels.readouts import NLMS, RLS, Perturbed
from onlinernn.kernels.rules import ANP, NP, WP
from onlinernn.kernels.schedules import Constant, Cosine, InverseTime
from onlinernn.kernels.window import WindowedNP

# A floor of 0.8 bites in a good part of the steps; one of 0.1 keeps small differences from enlarging rounding. The
# rates of the two layers differ, and so do those of the rules.
RULES = (
    NP(lr_hidden=0.01, lr_readout=0.02, sigma=0.05),
    ANP(lr_hidden=0.01, lr_readout=0.02, sigma=0.05, floor=0.8),
    ANP(lr_hidden=0.01, lr_readout=0.02, sigma=0.05, both_noisy=True, floor=0.1),
    WP(lr_hidden=0.0005, lr_readout=0.001, sigma=0.05),
)
WINDOWED = (
    WindowedNP(0.005, 0.02, window=1, replicas=1, sigma=0.05, antithetic=False),
    WindowedNP(0.005, 0.02, window=4, replicas=3, sigma=0.05, antithetic=False),
    WindowedNP(0.005, 0.02, window=5, replicas=4, sigma=0.05),
)
FEEDBACK = (
    LearnedFeedback(0.3, lags=1, sigma=0.05),
    LearnedFeedback(0.3, lags=4, sigma=0.05, contraction=0.01, stray=0.8),
    LearnedFeedback(0.3, lags=6, sigma=0.01, lr_response=1.5, contraction=0.3, stray=0.1),
)
SHARED: dict[str, tuple[Any, ...]] = {
    "noise": (Gaussian(), Rademacher(), Uniform()),
    "cell": (Tanh(), LeakyTanh(0.4), LeakyTanh(0.7, exact=True), LeakSpectrum(0.2)),
    "loss": (SquaredError(), SoftmaxCrossEntropy()),
    "decorrelation": (
        Undecorrelated(),
        Decorrelation(0.01),
        Decorrelation(0.01, readout=False),
        Whitening(0.01),
        Whitening(0.01, kappa=0.2, damping=0.1, recurrent=True),
    ),
    "schedule": (Constant(), Cosine(50, 0.1), InverseTime(30)),
    "dtype": (np.float64, np.float32),
    "direct": (False, True),
    "frozen": ((), ("A",), ("R", "D"), ("B",)),
    "target_delay": (0, 1, 5),
    "bias": (True, False, 0.3),
}
LANES = ((1, 1), (2, 1), (1, 2), (3, 2))  # streams, replicas
READOUTS = (Perturbed(), NLMS(0.3), RLS(forgetting=0.99), RLS(ridge=3.0))
OWN_REPLICAS = ((1, None), (3, None))  # of a rule that brings its own
TRACES = (0.0, 0.5, 1.0)
FAMILIES: dict[str, dict[str, tuple[Any, ...]]] = {
    "paper": {"rule": RULES, "readout": READOUTS, "trace": TRACES, "resync": (0, 1, 3), "lanes": LANES, **SHARED},
    "windowed": {
        "rule": WINDOWED,
        "readout": READOUTS,
        "trace": (0.0,),
        "resync": (None,),
        "lanes": OWN_REPLICAS,
        **SHARED,
    },
    "feedback": {
        "rule": FEEDBACK,
        "readout": READOUTS[1:],
        "trace": (0.0,),
        "resync": (0, 7),
        "lanes": LANES,
        **SHARED,
    },
}
#: What is compiled: fewer types, of which the other families have the rest.
COMPILED = {
    "paper": FAMILIES["paper"]
    | {
        "readout": READOUTS[:2],
        "trace": TRACES[:2],  # over many steps, with losses all along, a trace that keeps everything blows up
        "cell": SHARED["cell"][:3],
        "schedule": SHARED["schedule"][:1],
    },
    "windowed": FAMILIES["windowed"]
    | {
        "readout": READOUTS[:2],
        "cell": SHARED["cell"][::3],
        "noise": SHARED["noise"][:2],
        "schedule": SHARED["schedule"][::2],
        "decorrelation": SHARED["decorrelation"][::3],
    },
    "feedback": FAMILIES["feedback"],
}
TYPED = ("rule", "noise", "cell", "loss", "decorrelation", "readout", "schedule", "trace", "dtype")
#: What other tests compile anyhow; the arrays start with these.
ELSEWHERE = {
    "paper": (
        (NP, Rademacher, LeakyTanh, SoftmaxCrossEntropy, Undecorrelated, Perturbed, Constant, False, np.float64),
        (NP, Rademacher, Tanh, SquaredError, Whitening, NLMS, Constant, False, np.float64),
        (NP, Gaussian, LeakyTanh, SquaredError, Undecorrelated, Perturbed, Constant, False, np.float32),
        (WP, Rademacher, Tanh, SquaredError, Decorrelation, Perturbed, Constant, False, np.float64),
        (WP, Gaussian, LeakyTanh, SquaredError, Undecorrelated, Perturbed, Constant, False, np.float32),
        (ANP, Gaussian, LeakyTanh, SquaredError, Decorrelation, Perturbed, Constant, False, np.float64),
        (ANP, Gaussian, Tanh, SoftmaxCrossEntropy, Whitening, Perturbed, Constant, True, np.float64),
    ),
    "windowed": (),
    "feedback": (),
}
#: Of the full product: what is crossed. The others take turns.
CROSSED = ("rule", "cell", "decorrelation", "readout")

Row = tuple[int, ...]


class Case(NamedTuple):
    """One combination: a level of every factor."""

    rule: Any
    readout: Any
    trace: float
    resync: int | None
    lanes: tuple[int, int | None]
    noise: Any
    cell: Any
    loss: Any
    decorrelation: Any
    schedule: Any
    dtype: Any
    direct: bool
    frozen: tuple[str, ...]
    target_delay: int
    bias: float

    def __str__(self) -> str:
        values = self._asdict() | {"rule": self.rule._replace(noise=None), "dtype": np.dtype(self.dtype).name}
        shown = [f"{v}" if isinstance(v, tuple) and hasattr(v, "_fields") else f"{k}={v}" for k, v in values.items()]
        return " ".join(shown).replace(", noise=None", "")

    def compiles_as(self) -> tuple[Any, ...]:
        """Return what the compiler sees of the case."""
        return tuple(kind(name, getattr(self, name)) for name in TYPED)

    def settings(self) -> dict[str, Any]:
        """Return what is no part, under the names of the learner's arguments."""
        streams, replicas = self.lanes
        own = {"streams": streams} if replicas is None else {"streams": streams, "replicas": replicas}
        names = ("readout", "direct", "schedule", "trace", "frozen", "resync", "target_delay")
        return {name: getattr(self, name) for name in names} | own


def make_case(levels: dict[str, Any]) -> Case:
    """Make a case of a level per factor: the rule takes its noise source into itself."""
    return Case(**levels | {"rule": levels["rule"]._replace(noise=levels["noise"])})


def kind(name: str, level: Any) -> Any:
    """Return what a level is to the compiler: its type, or the number type itself, or whether there is a trace."""
    return level if name == "dtype" else level > 0 if name == "trace" else type(level)


def fits(readout: Any, dtype: Any) -> bool:
    """Return whether the two go together; everything else of a family does."""
    return not (readout in (RLS, *READOUTS[2:]) and dtype is np.float32)


def _measurable(types: dict[str, Any]) -> bool:
    """Return whether the types go together, and change the weights by more than they are rounded."""
    drowned = (types["rule"], types["loss"], types["dtype"]) == (WP, SoftmaxCrossEntropy, np.float32)
    return fits(types["readout"], types["dtype"]) and not drowned


def _tuples(row: Row, strength: int) -> set[Any]:
    return set(itertools.combinations(enumerate(row), strength))


def _cover(wanted: set[Any], propose: Callable[[], Row], strength: int) -> list[Row]:
    """Return rows, the best of many proposals each, until everything that is wanted occurs in a row."""
    wanted, rows = set(wanted), []
    while wanted:
        best = max((propose() for _ in range(200)), key=lambda row: len(_tuples(row, strength) & wanted))
        if _tuples(best, strength) & wanted:
            wanted -= _tuples(best, strength)
            rows.append(best)
    return rows


class Covering(NamedTuple):
    """A covering array: its cases, and the pairs of settings that it was asked for, as (name, number of the level)."""

    cases: list[Case]
    pairs: set[Any]


def covering(family: str, strength: int) -> Covering:
    """Return the covering array of a family, the same one in every run, sorted by what has to be compiled.

    Its types cover every pair of types with `strength` 2, every type with 1.
    """
    rng, levels = np.random.default_rng(0), COMPILED[family]
    kinds = {name: list(dict.fromkeys(kind(name, level) for level in levels[name])) for name in TYPED}
    possible = [
        row
        for row in itertools.product(*(range(len(of_factor)) for of_factor in kinds.values()))
        if _measurable({name: kinds[name][i] for name, i in zip(TYPED, row, strict=True)})
    ]
    first = [tuple(kinds[name].index(one) for name, one in zip(TYPED, row, strict=True)) for row in ELSEWHERE[family]]
    wanted = set().union(*(_tuples(row, strength) for row in possible))
    wanted = wanted.difference(*(_tuples(row, strength) for row in first))
    attempts = (_cover(wanted, lambda: possible[rng.integers(len(possible))], strength) for _ in range(8))
    typed_rows = first + min(attempts, key=len)

    def fitting(typed_row: Row) -> list[list[int]]:
        chosen = {name: kinds[name][i] for name, i in zip(TYPED, typed_row, strict=True)}
        return [
            [i for i, level in enumerate(of_factor) if name not in chosen or kind(name, level) == chosen[name]]
            for name, of_factor in levels.items()
        ]

    choices = [fitting(row) for row in typed_rows]
    pairs = {
        pair
        for choice in choices
        for (i, first), (j, second) in itertools.combinations(enumerate(choice), 2)
        for pair in itertools.product(((i, a) for a in first), ((j, b) for b in second))
    }

    def propose() -> Row:
        return tuple(int(rng.choice(numbers)) for numbers in choices[rng.integers(len(choices))])

    names = list(levels)
    rows = _cover(pairs, propose, 2)
    cases = [make_case({name: levels[name][i] for name, i in zip(names, row, strict=True)}) for row in rows]
    named = {tuple((names[i], a) for i, a in pair) for pair in pairs}
    return Covering(sorted(cases, key=lambda case: str(case.compiles_as())), named)


def full_product() -> Iterator[Case]:
    """Yield every combination of the CROSSED factors of every family; the others take turns."""
    rng = np.random.default_rng(1)
    for levels in FAMILIES.values():
        others = [name for name in levels if name not in CROSSED]
        for crossed in itertools.product(*(levels[name] for name in CROSSED)):
            chosen = dict(zip(CROSSED, crossed, strict=True))
            chosen |= {name: levels[name][rng.integers(len(levels[name]))] for name in others}
            if not fits(chosen["readout"], chosen["dtype"]):
                chosen["dtype"] = np.float64
            yield make_case(chosen)
