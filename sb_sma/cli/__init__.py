"""The command ``sb-sma``."""

import argparse
import os
import sys

from sb_sma import __version__
from sb_sma.cli import check, corpora, g2p, render, synthesize

COMMANDS = {
    "check": check,
    "corpora": corpora,
    "g2p": g2p,
    "render": render,
    "synthesize": synthesize,
}


def main(argv: list[str] | None = None) -> int:
    """Run a command of the shell.

    Arguments
    ---------
    argv : list of str, optional
        Default: the command line.

    Returns
    -------
    status : int
        0 if all went well; 1 after an error, which is printed in one line, or
        if `check` found a problem.
    """
    parser = argparse.ArgumentParser(prog="sb-sma", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        subparser = commands.add_parser(
            name, help=command.HELP, description=command.HELP
        )
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    arguments = parser.parse_args(argv)
    try:
        status = arguments.run(arguments)
    except BrokenPipeError:
        # whoever read the output has seen enough; nor does a last flush speak
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, OSError, ImportError) as error:
        print(f"sb-sma: error: {error}", file=sys.stderr)
        return 1
    return status or 0
