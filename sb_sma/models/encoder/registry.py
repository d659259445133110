"""The text encoders that a YAML file chooses between."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from sb_sma.models.encoder.conformer_encoder import (
    ConformerTextEncoder,
    SpeechBrainConformerTextEncoder,
)
from sb_sma.models.encoder.transformer import (
    TextEncoder,
    TransformerTextEncoder,
)

ENCODER_TYPES: dict[str, Callable[..., TextEncoder]] = {
    "transformer": TransformerTextEncoder,
    "conformer": ConformerTextEncoder,
    "ConformerEncoder": SpeechBrainConformerTextEncoder,
}


def make_text_encoder(
    encoder_type: Annotated[str, ENCODER_TYPES],
    options: Mapping[str, Mapping[str, Any]],
    **sizes: Any,
) -> TextEncoder:
    """Turn the YAML word into a text encoder.

    Arguments
    ---------
    encoder_type : str
        A name of `ENCODER_TYPES`: SpeechBrain's Transformer, the Conformer of
        DelightfulTTS, or SpeechBrain's Conformer.
    options : dict
        Keyword arguments by name of encoder type; only those of the chosen
        name are used.
    **sizes : object
        Keyword arguments that all of them take.

    Returns
    -------
    encoder : TextEncoder
        ``(tokens (B, T), token_lengths (B,)) -> memory (B, T, D)``.

    Raises
    ------
    ValueError
        If the name is unknown, or a size does not fit.

    Example
    -------
    >>> encoder = make_text_encoder(
    ...     "conformer",
    ...     {"conformer": {"kernel_size": 5}},
    ...     n_tokens=10,
    ...     d_model=8,
    ...     nhead=2,
    ...     num_layers=1,
    ... )
    >>> type(encoder).__name__
    'ConformerTextEncoder'
    """
    if encoder_type not in ENCODER_TYPES:
        raise ValueError(
            f"encoder_type must be one of {', '.join(ENCODER_TYPES)}; got "
            f"'{encoder_type}'."
        )
    chosen = options.get(encoder_type, {})
    return ENCODER_TYPES[encoder_type](**sizes, **chosen)
