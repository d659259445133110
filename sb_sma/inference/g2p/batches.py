"""Words of similar length side by side, and what goes with each."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch

_MIN_BATCH_WORDS, _MAX_BATCH_WORDS = 32, 256
# of the longest word of a batch that the others must have, since they take as
# long
_LEAST_SHARE_OF_LENGTH = 0.6


class Batch(NamedTuple):
    """Some of the words.

    Arguments
    ---------
    rows : list of int
        Which ones.
    graphemes : torch.Tensor
        Indices, padded with 0, (B, T).
    lengths : torch.Tensor
        Counts, int64, (B,).
    """

    rows: list[int]
    graphemes: torch.Tensor
    lengths: torch.Tensor


def make_batches(
    graphemes: Sequence[Sequence[int]], n_threads: int
) -> list[Batch]:
    """Sort words into batches, the longest first, and enough of them for all
    threads.

    Arguments
    ---------
    graphemes : sequence of sequence of int
        Indices of each word.
    n_threads : int
        Batches that are worked on at a time.

    Returns
    -------
    batches : list of Batch
        Every word is in one.

    Example
    -------
    >>> make_batches([[5], [3, 4]], n_threads=1)[0].graphemes
    tensor([[3, 4],
            [5, 0]])
    """
    order = sorted(
        range(len(graphemes)),
        key=lambda row: len(graphemes[row]),
        reverse=True,
    )
    size = math.ceil(len(graphemes) / n_threads)
    size = min(max(size, _MIN_BATCH_WORDS), _MAX_BATCH_WORDS)
    groups: list[list[int]] = []
    for row in order:
        is_full = not groups or len(groups[-1]) == size
        if not is_full and len(groups[-1]) >= _MIN_BATCH_WORDS:
            longest = len(graphemes[groups[-1][0]])
            is_full = len(graphemes[row]) < _LEAST_SHARE_OF_LENGTH * longest
        if is_full:
            groups.append([])
        groups[-1].append(row)
    batches = []
    for rows in groups:
        lines = [graphemes[row] for row in rows]
        lengths = torch.tensor([len(line) for line in lines])
        batches.append(Batch(rows, pad(lines), lengths))
    return batches


def check_candidates(words: Sequence, candidates: Sequence) -> None:
    """Refuse lists of pronunciations that are not one for each word.

    Arguments
    ---------
    words : sequence
        Of any kind.
    candidates : sequence
        A list of pronunciations for each word.

    Raises
    ------
    ValueError
        If there are more or fewer.
    """
    if len(words) != len(candidates):
        raise ValueError(
            "there must be a list of pronunciations for each word; got "
            f"{len(candidates)} for {len(words)} words."
        )


def pad(lines: Sequence[Sequence[int]]) -> torch.Tensor:
    """Make a rectangle of lines of indices.

    Arguments
    ---------
    lines : sequence of sequence of int
        One or more.

    Returns
    -------
    padded : torch.Tensor
        Filled with 0 at the right, (B, T).
    """
    width = max(len(line) for line in lines)
    return torch.tensor([[*line, *[0] * (width - len(line))] for line in lines])
