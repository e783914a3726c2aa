"""What a learner guarantees with any part: determinism, exact resume, causality, no harm from bad input."""

import itertools
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from onlinernn.checks.hosts import parts_of
from onlinernn.checks.properties import hold
from onlinernn.checks.strategies import (
    Network,
    Operation,
    Predict,
    Reset,
    Rows,
    SaveAndLoad,
    interleavings,
    networks,
    streams,
)
from onlinernn.errors import DivergenceError
from onlinernn.learner import OnlineLearner
from onlinernn.scene import Scene, Synapse, share
from onlinernn.snapshot import named_arrays

Outcome = list[Any]


def _same(one: Any, other: Any) -> bool:
    return np.asarray(one).tobytes() == np.asarray(other).tobytes()


def _fed(*more: st.SearchStrategy[int]) -> st.SearchStrategy[Any]:
    """Return a strategy for networks, each with a stream that fits it, and what is drawn beside them."""
    return networks().flatmap(lambda network: st.tuples(st.just(network), streams(network.n_in, network.n_out), *more))


def _difference(one: OnlineLearner, other: OnlineLearner, only: str = "") -> str | None:
    """Return the name of the first array in which two learners differ, or None."""
    pairs = zip(named_arrays(one).items(), named_arrays(other).values(), strict=True)
    return next((name for (name, a), b in pairs if name.startswith(only) and not _same(a, b)), None)


def _do(learner: OnlineLearner, operation: Operation, said: Outcome) -> OnlineLearner:
    """Do one operation; append what came of it, and return the learner that goes on."""
    if isinstance(operation, Reset):
        learner.reset()
    elif isinstance(operation, SaveAndLoad):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "learner"
            learner.save(path)
            return share(OnlineLearner.load(path))
    else:
        rng = np.random.default_rng(operation.seed)
        u, y = rng.normal(size=learner.n_in), rng.random(learner.n_out) + 0.1
        try:
            if isinstance(operation, Predict):
                said.append(learner.predict(u))
            else:
                result = learner.step(u, y / y.sum() if operation.taught else None)
                said.extend([result.prediction, result.loss, result.noisy_loss])
        except DivergenceError:
            said.append(-1.0)
    return learner


def _done(learners: list[OnlineLearner], operations: Sequence[Operation]) -> list[tuple[OnlineLearner, Outcome]]:
    """Let learners do the same, in turns; return each with what came of it."""
    results: list[tuple[OnlineLearner, Outcome]] = [(learner, []) for learner in learners]
    for operation in operations:
        results = [(_do(learner, operation, said), said) for learner, said in results]
    return results


def _agree(one: tuple[OnlineLearner, Outcome], other: tuple[OnlineLearner, Outcome], what: str) -> None:
    for k, (a, b) in enumerate(zip(one[1], other[1], strict=True)):
        if not _same(a, b):
            raise AssertionError(f"{what}: result {k} is {a} and {b}")
    where = _difference(one[0], other[0])
    if where is not None:
        raise AssertionError(f"{what}: {where} is not the same")


def check_determinism(part: Any, *, examples: int = 20, **settings: Any) -> None:
    """The same seed and the same operations give the same bits, whatever another learner does in between.

    Parameters
    ----------
    part
        A part of a learner.
    examples
        How many interleavings are tried.
    **settings
        Other arguments of :class:`onlinernn.OnlineLearner`.

    Raises
    ------
    AssertionError
        With the shortest interleaving in which something differs, as where a part draws from a global generator.

    Examples
    --------
    >>> from onlinernn import ANP
    >>> check_determinism(ANP(), examples=3)
    """
    parts = parts_of(part, **settings)

    def claim(example: tuple[Network, list[Operation]]) -> None:
        network, operations = example
        alone = _done([network.learner(parts)], operations)
        for twin in _done([network.learner(parts), network.learner(parts)], operations):
            _agree(alone[0], twin, f"{type(part).__name__} is not deterministic: twins that did {operations} differ")

    hold(st.tuples(networks(), interleavings()), claim, examples)


