from .espeak.voice import VoiceSettings as VoiceSettings
from .lexicon.tokenizers import (
    make_grapheme_tokenizer as make_grapheme_tokenizer,
)
from .phonemes import PhonemeTable as PhonemeTable
from .speech.mel import (
    MelSettings as MelSettings,
    seconds_of_frames as seconds_of_frames,
)
from .speech.speakers import SpeakerTable as SpeakerTable
from .text.frontends import (
    CharacterFrontend as CharacterFrontend,
    EspeakFrontend as EspeakFrontend,
)
from .text.sentencepiece import SentencePieceFrontend as SentencePieceFrontend
from .tokens import TokenTable as TokenTable
