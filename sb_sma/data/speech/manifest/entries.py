"""The utterances of a manifest, held so that a million of them are little.

Each is kept as a few packed bytes, and becomes an `Entry` when it is asked for.
"""

import operator
import pickle
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload

from sb_sma.data.speech.names import find_alike


@dataclass(frozen=True, slots=True)
class Entry:
    """One utterance of a manifest.

    Arguments
    ---------
    place : str
        File and line.
    name : str
        Its id.
    written_wav : str or Path
        Its recording, as the manifest spells it.
    text : str
        What is said.
    labels : dict
        Speaker and style columns, where the manifest has them.
    split : str, optional
        train, valid or test, where the manifest says so.
    duration : float, optional
        Seconds of the recording, where the manifest says so.

    Example
    -------
    >>> Entry("a.csv, line 2", "a", "a.wav", "Yes.").wav.name
    'a.wav'
    """

    place: str
    name: str
    written_wav: str | Path
    text: str
    labels: dict[str, str] = field(default_factory=dict)
    split: str | None = None
    duration: float | None = None

    @property
    def line(self) -> str:
        """The line, without the file."""
        return self.place.rpartition(", ")[2]

    @property
    def wav(self) -> Path:
        """The file of the recording, found where its name looks the same."""
        return find_alike(Path(self.written_wav))


class Entries(Sequence[Entry]):
    """Utterances in the order of their manifest.

    Arguments
    ---------
    manifest : Path
        The file.

    Example
    -------
    >>> entries = Entries(Path("a.csv"))
    >>> entries.append(2, "a", "a.wav", "Yes.", {}, None, 1.5)
    >>> entries[0].place, entries[0].duration
    ('a.csv, line 2', 1.5)
    """

    def __init__(self, manifest: Path):
        self._manifest = manifest
        self._packed = bytearray()
        self._ends = array("q", [0])
        self._lines = array("q")

    def append(
        self,
        line: int,
        name: str,
        wav: str,
        text: str,
        labels: Mapping[str, str],
        split: str | None,
        duration: float | None,
    ) -> None:
        """Add an utterance.

        Arguments
        ---------
        line : int
            Its number in the manifest.
        name : str
            Its id.
        wav : str
            Its recording.
        text : str
            What is said.
        labels : mapping
            Speaker and style columns.
        split : str, optional
            train, valid or test.
        duration : float, optional
            Seconds.
        """
        fields = (name, wav, text, dict(labels), split, duration)
        self._packed += pickle.dumps(fields, pickle.HIGHEST_PROTOCOL)
        self._ends.append(len(self._packed))
        self._lines.append(line)

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> list[Entry]: ...

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        # negative indices, and what is beyond the end
        index = range(len(self))[index]
        packed = memoryview(self._packed)
        fields = pickle.loads(packed[self._ends[index] : self._ends[index + 1]])
        return Entry(f"{self._manifest}, line {self._lines[index]}", *fields)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or len(self) != len(other):
            return False
        return all(map(operator.eq, self, other))

    def __iter__(self) -> Iterator[Entry]:
        return map(self.__getitem__, range(len(self)))
