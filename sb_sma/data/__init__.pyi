from .espeak.voice import (
    Speech as Speech,
    VoiceSettings as VoiceSettings,
)
from .lexicon.tokenizers import (
    make_grapheme_tokenizer as make_grapheme_tokenizer,
)
from .phonemes import PhonemeTable as PhonemeTable
from .speech.mel import (
    MelSettings as MelSettings,
    seconds_of_frames as seconds_of_frames,
)
from .speech.speakers import SpeakerTable as SpeakerTable
from .teachers.interface import Teacher as Teacher
from .teachers.registry import make_teacher as make_teacher
from .text.frontends import (
    CharacterFrontend as CharacterFrontend,
    EspeakFrontend as EspeakFrontend,
)
from .text.hibari import HibariFrontend as HibariFrontend
from .text.sentencepiece import SentencePieceFrontend as SentencePieceFrontend
from .tokens import TokenTable as TokenTable
