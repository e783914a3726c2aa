"""What every command prints or writes: errors of one line, aligned tables, JSON that a script can check."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from onlinernn import __version__
from onlinernn.checkpoint import write_atomically


class UsageError(Exception):
    """What was asked cannot be done; the message is one line for the user."""


@contextmanager
def refusing() -> Iterator[None]:
    """Turn what the library says about bad input into a ``UsageError`` of one line."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}" if error.filename else str(error)) from error
    except (ValueError, TypeError) as error:
        raise UsageError(" ".join(str(error).split())) from error


def short(value: float | None) -> str:
    """Return a number in three digits, and a dash for what there is not.

    Parameters
    ----------
    value : float or None
        Any number.

    Examples
    --------
    >>> short(0.23456), short(12345.6), short(2.34e-6), short(None)
    ('0.235', '1.2e+04', '2.3e-06', '-')
    """
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:.3g}" if value == 0 or 1e-3 <= abs(value) < 1e4 else f"{value:.1e}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return an aligned table: the first column to the left, the others to the right.

    Parameters
    ----------
    header : sequence of str
        Names of the columns.
    rows : sequence of sequence of str
        The cells.

    Examples
    --------
    >>> print(table(["method", "NMSE"], [["anp", "0.2"], ["ridge", "0.15"]]))
    method  NMSE
    ------------
    anp      0.2
    ridge   0.15
    """
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = [cells[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells[1:], widths[1:], strict=True))]
        return "  ".join(padded).rstrip()

    return "\n".join([line(header), "-" * (sum(widths) + 2 * (len(widths) - 1)), *map(line, rows)])


def write_json(path: str | os.PathLike[str], command: str, rows: Sequence[Mapping[str, Any]], **more: Any) -> None:
    """Write the result of a command in one step; what is not finite becomes null.

    Parameters
    ----------
    path : path
        The file.
    command : str
        The command.
    rows : sequence of mapping
        One for each line that a script may want to check.
    **more
        What else it takes to repeat the command.
    """
    whole = {"command": command, "version": __version__, "rows": list(rows), **more}
    write_atomically(path, (json.dumps(plain(whole), indent=1, allow_nan=False) + "\n").encode())


def check_writable(path: Path) -> None:
    """Refuse a file that could not be written in the end, before work begins.

    Parameters
    ----------
    path : path
        The file.

    Raises
    ------
    UsageError
        If its folder does not exist, or it is a folder.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name a file")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{path} cannot be written: there is no folder {path.parent}")


def versions() -> dict[str, str]:
    """Return the versions of all that computes."""
    packages = {name: version(name) for name in ("onlinernn", "numpy", "numba", "scipy", "matplotlib")}
    return {"python": platform.python_version(), **packages, "platform": platform.platform()}


def plain(value: Any) -> Any:
    """Return a value in terms of JSON; what is not finite becomes None.

    Parameters
    ----------
    value
        Mappings, sequences, numbers and paths, one in another.

    Examples
    --------
    >>> plain({"a": (1, math.nan)})
    {'a': [1, None]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, os.PathLike) else value
