"""Putting values in the place of references, and building what they describe."""

import contextlib
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import ruamel.yaml
from hyperpyyaml import load_hyperpyyaml, resolve_references
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import Node, ScalarNode
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from sb_sma.hparams.document import Document, KeyPath, tag_of, walk

_LOADERS = ("hyperpyyaml", "ruamel", "yaml")
_MOST_TOLD = 300
# what values that do not fit raise, RuntimeError in PyTorch; anything else is a
# fault of a program
_UNFIT = (TypeError, ValueError, OverflowError, RuntimeError, YAMLError)
# of the characters that Unicode leaves to private use
_STAND_IN = "\ue000{}\ue001"
_STANDING_IN = re.compile(_STAND_IN.format(r"(\d+)"))


class Resolved:
    """An experiment with values in the place of references.

    HyperPyYAML would look for references, sums and tuples in texts, too. It is
    given stand-ins, which have none.

    Arguments
    ---------
    document : Document
        The experiment.
    overrides : str
        Keys with other values, as YAML.
    texts : mapping
        Text, list of texts or reference, by the keys that lead to it; texts
        are taken as they are.

    Example
    -------
    >>> document = Document("a.yaml", "out: x\\nlog: !ref <out>/log\\nn: 1")
    >>> resolved = Resolved(document, "n: 2", {("out",): "<a>"})
    >>> resolved.build()
    {'out': '<a>', 'log': '<a>/log', 'n': 2}
    >>> print(resolved.text.rstrip())
    out: "<a>"
    log: "<a>/log"
    n: 2
    """

    def __init__(
        self, document: Document, overrides: str, texts: Mapping[KeyPath, Any]
    ):
        self._texts: list[str] = []
        self._document = document
        given = {}
        with self._told():
            given = YAML().load(overrides or "{}")
        self._overridden = set(given)
        for path, text in texts.items():
            below = given
            for key in path[:-1]:
                below = below.setdefault(key, {})
            below[path[-1]] = self._hide(text)
        stream = io.StringIO(document.text)
        # what is included is looked for beside it
        stream.name = document.path
        with self._told():
            self._resolved = resolve_references(stream, given).getvalue()

    @property
    def text(self) -> str:
        """As YAML."""
        stream = io.StringIO()
        with self._told():
            YAML().dump(self._shown_in(YAML().load(self._resolved)), stream)
        return stream.getvalue()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Name the experiment where its values cannot be read."""
        try:
            yield
        # values with a tag that they do not fit raise errors of many kinds
        except Exception as error:
            told = _in_a_line(f"{type(error).__name__}: {error}")
            raise ValueError(
                f"{self._document.path}, with what the command line gives, "
                f"cannot be put together ({told}). Correct the value, its tag "
                "or its reference."
            ) from error

    def build(self) -> dict[str, Any]:
        """Build every object, without the loader's own calls in a traceback.

        They are dozens for every error of a class or function that the YAML
        names. An error of the loader itself keeps them.

        Returns
        -------
        hparams : dict
            With every object.

        Raises
        ------
        ValueError
            If an object that is built raises one, or what else a value raises
            that does not fit.
        Exception
            Whatever else an object that is built raises.
        """
        failed: list[Node] = []

        class Loader(ruamel.yaml.Loader):
            """Reads texts again where they have stand-ins."""

            def construct_object(self, node: Node, *how: Any, **kw: Any) -> Any:
                """Build one, and note what fails, from the innermost."""
                try:
                    # HyperPyYAML changes what `deep` is by default
                    return super().construct_object(node, *how, **kw)
                except Exception:
                    failed.append(node)
                    raise

        def construct(loader: Loader, node: ScalarNode) -> str:
            """Show the text that is read."""
            return self._show(loader.construct_scalar(node))

        Loader.add_constructor("tag:yaml.org,2002:str", construct)
        try:
            return load_hyperpyyaml(self._resolved, loader=Loader)
        except Exception as error:
            # Python adds this function again
            frames = _frames(error.__traceback__.tb_next)
            error = _without_loader(error, frames)
            if isinstance(error, _UNFIT):
                told = f"{self._name(failed)}: {_cause(error, frames[-1])}"
                raise ValueError(told) from error
            raise error

    def _name(self, failed: list[Node]) -> str:
        """Say which value cannot be built, the innermost, and where it is."""
        below = [pair for root in failed[-1:] for pair in walk(root, ())]
        # what several keys hold is named by the first
        paths = {id(node): path for path, node in reversed(below)}
        path = next((paths[id(n)] for n in failed if id(n) in paths), ())
        if not path:
            return f"{self._document.path} cannot be built"
        written = dict(self._document.walk())
        ends = range(len(path), 0, -1)
        # what is included is named by the line that includes it
        known = (written[path[:n]] for n in ends if path[:n] in written)
        place = self._document.place(next(known, self._document.root))
        if path[0] in self._overridden:
            place = "the command line"
        tag = tag_of(failed[0])
        by = f" by {tag}" if tag else ""
        return f"{place}: '{'.'.join(path)}' cannot be built{by}"

    def _hide(self, text: Any) -> Any:
        """Exchange a text, or those of a list, for a stand-in."""
        if isinstance(text, list):
            return [self._hide(each) for each in text]
        if not isinstance(text, str):
            return text
        self._texts.append(text)
        return _STAND_IN.format(len(self._texts) - 1)

    def _show(self, value: str) -> str:
        """Exchange stand-ins for the texts."""
        return _STANDING_IN.sub(lambda it: self._texts[int(it[1])], value)

    def _shown_in(self, value: Any) -> Any:
        """Exchange all stand-ins below a value, in place."""
        if isinstance(value, dict):
            for key in value:
                value[key] = self._shown_in(value[key])
        elif isinstance(value, list):
            value[:] = [self._shown_in(each) for each in value]
        elif isinstance(value, str) and _STANDING_IN.search(value):
            return DoubleQuotedScalarString(self._show(value))
        return value


def _frames(traceback: TracebackType | None) -> list[TracebackType]:
    """From the outermost call to the innermost."""
    frames = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    return frames


def _without_loader(error: Exception, frames: list[TracebackType]) -> Exception:
    """Leave the loader's calls out, unless the error is its own."""
    if _is_of_loader(frames[-1]):
        return error
    below = None
    for frame in reversed(frames):
        if not _is_of_loader(frame):
            below = TracebackType(
                below, frame.tb_frame, frame.tb_lasti, frame.tb_lineno
            )
    return error.with_traceback(below)


def _cause(error: Exception, last: TracebackType) -> str:
    """Say what is wrong, and where it was raised unless by the loader."""
    # ruamel tells lines of what was put together
    cause = getattr(error, "problem", None) or error
    if isinstance(error, TypeError) and error.args:
        # HyperPyYAML puts what it calls before it
        cause = error.args[-1]
    kind = type(error).__name__
    if not _is_of_loader(last):
        file = Path(last.tb_frame.f_code.co_filename).name
        kind += f" in {file}, line {last.tb_lineno}"
    told = _in_a_line(cause)
    # a sentence of ours ends with a remedy
    remedy = "" if told.endswith(".") else " Correct what it is given."
    return f"{told.rstrip('.')} ({kind}).{remedy}"


def _in_a_line(text: Any) -> str:
    return " ".join(str(text).split())[:_MOST_TOLD]


def _is_of_loader(frame: TracebackType) -> bool:
    module = frame.tb_frame.f_globals.get("__name__", "")
    return module == __name__ or module.partition(".")[0] in _LOADERS
