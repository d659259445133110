"""SpeechBrain's FastSpeech 2 recipe takes what ``sb-sma align`` writes."""

import math
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from sb_sma.cli import main
from sb_sma.data.espeak.voice import speak
from tests.upstream.conftest import needs_checkout

pytestmark = [needs_checkout, pytest.mark.integration]

TEXTS = [
    "The birch canoe slid on the smooth planks.",
    "Glue the sheet, and then the dark blue background.",
    "It is easy to tell the depth of a well.",
    "These days, a chicken leg is a rare dish.",
    "Rice is often served in round bowls.",
    "The juice of lemons makes fine punch.",
    "The box was thrown beside the parked truck.",
    "The hogs were fed chopped corn and garbage.",
    "Four hours of steady work faced us; nobody left.",
    "A large size in stockings is hard to sell.",
    "The boy was there when the sun rose.",
    "A rod is used to catch pink salmon.",
]

# the recipe asks a hub for it, and speaks by it every ten epochs
RUN = """\
import runpy
import sys

from speechbrain.inference.text import GraphemeToPhoneme

GraphemeToPhoneme.from_hparams = lambda *_, **__: None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""

SMALL = {
    "epochs": 1,
    "batch_size": 4,
    "num_workers_train": 0,
    "num_workers_valid": 0,
    "progress_samples": False,
    **dict.fromkeys(("enc_num_layers", "dec_num_layers"), 1),
    **dict.fromkeys(
        (
            f"{part}_{size}"
            for part in ("enc", "dec")
            for size in ("d_model", "ffn_dim", "k_dim", "v_dim")
        ),
        16,
    ),
    "postnet_embedding_dim": 16,
}


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory):
    """A small corpus as LJSpeech-1.1."""
    folder = tmp_path_factory.mktemp("LJSpeech-1.1")
    (folder / "wavs").mkdir()
    names = [f"LJ001-{number:04}" for number in range(1, len(TEXTS) + 1)]
    for name, text in zip(names, TEXTS):
        speech = speak(text)
        wav = folder / "wavs" / f"{name}.wav"
        soundfile.write(wav, speech.samples, speech.sample_rate)
    (folder / "metadata.csv").write_text(
        "".join(f"{n}|{text}|{text}\n" for n, text in zip(names, TEXTS))
    )
    return folder


def test_preparation_and_an_epoch_run(data_folder, clone, tmp_path):
    pytest.importorskip("tgt", reason="the recipe reads TextGrids by it")
    pytest.importorskip("unidecode", reason="the recipe cleans texts by it")
    out = tmp_path / "alignments"
    words = [f"--data_folder={data_folder}", f"--out={out}"]
    assert main(["align", *words, "--phones=arpabet"]) == 0
    packed = (out / "alignments.zip").read_bytes()
    (data_folder / "alignments.zip").write_bytes(packed)
    checkout = clone()
    recipe = checkout / "recipes" / "LJSpeech" / "TTS" / "fastspeech2"
    runner = tmp_path / "run.py"
    runner.write_text(RUN)
    done = subprocess.run(
        [
            sys.executable,
            str(runner),
            "train.py",
            "hparams/train.yaml",
            f"--data_folder={data_folder}",
            f"--output_folder={tmp_path / 'run'}",
            *(f"--{name}={value}" for name, value in SMALL.items()),
        ],
        cwd=recipe,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(
                [str(checkout), str(recipe), os.environ.get("PYTHONPATH", "")]
            ),
        },
        capture_output=True,
        text=True,
        timeout=540,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    log = (tmp_path / "run" / "train_log.txt").read_text()
    losses = [float(n) for n in re.findall(r"total_loss: (\S+?),", log)]
    assert len(losses) == 2 and all(map(math.isfinite, losses))
    durations = [*(data_folder / "durations").glob("*.npy")]
    assert len(durations) == len(TEXTS)
    assert all(np.load(each).sum() > 50 for each in durations)


def test_lexicon_of_the_recipe_has_every_phone(data_folder, source, tmp_path):
    """It would drop what it does not know without a word."""
    from sb_sma.alignment.arpabet import _TABLE

    yaml = source / "recipes/LJSpeech/TTS/fastspeech2/hparams/train.yaml"
    lines = yaml.read_text().partition("lexicon:\n")[2].splitlines()
    lexicon = {
        line.strip(" -")
        for line in lines[: lines.index("")]
        if line.strip().startswith("- ")
    }
    ours = {phone for phones in _TABLE.values() for phone in phones.split()}
    assert {*ours, "spn"} <= lexicon
