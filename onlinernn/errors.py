"""The exceptions of the engine that are not plain ``ValueError`` or ``TypeError``."""


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
