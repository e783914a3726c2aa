"""Noise that is played: shift registers and recordings."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onlinernn import ANP, LFSR, NP, WP, LearnedFeedback, OnlineLearner, RandomTelegraph, Recorded, WindowedNP
from onlinernn.checks import check_locality
from onlinernn.kernels import noise
from onlinernn.played import TAPS, read_recording, words

U = np.sin(0.3 * np.arange(120.0))[:, None]
REGISTER = NP(1e-3, 0.02, noise=LFSR(8, 1))
RECORDING = np.random.default_rng(0).exponential(size=200)


def learner(rule: Any = REGISTER, **settings: Any) -> OnlineLearner:
    return OnlineLearner(1, 5, 1, rule=rule, **{"seed": 3, "dtype": np.float64, **settings})


@pytest.mark.parametrize("stages", range(8, 17))
def test_a_register_goes_through_all_words_once(stages: int) -> None:
    assert set(TAPS) == set(range(8, 21))
    for clocks in (1, stages if np.gcd(stages, 2**stages - 1) == 1 else 2):
        assert sorted(words(LFSR(stages, clocks)).tolist()) == list(range(1, 2**stages))


def test_the_words_of_a_register_are_those_of_its_shifts() -> None:
    """By hand: 8 stages with taps 8, 6, 5, 4; fewer clocks leave words that are alike."""
    state, found = 1, []
    for _ in range(3 * 7):
        bit = (state >> 7 ^ state >> 5 ^ state >> 4 ^ state >> 3) & 1
        state = (state << 1 | bit) & 255
        found.append(state)
    assert words(LFSR(8, 1))[:21].tolist() == found
    assert words(LFSR(8, 7))[:3].tolist() == found[6::7]

    def alike(clocks: int) -> float:
        w = words(LFSR(16, clocks)).astype(float)
        return float(np.corrcoef(w[1:], w[:-1])[0, 1])

    assert alike(1) == pytest.approx(0.5, abs=0.02)
    assert abs(alike(16)) < 0.02


@pytest.mark.parametrize("more", [{"rule": REGISTER}, {"rule": NP(1e-3, noise=Recorded()), "recording": RECORDING}])
def test_what_is_played_has_mean_0_and_variance_1_and_is_what_neurons_get(more: dict[str, Any]) -> None:
    one = learner(**more)
    tape, z = one._params.tape[0], one.spec.sizes
    assert abs(tape.mean()) < 1e-12
    assert tape.var() == pytest.approx(1.0)
    assert z.stride >= 2 * 6
    assert np.gcd(z.stride, z.tape) == 1
    first = int(noise.begin(more["rule"].noise, z, 3, 0, 0, 1, noise.NODE_HIDDEN))
    clean, noisy = one.forward([0.5])  # the readout starts at zero: the noisy output is the noise of the output
    assert (noisy - clean)[0] == pytest.approx(0.01 * tape[(first + 5) % z.tape])
    taken = {(int(noise.begin(more["rule"].noise, z, 3, tick, 0, 1, noise.NODE_HIDDEN))) for tick in range(z.tape)}
    assert len(taken) == z.tape  # a neuron meets every number


def test_a_recorded_file_is_played_saved_and_resumed_without_the_file(tmp_path: Path) -> None:
    np.save(tmp_path / "noise.npy", RECORDING)
    (tmp_path / "noise.txt").write_text("\n".join(map(repr, RECORDING.tolist())) + "\n")
    rule = ANP(1e-3, 0.02, both_noisy=True, noise=Recorded())
    whole, text = learner(rule, recording=tmp_path / "noise.npy"), learner(rule, recording=str(tmp_path / "noise.txt"))
    trace = whole.run(U[:-1], U[1:])
    assert np.array_equal(text.run(U[:-1], U[1:]).noisy_losses, trace.noisy_losses)
    assert not np.array_equal(learner(rule, recording=RECORDING, seed=4).run(U[:-1], U[1:]).losses, trace.losses)
    cut = learner(rule, recording=RECORDING)
    cut.run(U[:50], U[1:51])
    cut.save(tmp_path / "cut")
    (tmp_path / "noise.npy").unlink()
    for again in (OnlineLearner.load(tmp_path / "cut"), cut.clone()):
        assert np.array_equal(again.run(U[50:-1], U[51:]).noisy_losses, trace.noisy_losses[50:])
        assert np.array_equal(again.weights["R"], whole.weights["R"])


def test_a_window_learns_from_the_noise_it_was_given() -> None:
    """The noise is played again when a window is over: learning follows the gradient, or the error would not fall."""
    rule = WindowedNP(1e-3, 0.02, 2, replicas=2, noise=LFSR(12, 11))
    one = learner(rule)
    one.run(U[:3], U[1:4])
    rows = one._tally[0] - 1 - (rule.window - 1)
    z, step = one.spec.sizes, int(rows)
    first = int(noise.begin(rule.noise, z, 3, step, 0, 1, noise.NODE_HIDDEN))
    expected = one._params.tape[0][(first + np.arange(5)) % z.tape]
    signal = one._work.signal[0]
    assert np.abs(signal).max() > 0
    np.testing.assert_allclose(signal / signal[0], expected / expected[0])


@pytest.mark.parametrize("part", [REGISTER, LearnedFeedback(0.5, lags=2, sigma=0.5, noise=LFSR(12, 11))])
def test_updates_stay_local(part: Any) -> None:
    assert check_locality(part, examples=3).rows


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"rule": NP(noise=LFSR(7))}, "stages is 7; it must be at least 8 and at most 20"),
        ({"rule": NP(noise=LFSR(16, 3))}, "clocks is 3, which has a divisor in common with the period 65535"),
        ({"rule": NP(noise=LFSR(8, 1)), "streams": 30}, "plays 255 numbers, and a step takes 360"),
        ({"rule": WP(noise=LFSR())}, "WP takes the noise of its weights from a table of independent draws"),
        (
            {"rule": WP(noise=RandomTelegraph())},
            "use Gaussian\\(\\), Rademacher\\(\\) or Uniform\\(\\), or a rule that",
        ),
        ({"rule": NP(noise=Recorded())}, "there is no recording: OnlineLearner"),
        ({"rule": NP(), "recording": RECORDING}, "use noise=Recorded"),
        ({"rule": NP(noise=Recorded()), "recording": RECORDING[:9]}, "plays 9 numbers, and a step takes 12"),
        ({"rule": NP(noise=Recorded()), "recording": [1.0, np.nan, 2.0]}, "number 2 is nan"),
        ({"rule": NP(noise=Recorded()), "recording": np.ones(20)}, "holds the same number 20 times"),
        ({"rule": NP(noise=Recorded()), "recording": []}, "holds 0 numbers"),
    ],
    ids=str,
)
def test_what_cannot_be_played_is_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        learner(**settings)


def test_bad_files_are_refused(tmp_path: Path) -> None:
    whole, cut, text = tmp_path / "whole.npy", tmp_path / "cut.npy", tmp_path / "noise.txt"
    np.save(whole, RECORDING)
    cut.write_bytes(whole.read_bytes()[:300])
    with pytest.raises(ValueError, match=r"cut\.npy is no whole \.npy file"):
        read_recording(cut)
    for content, why in (("", "holds 0 numbers"), ("1\n2\n-", r"line 3 is '-'"), ("1\nnan\n2", "number 2 is nan")):
        text.write_text(content)
        with pytest.raises(ValueError, match=why):
            read_recording(text)
    with pytest.raises(FileNotFoundError):
        read_recording(tmp_path / "none.txt")
