"""The command ``sb-sma``."""

import argparse
import difflib
import itertools
import os
import re
import sys
from collections.abc import Iterable

from sb_sma import __version__
from sb_sma.cli import (
    align,
    book,
    check,
    corpora,
    demo,
    evaluate,
    export,
    g2p,
    licences,
    render,
    serve,
    synthesize,
    upstream,
)
from sb_sma.cli.lines import tell_log

COMMANDS = {
    "align": align,
    "book": book,
    "check": check,
    "corpora": corpora,
    "demo": demo,
    "evaluate": evaluate,
    "export": export,
    "g2p": g2p,
    "licences": licences,
    "render": render,
    "serve": serve,
    "synthesize": synthesize,
    "upstream": upstream,
}
_DESCRIPTION = (
    "Speak and pronounce with trained models, here, on a page or over HTTP, "
    "evaluate them, align recordings with texts, check what models are trained "
    "on, and contribute to SpeechBrain. sb-sma COMMAND --help tells the options "
    "of a command."
)


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
        if `check` found a problem; 130 if the user interrupted it.
    """
    if argv is None:
        argv = sys.argv[1:]
    parser = argparse.ArgumentParser(prog="sb-sma", description=_DESCRIPTION)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        subparser = commands.add_parser(
            name,
            help=command.HELP,
            description=command.HELP,
            # --seed is another option than --seeds
            allow_abbrev=False,
        )
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    _refuse_mistyped(parser, commands.choices, argv)
    arguments = parser.parse_args(argv)
    try:
        with tell_log():
            status = arguments.run(arguments)
    except BrokenPipeError:
        # whoever read the output has seen enough; nor does a last flush speak
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("sb-sma: interrupted", file=sys.stderr)
        return 130
    except (ValueError, OSError, ImportError) as error:
        print(f"sb-sma: error: {error}", file=sys.stderr)
        return 1
    return status or 0


def _refuse_mistyped(
    parser: argparse.ArgumentParser,
    subparsers: dict[str, argparse.ArgumentParser],
    argv: list[str],
) -> None:
    """End with the usage and what is closest to a name that does not exist."""
    command = argv[0] if argv else "-"
    if command.startswith("-"):
        return
    if command not in subparsers:
        parser.error(
            f"COMMAND must be one of {', '.join(subparsers)}; got "
            f"{command!r}.{_closest(command, subparsers)}"
        )
    subparser = subparsers[command]
    known = re.findall(r"--\w+", subparser.format_help())
    for argument in itertools.takewhile("--".__ne__, argv[1:]):
        option = argument.partition("=")[0]
        # as argparse tells an option from a text
        if not option.startswith("--") or " " in argument:
            continue
        if option not in known:
            subparser.error(
                f"there is no option {option}.{_closest(option, known)}"
            )


def _closest(name: str, known: Iterable[str]) -> str:
    """Say what may have been meant."""
    matches = difflib.get_close_matches(name.lower(), sorted(set(known)))
    return f" Closest known names: {', '.join(matches)}." if matches else ""
