"""Whether one synthesised utterance is a bad case, and why: a listener's
verdict from the alignment, the length and the sound.

The count of bad cases among hard texts is what stepwise monotonic attention
was proposed for (He et al., 2019, https://arxiv.org/abs/1906.00672).

Axes: ``H`` heads, ``Q`` queries (decoder steps), ``K`` keys (text tokens),
``M`` mel frames, ``C`` mel channels.
"""

from dataclasses import dataclass

import torch

from sb_sma.metrics.alignment import (
    alignment_path,
    count_path,
    most_focused_head,
)
from sb_sma.metrics.speech import warped_mel_distance

GOOD = "good"


@dataclass(frozen=True)
class BadCaseRules:
    """Where a good result ends.

    Arguments
    ---------
    max_skip : int
        Most consecutive tokens that the attention may pass over. Very short
        phonemes can fall between the middles of two decoder steps.
    min_length_ratio : float
        Shortest result, as a share of the target's length.
    max_length_ratio : float
        Longest result, as a share of the target's length.
    max_mel_distance : float
        Largest warped mel distance to the target, in standard deviations, the
        cost of bent time included.
    """

    max_skip: int = 2
    min_length_ratio: float = 0.6
    max_length_ratio: float = 1.4
    max_mel_distance: float = 0.45


def find_faults(
    alignments: torch.Tensor,
    finished: bool,
    mel: torch.Tensor,
    reference_mel: torch.Tensor,
    mean: torch.Tensor,
    std: torch.Tensor,
    rules: BadCaseRules = BadCaseRules(),
) -> list[str]:
    """List what is wrong with one free-running result.

    A result is bad if the path of its most focused head moves back, passes
    over too many tokens or does not end on the last one; if it ran into the
    frame limit or has the wrong length; or if it does not sound like the
    target.

    Arguments
    ---------
    alignments : torch.Tensor
        Alignment of each head without padding, ``(H, Q, K)``.
    finished : bool
        Whether the model stopped by itself, before the frame limit.
    mel : torch.Tensor
        Mel of the result without padding, ``(M, C)``.
    reference_mel : torch.Tensor
        Mel of the target without padding, ``(M', C)``.
    mean : torch.Tensor
        Mean of each channel over the training data, ``(C,)``.
    std : torch.Tensor
        Standard deviation of each channel over the training data, ``(C,)``.
    rules : BadCaseRules
        Where a good result ends.

    Returns
    -------
    list of str
        One sentence per fault; empty for a good result.

    Raises
    ------
    ValueError
        If a shape does not fit.

    Example
    -------
    >>> mel = torch.rand(5, 80)
    >>> statistics = torch.zeros(80), torch.ones(80)
    >>> find_faults(torch.eye(5)[None], True, mel, mel, *statistics)
    []
    >>> backwards = torch.eye(5).flip(0)[None]
    >>> for fault in find_faults(backwards, True, mel, mel, *statistics):
    ...     print(fault)
    attention moves back 4 times
    attention passes over 4 tokens at once (at most 2)
    attention ends on token 1 of 5
    """
    if alignments.ndim != 3:
        raise ValueError(
            "alignments must have shape (H, Q, K), one item without padding; "
            f"got {tuple(alignments.shape)}. Index the batch first."
        )
    faults = _path_faults(alignments, rules)
    if not finished:
        faults.append(f"hit the frame limit after {len(mel)} frames")
    ratio = len(mel) / max(len(reference_mel), 1)
    if not rules.min_length_ratio <= ratio <= rules.max_length_ratio:
        faults.append(
            f"{ratio:.2f} times as long as the target "
            f"({rules.min_length_ratio:g} to {rules.max_length_ratio:g})"
        )
    if len(mel) > 0 and not bool(torch.as_tensor(mel).isfinite().all()):
        faults.append("mel is not finite")
    elif len(mel) > 0:
        distance = warped_mel_distance(mel, reference_mel, mean, std)
        if distance > rules.max_mel_distance:
            faults.append(
                f"mel distance {distance:.2f} "
                f"(at most {rules.max_mel_distance:g})"
            )
    return faults


def format_verdict(faults: list[str]) -> str:
    """Write faults as the verdict that a report shows.

    Arguments
    ---------
    faults : list of str
        What :func:`find_faults` returned.

    Returns
    -------
    str
        ``"good"``, or one fault per line.

    Example
    -------
    >>> format_verdict([])
    'good'
    """
    return "\n".join(faults) or GOOD


def _path_faults(alignments: torch.Tensor, rules: BadCaseRules) -> list[str]:
    _, n_queries, n_tokens = alignments.shape
    if n_queries == 0:
        return ["made no decoder step"]
    if not bool(alignments.isfinite().all()):
        return ["attention is not finite"]
    batch = alignments[None]
    memory_lengths = torch.tensor([n_tokens])
    head = most_focused_head(batch, torch.tensor([n_queries]), memory_lengths)
    path = alignment_path(batch, memory_lengths)[0, head[0]]
    counts = count_path(path, n_tokens)
    faults = []
    if counts.backward_jumps:
        times = "time" if counts.backward_jumps == 1 else "times"
        faults.append(f"attention moves back {counts.backward_jumps} {times}")
    if counts.longest_skip > rules.max_skip:
        faults.append(
            f"attention passes over {counts.longest_skip} tokens at once "
            f"(at most {rules.max_skip})"
        )
    if not counts.ends_on_last:
        faults.append(
            f"attention ends on token {int(path[-1]) + 1} of {n_tokens}"
        )
    return faults
