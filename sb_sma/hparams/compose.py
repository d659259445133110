"""A variant of an experiment says what it changes: ``base:`` and its own keys.

HyperPyYAML's overrides would keep the class of an object that is replaced, and
take keys that the base lacks. Here the lines of a key take the place of the
base's, so that the whole reads as one file, comments included.
"""

import os

from ruamel.yaml import YAML
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import MappingNode, Node

from sb_sma.hparams.document import Document, Line, kind_of, tag_of
from sb_sma.hparams.names import closest_names

_BASE = "base"
# first line, line after the last, and what takes their place
Edit = tuple[int, int, list[Line]]


def compose(
    path: str | os.PathLike[str], variants: tuple[str, ...] = ()
) -> Document:
    """Read an experiment, put together with those that it is a variant of.

    Arguments
    ---------
    path : path
        A YAML file, which may name another under ``base``.
    variants : tuple of str
        The files that this one is the base of.

    Returns
    -------
    document : Document
        The whole, whose nodes know the file and line that they come from.

    Raises
    ------
    ValueError
        If a file cannot be read, if a variant gives a key another kind of
        value than its base, or a nested key that the base lacks, or if a file
        is a variant of itself.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "a.yaml").write_text("width: 4  # units\\nnote: x\\n")
    >>> _ = (folder / "b.yaml").write_text("base: a.yaml\\nwidth: 8\\n")
    >>> compose(folder / "b.yaml").text
    'width: 8\\nnote: x\\n'
    """
    document = Document(path)
    if _BASE not in document.items:
        return document
    name = os.path.realpath(path)
    if name in variants:
        raise ValueError(
            f"{path} is a variant of itself. Name another file under `base`."
        )
    base = compose(_base_of(document), (*variants, name))
    for whole in (base, document):
        _require_plain(whole)
    return _merge(base, document)


def _base_of(document: Document) -> str:
    """Find the file that a variant names, beside it or beside what it links."""
    node = document.items[_BASE]
    folders = [
        os.path.dirname(find(document.path))
        for find in (os.path.abspath, os.path.realpath)
    ]
    for folder in folders:
        path = os.path.join(folder, os.path.expanduser(str(node.value)))
        if os.path.isfile(path):
            return path
    raise ValueError(
        f"{document.place(node)}: base must be a YAML file, its path relative "
        f"to {folders[0]}; got '{node.value}'. Correct the path."
    )


def _merge(base: Document, variant: Document) -> Document:
    """Put the keys of a variant in the place of its base's."""
    edits: list[Edit] = []
    given = [
        (key, value) for key, value in variant.root.value if key.value != _BASE
    ]
    after = len(base.lines)
    known = {key.value: (key, value) for key, value in base.root.value}
    for key, value in given:
        if key.value in known:
            _exchange(base, known[key.value], variant, (key, value), edits)
            after = _end(*known[key.value])
        else:
            edits.append((after, after, _lines_of(variant, key, value)))
    merged = _edited(base, edits, variant)
    once_used = _referenced(base) | base.once_used
    merged.once_used = once_used - {key.value for key, _ in given}
    return merged


def drop_unused(document: Document, read: set[str]) -> Document:
    """Leave out what only a replaced object of a variant's base took.

    Arguments
    ---------
    document : Document
        Of `compose`.
    read : set of str
        The keys that the recipe itself reads.

    Returns
    -------
    document : Document
        Without keys that neither the recipe nor a reference reads, and that
        the base, but not the variant, gives.
    """
    while True:
        unused = document.once_used - _referenced(document) - read
        edits = [
            (key.start_mark.line, _end(key, value), [])
            for key, value in document.root.value
            if key.value in unused
        ]
        if not edits:
            return document
        once_used = document.once_used
        document = _edited(document, edits, document)
        document.once_used = once_used


def _require_plain(document: Document) -> None:
    """Refuse what cannot be cut into lines."""
    for _, node in document.walk():
        if tag_of(node).startswith("!include:"):
            raise ValueError(
                f"{document.place(node)}: a variant and its base hold all "
                f"that they are; got {node.tag}. Write what it names in its "
                "place."
            )
    if document.root.flow_style:
        raise ValueError(
            f"{document.path} must have a line for each key, as a variant or "
            "its base."
        )
    for event in YAML().parse(document.text):
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            line = document.lines[event.start_mark.line]
            raise ValueError(
                f"{line.place}: a variant and its base have no anchors; got "
                f"{event.anchor}. Use !ref."
            )


def _exchange(
    base: Document,
    old: tuple[Node, Node],
    variant: Document,
    new: tuple[Node, Node],
    edits: list[Edit],
) -> None:
    """Note what takes the place of a key, or of keys below it."""
    (old_key, old_value), (key, value) = old, new
    is_part = isinstance(value, MappingNode) and not tag_of(value)
    if is_part and isinstance(old_value, MappingNode):
        if value.flow_style or old_value.flow_style:
            raise ValueError(
                f"{variant.place(key)}: '{key.value}' "
                f"({base.place(old_key)}) must have a line for each key below "
                "it, in both files."
            )
        known = {k.value: (k, v) for k, v in old_value.value}
        for pair in value.value:
            name = pair[0].value
            if name not in known:
                raise ValueError(
                    f"{variant.place(pair[0])}: unknown key '{name}'; "
                    f"'{key.value}' ({base.place(old_key)}) has none. "
                    f"{closest_names(name, known)}"
                )
            _exchange(base, known[name], variant, pair, edits)
        return
    is_object = isinstance(value, MappingNode) or tag_of(value)
    if is_part or (
        isinstance(old_value, MappingNode)
        and not is_object
        and kind_of(value) != "null"
    ):
        raise ValueError(
            f"{variant.place(key)}: '{key.value}' ({base.place(old_key)}) is "
            f"{'a single value' if is_part else 'an object or a mapping'}; "
            "give another of its kind, or null."
        )
    indent = old_key.start_mark.column - key.start_mark.column
    lines = [
        Line(" " * indent + line.text[max(-indent, 0) :], line.place)
        for line in _lines_of(variant, key, value)
    ]
    edits.append((old_key.start_mark.line, _end(old_key, old_value), lines))


def _lines_of(document: Document, key: Node, value: Node) -> list[Line]:
    return document.lines[key.start_mark.line : _end(key, value)]


def _end(key: Node, value: Node) -> int:
    """Find the line after the last of a key's value."""
    while not getattr(value, "flow_style", True) and value.value:
        last = value.value[-1]
        key, value = last if isinstance(value, MappingNode) else (last, last)
    last = value.end_mark
    # a block of text ends where the next line begins
    return max(last.line + (last.column > 0), key.start_mark.line + 1)


def _edited(base: Document, edits: list[Edit], variant: Document) -> Document:
    """Apply the edits, under the comment that the variant begins with."""
    lines = list(base.lines)
    ordered = sorted(edits, key=lambda edit: edit[:2])
    # from the last, so that those before it keep their numbers
    for start, end, new in reversed(ordered):
        lines[start:end] = new
    return Document(
        variant.path,
        lines=[*_header(variant.lines), *lines[len(_header(base.lines)) :]],
    )


def _header(lines: list[Line]) -> list[Line]:
    end = 0
    while end < len(lines) and lines[end].text.startswith("#"):
        end += 1
    return lines[:end]


def _referenced(document: Document) -> set[str]:
    return {path[0] for path, _ in document.references()}
