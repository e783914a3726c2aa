"""Threads that share the large passes: the same bits as one, whatever happens meanwhile, and never in the way."""

import time
from pathlib import Path

import numpy as np
import pytest
from numba import njit

from onlinernn import ANP, WP, Decorrelation, DivergenceError, LearnedFeedback, OnlineLearner, threads
from onlinernn.kernels import team
from onlinernn.snapshot import named_arrays
from onlinernn.substrates import PRESETS

N = 256  # the smallest network that has something to share
ANP_RULE = ANP(lr_hidden=1e-4, lr_readout=1e-3, sigma=0.05)
SETTINGS = {
    "ANP with decorrelation": {"rule": ANP_RULE, "decorrelation": Decorrelation(1e-4), "target_delay": 2},
    "learned feedback": {"rule": LearnedFeedback(lr_hidden=1e-3, lags=4)},
    "weights of two streams": {"rule": WP(1e-6, 1e-6, 1e-3), "streams": 2, "replicas": 2},
}


@pytest.fixture(autouse=True)
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "available", lambda: 2)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


def make(count: int | None, setting: str = "ANP with decorrelation") -> OnlineLearner:
    return OnlineLearner(2, N, 1, threads=count, seed=3, **SETTINGS[setting])


def stream(learner: OnlineLearner, steps: int = 40) -> tuple[np.ndarray, np.ndarray]:
    draw, shape = np.random.default_rng(0), (steps,) if learner.streams == 1 else (steps, learner.streams)
    return draw.normal(size=(*shape, 2)), draw.normal(size=(*shape, 1))


def kept(learner: OnlineLearner) -> bytes:
    return b"".join(array.tobytes() for array in named_arrays(learner).values())


@pytest.mark.parametrize("setting", SETTINGS)
def test_two_threads_have_the_bits_of_one(setting: str) -> None:
    alone, together = make(1, setting), make(2, setting)
    told = []
    for learner in (alone, together):
        U, Y = stream(learner)
        whole = learner.run(U[:20], Y[:20])
        results = [learner.step(u, y) for u, y in zip(U[20:30], Y[20:30], strict=True)]
        prediction = learner.predict(U[30])
        learner.forward(U[30])
        learner.feedback(None, None)
        learner.retune(lr_hidden=2e-4)
        rest = learner.run(U[30:], Y[30:])
        told.append([whole.predictions, whole.losses, prediction, rest.losses, *(one.loss for one in results)])
    assert all(np.array_equal(*pair, equal_nan=True) for pair in zip(*told, strict=True))
    assert kept(alone) == kept(together)
    assert kept(alone) != kept(make(1, setting))


def test_every_other_pass_begins_where_the_last_one_ended() -> None:
    @njit
    def order(of_team: int, parts: int, tick: int) -> list[int]:
        return [team.turned(of_team, parts, part, tick) for part in range(parts)]

    assert order(0, 8, 4) == order(1, 8, 4) == list(range(8))
    assert order(0, 8, 5) == [7, 6, 5, 4, 3, 2, 1, 0]
    assert order(1, 8, 5) == [3, 2, 1, 0, 7, 6, 5, 4]
    assert order(0, 1, 5) == order(1, 1, 5) == [0]


def test_the_other_thread_takes_its_part() -> None:
    learner = make(2)
    U, Y = stream(learner, 200)
    until = time.monotonic() + 60  # on one processor it has to wait for its turn
    while not learner._team.words[team.HELPED] and time.monotonic() < until:
        learner.run(U, Y)
    assert learner._team.words[team.HELPED] > 0


def test_the_helper_goes_when_there_is_nothing_to_do() -> None:
    learner = make(2)
    learner.run(*stream(learner))
    until = time.monotonic() + 60
    while learner._team.words[team.HELPERS] and time.monotonic() < until:
        time.sleep(0.001)
    assert learner._team.words[team.HELPERS] == 0
    assert learner._team.words[team.STAY] == 0


def test_a_checkpoint_of_two_threads_goes_on_with_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two = make(2)
    U, Y = stream(two)
    assert two.memory() == make(1).memory()
    two.run(U[:20], Y[:20])
    two.save(tmp_path / "two.npz")
    monkeypatch.setattr(threads, "available", lambda: 1)
    one = OnlineLearner.load(tmp_path / "two.npz")
    assert one.threads == 1
    assert np.array_equal(one.run(U[20:], Y[20:]).losses, two.run(U[20:], Y[20:]).losses)
    assert kept(one) == kept(two)


def test_what_diverges_or_is_stopped_lets_the_helper_go() -> None:
    learner, twin = make(2), make(1)
    U, Y = stream(learner)

    def stop(done: int, total: int, loss: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learner.run(U, Y, progress=stop)
    assert learner.steps == 1
    assert learner._team.words[team.STAY] == 0
    twin.run(U[:1], Y[:1])
    wrong = Y.copy()
    wrong[7] = 1e30
    told = []
    for one in (learner, twin):
        with pytest.raises(DivergenceError) as raised:
            one.run(U, wrong)
        told.append(str(raised.value))
        one.reset()
        one.run(U, Y)
    assert told[0] == told[1]
    assert kept(learner) == kept(twin)
    assert learner._team.words[team.STAY] == 0


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        (0, ValueError, "threads is 0; it must be a whole number of at least 1"),
        (True, TypeError, "threads is True"),
        ("two", TypeError, "threads is 'two'; it must be a whole number of at least 1"),
        (3, ValueError, "threads is 3; this process may use 2 processors: pass at most that, or None"),
    ],
)
def test_a_wrong_number_of_threads_is_refused(wrong: object, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        OnlineLearner(2, N, 1, threads=wrong)


def test_by_itself_a_learner_has_two_threads_where_they_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    assert OnlineLearner(1, 50, 1).threads == 1
    assert OnlineLearner(1, 1000, 1).threads == 2
    assert OnlineLearner(1, 1000, 1, threads=1).threads == 1
    assert OnlineLearner(1, 50, 1, threads=2).threads == 1  # there is nothing to share
    substrate = next(iter(PRESETS.values())).substrate
    assert OnlineLearner(1, 1000, 1, substrate=substrate).threads == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert OnlineLearner(1, 1000, 1).threads == 1
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(threads, "available", lambda: 1)
    assert OnlineLearner(1, 1000, 1).threads == 1
