"""``onlinernn presets``: the hardware that has a name, and what one preset is made of."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from onlinernn.cli_output import UsageError, check_writable, refusing
from onlinernn.substrate_file import find, write
from onlinernn.substrates import PRESETS, explain

_NEXT = (
    "onlinernn presets NAME                what one is made of, what to expect of it, and the sources of its numbers",
    "onlinernn run TASK --substrate NAME   learn on it, beside floating point and the frozen network on it",
    "onlinernn presets NAME --write FILE   write it to FILE.json, to change it into hardware of your own; a NAME that",
    "                                      ends in .json is such a file",
)


def add_parser(subparsers: Any) -> None:
    """Declare the command.

    Parameters
    ----------
    subparsers
        Of the tool's parser.
    """
    parser = subparsers.add_parser(
        "presets",
        help="list the hardware presets, or explain one",
        description="List the substrates that have a name, or explain one: its chains, what a learner on it is "
        "given, what to expect, and the source of every number. `onlinernn run TASK --substrate NAME` learns on it. "
        "Hardware of your own is a file: --write gives one to start from, and its name stands wherever NAME does.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="the preset to explain, or a file NAME.json of your own"
    )
    parser.add_argument("--write", metavar="FILE", help="write the preset to this file, whose name ends in .json")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace) -> int:
    """Run the command and return its exit code.

    Parameters
    ----------
    args : Namespace
        As parsed.

    Raises
    ------
    UsageError
        If there is no preset of that name, or its file cannot be used or written.
    """
    with refusing():
        if args.name is None:
            if args.write is not None:
                raise UsageError("--write needs a preset, as in: onlinernn presets int8 --write my_chip.json")
            lines = [*(f"{one.name:<18}{one.what}" for one in PRESETS.values()), "", *_NEXT]
        else:
            lines = [explain(find(args.name))]
            if args.write is not None:
                check_writable(Path(args.write))
                write(args.write, find(args.name))
                lines = [f"written: {args.write}; learn on it with: onlinernn run --substrate {args.write}"]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0
