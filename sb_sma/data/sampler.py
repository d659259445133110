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
        self._sizes = self._plan(self.lengths)
        self.set_epoch(1)

    def set_epoch(self, epoch: int) -> None:
        """Make the batches of an epoch.

        Arguments
        ---------
        epoch : int
            Counted from 1.
        """
        generator = torch.Generator().manual_seed(self.seed + epoch)
        keys = self._draw_keys(generator)
        batches = keys.argsort(stable=True).split(self._sizes)
        self._batches = self._in_order(batches, epoch, generator)

    def _draw_keys(self, generator: torch.Generator) -> torch.Tensor:
        """Draw lengths with noise, which mixes neighbours."""
        noise = torch.rand(len(self.lengths), generator=generator)
        return self.lengths * (1.0 + self._noise() * noise)

    def _in_order(
        self,
        batches: Sequence[torch.Tensor],
        epoch: int,
        generator: torch.Generator,
    ) -> list[list[int]]:
        """From short to long, or later at random."""
        order = range(len(batches))
        if self.shuffle and epoch > self.short_first_epochs:
            order = torch.randperm(len(batches), generator=generator).tolist()
        return [batches[i].tolist() for i in order]

    def _noise(self) -> float:
        """Most that a length is raised by, as a share of it."""
        return _NOISE if self.shuffle else 0.0

    def _plan(self, lengths: torch.Tensor) -> list[int]:
        """Return items of each batch, the shortest first.

        The k-th shortest item of an epoch is at most as much longer than the
        k-th shortest of all as the noise allows, so that these sizes fit in
        every epoch.
        """
        sizes = [0]
        for length in lengths.sort().values.tolist():
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


class ShardBatchSampler(LengthBatchSampler):
    """Batches that are each of a few shards, for data that are read in turn.

    In every epoch the shards come in another order, and so many at a time are
    mixed: their items are put together as `LengthBatchSampler` does, from
    short to long in the first epochs, later in random order. With all shards
    at a time, the batches are those of `LengthBatchSampler`. Each of several
    processes has shards of its own, and `BatchShare` gives it their batches.
    The number of batches may differ a little from epoch to epoch.

    Arguments
    ---------
    lengths : sequence of int
        Of each item.
    shards : sequence of int
        Of each item, counted from 0.
    max_length : int
        Most in a batch, padding included.
    max_items : int
        Most items in a batch.
    mixed : int
        Shards at a time; a process holds as many.
    n_processes : int
        That share the shards.
    seed : int
        Of the order.
    shuffle : bool
        False keeps shards in their order, and batches from short to long.
    short_first_epochs : int
        Epochs, counted from 1, that go from short to long within what is
        mixed.

    Raises
    ------
    ValueError
        If there is no item, none may be in a batch, or a process is left
        without a shard.

    Example
    -------
    >>> sampler = ShardBatchSampler(
    ...     [30, 10, 20, 20], [0, 0, 1, 1], 50, max_items=8, mixed=1
    ... )
    >>> sampler.set_epoch(1)
    >>> sorted(map(sorted, sampler))
    [[0], [1], [2, 3]]
    """

    def __init__(
        self,
        lengths: Sequence[int],
        shards: Sequence[int],
        max_length: int,
        max_items: int,
        mixed: int = 8,
        n_processes: int = 1,
        seed: int = 0,
        shuffle: bool = True,
        short_first_epochs: int = 1,
    ):
        self._shards = torch.as_tensor(shards)
        self._present = self._shards.unique()
        if not mixed >= 1:
            raise ValueError(f"mixed must be 1 or more; got {mixed}.")
        if len(self._present) < n_processes:
            raise ValueError(
                f"{n_processes} processes need at least as many shards; got "
                f"{len(self._present)}. Lower utterances_per_shard, or start fewer "
                "processes."
            )
        self.mixed = mixed
        self.n_processes = n_processes
        super().__init__(
            lengths, max_length, max_items, seed, shuffle, short_first_epochs
        )

    def set_epoch(self, epoch: int) -> None:
        """Make the batches of an epoch.

        Arguments
        ---------
        epoch : int
            Counted from 1.
        """
        generator = torch.Generator().manual_seed(self.seed + epoch)
        keys = self._draw_keys(generator)
        # a stream of its own, so that noise and order are those of one shard
        draw = torch.Generator().manual_seed(-1 - self.seed - epoch)
        order = torch.randperm(len(self._present), generator=draw)
        shards = self._present[order] if self.shuffle else self._present
        by_shard = self._shards.argsort(stable=True)
        ends = self._shards.bincount().cumsum(0)
        shared = []
        for rank in range(self.n_processes):
            batches = []
            for mixed in shards[rank :: self.n_processes].split(self.mixed):
                begins = [int(ends[s - 1]) if s else 0 for s in mixed]
                own = torch.cat(
                    [by_shard[b : ends[s]] for b, s in zip(begins, mixed)]
                )
                own = own.sort().values
                sizes = self._plan(self.lengths[own])
                ordered = own[keys[own].argsort(stable=True)].split(sizes)
                batches += self._in_order(ordered, epoch, generator)
            shared.append(batches)
        # in the order in which `BatchShare` deals them
        n_steps = max(map(len, shared))
        dealt = [_lengthened(batches, n_steps) for batches in shared]
        self._batches = [batch for step in zip(*dealt) for batch in step]


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
        n_batches = len(self) * self.n_processes
        batches = _lengthened(list(self.sampler), n_batches)
        return iter(batches[self.rank :: self.n_processes])

    def __len__(self) -> int:
        return -(-len(self.sampler) // self.n_processes)


def _lengthened(batches: list[list[int]], count: int) -> list[list[int]]:
    """So many batches; the last ones come again where there are fewer."""
    n_missing = count - len(batches)
    return (
        batches + (batches * n_missing)[-n_missing:] if n_missing else batches
    )
