"""The named presets: each makes a learner, cites its sources, and is found by the command line."""

import argparse
import json

import numpy as np
import pytest

from onlinernn import (
    ANP,
    IDEAL,
    Asymmetry,
    CountWrites,
    DeviceBounds,
    Leak,
    LearnedFeedback,
    OnlineLearner,
    Perturbed,
    PhaseChange,
    PulsedUpdate,
    Saturate,
    SoftBounds,
    Stuck,
    Substrate,
    WriteError,
    on_hardware,
    substrates,
)
from onlinernn.accounts import warnings
from onlinernn.cli import main
from onlinernn.cli_options import add_arguments, make_plan
from onlinernn.cli_report import _substrate_warnings, what_helps
from onlinernn.controls import learner
from onlinernn.hardware import CHAINS, canonical_substrate, require_carrier
from onlinernn.kernels.traces import PerStep
from onlinernn.settings import defaults
from onlinernn.tasks import MackeyGlass


@pytest.mark.parametrize("preset", substrates.PRESETS.values(), ids=lambda one: one.name)
def test_presets_are_honoured_and_cite_their_sources(preset):
    canonical = canonical_substrate(preset.substrate)
    assert isinstance(canonical, Substrate)
    require_carrier(canonical, preset.rule, preset.readout, PerStep(), "float32")
    assert preset.sources
    assert CountWrites() in preset.substrate.write  # the report tells the most writes of a device
    assert preset.name in substrates.explain(preset)
    assert getattr(substrates, preset.name) is preset


#: What of an effect a source has to tell, with its numbers; grids and ranges are told by bits or steps.
TOLD = {
    "PulsedUpdate": "dw_min {0:g}, dtod {1:g}, cycle {2:g}",
    "Asymmetry": "up {0:g} ({1:g})",
    "SoftBounds": "soft bounds",
    "DeviceBounds": "bounds {0:g} to {1:g} ({2:g}, {3:g})",
    "Leak": "lifetime {0:g} steps ({1:g})",
    "Stuck": "{percent:g} % of the devices stuck",
    "WriteError": "write noise",
    "PhaseChange": "drift and read noise",
    "Mismatch": "mismatch sd {percent:g} %",
    "Noise": "noise {0:g}",
    "TelegraphNoise": "mean {0:g}",
    "Quantise": "",
    "Saturate": "",
    "CountWrites": "",
}


@pytest.mark.parametrize("preset", substrates.PRESETS.values(), ids=lambda one: one.name)
def test_every_number_of_a_preset_has_a_source(preset):
    told = "; ".join(of for of, _ in preset.sources)
    for chain in CHAINS:
        for one in getattr(preset.substrate, chain):
            percent = 100 * one[0] if one and isinstance(one[0], float) else 0.0
            assert TOLD[type(one).__name__].format(*one, percent=percent) in told
            if isinstance(one, Saturate) and chain in ("drive", "node", "input"):
                assert f"{one.low:g}".lstrip("-") in told
    assert "scales, rule, decorrelation, readout" in told


#: Of the sources, by hand: dw_min, up, dtod of that, bounds, dtod and cycle spread of dw_min, dtod of the bounds, and
#: write noise in units of dw_min. The pair of one-sided devices of pcm stands as one of either sign.
ANALOG = {
    "idealized": (0.0002, 0, 0, -1, 1, 0.3, 0.3, 0.3, 0.3, 0),
    "gokmen_vlasov": (0.0016, 0, 0.01, -1, 1, 0.3, 0.3, 0.3, 0.3, 0),
    "reram_es": (0.00135, 0.259, 0.05, -1, 1, 0.2, 5.0, 0.3, 0.3, 75),
    "reram_sb": (0.002, 0, 0.01, -0.75, 1.25, 0.3, 3.75, 0.4, 0.24, 56),
    "reram_om": (0.0949, 0, 0.01, -1, 1, 0.783, 0.416, 0.570, 0.350, 1.41),
    "reram_hfo2": (0.4622, 0, 0.01, -1, 1, 0.713, 0.217, 0.599, 0.430, 0.584),
    "capacitor": (0.005, 0, 0.06, -1, 1, 0.1, 0.3, 0.07, 0.07, 0),
    "ecram": (0.002, 0, 0.01, -0.828, 1.172, 0.1, 0.3, 0.05, 0.05, 0),
    "ecram_mo": (0.000282, 0, 0.01, -0.829, 1.171, 0.1, 2.0, 0.05, 0.05, 0),
    "pcm": (0.01, 0, 0.05, -2, 2, 0.2, 0.6, 0.1, 0.1, 0),
}


