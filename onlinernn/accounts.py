"""What a learner holds and what it has counted."""

from typing import Any

import numpy as np

from onlinernn.kernels import layout


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
        The counters, of which step and seed are all that the noise needs.
    """
    held = {
        "weights": sum(
            array.nbytes
            for name, array in params._asdict().items()
            if name not in ("F", "running", "P") and not name.startswith("memory")
        ),
        "responses": params.F.nbytes + params.running.nbytes,
        "covariance": params.P.nbytes,
        "devices": sum(array.nbytes for name, array in params._asdict().items() if name.startswith("memory")),
        "activities": sum(array.nbytes for array in state),
        "tags": sum(array.nbytes for array in tags),
        "traces": sum(array.nbytes for array in traces),
        "noise": 2 * tally.itemsize,
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
