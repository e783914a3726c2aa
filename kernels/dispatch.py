"""Functions whose body is chosen by the type of their first argument, under Numba and in plain Python.

This is the only metaprogramming of the project. A part (a rule, a cell, a loss, a noise source) is a ``NamedTuple``
of numbers, its *spec*, plus implementations of a few *open functions* registered for that type. Numba picks the
implementation while it compiles, so a choice costs nothing at run time and no kernel exists per combination.
A floating-point number can be dispatched on too: its type is its precision.
"""

import functools
import hashlib
import inspect
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import config, njit, types
from numba.extending import intrinsic, lower_builtin, overload, type_callable

from onlinernn.kernels.choosing import chosen_by_type
from onlinernn.kernels.linking import Linked, Whole

#: Compiler flags of every kernel. The fast-math flags let LLVM vectorise sums, and keep NaN and infinity visible (plain
#: ``fastmath=True`` does not). What works on a few arrays is inlined: passing these costs more than small loops.
#: No reference is counted: all arrays are views of memory that the caller holds, and a kernel that would allocate does
#: not compile.
FAST: dict[str, Any] = {
    "fastmath": {"reassoc", "contract", "nsz", "arcp"},
    "error_model": "numpy",
    "forceinline": True,
    "no_cfunc_wrapper": True,
    "_nrt": False,
    "pipeline_class": Linked,
}

#: The same for a loop that is long enough to be called, one copy of which serves all callers, and for what takes whole
#: groups of arrays by their address.
LOOP: dict[str, Any] = {**FAST, "forceinline": False}

#: The same for arithmetic that has to give the same bits everywhere: no reordering, no fused multiply-add.
EXACT: dict[str, Any] = {**FAST, "fastmath": False}

#: The same for the functions that Python calls: other threads of Python run meanwhile.
ENTRY: dict[str, Any] = {
    "fastmath": FAST["fastmath"],
    "_nrt": False,
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
    "nogil": True,
    "pipeline_class": Whole,
}

#: The same for what an open function chooses: only kernels call that, so it needs no wrapper and no code of its own.
INNER: Any = {
    "_nrt": False,
    "error_model": "numpy",
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "pipeline_class": Linked,
}

#: The same for a chain of them, which is worth unrolling only inside the loop that calls it.
FOLDED: Any = {**INNER, "forceinline": True}

_REGISTRY: dict[str, dict[type, Callable[..., Any]]] = {}


class OpenFunction:
    """A function with one implementation per spec type: the `stub`, which serves all others where it is `default`."""

    def __init__(self, stub: Callable[..., Any], default: bool) -> None:
        self.stub = stub
        self.name = f"{stub.__module__}.{stub.__qualname__}"
        self.default = stub if default else None
        self.implementations = _REGISTRY.setdefault(self.name, {})
        functools.update_wrapper(self, stub)

    def implementation(self, spec_type: type | None) -> Callable[..., Any] | None:
        """Return what would run for a spec of this type, or None."""
        return self.implementations.get(spec_type, self.default) if spec_type is not None else None

    def register(self, spec_type: type) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register the decorated function as the implementation for `spec_type`."""
        wanted, name = list(inspect.signature(self.stub).parameters), self.stub.__name__

        def remember(implementation: Callable[..., Any]) -> Callable[..., Any]:
            given = list(inspect.signature(implementation).parameters)
            if given != wanted:
                raise TypeError(
                    f"{name} for {spec_type.__name__} takes the wrong arguments.\n"
                    f"  wrong:  def {implementation.__name__}({', '.join(given)})\n"
                    f"  right:  def {implementation.__name__}({', '.join(wanted)})"
                )
            self.implementations[spec_type] = implementation
            return implementation

        return remember

    def __call__(self, spec: Any, *args: Any) -> Any:
        """Call the implementation for ``type(spec)`` in plain Python."""
        chosen = self.implementation(type(spec))
        if chosen is None:
            raise TypeError(f"{self.stub.__name__} has no implementation for {type(spec).__name__}")
        return chosen(spec, *args)


def open_function(*, default: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """Make the decorated stub a function whose body is chosen by the type of its first argument.

    Parameters
    ----------
    default
        Whether the stub's own body serves the types that register nothing.

    Returns
    -------
    callable
        The function, callable from jitted and from plain code, with the attributes of :class:`OpenFunction`
        (``register``, ``implementation``) under ``.open``.
    """

    def decorate(stub: Callable[..., Any]) -> Any:
        opened = OpenFunction(stub, default)

        @functools.wraps(stub)
        def call(spec: Any, *args: Any) -> Any:
            return opened(spec, *args)

        chosen_by_type(call, lambda spec: opened.implementation(_python_type(spec)), INNER)
        call.open = opened  # type: ignore[attr-defined]
        call.register = opened.register  # type: ignore[attr-defined]
        return call

    return decorate


def registered(module: str) -> set[type]:
    """Return the types for which some open function of a module has an implementation.

    Parameters
    ----------
    module
        Its full name.
    """
    return {one for name, found in _REGISTRY.items() if name.rpartition(".")[0] == module for one in found}


def where_implemented(
    condition: Any, otherwise: Callable[..., Any]
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make the decorated function exist only for the specs that implement an open function.

    For the other types `otherwise` stands in its place, and the function's own body is never compiled.

    Parameters
    ----------
    condition
        The open function in question.
    otherwise
        A function of the same arguments.
    """

    def decorate(body: Callable[..., Any]) -> Callable[..., Any]:
        def choose(spec_type: type | None) -> Callable[..., Any]:
            implemented = spec_type in condition.open.implementations
            return body if implemented else otherwise

        @functools.wraps(body)
        def call(spec: Any, *args: Any) -> Any:
            return choose(type(spec))(spec, *args)

        chosen_by_type(call, lambda spec: choose(_python_type(spec)), INNER)
        return call

    return decorate


