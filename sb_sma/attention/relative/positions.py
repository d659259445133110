"""Embeddings of positions, and which of them belongs to a key.

Reference
---------
Dai et al.: "Transformer-XL: Attentive Language Models Beyond a Fixed-Length
Context", ACL 2019 (appendix B: the scores of all distances in one product).
"""

import torch
import torch.nn.functional as F


def align(scores: torch.Tensor, n_keys: int) -> torch.Tensor:
    """Let every query read its scores one position after the query before.

    Of distances that descend from ``Q - 1`` to ``1 - K``, key ``j`` of query
    ``i`` gets that of ``i - j``: row ``i`` begins at position ``Q - 1 - i``.

    Arguments
    ---------
    scores : torch.Tensor
        By position, (B, H, Q, P).
    n_keys : int
        Keys K, at most P.

    Returns
    -------
    scores : torch.Tensor
        By key, (B, H, Q, K).

    Example
    -------
    >>> distances = torch.tensor([2, 1, 0, -1, -2]).expand(1, 1, 3, 5)
    >>> align(distances, n_keys=3)
    tensor([[[[ 0, -1, -2],
              [ 1,  0, -1],
              [ 2,  1,  0]]]])
    """
    n_queries = scores.shape[2]
    # with one more column, every row of the old length begins a step earlier
    rows = F.pad(scores, (1, 0)).flatten(2)[:, :, n_queries:]
    return rows.view(scores.shape)[..., :n_keys]


def sinusoids(
    positions: torch.Tensor, width: int, dtype: torch.dtype = torch.float32
) -> torch.Tensor:
    """Embed positions as sines and cosines, in turn.

    Arguments
    ---------
    positions : torch.Tensor
        Counts, which may be negative, (P,).
    width : int
        Width D of an embedding.
    dtype : torch.dtype
        In which they are computed: float32 or better.

    Returns
    -------
    pos_embs : torch.Tensor
        (1, P, D).

    Example
    -------
    >>> sinusoids(torch.tensor([0, -1]), width=2)
    tensor([[[ 0.0000,  1.0000],
             [-0.8415,  0.5403]]])
    """
    half = torch.arange(0, width, 2, dtype=dtype, device=positions.device)
    # a logarithm of this dtype, also in a graph, where numbers are float32
    slope = half.new_full((), 10000.0).log().neg()
    frequencies = torch.exp(slope * half / width)
    angles = positions[:, None] * frequencies  # (P, D / 2)
    pairs = torch.stack((angles.sin(), angles.cos()), dim=-1)
    return pairs.flatten(1)[None, :, :width]
