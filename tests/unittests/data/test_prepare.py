"""The prepare functions of the recipes."""

import hashlib
import json
import re

import numpy as np
import pytest
import soundfile

from recipes.Embedded import embedded_prepare
from recipes.Embedded.embedded_prepare import prepare_embedded
from recipes.LJSpeech.ljspeech_prepare import LJSpeechSplits, prepare_ljspeech
from sb_sma.data.espeak.voice import END, VoiceSettings, phonemize, speak
from sb_sma.data.speech.mel import MelSettings, MelStatistics
from sb_sma.data.speech.splits import HoldOut
from sb_sma.data.teachers import espeak
from sb_sma.data.teachers.espeak import EspeakTeacher
from sb_sma.data.text.frontends import CharacterFrontend, EspeakFrontend

SPLITS = ("train", "valid", "test")
SIZES = {"n_utterances": 24, "n_valid": 3, "n_test": 4}


def manifests(folder):
    return {
        split: json.loads((folder / f"{split}.json").read_text("utf-8"))
        for split in SPLITS
    }


def identity_of(path):
    """What changes when a file is written, and not when it is read."""
    stat = path.stat()
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("embedded") / "corpus"
    prepare_embedded(
        folder,
        **SIZES,
        voice=["en-us", "en-us+f3"],
        rate=[140, 220],
        pitch=[30, 70],
    )
    return folder


def test_embedded_corpus_has_its_sizes_and_no_text_twice(embedded):
    splits = manifests(embedded)
    assert [len(splits[split]) for split in SPLITS] == [17, 3, 4]
    names = [name for split in SPLITS for name in splits[split]]
    texts = [e["text"] for split in SPLITS for e in splits[split].values()]
    assert len(set(names)) == len(set(texts)) == 24


def test_embedded_corpus_speaks_given_texts_once_each(tmp_path):
    lines = [f"Text number {i}." for i in range(12)]
    file = tmp_path / "texts.txt"
    file.write_text("\n".join([*lines, "", *lines]) + "\n")
    sizes = {"n_utterances": 10, "n_valid": 2, "n_test": 2}
    for n_processes in (1, 2):
        prepare_embedded(
            tmp_path / str(n_processes),
            **sizes,
            texts=file,
            n_processes=n_processes,
        )
    splits = manifests(tmp_path / "1")
    texts = [e["text"] for split in SPLITS for e in splits[split].values()]
    assert len(set(texts)) == 10 and set(texts) < set(lines)
    assert texts != sorted(texts, key=lines.index)  # in an order of their own
    assert manifests(tmp_path / "2") == splits
    with pytest.raises(
        ValueError, match=r"texts\.txt must have .* n_utterances = 13 .* got 12"
    ):
        prepare_embedded(
            tmp_path / "3", texts=file, n_utterances=13, n_valid=2, n_test=2
        )


def test_given_texts_are_spoken_as_the_front_end_reads_them(tmp_path):
    lines = ["It costs $5.50.", "Henry VIII in 1984.", "cafe\u0301 １２"]
    file = tmp_path / "texts.txt"
    file.write_text("\n".join(lines), encoding="utf-8")
    folder = tmp_path / "corpus"
    prepare_embedded(folder, 3, 1, 1, texts=file, voice="en-us")
    entries = [e for m in manifests(folder).values() for e in m.values()]
    assert {entry["text"] for entry in entries} == set(lines)
    for entry in entries:
        assert entry["tokens"] == EspeakFrontend().tokens(entry["text"])
    corpus = json.loads((folder / "corpus.json").read_text("utf-8"))
    assert corpus["parameters"]["respelled"]["texts"] == 3


def test_invented_texts_are_spoken_as_espeak_reads_them(embedded):
    corpus = json.loads((embedded / "corpus.json").read_text("utf-8"))
    assert "respelled" not in corpus["parameters"]
    item = ("n", "train", "In 1984", "In 1984", VoiceSettings(), "")
    make = embedded_prepare._Speaker(EspeakTeacher(), 22050)
    assert make(item).tokens == speak("In 1984").tokens


