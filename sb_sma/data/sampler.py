"""Batches of about the same total length, short items first at the start."""

import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from speechbrain.utils.checkpoints import (
    mark_as_loader,
    mark_as_saver,
    register_checkpoint_hooks,
)

_NOISE = 0.1

Share = tuple[int, int | None]


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
        self._batches = [step[0] for step in self.deal(epoch, 1)]

    def deal(
        self, epoch: int, n_processes: int, before: Sequence[Share] = ()
    ) -> list[list[list[int]]]:
        """Deal the batches of an epoch to several processes, step by step.

        The batches of a step are neighbours in length, so that no process
        waits long for another. Where they do not divide evenly, the last step
        from short to long takes some that another has, too.

        Arguments
        ---------
        epoch : int
            Counted from 1.
        n_processes : int
            That train at the same time.
        before : sequence of (int, int)
            Processes that began the epoch, and the steps that there were when
            they ended; they are dealt what is left.

        Returns
        -------
        steps : list of list of list of int
            By step and process: indices of a batch. The first steps are those
            of the processes before.

        Example
        -------
        >>> sampler = LengthBatchSampler([10, 20, 30], 1, 1, shuffle=False)
        >>> sampler.deal(epoch=1, n_processes=2)
        [[[0], [1]], [[1], [2]]]
        >>> sampler.deal(epoch=1, n_processes=2, before=[(1, 1)])
        [[[0]], [[1], [2]]]
        """
        generator = torch.Generator().manual_seed(self.seed + epoch)
        # noise mixes neighbours
        noise = torch.rand(len(self.lengths), generator=generator)
        keys = self.lengths * (1.0 + self._noise() * noise)
        is_left = torch.ones(len(keys), dtype=torch.bool)
        steps: list[list[list[int]]] = []
        for n_at_once, end in (*before, (n_processes, None)):
            dealt = self._deal(epoch, n_at_once, keys, is_left, generator)
            dealt = dealt if end is None else dealt[: end - len(steps)]
            steps += dealt
            for batch in itertools.chain(*dealt):
                is_left[batch] = False
        return steps

    def _deal(
        self,
        epoch: int,
        n_processes: int,
        keys: torch.Tensor,
        is_left: torch.Tensor,
        generator: torch.Generator,
    ) -> list[list[list[int]]]:
        """Deal the items that are left to processes that begin now."""
        batches = [
            batch.tolist()
            for batch in keys.argsort(stable=True).split(self._sizes)
        ]
        batches = [batch for batch in batches if is_left[batch[0]]]
        return self._in_order(_in_steps(batches, n_processes), epoch, generator)

    def _in_order(
        self, parts: list[Any], epoch: int, generator: torch.Generator
    ) -> list[Any]:
        """From short to long, or later at random."""
        if not self.shuffle or epoch <= self.short_first_epochs:
            return parts
        order = torch.randperm(len(parts), generator=generator)
        return [parts[i] for i in order.tolist()]

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
    processes has shards of its own.
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
        seed: int = 0,
        shuffle: bool = True,
        short_first_epochs: int = 1,
    ):
        self._shards = torch.as_tensor(shards)
        self._present = self._shards.unique()
        if not mixed >= 1:
            raise ValueError(f"mixed must be 1 or more; got {mixed}.")
        self.mixed = mixed
        super().__init__(
            lengths, max_length, max_items, seed, shuffle, short_first_epochs
        )

    def _deal(
        self,
        epoch: int,
        n_processes: int,
        keys: torch.Tensor,
        is_left: torch.Tensor,
        generator: torch.Generator,
    ) -> list[list[list[int]]]:
        """Deal the items that are left to processes that begin now."""
        if len(self._present) < n_processes:
            raise ValueError(
                f"{n_processes} processes need at least as many shards; got "
                f"{len(self._present)}. Lower utterances_per_shard, or start fewer "
                "processes."
            )
        # a stream of its own, so that noise and order are those of one shard
        draw = torch.Generator().manual_seed(-1 - self.seed - epoch)
        order = torch.randperm(len(self._present), generator=draw)
        shards = self._present[order] if self.shuffle else self._present
        by_shard = self._shards.argsort(stable=True)
        ends = self._shards.bincount().cumsum(0)
        shared = []
        for rank in range(n_processes):
            batches = []
            for mixed in shards[rank::n_processes].split(self.mixed):
                begins = [int(ends[s - 1]) if s else 0 for s in mixed]
                own = torch.cat(
                    [by_shard[b : ends[s]] for b, s in zip(begins, mixed)]
                )
                own = own[is_left[own]].sort().values
                sizes = self._plan(self.lengths[own])
                ordered = own[keys[own].argsort(stable=True)].split(sizes)
                batches += self._in_order(
                    [batch.tolist() for batch in ordered if len(batch)],
                    epoch,
                    generator,
                )
            shared.append(batches)
        most = max(shared, key=len)
        # a process that has nothing left helps with what others have
        dealt = [_lengthened(each or most, len(most)) for each in shared]
        return [list(step) for step in zip(*dealt)]


