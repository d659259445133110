"""Names of files that look the same and are not, and what does not show."""

import functools
import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

# letters of Cyrillic and Greek that are drawn as those of Latin
_LOOKALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u04bb"
    "\u03b1\u03bf\u03c1\u03bd\u03b9",
    "aeopcyxijsdhaopvi",
)
_DASHES = re.compile(r"[\u2010-\u2015\u2212]")
_QUOTES = re.compile(r"[\u2018-\u201f\u02b9-\u02bd\u2032\xb4`\"]")
_ENDINGS = re.compile(r"(\.[a-z][a-z0-9]{1,3})+$")


def visible(name: str | Path) -> str:
    """Write a name so that every character of it is seen.

    Arguments
    ---------
    name : str or Path
        Any text.

    Returns
    -------
    str
        The name, with escapes for control and format characters, for spaces
        but the plain one, and for the marks of decomposed letters.

    Example
    -------
    >>> print(*map(visible, ["\\u200ba1", "caf\\u00e9", "cafe\\u0301"]))
    \\u200ba1 café cafe\\u0301
    """
    name = str(name)
    hidden = "CZ" if unicodedata.is_normalized("NFC", name) else "CZM"
    return "".join(
        character.encode("unicode_escape").decode()
        if character != " " and unicodedata.category(character)[0] in hidden
        else character
        for character in name
    )


def strip_invisible(text: str) -> str:
    """Remove from both ends what does not show.

    Arguments
    ---------
    text : str
        Any text.

    Returns
    -------
    str
        The text without spaces, byte order marks and other format characters
        at its ends.

    Example
    -------
    >>> strip_invisible(" \\u200ba1\\ufeff ")
    'a1'
    """
    text = text.strip()
    if text.isascii():
        return text
    for end in (0, -1):
        while text and unicodedata.category(text[end]) == "Cf":
            text = text.strip(text[end]).strip()
    return text


def same_look(name: str) -> str:
    """Return what names that look the same have in common.

    Arguments
    ---------
    name : str
        A name.

    Returns
    -------
    str
        The name with composed letters, without format characters, and without
        spaces at its ends.

    Example
    -------
    >>> same_look("cafe\\u0301\\u200b") == same_look("caf\\u00e9")
    True
    """
    if name.isascii():
        return name.strip()
    shown = "".join(c for c in name if unicodedata.category(c) != "Cf")
    return unicodedata.normalize("NFC", shown).strip()


def find_alike(path: Path) -> Path:
    """Find the file or folder that a path means.

    macOS decomposes letters in names, Windows has another separator, and
    spreadsheets and web pages leave characters that do not show.

    Arguments
    ---------
    path : Path
        What is written somewhere.

    Returns
    -------
    Path
        It if it exists; else the only one that looks the same, if there is
        one; else the path as it is.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> (folder / "cafe\\u0301").touch()
    >>> find_alike(folder / "caf\\u00e9").name == "cafe\\u0301"
    True
    """
    if os.path.exists(path) or path == path.parent:
        return path
    if "\\" in path.name:
        return find_alike(path.parent / path.name.replace("\\", "/"))
    folder = find_alike(path.parent)
    alike = _names_by(same_look, folder).get(same_look(path.name), [])
    return folder / alike[0] if len(alike) == 1 else path


def tell_near_names(path: Path) -> str:
    """Tell where a path ends, and what is there in its place.

    Arguments
    ---------
    path : Path
        What does not exist.

    Returns
    -------
    str
        The first part that is missing, and names like it but for case,
        spaces, ending, or characters that resemble each other, which are then
        written in ASCII; empty where only the last part is missing and
        nothing is like it.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> (folder / "a.WAV").touch()
    >>> tell_near_names(folder / "a.wav")
    " ('a.wav' is not there, but 'a.WAV')"
    """
    missing = path
    while not os.path.exists(missing.parent) and missing.parent != missing:
        missing = missing.parent
    for key, show in ((_roughly, _quoted), (_stem, _quoted), (_drawn, ascii)):
        near = _names_by(key, missing.parent).get(key(missing.name))
        if near:
            listed = ", ".join(map(show, near[:5]))
            return f" ({show(missing.name)} is not there, but {listed})"
    return "" if missing == path else f" ({_quoted(missing)} is not there)"


def _quoted(name: str | Path) -> str:
    return f"'{visible(name)}'"


def _roughly(name: str) -> str:
    return "".join(same_look(name).casefold().split())


def _stem(name: str) -> str:
    return _ENDINGS.sub("", _roughly(name))


def _drawn(name: str) -> str:
    """Return what names have in common that a reader takes for the same."""
    plain = _QUOTES.sub("'", _DASHES.sub("-", unquote(name)))
    plain = unicodedata.normalize("NFKC", plain).casefold()
    return _stem(plain.translate(_LOOKALIKES))


def _names_by(key: Callable[[str], str], folder: Path) -> dict[str, list[str]]:
    """Return the names in a folder by what the key makes of them."""
    try:
        return _index(key, folder, os.stat(folder).st_mtime_ns)
    except (OSError, ValueError):
        return {}


@functools.lru_cache(maxsize=16)
def _index(
    key: Callable[[str], str], folder: Path, _changed: int
) -> dict[str, list[str]]:
    index: dict[str, list[str]] = {}
    for name in sorted(os.listdir(folder)):
        index.setdefault(key(name), []).append(name)
    return index
