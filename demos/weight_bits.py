"""How many bits a weight needs to learn on: every rule on the forecast, 4 to 16 bits, four ways to write.

Rounding to the nearest or by chance, with a random number for each synapse or one for all; and a wider store: the
network reads the bits, and the store keeps 8 more below them (22 in all at most, which is what float32 is rounded to by
chance). With nothing compiled it takes under two minutes on two processors; the full study is
``python demos/weight_bits.py --seeds 3 --epochs 20 --bits 4 6 8 10 12 16``.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from onlinernn import (
    ANP,
    IDEAL,
    NP,
    WP,
    LearnedFeedback,
    Quantise,
    Saturate,
    Stochastic,
    StochasticShared,
    Substrate,
    Whitening,
)
from onlinernn.cli_options import whole
from onlinernn.on_hardware import NO_GRID, PROBES, Row, errors_of, floor, heading, row_of
from onlinernn.plot_hardware import save_sweep

RULES: dict[str, Any] = {
    "LearnedFeedback": LearnedFeedback(),
    "ANP": ANP(lr_hidden=1e-5),
    "NP": NP(lr_hidden=1e-5),
    "WP": WP(lr_hidden=1e-6),
}
#: How a change of a weight is rounded, and how many bits more than those that are read the store keeps.
WAYS: dict[str, tuple[str, int]] = {
    "nearest": ("nearest", 0),
    "stochastic": ("stochastic", 0),
    "stochastic, shared": ("shared", 0),
    "stochastic, 8 more bits in store": ("stochastic", 8),
}
#: The most bits that float32 is rounded to by chance: the reference of each rule.
FINEST = 22


def weights_of(bits: int, rounding: str, more: int) -> Substrate:
    """Return a substrate whose weights are read with `bits` and stored with `more` beside them, FINEST at most.

    All ways to round are of one type, so that a rule is compiled once. Those not asked for round to the finest grid,
    which leaves the coarser one as it is.
    """
    step, finest = 2.0 ** (1 - bits), 2.0 ** (1 - FINEST)
    store = max(step * 2.0**-more, finest)
    nearest = Quantise(store) if rounding == "nearest" else NO_GRID
    stochastic, shared = (store if rounding == name else finest for name in ("stochastic", "shared"))
    roundings = (nearest, Quantise(stochastic, Stochastic()), Quantise(shared, StochasticShared()))
    return Substrate(
        read=(Quantise(step),),
        write=(*roundings, Saturate(-1.0, 1.0 - store)),
        scale_input=4.0,
        scale_readout=2.0,
    )


def rows_of(rules: Sequence[str], bits: Sequence[int], hidden: int) -> list[Row]:
    """Return the rows of each rule, the controls, and floating point."""
    learnt = {"rule": LearnedFeedback(), "decorrelation": Whitening(damping=1e-2), "hidden": hidden}
    frozen = {**learnt, "frozen": True}
    rows = [Row(f"{size} bits, 8 more in store, frozen", weights_of(size, "stochastic", 8), frozen) for size in bits]
    for name in rules:
        settings = {**learnt, "rule": RULES[name]}
        rows.append(Row(f"{name}, {FINEST} bits", weights_of(FINEST, "stochastic", 0), settings))
        for label, way in WAYS.items():
            rows += [Row(f"{name}, {size} bits, {label}", weights_of(size, *way), settings) for size in bits]
    return [*rows, Row("float, LearnedFeedback", IDEAL, learnt), Row("float, frozen hidden layer", IDEAL, frozen)]


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table and draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=whole(1), default=2, help="networks and streams (2)")
    parser.add_argument("--first", type=whole(0), default=921, help="the first of the seeds (921)")
    parser.add_argument("--epochs", type=whole(1), default=3, help="passes over the training stream (3)")
    parser.add_argument("--bits", type=whole(2), nargs="+", default=[4, 8, 12, 16], help="that a weight is read with")
    parser.add_argument("--rules", nargs="+", choices=RULES, default=list(RULES), help="which rules (all)")
    parser.add_argument("--hidden", type=whole(1), default=30, help="hidden units (30)")
    parser.add_argument("--out", type=Path, default=Path("runs/weight-bits"), help="folder of the pictures")
    args = parser.parse_args(argv)
    if max(args.bits) > FINEST:
        parser.error(f"float32 is rounded to {FINEST} bits at most by chance, not {max(args.bits)}")
    probe, seeds = PROBES["forecast"]._replace(epochs=args.epochs), range(args.first, args.first + args.seeds)
    print(*heading(f"Forecast, {args.hidden} units, {args.epochs} passes, {args.seeds} seeds", "test NMSE"), sep="\n")
    persistence = floor(probe, seeds)
    print(row_of("persistence", persistence), flush=True)
    errors: dict[str, list[float]] = {}
    for found in errors_of(probe, seeds, rows_of(args.rules, args.bits, args.hidden)):
        errors |= found
        print(*(row_of(*row) for row in found.items()), sep="\n", flush=True)
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.rules:
        lines = {label: [errors[f"{name}, {size} bits, {label}"] for size in args.bits] for label in WAYS}
        lines["frozen hidden layer, 8 more bits in store"] = [
            errors[f"{size} bits, 8 more in store, frozen"] for size in args.bits
        ]
        floors = {"persistence": float(np.median(persistence))}
        for label in (f"{name}, {FINEST} bits", "float, frozen hidden layer"):
            floors[label] = float(np.median(errors[label]))
        picture = args.out / f"weight-bits-{name.lower()}.png"
        varied, panels = "bits that a weight is read with", {f"{args.epochs} passes, {args.seeds} seeds": lines}
        save_sweep(picture, f"What few bits cost {name}", varied, args.bits, panels, floors)
        print(f"picture in {picture}", flush=True)


if __name__ == "__main__":
    main()
