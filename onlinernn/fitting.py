"""Whether what a part needs is what a preset's hardware has: its signals, what it keeps, and what it does in a step."""

from typing import Any, NamedTuple

import numpy as np

from onlinernn.kernels import contracts
from onlinernn.kernels.contracts import Signal, contract
from onlinernn.kernels.converters import Quantise, Stochastic, StochasticShared, TelegraphNoise
from onlinernn.kernels.number import Fixed
from onlinernn.kernels.pulses import PulsedUpdate
from onlinernn.learner import OnlineLearner
from onlinernn.scene import Parts
from onlinernn.substrates import PRESETS, Preset

#: Signals that are noise, which a neuron has to know.
_KNOWN_NOISE = (contracts.NOISE, contracts.DRAWN_NOISE, contracts.PUSHES, contracts.SYNAPSE_NOISE)

#: What no preset has a number for, and the number that it would take.
_UNSTATED = {
    "memory of a neuron": "memory beside its neurons",
    "operations of a step": "rate of operations, nor time of a step",
}


class Fit(NamedTuple):
    """One thing that a part needs, and whether a preset has it.

    Parameters
    ----------
    need
        A signal, what is kept, or what is done.
    fits
        Whether it fits; None where the preset states nothing to judge it by.
    why
        The reason.
    """

    need: str
    fits: bool | None
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
        return tuple(row.need for row in self.rows if row.fits is False)

    def __str__(self) -> str:
        """Lay the rows out in columns."""
        words = {True: "yes", False: "NO", None: "-"}
        lines = [("need", "fits", "because"), *((row.need, words[row.fits], row.why) for row in self.rows)]
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
    rows.append(_update(contracts.SYNAPSE_NOISE in used, preset))
    rows += [Fit(need, None, f"the preset states no {limit}") for need, limit in _UNSTATED.items()]
    rows.append(_taken("the engine's emulation", parts, substrate=preset.substrate))
    if any(isinstance(one, Quantise) for one in preset.substrate.write) and not is_pulsed(preset):  # digital words
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
        return Fit(
            name, False, "the noise is TelegraphNoise of the drives, which nothing reads; this needs to know its own"
        )
    if signal == contracts.COVARIANCE:
        return Fit(name, False, "an n x n array for every output's synapses: no line of a row or column carries that")
    if signal == contracts.SYNAPSE_NOISE:
        why = "the writes are PulsedUpdate: no device draws a number for its weight"
        return Fit(name, not pulsed, why if pulsed else "a generator, or a hash, for every weight")
    if signal == contracts.WEIGHT and pulsed:
        return Fit(
            name, False, "the writes are PulsedUpdate, of row times column: a share of the state is no such product"
        )
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
        return Fit(name, False, "kept in float64, which the engine demands; no chain of a preset is as wide")
    if is_pulsed(preset):
        return Fit(name, False, "written from a sum along each row: a digital circuit beside the array has to keep it")
    return Fit(name, True, "a second memory of digital words, beside the weights; emulated in floating point")


def _update(full_rank: bool, preset: Preset) -> Fit:
    """Return whether the writes of a preset can make an update, by the numbers that it states for them."""
    need, write = "update of the weights", preset.substrate.write
    pulses = next((one for one in write if isinstance(one, PulsedUpdate)), None)
    if pulses is not None:
        if full_rank:
            return Fit(need, False, "of full rank, a number for every weight: coincident pulses write rank 1 only")
        most = pulses.length * pulses.dw_min
        return Fit(need, True, f"rank 1: coincident pulses of {pulses.dw_min:g}, at most {most:.2g} in a step")
    what = "a random number for every weight" if full_rank else "rank 1, a multiply-accumulate for every weight"
    grid = next((one for one in write if isinstance(one, Quantise)), None)
    if grid is None:
        return Fit(need, True, f"{what}; the preset states no limit of its weights")
    by_chance = isinstance(grid.rounding, (Stochastic, StochasticShared))
    rest = "what is smaller is written by chance" if by_chance else "what is smaller than half of it is lost"
    return Fit(need, True, f"{what}; digital words in steps of {grid.step:.2g}, {rest}")


def _taken(need: str, parts: Parts, **more: Any) -> Fit:
    """Return whether a learner of the parts can be made so; why not is what the engine says."""
    try:
        OnlineLearner(1, 4, 1, rule=parts.rule, **{"dtype": np.float64, **parts.settings, **more})
    except (TypeError, ValueError, NotImplementedError) as error:
        return Fit(need, False, " ".join(str(error).split()))
    return Fit(need, True, "takes it")
