"""What a learner holds and what it has counted."""

from typing import Any, NamedTuple

import numpy as np

from onlinernn.kernels import layout
from onlinernn.kernels.converters import Stochastic, StochasticShared
from onlinernn.kernels.decorrelation import growth
from onlinernn.kernels.effects import Draws, draws
from onlinernn.kernels.effects import counts as counts_writes
from onlinernn.kernels.pulses import PulsedUpdate
from onlinernn.kernels.readouts import perturbed
from onlinernn.kernels.rules import clean_noise, noise_copy, synapse_sigma


def bytes_by_role(
    params: Any, state: Any, tags: Any, traces: Any, arena: np.ndarray, buffers: Any, tally: np.ndarray
) -> dict[str, int]:
    """Return the bytes of a learner by what they are for.

    Parameters
    ----------
    params, state, tags, traces
        The views of the arena by role; the rest of it is scratch.
    arena
        All floating-point memory.
    buffers
        One step's inputs and results.
    tally
        The counters, of which step and seed are all that noise needs which is not played from a tape.
    """
    held = {
        "weights": sum(
            array.nbytes
            for name, array in params._asdict().items()
            if name not in ("F", "running", "P", "tape") and not name.startswith("memory")
        ),
        "responses": params.F.nbytes + params.running.nbytes,
        "covariance": params.P.nbytes,
        "devices": sum(array.nbytes for name, array in params._asdict().items() if name.startswith(("memory", "twin"))),
        "activities": sum(array.nbytes for array in state),
        "tags": sum(array.nbytes for array in tags),
        "traces": sum(array.nbytes for array in traces),
        "noise": 2 * tally.itemsize + params.tape.nbytes,
    }
    total = arena.nbytes + sum(buffer.nbytes for buffer in buffers) + tally.nbytes
    return {**held, "scratch": total - sum(held.values())}


def counts(tally: np.ndarray) -> dict[str, int]:
    """Return the counters of a learner by name.

    Parameters
    ----------
    tally
        The counters.
    """
    names = {
        "steps": layout.TICK,
        "taught": layout.TAUGHT,
        "dead": layout.DEAD,
        "guarded_hidden": layout.GUARD_HIDDEN,
        "guarded_readout": layout.GUARD_READOUT,
    }
    return {name: int(tally[index]) for name, index in names.items()}


class Operations(NamedTuple):
    """What one step of one stream takes. Work per neuron, of which there are n and not n^2, is not counted.

    Parameters
    ----------
    forward
        Multiply-accumulates of the clean and the noisy copies: weights times activities, and noise of weights times
        activities where a rule has that.
    learning
        Multiply-accumulates of learning from a target: one for each weight, those of the matrix of a decorrelation, of
        impulse responses and of an inverse covariance.
    random_numbers
        Numbers drawn for perturbations. Those drawn again to learn from are not counted twice.
    """

    forward: int
    learning: int
    random_numbers: int


def operations(spec: Any) -> Operations:
    """Return what one step of one stream takes.

    Parameters
    ----------
    spec
        Of a learner.

    Examples
    --------
    >>> from onlinernn import NP, OnlineLearner
    >>> operations(OnlineLearner(1, 10, 1, rule=NP()).spec)
    Operations(forward=262, learning=131, random_numbers=11)
    """
    z = spec.sizes
    reads, square = z.hidden + z.linked + 1, z.hidden * z.hidden
    size = z.hidden * (z.hidden + z.inputs + 1) + z.outputs * reads
    by_weight = type(spec.rule) in synapse_sigma.open.implementations
    forward = (z.replicas + 1) * (size + z.decorrelated * square) + z.replicas * size * by_weight
    passes = 3 if type(spec.decorrelation) in growth.open.implementations else 2  # D^T s, each row; its length
    learning = size + passes * z.decorrelated * square
    learning += 2 * (z.replicas + 1) * z.taps * z.outputs * z.hidden  # expected, corrected; credit and its strength
    learning += z.inverse * (2 * reads * reads + z.outputs * reads)  # P z, P itself, the present error
    copies = len({noise_copy(spec.rule, copy + 1) for copy in range(z.replicas)})
    copies += type(spec.rule) in clean_noise.open.implementations and getattr(spec.rule, "both_noisy", True)
    drawn = size if by_weight else z.hidden + z.outputs * perturbed(spec.readout)
    return Operations(forward, learning, copies * drawn)


