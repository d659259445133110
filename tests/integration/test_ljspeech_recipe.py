"""The recipe for LJSpeech, on real speech: it learns an alignment that nobody
told it.
"""

import json
import shutil
from statistics import median

import pytest

from sb_sma.inference import TTS
from sb_sma.vocoders import HiFiGAN
from tests.integration.recipe_runs import ROOT, read_history, run_recipe
from tests.small_hifigan import write_small_hifigan

pytestmark = pytest.mark.integration

RECIPE = ROOT / "recipes" / "LJSpeech" / "TTS" / "transformer"
SHORT = ("LJ001-0002", "LJ001-0008", "LJ001-0011", "LJ001-0013")
QUICK = (
    "--postnet_channels=32",
    "--n_samples=1",
    "--samples_every=1000",
    "--griffin_lim_iterations=2",
    "--use_tensorboard=False",
    "--device=cpu",
)
OVERFIT = (
    "--number_of_epochs=120",
    "--d_model=64",
    "--nhead=2",
    "--d_ffn=128",
    "--dropout=0",
    "--prenet_dropout=0.1",
    "--postnet_dropout=0",
    "--own_frames=0",
    "--lr=0.006",
    "--warmup_steps=30",
    "--average_decay=0.97",
    "--guided_weight=4",
)
TINY = (
    "--number_of_epochs=1",
    "--d_model=32",
    "--nhead=2",
    "--d_ffn=32",
    "--encoder_layers=1",
    "--decoder_layers=1",
    "--max_seconds_per_token=0.1",
    "--n_processes=1",
    "--num_workers=0",
)


@pytest.fixture(scope="module")
def speech(shared):
    """A folder of 32 utterances in LJSpeech's layout."""
    folder = shared / "data" / "ljspeech-mini"
    if not folder.is_dir():
        pytest.skip(f"there is no folder {folder}")
    return folder


def write_manifest(path, speech):
    """Four utterances, which are training, validation and test set at once."""
    lines = (speech / "metadata.csv").read_text(encoding="utf-8").splitlines()
    texts = {name: text for name, _, text in (x.split("|") for x in lines)}
    entries = {
        f"{name}-{split}": {
            "wav": str(speech / "wavs" / f"{name}.wav"),
            "text": texts[name],
            "split": split,
        }
        for split in ("train", "valid", "test")
        for name in SHORT
    }
    path.write_text(json.dumps(entries), encoding="utf-8")
    return path


def test_four_utterances_are_aligned_by_a_copy_of_the_recipe(tmp_path, speech):
    recipe = tmp_path / "recipe"
    shutil.copytree(RECIPE, recipe)  # links become files, as by cp -rL
    manifest = write_manifest(tmp_path / "manifest.json", speech)
    done = run_recipe(
        recipe / "hparams" / "train_small.yaml",
        tmp_path / "run",
        (*QUICK, *OVERFIT),
        [f"--data_folder={manifest}"],
        script=recipe / "train.py",
    )
    assert done.returncode == 0, done.stderr[-3000:]
    epochs = [record["valid"] for record in read_history(tmp_path / "run")]
    # two tokens that share a step may change places in a single epoch
    first, last = epochs[0], epochs[-9:]
    assert median(epoch["backward_jumps"] for epoch in last) == 0
    assert median(epoch["coverage"] for epoch in last) > 0.95
    assert median(epoch["mel_loss"] for epoch in last) < first["mel_loss"] / 2


def test_the_full_yaml_trains_on_the_layout_of_ljspeech(tmp_path, speech):
    folder = tmp_path / "run"
    vocoder = write_small_hifigan(tmp_path / "vocoder", sample_rate=22050)
    done = run_recipe(
        RECIPE / "hparams" / "train.yaml",
        folder,
        (*QUICK, *TINY),
        [
            f"--data_folder={speech}",
            "--vocoder=hifigan",
            f"--vocoder_source={vocoder}",
            "--samples_every=1",
        ],
        script=RECIPE / "train.py",
    )
    assert done.returncode == 0, done.stderr[-3000:]
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert page.count("<audio") == 3
    assert len(read_history(folder)) == 1
    assert (folder / "samples" / "epoch_001" / "1.wav").exists()
    assert len(list((folder / "report" / "vocoded").glob("*.wav"))) == 1
    shutil.rmtree(vocoder)
    tts = TTS.from_hparams(source=str(folder / "model"))
    assert isinstance(tts.vocoder, HiFiGAN)
