"""The style of a recording, as weights of a few learned tokens.

Shapes: ``mel (B, M, C)``, ``mel_lengths (B,)``, ``style (B, style_width)``,
``weights (B, H, N)`` for N tokens.

Reference
---------
Wang et al.: "Style Tokens: Unsupervised Style Modeling, Control and Transfer
in End-to-End Speech Synthesis", ICML 2018.
"""

from collections.abc import Sequence

import torch
from torch import nn

from sb_sma.style.reference_encoder import ReferenceEncoder
from sb_sma.style.tokens import StyleTokenLayer

# a smaller sum, relative to the weights, is what rounding leaves of 0
_SMALLEST_SUM = 1e-6


class GlobalStyleTokens(nn.Module):
    """A reference encoder whose embedding reads style tokens.

    Styles without a reference come from the methods of `token_layer`, or
    from `mean_style`.

    Arguments
    ---------
    reference_encoder : ReferenceEncoder
        Makes one vector of a recording.
    token_layer : StyleTokenLayer
        Makes a style of that vector.

    Attributes
    ----------
    mean_style : torch.Tensor
        Mean style of the training set, for speech in no particular style,
        (style_width,); zeros until `set_mean_style`. It is saved with the
        weights.

    Raises
    ------
    ValueError
        If the one is not as wide as the other expects.

    Example
    -------
    >>> style_tokens = GlobalStyleTokens(
    ...     ReferenceEncoder(n_mels=80, channels=[4, 8], width=6),
    ...     StyleTokenLayer(n_tokens=5, query_width=6, style_width=8),
    ... )
    >>> style, weights = style_tokens(
    ...     torch.rand(2, 9, 80), torch.tensor([9, 4])
    ... )
    >>> style.shape, weights.shape
    (torch.Size([2, 8]), torch.Size([2, 4, 5]))
    """

    def __init__(
        self,
        reference_encoder: ReferenceEncoder,
        token_layer: StyleTokenLayer,
    ):
        super().__init__()
        if reference_encoder.width != token_layer.query_width:
            raise ValueError(
                f"query_width of token_layer ({token_layer.query_width}) must "
                f"be width of reference_encoder ({reference_encoder.width})."
            )
        self.reference_encoder = reference_encoder
        self.token_layer = token_layer
        self.register_buffer("mean_style", torch.zeros(token_layer.style_width))

    def forward(
        self, mel: torch.Tensor, mel_lengths: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Read the styles of recordings.

        Arguments
        ---------
        mel : torch.Tensor
            Standardised natural-log mel, (B, M, C).
        mel_lengths : torch.Tensor
            Counts from 1 to M, int64, (B,).

        Returns
        -------
        style : torch.Tensor
            (B, style_width).
        weights : torch.Tensor
            Of the tokens, 1 in sum for each head, (B, H, N).

        Raises
        ------
        ValueError
            If a shape or dtype is another, or a length is out of range.
        """
        return self.token_layer(self.reference_encoder(mel, mel_lengths))

    def mix(
        self,
        mel: torch.Tensor,
        mel_lengths: torch.Tensor,
        weights: torch.Tensor | Sequence[float],
    ) -> torch.Tensor:
        """Mix the styles of several references.

        The weights are divided by their sum: equal ones give the mean, and a
        mix of one style with itself is that style. A weight below 0 leads
        away from its reference.

        Arguments
        ---------
        mel : torch.Tensor
            One reference per item, standardised, (B, M, C).
        mel_lengths : torch.Tensor
            Counts from 1 to M, int64, (B,).
        weights : torch.Tensor or sequence of float
            One per reference, (B,).

        Returns
        -------
        style : torch.Tensor
            (1, style_width).

        Raises
        ------
        ValueError
            If there is not one finite weight per reference, or their sum
            is 0.
        """
        weights = torch.as_tensor(weights, dtype=torch.float64)
        if weights.shape != mel.shape[:1]:
            raise ValueError(
                f"weights must have shape (B,) = ({len(mel)},), one per "
                f"reference; got {tuple(weights.shape)}."
            )
        total = weights.sum()
        # false for NaN and infinity, too
        if not total.abs() > _SMALLEST_SUM * weights.abs().sum():
            raise ValueError(
                "weights must be finite and their sum other than 0; got "
                f"{weights.tolist()}."
            )
        style, _ = self(mel, mel_lengths)
        return (weights / total).to(style)[None] @ style

    def set_mean_style(self, style: torch.Tensor) -> None:
        """Keep the mean style of the training set.

        Arguments
        ---------
        style : torch.Tensor
            The mean over all items, (style_width,).

        Raises
        ------
        ValueError
            If the shape is another.
        """
        # copying would broadcast a number
        if style.shape != self.mean_style.shape:
            raise ValueError(
                "style must have shape (style_width,) = "
                f"({len(self.mean_style)},); got {tuple(style.shape)}. Take "
                "the mean over the items."
            )
        self.mean_style.copy_(style.detach())
