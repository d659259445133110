"""When a sentence is over."""

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class StopRule:
    """Limits that end the decoding of an item.

    The stop predictor counts only while the last token is attended, since it
    also fires at pauses that it never heard in training. Holding the last
    token for long enough ends the item too.

    Arguments
    ---------
    stop_threshold : float
        Stop probability that ends the item.
    hold_seconds : float
        How long the last token may be attended.
    max_seconds_per_token : float
        Frame limit per token; an item that reaches it did not end by itself.

    Raises
    ------
    ValueError
        If a number is out of range.

    Example
    -------
    >>> StopRule().max_steps(n_tokens=10, seconds_per_step=0.05)
    100
    """

    stop_threshold: float = 0.5
    hold_seconds: float = 0.5
    max_seconds_per_token: float = 0.5

    def __post_init__(self):
        if not 0 < self.stop_threshold < 1:
            raise ValueError(
                f"stop_threshold must be in (0, 1); got {self.stop_threshold}."
            )
        for name in ("hold_seconds", "max_seconds_per_token"):
            if not getattr(self, name) > 0:
                raise ValueError(
                    f"{name} must be above 0 seconds; got "
                    f"{getattr(self, name)}."
                )

    def max_steps(self, n_tokens: int, seconds_per_step: float) -> int:
        """Frame limit of an item, in decoder steps.

        Arguments
        ---------
        n_tokens : int
            Tokens of the item.
        seconds_per_step : float
            Duration of a decoder step, in seconds.

        Returns
        -------
        max_steps : int
            At least 1.
        """
        seconds = self.max_seconds_per_token * n_tokens
        return max(1, round(seconds / seconds_per_step))


class EndDetector:
    """Applies a `StopRule` to a batch, step by step.

    Of a layer's heads, the one that has been the most focused so far says
    which token is attended. All of it is kept on the host, in numpy: a few
    numbers an item, on which a tensor operation would spend its overhead.

    Arguments
    ---------
    rule : StopRule
        The limits.
    memory_lengths : np.ndarray or torch.Tensor
        Tokens of each item, int64, on the host, (B,).
    seconds_per_step : float
        Duration of a decoder step, in seconds.

    Example
    -------
    >>> detector = EndDetector(StopRule(), np.array([2]), 0.05)
    >>> weights, positions = np.array([[0.9, 0.5]]), np.array([[1, 0]])
    >>> detector.advance(np.array([3.0]), weights, positions)
    array([ True])
    """

    def __init__(
        self,
        rule: StopRule,
        memory_lengths: "np.ndarray | torch.Tensor",
        seconds_per_step: float,
    ):
        self.hold_steps = max(1, round(rule.hold_seconds / seconds_per_step))
        threshold = rule.stop_threshold
        self.threshold_logit = math.log(threshold / (1.0 - threshold))
        self.last_tokens = np.asarray(memory_lengths) - 1
        self.steps_on_last = np.zeros_like(self.last_tokens)
        self._focus: np.ndarray | float = 0.0

    def update(
        self, stop_logits: "torch.Tensor", alignment: "torch.Tensor"
    ) -> np.ndarray:
        """Say which items end with this step.

        Arguments
        ---------
        stop_logits : torch.Tensor
            (B,).
        alignment : torch.Tensor
            This step's alignment, (B, H, K).

        Returns
        -------
        ended : np.ndarray
            True where the item ends, (B,).
        """
        weights, positions = alignment.max(dim=-1)  # (B, H)
        return self.advance(
            stop_logits.float().cpu().numpy(),
            weights.float().cpu().numpy(),
            positions.cpu().numpy(),
        )

    def advance(
        self,
        stop_logits: np.ndarray,
        weights: np.ndarray,
        positions: np.ndarray,
    ) -> np.ndarray:
        """Do the same with what every head attends most.

        Arguments
        ---------
        stop_logits : np.ndarray
            (B,).
        weights : np.ndarray
            The largest of each head's alignment, (B, H).
        positions : np.ndarray
            Where it is, (B, H).

        Returns
        -------
        ended : np.ndarray
            True where the item ends, (B,).
        """
        self._focus = self._focus + weights
        head = self._focus.argmax(axis=1)
        attended = positions[np.arange(len(head)), head]
        on_last = attended >= self.last_tokens
        self.steps_on_last = (self.steps_on_last + 1) * on_last
        wants_to_stop = stop_logits > self.threshold_logit
        held = self.steps_on_last >= self.hold_steps
        return (on_last & wants_to_stop) | held

    def select_rows(self, rows: "torch.Tensor") -> "EndDetector":
        """Keep some items of the batch.

        Arguments
        ---------
        rows : torch.Tensor
            Their indices, int64, (R,).

        Returns
        -------
        detector : EndDetector
            Of these items.
        """
        kept = rows.cpu().numpy()
        selected = copy.copy(self)
        selected.last_tokens = self.last_tokens[kept]
        selected.steps_on_last = self.steps_on_last[kept]
        if isinstance(self._focus, np.ndarray):
            selected._focus = self._focus[kept]
        return selected
