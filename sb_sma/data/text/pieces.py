"""Long texts taken apart: at paragraphs, sentences, clauses, then words.

Neighbouring sentences stay together up to a length. A place that may be the
end of a sentence and may be none, such as after an abbreviation, an initial or
an ordinal of German, is then no loss: it is not cut at. What is known of
languages is therefore only where it is doubtful, and not where it is certain.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import NamedTuple

from sb_sma.data.plain_text import is_speakable
from sb_sma.data.text.english import abbreviations
from sb_sma.data.text.frontends import count_pauses

# no match begins within a run of what it begins with: each beginning would be
# tried to the end of the run
_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
_CLOSING = "\"'’”“‘»)\\]}›」』）】》"
_STOPS = ".…!?‼⁇⁈⁉؟۔।॥։።፧။"
_STOPS_WITHOUT_SPACE = "。！？｡"
_SENTENCE_END = re.compile(
    rf"(?<![{_STOPS}])[{_STOPS}]+(?:[{_CLOSING}]|\s[»›](?=\s))*\s+"
    rf"|[{_STOPS_WITHOUT_SPACE}]+[{_CLOSING}]*\s*"
)
_CLAUSE_END = re.compile(
    rf"(?<![,;:،؛፣፤])[,;:،؛፣፤]+[{_CLOSING}]*\s+|[、，；：]+[{_CLOSING}]*\s*"
    r"|(?:(?<!\s)\s+)?(?:--+|—|\s[–-](?=\s))\s*|[)\]]\s+|\n"
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)+")
# what is short belongs to what follows: of a | house
_LONG_WORD_END = re.compile(r"(?<=\w{4})\s+")
_WORD_END = re.compile(r"\s+")
_LAST_WORD = re.compile(r"[\w.'’-]*$")
_OPENING = re.compile(r"[\s\"'‘’“”«»‹›„(\[{¿¡「『（—–-]*")
_VOWEL = re.compile("[aeiouyæœøаеёиоуыэюяіїєαεηιουω]", re.IGNORECASE)
_ABBREVIATIONS = frozenset(
    name.lower().rstrip(".")
    for name in (
        *abbreviations.NAMES,
        # English
        *"apt assn asst bldg dec dept dist ed eds esq est etc ext feb hon inst "
        "jan jul jun mar mfg misc mt nov oct orig prof rep sen sept ste "
        "univ viz ult".split(),
        # German
        *"abb abs abt allg anm art aufl ausg bd bes bspw ca dgl dipl ebd etc "
        "evtl fam frl geb ggf hr hrn inkl ing insb jh jhdt kap max min mio mrd "
        "nr sog std str tel usf usw vgl zit zzgl".split(),
        # French, Spanish, Italian, Portuguese
        *"apr arch av avv boul cap chap dott dra ed env ex exmo fig gral hab "
        "ibid izq lic mlle mme mm núm op pag pág párr prov ref sig sigg "
        "srta sra tel tit trad ud uds vd vds".split(),
        # Dutch, Polish, Russian
        *"afb bijv blz dhr drs enz evt ir mevr mgr nl resp "
        "godz im itd itp np ok prof ul "
        "гг гл др им млн млрд напр пр проф руб стр тыс ул".split(),
    )
)
# 3. Auflage; longer ones are years
_LONGEST_ORDINAL = 2
# p. 5, Abb. 3
_LONGEST_COUNTED = 4
_LONGEST_WITHOUT_VOWEL = 4
# as count_pauses knows them
_AS_COUNTED = str.maketrans(
    {
        **dict.fromkeys("。｡।॥۔።။։", "."),
        **dict.fromkeys("！‼⁉", "!"),
        **dict.fromkeys("？⁇⁈؟፧", "?"),
        **dict.fromkeys("、，،፣", ","),
        **dict.fromkeys("；؛፤", ";"),
        "：": ":",
        "…": "...",
        "–": "—",
    }
)

_END_MARKS = (
    ",;:—–-،؛፣፤、，；：'’”»›」』）】》\"()[]{} " + _STOPS + _STOPS_WITHOUT_SPACE
)


class TextPiece(NamedTuple):
    """A part of a text that is spoken by itself.

    Attributes
    ----------
    text : str
        Without spaces at its ends.
    pauses : int
        Tenths of a second of silence that belong after it, if more follows.
    """

    text: str
    pauses: int


def cut_text(text: str, longest: int) -> list[TextPiece]:
    """Take a text apart.

    Arguments
    ---------
    text : str
        Any text. A line end is a space; an empty line ends a paragraph.
    longest : int
        Most characters of a piece.

    Returns
    -------
    pieces : list of TextPiece
        Together they are the text, but for spaces between them, and for parts
        of a paragraph's length with nothing to say, such as ``* * *``, which
        are pauses.

    Example
    -------
    >>> text = "Dr. Smith paid $5.50. He left,\\nthen he came back.\\n\\nWhy?"
    >>> for piece in cut_text(text, longest=28):
    ...     print(piece)
    TextPiece(text='Dr. Smith paid $5.50.', pauses=3)
    TextPiece(text='He left, then he came back.', pauses=5)
    TextPiece(text='Why?', pauses=3)
    """
    pieces: list[TextPiece] = []
    paragraphs = _PARAGRAPH.split(text)
    for index, paragraph in enumerate(paragraphs):
        parts = [
            part.strip()
            for part in _packed(
                paragraph, (_sentences, _clauses, _long_words, _words), longest
            )
        ]
        for part in filter(None, parts):
            pauses = pauses_after(part)
            if not is_speakable(part):
                _lengthen_last(pieces, pauses)
                continue
            pieces.append(TextPiece(" ".join(part.split("\n")), pauses))
        if index < len(paragraphs) - 1:
            _lengthen_last(pieces, count_pauses("\n\n"))
    if not pieces:
        return [TextPiece(text.strip(), pauses_after(text.strip()))]
    return pieces


def _lengthen_last(pieces: list[TextPiece], pauses: int) -> None:
    """Let the silence after what was said be as long as this at least."""
    if pieces:
        longer = max(pauses, pieces[-1].pauses)
        pieces[-1] = pieces[-1]._replace(pauses=longer)


def _packed(
    text: str,
    ways: tuple[Callable[[str], Iterator[str]], ...],
    longest: int,
) -> list[str]:
    """Cut in the first way, in the next where that is not enough, and join
    neighbours as far as there is room."""
    if len(text.strip()) <= longest:
        return [text]
    if not ways:
        return [text[i : i + longest] for i in range(0, len(text), longest)]
    packed = [""]
    for unit in ways[0](text):
        for part in _packed(unit, ways[1:], longest):
            if len((packed[-1] + part).strip()) <= longest:
                packed[-1] += part
            else:
                packed.append(part)
    return packed


def _sentences(text: str) -> Iterator[str]:
    ends = [
        match.end()
        for match in _SENTENCE_END.finditer(text)
        if _ends_sentence(text, match)
    ]
    return _cut_at(text, ends)


def _clauses(text: str) -> Iterator[str]:
    return _cut_at(text, [m.end() for m in _CLAUSE_END.finditer(text)])


def _long_words(text: str) -> Iterator[str]:
    return _cut_at(text, [m.end() for m in _LONG_WORD_END.finditer(text)])


def _words(text: str) -> Iterator[str]:
    return _cut_at(text, [m.end() for m in _WORD_END.finditer(text)])


def _cut_at(text: str, ends: list[int]) -> Iterator[str]:
    for start, end in zip([0, *ends], [*ends, len(text)]):
        if end > start:
            yield text[start:end]


def _ends_sentence(text: str, match: re.Match) -> bool:
    """Whether a sentence ends here for certain."""
    opening = _OPENING.match(text, match.end())
    following = text[opening.end() : opening.end() + 1]
    if following.islower():
        return False
    # (approx.) is none, "No." is one
    if match[0][0] != "." or match[0].strip() != ".":
        return True
    word = _LAST_WORD.search(text[max(0, match.start() - 40) : match.start()])
    return not _is_doubtful(word[0].lstrip("'’-"), following)


def _is_doubtful(word: str, following: str) -> bool:
    """Whether a full stop after a word may be no end of a sentence."""
    if word.isdecimal():
        return len(word) <= _LONGEST_ORDINAL
    if _NUMBER.fullmatch(word):
        return False
    return (
        # initials; also z. B.
        (len(word) == 1 and not _is_wide(word))
        or "." in word
        or word.lower() in _ABBREVIATIONS
        or (following.isdecimal() and len(word) <= _LONGEST_COUNTED)
        or (
            word.isalpha()
            and len(word) <= _LONGEST_WITHOUT_VOWEL
            and unicodedata.name(word[0], "").startswith(("LATIN", "CYRILLIC"))
            and not _VOWEL.search(unicodedata.normalize("NFD", word))
        )
    )


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def pauses_after(text: str) -> int:
    """Tell how long the marks at the end of a text pause.

    Arguments
    ---------
    text : str
        Without spaces at its end.

    Returns
    -------
    pauses : int
        Tenths of a second.

    Example
    -------
    >>> pauses_after("he said,"), pauses_after("そう。」"), pauses_after("he")
    (1, 3, 0)
    """
    marks = text[len(text.rstrip(_END_MARKS)) :]
    return count_pauses(marks.translate(_AS_COUNTED))
