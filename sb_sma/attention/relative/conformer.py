"""The self-attention of a Conformer block.

Reference
---------
Gulati et al.: "Conformer: Convolution-augmented Transformer for Speech
Recognition", Interspeech 2020 (section 2.1).
"""

import torch
from torch import nn

from sb_sma.attention.public_weights import PublicWeights
from sb_sma.attention.relative.module import RelativeMultiHeadAttention
from sb_sma.ops.dropout import Dropout


class ConformerMultiHeadedSelfAttention(PublicWeights, nn.Module):
    """The attention of a Conformer block: relative, then dropout.

    Arguments
    ---------
    d_model : int
        Width of queries, keys and values.
    num_heads : int
        Number of heads.
    dropout_p : float
        Dropout in training on the output and, except with `legacy`, on the
        weights that make it.
    legacy : bool
        Whether to give the public implementation's numbers.

    Raises
    ------
    ValueError
        If `num_heads` does not divide `d_model`.

    Example
    -------
    >>> attention = ConformerMultiHeadedSelfAttention(
    ...     d_model=8, num_heads=2, dropout_p=0.1
    ... )
    >>> features = torch.rand(3, 5, 8)
    >>> out, attn = attention(query=features, key=features, value=features)
    >>> out.shape, attn.shape
    (torch.Size([3, 5, 8]), torch.Size([3, 2, 5, 5]))
    """

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        dropout_p: float = 0.1,
        legacy: bool = False,
    ):
        super().__init__()
        self.attention = RelativeMultiHeadAttention(
            d_model,
            num_heads,
            dropout=0.0 if legacy else dropout_p,
            legacy=legacy,
        )
        self.dropout = Dropout(dropout_p)

    def forward(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attn_mask: torch.Tensor | None = None,
        key_padding_mask: torch.Tensor | None = None,
        return_attn_weights: bool = True,
        pos_embs: torch.Tensor | None = None,
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Attend to the keys, as `RelativeMultiHeadAttention` does.

        Arguments
        ---------
        query : torch.Tensor
            (B, Q, D).
        key : torch.Tensor
            (B, K, D).
        value : torch.Tensor
            (B, K, D).
        attn_mask : torch.Tensor, optional
            True where a query may not attend, (Q, K).
        key_padding_mask : torch.Tensor, optional
            True on padding, (B, K).
        return_attn_weights : bool
            Whether to return the weights too.
        pos_embs : torch.Tensor, optional
            Embeddings of distances, or for `legacy` of positions. Default:
            sinusoids.

        Returns
        -------
        out : torch.Tensor
            (B, Q, D).
        attn : torch.Tensor
            Weights of every head, (B, H, Q, K); only if asked for.
        """
        out, attn = self.attention(
            query=query,
            key=key,
            value=value,
            attn_mask=attn_mask,
            key_padding_mask=key_padding_mask,
            pos_embs=pos_embs,
        )
        out = self.dropout(out)
        return (out, attn) if return_attn_weights else out
