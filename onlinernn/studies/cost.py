"""What learning from a sequence costs: CPU time and peak memory, each trial in a process of its own with one thread."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Mapping
from typing import Any

from onlinernn.errors import StudyError
from onlinernn.evaluate import Model, shift_targets
from onlinernn.studies.models import model
from onlinernn.studies.pool import ONE_THREAD
from onlinernn.studies.streams import make_task
from onlinernn.studies.trial import Trial


def cost(trial: Trial, files: Mapping[str, str]) -> dict[str, Any]:
    """Measure the CPU time of learning from a sequence, least of some repeats, and the peak of what it allocates.

    A process of its own starts from nothing, so that neither what earlier trials left in caches and free lists nor
    their threads count. Memory is what ``tracemalloc`` sees, every byte that Python and NumPy ask for, and not the
    resident set: the compiler and the libraries hold a hundred megabytes of that, beside which small networks vanish.
    The compiled step allocates nothing that it could miss.

    Parameters
    ----------
    trial, files
        As for ``work.perform``.

    Raises
    ------
    StudyError
        If the process fails.
    """
    command = [sys.executable, "-m", "onlinernn.studies.cost"]
    asked = json.dumps([trial.text, dict(files)])
    ran = subprocess.run(command, input=asked, env=os.environ | ONE_THREAD, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise StudyError(f"its process failed: {(ran.stderr.strip().splitlines() or ['killed'])[-1]}")
    measured: dict[str, float] = json.loads(ran.stdout)
    return {"numbers": {"score": None, "unstable_at": None, "curve": []}, "measured": measured}


def _measure(trial: Trial, files: Mapping[str, str]) -> dict[str, float]:
    task, numbers = make_task(trial.task, files), trial.numbers
    stream = task.train(trial.seed, 0)
    known = shift_targets(stream.targets, task.target_delay)
    settings = {**numbers, "window": len(stream)} if numbers.get("unrolled") else numbers

    def make() -> Model:
        return model(task, trial.method, settings, trial.seed)

    def train(trained: Model) -> None:
        for first in range(0, len(stream), settings["window"]):
            rows = slice(first, first + settings["window"])
            trained.run(stream.inputs[rows], known[rows])

    make().run(stream.inputs[:50], known[:50])  # compile first
    times = []
    for _ in range(numbers["repeats"]):
        trained = make()
        began = time.process_time()  # its one thread's: other processes may share the core
        train(trained)
        times.append(time.process_time() - began)
    tracemalloc.start()
    trained = make()
    tracemalloc.reset_peak()  # what a model holds counts, and what it took to make one does not
    train(trained)
    peak = tracemalloc.get_traced_memory()[1]  # at once: what comes next may allocate more
    tracemalloc.stop()
    return {"seconds": min(times), "peak_kb": peak / 1000}


if __name__ == "__main__":
    text, where = json.load(sys.stdin)
    json.dump(_measure(Trial.read(text), where), sys.stdout)
