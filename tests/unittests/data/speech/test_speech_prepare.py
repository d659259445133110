"""Recordings of any kind become a corpus, whatever happens on the way."""

import json
import logging
import os
import shlex
import shutil
import time

import numpy as np
import pytest
import soundfile

import sb_sma.data.processes as processes
import sb_sma.data.speech.folder as corpus_module
from sb_sma.cli import main
from sb_sma.data.corpus import digests
from sb_sma.data.corpus.build_once import list_changes, load_manifests
from sb_sma.data.espeak.voice import phonemize, speak
from sb_sma.data.speech.folder import Utterance, write_corpus
from sb_sma.data.speech.mel import MelSettings
from sb_sma.data.speech.prepare import prepare_speech
from sb_sma.data.speech.splits import HoldOut
from sb_sma.data.text.frontends import CharacterFrontend, EspeakFrontend

# a seed that holds out good utterances alone
SPLITS = HoldOut(n_valid=1, n_test=1, seed=51)
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


def prepare_in(manifest, root, **options):
    """The folder in which the corpus is among others."""
    return prepare_speech(manifest, **{"splits": SPLITS, **options}).make_in(
        root
    )


def names_of(folder):
    return {name for split in load_manifests(folder).values() for name in split}


def change_content(wav):
    """Other samples, and nothing else that a folder shows."""
    before = wav.stat()
    samples, rate = soundfile.read(wav, dtype="int16")
    soundfile.write(wav, samples[::-1], rate)
    os.utime(wav, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert wav.stat().st_size == before.st_size


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
    monkeypatch.setattr(processes, "_THREADS", 1)
    monkeypatch.setattr(corpus_module, "_write_utterance", spy)
    return names


def interrupt(manifest, folder, calls, monkeypatch, by=prepare, **options):
    """Prepares three utterances, then stops."""
    add_to_journal = corpus_module.Journal.add

    def add_and_stop(journal, key, result):
        add_to_journal(journal, key, result)
        if result[1] == "u2":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(corpus_module.Journal, "add", add_and_stop)
        with pytest.raises(KeyboardInterrupt):
            by(manifest, folder, **options)
    assert not (folder / "corpus.json").exists()
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


def test_a_mended_recording_is_seen(manifest, tmp_path, calls):
    root = tmp_path / "corpora"
    samples = speak("Bad.").samples
    add(manifest, "u6,clips/6.wav,Bad.,a,sad", samples[:0])
    bad = prepare_in(manifest, root, skip_bad_utterances=True)
    soundfile.write(manifest.parent / "clips" / "6.wav", samples, 22050)
    mended = prepare_in(manifest, root, skip_bad_utterances=True)
    assert names_of(mended) - names_of(bad) == {"u6"}
    assert report_of(mended)["problems_skipped"] == []
    # and then there is nothing to do, nor for a copy of the data
    calls.clear()
    for wav in (manifest.parent / "clips").iterdir():
        os.utime(wav, (0, 0))
    assert prepare_in(manifest, root, skip_bad_utterances=True) == mended
    assert calls == []


@pytest.mark.parametrize("digests_folder", [None, "corpora"])
def test_other_content_at_the_same_path_is_another_corpus(
    manifest, tmp_path, digests_folder
):
    root = tmp_path / "corpora"
    options = {"digests_folder": digests_folder and tmp_path / digests_folder}
    first = prepare_in(manifest, root, **options)
    before = contents(first)
    change_content(manifest.parent / "clips" / "2.wav")
    second = prepare_in(manifest, root, **options)
    assert contents(first) == before
    differing = [
        name
        for name, content in contents(second).items()
        if before[name] != content
    ]
    assert {"wavs/u2.wav", "mels/u2.npy"} <= set(differing)
    assert not [
        n for n in differing if n[:5] in ("wavs/", "mels/") and "u2" not in n
    ]


def test_moved_data_are_the_same_corpus(manifest, tmp_path, calls):
    root = tmp_path / "corpora"
    folder = prepare_in(manifest, root)
    calls.clear()
    moved = manifest.parent.rename(tmp_path / "elsewhere") / manifest.name
    assert prepare_in(moved, root) == folder
    # as JSON, with absolute paths and other line ends, too
    rows = [line.split(",", 2) for line in moved.read_text().splitlines()[1:]]
    utterances = {}
    for name, wav, rest in rows:
        text, speaker, mood = rest.rsplit(",", 2)
        utterances[name] = {
            "style_mood": mood,
            "speaker": speaker,
            "text": text.strip('"'),
            "wav": str(moved.parent / wav),
        }
    other = tmp_path / "manifest.json"
    other.write_text(json.dumps(utterances, indent=1))
    assert prepare_in(other, root) == folder
    assert calls == []


def test_another_order_is_another_corpus(manifest, tmp_path):
    # which utterances are held out depends on it
    before = prepare_speech(manifest, splits=SPLITS)
    header, *lines = manifest.read_text().splitlines()
    manifest.write_text("\n".join([header, *reversed(lines)]))
    after = prepare_speech(manifest, splits=SPLITS)
    assert after.folder_name != before.folder_name
    changes = list_changes(before.description, after.description)
    assert "utterances: the same in another order" in changes


def test_seeds_that_hold_out_the_same_share_a_corpus(manifest, tmp_path):
    names = {
        seed: prepare_speech(
            manifest, splits=HoldOut(n_valid=1, n_test=1, seed=seed)
        ).folder_name
        for seed in range(60)
    }
    assert 1 < len(set(names.values())) <= 30  # of 6 * 5 ways


def test_recordings_are_read_once_for_their_hashes(
    manifest, tmp_path, monkeypatch
):
    for wav in (manifest.parent / "clips").iterdir():
        os.utime(wav, (0, 0))
    time.sleep(2.1)  # a change of now could be followed by another
    root = tmp_path / "corpora"
    folder = prepare_in(manifest, root, digests_folder=root)
    read = []
    monkeypatch.setattr(
        digests, "_digest_file", lambda path: read.append(path) or "0" * 16
    )
    assert prepare_in(manifest, root, digests_folder=root) == folder
    assert read == []
    change_content(manifest.parent / "clips" / "2.wav")
    prepare_speech(manifest, splits=SPLITS, digests_folder=root)
    assert read == [str(manifest.parent / "clips" / "2.wav")]


def test_a_recording_that_changes_meanwhile_ends_the_preparation(
    manifest, tmp_path
):
    plan = prepare_speech(manifest, splits=SPLITS)
    change_content(manifest.parent / "clips" / "2.wav")
    with pytest.raises(RuntimeError, match="line 4: .*2.wav has changed while"):
        plan.make_in(tmp_path / "corpora")
    folder = prepare_in(manifest, tmp_path / "corpora")
    assert len(names_of(folder)) == 6


def test_a_path_too_long_for_a_file_is_a_problem_of_its_line(
    manifest, tmp_path
):
    add(manifest, f"u6,{300 * 'x'},Yes.,a,sad")
    with pytest.raises(ValueError, match="line 8: .*there is no such file"):
        prepare(manifest, tmp_path / "corpus")


def test_a_recording_that_comes_or_goes_is_seen(manifest, tmp_path):
    root, options = tmp_path / "corpora", {"skip_bad_utterances": True}
    add(manifest, "u6,clips/6.wav,Late.,a,sad")
    without = prepare_in(manifest, root, **options)
    assert "u6" not in names_of(without)
    wav = manifest.parent / "clips" / "6.wav"
    soundfile.write(wav, speak("Late.").samples, 22050)
    assert "u6" in names_of(prepare_in(manifest, root, **options))
    wav.unlink()
    assert prepare_in(manifest, root, **options) == without


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
    with pytest.raises(ValueError, match="holds another corpus"):
        prepare(manifest, folder)
    prepare(manifest, tmp_path / "other")
    assert len(calls) == 6


def test_corpora_beside_each_other_keep_what_each_has_begun(
    manifest, tmp_path, calls, monkeypatch
):
    root = tmp_path / "corpora"
    interrupt(manifest, root, calls, monkeypatch, by=prepare_in)
    prepare_in(manifest, root, trim_db=30)
    assert len(calls) == 6
    calls.clear()
    # other data begin on their own; the same data go on, though mended
    other = manifest.with_name("other.csv")
    other.write_text(manifest.read_text().replace("counts", "count"))
    prepare_in(other, root)
    assert len(calls) == 6
    calls.clear()
    manifest.write_text(manifest.read_text().replace("u4,", "v4,"))
    prepare_in(manifest, root)
    assert calls == ["u3", "v4", "u5"]
    left = [p.name for p in root.iterdir() if p.suffix != ".lock"]
    assert sum(not name.startswith(".") for name in left) == 3
    assert not [name for name in left if name.endswith(".building")]


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
        prepare(manifest, tmp_path / "other")


def test_a_bad_line_is_told_though_the_rest_is_there(manifest, tmp_path):
    root = tmp_path / "corpora"
    prepare_in(manifest, root)
    add(manifest, "u7")
    with pytest.raises(ValueError, match="line 8: expected 5 fields"):
        prepare_in(manifest, root)


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
