"""What noise of the devices costs each rule on the forecast: noise of every read, and noise of every write.

The devices' own noise can stand in for the perturbation: "ANP, no other noise" adds next to none of its own, and only
reads by how much two noisy copies differ. Under two minutes on two cores with nothing compiled; the full study is
``python demos/noise.py --epochs 20``.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from onlinernn import ANP, NP, WP, LearnedFeedback, Noise, Substrate, Whitening, WriteNoise
from onlinernn.cli_options import whole
from onlinernn.on_hardware import PROBES, Row, errors_of, floor, heading, row_of
from onlinernn.plot_hardware import save_sweep

RULES: dict[str, Any] = {
    "LearnedFeedback": LearnedFeedback(sigma=0.05),
    "ANP": ANP(lr_hidden=1e-7),
    "ANP, two noisy copies": ANP(lr_hidden=1e-7, both_noisy=True),
    "ANP, no other noise": ANP(lr_hidden=1e-7, sigma=1e-6),
    "NP": NP(lr_hidden=1e-7),
    "WP": WP(lr_hidden=1e-7),
}
#: Standard deviations, in units of a weight.
READ, WRITE = (1e-4, 1e-3, 1e-2), (1e-6, 1e-5, 1e-4)


def devices(read: float, write: float) -> Substrate:
    """Return devices with noise of these standard deviations; without any they compute in floating point."""
    return Substrate(read=(Noise(read),), write=(WriteNoise(write),))


def rows_of(name: str, rule: Any, hidden: int) -> list[Row]:
    """Return what is told of a rule; all of it runs on the same compiled parts."""
    frozen = name.startswith("frozen")
    settings = {"rule": rule, "decorrelation": Whitening(damping=1e-2), "hidden": hidden, "frozen": frozen}
    rows = [Row(f"no noise, {name}", devices(0.0, 0.0), settings)]
    rows += [Row(f"read noise {size:g}, {name}", devices(size, 0.0), settings) for size in READ]
    return rows + [Row(f"write noise {size:g}, {name}", devices(0.0, size), settings) for size in WRITE]


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table and draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=whole(1), default=3, help="networks and streams (3)")
    parser.add_argument("--first", type=whole(0), default=921, help="the first of the seeds (921)")
    parser.add_argument("--epochs", type=whole(1), default=4, help="passes over the training stream (4)")
    parser.add_argument("--rules", nargs="+", choices=RULES, default=list(RULES), help="which rules (all)")
    parser.add_argument("--hidden", type=whole(1), default=30, help="hidden units (30)")
    parser.add_argument("--out", type=Path, default=Path("runs/noise"), help="folder of the pictures")
    args = parser.parse_args(argv)
    probe, seeds = PROBES["forecast"]._replace(epochs=args.epochs), range(args.first, args.first + args.seeds)
    print(*heading(f"Forecast, {args.hidden} units, {args.epochs} passes, {args.seeds} seeds", "test NMSE"), sep="\n")
    persistence = floor(probe, seeds)
    print(row_of("persistence", persistence), flush=True)
    rules = {"frozen hidden layer": LearnedFeedback(sigma=0.05), **{name: RULES[name] for name in args.rules}}
    rows = [row for name, rule in rules.items() for row in rows_of(name, rule, args.hidden)]
    errors: dict[str, list[float]] = {}
    for found in errors_of(probe, seeds, rows):
        errors |= found
        print(*(row_of(*row) for row in found.items()), sep="\n", flush=True)
    floors = {"persistence": float(np.median(persistence))}
    for name in list(rules)[:2]:
        floors[f"no noise, {name}"] = float(np.median(errors[f"no noise, {name}"]))
    args.out.mkdir(parents=True, exist_ok=True)
    for what, sizes in (("read", READ), ("write", WRITE)):
        lines = {
            name: [errors[f"no noise, {name}"], *(errors[f"{what} noise {size:g}, {name}"] for size in sizes)]
            for name in rules
        }
        picture = args.out / f"noise-{what}.png"
        varied = f"noise of every {what} (standard deviation, in units of a weight)"
        panels = {f"{args.epochs} passes, {args.seeds} seeds": lines}
        save_sweep(picture, f"What {what} noise costs", varied, (0.0, *sizes), panels, floors)
        print(f"picture in {picture}", flush=True)


if __name__ == "__main__":
    main()
