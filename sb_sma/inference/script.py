"""What is spoken in one go, passage by passage, of texts of any length."""

from dataclasses import dataclass

from sb_sma.data.espeak.voice import PAUSE_SECONDS
from sb_sma.data.plain_text import is_speakable
from sb_sma.data.text.markup import (
    Break,
    Respelling,
    find_standing_in,
    parse_markup,
)
from sb_sma.data.text.pieces import TextPiece, cut_text, pauses_after

LONGEST_WHOLE = 600
"""Characters of the longest text that is spoken in one piece by itself."""

LONGEST_PIECE = 120
"""Characters of the longest piece of a longer one."""

LONGEST_FIRST = 100
"""Characters of its first piece, which is soon heard."""


@dataclass(frozen=True)
class Passage:
    """What is spoken in one go, or a silence.

    Arguments
    ---------
    text : str
        What is read; empty for a silence.
    pace : float
        Above 1 is faster.
    silence : float, optional
        Seconds after it. Default: what the model makes of the end of a text.
    respellings : tuple of Respelling
        Words that are said otherwise than the text has them.
    """

    text: str
    pace: float = 1.0
    silence: float | None = None
    respellings: tuple[Respelling, ...] = ()

    @property
    def written(self) -> str:
        """The text as it was given, without markup."""
        if not self.respellings:
            return self.text
        words = (each.word for each in self.respellings)
        names = find_standing_in(each.stand_in for each in self.respellings)
        return names.sub(
            lambda _: next(words), self.text, count=len(self.respellings)
        )


def write_script(
    text: str, pace: float = 1.0, split: bool = True
) -> list[Passage]:
    """Take a text apart into what is spoken in one go.

    Arguments
    ---------
    text : str
        Any text, with markup or without.
    pace : float
        Of the whole.
    split : bool
        Whether a text beyond `LONGEST_WHOLE` characters is taken apart; if
        not, it is where the text itself says so.

    Returns
    -------
    passages : list of Passage
        At least one. A text of a single passage ends as the model ends it.

    Raises
    ------
    ValueError
        If the markup is wrong.

    Example
    -------
    >>> [passage.silence for passage in write_script("One. Two.")]
    [None]
    >>> text = 'One. <break time="2s"/> Two.'
    >>> [(passage.text, passage.silence) for passage in write_script(text)]
    [('One. ', 2.0), (' Two.', None)]
    """
    parts = parse_markup(text)
    cuts = split and len(text) > LONGEST_WHOLE
    passages: list[Passage] = []
    n_speakable = sum(
        not isinstance(part, Break) and is_speakable(part.text)
        for part in parts
    )
    for part in parts:
        if isinstance(part, Break):
            passages.append(Passage("", silence=part.seconds))
            continue
        if cuts:
            pieces = cut_text(part.text, LONGEST_PIECE)
            if not passages:
                pieces[:1] = _cut_first(pieces[0])
        else:
            pauses = pauses_after(part.text.rstrip())
            pieces = [TextPiece(part.text, pauses)]
        if n_speakable and not is_speakable(part.text):
            _lengthen_last(passages, pieces[-1].pauses, pace)
            continue
        waiting = list(part.respellings)
        for piece in pieces:
            chosen = _take_standing_in(piece.text, waiting)
            passages.append(
                Passage(
                    piece.text,
                    pace * part.pace,
                    _seconds(piece.pauses, pace * part.pace),
                    chosen,
                )
            )
    return _joined_silences(passages)


def _cut_first(piece: TextPiece) -> list[TextPiece]:
    """Take the first piece apart once more, and join what follows."""
    first, *others = cut_text(piece.text, LONGEST_FIRST)
    if not others:
        return [piece]
    return [
        first,
        TextPiece(piece.text[len(first.text) :].strip(), piece.pauses),
    ]


def _seconds(pauses: int, pace: float) -> float:
    return pauses * PAUSE_SECONDS / pace


def _lengthen_last(passages: list[Passage], pauses: int, pace: float) -> None:
    """Let marks that stand alone be a pause after what was said."""
    if passages and passages[-1].text:
        last = passages[-1]
        silence = max(last.silence, _seconds(pauses, pace))
        passages[-1] = Passage(last.text, last.pace, silence, last.respellings)


def _take_standing_in(
    text: str, waiting: list[Respelling]
) -> tuple[Respelling, ...]:
    """Take from a list what stands in a piece."""
    count = 0
    if waiting:
        names = find_standing_in(each.stand_in for each in waiting)
        count = len(names.findall(text))
    chosen, waiting[:] = tuple(waiting[:count]), waiting[count:]
    return chosen


def _joined_silences(passages: list[Passage]) -> list[Passage]:
    """Let a silence that is asked for take the place of a natural pause."""
    joined: list[Passage] = []
    asked_for = False
    for passage in passages:
        if not passage.text and joined:
            last = joined[-1]
            more = last.silence if asked_for or not last.text else 0.0
            joined[-1] = Passage(
                last.text,
                last.pace,
                more + passage.silence,
                last.respellings,
            )
            asked_for = True
        else:
            joined.append(passage)
            asked_for = False
    if not any(passage.text for passage in joined):
        # the front end says what is wrong with it
        return [Passage("")]
    if not asked_for:
        last = joined[-1]
        joined[-1] = Passage(last.text, last.pace, None, last.respellings)
    return joined
