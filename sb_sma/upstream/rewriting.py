"""What is called otherwise there: modules, files, functions, and the author."""

import ast
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from sb_sma.upstream.table import Branch

_SPELLINGS = re.compile("mel_spectr?ogram")
_DEFINITION = re.compile(r"^def (mel_spectr?ogram)\(", re.MULTILINE)
# where SpeechBrain defines the function whose name was spelt anew
_SPELT_IN = "speechbrain/lobes/models/FastSpeech2.py"


class Rewriting:
    """Names here, and what they are there.

    Arguments
    ---------
    branches : iterable of Branch
        Whose names are known: a branch and those that it builds on.
    mel_spectrogram : str, optional
        How the checkout spells the function. Default: as it is spelt here.

    Example
    -------
    >>> branch = Branch(
    ...     name="walk",
    ...     title="Add a walk",
    ...     max_lines=9,
    ...     pull_request="",
    ...     copies={"sb_sma/walk.py": "speechbrain/nnet/walk.py"},
    ... )
    >>> rewrite = Rewriting([branch], "mel_spectogram")
    >>> rewrite("from sb_sma.walk import Walk  # of a mel_spectrogram")
    'from speechbrain.nnet.walk import Walk  # of a mel_spectogram'
    >>> rewrite("see sb_sma/walk.py, not sb_sma.walks")
    'see speechbrain/nnet/walk.py, not sb_sma.walks'
    """

    def __init__(
        self, branches: Iterable[Branch], mel_spectrogram: str | None = None
    ) -> None:
        self.names: dict[str, str] = {}
        self.mel_spectrogram = mel_spectrogram
        for branch in branches:
            for here, there in (
                *branch.copies.items(),
                *branch.appends.items(),
            ):
                # a word without a folder may be any word
                if "/" not in here:
                    continue
                self.names[here] = there
                if here.endswith(".py") and there.endswith(".py"):
                    self.names[_module(here)] = _module(there)
            self.names.update(branch.names)
        # the longest first: a name may begin with another
        names = sorted(self.names, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_whole, names)) or "(?!)")

    def __call__(self, text: str) -> str:
        """Rewrite a text.

        Arguments
        ---------
        text : str
            Python, YAML, CSV, a patch or prose.

        Returns
        -------
        text : str
            As it is there.
        """
        text = self._pattern.sub(lambda found: self.names[found[0]], text)
        if self.mel_spectrogram is None:
            return text
        return _SPELLINGS.sub(self.mel_spectrogram, text)


def spelling_of(checkout: Path) -> str | None:
    """Say how a checkout spells ``mel_spectrogram``.

    Arguments
    ---------
    checkout : Path
        Its root.

    Returns
    -------
    name : str or None
        None if it does not define it where 1.1.0 and 1.1.2 do.
    """
    file = checkout / _SPELT_IN
    if not file.is_file():
        return None
    found = _DEFINITION.search(file.read_text(encoding="utf-8"))
    return found and found[1]


def add_author(source: str, author: str) -> str:
    """Name the author at the end of a module's docstring.

    Arguments
    ---------
    source : str
        A module. One that names authors, or that has no docstring in three
        quotes, stays as it is.
    author : str
        Name and year.

    Returns
    -------
    source : str
        With a section ``Authors``.

    Example
    -------
    >>> print(add_author('\"\"\"A walk.\"\"\"\\n', "Ada Lovelace 1843"))
    \"\"\"A walk.
    <BLANKLINE>
    Authors
     * Ada Lovelace 1843
    \"\"\"
    <BLANKLINE>
    """
    module = ast.parse(source)
    docstring = ast.get_docstring(module) or "Authors"
    if re.search("^Authors?:?$", docstring, re.MULTILINE):
        return source
    end = module.body[0].value
    lines = source.encode().splitlines(keepends=True)
    last = lines[end.end_lineno - 1]
    quotes = last[end.end_col_offset - 3 : end.end_col_offset].decode()
    if quotes not in ('"""', "'''"):
        return source
    before = b"".join(lines[: end.end_lineno - 1])
    before += last[: end.end_col_offset - 3]
    after = last[end.end_col_offset :] + b"".join(lines[end.end_lineno :])
    return (
        f"{before.decode().rstrip()}\n\nAuthors\n * {author}\n{quotes}"
        f"{after.decode()}"
    )


def append_definitions(there: str, here: str) -> str:
    """Put the definitions of a module at the end of another.

    Arguments
    ---------
    there : str
        The module that gets them.
    here : str
        The module that has them. Its docstring stays here; of its imports and
        constants, only those go along that the other lacks.

    Returns
    -------
    source : str
        Its imports are for a linter to sort.

    Raises
    ------
    ValueError
        If both define the same name.

    Example
    -------
    >>> print(
    ...     append_definitions(
    ...         "import os\\n\\nA = 1\\n", "import re\\nB = 2\\n"
    ...     )
    ... )
    import os
    import re
    <BLANKLINE>
    A = 1
    <BLANKLINE>
    <BLANKLINE>
    B = 2
    <BLANKLINE>
    """
    target, module = ast.parse(there), ast.parse(here)
    known = {ast.unparse(node) for node in target.body}
    lines = here.splitlines()
    imports: list[str] = []
    definitions: list[str] = []
    end = 0
    for node in module.body:
        start = min([node.lineno, *_decorator_lines(node)])
        # with the comments above it
        text = "\n".join(lines[end : node.end_lineno]).strip("\n")
        end = node.end_lineno
        if ast.unparse(node) in known or _is_text(node):
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            imports += lines[start - 1 : node.end_lineno]
        else:
            definitions.append(text)
    twice = _names_defined(target) & _names_defined(
        ast.Module([n for n in module.body if ast.unparse(n) not in known], [])
    )
    if twice:
        raise ValueError(f"both modules define {', '.join(sorted(twice))}")
    rows = there.rstrip().splitlines()
    place = _end_of_imports(target)
    rows[place:place] = imports
    return "\n\n\n".join(["\n".join(rows), *definitions]) + "\n"


def _module(path: str) -> str:
    parts = PurePosixPath(path).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _whole(name: str) -> str:
    """Match a name that is no part of another."""
    before = r"(?<![\w.])" if re.match(r"\w", name) else ""
    after = r"(?!\w)" if re.search(r"\w$", name) else ""
    return before + re.escape(name) + after


def _decorator_lines(node: ast.stmt) -> list[int]:
    return [each.lineno for each in getattr(node, "decorator_list", ())]


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _names_defined(module: ast.Module) -> set[str]:
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    names = {node.name for node in module.body if isinstance(node, kinds)}
    for node in module.body:
        for target in getattr(node, "targets", ()):
            names |= {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}
    return names


def _end_of_imports(module: ast.Module) -> int:
    """Find the line after the first block of imports, or after the docstring."""
    end = 0
    for node in module.body:
        is_import = isinstance(node, (ast.Import, ast.ImportFrom))
        if not is_import and not (end == 0 and _is_text(node)):
            break
        end = node.end_lineno
    return end
