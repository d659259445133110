"""A corpus is aligned, however often it is interrupted."""

import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from filelock import FileLock

from sb_sma.alignment import (
    corpus as module,
    training,
)
from sb_sma.alignment.aligner import Aligner
from sb_sma.alignment.corpus import Job, align_corpus, unusual_names
from sb_sma.alignment.training import Training
from sb_sma.data.espeak.voice import END, PAUSE, speak
from sb_sma.data.speech.manifest.read import Entry

TEXTS = {
    "a1": "The birch canoe slid on the smooth planks.",
    "a2": "Glue the sheet, and then the dark blue background.",
    "a3": "It is easy to tell the depth of a well.",
    "a4": "These days, a chicken leg is a rare dish.",
}


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """Recordings whose times are known, and entries for them."""
    folder = tmp_path_factory.mktemp("wavs")
    speeches, entries = {}, []
    for name, text in TEXTS.items():
        speeches[name] = speech = speak(text)
        wav = folder / f"{name}.wav"
        soundfile.write(wav, speech.samples, speech.sample_rate)
        entries.append(Entry(f"line {name}", name, wav, text))
    return speeches, entries


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(module, "_TAUGHT_SECONDS", 15)
    monkeypatch.setattr(training, "_ADAPTING_PASSES", 2)


@pytest.fixture(scope="module")
def trained(spoken, tmp_path_factory):
    """A folder of alignments."""
    folder = tmp_path_factory.mktemp("alignments")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_TAUGHT_SECONDS", 15)
        patch.setattr(training, "_ADAPTING_PASSES", 2)
        outcome = align_corpus(Job(spoken[1], folder))
    assert not outcome.problems
    return folder, outcome


def test_starts_are_those_of_the_speech(spoken, trained):
    """Recordings have another rate than the aligner."""
    errors = []
    for name, speech in spoken[0].items():
        alignment = trained[1].alignments[name]
        assert alignment.duration == pytest.approx(
            len(speech.samples) / speech.sample_rate, abs=1e-3
        )
        found = iter(alignment.phones)
        for token, start in zip(speech.tokens, speech.starts):
            if token not in (PAUSE, END):
                interval = next(each for each in found if each.label == token)
                errors.append(interval.start - start / speech.sample_rate)
    assert np.median(np.abs(errors)) < 0.015
    assert np.quantile(np.abs(errors), 0.9) < 0.06


def test_tiers_have_no_gap_and_end_together(trained):
    for alignment in trained[1].alignments.values():
        for tier in (alignment.words, alignment.phones):
            assert tier[0].start == 0 and tier[-1].end == alignment.duration
            assert all(a.end == b.start for a, b in zip(tier, tier[1:]))
            assert all(each.start < each.end for each in tier)
        ends = {each.end for each in alignment.phones}
        assert {each.end for each in alignment.words} <= ends


def test_what_is_done_is_not_done_again(spoken, trained, monkeypatch):
    folder, outcome = trained
    files = {path: path.read_bytes() for path in folder.rglob("*.*")}
    monkeypatch.setattr(module, "_read", None)
    told = []
    again = align_corpus(Job(spoken[1], folder, tell=told.append))
    assert again.alignments == outcome.alignments
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == files
    assert told == [
        f"the aligner in {folder}/model was trained on these recordings",
        "going on after 4 recordings",
    ]


def test_a_killed_training_goes_on_after_its_last_pass(
    spoken, trained, tmp_path, monkeypatch
):
    follow = Training._follow
    passes = []

    def killed_in_the_second_pass(self, counts, told):
        passes.append(self.passes_done)
        if len(passes) == 2:
            raise KeyboardInterrupt
        follow(self, counts, told)

    monkeypatch.setattr(Training, "_follow", killed_in_the_second_pass)
    with pytest.raises(KeyboardInterrupt):
        align_corpus(Job(spoken[1], tmp_path))
    outcome = align_corpus(Job(spoken[1], tmp_path))
    assert passes == [0, 1, 1]
    assert outcome.alignments == trained[1].alignments


