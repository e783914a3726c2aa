"""Every hardware preset side by side: what learns on it, and the frozen network on the same hardware.

Run it as ``python demos/devices.py [SEEDS] [PRESET,PRESET,...]`` (1 seed, all presets); each preset takes some seconds
once its kernels are compiled. The share of wrong bits of XOR 5, and the NMSE of the forecast.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from onlinernn import IDEAL, substrates
from onlinernn.on_hardware import PROBES, heading, row_of, trial
from onlinernn.plot_hardware import save_devices


def persistence(probe: Any, seed: int) -> float:
    """Return the NMSE of the last value seen as the forecast of the next."""
    test, train = probe.task.test(seed), probe.task.train(seed, 0)
    rows = np.flatnonzero(test.scored)[200:]
    return float(np.mean((test.inputs[rows, :1] - test.targets[rows]) ** 2) / train.targets.var())


def main(
    count: int = 1,
    names: tuple[str, ...] = tuple(substrates.PRESETS),
    out: Path = Path("runs/devices"),
    scale: float = 1.0,
) -> None:
    """Print the tables and draw the pictures; `scale` shortens the training."""
    seeds = range(921, 921 + count)
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for what, full in PROBES.items():
        probe = full._replace(epochs=max(1, int(full.epochs * scale)))
        scored = "frozen test NMSE" if what == "forecast" else "share of wrong bits"
        print(*heading(f"{what}, 30 units, {count} seeds", scored), sep="\n")
        floors = {}
        usual: dict[str, Any] = {"rule": substrates.int16.rule, "decorrelation": substrates.int16.decorrelation}
        for label, frozen in (("float", False), ("float, frozen", True)):
            errors = [trial(probe, seed, IDEAL, frozen=frozen, **usual).error for seed in seeds]
            floors[label] = float(np.median(errors))
            print(row_of(label, errors), flush=True)
        if what == "forecast":
            floors["persistence"] = float(np.median([persistence(probe, seed) for seed in seeds]))
            print(row_of("persistence", [floors["persistence"]]))
        found = {}
        for name in names:
            both = []
            for label, frozen in ((name, False), (f"{name}, frozen", True)):
                both.append([trial(probe, seed, substrates.named(name), frozen=frozen).error for seed in seeds])
                print(row_of(label, both[-1]), flush=True)
            if np.isfinite(both).all():
                found[name] = (both[0], both[1])
        picture = out / f"devices-{what.split()[0].lower()}.png"
        save_devices(picture, f"Learning on named hardware: {what}", found, floors, scored)
        written.append(str(picture))
        print()
    print(f"written: {', '.join(written)}")


if __name__ == "__main__":
    chosen = tuple(sys.argv[2].split(",")) if len(sys.argv) > 2 else tuple(substrates.PRESETS)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1, chosen)
