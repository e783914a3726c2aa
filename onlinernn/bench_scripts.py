"""Peers of the bench that are scripts in a folder: each prints what it needs for a step, size by size."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

_LINE = re.compile(r"\bN=(\d+) (ANP|DANP)\b.*\bmedian=([0-9.]+)")


def scripts(folder: Path) -> list[Path]:
    """Return the scripts of a folder that are peers, ``*_peer.py``.

    Parameters
    ----------
    folder : Path
        Where to look.

    Raises
    ------
    ValueError
        If there is none.
    """
    found = sorted(folder.glob("*_peer.py"))
    if not found:
        raise ValueError(f"{folder} holds no script *_peer.py; name a folder that does")
    return found


def time_scripts(folder: Path, sizes: list[int], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Run the scripts of a folder with the sizes as arguments, and return the least time that each prints for a cell.

    A script prints lines with ``N=100 ANP`` (or ``DANP``) and ``median=3.4`` microseconds.

    Parameters
    ----------
    folder : Path
        Of the scripts.
    sizes : list of int
        Hidden units.
    rows : list of dict
        Of ``time_steps``, for the ratio to the engine's run.

    Returns
    -------
    list of dict
        With the keys script, rule, n, us_per_step and ratio; or script and error, the last line that it printed.
    """
    runs = {(row["rule"], row["n"]): row["us_per_step"] for row in rows if row["implementation"] == "run"}
    found: list[dict[str, Any]] = []
    for script in scripts(folder):
        command = [sys.executable, str(script), *map(str, sizes)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        least: dict[tuple[str, int], float] = {}
        for n, rule, us in _LINE.findall(done.stdout):
            cell = rule.lower(), int(n)
            least[cell] = min(least.get(cell, float(us)), float(us))
        if not least:
            told = (done.stderr or done.stdout).strip().splitlines() or ["nothing"]
            found.append({"script": script.name, "error": told[-1]})
        found += [
            {"script": script.name, "rule": rule, "n": n, "us_per_step": us, "ratio": us / runs[rule, n]}
            for (rule, n), us in sorted(least.items())
            if (rule, n) in runs
        ]
    return found
