"""Random telegraph noise: its moments, its memory of itself, and what learns from it."""

import os
import subprocess
import sys
from typing import Any

import agreement
import naive_noise
import numpy as np
import pytest
from numba import njit
from parts_matrix import Case

from onlinernn import NP, OnlineLearner, RandomTelegraph
from onlinernn.kernels import cells, decorrelation, losses, noise, readouts, schedules

STEPS, SITES = 5000, 200
RULE = NP(1e-3, 0.02, sigma=0.05, noise=RandomTelegraph())


@njit
def fill(source, seed, copy, out):
    """Draw the noise of a layer over many steps."""
    for tick in range(out.shape[0]):
        place = noise.begin(source, None, seed, tick, 0, copy, noise.NODE_HIDDEN)
        for i in range(out.shape[1]):
            out[tick, i] = noise.draw(source, noise.bits_at(source, None, place))
            place = noise.step_on(source, None, place)


def drawn(source: RandomTelegraph, steps: int = STEPS, sites: int = SITES, seed: int = 1, copy: int = 1) -> Any:
    out = np.empty((steps, sites))
    fill(source, seed, copy, out)
    return out


@pytest.mark.parametrize("source", [RandomTelegraph(), RandomTelegraph(0.5, 0.0), RandomTelegraph(0.02, 1.0)], ids=str)
def test_mean_variance_and_memory_are_as_stated(source: RandomTelegraph) -> None:
    x = drawn(source)
    keeps = 1 - 2 * source.switching
    independent = x.size * (1 - keeps) / (1 + keeps)  # that many independent numbers have as exact a mean
    bound = 5 / np.sqrt(independent)
    assert abs(x.mean()) < bound
    assert abs(x.var() - 1) < 3 * bound
    for lag in (1, 2, 5, 20):
        found = np.mean(x[lag:] * x[:-lag])
        assert abs(found - keeps**lag / (1 + source.thermal**2)) < 3 * bound, lag
    assert abs(np.mean(x[:, 1:] * x[:, :-1])) < bound  # every neuron has a junction of its own
    assert abs(np.mean(x * drawn(source, copy=2))) < bound
    assert abs(np.mean(x * drawn(source, seed=2))) < bound
    assert np.array_equal(x, drawn(source))


def test_a_sign_lasts_as_long_as_stated() -> None:
    """Durations are geometric: ``1 / switching`` steps on average, with that standard deviation too, nearly."""
    source = RandomTelegraph(0.0809, 0.0)
    x = drawn(source)
    assert set(np.unique(x)) == {-1.0, 1.0}
    lasting = np.concatenate([np.diff(np.flatnonzero(np.diff(column))) for column in x.T])
    assert abs(lasting.mean() - 1 / source.switching) < 5 * lasting.std() / np.sqrt(lasting.size)
    assert lasting.std() == pytest.approx(np.sqrt(1 - source.switching) / source.switching, rel=0.02)


def test_every_number_is_that_of_the_formula() -> None:
    """Also beyond the 4096th step, where all signs are drawn anew, and for a sign that hardly ever turns."""
    for source in (RandomTelegraph(), RandomTelegraph(1e-4, 0.5)):
        x = drawn(source, 4200, 2, seed=3, copy=2)
        for tick in (0, 1, 77, 4095, 4096, 4199):
            expected = [naive_noise.telegraph(source, 3, tick, 0, 2, noise.NODE_HIDDEN, i) for i in range(2)]
            assert x[tick].tolist() == pytest.approx(expected, abs=1e-15)


def test_a_network_learns_from_it_as_naive_loops_do() -> None:
    parts = (readouts.Perturbed(), 0.0, 0, (1, 1), RULE.noise, cells.Tanh(), losses.SquaredError())
    more = (decorrelation.Undecorrelated(), schedules.Constant(), np.float64, False, (), 1, True)
    case = Case(RULE, *parts, *more)
    apart = agreement.compare(case, n=4, d=2, m=2, steps=60)
    assert not agreement.problem(case, apart), apart
    assert agreement.problem(case, agreement.compare(case, n=4, d=2, m=2, steps=60, mistake=1e-6))


def test_a_resumed_run_draws_what_the_whole_one_drew(tmp_path: Any) -> None:
    u = np.sin(0.3 * np.arange(81.0))[:, None]
    whole, cut = (OnlineLearner(1, 5, 1, rule=RULE, dtype=np.float64, seed=3) for _ in range(2))
    expected = whole.run(u[:-1], u[1:]).noisy_losses
    cut.run(u[:30], u[1:31])
    cut.save(tmp_path / "cut")
    again = OnlineLearner.load(tmp_path / "cut")
    assert np.array_equal(again.run(u[30:-1], u[31:]).noisy_losses, expected[30:])
    assert np.array_equal(again.weights["R"], whole.weights["R"])


def test_memory_misleads_a_copy_that_is_never_set_back_and_no_other() -> None:
    """The mean update, over many seeds at fixed weights, beside that of the same source without memory."""
    u, rng = np.sin(0.3 * np.arange(61.0))[:, None], np.random.default_rng(0)
    weights = {"R": 0.9 * rng.normal(size=(5, 5)) / np.sqrt(5), "A": rng.normal(size=(5, 1)), "B": np.ones((1, 5))}

    def updates(switching: float, resync: int) -> Any:
        rule, found = NP(1e-8, 0.0, noise=RandomTelegraph(switching, 0.0)), []
        for seed in range(300):
            one = OnlineLearner(1, 5, 1, rule=rule, dtype=np.float64, seed=seed, resync=resync)
            one.set_weights(**weights)
            one.run(u[:-1], u[1:])
            found.append((one.weights["R"] - weights["R"]).ravel())
        return np.array(found)

    for resync, misled in ((1, False), (0, True)):
        white, telegraph = updates(0.5, resync), updates(0.05, resync)
        apart = np.linalg.norm(white.mean(axis=0) - telegraph.mean(axis=0))
        uncertain = np.sqrt((white.var(axis=0) + telegraph.var(axis=0)).sum() / len(white))
        assert (apart > 4 * uncertain) == misled
        assert telegraph.std(axis=0).mean() > 1.5 * white.std(axis=0).mean()


def test_it_passes_what_every_source_has_to() -> None:
    """In plain Python: locality, memory, causality, determinism, exact resume, mean and variance."""
    code = "from onlinernn import RandomTelegraph, checks; checks.check(RandomTelegraph())"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "wrong", [{"switching": 0.0}, {"switching": 0.6}, {"thermal": -0.1}, {"thermal": float("nan")}]
)
def test_what_is_no_junction_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match=f"RandomTelegraph: {next(iter(wrong))}"):
        OnlineLearner(1, 3, 1, rule=NP(noise=RandomTelegraph(**wrong)))
