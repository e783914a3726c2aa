"""Trials on hardware and their pictures."""

import numpy as np

from onlinernn import NP, on_hardware
from onlinernn.plot_hardware import save_devices, save_sweep
from onlinernn.tasks import MackeyGlass


def test_a_trial_scores_a_stream_that_the_learner_never_saw():
    probe = on_hardware.Probe(MackeyGlass(length=600, test_length=500), 1, 6.0)
    parts = {"rule": NP(0.0), "hidden": 10}
    learnt, again = (on_hardware.trial(probe, 0, **parts) for _ in range(2))
    assert learnt == again
    assert 0.0 < learnt.error < 1.0
    assert learnt.report["steps"] == 1100
    assert learnt.report["taught"] == 600 - probe.task.target_delay
    assert on_hardware.trial(probe, 1, **parts).error != learnt.error


def test_pictures_are_drawn(tmp_path):
    rows = np.array([[0.1, 0.2], [0.05, 0.06]])
    save_sweep(tmp_path / "a.png", "title", "bits", (8, 16), {"one": rows, "two": 2 * rows}, {"float": 0.01})
    save_devices(
        tmp_path / "b.png", "title", {"x": ([0.1, 0.2], [0.3, 0.4]), "y": ([0.0], [0.5])}, {"float": 0.01}, "e"
    )
    assert all((tmp_path / name).stat().st_size > 10_000 for name in ("a.png", "b.png"))
