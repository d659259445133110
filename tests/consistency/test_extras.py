"""Extras are called alike in setup.py, in documents and in messages."""

import ast
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.setup_keys import setup_keys

REPOSITORY = Path(__file__).resolve().parents[2]
EXTRAS = {
    name: {Requirement(line).name for line in lines}
    for name, lines in setup_keys()["extras_require"].items()
}
# what comes with a package of an extra
BROUGHT_BY = {
    "flask": {"piper-tts"},
    "onnxruntime": {"hibari-tts", "onnxruntime"},
}
TEXTS = sorted(
    path
    for pattern in (
        *("*.md", "docs/*.md", "recipes/**/*.md", "recipes/**/*.txt"),
        *("sb_sma/**/*.py", "recipes/**/*.py", "tests/**/*.py", ".ci/*"),
    )
    for path in REPOSITORY.glob(pattern)
    if path.is_file() and path != Path(__file__)
)
CALLED = re.compile(
    r"(?:\bsb_sma|[\"' ]\.)\\?\[([a-z, ]+)\\?\]|\bextras? `{1,2}([a-z]+)`"
)
ROW = re.compile(r"(?m)^\| `(\w+)` \| (.+?) \| .+? \| ([\d.]+ [MG]B) \|$")


def names_in(text):
    """Extras that a text names."""
    for several, single in CALLED.findall(text):
        yield from re.split(", ?", several or single)


def calls_in(path):
    """Extra and modules of each call of `sb_sma/extras.py`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        function = getattr(getattr(node, "func", None), "id", None)
        if not isinstance(node, ast.Call):
            continue
        words = [n.value for a in node.args for n in ast.walk(a) if is_text(n)]
        if function == "require":
            yield words[1], words[:1]
        elif function == "check_installed":
            keys = {each.arg: each.value for each in node.keywords}
            yield keys["extra"].value, words
        elif function == "command_for":
            yield words[0], []


def is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_there_are_few():
    assert len(EXTRAS.keys() - {"all"}) <= 6
    others = [EXTRAS[name] for name in EXTRAS.keys() - {"all", "dev"}]
    assert EXTRAS["all"] == set().union(*others)


def test_the_table_has_each_with_its_packages():
    text = (REPOSITORY / "docs" / "installation.md").read_text("utf-8")
    rows = {row[1]: row[2] for row in ROW.finditer(text)}
    assert rows.keys() == EXTRAS.keys()
    for name in EXTRAS.keys() - {"all", "dev"}:
        assert set(re.findall(r"`([\w-]+)`", rows[name])) == EXTRAS[name]


@pytest.mark.parametrize(
    "path", TEXTS, ids=[str(path.relative_to(REPOSITORY)) for path in TEXTS]
)
def test_what_is_named_is_one(path):
    names = set(names_in(path.read_text(encoding="utf-8")))
    assert names <= EXTRAS.keys()


def test_errors_name_the_extra_that_brings_the_package():
    found = set()
    for path in REPOSITORY.glob("sb_sma/**/*.py"):
        if path.name == "extras.py":
            continue
        for extra, modules in calls_in(path):
            assert extra in EXTRAS, path
            for module in modules:
                package = module.replace("_", "-")
                own = BROUGHT_BY.get(module, {package, f"{package}-tts"})
                assert own & EXTRAS[extra], (
                    f"{path}: {extra} does not bring {module}"
                )
                found.add(module)
    assert {"webdataset", "hibari", "piper", "distillmos"} <= found


@pytest.mark.parametrize(
    "text, names",
    [
        ("pip install 'sb_sma[shards]'", ["shards"]),
        ("pip install -e '.[dev,book]'", ["dev", "book"]),
        (r"match=r'sb_sma\[hibari\]'", ["hibari"]),
        ("(extra `book`, or ffmpeg), the extra ``a``", ["book", "a"]),
        ("words[text], x.[0], an extra word", []),
    ],
)
def test_names_are_found_in_texts(text, names):
    assert list(names_in(text)) == names
