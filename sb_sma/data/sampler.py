"""Batches of about the same total length, short items first at the start."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

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
        if not lengths:
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
        self.lengths = list(lengths)
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
        keys = torch.tensor(self.lengths) * (1.0 + self._noise() * noise)
        order = keys.argsort(stable=True)
        batches = [batch.tolist() for batch in order.split(self._sizes)]
        is_shuffled = self.shuffle and epoch > self.short_first_epochs
        steps = []
        for n_at_once, end in (*before, (n_processes, None)):
            dealt = _in_steps(batches, n_at_once)
            if is_shuffled:
                order = torch.randperm(len(dealt), generator=generator)
                dealt = [dealt[i] for i in order.tolist()]
            dealt = dealt if end is None else dealt[: end - len(steps)]
            steps += dealt
            seen = {batch[0] for step in dealt for batch in step}
            batches = [batch for batch in batches if batch[0] not in seen]
        return steps

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
        for length in sorted(self.lengths):
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
