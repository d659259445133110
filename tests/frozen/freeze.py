"""Keep small exported models of today's format, and what they say.

``python -m tests.frozen.freeze 2`` writes ``tests/frozen/2/``, once, when the
format of exported models has become 2. Later versions must still read it:
``tests/unittests/inference/test_frozen_models.py``.
"""

import json
import platform
import shutil
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import save_file

from tests.unittests.conftest import TEXTS, export_small_g2p, export_small_model

REPOSITORY = Path(__file__).resolve().parents[2]

STYLES = {"style_width": 8, "style_heads": 2, "reference_width": 8}
SPEECH = {
    "sma": {},
    "styles": {
        "attention_type": "forward",
        "encoder_type": "ConformerEncoder",
        "frontend": "characters",
        "style": "gst",
        "speakers": 3,
        "speaker_width": 4,
        "names": ["anna", "bela"],
        **STYLES,
    },
    "pieces": {
        "attention_type": "regularMHA",
        "encoder_type": "conformer",
        "frontend": "sentencepiece",
        "sentencepiece_size": 20,
    },
}
PRONUNCIATION = {
    "letters": {},
    "hinted": {
        "train": lambda model, *tables: model.eval(),
        "graphemes": "hinted",
        "n_graphemes": 24,
        "backwards": True,
    },
    "pieces": {
        "train": lambda model, *tables: model.eval(),
        "words": ["abc", "cab", "bb", "abcab", "acb"] * 5,
        "graphemes": "sentencepiece",
        "sentencepiece_size": 6,
        "n_graphemes": 24,
    },
}
WALKING = ("tts_sma", "tts_by_g2p")
WORDS = ["abc", "cab", "bb"]


def describe_machine():
    """What decides how sums are rounded."""
    return {
        "torch": torch.__version__,
        "processor": torch.backends.cpu.get_cpu_capability(),
        "architecture": platform.machine(),
    }


def say(folder):
    """The mels of a model of speech."""
    from sb_sma import TTS

    tts = TTS.from_hparams(source=str(folder))
    modes = ("soft", "hard") if folder.name in WALKING else ("soft",)
    return {
        f"{mode} {i}": spoken.mel.clone()
        for mode in modes
        for i, spoken in enumerate(tts.speak(TEXTS[:2], mode=mode, seed=1))
    }


def pronounce(folder):
    """The hypotheses of a model of pronunciation."""
    from sb_sma import G2P

    found = G2P.from_hparams(source=str(folder)).n_best(WORDS, 2)
    return [
        [[list(each.phonemes), each.log_probability] for each in word]
        for word in found
    ]


def main(number):
    """Export, listen, and put all in place."""
    target = REPOSITORY / "tests" / "frozen" / number
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as scratch:
        hints = Path(scratch) / "hints.tsv"
        hints.write_text("abc\tA B K\nb\tB\n", encoding="utf-8")
        folders = {}
        for name, options in PRONUNCIATION.items():
            options = {"hint_lexicon": str(hints), **options}
            folder = Path(scratch) / "g2p" / name
            folders[f"g2p_{name}"] = export_small_g2p(
                folder, REPOSITORY, **options
            )
        lexicon = Path(scratch) / "lexicon.tsv"
        words = "a short one i say no two words three four".split()
        lexicon.write_text("".join(f"{word}\tB AH K\n" for word in words))
        by_g2p = {
            "frontend": "g2p",
            "g2p_model": str(folders["g2p_letters"]),
            "g2p_lexicon": str(lexicon),
        }
        for name, options in {**SPEECH, "by_g2p": by_g2p}.items():
            folder = Path(scratch) / "tts" / name
            export_small_model(folder, REPOSITORY, **options)
            folders[f"tts_{name}"] = folder / "model"
        for name, folder in folders.items():
            shutil.copytree(folder, target / name)
    text = json.dumps(describe_machine(), indent=1)
    (target / "machine.json").write_text(text + "\n")
    for folder in filter(Path.is_dir, sorted(target.iterdir())):
        if folder.name.startswith("tts"):
            save_file(say(folder), folder / "expected.safetensors")
        else:
            text = json.dumps(pronounce(folder), indent=1)
            (folder / "expected.json").write_text(text + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
