"""How much LearnedFeedback with its referee depends on its defaults: each one times and divided by 3, on four probes.

Run it as ``python demos/sensitivity.py [SEEDS]``; it prints the worst of the seeds (3 by default) and takes five
minutes.
"""

import argparse
import inspect
import sys
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from onlinernn import NLMS, Cosine, LearnedFeedback, OnlineLearner, Referee, Whitening
from onlinernn.cli_options import whole
from onlinernn.cli_output import table
from onlinernn.evaluate import evaluate
from onlinernn.settings import match
from onlinernn.tasks import MackeyGlass, NoisyTargets, Recall, Settled, Task, xor

#: The probe, its passes, and the name of its settings.
PROBES: dict[str, tuple[Task, int, Any]] = {
    "forecast": (MackeyGlass(), 20, "mackey-glass"),
    "and noise of 100 %": (cast(Task, NoisyTargets(MackeyGlass(), 1.0)), 20, "mackey-glass"),
    "recall 10 wrong": (Recall(10), 30, "recall"),
    "XOR 5 wrong": (xor(5), 30, "xor"),
}
REFEREE = ("rate", "full", "least", "period")
PARTS: dict[str, Any] = {
    "rule": LearnedFeedback(),
    "readout": NLMS(),
    "whitening": Whitening(),
    "referee": {name: inspect.signature(Referee).parameters[name].default for name in REFEREE},
}
FIELDS = {
    "rule": ("lr_hidden", "lags", "sigma", "lr_response", "contraction", "stray"),
    "readout": ("rate",),
    "whitening": ("rate", "damping"),
    "referee": REFEREE,
}


def score(probe: str, parts: dict[str, Any], seed: int) -> float:
    """Return the frozen-test NMSE of a forecast, the share of wrong bits on the other probes."""
    plain, epochs, name = PROBES[probe]
    settings = match(name)
    task = cast(Task, Settled(plain, settings.washout))

    def make(seed: int) -> Referee:
        learner = OnlineLearner(
            1,
            settings.hidden,
            1,
            rule=parts["rule"],
            readout=parts["readout"],
            decorrelation=parts["whitening"],
            schedule=Cosine(5000 * epochs),
            target_delay=task.target_delay,
            bias=settings.bias,
            input_scale=settings.input_scale,
            bias_scale=settings.input_scale,
            seed=seed,
        )
        return Referee(learner, **parts["referee"])

    result = evaluate(make, task, seed=seed, epochs=epochs)
    return result.nmse_test if result.accuracy is None else 1.0 - result.accuracy


def changes() -> list[tuple[str, dict[str, Any]]]:
    """Return the parts with each field times and divided by 3, by name; the first are as shipped."""
    made = [("as shipped", PARTS)]
    for part, names in FIELDS.items():
        for name in names:
            old = PARTS[part]
            value = old[name] if part == "referee" else getattr(old, name)
            for sign, new in ((" / 3", value / 3), (" x 3", min(value * 3, 1.0) if name == "full" else value * 3)):
                changed = round(new) if isinstance(value, int) else new
                other = {**old, name: changed} if part == "referee" else old._replace(**{name: changed})
                made.append((f"{part}, {name}{sign}", {**PARTS, part: other}))
    return made


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", type=whole(1), nargs="?", default=3, help="networks and streams, 2001 and on (3)")
    seeds = range(2001, 2001 + parser.parse_args(argv).seeds)
    rows = []
    for name, parts in changes():
        worst = [np.max([score(probe, parts, seed) for seed in seeds]) for probe in PROBES]
        rows.append([name, *(f"{value:.2g}" for value in worst)])
        print(f"{len(rows)} of {len(changes())}", end="\r", file=sys.stderr, flush=True)
    print(table([f"worst of {len(seeds)} seeds", *PROBES], rows))


if __name__ == "__main__":
    main()
