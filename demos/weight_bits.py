"""How many bits a weight needs to learn on: every rule on the forecast, 4 to 16 bits, four ways to write.

Rounding to the nearest or by chance, with a random number for each synapse or one for all; and a wider store: the
network reads the bits, and the store keeps 8 more below them. Under two minutes on one core once the kernels are
compiled; the full study is ``python demos/weight_bits.py --seeds 3 --epochs 20 --bits 4 6 8 10 12 16``.
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
    Nearest,
    Quantise,
    Saturate,
    Stochastic,
    StochasticShared,
    Substrate,
    Whitening,
)
from onlinernn.on_hardware import PROBES, floor, heading, row_of, trial
from onlinernn.plot_hardware import save_sweep

RULES: dict[str, Any] = {
    "LearnedFeedback": LearnedFeedback(),
    "ANP": ANP(lr_hidden=1e-5),
    "NP": NP(lr_hidden=1e-5),
    "WP": WP(lr_hidden=1e-6),
}
WAYS: dict[str, tuple[Any, int]] = {
    "nearest": (Nearest(), 0),
    "stochastic": (Stochastic(), 0),
    "stochastic, shared": (StochasticShared(), 0),
    "stochastic, 8 more bits in store": (Stochastic(), 8),
}


def weights_of(bits: int, rounding: Any, more: int) -> Substrate:
    """Return a substrate whose weights are read with `bits` and stored with `more` beside them."""
    step = 2.0 ** (1 - bits)
    store = step * 2.0**-more
    return Substrate(
        read=(Quantise(step),),
        write=(Quantise(store, rounding), Saturate(-1.0, 1.0 - store)),
        scale_input=4.0,
        scale_readout=2.0,
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table and draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="networks and streams (1)")
    parser.add_argument("--first", type=int, default=921, help="the first of the seeds (921)")
    parser.add_argument("--epochs", type=int, default=4, help="passes over the training stream (4)")
    parser.add_argument("--bits", type=int, nargs="+", default=[4, 8, 12, 16], help="that a weight is read with")
    parser.add_argument("--rules", nargs="+", choices=RULES, default=list(RULES), help="which rules (all)")
    parser.add_argument("--hidden", type=int, default=30, help="hidden units (30)")
    parser.add_argument("--out", type=Path, default=Path("runs/weight-bits"), help="folder of the pictures")
    args = parser.parse_args(argv)
    probe, seeds = PROBES["forecast"]._replace(epochs=args.epochs), range(args.first, args.first + args.seeds)

    def errors(substrate: Any, rule: Any, frozen: bool = False) -> list[float]:
        parts = {"rule": rule, "decorrelation": Whitening(damping=1e-2), "hidden": args.hidden}
        return [trial(probe, seed, substrate, frozen=frozen, **parts).error for seed in seeds]

    print(*heading(f"Forecast, {args.hidden} units, {args.epochs} passes, {args.seeds} seeds", "test NMSE"), sep="\n")
    floors = {"persistence": float(np.median(floor(probe, seeds)))}
    print(row_of("persistence", floor(probe, seeds)))
    for name in args.rules:
        print(row_of(f"{name}, float", errors(IDEAL, RULES[name])), flush=True)
    floors["float, frozen hidden layer"] = float(np.median(errors(IDEAL, LearnedFeedback(), True)))
    print(row_of("float, frozen hidden layer", [floors["float, frozen hidden layer"]]), flush=True)
    frozen = [errors(weights_of(size, Stochastic(), 8), LearnedFeedback(), True) for size in args.bits]
    for size, of_seeds in zip(args.bits, frozen, strict=True):
        print(row_of(f"{size} bits, 8 more in store, frozen", of_seeds), flush=True)
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.rules:
        lines: dict[str, list[list[float]]] = {}
        for label, way in WAYS.items():
            for size in args.bits:
                lines.setdefault(label, []).append(errors(weights_of(size, *way), RULES[name]))
                print(row_of(f"{name}, {size} bits, {label}", lines[label][-1]), flush=True)
        picture = args.out / f"weight-bits-{name.lower()}.png"
        lines["frozen hidden layer, 8 more bits in store"] = frozen
        save_sweep(picture, f"What few bits cost {name}", "bits that a weight is read with", args.bits, lines, floors)
        print(f"picture in {picture}", flush=True)


if __name__ == "__main__":
    main()
