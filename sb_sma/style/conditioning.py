"""Gives the memory of a text the style in which it is to be spoken.

Reference
---------
Wang et al.: "Style Tokens: Unsupervised Style Modeling, Control and Transfer
in End-to-End Speech Synthesis", ICML 2018.
"""

from collections.abc import Callable
from typing import Annotated

import torch
from torch import nn

from sb_sma.attention.masks import padding_mask
from sb_sma.ops.checks import check_axes, check_lengths
from sb_sma.style.global_style_tokens import GlobalStyleTokens


class _Add(nn.Module):
    """The memory, plus the style in its width."""

    def __init__(self, d_model: int, style_width: int):
        super().__init__()
        self.project = nn.Linear(style_width, d_model)

    def forward(
        self, memory: torch.Tensor, style: torch.Tensor
    ) -> torch.Tensor:
        """Give the memory (B, T, D) the style (B, S)."""
        return memory + self.project(style)


class _Concatenate(nn.Module):
    """The memory with the style beside it, in the memory's width."""

    def __init__(self, d_model: int, style_width: int):
        super().__init__()
        self.project = nn.Linear(d_model + style_width, d_model)

    def forward(
        self, memory: torch.Tensor, style: torch.Tensor
    ) -> torch.Tensor:
        """Give the memory (B, T, D) the style (B, S)."""
        style = style.expand(*memory.shape[:2], -1)
        return self.project(torch.cat((memory, style), dim=-1))


STYLE_COMBINATIONS: dict[str, Callable[[int, int], nn.Module]] = {
    "add": _Add,
    "concatenate": _Concatenate,
}


class StyleConditioning(nn.Module):
    """Style tokens, and how their style enters the memory of a text.

    Arguments
    ---------
    tokens : GlobalStyleTokens
        Finds or makes styles.
    d_model : int
        Width of the memory.
    combination : str
        ``add``: the projected style is added to every token; ``concatenate``:
        it is set beside every token, and both are projected together.

    Raises
    ------
    ValueError
        If `combination` is unknown.

    Example
    -------
    >>> from sb_sma.style import ReferenceEncoder, StyleTokenLayer
    >>> tokens = GlobalStyleTokens(
    ...     ReferenceEncoder(n_mels=80, channels=[4, 8], width=6),
    ...     StyleTokenLayer(n_tokens=5, query_width=6, style_width=8),
    ... )
    >>> conditioning = StyleConditioning(tokens, d_model=16)
    >>> memory, lengths = torch.rand(2, 5, 16), torch.tensor([5, 3])
    >>> style = tokens.token_layer.from_token(3, scale=0.5)
    >>> conditioning(memory, lengths, style).shape
    torch.Size([2, 5, 16])
    """

    def __init__(
        self,
        tokens: GlobalStyleTokens,
        d_model: int,
        combination: Annotated[str, STYLE_COMBINATIONS] = "add",
    ):
        super().__init__()
        if combination not in STYLE_COMBINATIONS:
            raise ValueError(
                "style_combination must be one of "
                f"{', '.join(STYLE_COMBINATIONS)}; got '{combination}'."
            )
        self.tokens = tokens
        self.combine = STYLE_COMBINATIONS[combination](
            d_model, tokens.token_layer.style_width
        )

    def forward(
        self,
        memory: torch.Tensor,
        memory_lengths: torch.Tensor,
        style: torch.Tensor,
    ) -> torch.Tensor:
        """Give every token the style.

        Arguments
        ---------
        memory : torch.Tensor
            (B, T, D).
        memory_lengths : torch.Tensor
            Counts, int64, (B,).
        style : torch.Tensor
            (B, S); or (1, S) or (S,) for all items.

        Returns
        -------
        memory : torch.Tensor
            Zero on padding, (B, T, D).

        Raises
        ------
        ValueError
            If a shape or dtype does not fit.
        """
        check_axes(memory=(memory, "B, T, D"))
        check_lengths("memory_lengths", memory_lengths, memory)
        width = self.tokens.token_layer.style_width
        shapes = dict.fromkeys(((width,), (1, width), (len(memory), width)))
        if style.shape not in shapes or not style.is_floating_point():
            raise ValueError(
                f"style must have shape {', '.join(map(str, shapes))}, of "
                f"floating point; got {tuple(style.shape)}, {style.dtype}. "
                "Take it from the style tokens."
            )
        style = style.expand(len(memory), width)[:, None]
        padding = padding_mask(memory_lengths, memory.shape[1])
        return self.combine(memory, style.to(memory.dtype)).masked_fill(
            padding[:, :, None], 0.0
        )
