"""A YAML file as nodes that know their lines."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from sb_sma.yaml_depth import MOST_DEPTH, check_depth

KeyPath = tuple[str, ...]

_PLAIN_TAG = "tag:yaml.org,2002:"
_PLAIN = YAML(typ="safe", pure=True).constructor
_REFERENCE = re.compile(r"<([^<>]+)>")
# anchors may stand for more than a file holds
_MOST_NODES = 2**17
# YAML's reader takes seconds for what nobody writes
_MOST_CHARACTERS = 10_000


@dataclass(frozen=True)
class Line:
    """A line, and where it was written.

    Arguments
    ---------
    text : str
        Without its end.
    place : str
        File and line.
    """

    text: str
    place: str


class Document:
    """A YAML file, or a YAML text, parsed but not built.

    Arguments
    ---------
    path : path
        The file; with `text`, only the name that error messages use.
    text : str, optional
        The content. Default: read from `path`.
    lines : sequence of Line, optional
        The content, of several files.

    Attributes
    ----------
    lines : list of Line
        The content.
    text : str
        The content.
    is_variant : bool
        Whether it was put together from several files.
    once_used : frozenset of str
        Of a variant, the keys that only its base refers to.

    Raises
    ------
    ValueError
        If the file cannot be read, is not valid YAML, is not a mapping, has
        a key that is no single value, or gives one twice.

    Example
    -------
    >>> document = Document("a.yaml", "width: 4\\nlayer: {size: !ref <width>}")
    >>> [path for path, _ in document.walk()]
    [('width',), ('layer',), ('layer', 'size')]
    >>> [path for path, _ in document.references()]
    [('width',)]
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        text: str | None = None,
        lines: Sequence[Line] | None = None,
    ) -> None:
        self.path = str(path)
        self.is_variant = lines is not None
        self.once_used: frozenset[str] = frozenset()
        # what is only a text has no place but its name
        place = "{}" if text is not None else "{}, line {}"
        try:
            if lines is not None:
                text = "".join(f"{line.text}\n" for line in lines)
            self.text = _read(path) if text is None else text
            self.root = compose_yaml(self.text)
        except OSError as error:
            raise ValueError(
                f"cannot read the YAML file {path} ({error.strerror}). Give "
                "the path of an existing file as the first argument."
            ) from error
        except (YAMLError, ValueError) as error:
            raise ValueError(f"{path} is not valid YAML: {error}") from error
        # YAML knows no other ends of lines
        rows = self.text.removesuffix("\n").split("\n")
        self.lines = list(lines or ()) or [
            Line(line, place.format(path, number))
            for number, line in enumerate(rows, start=1)
        ]
        if not isinstance(self.root, MappingNode):
            raise ValueError(
                f"{path} must hold a mapping, lines of `key: value`."
            )
        _measure(self.root, self.place, {})
        self._check_keys()
        self.items = items(self.root)

    def place(self, node: Node) -> str:
        """Say where a node stands: the file and the line.

        Arguments
        ---------
        node : Node
            A node of this document.

        Returns
        -------
        place : str
            For the beginning of an error message.
        """
        last = len(self.lines) - 1
        return self.lines[min(node.start_mark.line, last)].place

    def walk(self) -> Iterator[tuple[KeyPath, Node]]:
        """Visit every value, from the top.

        Returns
        -------
        nodes : iterator
            Pairs of the keys that lead to a node, and the node.
        """
        yield from walk(self.root, ())

    def references(self) -> Iterator[tuple[KeyPath, Node]]:
        """Visit every ``<name[part]>`` of the ``!ref`` and ``!copy`` tags.

        Returns
        -------
        references : iterator
            Pairs of the keys that are named, and the node that names them.
        """
        for _, node in self.walk():
            if tag_of(node) in ("!ref", "!copy"):
                for name in _REFERENCE.findall(node.value):
                    yield _split_name(name), node

    def keys_referred_to(self) -> Iterator[tuple[KeyPath, str]]:
        """Visit every value that is nothing but a top-level key's.

        Returns
        -------
        references : iterator
            Pairs of the keys that lead to the value, and the key it is of.
        """
        for path, node in self.walk():
            name = tag_of(node) == "!ref" and _REFERENCE.fullmatch(node.value)
            if name and name[1] in self.items:
                yield path, name[1]

    def resolve(self, node: Node) -> Node:
        """Follow a value that is nothing but a reference.

        Arguments
        ---------
        node : Node
            A value of this document.

        Returns
        -------
        node : Node
            What the reference leads to, or the value itself.
        """
        visited = set()
        while tag_of(node) == "!ref" and id(node) not in visited:
            visited.add(id(node))
            name = _REFERENCE.fullmatch(node.value)
            target = self.root if name else None
            for key in _split_name(name[1]) if name else ():
                target = items(target).get(key)
            node = node if target is None else target
        return node

    def _check_keys(self):
        for node in [self.root, *(node for _, node in self.walk())]:
            if not isinstance(node, MappingNode):
                continue
            seen = set()
            for key, _ in node.value:
                if not isinstance(key, ScalarNode) or tag_of(key):
                    raise ValueError(
                        f"{self.place(key)}: a key must be a single value; "
                        f"got {tag_of(key) or 'a list or a mapping'}. Correct "
                        "it."
                    )
                if key.value in seen:
                    raise ValueError(
                        f"{self.place(key)}: the key '{key.value}' is given "
                        "twice. Remove one of them."
                    )
                seen.add(key.value)


