"""Bad cases among the 100 texts of hard_texts.txt, spoken freely."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from sb_sma.data.espeak.voice import speak
from sb_sma.data.speech.mel import LogMel
from sb_sma.data.text.frontends import EspeakFrontend
from sb_sma.inference import TTS
from sb_sma.metrics.bad_cases import find_faults
from sb_sma.metrics.speech import warped_mel_distance

_NUMBERS = re.compile(r" *\([^)]*\)|[\d.,:]+")
_PATH = Path(__file__).with_suffix(".txt")
_SEED = 0


def read_hard_texts() -> list[str]:
    """Read the texts.

    Returns
    -------
    texts : list of str
        One for each line.
    """
    return _PATH.read_text(encoding="utf-8").splitlines()


def make_reference(text: str) -> torch.Tensor:
    """Speak a text as eSpeak NG does, written out as for a model.

    Arguments
    ---------
    text : str
        Any.

    Returns
    -------
    log_mel : torch.Tensor
        (M, C).
    """
    speech = speak(EspeakFrontend().written_out(text))
    samples = torch.from_numpy(speech.samples.astype("float32") / 2**15)
    return LogMel()(samples[None])[0]


def refuse_known_texts(folder: Path, texts: list[str]) -> None:
    """Make sure that hard texts are not in the training set.

    Arguments
    ---------
    folder : Path
        Of a run, with its corpus.
    texts : list of str
        The hard texts.

    Raises
    ------
    ValueError
        If they are, or the corpus is not there.
    """
    manifests = list(folder.glob("corpus/**/train.json"))
    if not manifests:
        raise ValueError(
            f"{folder} has no corpus/ with the training texts. Train with "
            "--corpus_folder=OUTPUT_FOLDER/corpus."
        )
    for manifest in manifests:
        entries = json.loads(manifest.read_text(encoding="utf-8"))
        known = {entry["text"] for entry in entries.values()} & set(texts)
        if known:
            raise ValueError(f"hard texts in the training set: {known}")


def speak_hard_texts(
    tts: TTS, texts: list[str], references: list[torch.Tensor], mode: str
) -> list[dict[str, Any]]:
    """Speak every text freely and look for faults.

    Arguments
    ---------
    tts : TTS
        An exported model.
    texts : list of str
        What it says.
    references : list of torch.Tensor
        Of `make_reference`, one for each text.
    mode : str
        soft or hard.

    Returns
    -------
    items : list of dict
        ``text``, ``alignment``, ``distance`` and ``faults`` of each.
    """
    mean, std = tts.mods.model.mel_mean, tts.mods.model.mel_std
    spoken = tts.speak(texts, mode=mode, seed=_SEED, progress=True)
    return [
        {
            "text": item.text,
            "alignment": item.alignment,
            "distance": warped_mel_distance(item.mel, reference, mean, std),
            "faults": find_faults(
                item.alignment, item.finished, item.mel, reference, mean, std
            ),
        }
        for item, reference in zip(spoken, references)
    ]


def summarize_bad_cases(items: list[dict[str, Any]]) -> dict[str, Any]:
    """Count the bad cases.

    Arguments
    ---------
    items : list of dict
        Of `speak_hard_texts`.

    Returns
    -------
    figures : dict of str to object
        To be stored.
    """
    bad = {item["text"]: item["faults"] for item in items if item["faults"]}
    distances = torch.tensor([item["distance"] for item in items])
    return {
        "count": len(bad),
        "median_distance": float(distances.median()),
        "largest_distance": float(distances.max()),
        "kinds": count_kinds(bad.values()),
        "such_as": list(bad)[:5],
    }


def count_kinds(faults: Iterable[list[str]]) -> dict[str, int]:
    """Count how many texts have each kind of fault.

    Arguments
    ---------
    faults : iterable of list of str
        Those of each bad text.

    Returns
    -------
    kinds : dict of str to int
        The numbers of a fault are left out.

    Example
    -------
    >>> count_kinds([["mel distance 0.48 (at most 0.45)"], ["does not end"]])
    {'mel distance': 1, 'does not end': 1}
    """
    kinds = (
        {
            " ".join(_NUMBERS.sub("", fault).split()).removesuffix("s")
            for fault in each
        }
        for each in faults
    )
    return dict(Counter(kind for each in kinds for kind in sorted(each)))
