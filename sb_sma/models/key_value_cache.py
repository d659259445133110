"""What self-attention remembers from step to step."""

import copy
from typing import Optional, Tuple

import torch

from sb_sma.attention.rows import RowLayout, in_lines


class KeyValueCache:
    """The keys and values of the steps so far, in memory taken at the start.

    On the CPU, the system gives the memory of a step when it is written; a
    GPU's is taken at once.

    Hypotheses about the same item share their memory: one that goes on from
    another remembers where the steps of that one lie, and nothing is copied.

    Arguments
    ---------
    batch_size : int
        Items B.
    nhead : int
        Heads H.
    head_width : int
        Width of a head, D / H.
    max_steps : int
        Steps that there is room for.
    like : torch.Tensor
        Its dtype and device are those of the keys and values.

    Attributes
    ----------
    layout : RowLayout
        Which item each of the R rows is about.
    length : int
        Steps so far.
    max_steps : int
        Steps that there is room for.

    Example
    -------
    >>> cache = KeyValueCache(2, 4, 8, max_steps=5, like=torch.empty(0))
    >>> keys, values = cache.append(torch.ones(2, 2, 4, 8))
    >>> keys.shape
    torch.Size([2, 4, 1, 8])
    """

    def __init__(
        self,
        batch_size: int,
        nhead: int,
        head_width: int,
        max_steps: int,
        like: torch.Tensor,
    ):
        self.layout = RowLayout(batch_size)
        self.length = 0
        self.max_steps = max_steps
        self._stored = like.new_empty(
            batch_size, 2, nhead, max_steps, head_width
        )
        self._n_stored = 0  # keys of every item
        # which of them are each row's own, (B, n, length); None: all
        self._own: Optional[torch.Tensor] = None

    def append(
        self, keys_and_values: torch.Tensor
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        """Add one step.

        Arguments
        ---------
        keys_and_values : torch.Tensor
            The key and the value of every head, (R, 2, H, D / H).

        Returns
        -------
        keys : torch.Tensor
            All keys so far, (B, H, K, D / H).
        values : torch.Tensor
            All values so far, (B, H, K, D / H).

        Raises
        ------
        ValueError
            If there is no room left.
        """
        if self.length == self.max_steps:
            raise ValueError(
                f"the cache has room for {self.length} steps, and all are "
                "taken. Start with a larger max_steps."
            )
        n_new = self.layout.rows_per_item
        taken = slice(self._n_stored, self._n_stored + n_new)
        by_item = self.layout.spread(keys_and_values)  # (B, n, 2, H, D / H)
        self._stored[:, :, :, taken] = by_item.permute(0, 2, 3, 1, 4)
        if self._own is not None:
            here = torch.arange(
                taken.start, taken.stop, device=self._own.device
            )
            here = here[:, None].expand(len(self._own), -1, 1)
            self._own = torch.cat((self._own, here), dim=-1)
        self.length += 1
        self._n_stored = taken.stop
        return self._stored[:, :, :, : self._n_stored].unbind(1)

    def own(self, window: Optional[int] = None) -> Optional[torch.Tensor]:
        """Which keys are steps of each row.

        Arguments
        ---------
        window : int, optional
            How many of the last steps. Default: all.

        Returns
        -------
        is_own : torch.Tensor or None
            True for keys that a row may attend to, (B, 1, n, K); None with
            one row per item, whose are the last `window` keys.
        """
        if self._own is None:
            return None
        n_before = 0 if window is None else max(0, self.length - window)
        n_items, n_rows, _ = self._own.shape
        is_own = torch.zeros(
            (n_items, n_rows, self._n_stored),
            dtype=torch.bool,
            device=self._own.device,
        )
        is_own.scatter_(2, self._own[..., n_before:], True)
        return is_own[:, None]

    def select_rows(self, rows: torch.Tensor) -> "KeyValueCache":
        """Keep some rows.

        Arguments
        ---------
        rows : torch.Tensor
            As ``sb_sma.attention.decoding.select_rows`` takes them. Lines take
            the memory of this cache over, which may then not be used any more.

        Returns
        -------
        cache : KeyValueCache
            Of these rows.
        """
        lines = in_lines(rows)
        n_rows = lines.shape[1]
        selected = copy.copy(self)
        selected.layout, items = self.layout.select(rows)
        if self._own is not None:
            places = self.layout.to_places(lines)
            selected._own = self._own.flatten(0, 1)[places]
        elif n_rows > 1:
            steps = torch.arange(self.length, device=lines.device)
            selected._own = steps.expand(*lines.shape, -1)
        room = self._n_stored + n_rows * (self.max_steps - self.length)
        if rows.dim() == 2 and room <= self._stored.shape[3]:
            if items is None or bool((items.diff() > 0).all()):
                selected._stored = self._moved_up(items)
                return selected
        past = self._stored[:, :, :, : self._n_stored]
        _, _, nhead, _, head_width = past.shape
        selected._stored = past.new_empty(
            len(lines), 2, nhead, room, head_width
        )
        past = past if items is None else past[items]
        selected._stored[:, :, :, : self._n_stored] = past
        return selected

    def _moved_up(self, items: Optional[torch.Tensor]) -> torch.Tensor:
        """What is stored of items in ascending order, without fresh memory,
        whose first use takes the system longer than the copy."""
        if items is None:
            return self._stored
        past = self._stored[:, :, :, : self._n_stored]
        for place, item in enumerate(items.tolist()):
            if item != place:
                past[place].copy_(past[item])
        return self._stored[: len(items)]
