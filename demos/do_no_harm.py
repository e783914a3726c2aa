"""Does hidden learning harm? LearnedFeedback with its referee against its frozen control, with noise on the targets.

For every probe and every noise (variance of what is added to the training targets, in units of theirs; the test is
clean) it prints the largest ratio of the two errors over the seeds, of the frozen test and of the prequential score:
1.05 is what the shipped defaults promise. Everything is as in ``onlinernn compare``. A seed takes half a minute, and
with ``--csv WTH.csv`` two minutes for each of the three horizons.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np

from onlinernn.cli_output import short, table
from onlinernn.compare import compete, method
from onlinernn.settings import Match, match
from onlinernn.tasks import DelayLine, MackeyGlass, NoisyTargets, Recall, Settled, Task, WhiteNoise, weather, xor

NOISES = (0.0, 0.1, 0.3, 1.0)


def probes(csv: Path | None) -> dict[str, tuple[Task, Match, int]]:
    """Return each probe with its network and its passes."""
    found: dict[str, tuple[Task, Match, int]] = {
        "forecast": (MackeyGlass(), match("mackey-glass"), 20),
        "recall": (Recall(10), match("recall"), 30),
        "xor": (xor(5), match("xor"), 30),
        "white": (WhiteNoise(), match("recall"), 30),
    }
    if csv is not None:
        for horizon in (1, 24, 48):
            found[f"weather-{horizon}"] = weather(csv, horizon), match("weather", horizon), 1
    return found


def ratios(probe: tuple[Task, Match, int], noise: float, seeds: Sequence[int]) -> list[list[float]]:
    """Return for each seed the learner's test NMSE, that of its control, and their ratio in test and prequentially."""
    plain, settings, epochs = probe
    noisy = cast(Task, NoisyTargets(plain, noise)) if noise else plain
    task = cast(Task, Settled(cast(Task, DelayLine(noisy, settings.past)), settings.washout))
    pair = [method(task, settings, name, epochs) for name in ("LearnedFeedback", "frozen")]
    found = []
    for seed in seeds:
        rows = [compete(task, settings, one, seed) for one in pair]
        scores = np.array([[row["nmse_test"], row["nmse_prequential"]] for row in rows], float)  # NaN: diverged
        found.append([*scores[:, 0], *(scores[0] / scores[1])])
    return found


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--csv", type=Path, help="the paper's weather file; without it there is no weather")
    parser.add_argument("--probes", nargs="+", help="only these (all)")
    parser.add_argument("--noise", nargs="+", type=float, default=NOISES, help="shares of variance (0 0.1 0.3 1)")
    parser.add_argument("--seeds", nargs="+", type=int, default=[2001, 2002, 2003], help="(2001 2002 2003)")
    args = parser.parse_args(argv)
    if min(args.seeds) < 0:
        parser.error(f"a seed is at least 0, not {min(args.seeds)}")
    try:
        known = probes(args.csv)
        for noise in args.noise:
            NoisyTargets(MackeyGlass(), noise)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    if unknown := sorted(set(args.probes or known) - set(known)):
        parser.error(f"there is no probe {unknown[0]}; choose from {', '.join(known)} (weather needs --csv)")
    cells = []
    for name in args.probes or known:
        for noise in args.noise:
            found = np.array(ratios(known[name], noise, args.seeds))
            middle, worst = np.median(found, axis=0), found.max(axis=0)
            cells.append([name, f"{noise:.0%}", *map(short, (*middle[:2], middle[2], worst[2], worst[3]))])
            print(*cells[-1], file=sys.stderr, flush=True)
    header = ["probe", "noise", "LearnedFeedback", "frozen", "test ratio", "worst", "worst prequential"]
    print(f"test NMSE and its ratio, medians of {len(args.seeds)} seeds; worst of the seeds, test and prequential")
    print(table(header, cells))


if __name__ == "__main__":
    main()
