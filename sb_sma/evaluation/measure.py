"""Lets systems speak texts with several seeds, and keeps what was found."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from time import perf_counter

import torch

from sb_sma.evaluation.ear import Ear, Heard
from sb_sma.evaluation.references import Reference
from sb_sma.evaluation.systems import System
from sb_sma.inference.spoken import SpokenText
from sb_sma.metrics.reading import Reading, find_reading_faults
from sb_sma.metrics.word_times import UsualSeconds


@dataclass
class Results:
    """What one system did; all lists are by seed, then by text.

    Arguments
    ---------
    system : System
        Who spoke.
    readings : list of list of Reading
        How each text was read.
    usual : UsualSeconds
        Of the system, over all of them.
    faults : list of list of list of str
        What is wrong with each.
    heard : list of list of Heard
        What the ear heard; empty without one.
    seconds : float
        That speaking took, without sound and ear.
    spoken_again : int
        Texts that did not become good at once, over all seeds.
    """

    system: System
    readings: list[list[Reading]]
    usual: UsualSeconds
    faults: list[list[list[str]]]
    heard: list[list[Heard]]
    seconds: float
    spoken_again: int


def measure_system(
    system: System,
    texts: Sequence[str],
    seeds: Sequence[int],
    ear: Ear | None,
    advance: Callable[[int], None],
) -> Results:
    """Let a system speak.

    Arguments
    ---------
    system : System
        Who speaks.
    texts : sequence of str
        What it says.
    seeds : sequence of int
        It says all texts once with each.
    ear : Ear, optional
        Who listens.
    advance : Callable
        Called with the number of each text that is spoken, and again when it
        is heard.

    Returns
    -------
    results : Results
        What was found.
    """
    by_seed, heard, total, again = [], [], 0.0, 0
    for seed in seeds:
        readings, mels, seconds, spoken_again = _speak_once(
            system, texts, seed, ear is not None, advance
        )
        by_seed.append(readings)
        total += seconds
        again += spoken_again
        if ear is not None:
            heard.append([])
            for number, (text, mel) in enumerate(zip(texts, mels)):
                heard[-1].append(ear.hear(text, *system.to_samples(mel)))
                advance(number)
    usual = UsualSeconds(map(_mean_seconds, zip(*by_seed)))
    faults = [
        [
            find_reading_faults(reading, usual, system.model.monotonic)
            for reading in readings
        ]
        for readings in by_seed
    ]
    return Results(system, by_seed, usual, faults, heard, total, again)


def hear_reference(
    reference: Reference,
    texts: Sequence[str],
    ear: Ear,
    advance: Callable[[int], None],
) -> list[Heard]:
    """Listen to the reference.

    Arguments
    ---------
    reference : Callable
        Of each text.
    texts : sequence of str
        What it says.
    ear : Ear
        Who listens.
    advance : Callable
        Called with the number of each text.

    Returns
    -------
    heard : list of Heard
        One of each text.
    """
    heard = []
    for number, text in enumerate(texts):
        heard.append(ear.hear(text, *reference(number)))
        advance(number)
    return heard


def _speak_once(
    system: System,
    texts: Sequence[str],
    seed: int,
    keep_mels: bool,
    advance: Callable[[int], None],
) -> tuple[list[Reading], list[torch.Tensor], float, int]:
    """Return readings, mels, the seconds that it took, and texts said again."""
    readings: dict[int, Reading] = {}
    mels: dict[int, torch.Tensor] = {}
    again: list[int] = []
    lock = threading.Lock()

    def take(number: int, spoken: SpokenText) -> None:
        """Keep what is needed of a text."""
        reading = system.read(spoken)
        with lock:
            readings[number] = reading
            if spoken.spoken_again:
                again.append(number)
            if keep_mels:
                mels[number] = spoken.mel
            advance(number)

    start = perf_counter()
    system.speak(texts, seed, take)
    seconds = perf_counter() - start
    numbers = range(len(texts))
    return (
        [readings[number] for number in numbers],
        [mels[number] for number in numbers if keep_mels],
        seconds,
        len(again),
    )


def _mean_seconds(
    readings: Sequence[Reading],
) -> tuple[Sequence[str], list[float]]:
    """Return tokens of a text, and the mean over the seeds of what each lasts."""
    lasted = zip(*(reading.token_seconds for reading in readings))
    return readings[0].tokens, [fmean(seconds) for seconds in lasted]
