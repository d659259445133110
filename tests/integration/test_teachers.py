"""A run whose corpus another teacher than eSpeak NG has spoken."""

import json

import pytest

from sb_sma.inference import TTS
from tests.integration.recipe_runs import train_tts

pytestmark = pytest.mark.integration
TEACHER = "--teacher=!name:tests.unittests.data.teachers.hummer.Hummer"


def test_a_teacher_of_ones_own_is_trained_on_and_read_like(tmp_path):
    words = "one two three four five six seven eight nine ten eleven".split()
    texts = tmp_path / "texts.txt"
    texts.write_text(
        "".join(f"Say {a} or {b}.\n" for a in words[:5] for b in words)
    )
    done = train_tts(
        tmp_path / "run",
        TEACHER,
        f"--texts={texts}",
        "--pitch=[10, 90]",
        "--number_of_epochs=1",
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "minutes of speech, which is less than five" in done.stdout
    (corpus,) = (tmp_path / "corpus").glob("embedded-hummer-*")
    stats = json.loads((tmp_path / "run" / "test_stats.json").read_text())
    assert 0 <= stats["within_one"] <= 1  # its times are known
    model = TTS.from_hparams(source=str(tmp_path / "run" / "model"))
    assert model.hparams.frontend.tokens("Say ten.")[:3] == ["s", "a", "y"]
    waveforms, sample_rate = model.synthesize(["Say ten."], seed=0)
    assert sample_rate == 22050 and len(waveforms[0]) > 0