@register_checkpoint_hooks
class BatchShare:
    """Gives one of several processes its batches.

    Each process gets as many, since they wait for each other. An epoch that
    others have begun, of another number, is gone on with: what they have
    trained on does not come again.

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
    >>> sampler = LengthBatchSampler([10, 20, 30, 40], 1, 1)
    >>> [list(BatchShare(sampler, rank, n_processes=2)) for rank in (0, 1)]
    [[[0], [2]], [[1], [3]]]
    """

    def __init__(
        self, sampler: LengthBatchSampler, rank: int = 0, n_processes: int = 1
    ):
        self.sampler = sampler
        self.rank = rank
        self.n_processes = n_processes
        self._recovered: list[Share] = []
        self.set_epoch(1)

    def set_epoch(self, epoch: int) -> None:
        """Make the batches of an epoch.

        Arguments
        ---------
        epoch : int
            Counted from 1; the one that was begun, if there is one.
        """
        self._before, self._recovered = self._recovered, []
        steps = self.sampler.deal(epoch, self.n_processes, self._before)
        self._batches = [step[self.rank % len(step)] for step in steps]

    def go_on(self, n_steps: int) -> None:
        """Go on with the epoch that a checkpoint was saved in.

        Arguments
        ---------
        n_steps : int
            Batches that each process had trained on in it.
        """
        self._recovered = [
            (n_processes, n_steps if end is None else end)
            for n_processes, end in self._recovered
        ]
        if self._recovered and self._recovered[-1][0] == self.n_processes:
            self._recovered.pop()  # these processes go on

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self._batches)

    def __len__(self) -> int:
        return len(self._batches)

    @mark_as_saver
    def _save(self, path: str | Path) -> None:
        shares = [*self._before, (self.n_processes, None)]
        Path(path).write_text(json.dumps(shares))

    @mark_as_loader
    def _load(self, path: str | Path, end_of_epoch: bool = True) -> None:
        shares = [] if end_of_epoch else json.loads(Path(path).read_text())
        self._recovered = [tuple(share) for share in shares]


def _in_steps(
    batches: list[list[int]], n_processes: int
) -> list[list[list[int]]]:
    """Put neighbours together, as many as there are processes."""
    steps = [
        batches[start : start + n_processes]
        for start in range(0, len(batches), n_processes)
    ]
    # these overlap with the step before, not with each other
    steps[-1:] = [(batches * n_processes)[-n_processes:]] * bool(steps)
    return steps


def _lengthened(batches: list[list[int]], count: int) -> list[list[int]]:
    """So many batches; the last ones come again where there are fewer."""
    n_missing = count - len(batches)
    return (
        batches + (batches * n_missing)[-n_missing:] if n_missing else batches
    )
