"""Piper speaks in a process of its own, and its times reach our tokens."""

import json
import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import pytest

from sb_sma.data.espeak.voice import END, PAUSE, VoiceSettings, phonemize
from sb_sma.data.teachers.interface import check_speech
from sb_sma.data.teachers.piper import PiperTeacher, carry_over
from tests.unittests.data.teachers.piper_voice import (
    FRAMES_OF_SOUND,
    HOP,
    write_voice,
)

TEXT = "Hello, my friend: it works. Good!"
SETTINGS = VoiceSettings()


def lacking():
    """The packages of the extra that are not installed."""
    for package in ("piper-tts", "flask", "onnx"):
        try:
            version(package)
        except PackageNotFoundError:
            yield package


needs_piper = pytest.mark.skipif(
    any(lacking()), reason=f"{', '.join(lacking())} not installed"
)


@pytest.fixture(scope="module")
def voice(tmp_path_factory):
    return write_voice(tmp_path_factory.mktemp("voice") / "tiny.onnx")


@pytest.fixture(scope="module")
def teacher(voice):
    teacher = PiperTeacher(voice)
    teacher.check()
    yield teacher
    teacher.close()


@pytest.mark.parametrize(
    "tokens, times, starts",
    [
        # stress and diphthongs are several characters
        ("j ˈɛ s", "^1 j1 ˈ1 ɛ2 s3 $1", [1, 2, 5]),
        ("ˈoʊ n", "^1 ˈ1 o1 ʊ1 n1", [1, 4]),
        # a pause divides marks and spaces
        ("j <p> <p> m", "^1 j1 ,3 _1 m1", [1, 2, 4, 6]),
        ("<p> <p> m", "^4 m1", [0, 2, 4]),
        # what differs lies evenly between what is the same
        ("a b c d e f g", "a2 x2 y2 d1 e1 f1 g1", [0, 2, 4, 6, 7, 8, 9]),
        ("a b c d", "a1 b1 c1 x1", [0, 1, 2, 3]),
        # letters with marks are taken apart, as Piper does
        ("ç a", "c1 \u03271 a1", [0, 2]),
    ],
)
def test_times_are_carried_over(tokens, times, starts):
    tokens = tokens.replace("<p>", PAUSE).split()
    pairs = [(each[:-1], float(each[-1])) for each in times.split()]
    assert carry_over(tokens, pairs) == pytest.approx(starts)


@pytest.mark.parametrize("times", ["", "^1 $1", "x1 y1 z1", "j1 x1 y1 z1"])
def test_what_was_read_otherwise_has_no_times(times):
    pairs = [(each[:-1], float(each[-1])) for each in times.split()]
    assert carry_over(["j", "ˈɛ", "s"], pairs) is None


SETTINGS_FILE = {"espeak": {"voice": "en-us"}, "audio": {"sample_rate": 16000}}


@pytest.mark.parametrize(
    "content, message",
    [
        (None, r"no file .*a\.onnx\.json. Copy it"),
        ("", r"a\.onnx\.json must be the settings .* JSONDecodeError"),
        (json.dumps(SETTINGS_FILE)[:-9], "JSONDecodeError"),
        ("[]", "AttributeError"),
        ("{}", "KeyError: 'espeak'"),
        (
            json.dumps({**SETTINGS_FILE, "phoneme_type": "pinyin"}),
            "must be of a voice that reads eSpeak NG's .*got .* 'pinyin'",
        ),
        (
            json.dumps({"espeak": {"voice": "xx-none"}}),
            "voice must be a voice of eSpeak NG; got 'xx-none'",
        ),
    ],
    ids=["missing", "empty", "cut", "a list", "no voice", "pinyin", "unknown"],
)
def test_settings_that_are_none_are_refused(tmp_path, content, message):
    path = tmp_path / "a.onnx"
    path.write_bytes(b"")
    if content is not None:
        (tmp_path / "a.onnx.json").write_text(content)
    if "xx-none" in message and any(lacking()):
        pytest.skip("the packages are looked for first")
    with pytest.raises(ValueError, match=message):
        PiperTeacher(path).check()


def test_a_missing_voice_is_refused(tmp_path):
    for ask in (PiperTeacher.check, lambda t: t.frontend(SETTINGS)):
        with pytest.raises(ValueError, match=r"there is no file .*b\.onnx\. "):
            ask(PiperTeacher(tmp_path / "b.onnx"))


