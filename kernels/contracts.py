"""What a part's synapses may see, declared beside the part: signals, their reach, and where the arrays hold them.

Nothing here runs in a step. ``onlinernn.checks`` tests what is declared, ``onlinernn explain`` prints it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from onlinernn.kernels.dispatch import open_function

#: How far a signal comes, the nearest first.
SYNAPSE, NEURON, LAYER, NETWORK = REACHES = ("synapse", "neuron", "layer", "network")

#: What the columns of an array are: hidden units, outputs, inputs, what the readout reads, inputs of a row of D.
HIDDEN, OUTPUTS, INPUTS, READ, MIXED = "hidden", "outputs", "inputs", "read", "mixed"


class View(NamedTuple):
    """A learner at the moment of learning, seen from the synapse from `j` to `i` in `layer` (A, R, B or D).

    Rows of the ring of tags: `source`, the step learnt from; `before`, the one before it; `tagged`, the one whose
    target came now; `now`, the present one; `perturbed`, one for each noisy copy in `source`; `pushed`, the same in
    the last steps that an impulse response covers; `told`, as many steps from `source` on.
    """

    params: Any  # the arrays of the learner
    tags: Any  # the same
    traces: Any  # the same
    work: Any  # the same
    layer: str  # of the synapse
    i: int  # the neuron after it
    j: int  # the neuron or the input before it
    source: int  # a row of the tags
    before: int  # a row
    tagged: int  # a row
    now: int  # a row
    perturbed: Any  # rows
    pushed: Any  # rows
    told: Any  # rows

    @property
    def weight(self) -> tuple[Any, Any]:
        """The synapse's weight, as (array, index)."""
        where = (self.j, self.i) if self.layer == "A" else (self.i, self.j)  # A is kept input-major
        return getattr(self.params, self.layer), where

    @property
    def pre(self) -> tuple[Any, int]:
        """The array that holds what comes before the synapse, and its row."""
        tags = self.tags
        rows = {"A": (tags.u, self.source), "R": (tags.s, self.before), "B": (tags.z, self.tagged)}
        return rows.get(self.layer, (self.params.q, 0))

    @property
    def post(self) -> Any:
        """The array that holds what was perturbed after the synapse."""
        return self.tags.readout if self.layer == "B" else self.tags.hidden


def _nothing(view: View) -> list[Any]:
    return []


class Signal(NamedTuple):
    """One thing that a synapse may see.

    Parameters
    ----------
    name
        What to call it.
    reach
        How far it comes: SYNAPSE, NEURON, LAYER or NETWORK.
    entries
        From a :class:`View` to the (array, index) that hold it.
    sums
        From a :class:`View` to the (columns, array, rows) of which it is a sum over the columns: a sum that stays the
        same when the other neurons change places and signs, in all these arrays alike. `columns` is HIDDEN, OUTPUTS,
        INPUTS, READ or MIXED.
    drawn
        Whether it is noise that is drawn again from the counters, and stands in no array.

    Examples
    --------
    >>> DELTA_LOSS.reach
    'network'
    """

    name: str
    reach: str
    entries: Callable[[View], list[Any]] = _nothing
    sums: Callable[[View], list[Any]] = _nothing
    drawn: bool = False


def _perturbations(view: View) -> list[Any]:
    # One part for each noisy copy, because each copy's power is a sum of its own.
    return [(OUTPUTS if view.layer == "B" else HIDDEN, view.post, [row]) for row in view.perturbed]


def _traces(view: View) -> list[Any]:
    return [(getattr(view.traces, view.layer), view.weight[1])]


