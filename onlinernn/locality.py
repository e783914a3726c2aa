"""Whether the update of a synapse depends on what its part declares, on all of it, and on nothing else."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from onlinernn.kernels.contracts import REACHES, Signal
from onlinernn.scene import POSITIVE, Mask, Parts, Scene, Synapse, foreign, redraw

Learn = Callable[[Scene], tuple[float, float]]

#: What an array of a learner holds, for people.
WORDS = {
    "params.R": "a recurrent weight",
    "params.A": "an input weight",
    "params.B": "a readout weight",
    "params.D": "a weight of D",
    "params.P": "the inverse covariance",
    "params.F": "an impulse response",
    "params.running": "a running mean",
    "state.s": "an activity of now",
    "state.x": "a variable of a cell",
    "tags.u": "an input",
    "tags.s": "an activity that R read",
    "tags.z": "an activity that the readout read",
    "tags.hidden": "the perturbation of a neuron",
    "tags.readout": "the perturbation of an output",
    "tags.y": "an output",
    "tags.delta": "a loss difference",
    "tags.slope": "the slope of a neuron",
    "tags.error": "an output error",
    "work.a": "an activity of now",
    "work.target": "a target",
    "work.y": "an output of now",
    "work.delta_loss": "the loss difference of now",
}


class Violation(NamedTuple):
    """A synapse that saw what it may not.

    Parameters
    ----------
    synapse
        The synapse.
    signal
        What it saw: the name of an array, with the entry where one alone was enough.
    weight
        What the synapse learnt.
    other
        What it learnt after the signal had changed.
    """

    synapse: Synapse
    signal: str
    weight: float
    other: float

    def __str__(self) -> str:
        """Say which synapse saw what, and by how much it matters."""
        return (
            f"{self.synapse} becomes {self.weight:.6g}, but {self.other:.6g} (by {self.other - self.weight:+.2g}) when "
            f"{self.signal} changes, which its contract does not allow"
        )


class Seen(NamedTuple):
    """What was found at one synapse.

    Parameters
    ----------
    violation
        The first signal that it may not see and does, or None.
    used
        The signals that it may see and does.
    """

    violation: Violation | None
    used: frozenset[str]


class Row(NamedTuple):
    """One signal of a locality table.

    Parameters
    ----------
    signal
        Its name.
    used
        The layers in which the update depends on it, as ``"R A"``.
    reach
        How far it comes: synapse, neuron, layer or network.
    """

    signal: str
    used: str
    reach: str


class LocalityTable(NamedTuple):
    """Which signals the synapses of a part may see, and which they use.

    Parameters
    ----------
    rows
        One for each signal, the nearest first.

    Examples
    --------
    >>> print(LocalityTable((Row("own weight", "", "synapse"), Row("loss difference", "R A B", "network"))))
    signal           used   reach
    own weight       -      synapse
    loss difference  R A B  network
    """

    rows: tuple[Row, ...]

    def __str__(self) -> str:
        """Lay the rows out in columns."""
        lines = [("signal", "used", "reach"), *((row.signal, row.used or "-", row.reach) for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(3)]
        padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
        return "\n".join(line.rstrip() for line in padded)

    @property
    def reach(self) -> str:
        """The farthest reach of a signal that is used."""
        return max((row.reach for row in self.rows if row.used), key=REACHES.index, default=REACHES[0])


def look(parts: Parts, synapse: Synapse, allowed: tuple[Signal, ...] | None = None, learn: Learn = Scene.learn) -> Seen:
    """Look at one synapse in one scene.

    Parameters
    ----------
    parts
        The parts of the learner.
    synapse
        The synapse.
    allowed
        The signals that it may see; None: those of the contract.
    learn
        From a :class:`Scene` to the synapse's new weight and its change.

    Returns
    -------
    Seen
        A violation, or what is used.
    """
    scene = Scene(parts, synapse)
    may = scene.contract().allowed if allowed is None else allowed
    mask = foreign(scene, may)
    weight, change = learn(scene)

    def redrawn(places: bool, only: str | None = None) -> float:
        redraw(scene.renew(), mask, synapse.seed, may, places=places, only=only)
        return learn(scene)[0]

    close = 1e-12 * (abs(weight) + abs(change))
    for name in mask.entries:
        other = redrawn(False, name)
        if other != weight:
            return Seen(_nearest(scene, mask, may, learn, Violation(synapse, name, weight, other)), frozenset())
    for places, what in ((False, "the sign of another neuron"), (True, "another neuron")):
        other = redrawn(places)
        if abs(other - weight) > close * places or other != other:
            return Seen(Violation(synapse, f"{what}, or noise that is not its own,", weight, other), frozenset())
    used = []
    for signal in may:
        _change(scene.renew(), signal, may)
        if abs(learn(scene)[1] - change) > close:
            used.append(signal.name)
    return Seen(None, frozenset(used))


def _nearest(scene: Scene, mask: Mask, may: tuple[Signal, ...], learn: Learn, found: Violation) -> Violation:
    """Return the violation by a single entry of an array, where one alone is enough."""
    where = mask.entries[found.signal]
    for index in zip(*np.nonzero(where), strict=True):
        one = np.zeros_like(where)
        one[index] = True
        redraw(scene.renew(), Mask({found.signal: one}, []), found.synapse.seed, may, places=False, only=found.signal)
        alone = learn(scene)[0]
        if alone != found.weight:
            entry = ", ".join(str(int(k)) for k in index)
            what = WORDS.get(found.signal, "an array of the engine")
            return found._replace(signal=f"{found.signal}[{entry}] ({what})", other=alone)
    return found


def _change(scene: Scene, signal: Signal, may: tuple[Signal, ...]) -> None:
    """Change one signal, and nothing else that the synapse may see."""
    if signal.drawn:
        scene.draw_anew()
    entries = scene.held((signal,))
    positive = {id(array) for name, array in scene.names().items() if name.split(".")[1] in POSITIVE}
    for array, index in entries:
        array[index] *= 3 if id(array) in positive else -3
    if entries:
        return
    own = scene.summed((signal,))
    arrays = {id(array) for _, array, _ in own}
    scaled: set[tuple[int, str]] = set()
    for columns, array, rows in [*own, *scene.summed(may)]:
        if columns in {one for one, _, _ in own} and (id(array), str(rows)) not in scaled:
            scaled.add((id(array), str(rows)))
            factors = np.full(array.shape[1], 2.0 if id(array) in arrays else 0.5)  # their products stay the same
            fixed = scene.own_column(columns)
            if fixed is not None:
                factors[fixed] = 1.0
            array[rows] = array[rows] * factors


def table(findings: Iterable[tuple[str, tuple[Signal, ...], frozenset[str]]]) -> LocalityTable:
    """Return what was found at many synapses as one table.

    Parameters
    ----------
    findings
        (layer, signals that it may see, names of those that it uses).
    """
    signals: dict[str, Signal] = {}
    used: dict[str, list[str]] = {}
    for layer, may, names in findings:
        for signal in may:
            signals.setdefault(signal.name, signal)
            layers = used.setdefault(signal.name, [])
            if signal.name in names and layer not in layers:
                layers.append(layer)
    ordered = sorted(signals.values(), key=lambda signal: REACHES.index(signal.reach))
    return LocalityTable(tuple(Row(one.name, " ".join(sorted(used[one.name])), one.reach) for one in ordered))
