"""What SpeechBrain's own checks do not look at, and its maintainers do."""

import ast
import importlib.metadata
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement

from sb_sma.upstream.difference import Difference
from sb_sma.upstream.table import Branch

INTEGRATIONS = "speechbrain/integrations/"
_OWN_NAME = re.compile("(?<![a-z])sb[-_ ]?sma(?![a-z])", re.IGNORECASE)
_MAX_KIB = 1024
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SCOPES = (*_FUNCTIONS, ast.ClassDef, ast.Lambda)


def check_lines(branch: Branch, difference: Difference) -> Iterator[str]:
    """Count the new lines.

    Arguments
    ---------
    branch : Branch
        Says how many it may add.
    difference : Difference
        What it adds.

    Returns
    -------
    faults : iterator of str
        One, if it adds more.
    """
    if difference.n_added > branch.max_lines:
        largest = sorted(difference.files, key=lambda f: -len(f.added))
        shown = ", ".join(f"{len(f.added)} in {f.path}" for f in largest[:5])
        yield (
            f"{difference.n_added} lines are added, {branch.max_lines} may be: "
            f"{shown}"
        )
    elif not difference.files:
        yield "nothing is changed"


def check_own_name(branch: Branch, difference: Difference) -> Iterator[str]:
    """Look for the name of this package.

    Arguments
    ---------
    branch : Branch
        Not looked at.
    difference : Difference
        What it adds.

    Returns
    -------
    faults : iterator of str
        By file.
    """
    for file in difference.files:
        for line in [file.path, *file.added]:
            if _OWN_NAME.search(line):
                yield f"{file.path}: {line.strip()}"
    for line in difference.message.splitlines():
        if _OWN_NAME.search(line):
            yield f"the commit's message or the pull request: {line.strip()}"


def check_imports(branch: Branch, difference: Difference) -> Iterator[str]:
    """Make sure that new imports can be had wherever SpeechBrain is.

    Arguments
    ---------
    branch : Branch
        Not looked at.
    difference : Difference
        What it adds.

    Returns
    -------
    faults : iterator of str
        By module.
    """
    packages = {*sys.stdlib_module_names, *required_packages("speechbrain")}
    for file in difference.modules:
        old = set(_imports(file.before, file.path))
        for name, attribute in _imports(file.after, file.path):
            top = name.partition(".")[0]
            if (
                (name, attribute) in old
                or top in packages
                or (top == "pytest" and _is_test(file.path))
                or _leads_somewhere(difference.root, file.path, name, attribute)
            ):
                continue
            if (difference.root / top).is_dir():
                yield f"{file.path} imports {name}.{attribute}".rstrip(".") + (
                    ", which neither SpeechBrain nor an earlier branch has"
                )
            elif not file.path.startswith(INTEGRATIONS):
                yield (
                    f"{file.path} imports {top}, which SpeechBrain does not "
                    f"require: only {INTEGRATIONS} may"
                )


def required_packages(distribution: str) -> set[str]:
    """List what a distribution requires, by the name of the import.

    Arguments
    ---------
    distribution : str
        One that is installed.

    Returns
    -------
    names : set of str
        Without those of extras.

    Example
    -------
    >>> {"torch", "hyperpyyaml"} <= required_packages("speechbrain")
    True
    >>> "transformers" in required_packages("speechbrain")
    False
    """
    requirements = map(
        Requirement, importlib.metadata.requires(distribution) or ()
    )
    return {
        each.name.lower().replace("-", "_")
        for each in requirements
        if each.marker is None or each.marker.evaluate({"extra": ""})
    }


def check_docstrings(branch: Branch, difference: Difference) -> Iterator[str]:
    """Look at the docstrings of what is new, nested functions included.

    Arguments
    ---------
    branch : Branch
        Not looked at.
    difference : Difference
        What it adds.

    Returns
    -------
    faults : iterator of str
        By definition.
    """
    for file in difference.modules:
        if _is_test(file.path):
            continue
        old = _definitions(file.before)
        new = _definitions(file.after)
        if not new[""].docstring and not file.before:
            yield f"{file.path} has no docstring"
        for name, definition in new.items():
            before = old.get(name)
            for fault in definition.faults(
                before, file.path.startswith("speechbrain/")
            ):
                yield f"{file.path}: {name} {fault}"


def check_whitespace(branch: Branch, difference: Difference) -> Iterator[str]:
    """Do what SpeechBrain's hooks for whitespace and large files do.

    Arguments
    ---------
    branch : Branch
        Not looked at.
    difference : Difference
        What it adds.

    Returns
    -------
    faults : iterator of str
        By file.
    """
    for file in difference.files:
        if any(line.rstrip("\r") != line.rstrip() for line in file.added):
            yield f"{file.path} has blanks at the end of a new line"
        if "\r\n" in file.after and "\r\n" not in file.before:
            yield f"{file.path} has lines that end in CR LF"
        if _ends_badly(file.after) and not _ends_badly(file.before):
            yield f"{file.path} must end with one end of line"
        if len(file.after.encode()) > _MAX_KIB * 1024:
            yield f"{file.path} has more than {_MAX_KIB} KiB"
        if file.path.endswith("requirements.txt"):
            lines = file.after.splitlines()
            if lines != sorted(lines, key=str.lower):
                yield f"{file.path} must be sorted"