def check_resume(part: Any, *, examples: int = 25, **settings: Any) -> None:
    """A learner that was saved and loaded at any moment goes on bit for bit.

    Parameters
    ----------
    part
        A part of a learner.
    examples
        How many interleavings are tried.
    **settings
        Other arguments of :class:`onlinernn.OnlineLearner`.

    Raises
    ------
    AssertionError
        With the shortest interleaving in which something differs.

    Examples
    --------
    >>> from onlinernn import ANP
    >>> check_resume(ANP(), examples=3)
    """
    parts = parts_of(part, **settings)

    def claim(example: tuple[Network, list[Operation], int]) -> None:
        network, operations, at = example
        once = [one for one in operations if not isinstance(one, SaveAndLoad)]
        at %= len(once) + 1
        cut = [*once[:at], SaveAndLoad(), *once[at:]]
        (kept,), (saved,) = (_done([network.learner(parts)], each) for each in (once, cut))
        _agree(kept, saved, f"{type(part).__name__} does not resume exactly: {once}, saved after {at}")

    hold(st.tuples(networks(), interleavings(), st.integers(0, 16)), claim, examples)


def check_steps(part: Any, *, examples: int = 12, **settings: Any) -> None:
    """A run is its steps, however it is cut, and a prediction is what the next step predicts and changes nothing.

    Parameters
    ----------
    part
        A part of a learner.
    examples
        How many streams are tried.
    **settings
        Other arguments of :class:`onlinernn.OnlineLearner`.

    Raises
    ------
    AssertionError
        With the shortest stream in which something differs.

    Examples
    --------
    >>> from onlinernn import ANP
    >>> check_steps(ANP(), examples=3)
    """
    parts, name = parts_of(part, **settings), type(part).__name__

    def claim(example: tuple[Network, Rows, int]) -> None:
        network, rows, cut = example
        whole, singly, parted = (network.learner(parts) for _ in range(3))
        try:
            trace = whole.run(*rows)
        except DivergenceError:
            return
        told, results = [], []
        for u, y in zip(*rows, strict=True):
            told.append(singly.predict(u))
            results.append(singly.step(u, y))
        pieces = [parted.run(rows.inputs[part], rows.targets[part]) for part in (slice(0, cut), slice(cut, None))]
        predictions = [result.prediction for result in results]
        losses = [np.array([result[k] for result in results], whole.dtype) for k in (1, 2)]
        if not _same(told, predictions):
            raise AssertionError(f"{name}: predict said something else than the step that followed")
        _agree(
            (whole, [trace.predictions, trace.losses, trace.noisy_losses]),
            (singly, [np.array(predictions), *losses]),
            f"{name}: a run of {len(told)} steps is not as many steps",
        )
        _agree(
            (whole, [trace.predictions]),
            (parted, [np.concatenate([piece.predictions for piece in pieces])]),
            f"{name}: a run cut after {cut} steps is another run",
        )

    hold(_fed(st.integers(0, 8)), claim, examples)


def check_causality(part: Any, *, examples: int = 15, **settings: Any) -> None:
    """A prediction never depends on its own or a later target; nothing on a target before its delay has passed.

    Parameters
    ----------
    part
        A part of a learner.
    examples
        How many streams are tried.
    **settings
        Other arguments of :class:`onlinernn.OnlineLearner`.

    Raises
    ------
    AssertionError
        With the shortest stream in which a target was seen too early.

    Examples
    --------
    >>> from onlinernn import ANP
    >>> check_causality(ANP(), examples=3)
    """
    parts, name = parts_of(part, **settings), type(part).__name__

    def compare(network: Network, rows: Rows, others: np.ndarray, at: int) -> None:
        """Run with two sequences of targets that are the same before step `at`, and compare what came before it."""
        one, other = network.learner(parts), network.learner(parts)
        for t in range(min(at + 1, len(rows.inputs))):
            first = one.step(rows.inputs[t], rows.targets[t])
            second = other.step(rows.inputs[t], others[t])
            if not _same(first.prediction, second.prediction):
                raise AssertionError(f"{name} peeks at the target: the prediction of step {t} depends on target {at}")

    def claim(example: tuple[Network, Rows, int]) -> None:
        network, rows, at = example
        others = rows.targets.copy()
        others[at:] = np.roll(others[at:], 1, axis=1) * 0.5
        try:
            compare(network, rows, others, at)
            delay = network.settings["target_delay"]
            early = np.where((np.arange(len(rows.inputs)) < delay)[:, None], 0.3 * rows.targets + 0.1, rows.targets)
            one, other = network.learner(parts), network.learner(parts)
            one.run(*rows)
            other.run(rows.inputs, early)
        except DivergenceError:
            return
        where = _difference(one, other)
        if where is not None:
            raise AssertionError(
                f"{name} learns from a target before its delay of {delay} steps has passed: {where} depends on the "
                f"targets of the first {delay} steps, which belong to steps before the first"
            )

    hold(_fed(st.integers(0, 23)), claim, examples)


