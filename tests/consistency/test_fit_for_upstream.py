"""What SpeechBrain asks of every file, asked of all of them here, too, so that
any part can go there.
"""

import ast
from collections import Counter
from pathlib import Path

import pytest

from sb_sma.upstream.table import read_table

REPOSITORY = Path(__file__).resolve().parents[2]
MODULES = sorted(
    path
    for folder in ("sb_sma", "recipes", "upstream")
    for path in (REPOSITORY / folder).rglob("*.py")
    if not path.is_symlink() and not path.name.startswith("test_")
)
TABLE = read_table(REPOSITORY)


def names_without_docstring(node):
    """Classes and functions in a node, however deep, whose name is public."""
    for child in ast.walk(node):
        if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
            if not child.name.startswith("_") and not ast.get_docstring(child):
                yield f"{child.name}, line {child.lineno}"


@pytest.mark.parametrize(
    "path", MODULES, ids=[str(path.relative_to(REPOSITORY)) for path in MODULES]
)
def test_nested_functions_have_docstrings(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert list(names_without_docstring(tree)) == []


def test_base_names_of_tests_are_unique():
    # pytest, as SpeechBrain has it set, cannot collect two of a name
    tests = [
        path.name
        for folder in ("tests", "upstream")
        for path in (REPOSITORY / folder).rglob("test_*.py")
    ]
    assert [name for name, n in Counter(tests).items() if n > 1] == []


@pytest.mark.parametrize("name", TABLE)
def test_every_experiment_has_a_row(name):
    branch = TABLE[name]
    rows = [
        (file, row) for file in dict(branch.rows) for row in branch.rows[file]
    ]
    copied = {*dict(branch.copies).values(), *dict(branch.links)}
    experiments = {
        there
        for there in copied
        if there.startswith("recipes/") and there.endswith(".yaml")
    }
    assert experiments == {row["Hparam_file"] for _, row in rows}
    for file, row in rows:
        assert Path(file).stem == row["Dataset"]
        assert row["Script_file"] in copied
        assert row["test_debug_flags"].strip()
        assert "file_exists=[" in row["test_debug_checks"]