def test_every_bad_text_is_told_with_its_line(tmp_path):
    file = tmp_path / "texts.txt"
    file.write_text("\ufeffOne.\n...\n\nTwo.\n--\nThree.\n")
    sizes = {"n_utterances": 3, "n_valid": 1, "n_test": 1}
    with pytest.raises(ValueError, match=r"has 2 problem\(s\)") as error:
        prepare_embedded(tmp_path / "corpus", **sizes, texts=file)
    rows = str(error.value).splitlines()[1:]
    assert [row.split(": ")[0] for row in rows] == [
        f"- {file}, line {line}" for line in (2, 5)
    ]
    assert not (tmp_path / "corpus").exists()
    file.write_text(file.read_text().replace("...", "").replace("--", ""))
    prepare_embedded(tmp_path / "corpus", **sizes, texts=file)
    splits = manifests(tmp_path / "corpus")
    texts = {e["text"] for split in SPLITS for e in splits[split].values()}
    assert texts == {"One.", "Two.", "Three."}


def test_a_text_that_the_voice_cannot_say_is_told_with_its_line(
    tmp_path, monkeypatch
):
    def speak_but_two(text, settings):
        if text == "Two.":
            raise ValueError("found no phoneme")
        return speak(text, settings)

    monkeypatch.setattr(espeak, "speak", speak_but_two)
    file = tmp_path / "texts.txt"
    file.write_text("One.\nTwo.\nThree.\n")
    sizes = {"n_utterances": 3, "n_valid": 1, "n_test": 1}
    with pytest.raises(ValueError, match=r"texts\.txt, line 2: found no"):
        prepare_embedded(tmp_path / "corpus", **sizes, texts=file)


@pytest.mark.parametrize("n_processes", [0, -1, 1.5])
def test_a_number_of_processes_below_one_is_refused(tmp_path, n_processes):
    with pytest.raises(
        ValueError, match=f"integer of at least 1; got {n_processes}"
    ):
        prepare_embedded(tmp_path / "corpus", n_processes=n_processes)


def test_embedded_corpus_is_another_for_other_texts(tmp_path):
    file = tmp_path / "texts.txt"
    sizes = {"n_utterances": 3, "n_valid": 1, "n_test": 1}
    folders = {}
    for word in ("One", "Two"):
        file.write_text("".join(f"{word} and {i}.\n" for i in range(3)))
        corpus = prepare_embedded(**sizes, texts=file)
        folders[word] = corpus.make_in(tmp_path / "corpora")
    for word, folder in folders.items():
        (entry,) = manifests(folder)["train"].values()
        assert entry["text"].startswith(word)
    # but not for the same texts in another file
    made = identity_of(folder / "train.json")
    moved = file.rename(tmp_path / "moved.txt")
    moved.write_text("\n" + moved.read_text())
    corpus = prepare_embedded(**sizes, texts=moved)
    assert corpus.make_in(tmp_path / "corpora") == folder
    assert identity_of(folder / "train.json") == made


def test_embedded_entries_describe_their_files(embedded):
    for manifest in manifests(embedded).values():
        for entry in manifest.values():
            wav = entry["wav"].format(data_root=embedded)
            samples, sample_rate = soundfile.read(wav, dtype="int16")
            mel = np.load(entry["mel"].format(data_root=embedded))
            assert sample_rate == 22050
            assert entry["duration"] == len(samples) / 22050
            assert mel.shape == (entry["mel_length"], 80)
            assert entry["mel_length"] == len(samples) // 256 + 1
            assert entry["tokens"][-1] == END
            assert len(entry["tokens"]) == len(entry["token_starts"])
            assert entry["token_starts"][-1] < len(samples)


def test_embedded_entry_tells_how_to_speak_it_again(embedded):
    for entry in list(manifests(embedded)["train"].values())[:5]:
        names = ("voice", "rate", "pitch", "pitch_range")
        settings = VoiceSettings(**{name: entry[name] for name in names})
        speech = speak(entry["text"], settings)
        wav = entry["wav"].format(data_root=embedded)
        samples, _ = soundfile.read(wav, dtype="int16")
        np.testing.assert_array_equal(samples, speech.samples)
        assert entry["tokens"] == list(speech.tokens)
        assert entry["token_starts"] == list(speech.starts)


def test_embedded_voices_are_drawn_from_their_ranges(embedded):
    entries = [e for m in manifests(embedded).values() for e in m.values()]
    rates = {entry["rate"] for entry in entries}
    assert len(rates) > 10 and min(rates) >= 140 and max(rates) <= 220
    pitches = {entry["pitch"] for entry in entries}
    assert len(pitches) > 10 and min(pitches) >= 30 and max(pitches) <= 70
    assert {entry["pitch_range"] for entry in entries} == {50}
    assert {e["voice"] for e in entries} == {"en-us", "en-us+f3"}


