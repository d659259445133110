"""SpeechBrain's own checks, and our rules, of a branch in its working tree."""

import importlib.metadata
from collections.abc import Iterator, Sequence
from pathlib import Path

from packaging.requirements import Requirement

from sb_sma.upstream.difference import Difference
from sb_sma.upstream.rules import INTEGRATIONS, RULES, Rule
from sb_sma.upstream.runner import TOOLS, BaseTree, Command, Outcome, Runner
from sb_sma.upstream.table import Branch

_RECIPE_LOGS = "tests/tmp/**/std*.txt"
_CODESPELL = (
    "--ignore-words=.dict-speechbrain.txt",
    "--skip=*.ipynb",
    "--ignore-regex=base64,.*?==",
)


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
    with Runner(difference.root, difference.base, base_tree) as runner:
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
    for name in TOOLS:
        version = importlib.metadata.version(name)
        differs = name in wanted and version not in wanted[name]
        told.append(
            f"{name} {version}"
            + (f" (the checkout wants {wanted[name]})" if differs else "")
        )
    return Outcome("versions", True, summary=", ".join(told))


def _apply_rule(
    name: str, rule: Rule, branch: Branch, difference: Difference
) -> Outcome:
    """Say what a rule finds."""
    try:
        faults = list(rule(branch, difference))
    except SyntaxError as error:
        faults = [f"a module is not valid Python: {error}"]
    summary = f"{len(faults)} fault(s)" if faults else ""
    if name == "lines" and not faults:
        summary = f"{difference.n_added} of {branch.max_lines}"
    return Outcome(name, not faults, summary=summary, details=faults)


def _linters(difference: Difference) -> Iterator[Command]:
    """Name what looks at the files."""
    modules = difference.paths(r".*\.py$")
    yaml = difference.paths(r".*\.ya?ml$")
    for check, words, files, pattern in (
        ("ruff format", ["ruff", "format", "--check"], modules, "*.py"),
        ("ruff check", ["ruff", "check"], modules, "*.py"),
        ("yamllint", ["yamllint", "--no-warnings"], yaml, "*.yaml *.yml"),
        ("codespell", ["codespell", *_CODESPELL], difference.paths(""), ""),
    ):
        if files:
            yield Command(check, words, files, pattern)


def _tests(branch: Branch, difference: Difference) -> Iterator[Command]:
    """Name what runs SpeechBrain."""
    yield Command("consistency", ["pytest", "tests/consistency"])
    recipes = difference.paths(r"recipes/.*\.py$", only_new=True)
    if recipes:
        yield Command(
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
        yield Command(
            "YAML loads",
            _python(f"{module} load_yaml_test as t", f"t({row})"),
        )
        yield Command(
            "recipe tests",
            _python(
                f"{module} run_recipe_tests as r",
                f"r({row}, do_checks=True, run_opts='--device=cpu')",
            ),
            logs=_RECIPE_LOGS,
        )
    yield Command(
        "nothing left",
        "git ls-files --others --modified --exclude-standard".split(),
        is_told=False,
    )


def _by_place(
    check: str, words: Sequence[str], files: Sequence[str], is_told: bool = True
) -> Iterator[Command]:
    """Run what is in integrations/ where optional packages are."""
    for is_bare in (True, False):
        chosen = [f for f in files if f.startswith(INTEGRATIONS) != is_bare]
        if chosen:
            yield Command(
                check if is_bare else f"{check} (optional)",
                [*words, *chosen],
                is_bare=is_bare,
                is_compared=True,
                # what is new has an example, by a rule
                may_be_empty="--doctest-modules" in words,
                is_told=is_told,
            )


def _python(imports: str, condition: str) -> list[str]:
    return ["python", "-c", f"{imports}; assert {condition}"]
