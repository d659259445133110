"""Prepares the lexicons of the SIGMORPHON 2021 shared task on G2P.

The folder is laid out as the shared task has it: ``high/``, ``medium/`` and
``low/`` hold ``eng_us_train.tsv``, ``eng_us_dev.tsv`` and ``eng_us_test.tsv``,
each line of which reads ``word<TAB>p1 p2 p3``.

Download: https://github.com/sigmorphon/2021-task1
"""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from sb_sma.data.corpus.digests import digest
from sb_sma.data.corpus.plan import Corpus
from sb_sma.data.lexicon.folder import check_splits, write_lexicon_corpus
from sb_sma.data.lexicon.read import BadEntries, LexiconEntry, read_lexicon
from sb_sma.data.lexicon.splicing import splice
from sb_sma.data.problems import raise_problems

logger = logging.getLogger(__name__)

_FOLDERS = ("high", "medium", "low")
_ENDING_OF_SPLIT = {
    "train": "_train.tsv",
    "valid": "_dev.tsv",
    "test": "_test.tsv",
}


def prepare_sigmorphon(
    data_folder: str | Path,
    save_folder: str | Path | None = None,
    languages: str | Sequence[str] = "eng_us",
    skip_bad_entries: bool = False,
    allow_unseen_phonemes: bool = False,
    extra_folder: str | Path | None = None,
    spliced_words: int = 0,
) -> Corpus:
    """Tell what the lexicon is, and build it where a folder is given.

    The dev files become the split valid. Without the test file of a language,
    which the shared task kept aside at first, the split test is empty.

    Arguments
    ---------
    data_folder : str or Path
        Holds high/, medium/ and low/, or some of them.
    save_folder : str or Path, optional
        The lexicon folder; see ``sb_sma.data.lexicon.folder``. Entries keep
        the code of their language, even if it is the only one. One that was
        built with the same arguments is reused. Default: nothing is built yet.
    languages : str or list of str
        Codes such as eng_us, or all.
    skip_bad_entries : bool
        Whether bad entries are left out and counted instead of being an
        error. Error rates are then not those of the whole file.
    allow_unseen_phonemes : bool
        Whether held-out words with phonemes that training never shows stay.
        The official eng_us and lav have such words (9 and 3 of dev): needed
        for error rates that compare with published ones.
    extra_folder : str or Path, optional
        Holds more training words, such as those that another model has
        pronounced, in files such as eng_us_train.tsv. Words of the shared
        task's own files, held-out ones too, are passed over. Languages beside
        the chosen ones are trained on, too, and never tested.
    spliced_words : int
        Of each chosen language, so many more training words are put together
        from parts of its own; see ``sb_sma.data.lexicon.splicing``.

    Returns
    -------
    corpus : Corpus
        Its ``make_in`` builds it where other corpora are.

    Raises
    ------
    ValueError
        If a language or a file is missing, a number is below 0, if a file has
        problems (all are named, with file and line), or if the folder holds
        anything else.
    """
    if spliced_words < 0:
        raise ValueError(
            "spliced_words must be a number of words of each language, 0 for "
            f"none; got {spliced_words}."
        )
    data_folder = Path(data_folder).expanduser().absolute()
    files = _find_files(data_folder, languages)
    extra_files = _find_extra_files(extra_folder)

    def build(folder: Path) -> None:
        """Write the corpus into a folder."""
        bad_entries = BadEntries(skip_bad_entries)
        splits = {split: _read(files[split], bad_entries) for split in files}
        extra = _read(extra_files, bad_entries)
        new = _without_words_of(splits, extra)
        spliced = _splice_each(splits, spliced_words)
        splits["train"] += new + _without_words_of({"extra": new}, spliced)
        _leave_out_partial_test(splits, files)
        splits = check_splits(splits, bad_entries, allow_unseen_phonemes)
        bad_entries.report()
        if extra_folder is not None:
            logger.info(
                "%d of the %d words in %s are new, and trained on",
                len(new),
                len(extra),
                extra_folder,
            )
        write_lexicon_corpus(folder, splits, allow_empty_test=True)

    chosen = list(files["train"])
    corpus = Corpus(
        "sigmorphon2021-"
        + (chosen[0] if len(chosen) == 1 else f"{len(chosen)}-languages"),
        {
            "corpus": "sigmorphon2021",
            "files": _digests(
                path for paths in files.values() for path in paths.values()
            ),
            "extra_files": _digests(extra_files.values()),
            "languages": chosen,
            "skip_bad_entries": skip_bad_entries,
            "allow_unseen_phonemes": allow_unseen_phonemes,
            "spliced_words": spliced_words,
        },
        build,
        about={
            "languages": " ".join(chosen),
            "spliced_words": spliced_words or None,
            "data_folder": str(data_folder),
            "extra_folder": extra_folder and str(extra_folder),
        },
    )
    if save_folder is not None:
        corpus.make(save_folder)
    return corpus


