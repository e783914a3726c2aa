"""A learner at the moment of learning, with every array full of random numbers: where locality is looked at.

A scene is read twice, as it is and with everything redrawn that a synapse may not see. Sums over other neurons that it
may see keep their bits: the other neurons change signs, or keep their value but for rounding: they change places too.
"""

from typing import Any, NamedTuple

import numpy as np

from onlinernn.kernels import noise
from onlinernn.kernels.contracts import HIDDEN, INPUTS, MIXED, OUTPUTS, READ, LocalityContract, View, contract
from onlinernn.kernels.dispatch import EXACT, compiled
from onlinernn.kernels.layout import PENDING, STALE, TICK
from onlinernn.kernels.noise import draw
from onlinernn.kernels.readouts import perturbed
from onlinernn.kernels.rules import noise_copy
from onlinernn.kernels.synapses import beginning
from onlinernn.kernels.updates import lag
from onlinernn.learner import OnlineLearner

#: Arrays whose entries are powers, or means of powers.
POSITIVE = ("norm", "power", "running")
GROUPS = ("params", "state", "tags", "traces", "work")


class Marked(NamedTuple):
    """A noise source that draws other numbers everywhere but at a synapse's own sites.

    Parameters
    ----------
    salt
        What turns the bits of all other sites; 0 leaves them as they are.
    own
        The bits of the sites that are left as they are.
    """

    salt: Any = np.uint64(0)
    own: Any = (np.uint64(0),)


@compiled(**EXACT)
def _marked(bits: Any, salt: Any, own: Any) -> Any:
    changed = noise.mix(bits ^ salt) if salt != noise.U64(0) else bits
    for k in range(len(own)):
        if bits == own[k]:
            changed = bits
    return (noise.U64(changed) >> noise.U64(11)) * 2.2204460492503131e-16 * 1.7320508075688772 - 1.7320508075688772


def _draw_marked(noise: Any, bits: Any) -> Any:
    return _marked(bits, noise.salt, noise.own)


draw.register(Marked)(_draw_marked)


class Synapse(NamedTuple):
    """A synapse, and the sizes of the network it is in.

    Parameters
    ----------
    layer
        Whose weight it is: A, R, B or D.
    i, j
        The neuron after it; the neuron or input before it, of which the last of A and of B is the constant of the bias.
    n, d, m
        Hidden units, inputs, outputs.
    delay
        Steps until a target arrives.
    seed
        Of all that is drawn.
    """

    layer: str
    i: int
    j: int
    n: int
    d: int
    m: int
    delay: int
    seed: int

    def __str__(self) -> str:
        """Say it in words."""
        return f"{self.layer}[{self.i}, {self.j}] of a network of {self.d} inputs, {self.n} units, {self.m} outputs"


class Parts(NamedTuple):
    """The parts that are looked at together.

    Parameters
    ----------
    rule
        The rule.
    settings
        Other arguments of the learner.
    """

    rule: Any
    settings: dict[str, Any]


_SHARED: dict[Any, Any] = {}


def learner_of(parts: Parts, n: int = 6, d: int = 2, m: int = 2, **more: Any) -> OnlineLearner:
    """Return a float64 learner of these parts; learners of the same types share their compiled functions.

    Parameters
    ----------
    parts
        The parts.
    n, d, m
        Hidden units, inputs, outputs.
    **more
        Arguments of the learner.
    """
    return share(OnlineLearner(d, n, m, rule=parts.rule, **{"dtype": np.float64, **parts.settings, **more}))


def share(learner: OnlineLearner) -> OnlineLearner:
    """Return the learner, with the compiled functions of another one that has parts of the same types.

    Parameters
    ----------
    learner
        A learner that has not done a step yet.
    """
    types = _types(learner.spec)
    if types in _SHARED:  # to look whether the sources have changed takes longer than all the rest
        learner.__dict__["_entries"] = _SHARED[types]
    else:
        _SHARED[types] = learner._entries
    return learner


def _types(value: Any) -> Any:
    return (type(value), *map(_types, value)) if isinstance(value, tuple) else type(value)


