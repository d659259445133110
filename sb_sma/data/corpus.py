"""What a corpus folder holds, and how it is written.

A corpus folder holds ``wavs/``, ``mels/``, the manifests ``train.json``,
``valid.json`` and ``test.json``, ``mel_statistics.json`` and ``tokens.json``
(both of the training split only), and ``corpus.json``: the parameters that it
was built with. A manifest maps an utterance's name to its entry::

    wav, mel            paths that start with {data_root}
    duration            seconds
    mel_length          frames
    text
    tokens              list of str
    token_starts        first sample of each token, or null
    voice, rate, pitch, pitch_range     of eSpeak NG, or null
"""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Sequence

import numpy as np
import soundfile
import torch
from tqdm import tqdm

from sb_sma.data.build_once import SPLITS, build_once
from sb_sma.data.mel import LogMel, MelSettings, MelStatistics

__all__ = [
    "Utterance",
    "build_once",
    "load_manifests",
    "raise_problems",
    "write_corpus",
]

_WORKERS = 2
_REPORTED_PROBLEMS = 20


@dataclass
class Utterance:
    """One clip of a corpus before it is written.

    Arguments
    ---------
    name : str
        Unique in the corpus; names its files.
    split : str
        train, valid or test.
    text : str
        What is said.
    samples : np.ndarray
        Samples at the rate of the corpus: int16, or floating point in
        [-1, 1], of shape (N,).
    tokens : sequence of str
        Phonemes.
    token_starts : sequence of int, optional
        First sample of each token, where known.
    voice : dict, optional
        voice, rate, pitch and pitch_range of eSpeak NG.
    """

    name: str
    split: str
    text: str
    samples: np.ndarray
    tokens: Sequence[str]
    token_starts: Sequence[int] | None = None
    voice: dict[str, Any] | None = None


def write_corpus(
    folder: Path,
    items: Sequence[Any],
    make: Callable[[Any], Utterance],
    mel: MelSettings,
) -> None:
    """Fills a corpus folder with audio, mel spectrograms and manifests.

    Arguments
    ---------
    folder : Path
        An empty folder.
    items : sequence
        One per utterance, in the order of the manifests.
    make : callable
        Turns an item into an utterance. A ValueError that it raises is
        collected, so that one run shows every problem.
    mel : MelSettings
        The numbers that define the spectrograms.

    Raises
    ------
    ValueError
        If some items could not be made (all are named), or if a split
        is empty.
    """
    (folder / "wavs").mkdir()
    (folder / "mels").mkdir()
    log_mel = LogMel(mel)

    def write(item):
        try:
            utterance = make(item)
            return utterance, _write_utterance(folder, utterance, log_mel)
        except ValueError as error:
            return None, str(error)

    manifests = {split: {} for split in SPLITS}
    problems, training_tokens = [], set()
    with ThreadPoolExecutor(_WORKERS) as executor:
        # a failure or Ctrl-C must not wait for thousands of utterances
        try:
            results = executor.map(write, items)
            for utterance, entry in tqdm(
                results, total=len(items), desc="Preparing the corpus"
            ):
                if utterance is None:
                    problems.append(entry)
                    continue
                manifests[utterance.split][utterance.name] = entry
                if utterance.split == "train":
                    training_tokens.update(utterance.tokens)
        except BaseException:
            executor.shutdown(cancel_futures=True)
            raise
    raise_problems(problems)
    for split, manifest in manifests.items():
        if not manifest:
            raise ValueError(
                f"The split {split} must hold at least one utterance; got "
                "none. Give more utterances."
            )
        write_json(folder / f"{split}.json", manifest)
    write_json(folder / "tokens.json", sorted(training_tokens))
    MelStatistics.from_mels(
        torch.from_numpy(np.load(folder / "mels" / f"{name}.npy"))
        for name in manifests["train"]
    ).save(folder / "mel_statistics.json")


def load_manifests(folder: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Reads the manifests of a corpus folder.

    Arguments
    ---------
    folder : Path
        A finished corpus folder.

    Returns
    -------
    dict
        Of each split, the entries by name, with the paths of this machine.
    """
    manifests = {}
    for split in SPLITS:
        text = (folder / f"{split}.json").read_text(encoding="utf-8")
        root = json.dumps(str(folder.absolute()))[1:-1]
        manifests[split] = json.loads(text.replace("{data_root}", root))
    return manifests


def raise_problems(problems: list[str]) -> None:
    """Raises one error for all problems of a corpus, if there are any.

    Arguments
    ---------
    problems : list of str
        Each names what, where and how to mend it.

    Raises
    ------
    ValueError
        If the list is not empty.

    Example
    -------
    >>> raise_problems([])
    """
    if not problems:
        return
    shown = problems[:_REPORTED_PROBLEMS]
    if len(problems) > len(shown):
        shown = shown + [f"... and {len(problems) - len(shown)} more"]
    raise ValueError(
        f"The corpus has {len(problems)} problem(s):\n- " + "\n- ".join(shown)
    )


def write_json(path: Path, content: Any) -> None:
    """Writes a readable JSON file.

    Arguments
    ---------
    path : Path
        Where to write.
    content : object
        What JSON can hold.
    """
    path.write_text(
        json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8"
    )


def _write_utterance(
    folder: Path, utterance: Utterance, log_mel: LogMel
) -> dict[str, Any]:
    sample_rate = log_mel.settings.sample_rate
    samples = utterance.samples
    if samples.dtype == np.int16:
        waveform = samples.astype(np.float32) / 2**15
    else:
        waveform = samples.astype(np.float32)
    features = log_mel(torch.from_numpy(waveform)[None])[0].numpy()
    wav, mel = f"wavs/{utterance.name}.wav", f"mels/{utterance.name}.npy"
    soundfile.write(folder / wav, samples, sample_rate, subtype="PCM_16")
    np.save(folder / mel, np.ascontiguousarray(features, dtype=np.float32))
    starts = utterance.token_starts
    voice = utterance.voice or {}
    return {
        "wav": "{data_root}/" + wav,
        "mel": "{data_root}/" + mel,
        "duration": len(samples) / sample_rate,
        "mel_length": len(features),
        "text": utterance.text,
        "tokens": list(utterance.tokens),
        "token_starts": None if starts is None else [int(s) for s in starts],
        "voice": voice.get("voice"),
        "rate": voice.get("rate"),
        "pitch": voice.get("pitch"),
        "pitch_range": voice.get("pitch_range"),
    }
