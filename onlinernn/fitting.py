"""Whether what a part needs is what a preset's hardware has: its signals, what it keeps, and what it does in a step."""

from typing import Any, NamedTuple

import numpy as np

from onlinernn.kernels import contracts
from onlinernn.kernels.contracts import Signal, contract
from onlinernn.kernels.converters import TelegraphNoise
from onlinernn.kernels.devices import PulsedUpdate
from onlinernn.kernels.number import Fixed
from onlinernn.learner import OnlineLearner
from onlinernn.scene import Parts
from onlinernn.substrates import PRESETS, Preset

#: Signals that are noise, which a neuron has to know.
_KNOWN_NOISE = (contracts.NOISE, contracts.DRAWN_NOISE, contracts.PUSHES, contracts.SYNAPSE_NOISE)


class Fit(NamedTuple):
    """One thing that a part needs, and whether a preset has it.

    Parameters
    ----------
    need
        A signal, what is kept, or what is done.
    fits
        Whether it fits.
    why
        The reason.
    """

    need: str
    fits: bool
    why: str


class FitTable(NamedTuple):
    """What a part needs of a preset.

    Parameters
    ----------
    rows
        One for each need.

    Examples
    --------
    >>> print(FitTable((Fit("loss difference", True, "one number for all"),)))
    need             fits  because
    loss difference  yes   one number for all
    """

    rows: tuple[Fit, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """The needs that do not fit."""
        return tuple(row.need for row in self.rows if not row.fits)

    def __str__(self) -> str:
        """Lay the rows out in columns."""
        lines = [("need", "fits", "because"), *((row.need, "yes" if row.fits else "NO", row.why) for row in self.rows)]
        width = max(len(line[0]) for line in lines)
        return "\n".join(f"{need:<{width}}  {fits:<4}  {why}" for need, fits, why in lines)


def is_pulsed(preset: Preset) -> bool:
    """Return whether the weights of a preset are analog devices, written by coincident pulses.

    Parameters
    ----------
    preset
        The preset.

    Examples
    --------
    >>> from onlinernn import substrates
    >>> is_pulsed(substrates.ecram), is_pulsed(substrates.int8)
    (True, False)
    """
    return any(isinstance(one, PulsedUpdate) for one in preset.substrate.write)


def fit(part: Any, parts: Parts, used: tuple[Signal, ...], preset: Preset) -> FitTable:
    """Return what a part needs, and whether it fits a preset.

    Parameters
    ----------
    part
        A rule, readout rule or decorrelation.
    parts
        The parts of a learner that has it.
    used
        The signals that its updates use.
    preset
        The preset.
    """
    through_error = contracts.OWN_ERROR in used or contracts.TARGET in used
    rows = [_signal(one, preset) for one in used if one != contracts.WEIGHT or not through_error]
    rows += [_matrix(matrix, preset) for matrix in contract(part).matrices]
    full_rank = contracts.SYNAPSE_NOISE in used
    if is_pulsed(preset):
        why = (
            "noise of every weight is a matrix of full rank: pulses that coincide write signal x activity only"
            if full_rank
            else "rank 1, signal x activity: rows and columns are pulsed, and coincidences write"
        )
        rows.append(Fit("update of the weights", not full_rank, why))
    else:
        why = "a random number per weight" if full_rank else "signal x activity, one multiply-accumulate a weight"
        rows.append(
            Fit(
                "update of the weights",
                True,
                f"written by digital logic: {why}" if preset.substrate.write else f"stored ideally: {why}",
            )
        )
    rows.append(_taken("the engine's emulation", parts, substrate=preset.substrate))
    if preset.substrate.write and not is_pulsed(preset):
        rows.append(_taken("integers from end to end", parts, number=Fixed()))
    return FitTable(tuple(rows))


def fits_everywhere(part: Any, parts: Parts, used: tuple[Signal, ...]) -> str:
    """Return for all presets, those of one answer together, what does not fit.

    Parameters
    ----------
    part, parts, used
        As for :func:`fit`.
    """
    answers: dict[tuple[str, ...], list[str]] = {}
    for preset in PRESETS.values():
        answers.setdefault(fit(part, parts, used, preset).missing, []).append(preset.name)
    rows = (f"| {', '.join(names)} | {', '.join(missing) or 'nothing'} |" for missing, names in answers.items())
    return "\n".join(["| presets | what does not fit |", "|---|---|", *rows])


def _signal(signal: Signal, preset: Preset) -> Fit:
    name, pulsed = signal.name, is_pulsed(preset)
    if signal in _KNOWN_NOISE and any(isinstance(one, TelegraphNoise) for one in preset.substrate.drive):
        return Fit(name, False, "the junctions' own noise is never read; this needs a generator beside them")
    if signal == contracts.COVARIANCE:
        return Fit(name, False, "every synapse would need all that the others read and keep")
    if signal == contracts.SYNAPSE_NOISE:
        why = "no device draws a number for its weight" if pulsed else "a generator, or a hash, for every weight"
        return Fit(name, not pulsed, why)
    if signal == contracts.WEIGHT and pulsed:
        return Fit(name, False, "a write by pulses does not know the state: a share of it is no product of two lines")
    if signal == contracts.DRAWN_NOISE:
        return Fit(name, True, "a generator for every neuron that can be set back, as a counter or an LFSR")
    why = {
        contracts.SYNAPSE: "in the synapse",
        contracts.NEURON: "on the line of its row or column",
        contracts.LAYER: "a sum over the layer, sent to its neurons",
        contracts.NETWORK: "sent to all neurons",
    }[signal.reach]
    return Fit(name, True, why)


def _matrix(matrix: str, preset: Preset) -> Fit:
    name = f"a matrix {matrix.removeprefix('params.')}"
    if matrix == "params.P":
        return Fit(name, False, "float64, and a number for every pair of units; no preset has that")
    if is_pulsed(preset):
        return Fit(name, False, "written from a sum along each row: a digital circuit beside the array has to keep it")
    return Fit(name, True, "a second memory of digital words, beside the weights; emulated in floating point")


def _taken(need: str, parts: Parts, **more: Any) -> Fit:
    """Return whether a learner of the parts can be made so; why not is what the engine says."""
    try:
        OnlineLearner(1, 4, 1, rule=parts.rule, **{"dtype": np.float64, **parts.settings, **more})
    except (TypeError, ValueError, NotImplementedError) as error:
        return Fit(need, False, " ".join(str(error).split()))
    return Fit(need, True, "takes it")
