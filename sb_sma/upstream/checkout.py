"""A checkout of SpeechBrain, looked at and given branches, by ``git``."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

# what says that a commit is this command's: kept in the checkout's own
# settings, which no push takes along
_SECTION = "sb-sma-upstream"
_NO_COMMIT = "0" * 40
# files that every version of SpeechBrain has
_KNOWN_FILES = ("speechbrain/core.py", "tests/utils/recipe_tests.py")


class Checkout:
    """A clone of SpeechBrain's repository, whose working tree stays as it is.

    Arguments
    ---------
    folder : Path
        The clone, or a folder in it.

    Raises
    ------
    ValueError
        If it is no clone of SpeechBrain, or not ready: without a branch that is
        checked out, with work that is not committed, or without an identity.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ValueError(
                f"--speechbrain: there is no folder {folder}. Give a clone of "
                "SpeechBrain's repository."
            )
        self.root = folder
        try:
            self.root = Path(self.git("rev-parse", "--show-toplevel"))
        except ValueError as error:
            raise ValueError(
                f"--speechbrain: {folder} is no checkout of a git repository "
                f"({_last_line(error)}). Give a clone of SpeechBrain's "
                "repository."
            ) from error
        missing = [n for n in _KNOWN_FILES if not (self.root / n).is_file()]
        if missing:
            raise ValueError(
                f"--speechbrain: {self.root} is no checkout of SpeechBrain: it "
                f"has no {missing[0]}."
            )

    def git(
        self,
        *arguments: str,
        folder: Path | None = None,
        text: str | None = None,
        is_exact: bool = False,
    ) -> str:
        """Run a command of git.

        Arguments
        ---------
        *arguments : str
            The command.
        folder : Path, optional
            Where. Default: the root.
        text : str, optional
            What it reads.
        is_exact : bool
            Whether the last end of line is wanted.

        Returns
        -------
        output : str
            What it printed.

        Raises
        ------
        ValueError
            If it fails.
        """
        # no hooks of the user's, and no repository but the one that is named
        command = ["git", "-c", "core.hooksPath=/dev/null", *arguments]
        try:
            done = subprocess.run(
                command,
                cwd=folder or self.root,
                env=without_git(os.environ),
                input=(text or "").encode(),
                capture_output=True,
            )
        except FileNotFoundError as error:
            raise ValueError("git is not installed. Install it.") from error
        # bytes, so that no end of line is changed
        output, told = (
            stream.decode("utf-8", "surrogateescape")
            for stream in (done.stdout, done.stderr)
        )
        if done.returncode:
            raise ValueError(
                f"git {' '.join(arguments)} failed in {folder or self.root}: "
                f"{told.strip()}"
            )
        return output if is_exact else output.removesuffix("\n")

    def check_ready(self) -> None:
        """Make sure that branches can be made.

        Raises
        ------
        ValueError
            If no branch is checked out, if there is work that is not
            committed, or if git does not know who commits.
        """
        if not self.current_branch():
            raise ValueError(
                f"{self.root} has a detached HEAD. Check out a branch, such as "
                "git switch develop, and name what to build on by --base."
            )
        changes = self.git("status", "--porcelain").splitlines()
        if changes:
            shown = ", ".join(line[3:] for line in changes[:3])
            more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
            raise ValueError(
                f"{self.root} has work that is not committed: {shown}{more}. "
                "Commit it, or put it aside with git stash -u."
            )
        self.author_name()

    def current_branch(self) -> str:
        """Return the branch that is checked out, or an empty text.

        Returns
        -------
        name : str
            Of the branch.
        """
        return self.git("branch", "--show-current")

    def author_name(self) -> str:
        """Return who commits.

        Returns
        -------
        name : str
            As the checkout's settings have it.

        Raises
        ------
        ValueError
            If nothing says it.
        """
        ident = ("-c", "user.useConfigOnly=true", "var")
        try:
            self.git(*ident, "GIT_COMMITTER_IDENT")
            return self.git(*ident, "GIT_AUTHOR_IDENT").partition(" <")[0]
        except ValueError as error:
            raise ValueError(
                f"git does not know who commits in {self.root}. Tell it: git "
                "config user.name 'Your Name' and git config user.email "
                "you@example.org."
            ) from error

    def commit_of(self, name: str) -> str | None:
        """Find the commit that a name stands for.

        Arguments
        ---------
        name : str
            A branch, a tag, or anything else that git knows.

        Returns
        -------
        commit : str or None
            None if there is no such name.
        """
        try:
            return self.git(
                *"rev-parse --verify --quiet --end-of-options".split(),
                f"{name}^{{commit}}",
            )
        except ValueError:
            return None

    def tip(self, branch: str) -> str | None:
        """Find the last commit of a branch.

        Arguments
        ---------
        branch : str
            Its name.

        Returns
        -------
        commit : str or None
            None if there is no such branch.
        """
        return self.commit_of(f"refs/heads/{branch}")

    def places(self) -> dict[str, str]:
        """Find where which branches are checked out.

        Returns
        -------
        places : dict of str to str
            Folder by branch.
        """
        places, folder = {}, ""
        for line in self.git("worktree", "list", "--porcelain").splitlines():
            word, _, rest = line.partition(" ")
            if word == "worktree":
                folder = rest
            elif word == "branch":
                places[rest.removeprefix("refs/heads/")] = folder
        return places

    def made_commits(self) -> dict[str, str]:
        """List what this command made.

        Returns
        -------
        commits : dict of str to str
            By name of the branch.
        """
        prefix = f"{_SECTION}."
        pattern = rf"^{_SECTION}\..*\.commit$"
        try:
            found = self.git("config", "--get-regexp", pattern)
        except ValueError:
            return {}
        pairs = (line.split(" ", 1) for line in found.splitlines())
        return {
            key.removeprefix(prefix).removesuffix(".commit"): commit
            for key, commit in pairs
        }

    def make_branch(self, name: str, commit: str, tip: str | None) -> None:
        """Point a branch to a commit, and remember that this command did.

        Arguments
        ---------
        name : str
            Of the branch.
        commit : str
            What it points to.
        tip : str, optional
            What it pointed to when it was looked at; None if there was none.

        Raises
        ------
        ValueError
            If it has come to point to something else, which is kept.
        """
        # remembered first: what is not there is forgotten at the next look
        before = self.made_commits().get(name)
        self.git("config", f"{_SECTION}.{name}.commit", commit)
        reference = f"refs/heads/{name}"
        try:
            self.git("update-ref", reference, commit, tip or _NO_COMMIT)
        except ValueError:
            if before is None:
                self.forget(name)
            else:
                self.git("config", f"{_SECTION}.{name}.commit", before)
            raise

    def remove_branch(self, name: str) -> None:
        """Take a branch away.

        Arguments
        ---------
        name : str
            Of the branch.
        """
        self.git("branch", "--quiet", "--delete", "--force", name)
        self.forget(name)

    def forget(self, name: str) -> None:
        """Forget that this command made a branch.

        Arguments
        ---------
        name : str
            Of the branch.
        """
        self.git("config", "--remove-section", f"{_SECTION}.{name}")

    def texts_folder(self) -> Path:
        """Return where texts of pull requests are put, outside of commits.

        Returns
        -------
        folder : Path
            In the folder of git.
        """
        common = self.git("rev-parse", "--git-common-dir")
        return (self.root / common / _SECTION).resolve()

    def is_below(self, commit: str, tip: str) -> bool:
        """Say whether a commit is another, or comes before it.

        Arguments
        ---------
        commit : str
            The one.
        tip : str
            The other.

        Returns
        -------
        is_below : bool
            Whether it is.
        """
        try:
            self.git("merge-base", "--is-ancestor", commit, tip)
        except ValueError:
            return False
        return True

    @contextlib.contextmanager
    def worktree(self, commit: str) -> Iterator[Path]:
        """Check a commit out into a folder that is removed in the end.

        Arguments
        ---------
        commit : str
            What is checked out.

        Returns
        -------
        folder : context manager of Path
            The folder.
        """
        with tempfile.TemporaryDirectory(prefix="speechbrain-") as scratch:
            folder = Path(scratch).resolve() / "speechbrain"
            self.git("worktree", "add", "--detach", str(folder), commit)
            try:
                yield folder
            finally:
                self.git("worktree", "remove", "--force", str(folder))


def without_git(environment: dict[str, str]) -> dict[str, str]:
    """Leave out what leads git to another repository, and its language.

    Arguments
    ---------
    environment : dict of str to str
        Such as that of this process.

    Returns
    -------
    environment : dict of str to str
        Without ``GIT_DIR`` and the like, as a hook sets them.
    """
    kept = {
        name: value
        for name, value in environment.items()
        if name not in _LEAD_ELSEWHERE
    }
    return {**kept, "LC_ALL": "C.UTF-8"}


_LEAD_ELSEWHERE = (
    "GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_PREFIX "
    "GIT_COMMON_DIR GIT_NAMESPACE"
).split()


def _last_line(error: Exception) -> str:
    return str(error).splitlines()[-1]
