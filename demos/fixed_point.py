"""Integers against floating point: the forecast of the Mackey-Glass series by ANP, and the time of a step.

Run it as ``python demos/fixed_point.py``; under two minutes on one core once the kernels are compiled.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from onlinernn import ANP, Fixed, Int8, Int16, Int32, OnlineLearner
from onlinernn.baselines import persistence
from onlinernn.cli_output import short, table
from onlinernn.evaluate import evaluate
from onlinernn.plot_hardware import save_devices
from onlinernn.tasks import MackeyGlass

NUMBERS = {
    "float32": None,
    "16-bit weights": Fixed(),
    "12-bit weights": Fixed(weights=Int16(8, 12), readout=Int16(8, 12)),
    "8-bit weights": Fixed(weights=Int8(4), readout=Int8(4), accumulator=Int32(0)),
}


def learner(task: MackeyGlass, number: Fixed | None, frozen: bool, hidden: int, seed: int) -> OnlineLearner:
    """Return a learner for the forecast; a frozen one learns its readout only."""
    rule = ANP(lr_hidden=0.0 if frozen else 1e-5, lr_readout=1e-2, sigma=2**-8)
    return OnlineLearner(1, hidden, 1, rule=rule, target_delay=task.target_delay, seed=seed, number=number)


def step_seconds(number: Fixed | None, hidden: int, repeats: int = 5) -> float:
    """Return the median processor time of a step."""
    engine = OnlineLearner(1, hidden, 1, rule=ANP(sigma=2**-8), number=number)
    wave = np.sin(0.3 * np.arange(max(20, 10**7 // hidden**2) + 1.0))[:, None]
    times = []
    for _ in range(repeats + 1):
        start = time.process_time()
        engine.run(wave[:-1], wave[1:])
        times.append((time.process_time() - start) / (len(wave) - 1))
    return float(np.median(times[1:]))


def main(argv: Sequence[str] | None = None) -> None:
    """Print a table of errors on the frozen test, and one of the times of a step, and draw the errors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hidden", type=int, default=30, help="hidden units of the forecast")
    parser.add_argument("--epochs", type=int, default=4, help="passes over the training stream")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of weights, noise and series")
    parser.add_argument("--sizes", type=int, nargs="*", default=[500, 1000, 2000], help="hidden units that are timed")
    parser.add_argument("--out", type=Path, default=Path("runs/fixed-point"), help="folder of the picture")
    args = parser.parse_args(argv)
    task, rows = MackeyGlass(), []
    found: dict[str, list[list[float]]] = {}
    for name, number in NUMBERS.items():
        for frozen in (False, True):
            errors = [
                evaluate(
                    lambda seed, number=number, frozen=frozen: learner(task, number, frozen, args.hidden, seed),
                    task,
                    seed=seed,
                    epochs=args.epochs,
                ).nmse_test
                for seed in args.seeds
            ]
            found.setdefault(name, []).append(errors)
            label = f"{name}{', hidden layer frozen' if frozen else ''}"
            rows.append([label, *(short(f(errors)) for f in (np.median, np.min, np.max))])
            print(f"{label}: done", flush=True)
    last = [result.nmse_test for seed in args.seeds if (result := persistence(task, seed)) is not None]
    rows.append(["persistence", *(short(f(last)) for f in (np.median, np.min, np.max))])
    print(f"\nforecast {task.horizon} steps ahead, {args.hidden} units, {args.epochs} epochs: NMSE on the frozen test")
    print(table(["numbers", "median", "min", "max"], rows))
    times = []
    for hidden in args.sizes:
        real, whole = step_seconds(None, hidden), step_seconds(Fixed(), hidden)
        times.append([str(hidden), f"{1e6 * real:.0f}", f"{1e6 * whole:.0f}", f"{whole / real:.2f}"])
    if times:
        print("\nprocessor time of a step of ANP, microseconds")
        print(table(["units", "float32", "16-bit weights", "ratio"], times))
    args.out.mkdir(parents=True, exist_ok=True)
    both = {name: (errors[0], errors[1]) for name, errors in found.items()}
    title, floors = "ANP in integers: the forecast", {"persistence": float(np.median(last))}
    save_devices(args.out / "fixed-point.png", title, both, floors, "frozen test NMSE")
    print(f"picture in {args.out / 'fixed-point.png'}")


if __name__ == "__main__":
    main()