def report(tally: np.ndarray, spec: Any, params: Any) -> dict[str, Any]:
    """Return the counters of a learner, and on a substrate what it did to the numbers.

    Parameters
    ----------
    tally
        The counters.
    spec
        Of the learner.
    params
        Its weights, and what their devices remember.
    """
    z, found = spec.sizes, counts(tally)
    if not z.substrate:
        return found
    first = {
        "updates": layout.WANTED,
        "lost": layout.LOST,
        "writes": layout.WRITES,
        "bound_weight": layout.BOUND_WEIGHT,
        "bound_loss": layout.BOUND_LOSS,
        "bound_error": layout.BOUND_ERROR,
        "bound_input": layout.BOUND_FORWARD + layout.BOUND_INPUT,
        "bound_drive": layout.BOUND_FORWARD + layout.BOUND_DRIVE,
        "bound_node": layout.BOUND_FORWARD + layout.BOUND_NODE,
        "bound_output": layout.BOUND_FORWARD + layout.BOUND_OUTPUT,
    }
    found |= {name: int(tally[index]) for name, index in first.items()}
    weights = [params.A, params.R, params.B]
    size = sum(array.size for array in weights)
    steps, taught = found["steps"], found["taught"]
    found["writes_per_weight"] = found["writes"] / size
    if any(counts_writes(effect) for effect in spec.substrate.write):
        planes = (params.memory_input, params.memory_recurrent, params.memory_readout)
        found["most_writes"] = int(max(plane[: len(w)].max() for plane, w in zip(planes, weights, strict=True)))
    roundings = {type(getattr(effect, "rounding", effect)) for effect in spec.substrate.write}
    found["lost_by_chance"] = not roundings.isdisjoint((Stochastic, StochasticShared, PulsedUpdate))
    each = operations(spec)
    found["random_numbers"] = steps * z.streams * each.random_numbers
    found["macs_forward"] = steps * z.streams * each.forward
    found["inputs"] = steps * z.streams * z.inputs
    found["activities"] = steps * z.streams * (z.replicas + 1) * z.hidden
    found["macs_learning"] = taught * z.streams * each.learning
    return found | _drawn_by_chains(spec, found, [array.size for array in weights])


def _drawn(chain: tuple[Any, ...]) -> Draws:
    return Draws(*map(sum, zip(Draws(), *map(draws, chain), strict=True)))


def _drawn_by_chains(spec: Any, found: dict[str, Any], sizes: list[int]) -> dict[str, int]:
    """Return how many random numbers chains drew: those of writes, and all others. There are arrays of these `sizes`.

    What is read again to learn from a step is as noisy as it was in that step, and draws no other numbers.
    """
    z, substrate, steps, taught = spec.sizes, spec.substrate, found["steps"], found["taught"] * spec.sizes.streams
    lanes, errors = steps * z.streams * (z.replicas + 1), not perturbed(spec.readout)
    passes = {  # how many numbers went through a chain so far, and how many vectors or arrays of them
        "input": (found["inputs"], steps * z.streams),
        "read": (lanes * sum(sizes), lanes * len(sizes)),
        "drive": (found["activities"], lanes),
        "node": (found["activities"], lanes),
        "output": (lanes * z.outputs, lanes),
        "feedback": (taught * (z.replicas + errors * z.outputs), taught * ((z.replicas > 0) + errors)),
    }
    others = 0
    for name, (numbers, vectors) in passes.items():
        each, shared, _ = _drawn(getattr(substrate, name))
        others += each * numbers + shared * vectors
    each, shared, _ = _drawn(substrate.write)
    writes = each * found["updates"] + shared * found["taught"] * len(sizes)
    writes += _drawn(substrate.read).kept * found["writes"]
    return {"random_numbers_writes": writes, "random_numbers_chains": others}


def warnings(found: dict[str, Any]) -> list[str]:
    """Return what a report has to warn of: a line each.

    Parameters
    ----------
    found
        The report.

    Examples
    --------
    >>> warnings({"taught": 100, "dead": 85})
    ['the loss difference was zero in 85 % of steps: raise sigma, or the bits of outputs and loss']
    """
    lines = []

    def often(what: str, of: str, least: float) -> float:
        share = found.get(what, 0) / max(1, found.get(of, 0))
        return 100 * share if share > least else 0.0

    if dead := often("dead", "taught", 0.5):
        lines.append(
            f"the loss difference was zero in {dead:.0f} % of steps: raise sigma, or the bits of outputs and loss"
        )
    if dead := often("guarded_hidden", "taught", 0.5):
        lines.append(
            f"the copies' activities hardly differed in {min(dead, 100.0):.0f} % of steps: raise sigma, or the bits "
            "and the range of drives and activities"
        )
    by_chance = found.get("lost_by_chance", False)  # then the mean of an update is kept, and what it adds is noise
    if lost := often("lost", "updates", 0.99 if by_chance else 0.9):
        left = "left their weight where it was" + ", by chance, and the others moved it too far" * by_chance
        lines.append(f"{lost:.1f} % of the updates {left}: use a wider store, or a higher rate")
    if bound := often("bound_weight", "updates", 0.05):
        lines.append(f"{bound:.0f} % of the writes ran into a bound: raise the scale of the weights")
    if bound := often("weights_at_bound", "weights", 0.05):
        lines.append(
            f"{bound:.0f} % of the weights stand at a bound: raise the scale of the weights, or let them decay"
        )
    for name, of, remedy in (
        ("input", "inputs", "scale the inputs down"),
        ("node", "activities", "drive the neurons less (input_scale)"),
    ):
        if bound := often(f"bound_{name}", of, 0.05):
            lines.append(f"{bound:.0f} % of the {of} ran into a limit: {remedy}, or widen the {name} chain's range")
    for name, remedy in (("drive", "the range of the drives"), ("output", "the range of the outputs")):
        count, steps = found.get(f"bound_{name}", 0), found.get("steps", 0)
        if count > steps:
            lines.append(f"{count / steps:.1f} values of the {name} chain ran into a limit in a step: raise {remedy}")
    return lines