def test_embedded_statistics_and_tokens_are_those_of_training(embedded):
    train = manifests(embedded)["train"]
    tokens = sorted({t for e in train.values() for t in e["tokens"]})
    assert json.loads((embedded / "tokens.json").read_text("utf-8")) == tokens
    mels = [
        np.load(e["mel"].format(data_root=embedded)) for e in train.values()
    ]
    statistics = MelStatistics.load(embedded / "mel_statistics.json")
    frames = np.concatenate(mels)
    np.testing.assert_allclose(statistics.mean, frames.mean(0), atol=1e-3)
    np.testing.assert_allclose(statistics.std, frames.std(0), atol=1e-3)


def test_embedded_corpus_depends_on_the_seed_alone(tmp_path):
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        prepare_embedded(
            tmp_path / name, **SIZES, seed=seed, pitch_range=[0, 99]
        )

    def files(name):
        paths = (tmp_path / name).rglob("*")
        return {
            str(path.relative_to(tmp_path / name)): path.read_bytes()
            for path in paths
            if path.is_file()
        }

    assert files("a") == files("b")
    first, other = (
        {e["text"] for e in manifests(tmp_path / name)["train"].values()}
        for name in ("a", "c")
    )
    assert len(first - other) > 10


def test_embedded_corpus_is_reused(embedded):
    before = identity_of(embedded / "train.json")
    prepare_embedded(
        embedded,
        **SIZES,
        voice=["en-us", "en-us+f3"],
        rate=(140, 220),
        pitch=[30, 70],
        mel=MelSettings(),
    )
    assert identity_of(embedded / "train.json") == before


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"n_valid": 0}, "n_utterances must leave at least one for training"),
        ({"n_test": 21}, "got 24, 3 and 21. Raise n_utterances"),
        ({"voice": "xx-none"}, "voice must be a voice of eSpeak NG"),
        ({"voice": []}, "voice must name at least one voice"),
        ({"rate": 20}, "rate must be an integer from 80 to 450; got 20"),
        # a seed that would not draw the bound itself
        (
            {"rate": [175, 451], "seed": 2},
            "rate must be an integer from 80 to 450",
        ),
        (
            {"pitch": [60, 40]},
            r"pitch must be a number or a pair \[low, high\]",
        ),
        ({"pitch_range": [1, 2, 3]}, "pitch_range must be a number or a pair"),
    ],
    ids=str,
)
def test_embedded_refuses_wrong_arguments(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message) as e:
        prepare_embedded(tmp_path / "corpus", **{**SIZES, **arguments})
    # found before the corpus was started
    assert "problem(s)" not in str(e.value)
    assert not (tmp_path / "corpus").exists()


@pytest.fixture
def recordings(tmp_path):
    """A corpus of LJSpeech's layout: six good lines."""
    folder = tmp_path / "recordings"
    (folder / "wavs").mkdir(parents=True)
    lines = []
    for i in range(6):
        text = f"This is sentence number {i}."
        lines.append(f"R{i}|This is sentence no. {i}.|{text}")
        samples = speak(text).samples
        soundfile.write(folder / "wavs" / f"R{i}.wav", samples, 22050)
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def test_ljspeech_layout_becomes_a_corpus(recordings, tmp_path):
    corpus = tmp_path / "corpus"
    prepare_ljspeech(recordings, corpus, n_valid=1, n_test=2)
    splits = manifests(corpus)
    assert [len(splits[split]) for split in SPLITS] == [3, 1, 2]
    entries = {n: e for m in splits.values() for n, e in m.items()}
    assert sorted(entries) == [f"R{i}" for i in range(6)]
    for name, entry in entries.items():
        samples, _ = soundfile.read(corpus / "wavs" / f"{name}.wav")
        original, _ = soundfile.read(recordings / "wavs" / f"{name}.wav")
        np.testing.assert_allclose(samples, original, atol=2**-14)
        assert entry["text"] == f"This is sentence number {name[1]}."
        assert entry["tokens"] == phonemize(entry["text"])
        assert entry["token_starts"] is None
        assert entry["voice"] is None


def test_ljspeech_holds_out_two_and_two_of_a_small_corpus(recordings, tmp_path):
    prepare_ljspeech(recordings, tmp_path / "a")
    prepare_ljspeech(recordings, tmp_path / "b")
    assert [len(manifests(tmp_path / "a")[s]) for s in SPLITS] == [2, 2, 2]
    assert manifests(tmp_path / "a") == manifests(tmp_path / "b")
    prepare_ljspeech(recordings, tmp_path / "c", seed=2)
    assert manifests(tmp_path / "a") != manifests(tmp_path / "c")


