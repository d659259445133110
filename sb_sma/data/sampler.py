"""Batches of about the same total length, short items first at the start."""

from collections.abc import Iterator, Sequence

import torch

_NOISE = 0.1


class LengthBatchSampler:
    """Puts items of similar length together until a batch is full.

    In the first epochs the batches come from short to long: an alignment is
    found on short sentences and carries over to long ones. Later they come in
    random order. Everything is a function of the seed and the epoch. Each epoch
    has as many batches, so that schedules can be planned.

    Arguments
    ---------
    lengths : sequence of int
        Of each item: mel frames, or letters and phonemes.
    max_length : int
        Most of them in a batch, padding included; a longer item is a batch of
        its own.
    max_items : int
        Most items in a batch.
    seed : int
        Of the order.
    shuffle : bool
        False keeps the batches from short to long in every epoch.
    short_first_epochs : int
        Epochs, counted from 1, that go from short to long.

    Raises
    ------
    ValueError
        If there is no item, or none may be in a batch.

    Example
    -------
    >>> sampler = LengthBatchSampler([30, 10, 20], max_length=50, max_items=8)
    >>> sampler.set_epoch(1)
    >>> list(sampler)
    [[1, 2], [0]]
    """

    def __init__(
        self,
        lengths: Sequence[int],
        max_length: int,
        max_items: int,
        seed: int = 0,
        shuffle: bool = True,
        short_first_epochs: int = 1,
    ):
        if not len(lengths):
            raise ValueError(
                "lengths must name the length of at least one item; got none. "
                "Is the manifest empty?"
            )
        for name, most in (
            ("max_length", max_length),
            ("max_items", max_items),
        ):
            if not most >= 1:
                raise ValueError(f"{name} must be 1 or more; got {most}.")
        self.lengths = torch.as_tensor(lengths)
        self.max_length = max_length
        self.max_items = max_items
        self.seed = seed
        self.shuffle = shuffle
        self.short_first_epochs = short_first_epochs
        self._sizes = self._plan()
        self.set_epoch(1)

    def set_epoch(self, epoch: int) -> None:
        """Make the batches of an epoch.

        Arguments
        ---------
        epoch : int
            Counted from 1.
        """
        generator = torch.Generator().manual_seed(self.seed + epoch)
        # noise mixes neighbours
        noise = torch.rand(len(self.lengths), generator=generator)
        keys = self.lengths * (1.0 + self._noise() * noise)
        order = keys.argsort(stable=True)
        self._batches = [batch.tolist() for batch in order.split(self._sizes)]
        if self.shuffle and epoch > self.short_first_epochs:
            order = torch.randperm(len(self._batches), generator=generator)
            self._batches = [self._batches[i] for i in order.tolist()]

    def _noise(self) -> float:
        """Most that a length is raised by, as a share of it."""
        return _NOISE if self.shuffle else 0.0

    def _plan(self) -> list[int]:
        """Return items of each batch, the shortest first.

        The k-th shortest item of an epoch is at most as much longer than the
        k-th shortest of all as the noise allows, so that these sizes fit in
        every epoch.
        """
        sizes = [0]
        for length in self.lengths.sort().values.tolist():
            longest = length * (1.0 + self._noise())
            full = (sizes[-1] + 1) * longest > self.max_length
            if sizes[-1] and (full or sizes[-1] == self.max_items):
                sizes.append(0)
            sizes[-1] += 1
        return sizes

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self._batches)

    def __len__(self) -> int:
        return len(self._batches)


class BatchShare:
    """Gives one of several processes its batches, in the sampler's order.

    Process r of n takes batches r, r + n, r + 2n and so on: a step is of
    neighbours, from short to long where the sampler goes so. Each process
    gets as many batches, since they wait for each other. The last ones come
    twice where they do not divide evenly, more often where there are fewer
    batches than processes.

    Arguments
    ---------
    sampler : LengthBatchSampler
        Of the batches of all processes, the same in each of them.
    rank : int
        Of this process, counted from 0.
    n_processes : int
        That share the batches.

    Example
    -------
    >>> sampler = LengthBatchSampler([10, 20, 30], max_length=1, max_items=1)
    >>> [list(BatchShare(sampler, rank, n_processes=2)) for rank in (0, 1)]
    [[[0], [2]], [[1], [2]]]
    """

    def __init__(
        self, sampler: LengthBatchSampler, rank: int, n_processes: int
    ):
        self.sampler = sampler
        self.rank = rank
        self.n_processes = n_processes

    def set_epoch(self, epoch: int) -> None:
        """Make the batches of an epoch.

        Arguments
        ---------
        epoch : int
            Counted from 1.
        """
        self.sampler.set_epoch(epoch)

    def __iter__(self) -> Iterator[list[int]]:
        batches = list(self.sampler)
        n_missing = len(self) * self.n_processes - len(batches)
        if n_missing:
            batches += (batches * n_missing)[-n_missing:]
        return iter(batches[self.rank :: self.n_processes])

    def __len__(self) -> int:
        return -(-len(self.sampler) // self.n_processes)
