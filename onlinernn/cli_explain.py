"""``onlinernn explain``: what a rule computes, what each synapse sees, what is kept and done, as measured."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import onlinernn
from onlinernn.cli_output import UsageError, refusing
from onlinernn.substrate_file import find


def add_parser(subparsers: Any) -> None:
    """Add the command.

    Parameters
    ----------
    subparsers
        Of the tool.
    """
    parser = subparsers.add_parser(
        "explain",
        help="show what a rule computes, which signals each synapse uses, what is kept and done, and where it fits",
        description="Show the equation of a rule, the signals that a synapse sees with their reach and the layers that "
        "use them, the memory per synapse and neuron and the operations of a step, measured on the rule itself; with "
        "--preset whether each fits a hardware preset, and why. Needs onlinernn[test].",
        allow_abbrev=False,
    )
    parser.add_argument(
        "rule",
        metavar="RULE",
        nargs="?",
        help="a built-in one, as ANP, or one of yours, as FILE.py:Name or module:Name",
    )
    parser.add_argument("--preset", metavar="NAME", help="say what fits this preset (see: onlinernn presets)")
    parser.add_argument("--docs", metavar="FILE", type=Path, help="write the page on all rules that ship, and stop")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace) -> int:
    """Explain a rule; in plain Python, where nothing has to be compiled.

    Parameters
    ----------
    args : Namespace
        As parsed.

    Raises
    ------
    UsageError
        If there is no such rule or preset, or the rule is not what it declares.
    """
    if (args.rule is None) == (args.docs is None):
        raise UsageError("name a rule, as in: onlinernn explain ANP; or a page to write: --docs FILE")
    with refusing():
        preset = None if args.preset is None else find(args.preset)
    if os.environ.get("NUMBA_DISABLE_JIT") != "1":
        environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
        asked = [] if args.rule is None else [args.rule]
        asked += [] if args.preset is None else ["--preset", args.preset]
        asked += [] if args.docs is None else ["--docs", str(args.docs)]
        again = [sys.executable, "-m", "onlinernn", "explain", *asked]
        return subprocess.run(again, env=environment, check=False).returncode
    try:
        from onlinernn.explained import explained, page
    except ImportError as error:
        raise UsageError(str(error)) from None
    try:
        if args.docs is not None:
            _write(args.docs, page())
            return 0
        told = explained(_named(args.rule)(), preset)
    except (AssertionError, TypeError, ValueError, KeyError) as error:
        raise UsageError(" ".join(str(error).split())) from None
    sys.stdout.write(told + "\n")
    return 0


def _write(path: Path, text: str) -> None:
    title = text.splitlines()[0]
    if path.exists() and not path.read_text(encoding="utf-8").startswith(title):
        raise UsageError(f"{path} is there already, and is no page that this command wrote; name another file")
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
    sys.stdout.write(f"written: {path}\n")


def _named(rule: str) -> Any:
    module, _, name = rule.rpartition(":")
    try:
        if module.endswith(".py"):
            return getattr(_loaded(Path(module)), name)
        if module:
            sys.path.insert(0, str(Path.cwd()))
        return getattr(importlib.import_module(module) if module else onlinernn, name)
    except (ImportError, AttributeError):
        raise UsageError(
            f"there is no rule {rule}; name a built-in one, as ANP, or one of yours as FILE.py:Name or module:Name"
        ) from None


def _loaded(file: Path) -> Any:
    """Return the module that stands in a file, which need not be in the folder one is in."""
    found = importlib.util.spec_from_file_location(file.stem, file)
    if found is None or found.loader is None or not file.is_file():
        raise UsageError(f"there is no file {file}")
    module = importlib.util.module_from_spec(found)
    sys.path.insert(0, str(file.resolve().parent))  # for what it imports
    sys.modules[file.stem] = module
    try:
        found.loader.exec_module(module)
    except SyntaxError as error:
        raise UsageError(f"{file}, line {error.lineno}: {error.msg}") from None
    return module
