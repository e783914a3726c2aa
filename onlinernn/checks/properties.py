"""How a property is tried: many examples, the same in every run, the failing one as short as it can be."""

from collections.abc import Callable
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure

Example = TypeVar("Example")


def hold(examples: st.SearchStrategy[Example], claim: Callable[[Example], None], most: int) -> None:
    """Try a claim on examples; raise what the shortest failing one raises.

    Parameters
    ----------
    examples
        Where they come from.
    claim
        Raises where it does not hold.
    most
        How many are tried.

    Raises
    ------
    AssertionError
        As the claim does, for the shortest example.
    """

    @settings(
        max_examples=most,
        deadline=None,
        derandomize=True,
        database=None,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(examples)
    def tried(example: Example) -> None:
        claim(example)

    try:
        tried()
    except FlakyFailure as error:  # it failed, and not again: what fails depends on something outside
        raise error.exceptions[0] from None
