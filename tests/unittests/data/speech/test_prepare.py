"""Recordings of any kind become a corpus, whatever happens on the way."""

import json
import logging
import os
import re
import shlex
import shutil

import numpy as np
import pytest
import soundfile

import sb_sma.data.speech.folder as corpus_module
from sb_sma.cli import main
from sb_sma.data.build_once import load_manifests
from sb_sma.data.espeak.voice import phonemize, speak
from sb_sma.data.speech.folder import Utterance, write_corpus
from sb_sma.data.speech.mel import MelSettings
from sb_sma.data.speech.prepare import prepare_speech
from sb_sma.data.speech.splits import HoldOut
from sb_sma.data.text.frontends import CharacterFrontend, EspeakFrontend

# a seed that holds out good utterances alone
SPLITS = HoldOut(n_valid=1, n_test=1, seed=3)
HEADER = "id,wav,text,speaker,style_mood"


@pytest.fixture
def manifest(tmp_path):
    """Six good utterances of two speakers."""
    folder = tmp_path / "data"
    (folder / "clips").mkdir(parents=True)
    lines = [HEADER]
    for i in range(6):
        text = f"A sentence that counts to {'one, two, ' * i} ten."
        samples = speak(text).samples
        soundfile.write(folder / "clips" / f"{i}.wav", samples, 22050)
        lines.append(f'u{i},clips/{i}.wav,"{text}",{"ab"[i % 2]},mood{i}')
    path = folder / "manifest.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def add(manifest, line, samples=None, **options):
    """One more line, with a recording if there are samples for one."""
    with open(manifest, "a") as file:
        file.write(line + "\n")
    if samples is not None:
        name = line.split(",")[1]
        soundfile.write(manifest.parent / name, samples, 22050, **options)


def prepare(manifest, folder, **options):
    prepare_speech(manifest, folder, **{"splits": SPLITS, **options})
    return {
        name: entry
        for split in load_manifests(folder).values()
        for name, entry in split.items()
    }


