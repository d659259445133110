"""Batches of about the same total length, short items first at the start."""

from typing import Iterator, List, Sequence

import torch


class LengthBatchSampler:
    """Puts items of similar length together until a batch is full.

    In the first epochs the batches come from short to long: an alignment is
    found on short sentences and carries over to long ones. Later they come in
    random order. Everything is a function of the seed and the epoch.

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
        If there is no item.

    Example
    -------
    >>> sampler = LengthBatchSampler([30, 10, 20], max_length=40, max_items=8)
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
        if not lengths:
            raise ValueError(
                "lengths must name the length of at least one item; got none. "
                "Is the manifest empty?"
            )
        self.lengths = list(lengths)
        self.max_length = max_length
        self.max_items = max_items
        self.seed = seed
        self.shuffle = shuffle
        self.short_first_epochs = short_first_epochs
        self.set_epoch(1)

    def set_epoch(self, epoch: int) -> None:
        """Make the batches of an epoch.

        Arguments
        ---------
        epoch : int
            Counted from 1.
        """
        generator = torch.Generator().manual_seed(self.seed + epoch)
        # up to 10 % of noise on the lengths mixes the neighbours
        noise = torch.rand(len(self.lengths), generator=generator)
        keys = torch.tensor(self.lengths) * (1.0 + 0.1 * noise * self.shuffle)
        self._batches = self._fill(keys.argsort(stable=True).tolist())
        if self.shuffle and epoch > self.short_first_epochs:
            order = torch.randperm(len(self._batches), generator=generator)
            self._batches = [self._batches[i] for i in order.tolist()]

    def _fill(self, order: List[int]) -> List[List[int]]:
        """Cut an order into batches."""
        batches, longest = [[]], 0
        for index in order:
            longest = max(longest, self.lengths[index])
            n_items = len(batches[-1]) + 1
            full = n_items * longest > self.max_length
            if batches[-1] and (full or n_items > self.max_items):
                batches.append([])
                longest = self.lengths[index]
            batches[-1].append(index)
        return batches

    def __iter__(self) -> Iterator[List[int]]:
        return iter(self._batches)

    def __len__(self) -> int:
        return len(self._batches)