@pytest.mark.skipif(not any(lacking()), reason="piper-tts is installed")
def test_without_the_packages_the_extra_is_named(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"")
    (tmp_path / "a.onnx.json").write_text(json.dumps(SETTINGS_FILE))
    with pytest.raises(ImportError, match=r"pip install 'sb_sma\[data\]'"):
        PiperTeacher(tmp_path / "a.onnx").check()


@needs_piper
def test_a_voice_speaks_with_its_times(teacher):
    speech = teacher.speak(TEXT, SETTINGS)
    check_speech(speech, "piper")
    assert list(speech.tokens) == phonemize(TEXT)
    assert speech.sample_rate == 16000
    ends = [*speech.starts[1:], len(speech.samples)]
    for token, start, end in zip(speech.tokens, speech.starts, ends):
        loudest = np.abs(speech.samples[start + 9 : end - 9].astype(int)).max()
        assert (loudest < 100) == (token in (PAUSE, END)), (token, start)
    # inside of a word a sound lasts as long as its characters
    at = speech.tokens.index("ɹ")
    assert speech.tokens[at : at + 2] == ("ɹ", "ˈɛ")
    lengths = np.diff(speech.starts[at : at + 3]).tolist()
    assert lengths == [FRAMES_OF_SOUND * HOP, 2 * FRAMES_OF_SOUND * HOP]


@needs_piper
def test_the_same_text_has_the_same_samples(teacher):
    first, again = (teacher.speak(TEXT, SETTINGS) for _ in "ab")
    np.testing.assert_array_equal(first.samples, again.samples)


@needs_piper
def test_piper_is_not_imported(teacher):
    teacher.speak("a", SETTINGS)
    assert not {"piper", "flask"} & {*sys.modules}


@needs_piper
def test_it_is_sent_to_other_processes_by_its_voice(teacher, voice):
    teacher.speak("a", SETTINGS)
    sent = pickle.loads(pickle.dumps(teacher))
    assert sent.voice == voice and sent.identity() == teacher.identity()


@needs_piper
def test_another_voice_is_another_identity(teacher, voice, tmp_path):
    shutil.copy(voice, tmp_path / "b.onnx")
    settings = voice.with_name("tiny.onnx.json").read_text()
    (tmp_path / "b.onnx.json").write_text(settings.replace("0.5", "0.4"))
    assert PiperTeacher(tmp_path / "b.onnx").identity() != teacher.identity()


@needs_piper
def test_a_voice_without_times_speaks_nevertheless(tmp_path):
    path = write_voice(tmp_path / "mute.onnx", tells_times=False)
    teacher = PiperTeacher(path)
    speech = teacher.speak(TEXT, SETTINGS)
    teacher.close()
    check_speech(speech, "piper")
    assert speech.starts is None and list(speech.tokens) == phonemize(TEXT)


@needs_piper
@pytest.mark.parametrize("kept", [0, 0.5, 0.99])
def test_a_cut_voice_is_refused(voice, tmp_path, kept):
    path = tmp_path / "cut.onnx"
    content = voice.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    shutil.copy(f"{voice}.json", f"{path}.json")
    with pytest.raises(ValueError, match=r"cut\.onnx is none: .*Copy the file"):
        PiperTeacher(path).speak("a", SETTINGS)


PROGRAM = """
import sys, time
from sb_sma.data.espeak.voice import VoiceSettings
from sb_sma.data.teachers.piper import PiperTeacher
teacher = PiperTeacher(sys.argv[1])
teacher.speak("a", VoiceSettings())
print(teacher._server._address, flush=True)
time.sleep(100)
"""


def is_answered(address):
    host, _, port = address.removeprefix("http://").partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


@needs_piper
def test_the_server_ends_with_a_process_that_is_killed(voice, repository):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(voice)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=repository,
    )
    address = process.stdout.readline().strip()
    assert is_answered(address)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 20
    while is_answered(address) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_answered(address)


@needs_piper
def test_closing_ends_the_server_and_speaking_starts_it_again(voice):
    teacher = PiperTeacher(voice)
    teacher.speak("a", SETTINGS)
    address = teacher._server._address
    teacher.close()
    assert not is_answered(address)
    assert len(teacher.speak("a", SETTINGS).samples) > 1000
    teacher.close()
