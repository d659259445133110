"""The text front ends that a YAML file chooses between."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from sb_sma.data.espeak.voice import VoiceSettings
from sb_sma.data.lexicon.piece_tokenizer import MODEL_TYPES
from sb_sma.data.text.frontends import (
    CharacterFrontend,
    EspeakFrontend,
    Frontend,
)
from sb_sma.data.text.hibari import HibariFrontend
from sb_sma.data.text.sentencepiece import SentencePieceFrontend
from sb_sma.inference.g2p.frontend import CMUDICT, NO_LEXICON, G2PFrontend
from sb_sma.inference.g2p.lexicon_first import find_packaged


@dataclass(frozen=True)
class _Options:
    """What the YAML says about all front ends."""

    voice_settings: VoiceSettings
    g2p_model: str | Path | None
    g2p_lexicon: str | Path
    sentencepiece_model: str
    sentencepiece_size: int


FRONTENDS: dict[str, Callable[[_Options], Frontend]] = {
    "espeak": lambda options: EspeakFrontend(options.voice_settings),
    "characters": lambda options: CharacterFrontend(),
    "sentencepiece": lambda options: SentencePieceFrontend(
        options.sentencepiece_model, options.sentencepiece_size
    ),
    "g2p": lambda options: _g2p_frontend(
        options.g2p_model, options.g2p_lexicon
    ),
    "hibari": lambda options: HibariFrontend(),
}


def make_frontend(
    name: Annotated[str, FRONTENDS],
    voice: str | Sequence[str] = "en-us",
    rate: int | Sequence[int] = 175,
    g2p_model: str | Path | None = None,
    g2p_lexicon: str | Path = CMUDICT,
    sentencepiece_model: Annotated[str, MODEL_TYPES] = "unigram",
    sentencepiece_size: int = 100,
) -> Frontend:
    """Turn the YAML word into a front end.

    Arguments
    ---------
    name : str
        A name of `FRONTENDS`.
    voice : str or sequence of str
        eSpeak NG's voice; of several the first is taken.
    rate : int or [int, int]
        eSpeak NG's words per minute; of a range the middle is taken.
    g2p_model : str or Path, optional
        Folder of an exported G2P model, for g2p. Default: the English one that
        comes with the package.
    g2p_lexicon : str or Path
        For g2p: a file in the phonemes of the model, cmudict, or none; see
        `G2PFrontend`.
    sentencepiece_model : str
        unigram or bpe, for sentencepiece.
    sentencepiece_size : int
        Number of pieces, for sentencepiece.

    Returns
    -------
    frontend : Frontend
        Turns texts into tokens, once it is fitted.

    Raises
    ------
    ValueError
        If the name or ``sentencepiece_model`` is unknown, or there is no such
        model.

    Example
    -------
    >>> make_frontend("characters").tokens("To be")
    ['t', 'o', ' ', 'b', 'e', '<end>']
    """
    if name not in FRONTENDS:
        raise ValueError(
            f"frontend must be one of {', '.join(FRONTENDS)}; got '{name}'."
        )
    if not voice:
        raise ValueError(
            f"voice must name a voice of eSpeak NG; got {voice!r}. Give "
            "'en-us'."
        )
    settings = VoiceSettings(
        voice=voice if isinstance(voice, str) else voice[0],
        rate=rate if isinstance(rate, int) else sum(rate) // 2,
    )
    return FRONTENDS[name](
        _Options(
            settings,
            g2p_model,
            g2p_lexicon,
            sentencepiece_model,
            sentencepiece_size,
        )
    )


def _g2p_frontend(
    g2p_model: str | Path | None, lexicon: str | Path
) -> G2PFrontend:
    if g2p_model is None:
        g2p_model = find_packaged()
    # absolute, since names that are not are those of an exported model
    if lexicon not in (None, CMUDICT, NO_LEXICON):
        lexicon = Path(lexicon).expanduser().absolute()
    frontend = G2PFrontend(Path(g2p_model).expanduser().absolute(), lexicon)
    frontend.check_files()
    return frontend
