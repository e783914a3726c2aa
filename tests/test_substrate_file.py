"""Hardware of one's own in a file: written, read again, learnt on, and refused in one line where it cannot be."""

import json
from typing import Any, NamedTuple

import pytest

from onlinernn import Quantise, Saturate, Stochastic, Substrate, substrate_file, substrates
from onlinernn.cli import main
from onlinernn.kernels.decorrelation import Undecorrelated
from onlinernn.kernels.effects import effect

OWN = {
    "format": "onlinernn-substrate",
    "version": 1,
    "substrate": {
        "write": [{"Quantise": {"step": 2.0**-10, "rounding": "Stochastic"}}, {"Saturate": {"low": -1, "high": 1}}],
        "scale_input": 4,
    },
}


class Tilt(NamedTuple):
    """An effect of a user's own."""

    by: float


@effect.register(Tilt)
def _tilt(spec: Any, x: Any, here: Any) -> Any:
    return x + spec.by


@pytest.mark.parametrize("preset", substrates.PRESETS.values(), ids=lambda one: one.name)
def test_a_file_holds_a_preset_whole(preset, tmp_path):
    substrate_file.write(tmp_path / "mine.json", preset)
    assert substrate_file.read(tmp_path / "mine.json") == preset


def test_a_file_holds_effects_of_ones_own_under_their_full_name(tmp_path):
    preset = substrates.int8._replace(substrate=Substrate(node=(Tilt(0.25),)), decorrelation=Undecorrelated())
    path = tmp_path / "mine.json"
    substrate_file.write(path, preset)
    assert f"{__name__}.Tilt" in path.read_text()
    path.write_text(path.read_text().replace('"Undecorrelated"', "null"))
    assert substrate_file.read(path) == preset


def test_what_a_file_leaves_out_is_as_presets_have_it(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(OWN))
    found, usual = substrate_file.read(path), substrates.int8
    chain = (Quantise(2.0**-10, Stochastic()), Saturate(-1.0, 1.0))
    assert found.substrate == Substrate(write=chain, scale_input=4.0)
    assert (found.rule, found.decorrelation, found.readout) == (usual.rule, usual.decorrelation, usual.readout)
    assert found.name == "mine"


def changed(**fields: Any) -> str:
    return json.dumps({**OWN, **fields})


def written(*chain: Any) -> str:
    return changed(substrate={"write": list(chain)})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not a whole JSON file"),
        (changed()[:-5], "is not a whole JSON file"),
        ("[" * 100_000, "is not a whole JSON file"),
        ('{"a": {"b": 1, "b": 2}}', "'b' stands twice in one object"),
        ("[]", 'it must hold a JSON object with "format": "onlinernn-substrate"'),
        (changed(format="other"), "is no substrate file"),
        (changed(version=2), "of format version 2; this onlinernn reads versions up to 1: install a later release"),
        (changed(version="1"), "version is '1'; it must be a whole number"),
        (changed(version=True), "version is True; it must be a whole number"),
        (changed(substrate=3), "substrate is 3; it must be an object with chains of effects and scales"),
        (changed(rate=3), "a substrate file has no field 'rate'"),
        (changed(note=3), "note is 3; it must be a text"),
        (changed(sources=["x"]), "sources must be a list of pairs"),
        (changed(rule={"ANP": {"lr_hiden": 1.0}}), "ANP has no field 'lr_hiden'; did you mean lr_hidden"),
        (changed(rule={"ANP": {"sigma": 0}}), "ANP: sigma is 0; it must be greater than 0"),
        (changed(readout={"ANP": {}}), "no readout 'ANP'"),
        (changed(substrate={"reed": []}), "a substrate has no field 'reed'; did you mean read"),
        (changed(substrate={"read": {"Noise": {"std": 1.0}}}), "it must be a list of effects"),
        (changed(substrate={"scale_input": "wide"}), "scale_input is 'wide'; it must be a power of two"),
        (changed(substrate={"scale_input": True}), "scale_input is True; it must be a power of two"),
        (changed(substrate={"scale_input": 2**2000}), "it must be a power of two"),
        (changed(substrate={"cancel": True}), "cancel is True; it must be at least 0"),
        (written({"Quantize": {"step": 1.0}}), "write: no effect 'Quantize'; did you mean Quantise"),
        (written({"Quantise": {}}), "write: Quantise lacks step"),
        (written({"Quantise": {"step": 0}}), "Quantise: step is 0; it must be greater than 0"),
        (written({"Quantise": {"step": "a"}}), "Quantise: step is 'a'; it must be a number"),
        (written({"Quantise": {"step": 10**400}}), "Quantise: step is too large"),
        (written({"PulsedUpdate": {"dw_min": 0.1, "length": 2**70}}), "PulsedUpdate: length does not fit"),
        (written({"Quantise": {"step": 1, "rounding": "Up"}}), "write: Quantise: rounding: no rounding 'Up'"),
        (written({"Saturate": {"low": 1, "high": -1}}), "low is 1 and high is -1; low must be below high"),
        (written({"Saturate": {"low": -1, "high": float("nan")}}), "Saturate: high is nan; it must be finite"),
        (
            written({"Leak": {"lifetime": 9}, "Stuck": {"share": 0.1}}),
            'a part is written as {"Name": {"field": number}}',
        ),
        (written(7), "write holds 7; a part is written as"),
    ],
)
def test_a_file_that_cannot_be_is_refused_in_one_line(text, words, tmp_path, capsys):
    path = tmp_path / "mine.json"
    path.write_text(text)
    assert main(["run", "--substrate", str(path), "--out", str(tmp_path / "x")]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.startswith(f"onlinernn: error: {path}")
    assert said.count("\n") == 1
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["presets", "no/such.json"], "no/such.json: No such file or directory"),
        (["presets", "int8", "--write", "int8.txt"], "int8.txt: the name of a substrate file ends in .json"),
        (["presets", "int8", "--write", "no/such/int8.json"], "there is no folder no/such"),
        (["presets", "--write", "int8.json"], "--write needs a preset"),
        (["bench", "--substrate", "no/such.json"], "no/such.json"),
    ],
)
def test_files_that_cannot_be_read_or_written_are_refused(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_preset_is_written_changed_explained_and_learnt_on(tmp_path, capsys):
    path = tmp_path / "mine.json"
    assert main(["presets", "int8", "--write", str(path)]) == 0
    found = json.loads(path.read_text())
    found["substrate"]["write"][0]["Quantise"]["step"] = 2.0**-12
    path.write_text(json.dumps(found))
    assert main(["presets", str(path)]) == 0
    assert "Quantise(step=0.000244140625, rounding=Stochastic())" in capsys.readouterr().out
    run = ["run", "--substrate", str(path), "--hidden", "4", "--length", "300", "--epochs", "1", "--seeds", "0"]
    run += ["--methods", "none", "--out", str(tmp_path / "run"), "--quiet", "--no-plot"]
    assert main(run) == 0
    assert "on mine.json" in capsys.readouterr().out.replace(str(tmp_path) + "/", "")
    report = json.loads((tmp_path / "run" / "result.json").read_text())["reports"][0]
    assert report["most_writes"] > 0
    path.write_text(path.read_text().replace("0.000244140625", "0.00048828125"))
    assert main([*run, "--resume"]) == 2  # what was begun on other hardware does not go on on this
    assert "preset" in capsys.readouterr().err
