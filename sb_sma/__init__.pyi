__version__: str

from .attention.aligner.module import (
    ReferenceOutput as ReferenceOutput,
    StepwiseMonotonicReferenceAttention as StepwiseMonotonicReferenceAttention,
)
from .attention.decoding import (
    DecodingOptions as DecodingOptions,
    stay_for as stay_for,
)
from .attention.monotonic.forward import ForwardMHA as ForwardMHA
from .attention.monotonic.stepwise import (
    StepwiseMonotonicMHA as StepwiseMonotonicMHA,
)
from .attention.registry import (
    ATTENTION_TYPES as ATTENTION_TYPES,
    attention_factory as attention_factory,
    set_cross_attention as set_cross_attention,
)
from .attention.relative.conformer import (
    ConformerMultiHeadedSelfAttention as ConformerMultiHeadedSelfAttention,
)
from .attention.relative.module import (
    RelativeMultiHeadAttention as RelativeMultiHeadAttention,
)
from .attention.softmax import RegularMHA as RegularMHA
from .inference.g2p.interface import (
    G2P as G2P,
    Pronunciation as Pronunciation,
)
from .inference.tts import TTS as TTS
from .ops.stepwise_monotonic import (
    stepwise_monotonic_expectation as stepwise_monotonic_expectation,
)
