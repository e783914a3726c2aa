"""Memory: what a part keeps between steps, how it grows with the network, and that it does not grow with time."""

import gc
import itertools
import tracemalloc
from typing import Any, NamedTuple

import numpy as np

from onlinernn.checks.hosts import parts_of
from onlinernn.kernels.contracts import contract
from onlinernn.kernels.layout import block_rows, table_draws
from onlinernn.scene import GROUPS, Parts, learner_of

#: Kinds of memory by array; what is not listed goes by its group.
KINDS = {
    "params.F": "responses",
    "params.running": "responses",
    "params.P": "covariance",
    **dict.fromkeys((f"params.memory_{of}" for of in ("recurrent", "input", "readout")), "devices"),
    **dict.fromkeys(("params.twin_hidden", "params.twin_outputs"), "devices"),
    "params": "weights",
    "state": "activities",
    "tags": "tags",
    "traces": "traces",
    "work": "scratch",
}


class GrowthError(AssertionError):
    """Memory that grows with time, or that the contract does not declare."""


class Kept(NamedTuple):
    """What is kept of one kind: ``synapse n^2 + neuron n + constant`` numbers, in networks of 128 units and more.

    Parameters
    ----------
    kind
        The kind.
    synapse, neuron, constant
        Numbers per recurrent synapse, per hidden unit, and in all.
    size
        Bytes in a float32 network of 100 units.
    """

    kind: str
    synapse: int
    neuron: int
    constant: int
    size: int


class MemoryTable(NamedTuple):
    """What a learner keeps.

    Parameters
    ----------
    rows
        One for each kind of memory.
    steps
        How many steps before the present one the tags reach.
    """

    rows: tuple[Kept, ...]
    steps: int

    def __str__(self) -> str:
        """Lay the rows out in columns."""
        header = ("kind", "per synapse", "per neuron", "constant", "bytes at n = 100, float32")
        lines = [header, *(tuple(map(str, row)) for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
        padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
        return "\n".join(line.rstrip() for line in [*padded, f"the tags reach {self.steps} steps back"])


def _sizes(parts: Parts, n: int) -> dict[str, int]:
    """Return the sizes of the arrays of a learner of `n` units, which is not made: its devices would take minutes."""
    learner = learner_of(parts, 4, 1, 1)
    z = learner.spec.sizes
    own = {"hidden": n, "block": block_rows(n), "draws": table_draws(n) if z.draws else 0}
    learner.spec = learner.spec._replace(sizes=z._replace(**own))
    learner._allocate()
    groups = ((name, getattr(learner, f"_{name}")) for name in GROUPS)
    return {f"{name}.{field}": array.size for name, group in groups for field, array in group._asdict().items()}


def memory_table(parts: Parts) -> tuple[MemoryTable, dict[str, tuple[int, int, int]]]:
    """Return what a learner keeps by kind, and by array, with one input and one output.

    Parameters
    ----------
    parts
        The parts.
    """
    at = [128, 192, 256]  # from 128 units on, scratch that comes in blocks has a size that does not depend on them
    measured = [_sizes(parts, n) for n in at]
    matrix = np.array([[n * n, n, 1] for n in at], float)
    arrays = {
        name: tuple(round(c) for c in np.linalg.solve(matrix, [sizes[name] for sizes in measured]))
        for name in measured[0]
    }
    kinds: dict[str, list[int]] = {}
    for name, size in _sizes(parts, 100).items():
        kind = KINDS.get(name, KINDS[name.split(".")[0]])
        kinds[kind] = [a + b for a, b in zip(kinds.get(kind, [0] * 4), (*arrays[name], 4 * size), strict=True)]
    rows = tuple(Kept(kind, *counts) for kind, counts in kinds.items() if any(counts))
    sizes = learner_of(parts).spec.sizes
    return MemoryTable(rows, sizes.slots - 2), arrays


def check_memory(part: Any, *, steps: int = 8, **settings: Any) -> MemoryTable:
    """State what is kept between steps; demand that it does not grow with time, and that it is declared.

    Parameters
    ----------
    part
        A rule, cell, readout rule, decorrelation, or another part of a learner.
    steps
        How many steps the first look takes; the second takes four times as many.
    **settings
        Other arguments of :class:`onlinernn.OnlineLearner`.

    Returns
    -------
    MemoryTable
        Numbers per synapse and per neuron by kind, and how far the tags reach back.

    Raises
    ------
    AssertionError
        If something grows with the number of steps, if the tags reach further back than the contract says, or if an
        array of the size of a weight matrix is not declared in it.

    Examples
    --------
    >>> from onlinernn import ANP
    >>> print(check_memory(ANP()))
    kind        per synapse  per neuron  constant  bytes at n = 100, float32
    weights     1            3           1         41204
    responses   0            0           4         16
    activities  0            4           0         1600
    tags        0            6           14        2456
    scratch     0            10          18        4072
    the tags reach 0 steps back
    """
    parts = parts_of(part, **settings)
    name, spec = type(part).__name__, learner_of(parts).spec
    table, arrays = memory_table(parts)
    declared = [contract(one) for one in (spec.rule, spec.readout, spec.decorrelation, spec.trace, spec.substrate)]
    allowed = {"params.R", *(matrix for one in declared for matrix in one.matrices)}
    undeclared = [array for array, (per_synapse, _, _) in arrays.items() if per_synapse and array not in allowed]
    if undeclared:
        raise GrowthError(
            f"{name} keeps {' and '.join(undeclared)}, of the size of a weight matrix, which its contract does not "
            f"declare; declare it: LocalityContract(..., matrices=({undeclared[0]!r},))"
        )
    may = max(one.steps for one in declared) + spec.target_delay
    if table.steps > may:
        raise GrowthError(
            f"{name} keeps the last {table.steps} steps beside the present one, its contract declares {may}: what "
            f"grows with the length of a sequence is its history; if {table.steps} is fixed, declare "
            f"LocalityContract(..., steps={table.steps - spec.target_delay})"
        )
    _require_no_growth(name, parts, steps)
    return table


def _require_no_growth(name: str, parts: Parts, steps: int) -> None:
    learner = learner_of(parts, 3, 1, 1)
    rng = np.random.default_rng(0)
    U, Y = 0.1 * rng.normal(size=(4 * steps, 1)), np.full((4 * steps, 1), 0.5)
    learner.run(U[:2], Y[:2])
    before, held = learner.memory(), []
    running = tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        for part in (slice(0, steps // 4), slice(0, steps), slice(0, 4 * steps)):
            learner.run(U[part], Y[part])
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        if not running:
            tracemalloc.stop()
    if learner.memory() != before:
        raise GrowthError(f"{name}: the arrays of the learner changed their sizes from {before} to {learner.memory()}")
    grown = [later - earlier for earlier, later in itertools.pairwise(held)]
    # The least that an object takes is 24 bytes; what the interpreter keeps for itself does not follow the steps.
    if grown[1] > 16 * 4 * steps and grown[1] > 2 * grown[0]:
        raise GrowthError(
            f"{name} stores history: it held {grown[0]} bytes more after {steps} steps, and {grown[1]} bytes more "
            f"after the {4 * steps} steps that followed; keep running values in place of what was"
        )