def test_ljspeech_is_split_as_in_speechbrain(shared):
    path = shared / "data" / "ljspeech-transcripts.csv"
    lines = path.read_text("utf-8").splitlines()
    names = [line.split("|")[0] for line in lines]
    splits = dict(zip(names, LJSpeechSplits(seed=2)(names)))

    def digest(*wanted):
        chosen = sorted(n for n, split in splits.items() if split in wanted)
        joined = "\n".join(chosen).encode()
        return len(chosen), hashlib.sha256(joined).hexdigest()[:16]

    # of the names that SpeechBrain's function gives for [90, 10] and 1234
    assert digest("train") == (11773, "158568baf99636e2")
    assert digest("valid", "test") == (1327, "146f5e006e9e2685")
    # and for [90, 5, 5]
    assert digest("valid") == (628, "720527caeca65c10")


@pytest.mark.parametrize(
    "names, numbers",
    [
        ([f"LJ001-{i:04d}" for i in range(99)], {}),
        ([f"LJ001-{i:04d}" for i in range(1300)], {"n_valid": 5}),
        ([f"clip {i}" for i in range(1300)], {}),
        # of which 5 % are none
        ([f"LJ{i // 9:03d}-{i % 9:04d}" for i in range(450)], {}),
    ],
    ids=["small", "numbers given", "other ids", "short chapters"],
)
def test_other_corpora_are_held_out_at_random(names, numbers):
    splits = LJSpeechSplits(**numbers)(names)
    assert splits == HoldOut(**numbers)(names)
    assert splits != LJSpeechSplits(**numbers, seed=2)(names)


@pytest.mark.parametrize("rate, channels", [(16000, 2), (44100, 1)])
def test_ljspeech_resamples_and_mixes(recordings, tmp_path, rate, channels):
    time = np.arange(rate) / rate
    tone = 0.4 * np.sin(2 * np.pi * 440 * time)
    silent = np.zeros((rate, channels - 1))
    wav = recordings / "wavs" / "R0.wav"
    soundfile.write(wav, np.column_stack([tone, silent]), rate)
    prepare_ljspeech(recordings, tmp_path / "corpus")
    samples, sample_rate = soundfile.read(tmp_path / "corpus/wavs/R0.wav")
    assert sample_rate == 22050 and samples.shape == (22050,)
    expected = (
        0.4 / channels * np.sin(2 * np.pi * 440 * np.arange(22050) / 22050)
    )
    middle = slice(1000, -1000)
    np.testing.assert_allclose(samples[middle], expected[middle], atol=2e-3)


def test_ljspeech_is_another_corpus_when_a_transcript_changes(
    recordings, tmp_path
):
    def texts_of(folder):
        entries = manifests(folder).values()
        return {e["text"] for manifest in entries for e in manifest.values()}

    before = prepare_ljspeech(recordings).make_in(tmp_path / "corpora")
    metadata = recordings / "metadata.csv"
    metadata.write_text(metadata.read_text().replace("number 0", "zero"))
    after = prepare_ljspeech(recordings).make_in(tmp_path / "corpora")
    assert texts_of(after) - texts_of(before) == {"This is sentence zero."}
    assert len(texts_of(before)) == len(texts_of(after)) == 6


@pytest.fixture
def words_only(recordings):
    """The same corpus without figures."""
    metadata = recordings / "metadata.csv"
    text = re.sub(r"number \d", "number so and so", metadata.read_text())
    metadata.write_text(text)
    return recordings


def test_ljspeech_is_another_corpus_for_another_front_end(words_only, tmp_path):
    tokens = {}
    for frontend in (EspeakFrontend(), CharacterFrontend()):
        plan = prepare_ljspeech(words_only, frontend=frontend)
        corpus = plan.make_in(tmp_path / "corpora")
        entries = {
            n: e for m in manifests(corpus).values() for n, e in m.items()
        }
        kind = type(frontend)
        tokens[kind] = entries["R3"]["tokens"]
        assert tokens[kind] == frontend.tokens(entries["R3"]["text"])
    assert tokens[EspeakFrontend] != tokens[CharacterFrontend]
    parameters = json.loads((corpus / "corpus.json").read_text())["parameters"]
    assert parameters["frontend"] == {"name": "characters"}


def test_ljspeech_reports_a_line_that_the_front_end_cannot_read(
    words_only, tmp_path
):
    with open(words_only / "metadata.csv", "a", encoding="utf-8") as file:
        file.write("R5b|Привет|Привет\n")
    samples, rate = soundfile.read(words_only / "wavs" / "R5.wav")
    soundfile.write(words_only / "wavs" / "R5b.wav", samples, rate)
    with pytest.raises(ValueError, match="metadata.csv, line 7: .*Latin"):
        prepare_ljspeech(
            words_only, tmp_path / "corpus", frontend=CharacterFrontend()
        )


