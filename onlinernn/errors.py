"""The exceptions of the engine that are not plain ``ValueError`` or ``TypeError``."""

from collections.abc import Iterable
from difflib import get_close_matches


class DivergenceError(ArithmeticError):
    """A loss, a learning signal or a weight stopped being finite.

    Parameters
    ----------
    message
        What happened, and what to change.
    step
        Index of the step at which it happened.

    Attributes
    ----------
    step : int
        Index of the step at which it happened.
    """

    def __init__(self, message: str, step: int) -> None:
        super().__init__(message)
        self.step = step

    @classmethod
    def at(cls, step: int, spoilt: list[str], rates: str) -> "DivergenceError":
        """Return the error for a step.

        Parameters
        ----------
        step
            Its index.
        spoilt
            Names of the weights that are not finite.
        rates
            What holds the learning rates.
        """
        state = f"{', '.join(spoilt)} spoilt: go on from a checkpoint" if spoilt else "all weights are still finite"
        return cls(
            f"diverged at step {step}: a loss, a learning signal or an activity is not finite; {state}. "
            f"Lower the learning rates ({rates}), or set resync",
            step,
        )

    def __reduce__(self) -> tuple[type, tuple[str, int]]:
        """Let the error cross a process boundary whole."""
        return type(self), (str(self), self.step)


class CheckpointError(ValueError):
    """A file is not a checkpoint that this version can read: truncated, foreign, or written by a later version."""


class StudyError(ValueError):
    """A study cannot go on: its results file, its cluster or its arguments do not do. Nothing finished is lost."""


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Return what to say of a name that nothing has, with those nearest to it.

    Parameters
    ----------
    what
        What should have the name.
    name
        The name.
    known
        The names that there are.

    Examples
    --------
    >>> unknown("figure", "fig44", ["fig4", "fig5", "supp1"])
    "no figure 'fig44'; did you mean fig4 or fig5? There are: fig4, fig5, supp1"
    """
    names = list(dict.fromkeys(known))
    folded = {one.casefold(): one for one in names}
    near = [folded[one] for one in get_close_matches(name.casefold(), folded, n=3, cutoff=0.5)]
    guess = f"did you mean {' or '.join(near)}? " if near else ""
    return f"no {what} {name!r}; {guess}There are: {', '.join(names) or 'none'}"
