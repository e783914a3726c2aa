"""Property tests for everybody's parts: locality, memory, causality, determinism, exact resume.

``check(part)`` runs every check that applies and prints a line for each; ``yield_checks(part)`` gives them to pytest.
Needs Hypothesis, which comes with ``onlinernn[test]``.
"""

try:
    import hypothesis as _hypothesis
except ImportError:
    raise ImportError("onlinernn.checks needs Hypothesis: pip install 'onlinernn[test]'") from None

from onlinernn.checks.behaviour import (
    check_bad_input,
    check_causality,
    check_determinism,
    check_inputs_kept,
    check_resume,
    check_steps,
)
from onlinernn.checks.memory import GrowthError, check_memory
from onlinernn.checks.pieces import check_cell, check_effect, check_loss, check_noise, check_schedule
from onlinernn.checks.places import LocalityError, check_locality
from onlinernn.checks.streams import check_task
from onlinernn.checks.suite import CheckError, check, yield_checks
from onlinernn.kernels.contracts import LocalityContract

del _hypothesis

__all__ = [
    "CheckError",
    "GrowthError",
    "LocalityContract",
    "LocalityError",
    "check",
    "check_bad_input",
    "check_causality",
    "check_cell",
    "check_determinism",
    "check_effect",
    "check_inputs_kept",
    "check_locality",
    "check_loss",
    "check_memory",
    "check_noise",
    "check_resume",
    "check_schedule",
    "check_steps",
    "check_task",
    "yield_checks",
]
