"""``onlinernn presets``: the hardware that has a name, and what one preset is made of."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from onlinernn.cli_output import refusing
from onlinernn.substrates import PRESETS, explain, named

_NEXT = (
    "onlinernn presets NAME                what one is made of, what to expect of it, and the sources of its numbers",
    "onlinernn run TASK --substrate NAME   learn on it, beside floating point and the frozen network on it",
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
        "given, what to expect, and the source of every number. `onlinernn run TASK --substrate NAME` learns on it.",
        allow_abbrev=False,
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="the preset to explain")
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
        If there is no preset of that name.
    """
    with refusing():
        lines = (
            [*(f"{one.name:<18}{one.what}" for one in PRESETS.values()), "", *_NEXT]
            if args.name is None
            else [explain(named(args.name))]
        )
    sys.stdout.write("\n".join(lines) + "\n")
    return 0
