"""Branches of SpeechBrain, one after the other: made, checked, committed."""

import functools
import textwrap
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sb_sma.upstream.changes import Changes
from sb_sma.upstream.checkout import Checkout
from sb_sma.upstream.checks import run_checks
from sb_sma.upstream.difference import Difference, changed_files
from sb_sma.upstream.pull_request import (
    describe_commands,
    describe_results,
    fill_template,
    read_template,
)
from sb_sma.upstream.rewriting import Rewriting, spelling_of
from sb_sma.upstream.runner import Outcome, find_missing_tools
from sb_sma.upstream.table import COMMANDS, RESULTS, Branch, branches_below

Report = Callable[[str, Outcome], None]


@dataclass(frozen=True)
class Made:
    """A branch that is there.

    Arguments
    ---------
    name : str
        Of the branch.
    commit : str
        Its last commit.
    is_new : bool
        Whether it was not so before.
    n_files : int
        How many files it changes.
    n_added : int
        How many lines it adds.
    text : Path
        What the pull request says.
    """

    name: str
    commit: str
    is_new: bool
    n_files: int
    n_added: int
    text: Path


class ChecksFailed(ValueError):
    """A branch was not made, because a check failed."""


class Contribution:
    """What makes the branches of a table in a checkout.

    Arguments
    ---------
    here : Path
        The root of this repository.
    table : mapping of str to Branch
        All branches.
    checkout : Checkout
        Where they are made.
    base : str, optional
        What they start from. Default: the branch that is checked out.
    texts : Path, optional
        Where texts of pull requests are put. Default: a folder of the
        checkout's git.

    Raises
    ------
    ValueError
        If the checkout is not ready, or a tool is missing.
    """

    def __init__(
        self,
        here: Path,
        table: Mapping[str, Branch],
        checkout: Checkout,
        base: str | None = None,
        texts: Path | None = None,
    ) -> None:
        missing = find_missing_tools()
        if missing:
            raise ValueError(
                f"{', '.join(missing)} must be installed for SpeechBrain's "
                "checks. Install the extra dev: pip install -e '.[dev]'."
            )
        checkout.check_ready()
        self.here = here
        self.table = table
        self.checkout = checkout
        self.texts = texts or checkout.texts_folder()
        if texts:
            self._make_folder(texts)
        self.base = base or checkout.current_branch()
        if base is None and self.base in table:
            raise ValueError(
                f"{checkout.root} has {self.base} checked out, a branch of "
                "this table. Check out another, such as git switch develop, "
                "or name what to build on by --base."
            )
        commit = checkout.commit_of(self.base)
        if commit is None:
            raise ValueError(
                f"--base: {checkout.root} has no branch, tag or commit "
                f"{self.base!r}."
            )
        self.base_commit = commit
        self.is_base_given = base is not None

    def _make_folder(self, texts: Path) -> None:
        """Make the folder of texts before they are written."""
        place = texts.resolve()
        if self.checkout.root in (place, *place.parents):
            raise ValueError(
                f"--texts: {texts} is in the working tree of "
                f"{self.checkout.root}, which stays as it is. Name a folder "
                "outside of it."
            )
        try:
            texts.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(
                f"--texts: there can be no folder {texts}: {error.strerror}."
            ) from error

    def choose(self, name: str | None) -> list[Branch]:
        """Say which branches are to be made.

        Arguments
        ---------
        name : str, optional
            One of them, which takes along what it builds on and is not there.
            Default: all.

        Returns
        -------
        branches : list of Branch
            In their order.

        Raises
        ------
        ValueError
            If one of them, or what it builds on, is there and is not this
            command's, or if what it builds on is there and has another base.
        """
        if name is None:
            chosen = list(self.table.values())
        else:
            chosen = branches_below(self.table, name)
        made = self.checkout.made_commits()
        tips = {each.name: self.checkout.tip(each.name) for each in chosen}
        others = [each for each in tips if each not in made and tips[each]]
        if others:
            raise ValueError(
                f"{self.checkout.root} has branches that this command did not "
                f"make: {', '.join(others)}. Rename or remove them: git branch "
                f"--move {others[0]} NAME."
            )
        if name is None:
            return chosen
        *below, branch = chosen
        chosen = [*(each for each in below if not tips[each.name]), branch]
        self._check_base(chosen[0])
        return chosen

    def _check_base(self, branch: Branch) -> None:
        """Make sure that a branch comes after the base that was given."""
        below = branch.builds_on
        if not below or not self.is_base_given:
            return
        tip = self.checkout.tip(below)
        if not self.checkout.is_below(self.base_commit, tip):
            raise ValueError(
                f"{branch.name} builds on {below}, which is there and does not "
                f"come after {self.base}. Leave --base out, or make {below} "
                f"anew: --branch {below} --base {self.base}."
            )

    def make(self, branch: Branch, report: Report) -> Made:
        """Make a branch, unless it is there as it would be made.

        Arguments
        ---------
        branch : Branch
            Which.
        report : callable
            Told of every check, with the name of the branch.

        Returns
        -------
        made : Made
            What is there now.

        Raises
        ------
        ChecksFailed
            If a check failed. The checkout is as before.
        ValueError
            If the branch does not fit the checkout, or somebody has added
            commits to it.
        """
        checkout = self.checkout
        made = checkout.made_commits().get(branch.name)
        tip = checkout.tip(branch.name)
        is_there = made and tip and checkout.is_below(made, tip)
        parent = self.base_commit
        base = self.base
        if branch.builds_on:
            base = branch.builds_on
            parent = checkout.tip(base)
        with checkout.worktree(parent) as tree:
            rewrite = Rewriting(
                branches_below(self.table, branch.name), spelling_of(tree)
            )
            year = self._year(made if is_there else None)
            author = f"{checkout.author_name()} {year}"
            changes = Changes(branch, self.here, tree, rewrite, author)
            changes.apply(checkout)
            files = list(dict.fromkeys(changes.files))
            checkout.git("add", "--force", "--", *files, folder=tree)
            planned = checkout.git("write-tree", folder=tree)
            said = rewrite(branch.pull_request)
            message = self._message(branch, said)
            is_new = not is_there or not self._is_same(
                made, planned, parent, message
            )
            if is_new and tip:
                self._check_free(branch.name, made, tip)
            difference = Difference(
                tree,
                changed_files(checkout, tree, parent, planned),
                base,
                f"{message}\n{said}",
            )
            results = describe_results(branch.results)
            template = read_template(tree)
            outcomes = []
            at_parent = functools.partial(checkout.worktree, parent)
            for outcome in run_checks(branch, difference, at_parent):
                report(branch.name, outcome)
                outcomes.append(outcome)
            failed = [each.check for each in outcomes if not each.passed]
            if failed:
                raise ChecksFailed(
                    f"{branch.name}: {', '.join(failed)} failed. "
                    + ("It stays as it was." if tip else "It was not made.")
                )
            where = f"{base} ({parent[:9]})"
            commands = describe_commands(where, outcomes)
            said = said.replace(RESULTS, results).replace(COMMANDS, commands)
            text = fill_template(template, said, branch.builds_on)
            if is_new:
                commit = checkout.git(
                    *("commit-tree", planned, "-p", parent), text=message
                )
                checkout.make_branch(branch.name, commit, tip)
                tip = commit
        self.texts.mkdir(parents=True, exist_ok=True)
        path = self.texts / f"{branch.name}.md"
        path.write_text(text, encoding="utf-8")
        return Made(
            branch.name,
            tip,
            is_new,
            len(difference.files),
            difference.n_added,
            path,
        )

    def _year(self, made: str | None) -> str:
        """Return when a branch was first written."""
        if made is None:
            return str(time.localtime().tm_year)
        options = ("--no-patch", "--format=%ad", "--date=format:%Y")
        return self.checkout.git("show", *options, made)

    def _message(self, branch: Branch, said: str) -> str:
        body = said.strip().split("\n\n", 1)[0]
        return f"{branch.title}\n\n{textwrap.fill(body, 72)}\n"

    def _is_same(self, made: str, tree: str, parent: str, message: str) -> bool:
        found = self.checkout.git(
            "show", "--no-patch", "--format=%T %P%n%B", made
        )
        return found.rstrip() == f"{tree} {parent}\n{message}".rstrip()

    def _check_free(self, name: str, made: str | None, tip: str) -> None:
        if tip != made:
            raise ValueError(
                f"{name} would be made anew, but has commits that this command "
                f"did not make ({tip[:9]}). Rename it, to keep them: git "
                f"branch --move {name} NAME."
            )
        place = self.checkout.places().get(name)
        if place is not None:
            raise ValueError(
                f"{name} would be made anew, but is checked out in {place}. "
                "Check out another branch there."
            )


def remove_branches(
    checkout: Checkout, name: str | None
) -> tuple[list[str], list[str]]:
    """Take away the branches that this command made.

    Arguments
    ---------
    checkout : Checkout
        Where.
    name : str, optional
        One of them. Default: all.

    Returns
    -------
    removed : list of str
        Their names.
    kept : list of str
        Names of those that somebody has added commits to, or has checked out,
        and why.
    """
    removed: list[str] = []
    kept: list[str] = []
    places, texts = checkout.places(), checkout.texts_folder()
    for branch, commit in checkout.made_commits().items():
        if name not in (None, branch):
            continue
        tip = checkout.tip(branch)
        if tip is None:
            checkout.forget(branch)
        elif tip != commit:
            kept.append(
                f"{branch}: it has commits that this command did not make"
            )
        elif branch in places:
            kept.append(f"{branch}: it is checked out in {places[branch]}")
        else:
            checkout.remove_branch(branch)
            removed.append(branch)
        if checkout.tip(branch) is None:
            (texts / f"{branch}.md").unlink(missing_ok=True)
    if texts.is_dir() and not any(texts.iterdir()):
        texts.rmdir()
    return removed, kept
