"""Alignment figures of every head, averaged over a whole set."""

from collections.abc import Sequence

import torch

from sb_sma.metrics.alignment import alignment_path, end_mass, focus_rate
from sb_sma.metrics.path import (
    count_path,
    coverage,
    path_agreement,
    straight_line_path,
)


class AlignmentStatistics:
    """Collects alignments batch by batch.

    The head that follows the text is the one with the highest focus rate over
    the whole set: chosen without the truth.

    Example
    -------
    >>> statistics = AlignmentStatistics()
    >>> n = torch.tensor([4])
    >>> statistics.append([torch.eye(4)[None, None]], n, n)
    >>> statistics.guide()
    (0, 0)
    >>> statistics.summarize()["focus_rate"]
    1.0
    """

    def __init__(self):
        self._rows: list[dict[str, torch.Tensor]] = []

    def append(
        self,
        alignments: Sequence[torch.Tensor],
        query_lengths: torch.Tensor,
        memory_lengths: torch.Tensor,
        truths: Sequence[torch.Tensor | None] | None = None,
    ) -> None:
        """Add a batch.

        Arguments
        ---------
        alignments : sequence of torch.Tensor
            One (B, H, Q, K) per layer.
        query_lengths : torch.Tensor
            Counts, int64, (B,).
        memory_lengths : torch.Tensor
            Counts, int64, (B,).
        truths : sequence of torch.Tensor, optional
            True path of each item, (Q_b,), where known.
        """
        n_layers = len(alignments)
        n_items, n_heads = alignments[0].shape[:2]
        # layers side by side with heads: (B, L * H, Q, K)
        stacked = torch.cat(list(alignments), dim=1).detach().float()
        focus = focus_rate(stacked, query_lengths, memory_lengths)
        arrived = end_mass(stacked, query_lengths, memory_lengths)
        paths = alignment_path(stacked, memory_lengths).cpu()
        for item in range(n_items):
            steps = int(query_lengths[item])
            n_tokens = int(memory_lengths[item])
            truth = truths[item] if truths else None
            per_head = [
                _path_figures(path[:steps], n_tokens, truth)
                for path in paths[item]
            ]
            row = {
                name: torch.tensor([figures[name] for figures in per_head])
                for name in per_head[0]
            }
            row["focus_rate"] = focus[item].cpu()
            row["end_mass"] = arrived[item].cpu()
            self._rows.append(
                {
                    name: value.reshape(n_layers, n_heads)
                    for name, value in row.items()
                }
            )

    def per_head(self, name: str) -> torch.Tensor:
        """Mean of a figure over the items that have it.

        Arguments
        ---------
        name : str
            Such as ``focus_rate``.

        Returns
        -------
        mean : torch.Tensor
            (L, H).
        """
        rows = [row[name] for row in self._rows if name in row]
        return torch.stack(rows).double().mean(dim=0)

    def guide(self) -> tuple[int, int]:
        """Layer and head with the highest focus rate of the set.

        Returns
        -------
        layer : int
            Decoder layer.
        head : int
            Head of its cross-attention.
        """
        focus = self.per_head("focus_rate")
        layer, head = divmod(int(focus.argmax()), focus.shape[1])
        return layer, head

    def summarize(
        self, guide: tuple[int, int] | None = None
    ) -> dict[str, float]:
        """Return figures of the guiding head, and the focus rate of every head.

        Arguments
        ---------
        guide : (int, int), optional
            Layer and head. Default: those with the highest focus rate of
            this very set.

        Returns
        -------
        summary : dict of str to float
            Means over the set.
        """
        guide = self.guide() if guide is None else tuple(guide)
        names = {name: None for row in self._rows for name in row}
        summary = {
            name: float(self.per_head(name)[guide]) for name in sorted(names)
        }
        for layer, heads in enumerate(self.per_head("focus_rate").tolist()):
            for head, value in enumerate(heads):
                summary[f"focus_rate_{layer}_{head}"] = value
        return summary


def _path_figures(
    path: torch.Tensor, n_tokens: int, truth: torch.Tensor | None
) -> dict[str, float]:
    """Return what one head did in one item."""
    counts = count_path(path, n_tokens)
    figures = {
        "skips": float(counts.skips),
        "repeats": float(counts.repeats),
        "backward_jumps": float(counts.backward_jumps),
        "coverage": coverage(path, n_tokens),
    }
    if truth is not None:
        line = straight_line_path(len(path), n_tokens)
        figures["within_one"] = path_agreement(path, truth, tolerance=1)
        figures["exact"] = path_agreement(path, truth, tolerance=0)
        figures["line_within_one"] = path_agreement(line, truth, tolerance=1)
        figures["line_exact"] = path_agreement(line, truth, tolerance=0)
    return figures