BAD: tuple[tuple[str, Callable[[OnlineLearner], Any]], ...] = (
    ("an input that is NaN", lambda one: one.step(np.full(one.n_in, np.nan), np.zeros(one.n_out))),
    ("a target that is infinite", lambda one: one.step(np.zeros(one.n_in), np.full(one.n_out, np.inf))),
    ("an input of the wrong shape", lambda one: one.step(np.zeros(one.n_in + 1), np.zeros(one.n_out))),
    ("a target of the wrong shape", lambda one: one.run(np.zeros((3, one.n_in)), np.zeros((2, one.n_out)))),
    ("an input that is text", lambda one: one.predict(["x"] * one.n_in)),
    ("a run with one bad row", lambda one: one.run(np.full((2, one.n_in), [[0.0], [np.inf]]))),
    ("weights that do not fit", lambda one: one.set_weights(R=np.zeros((1, one.n_hidden + 1)))),
)


def check_bad_input(part: Any, *, examples: int = 8, **settings: Any) -> None:
    """What cannot be used is refused before anything changes, and what is given to a learner stays as it was.

    Parameters
    ----------
    part
        A part of a learner.
    examples
        How many networks are tried.
    **settings
        Other arguments of :class:`onlinernn.OnlineLearner`.

    Raises
    ------
    AssertionError
        With what was done, and what it changed.

    Examples
    --------
    >>> from onlinernn import ANP
    >>> check_bad_input(ANP(), examples=2)
    """
    parts, name = parts_of(part, **settings), type(part).__name__

    def claim(example: tuple[Network, Rows]) -> None:
        network, rows = example
        learner = network.learner(parts)
        given = [array.copy() for array in rows]
        try:
            learner.run(*rows)
        except DivergenceError:
            return
        if not all(itertools.starmap(_same, zip(rows, given, strict=True))):
            raise AssertionError(f"{name} changed the arrays that it was given")
        twin = share(learner.clone())
        for what, attempt in BAD:
            try:
                attempt(learner)
            except (TypeError, ValueError):
                pass
            else:
                raise AssertionError(f"{name}: {what} was not refused")
            _ = learner.weights, twin.weights  # settles what is pending in D
            where = _difference(learner, twin)
            if where is not None:
                raise AssertionError(f"{name}: {what} was refused, but changed {where}")

    hold(_fed(), claim, examples)


def check_inputs_kept(part: Any, **settings: Any) -> None:
    """Learning leaves alone what it learns from: the tags of inputs, activities and outputs, and the targets.

    Parameters
    ----------
    part
        A rule or a readout rule.
    **settings
        Other arguments of :class:`onlinernn.OnlineLearner`.

    Raises
    ------
    AssertionError
        With the array that was changed.

    Examples
    --------
    >>> from onlinernn import ANP
    >>> check_inputs_kept(ANP())
    """
    parts = parts_of(part, **settings)
    for seed in range(4):
        scene = Scene(parts, Synapse("R", 0, 0, 5, 2, 2, seed % 3, seed))
        tags, work = scene.view.tags, scene.view.work
        given = {"tags.u": tags.u, "tags.s": tags.s, "tags.z": tags.z, "tags.y": tags.y, "work.target": work.target}
        before = {array: values.copy() for array, values in given.items()}
        scene.learn()
        changed = [array for array, values in given.items() if not _same(values, before[array])]
        if changed:
            raise AssertionError(f"{type(part).__name__} changes what it learns from: {' and '.join(changed)}")
