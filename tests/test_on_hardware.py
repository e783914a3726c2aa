"""Trials on hardware and their pictures."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

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


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Return what will be drawn, as it was when it was saved."""
    drawn: list[Figure] = []
    saved = Figure.savefig

    def save(figure: Figure, *args: Any, **kwargs: Any) -> None:
        saved(figure, *args, **kwargs)
        drawn.append(figure)

    monkeypatch.setattr(Figure, "savefig", save)
    return drawn


def legend_of(figure: Figure) -> tuple[list[str], bool]:
    """Return the labels of the one legend of a figure, and whether it covers nothing of what is drawn."""
    (legend,) = [one for part in (figure, *figure.subfigs) for one in part.legends]
    covers = any(legend.get_window_extent().overlaps(axes.get_tightbbox()) for axes in figure.axes)
    assert not any(axes.get_legend() for axes in figure.axes)
    return [text.get_text() for text in legend.get_texts()], not covers


def test_a_sweep_has_a_panel_for_each_rule_whose_lines_are_told_apart(tmp_path: Path, figures: list[Figure]) -> None:
    rows = np.array([[0.1, 0.2], [0.05, 0.06]])
    cures = [f"cure {k}" for k in range(8)]
    panels = {"ANP": dict.fromkeys(cures, rows), "NP": {cures[3]: 2 * rows}}
    save_sweep(tmp_path / "a.png", "title", "bits", (8, 16), panels, {"float": 0.01, "persistence": 2.0})
    left, right = figures[0].axes
    assert [axes.get_title() for axes in (left, right)] == ["ANP", "NP"]
    looks = {(line.get_color(), line.get_linestyle(), line.get_marker()) for line in left.lines}
    assert len(looks) == len(left.lines) == len(cures) + 2
    assert len({tuple(line.get_xdata()) for line in left.lines if line.get_marker() != "None"}) == len(cures)
    assert right.lines[0].get_color() == left.lines[3].get_color()  # a method looks the same in each panel
    assert legend_of(figures[0]) == ([*cures, "float", "persistence"], True)
    assert (tmp_path / "a.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("least", "shares", "scale"), [(0.0, True, "linear"), (0.02, False, "log"), (0.1, False, "linear")]
)
def test_errors_of_devices_have_their_own_axis_and_shares_one_from_0(
    least: float, shares: bool, scale: str, tmp_path: Path, figures: list[Figure]
) -> None:
    errors = {"x": ([0.1, 0.2], [0.3, 0.4]), "y": ([least], [0.5])}
    save_devices(tmp_path / "b.png", "title", errors, {"float": 0.1, "chance": 0.5}, "e", shares=shares)
    (axes,) = figures[0].axes
    assert axes.get_xscale() == scale
    assert (axes.get_xlim()[0] == 0.0) == shares
    assert legend_of(figures[0]) == (["learner", "frozen network", "float", "chance"], True)
    assert (tmp_path / "b.png").stat().st_size > 10_000