WEIGHT = Signal("own weight", SYNAPSE, lambda v: [v.weight])
TRACE = Signal("own eligibility trace", SYNAPSE, _traces)
SYNAPSE_NOISE = Signal("own noise, drawn again", SYNAPSE, drawn=True)
PRE = Signal("activity before it", NEURON, lambda v: [(v.pre[0], (v.pre[1], v.j))])
NOISE = Signal("noise of its neuron", NEURON, lambda v: [(v.post, (v.perturbed, v.i))])
DRAWN_NOISE = Signal("noise of its neuron, drawn again", NEURON, drawn=True)
DIFFERENCE = Signal("noisy minus clean drive of its neuron", NEURON, NOISE.entries)
PUSHES = Signal("last pushes of its neuron", NEURON, lambda v: [(v.tags.hidden, (v.pushed, v.i))])
SLOPE = Signal("slope of its neuron", NEURON, lambda v: [(v.tags.slope, (v.source, v.i))])
RESPONSE = Signal("impulse response of its neuron", NEURON, lambda v: [(v.params.F, (slice(None), v.i))])
OWN_ERROR = Signal(
    "error of its output",
    NEURON,
    lambda v: [(v.work.target, (0, v.i))],
    lambda v: [(READ, v.params.B, [v.i]), (READ, v.tags.z, [v.tagged])],
)
TARGET = Signal("target of its output", NEURON, lambda v: [(v.work.target, (0, v.i))])
DECORRELATED = Signal("activity of its unit, s_i", NEURON, lambda v: [(v.params.w, (0, v.i))])
ROW_POWER = Signal("length of its unit's row", NEURON, sums=lambda v: [(MIXED, v.params.D, [v.i])])
POWER = Signal("power of its layer's differences", LAYER, sums=_perturbations)
READ_POWER = Signal("power of what the readout reads", LAYER, sums=lambda v: [(READ, v.tags.z, [v.tagged])])
DECORRELATED_POWER = Signal("power of s", LAYER, sums=lambda v: [(HIDDEN, v.params.w, [0])])
PRE_POWER = Signal(
    "power of activities and inputs",
    LAYER,
    lambda v: [(v.tags.norm, (v.before, 0))],
    lambda v: [(INPUTS, v.tags.u, [v.source])],
)
COVARIANCE = Signal(
    "all that the readout reads, its inverse covariance, its weights to the output",
    LAYER,
    lambda v: [(v.params.P, slice(None)), (v.tags.z, v.tagged), (v.params.B, v.i)],
)
DELTA_LOSS = Signal("loss difference", NETWORK, lambda v: [(v.work.delta_loss, slice(None))])
DELTA_LOSSES = Signal(
    "loss differences of the window",
    NETWORK,
    lambda v: [(v.work.delta_loss, slice(None)), (v.tags.delta, slice(None))],
)
ERRORS = Signal(
    "output errors",
    NETWORK,
    lambda v: [(v.tags.error, v.told), (v.work.target, slice(None))],
    lambda v: [(READ, v.params.B, slice(None)), (READ, v.tags.z, [v.tagged])],
)
RESIDUAL = Signal(
    "output difference not expected",
    NETWORK,
    lambda v: [(v.work.y, slice(None))],
    lambda v: [(HIDDEN, v.params.F, slice(None)), (HIDDEN, v.tags.hidden, v.pushed)],
)
PUSH_POWER = Signal("power of the pushes", NETWORK, lambda v: [(v.tags.power, v.pushed)])
STRENGTH = Signal(
    "strength of all responses",
    NETWORK,
    lambda v: [(v.params.running, (0, 0))],
    lambda v: [(HIDDEN, v.params.F, slice(None)), (HIDDEN, v.tags.slope, [v.source])],
)
STRAYING = Signal(
    "how far the noisy copies stray",
    NETWORK,
    lambda v: [(v.params.running, (0, slice(1, None)))],
    lambda v: [(HIDDEN, v.work.a, slice(None)), (HIDDEN, v.tags.slope, [v.now])],
)


class LocalityContract(NamedTuple):
    """What the synapses of a part may see, and what the part may keep.

    Parameters
    ----------
    allowed
        The signals, each a :class:`Signal`; nothing else may reach the update of a synapse.
    steps
        How many steps before the one whose target comes now the part may look back.
    matrices
        Arrays of the size of a weight matrix that it keeps beside the weights, as ``"params.D"``.

    Examples
    --------
    >>> THREE_FACTOR.allowed[1].name
    'activity before it'
    """

    allowed: tuple[Signal, ...]
    steps: int = 0
    matrices: tuple[str, ...] = ()


#: Presynaptic activity, postsynaptic noise, and one broadcast number: what a rule gets that declares nothing.
THREE_FACTOR = LocalityContract((WEIGHT, PRE, NOISE, DELTA_LOSS))


@open_function(default=True)
def contract(part: Any) -> Any:
    """Return the :class:`LocalityContract` of a rule, a readout rule, a decorrelation or a trace."""
    return THREE_FACTOR


@open_function(default=True)
def skipped(part: Any) -> Any:
    """Return the checks that a part is excused from, as ((name of the check, reason), ...)."""
    return ()
