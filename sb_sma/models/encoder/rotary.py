"""SpeechBrain's rotary attention, with fewer operations.

Reference
---------
Su et al.: "RoFormer: Enhanced Transformer with Rotary Position Embedding",
2021.
"""

import math

import torch
import torch.nn.functional as F
from speechbrain.nnet.attention import RoPEMHA
from torch import nn

# of the angles, which fall from 1 radian a place to almost none
_LOG_BASE = -math.log(10000.0)


class RotaryAttention(nn.Module):
    """Self-attention that computes what a `RoPEMHA` does, with its weights.

    The pairs of a query's and a key's numbers are turned as complex numbers,
    both at once.

    Arguments
    ---------
    attention : RoPEMHA
        Whose parameters it takes over, names included.

    Raises
    ------
    ValueError
        If the width of a head is odd, or values have a bias or a width of
        their own.

    Example
    -------
    >>> rope = RoPEMHA(embed_dim=8, num_heads=2)
    >>> features = torch.rand(1, 3, 8)
    >>> out, _ = RotaryAttention(rope)(features, features, features)
    >>> torch.allclose(out, rope(features, features, features)[0], atol=1e-6)
    True
    """

    def __init__(self, attention: RoPEMHA):
        super().__init__()
        if attention.head_dim % 2:
            raise ValueError(
                "d_model / nhead must be even for RoPEMHA, which turns pairs; "
                f"got {attention.head_dim}."
            )
        if attention.vbias is not None or attention.vdim != attention.embed_dim:
            raise ValueError(
                "values must be as wide as queries and without a bias; got "
                f"vdim={attention.vdim}, vbias={attention.vbias}. Keep the "
                "RoPEMHA."
            )
        self.num_heads = attention.num_heads
        self.head_dim = attention.head_dim
        self.scale = attention.scale
        self.dropout = attention.dropout
        self.in_proj_weight = attention.in_proj_weight
        self.out_proj = attention.out_proj

    def forward(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attn_mask: torch.Tensor | None = None,
        key_padding_mask: torch.Tensor | None = None,
        return_attn_weights: bool = True,
        pos_embs: torch.Tensor | None = None,
    ) -> torch.Tensor | tuple[torch.Tensor, None]:
        """Let the items of a row hear each other.

        Arguments
        ---------
        query : torch.Tensor
            (B, T, D).
        key : torch.Tensor
            The same tensor.
        value : torch.Tensor
            The same tensor.
        attn_mask : torch.Tensor, optional
            True, or any number but 0, where a query must not look, (T, T).
        key_padding_mask : torch.Tensor, optional
            The same on padding, (B, T).
        return_attn_weights : bool
            Whether to give a place for the weights, too, as SpeechBrain does;
            they are not computed.
        pos_embs : None
            Rotary attention has none.

        Returns
        -------
        out : torch.Tensor
            (B, T, D); in a pair with None if `return_attn_weights`.

        Raises
        ------
        ValueError
            If this is no self-attention, or there are `pos_embs`.
        """
        if key is not query or value is not query or pos_embs is not None:
            raise ValueError(
                "query, key and value must be one tensor, and pos_embs None: "
                "rotary attention is self-attention, and knows its places."
            )
        projected = F.linear(query, self.in_proj_weight).unflatten(
            -1, (self.num_heads, 3, self.head_dim)
        )
        turned = _turn(projected[:, :, :, :2]).permute(3, 0, 2, 1, 4)
        out = F.scaled_dot_product_attention(
            query=turned[0],
            key=turned[1],
            value=projected[:, :, :, 2].transpose(1, 2),
            attn_mask=_may_look(attn_mask, key_padding_mask),
            dropout_p=self.dropout if self.training else 0.0,
            scale=self.scale,
        )
        out = self.out_proj(out.transpose(1, 2).flatten(2))
        return (out, None) if return_attn_weights else out


def replace_rotary_attention(module: nn.Module) -> None:
    """Give every `RoPEMHA` in a module the operations of `RotaryAttention`.

    Arguments
    ---------
    module : nn.Module
        Changed in place; its weights keep their names.

    Raises
    ------
    ValueError
        If the width of a head is odd.

    Example
    -------
    >>> layers = nn.ModuleDict({"attention": RoPEMHA(8, 2)})
    >>> replace_rotary_attention(layers)
    >>> type(layers["attention"]).__name__
    'RotaryAttention'
    """
    for name, child in module.named_children():
        if type(child) is RoPEMHA:
            setattr(module, name, RotaryAttention(child))
        else:
            replace_rotary_attention(child)


def _turn(features: torch.Tensor) -> torch.Tensor:
    """Turn every pair by its angle at its place, (B, T, H, 2, D')."""
    length, width = features.shape[1], features.shape[-1]
    wide = torch.promote_types(features.dtype, torch.float32)
    exponents = torch.arange(0, width, 2, dtype=wide, device=features.device)
    places = torch.arange(length, dtype=wide, device=features.device)
    angles = torch.outer(places, torch.exp(exponents * (_LOG_BASE / width)))
    pairs = features.to(wide).unflatten(-1, (-1, 2))
    if torch.compiler.is_compiling():
        # exporters know no complex numbers
        cosine, sine = angles.cos()[:, None, None], angles.sin()[:, None, None]
        real, imaginary = pairs.unbind(-1)
        turned = torch.stack(
            (
                real * cosine - imaginary * sine,
                real * sine + imaginary * cosine,
            ),
            dim=-1,
        )
        return turned.flatten(-2).to(features.dtype)
    turns = torch.polar(torch.ones_like(angles), angles)[:, None, None]
    turned = torch.view_as_real(torch.view_as_complex(pairs) * turns)
    return turned.flatten(-2).to(features.dtype)


def _may_look(
    attn_mask: torch.Tensor | None, key_padding_mask: torch.Tensor | None
) -> torch.Tensor | None:
    """Both masks as one that is True where a query may look."""
    hidden = attn_mask
    if key_padding_mask is not None:
        hidden = key_padding_mask[:, None, None]
        if attn_mask is not None:
            hidden = hidden.logical_or(attn_mask)
    return None if hidden is None else hidden.logical_not()
