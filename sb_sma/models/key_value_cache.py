"""What self-attention remembers from step to step."""

import copy
from typing import Tuple, Union

import torch


class KeyValueCache:
    """The keys and values of the steps so far.

    Memory for all steps is taken at the start; on the CPU, the system gives
    that of a step when it is written. Rows that become hypotheses about the
    same item are copied, with room for the next step only, since the step after
    it will have other rows.

    Arguments
    ---------
    batch_size : int
        Rows R.
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
        self.length = 0
        self.max_steps = max_steps
        self._stored = like.new_empty(
            batch_size, 2, nhead, max_steps, head_width
        )

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
            All keys so far, (R, H, K, D / H).
        values : torch.Tensor
            All values so far, (R, H, K, D / H).

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
        if self.length == self._stored.shape[3]:
            self._stored = self._copied(slice(None), self.max_steps)
        self._stored[:, :, :, self.length] = keys_and_values
        self.length += 1
        return self._stored[:, :, :, : self.length].unbind(1)

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
        kept = rows[rows >= 0]
        selected = copy.copy(self)
        if rows.dim() == 1:
            selected._stored = self._copied(kept, self.max_steps)
        elif bool((kept.diff() > 0).all()):
            selected._stored = self._moved_up(kept)
        else:
            room = min(self.length + 1, self.max_steps)
            selected._stored = self._copied(kept, room)
        return selected

    def _copied(
        self, rows: Union[torch.Tensor, slice], room: int
    ) -> torch.Tensor:
        """What is stored of some rows, with room for this many steps."""
        past = self._stored[rows, :, :, : self.length]
        n_rows, _, nhead, _, head_width = past.shape
        copied = past.new_empty(n_rows, 2, nhead, room, head_width)
        copied[:, :, :, : self.length] = past
        return copied

    def _moved_up(self, rows: torch.Tensor) -> torch.Tensor:
        """What is stored of rows in ascending order, without fresh memory,
        whose first use takes the system longer than the copy."""
        past = self._stored[:, :, :, : self.length]
        for place, row in enumerate(rows.tolist()):
            if row != place:
                past[place].copy_(past[row])
        return self._stored[: len(rows)]
