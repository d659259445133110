"""A corpus, told by all that decides what is in it, before it is made.

Corpora are kept in one folder, each in a folder of its own, named by what is in
it: ``embedded-en-us-3f9a1c2b`` ends with a hash of all that the content depends
on. Two that differ never share a folder, and one that is there is used by
everybody.
"""

import hashlib
import json
import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from sb_sma.data.corpus.build_once import build_once, describe, is_finished

logger = logging.getLogger(__name__)

_N_DIGITS = 8
_LONGEST_NAME = 60


@dataclass(frozen=True)
class Corpus:
    """A corpus that a prepare function has planned.

    Arguments
    ---------
    name : str
        The beginning of its folder's name; told by ``parameters``, too.
    parameters : mapping
        All that its content depends on, and no path; must survive JSON.
    build : callable
        Called with a folder to fill.
    about : mapping
        What a list of corpora shows: a few words or numbers by name.
    goes_on_with : mapping, optional
        An interrupted ``build`` is continued by the next one of this name for
        which this is equal: what nothing can be kept without. Default: it
        begins anew.
    when_ready : callable, optional
        Called with the finished folder, be it new or not.

    Example
    -------
    >>> corpus = Corpus("noise", {"seed": 1}, lambda folder: None)
    >>> folder = corpus.make_in(getfixture("tmp_path"))
    >>> folder == corpus.make_in(folder.parent)
    True
    """

    name: str
    parameters: Mapping[str, Any]
    build: Callable[[Path], None]
    about: Mapping[str, Any] = field(default_factory=dict)
    goes_on_with: Mapping[str, Any] | None = None
    when_ready: Callable[[Path], None] = lambda folder: None

    @cached_property
    def description(self) -> dict[str, Any]:
        """What ``corpus.json`` tells of its content."""
        return describe(self.parameters)

    @property
    def folder_name(self) -> str:
        """The name of its folder among other corpora."""
        return _hashed(self.name, self.description)

    def make(self, folder: str | Path) -> None:
        """Make it, or find it made already.

        Arguments
        ---------
        folder : str or Path
            Its own folder.

        Raises
        ------
        ValueError
            If the folder holds anything else, if it cannot be written, or
            whatever is wrong with the data.
        """
        self._make(Path(folder).expanduser().absolute(), in_use=False)

    def make_in(self, root: str | Path) -> Path:
        """Make it in the folder of corpora, or find it there.

        It is in use from then on, until this process ends.

        Arguments
        ---------
        root : str or Path
            The folder of corpora.

        Returns
        -------
        folder : Path
            Its own folder.

        Raises
        ------
        ValueError
            If the folder cannot be written, or whatever is wrong with the data.
        """
        folder = Path(root).expanduser().absolute() / self.folder_name
        if not os.access(folder.parent, os.W_OK) and is_finished(
            folder, self.description
        ):
            # of somebody else, who may remove it
            logger.info("Reusing the corpus in %s, unlocked", folder)
            self.when_ready(folder)
            return folder
        begun = None
        if self.goes_on_with is not None:
            begun = _hashed(self.name, describe(self.goes_on_with))
        self._make(folder, in_use=True, begun=begun)
        return folder

    def _make(
        self, folder: Path, in_use: bool, begun: str | None = None
    ) -> None:
        build_once(
            folder,
            self.parameters,
            self.build,
            resumable=self.goes_on_with is not None,
            begun=begun,
            about=self.about,
            in_use=in_use,
        )
        self.when_ready(folder)


def _hashed(name: str, content: Any) -> str:
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    plain = re.sub(r"[^\w.+-]+", "_", name)[:_LONGEST_NAME]
    return f"{plain}-{digest[:_N_DIGITS]}"
