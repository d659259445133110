"""Writes the manifests that SpeechBrain's script of this name writes, of any
corpus that this package reads.
"""

import json
import random
from collections.abc import Sequence
from pathlib import Path

from sb_sma.data.problems import abridged
from sb_sma.data.speech.manifest.read import read_entries


def prepare_ljspeech(
    data_folder: str | Path,
    save_folder: str | Path,
    splits: Sequence[str],
    split_ratio: Sequence[float],
    seed: int,
) -> None:
    """Write a JSON manifest for each split.

    Arguments
    ---------
    data_folder : str or Path
        A manifest, or a folder in the layout of LJSpeech-1.1.
    save_folder : str or Path
        Gets them.
    splits : sequence of str
        Such as train, valid and test.
    split_ratio : sequence of float
        How the utterances are shared among them.
    seed : int
        Draws the utterances of each.

    Raises
    ------
    ValueError
        If a line of the manifest gives no utterance, or nothing is left for a
        split.
    """
    entries, problems = read_entries(data_folder)
    if problems:
        raise ValueError(abridged(problems))
    entries = list(entries)
    random.Random(seed).shuffle(entries)
    manifests = {}
    first, total = 0, 0.0
    for split, ratio in zip(splits, split_ratio):
        total += ratio
        last = round(len(entries) * total / sum(split_ratio))
        if first == last:
            raise ValueError(
                f"{data_folder} has {len(entries)} utterances, of which none "
                f"are left for {split}. Change split_ratio."
            )
        manifests[split] = {
            entry.name: {
                "wav": _escape(str(entry.wav.absolute())),
                "label": _escape(entry.text),
            }
            for entry in entries[first:last]
        }
        first = last
    for split, manifest in manifests.items():
        path = Path(save_folder, f"{split}.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _escape(text: str) -> str:
    """Keep the braces that SpeechBrain would fill."""
    return text.replace("{", "{{").replace("}", "}}")
