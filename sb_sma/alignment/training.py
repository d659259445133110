"""Trains an aligner on the very recordings that it is to align.

Without any times: expectation maximisation from a start where all phonemes
sound alike, over all walks at once, which differ little in weight at first
(so that no early mistake is believed) and more with each pass.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
import torchaudio

from sb_sma.alignment.acoustic_model import AcousticModel, Counts
from sb_sma.alignment.best_path import best_path
from sb_sma.alignment.features import (
    MEL,
    make_features,
    mean_of_speech,
    read_cepstrum,
)
from sb_sma.alignment.lattice import AlignedWord, Lattice, build_lattice
from sb_sma.alignment.occupancy import occupancies
from sb_sma.alignment.reader import TextReader
from sb_sma.data.espeak.voice import VoiceSettings, speak

# how much walks differ in weight in each pass
_SHARPNESS = (0.1, 0.4, 0.7, 1.0, 1.0, 1.0)
# frames times states of a batch, which takes some 16 bytes for each
_BATCH_CELLS = 2**23

# of one text, spoken again
_VARIANTS = ("", "+f2", "+m3", "+f4", "+m1", "+f1", "+m7", "+f5")
_VARIED_PITCHES = (50, 60, 40, 70)
_MOST_RENDERINGS = 48
_ADAPTING_PASSES = 4

Told = Callable[[int], None]


@dataclass
class Heard:
    """A recording to learn from.

    Arguments
    ---------
    words : list of AlignedWord
        All that is said in it.
    cepstrum : torch.Tensor
        What it sounds like, (M, C).
    """

    words: list[AlignedWord]
    cepstrum: torch.Tensor

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.cepstrum) * MEL.seconds_per_frame


@dataclass
class Training:
    """A model, and the recordings that it is learning from.

    Arguments
    ---------
    heard : sequence of Heard
        At least one.
    model : AcousticModel, optional
        One that has learned already. Default: all phonemes alike.
    passes_done : int
        How many it has learned by.
    believed : AcousticModel, optional
        What is believed of phonemes that are hardly heard; then its times are
        believed from the start, too. Default: nothing.
    """

    heard: Sequence[Heard]
    model: AcousticModel | None = None
    passes_done: int = 0
    believed: AcousticModel | None = None
    _features: list[torch.Tensor] = field(init=False)
    _lattices: list[Lattice] = field(init=False)

    def __post_init__(self):
        means, counts = zip(
            *(mean_of_speech(each.cepstrum) for each in self.heard)
        )
        shares = torch.tensor(counts) / sum(counts)
        mean = (shares[:, None] * torch.stack(means)).sum(dim=0)
        self._features = [
            make_features(each.cepstrum, mean) for each in self.heard
        ]
        if self.model is None and self.believed is not None:
            believed = self.believed
            self.model = AcousticModel(
                believed.units,
                believed.mean,
                believed.log_variance,
                believed.log_stay,
                mean,
            )
        elif self.model is None:
            units = {
                unit
                for each in self.heard
                for word in each.words
                for unit in word.units
            }
            frames = torch.cat(self._features)
            self.model = AcousticModel.flat(sorted(units), frames, mean)
        numbers = self.model.numbers
        self._lattices = [
            build_lattice(each.words, numbers) for each in self.heard
        ]

    @property
    def n_frames(self) -> int:
        """How many a pass listens to."""
        return sum(map(len, self._features))

    @property
    def n_passes(self) -> int:
        """How many there are, those that are done included."""
        if self.believed is not None:
            return _ADAPTING_PASSES
        return len(_SHARPNESS)

    def passes(self, told: Told = lambda n_frames: None) -> Iterator[int]:
        """Learn; after each pass, the model is that of the time.

        Arguments
        ---------
        told : callable
            Called with each number of frames that was listened to.

        Returns
        -------
        numbers : iterator of int
            How many passes are done.
        """
        while self.passes_done < self.n_passes:
            counts = Counts.none(len(self.model.mean))
            if self.believed is None:
                self._share_out(counts, told)
            else:
                self._follow(counts, told)
            self.model = self.model.updated(counts, self.believed)
            self.passes_done += 1
            yield self.passes_done

    def _share_out(self, counts: Counts, told: Told) -> None:
        """Count all walks of all recordings."""
        sharpness = _SHARPNESS[self.passes_done]
        for batch in self._batches():
            lattices = [self._lattices[i] for i in batch]
            features = [self._features[i] for i in batch]
            shared, _ = occupancies(self.model, lattices, features, sharpness)
            for lattice, heard, shares in zip(lattices, features, shared):
                emitters = torch.from_numpy(lattice.emitters)
                counts.add(emitters, shares, heard)
            told(sum(map(len, features)))

    def _follow(self, counts: Counts, told: Told) -> None:
        """Count the best walk of each recording."""
        for lattice, heard in zip(self._lattices, self._features):
            path, _ = best_path(self.model, lattice, heard)
            counts.add_path(torch.from_numpy(lattice.emitters[path]), heard)
            told(len(heard))

    def _batches(self) -> Iterator[list[int]]:
        """Yield recordings of like lengths, by their numbers."""
        lengths = list(map(len, self._features))
        batch: list[int] = []
        states = 0
        for i in sorted(range(len(lengths)), key=lengths.__getitem__):
            states = max(states, len(self._lattices[i]))
            if batch and (len(batch) + 1) * lengths[i] * states > _BATCH_CELLS:
                yield batch
                batch, states = [], len(self._lattices[i])
            batch.append(i)
        yield batch


def spoken_by_espeak(
    texts: Sequence[str],
    reader: TextReader,
    seconds: float,
    told: Callable[[float], object] = lambda seconds: None,
) -> list[Heard]:
    """Let eSpeak NG say texts, again and again in other voices.

    Arguments
    ---------
    texts : sequence of str
        Those of the recordings.
    reader : TextReader
        Tells whose language it is.
    seconds : float
        How long it speaks; less where the texts are few.
    told : callable
        Called with the seconds of each that was said.

    Returns
    -------
    heard : list of Heard
        To learn the first from.

    Example
    -------
    >>> heard = spoken_by_espeak(["Yes."], TextReader(), seconds=2.0)
    >>> len(heard), len(heard[0].words)
    (4, 1)
    """
    order = random.Random(0).sample(list(texts), len(texts))
    heard: list[Heard] = []
    total = 0.0
    for number in range(_MOST_RENDERINGS * len(order)):
        round_, index = divmod(number, len(order))
        settings = VoiceSettings(
            voice=reader.voice.partition("+")[0]
            + _VARIANTS[round_ % len(_VARIANTS)],
            pitch=_VARIED_PITCHES[round_ % len(_VARIED_PITCHES)],
        )
        speech = speak(order[index], settings)
        samples = torch.from_numpy(speech.samples / 2.0**15).float()
        samples = torchaudio.functional.resample(
            samples, speech.sample_rate, MEL.sample_rate
        )
        heard.append(Heard(reader(order[index]), read_cepstrum(samples)))
        total += heard[-1].seconds
        told(heard[-1].seconds)
        if total > seconds:
            break
    return heard
