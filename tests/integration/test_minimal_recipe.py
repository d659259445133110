"""The minimal recipe, on a few recordings."""

import json
import os
import re
import runpy
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from tests.integration.recipe_runs import ROOT

pytestmark = pytest.mark.integration
RECIPE = ROOT / "recipes" / "LJSpeech" / "TTS" / "transformer_minimal"
N_UTTERANCES = 10
SMALL = (
    "--d_model=16",
    "--d_ffn=32",
    "--num_encoder_layers=1",
    "--num_decoder_layers=1",
    "--split_ratio=[6, 2, 2]",
    "--num_workers=0",
    "--device=cpu",
    "--noprogressbar",
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Tones of another rate than the model's, in the layout of LJSpeech."""
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "wavs").mkdir()
    lines = []
    for index in range(N_UTTERANCES):
        times = np.arange(4000 + 1000 * index) / 16000
        tone = 0.1 * np.sin(2 * np.pi * (200 + 50 * index) * times)
        soundfile.write(folder / "wavs" / f"u{index}.wav", tone, 16000)
        lines.append(f"u{index}|Tone {index}|a {{tone}} of {'o' * index}\n")
    (folder / "metadata.csv").write_text("".join(lines), encoding="utf-8")
    return folder


def train(corpus, run, *flags):
    """Run the command of the README; return what is logged."""
    done = subprocess.run(
        [
            *(sys.executable, str(RECIPE / "train.py")),
            str(RECIPE / "hparams" / "train.yaml"),
            *(f"--data_folder={corpus}", f"--output_folder={run}"),
            *(*SMALL, *flags),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return (run / "train_log.txt").read_text().splitlines()


def test_a_run_is_gone_on_with_and_tested_on_every_frame(corpus, tmp_path):
    run = tmp_path / "run"
    lines = train(corpus, run, "--epochs=2", "--batch_size=2")
    assert [line[:8] for line in lines] == ["epoch: 1", "epoch: 2", "epoch: 2"]
    manifests = [
        json.loads((run / "save" / f"{split}.json").read_text())
        for split in ("train", "valid", "test")
    ]
    assert [len(manifest) for manifest in manifests] == [6, 2, 2]
    assert len(set().union(*manifests)) == N_UTTERANCES
    # the same checkpoint is tested again, in other batches
    lines = train(corpus, run, "--epochs=2", "--batch_size=1")
    assert len(lines) == 4
    losses = [re.findall(r"loss: ([^,]+)", line) for line in lines[2:]]
    assert len(losses[0]) == 4
    np.testing.assert_allclose(
        *np.array(losses).astype(float), rtol=0.006, atol=1e-6
    )
    lines = train(corpus, run, "--epochs=3", "--batch_size=2")
    assert [line[:8] for line in lines[4:]] == ["epoch: 3", "epoch: 3"]


def test_phonemes_and_softmax_are_options(corpus, tmp_path):
    flags = ["--skip_prep=True", "--cross_attention_type=null"]
    for index, split in enumerate(("train", "valid", "test")):
        manifest = {
            name: {
                "wav": f"{{data_root}}/wavs/{name}.wav",
                "label_phoneme": text,
            }
            for name, text in ((f"u{index}", "t oʊ n"), (f"u{index + 3}", "n"))
        }
        path = tmp_path / f"{split}.json"
        path.write_text(json.dumps(manifest), encoding="utf-8")
        flags.append(f"--{split}_json={path}")
    phonemes = ("--phonemes=[t, oʊ, n]", "--n_symbols=4")
    lines = train(corpus, tmp_path / "run", "--epochs=1", *phonemes, *flags)
    assert len(lines) == 2


def test_what_cannot_be_prepared_is_told(corpus, tmp_path):
    module = runpy.run_path(str(RECIPE / "ljspeech_prepare.py"))
    prepare = module["prepare_ljspeech"]
    with pytest.raises(
        ValueError, match="10 utterances, of which none .* test"
    ):
        prepare(corpus, tmp_path, ["train", "test"], [100, 1], seed=1)
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("id,wav,text\na1,a1.wav,Yes.\na1,a2.wav,No.\n")
    with pytest.raises(ValueError, match="line 3"):
        prepare(manifest, tmp_path, ["train"], [1], seed=1)
    assert not list(tmp_path.glob("*.json"))
