"""Trials on hardware and their pictures."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from onlinernn import ANP, IDEAL, NP, CountWrites, Quantise, on_hardware, substrates
from onlinernn.kernels.effects import ageing, bites, change, effect, place
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


FIRST = {"12 bits": "16 bits", "analog too": "analog", "float too": "float"}


def test_rows_whose_parts_have_the_same_types_are_tried_together(monkeypatch: pytest.MonkeyPatch) -> None:
    def workers(count: int = 2) -> SimpleNamespace:
        return SimpleNamespace(at_once=count, executor=lambda: ThreadPoolExecutor(count), close=lambda: None)

    monkeypatch.setattr(on_hardware, "LocalWorkers", workers)
    monkeypatch.setattr(
        on_hardware, "trial", lambda probe, seed, substrate, **settings: on_hardware.Outcome(seed / 10, {})
    )
    anp = {"rule": ANP(), "decorrelation": substrates.int16.decorrelation}
    rows = [
        on_hardware.Row("16 bits", substrates.int16, {}),
        on_hardware.Row("float", IDEAL, {"rule": NP(0.1)}),
        on_hardware.Row("analog", substrates.idealized, {"frozen": True}),
        on_hardware.Row("12 bits", substrates.int12, {"frozen": True}),
        on_hardware.Row("ANP", substrates.int12, anp),
        on_hardware.Row("analog too", substrates.ecram, {}),
        on_hardware.Row("float too", IDEAL, {"rule": NP(0.2)}),
    ]
    done: list[str] = []
    errors_of_row = on_hardware._errors_of_row

    def noted(probe: Any, seeds: Any, row: Any) -> list[float]:
        assert row.name in ("16 bits", "float", "analog", "ANP") or FIRST[row.name] in done  # that one compiles
        errors: list[float] = errors_of_row(probe, seeds, row)
        done.append(row.name)
        return errors

    monkeypatch.setattr(on_hardware, "_errors_of_row", noted)
    found = list(on_hardware.errors_of(on_hardware.PROBES["forecast"], (1, 3), rows))
    assert [list(part) for part in found if "16 bits" in part] == [["16 bits", "12 bits"]]
    groups = {frozenset(part) for part in found}
    together = (("16 bits", "12 bits"), ("float", "float too"), ("analog", "analog too"), ("ANP",))
    assert groups == {frozenset(names) for names in together}
    assert all(errors == [0.1, 0.3] for part in found for errors in part.values())


def test_neutral_effects_leave_every_number_as_it_is() -> None:
    here = place(3, 5, 0, 0, 0, 32, 7, np.float32(0))
    for one in on_hardware.NEUTRAL:
        for size in (1e-22, 0.3, 1.0, 1e8):
            x = np.float32(size)
            for effects in (effect, change, ageing):
                assert effects(one, x, here) == x, one
                assert effects(one, -x, here) == -x, one
            assert not bites(one, x, here)
    assert effect(Quantise(0.25), np.float32(0.3), here) != np.float32(0.3)  # the twin


def test_chains_that_are_alike_keep_their_effects_in_their_places() -> None:
    random = substrates.reram_sb.substrate
    wanted = random._replace(write=(*random.write[:-1], on_hardware.NONE_STUCK, CountWrites()))
    made = on_hardware.alike(substrates.reram_sb, [wanted]).substrate
    assert made.write == (*random.write[:-1], on_hardware.NONE_STUCK, CountWrites())
    assert on_hardware.alike(substrates.reram_om, [wanted]) == substrates.reram_om
    assert on_hardware.alike(substrates.pcm, [wanted]) == substrates.pcm  # it has what is not wanted


def test_pictures_are_drawn(tmp_path):
    rows = np.array([[0.1, 0.2], [0.05, 0.06]])
    save_sweep(tmp_path / "a.png", "title", "bits", (8, 16), {"one": rows, "two": 2 * rows}, {"float": 0.01})
    save_devices(
        tmp_path / "b.png", "title", {"x": ([0.1, 0.2], [0.3, 0.4]), "y": ([0.0], [0.5])}, {"float": 0.01}, "e"
    )
    assert all((tmp_path / name).stat().st_size > 10_000 for name in ("a.png", "b.png"))
