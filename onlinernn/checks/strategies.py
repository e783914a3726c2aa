"""Hypothesis strategies for tests of parts: networks, streams, hyper-parameters, hardware, interleavings, synapses."""

from typing import Any, NamedTuple, get_type_hints

import numpy as np
from hypothesis import strategies as st

from onlinernn.kernels.converters import (
    Mismatch,
    Nearest,
    Noise,
    Quantise,
    Saturate,
    Stochastic,
    StochasticShared,
    Truncate,
)
from onlinernn.kernels.devices import CountWrites, DeviceBounds
from onlinernn.kernels.effects import Substrate
from onlinernn.kernels.pulses import PulsedUpdate
from onlinernn.parts import RANGES, Range, kind_of
from onlinernn.scene import Parts, Synapse, learner_of


def hyper_parameters(part: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for parts of the same type: every field from its declared type and range.

    A number without an upper bound is drawn up to ten times what `part` has, or up to 1. Parts within the part keep
    their types, because each new type is compiled anew.

    Parameters
    ----------
    part
        An instance; its type decides.

    Examples
    --------
    >>> from onlinernn import LeakyTanh
    >>> from hypothesis import find
    >>> find(hyper_parameters(LeakyTanh()), lambda cell: cell.alpha > 0.5).alpha > 0.5
    True
    """
    hints = get_type_hints(type(part))
    ranges = {**RANGES, **getattr(type(part), "ranges", {})}
    fields = {name: _field(getattr(part, name), hints[name], ranges.get(name)) for name in part._fields}
    return st.tuples(*fields.values()).map(lambda drawn: type(part)(*drawn))


def _field(value: Any, hint: Any, allowed: Range | None) -> st.SearchStrategy[Any]:
    if isinstance(value, tuple) and kind_of(value) is not None:
        return hyper_parameters(value)
    if hint is bool:
        return st.booleans()
    if hint not in (int, float):
        return st.just(value)
    low = 0.0 if allowed is None else allowed.low
    high = max(10 * abs(value), 1.0) if allowed is None or not np.isfinite(allowed.high) else allowed.high
    if hint is int:
        return st.integers(int(low), int(min(high, low + 16)))
    return st.floats(low, high, exclude_min=allowed is not None and allowed.above, allow_subnormal=False)


class Network(NamedTuple):
    """Sizes and settings of a learner, none of which needs anything compiled anew.

    Parameters
    ----------
    n_in, n_hidden, n_out
        Inputs, hidden units, outputs.
    settings
        Other arguments of :class:`onlinernn.OnlineLearner`.
    """

    n_in: int
    n_hidden: int
    n_out: int
    settings: dict[str, Any]

    def learner(self, parts: Parts) -> Any:
        """Return a learner of some parts.

        Parameters
        ----------
        parts
            The parts; their own settings are kept.
        """
        own = {name: value for name, value in self.settings.items() if name not in parts.settings}
        return learner_of(parts, self.n_hidden, self.n_in, self.n_out, **own)


def networks(most: int = 8) -> st.SearchStrategy[Network]:
    """Return a strategy for small networks, with target delays, biases and seeds.

    Parameters
    ----------
    most
        Largest number of hidden units.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(networks(), lambda network: network.n_hidden > 2).n_hidden
    3
    """
    settings = st.fixed_dictionaries(
        {
            "target_delay": st.integers(0, 3),
            "bias": st.sampled_from([1.0, 0.0, 0.5]),
            "seed": st.integers(0, 2**16),
        }
    )
    drawn = st.tuples(st.integers(1, 3), st.integers(1, most), st.integers(1, 3), settings)
    return drawn.map(lambda fields: Network(*fields))


_STEPS = st.integers(7, 12).map(lambda bits: 2.0**-bits)  # finer than a perturbation, coarser than float32
_SMALL = st.floats(0.0, 0.25, width=16)
_QUANTISE = st.tuples(_STEPS, st.sampled_from([Nearest(), Truncate(), Stochastic(), StochasticShared()]))
_CONVERTERS = st.one_of(
    _QUANTISE.map(lambda fields: Quantise(*fields)),
    st.floats(0.5, 8.0, width=16).map(lambda bound: Saturate(-bound, bound)),
    _SMALL.map(Noise),
    st.tuples(_SMALL, _SMALL).map(lambda fields: Mismatch(*fields)),
)
_DIGITAL = st.tuples(_STEPS, st.sampled_from([Nearest(), Stochastic(), StochasticShared()])).map(
    lambda fields: (Quantise(*fields), Saturate(-1.0, 1.0 - fields[0]), CountWrites())
)
_PULSED = st.tuples(_STEPS, _SMALL, _SMALL, st.integers(1, 40), _SMALL).map(
    lambda fields: (PulsedUpdate(*fields[:4]), DeviceBounds(-1.0, 1.0, fields[4], fields[4]))
)


def substrates(most: int = 2) -> st.SearchStrategy[Substrate]:
    """Return a strategy for hardware: digital or pulsed writes, and converters anywhere in the chains.

    Each combination of effects is a type of its own, which is compiled anew; draw them with ``NUMBA_DISABLE_JIT=1``.

    Parameters
    ----------
    most
        Largest number of converters in one chain.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(substrates(most=1), lambda hardware: hardware.chop).drive
    ()
    """
    chain = st.lists(_CONVERTERS, max_size=most).map(tuple)
    scale = st.sampled_from([1.0, 2.0, 4.0])
    fields = {
        "read": chain,
        "write": st.one_of(st.just(()), _DIGITAL, _PULSED),
        **dict.fromkeys(("input", "drive", "node", "output", "feedback"), chain),
        **dict.fromkeys(("scale_input", "scale_recurrent", "scale_readout"), scale),
        "chop": st.booleans(),
        "cancel": st.sampled_from([0.0, 0.05]),
    }
    return st.tuples(*(fields[name] for name in Substrate._fields)).map(lambda drawn: Substrate(*drawn))


class Rows(NamedTuple):
    """A stream: inputs and the targets that come with them.

    Parameters
    ----------
    inputs : (T, n_in) array
        Finite.
    targets : (T, n_out) array
        A row of NaN teaches nothing.
    """

    inputs: np.ndarray
    targets: np.ndarray


def streams(n_in: int, n_out: int, most: int = 24) -> st.SearchStrategy[Rows]:
    """Return a strategy for streams; some rows have no target, and each target is a distribution over the outputs.

    Parameters
    ----------
    n_in, n_out
        Inputs, outputs.
    most
        Largest number of steps.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(streams(1, 2), lambda rows: len(rows.inputs) > 2).targets.shape
    (3, 2)
    """

    def rows(steps: int, seed: int, missing: float) -> Rows:
        rng = np.random.default_rng(seed)
        targets = rng.random((steps, n_out)) + 0.1
        targets /= targets.sum(axis=1, keepdims=True)
        targets[rng.random(steps) < missing] = np.nan
        return Rows(rng.normal(size=(steps, n_in)), targets)

    drawn = st.tuples(st.integers(1, most), st.integers(0, 2**16), st.sampled_from([0.2, 0.0]))
    return drawn.map(lambda fields: rows(*fields))


class Step(NamedTuple):
    """One step. Its rows are drawn from `seed`; without `taught` there is no target.

    Parameters
    ----------
    seed
        Of the rows.
    taught
        Whether there is a target.
    """

    seed: int
    taught: bool


class Predict(NamedTuple):
    """One prediction.

    Parameters
    ----------
    seed
        Of the input.
    """

    seed: int


class Reset(NamedTuple):
    """A reset."""


class SaveAndLoad(NamedTuple):
    """The learner is saved, and the one that is loaded goes on."""


Operation = Step | Predict | Reset | SaveAndLoad


def interleavings(most: int = 16) -> st.SearchStrategy[list[Operation]]:
    """Return a strategy for what may be done with a learner, in any order.

    Parameters
    ----------
    most
        Largest number of operations.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(interleavings(), lambda done: Reset() in done)
    [Reset()]
    """
    # Steps first: the most that is done, and what a failing example is reduced to. One draw decides, because one_of
    # would leave out repetitions.
    kinds: list[type[Operation]] = [Step, Step, Step, Step, Predict, Reset, SaveAndLoad]
    drawn = st.tuples(st.sampled_from(kinds), st.integers(0, 2**8), st.sampled_from([True, True, False]))
    return st.lists(drawn.map(_operation), min_size=1, max_size=most)


def _operation(drawn: tuple[type[Operation], int, bool]) -> Operation:
    kind, seed, taught = drawn
    if kind is Step:
        return Step(seed, taught)
    return Predict(seed) if kind is Predict else Reset() if kind is Reset else SaveAndLoad()


@st.composite
def synapses(draw: st.DrawFn, parts: Parts, layer: str, most: int = 8) -> Synapse:
    """Return a strategy for synapses of a layer, with the sizes of their network.

    Parameters
    ----------
    draw
        Given by Hypothesis.
    parts
        The parts.
    layer
        R, A, B or D.
    most
        Largest number of hidden units.

    Examples
    --------
    >>> from hypothesis import find
    >>> from onlinernn import NP
    >>> find(synapses(Parts(NP(), {}), "R"), lambda synapse: synapse.i > 1).i
    2
    """
    n, d, m = draw(st.integers(1, most)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    shapes = {"R": (n, n), "D": (n, n), "A": (n, d + 1), "B": learner_of(parts, n, d, m)._params.B.shape}
    i, j = (draw(st.integers(0, size - 1)) for size in shapes[layer])
    return Synapse(layer, i, j, n, d, m, draw(st.integers(0, 3)), draw(st.integers(0, 2**16)))
