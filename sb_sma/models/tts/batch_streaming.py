"""Several texts spoken in one batch, each of them as it is made.

Whoever asks an item for more runs the whole batch on: what the others have said
meanwhile waits for them.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator

import torch

from sb_sma.models.tts.frame_noise import FrameNoise
from sb_sma.models.tts.synthesis import Narrator, SpokenStep


class BatchStream:
    """Lets the items of a batch be streamed, by several threads if wanted.

    Arguments
    ---------
    narrator : Narrator
        Before its first step.
    seed : int, optional
        Of the refiner's noise, that of the narrator's manner.

    Attributes
    ----------
    items : list of StreamedItem
        Each is to `stream` what a narrator of it alone would be.
    """

    def __init__(self, narrator: Narrator, seed: int | None = None):
        self.narrator = narrator
        n_items = len(narrator.finished)
        n_mels = narrator.model.decoder.n_mels
        self.items = [
            StreamedItem(self, item, FrameNoise(n_mels, seed))
            for item in range(n_items)
        ]
        self._steps = iter(narrator)
        self._failure: Exception | None = None
        self._speaking = set(range(n_items))
        self._waiting: list[deque[SpokenStep]] = [
            deque() for _ in range(n_items)
        ]
        self._lock = threading.Lock()

    def next_step(self, item: int) -> SpokenStep | None:
        """Give the next step of an item, and make it if need be.

        Arguments
        ---------
        item : int
            Of the batch.

        Returns
        -------
        step : SpokenStep or None
            Of this item alone; None where it has ended or left.

        Raises
        ------
        RuntimeError
            If the batch has failed: all that had not ended fail with it.
        """
        waiting = self._waiting[item]
        with self._lock:
            while not waiting and item in self._speaking:
                self._run_on()
            return waiting.popleft() if waiting else None

    def leave(self, item: int) -> None:
        """Make nothing more for an item.

        Arguments
        ---------
        item : int
            Of the batch. The others are what they would be.
        """
        with self._lock:
            self.narrator.leave(item)
            self._speaking.discard(item)
            self._waiting[item].clear()

    def _run_on(self) -> None:
        """Take a step of the batch apart."""
        if self._failure is not None:
            raise RuntimeError("the batch has failed") from self._failure
        try:
            step = next(self._steps, None)
        except Exception as error:
            self._failure = error
            raise
        if step is None:
            self._speaking.clear()
            return
        rows = step.rows.tolist()
        self._speaking.intersection_update(rows)
        alignments = [layer.split(1) for layer in step.alignments]
        for place, (row, own, frames) in enumerate(
            zip(rows, step.rows.split(1), step.frames.split(1))
        ):
            if row in self._speaking:
                attended = [layer[place] for layer in alignments]
                self._waiting[row].append(SpokenStep(own, frames, attended))


class StreamedItem:
    """One item of a batch, as a narrator of its own.

    Arguments
    ---------
    batch : BatchStream
        That it is of.
    item : int
        Its place there.
    noise : FrameNoise
        Of the refiner, where the model has one.

    Attributes
    ----------
    listener : Callable, optional
        Called with every step as soon as it is asked for.
    """

    def __init__(self, batch: BatchStream, item: int, noise: FrameNoise):
        narrator = batch.narrator
        self.model = narrator.model
        self.pace = narrator.pace
        self.memory = narrator.memory[item : item + 1]
        self.noise = noise
        self.listener: Callable[[SpokenStep], None] | None = None
        self._batch = batch
        self._item = item

    @property
    def finished(self) -> torch.Tensor:
        """True where it has ended by itself, (1,)."""
        return self._batch.narrator.finished[self._item : self._item + 1]

    def __iter__(self) -> Iterator[SpokenStep]:
        """Take one decoder step after the other, until it has ended."""
        while (step := self._batch.next_step(self._item)) is not None:
            if self.listener is not None:
                self.listener(step)
            yield step

    def leave(self) -> None:
        """Make nothing more."""
        self._batch.leave(self._item)
