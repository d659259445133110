"""Prepares LJSpeech, any corpus of its layout, or any manifest.

Each line of metadata.csv reads ``id|text|normalised text``; ``wavs/id.wav`` is
its recording. For manifests, see ``sb_sma.data.speech.manifest.read``. Tokens are those of
a text front end for the (normalised) text.

Download: https://keithito.com/LJ-Speech-Dataset/
"""

import itertools
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sb_sma.data.corpus.build_once import SPLITS
from sb_sma.data.corpus.plan import Corpus
from sb_sma.data.speech.mel import MelSettings
from sb_sma.data.speech.prepare import prepare_speech
from sb_sma.data.speech.splits import SMALL_CORPUS, HoldOut
from sb_sma.data.text.frontends import EspeakFrontend, Frontend

_LJSPEECH_ID = re.compile(r"(LJ\d{3})-\d{4}")
# of SpeechBrain's recipes
_SEED = 1234
_TRAIN_PER_CENT = 90
_VALID_PER_CENT = 5


def prepare_ljspeech(
    data_folder: str | Path,
    save_folder: str | Path | None = None,
    n_valid: int | None = None,
    n_test: int | None = None,
    seed: int = 1,
    frontend: Frontend = EspeakFrontend(),
    mel: MelSettings | None = None,
    trim_db: float | None = None,
    skip_bad_utterances: bool = False,
    n_processes: int = 1,
    digests_folder: str | Path | None = None,
    utterances_per_shard: int = 0,
) -> Corpus:
    """Tell what the corpus is, and build it where a folder is given.

    Audio of any rate and number of channels becomes mono at the rate of the
    spectrograms. A call that was interrupted, or failed, is continued by the
    next one. The corpus is another one where a recording has other content,
    and the same one where the data lie elsewhere.

    Arguments
    ---------
    data_folder : str or Path
        Holds metadata.csv and wavs/; or a manifest.
    save_folder : str or Path, optional
        The corpus folder; see ``sb_sma.data.speech.folder`` for what it holds.
        One that was built with the same arguments is reused. Default: nothing
        is built yet.
    n_valid : int, optional
        Utterances for validation; see `LJSpeechSplits` for the default.
    n_test : int, optional
        Utterances for the test; the same default.
    seed : int
        Chooses the utterances that are held out of a corpus that is not
        LJSpeech.
    frontend : Frontend
        Turns texts into tokens; by default eSpeak NG, voice en-us. What it has
        to learn, it learns from the training split, and the corpus keeps it.
    mel : MelSettings, optional
        The numbers that define the spectrograms.
    trim_db : float, optional
        Silence at both ends is cut off where it is so many decibels below
        the loudest part, but for a tenth of a second. By default it stays.
    skip_bad_utterances : bool
        Whether bad utterances are left out and counted instead of being an
        error.
    n_processes : int
        Number of processes that read the recordings; the corpus is the same.
    digests_folder : str or Path, optional
        Keeps hashes of the recordings, so that only the first call has to read
        all of them. By default each does.
    utterances_per_shard : int
        Utterances in a shard of the training split, which then has no files of
        its own for each; needs the extra ``data``. 0 makes none.

    Returns
    -------
    corpus : Corpus
        Its ``make_in`` builds it where other corpora are.

    Raises
    ------
    ValueError
        If the corpus has problems (all are named, with file and line), if an
        argument is out of its bounds, or if the folder holds anything else.
    ImportError
        If shards are wanted, and WebDataset is missing.
    """
    return prepare_speech(
        data_folder,
        save_folder,
        splits=LJSpeechSplits(n_valid, n_test, seed),
        frontend=frontend,
        mel=mel,
        trim_db=trim_db,
        skip_bad_utterances=skip_bad_utterances,
        n_processes=n_processes,
        digests_folder=digests_folder,
        utterances_per_shard=utterances_per_shard,
    )


@dataclass(frozen=True)
class LJSpeechSplits(HoldOut):
    """Holds out of LJSpeech what SpeechBrain's recipes do.

    Of each of its 50 chapters 90 % are for training, the very utterances of
    SpeechBrain's ``split_ratio: [90, 10]`` and ``seed: 1234``; its validation
    set is cut into ours and the test set. Other corpora, corpora of less than
    100 utterances or of chapters too short for that, and numbers that are
    given: see `HoldOut`.
    """

    def __call__(self, names: Sequence[str]) -> list[str]:
        """Give each utterance its split.

        Arguments
        ---------
        names : sequence of str
            The ids of the utterances.

        Returns
        -------
        list of str
            train, valid or test for each.
        """
        ids = [_LJSPEECH_ID.fullmatch(name) for name in names]
        is_small = len(names) < SMALL_CORPUS
        is_given = (self.n_valid, self.n_test) != (None, None)
        if is_small or is_given or not all(ids):
            return super().__call__(names)
        chapters = itertools.groupby(
            range(len(names)), key=lambda i: ids[i].group(1)
        )
        rest = [list(indices) for _, indices in chapters]
        sizes = [len(indices) for indices in rest]
        splits = ["test"] * len(names)
        draw = random.Random(_SEED)
        for split, share in (
            ("train", _TRAIN_PER_CENT),
            ("valid", _VALID_PER_CENT),
        ):
            for indices, size in zip(rest, sizes):
                draw.shuffle(indices)
                n_drawn = size * share // 100
                for i in indices[:n_drawn]:
                    splits[i] = split
                del indices[:n_drawn]
        if set(splits) != set(SPLITS):
            return super().__call__(names)
        return splits
