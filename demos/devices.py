"""Every hardware preset side by side: what learns on it, and the frozen network on the same hardware.

NMSE of the forecast, with ``--csv WTH.csv`` that of the air temperature 24 hours ahead, and with ``--xor`` the share of
wrong bits of XOR 5. Under two minutes on one core once the kernels are compiled; ``--share 1`` trains as long as
learning takes.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from onlinernn import IDEAL, substrates
from onlinernn.cli_options import whole
from onlinernn.on_hardware import PROBES, floor, heading, row_of, trial, weather_probe
from onlinernn.plot_hardware import save_devices


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables and draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=whole(1), default=1, help="networks, streams and chips (1)")
    parser.add_argument("--first", type=whole(0), default=921, help="the first of the seeds (921)")
    parser.add_argument("--presets", nargs="+", choices=substrates.PRESETS, default=list(substrates.PRESETS))
    parser.add_argument("--csv", type=Path, help="the paper's weather file; without it only the forecast is done")
    parser.add_argument("--xor", action="store_true", help="XOR 5 too")
    parser.add_argument("--share", type=float, default=0.25, help="of the passes over the training stream (0.25)")
    parser.add_argument("--hidden", type=whole(1), default=30, help="hidden units (30)")
    parser.add_argument("--out", type=Path, default=Path("runs/devices"), help="folder of the pictures")
    args = parser.parse_args(argv)
    if not 0 < args.share <= 10:
        parser.error(f"a share of the passes is above 0 and at most 10, not {args.share}")
    probes = {"forecast": PROBES["forecast"]}
    if args.csv is not None:
        try:
            probes["weather, 24 h ahead"] = weather_probe(args.csv)
        except (OSError, ValueError) as error:
            parser.error(str(error))
    else:
        print("no --csv WTH.csv was given: without the weather stream\n")
    if args.xor:
        probes["XOR 5"] = PROBES["XOR 5"]
    seeds = range(args.first, args.first + args.seeds)
    args.out.mkdir(parents=True, exist_ok=True)
    for what, full in probes.items():
        probe = full._replace(epochs=max(1, round(full.epochs * args.share)))

        def errors(hardware: Any, frozen: bool, probe: Any = probe, **parts: Any) -> list[float]:
            return [trial(probe, seed, hardware, frozen=frozen, hidden=args.hidden, **parts).error for seed in seeds]

        scored = "share of wrong bits" if what.startswith("XOR") else "test NMSE"
        title = f"{what}, {args.hidden} units, {probe.epochs} passes, {args.seeds} seeds"
        print(*heading(title, scored), sep="\n")
        usual: dict[str, Any] = {"rule": substrates.int16.rule, "decorrelation": substrates.int16.decorrelation}
        beside = {"float": errors(IDEAL, False, **usual), "float, frozen": errors(IDEAL, True, **usual)}
        if persistence := floor(probe, seeds):
            beside["persistence"] = persistence
        for label, of_seeds in beside.items():
            print(row_of(label, of_seeds), flush=True)
        found = {}
        for name in args.presets:
            both = errors(substrates.named(name), False), errors(substrates.named(name), True)
            for label, of_seeds in zip((name, f"{name}, frozen"), both, strict=True):
                print(row_of(label, of_seeds), flush=True)
            if np.isfinite(both).all():
                found[name] = both
        picture = args.out / f"devices-{what.split()[0].strip(',').lower()}.png"
        floors = {label: float(np.median(of_seeds)) for label, of_seeds in beside.items()}
        save_devices(picture, f"Learning on named hardware: {what}", found, floors, scored)
        print(f"picture in {picture}\n", flush=True)


if __name__ == "__main__":
    main()
