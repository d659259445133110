"""The site of the documents: no link leads nowhere, no public name is left out."""

import ast
import importlib
import inspect
import os
import re
import shutil
import subprocess
import sys
import zlib

import pytest

pytestmark = pytest.mark.integration
pytest.importorskip("sphinx.ext.apidoc", reason="needs Python 3.11 or newer")

SOURCES = ("docs", "recipes", "sb_sma", "benchmarks/results")


def build(root):
    """Run the command of CONTRIBUTING.md."""
    return subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "-c", "docs", ".", "site"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
    )


@pytest.fixture(scope="module")
def copy(repository, tmp_path_factory):
    """What the site is made of, beside nothing else."""
    root = tmp_path_factory.mktemp("repository")
    ignored = shutil.ignore_patterns("api", "results", "__pycache__")
    for name in SOURCES:
        shutil.copytree(
            repository / name, root / name, symlinks=True, ignore=ignored
        )
    for path in repository.glob("*.md"):
        shutil.copy(path, root)
    return root


@pytest.fixture(scope="module")
def site(copy):
    """Where it is, built without a warning."""
    done = build(copy)
    assert done.returncode == 0, done.stdout[-3000:]
    return copy / "site"


def public_names(repository):
    """Every class and function of every module, and their documented methods."""
    for path in sorted(repository.glob("sb_sma/**/*.py")):
        parts = path.relative_to(repository).with_suffix("").parts
        if parts[-1].startswith("__"):
            parts = parts[:-1]
        module = importlib.import_module(".".join(parts))
        for name in names_in(ast.parse(path.read_text("utf-8"))):
            # a decorator may have made an operator of another package of it
            made = getattr(module, name.split(".")[0])
            if inspect.isroutine(made) or inspect.isclass(made):
                yield f"{module.__name__}.{name}"


def names_in(node):
    for child in node.body:
        is_class = isinstance(child, ast.ClassDef)
        if not is_class and not isinstance(child, ast.FunctionDef):
            continue
        if child.name.startswith("_") or not ast.get_docstring(child):
            continue
        yield child.name
        if is_class:
            yield from (f"{child.name}.{name}" for name in names_in(child))


def names_of(site):
    """What can be linked to, as ``objects.inv`` tells other sites."""
    *_, packed = (site / "objects.inv").read_bytes().split(b"\n", 4)
    lines = zlib.decompress(packed).decode().splitlines()
    return {line.split(" ")[0] for line in lines}


def test_every_public_name_is_there(site, repository):
    names = set(public_names(repository))
    assert {"sb_sma.inference.tts.TTS.stream", "sb_sma.cli.main"} < names
    assert sorted(names - names_of(site)) == []


def test_packages_show_what_they_hand_on(site, repository):
    for stub in repository.glob("sb_sma/**/__init__.pyi"):
        package = ".".join(stub.parent.relative_to(repository).parts)
        page = (site / "docs" / "api" / f"{package}.html").read_text("utf-8")
        shown = set(re.findall(r">([A-Za-z_]\w*)</span>", page))
        tree = ast.parse(stub.read_text("utf-8"))
        imports = [n for n in tree.body if isinstance(n, ast.ImportFrom)]
        names = {name.name for each in imports for name in each.names}
        assert names and names <= shown, package


def test_sections_of_speechbrain_are_sections(site):
    pages = [path.read_text("utf-8") for path in site.glob("docs/api/*.html")]
    assert len(pages) > 30
    assert not [page for page in pages if re.search(r">[^<]*-{5,}\s*<", page)]
    loss = (site / "docs" / "api" / "sb_sma.losses.html").read_text("utf-8")
    assert re.search(r"Parameters.{,300}<strong>sigma</strong>", loss, re.S)


def test_the_first_page_is_the_readme(site):
    assert "url=README.html" in (site / "index.html").read_text("utf-8")
    page = (site / "README.html").read_text("utf-8")
    assert 'href="docs/training.html#start-from-a-trained-voice"' in page
    # nothing is fetched from elsewhere
    assert not re.search(
        r'<(?:script|link|img)[^>]*(?:src|href)="(?:http|//)', page
    )


def test_a_broken_anchor_is_found(copy, site):
    page = copy / "docs" / "speaking.md"
    page.write_text("# Speaking\n\n[a](training.md#no-such)\n")
    done = build(copy)
    assert done.returncode != 0
    assert "no-such" in done.stdout
