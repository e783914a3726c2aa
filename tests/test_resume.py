"""Exact resume: a learner that was saved goes on, in another process, as if it had never stopped."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from onlinernn import (
    ANP,
    NLMS,
    NP,
    RLS,
    WP,
    CheckpointError,
    Cosine,
    Decorrelation,
    InverseTime,
    LeakSpectrum,
    LeakyTanh,
    LearnedFeedback,
    OnlineLearner,
    Rademacher,
    SoftmaxCrossEntropy,
    Uniform,
    Whitening,
    WindowedNP,
)
from onlinernn.checkpoint import FORMAT, VERSION, write
from onlinernn.snapshot import named_arrays, snapshot

RULES = {
    "ANP": ANP(1e-3, 1e-2),
    "ANP both noisy": ANP(1e-3, 1e-2, both_noisy=True),
    "NP": NP(1e-5, 1e-3),
    "WP": WP(1e-7, 1e-6),
}

GO_ON = """
import sys
import numpy as np
from onlinernn import OnlineLearner
learner = OnlineLearner.load(sys.argv[1])
data = np.load(sys.argv[2])
trace = learner.run(data["U"], data["Y"])
np.savez(sys.argv[3], predictions=trace.predictions, noisy=trace.noisy_losses, **learner.weights)
"""


def data(steps=80, n_in=2, n_out=3):
    draw = np.random.default_rng(5)
    return draw.normal(size=(steps, n_in)), draw.normal(size=(steps, n_out))


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("decorrelation", [None, Decorrelation(1e-2)], ids=["plain", "decorrelated"])
def test_a_new_process_goes_on_bit_for_bit(tmp_path, rule, decorrelation):
    U, Y = data()
    learner = OnlineLearner(
        2, 11, 3, rule=rule, cell=LeakyTanh(0.7), decorrelation=decorrelation, target_delay=4, resync=7, seed=9
    )
    learner.run(U[:37], Y[:37])
    learner.save(tmp_path / "learner.ckpt")
    np.savez(tmp_path / "data.npz", U=U[37:], Y=Y[37:])
    paths = [str(tmp_path / name) for name in ("learner.ckpt", "data.npz", "result.npz")]
    subprocess.run([sys.executable, "-c", GO_ON, *paths], check=True, timeout=600)
    trace = learner.run(U[37:], Y[37:])
    with np.load(tmp_path / "result.npz") as result:
        assert np.array_equal(result["predictions"], trace.predictions)
        assert np.array_equal(result["noisy"], trace.noisy_losses, equal_nan=True)
        for name, weight in learner.weights.items():
            assert np.array_equal(result[name], weight), name


# What carries credit through time has more to remember. The types are some that the covering array compiles anyhow.
THROUGH_TIME = {
    "feedback": {
        "rule": LearnedFeedback(lags=4, noise=Uniform()),
        "cell": LeakSpectrum(),
        "decorrelation": Decorrelation(1e-2),
        "schedule": InverseTime(50),
        "streams": 2,
    },
    "feedback, RLS": {
        "rule": LearnedFeedback(lags=4),
        "cell": LeakyTanh(0.7),
        "loss": SoftmaxCrossEntropy(),
        "readout": RLS(forgetting=0.99),
        "schedule": Cosine(60),
        "dtype": np.float64,
    },
    "window": {
        "rule": WindowedNP(1e-2, window=5, replicas=4, noise=Rademacher()),
        "cell": LeakSpectrum(),
        "decorrelation": Whitening(1e-2),
        "readout": NLMS(),
        "direct": True,
        "dtype": np.float64,
    },
    "trace": {
        "rule": ANP(1e-3, 1e-2),
        "loss": SoftmaxCrossEntropy(),
        "decorrelation": Whitening(1e-2),
        "trace": 0.9,
        "replicas": 2,
        "dtype": np.float64,
    },
}


@pytest.mark.parametrize("settings", THROUGH_TIME.values(), ids=THROUGH_TIME)
def test_credit_through_time_goes_on_bit_for_bit_in_single_steps(tmp_path, settings):
    U, Y = data()
    Y = np.abs(Y) / np.abs(Y).sum(axis=1, keepdims=True)
    if settings.get("streams"):
        U, Y = np.stack([U, U[::-1]], 1), np.stack([Y, Y[::-1]], 1)
    learner = OnlineLearner(2, 11, 3, **settings, bias=0.5, target_delay=3, seed=9)
    learner.run(U[:37], Y[:37])
    learner.save(tmp_path / "learner.ckpt")
    other = OnlineLearner.load(tmp_path / "learner.ckpt")
    assert other.spec == learner.spec
    assert other.memory() == learner.memory()
    before = learner.weights["R"].copy()
    predictions = learner.run(U[37:], Y[37:]).predictions
    singly = np.array([other.step(u, y).prediction for u, y in zip(U[37:], Y[37:], strict=True)])
    assert np.array_equal(singly, predictions)
    for (name, array), (_, twin) in zip(named_arrays(learner).items(), named_arrays(other).items(), strict=True):
        assert np.array_equal(array, twin), name
    assert not np.array_equal(learner.weights["R"], before)


def test_saving_between_forward_and_feedback_keeps_the_half_step(tmp_path):
    U, _ = data()
    learner = OnlineLearner(2, 6, 3)
    learner.forward(U[0])
    learner.save(tmp_path / "half")
    other = OnlineLearner.load(tmp_path / "half")
    for half in (learner, other):
        half.feedback(1.0, 1.5)
    assert np.array_equal(learner.weights["B"], other.weights["B"])
    assert learner.weights["B"].any()


def test_everything_that_was_chosen_comes_back(tmp_path):
    learner = OnlineLearner(
        2, 5, 3, rule=NP(0.1, 0.2, 0.3), loss=SoftmaxCrossEntropy(), dtype=np.float64, bias=False, replicas=2, seed=8
    )
    learner.save(tmp_path / "file")
    other = OnlineLearner.load(tmp_path / "file")
    assert other.spec == learner.spec
    assert (other.dtype, other.bias, other.replicas) == (np.float64, False, 2)


def saved(tmp_path):
    path = tmp_path / "learner.ckpt"
    OnlineLearner(2, 6, 3).save(path)
    return path


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 0.999])
def test_a_truncated_file_gets_one_clear_error(tmp_path, share):
    path = saved(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(CheckpointError, match="is not a whole onlinernn-checkpoint file"):
        OnlineLearner.load(path)


def test_a_damaged_file_gets_one_clear_error(tmp_path):
    path = saved(tmp_path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(CheckpointError):
        OnlineLearner.load(path)


@pytest.mark.parametrize("content", [b"hello", b"\x80\x04]\x94.", b"PK\x03\x04 but no zip"])
def test_a_foreign_file_gets_one_clear_error(tmp_path, content):
    path = tmp_path / "foreign"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="is not a whole"):
        OnlineLearner.load(path)


def test_a_foreign_archive_gets_one_clear_error(tmp_path):
    np.savez(tmp_path / "weights.npz", R=np.eye(3))
    with pytest.raises(CheckpointError, match="is not a whole"):
        OnlineLearner.load(tmp_path / "weights.npz")


def test_a_missing_file_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        OnlineLearner.load(tmp_path / "nothing")


def test_a_future_file_says_so(tmp_path):
    learner = OnlineLearner(2, 6, 3)
    header, arrays = snapshot(learner)
    write(tmp_path / "future", {**header, "version": VERSION + 1}, arrays)
    with pytest.raises(CheckpointError, match=f"format version {VERSION + 1}; .* up to {VERSION}"):
        OnlineLearner.load(tmp_path / "future")


def test_a_part_that_was_not_imported_is_named(tmp_path):
    header, arrays = snapshot(OnlineLearner(2, 6, 3))
    header["parts"]["rule"]["part"] = "somewhere.Mine"
    write(tmp_path / "file", header, arrays)
    with pytest.raises(CheckpointError, match=r"somewhere\.Mine.*import its module"):
        OnlineLearner.load(tmp_path / "file")


def test_the_file_holds_no_pickle_and_names_its_format(tmp_path):
    path = saved(tmp_path)
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                version = np.lib.format.read_magic(member)
                reader = getattr(np.lib.format, f"read_array_header_{version[0]}_{version[1]}")
                assert reader(member)[2] != np.dtype(object), name
    with np.load(path) as file:
        header = json.loads(file["header"].tobytes())
    assert (header["format"], header["version"]) == (FORMAT, VERSION)


SAVE_FOREVER = """
import sys
from onlinernn import OnlineLearner
learner = OnlineLearner(2, 400, 3, spectral_radius=0.0)
learner.save(sys.argv[1])
print("saved", flush=True)
while True:
    learner.save(sys.argv[1])
"""


def test_a_kill_while_saving_leaves_a_whole_file(tmp_path):
    path = tmp_path / "learner.ckpt"
    for pause in (0.0, 0.005, 0.017):
        process = subprocess.Popen([sys.executable, "-c", SAVE_FOREVER, str(path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "saved\n"
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert OnlineLearner.load(path).n_hidden == 400


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = saved(tmp_path)
    content = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        OnlineLearner(2, 7, 3).save(path)
    assert path.read_bytes() == content
    assert [file.name for file in Path(tmp_path).iterdir()] == ["learner.ckpt"]
