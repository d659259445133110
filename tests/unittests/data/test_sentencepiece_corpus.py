"""A corpus teaches its front end the pieces of its training split alone."""

import json

import pytest
import soundfile

import sb_sma.data.processes as processes
import sb_sma.data.speech.folder as corpus_module
from sb_sma.data.corpus.build_once import load_manifests
from sb_sma.data.espeak.voice import speak
from sb_sma.data.speech.prepare import prepare_speech
from sb_sma.data.text.frontends import CharacterFrontend
from sb_sma.data.text.sentencepiece import SentencePieceFrontend

TRAIN = [
    "The old man walked to the sea.",
    "The sea was old, and so was the man.",
    "Two hundred and five men talked.",
    "What was told to the men?",
]
HELD_OUT = ["The others walked 5 hundred.", "The old sea talked to two men."]
PIECES = SentencePieceFrontend(vocab_size=22)


@pytest.fixture
def data(tmp_path):
    """A manifest that says the splits: four, one and one utterances."""
    utterances = {}
    splits = ["train"] * len(TRAIN) + ["valid", "test"]
    for i, (split, text) in enumerate(zip(splits, [*TRAIN, *HELD_OUT])):
        soundfile.write(tmp_path / f"{i}.wav", speak(text).samples, 22050)
        utterances[f"u{i}"] = {"wav": f"{i}.wav", "text": text, "split": split}
    path = tmp_path / "data.json"
    path.write_text(json.dumps(utterances))
    return path


@pytest.fixture
def written(monkeypatch):
    """Names of the utterances whose files are written."""
    names = []
    write = corpus_module._write_utterance

    def spy(folder, utterance, log_mel):
        names.append(utterance.name)
        return write(folder, utterance, log_mel)

    # in one thread, so that the order is known
    monkeypatch.setattr(processes, "_THREADS", 1)
    monkeypatch.setattr(corpus_module, "_write_utterance", spy)
    return names


def change(data, name, **fields):
    """Other fields of an utterance."""
    utterances = json.loads(data.read_text())
    utterances.setdefault(name, {"split": "train"}).update(fields)
    data.write_text(json.dumps(utterances))


def prepare(data, folder, frontend=PIECES, **options):
    """The entries by name, and the front end that the corpus keeps."""
    prepare_speech(data, folder, frontend=frontend, **options)
    entries = {
        name: entry
        for split in load_manifests(folder).values()
        for name, entry in split.items()
    }
    return entries, frontend.locate(folder)


def contents(folder):
    """Every file with what it holds."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def interrupt(data, folder, monkeypatch):
    """Prepares three utterances, then stops."""
    add = corpus_module.Journal.add

    def add_and_stop(journal, key, result):
        add(journal, key, result)
        if result[1] == "u2":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(corpus_module.Journal, "add", add_and_stop)
        with pytest.raises(KeyboardInterrupt):
            prepare(data, folder)


def test_the_training_split_alone_is_learned(data, tmp_path):
    entries, kept = prepare(data, tmp_path / "corpus")
    assert kept.identity() == PIECES.fit(TRAIN).identity()
    for entry in entries.values():
        assert entry["tokens"] == kept.tokens(entry["text"])
    change(data, "u4", text="Sat at the sad sled.")
    _, again = prepare(data, tmp_path / "other")
    assert again.identity() == kept.identity()
    change(data, "u3", text="Sat at the sad sled.")
    _, again = prepare(data, tmp_path / "another")
    assert again.identity() != kept.identity()


def test_the_table_has_the_tokens_of_training(data, tmp_path):
    change(data, "u4", text="I am old.")
    # training has m within pieces alone
    frontend = SentencePieceFrontend("bpe", vocab_size=24)
    entries, _ = prepare(data, tmp_path / "corpus", frontend)
    symbols = json.loads((tmp_path / "corpus" / "tokens.json").read_text())
    heard = {t for i in range(4) for t in entries[f"u{i}"]["tokens"]}
    assert symbols == sorted(heard)
    assert "m" in entries["u4"]["tokens"] and "m" not in symbols


def test_the_same_arguments_find_the_corpus_again(data, tmp_path, written):
    folder = tmp_path / "corpus"
    prepare(data, folder)
    assert len(written) == 6
    before = contents(folder)
    prepare(data, folder, SentencePieceFrontend(vocab_size=22))
    assert len(written) == 6
    assert contents(folder) == before
    for number, other in enumerate(
        (
            SentencePieceFrontend(vocab_size=23),
            SentencePieceFrontend("bpe", vocab_size=23),
            CharacterFrontend(),
        )
    ):
        written.clear()
        with pytest.raises(ValueError, match="another corpus .*frontend: "):
            prepare(data, folder, other)
        prepare(data, tmp_path / f"other {number}", other)
        assert len(written) == 6
    assert contents(folder) == before


def test_an_interrupted_preparation_goes_on(
    data, tmp_path, written, monkeypatch
):
    folder = tmp_path / "corpus"
    interrupt(data, folder, monkeypatch)
    written.clear()
    prepare(data, folder)
    assert written == ["u3", "u4", "u5"]
    prepare(data, tmp_path / "at once")
    assert contents(folder) == contents(tmp_path / "at once")


def test_other_training_texts_make_all_anew(
    data, tmp_path, written, monkeypatch
):
    folder = tmp_path / "corpus"
    interrupt(data, folder, monkeypatch)
    written.clear()
    change(data, "u4", text="Two others talked.")
    prepare(data, folder)
    assert written == ["u3", "u4", "u5"]
    interrupt(data, tmp_path / "second", monkeypatch)
    written.clear()
    change(data, "u3", text="The sea was told to the men?")
    prepare(data, tmp_path / "second")
    assert written == [f"u{i}" for i in range(6)]
    prepare(data, tmp_path / "at once")
    assert contents(tmp_path / "second") == contents(tmp_path / "at once")


@pytest.mark.integration
def test_several_processes_make_the_same_corpus(data, tmp_path):
    change(data, "u6", wav="lost.wav", text="The lost one.")
    folders = [tmp_path / "one", tmp_path / "two"]
    for n_processes, folder in enumerate(folders, start=1):
        prepare(data, folder, n_processes=n_processes, skip_bad_utterances=True)
    one, two = map(contents, folders)
    assert one == two


def test_bad_utterances_are_named_or_skipped(data, tmp_path):
    change(data, "u6", wav="0.wav", text="...")
    change(data, "u7", wav="0.wav", text="Quiz?", split="valid")
    folder = tmp_path / "corpus"
    with pytest.raises(ValueError, match=r"has 2 problem\(s\)") as error:
        prepare(data, folder)
    assert "at least one letter or digit" in str(error.value)
    assert "The word 'quiz' has 'q', which is neither" in str(error.value)
    entries, kept = prepare(data, folder, skip_bad_utterances=True)
    assert sorted(entries) == [f"u{i}" for i in range(6)]
    assert kept.identity() == PIECES.fit(TRAIN).identity()


@pytest.mark.parametrize("model_type", ["unigram", "bpe"])
def test_a_size_that_the_corpus_cannot_give_is_one_error(
    data, tmp_path, model_type
):
    frontend = SentencePieceFrontend(model_type, vocab_size=900)
    with pytest.raises(ValueError, match=r"has 1 problem\(s\)") as error:
        prepare(data, tmp_path / "corpus", frontend)
    assert "at most what the training words give, " in str(error.value)
    assert "Lower it (sentencepiece_size in the YAML)" in str(error.value)
    assert not (tmp_path / "corpus").exists()
