"""``onlinernn new``: write the starting file of a part, and its test."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from onlinernn.checkpoint import write_atomically
from onlinernn.cli_output import UsageError, refusing
from onlinernn.templates import KINDS, written


def add_parser(subparsers: Any) -> None:
    """Add the command.

    Parameters
    ----------
    subparsers
        Of the tool.
    """
    parser = subparsers.add_parser(
        "new",
        help="write the starting file of a rule, cell, hardware effect or task of your own, and its test",
        description="Write NAME's file, which works as it is, and a test that runs the checks on it. "
        "What each line means is told in docs/extending.md.",
        allow_abbrev=False,
    )
    parser.add_argument("kind", choices=tuple(KINDS), metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("name", metavar="NAME", help="of the class, as SignNP")
    parser.add_argument("--folder", type=Path, default=Path(), help="where to write (default: here)")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace) -> int:
    """Write the two files, unless one of them is there.

    Parameters
    ----------
    args : Namespace
        As parsed.
    """
    with refusing():
        files = written(args.kind, args.name)
    if not args.folder.is_dir():
        raise UsageError(f"there is no folder {args.folder}")
    for name in files:
        if (args.folder / name).exists():
            raise UsageError(f"{args.folder / name} is there already; choose another name, or another --folder")
    for name, text in files.items():
        write_atomically(args.folder / name, text.encode())
    module, test = files
    shown = args.folder / test
    sys.stdout.write(f"written: {args.folder / module}, {shown}\ncheck it: python -m pytest {shown}\n")
    return 0
