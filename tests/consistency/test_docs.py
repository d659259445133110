"""What the documents name is there."""

import re
from collections import Counter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    REPOSITORY / "README.md",
    REPOSITORY / "CONTRIBUTING.md",
    REPOSITORY / "CHANGELOG.md",
    *sorted(REPOSITORY.glob("docs/*.md")),
    *sorted(REPOSITORY.glob("recipes/**/README.md")),
]
LINK = re.compile(r"\]\(([^)#\s]*)(#[^)\s]+)?\)")
CODE = re.compile(r"(?ms)^```.*?^```$|`[^`\n]+`")
PATH = re.compile(
    r"`((?:sb_sma|benchmarks|recipes|tests|hparams|docs)/[\w/.]+)`"
)
MODULE = re.compile(r"(?:python -m |`)((?:sb_sma|benchmarks)(?:\.\w+)+)")


def anchors(text):
    """The headings of a document, as a link names them on GitHub."""
    found = Counter()
    for heading in re.findall(r"(?m)^#+ (.*)$", CODE.sub(_words_alone, text)):
        shown = re.sub(r"\]\([^)]*\)", "", heading)
        name = re.sub(r"[^\w -]", "", shown.lower()).strip().replace(" ", "-")
        yield f"#{name}-{found[name]}" if found[name] else f"#{name}"
        found[name] += 1


def _words_alone(code):
    """Of code within a line, what it says; of a block, nothing."""
    return "" if code[0].startswith("```") else code[0].strip("`")


def faults_of(document):
    """Links, paths and modules that lead nowhere."""
    text = document.read_text(encoding="utf-8")
    for name, anchor in LINK.findall(CODE.sub("", text)):
        if "://" in name:
            continue
        target = document.parent / name if name else document
        if not target.is_file():  # the site shows no folders
            yield f"link to {name}"
        elif anchor and anchor not in anchors(target.read_text("utf-8")):
            yield f"link to {name}{anchor}"
    for name in PATH.findall(text):
        if not (REPOSITORY / name).exists():
            yield f"path {name}"
    for name in MODULE.findall(text):
        if "NAME" not in name and not leads_somewhere(name):
            yield f"module {name}"


def leads_somewhere(name):
    """A module, or what is in one."""
    parts = name.split(".")
    for length in (len(parts), len(parts) - 1, len(parts) - 2):
        path = REPOSITORY.joinpath(*parts[:length])
        if path.with_suffix(".py").exists():
            return True
        if length == len(parts) and path.is_dir():
            return True
        if length < len(parts) and path.with_suffix("").is_dir():
            stub = path / "__init__.pyi"
            known = stub if stub.exists() else path / "__init__.py"
            return known.exists() and parts[length] in known.read_text("utf-8")
    return False


@pytest.mark.parametrize(
    "document",
    DOCUMENTS,
    ids=[str(path.relative_to(REPOSITORY)) for path in DOCUMENTS],
)
def test_what_a_document_names_is_there(document):
    assert list(faults_of(document)) == []


def test_planted_faults_are_found(tmp_path):
    document = tmp_path / "a.md"
    document.write_text(
        "# One two\n[a](b.md) [b](#one-three) `sb_sma/nowhere.py`, "
        "[d](.) `[e](f.md)`\n```\n# Three\n```\n[g](#three) [h](#one-two-1)\n"
        "# [One](./a.md) `two`\n"
        "`sb_sma.models.Nothing` [c](#one-two) `sb_sma.models.MelDecoder`\n"
        "`sb_sma.data.text` `sb_sma.attention.registry`\n"
    )
    assert list(faults_of(document)) == [
        "link to b.md",
        "link to #one-three",
        "link to .",
        "link to #three",
        "path sb_sma/nowhere.py",
        "module sb_sma.models.Nothing",
    ]


def test_the_readme_is_short():
    lines = DOCUMENTS[0].read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 160
