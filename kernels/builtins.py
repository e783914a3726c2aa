"""What kernels use of Python all the time, ``range``, ``min`` and ``max``, with as little code as it takes.

Numba's range can go backwards, by no step (an error) and in integers of any kind: 70 instructions for each loop, where
12 do. Its ``min`` and ``max`` are functions that are compiled for each pair of types. A pass of the compiler puts what
is here in their place, so that kernels are written as Python is.
"""

import operator
from typing import Any

from llvmlite import ir as llvm
from numba import types
from numba.core import cgutils, ir
from numba.core.compiler_machinery import FunctionPass, register_pass
from numba.core.ir_utils import get_definition, guard
from numba.core.types.common import SimpleIterableType, SimpleIteratorType
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin, models, register_model

_INT = llvm.IntType(64)


def steps(*args: Any) -> Any:
    """Stand for ``range`` where a loop goes over it."""
    return range(*args)


def least(*args: Any) -> Any:
    """Stand for ``min`` of several numbers."""
    return min(*args)


def greatest(*args: Any) -> Any:
    """Stand for ``max`` of several numbers."""
    return max(*args)


@register_pass(mutates_CFG=False, analysis_only=False)
class LeanBuiltins(FunctionPass):
    """Put what is here in the place of what Python calls so."""

    _name = "lean_builtins"

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def run_pass(self, state: Any) -> bool:
        """Look through the calls of a function."""

        def defined(variable: Any) -> Any:
            return guard(get_definition, state.func_ir, variable)

        def replace(call: Any, usual: Any, ours: Any) -> None:
            name = defined(call.func)
            if isinstance(name, ir.Global) and name.value is usual and not call.kws and not call.vararg:
                name.name, name.value = ours.__name__, ours

        for block in state.func_ir.blocks.values():
            for call in block.find_exprs("call"):
                if len(call.args) > 1:
                    replace(call, min, least)
                    replace(call, max, greatest)
            for loop in block.find_exprs("getiter"):
                over = defined(loop.value)
                if isinstance(over, ir.Expr) and over.op == "call":
                    replace(over, range, steps)
        return False


class _Iterator(SimpleIteratorType):
    def __init__(self) -> None:
        super().__init__("steps iterator", types.int64)


class _Steps(SimpleIterableType):
    def __init__(self) -> None:
        super().__init__("steps", _Iterator())


@register_model(_Steps)
class _StepsModel(models.StructModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        fields = [("start", types.int64), ("count", types.int64), ("step", types.int64)]
        super().__init__(manager, kind, fields)  # type: ignore[no-untyped-call]


@register_model(_Iterator)
class _IteratorModel(models.StructModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        place = types.CPointer(types.int64)
        fields = [("next", place), ("left", place), ("step", types.int64)]
        super().__init__(manager, kind, fields)  # type: ignore[no-untyped-call]


@infer_global(steps)
class _TypeOfSteps(AbstractTemplate):
    prefer_literal = True

    def generic(self, args: Any, kws: Any) -> Any:
        """Return the types for a loop upwards; for any other those of Numba's range."""
        upwards = len(args) < 3 or (isinstance(args[2], types.IntegerLiteral) and args[2].literal_value > 0)
        if upwards and all(isinstance(arg, types.IntegerLiteral) or arg == types.int64 for arg in args):
            return signature(_Steps(), *args)
        return self.context.resolve_function_type(range, [types.unliteral(arg) for arg in args], {})


@lower_builtin(steps, types.VarArg(types.Any))
def _make_steps(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    if not isinstance(sig.return_type, _Steps):
        return context.get_function(range, sig)(builder, args)
    numbers = [context.cast(builder, arg, kind, types.int64) for kind, arg in zip(sig.args, args, strict=True)]
    start, count, step = _INT(0), numbers[0], _INT(1)
    if len(args) > 1:
        start, count = numbers[0], builder.sub(numbers[1], numbers[0])
    if len(args) > 2:
        step = numbers[2]
        count = builder.sdiv(builder.add(count, builder.sub(step, _INT(1))), step)
    return _struct(context, builder, sig.return_type, (start, count, step))


@lower_builtin("getiter", _Steps)
def _getiter(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    places = [cgutils.alloca_once(builder, _INT) for _ in range(2)]
    for i, place in enumerate(places):
        builder.store(builder.extract_value(args[0], i), place)
    return _struct(context, builder, sig.return_type, (*places, builder.extract_value(args[0], 2)))


@lower_builtin("iternext", _Iterator)
def _iternext(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    following, left, step = cgutils.unpack_tuple(builder, args[0])
    index, count = builder.load(following), builder.load(left)
    # Told that this does not overflow, LLVM makes no vectors of loops whose index is cut to 32 bits, as of devices.
    builder.store(builder.add(index, step), following)
    builder.store(builder.sub(count, _INT(1), flags=("nsw",)), left)
    return _struct(context, builder, sig.return_type, (index, builder.icmp_signed(">", count, _INT(0))))


def _struct(context: Any, builder: Any, kind: Any, fields: Any) -> Any:
    value: Any = llvm.Constant(context.get_value_type(kind), llvm.Undefined)
    for i, field in enumerate(fields):
        value = builder.insert_value(value, field, i)
    return value


class _TypeOfOneOf(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        """Return the types for a choice among numbers."""
        if not all(isinstance(arg, types.Number | types.Boolean) for arg in args):
            return None
        kind = self.context.unify_types(*args)
        return kind and signature(kind, *[kind] * len(args))


infer_global(least)(type("_TypeOfLeast", (_TypeOfOneOf,), {}))
infer_global(greatest)(type("_TypeOfGreatest", (_TypeOfOneOf,), {}))


def _lower(choice: Any, comparison: Any) -> None:
    @lower_builtin(choice, types.VarArg(types.Any))
    def choose(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kind = sig.return_type
        compare = context.get_function(comparison, signature(types.boolean, kind, kind))
        chosen = args[0]
        for other in args[1:]:
            chosen = builder.select(compare(builder, (other, chosen)), other, chosen)
        return chosen


_lower(least, operator.lt)
_lower(greatest, operator.gt)
