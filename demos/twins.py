"""What it costs that the two copies are two devices, and what cures it: LearnedFeedback, ANP and NP on the forecast.

The cures: the arrays are exchanged at every step; each neuron learns what mismatch adds to its differences, and takes
that off; or one array is used twice, one copy after the other, so that there is nothing to differ. LearnedFeedback
shrinks R where the copies stray, and mistakes mismatch for that: ``contraction`` is off here; its perturbation is large
and its responses learn slowly, which is a cure by itself. With nothing compiled it takes under two minutes on
two processors; the full study is ``python demos/twins.py --epochs 20 --seeds 10 --sizes 0.1``.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from onlinernn import ANP, NP, LearnedFeedback, Mismatch, Substrate, TwinMismatch, Whitening
from onlinernn.cli_options import whole
from onlinernn.on_hardware import PROBES, Row, errors_of, floor, heading, row_of
from onlinernn.plot_hardware import save_sweep

CURES: dict[str, dict[str, Any]] = {
    "two arrays": {},
    "arrays exchanged": {"chop": True},
    "mismatch learnt": {"cancel": 0.02},
    "exchanged and learnt": {"chop": True, "cancel": 0.02},
}
ONE = "one array, used twice"
RULES: dict[str, Any] = {
    "LearnedFeedback": LearnedFeedback(sigma=0.2, lr_response=0.03, contraction=0.0),
    "ANP": ANP(1e-8),
    "NP": NP(1e-8),
}


def arrays(size: float, cure: str) -> Substrate:
    """Return arrays whose weights and neurons deviate by a relative gain of standard deviation `size`.

    All are of one type, so that a rule is compiled once: deviations of size 0 leave floating-point numbers as they are.
    """
    of_copy, of_both = (0.0, size) if cure == ONE else (size, 0.0)
    chain = (TwinMismatch(of_copy), Mismatch(of_both))
    return Substrate(read=chain, drive=chain, **CURES.get(cure, {}))


def rows_of(name: str, sizes: Sequence[float], hidden: int) -> list[Row]:
    """Return the rows of a rule; those of LearnedFeedback have the controls, whose hidden layer does not learn."""
    settings = {"rule": RULES[name], "decorrelation": Whitening(), "hidden": hidden}
    frozen = {**settings, "frozen": True}
    rows, cures = [Row(f"{name}, float", arrays(0.0, ONE), settings)], ["two arrays", "mismatch learnt", ONE]
    if name == "LearnedFeedback":
        cures = [*CURES, ONE]
        rows.append(Row("frozen hidden layer, float", arrays(0.0, ONE), frozen))
        rows += [Row(f"frozen hidden layer, {size:g}", arrays(size, "two arrays"), frozen) for size in sizes]
    return rows + [Row(f"{name}, {size:g}, {cure}", arrays(size, cure), settings) for cure in cures for size in sizes]


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=whole(1), default=3, help="networks, streams and arrays (3)")
    parser.add_argument("--first", type=whole(0), default=921, help="the first of the seeds (921)")
    parser.add_argument("--epochs", type=whole(1), default=5, help="passes over the training stream (5)")
    parser.add_argument("--sizes", type=float, nargs="+", default=[0.03, 0.1], help="mismatch (0.03 0.1)")
    parser.add_argument("--rules", nargs="+", choices=RULES, default=list(RULES), help="which rules (all)")
    parser.add_argument("--hidden", type=whole(1), default=30, help="hidden units (30)")
    parser.add_argument("--out", type=Path, default=Path("runs/twins"), help="folder of the picture")
    args = parser.parse_args(argv)
    if not all(0 <= size < 1 for size in args.sizes):
        parser.error(f"a mismatch is at least 0 and below 1, not {args.sizes}")
    probe, seeds = PROBES["forecast"]._replace(epochs=args.epochs), range(args.first, args.first + args.seeds)
    print(*heading(f"Forecast, {args.hidden} units, {args.epochs} passes, {args.seeds} seeds", "test NMSE"), sep="\n")
    persistence = floor(probe, seeds)
    print(row_of("persistence", persistence), flush=True)
    rows = [row for name in args.rules for row in rows_of(name, args.sizes, args.hidden)]
    if "LearnedFeedback" not in args.rules:
        of_control = rows_of("LearnedFeedback", args.sizes, args.hidden)
        rows += [row for row in of_control if row.name.startswith("frozen")]
    errors: dict[str, list[float]] = {}
    for found in errors_of(probe, seeds, rows):
        errors |= found
        print(*(row_of(*row) for row in found.items()), sep="\n", flush=True)
    frozen = float(np.median(errors["frozen hidden layer, float"]))
    floors = {"persistence": float(np.median(persistence)), "frozen hidden layer": frozen}
    panels = {
        name: {
            cure: [errors[f"{name}, float"], *(errors[f"{name}, {size:g}, {cure}"] for size in args.sizes)]
            for cure in [*CURES, ONE]
            if f"{name}, {args.sizes[0]:g}, {cure}" in errors
        }
        for name in args.rules
    }
    args.out.mkdir(parents=True, exist_ok=True)
    title = f"What mismatch of the copies costs: {args.epochs} passes, {args.seeds} seeds"
    varied = "mismatch of the arrays (relative standard deviation)"
    save_sweep(args.out / "twins.png", title, varied, [0.0, *args.sizes], panels, floors)
    print(f"\npicture in {args.out / 'twins.png'}")


if __name__ == "__main__":
    main()
