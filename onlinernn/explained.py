"""What a part computes, sees, keeps and does, as text: for ``onlinernn explain`` and for the page on all parts."""

import inspect
from typing import Any

from onlinernn.accounts import Operations, operations
from onlinernn.checks import check_locality
from onlinernn.checks.hosts import parts_of
from onlinernn.checks.memory import memory_table
from onlinernn.fitting import fit, fits_everywhere
from onlinernn.formulas import formula
from onlinernn.kernels.contracts import Signal, contract
from onlinernn.kernels.decorrelation import Decorrelation, Whitening
from onlinernn.kernels.feedback import LearnedFeedback
from onlinernn.kernels.readouts import NLMS, RLS
from onlinernn.kernels.rules import ANP, NP, WP
from onlinernn.kernels.window import WindowedNP
from onlinernn.locality import LocalityTable
from onlinernn.scene import Parts, learner_of
from onlinernn.substrates import Preset

#: What ships: rules, readout rules, decorrelations. The perturbed readout is in each of the first four.
SHIPPED = (ANP(), NP(), WP(), WindowedNP(), LearnedFeedback(), NLMS(), RLS(), Decorrelation(), Whitening())

_INTRODUCTION = """\
# What each rule sees, keeps and does

This page is written by `onlinernn explain --docs docs/locality.md` and not by hand; a test holds it equal to what the
command measures. `onlinernn explain RULE` gives the same for a rule of your own, `--preset NAME` the reasons why
something does not fit.

Signals are found by changing one thing at a time (docs/extending.md), in the layers A (input), R (recurrent), B
(readout) and D (decorrelation). Operations are of one step of one stream in a network of n units, d inputs and m
outputs, as `report()` counts them: multiply-accumulates of matrices and impulse responses, without the work per
neuron; random numbers that are drawn again to learn from are counted once. Readout rules and decorrelations are
counted in a learner whose rule is ANP.

What does not fit a preset is told by the signals that are used with the default settings. "The engine's emulation" is
that in floating point; "integers from end to end" is `number=Fixed(...)`, which analog devices have no use for.
"""


def operations_table(parts: Parts) -> str:
    """Return the operations of one step as formulas.

    Parameters
    ----------
    parts
        The parts of a learner.
    """

    def count(name: str, n: int, d: int, m: int) -> int:
        each: Operations = operations(learner_of(parts, n, d, m, spectral_radius=0.0).spec)
        return int(getattr(each, name))

    titles = {
        "forward": "multiply-accumulates, forward",
        "learning": "multiply-accumulates, learning",
        "random_numbers": "random numbers",
    }
    lines = []
    for name, title in titles.items():
        counted = formula(lambda n, d, m, name=name: count(name, n, d, m))  # type: ignore[misc]
        lines.append(f"{title:<32}{counted}  ({count(name, 100, 1, 1)} at n = 100, d = m = 1)")
    return "\n".join(lines)


def used_signals(part: Any, found: LocalityTable) -> tuple[Signal, ...]:
    """Return the signals that the updates of a part use.

    Parameters
    ----------
    part
        The part.
    found
        What was measured on it.
    """
    names = {row.signal for row in found.rows if row.used}
    return tuple(signal for signal in contract(part).allowed if signal.name in names)


def explained(part: Any, preset: Preset | None = None) -> str:
    """Return the equation, the signals, the memory and the operations of a part, for readers.

    Parameters
    ----------
    part
        A rule, readout rule or decorrelation.
    preset
        Where given, it is said what fits it.

    Raises
    ------
    AssertionError, TypeError
        If it is none of these, or is not local as it declares.
    """
    found, parts = check_locality(part), parts_of(part)
    told = [f"{part}", "", _equation(part), "", *_measured(found, parts)]
    if preset is not None:
        table = fit(part, parts, used_signals(part, found), preset)
        told += ["", f"on {preset.name}, {preset.what}", str(table)]
    return "\n".join(told)


def _equation(part: Any) -> str:
    return (inspect.getdoc(type(part)) or "").split("\n\n")[0]


def _measured(found: LocalityTable, parts: Parts) -> list[str]:
    seen = ["what a synapse sees", str(found), ""]
    kept = ["what is kept", str(memory_table(parts)[0]), ""]
    return [*seen, *kept, "what a step takes", operations_table(parts)]


def page() -> str:
    """Return the page on all parts that ship."""
    told = [_INTRODUCTION]
    for part in SHIPPED:
        found, parts = check_locality(part), parts_of(part)
        everywhere = fits_everywhere(part, parts, used_signals(part, found))
        told += [f"## {type(part).__name__}", "", f"`{part}`", "", _equation(part).replace("``", "`"), ""]
        told += ["```text", *_measured(found, parts), "```", "", everywhere, ""]
    return "\n".join(told).rstrip("\n") + "\n"
