"""A memory that is projected once, and attended to query by query.

Several rows of a batch may be hypotheses about the same item. They share its
keys and values: nothing is copied when hypotheses change places, and their
queries are multiplied with the keys at once.
"""

import math
from dataclasses import dataclass, replace

import torch

from sb_sma.attention.heads import split_heads
from sb_sma.attention.masks import padding_mask
from sb_sma.attention.rows import RowLayout


@dataclass
class ProjectedMemory:
    """Keys and values of every item, for up to n rows each.

    Arguments
    ---------
    keys : torch.Tensor
        Scaled by 1 / sqrt(D / H), (B, H, D / H, K).
    values : torch.Tensor
        (B, H, K, D / H).
    blocked : torch.Tensor
        True on padding, (B, 1, 1, K).
    empty : torch.Tensor, optional
        True for items without a key, (B, 1, 1, 1); None if there is none.
    layout : RowLayout
        Which item each of the R rows is about.
    """

    keys: torch.Tensor
    values: torch.Tensor
    blocked: torch.Tensor
    empty: torch.Tensor | None
    layout: RowLayout

    def energies(self, queries: torch.Tensor) -> torch.Tensor:
        """Scaled products of keys and queries.

        Arguments
        ---------
        queries : torch.Tensor
            Projected, (R, 1, D).

        Returns
        -------
        energies : torch.Tensor
            (B, H, n, K).
        """
        _, nhead, width, _ = self.keys.shape
        # with one query a row, the heads lie side by side already
        queries = self.layout.spread(queries.view(-1, nhead, width))
        return queries.transpose(1, 2) @ self.keys

    def read(self, weights: torch.Tensor) -> torch.Tensor:
        """Sum the values up, with the heads side by side.

        Arguments
        ---------
        weights : torch.Tensor
            (B, H, n, K).

        Returns
        -------
        features : torch.Tensor
            (R, 1, D).
        """
        features = weights.to(self.values.dtype) @ self.values
        features = features.transpose(1, 2)  # (B, n, H, D / H)
        return self.layout.collect(features).flatten(1)[:, None]

    def clear_empty(self, features: torch.Tensor) -> torch.Tensor:
        """Zero what was read where there is nothing to read.

        Arguments
        ---------
        features : torch.Tensor
            (R, 1, D).

        Returns
        -------
        features : torch.Tensor
            Zero for items without a key.
        """
        if self.empty is None:
            return features
        by_item = self.layout.spread(features)
        return self.layout.collect(by_item.masked_fill(self.empty, 0.0))

    def by_row(self, weights: torch.Tensor) -> torch.Tensor:
        """Return weights of every row, from those of every item.

        Arguments
        ---------
        weights : torch.Tensor
            (B, H, n, K).

        Returns
        -------
        weights : torch.Tensor
            (R, H, K).
        """
        return self.layout.collect(weights.transpose(1, 2))

    def by_item(self, weights: torch.Tensor) -> torch.Tensor:
        """Return weights of every item, from those of every row.

        Arguments
        ---------
        weights : torch.Tensor
            (R, H, K).

        Returns
        -------
        weights : torch.Tensor
            (B, H, n, K).
        """
        return self.layout.spread(weights).transpose(1, 2)

    def select_rows(self, rows: torch.Tensor) -> "ProjectedMemory":
        """Keep some rows.

        Arguments
        ---------
        rows : torch.Tensor
            As ``sb_sma.attention.decoding.select_rows`` takes them.

        Returns
        -------
        memory : ProjectedMemory
            Of these rows; the same tensors if every item is kept.
        """
        layout, items = self.layout.select(rows)
        if items is None:
            return replace(self, layout=layout)
        return ProjectedMemory(
            self.keys[items],
            self.values[items],
            self.blocked[items],
            None if self.empty is None else self.empty[items],
            layout,
        )


def project_memory(
    keys: torch.Tensor,
    values: torch.Tensor,
    memory_lengths: torch.Tensor,
    nhead: int,
) -> ProjectedMemory:
    """Lay keys and values out for decoding.

    Arguments
    ---------
    keys : torch.Tensor
        Projected, (B, K, D).
    values : torch.Tensor
        Projected, (B, K, D).
    memory_lengths : torch.Tensor
        Counts, int64, (B,).
    nhead : int
        Heads H.

    Returns
    -------
    memory : ProjectedMemory
        With one row per item.

    Example
    -------
    >>> keys = torch.rand(2, 5, 8)
    >>> memory = project_memory(keys, keys, torch.tensor([5, 3]), nhead=4)
    >>> memory.energies(torch.rand(2, 1, 8)).shape
    torch.Size([2, 4, 1, 5])
    """
    empty = memory_lengths == 0
    # what is traced has no values to look at
    may_be_empty = torch.compiler.is_compiling() or bool(empty.any())
    by_head = split_heads(keys, nhead).transpose(-1, -2)
    return ProjectedMemory(
        (by_head / math.sqrt(by_head.shape[-2])).contiguous(),
        split_heads(values, nhead).contiguous(),
        padding_mask(memory_lengths, keys.shape[1])[:, None, None],
        empty[:, None, None, None] if may_be_empty else None,
        RowLayout(len(keys)),
    )
