"""Microseconds per step of the engine and of its peers, and how long the first step of a process takes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import numpy as np
from numba import njit

from onlinernn.bench_others import other_peer, unit
from onlinernn.bench_peers import Net, fused_peer, numpy_peer, random_net
from onlinernn.kernels.decorrelation import Decorrelation
from onlinernn.kernels.rules import ANP
from onlinernn.learner import OnlineLearner

RULES = ("anp", "danp")
#: The engine twice, then its peers.
IMPLEMENTATIONS = ("run", "step", "fused", "numpy")
#: What pins BLAS to one thread; it is read when NumPy is imported.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
) | {
    "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}

# Rates so small that nothing diverges however long it runs, and none of them 0: what is frozen is not computed.
_LR, _RATE, _SIGMA = 1e-7, 1e-7, 1e-2
_LONGEST = 100_001

_FIRST_STEP = """
from onlinernn import ANP, Decorrelation, OnlineLearner
OnlineLearner(1, 100, 1, rule=ANP(), decorrelation={}).step([0.5], [0.5])
"""


@contextmanager
def pinned(cpu: int | None = None) -> Iterator[int | None]:
    """Keep this process on one processor and give its number, or None where the system cannot.

    Parameters
    ----------
    cpu : int, optional
        Which; by default the last one that is allowed.

    Raises
    ------
    ValueError
        If the process may not run there.
    """
    if not hasattr(os, "sched_setaffinity"):
        yield None
        return
    allowed = os.sched_getaffinity(0)
    chosen = max(allowed) if cpu is None else cpu
    if chosen not in allowed:
        raise ValueError(f"processor {chosen} is not available; choose one of {', '.join(map(str, sorted(allowed)))}")
    os.sched_setaffinity(0, {chosen})
    try:
        yield chosen
    finally:
        os.sched_setaffinity(0, allowed)


def _engine(net: Net) -> OnlineLearner:
    decorrelation = Decorrelation(net.rate) if net.D.size else None
    rule = ANP(lr_hidden=net.lr, lr_readout=net.lr, sigma=_SIGMA)
    learner = OnlineLearner(1, net.A.size, 1, rule=rule, decorrelation=decorrelation, spectral_radius=0.0)
    learner.set_weights(A=net.A[:, None], R=net.R, B=net.B[None])
    return learner


def limit_peer() -> Callable[[np.ndarray, int], None]:
    """Return what does nothing but read and write every weight once a step: the limit of the memory."""

    @njit(fastmath={"contract"}, error_model="numpy")  # type: ignore[untyped-decorator, unused-ignore]
    def touch(weights: np.ndarray, steps: int, factor: Any) -> None:
        for _ in range(steps):
            for i in range(weights.size):
                weights[i] *= factor

    return lambda weights, steps: touch(weights, steps, np.float32(1.0))


def _contestants(
    n: int, rule: str, fused: Callable[[Net, Any, Any], Any], limit: Callable[[np.ndarray, int], None], peers: list[str]
) -> dict[str, Callable[[Any, Any], object]]:
    """Return a function of inputs and targets for each implementation, all with networks of their own."""

    def net() -> Net:
        return random_net(n, rule == "danp", _LR, _RATE, _SIGMA, seed=n)

    stepped, ran, one, other = _engine(net()), _engine(net()), net(), net()
    weights = np.ones(one.R.size + one.D.size, np.float32)

    def step(U: np.ndarray, Y: np.ndarray) -> None:
        for u, y in zip(U[:, None], Y[:, None], strict=True):
            stepped.step(u, y)

    return {
        "run": lambda U, Y: ran.run(U[:, None], Y[:, None]),
        "step": step,
        "fused": lambda U, Y: fused(one, U, Y),
        "numpy": lambda U, Y: numpy_peer(other, U, Y),
        **({"limit": lambda U, _: limit(weights, len(U))} if "limit" in peers else {}),
        **{name: other_peer(name, net(), _SIGMA) for name in peers if name != "limit"},
    }


def _seconds(work: Callable[[Any, Any], object], U: np.ndarray, Y: np.ndarray) -> float:
    return seconds_of(lambda: work(U, Y))


def seconds_of(work: Callable[[], object]) -> float:
    """Return the processor time of a call, in one thread: what the machine does meanwhile does not count.

    Parameters
    ----------
    work : callable
        Of no arguments.
    """
    start = time.process_time()
    work()
    return time.process_time() - start


def clocked(work: Callable[[], object]) -> float:
    """Return the seconds that a call takes by the clock.

    Parameters
    ----------
    work : callable
        Of no arguments.
    """
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def medians(
    works: dict[str, Callable[[], object]],
    repeats: int,
    seconds: float,
    timed: Callable[[Callable[[], object]], float] = seconds_of,
) -> dict[str, float]:
    """Return the median time of each call, in seconds, of turns taken alternately.

    Parameters
    ----------
    works : dict of callable
        Of no arguments, by name.
    repeats : int
        Turns that each gets.
    seconds : float
        About how long a turn takes.
    timed : callable
        How a call is timed: by the processor time that it takes, or by the clock.
    """
    counts = {}
    for name, work in works.items():
        work()  # compiles
        counts[name] = max(1, int(seconds / max(timed(work), 1e-7)))
    turns: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            turns[name].append(timed(lambda work=work, count=counts[name]: [work() for _ in range(count)]))  # type: ignore[misc]
            turns[name][-1] /= counts[name]
    return {name: median(times) for name, times in turns.items()}


def time_steps(
    sizes: list[int],
    rules: list[str],
    repeats: int,
    seconds: float = 0.2,
    progress: Callable[[str], object] = str,
    peers: list[str] | None = None,
) -> list[dict[str, Any]]:
    """Return the median processor time per step of every implementation, rule and size.

    The implementations take turns in every repeat, so that a change of the machine's speed meets all of them.

    Parameters
    ----------
    sizes : list of int
        Hidden units.
    rules : list of str
        Out of ``RULES``; ``"danp"`` is ANP with decorrelation.
    repeats : int
        Turns that each implementation gets.
    seconds : float
        About how long a turn takes.
    progress : callable
        Is told what is about to be measured.
    peers : list of str, optional
        More to time: ``"limit"``, a kernel that only reads and writes every weight once, and names of
        ``bench_others.PACKAGES``.

    Returns
    -------
    list of dict
        With the keys implementation, rule, n, us_per_step, and ratio: us_per_step in units of the engine's run.
    """
    fused, limit, peers = fused_peer(), limit_peer(), [] if peers is None else peers
    wave = np.sin(0.1 * np.arange(_LONGEST)).astype(np.float32)
    rows: list[dict[str, Any]] = []
    for n in sizes:
        for rule in rules:
            progress(f"{rule}, n = {n}")
            contestants = _contestants(n, rule, fused, limit, peers)
            steps = {}
            for name, work in contestants.items():
                least = unit(name, n) if name in peers and name != "limit" else 5
                work(wave[:least], wave[1 : least + 1])  # compiles
                steps[name] = least
                for _ in range(2):  # the second time a call's own time no longer counts as that of its steps
                    count = steps[name]
                    brief = max(_seconds(work, wave[:count], wave[1 : count + 1]) / count, 1e-7)
                    steps[name] = int(min(max(seconds / brief, least), _LONGEST - 1)) // least * least
            turns: dict[str, list[float]] = {name: [] for name in contestants}
            for _ in range(repeats):
                for name, work in contestants.items():
                    count = steps[name]
                    turns[name].append(_seconds(work, wave[:count], wave[1 : count + 1]) / count)
            us = {name: 1e6 * median(times) for name, times in turns.items()}
            rows += [
                {"implementation": name, "rule": rule, "n": n, "us_per_step": us[name], "ratio": us[name] / us["run"]}
                for name in us
            ]
    return rows


def time_first_step(rule: str) -> dict[str, Any]:
    """Return the seconds that a new process needs from its start to its end, with one step of n = 100 in between.

    Parameters
    ----------
    rule : str
        Out of ``RULES``.

    Returns
    -------
    dict
        With the keys rule, cold (nothing compiled before) and warm (from the cache on disk); cold_cpu and warm_cpu are
        the processor time in them, which is the same on a busy machine.
    """
    program = _FIRST_STEP.format("Decorrelation()" if rule == "danp" else "None")
    with tempfile.TemporaryDirectory() as folder:

        def once() -> tuple[float, float]:
            start, before = time.perf_counter(), os.times()
            environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
            subprocess.run([sys.executable, "-c", program], env=environment, check=True)
            after = os.times()
            cpu = after.children_user + after.children_system - before.children_user - before.children_system
            return time.perf_counter() - start, cpu

        (cold, cold_cpu), (warm, warm_cpu) = once(), min(once() for _ in range(3))
    return {"rule": rule, "cold": cold, "warm": warm, "cold_cpu": cold_cpu, "warm_cpu": warm_cpu}
