"""Every hardware preset side by side: what learns on it, and the frozen network on the same hardware.

NMSE of the forecast, with ``--csv WTH.csv`` that of the air temperature 24 hours ahead, and with ``--xor`` the share of
wrong bits of XOR 5. All processors are used. The presets and floating point are 8 combinations of parts, each compiled
once: with nothing compiled the forecast takes under two minutes on two processors, after that a minute with the
weather. ``--share 1`` trains as long as learning takes.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from onlinernn import IDEAL, CountWrites, Substrate, substrates
from onlinernn.cli_options import hardware, whole
from onlinernn.on_hardware import (
    NO_ERROR,
    NO_GRID,
    NO_LEAK,
    NO_RANGE,
    NO_TRUNCATION,
    NONE_STUCK,
    PROBES,
    Row,
    alike,
    errors_of,
    floor,
    heading,
    row_of,
    untrained,
    weather_probe,
)
from onlinernn.plot_hardware import save_devices
from onlinernn.substrate_file import find

#: What the presets have in common: those that are of the same types are compiled once.
ALIKE = (
    Substrate(
        read=(NO_GRID,),
        input=(NO_GRID, NO_RANGE),
        drive=(NO_GRID, NO_TRUNCATION, NO_RANGE),
        node=(NO_GRID, NO_TRUNCATION, NO_RANGE),
        write=substrates.int16.substrate.write,
    ),
    Substrate(read=(NO_ERROR,), write=(*substrates.idealized.substrate.write[:-1], NO_LEAK, CountWrites())),
    Substrate(read=(NO_ERROR,), write=(*substrates.reram_sb.substrate.write[:-1], NONE_STUCK, CountWrites())),
)


def rows_of(presets: Sequence[str], hidden: int) -> list[Row]:
    """Return the rows of floating point and of each preset: the learner, and the network whose hidden layer is frozen.

    In floating point learns what learns on most of the presets.
    """
    usual = {"rule": substrates.int16.rule, "decorrelation": substrates.int16.decorrelation}
    tried = [("float", IDEAL, usual), *((name, alike(find(name), ALIKE), {}) for name in presets)]
    return [
        Row(name + ", frozen" * frozen, devices, {**parts, "hidden": hidden, "frozen": frozen})
        for name, devices, parts in tried
        for frozen in (False, True)
    ]


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables and draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=whole(1), default=1, help="networks, streams and chips (1)")
    parser.add_argument("--first", type=whole(0), default=921, help="the first of the seeds (921)")
    parser.add_argument("--presets", nargs="+", type=hardware, default=list(substrates.PRESETS), metavar="NAME",
                        help="which, or files NAME.json of your own (all presets)")  # fmt: skip
    parser.add_argument("--csv", type=Path, help="the paper's weather file; without it only the forecast is done")
    parser.add_argument("--xor", action="store_true", help="XOR 5 too")
    parser.add_argument("--share", type=float, default=0.25, help="of the passes over the training stream (0.25)")
    parser.add_argument("--hidden", type=whole(1), default=30, help="hidden units (30)")
    parser.add_argument("--out", type=Path, default=Path("runs/devices"), help="folder of the pictures")
    args = parser.parse_args(argv)
    if not 0 < args.share <= 10:
        parser.error(f"a share of the passes is above 0 and at most 10, not {args.share}")
    rows = rows_of(args.presets, args.hidden)
    for row in rows:
        try:
            untrained(PROBES["forecast"], args.first, row.substrate, **row.settings)
        except (TypeError, ValueError) as error:
            parser.error(f"{row.name}: {error}")
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
        bits = what.startswith("XOR")
        scored = "share of wrong bits" if bits else "test NMSE"
        title = f"{what}, {args.hidden} units, {probe.epochs} passes, {args.seeds} seeds"
        print(*heading(title, scored), sep="\n")
        floors: dict[str, float] = {}
        errors: dict[str, list[float]] = {}
        if persistence := floor(probe, seeds):
            print(row_of("persistence", persistence), flush=True)
            floors["persistence"] = float(np.median(persistence))
        for found in errors_of(probe, seeds, rows):
            errors |= found
            print(*(row_of(*row) for row in found.items()), sep="\n", flush=True)
        floors |= {name: float(np.median(errors[name])) for name in ("float", "float, frozen")}
        floors |= {"chance": 0.5} if bits else {}
        both = {name: (errors[name], errors[f"{name}, frozen"]) for name in args.presets}
        shown = {name: pair for name, pair in both.items() if np.isfinite(pair).all()}
        picture = args.out / f"devices-{what.split()[0].strip(',').lower()}.png"
        save_devices(picture, f"Learning on named hardware: {title}", shown, floors, scored, shares=bits)
        print(f"picture in {picture}\n", flush=True)


if __name__ == "__main__":
    main()
