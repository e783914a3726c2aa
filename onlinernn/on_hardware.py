"""Trials of learning on hardware: one network, one stream, one substrate, and the error on a stream it never saw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass
from os import PathLike
from typing import Any, NamedTuple

import numpy as np

from onlinernn.baselines import persistence
from onlinernn.evaluate import shift_targets
from onlinernn.hardware import CHAINS, NO_BOUND, suited
from onlinernn.kernels.converters import Quantise, Saturate, Truncate
from onlinernn.kernels.devices import Leak, Stuck, WriteError
from onlinernn.kernels.effects import IDEAL, Substrate
from onlinernn.kernels.readouts import NLMS
from onlinernn.learner import OnlineLearner
from onlinernn.studies.pool import LocalWorkers
from onlinernn.substrates import Preset, tuned_with
from onlinernn.tasks import MackeyGlass, Task, weather, xor


class Probe(NamedTuple):
    """A task, how often its training stream is gone through, and the input scale that suits it.

    Parameters
    ----------
    task
        The task.
    epochs
        Passes over the training stream.
    input_scale
        Of the initial A and b.
    washout
        First steps of the test stream that are not scored, while the activity settles.
    """

    task: Task
    epochs: int
    input_scale: float
    washout: int = 200


PROBES: dict[str, Probe] = {"forecast": Probe(MackeyGlass(), 20, 6.0), "XOR 5": Probe(xor(5), 30, 1.0)}


def weather_probe(path: str | PathLike[str], horizon: int = 24) -> Probe:
    """Return the probe of the paper's weather stream: the air temperature some hours ahead.

    Parameters
    ----------
    path : path
        The CSV file.
    horizon : int
        Hours ahead.
    """
    return Probe(weather(path, horizon), 2, 1.0)


def floor(probe: Probe, seeds: Iterable[int]) -> list[float]:
    """Return the test NMSE of persistence for each seed; empty where the task has no series that could persist.

    Parameters
    ----------
    probe : Probe
        What to forecast.
    seeds : iterable of int
        Of the streams.
    """
    results = [persistence(probe.task, seed) for seed in seeds]
    return [float(result.nmse_test) for result in results if result is not None and result.nmse_test is not None]


@dataclass(frozen=True)
class Outcome:
    """What one trial came to.

    Attributes
    ----------
    error : float
        Frozen-test NMSE, or for bits the share of wrong ones; infinite where learning diverged.
    report : dict
        The learner's counters.
    """

    error: float
    report: dict[str, Any]


def untrained(
    probe: Probe,
    seed: int,
    substrate: Any = IDEAL,
    *,
    rule: Any = None,
    decorrelation: Any = None,
    frozen: bool = False,
    hidden: int = 30,
    **settings: Any,
) -> OnlineLearner:
    """Return the network of a trial.

    Parameters
    ----------
    probe : Probe
        What to learn.
    seed : int
        Of the stream, the weights, the noise and the devices.
    substrate : Substrate or Preset
        The hardware.
    rule, decorrelation
        Of the learner; None: what goes with the rest. The readout is the preset's, or NLMS, and reads the input.
    frozen : bool
        Whether the hidden layer does not learn.
    hidden : int
        Hidden units.
    **settings
        Further settings of the learner.

    Raises
    ------
    ValueError, TypeError
        If there can be no such learner.
    """
    task = probe.task
    rule, decorrelation, readout, substrate = suited(substrate, rule, decorrelation, None)
    return OnlineLearner(
        task.n_in,
        hidden,
        task.n_out,
        rule=rule,
        decorrelation=decorrelation,
        readout=NLMS() if readout is None else readout,
        frozen=("A", "R") if frozen else (),
        seed=seed,
        substrate=substrate,
        target_delay=task.target_delay,
        **tuned_with(probe.epochs * len(task.train(seed, 0)), probe.input_scale),
        **settings,
    )


def trial(probe: Probe, seed: int, substrate: Any = IDEAL, **settings: Any) -> Outcome:
    """Train a network on a probe and score it, frozen and continued, on the test stream.

    Parameters
    ----------
    probe, seed, substrate, **settings
        As for :func:`untrained`.
    """
    task, learner = probe.task, untrained(probe, seed, substrate, **settings)
    try:
        for epoch in range(probe.epochs):
            stream = task.train(seed, epoch)
            learner.reset()
            learner.run(stream.inputs, shift_targets(stream.targets, task.target_delay))
    except ArithmeticError:
        return Outcome(float("inf"), learner.report())
    test, variance = task.test(seed), float(np.nanvar(task.train(seed, 0).targets))
    learner.retune(frozen=("A", "R", "B", "D"))
    learner.reset()
    predictions = learner.run(test.inputs).predictions
    rows = np.flatnonzero(test.scored)
    rows = rows[rows >= probe.washout]
    targets = test.targets[rows]
    bits = set(np.unique(targets)) <= {-1.0, 1.0}
    error = np.mean(np.sign(predictions[rows]) != targets if bits else (predictions[rows] - targets) ** 2 / variance)
    return Outcome(float(error), learner.report())


#: Effects that leave a float32 as it is, if its magnitude is between 1e-22 and 1e8: they make chains alike.
NO_GRID, NO_TRUNCATION, NO_RANGE = Quantise(2.0**-100), Quantise(2.0**-100, Truncate()), Saturate(-NO_BOUND, NO_BOUND)
NO_ERROR, NO_LEAK, NONE_STUCK = WriteError(0.0), Leak(1e30), Stuck(0.0)
NEUTRAL = (NO_GRID, NO_TRUNCATION, NO_RANGE, NO_ERROR, NO_LEAK, NONE_STUCK)


def alike(preset: Preset, wanted: Iterable[Substrate]) -> Preset:
    """Return a preset whose chains are of the types of those of another substrate, so that both run the same code.

    Neutral effects stand where it has none. What is drawn by chance depends on the place in a chain: before an effect
    that draws, none must be missing.

    Parameters
    ----------
    preset : Preset
        The preset.
    wanted : iterable of Substrate
        The first one that will do is taken; where none does, the preset stays as it is.

    Examples
    --------
    >>> from onlinernn.substrates import int8
    >>> alike(int8, [Substrate(read=(NO_GRID,), write=int8.substrate.write)]).substrate.read == (NO_GRID,)
    True
    """
    for one in wanted:
        chains: dict[str, Any] = {name: _filled(getattr(preset.substrate, name), getattr(one, name)) for name in CHAINS}
        if None not in chains.values():
            return preset._replace(substrate=preset.substrate._replace(**chains))
    return preset


def _filled(chain: tuple[Any, ...], wanted: tuple[Any, ...]) -> tuple[Any, ...] | None:
    left, filled = list(chain), []
    for one in wanted:
        if left and _types(left[0]) == _types(one):
            filled.append(left.pop(0))
        elif one in NEUTRAL:
            filled.append(one)
        else:
            return None
    return None if left else tuple(filled)


class Row(NamedTuple):
    """What a row of a table tells the errors of.

    Parameters
    ----------
    name
        What was tried.
    substrate
        The hardware.
    settings
        Of :func:`trial`.
    """

    name: str
    substrate: Any
    settings: Mapping[str, Any]


def errors_of(probe: Probe, seeds: Sequence[int], rows: Sequence[Row]) -> Iterator[dict[str, list[float]]]:
    """Yield the errors of rows whose parts are of the same types as soon as they are done: by name, one for each seed.

    Of each such group one row goes first, and what it compiles the others find in the cache on disk: so that a process
    for each processor is busy until the end, and none compiles what another does.

    Parameters
    ----------
    probe : Probe
        What to learn.
    seeds : sequence of int
        Of the trials.
    rows : sequence of Row
        Each with a name of its own.
    """
    by_types: dict[Any, list[Row]] = {}
    for row in rows:
        by_types.setdefault(types_of(row), []).append(row)
    workers = LocalWorkers()
    try:
        executor = workers.executor()

        def start(some: Sequence[Row], group: list[Row]) -> dict[Any, tuple[Row, list[Row]]]:
            return {executor.submit(_errors_of_row, probe, seeds, row): (row, group) for row in some}

        under_way: dict[Any, tuple[Row, list[Row]]] = {}
        errors: dict[str, list[float]] = {}
        for group in by_types.values():
            under_way |= start(group[:1], group)
        while under_way:
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                row, group = under_way.pop(future)
                errors[row.name] = future.result()
                if row is group[0]:
                    under_way |= start(group[1:], group)
                if all(one.name in errors for one in group):
                    yield {one.name: errors[one.name] for one in group}
    finally:
        workers.close()


def types_of(row: Row) -> Any:
    """Return the types of the parts of a row: what is alike there runs the same code.

    Parameters
    ----------
    row : Row
        The row.
    """
    return _types(suited(row.substrate, row.settings.get("rule"), row.settings.get("decorrelation"), None))


def _types(part: Any) -> Any:
    return (type(part), *map(_types, part)) if isinstance(part, tuple) else None


def _errors_of_row(probe: Probe, seeds: Sequence[int], row: Row) -> list[float]:
    return [trial(probe, seed, row.substrate, **row.settings).error for seed in seeds]


def row_of(name: str, errors: Sequence[float]) -> str:
    """Return a line of a table: median, least and largest error over the seeds.

    Parameters
    ----------
    name : str
        What was tried.
    errors : sequence of float
        One for each seed.

    Examples
    --------
    >>> row_of("float", [0.1, 0.3, 0.2]).split()
    ['float', '0.2', '0.1', '0.3']
    """
    return f"{name:48s}{np.median(errors):11.3g}{min(errors):11.3g}{max(errors):11.3g}"


def heading(title: str, what: str = "NMSE") -> Iterable[str]:
    """Return the first lines of a table.

    Parameters
    ----------
    title : str
        What was done.
    what : str
        What the errors are.
    """
    return (title, "", f"{what:48s}{'median':>11s}{'least':>11s}{'most':>11s}")
