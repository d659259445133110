"""SpeechBrain's own checks, as its contributors run them, and our rules."""

import contextlib
import dataclasses
import functools
import importlib.metadata
import importlib.util
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from sb_sma.upstream.difference import Difference
from sb_sma.upstream.regressions import find_broken, results_of
from sb_sma.upstream.rules import INTEGRATIONS, RULES
from sb_sma.upstream.sandbox import Sandbox
from sb_sma.upstream.table import Branch

_TOOLS = {
    "ruff": "ruff",
    "yamllint": "yamllint",
    "codespell": "codespell_lib",
    "pytest": "pytest",
}
# those that import SpeechBrain run in a sandbox
_SANDBOXED = ("pytest", "python")
_QUIET = {
    "RUFF_NO_CACHE": "true",
    "PYTEST_ADDOPTS": "-q -rfEp -p no:cacheprovider",
}
_MAX_SECONDS = 1800.0
_SHOWN_LINES = 20
_GOOD_LINES = ("Checking ", "PASSED ")
_RECIPE_LOGS = "tests/tmp/**/std*.txt"

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
class _Command:
    """A check that is a command, as a contributor writes it."""

    check: str
    words: Sequence[str]
    # changed files that it looks at, and how git finds them
    files: Sequence[str] = ()
    pattern: str = ""
    is_bare: bool = True
    # files whose ends are told where it fails
    logs: str = ""
    # whether tests that fail without the branch, too, are no fault of it
    is_compared: bool = False
    # whether the pull request names it
    is_told: bool = True

    def shown(self, base: str) -> str:
        """Return what a contributor would type."""
        command = shlex.join(self.words)
        if self.files:
            command += f" $(git diff --name-only {base}{self.pattern})"
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
        for name, module in _TOOLS.items()
        if importlib.util.find_spec(module) is None
    ]


def run_checks(
    branch: Branch, difference: Difference, base_tree: BaseTree
) -> Iterator[Outcome]:
    """Check a branch in its working tree, the quick checks first.

    The slow ones are left out where a quick one failed.

    Arguments
    ---------
    branch : Branch
        The branch.
    difference : Difference
        What it adds.
    base_tree : callable
        Gives a working tree without the branch, as a context.

    Returns
    -------
    outcomes : iterator of Outcome
        One by one.
    """
    yield _compare_tools(difference.root)
    passed = True
    for name, rule in RULES.items():
        outcome = _apply_rule(name, rule, branch, difference)
        passed &= outcome.passed
        yield outcome
    with _Runner(difference, base_tree) as runner:
        for command in _linters(difference):
            outcome = runner.run(command)
            passed &= outcome.passed
            yield outcome
        for command in _tests(branch, difference) if passed else ():
            yield runner.run(command)


def _compare_tools(root: Path) -> Outcome:
    """Tell versions, and where the checkout wants others."""
    wanted = {}
    file = root / "lint-requirements.txt"
    lines = file.read_text("utf-8").splitlines() if file.is_file() else ()
    for line in filter(None, map(str.strip, lines)):
        requirement = Requirement(line)
        wanted[requirement.name] = requirement.specifier
    told = []
    for name in _TOOLS:
        version = importlib.metadata.version(name)
        differs = name in wanted and version not in wanted[name]
        told.append(
            f"{name} {version}"
            + (f" (the checkout wants {wanted[name]})" if differs else "")
        )
    return Outcome("versions", True, summary=", ".join(told))


def _apply_rule(name, rule, branch: Branch, difference: Difference) -> Outcome:
    try:
        faults = list(rule(branch, difference))
    except SyntaxError as error:
        faults = [f"a module is not valid Python: {error}"]
    summary = f"{len(faults)} fault(s)" if faults else ""
    if name == "lines" and not faults:
        summary = f"{difference.n_added} of {branch.max_lines}"
    return Outcome(name, not faults, summary=summary, details=faults)


def _linters(difference: Difference) -> Iterator[_Command]:
    """Name what looks at the files."""
    modules = difference.paths(r".*\.py$")
    yaml = difference.paths(r".*\.ya?ml$")
    for check, words, files, pattern in (
        ("ruff format", ["ruff", "format", "--check"], modules, "'*.py'"),
        ("ruff check", ["ruff", "check"], modules, "'*.py'"),
        ("yamllint", ["yamllint", "--no-warnings"], yaml, "'*.yaml' '*.yml'"),
        ("codespell", ["codespell", *_CODESPELL], difference.paths(""), ""),
    ):
        if files:
            pattern = f" -- {pattern}" if pattern else ""
            yield _Command(check, words, files, pattern)


_CODESPELL = (
    "--ignore-words=.dict-speechbrain.txt",
    "--skip=*.ipynb",
    "--ignore-regex=base64,.*?==",
)