def contents(folder):
    """Every file with what it holds."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def report_of(folder):
    return json.loads((folder / "report.json").read_text())


def test_a_manifest_becomes_a_corpus_with_its_labels(manifest, tmp_path):
    entries = prepare(manifest, tmp_path / "corpus")
    assert sorted(entries) == [f"u{i}" for i in range(6)]
    for i, (name, entry) in enumerate(sorted(entries.items())):
        original, _ = soundfile.read(manifest.parent / "clips" / f"{i}.wav")
        samples, _ = soundfile.read(entry["wav"])
        np.testing.assert_allclose(samples, original, atol=2**-14)
        assert entry["speaker"] == "ab"[i % 2]
        assert entry["style_mood"] == f"mood{i}"
        assert "style" not in entry
        assert np.load(entry["mel"]).shape == (entry["mel_length"], 80)


def test_a_text_is_read_alike_in_training_and_speaking(manifest, tmp_path):
    texts = {"v1": "The cafe\u0301 is ５０％ off.", "v2": "It costs $5.50."}
    for name, text in texts.items():
        shutil.copy(
            manifest.parent / "clips" / "5.wav",
            manifest.parent / "clips" / f"{name}.wav",
        )
        add(manifest, f'{name},clips/{name}.wav,"{text}",a,calm')
    plain = {"v1": "The café is 50% off.", "v2": "It costs 5 dollars 50 cents."}
    entries = prepare(manifest, tmp_path / "corpus")
    for name, text in plain.items():
        assert entries[name]["text"] == texts[name]
        assert entries[name]["tokens"] == phonemize(text)
        assert entries[name]["tokens"] == EspeakFrontend().tokens(texts[name])


def test_corpora_differ_by_how_texts_are_read_only_where_they_do(
    manifest, tmp_path
):
    def parameters(folder):
        return json.loads((folder / "corpus.json").read_text())["parameters"]

    prepare(manifest, tmp_path / "plain")
    assert "respelled" not in parameters(tmp_path / "plain")
    add(manifest, "v1,clips/1.wav,In 1984 he left us.,a,calm")
    prepare(manifest, tmp_path / "other")
    assert parameters(tmp_path / "other")["respelled"]["texts"] == 1


def test_a_manifest_may_say_the_splits(manifest, tmp_path):
    utterances = {
        f"u{i}": {"wav": f"clips/{i}.wav", "text": "Yes.", "split": split}
        for i, split in enumerate(["test", "valid", *["train"] * 4])
    }
    path = manifest.with_suffix(".json")
    path.write_text(json.dumps(utterances))
    prepare(path, tmp_path / "corpus", splits=HoldOut(n_valid=99))
    found = load_manifests(tmp_path / "corpus")
    assert [list(found[split]) for split in found] == [
        ["u2", "u3", "u4", "u5"],
        ["u1"],
        ["u0"],
    ]


@pytest.mark.integration
def test_several_processes_make_the_same_corpus(shared, tmp_path):
    mini = shared / "data" / "ljspeech-mini"
    lines = (mini / "metadata.csv").read_text("utf-8").splitlines()
    utterances = {
        name: {"wav": f"{mini}/wavs/{name}.wav", "text": text}
        for name, _, text in (line.split("|") for line in lines)
    }
    utterances["lost"] = {"wav": "lost.wav", "text": "Lost."}
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps(utterances))
    folders = [tmp_path / "one", tmp_path / "two"]
    for n_processes, folder in enumerate(folders, start=1):
        prepare(
            manifest,
            folder,
            trim_db=40,
            skip_bad_utterances=True,
            n_processes=n_processes,
        )
    one, two = map(contents, folders)
    assert one == two
    report = report_of(folder)
    assert sum(report["utterances"].values()) == 32
    assert report["seconds"] == pytest.approx(221.7, abs=0.5)
    assert report["clipped_recordings"] == []
    assert report["resampled_recordings"] == 0
    assert len(report["problems_skipped"]) == 1


@pytest.fixture
def calls(monkeypatch):
    """Names of the utterances whose files are written; stops if told so."""
    names = []
    write = corpus_module._write_utterance

    def spy(folder, utterance, log_mel):
        if names[-1:] == ["stop"]:
            # what a killed process leaves
            (folder / "wavs" / f"{utterance.name}.wav").write_bytes(b"RIFF")
            raise KeyboardInterrupt
        names.append(utterance.name)
        return write(folder, utterance, log_mel)

    # in one thread, so that the order is known
    monkeypatch.setattr(corpus_module, "_THREADS", 1)
    monkeypatch.setattr(corpus_module, "_write_utterance", spy)
    return names


def interrupt(manifest, folder, calls, monkeypatch, **options):
    """Prepares three utterances, then stops."""
    add_to_journal = corpus_module.Journal.add

    def add_and_stop(journal, key, result):
        add_to_journal(journal, key, result)
        if result[1] == "u2":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(corpus_module.Journal, "add", add_and_stop)
        with pytest.raises(KeyboardInterrupt):
            prepare(manifest, folder, **options)
    assert not folder.exists()
    calls.clear()


def test_an_interrupted_preparation_goes_on(
    manifest, tmp_path, calls, monkeypatch
):
    folder = tmp_path / "corpus"
    interrupt(manifest, folder, calls, monkeypatch)
    prepare(manifest, folder)
    assert calls == ["u3", "u4", "u5"]
    prepare(manifest, tmp_path / "at once")
    assert contents(folder) == contents(tmp_path / "at once")


def test_half_written_files_are_written_anew(
    manifest, tmp_path, calls, monkeypatch
):
    folder = tmp_path / "corpus"
    calls.append("stop")
    with pytest.raises(KeyboardInterrupt):
        prepare(manifest, folder)
    calls.clear()
    assert list((tmp_path / ".corpus.building" / "wavs").iterdir())
    prepare(manifest, folder)
    assert calls == [f"u{i}" for i in range(6)]
    prepare(manifest, tmp_path / "at once")
    assert contents(folder) == contents(tmp_path / "at once")


def test_what_has_changed_since_is_made_anew(
    manifest, tmp_path, calls, monkeypatch
):
    folder = tmp_path / "corpus"
    interrupt(manifest, folder, calls, monkeypatch)
    text = manifest.read_text().replace("u1,clips/1.wav", "v1,clips/1.wav")
    manifest.write_text(text)
    samples, rate = soundfile.read(manifest.parent / "clips" / "2.wav")
    soundfile.write(manifest.parent / "clips" / "2.wav", samples / 2, rate)
    prepare(manifest, folder)
    assert calls == ["v1", "u2", "u3", "u4", "u5"]
    # and what is no longer there leaves nothing behind
    prepare(manifest, tmp_path / "at once")
    assert contents(folder) == contents(tmp_path / "at once")


def test_a_mended_recording_is_seen(manifest, tmp_path, calls, caplog):
    folder = tmp_path / "corpus"
    samples = speak("Bad.").samples
    add(manifest, "u6,clips/6.wav,Bad.,a,sad", samples[:0])
    assert "u6" not in prepare(manifest, folder, skip_bad_utterances=True)
    soundfile.write(manifest.parent / "clips" / "6.wav", samples, 22050)
    caplog.clear()
    entries = prepare(manifest, folder, skip_bad_utterances=True)
    assert entries["u6"]["duration"] == len(samples) / 22050
    assert report_of(folder)["problems_skipped"] == []
    assert "anew: utterances: 1 changed (u6)\n" in caplog.text
    # and then there is nothing to do, nor for a copy of the data
    calls.clear()
    for wav in (manifest.parent / "clips").iterdir():
        os.utime(wav, (0, 0))
    prepare(manifest, folder, skip_bad_utterances=True)
    assert calls == []


def test_what_has_changed_is_told(manifest, tmp_path, caplog):
    def told(**options):
        caplog.clear()
        prepare(manifest, tmp_path / "corpus", **options)
        [message] = re.findall("anew: (.*)", caplog.text)
        return message

    prepare(manifest, tmp_path / "corpus")
    assert told(trim_db=30) == "trim_db was None, is 30"
    told()
    mel = MelSettings(n_mels=40, f_max=7000.0)
    change = "mel.f_max was 8000.0, is 7000.0; mel.n_mels was 80, is 40"
    assert told(mel=mel) == change
    told()
    rows = manifest.read_text().splitlines()
    manifest.write_text("\n".join(rows).replace("u3,", "v3,"))
    members = "split_members: 1 changed (train)"
    assert told() == f"{members}; utterances: 1 added (v3), 1 removed (u3)"
    manifest.write_text("\n".join(rows).replace(",a,", ",c,"))
    change = "1 added (u3), 1 removed (v3), 3 changed (u0, u2, u4)"
    assert told() == f"{members}; utterances: {change}"
    manifest.write_text("\n".join([*rows, "u9"]).replace(",a,", ",c,"))
    change = "bad_lines: changed; skip_bad_utterances was False, is True"
    assert told(skip_bad_utterances=True) == change


def test_the_form_of_a_manifest_does_not_matter(manifest, tmp_path, calls):
    prepare(manifest, tmp_path / "corpus")
    calls.clear()
    text = manifest.read_text().replace(",clips/", ", clips\\")
    manifest.write_text("\ufeff" + text.replace("\n", "\r\n") + "\n\n")
    prepare(manifest, tmp_path / "corpus")
    assert calls == []


def test_a_path_too_long_for_a_file_is_a_problem_of_its_line(
    manifest, tmp_path
):
    add(manifest, f"u6,{300 * 'x'},Yes.,a,sad")
    with pytest.raises(ValueError, match="line 8: .*there is no such file"):
        prepare(manifest, tmp_path / "corpus")


def test_a_recording_that_comes_or_goes_is_seen(manifest, tmp_path):
    folder = tmp_path / "corpus"
    add(manifest, "u6,clips/6.wav,Late.,a,sad")
    assert "u6" not in prepare(manifest, folder, skip_bad_utterances=True)
    wav = manifest.parent / "clips" / "6.wav"
    soundfile.write(wav, speak("Late.").samples, 22050)
    assert "u6" in prepare(manifest, folder, skip_bad_utterances=True)
    wav.unlink()
    assert "u6" not in prepare(manifest, folder, skip_bad_utterances=True)


def test_a_copied_corpus_is_reused(manifest, tmp_path, calls):
    prepare(manifest, tmp_path / "corpus")
    calls.clear()
    copy = tmp_path / "elsewhere" / "corpus"
    shutil.copytree(tmp_path / "corpus", copy, copy_function=shutil.copyfile)
    prepare(manifest, copy)
    assert calls == []


@pytest.mark.parametrize(
    "change",
    [
        {"trim_db": 30},
        {"frontend": CharacterFrontend()},
        {"mel": MelSettings(n_mels=40)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_other_settings_make_all_anew(
    manifest, tmp_path, calls, monkeypatch, change
):
    folder = tmp_path / "corpus"
    interrupt(manifest, folder, calls, monkeypatch)
    prepare(manifest, folder, **change)
    assert len(calls) == 6
    calls.clear()
    # the first settings find nothing of theirs any more
    prepare(manifest, folder)
    assert len(calls) == 6


def test_a_finished_corpus_removes_what_another_call_began(
    manifest, tmp_path, calls, monkeypatch
):
    folder = tmp_path / "corpus"
    prepare(manifest, folder)
    with monkeypatch.context() as patch:
        patch.setattr(corpus_module.Journal, "add", lambda *arguments: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            prepare(manifest, folder, trim_db=30)
    assert (tmp_path / ".corpus.building").exists()
    calls.clear()
    prepare(manifest, folder)
    assert calls == []
    assert not (tmp_path / ".corpus.building").exists()


def test_mended_faults_do_not_cost_the_rest(manifest, tmp_path, calls):
    folder = tmp_path / "corpus"
    samples = speak("Bad.").samples
    add(manifest, "u6,clips/6.wav,...,a,sad", samples)
    with pytest.raises(ValueError, match=r"1 problem\(s\)"):
        prepare(manifest, folder)
    calls.clear()
    manifest.write_text(manifest.read_text().replace("...", "Mended."))
    prepare(manifest, folder)
    assert calls == ["u6"]


def bad_lines(manifest):
    """Every kind of fault, from line 8 on."""
    sound = speak("Bad.").samples.astype(np.float32) / 2**15
    broken = np.where(np.arange(len(sound)) == 99, np.nan, sound)
    add(manifest, "b8,clips/b8.wav", sound)
    add(manifest, "u0,clips/0.wav,Twice.,a,sad")
    add(manifest, "b10,clips/b10.wav,--,a,sad")
    add(manifest, "b11,clips/b11.wav,Empty.,a,sad", sound[:0])
    add(manifest, "b12,clips/b12.wav,NaN.,a,sad", broken, subtype="FLOAT")
    add(manifest, "b13,clips/b13.wav,Cut.,a,sad", sound)
    cut = manifest.parent / "clips" / "b13.wav"
    cut.write_bytes(cut.read_bytes()[:-100])
    return ["8", "9", "10", "10", "11", "12", "13"]


def test_all_faults_come_in_one_list(manifest, tmp_path):
    expected = bad_lines(manifest)
    with pytest.raises(ValueError, match=r"has 7 problem\(s\)") as error:
        prepare(manifest, tmp_path / "corpus")
    rows = str(error.value).splitlines()[1:]
    assert [row.split(": ")[0] for row in rows] == [
        f"- {manifest}, line {line}" for line in expected
    ]
    assert not (tmp_path / "corpus").exists()


def test_of_many_faults_a_command_lists_the_rest(manifest, tmp_path, capsys):
    folder = manifest.parent.rename(tmp_path / "my data")
    manifest = folder / manifest.name
    for i in range(25):
        add(manifest, f"b{i},lost.wav")
    with pytest.raises(ValueError, match="and 5 more; `sb-sma check ") as error:
        prepare(manifest, tmp_path / "corpus")
    command = shlex.split(str(error.value).split("`")[1])
    assert command[:2] == ["sb-sma", "check"]
    main(command[1:])
    assert "25 problem(s)" in capsys.readouterr().out


def test_bad_utterances_can_be_skipped_and_are_counted(
    manifest, tmp_path, caplog
):
    folder = tmp_path / "corpus"
    good = prepare(manifest, tmp_path / "good")
    bad_lines(manifest)
    entries = prepare(manifest, folder, skip_bad_utterances=True)
    assert sorted(entries) == sorted(good)
    assert len(report_of(folder)["problems_skipped"]) == 7
    assert not list(folder.glob("wavs/b*"))
    caplog.clear()
    # also where the corpus is found again
    with caplog.at_level(logging.WARNING):
        prepare(manifest, folder, skip_bad_utterances=True)
    assert "without bad utterances, 7 problem(s):\n- " in caplog.text
    assert "line 8: expected 5 fields" in caplog.text
    with pytest.raises(ValueError, match=r"7 problem\(s\)"):
        prepare(manifest, folder)


def test_a_split_of_bad_utterances_alone_is_an_error(manifest, tmp_path):
    (manifest.parent / "clips" / "3.wav").unlink()
    lines = manifest.read_text().splitlines()
    lines[0] += ",split"
    for i, split in enumerate(
        ["test", "train", "train", "valid", *["train"] * 2]
    ):
        lines[i + 1] += f",{split}"
    manifest.write_text("\n".join(lines))
    with pytest.raises(
        ValueError, match="The split valid must hold .* skipped"
    ):
        prepare(manifest, tmp_path / "corpus", skip_bad_utterances=True)


@pytest.mark.parametrize("skip_bad_utterances", [False, True])
def test_a_missing_split_is_told_before_the_recordings_are_read(
    manifest, tmp_path, calls, skip_bad_utterances
):
    lines = manifest.read_text().splitlines()
    splits = ["split", "valid", *["train"] * 5]
    rows = [f"{line},{split}" for line, split in zip(lines, splits)]
    manifest.write_text("\n".join([*rows, "u9"]))
    with pytest.raises(ValueError, match=r"2 problem\(s\)") as error:
        prepare(
            manifest,
            tmp_path / "corpus",
            skip_bad_utterances=skip_bad_utterances,
        )
    assert "line 8: expected 6 fields" in str(error.value)
    assert f"{manifest}: the column split" in str(error.value)
    assert calls == []


def test_too_few_good_lines_come_with_the_bad_ones(manifest, tmp_path):
    manifest.write_text(f"{HEADER}\nu0\nu1\n")
    with pytest.raises(ValueError, match=r"3 problem\(s\)") as error:
        prepare(manifest, tmp_path / "corpus")
    assert "line 2: expected 5 fields" in str(error.value)
    assert "got 1 and 1 of 0 utterances" in str(error.value)


def test_what_was_done_to_the_recordings_is_reported(
    manifest, tmp_path, caplog
):
    sound = speak("A sound.").samples / 2**15
    rooms = np.concatenate([np.zeros(22050), sound, np.zeros(22050)])
    add(manifest, "long,clips/long.wav,A.,a,sad", rooms)
    add(manifest, "loud,clips/loud.wav,B.,a,sad", np.clip(9 * sound, -1, 1))
    add(manifest, "both,clips/both.wav,C.,a,sad", np.column_stack([sound] * 2))
    add(manifest, "slow,clips/slow.wav,D.,a,sad")
    soundfile.write(manifest.parent / "clips/slow.wav", sound, 16000)
    folder = tmp_path / "corpus"
    with caplog.at_level(logging.INFO):
        entries = prepare(manifest, folder, trim_db=40)
    report = report_of(folder)
    assert report["clipped_recordings"] == ["loud"]
    assert report["resampled_recordings"] == 1
    assert report["mixed_recordings"] == 1
    assert report["problems_skipped"] == []
    assert sum(report["utterances"].values()) == 10
    trimmed = {n: e["trimmed_seconds"] for n, e in entries.items()}
    assert trimmed["long"] > 1.8
    assert report["trimmed_seconds"] == pytest.approx(sum(trimmed.values()))
    assert report["trimmed_recordings"] == sum(map(bool, trimmed.values()))
    assert report["seconds"] == pytest.approx(
        sum(entry["duration"] for entry in entries.values())
    )
    assert "1 recordings are clipped: loud" in caplog.text
    assert "1 resampled, 1 mixed to one channel" in caplog.text


def test_a_mel_that_is_not_finite_is_told(tmp_path):
    folder = tmp_path / "corpus"
    folder.mkdir()
    samples = np.zeros(5000, dtype=np.float32)
    samples[2560] = np.nan
    bad = Utterance("a", "train", "A", samples, ["a"], place="x.csv, line 7")
    with pytest.raises(
        ValueError,
        match="x.csv, line 7: the mel must be finite; got NaN or infinity in "
        "[345] of 20 frames",
    ):
        write_corpus(folder, [bad], lambda item: item, MelSettings())


@pytest.mark.parametrize(
    "options, message",
    [
        ({"trim_db": 0}, "trim_db must be null or a number of decibels above"),
        ({"trim_db": -40}, "got -40. 40 cuts off"),
        ({"n_processes": 0}, "n_processes must be an integer of at least 1"),
        ({"n_processes": 1.5}, "got 1.5. Give at most the number of cores"),
    ],
    ids=str,
)
def test_wrong_arguments_are_refused(manifest, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        prepare(manifest, tmp_path / "corpus", **options)