_SCALARS = {types.float32: np.float32, types.float64: np.float64}


def _python_type(numba_type: Any) -> type | None:
    """Return the class of a spec, or of a floating-point number, from its Numba type."""
    return _SCALARS.get(numba_type) or getattr(numba_type, "instance_class", None)


def compiled(**flags: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return ``numba.njit(**flags)``, or with the JIT off a wrapper that lets 64-bit hashes wrap around silently.

    Parameters
    ----------
    **flags
        Compiler flags: ``**FAST``, ``**EXACT`` or ``**ENTRY``, and for the entry points ``cache``.
    """

    def once(function: Callable[..., Any]) -> Any:
        made = njit(**flags)(function)
        resolve = made.get_call_template  # Numba would compile it anew for each whole number that a caller names
        made.get_call_template = lambda args, named: resolve([_any_number(arg) for arg in args], named)
        return made

    if not config.DISABLE_JIT:  # type: ignore[attr-defined]
        return once

    def plain(function: Callable[..., Any]) -> Callable[..., Any]:
        return np.errstate(over="ignore")(function)

    return plain


def _any_number(kind: Any) -> Any:
    return types.unliteral(kind) if isinstance(kind, types.IntegerLiteral) else kind


def distinct() -> None:
    """Promise the compiler that no two arrays that the calling function takes overlap.

    Without it every loop exists twice, and tests which one is right before it starts.
    """


@type_callable(distinct)
def _type_of_distinct(context: Any) -> Any:
    return lambda: types.void


@lower_builtin(distinct)
def _mark_distinct(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    for arg in builder.function.args[2:]:  # after what is returned and what was raised
        if arg.type.is_pointer:
            arg.add_attribute("noalias")
    return context.get_dummy_value()


def broad() -> None:
    """Ask for the widest vectors for the loops of the calling function, which is called and not inlined.

    It pays where a number takes dozens of operations: LLVM holds back on processors that slow down for wide vectors.
    """


@type_callable(broad)
def _type_of_broad(context: Any) -> Any:
    return lambda: types.void


@lower_builtin(broad)
def _mark_broad(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    attributes = builder.function.attributes
    attributes.add("noinline")
    set.add(attributes, '"prefer-vector-width"="512"')  # llvmlite's own method knows no attributes with values
    return context.get_dummy_value()


@intrinsic
def _select(context: Any, condition: Any, a: Any, b: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.select(*args)

    return a(types.boolean, a, a), code


def choose(condition: Any, a: Any, b: Any) -> Any:
    """Return `a` where the condition holds, else `b`, of the same type: without a branch, which loops are slow with."""
    return a if condition else b


@overload(choose, jit_options=FOLDED)
def _choose(condition: Any, a: Any, b: Any) -> Any:
    def select(condition: Any, a: Any, b: Any) -> Any:
        return _select(condition, a, b)  # type: ignore[call-arg]

    return select


@intrinsic
def _fma(context: Any, a: Any, b: Any, c: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fma(*args)

    return a(a, a, a), code


def multiply_add(a: Any, b: Any, c: Any) -> Any:
    """Return ``a b + c``, rounded once, in the precision of all three: one operation where the processor has it."""
    return type(c)(np.longdouble(a) * np.longdouble(b) + np.longdouble(c))  # exact for float32


@overload(multiply_add, jit_options=FOLDED)
def _multiply_add(a: Any, b: Any, c: Any) -> Any:
    def fma(a: Any, b: Any, c: Any) -> Any:
        return _fma(a, b, c)  # type: ignore[call-arg]

    return fma


def fingerprint() -> int:
    """Return a number that changes whenever a kernel source or a registered implementation does.

    Numba's disk cache sees edits of the cached file only. The entry points close over this number, so an edit
    anywhere in the kernels, or in a user's own part, is never served a stale kernel.
    """
    digest = hashlib.sha256(_KERNELS)
    for name, implementations in sorted(_REGISTRY.items()):
        for spec_type, implementation in sorted(implementations.items(), key=lambda item: _path(item[0])):
            digest.update(f"{name} {_path(spec_type)} {_source(implementation)}".encode())
    return int.from_bytes(digest.digest()[:7], "big")


# Read as this process imports them: what is edited later is not what it compiles.
_KERNELS = b"".join(source.read_bytes() for source in sorted(pathlib.Path(__file__).parent.glob("*.py")))


def _path(spec_type: type) -> str:
    return f"{spec_type.__module__}.{spec_type.__qualname__}"


@functools.cache
def _source(function: Callable[..., Any]) -> str:
    if function.__module__.startswith(f"{__package__}."):  # the whole file is in the number already
        return function.__qualname__
    try:
        return inspect.getsource(function)
    except OSError:  # typed at a prompt: its code object has to speak for it
        code = function.__code__
        return repr((code.co_code, code.co_consts, code.co_names))
