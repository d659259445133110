"""``sb-sma corpora``: which corpora are kept, and which can go."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sb_sma.data.corpus.listing import StoredCorpus

HELP = "List the corpora that training runs have prepared, or remove some."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options.

    Arguments
    ---------
    parser : argparse.ArgumentParser
        Of this command.
    """
    parser.add_argument(
        "--corpus_folder",
        type=Path,
        default=Path("results", "corpus"),
        help="the folder of corpora, as training has it; default: "
        "results/corpus",
    )
    removed = parser.add_mutually_exclusive_group()
    removed.add_argument(
        "--remove",
        nargs="+",
        metavar="NAME",
        help="remove these, by name or path, unless a running process uses one of them",
    )
    removed.add_argument(
        "--remove_unused",
        action="store_true",
        help="remove all that no running process uses; a run that is started "
        "again prepares its own anew",
    )


def run(arguments: argparse.Namespace) -> None:
    """Print what there is, or what was removed.

    Arguments
    ---------
    arguments : argparse.Namespace
        What `add_arguments` declared.

    Raises
    ------
    ValueError
        If there is no such folder or corpus, or it must not be removed.
    """
    from sb_sma.data.corpus.listing import (
        list_corpora,
        remove_corpora,
        remove_unused,
    )

    root = arguments.corpus_folder.expanduser()
    if arguments.remove:
        removed = remove_corpora(root, arguments.remove)
    elif arguments.remove_unused:
        removed, kept = remove_unused(root)
        for corpus in kept:
            print(f"kept {_describe(corpus)}")
    else:
        corpora = list_corpora(root)
        for corpus in corpora:
            print(_describe(corpus))
        print(f"{_total(corpora)} in {root}")
        return
    for corpus in removed:
        print(f"removed {_describe(corpus)}")
    print(f"{_total(removed)} removed from {root}")


def _total(corpora: "list[StoredCorpus]") -> str:
    size = _shown_size(sum(corpus.size for corpus in corpora))
    return f"{len(corpora)} corpora, {size}"


def _describe(corpus: "StoredCorpus") -> str:
    """Return what is known of a corpus, in two lines."""
    used = time.strftime("%Y-%m-%d %H:%M", time.localtime(corpus.last_used))
    facts = [f"incomplete ({corpus.damage})"] if corpus.damage else []
    facts += [
        _shown_size(corpus.size),
        f"last used {used}" if corpus.is_finished else f"unfinished, {used}",
        corpus.obstacle or "not in use",
    ]
    about = ", ".join(f"{name} {what}" for name, what in corpus.about.items())
    return f"{corpus.folder.name}: {', '.join(facts)}" + (
        f"\n    {about}" if about else ""
    )


def _shown_size(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e7 else f"{size / 1e6:.2f} MB"
