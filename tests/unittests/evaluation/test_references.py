"""What models are compared with: recordings by number, or eSpeak NG."""

import numpy as np
import pytest
import soundfile

from sb_sma.evaluation.references import espeak_reference, recorded_reference


def write(folder, *names, channels=1):
    for place, name in enumerate(names):
        samples = np.full((100, channels), place / 10, np.float32)
        soundfile.write(folder / name, samples, 8000)


def test_recordings_are_found_by_the_number_at_the_end_of_their_names(tmp_path):
    write(tmp_path, "a-10.wav", "b-2.WAV", "notes.wav", "01.wav")
    (tmp_path / "a-1.txt").touch()
    reference = recorded_reference(tmp_path, [1, 2, 10])
    levels = [float(reference(number)[0].mean()) for number in range(3)]
    assert levels == pytest.approx([0.3, 0.1, 0.0], abs=1e-3)
    assert reference(0)[1] == 8000


def test_channels_are_mixed(tmp_path):
    write(tmp_path, "1.wav", channels=2)
    samples, _ = recorded_reference(tmp_path, [1])(0)
    assert samples.shape == (100,)


@pytest.mark.parametrize(
    "names, positions, message",
    [
        (["1.wav"], [1, 2, 3], "none for 2, 3 in"),
        ([], range(1, 9), "none for 1, 2, 3, 4, 5, ... in"),
        (["1.wav", "a-1.wav"], [1], "1.wav and a-1.wav are both of text 1"),
    ],
    ids=["some", "many", "twice"],
)
def test_what_is_missing_is_named(tmp_path, names, positions, message):
    write(tmp_path, *names)
    with pytest.raises(ValueError, match=message):
        recorded_reference(tmp_path, positions)


def test_a_file_that_is_no_sound_is_named(tmp_path):
    (tmp_path / "1.wav").write_text("no sound")
    with pytest.raises(ValueError, match="1.wav cannot be read"):
        recorded_reference(tmp_path, [1])(0)


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match="--recordings must be a folder"):
        recorded_reference(tmp_path / "none", [1])


def test_espeak_speaks_other_languages():
    english, german = (
        espeak_reference(["Information"], language)(0)[0]
        for language in ("en", "de")
    )
    assert len(english) != len(german)
    with pytest.raises(ValueError, match="must be a voice of eSpeak NG"):
        espeak_reference(["a"], "xx")
