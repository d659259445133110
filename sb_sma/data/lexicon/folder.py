"""What the folder of a pronunciation lexicon holds, and how it is written.

A lexicon folder holds the manifests ``train.json``, ``valid.json`` and
``test.json``, ``phonemes.json`` (those of the training split, sorted), and
``corpus.json``: the parameters that it was built with (``build_once``).
``load_manifests`` reads it back. A manifest maps a name, which is unique in the
folder, to its entry::

    word
    language            code, or null
    pronunciations      list of lists of phonemes
"""

import json
from collections.abc import Sequence
from pathlib import Path

from sb_sma.data.corpus.build_once import SPLITS
from sb_sma.data.json_files import write_json
from sb_sma.data.lexicon.read import BadEntries, LexiconEntry
from sb_sma.data.plain_text import is_speakable

Splits = dict[str, Sequence[LexiconEntry]]


def check_splits(
    splits: Splits,
    bad_entries: BadEntries,
    allow_unseen_phonemes: bool = False,
) -> Splits:
    """Find words without a letter or of two splits, and unseen phonemes.

    Arguments
    ---------
    splits : dict
        Entries of train, valid and test.
    bad_entries : BadEntries
        Takes what is wrong.
    allow_unseen_phonemes : bool
        Whether words with such phonemes stay, to be counted as the errors
        that a model cannot but make.

    Returns
    -------
    dict
        The splits without the words that are wrong.

    Example
    -------
    >>> train, test = LexiconEntry("a", (("æ",),)), LexiconEntry("b", (("b",),))
    >>> bad_entries = BadEntries(skip_bad_entries=True)
    >>> splits = {"train": [train], "valid": [], "test": [train, test]}
    >>> check_splits(splits, bad_entries)["test"]
    []
    >>> sorted(bad_entries.counts)
    ['unseen phoneme', 'word of two splits']
    """
    known = _phonemes_of(splits["train"])
    places = {}
    kept = {}
    for split in SPLITS:
        kept[split] = []
        for entry in splits[split]:
            if not is_speakable(entry.word):
                bad_entries.add(
                    "word without a letter",
                    f"{entry.place}: a word must have a letter or a digit; got "
                    f"{entry.word!r}. Remove the line.",
                )
                continue
            key = entry.word, entry.language
            if key in places:
                bad_entries.add(
                    "word of two splits",
                    f"{entry.place}: the word {entry.word!r} must stand in "
                    f"one split, but is at {places[key]}, too. Remove one of "
                    "them.",
                )
                continue
            places[key] = entry.place
            unseen = sorted(_phonemes_of([entry]) - known)
            if unseen and not allow_unseen_phonemes:
                bad_entries.add(
                    "unseen phoneme",
                    f"{entry.place}: phonemes must be among those of the "
                    f"training split; got {', '.join(unseen)} in "
                    f"{entry.word!r}. Mend or remove the line, or give "
                    "skip_bad_entries or allow_unseen_phonemes.",
                )
                continue
            kept[split].append(entry)
    return kept


def write_lexicon_corpus(
    folder: Path, splits: Splits, allow_empty_test: bool = False
) -> None:
    """Fill a lexicon folder.

    Arguments
    ---------
    folder : Path
        An empty folder.
    splits : dict
        Entries of train, valid and test.
    allow_empty_test : bool
        Whether the test split may hold nothing.

    Raises
    ------
    ValueError
        If a split is empty.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> a, b = LexiconEntry("a", (("æ",),)), LexiconEntry("b", (("b", "iː"),))
    >>> write_lexicon_corpus(folder, {"train": [b], "valid": [a], "test": [a]})
    >>> sorted(path.name for path in folder.iterdir())
    ['phonemes.json', 'test.json', 'train.json', 'valid.json']
    """
    for split in SPLITS:
        may_be_empty = allow_empty_test and split == "test"
        if not splits[split] and not may_be_empty:
            raise ValueError(
                f"The split {split} must hold at least one word; got none. "
                "Give more words."
            )
        # a line per word: write_json's line per phoneme takes far longer
        lines = ",\n".join(map(_as_json, splits[split]))
        path = folder / f"{split}.json"
        path.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
    write_json(folder / "phonemes.json", sorted(_phonemes_of(splits["train"])))


def _phonemes_of(entries: Sequence[LexiconEntry]) -> set[str]:
    return {
        phoneme
        for entry in entries
        for phonemes in entry.pronunciations
        for phoneme in phonemes
    }


def _as_json(entry: LexiconEntry) -> str:
    """Return the entry's name, and what the manifest says of it."""
    prefix = "" if entry.language is None else f"{entry.language}/"
    content = {
        "word": entry.word,
        "language": entry.language,
        "pronunciations": entry.pronunciations,
    }
    name, content = (
        json.dumps(value, ensure_ascii=False)
        for value in (prefix + entry.word, content)
    )
    return f"{name}: {content}"