def _read(path: str | os.PathLike[str]) -> str:
    text = Path(path).read_text("utf-8")
    longest = max(map(len, text.split()), default=0)
    if longest > _MOST_CHARACTERS:
        raise ValueError(
            f"a word has {longest} characters, more than {_MOST_CHARACTERS}. "
            "Shorten it."
        )
    return text


def compose_yaml(text: str) -> Node | None:
    """Read the nodes of a text.

    Arguments
    ---------
    text : str
        YAML.

    Returns
    -------
    root : Node, optional
        None of an empty text.

    Raises
    ------
    ValueError
        If it is nested too deep, or says that it is of another version.
    YAMLError
        If it is no YAML.

    Example
    -------
    >>> compose_yaml("a: 1").value[0][0].value
    'a'
    """
    check_depth(text)
    try:
        return YAML().compose(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep. Mend it.") from error
    # of a version that ruamel does not know
    except (AssertionError, KeyError) as error:
        raise ValueError(
            "the version after %YAML is unknown. Leave that line out."
        ) from error


def items(node: Node | None) -> dict[str, Node]:
    """Return the values of a mapping by key.

    Arguments
    ---------
    node : Node, optional
        Any node.

    Returns
    -------
    values : dict
        Empty unless the node is a mapping.
    """
    if not isinstance(node, MappingNode):
        return {}
    return {key.value: value for key, value in node.value}


def walk(node: Node, path: KeyPath) -> Iterator[tuple[KeyPath, Node]]:
    """Visit every value below a node.

    Arguments
    ---------
    node : Node
        Any node.
    path : KeyPath
        The keys that lead to it.

    Returns
    -------
    nodes : iterator
        Pairs of the keys that lead to a value, and the value.
    """
    if isinstance(node, MappingNode):
        children = [(key.value, value) for key, value in node.value]
    elif isinstance(node, SequenceNode):
        children = [(str(i), value) for i, value in enumerate(node.value)]
    else:
        children = []
    for name, value in children:
        yield (*path, name), value
        yield from walk(value, (*path, name))


def tag_of(node: Node) -> str:
    """Return the tag of a node that HyperPyYAML acts on.

    Arguments
    ---------
    node : Node
        Any node.

    Returns
    -------
    tag : str
        Such as ``!ref``; empty for plain YAML.
    """
    tag = str(node.tag)
    return "" if tag.startswith(_PLAIN_TAG) else tag


def kind_of(node: Node) -> str:
    """Return the plain type of a single value.

    Arguments
    ---------
    node : Node
        Any node.

    Returns
    -------
    kind : str
        ``bool``, ``int``, ``float``, ``null`` or ``str``; empty for anything
        else, and for values with a tag of their own.
    """
    if tag_of(node) or not isinstance(node, ScalarNode):
        return ""
    return str(node.tag)[len(_PLAIN_TAG) :]


def plain_value(node: ScalarNode) -> Any:
    """Return what YAML makes of a single value.

    Arguments
    ---------
    node : ScalarNode
        A value without a tag of its own.

    Returns
    -------
    value : Any
        A text, a number, a switch, a date or None; the text itself where YAML
        makes nothing of it.
    """
    try:
        return _PLAIN.construct_object(node)
    except (ConstructorError, ValueError):
        return node.value


def _measure(
    node: Node,
    place: Callable[[Node], str],
    sizes: dict[int, int | None],
    depth: int = 0,
) -> int:
    """Count the values that a node stands for, each looked at once."""
    known = sizes.get(id(node), 0)
    if known:
        return known
    if known is None or depth > MOST_DEPTH:
        raise ValueError(
            f"{place(node)}: a value must not hold itself, nor be nested "
            f"deeper than {MOST_DEPTH}. Mend the brackets and anchors."
        )
    sizes[id(node)] = None
    parts = []
    if isinstance(node, MappingNode):
        parts = [part for pair in node.value for part in pair]
    elif isinstance(node, SequenceNode):
        parts = node.value
    size = 1 + sum(_measure(part, place, sizes, depth + 1) for part in parts)
    if size > _MOST_NODES:
        raise ValueError(
            f"{place(node)}: anchors stand for more than {_MOST_NODES} values. "
            "Give fewer."
        )
    sizes[id(node)] = size
    return size


def _split_name(name):
    """Return ('a', 'b') for ``a[b]``, and for ``a[b].attribute``."""
    return tuple(part.strip("]") for part in name.split(".")[0].split("["))
