"""Every recipe comes to its end with SpeechBrain's ``--debug``, which leaves
most batches out.
"""

import pytest

from tests.integration.recipe_runs import train_g2p, train_tts
from tests.integration.spelling import write_dictionary, write_shared_task

pytestmark = pytest.mark.integration


def embedded(folder, request):
    return train_tts(folder / "run", "--debug")


def styles(folder, request):
    return train_tts(folder / "run", "--debug", yaml="hparams/tts_gst.yaml")


def ljspeech(folder, request):
    shared = request.getfixturevalue("shared")
    recipe = "recipes/LJSpeech/TTS/transformer"
    return train_tts(
        folder / "run",
        "--debug",
        f"--data_folder={shared / 'data' / 'ljspeech-mini'}",
        script=f"{recipe}/train.py",
        yaml=f"{recipe}/hparams/train_small.yaml",
    )


def cmudict(folder, request):
    return train_g2p(
        folder / "run",
        "--debug",
        "--n_samples=8",
        f"--data_folder={write_dictionary(folder / 'dictionary')}",
    )


def sigmorphon(folder, request):
    recipe = "recipes/SIGMORPHON2021/G2P/transformer"
    write_shared_task(folder / "data", test=True)
    return train_g2p(
        folder / "run",
        "--debug",
        "--n_samples=8",
        "--languages=all",
        f"--data_folder={folder / 'data'}",
        script=f"{recipe}/train.py",
        yaml=f"{recipe}/hparams/train.yaml",
    )


@pytest.mark.parametrize(
    "train, command",
    [
        (embedded, "sb-sma synthesize --model"),
        (styles, "sb-sma synthesize --model"),
        (ljspeech, "sb-sma synthesize --model"),
        (cmudict, "sb-sma g2p --model"),
        (sigmorphon, "sb-sma g2p --model"),
    ],
)
def test_it_comes_to_its_end(train, command, tmp_path, request):
    done = train(tmp_path, request)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "torchvision" not in done.stdout + done.stderr
    # the last line tells where all is
    report = f"Report: {tmp_path / 'run' / 'index.html'}; use the model by: "
    last_line = done.stdout.rstrip().splitlines()[-1]
    assert f"{report}{command} {tmp_path / 'run' / 'model'} " in last_line
    assert (tmp_path / "run" / "index.html").exists()
    assert (tmp_path / "run" / "model" / "model.safetensors").exists()
