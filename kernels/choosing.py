"""Calls whose targets follow from the types of their arguments, without a function of their own in compiled code.

Numba's ``overload`` compiles a function for each choice, and looks through all it knows each time. Here the call of
what was chosen takes the place of the call, and what it returns does where that is as short as ``return x``.
"""

import dis
import functools
import inspect
from collections.abc import Callable
from typing import Any

from numba import njit, typeof, types
from numba.core.typing.templates import AbstractTemplate, infer, infer_global, signature
from numba.extending import lower_builtin


class _Call:
    """The call of a compiled function with arguments of some types."""

    def __init__(self, context: Any, function: Any, kinds: Any) -> None:
        self.function, self.kinds = context.resolve_value_type(function), kinds
        self.signature = context.resolve_function_type(self.function, kinds, {})
        self.result = self.signature.return_type

    def code(self, context: Any, builder: Any, args: Any) -> Any:
        """Return the code of the call."""
        called = context.get_function(self.function, self.signature)
        wanted = zip(args, self.kinds, self.signature.args, strict=True)
        return called(builder, [context.cast(builder, *one) for one in wanted])


class _Short:
    """What stands for the call of a function that does nothing but return one of its arguments, or a constant."""

    def __init__(self, which: int | None, constant: Any, kinds: Any) -> None:
        self.which, self.constant = which, constant
        self.result = typeof(constant) if which is None else kinds[which]

    def code(self, context: Any, builder: Any, args: Any) -> Any:
        """Return the code of what is returned."""
        return context.get_constant(self.result, self.constant) if self.which is None else args[self.which]


@functools.cache
def _short(function: Callable[..., Any]) -> tuple[int | None, Any] | None:
    """Return the number of the argument, or the constant, that is all that a function of ours returns.

    The functions of others are called in any case, so that what is wrong with them is found (``faults.py``).
    """
    if not function.__module__.startswith("onlinernn."):
        return None
    steps = [step for step in dis.get_instructions(function) if step.opname != "RESUME"]
    names = list(inspect.signature(function).parameters)
    if len(steps) == 2 and steps[0].opname.startswith("LOAD_FAST") and steps[0].argval in names:
        return names.index(steps[0].argval), None
    return (None, steps[0].argval) if len(steps) <= 2 and steps[0].opname in ("LOAD_CONST", "RETURN_CONST") else None


def _plan(call: Callable[..., Any], plan: Callable[..., Any]) -> None:
    """Put into the place of a call what ``plan(context, kinds)`` returns for arguments of some types: result and code.

    Where it returns None compiled code cannot make the call.
    """
    names = list(inspect.signature(call).parameters)

    class Planned(AbstractTemplate):
        key = call

        def generic(self, args: Any, kws: Any) -> Any:
            kinds = (*args, *(kws[name] for name in names[len(args) :] if name in kws))
            made = plan(self.context, kinds)
            return made and signature(made.result, *kinds)

    infer(Planned)
    infer_global(call, types.Function(Planned))

    @lower_builtin(call, types.VarArg(types.Any))
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return plan(context.typing_context, sig.args).code(context, builder, args)


def chosen_by_type(call: Callable[..., Any], choose: Callable[[Any], Any], flags: Any) -> None:
    """Let compiled code call what is chosen by the type of the first argument.

    Parameters
    ----------
    call
        The function that is called.
    choose
        Returns the function to call in its place, from the Numba type of the first argument, or None.
    flags
        Compiler flags of what is chosen.
    """
    jitted = functools.cache(njit(**flags))

    def plan(context: Any, kinds: Any) -> Any:
        chosen = choose(kinds[0]) if kinds else None
        if chosen is None:
            return None
        short = _short(chosen)
        return _Short(*short, kinds) if short else _Call(context, jitted(chosen), kinds)

    _plan(call, plan)


class _Chain:
    """What takes the place of letting a value go through a chain: a call for each part of it."""

    def __init__(self, context: Any, step: Any, descend: Any, kinds: Any) -> None:
        chain, self.result, place = kinds
        self.calls: list[tuple[_Call, _Call]] = []
        for spec in chain:
            here, deeper = _Call(context, step, (spec, self.result, place)), _Call(context, descend, (place,))
            self.calls.append((here, deeper))
            self.result, place = here.result, deeper.result

    def code(self, context: Any, builder: Any, args: Any) -> Any:
        """Return the code of all calls."""
        chain, x, place = args
        for i, (here, deeper) in enumerate(self.calls):
            x = here.code(context, builder, (builder.extract_value(chain, i), x, place))
            if i + 1 < len(self.calls):
                place = deeper.code(context, builder, (place,))
        return x


def fold(step: Callable[..., Any], descend: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function ``(chain, x, place)`` that lets `x` go through all specs of a tuple, unrolled by their types.

    Parameters
    ----------
    step
        What one spec makes of x: ``step(spec, x, place)``.
    descend
        What the place of the next spec is: ``descend(place)``.
    """

    def through(chain: Any, x: Any, place: Any) -> Any:
        for spec in chain:
            x, place = step(spec, x, place), descend(place)
        return x

    _plan(through, lambda context, kinds: _Chain(context, step, descend, kinds))
    return through


class _Any:
    """What takes the place of asking all parts of a chain."""

    result = types.boolean

    def __init__(self, context: Any, question: Any, kinds: Any) -> None:
        self.calls = [_Call(context, question, (spec,)) for spec in kinds[0]]

    def code(self, context: Any, builder: Any, args: Any) -> Any:
        """Return the code of all questions."""
        found = context.get_constant(types.boolean, False)
        for i, call in enumerate(self.calls):
            answer = call.code(context, builder, (builder.extract_value(args[0], i),))
            found = builder.or_(found, context.cast(builder, answer, call.result, types.boolean))
        return found


def any_of(question: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function ``(chain)`` that tells whether the answer of any spec of a tuple is yes.

    Parameters
    ----------
    question
        What each is asked: ``question(spec)``.
    """

    def asked(chain: Any) -> Any:
        return any(question(spec) for spec in chain)

    _plan(asked, lambda context, kinds: _Any(context, question, kinds))
    return asked
