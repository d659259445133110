"""Tests that a branch breaks, told from those that failed before it."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

_ROUNDS = 3
_SUMMARY = "short test summary info"
# a parameter may hold blanks, and what stands before a message
_LINE = re.compile(
    r"(PASSED|FAILED|ERROR) ([^\s\[]+(?:\[.*?\](?= - |$))?)(?: - .*)?"
)

Run = Callable[[Sequence[str]], str]


def results_of(output: str) -> dict[str, bool]:
    """Read which tests passed.

    Arguments
    ---------
    output : str
        What ``pytest -rfEp`` printed.

    Returns
    -------
    results : dict of str to bool
        By test, or by file where none could be collected.

    Example
    -------
    >>> results_of(
    ...     "== short test summary info ==\\n"
    ...     "PASSED a.py::b[1 - 2]\\nFAILED a.py::c - assert 1 == 2\\n"
    ... )
    {'a.py::b[1 - 2]': True, 'a.py::c': False}
    """
    results = {}
    for line in output.rpartition(_SUMMARY)[2].splitlines():
        found = _LINE.fullmatch(line)
        if found:
            results[found[2]] = found[1] == "PASSED"
    return results


def find_broken(
    output: str, paths: Sequence[str], base: Path, run: Run, run_base: Run
) -> set[str]:
    """Find the tests that fail because of a branch.

    Those that fail without it, too, now and then or always, are not its fault.

    Arguments
    ---------
    output : str
        What was printed of the tests with the branch.
    paths : sequence of str
        The files that were tested.
    base : Path
        A working tree without the branch.
    run : callable
        Runs tests with the branch, and returns what was printed.
    run_base : callable
        Runs them without it.

    Returns
    -------
    broken : set of str
        Names of tests.
    """
    suspects = {name for name, ok in results_of(output).items() if not ok}
    old_paths = [path for path in paths if (base / path).is_file()]
    for _ in range(_ROUNDS if old_paths else 0):
        results = results_of(run_base(old_paths))
        suspects -= {name for name, ok in results.items() if not ok}
        # chance is no excuse for a new test
        old = sorted(suspects & results.keys())
        if not old:
            break
        again = results_of(run(old))
        suspects -= {name for name in old if again.get(name)}
    return suspects
