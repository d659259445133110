"""The embedded corpus, spoken by one teacher or another."""

import hashlib
import json
import logging

import numpy as np
import pytest
import soundfile

from recipes.Embedded.embedded_prepare import prepare_embedded
from recipes.LJSpeech.ljspeech_prepare import prepare_ljspeech
from sb_sma.data.espeak.library import find_version
from sb_sma.data.espeak.voice import (
    END,
    PAUSE,
    Speech,
    VoiceSettings,
    phonemize,
    speak,
)
from sb_sma.data.speech.amount import tell_if_little
from sb_sma.data.speech.mel import MelSettings
from sb_sma.data.text.frontends import CharacterFrontend
from tests.unittests.data.teachers.hummer import Hummer

SIZES = {"n_utterances": 8, "n_valid": 1, "n_test": 1}
LITTLE = "which is less than five"


class Liar(Hummer):
    """Tells times of its first token alone, once it has been tried."""

    name = "liar"

    def speak(self, text, settings):
        speech = super().speak(text, settings)
        if text == "a":
            return speech
        return Speech(speech.samples, 16000, speech.tokens, (0,))


@pytest.fixture
def texts(tmp_path):
    file = tmp_path / "texts.txt"
    words = "one two three four five six seven eight nine ten".split()
    file.write_text("".join(f"Say {word}, please.\n" for word in words))
    return file


def entries_of(folder):
    return {
        name: entry
        for split in ("train", "valid", "test")
        for name, entry in json.loads(
            (folder / f"{split}.json").read_text("utf-8")
        ).items()
    }


def test_corpora_of_espeak_are_told_as_they_always_were():
    corpus = prepare_embedded()
    assert list(corpus.parameters.items()) == [
        ("corpus", "embedded"),
        ("espeak", find_version()),
        ("n_utterances", 3200),
        ("n_valid", 60),
        ("n_test", 60),
        ("seed", 1),
        ("texts", "1e7cd28ac0d8afea"),
        ("voice", ["en-us"]),
        ("rate", [175, 175]),
        ("pitch", [50, 50]),
        ("pitch_range", [50, 50]),
        ("mel", corpus.parameters["mel"]),
    ]


@pytest.mark.skipif(find_version() != "0.2.4", reason="other voices")
@pytest.mark.parametrize(
    "arguments, name",
    [
        ({}, "embedded-en-us-ddb67a2d"),
        (
            {"seed": 1986, "n_utterances": 40, "n_valid": 4, "n_test": 4},
            "embedded-en-us-0998d730",
        ),
        (
            {
                "voice": ["en-us", "en-us+f3"],
                "rate": [140, 220],
                "pitch": [30, 70],
                "pitch_range": [0, 99],
            },
            "embedded-2-voices-152b11b8",
        ),
    ],
    ids=["default", "small", "drawn"],
)
def test_corpora_of_espeak_have_the_folders_that_they_always_had(
    arguments, name
):
    assert prepare_embedded(**arguments).folder_name == name


@pytest.mark.skipif(find_version() != "0.2.4", reason="other voices")
def test_corpora_of_espeak_have_the_manifests_that_they_always_had(tmp_path):
    prepare_embedded(tmp_path / "a", 12, 2, 2, rate=[140, 220])
    content = (tmp_path / "a" / "train.json").read_bytes()
    assert hashlib.sha256(content).hexdigest()[:16] == "6a66862a53e2ff96"


@pytest.mark.parametrize("n_processes", [1, 2])
def test_a_teacher_of_ones_own_speaks(tmp_path, texts, n_processes):
    corpus = prepare_embedded(
        tmp_path / "corpus",
        **SIZES,
        texts=texts,
        pitch=[10, 90],
        n_processes=n_processes,
        teacher=Hummer(),
    )
    assert corpus.folder_name.startswith("embedded-hummer-")
    assert corpus.parameters["hummer"] == {"version": "1"}
    assert "rate" not in corpus.parameters and "espeak" not in corpus.parameters
    assert corpus.parameters["pitch"] == [10, 90]
    assert corpus.parameters["resampled_from"] == [16000]
    assert corpus.about["resampled_from"] == "16000 Hz"
    assert corpus.about["voice"] == "hummer"
    entries = entries_of(tmp_path / "corpus")
    assert len(entries) == 8
    for entry in entries.values():
        assert entry["tokens"] == CharacterFrontend().tokens(entry["text"])
        assert entry["voice"] == "hummer" and entry["rate"] is None
        wav = entry["wav"].format(data_root=tmp_path / "corpus")
        samples, sample_rate = soundfile.read(wav)
        assert sample_rate == 22050
        starts = entry["token_starts"]
        assert starts[:3] == [0, 2205, 4410]
        # its pitch is another in each, and nothing is heard in its pauses
        ends = [*starts[1:], len(samples)]
        for token, start, end in zip(entry["tokens"], starts, ends):
            inside = samples[start + 200 : end - 200]
            assert (np.abs(inside).max() < 0.02) == (token in (PAUSE, END))
        spectrum = np.abs(np.fft.rfft(samples[:2205]))
        hertz = 300 + 10 * entry["pitch"]
        assert abs(10 * spectrum.argmax() - hertz) <= 10
    assert len({entry["pitch"] for entry in entries.values()}) > 4


