"""Studies survive: kills, lost workers, two writers, full disks; and where a trial runs does not change its numbers."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from study_toys import perform, toys

from onlinernn.errors import StudyError
from onlinernn.studies import store as store_module
from onlinernn.studies import work
from onlinernn.studies.figures import chosen
from onlinernn.studies.pool import ClusterWorkers, LocalWorkers
from onlinernn.studies.store import Store
from onlinernn.studies.study import Tally, run_study
from onlinernn.studies.trial import Trial, code_version

HERE = Path(__file__).parent
CODE = code_version()
# What the trials come to when each is computed by itself, here.
SERIAL = {trial.seed: perform(trial, {}) for trial in toys(12)}


def outcomes(path: Path) -> dict[int, Any]:
    """Return what a results file holds, by seed."""
    with Store(path, create=False) as store:
        return {kept.trial.seed: kept.outcome for kept in store.trials(CODE)}


def begin(path: Path, count: int, seconds: float) -> subprocess.Popen[bytes]:
    """Start a study in a process of its own."""
    command = [sys.executable, str(HERE / "study_toys.py"), str(path), str(count), str(seconds)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(HERE)})


def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def count(path: Path) -> int:
    """Return the number of finished trials."""
    try:
        return len(outcomes(path))
    except (StudyError, ValueError):
        return 0


def test_a_killed_study_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    study = begin(path, 12, 0.2)
    until(lambda: count(path) >= 4)
    study.kill()
    study.wait()
    kept = count(path)
    assert 4 <= kept < 12
    time.sleep(1.0)
    assert count(path) == kept  # its workers have ended with it
    tallies: list[Tally] = []
    with Store(path) as store:
        end = run_study(toys(12, sleep=0.2), store, LocalWorkers(2), perform, tell=tallies.append)
    assert (end.total, end.kept, end.done, end.failed) == (12, kept, 12, ())
    assert max(tally.running for tally in tallies) == 2
    assert outcomes(path) == SERIAL


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    studies = [begin(path, 12, 0.1) for _ in range(2)]
    assert [study.wait(60) for study in studies] == [0, 0]
    assert outcomes(path) == SERIAL


def test_a_failed_trial_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    with Store(tmp_path / "study.db") as store:
        end = run_study(toys(4, fails_at_seed=1), store, LocalWorkers(1), perform)
        assert end.done == 3
        (message,) = end.failed
        assert message == "sum on toy, seed 1: ArithmeticError: not finite (seed 1, step 17)"
        ((trial, kept),) = store.failures()
        assert (trial.seed, kept) == (1, message)
        store.put(trial, CODE, {"numbers": {}})  # as when it succeeds the next time
        assert not store.failures()


def test_a_trial_whose_worker_died_is_begun_again(tmp_path: Path) -> None:
    with Store(tmp_path / "study.db") as store:
        end = run_study(toys(4, dies_at_seed=2, scar=str(tmp_path / "scar")), store, LocalWorkers(2), perform)
    assert (end.done, end.failed) == (4, ())
    assert outcomes(tmp_path / "study.db") == {seed: SERIAL[seed] for seed in range(4)}


def test_a_trial_that_always_kills_its_worker_takes_no_other_with_it(tmp_path: Path) -> None:
    with Store(tmp_path / "study.db") as store:
        end = run_study(toys(3, always_dies_at_seed=0), store, LocalWorkers(2), perform)
    assert end.done == 2
    assert "seed 0: its worker process died" in end.failed[0]


def test_a_trial_is_written_once(tmp_path: Path) -> None:
    one, other = toys(2)
    with Store(tmp_path / "a.db") as first, Store(tmp_path / "a.db") as second:
        assert first.put(one, CODE, {"numbers": {"x": 1.0}})
        assert not second.put(one, CODE, {"numbers": {"x": 2.0}})
        assert second.get(one, CODE) == {"numbers": {"x": 1.0}}
        assert second.get(one, "another code") is None
        assert second.get(other, CODE) is None


def test_other_files_are_refused(tmp_path: Path) -> None:
    text, foreign, later = (tmp_path / name for name in ("text", "foreign.db", "later.db"))
    text.write_text("no database, and long enough to be read as the head of one" * 10)
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE other (x)")
    Store(later).close()
    with sqlite3.connect(later) as connection:
        connection.execute(f"PRAGMA user_version = {store_module.FORMAT + 1}")
    for path, words in ((text, "not a database"), (foreign, "no results file"), (later, "of format 2")):
        before = path.read_bytes()
        with pytest.raises(StudyError, match=words):
            Store(path)
        assert path.read_bytes() == before
    with pytest.raises(StudyError, match="no results file"):
        Store(tmp_path / "nowhere.db", create=False)


def fill(store: Store, outcome: dict[str, Any]) -> None:
    """Write until there is no room."""
    for trial in toys(100):
        store.put(trial, CODE, outcome)


def test_a_full_disk_loses_nothing_that_was_finished(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    with Store(path) as store:
        (limit,) = store._connection.execute("PRAGMA max_page_count = 12").fetchone()
        assert limit == 12
        big = {"numbers": {"text": "x" * 6000}}
        with pytest.raises(StudyError, match=r"full.*what is finished is kept"):
            fill(store, big)
    kept = outcomes(path)
    assert len(kept) >= 2
    assert all(outcome == big for outcome in kept.values())
    with Store(path) as store:  # room again
        assert store.put(toys(100)[-1], CODE, big)


def test_a_study_on_a_full_disk_stops_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "study.db"
    study = toys(40, note="x" * 2000)
    with Store(path) as store:
        store._connection.execute("PRAGMA max_page_count = 16")
        with pytest.raises(StudyError, match="make room and repeat the command"):
            run_study(study, store, LocalWorkers(2), perform)
    kept = count(path)
    assert 2 <= kept < 40
    with Store(path) as store:  # room again
        end = run_study(study, store, LocalWorkers(2), perform)
    assert (end.kept, end.done, end.failed) == (kept, 40, ())


def test_the_key_holds_the_whole_configuration_and_the_code() -> None:
    one = Trial("toy", "sum", 0, {"name": "toy", "length": 5}, {"rate": 0.1})
    same = Trial("toy", "sum", 0, {"length": 5, "name": "toy"}, {"rate": 0.1})
    others = [
        Trial("toy", "sum", 1, one.task, one.numbers),
        Trial("toy", "mean", 0, one.task, one.numbers),
        Trial("toy", "sum", 0, {**one.task, "length": 6}, one.numbers),
        Trial("toy", "sum", 0, one.task, {"rate": 0.2}),
    ]
    assert one.key("1") == same.key("1")
    assert len({one.key("1"), one.key("2"), *(other.key("1") for other in others)}) == 6
    assert Trial.read(one.text) == one


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "silent", "nonsense://there"])
def test_no_cluster_is_one_clear_line_within_ten_seconds(address: str) -> None:
    if find_spec("distributed") is None:
        with pytest.raises(StudyError, match="pip install"):
            ClusterWorkers("tcp://127.0.0.1:9")
        return
    with socket.socket() as deaf:  # takes connections, and never answers
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        address = f"tcp://127.0.0.1:{deaf.getsockname()[1]}" if address == "silent" else address
        import_module("distributed")  # what it takes to load is not its time to answer
        started = time.monotonic()
        with pytest.raises(StudyError, match=f"no cluster answers at {address}") as refused:
            ClusterWorkers(address)
        assert time.monotonic() - started < 10
    assert "\n" not in str(refused.value)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A real scheduler with two worker processes, each one command."""
    pytest.importorskip("distributed", reason="needs Dask distributed: pip install onlinernn[cluster]")
    environment = {**os.environ, "PYTHONPATH": str(HERE), "OPENBLAS_NUM_THREADS": "1"}
    place = tmp_path / "scheduler.json"

    def start(*command: str) -> subprocess.Popen[bytes]:
        whole = [sys.executable, "-m", "distributed.cli." + command[0], *command[1:], "--no-dashboard"]
        with (tmp_path / f"{command[0]}.log").open("ab") as log:
            return subprocess.Popen(whole, env=environment, cwd=tmp_path, stdout=log, stderr=log)

    processes = [start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(place))]
    try:
        until(place.exists)
        here = ["--scheduler-file", str(place), "--no-nanny", "--nthreads", "1"]
        processes += [start("dask_worker", *here, "--name", f"w{number}") for number in range(2)]
        yield json.loads(place.read_text())["address"], processes[1:]
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def test_a_cluster_that_loses_a_worker_gives_the_same_numbers(
    tmp_path: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    address, processes = cluster
    workers = ClusterWorkers(address)
    until(lambda: workers.at_once == 4)
    killed: list[int] = []

    def tell(tally: Tally) -> None:
        if tally.done >= 3 and not killed:
            processes[0].send_signal(signal.SIGKILL)
            killed.append(tally.done)

    with Store(tmp_path / "study.db") as store:
        end = run_study(toys(12, sleep=0.3), store, workers, perform, tell=tell)
    assert killed
    assert killed[0] < 12
    assert (end.done, end.failed) == (12, ())
    assert outcomes(tmp_path / "study.db") == SERIAL

    # Real trials, on the worker that is left, in a pool, and here: the same numbers, bit for bit.
    trials = [one for one in chosen(["fig5"])[0].trials("quick") if one.method in ("ANP", "BPTT-Adam") and not one.seed]
    found = []
    for place, where in (("cluster.db", ClusterWorkers(address)), ("pool.db", LocalWorkers(1))):
        with Store(tmp_path / place) as store:
            assert run_study(trials, store, where, work.perform).failed == ()
            found.append({one.trial.method: one.outcome["numbers"] for one in store.trials(CODE)})
    assert found[0] == found[1] == {one.method: work.perform(one, {})["numbers"] for one in trials}
    assert found[0]["ANP"]["score"] != found[0]["BPTT-Adam"]["score"]