class Scene:
    """A learner whose arrays are random, before it learns.

    Parameters
    ----------
    parts
        Of the learner.
    synapse
        The synapse to look at.
    """

    def __init__(self, parts: Parts, synapse: Synapse) -> None:
        self.synapse = synapse
        more = {"target_delay": synapse.delay, "seed": synapse.seed, "spectral_radius": 0.0}  # no time for a reservoir
        self.learner = learner_of(parts, synapse.n, synapse.d, synapse.m, **more)
        learner = self.learner
        self.groups = {name: getattr(learner, f"_{name}") for name in GROUPS}
        self._fill(np.random.default_rng(synapse.seed))
        learner._tally[TICK] = synapse.delay + lag(learner.spec.rule) + 3 + synapse.seed % 5
        learner._tally[PENDING], learner._tally[STALE] = synapse.layer == "D", 0
        self.view = self._view()
        self._saved = learner._arena.copy(), learner._tally.copy()
        self.mark(0)

    def renew(self) -> "Scene":
        """Return the scene as it was at first; every look at it begins so."""
        self.learner._arena[...], self.learner._tally[...] = self._saved
        self.mark(0)
        return self

    def _fill(self, rng: np.random.Generator) -> None:
        for group in self.groups.values():
            for name, array in group._asdict().items():
                array[...] = rng.normal(size=array.shape)
                if name in POSITIVE:
                    np.abs(array, out=array)
                if name == "running":  # now small beside what they are compared with, now large
                    np.multiply(array, 10.0 ** rng.integers(-1, 4), out=array)
        self.groups["work"].taught[...] = 1

    def _view(self) -> View:
        learner, layer = self.learner, self.synapse.layer
        spec, slots = learner.spec, len(learner._tags.u)
        tick, lanes = int(learner._tally[TICK]), learner.replicas
        tagged = tick - spec.target_delay
        source = tagged - (0 if layer == "B" else lag(spec.rule))
        return View(
            params=learner._params,
            tags=learner._tags,
            traces=learner._traces,
            work=learner._work,
            layer=layer,
            i=self.synapse.i,
            j=self.synapse.j,
            source=source % slots,
            before=(source - 1) % slots,
            tagged=tagged % slots,
            now=tick % slots,
            perturbed=[source % slots * lanes + k for k in range(lanes)],
            pushed=[(tick - tau) % slots * lanes + k for tau in range(spec.sizes.taps) for k in range(lanes)],
            told=[(source + tau) % slots for tau in range(spec.sizes.taps)],
        )

    def mark(self, salt: int) -> None:
        """Let all noise that is drawn again change, but for that of the synapse.

        Parameters
        ----------
        salt
            A number above 0; 0 changes nothing.
        """
        self._noise(salt, self._own_sites())

    def draw_anew(self) -> None:
        """Let the synapse's own noise change, too."""
        self._noise(1, [0] * len(self._own_sites()))
        own = self.own_draws()
        if own:  # without noise of weights there is no table
            self.groups["work"].table[0, own] *= 3

    def _noise(self, salt: int, own: list[Any]) -> None:
        spec, learner = self.learner.spec, self.learner
        if hasattr(spec.rule, "noise"):
            marked = Marked(np.uint64(salt), tuple(np.uint64(bits) for bits in own))
            learner.spec = spec._replace(rule=spec.rule._replace(noise=marked))
            learner._bind()

    def _learnt_step(self) -> int:
        spec, layer = self.learner.spec, self.synapse.layer
        return int(self.learner._tally[TICK]) - spec.target_delay - (0 if layer == "B" else lag(spec.rule))

    def _own_sites(self) -> list[Any]:
        """Return the bits of the counters that belong to the neuron after the synapse."""
        spec, step = self.learner.spec, self._learnt_step()
        domain = noise.NODE_READOUT if self.synapse.layer == "B" else noise.NODE_HIDDEN
        keys = (
            noise.key(spec.seed, step, 0, noise_copy(spec.rule, k), domain) for k in range(1, self.learner.replicas + 1)
        )
        return [noise.site(np.uint64(key), self.synapse.i) for key in keys]

    def own_draws(self) -> list[int]:
        """Return where in the table of draws the noise of the synapse stands, for each noisy copy."""
        spec, (layer, i, j) = self.learner.spec, self.synapse[:3]
        if layer == "D" or not spec.sizes.draws:
            return []
        domain, row, column = {
            "A": (noise.SYNAPSE_INPUT, j, i),
            "R": (noise.SYNAPSE_RECURRENT, i, j),
            "B": (noise.SYNAPSE_READOUT, i, j),
        }[layer]
        keys = (noise.key(spec.seed, self._learnt_step(), 0, k, domain) for k in range(1, self.learner.replicas + 1))
        return [int(beginning(np.uint64(noise.site(np.uint64(key), row)), spec.sizes.draws)) + column for key in keys]

    def contract(self) -> LocalityContract:
        """Return what the synapse may see: what its rule, or its readout or decorrelation, and the trace declare."""
        spec, layer = self.learner.spec, self.synapse.layer
        if layer == "D":
            return LocalityContract(*contract(spec.decorrelation))
        own = spec.rule if layer != "B" or perturbed(spec.readout) else spec.readout
        told = contract(own)
        return LocalityContract((*told.allowed, *contract(spec.trace).allowed), told.steps, told.matrices)

    def held(self, allowed: tuple[Any, ...]) -> list[tuple[Any, Any]]:
        """Return the entries that signals consist of, as (array, index).

        Parameters
        ----------
        allowed
            The signals.
        """
        return [entry for signal in allowed for entry in signal.entries(self.view) if entry[0].size]

    def summed(self, allowed: tuple[Any, ...]) -> list[tuple[str, Any, Any]]:
        """Return what signals are sums of, as (columns, array, rows).

        Parameters
        ----------
        allowed
            The signals.
        """
        return [part for signal in allowed for part in signal.sums(self.view) if part[1].size]

    def own_column(self, columns: str) -> int | None:
        """Return the number of the synapse's own column of an array, if there is one.

        Parameters
        ----------
        columns
            What its columns are.
        """
        i, j, layer = self.synapse.i, self.synapse.j, self.synapse.layer
        own: dict[str, int | None] = {
            HIDDEN: None if layer == "B" else i,
            OUTPUTS: i,
            INPUTS: j if layer == "A" else None,
            READ: j if layer == "B" else None,
            MIXED: j,
        }
        return own[columns]

    def names(self) -> dict[str, np.ndarray]:
        """Return all arrays that are not empty, by name."""
        return {
            f"{name}.{field}": array
            for name, group in self.groups.items()
            for field, array in group._asdict().items()
            if array.size
        }

    def learn(self) -> tuple[float, float]:
        """Let the learner learn; return the synapse's weight, and by how much it changed."""
        array, index = self.view.weight
        before = float(array[index])
        if self.synapse.layer == "D":
            self.learner._entries.refresh(self.learner._held)
        else:
            self.learner._entries.feedback(self.learner._held)
        return float(array[index]), float(array[index]) - before