def test_ljspeech_problems_come_in_one_error_with_their_lines(
    recordings, tmp_path
):
    with open(recordings / "metadata.csv", "a", encoding="utf-8") as file:
        file.write("R6|two fields\n")
        file.write("\n")
        file.write("R0|again|again\n")
        file.write("R9|lost|lost\n")
        file.write("R1b|mute|...\n")
        file.write("../R2|out|out\n")
        file.write("|nameless|nameless\n")
        file.write("R3b|broken|broken\n")
        file.write("R4b|empty|empty\n")
    (recordings / "wavs" / "R3b.wav").write_bytes(b"not audio")
    soundfile.write(recordings / "wavs" / "R4b.wav", np.zeros(0), 22050)
    with pytest.raises(ValueError, match=r"9 problem\(s\)") as e:
        prepare_ljspeech(recordings, tmp_path / "corpus")
    assert not (tmp_path / "corpus").exists()
    message = str(e.value)
    for line, problem in [
        (7, "expected 3 fields (id|text|normalised text), got 2"),
        (9, "the id 'R0' must be unique, but line 1 has it, too"),
        (10, "R9.wav cannot be read: there is no such file. Add the"),
        (11, "text must have at least one letter or digit to speak; got '...'"),
        (11, "R1b.wav cannot be read: there is no such file"),
        (12, "the id must be the name of a file in wavs/; got '../R2'"),
        (13, "the id must be the name of a file in wavs/; got ''"),
        (14, "R3b.wav must be a readable recording"),
        (15, "R4b.wav must be a readable recording; got: it has no samples"),
    ]:
        rows = [r for r in message.splitlines() if f"line {line}:" in r]
        assert any(problem in row for row in rows), (line, problem)
        assert all("metadata.csv" in row for row in rows)


def test_ljspeech_recording_shorter_than_a_window_is_a_problem(
    recordings, tmp_path
):
    soundfile.write(recordings / "wavs" / "R2.wav", np.zeros(512), 22050)
    with pytest.raises(ValueError, match="longer than half a window") as e:
        prepare_ljspeech(recordings, tmp_path / "corpus")
    assert "metadata.csv, line 3: " in str(e.value)


def test_ljspeech_refuses_wrong_arguments(recordings, tmp_path):
    corpus = tmp_path / "corpus"
    with pytest.raises(ValueError, match="data_folder must hold metadata.csv"):
        prepare_ljspeech(tmp_path, corpus)
    with pytest.raises(ValueError, match="got 3 and 3 of 6 utterances"):
        prepare_ljspeech(recordings, corpus, n_valid=3, n_test=3)
    with pytest.raises(ValueError, match="got 0 and 2 of 6 utterances"):
        prepare_ljspeech(recordings, corpus, n_valid=0)
    with pytest.raises(ValueError, match="^voice must be a voice of eSpeak"):
        frontend = EspeakFrontend(VoiceSettings(voice="xx-none"))
        prepare_ljspeech(recordings, corpus, frontend=frontend)
    (recordings / "metadata.csv").write_bytes(b"R0|caf\xe9|caf\xe9\n")
    with pytest.raises(ValueError, match="metadata.csv must be UTF-8"):
        prepare_ljspeech(recordings, corpus)


def test_ljspeech_accepts_bom_and_windows_line_ends(recordings, tmp_path):
    metadata = recordings / "metadata.csv"
    content = metadata.read_text("utf-8").replace("\n", "\r\n")
    metadata.write_bytes(b"\xef\xbb\xbf" + content.encode())
    prepare_ljspeech(recordings, tmp_path / "corpus")
    names = {n for m in manifests(tmp_path / "corpus").values() for n in m}
    assert names == {f"R{i}" for i in range(6)}


def test_real_speech(shared, tmp_path):
    prepare_ljspeech(shared / "data" / "ljspeech-mini", tmp_path / "corpus")
    splits = manifests(tmp_path / "corpus")
    assert [len(splits[split]) for split in SPLITS] == [28, 2, 2]
    entry = {**splits["train"], **splits["valid"], **splits["test"]}[
        "LJ001-0002"
    ]
    assert entry["text"] == "in being comparatively modern."
    assert entry["duration"] == pytest.approx(1.9, abs=0.1)
    mel = np.load(entry["mel"].format(data_root=tmp_path / "corpus"))
    assert np.isfinite(mel).all() and mel.std() > 1
