"""What the YAML of an exported model may name; see `sb_sma.safe_yaml`.

None of these calls a name that it is given, or opens a file outside of the
folder: `sb_sma.inference.load_exported` holds paths in it.
"""

from collections.abc import Callable
from typing import Any

from torch import nn
from torch.nn.modules import activation

from sb_sma.attention.decoding import DecodingOptions
from sb_sma.attention.monotonic.forward import ForwardMHA
from sb_sma.attention.monotonic.stepwise import StepwiseMonotonicMHA
from sb_sma.attention.registry import attention_factory
from sb_sma.attention.softmax import RegularMHA
from sb_sma.data.espeak.voice import VoiceSettings
from sb_sma.data.lexicon.tokenizers import make_grapheme_tokenizer
from sb_sma.data.phonemes import PhonemeTable
from sb_sma.data.speech.mel import MelSettings
from sb_sma.data.speech.speakers import SpeakerTable
from sb_sma.data.text.frontends import CharacterFrontend, EspeakFrontend
from sb_sma.data.text.hibari import HibariFrontend
from sb_sma.data.text.sentencepiece import SentencePieceFrontend
from sb_sma.data.tokens import TokenTable
from sb_sma.inference.token_seconds import TokenSeconds
from sb_sma.inference.weights import SafetensorsPretrainer
from sb_sma.models.convolution import MaskedConvStack
from sb_sma.models.encoder.registry import make_text_encoder
from sb_sma.models.g2p.hypothesis import BeamSettings
from sb_sma.models.g2p.token_decoder import TokenDecoder
from sb_sma.models.g2p.transformer_g2p import TransformerG2P
from sb_sma.models.refiner.registry import make_refiner
from sb_sma.models.tts.mel_decoder import MelDecoder
from sb_sma.models.tts.stop_rule import StopRule
from sb_sma.models.tts.transformer_tts import TransformerTTS
from sb_sma.safe_yaml import names_of
from sb_sma.style.registry import make_style
from sb_sma.style.speakers import make_speakers

_BOTH = [
    ("sb_sma.attention", attention_factory),
    ("sb_sma.attention", ForwardMHA),
    ("sb_sma.attention", RegularMHA),
    ("sb_sma.attention", StepwiseMonotonicMHA),
    ("sb_sma.inference", SafetensorsPretrainer),
    ("sb_sma.models", make_text_encoder),
    *(("torch.nn", getattr(nn, name)) for name in activation.__all__),
]

PRONOUNCING: dict[str, Callable[..., Any]] = names_of(
    [
        *_BOTH,
        ("sb_sma.data", make_grapheme_tokenizer),
        ("sb_sma.data", PhonemeTable),
        ("sb_sma.models", BeamSettings),
        ("sb_sma.models", TokenDecoder),
        ("sb_sma.models", TransformerG2P),
    ]
)
"""Of a G2P model."""

SPEAKING: dict[str, Callable[..., Any]] = names_of(
    [
        *_BOTH,
        ("sb_sma.attention", DecodingOptions),
        ("sb_sma.data", CharacterFrontend),
        ("sb_sma.data", EspeakFrontend),
        ("sb_sma.data", HibariFrontend),
        ("sb_sma.data", MelSettings),
        ("sb_sma.data", SentencePieceFrontend),
        ("sb_sma.data", SpeakerTable),
        ("sb_sma.data", TokenTable),
        ("sb_sma.data", VoiceSettings),
        ("sb_sma.inference", TokenSeconds),
        ("sb_sma.models", make_refiner),
        ("sb_sma.models", MaskedConvStack),
        ("sb_sma.models", MelDecoder),
        ("sb_sma.models", StopRule),
        ("sb_sma.models", TransformerTTS),
        ("sb_sma.style", make_speakers),
        ("sb_sma.style", make_style),
    ]
)
"""Of a TTS model, but for what reads its texts by a G2P model."""