class Mask(NamedTuple):
    """What of a scene may change.

    Parameters
    ----------
    entries
        By name of the array, where it may be redrawn.
    moves
        (columns, array, rows) in which the other columns may change signs, and places.
    """

    entries: dict[str, np.ndarray]
    moves: list[tuple[str, Any, Any]]


def foreign(scene: Scene, allowed: tuple[Any, ...]) -> Mask:
    """Return what is none of the synapse's business.

    Parameters
    ----------
    scene
        The scene.
    allowed
        The signals that it may see.
    """
    kept = {name: np.zeros(array.shape, bool) for name, array in scene.names().items()}
    ids = {id(array): name for name, array in scene.names().items()}
    kept["work.taught"][...] = True
    if scene.learner.spec.sizes.draws:
        own = scene.own_draws() if any(signal.drawn for signal in allowed) else []
        kept["work.table"][0, [*own, -1]] = True  # the last entry tells that the table is filled
    for array, index in [scene.view.weight, *scene.held(allowed)]:
        kept[ids[id(array)]][index] = True
    moves = scene.summed(allowed)
    for _, array, rows in moves:
        kept[ids[id(array)]][rows, :] = True
    return Mask({name: ~mask for name, mask in kept.items() if not mask.all()}, moves)


def redraw(
    scene: Scene, mask: Mask, seed: int, allowed: tuple[Any, ...], *, places: bool, only: str | None = None
) -> None:
    """Redraw what may change.

    Parameters
    ----------
    scene
        The scene.
    mask
        What may change.
    seed
        Of what is drawn.
    allowed
        The signals that the synapse may see.
    places
        Whether columns change places, too: then a sum stays the same but for rounding.
    only
        The name of the one array to redraw; None: all, and the columns move.
    """
    rng = np.random.default_rng([seed, 1])
    named = scene.names()
    for name, where in mask.entries.items():
        if only in (None, name):
            new = rng.normal(size=int(where.sum()))
            named[name][where] = np.abs(new) if name.split(".")[1] in POSITIVE else new
    if only is not None:
        return
    turned: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    done: set[tuple[int, str]] = set()
    for columns, array, rows in mask.moves:
        if (id(array), str(rows)) in done:
            continue
        done.add((id(array), str(rows)))
        if columns not in turned:
            turned[columns] = _turn(rng, array.shape[1], scene.own_column(columns), places)
        order, signs = turned[columns]
        array[rows] = array[rows][:, order] * signs
    if not any(signal.drawn for signal in allowed):
        scene.draw_anew()
    else:
        scene.mark(seed + 1)


def _turn(rng: np.random.Generator, size: int, fixed: int | None, places: bool) -> tuple[np.ndarray, np.ndarray]:
    order, signs = np.arange(size), rng.choice([-1.0, 1.0], size=size)
    if places:
        free = rng.permutation([k for k in range(size) if k != fixed]).astype(int)
        order[free] = np.roll(free, 1)  # one round, so that each goes somewhere else
    if fixed is not None:
        signs[fixed] = 1.0
    return order, signs
