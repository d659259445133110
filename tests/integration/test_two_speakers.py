"""Two people's recordings in one model: each is spoken as that person."""

import csv
import json

import librosa
import numpy as np
import pytest
import soundfile
import torch

from sb_sma.data.speech.mel import LogMel
from sb_sma.inference import TTS
from tests.integration.recipe_runs import run_recipe

pytestmark = [pytest.mark.integration, pytest.mark.slow]

N_UTTERANCES, N_TEST = 32, 3  # of each speaker
SETTINGS = (
    "--speakers=2",
    "--max_minutes=5",
    "--warmup_steps=50",
    "--own_frames_steps=300",
    "--energy_noise_steps=500",
    "--samples_every=0",
    "--use_tensorboard=False",
    "--device=cpu",
)


@pytest.fixture(scope="module")
def recordings(shared):
    """WAV file and text of as many utterances of each speaker."""
    data = shared / "data"
    if not (data / "kathleen").is_dir():
        pytest.skip(f"there is no folder {data / 'kathleen'}")
    lines = (data / "ljspeech-mini" / "metadata.csv").read_text("utf-8")
    linda = [
        (data / "ljspeech-mini" / "wavs" / f"{name}.wav", text)
        for name, _, text in (x.split("|") for x in lines.splitlines())
    ]
    with open(data / "kathleen" / "manifest.csv", encoding="utf-8") as stream:
        kathleen = [
            (data / "kathleen" / row["wav"], row["text"])
            for row in csv.DictReader(stream)
        ]
    return {
        "linda": linda[:N_UTTERANCES],
        "kathleen": kathleen[:N_UTTERANCES],
    }


@pytest.fixture(scope="module")
def tts(tmp_path_factory, recordings):
    """A model that was trained on both."""
    folder = tmp_path_factory.mktemp("two_speakers")
    entries = {
        f"{speaker}_{i}": {
            "wav": str(wav),
            "text": text,
            "speaker": speaker,
            "split": "test" if i < N_TEST else "valid" if i < 5 else "train",
        }
        for speaker, spoken in recordings.items()
        for i, (wav, text) in enumerate(spoken)
    }
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps(entries), encoding="utf-8")
    done = run_recipe(
        "hparams/voice.yaml",
        folder / "run",
        SETTINGS,
        [f"--data_folder={manifest}"],
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return TTS.from_hparams(source=str(folder / "run" / "model"))


def median_f0(samples):
    """Of the louder half of the frames, in Hz."""
    frame = {"frame_length": 1024, "hop_length": 256}
    f0 = librosa.yin(samples, fmin=70, fmax=400, sr=22050, **frame)
    loudness = librosa.feature.rms(y=samples, **frame)[0]
    return float(np.median(f0[loudness > np.median(loudness)]))


def test_each_is_nearer_to_their_own_recordings(tts, recordings):
    texts = [text for spoken in recordings.values() for _, text in spoken]
    texts = texts[:N_TEST] + texts[N_UTTERANCES : N_UTTERANCES + N_TEST]
    f0, mel = {}, {}
    for speaker, spoken in recordings.items():
        waves = [soundfile.read(wav, dtype="float32")[0] for wav, _ in spoken]
        mels = [LogMel()(torch.from_numpy(wave)[None])[0] for wave in waves]
        f0[speaker] = np.median([median_f0(wave) for wave in waves])
        mel[speaker] = torch.cat(mels).mean(0)
    for speaker, other in (("linda", "kathleen"), ("kathleen", "linda")):
        said = tts.speak(texts, seed=0, speaker=speaker)
        heard = np.median(
            [median_f0(tts.to_waveform(item.mel).numpy()) for item in said]
        )
        mean = torch.cat([item.mel for item in said]).mean(0)
        assert abs(heard - f0[speaker]) < abs(heard - f0[other])
        distances = [
            float((mean - mel[who]).abs().mean()) for who in (speaker, other)
        ]
        assert distances[0] < distances[1]
