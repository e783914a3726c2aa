"""A part of one's own that does not compile is told by file, line and reason, not by the compiler's trace."""

import inspect
import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from numba import config, typeof

from onlinernn import OnlineLearner
from onlinernn.kernels.cells import cell_step
from onlinernn.kernels.dispatch import ENTRY, compiled
from onlinernn.kernels.effects import effect
from onlinernn.kernels.faults import Told
from onlinernn.kernels.rules import gain, node_noise

pytestmark = pytest.mark.skipif(bool(config.DISABLE_JIT), reason="compiles nothing without the JIT")


class Misspelt(NamedTuple):
    lr_hidden: float = 0.1
    lr_readout: float = 0.1
    sigma: float = 0.1


class Dumping(NamedTuple):
    lr_hidden: float = 0.1


class Undefined(NamedTuple):
    n_vars = 0


class Printing(NamedTuple):
    width: float = 0.1


class Silent(NamedTuple):
    width: float = 0.1


class Mixed(NamedTuple):
    width: float = 0.1


class Calling(NamedTuple):
    width: float = 0.1


class Sound(NamedTuple):
    width: float = 0.1


def doubled(x: Any) -> Any:
    return 2 * x


@node_noise.register(Misspelt)
def misspelt(rule, bits):
    return rule.sigmaa * 1.0  # here


@gain.register(Misspelt)
def fine(rule, lr, delta_loss, power, size):
    return lr * delta_loss


@gain.register(Dumping)
def dumping(rule, lr, delta_loss, power, size):
    json.dumps([lr])  # here
    return lr * delta_loss


@cell_step.register(Undefined)
def undefined(cell, x, i, drive):
    """Return drve, which is no name."""
    half = 0.5
    return half * drve  # noqa: F821 - here


@effect.register(Printing)
def printing(spec, x, here):
    print(f"{x:.3f}")  # noqa: T201 - here
    return x


@effect.register(Silent)
def silent(spec, x, here):  # here
    x * spec.width


@effect.register(Mixed)
def mixed(spec, x, here):
    return x if x > spec.width else "nothing"  # here


@effect.register(Calling)
def calling(spec, x, here):
    return doubled(x)  # here


effect.register(Sound)(lambda spec, x, here: x)


def drive(cell: Any, x: Any) -> Any:
    return cell_step(cell, x, 0, 1.0)


def third(rule: Any, lr: Any) -> Any:
    return gain(rule, lr, 1.0, 1.0, 1) + 1.0


def passed(spec: Any, x: Any) -> Any:
    return effect(spec, x, 0) + x


for caller in (drive, third, passed):
    caller.__module__ = "onlinernn.kernels"  # they stand for the kernels, which are not to blame

ROW = np.zeros((1, 3))
FAULTS = [
    (third, Dumping(), 0.1, dumping, "Unknown attribute 'dumps' of type Module"),
    (drive, Undefined(), ROW, undefined, "does not compile: NameError: name 'drve' is not defined"),
    (passed, Printing(), 0.1, printing, "format spec in f-strings not supported yet"),
    (passed, Silent(), 0.1, silent, "silent returns nothing, where a number is wanted"),
    (passed, Mixed(), 0.1, mixed, r"Cannot unify float64 and Literal\[str\]\(nothing\)"),
    (passed, Calling(), 0.1, calling, "Untyped global name 'doubled': Cannot determine Numba type of .* 'function'"),
]


def where(function: Callable[..., Any]) -> str:
    """Return what is told of the line that is marked."""
    lines, first = inspect.getsourcelines(function)
    (k,) = [k for k, line in enumerate(lines) if "here" in line.partition("#")[2]]
    return f'  File "{__file__}", line {first + k}, in {function.__name__}\n    {lines[k].strip()}'


@pytest.mark.parametrize(
    ("caller", "part", "x", "culprit", "why"), FAULTS, ids=lambda value: getattr(value, "__name__", "")
)
def test_what_does_not_compile_is_told_by_its_line(caller: Any, part: Any, x: Any, culprit: Any, why: str) -> None:
    signature = (typeof(part), typeof(x))
    first, again = (Told(compiled(**ENTRY)(caller)) for _ in range(2))  # the second time the compiler knows it already
    for attempt in (
        lambda: first(part, x),
        lambda: first(part, x),
        lambda: first.compile(signature),
        lambda: again.compile(signature),
    ):
        with pytest.raises(TypeError) as told:
            attempt()
        reason, place = str(told.value).split("\n", 1)
        assert re.search(why, reason)
        assert place == where(culprit)
    assert list(first.faults) == [signature]


def test_a_sound_part_is_called_and_another_error_is_let_through() -> None:
    @compiled(**ENTRY)
    def wrong(spec: Any, x: Any) -> Any:
        if effect(spec, x, 0) > 1:
            raise ValueError("above")
        return x

    told = Told(wrong)
    assert told(Sound(), 0.5) == 0.5
    with pytest.raises(ValueError, match="above"):
        told(Sound(), 2.0)


def test_a_learner_tells_the_line_of_a_rule() -> None:
    learner = OnlineLearner(1, 3, 1, rule=Misspelt())
    words = r"misspelt does not compile: Unknown attribute 'sigmaa' of type Misspelt\(float64 x 3\)\n"
    with pytest.raises(TypeError, match=words + re.escape(where(misspelt))):
        learner.forward([1.0])
