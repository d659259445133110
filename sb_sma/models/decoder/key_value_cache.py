"""What self-attention remembers from step to step."""

import copy

import torch
import torch.nn.functional as F

try:
    from sb_sma.ops.single_query import attend_compiled
except ImportError:
    # numba has no wheel for every Python
    attend_compiled = None

_COMPILED_DTYPES = (torch.float32, torch.float64)
# steps; moving few of them up often would take longer than keeping them
_LEAST_ROOM = 256
# the compiled attention has one thread
_ELEMENTS_WORTH_THREADS = 1 << 20


class KeyValueCache:
    """The keys and values of the steps so far.

    Memory for all steps is taken at the start; on the CPU, the system gives
    that of a step when it is written. With a window, there is room for two of
    it, and what is seen again moves to the front when all of it is taken. Rows
    that become hypotheses about the same item are copied, with room for the
    next step only, since the step after it will have other rows.

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
    window : int, optional
        How many steps are ever seen, the last one included. Default: all.

    Attributes
    ----------
    length : int
        Steps so far.
    max_steps : int
        Steps that there is room for.

    Example
    -------
    >>> cache = KeyValueCache(2, 4, 8, max_steps=5, like=torch.empty(0))
    >>> cache.append(torch.ones(2, 2, 4, 8))
    >>> cache.attend(torch.rand(2, 4, 8)).shape
    torch.Size([2, 4, 8])
    """

    def __init__(
        self,
        batch_size: int,
        nhead: int,
        head_width: int,
        max_steps: int,
        like: torch.Tensor,
        window: int | None = None,
    ):
        self.length = 0
        self.max_steps = max_steps
        self.window = window
        self._n_dropped = 0  # of the first steps
        self._room = max_steps
        if window is not None:
            self._room = min(max_steps, max(2 * window, _LEAST_ROOM))
        self._stored = like.new_empty(
            batch_size, 2, nhead, self._room, head_width
        )

    def append(self, keys_and_values: torch.Tensor) -> None:
        """Add one step.

        Arguments
        ---------
        keys_and_values : torch.Tensor
            The key and the value of every head, (R, 2, H, D / H).

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
        if self._n_stored == self._room:
            self._drop_unseen()
        elif self._n_stored == self._stored.shape[3]:
            self._stored = self._copied(slice(None), self._room)
        self._stored[:, :, :, self._n_stored] = keys_and_values
        self.length += 1

    def attend(
        self, queries: torch.Tensor, window: int | None = None
    ) -> torch.Tensor:
        """Attend with the query of the last step.

        Arguments
        ---------
        queries : torch.Tensor
            Of every head, (R, H, D / H).
        window : int, optional
            How many steps are seen, the last one included. Default: all.

        Returns
        -------
        read : torch.Tensor
            What every head reads, (R, H, D / H).
        """
        first = 0 if window is None else max(0, self.length - window)
        self._check_kept(first)
        stored = self._stored
        queries = queries.to(stored.dtype)
        n_elements = queries.numel() * (self.length - first)
        may_be_compiled = (
            stored.device.type == "cpu"
            and stored.dtype in _COMPILED_DTYPES
            and not (queries.requires_grad or stored.requires_grad)
            and (
                n_elements < _ELEMENTS_WORTH_THREADS
                or torch.get_num_threads() == 1
            )
        )
        if may_be_compiled and attend_compiled is not None:
            start = max(first - self._n_dropped, 0)
            return attend_compiled(queries, stored, start, self._n_stored)
        keys, values = self.keys_and_values(first)
        read = F.scaled_dot_product_attention(queries[:, :, None], keys, values)
        return read[:, :, 0]

    def keys_and_values(
        self, first: int = 0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give what is remembered.

        Arguments
        ---------
        first : int
            The first step.

        Returns
        -------
        keys : torch.Tensor
            From this step on, (R, H, K, D / H).
        values : torch.Tensor
            From this step on, (R, H, K, D / H).

        Raises
        ------
        ValueError
            If the window does not reach so far back.
        """
        self._check_kept(first)
        start = max(first - self._n_dropped, 0)
        return self._stored[:, :, :, start : self._n_stored].unbind(1)

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
            selected._stored = self._copied(kept, self._room)
        elif bool((kept.diff() > 0).all()):
            selected._stored = self._moved_up(kept)
        else:
            room = min(self._n_stored + 1, self._room)
            selected._stored = self._copied(kept, room)
        return selected

    @property
    def _n_stored(self) -> int:
        return self.length - self._n_dropped

    def _drop_unseen(self) -> None:
        """Move up what the next step will see, beside itself."""
        kept = self.window - 1
        start = self._n_stored - kept
        self._stored[:, :, :, :kept] = self._stored[:, :, :, start:].clone()
        self._n_dropped += start

    def _check_kept(self, first: int) -> None:
        if self.window is not None and first < self.length - self.window:
            raise ValueError(
                f"the cache keeps the last {self.window} steps; asked for "
                f"those from step {first} on, of {self.length}. Start it with "
                "a wider window."
            )

    def _copied(self, rows: torch.Tensor | slice, room: int) -> torch.Tensor:
        """Return what is stored of some rows, with room for this many steps."""
        past = self._stored[rows, :, :, : self._n_stored]
        n_rows, _, nhead, _, head_width = past.shape
        copied = past.new_empty(n_rows, 2, nhead, room, head_width)
        copied[:, :, :, : self._n_stored] = past
        return copied

    def _moved_up(self, rows: torch.Tensor) -> torch.Tensor:
        """Move up what is stored of rows in ascending order, without fresh
        memory, whose first use takes the system longer than the copy."""
        past = self._stored[:, :, :, : self._n_stored]
        for place, row in enumerate(rows.tolist()):
            if row != place:
                past[place].copy_(past[row])
        return self._stored[: len(rows)]
