"""A HyperPyYAML file of somebody else's, built of known names alone.

HyperPyYAML calls whatever a file names: ``!apply:os.system`` runs a program,
and a plain ``(!!python/...)`` does, too, since tuples are read by YAML's
unrestricted loader. Here a file is parsed once; its nodes are looked through,
and what is found good is built of the same nodes.
"""

import contextlib
import functools
import pydoc
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import ruamel.yaml
from hyperpyyaml import resolve_references
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.tag import Tag

from sb_sma.yaml_depth import check_depth

_PLAIN = "tag:yaml.org,2002:"
_KINDS = {"str", "int", "float", "bool", "null", "map", "seq"}
_CALLED = re.compile(r"!(new|apply|name):(.+)")
_REFERENCE = re.compile(r"<([^<>\[\].]+)>")
_NAME = re.compile(r"!(?:new|apply|name):([\w.]+)")
_MOST_CHARACTERS = 2**20
# anchors and references may stand for more than a file holds
_MOST_NODES = 2**17
# no width, rate or count of a model; all of a table of this size fit in memory
_MOST = 10**6


def load_safely(
    text: str,
    path: str | Path,
    allowed: Mapping[str, Callable[..., Any]],
    overrides: Any = None,
    overrides_must_match: bool = True,
) -> dict[str, Any]:
    """Build a file in which no name is called but the allowed ones.

    Arguments
    ---------
    text : str
        Content of the file.
    path : str or Path
        Where it is from, for errors.
    allowed : mapping
        What may be called, by name. It must call no other names that it is
        given, nor open files that it is told of.
    overrides : dict or str, optional
        As HyperPyYAML takes them, of whoever calls: names in them are
        allowed, too.
    overrides_must_match : bool
        Whether each of them has to be in the file.

    Returns
    -------
    hparams : dict
        As HyperPyYAML builds it.

    Raises
    ------
    ValueError
        If the file names anything else, is no YAML, holds a number or a nest of
        anchors that would fill the memory, or cannot be built.

    Example
    -------
    >>> load_safely("a: !new:dict {b: 1}", "a.yaml", {"dict": dict})
    {'a': {'b': 1}}
    >>> load_safely("a: !apply:os.system [ls]", "a.yaml", {})
    Traceback (most recent call last):
    ...
    ValueError: a.yaml, line 1: !apply:os.system is no name that a model needs, and would run code of the folder. Load it with trusted=True (sb-sma: --trust_model) if you know who made it.
    """
    document = _Document(text, path, allowed)
    if overrides or document.has_references:
        # nothing is called by this: names wait, and there are no includes
        with _told(path, "cannot be put together"):
            text = resolve_references(
                text, overrides, overrides_must_match
            ).getvalue()
        own = _NAME.findall(overrides) if isinstance(overrides, str) else ()
        document = _Document(text, path, {**allowed, **find_names(own)})
    return document.build()


def find_names(names: Iterable[str]) -> dict[str, Callable[..., Any]]:
    """Find what names stand for that somebody trusts.

    Arguments
    ---------
    names : iterable of str
        Such as ``your.module.Class``.

    Returns
    -------
    allowed : dict
        For `load_safely`.

    Raises
    ------
    ValueError
        If there is no such thing.

    Example
    -------
    >>> find_names(["collections.Counter"])
    {'collections.Counter': <class 'collections.Counter'>}
    """
    found = {name: pydoc.locate(name) for name in names}
    for name, kind in found.items():
        if kind is None:
            raise ValueError(
                f"there is no {name} to be trusted. Correct the name."
            )
    return found


@contextlib.contextmanager
def _told(path: str | Path, problem: str) -> Iterator[None]:
    """Give whatever is raised the name of the file."""
    try:
        yield
    # what a damaged file raises may be of any kind
    except Exception as error:
        if isinstance(error, ValueError) and str(path) in str(error):
            raise
        told = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise ValueError(
            f"{path} {problem} ({told}). Copy the folder or export the model "
            "again."
        ) from error


