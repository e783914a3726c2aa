"""What noise of the devices costs each rule on the forecast: noise of every read, and noise of every write.

The devices' own noise can stand in for the perturbation: "ANP, no other noise" adds next to none of its own, and only
reads by how much two noisy copies differ. Under two minutes on one core once the kernels are compiled; the full study
is ``python demos/noise.py --seeds 3 --epochs 20``.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from onlinernn import ANP, IDEAL, NP, WP, LearnedFeedback, Noise, Substrate, Whitening, WriteNoise
from onlinernn.on_hardware import PROBES, floor, heading, row_of, trial
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
READ, WRITE = (0.0, 1e-4, 1e-3, 1e-2), (0.0, 1e-6, 1e-5, 1e-4)


def devices(read: float = 0.0, write: float = 0.0) -> Substrate:
    """Return devices with noise of these standard deviations."""
    return Substrate(read=(Noise(read),), write=(WriteNoise(write),))


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table and draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="networks and streams (1)")
    parser.add_argument("--first", type=int, default=921, help="the first of the seeds (921)")
    parser.add_argument("--epochs", type=int, default=4, help="passes over the training stream (4)")
    parser.add_argument("--rules", nargs="+", choices=RULES, default=list(RULES), help="which rules (all)")
    parser.add_argument("--hidden", type=int, default=30, help="hidden units (30)")
    parser.add_argument("--out", type=Path, default=Path("runs/noise"), help="folder of the pictures")
    args = parser.parse_args(argv)
    probe, seeds = PROBES["forecast"]._replace(epochs=args.epochs), range(args.first, args.first + args.seeds)
    rules = {"frozen hidden layer": LearnedFeedback(), **{name: RULES[name] for name in args.rules}}

    def errors(substrate: Any, name: str) -> list[float]:
        parts = {"rule": rules[name], "decorrelation": Whitening(damping=1e-2), "hidden": args.hidden}
        return [trial(probe, seed, substrate, frozen=name.startswith("frozen"), **parts).error for seed in seeds]

    print(*heading(f"Forecast, {args.hidden} units, {args.epochs} passes, {args.seeds} seeds", "test NMSE"), sep="\n")
    print(row_of("persistence", floor(probe, seeds)))
    floors = {"persistence": float(np.median(floor(probe, seeds)))}
    for name in rules:
        of_seeds = errors(IDEAL, name)
        print(row_of(f"float, {name}", of_seeds), flush=True)
        if len(floors) < 3:
            floors[f"float, {name}"] = float(np.median(of_seeds))
    args.out.mkdir(parents=True, exist_ok=True)
    for what, sizes in (("read", READ), ("write", WRITE)):
        lines: dict[str, list[list[float]]] = {}
        for name in rules:
            for size in sizes:
                lines.setdefault(name, []).append(errors(devices(**{what: size}), name))
                print(row_of(f"{what} noise {size:g}, {name}", lines[name][-1]), flush=True)
        picture = args.out / f"noise-{what}.png"
        varied = f"noise of every {what} (standard deviation, in units of a weight)"
        save_sweep(picture, f"What {what} noise costs", varied, sizes, lines, floors, even=True)
        print(f"picture in {picture}", flush=True)


if __name__ == "__main__":
    main()
