"""The ways to condition speech on a style that a YAML file chooses between."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from sb_sma.style.conditioning import STYLE_COMBINATIONS, StyleConditioning
from sb_sma.style.global_style_tokens import GlobalStyleTokens
from sb_sma.style.reference_encoder import ReferenceEncoder
from sb_sma.style.tokens import StyleTokenLayer


def no_style(**options: Any) -> None:
    """Let the text alone say how it is spoken.

    Arguments
    ---------
    **options : object
        Those of the other kinds; not used.

    Example
    -------
    >>> no_style(d_model=16)
    """


def gst_style(
    d_model: int,
    n_mels: int,
    n_tokens: int,
    style_width: int,
    num_heads: int,
    reference_channels: Sequence[int],
    reference_width: int,
    combination: Annotated[str, STYLE_COMBINATIONS],
) -> StyleConditioning:
    """Build global style tokens and what gives their style to a memory.

    Arguments
    ---------
    d_model : int
        Width of the memory.
    n_mels : int
        Mel channels.
    n_tokens : int
        Style tokens.
    style_width : int
        Width of the style; a token has one head's share of it.
    num_heads : int
        Heads of the attention to the tokens.
    reference_channels : sequence of int
        Width of each convolution of the reference encoder.
    reference_width : int
        Width of what it makes of a recording.
    combination : str
        As `StyleConditioning` takes it.

    Returns
    -------
    style : StyleConditioning
        With the tokens inside.

    Raises
    ------
    ValueError
        If the sizes do not fit, or `combination` is unknown.
    """
    if num_heads < 1 or style_width % num_heads:
        raise ValueError(
            f"num_heads ({num_heads}; style_heads in the YAML) must divide "
            f"style_width ({style_width}). Change one of them."
        )
    tokens = GlobalStyleTokens(
        ReferenceEncoder(n_mels, reference_channels, reference_width),
        StyleTokenLayer(
            n_tokens=n_tokens,
            token_width=style_width // num_heads,
            query_width=reference_width,
            num_heads=num_heads,
            style_width=style_width,
        ),
    )
    return StyleConditioning(tokens, d_model, combination)


STYLES: dict[str, Callable[..., StyleConditioning | None]] = {
    "none": no_style,
    "gst": gst_style,
}


def make_style(
    style: Annotated[str, STYLES], **options: Any
) -> StyleConditioning | None:
    """Turn the YAML word into the part of a model that knows styles.

    Arguments
    ---------
    style : str
        A name of `STYLES`.
    **options : object
        Those of `gst_style`.

    Returns
    -------
    style : StyleConditioning or None
        None for a model without styles.

    Raises
    ------
    ValueError
        If the name is unknown.

    Example
    -------
    >>> make_style("none", d_model=16) is None
    True
    """
    if style not in STYLES:
        raise ValueError(
            f"style must be one of {', '.join(STYLES)}; got '{style}'."
        )
    return STYLES[style](**options)
