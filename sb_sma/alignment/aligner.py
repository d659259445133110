"""A trained aligner at work."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from sb_sma.alignment.acoustic_model import (
    AcousticModel,
    load_model,
    save_model,
)
from sb_sma.alignment.alignment import Alignment, intervals_of_path
from sb_sma.alignment.best_path import best_path
from sb_sma.alignment.features import MEL, make_features, read_cepstrum
from sb_sma.alignment.lattice import STATES_PER_UNIT, AlignedWord, build_lattice
from sb_sma.alignment.reader import TextReader


@dataclass(frozen=True)
class Aligner:
    """Finds words and phonemes in recordings.

    Arguments
    ---------
    model : AcousticModel
        How they sound.
    reader : TextReader
        Tells what they are.

    Example
    -------
    >>> reader = TextReader()
    >>> model = AcousticModel.flat(["j"], torch.randn(50, 48), torch.zeros(16))
    >>> aligner = Aligner(model, reader)
    >>> alignment = aligner.align(torch.randn(16000), reader("Yes."))
    >>> [interval.label for interval in alignment.phones if interval.label]
    ['j', 'ˈɛ', 's']
    """

    model: AcousticModel
    reader: TextReader

    def align(
        self, samples: torch.Tensor, words: Sequence[AlignedWord]
    ) -> Alignment:
        """Find words in a recording.

        Arguments
        ---------
        samples : torch.Tensor
            At the rate of `sb_sma.alignment.features.MEL`, (N,).
        words : sequence of AlignedWord
            All that is said in it.

        Returns
        -------
        alignment : Alignment
            When each of them is said.

        Raises
        ------
        ValueError
            If the recording is too short for them.
        """
        lattice = build_lattice(words, self.model.numbers)
        fault = too_short(len(samples), lattice.fewest_frames)
        if fault:
            raise ValueError(f"samples {fault}")
        cepstrum = read_cepstrum(samples)
        features = make_features(cepstrum, self.model.corpus_mean)
        path, score = best_path(self.model, lattice, features)
        duration = round(len(samples) / MEL.sample_rate, 6)
        return Alignment(
            duration,
            *intervals_of_path(path, lattice, words, duration),
            score=score,
        )

    def save(self, folder: Path, **progress: object) -> None:
        """Write all that is needed to align again.

        Arguments
        ---------
        folder : Path
            Where.
        **progress : object
            What else is to be kept, such as how far its training is.
        """
        save_model(folder, self.model, {**asdict(self.reader), **progress})

    @classmethod
    def load(cls, folder: Path) -> "Aligner":
        """Read what `save` wrote.

        Arguments
        ---------
        folder : Path
            Where.

        Returns
        -------
        aligner : Aligner
            The same.

        Raises
        ------
        ValueError
            If there is none, or it cannot be read.
        """
        model, settings = load_model(folder)
        try:
            reader = TextReader(settings["voice"], settings["phones"])
            # whose voice may not be there
            reader("a")
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{folder} tells no voice and phones that can be read by: "
                f"{error}. Train it anew: sb-sma align --data_folder."
            ) from error
        return cls(model, reader)


def too_short(n_samples: int, fewest_frames: int) -> str | None:
    """Tell why a text cannot be said in a recording, if so.

    Arguments
    ---------
    n_samples : int
        Of the recording, at the rate of `sb_sma.alignment.features.MEL`.
    fewest_frames : int
        Of the shortest walk through the text.

    Returns
    -------
    fault : str or None
        What the recording must be, what it is, and how to mend it.

    Example
    -------
    >>> too_short(160, 9)
    'must last at least 0.04 s for the 3 phonemes of its text; got 0.01 s. Give the text of this recording, or leave it out.'
    """
    n_frames = n_samples // MEL.hop_length + 1
    if n_frames >= fewest_frames:
        return None
    least = (fewest_frames - 1) * MEL.seconds_per_frame
    return (
        f"must last at least {least:.2f} s for the "
        f"{fewest_frames // STATES_PER_UNIT} phonemes of its text; got "
        f"{n_samples / MEL.sample_rate:.2f} s. Give the text of this "
        "recording, or leave it out."
    )