def _tests(branch: Branch, difference: Difference) -> Iterator[_Command]:
    """Name what runs SpeechBrain."""
    yield _Command("consistency", ["pytest", "tests/consistency"])
    recipes = [
        path
        for path in difference.paths(r"recipes/.*\.py$")
        if any(
            file.path == path and not file.before for file in difference.files
        )
    ]
    if recipes:
        yield _Command(
            "recipe docstrings",
            _python(
                "from tests.utils.check_docstrings import check_docstrings as c",
                f"c('.', {recipes!r})",
            ),
        )
    yield from _by_place("unit tests", ["pytest"], branch.tests)
    modules = difference.paths(r"speechbrain/.*\.py$")
    # tests in integrations/ are no documentation
    modules = [m for m in modules if not m.startswith(f"{INTEGRATIONS}tests/")]
    doctests = ["pytest", "--doctest-modules"]
    yield from _by_place("doctests", doctests, modules)
    # their random numbers are others each time
    yield from _by_place("doctests, again", doctests, modules, is_told=False)
    hparams = [
        row["Hparam_file"] for rows in branch.rows.values() for row in rows
    ]
    if hparams:
        row = f"filters_fields=['Hparam_file'], filters=[{hparams!r}]"
        module = "from tests.utils.recipe_tests import"
        yield _Command(
            "YAML loads",
            _python(f"{module} load_yaml_test as t", f"t({row})"),
        )
        yield _Command(
            "recipe tests",
            _python(
                f"{module} run_recipe_tests as r",
                f"r({row}, do_checks=True, run_opts='--device=cpu')",
            ),
            logs=_RECIPE_LOGS,
        )
    yield _Command(
        "nothing left",
        "git ls-files --others --modified --exclude-standard".split(),
        is_told=False,
    )


def _by_place(
    check: str, words: Sequence[str], files: Sequence[str], is_told: bool = True
) -> Iterator[_Command]:
    """Run what is in integrations/ where optional packages are."""
    for is_bare in (True, False):
        chosen = [f for f in files if f.startswith(INTEGRATIONS) != is_bare]
        if chosen:
            yield _Command(
                check if is_bare else f"{check} (optional)",
                [*words, *chosen],
                is_bare=is_bare,
                is_compared=True,
                is_told=is_told,
            )


def _python(imports: str, condition: str) -> list[str]:
    return ["python", "-c", f"{imports}; assert {condition}"]


class _Runner(contextlib.ExitStack):
    """Runs commands in sandboxes, which are made when they are needed."""

    def __init__(self, difference: Difference, base_tree: BaseTree) -> None:
        super().__init__()
        self.difference = difference
        self.base_tree = functools.cache(
            lambda: self.enter_context(base_tree())
        )
        self.sandbox = functools.cache(self._make_sandbox)

    def _make_sandbox(self, root: Path, is_bare: bool) -> Sandbox:
        scratch = tempfile.TemporaryDirectory(prefix="checks-")
        return Sandbox(Path(self.enter_context(scratch)), root, is_bare)

    def run(self, command: _Command) -> Outcome:
        """Run a check, and say what became of it."""
        root = self.difference.root
        started = time.monotonic()
        passed, output = self._output_of(command, root)
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
            [] if passed else _ends(command.logs, root, output),
            command.shown(self.difference.base),
            is_skipped=passed and not any_passed,
        )

    def _excused(self, command: _Command, output: str) -> Sequence[str]:
        """Name the tests that failed, if none failed because of the branch."""
        root, base = self.difference.root, self.base_tree()
        paths = [word for word in command.words if word.endswith(".py")]
        options = [word for word in command.words if word not in paths]

        def run(folder: Path, tests: Sequence[str]) -> str:
            words = [*options, *tests]
            return self._output_of(
                dataclasses.replace(command, words=words), folder
            )[1]

        broken = find_broken(
            output,
            paths,
            base,
            functools.partial(run, root),
            functools.partial(run, base),
        )
        failed = [name for name, ok in results_of(output).items() if not ok]
        return failed if not broken else ()

    def _output_of(self, command: _Command, root: Path) -> tuple[bool, str]:
        words = [*command.words, *command.files]
        if words[0] in _TOOLS:
            python = "python" if words[0] in _SANDBOXED else sys.executable
            words = [python, "-m", _TOOLS[words[0]], *words[1:]]
        sandbox = self.sandbox(root, command.is_bare)
        try:
            status, output = sandbox.run(words, _MAX_SECONDS, **_QUIET)
        except subprocess.TimeoutExpired:
            return False, f"it did not end within {_MAX_SECONDS:.0f} seconds"
        return status == 0, output


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
    lines = [line for line in lines if not line.startswith(_GOOD_LINES)]
    return lines[-_SHOWN_LINES:]