class _Document:
    """The nodes of a file, looked through."""

    def __init__(
        self,
        text: str,
        path: str | Path,
        allowed: Mapping[str, Callable[..., Any]],
    ):
        self.path = path
        self.allowed = allowed
        self.has_references = False
        if len(text) > _MOST_CHARACTERS:
            raise ValueError(
                f"{path} must have at most {_MOST_CHARACTERS} characters; got "
                f"{len(text)}. Copy the folder or export the model again."
            )
        self._loader = _loader_of(self)
        with _told(path, "is not valid YAML"):
            check_depth(text)
            self._reader = self._loader(text)
            self.root = self._reader.get_single_node()
        if not isinstance(self.root, MappingNode):
            raise ValueError(
                f"{path} must hold a mapping, lines of `key: value`. Copy the "
                "folder or export the model again."
            )
        self._top = {
            key.value: value
            for key, value in self.root.value
            if isinstance(key, ScalarNode)
        }
        self._sizes: dict[int, int | None] = {}
        with _told(path, "is not a model's"):
            self._measure(self.root)

    def build(self) -> dict[str, Any]:
        """Build what the file describes."""
        with _told(self.path, "cannot be built"):
            built = self._reader.construct_document(self.root)
        return {key: value for key, value in built.items() if key[:2] != "__"}

    def call(self, loader: Any, node: Node) -> Any:
        """Build what an allowed name makes of a node."""
        how, name = _CALLED.fullmatch(str(node.tag)).groups()
        called = self.allowed[name]
        arguments, keywords = (), {}
        if isinstance(node, MappingNode):
            keywords = loader.construct_mapping(node, deep=True)
        elif isinstance(node, SequenceNode):
            arguments = loader.construct_sequence(node, deep=True)
        if how == "name":
            if not (arguments or keywords):
                return called
            return functools.partial(called, *arguments, **keywords)
        with _told(self.path, f"{self._line(node)}: {node.tag} fails"):
            return called(*arguments, **keywords)

    def _line(self, node: Node) -> str:
        return f"line {node.start_mark.line + 1}"

    def _refuse(self, node: Node, problem: str) -> ValueError:
        return ValueError(f"{self.path}, {self._line(node)}: {problem}")

    def _measure(self, node: Node) -> int:
        """Count the nodes that a node stands for, each looked at once."""
        if id(node) in self._sizes:
            known = self._sizes[id(node)]
            if known is None:
                raise self._refuse(node, "a value must not hold itself.")
            return known
        self._sizes[id(node)] = None
        self._look_at(node)
        size = 1 + sum(map(self._measure, self._children(node)))
        if size > _MOST_NODES:
            raise self._refuse(
                node,
                f"anchors stand for more than {_MOST_NODES} values. Export "
                "the model again.",
            )
        self._sizes[id(node)] = size
        return size

    def _children(self, node: Node) -> list[Node]:
        if isinstance(node, MappingNode):
            for key, _ in node.value:
                # merge keys and keys that are built have other tags
                if str(key.tag) != f"{_PLAIN}str":
                    raise self._refuse(
                        key, "a key must be a text. Export the model again."
                    )
            return [value for _, value in node.value]
        if isinstance(node, SequenceNode):
            return node.value
        if str(node.tag) == "!ref":
            return [self._top[_REFERENCE.fullmatch(node.value)[1]]]
        return []

    def _look_at(self, node: Node) -> None:
        """Refuse a tag, a name or a number."""
        tag = str(node.tag)
        called = _CALLED.fullmatch(tag)
        if called and called[2] in self.allowed:
            return
        if tag == "!ref" and isinstance(node, ScalarNode):
            name = _REFERENCE.fullmatch(node.value)
            target = self._top.get(name[1]) if name else None
            # a text that refers on is taken for arithmetic
            if target is not None and (
                str(target.tag) == "!ref" or "<" not in target.value
            ):
                self.has_references = True
                return
        if tag.removeprefix(_PLAIN) not in _KINDS:
            shown = tag.replace(f"{_PLAIN}", "!!")
            raise self._refuse(
                node,
                f"{shown} is no name that a model needs, and would run code of "
                "the folder. Load it with trusted=True (sb-sma: --trust_model) "
                "if you know who made it.",
            )
        if tag == f"{_PLAIN}int":
            self._refuse_large(node)

    def _refuse_large(self, node: ScalarNode) -> None:
        digits = node.value.replace("_", "").lstrip("+-0")
        if len(digits) > len(str(_MOST)) or (
            digits.isdecimal() and int(digits) > _MOST
        ):
            raise self._refuse(
                node,
                f"a number must be at most {_MOST}; got {node.value:.30}. "
                "Export the model again, or load it with trusted=True (sb-sma: "
                "--trust_model) if you know who made it.",
            )


def _loader_of(document: _Document) -> type[ruamel.yaml.SafeLoader]:
    """Return a loader of plain values and of what a document allows."""

    class Loader(ruamel.yaml.SafeLoader):
        """A loader of plain values."""

        def construct_object(self, node: Node, deep: bool = True) -> Any:
            """Build an object whole."""
            # an anchor is whole before it is used
            return super().construct_object(node, deep=True)

        def resolve(self, kind: type, value: Any, implicit: Any) -> Any:
            """Find the tag of a plain value."""
            # HyperPyYAML teaches all loaders that (a) is a tuple
            tag = super().resolve(kind, value, implicit)
            if str(tag) == "!tuple":
                return Tag(suffix=f"{_PLAIN}str")
            return tag

    for tag in ("!new:", "!apply:", "!name:"):
        Loader.add_multi_constructor(
            tag, lambda loader, suffix, node: document.call(loader, node)
        )
    return Loader


def names_of(kinds: Collection[tuple[str, Any]]) -> dict[str, Any]:
    """List the names of classes and functions for `load_safely`.

    Arguments
    ---------
    kinds : collection of (str, Any)
        Package that hands each on, and the class or function.

    Returns
    -------
    allowed : dict
        Each by the name that its package gives it, and by its file's.

    Example
    -------
    >>> sorted(names_of([("yours", contextlib.suppress)]))
    ['contextlib.suppress', 'yours.suppress']
    """
    return {
        f"{place}.{kind.__qualname__}": kind
        for package, kind in kinds
        for place in (package, kind.__module__)
    }