def test_teachers_and_their_versions_share_no_corpus(texts):
    corpora = [
        prepare_embedded(**SIZES, texts=texts, teacher=teacher)
        for teacher in (Hummer(), Hummer("2"), Liar())
    ] + [prepare_embedded(**SIZES, texts=texts)]
    assert len({corpus.folder_name for corpus in corpora}) == 4


@pytest.mark.parametrize(
    "given, message",
    [
        ({"rate": 200}, "rate must be left as it is, 175, for the teacher"),
        (
            {"rate": [175, 180]},
            r"hummer, which has no rate .* got \[175, 180\]",
        ),
        ({"pitch_range": 0}, "no pitch_range to choose; got 0. Leave it out"),
        ({"voice": "de"}, "voice must be left as it is, en-us, .* got de"),
        ({"voice": ["en-us", "de"]}, r"got \['en-us', 'de'\]"),
    ],
)
def test_what_a_teacher_cannot_do_is_refused_by_name(tmp_path, given, message):
    with pytest.raises(ValueError, match=message):
        prepare_embedded(tmp_path / "a", **SIZES, **given, teacher=Hummer())
    assert not (tmp_path / "a").exists()


def test_a_teacher_that_breaks_its_contract_is_named(tmp_path, texts):
    with pytest.raises(
        ValueError, match=r"texts\.txt, line \d+: starts of teacher"
    ):
        prepare_embedded(tmp_path / "a", **SIZES, texts=texts, teacher=Liar())
    assert not (tmp_path / "a").exists()


def test_what_fails_for_every_text_fails_before_any_is_chosen(tmp_path):
    class Missing(Hummer):
        def check(self):
            raise ImportError("there is no such package")

    with pytest.raises(ImportError, match="no such package"):
        prepare_embedded(
            tmp_path / "a", texts=tmp_path / "none.txt", teacher=Missing()
        )


def test_a_teacher_is_let_go_before_and_after_the_corpus(tmp_path, texts):
    calls = []

    class Counted(Hummer):
        def speak(self, text, settings):
            calls.append("speak")
            return super().speak(text, settings)

        def close(self):
            calls.append("close")

    prepare_embedded(tmp_path / "a", **SIZES, texts=texts, teacher=Counted())
    assert calls == ["speak", "close", *["speak"] * 8, "close"]


def test_unknown_times_are_told_and_stay_unknown(tmp_path, texts, caplog):
    prepare_embedded(
        tmp_path / "a", **SIZES, texts=texts, teacher=Hummer(times=False)
    )
    entries = entries_of(tmp_path / "a").values()
    assert {entry["token_starts"] for entry in entries} == {None}
    assert "no phoneme times of 8 of 8 utterances" in caplog.text


def test_espeak_is_resampled_too(tmp_path):
    corpus = prepare_embedded(
        tmp_path / "a", **SIZES, mel=MelSettings(sample_rate=16000)
    )
    assert corpus.parameters["resampled_from"] == [22050]
    entry = next(iter(entries_of(tmp_path / "a").values()))
    speech = speak(entry["text"])
    wav = entry["wav"].format(data_root=tmp_path / "a")
    samples, sample_rate = soundfile.read(wav)
    assert sample_rate == 16000
    assert len(samples) / 16000 == pytest.approx(
        len(speech.samples) / 22050, abs=1e-3
    )
    expected = np.array(speech.starts) * 16000 / 22050
    np.testing.assert_allclose(entry["token_starts"], expected, atol=0.5)
    assert entry["tokens"] == phonemize(entry["text"])


@pytest.mark.parametrize(
    "seconds, is_told", [(1, True), (299, True), (300, False), (1e5, False)]
)
def test_less_than_five_minutes_are_little(caplog, seconds, is_told):
    tell_if_little(seconds)
    assert len(caplog.records) == is_told
    if is_told:
        assert f"{seconds / 60:.1f} minutes" in caplog.text


def test_little_speech_is_told_of_every_corpus(tmp_path, caplog):
    def told():
        found = [r for r in caplog.records if LITTLE in r.getMessage()]
        caplog.clear()
        return len(found)

    caplog.set_level(logging.INFO)
    for _ in ("new", "found again"):
        prepare_embedded(tmp_path / "embedded", **SIZES)
        assert told() == 1
    folder = tmp_path / "recordings"
    (folder / "wavs").mkdir(parents=True)
    rows = []
    for i in range(6):
        samples = speak(f"This is sentence {i}.", VoiceSettings()).samples
        soundfile.write(folder / "wavs" / f"R{i}.wav", samples, 22050)
        rows.append(f"R{i}|This is sentence {i}.\n")
    (folder / "metadata.csv").write_text("".join(rows))
    prepare_ljspeech(folder, tmp_path / "speech")
    assert told() == 1
