from .aligner.module import (
    ReferenceOutput as ReferenceOutput,
    StepwiseMonotonicReferenceAttention as StepwiseMonotonicReferenceAttention,
)
from .decoding import (
    DecodingOptions as DecodingOptions,
    stay_for as stay_for,
)
from .monotonic.forward import ForwardMHA as ForwardMHA
from .monotonic.stepwise import StepwiseMonotonicMHA as StepwiseMonotonicMHA
from .registry import (
    ATTENTION_TYPES as ATTENTION_TYPES,
    attention_factory as attention_factory,
    set_cross_attention as set_cross_attention,
)
from .relative.conformer import (
    ConformerMultiHeadedSelfAttention as ConformerMultiHeadedSelfAttention,
)
from .relative.module import (
    RelativeMultiHeadAttention as RelativeMultiHeadAttention,
)
from .softmax import RegularMHA as RegularMHA
