"""``sb-sma upstream``: branches of SpeechBrain that it could merge."""

import argparse
import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sb_sma.upstream.checkout import Checkout
    from sb_sma.upstream.contribution import Contribution
    from sb_sma.upstream.runner import Outcome

HELP = (
    "Make branches in a checkout of SpeechBrain that it could merge, and check "
    "them as SpeechBrain does. Nothing is pushed."
)
_ROW = "{:16} {:26} {:7} {:>7}  {}"
_REPOSITORY = Path(__file__).resolve().parents[2]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options.

    Arguments
    ---------
    parser : argparse.ArgumentParser
        Of this command.
    """
    parser.add_argument(
        "--speechbrain",
        type=Path,
        required=True,
        metavar="DIR",
        help="a clone of SpeechBrain's repository; its working tree stays as it is",
    )
    parser.add_argument(
        "--branch",
        metavar="NAME",
        help="only this branch of upstream/order.yaml, with those that it "
        "builds on where they are not there yet",
    )
    parser.add_argument(
        "--base",
        metavar="REF",
        help="the branch, tag or commit to start from; default: the branch "
        "that is checked out",
    )
    parser.add_argument(
        "--texts",
        type=Path,
        metavar="FOLDER",
        help="where to put the texts of the pull requests; default: "
        "sb-sma-upstream in the clone's .git",
    )
    parser.add_argument(
        "--remove",
        action="store_true",
        help="take away the branches that this command made",
    )


def run(arguments: argparse.Namespace) -> int:
    """Make the branches, or take them away.

    Arguments
    ---------
    arguments : argparse.Namespace
        What `add_arguments` declared.

    Returns
    -------
    status : int
        0 if all branches are there, or none if they were to be removed; else 1.

    Raises
    ------
    ValueError
        If the table or the checkout is not as it must be.
    """
    from sb_sma.hparams.names import closest_names
    from sb_sma.upstream.checkout import Checkout
    from sb_sma.upstream.contribution import Contribution
    from sb_sma.upstream.table import read_table

    checkout = Checkout(arguments.speechbrain.expanduser())
    name = arguments.branch
    if arguments.remove:
        return _remove(checkout, name)
    table = read_table(_REPOSITORY)
    if name is not None and name not in table:
        raise ValueError(
            f"--branch: upstream/order.yaml has no branch {name!r}. "
            f"{closest_names(name, table)}"
        )
    texts = arguments.texts and arguments.texts.expanduser()
    contribution = Contribution(
        _REPOSITORY, table, checkout, arguments.base, texts
    )
    with _leaving_nothing():
        return _make(contribution, name)


def _make(contribution: "Contribution", name: str | None) -> int:
    """Make branches, and print what becomes of them."""
    from sb_sma.upstream.contribution import ChecksFailed

    chosen = contribution.choose(name)
    print(_ROW.format("branch", "check", "result", "seconds", "").rstrip())
    for branch in chosen:
        try:
            made = contribution.make(branch, _print_outcome)
        except ChecksFailed as error:
            print(error)
            return 1
        print(
            f"{made.name}: {made.commit[:9]} "
            f"({'made' if made.is_new else 'unchanged'}), "
            f"{made.n_files} files, +{made.n_added} lines\n"
            f"    text of the pull request: {made.text}"
        )
    return 0


@contextlib.contextmanager
def _leaving_nothing() -> Iterator[None]:
    """Remove what is temporary also where the process is told to end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ends = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(end, lambda *_: sys.exit(1)) for end in ends]
    try:
        yield
    finally:
        for end, handler in zip(ends, before):
            signal.signal(end, handler)


def _remove(checkout: "Checkout", name: str | None) -> int:
    """Take branches away, and say which are kept."""
    from sb_sma.upstream.contribution import remove_branches

    removed, kept = remove_branches(checkout, name)
    for branch in removed:
        print(f"removed {branch}")
    for reason in kept:
        print(f"kept {reason}")
    if not removed + kept:
        print(f"this command made no branch {name or ''}".rstrip())
    return int(bool(kept))


def _print_outcome(branch: str, outcome: "Outcome") -> None:
    """Print a line of the table, and what a failed check said."""
    seconds = f"{outcome.seconds:.1f}"
    row = _ROW.format(
        branch, outcome.check, outcome.result, seconds, outcome.summary
    )
    print(row.rstrip(), flush=True)
    for line in outcome.details:
        print(f"    {line}")
