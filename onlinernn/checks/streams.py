"""Tasks: streams that are what they say, the same every time, and that give no target away before it is known."""

import inspect
from typing import Any

import numpy as np

from onlinernn.tasks import Stream

#: How far ahead of its target an input is searched for it.
AHEAD = 64


def check_task(task: Any) -> None:
    """The shapes, the seeds and the delay of a task are what it says.

    Parameters
    ----------
    task
        A task, see :class:`onlinernn.tasks.Task`.

    Raises
    ------
    AssertionError
        With the attribute or the stream that does not agree.

    Examples
    --------
    >>> from onlinernn.tasks import MackeyGlass
    >>> check_task(MackeyGlass(length=300, test_length=200))
    """
    name = type(task).__name__
    _require_attributes(name, task)
    train, test = task.train(0, 0), task.test(0)
    for what, stream in (("train", train), ("test", test)):
        shapes = stream.inputs.shape[1], stream.targets.shape[1]
        if shapes != (task.n_in, task.n_out):
            raise AssertionError(f"{name}: {what} has {shapes} inputs and targets a row, not {(task.n_in, task.n_out)}")
        if not stream.scored.any():
            raise AssertionError(f"{name}: {what} has no scored row")
    if np.array_equal(train.inputs[: len(test)], test.inputs[: len(train)]):
        raise AssertionError(f"{name}: test is the training stream; a held-out stream holds something else")
    _require_seeds_decide(name, task, train)
    _require_honest_delay(name, task)


#: What a task has, as it is written.
_LINES = {
    "name": 'name: ClassVar[str] = "mine"',
    "n_in": "n_in: ClassVar[int] = 1",
    "n_out": "n_out: ClassVar[int] = 1",
    "loss": 'loss: ClassVar[str] = "squared_error"',
    "target_delay": "target_delay: ClassVar[int] = 0",
    "resets": "resets: ClassVar[bool] = True",
    "fresh": "fresh: ClassVar[bool] = True",
    "accuracy": "accuracy: ClassVar[None] = None",
    "train": "def train(self, seed: int, epoch: int = 0) -> Stream: ...",
    "test": "def test(self, seed: int) -> Stream: ...",
}


def _require_attributes(name: str, task: Any) -> None:
    for attribute, line in _LINES.items():
        if not hasattr(task, attribute):
            raise AssertionError(f"{name} has no {attribute}.\n  missing:  {line}")
    for method, arguments in (("train", (0, 0)), ("test", (0,))):
        signature = inspect.signature(getattr(task, method))
        try:
            signature.bind(*arguments)
        except TypeError:
            given = ", ".join(["self", *signature.parameters])
            raise AssertionError(
                f"{name}: {method} takes the wrong arguments.\n  wrong:  def {method}({given}): ...\n"
                f"  right:  {_LINES[method]}"
            ) from None


def _require_seeds_decide(name: str, task: Any, train: Stream) -> None:
    kept = train.inputs.copy(), train.targets.copy()
    for array in (train.inputs, train.targets):
        if array.flags.writeable:  # what the caller does with a stream is the caller's own
            array[...] = 0.5
    again = task.train(0, 0)
    if not all(np.array_equal(a, b, equal_nan=True) for a, b in zip((again.inputs, again.targets), kept, strict=True)):
        raise AssertionError(
            f"{name}: train(0, 0) is another stream the second time: draw from np.random.default_rng(seed), and hand "
            "out arrays that nobody else holds"
        )
    other = task.train(0, 1)
    same = other.inputs.shape == kept[0].shape and np.array_equal(other.inputs, kept[0])
    if same and task.fresh and np.array_equal(other.targets, kept[1], equal_nan=True):
        raise AssertionError(f"{name} says that every epoch is fresh, but epoch 1 repeats epoch 0")
    if not same and not task.fresh:
        raise AssertionError(f"{name} says that every epoch repeats the same stream, but epoch 1 is another one")


def _require_honest_delay(name: str, task: Any) -> None:
    """Refuse targets that stand among the inputs of more steps later than `target_delay`: they are not known before."""
    stream = task.train(0, 0)
    known = np.isfinite(stream.targets).all(axis=1)
    delay, rows = int(task.target_delay), len(stream)
    if delay < 0:
        raise AssertionError(f"{name}: target_delay is {delay}; it must be at least 0")
    for ahead in range(delay + 1, min(AHEAD + delay, rows // 2)):
        here, there = stream.targets[: rows - ahead], stream.inputs[ahead:]
        chosen = known[: rows - ahead]
        for o in range(task.n_out):
            for j in range(task.n_in):
                if _equals(here[chosen, o], there[chosen, j]) and not any(
                    _equals(stream.targets[: rows - k][known[: rows - k], o], stream.inputs[k:][known[: rows - k], j])
                    for k in range(delay + 1)
                ):
                    raise AssertionError(
                        f"{name}: target {o} is input {j} of {ahead} steps later, but target_delay is {delay}: a "
                        f"learner would be taught what is not known yet; say target_delay={ahead}"
                    )
    if stream.last_known is not None and np.array_equal(stream.last_known[known], stream.targets[known]):
        raise AssertionError(f"{name}: last_known is the target itself; it is the newest value known with the input")


def _equals(a: np.ndarray, b: np.ndarray) -> bool:
    """Tell whether two series are the same but for scale and offset, and do change."""
    if len(a) < 8 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return False
    a, b = a - a.mean(), b - b.mean()
    return bool(abs(a @ b) > (1 - 1e-9) * np.linalg.norm(a) * np.linalg.norm(b))
