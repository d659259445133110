"""Reads batches out of shards, by SpeechBrain's way to take WebDataset.

SpeechBrain makes loaders of WebDataset's pipelines as it does of its own data
sets, but keeps no place in them. Here the batches of an epoch are planned from
lengths alone, so that each is known before anything is read: an epoch that is
gone on with opens only the shards that are left, and workers of a loader give
the batches that one process gives, in its order.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import torch
from speechbrain.dataio.batch import PaddedBatch
from torch.utils.data import IterableDataset, get_worker_info

from sb_sma.data.shards.manifest import ShardManifest
from sb_sma.data.shards.package import load_webdataset
from sb_sma.data.shards.samples import read_samples

Item = dict[str, Any]


class ShardReader:
    """The stages of a pipeline from shards to batches.

    Each worker of a loader reads the shards of its process in turn, and makes
    every so many-th batch of them. What it has read and not given yet is held:
    of a `ShardBatchSampler`, at most the shards that are mixed.

    Arguments
    ---------
    manifest : ShardManifest
        What is in the shards.
    make_item : callable
        Turns an entry and its mel, (M, C), into an item of a batch.

    Attributes
    ----------
    sampler : iterable of list of int
        The batches of the epoch, of indices into the manifest.
    skipped : int
        Batches of the epoch that are not given: they were trained on before.

    Raises
    ------
    ImportError
        If WebDataset is missing.
    """

    def __init__(
        self,
        manifest: ShardManifest,
        make_item: Callable[[dict[str, Any], torch.Tensor], Item],
    ):
        load_webdataset()
        self.manifest = manifest
        self.sampler: Iterable[list[int]] = ()
        self.make_item = make_item
        self.skipped = 0

    def pipeline(self) -> IterableDataset:
        """Compose the stages.

        Returns
        -------
        dataset : webdataset.DataPipeline
            Gives batches, `PaddedBatch` each, of the epoch that the sampler is at.
        """
        return load_webdataset().DataPipeline(
            self._wanted, self._samples, self._batches
        )

    def _own_batches(self) -> list[list[int]]:
        """Give those of this worker that are left of the epoch."""
        left = list(self.sampler)[self.skipped :]
        worker = get_worker_info()
        return left[worker.id :: worker.num_workers] if worker else left

    def _wanted(self) -> Iterator[tuple[int, list[int]]]:
        """Tell which shards are read, and what of them, as it is needed."""
        batches = self._own_batches()
        last_use = np.full(len(self.manifest), -1)
        for number, batch in enumerate(batches):
            last_use[batch] = number
        held: set[int] = set()
        for number, batch in enumerate(batches):
            for shard in self.manifest.shards[batch].tolist():
                if held.issuperset(batch):
                    break
                own = self.manifest.in_shard(shard)
                # an utterance may be wanted twice, when processes have not as
                # many batches
                new = own[last_use[own] >= number].tolist()
                new = [index for index in new if index not in held]
                if new:
                    held.update(new)
                    yield shard, new
            held.difference_update(batch)

    def _samples(
        self, wanted: Iterator[tuple[int, list[int]]]
    ) -> Iterator[tuple[int, Item]]:
        """Read what is wanted of shards."""
        for shard, indices in wanted:
            samples = read_samples(self.manifest, shard, indices)
            for index, entry, mel in samples:
                yield index, self.make_item(entry, mel)

    def _batches(
        self, samples: Iterator[tuple[int, Item]]
    ) -> Iterator[PaddedBatch]:
        """Put items together as the sampler says."""
        held: dict[int, Item] = {}
        for batch in self._own_batches():
            while not held.keys() >= set(batch):
                index, item = next(samples)
                held[index] = item
            yield PaddedBatch([held.pop(index) for index in batch])
