"""Error against seconds and against samples: rules without gradients, and true BPTT, on one network of 30 units."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np

from onlinernn.cli_output import short, table
from onlinernn.compare import method
from onlinernn.evaluate import Progress, evaluate
from onlinernn.plots import Curve, save_race
from onlinernn.settings import match
from onlinernn.tasks import MackeyGlass, Settled, Task


def main(epochs: int = 20, seeds: Sequence[int] = (0, 1, 2), out: Path = Path("runs")) -> None:
    """Forecast Mackey-Glass 15 steps ahead with every method; print a table and save one picture."""
    settings = match("mackey-glass")
    task = cast(Task, Settled(MackeyGlass(), settings.washout))
    curves, cells = [], []
    for name in ("frozen", "ANP", "LearnedFeedback", "BPTT"):
        one = method(task, settings, name, epochs)
        ends: list[Progress] = []  # how far the training was after each epoch
        results = [
            evaluate(one.make, task, seed=seed, epochs=epochs, on_chunk=ends.append, test_curve=True) for seed in seeds
        ]
        seconds = np.median(np.reshape([end.seconds for end in ends], (len(seeds), epochs)), axis=0)
        samples = np.array([float(end.samples) for end in ends[:epochs]])
        curves.append(Curve(one.label, samples, np.array([result.test_curve for result in results]), seconds))
        errors = [result.nmse_test for result in results]
        cells.append([one.label, *map(short, (np.median(errors), min(errors), max(errors), seconds[-1]))])

    out.mkdir(parents=True, exist_ok=True)
    title = f"Forecast 15 steps ahead, {settings.hidden} units, the same initial weights, targets 15 steps late"
    save_race(out / "beats-bptt.png", title, curves)
    print(f"frozen test NMSE after {epochs * 5000:,} samples, {len(seeds)} seeds")
    print(table(["method", "median", "least", "most", "seconds"], cells))
    print(f"picture in {out / 'beats-bptt.png'}")


if __name__ == "__main__":
    main()
