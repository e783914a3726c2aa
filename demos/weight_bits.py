"""How many bits a weight needs to learn on: LearnedFeedback on the forecast, 4 to 16 bits, four ways to write.

Run it as ``python demos/weight_bits.py [SEEDS]`` (3 seeds by default); more time while kernels are compiled.
A wider store: the network reads the bits, and the store keeps 8 more below them.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from onlinernn import (
    IDEAL,
    LearnedFeedback,
    Nearest,
    Quantise,
    Saturate,
    Stochastic,
    StochasticShared,
    Substrate,
    Whitening,
)
from onlinernn.on_hardware import PROBES, heading, row_of, trial
from onlinernn.plot_hardware import save_sweep

BITS = (4, 6, 8, 10, 12, 16)
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


def main(count: int = 3, out: Path = Path("runs/weight-bits"), bits: tuple[int, ...] = BITS, epochs: int = 20) -> None:
    """Print the table and draw the picture."""
    probe, seeds = PROBES["forecast"]._replace(epochs=epochs), range(921, 921 + count)
    parts: dict[str, Any] = {"rule": LearnedFeedback(), "decorrelation": Whitening(damping=1e-2)}

    def errors(substrate: Any, frozen: bool = False) -> list[float]:
        return [trial(probe, seed, substrate, frozen=frozen, **parts).error for seed in seeds]

    print(*heading(f"LearnedFeedback on the forecast, 30 units, {count} seeds", "frozen test NMSE"), sep="\n")
    floors = {}
    for label, frozen in (("float", False), ("float, frozen hidden layer", True)):
        of_seeds = errors(IDEAL, frozen)
        floors[label] = float(np.median(of_seeds))
        print(row_of(label, of_seeds), flush=True)
    lines: dict[str, list[list[float]]] = {}
    for label, way in WAYS.items():
        for size in bits:
            lines.setdefault(label, []).append(errors(weights_of(size, *way)))
            print(row_of(f"{size} bits, {label}", lines[label][-1]), flush=True)
    frozen = "frozen, 8 more bits in store"
    for size in bits:
        lines.setdefault(frozen, []).append(errors(weights_of(size, Stochastic(), 8), True))
        print(row_of(f"{size} bits, {frozen}", lines[frozen][-1]), flush=True)
    out.mkdir(parents=True, exist_ok=True)
    save_sweep(out / "weight-bits.png", "What few bits cost", "bits that a weight is read with", bits, lines, floors)
    print(f"\nwritten: {out / 'weight-bits.png'}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
