"""The command-line tool. A subcommand is a module with ``add_parser(subparsers)`` and ``main(args) -> exit code``.

Exit codes: 0 done, 1 done but the result is a failure, 2 what was asked cannot be done, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from onlinernn import (
    __version__,
    cli_bench,
    cli_compare,
    cli_explain,
    cli_new,
    cli_presets,
    cli_reproduce,
    cli_results,
    cli_run,
    cli_warmup,
)
from onlinernn.cli_output import UsageError

COMMANDS = (
    *(cli_run, cli_compare, cli_bench, cli_warmup),
    *(cli_presets, cli_new, cli_explain, cli_reproduce, cli_results),
)


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, told by ``main``."""

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments.

        Parameters
        ----------
        message : str
            Why.
        """
        raise UsageError(f"{message} (see {self.prog} --help)")


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = _Parser(
        prog="onlinernn",
        description="Recurrent networks that learn online, by perturbation, one sample at a time.",
        epilog="Each command explains itself: onlinernn run --help",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"onlinernn {__version__}")
    subparsers = top.add_subparsers(title="commands", metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(subparsers)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process by default.
    """
    try:
        top = parser()
        args = top.parse_args(argv)
        if not hasattr(args, "main"):
            top.print_help()
            return 0
        code: int = args.main(args)
        return code
    except UsageError as error:
        print(f"onlinernn: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print(f"onlinernn: stopped; {str(stop) or 'nothing was written'}", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