def test_a_killed_alignment_goes_on(spoken, trained, tmp_path, monkeypatch):
    aligner = Aligner.load(trained[0] / "model")
    write = module.write_textgrid
    written = []

    def killed_at_the_third(folder, name, *rest):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(name)
        write(folder, name, *rest)

    monkeypatch.setattr(module, "write_textgrid", killed_at_the_third)
    monkeypatch.setattr("sb_sma.data.processes._THREADS", 1)
    with pytest.raises(KeyboardInterrupt):
        align_corpus(Job(spoken[1], tmp_path, aligner=aligner))
    monkeypatch.setattr(
        module,
        "write_textgrid",
        lambda folder, name, *rest: (
            written.append(name),
            write(folder, name, *rest),
        ),
    )
    outcome = align_corpus(Job(spoken[1], tmp_path, aligner=aligner))
    assert written == [*TEXTS]
    assert outcome.alignments == trained[1].alignments


def test_another_text_is_aligned_anew(spoken, trained, tmp_path):
    aligner = Aligner.load(trained[0] / "model")
    first = align_corpus(Job(spoken[1][:2], tmp_path, aligner=aligner))
    changed = replace(spoken[1][0], text="The birch canoe slid.")
    told = []
    job = Job([changed], tmp_path, aligner=aligner, tell=told.append)
    second = align_corpus(job)
    assert not told
    assert len(second.alignments["a1"].words) < len(
        first.alignments["a1"].words
    )
    # nothing is left of what is no longer there
    content = json.loads((tmp_path / "alignments.json").read_text())
    assert [*content] == ["a1"]
    assert [path.stem for path in tmp_path.glob("TextGrid/*")] == ["a1"]


def test_several_processes_align_alike(spoken, trained, tmp_path):
    aligner = Aligner.load(trained[0] / "model")
    entries = [
        replace(entry, name=f"{entry.name}-{copy}")
        for entry in spoken[1]
        for copy in range(2)
    ]
    job = Job(entries, tmp_path, aligner=aligner, n_processes=2)
    outcome = align_corpus(job)
    for name, alignment in outcome.alignments.items():
        ours = trained[1].alignments[name[:2]]
        assert alignment.phones == ours.phones


def test_bad_recordings_are_named_and_passed_over(spoken, trained, tmp_path):
    aligner = Aligner.load(trained[0] / "model")
    wav = spoken[1][0].wav
    silent = tmp_path / "silent.wav"
    soundfile.write(silent, np.zeros(22050), 22050)
    bad = {
        "marks": (wav, "...", "at least one letter or digit"),
        "gone": (tmp_path / "gone.wav", "Yes.", "there is no such file"),
        "silent": (silent, "Yes.", "silen"),
        "short": (wav, "Far too much is to be said. " * 20, "at least"),
    }
    entries = [
        Entry(f"line {name}", name, path, text)
        for name, (path, text, _) in bad.items()
    ]
    entries.insert(2, spoken[1][1])
    outcome = align_corpus(Job(entries, tmp_path / "out", aligner=aligner))
    assert [*outcome.alignments] == ["a2"]
    assert len(outcome.problems) == len(bad)
    for problem, (name, (_, _, told)) in zip(outcome.problems, bad.items()):
        assert problem.startswith(f"line {name}: ") and told in problem


def test_phonemes_that_were_never_heard_are_named(spoken, trained, tmp_path):
    aligner = Aligner.load(trained[0] / "model")
    entry = Entry("line 1", "a", spoken[1][0].wav, "The voyage was vast, Joy.")
    told = []
    align_corpus(Job([entry], tmp_path, aligner=aligner, tell=told.append))
    assert len(told) == 1 and "never heard dʒ, ɔɪ, ʌ, and" in told[0]


def test_two_processes_do_not_write_into_one_folder(spoken, tmp_path):
    with FileLock(tmp_path / ".lock"):
        with pytest.raises(ValueError, match="another process writes"):
            align_corpus(Job(spoken[1], tmp_path))


def test_one_long_recording_is_enough_to_train_on(
    spoken, tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "_LONGEST_SECONDS", 1)
    outcome = align_corpus(Job(spoken[1][:2], tmp_path))
    assert [*outcome.alignments] == ["a1", "a2"]


def test_nothing_to_train_on_is_an_error(tmp_path):
    entries = [Entry("line 1", "a", tmp_path / "gone.wav", "Yes.")]
    with pytest.raises(ValueError, match="line 1: .*there is no such file"):
        align_corpus(Job(entries, tmp_path / "out"))


def test_recordings_that_say_something_else_are_remarked():
    scores = {f"a{i}": -5 + np.sin(i) / 10 for i in range(40)}
    assert unusual_names(scores) == []
    assert unusual_names({**scores, "other": -7.0}) == ["other"]
