"""How a property is tried: many examples, the same in every run, the failing one as short as it can be."""

from collections.abc import Callable
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

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
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(examples)
    def tried(example: Example) -> None:
        claim(example)

    tried()
