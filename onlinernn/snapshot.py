"""A learner as a header that JSON can hold and a few arrays, and back: in memory, in a file, in another process."""

import os
from collections.abc import Callable
from typing import Any, Self, TypeVar

import numpy as np

from onlinernn import checkpoint
from onlinernn.errors import CheckpointError
from onlinernn.kernels.noise import Recorded
from onlinernn.kernels.number import Fixed
from onlinernn.parts import decode, encode
from onlinernn.specification import frozen_names

Learner = TypeVar("Learner")
PARTS = ("rule", "cell", "loss", "decorrelation", "readout", "schedule", "substrate")
Snapshot = tuple[dict[str, Any], dict[str, np.ndarray]]


def snapshot(learner: Any) -> Snapshot:
    """Return everything that fixes what a learner will do.

    Parameters
    ----------
    learner
        The learner; it is not changed.
    """
    spec = learner.spec
    parts = (*PARTS, "number") if isinstance(spec.number, Fixed) else PARTS
    header = {
        "sizes": [learner.n_in, learner.n_hidden, learner.n_out],
        "settings": {
            "direct": spec.sizes.linked > 0,
            "trace": getattr(spec.trace, "decay", 0.0),
            "frozen": frozen_names(spec),
            "resync": spec.resync,
            "target_delay": spec.target_delay,
            "seed": spec.seed,
            "streams": learner.streams,
            "replicas": learner.replicas,
            "bias": learner.bias,
            "dtype": learner.dtype.name,
        },
        "parts": {name: encode(getattr(spec, name)) for name in parts},
    }
    return header, {name: array.copy() for name, array in named_arrays(learner).items()}


def named_arrays(learner: Any) -> dict[str, np.ndarray]:
    """Return everything that a later step of a learner can see, by name.

    Parameters
    ----------
    learner
        The learner.
    """
    bundles = {
        "params": learner._params,
        "state": learner._state,
        "tags": learner._tags,
        "traces": learner._traces,
    }
    arrays = {f"{bundle}.{name}": array for bundle, group in bundles.items() for name, array in group._asdict().items()}
    return {**arrays, "tally": learner._tally}


def rebuild(cls: Callable[..., Learner], header: dict[str, Any], recording: Any = None) -> Learner:
    """Return a learner of the parts and settings of a snapshot that has taken no step; its weights are not those.

    Parameters
    ----------
    cls
        Its class, or a function of the same arguments.
    header
        Of the snapshot.
    recording
        What its rule plays, if it plays a recording.

    Raises
    ------
    KeyError, TypeError, ValueError
        If it fits no learner.
    """
    parts = {name: decode(part) for name, part in header["parts"].items()}
    n_in, n_hidden, n_out = header["sizes"]
    more = {} if recording is None else {"recording": recording}
    return cls(n_in, n_hidden, n_out, **parts, **header["settings"], **more, spectral_radius=0.0)


def restore(cls: Callable[..., Learner], header: dict[str, Any], arrays: dict[str, np.ndarray]) -> Learner:
    """Return a learner that goes on where the one of the snapshot stood.

    Parameters
    ----------
    cls
        Its class, or a function of the same arguments.
    header, arrays
        The snapshot.

    Raises
    ------
    KeyError, TypeError, ValueError
        If they do not fit together.
    """
    tape = arrays.get("params.tape")
    played = isinstance(getattr(decode(header["parts"]["rule"]), "noise", None), Recorded)
    learner = rebuild(cls, header, tape if played else None)
    own = named_arrays(learner)
    for name, array in own.items():
        given = arrays[name]
        if given.shape != array.shape or given.dtype != array.dtype:
            raise ValueError(f"array {name} is {given.dtype}{given.shape}, not {array.dtype}{array.shape}")
    for name, array in own.items():
        array[...] = arrays[name]
    return learner


class Persistent:
    """What can be saved, loaded, cloned and sent to another process."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to a file, atomically; :meth:`load` goes on from it bit for bit.

        Parameters
        ----------
        path
            The file; one that is there is replaced in one step.
        """
        checkpoint.write(path, *snapshot(self))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a learner from a file that :meth:`save` wrote.

        Parameters
        ----------
        path
            The file.

        Raises
        ------
        CheckpointError
            If the file is truncated, foreign, of a later version, or needs a part that has not been imported.
        """
        header, arrays = checkpoint.read(path)
        try:
            return restore(cls, header, arrays)
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{os.fspath(path)} does not fit this version: {error}") from None

    def clone(self) -> Self:
        """Return an independent copy that would go on exactly like this one."""
        return restore(type(self), *snapshot(self))

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        """Let a learner cross a process boundary."""
        return restore, (type(self), *snapshot(self))