@pytest.mark.parametrize("name", ANALOG)
def test_analog_presets_have_the_numbers_of_their_sources(name):
    dw_min, up, up_dtod, low, high, dtod, cycle, low_dtod, high_dtod, noise = ANALOG[name]
    substrate = substrates.PRESETS[name].substrate
    soft = (SoftBounds(low, high),) * (name in ("reram_sb", "reram_om", "reram_hfo2"))
    more = {"reram_om": Stuck(0.135, -1.0, 1.0), "reram_hfo2": Stuck(0.1, -1.0, 1.0), "capacitor": Leak(1e6, 0.3)}
    bounds = (*soft, DeviceBounds(low, high, low_dtod, high_dtod))
    rest = (*([more[name]] if name in more else []), CountWrites())
    assert substrate.write == (PulsedUpdate(dw_min, dtod, cycle, 31), Asymmetry(up, up_dtod), *bounds, *rest)
    read = (PhaseChange(1e-3),) if name == "pcm" else (WriteError(noise * dw_min),) * (noise > 0)
    assert substrate.read == read


def test_a_preset_brings_its_rule_and_a_given_rule_its_own():
    learner = OnlineLearner(1, 3, 1, substrate=substrates.int8_wide)
    assert isinstance(learner.spec.rule, LearnedFeedback)
    assert learner.spec.decorrelation.damping == 1e-2
    given = OnlineLearner(1, 3, 1, substrate=substrates.int8_wide._replace(rule=ANP()), readout=Perturbed()).spec
    assert (given.rule, given.readout) == (ANP(), Perturbed())  # a readout without numbers is given too
    assert isinstance(OnlineLearner(1, 3, 1).spec.rule, ANP)
    assert OnlineLearner(1, 3, 1).spec.substrate is IDEAL


@pytest.mark.parametrize(("preset", "wider"), [(substrates.int8_wide, 1), (substrates.int12, 1), (substrates.int16, 4)])
def test_few_bits_are_spent_on_narrow_ranges(preset, wider):
    """A within 2, R within 1/4, B within 1: what is set beyond is held at the bound; 16 bits hold 4 times as much."""
    learner = OnlineLearner(1, 3, 1, substrate=preset)
    learner.set_weights(**{name: np.full_like(learner.weights[name], -100.0) for name in ("A", "R", "B")})
    for name, bound in (("A", 2.0), ("R", 0.25), ("B", 1.0)):
        assert (learner.weights[name] == -bound * wider).all()


def test_the_report_warns_of_what_went_wrong_and_of_nothing_else():
    assert warnings({"steps": 10, "taught": 10, "dead": 1, "updates": 100, "lost": 10}) == []
    by_chance = {"updates": 1000, "lost": 985, "lost_by_chance": True}
    assert warnings(by_chance) == []
    assert "99.5 % of the updates left their weight where it was, by chance" in warnings(by_chance | {"lost": 995})[0]
    assert warnings({"taught": 10, "guarded_hidden": 5}) == []
    assert warnings({"weights": 100, "weights_at_bound": 5}) == []
    assert "6 % of the weights stand at a bound" in warnings({"weights": 100, "weights_at_bound": 6})[0]
    assert warnings({"inputs": 100, "bound_input": 5, "activities": 100, "bound_node": 5}) == []
    assert warnings({"inputs": 100, "bound_input": 6, "activities": 100, "bound_node": 8}) == [
        "6 % of the inputs ran into a limit: scale the inputs down, or widen the input chain's range",
        "8 % of the activities ran into a limit: drive the neurons less (input_scale), or widen the node chain's range",
    ]
    assert "hardly differed in 90 % of steps" in warnings({"taught": 10, "guarded_hidden": 9})[0]
    found = {"steps": 10, "taught": 10, "dead": 9, "updates": 100, "lost": 95, "bound_weight": 20, "bound_drive": 50}
    assert [line.split(":")[0] for line in warnings(found)] == [
        "the loss difference was zero in 90 % of steps",
        "95.0 % of the updates left their weight where it was",
        "20 % of the writes ran into a bound",
        "5.0 values of the drive chain ran into a limit in a step",
    ]


def test_a_run_warns_of_what_went_wrong_over_all_seeds():
    fine, dead = ({"report": {"taught": 100, "dead": count}} for count in (0, 90))
    told = _substrate_warnings({"np": "NP"}, {"np": [fine, dead, dead], "frozen": [{}]})
    assert told[1:] == [
        "warning (NP): the loss difference was zero in 60 % of steps: raise sigma, or the bits of outputs and loss"
    ]
    assert _substrate_warnings({"np": "NP"}, {"np": [dead, fine, fine]}) == []