def _ends_badly(text: str) -> bool:
    return bool(text) and (not text.endswith("\n") or text.endswith("\n\n"))


def _is_test(path: str) -> bool:
    return "tests" in PurePosixPath(path).parts


Rule = Callable[[Branch, Difference], Iterator[str]]
RULES: Mapping[str, Rule] = {
    "lines": check_lines,
    "names": check_own_name,
    "imports": check_imports,
    "docstrings": check_docstrings,
    "whitespace": check_whitespace,
}


@dataclass
class _Definition:
    """A module, a class or a function."""

    is_public: bool
    is_class: bool
    is_nested: bool
    docstring: str
    parameters: Sequence[str] = ()
    returns: bool = False
    documented: set[str] = field(default_factory=set)

    def faults(
        self, before: "_Definition | None", is_library: bool
    ) -> Iterator[str]:
        """Say what the docstring lacks."""
        if not (self.is_public or self.is_class):
            return
        if not self.docstring:
            if before is None:
                yield "has no docstring"
            return
        if not is_library or not self.is_public:
            return
        old = before.parameters if before else ()
        for name in self.parameters:
            if name not in old and name not in self.documented:
                yield f"does not say what {name} is, under Arguments"
        if before is not None:
            return
        if self.returns and not re.search("Returns|Yields", self.docstring):
            yield "has no section Returns"
        example = self.docstring.partition("Example")[2]
        if not self.is_nested and ">>>" not in example:
            yield "has no Example"


def _definitions(source: str) -> dict[str, _Definition]:
    """Find every definition of a module, by its dotted name."""
    found: dict[str, _Definition] = {}

    def visit(node: ast.AST, name: str, is_public: bool) -> None:
        """Note the definitions below a node."""
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, (*_FUNCTIONS, ast.ClassDef)):
                visit(child, name, is_public)
                continue
            own = f"{name}.{child.name}".lstrip(".")
            while own in found:
                own += "'"  # another one of the same name
            public = is_public and not child.name.startswith("_")
            found[own] = _define(child, public, bool(name))
            visit(child, own, public)

    module = ast.parse(source)
    text = ast.get_docstring(module) or ""
    found[""] = _Definition(False, False, False, text)
    visit(module, "", True)
    return found


def _define(
    node: ast.ClassDef | ast.FunctionDef, is_public: bool, is_nested: bool
) -> _Definition:
    is_class = isinstance(node, ast.ClassDef)
    docstring = ast.get_docstring(node) or ""
    function = node
    if is_class:
        function = next(
            (
                child
                for child in node.body
                if isinstance(child, _FUNCTIONS) and child.name == "__init__"
            ),
            None,
        )
    return _Definition(
        is_public=is_public,
        is_class=is_class,
        is_nested=is_nested,
        docstring=docstring,
        parameters=_parameters(function) if function else (),
        returns=not is_class and _returns(node),
        documented=set(
            re.findall(r"^\s*\*{0,2}(\w+)\s*:", docstring, re.MULTILINE)
        ),
    )


def _parameters(function: ast.FunctionDef) -> list[str]:
    arguments = function.args
    names = [
        *(*arguments.posonlyargs, *arguments.args),
        *([arguments.vararg] if arguments.vararg else []),
        *arguments.kwonlyargs,
        *([arguments.kwarg] if arguments.kwarg else []),
    ]
    return [each.arg for each in names if each.arg not in ("self", "cls")]


def _returns(function: ast.AST) -> bool:
    """Whether it gives something back, those within it left aside."""
    for child in ast.iter_child_nodes(function):
        if isinstance(child, _SCOPES):
            continue
        if isinstance(child, (ast.Yield, ast.YieldFrom)):
            return True
        if isinstance(child, ast.Return) and child.value is not None:
            return True
        if _returns(child):
            return True
    return False


def _imports(source: str, path: str) -> Iterator[tuple[str, str]]:
    """Find what is imported: a module, and what of it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, ""
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = PurePosixPath(path).parts[: -node.level]
                base = ".".join([*parents, *([base] if base else [])])
            for alias in node.names:
                yield base, alias.name


def _leads_somewhere(root: Path, path: str, name: str, attribute: str) -> bool:
    """Say whether a module is in the working tree, or beside the file."""
    for folder in (root, (root / path).parent):
        module = folder.joinpath(*name.split("."))
        if module.with_suffix(".py").is_file():
            return True
        if (module / "__init__.py").is_file():
            stem = module / attribute
            return (
                not attribute
                or stem.with_suffix(".py").is_file()
                or stem.is_dir()
                or attribute in (module / "__init__.py").read_text("utf-8")
            )
    return False
