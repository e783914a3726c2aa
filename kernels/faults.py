"""What does not compile in a part of one's own: the line of its file and the reason, in place of the compiler's trace.

The compiler's own error leads through all kernels that call the part. So it is noted which functions of others are
compiled on the way; where that fails, each is compiled by itself, and the innermost that does not is what is told.
"""

import dis
import linecache
import re
from collections.abc import Callable
from typing import Any

from numba import typeof
from numba.core import errors, event, types

#: Parts of others on the way to what does not compile, and what is told: the compiler tries none a second time.
_KNOWN: list[tuple[Any, str]] = []


class Told:
    """A compiled function that calls parts of others, and tells which line of them does not compile.

    Parameters
    ----------
    function
        The function, as Numba has it.

    Raises
    ------
    TypeError
        With the file, the line and the reason, where one of these parts does not compile.
    """

    def __init__(self, function: Any) -> None:
        self.function = function
        self.faults: dict[Any, str] = {}  # what does not compile is tried once: it takes long, and checks try often

    def __call__(self, *args: Any) -> Any:
        """Compile the function where it has to be, and call it."""
        signature = tuple(typeof(one) for one in args) if self.faults else None
        return self._told(self.function, args, signature)

    def compile(self, signature: Any) -> Any:
        """Compile the function.

        Parameters
        ----------
        signature
            The types of its arguments.
        """
        return self._told(self.function.compile, (signature,), signature)

    def _told(self, work: Callable[..., Any], args: Any, signature: Any) -> Any:
        if signature in self.faults:
            raise TypeError(self.faults[signature])
        listener = _Listener()
        try:
            with event.install_listener("numba:compile", listener):
                return work(*args)
        except (errors.NumbaError, errors.UnsupportedBytecodeError):
            signature = signature or tuple(typeof(one) for one in args)
            told = _fault(listener.compiled, signature)
            if told is None:
                raise
            self.faults[signature] = told
            raise TypeError(told) from None


class _Listener(event.Listener):
    """Notes the functions of others that are compiled, each with the types of its arguments."""

    def __init__(self) -> None:
        self.compiled: list[tuple[Any, Any]] = []

    def on_start(self, event: Any) -> None:
        dispatcher = event.data["dispatcher"]
        if dispatcher.py_func.__module__.partition(".")[0] not in ("onlinernn", "numba"):
            self.compiled.append((dispatcher, event.data["args"]))

    def on_end(self, event: Any) -> None:
        pass


def _fault(compiled: list[tuple[Any, Any]], signature: Any) -> str | None:
    """Return what is to be told of an error, or None where no function of others has to do with it."""
    fault = _odd(compiled[-1][0]) if compiled else None  # the last before the kernels stop
    for dispatcher, arguments in compiled:  # the innermost comes last
        try:
            dispatcher.compile(arguments)
        except Exception as error:  # noqa: BLE001 - the compiler raises more than its own exceptions
            function = dispatcher.py_func
            where = _place(function, _line(function, error))
            fault = f"{function.__name__} does not compile: {_reason(error)}\n{where}"
    if fault is None:
        return next((told for spec, told in reversed(_KNOWN) if any(_holds(one, spec) for one in signature)), None)
    specs = (getattr(arguments, "args", arguments)[0] for _, arguments in compiled)
    _KNOWN.extend((spec, fault) for spec in specs if hasattr(spec, "instance_class"))
    return fault


def _holds(outer: Any, spec: Any) -> bool:
    return bool(outer == spec) or any(_holds(one, spec) for one in getattr(outer, "types", ()))


def _odd(dispatcher: Any) -> str | None:
    """Return what to say of the last function before the fault, if the kernels cannot take what it returns."""
    function = dispatcher.py_func
    for overload in dispatcher.overloads.values():
        returned = overload.signature.return_type
        if not isinstance(returned, (types.Number, types.Boolean)):
            what = "nothing" if returned == types.none else returned
            return f"{function.__name__} returns {what}, where a number is wanted\n{_place(function, _first(function))}"
    return None


def _reason(error: Exception) -> str:
    """Return what the compiler says in its first paragraph, without where and in which of its stages."""
    lines = [line.strip() for line in str(error).splitlines() if not line.startswith("Failed in ")]
    end = next((k for k, line in enumerate(lines) if line.startswith(("File ", "During: ", "There are "))), len(lines))
    text = " ".join(line.removeprefix(">>> ") for line in lines[:end] if line)
    return re.sub(r"( for '[^']*')?, defined at .*|\.* Raised from .*", "", text).strip()


def _line(function: Callable[..., Any], error: Exception) -> int:
    """Return the line that an error is about; some of the compiler's tell it in their text alone."""
    where = getattr(error, "loc", None)
    if where is not None and where.filename == function.__code__.co_filename:
        return int(where.line)
    name = re.search(r"name '(\w+)' is not defined", str(error))
    if name is not None:
        used = (one.positions for one in dis.get_instructions(function) if one.argval == name[1])
        return next((one.lineno for one in used if one is not None and one.lineno), _first(function))
    told = re.search(rf"Raised from {re.escape(function.__code__.co_filename)} \((\d+)\)", str(error))
    return int(told[1]) if told else _first(function)


def _first(function: Callable[..., Any]) -> int:
    """Return the line of its ``def``, which its decorators precede."""
    file, first = function.__code__.co_filename, function.__code__.co_firstlineno
    return next((k for k in range(first, first + 9) if "def " in linecache.getline(file, k)), first)


def _place(function: Callable[..., Any], line: int) -> str:
    file = function.__code__.co_filename
    return f'  File "{file}", line {line}, in {function.__name__}\n    {linecache.getline(file, line).strip()}'
