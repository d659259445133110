"""The table of branches: what each one takes to SpeechBrain."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sb_sma.hparams.document import Document
from sb_sma.hparams.names import closest_names

# of SpeechBrain's lists of recipes: those of a new list, and of all
NEW_COLUMNS = (
    "Task Dataset Script_file Hparam_file Data_prep_file Readme_file "
    "Result_url HF_repo test_debug_flags test_debug_checks performance"
).split()
COLUMNS = [*NEW_COLUMNS, "test_download", "test_message"]
RESULTS, COMMANDS = "{results}", "{commands}"
_NAME = re.compile("[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Section:
    """A part of a README.

    Arguments
    ---------
    file : str
        The README, in SpeechBrain.
    text : Path
        The file that holds the part.
    before : str
        The line, a heading, that it is put before.
    """

    file: str
    text: Path
    before: str


@dataclass(frozen=True)
class Branch:
    """What one branch takes to SpeechBrain.

    Arguments
    ---------
    name : str
        Of the branch, and of its folder here.
    title : str
        Subject of the commit and of the pull request.
    max_lines : int
        How many lines it may add.
    pull_request : str
        What the pull request says.
    builds_on : str, optional
        The branch that it comes after. Default: the base.
    copies : mapping of str to str
        By file here, the file there.
    names : mapping of str to str
        More names that are others there.
    appends : mapping of str to str
        By file here, the file there that gets its definitions.
    links : mapping of str to str
        By symbolic link there, what it leads to.
    patches : sequence of Path
        Changes of SpeechBrain's own files.
    sections : sequence of Section
        Parts of READMEs.
    rows : mapping of str to sequence of mappings
        By CSV file there, rows by column.
    tests : sequence of str
        Files that are run there.
    results : Path, optional
        Where figures are stored.
    """

    name: str
    title: str
    max_lines: int
    pull_request: str
    builds_on: str | None = None
    copies: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    appends: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    patches: Sequence[Path] = ()
    sections: Sequence[Section] = ()
    rows: Mapping[str, Sequence[Mapping[str, str]]] = field(
        default_factory=dict
    )
    tests: Sequence[str] = ()
    results: Path | None = None


def read_table(root: Path) -> dict[str, Branch]:
    """Read every branch of a repository.

    Arguments
    ---------
    root : Path
        The folder that ``upstream/order.yaml`` is in.

    Returns
    -------
    table : dict of str to Branch
        In the order in which they are made.

    Raises
    ------
    ValueError
        If the table names what is not there, or cannot be read.
    """
    path = root / "upstream" / "order.yaml"
    if not path.is_file():
        raise ValueError(
            f"there is no table of branches {path}; upstream/ and recipes/ are "
            "in no wheel. Run the command from a clone of this repository, "
            "installed with pip install -e '.[dev]'."
        )
    try:
        order = YAML(typ="safe", pure=True).load(path)
    except (YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not valid YAML: {error}") from error
    if not _is_list(_is_name)(order) or not order:
        raise ValueError(
            f"{path} must be a list of names such as guided-loss; got {order!r}."
        )
    table: dict[str, Branch] = {}
    for name in order:
        if name in table:
            raise ValueError(f"{path} names {name} twice. Remove one.")
        table[name] = _read_branch(root, name, table)
    return table


def branches_below(table: Mapping[str, Branch], name: str) -> list[Branch]:
    """List a branch and what it builds on.

    Arguments
    ---------
    table : mapping of str to Branch
        All branches.
    name : str
        One of them.

    Returns
    -------
    branches : list of Branch
        The lowest first, the named one last.
    """
    branch = table[name]
    below = branch.builds_on
    return [*(branches_below(table, below) if below else []), branch]


def _read_branch(root: Path, name: str, table: Mapping[str, Branch]) -> Branch:
    folder = root / "upstream" / name
    path = folder / "branch.yaml"
    if not path.is_file():
        raise ValueError(
            f"upstream/order.yaml names {name}, but there is no {path}. Write "
            "it, or take the name out."
        )
    document = Document(path)
    try:
        values = YAML(typ="safe", pure=True).load(document.text)
    except YAMLError as error:
        raise ValueError(f"{path} is not plain YAML: {error}") from error
    for key, node in document.items.items():
        if key not in _KEYS:
            raise ValueError(
                f"{document.place(node)}: there is no key {key}. "
                f"{closest_names(key, _KEYS)}"
            )
    for key in ("title", "max_lines"):
        if key not in document.items:
            raise ValueError(f"{path} has no key {key}. Give it.")
    for key, value in values.items():
        is_right, wanted = _KEYS[key]
        if not is_right(value):
            place = document.place(document.items[key])
            raise ValueError(f"{place}: {key} must be {wanted}; got {value!r}.")
    below = values.get("builds_on")
    if below is not None and below not in table:
        raise ValueError(
            f"{path}: {name} builds on {below}, which does not come before it "
            f"in upstream/order.yaml ({', '.join(table) or 'it is the first'})."
        )
    for key in ("copies", "appends"):
        for file in values.get(key, ()):
            _existing(root, file, f"{path}: {key}")
    values["patches"] = [
        _existing(folder, file, f"{path}: patches")
        for file in values.get("patches", ())
    ]
    values["sections"] = [
        Section(
            section["file"],
            _existing(folder, section["text"], f"{path}: sections"),
            section["before"],
        )
        for section in values.get("sections", ())
    ]
    if "results" in values:
        values["results"] = _existing(
            root, values["results"], f"{path}: results"
        )
    text = _existing(folder, "pull_request.md", f"{path}: the pull request")
    pull_request = text.read_text(encoding="utf-8")
    for mark in (RESULTS, COMMANDS):
        if pull_request.count(mark) != 1:
            raise ValueError(f"{text} must hold {mark} once, on its own line.")
    if pull_request.strip().split("\n\n")[0].endswith(":"):
        raise ValueError(
            f"{text}: the first paragraph becomes the message of the commit, "
            "and must not end with a colon."
        )
    return Branch(name=name, pull_request=pull_request, **values)


def _existing(folder: Path, file: str, place: str) -> Path:
    path = folder / file
    if not path.is_file():
        raise ValueError(f"{place}: there is no file {path}.")
    return path


Predicate = Callable[[Any], bool]


def _is_line(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and "\n" not in value


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(_NAME.fullmatch(value))


def _is_path(value: Any) -> bool:
    if not _is_line(value):
        return False
    path = PurePosixPath(value)
    return not path.is_absolute() and ".." not in path.parts


def _is_list(of: Predicate) -> Predicate:
    return lambda value: isinstance(value, list) and all(map(of, value))


def _is_mapping(of_keys: Predicate, of_values: Predicate) -> Predicate:
    return lambda value: (
        isinstance(value, dict)
        and all(map(of_keys, value))
        and all(map(of_values, value.values()))
    )


def _is_section(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"file", "text", "before"}
        and _is_path(value["file"])
        and _is_path(value["text"])
        and _is_line(value["before"])
    )


def _is_row(value: Any) -> bool:
    return (
        _is_mapping(COLUMNS.__contains__, _is_line)(value)
        and {"Script_file", "Hparam_file", "Readme_file"} <= value.keys()
    )


_PATHS = (
    _is_mapping(_is_path, _is_path),
    "a mapping of paths here to paths there, all relative and without ..",
)
_KEYS: Mapping[str, tuple[Predicate, str]] = {
    "title": (_is_line, "one line of text"),
    "max_lines": (
        lambda value: type(value) is int and value > 0,
        "a whole number above 0",
    ),
    "builds_on": (_is_name, "the name of a branch"),
    "copies": _PATHS,
    "names": (_is_mapping(_is_line, _is_line), "a mapping of names to names"),
    "appends": _PATHS,
    "links": (
        _is_mapping(_is_path, _is_line),
        "a mapping of paths there to what they lead to",
    ),
    "patches": (_is_list(_is_path), "a list of files in the branch's folder"),
    "sections": (
        _is_list(_is_section),
        "a list of mappings of file, text and before",
    ),
    "rows": (
        _is_mapping(_is_path, _is_list(_is_row)),
        "by CSV file, a list of rows with Script_file, Hparam_file and "
        f"Readme_file, whose columns are of {', '.join(COLUMNS)}",
    ),
    "tests": (
        _is_list(lambda value: _is_path(value) and value.endswith(".py")),
        "a list of modules there",
    ),
    "results": (_is_path, "a file of figures here"),
}