def _find_files(
    data_folder: Path, languages: str | Sequence[str]
) -> dict[str, dict[str, Path]]:
    """Of each split, the files by language."""
    folders = _folders_of_languages(data_folder)
    if not folders:
        raise ValueError(
            "data_folder must hold high/, medium/ or low/ with files such as "
            f"eng_us_train.tsv; got {data_folder}, without any. Clone "
            "https://github.com/sigmorphon/2021-task1 and give its data folder."
        )
    if languages == "all":
        chosen = list(folders)
    elif isinstance(languages, str):
        chosen = [languages]
    else:
        chosen = list(dict.fromkeys(languages))
    unknown = [language for language in chosen if language not in folders]
    if unknown or not chosen:
        raise ValueError(
            f"languages must be all, or among {', '.join(folders)}; got "
            f"{', '.join(unknown) or 'none'}."
        )
    files = {
        split: {
            language: folders[language] / f"{language}{ending}"
            for language in chosen
        }
        for split, ending in _ENDING_OF_SPLIT.items()
    }
    raise_problems(
        [
            f"{path} is missing. Add the file, or leave {language} out."
            for split in ("train", "valid")
            for language, path in files[split].items()
            if not path.is_file()
        ]
    )
    tests = {
        language: path
        for language, path in files["test"].items()
        if path.is_file()
    }
    return {**files, "test": tests}


def _find_extra_files(folder: str | Path | None) -> dict[str, Path]:
    """Return the files of more training words, by language."""
    if folder is None:
        return {}
    folder = Path(folder).expanduser().absolute()
    ending = _ENDING_OF_SPLIT["train"]
    paths = sorted(folder.glob(f"*{ending}"))
    if not paths:
        raise ValueError(
            f"extra_folder must hold files such as eng_us{ending}; {folder} "
            "holds none. Name them so."
        )
    return {path.name.removesuffix(ending): path for path in paths}


def _digests(paths: Iterable[Path]) -> dict[str, str]:
    """Of the files' content, by their names."""
    return {path.name: digest(path.read_bytes()) for path in paths}


def _read(
    files: dict[str, Path], bad_entries: BadEntries
) -> list[LexiconEntry]:
    """All entries of the files of some languages."""
    return [
        entry
        for language, path in files.items()
        for entry in read_lexicon(path, "sigmorphon", bad_entries, language)
    ]


def _splice_each(
    splits: dict[str, list[LexiconEntry]], n_words: int
) -> list[LexiconEntry]:
    """Return new words of every language, from parts of its training words."""
    by_language: dict[str, list[LexiconEntry]] = {}
    for entry in splits["train"] if n_words else []:
        by_language.setdefault(entry.language, []).append(entry)
    spliced = []
    for language, own in by_language.items():
        new = _without_words_of(splits, splice(own, n_words))
        logger.info(
            "%d words of %s are put together from others", len(new), language
        )
        spliced += new
    return spliced


def _without_words_of(
    splits: dict[str, list[LexiconEntry]], extra: list[LexiconEntry]
) -> list[LexiconEntry]:
    """Those of more entries whose words are in no split."""
    known = {
        (entry.word, entry.language)
        for entries in splits.values()
        for entry in entries
    }
    return [
        entry for entry in extra if (entry.word, entry.language) not in known
    ]


def _folders_of_languages(data_folder: Path) -> dict[str, Path]:
    """Return the folder of each language that has a file, by code."""
    folders: dict[str, Path] = {}
    for ending in _ENDING_OF_SPLIT.values():
        for folder in (data_folder / name for name in _FOLDERS):
            for path in folder.glob(f"*{ending}"):
                language = path.name.removesuffix(ending)
                if folders.setdefault(language, folder) != folder:
                    raise ValueError(
                        f"A language must be in one folder; got {language} in "
                        f"{folders[language]} and {folder}. Move one away."
                    )
    return dict(sorted(folders.items()))


def _leave_out_partial_test(
    splits: dict[str, list[LexiconEntry]], files: dict[str, dict[str, Path]]
) -> None:
    """Empty the test split if a language has no test file."""
    missing = files["train"].keys() - files["test"].keys()
    if missing:
        logger.warning(
            "There is no test file of %s: the development words are tested",
            ", ".join(sorted(missing)),
        )
        splits["test"] = []
