"""All checks of a part: run and told line by line, or given to pytest."""

import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from onlinernn import parts
from onlinernn.checks import hosts
from onlinernn.checks.behaviour import (
    check_bad_input,
    check_causality,
    check_determinism,
    check_inputs_kept,
    check_resume,
    check_steps,
)
from onlinernn.checks.memory import check_memory
from onlinernn.checks.pieces import check_cell, check_effect, check_loss, check_noise, check_schedule
from onlinernn.checks.places import check_locality
from onlinernn.checks.streams import check_task
from onlinernn.kernels import dispatch
from onlinernn.kernels.contracts import skipped
from onlinernn.kernels.effects import Substrate
from onlinernn.parts import canonical, kind_of, meant
from onlinernn.substrates import Preset

Check = Callable[[Any], Any]

#: What every part of a learner goes through.
GUARANTEES: tuple[Check, ...] = (
    check_determinism,
    check_resume,
    check_steps,
    check_causality,
    check_bad_input,
    check_memory,
)
OWN: dict[str, tuple[Check, ...]] = {
    "rule": (check_locality, check_inputs_kept),
    "readout": (check_locality, check_inputs_kept),
    "decorrelation": (check_locality,),
    "cell": (check_cell,),
    "loss": (check_loss,),
    "noise": (check_noise,),
    "effect": (check_effect,),
    "schedule": (check_schedule,),
}


#: Where the error of a part does not lie.
OURS = {Path(str(module.__file__)).parent for module in (parts, hosts, dispatch)}


class CheckError(AssertionError):
    """Some checks of a part did not hold."""


class NamedCheck(NamedTuple):
    """One check of one part; call it.

    Parameters
    ----------
    name
        Of the check.
    function
        The check.
    part
        The part.
    reason
        Why the part is excused from it, or None.
    """

    name: str
    function: Check
    part: Any
    reason: str | None

    def __call__(self) -> Any:
        """Run it."""
        return self.function(self.part)


def checks_of(part: Any) -> list[NamedCheck]:
    """Return the checks that apply to a part.

    Parameters
    ----------
    part
        A rule, cell, loss, noise source, effect, decorrelation, readout rule, schedule, substrate, preset or task.

    Raises
    ------
    TypeError
        If it is none of these.

    Examples
    --------
    >>> from onlinernn import LeakyTanh
    >>> [one.name for one in checks_of(LeakyTanh())][:2]
    ['check_cell', 'check_determinism']
    """
    if isinstance(part, type):
        raise TypeError(f"{part.__name__} is a class; check an instance: check({part.__name__}())")
    kind = kind_of(part) or meant(part)
    functions: tuple[Check, ...]
    if isinstance(part, (Substrate, Preset)):
        functions = GUARANTEES
    elif kind in OWN:
        canonical(kind, part)  # shows what is wrong with its fields, or which function is missing
        functions = (*OWN[kind], *GUARANTEES)
    elif hasattr(part, "train") or hasattr(part, "test"):
        functions = (check_task,)
    else:
        raise TypeError(
            f"{part!r} is no part: a rule, cell, loss, noise source, effect, decorrelation, readout rule or schedule "
            "has its functions registered for its type, as @gain.register(Mine), @cell_step.register(Mine) or "
            "@effect.register(Mine), and a task has train and test"
        )
    reasons = dict(skipped(part))
    unknown = set(reasons) - {function.__name__ for function in functions}
    if unknown:
        raise TypeError(f"{type(part).__name__} skips {', '.join(sorted(unknown))}, which is no check of it")
    return [NamedCheck(one.__name__, one, part, reasons.get(one.__name__)) for one in functions]


def check(part: Any) -> None:
    """Run every check that applies to a part, and print one line for each.

    Parameters
    ----------
    part
        A rule, cell, loss, noise source, effect, decorrelation, readout rule, schedule, substrate, preset or task.

    Raises
    ------
    CheckError
        After all of them, if one did not hold; at once where the part does not even run.

    Examples
    --------
    >>> from onlinernn import Cosine
    >>> check(Cosine(100))
    check_schedule      holds    ... s
    check_determinism   holds    ... s
    check_resume        holds    ... s
    check_steps         holds    ... s
    check_causality     holds    ... s
    check_bad_input     holds    ... s
    check_memory        holds    ... s
        kind        per synapse  per neuron  constant  bytes at n = 100, float32
        ...
        the tags reach 0 steps back
    """
    failures = []
    for one in checks_of(part):
        if one.reason is not None:
            sys.stdout.write(f"{one.name:<18}  skipped: {one.reason}\n")
            continue
        start = time.perf_counter()
        try:
            told = one()
        except Exception as error:  # noqa: BLE001 - whatever a part does wrong is what is to be told
            told = error
        verdict, took = "fails" if isinstance(told, Exception) else "holds", time.perf_counter() - start
        sys.stdout.write(f"{one.name:<18}  {verdict}  {took:5.1f} s\n")
        runs = not isinstance(told, Exception) or isinstance(told, AssertionError)
        answer = "" if told is None else str(told) if runs else _trouble(told)
        sys.stdout.write("".join(f"    {row}\n" for row in answer.splitlines()))
        if isinstance(told, Exception):
            failures.append((one.name, told))
        if not runs:
            break
    if failures:
        names = ", ".join(name for name, _ in failures)
        raise CheckError(f"{type(part).__name__}: {names} did not hold") from failures[0][1]


def _trouble(error: BaseException) -> str:
    """Return what to say of a part that does not run: the error, and where a function of its own raised it."""
    told = f"it does not run: {type(error).__name__}: {error}"
    last = traceback.extract_tb(error.__traceback__)[-1]
    if Path(last.filename).parent in OURS:
        return told
    return f'{told}\n  File "{last.filename}", line {last.lineno}, in {last.name}\n    {last.line}'


def yield_checks(*parts: Any) -> list[Any]:
    """Return the checks of some parts as pytest parameters, with readable ids; those that a part skips say why.

    Parameters
    ----------
    *parts
        As for :func:`check`.

    Examples
    --------
    The whole test file of a part of your own::

        @pytest.mark.parametrize("check", yield_checks(Mine()))
        def test_mine(check):
            check()
    """
    import pytest

    found = []
    for part in parts:
        for one in checks_of(part):
            marks = [] if one.reason is None else [pytest.mark.skip(reason=one.reason)]
            name = one.name.removeprefix("check_").replace("_", " ")
            found.append(pytest.param(one, id=f"{type(part).__name__}, {name}", marks=marks))
    return found
