"""What it costs that the two copies are two devices, and what cures it: LearnedFeedback, ANP and NP on the forecast.

The cures: the arrays are exchanged at every step; each neuron learns what mismatch adds to its differences, and takes
that off; or one array is used twice, one copy after the other, so that there is nothing to differ. LearnedFeedback
shrinks R where the copies stray, and mistakes mismatch for that: ``contraction`` is off here; its perturbation is large
and its responses learn slowly, which is a cure by itself. Under two minutes on one core once the kernels are compiled.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from onlinernn import ANP, IDEAL, NP, LearnedFeedback, Mismatch, Substrate, TwinMismatch, Whitening
from onlinernn.on_hardware import PROBES, floor, heading, row_of, trial
from onlinernn.plot_hardware import save_sweep

CURES: dict[str, dict[str, Any]] = {
    "two arrays": {},
    "arrays exchanged": {"chop": True},
    "mismatch learnt": {"cancel": 0.05},
    "exchanged and learnt": {"chop": True, "cancel": 0.05},
}
ONE = "one array, used twice"
RULES: dict[str, Any] = {
    "LearnedFeedback": LearnedFeedback(sigma=0.2, lr_response=0.03, contraction=0.0),
    "ANP": ANP(1e-7),
    "NP": NP(1e-7),
}


def arrays(size: float, cure: str) -> Substrate:
    """Return arrays whose weights and neurons deviate by a relative gain of standard deviation `size`."""
    if cure == ONE:
        return Substrate(read=(Mismatch(size),), drive=(Mismatch(size),))
    return Substrate(read=(TwinMismatch(size),), drive=(TwinMismatch(size),), **CURES[cure])


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="networks, streams and arrays (3)")
    parser.add_argument("--first", type=int, default=921, help="the first of the seeds (921)")
    parser.add_argument("--epochs", type=int, default=12, help="passes over the training stream (12)")
    parser.add_argument("--sizes", type=float, nargs="+", default=[0.03, 0.1], help="mismatch (0.03 0.1)")
    parser.add_argument("--rules", nargs="+", choices=RULES, default=list(RULES), help="which rules (all)")
    parser.add_argument("--hidden", type=int, default=30, help="hidden units (30)")
    parser.add_argument("--out", type=Path, default=Path("runs/twins"), help="folder of the picture")
    args = parser.parse_args(argv)
    probe, seeds = PROBES["forecast"]._replace(epochs=args.epochs), range(args.first, args.first + args.seeds)

    def errors(substrate: Any, rule: Any, **settings: Any) -> list[float]:
        parts = {"rule": rule, "decorrelation": Whitening(), "hidden": args.hidden, **settings}
        return [trial(probe, seed, substrate, **parts).error for seed in seeds]

    print(*heading(f"Forecast, {args.hidden} units, {args.epochs} passes, {args.seeds} seeds", "test NMSE"), sep="\n")
    frozen = errors(IDEAL, RULES["LearnedFeedback"], frozen=True)
    floors = {"persistence": float(np.median(floor(probe, seeds))), "frozen": float(np.median(frozen))}
    print(row_of("persistence", floor(probe, seeds)))
    print(row_of("frozen hidden layer, float", frozen), flush=True)
    for size in args.sizes:
        of_seeds = errors(arrays(size, "two arrays"), RULES["LearnedFeedback"], frozen=True)
        print(row_of(f"frozen hidden layer, {size:g}", of_seeds), flush=True)
    lines: dict[str, list[list[float]]] = {}
    for name in args.rules:
        float_errors = errors(IDEAL, RULES[name])
        print(row_of(f"{name}, float", float_errors), flush=True)
        for cure in [*CURES, ONE] if name == "LearnedFeedback" else ["two arrays", "mismatch learnt", ONE]:
            found = lines.setdefault(f"{name}, {cure}", [float_errors])
            for size in args.sizes:
                found.append(errors(arrays(size, cure), RULES[name]))
                print(row_of(f"{name}, {size:g}, {cure}", found[-1]), flush=True)
    args.out.mkdir(parents=True, exist_ok=True)
    varied = "mismatch of the arrays (relative standard deviation)"
    save_sweep(args.out / "twins.png", "What mismatch of the copies costs", varied, [0.0, *args.sizes], lines, floors)
    print(f"\npicture in {args.out / 'twins.png'}")


if __name__ == "__main__":
    main()
