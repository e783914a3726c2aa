"""The border between a network of integers and the floats of its user."""

from collections.abc import Callable
from typing import Any

import numpy as np

from onlinernn.kernels import integers
from onlinernn.kernels.entry import UNUSABLE, EntryPoints
from onlinernn.kernels.held import Held, released
from onlinernn.kernels.number import Fixed


def top(kind: Any) -> int:
    """Return the largest integer of a format.

    Parameters
    ----------
    kind
        The format.

    Examples
    --------
    >>> from onlinernn import Int16
    >>> top(Int16(12))
    32767
    """
    return int(2 ** (kind.bits - 1) - 1)


def quantised(values: Any, kind: Any) -> np.ndarray:
    """Return numbers as integers of a format: to the nearest, halves up, held within its range.

    Parameters
    ----------
    values
        The numbers; finite.
    kind
        The format.

    Examples
    --------
    >>> from onlinernn import Int16
    >>> quantised([0.5, -9.0], Int16(12)).tolist()
    [2048, -32767]
    """
    scaled = np.floor(np.asarray(values, np.float64) * 2.0**kind.fraction + 0.5)
    whole: np.ndarray = np.clip(scaled, -top(kind), top(kind)).astype(np.int64)
    return whole


def floats(values: np.ndarray, kind: Any) -> np.ndarray:
    """Return what integers of a format mean; exact.

    Parameters
    ----------
    values
        The integers.
    kind
        The format.
    """
    value: np.ndarray = values * 2.0**-kind.fraction
    return value


def quantised_delta(delta: np.ndarray, fixed: Fixed) -> np.ndarray:
    """Return loss differences as integers, to the nearest.

    Parameters
    ----------
    delta
        The differences.
    fixed
        The number of the network.
    """
    most = float(integers.DELTA_TOP)
    scaled = np.floor(delta * 2.0 ** (2 * fixed.drives.fraction) + 0.5)
    whole: np.ndarray = np.clip(scaled, -most, most).astype(np.int64)
    return whole


def bordered(entries: EntryPoints, fixed: Fixed) -> EntryPoints:
    """Return entry points that take and give floats, as those of a floating-point network do.

    Parameters
    ----------
    entries
        Those of a network of integers.
    fixed
        Its number.
    """

    def predict(network: Held, u: np.ndarray, prediction: np.ndarray) -> None:
        out = np.zeros(prediction.shape, np.int32)
        entries.predict(network, quantised(u, fixed.inputs).astype(np.int16), out)
        prediction[...] = floats(out, fixed.drives)

    def advance(network: Held, u: np.ndarray) -> None:
        entries.advance(network, quantised(u, fixed.inputs).astype(np.int16))

    return entries._replace(run=bordered_run(entries.run, fixed), predict=predict, advance=advance)


def bordered_run(run: Callable[..., int], fixed: Fixed) -> Callable[..., int]:
    """Return a `run` that takes and gives floats.

    Parameters
    ----------
    run
        That of a network of integers.
    fixed
        Its number.
    """

    def with_floats(network: Held, rows: Held) -> int:
        inputs, targets, predictions, losses, noisy_losses = released(rows)
        absent = np.isnan(targets)
        if not np.isfinite(inputs).all() or np.isinf(targets).any() or (absent != absent[..., :1]).any():
            return UNUSABLE
        taken = quantised(inputs, fixed.inputs).astype(np.int16)
        wanted = quantised(np.where(absent, 0.0, targets), fixed.drives)
        wanted = np.where(absent, integers.NO_TARGET, wanted).astype(np.int32)
        out = np.zeros(predictions.shape, np.int32)
        clean, noisy = np.zeros(losses.shape, np.int64), np.zeros(losses.shape, np.int64)
        done = run(network, Held((taken, wanted, out, clean, noisy)))
        predictions[...] = floats(out, fixed.drives)
        for of, result in ((clean, losses), (noisy, noisy_losses)):
            result[...] = np.where(of == integers.NO_LOSS, np.nan, of * 2.0 ** (-2 * fixed.drives.fraction))
        return done

    return with_floats


def example(inputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return arrays of the types that `run` is compiled for, with the shapes of a step.

    Parameters
    ----------
    inputs, targets
        Those of one step.
    """
    losses = np.zeros(targets.shape[:2], np.int64)
    wanted = np.zeros(targets.shape, np.int32)
    return np.zeros(inputs.shape, np.int16), wanted, wanted.copy(), losses, losses.copy()


def counted(tally: np.ndarray) -> dict[str, int]:
    """Return what a network of integers has counted.

    Parameters
    ----------
    tally
        The counters.
    """
    names = {
        "bound_drive": integers.AT_DRIVE,
        "bound_output": integers.AT_OUTPUT,
        "bound_signal": integers.AT_SIGNAL,
        "bound_signal_readout": integers.AT_SIGNAL_OUT,
        "bound_loss": integers.AT_DELTA,
        "lost_signals": integers.LOST,
        "lost_signals_readout": integers.LOST_OUT,
        "updates": integers.UPDATES,
        "lost": integers.LOST_UPDATES,
    }
    return {name: int(tally[index]) for name, index in names.items()}


def weights_at_bound(weights: dict[str, np.ndarray], fixed: Fixed) -> int:
    """Return how many weights stand at a bound of their format now.

    Parameters
    ----------
    weights
        The integers, by name.
    fixed
        The number of the network.
    """
    tops = {name: top(fixed.readout if name in ("B", "c") else fixed.weights) for name in weights}
    return sum(int(np.count_nonzero(np.abs(weight) == tops[name])) for name, weight in weights.items())
