"""What a model says of a word."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pronunciation:
    """One way to say a word.

    Arguments
    ---------
    phonemes : list of str
        Symbols of the training lexicon.
    log_probability : float
        Natural logarithm of the model's probability.
    finished : bool
        Whether the word ended by itself, and not at the limit of its length.
    """

    phonemes: list[str]
    log_probability: float
    finished: bool
