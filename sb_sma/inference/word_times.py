"""When a model says each word of what it has spoken."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sb_sma.data.text.word_spans import find_spans, words_of
from sb_sma.inference.spoken import SpokenText
from sb_sma.metrics.reading import Reading, read_alignment
from sb_sma.metrics.word_times import WordSpan

if TYPE_CHECKING:
    from sb_sma.inference.tts import TTS


def find_words(tts: "TTS", text: str, tokens: Sequence[str]) -> list[WordSpan]:
    """Find the words of a text among its tokens.

    Arguments
    ---------
    tts : TTS
        Whose front end reads it.
    text : str
        What is said.
    tokens : sequence of str
        What the model reads.

    Returns
    -------
    words : list of WordSpan
        Each word; a front end that knows no words gives what stands between
        pauses.

    Raises
    ------
    ValueError
        If the front end gives other words than tokens.
    """
    words = words_of(tts.hparams.frontend, text, tokens)
    return [WordSpan(*span) for span in find_spans(tokens, words)]


def read_spoken(
    tts: "TTS", spoken: SpokenText, words: Sequence[WordSpan]
) -> Reading:
    """Keep what the alignment of a speech tells.

    Arguments
    ---------
    tts : TTS
        Who spoke.
    spoken : SpokenText
        What it said.
    words : sequence of WordSpan
        Of `find_words`.

    Returns
    -------
    reading : Reading
        Of the head that follows the text.
    """
    _, head = tts.mods.model.guide.tolist()
    frame = tts.hparams.mel_settings.seconds_per_frame
    return read_alignment(
        spoken.alignment[head],
        spoken.tokens,
        words,
        len(spoken.mel) * frame,
        spoken.finished,
    )
