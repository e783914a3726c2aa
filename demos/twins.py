"""What it costs that the two copies are two devices, and what cures it: LearnedFeedback, ANP and NP on the forecast.

LearnedFeedback shrinks R where the copies stray, and mistakes mismatch for that: ``contraction`` is off here.
Run it as ``python demos/twins.py [SEEDS]`` (3 seeds by default); more time while kernels are compiled.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from onlinernn import ANP, IDEAL, NP, LearnedFeedback, Substrate, TwinMismatch, Whitening
from onlinernn.on_hardware import PROBES, heading, row_of, trial
from onlinernn.plot_hardware import save_sweep

SIZES = (0.0, 0.01, 0.03, 0.1)
CURES: dict[str, dict[str, Any]] = {
    "two arrays": {},
    "arrays exchanged": {"chop": True},
    "mismatch learnt": {"cancel": 0.05},
    "both": {"chop": True, "cancel": 0.05},
}
FEEDBACK = LearnedFeedback(sigma=0.05, contraction=0.0)
RULES: dict[str, Any] = {"LearnedFeedback": FEEDBACK, "ANP": ANP(1e-8), "NP": NP(1e-8)}


def twins(size: float, cure: dict[str, Any]) -> Substrate:
    """Return two arrays whose weights and neurons differ by a relative gain of standard deviation `size`."""
    return Substrate(read=(TwinMismatch(size),), drive=(TwinMismatch(size),), **cure)


def main(count: int = 3, out: Path = Path("runs/twins"), sizes: tuple[float, ...] = SIZES, epochs: int = 20) -> None:
    """Print the table and draw the picture."""
    probe, seeds = PROBES["forecast"]._replace(epochs=epochs), range(921, 921 + count)

    def errors(substrate: Any, rule: Any, **settings: Any) -> list[float]:
        return [trial(probe, seed, substrate, rule=rule, decorrelation=Whitening(), **settings).error for seed in seeds]

    print(*heading(f"Twin mismatch on the forecast, 30 units, {count} seeds", "frozen test NMSE"), sep="\n")
    floors = {}
    for label, frozen in (("float, one array", False), ("frozen hidden layer", True)):
        of_seeds = errors(IDEAL, RULES["LearnedFeedback"], frozen=frozen)
        floors[label] = float(np.median(of_seeds))
        print(row_of(label, of_seeds), flush=True)
    lines: dict[str, list[list[float]]] = {}
    for name, rule in RULES.items():
        for label, cure in CURES.items() if name == "LearnedFeedback" else list(CURES.items())[::2]:
            for size in sizes:
                found = errors(twins(size, cure), rule)
                lines.setdefault(f"{name}, {label}", []).append(found)
                print(row_of(f"{name}, {size:g}, {label}", found), flush=True)
    out.mkdir(parents=True, exist_ok=True)
    shown = {label: rows for label, rows in lines.items() if label.startswith("Learned") or "two arrays" in label}
    varied = "mismatch of the arrays (relative standard deviation)"
    save_sweep(out / "twins.png", "What mismatch of the copies costs", varied, sizes, shown, floors)
    print(f"\nwritten: {out / 'twins.png'}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
