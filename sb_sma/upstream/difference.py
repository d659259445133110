"""What a branch adds, as its checks look at it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sb_sma.upstream.checkout import Checkout


@dataclass(frozen=True)
class ChangedFile:
    """A file, before and after.

    Arguments
    ---------
    path : str
        From the root of the repository.
    before : str
        Its text; empty where there was none.
    after : str
        Its text; empty where there is none, as of a link.
    added : sequence of str
        Its new lines.
    """

    path: str
    before: str
    after: str
    added: Sequence[str]


@dataclass(frozen=True)
class Difference:
    """Everything that a branch changes.

    Arguments
    ---------
    root : Path
        A working tree that has the branch.
    files : sequence of ChangedFile
        What is another than before.
    base : str
        What it was before, by the name of a branch, a tag or a commit.
    message : str
        Of its commit, and what its pull request says.
    """

    root: Path
    files: Sequence[ChangedFile]
    base: str = ""
    message: str = ""

    @property
    def n_added(self) -> int:
        """The number of new lines."""
        return sum(len(file.added) for file in self.files)

    @property
    def modules(self) -> Sequence[ChangedFile]:
        """The files of Python."""
        return [
            file
            for file in self.files
            if file.path.endswith(".py") and file.after
        ]

    def paths(self, pattern: str, only_new: bool = False) -> list[str]:
        """List files by where they are.

        Arguments
        ---------
        pattern : str
            A regular expression for the beginning of a path.
        only_new : bool
            Whether files that were there before are left out.

        Returns
        -------
        paths : list of str
            Those of changed files that hold a text.
        """
        return [
            file.path
            for file in self.files
            if re.match(pattern, file.path)
            and file.after
            and not (only_new and file.before)
        ]


def changed_files(
    checkout: Checkout, root: Path, before: str, after: str
) -> Sequence[ChangedFile]:
    """Compare two states of a repository.

    Arguments
    ---------
    checkout : Checkout
        Whose git compares.
    root : Path
        A working tree that has the later one.
    before : str
        A commit or a tree.
    after : str
        Another.

    Returns
    -------
    files : sequence of ChangedFile
        What is another in the later one.
    """
    files = []
    options = ("diff", "--no-renames", "--no-color", "--no-ext-diff")
    names = checkout.git(*options, "--name-only", "-z", before, after)
    for path in filter(None, names.split("\0")):
        lines = checkout.git(
            *(*options, "--unified=0", before, after, "--", path)
        ).split("\n")
        # the head of a file, with its own + and -, ends at the first hunk
        while lines and not lines[0].startswith("@@"):
            lines.pop(0)
        added = [line[1:] for line in lines if line.startswith("+")]
        there = root / path
        is_text = there.is_file() and not there.is_symlink()
        text = there.read_bytes().decode("utf-8", "replace") if is_text else ""
        existed = checkout.git("ls-tree", "--full-tree", before, "--", path)
        blob = ("cat-file", "blob", f"{before}:{path}")
        old = checkout.git(*blob, is_exact=True) if existed else ""
        files.append(ChangedFile(path, old, text, added))
    return files
