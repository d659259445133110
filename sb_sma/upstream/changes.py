"""A branch's files, put into a working tree of SpeechBrain."""

import csv
import io
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from sb_sma.upstream.checkout import Checkout
from sb_sma.upstream.rewriting import add_author, append_definitions
from sb_sma.upstream.table import NEW_COLUMNS, Branch, Section


class Changes:
    """What a branch does to a working tree.

    Arguments
    ---------
    branch : Branch
        The branch.
    here : Path
        The root of this repository.
    tree : Path
        The root of a working tree of SpeechBrain, which is changed.
    rewrite : callable
        From a text here to a text there.
    author : str
        Name and year, for new modules.

    Attributes
    ----------
    files : list of str
        What was written, in the order of writing.

    Raises
    ------
    ValueError
        If the working tree does not have what is changed, or has what is new.
    """

    def __init__(
        self,
        branch: Branch,
        here: Path,
        tree: Path,
        rewrite: Callable[[str], str],
        author: str,
    ) -> None:
        self.branch = branch
        self.here = here
        self.tree = tree
        self.rewrite = rewrite
        self.author = author
        self.files: list[str] = []

    def apply(self, checkout: Checkout) -> None:
        """Write everything.

        Arguments
        ---------
        checkout : Checkout
            Whose git applies the patches.
        """
        branch = self.branch
        for here, there in branch.copies.items():
            self._write(there, self._copied(here, there), is_new=True)
        for there, target in branch.links.items():
            self._link(there, target)
        for here, there in branch.appends.items():
            self._append(here, there)
        for patch in branch.patches:
            self._patch(patch, checkout)
        for section in branch.sections:
            self._insert(section)
        for file, rows in branch.rows.items():
            for row in rows:
                self._add_row(file, row)
        self._tidy()

    def _copied(self, here: str, there: str) -> str:
        text = self.rewrite(self._read_here(self.here / here))
        return self._with_author(there, text)

    def _with_author(self, there: str, text: str) -> str:
        if not there.endswith(".py"):
            return text
        try:
            return add_author(text, self.author)
        except SyntaxError as error:
            raise ValueError(
                f"{self._name}: what would be {there} is not valid Python: "
                f"{error}"
            ) from error

    def _append(self, here: str, there: str) -> None:
        target = self._read(there)
        source = self.rewrite(self._read_here(self.here / here))
        try:
            text = append_definitions(target, source)
        except (SyntaxError, ValueError) as error:
            raise ValueError(
                f"{self._name}: {here} cannot be appended to {there}: {error}"
            ) from error
        self._write(there, text)

    def _link(self, there: str, target: str) -> None:
        path = self._new(there)
        os.symlink(target, path)
        if not path.exists():
            raise ValueError(
                f"{self._name}: the link {there} leads to {target}, which "
                "SpeechBrain does not have."
            )
        self.files.append(there)

    def _patch(self, patch: Path, checkout: Checkout) -> None:
        text = self.rewrite(self._read_here(patch))

        def apply(*options: str) -> str:
            """Apply the patch with options of git."""
            command = ("apply", "--whitespace=nowarn", *options, "-")
            return checkout.git(*command, folder=self.tree, text=text)

        try:
            numbers = apply("--numstat", "-z").split("\0")
            files = [line.split("\t")[2] for line in numbers if line]
            new = [file for file in files if not self._is_there(file)]
            apply()
        except ValueError as error:
            reason = str(error).partition(": ")[2]
            raise ValueError(
                f"{self._name}: {patch.name} does not fit: {reason}"
            ) from error
        self.files += files
        for file in filter(self._is_there, new):
            self._write(file, self._with_author(file, self._read(file)))

    def _insert(self, section: Section) -> None:
        lines = self._read(section.file).splitlines()
        places = [
            index
            for index, line in enumerate(lines)
            if line.rstrip() == section.before.rstrip()
        ]
        if len(places) != 1:
            raise ValueError(
                f"{self._name}: {section.file} must have the line "
                f"{section.before!r} once; it has it {len(places)} times."
            )
        text = self.rewrite(self._read_here(section.text)).strip().splitlines()
        lines[places[0] : places[0]] = [*text, ""]
        self._write(section.file, "\n".join(lines) + "\n")

    def _add_row(self, file: str, row: Mapping[str, str]) -> None:
        if not self._is_there(file):
            self._write(file, ",".join(NEW_COLUMNS) + "\n", is_new=True)
        text = self._read(file)
        columns = csv.DictReader(text.splitlines(), skipinitialspace=True)
        lines = io.StringIO()
        writer = csv.DictWriter(
            lines,
            columns.fieldnames or (),
            extrasaction="ignore",
            lineterminator="\n",
        )
        writer.writerow({key: self.rewrite(row[key]) for key in row})
        self._write(file, text.removesuffix("\n") + "\n" + lines.getvalue())

    def _tidy(self) -> None:
        """Let the linter repair and format, by the checkout's settings."""
        files = [file for file in self.python_files() if self._is_there(file)]
        for command in (["check", "--fix", "--exit-zero"], ["format"]):
            if files:
                subprocess.run(
                    [
                        *(sys.executable, "-m", "ruff", *command),
                        *("--no-cache", "--quiet", *files),
                    ],
                    cwd=self.tree,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    # what cannot be parsed fails the checks
                    stderr=subprocess.DEVNULL,
                )

    def python_files(self) -> list[str]:
        """List the modules among the files.

        Returns
        -------
        files : list of str
            Without links.
        """
        return [
            file
            for file in dict.fromkeys(self.files)
            if file.endswith(".py") and not (self.tree / file).is_symlink()
        ]

    @property
    def _name(self) -> str:
        return f"upstream/{self.branch.name}"

    def _is_there(self, file: str) -> bool:
        return (self.tree / file).is_file()

    def _read(self, file: str) -> str:
        path = self.tree / file
        if not path.is_file():
            raise ValueError(
                f"{self._name}: {file} is to be changed, but SpeechBrain has "
                "no such file."
            )
        return path.read_text(encoding="utf-8")

    def _read_here(self, path: Path) -> str:
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} is no text in UTF-8: {error}") from error

    def _new(self, file: str) -> Path:
        path = self.tree / file
        if path.exists() or path.is_symlink():
            raise ValueError(
                f"{self._name}: {file} is to be new, but SpeechBrain has it "
                "already. Change it by a patch, or append to it."
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _write(self, file: str, text: str, is_new: bool = False) -> None:
        path = self._new(file) if is_new else self.tree / file
        path.write_text(text, encoding="utf-8")
        self.files.append(file)
