"""Docstrings exist, and their sections name what the signature has."""

import ast
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def sections_of(docstring):
    """Text by title, of a docstring in SpeechBrain's style."""
    pieces = re.split(r"^(\w+)\n-{3,}$", docstring, flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2]))


def documented_names(section):
    """``name`` of each ``name : type`` that stands at the margin."""
    return re.findall(r"^(\*{0,2}\w+) ?:", section, flags=re.MULTILINE)


def decorator_names(node):
    """Last words of the decorators, e.g. ``dataclass``."""
    calls = [getattr(d, "func", d) for d in node.decorator_list]
    return {getattr(call, "attr", getattr(call, "id", "")) for call in calls}


def parameter_names(function):
    """Parameters of a function, stars included, without self and cls."""
    args = function.args
    names = [arg.arg for arg in [*args.posonlyargs, *args.args]]
    if args.vararg:
        names.append(f"*{args.vararg.arg}")
    names += [arg.arg for arg in args.kwonlyargs]
    if args.kwarg:
        names.append(f"**{args.kwarg.arg}")
    return [name for name in names if name not in ("self", "cls")]


def constructor_names(node):
    """Parameters of a class; None where a base class defines them."""
    for child in node.body:
        if isinstance(child, FUNCTIONS) and child.name == "__init__":
            return parameter_names(child)
    if "dataclass" not in decorator_names(node):
        return None
    return [
        child.target.id
        for child in node.body
        if isinstance(child, ast.AnnAssign)
        and "ClassVar" not in ast.unparse(child.annotation)
        and "init=False" not in ast.unparse(child)
    ]


def returns_something(function):
    """Whether the annotation of a function promises a value."""
    if function.returns is None:
        return None
    return ast.unparse(function.returns) not in ("None", "NoReturn")


def find_faults(source):
    """Faults of one file, as sentences that begin with a name."""
    module = ast.parse(source)
    faults = []
    if not ast.get_docstring(module):
        faults.append("module: has no docstring")
    for node in module.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            faults += faults_of(node, constructor_names(node), None, node.name)
            for child in node.body:
                if isinstance(child, FUNCTIONS):
                    faults += faults_of_function(child, f"{node.name}.")
        elif isinstance(node, FUNCTIONS):
            faults += faults_of_function(node, "")
    return faults


def faults_of_function(node, prefix):
    """Faults of a function or a method; private and special ones may do
    without."""
    if node.name.startswith("_") or "setter" in decorator_names(node):
        return []
    is_property = decorator_names(node) & {"property", "cached_property"}
    return faults_of(
        node,
        parameter_names(node),
        None if is_property else returns_something(node),
        prefix + node.name,
    )


def faults_of(node, parameters, returns, name):
    """Compare a docstring with the parameters and with whether a value is
    returned; None where that is not known."""
    docstring = ast.get_docstring(node)
    if not docstring:
        return [f"{name}: has no docstring"]
    sections = sections_of(docstring)
    faults = []
    if "Parameters" in sections:
        faults.append(f"{name}: call the section Arguments, not Parameters")
    if parameters is not None:
        documented = documented_names(sections.get("Arguments", ""))
        # what is only handed on to a base class need not be listed
        parameters = [
            name
            for name in parameters
            if name in documented or not name.startswith("*")
        ]
        if documented != parameters:
            faults.append(
                f"{name}: Arguments names {documented}, "
                f"the signature has {parameters}"
            )
    if returns is not None and returns != ("Returns" in sections):
        faults.append(
            f"{name}: a section Returns is "
            + ("missing" if returns else "there, but nothing is returned")
        )
    return faults


FILES = sorted(REPOSITORY.glob("sb_sma/**/*.py"))


@pytest.mark.parametrize(
    "file", FILES, ids=[str(file.relative_to(REPOSITORY)) for file in FILES]
)
def test_docstrings_tell_the_signature(file):
    assert find_faults(file.read_text(encoding="utf-8")) == []


CORRECT = '''\
"""A module."""
import dataclasses
@dataclasses.dataclass(frozen=True)
class Point:
    """A point.

    Arguments
    ---------
    x : float
        Metres: to the right.
    """

    x: float
    count: int = dataclasses.field(init=False)

    def far(self, *others, scale: float = 1.0) -> bool:
        """Compare.

        Arguments
        ---------
        *others : Point
            The rest.
        scale : float
            A factor.

        Returns
        -------
        far : bool
            Whether it is far.
        """
        def inner():
            pass

    @property
    def radius(self) -> float:
        """The radius."""

    def _private(self, x):
        pass
def move(point) -> None:
    """Move it.

    Arguments
    ---------
    point : Point
        What is moved.
    """
'''

PLANTED = {
    "module": ('"""A module."""\n', "", "module: has no docstring"),
    "class": ('"""A point.', '_ = """A point.', "Point: has no docstring"),
    "property": ('"""The radius."""', "pass", "Point.radius: has no docstring"),
    "field": ("x : float", "y : float", "Point: Arguments names ['y']"),
    "order": (
        "*others, scale: float = 1.0",
        "scale: float = 1.0, *others",
        "Point.far: Arguments names ['*others', 'scale'], the signature has "
        "['scale', '*others']",
    ),
    "forgotten": ("move(point)", "move(point, by)", "move: Arguments names"),
    "no Returns": ("-> None", "-> Point", "move: a section Returns is missing"),
    "Returns of nothing": (
        "-> bool",
        "-> None",
        "Point.far: a section Returns is there, but nothing is returned",
    ),
    "Parameters": (
        "    Arguments\n    ---------\n    point",
        "    Parameters\n    ----------\n    point",
        "move: call the section Arguments, not Parameters",
    ),
}


def test_correct_docstrings_pass():
    assert find_faults(CORRECT) == []


@pytest.mark.parametrize(
    "correct, wrong, expected", PLANTED.values(), ids=PLANTED
)
def test_planted_fault_is_found(correct, wrong, expected):
    assert correct in CORRECT
    assert find_faults(CORRECT.replace(correct, wrong, 1))[0].startswith(
        expected
    )


def test_functions_begin_in_the_imperative():
    """The linter knows many verbs, not all of them."""
    wrong = []
    for file in FILES:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            docstring = (
                ast.get_docstring(node)
                if isinstance(node, ast.FunctionDef)
                and not any(
                    "property" in ast.dump(each) for each in node.decorator_list
                )
                else None
            )
            first = (docstring or "").partition(" ")[0]
            if re.fullmatch("[A-Z][a-z]+[^su]s", first):
                wrong.append(f"{file.name}: {node.name}: {first}")
    assert wrong == []