def test_the_command_lists_and_explains(capsys):
    assert main(["presets"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in substrates.PRESETS)
    assert main(["presets", "reram_sb"]) == 0
    assert "IBM aihwkit" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["presets", "loihi"], ["presets", "LOIHI"], ["run", "--substrate", "loihi"]], ids=" ".join
)
def test_unknown_presets_are_refused_with_the_nearest_name(arguments, capsys, tmp_path):
    assert main([*arguments, *(["--out", str(tmp_path / "x")] if "run" in arguments else [])]) == 2
    assert "did you mean loihi_like" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--substrate", "int8", "--lr-readout", "0.1"], "--lr-readout does not reach what the preset int8 brings"),
        (["--substrate", "int8", "--decorrelation", "0.1"], "--decorrelation does not reach what the preset"),
        (["--substrate", "int8", "--sigma", "-1"], "LearnedFeedback: sigma is -1; it must be greater than 0"),
        (["--substrate", "spinnaker_like", "--sigma", "1e-6"], "use a sigma of at least 3.05176e-05"),
        (["--substrate", ""], "there is no preset ''"),
    ],
)
def test_what_a_preset_cannot_take_is_refused_before_anything_runs(arguments, words, capsys, tmp_path):
    assert main(["run", *arguments, "--out", str(tmp_path / "x")]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ([], LearnedFeedback()),
        (["--sigma", "0.125", "--lr-hidden", "0.5"], LearnedFeedback(lr_hidden=0.5, sigma=0.125)),
        (["--rule", "anp", "--lr-readout", "0.1"], ANP(defaults("mackey-glass").lr_hidden, 0.1)),
    ],
)
def test_a_run_takes_the_rule_of_the_preset_and_what_was_asked_for(arguments, rule):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    plan = make_plan(parser.parse_args(["mackey-glass", "--substrate", "int8", *arguments]))
    assert learner(plan.task, plan.settings, 0).spec.rule == rule
    assert (plan.settings.lr_hidden, plan.settings.sigma) == (rule.lr_hidden, rule.sigma)


def test_a_run_on_a_substrate_has_its_controls_and_its_report(capsys, tmp_path):
    arguments = ["run", "--substrate", "int8", "--hidden", "4", "--length", "300", "--epochs", "1", "--seeds", "0"]
    assert main([*arguments, "--methods", "frozen", "--out", str(tmp_path), "--quiet", "--no-plot"]) == 0
    shown = capsys.readouterr().out
    assert "LearnedFeedback (the rule), int8" in shown
    assert "LearnedFeedback in floating point" in shown
    assert "of the weights stand at a bound" in shown
    assert "\nint8: Most updates of R are below one LSB" in shown
    paid = "\nTraining A and R paid" in shown
    assert ("\nWhat helps where" in shown or "\nFloating point is not clearly better" in shown) == (not paid)
    found = json.loads((tmp_path / "result.json").read_text())
    reports = {one["method"]: one for one in found["reports"]}
    assert set(reports) == {"learnedfeedback", "float", "frozen"}
    assert reports["learnedfeedback"]["most_writes"] > 0
    assert "writes" not in reports["float"]


@pytest.mark.parametrize(
    ("rule", "in_float", "said"),
    [
        (0.1, 0.1, ""),
        (0.5, 0.1, "What helps where learning does not pay"),
        (0.5, 0.5, "Floating point is not clearly better here"),
        (None, 0.1, "What helps where learning does not pay"),
        (None, None, "Floating point is not clearly better here"),
    ],
)
def test_a_run_says_what_helps_against_the_hardware_only_where_it_is_at_fault(rule, in_float, said):
    errors = {"anp": rule, "float": in_float, "frozen": 0.4}
    rows = [{"method": method, "seed": 0, "nmse_test": error} for method, error in errors.items()]
    lines = what_helps(substrates.int16._replace(note=""), rows)
    assert [line[: len(said)] for line in lines if line] == [said] * bool(said)


def test_a_run_on_a_preset_is_the_trial_that_presets_are_judged_by(tmp_path):
    """The same network, rates that fall, and rows that are scored."""
    arguments = ["run", "--substrate", "int8_wide", "--length", "600", "--epochs", "1", "--seeds", "5", "--quiet"]
    assert main([*arguments, "--methods", "frozen", "--out", str(tmp_path), "--no-plot"]) == 0
    rows = {row["method"]: row["nmse_test"] for row in json.loads((tmp_path / "result.json").read_text())["rows"]}
    probe = on_hardware.Probe(MackeyGlass(length=600, test_length=600), 1, 6.0, washout=600 // 4)
    for name, substrate, frozen in (
        ("learnedfeedback", substrates.int8_wide, False),
        ("frozen", substrates.int8_wide, True),
        ("float", substrates.int8_wide._replace(substrate=IDEAL), False),
    ):
        assert rows[name] == pytest.approx(on_hardware.trial(probe, 5, substrate, frozen=frozen).error, rel=1e-5)
