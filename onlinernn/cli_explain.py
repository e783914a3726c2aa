"""``onlinernn explain``: what a rule computes, what each synapse sees, what is kept, as measured on the rule."""

from __future__ import annotations

import argparse
import importlib
import inspect
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import onlinernn
from onlinernn.cli_output import UsageError, refusing


def add_parser(subparsers: Any) -> None:
    """Add the command.

    Parameters
    ----------
    subparsers
        Of the tool.
    """
    parser = subparsers.add_parser(
        "explain",
        help="show what a rule computes, which signals each synapse uses, and what is kept",
        description="Show the equation of a rule, the signals that a synapse sees with their reach and the layers that "
        "use them, and the memory per synapse and neuron, measured on the rule itself. Needs onlinernn[test].",
        allow_abbrev=False,
    )
    parser.add_argument("rule", metavar="RULE", help="a built-in one, as ANP, or one of yours, as module:Name")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace) -> int:
    """Explain a rule; in plain Python, where nothing has to be compiled.

    Parameters
    ----------
    args : Namespace
        As parsed.
    """
    if os.environ.get("NUMBA_DISABLE_JIT") != "1":
        environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
        again = [sys.executable, "-m", "onlinernn", "explain", args.rule]
        return subprocess.run(again, env=environment, check=False).returncode
    with refusing():
        part = _named(args.rule)()
    sys.stdout.write(explained(part) + "\n")
    return 0


def _named(rule: str) -> Any:
    module, _, name = rule.rpartition(":")
    if module:
        sys.path.insert(0, str(Path.cwd()))
    try:
        return getattr(importlib.import_module(module) if module else onlinernn, name)
    except (ImportError, AttributeError):
        raise UsageError(
            f"there is no rule {rule}; name a built-in one, as ANP, or one of yours as module:Name"
        ) from None


def explained(part: Any) -> str:
    """Return the equation, the signals and the memory of a part, for readers.

    Parameters
    ----------
    part
        A rule, readout rule or decorrelation.

    Raises
    ------
    UsageError
        If it is none of these, is not local as it declares, or if Hypothesis is missing.
    """
    try:
        from onlinernn.checks import check_locality
        from onlinernn.checks.hosts import parts_of
        from onlinernn.checks.memory import memory_table
    except ImportError as error:
        raise UsageError(str(error)) from None
    try:
        signals, memory = check_locality(part), memory_table(parts_of(part))[0]
    except (AssertionError, TypeError, ValueError, KeyError) as error:
        raise UsageError(" ".join(str(error).split())) from None
    equation = (inspect.getdoc(type(part)) or "").split("\n\n")[0]
    return "\n".join(
        [f"{part}", "", equation, "", "what a synapse sees", str(signals), "", "what is kept", str(memory)]
    )
