"""SpeechBrain's relative attention, in any precision.

SpeechBrain's own weighs in float32, whatever its weights are.

Reference
---------
Dai et al.: "Transformer-XL: Attentive Language Models beyond a Fixed-Length
Context", ACL 2019.
"""

import torch
import torch.nn.functional as F
from speechbrain.nnet.attention import RelPosMHAXL
from torch import nn

from sb_sma.attention.masks import require_unmasked
from sb_sma.attention.relative.positions import align


class RelativeAttention(nn.Module):
    """Self-attention that computes what a `RelPosMHAXL` does, with its weights.

    In any precision; energies are weighed in float32 at least.

    Arguments
    ---------
    attention : RelPosMHAXL
        Whose parameters it takes over, names included.

    Raises
    ------
    ValueError
        If values have a bias or a width of their own, or it hears the past
        alone.

    Example
    -------
    >>> theirs = RelPosMHAXL(embed_dim=8, num_heads=2)
    >>> features, pos_embs = torch.rand(1, 3, 8), torch.rand(1, 5, 8)
    >>> out, _ = RelativeAttention(theirs)(
    ...     features, features, features, pos_embs
    ... )
    >>> torch.equal(out, theirs(features, features, features, pos_embs)[0])
    True
    """

    def __init__(self, attention: RelPosMHAXL):
        super().__init__()
        if (
            attention.vbias is not None
            or attention.vdim != attention.embed_dim
            or attention.mask_pos_future
        ):
            raise ValueError(
                "values must be as wide as queries and without a bias, and no "
                f"position masked; got vdim={attention.vdim}, "
                f"vbias={attention.vbias}, "
                f"mask_pos_future={attention.mask_pos_future}. Keep the "
                "RelPosMHAXL."
            )
        self.num_heads = attention.num_heads
        self.head_dim = attention.head_dim
        self.scale = attention.scale
        self.dropout_att = attention.dropout_att
        self.in_proj_weight = attention.in_proj_weight
        self.out_proj = attention.out_proj
        self.linear_pos = attention.linear_pos
        self.pos_bias_u = attention.pos_bias_u
        self.pos_bias_v = attention.pos_bias_v

    def forward(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        pos_embs: torch.Tensor,
        key_padding_mask: torch.Tensor | None = None,
        attn_mask: torch.Tensor | None = None,
        return_attn_weights: bool = True,
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Let the items of a row hear each other.

        Arguments
        ---------
        query : torch.Tensor
            (B, T, D).
        key : torch.Tensor
            The same tensor.
        value : torch.Tensor
            The same tensor.
        pos_embs : torch.Tensor
            Of the distances from ``T - 1`` down to ``1 - T``,
            (1, 2 * T - 1, D).
        key_padding_mask : torch.Tensor, optional
            True on padding, (B, T).
        attn_mask : torch.Tensor, optional
            Not supported.
        return_attn_weights : bool
            Whether to return the weights, too.

        Returns
        -------
        out : torch.Tensor
            (B, T, D).
        weights : torch.Tensor
            Of every head, (B, H, T, T); only if asked for.

        Raises
        ------
        ValueError
            If this is no self-attention, or there is an `attn_mask`.
        """
        if key is not query or value is not query:
            raise ValueError(
                "query, key and value must be one tensor: this is "
                "self-attention."
            )
        require_unmasked(self, attn_mask=attn_mask)
        projected = F.linear(query, self.in_proj_weight).unflatten(
            -1, (self.num_heads, 3 * self.head_dim)
        )
        queries, keys, values = projected.chunk(3, dim=-1)  # (B, T, H, D')
        # SpeechBrain's are in float32
        pos_embs = pos_embs.to(self.linear_pos.weight.dtype)
        places = self.linear_pos(pos_embs).unflatten(
            -1, (self.num_heads, self.head_dim)
        )
        shape = (self.num_heads, self.head_dim)
        to_content = (queries + self.pos_bias_u.view(shape)).transpose(1, 2)
        to_position = (queries + self.pos_bias_v.view(shape)).transpose(1, 2)
        # scaled before they are multiplied, so that float16 holds them
        energies = (to_content * self.scale) @ keys.permute(0, 2, 3, 1)
        by_position = (to_position * self.scale) @ places.permute(0, 2, 3, 1)
        energies = energies + align(by_position, energies.shape[-1])
        wide = torch.promote_types(energies.dtype, torch.float32)
        if key_padding_mask is not None:
            blocked = key_padding_mask[:, None, None]
            energies = energies.masked_fill(blocked, -torch.inf)
        weights = self.dropout_att(energies.softmax(-1, dtype=wide))
        if key_padding_mask is not None:
            weights = weights.masked_fill(blocked, 0.0)
        read = weights.to(values.dtype) @ values.transpose(1, 2)
        out = self.out_proj(read.transpose(1, 2).flatten(2))
        return (out, weights) if return_attn_weights else out


def replace_relative_attention(module: nn.Module) -> None:
    """Give every `RelPosMHAXL` in a module the operations of
    `RelativeAttention`.

    Arguments
    ---------
    module : nn.Module
        Changed in place; its weights keep their names.

    Example
    -------
    >>> layers = nn.ModuleDict({"attention": RelPosMHAXL(8, 2)})
    >>> replace_relative_attention(layers)
    >>> type(layers["attention"]).__name__
    'RelativeAttention'
    """
    for name, child in module.named_children():
        if type(child) is RelPosMHAXL:
            setattr(module, name, RelativeAttention(child))
        else:
            replace_relative_attention(child)
