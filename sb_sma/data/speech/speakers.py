"""Who speaks the utterances of a corpus, by name and by index."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sb_sma.data.corpus.build_once import Manifests
from sb_sma.data.problems import abridged

logger = logging.getLogger(__name__)


class SpeakerTable:
    """The names of the speakers that a model knows.

    Arguments
    ---------
    names : sequence of str
        In the order of the model's embeddings; none for a model without
        speakers.

    Example
    -------
    >>> SpeakerTable(["anna", "ben"]).encode(["ben", "anna", "ben"])
    [1, 0, 1]
    """

    def __init__(self, names: Sequence[str]):
        self.names = list(names)
        self._index = {name: index for index, name in enumerate(self.names)}

    def encode(self, names: Iterable[str]) -> list[int]:
        """Look speakers up.

        Arguments
        ---------
        names : iterable of str
            Names of the table.

        Returns
        -------
        list of int
            One index per name.

        Raises
        ------
        ValueError
            If a name is unknown, or the table is empty.
        """
        names = list(names)
        for name in names:
            if name in self._index:
                continue
            if not self.names:
                raise ValueError(
                    "speaker must be None for a model without speakers; got "
                    f"{name!r}. Train with --speakers=N."
                )
            raise ValueError(
                f"speaker must be one of {', '.join(self.names)}; got {name!r}."
            )
        return [self._index[name] for name in names]


def speaker_of(entry: Mapping[str, Any]) -> str | None:
    """Tell who speaks an utterance.

    Arguments
    ---------
    entry : mapping
        Of a manifest.

    Returns
    -------
    str or None
        The speaker that the corpus names, or eSpeak NG's voice.

    Example
    -------
    >>> speaker_of({"voice": "en-us+f2"})
    'en-us+f2'
    """
    return entry.get("speaker", entry["voice"])


def find_speakers(
    manifests: Manifests, n_speakers: int, known: Sequence[str] = ()
) -> SpeakerTable:
    """Collect the speakers of a corpus, who must fit into the model's table.

    Arguments
    ---------
    manifests : dict
        Of each split, the entries by name.
    n_speakers : int
        Rows of the model's table; 0 for a model without speakers.
    known : sequence of str
        Speakers that have the first rows, in the corpus or not.

    Returns
    -------
    SpeakerTable
        Those who are known, and after them the others of the training split,
        in the order of the alphabet.

    Raises
    ------
    ValueError
        If an utterance has no speaker, if there are more speakers than rows,
        or if one of them is not in training.

    Example
    -------
    >>> manifests = {"train": {"u1": {"voice": "en-us"}}}
    >>> find_speakers(manifests, n_speakers=2).names
    ['en-us']
    """
    if n_speakers == 0:
        _warn_of_one_voice(manifests)
        return SpeakerTable([])
    speakers = {
        split: {name: speaker_of(entry) for name, entry in manifest.items()}
        for split, manifest in manifests.items()
    }
    who_speaks = {
        name: who for part in speakers.values() for name, who in part.items()
    }
    nameless = [name for name, who in who_speaks.items() if who is None]
    if nameless:
        raise ValueError(
            f"Every utterance must have a speaker for speakers: {n_speakers}; "
            f"{len(nameless)} have none: {abridged(nameless)}. Give a manifest "
            "with a column speaker, or --speakers=0."
        )
    names = sorted(set(who_speaks.values()))
    new = [name for name in names if name not in known]
    everyone = [*known, *new]
    if len(everyone) > n_speakers:
        found = f"The corpus has {len(new)} speakers"
        if known:
            found = (
                f"initial_model has {len(known)} speakers and the corpus "
                f"{len(new)} others"
            )
        raise ValueError(
            f"{found}, the model room for {n_speakers}: {abridged(everyone)}. "
            f"Give speakers: {len(everyone)} or more in the YAML."
        )
    untrained = sorted(set(new) - set(speakers["train"].values()))
    if untrained:
        raise ValueError(
            "Every speaker must be in training; in valid or test alone: "
            f"{abridged(untrained)}. Give the manifest a column split, or "
            "more utterances of theirs."
        )
    return SpeakerTable(everyone)


def _warn_of_one_voice(manifests: Manifests) -> None:
    named = {
        entry["speaker"]
        for manifest in manifests.values()
        for entry in manifest.values()
        if "speaker" in entry
    }
    if len(named) > 1:
        logger.warning(
            "The corpus names %d speakers, whom a model without speakers "
            "mixes into one voice: %s. Train with --speakers=%d to keep them "
            "apart.",
            len(named),
            abridged(sorted(named)),
            len(named),
        )
