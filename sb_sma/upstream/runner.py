"""Commands, run as SpeechBrain's contributors run them, and what they said."""

import contextlib
import dataclasses
import functools
import importlib.util
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sb_sma.upstream.regressions import find_broken, results_of
from sb_sma.upstream.sandbox import Sandbox

TOOLS = {
    "ruff": "ruff",
    "yamllint": "yamllint",
    "codespell": "codespell_lib",
    "pytest": "pytest",
}
# those that import SpeechBrain run in a sandbox
_SANDBOXED = ("pytest", "python")
_QUIET = {
    "RUFF_NO_CACHE": "true",
    "PYTEST_ADDOPTS": "-q -rfEp -p no:cacheprovider"
    " --continue-on-collection-errors",
}
_MAX_SECONDS = 1800.0
_SHOWN_LINES = 20
_GOOD_LINES = ("Checking ", "PASSED ", "WARNING: potential inconsistency ")
# pytest's status where there is no test
_NO_TESTS = 5

BaseTree = Callable[[], contextlib.AbstractContextManager[Path]]


@dataclass(frozen=True)
class Outcome:
    """What became of a check.

    Arguments
    ---------
    check : str
        Its name.
    passed : bool
        Whether nothing is wrong.
    seconds : float
        How long it took.
    summary : str
        What it said, in a line.
    details : sequence of str
        The last lines of what it said, where it failed.
    command : str
        What was run; empty where nothing was.
    is_skipped : bool
        Whether nothing is wrong because nothing could be tested.
    """

    check: str
    passed: bool
    seconds: float = 0.0
    summary: str = ""
    details: Sequence[str] = ()
    command: str = ""
    is_skipped: bool = False

    @property
    def result(self) -> str:
        """What became of it, in a word."""
        if not self.passed:
            return "FAILED"
        return "skipped" if self.is_skipped else "passed"


@dataclass(frozen=True)
class Command:
    """A check that is a command, as a contributor writes it.

    Arguments
    ---------
    check : str
        Its name.
    words : sequence of str
        The command.
    files : sequence of str
        Changed files that it looks at.
    pattern : str
        How git finds these.
    is_bare : bool
        Whether it runs without packages that SpeechBrain does not require.
    logs : str
        Files whose ends are told where it fails.
    is_compared : bool
        Whether tests that fail without the branch, too, are no fault of it.
    may_be_empty : bool
        Whether there may be no tests.
    is_told : bool
        Whether the pull request names it.
    """

    check: str
    words: Sequence[str]
    files: Sequence[str] = ()
    pattern: str = ""
    is_bare: bool = True
    logs: str = ""
    is_compared: bool = False
    may_be_empty: bool = False
    is_told: bool = True

    def shown(self, base: str) -> str:
        """Return what a contributor would type.

        Arguments
        ---------
        base : str
            What the branch is compared with.

        Returns
        -------
        command : str
            For a shell; empty if the pull request does not name it.

        Example
        -------
        >>> files = ["a.py", "b.py"]
        >>> Command("lint", ["ruff", "check"], files, "*.py").shown("develop")
        "ruff check $(git diff --name-only develop -- '*.py')"
        """
        command = shlex.join(self.words)
        if self.files:
            patterns = "".join(f" '{each}'" for each in self.pattern.split())
            patterns = patterns and f" --{patterns}"
            command += f" $(git diff --name-only {base}{patterns})"
        return command if self.is_told else ""


def find_missing_tools() -> list[str]:
    """List programs that the checks need and that are not installed.

    Returns
    -------
    names : list of str
        For example ruff.
    """
    return [
        name
        for name, module in TOOLS.items()
        if importlib.util.find_spec(module) is None
    ]


class Runner(contextlib.ExitStack):
    """Runs commands in sandboxes, which are made when they are needed.

    Arguments
    ---------
    root : Path
        A working tree that has the branch.
    base : str
        What the branch is compared with.
    base_tree : callable
        Gives a working tree without the branch, as a context.
    """

    def __init__(self, root: Path, base: str, base_tree: BaseTree) -> None:
        super().__init__()
        self.root = root
        self.base = base
        self.base_tree = functools.cache(
            lambda: self.enter_context(base_tree())
        )
        self.sandbox = functools.cache(self._make_sandbox)

    def _make_sandbox(self, root: Path, is_bare: bool) -> Sandbox:
        scratch = tempfile.TemporaryDirectory(prefix="checks-")
        return Sandbox(Path(self.enter_context(scratch)), root, is_bare)

    def run(self, command: Command) -> Outcome:
        """Run a check.

        Arguments
        ---------
        command : Command
            The check.

        Returns
        -------
        outcome : Outcome
            What became of it.
        """
        started = time.monotonic()
        passed, output = self._output_of(command, self.root)
        if command.words[0] == "git":
            passed = passed and not output
        summary, any_passed = "", True
        if command.words[0] == "pytest":
            summary = output.rstrip().rpartition("\n")[2].strip("= ")
            any_passed = any(results_of(output).values())
        if not passed and command.is_compared:
            excused = self._excused(command, output)
            if excused and not any_passed and command.is_bare:
                # they may need what SpeechBrain does not require
                return self.run(
                    dataclasses.replace(
                        command,
                        check=f"{command.check} (optional)",
                        is_bare=False,
                    )
                )
            if excused:
                passed = True
                summary += f"; not by this branch: {', '.join(excused)}"
        return Outcome(
            command.check,
            passed,
            time.monotonic() - started,
            summary,
            [] if passed else _ends(command.logs, self.root, output),
            command.shown(self.base),
            is_skipped=passed and not any_passed,
        )

    def _excused(self, command: Command, output: str) -> Sequence[str]:
        """Name the tests that failed, if none failed because of the branch."""
        base = self.base_tree()
        paths = [word for word in command.words if word.endswith(".py")]
        options = [word for word in command.words if word not in paths]

        def run(folder: Path, tests: Sequence[str]) -> str:
            """Run tests in a folder."""
            words = [*options, *tests]
            return self._output_of(
                dataclasses.replace(command, words=words), folder
            )[1]

        broken = find_broken(
            output,
            paths,
            base,
            functools.partial(run, self.root),
            functools.partial(run, base),
        )
        failed = [name for name, ok in results_of(output).items() if not ok]
        return failed if not broken else ()

    def _output_of(self, command: Command, root: Path) -> tuple[bool, str]:
        words = [*command.words, *command.files]
        if words[0] in TOOLS:
            python = "python" if words[0] in _SANDBOXED else sys.executable
            words = [python, "-m", TOOLS[words[0]], *words[1:]]
        sandbox = self.sandbox(root, command.is_bare)
        try:
            status, output = sandbox.run(words, _MAX_SECONDS, **_QUIET)
        except subprocess.TimeoutExpired:
            return False, f"it did not end within {_MAX_SECONDS:.0f} seconds"
        is_empty = command.may_be_empty and status == _NO_TESTS
        return status == 0 or is_empty, output


def _ends(logs: str, root: Path, output: str) -> list[str]:
    """Return the last lines of what was printed, and of files."""
    ends = _end(output)
    for log in sorted(root.glob(logs)) if logs else ():
        text = log.read_text(encoding="utf-8", errors="replace")
        ends += [f"--- {log.relative_to(root)}", *_end(text)]
    return ends


def _end(text: str) -> list[str]:
    """Return the last lines, but for those that say that all is well."""
    lines = text.rstrip().split("\n")
    told = [x for x in lines if not x.lstrip().startswith(_GOOD_LINES)]
    return told[-_SHOWN_LINES:]
