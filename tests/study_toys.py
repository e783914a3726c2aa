"""Trials that cost nothing, for tests of the store and of the pools; as a script, a study in a process to be killed."""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from onlinernn.studies.pool import LocalWorkers
from onlinernn.studies.store import Store
from onlinernn.studies.study import run_study
from onlinernn.studies.trial import Trial


def toys(count: int, **numbers: Any) -> list[Trial]:
    """Return so many trials that differ in their seed."""
    return [Trial("toy", "sum", seed, {"name": "toy"}, numbers) for seed in range(count)]


def perform(trial: Trial, files: Mapping[str, str]) -> dict[str, Any]:
    """Draw from the seed; sleep, fail, or die once, as the trial says."""
    numbers = trial.numbers
    time.sleep(numbers.get("sleep", 0.0))
    if numbers.get("fails_at_seed") == trial.seed:
        error = ArithmeticError("not finite")
        error.add_note(f"seed {trial.seed}, step 17")
        raise error
    if numbers.get("dies_at_seed") == trial.seed and not Path(numbers["scar"]).exists():
        Path(numbers["scar"]).touch()
        os._exit(9)
    if numbers.get("always_dies_at_seed") == trial.seed:
        os._exit(9)
    draws = np.random.default_rng(trial.seed).normal(size=100)
    return {"numbers": {"x": float(draws.sum()), "matrix": float((draws[:, None] @ draws[None, :]).sum())}}


if __name__ == "__main__":
    with Store(sys.argv[1]) as store:
        run_study(toys(int(sys.argv[2]), sleep=float(sys.argv[3])), store, LocalWorkers(2), perform)
