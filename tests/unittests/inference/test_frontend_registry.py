"""The YAML word makes a front end, and an exported model keeps it."""

import json
import pickle
import re
import shutil

import pytest
from hyperpyyaml import load_hyperpyyaml
from torch import nn

from sb_sma.data.lexicon.cmudict import find_cmudict
from sb_sma.data.lexicon.content import read_content
from sb_sma.data.text.frontends import CharacterFrontend, EspeakFrontend
from sb_sma.data.text.sentencepiece import SentencePieceFrontend
from sb_sma.inference import G2P, TTS
from sb_sma.inference.export import export_tts
from sb_sma.inference.frontend_registry import make_frontend
from sb_sma.inference.g2p.frontend import G2PFrontend
from tests.model_folders import forget_digests
from tests.unittests import conftest
from tests.unittests.conftest import export_small_g2p, export_small_model

MODELS = "models:\n    model: !new:torch.nn.Linear\n        in_features: 2\n"
MODELS += "        out_features: 2\n"


@pytest.fixture
def g2p_folder(tmp_path):
    """The files that a G2P model has, by their names alone."""
    folder = tmp_path / "g2p_run" / "model"
    folder.mkdir(parents=True)
    for name in ("hyperparams.yaml", "model.safetensors", "graphemes.json"):
        (folder / name).write_text(name)
    return folder


@pytest.fixture
def lexicon(tmp_path):
    path = tmp_path / "own.dict"
    path.write_text("dog D AO1 G\n")
    return path


def test_names_make_front_ends(g2p_folder):
    frontend = make_frontend("espeak", ["en-gb", "en-us"], [160, 200])
    assert isinstance(frontend, EspeakFrontend)
    assert frontend.settings.voice == "en-gb"
    assert frontend.settings.rate == 180
    assert isinstance(make_frontend("characters"), CharacterFrontend)
    frontend = make_frontend("g2p", g2p_model=str(g2p_folder))
    assert isinstance(frontend, G2PFrontend)
    frontend = make_frontend(
        "sentencepiece", sentencepiece_model="bpe", sentencepiece_size=7
    )
    assert isinstance(frontend, SentencePieceFrontend)
    assert (frontend.model_type, frontend.vocab_size) == ("bpe", 7)


def test_a_front_end_can_be_sent_to_another_process(exported_g2p, lexicon):
    frontend = G2PFrontend(exported_g2p, lexicon)
    # what it has loaded stays
    expected = frontend.tokens("Dog cab.")
    sent = pickle.dumps(frontend)
    assert len(sent) < 1000
    assert pickle.loads(sent).tokens("Dog cab.") == expected


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            {"name": "Espeak"},
            "frontend must be one of espeak, characters, sentencepiece, "
            "g2p, hibari; got 'Espeak'",
        ),
        (
            {"name": "g2p", "g2p_model": "no/such/folder"},
            "no/such/folder holds no hyperparams.yaml. Train one with",
        ),
        ({"name": "espeak", "voice": []}, "voice must name a voice"),
        (
            {"name": "sentencepiece", "sentencepiece_model": "word"},
            "model_type must be one of unigram, bpe; got 'word'",
        ),
    ],
    ids=str,
)
def test_wrong_words_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_frontend(**arguments)


def test_a_training_folder_is_no_g2p_model(g2p_folder):
    """A run's own folder has a hyperparams.yaml, too."""
    (g2p_folder / "model.safetensors").unlink()
    with pytest.raises(ValueError, match="holds no model.safetensors"):
        make_frontend("g2p", g2p_model=g2p_folder)


@pytest.fixture
def ipa_folder(exported_g2p, tmp_path):
    """The small model, whose phonemes have other names."""
    folder = tmp_path / "ipa"
    shutil.copytree(exported_g2p, folder)
    yaml = (folder / "hyperparams.yaml").read_text()
    for old, new in (("AH", "t͡ʃ"), ("B", "b"), ("K", "k")):
        yaml = yaml.replace(f"- {old}\n", f"- {new}\n")
    # what endings need, and the model never says
    yaml = re.sub("( *- )k\n", r"\g<0>\1s\n\1z\n\1ɪ\n", yaml)
    (folder / "hyperparams.yaml").write_text(yaml, encoding="utf-8")
    return folder


def test_a_model_of_ipa_says_every_word(ipa_folder):
    frontend = G2PFrontend(ipa_folder, "none")
    [cab] = G2P.from_hparams(source=str(ipa_folder))(["cab"])
    assert cab == ["k", "t͡ʃ", "b"]
    assert frontend.tokens("Cab, abb's.") == [
        *[*cab, "<pause>"],
        *["t͡ʃ", "b", "b", "z", "<end>"],
    ]
    # the ending has a vowel after a sibilant
    assert frontend.tokens("bca's")[2:] == ["t͡ʃ", "ɪ", "z", "<end>"]


def test_a_lexicon_in_the_phonemes_of_the_model(ipa_folder, tmp_path):
    lexicon = tmp_path / "mine.tsv"
    lexicon.write_text("aitch\tb b\ndog\tk t͡ʃ k\n", encoding="utf-8")
    frontend = G2PFrontend(ipa_folder, lexicon)
    # letters are read by their names
    assert " ".join(frontend.tokens("Dog H.")) == "k t͡ʃ k b b <end>"
    lexicon.write_text("dog\td ɔ k\n", encoding="utf-8")
    with pytest.raises(
        ValueError, match="mine.tsv has d, ɔ, which .*ipa lacks"
    ):
        G2PFrontend(ipa_folder, lexicon).tokens("Dog.")


def test_an_export_without_a_lexicon(ipa_folder, tmp_path):
    frontend = make_frontend("g2p", g2p_model=ipa_folder, g2p_lexicon="none")
    folder = tmp_path / "tts" / "model"
    export_tts(folder, MODELS, nn.Linear(2, 2), ["a"], frontend, {})
    assert not list(folder.glob("lexicon*"))
    text = (folder / "hyperparams.yaml").read_text(encoding="utf-8")
    loaded = load_hyperpyyaml(text)["frontend"].locate(folder)
    assert loaded.tokens("Cab.") == frontend.tokens("Cab.")
    assert loaded.identity() == frontend.identity()


def test_cmudict_does_not_go_with_a_model_of_ipa(ipa_folder):
    with pytest.raises(ValueError, match="cmudict has AA, AE, .* or none"):
        G2PFrontend(ipa_folder).tokens("Dog.")


def test_what_does_not_fit_is_told_before_any_text(ipa_folder):
    frontend = make_frontend("g2p", g2p_model=ipa_folder)
    with pytest.raises(ValueError, match="must have the phonemes of g2p_model"):
        frontend.check()
    with pytest.raises(ValueError, match="got null. Write none"):
        make_frontend("g2p", g2p_model=ipa_folder, g2p_lexicon=None)


def test_a_model_of_no_english_is_refused(ipa_folder):
    yaml = (ipa_folder / "hyperparams.yaml").read_text(encoding="utf-8")
    yaml = yaml.replace("- z\n", "- ʒ\n")
    (ipa_folder / "hyperparams.yaml").write_text(yaml, encoding="utf-8")
    with pytest.raises(
        ValueError, match="g2p_model must .*s, z and ɪ .*; got b"
    ):
        G2PFrontend(ipa_folder, "none").check()


def test_stress_of_ipa_stays_where_the_model_has_it(ipa_folder, tmp_path):
    lexicon = tmp_path / "mine.tsv"
    lexicon.write_text("dog\tk ˈɪ k\n", encoding="utf-8")
    assert G2PFrontend(ipa_folder, lexicon).tokens("Dog.")[1] == "ɪ"
    yaml = (ipa_folder / "hyperparams.yaml").read_text(encoding="utf-8")
    yaml = re.sub("( *- )ɪ\n", r"\g<0>\1ˈɪ\n", yaml)
    (ipa_folder / "hyperparams.yaml").write_text(yaml, encoding="utf-8")
    assert G2PFrontend(ipa_folder, lexicon).tokens("Dog.")[1] == "ˈɪ"


def test_a_model_of_several_languages_is_refused(
    exported_g2p, lexicon, tmp_path
):
    folder = tmp_path / "other"
    forget_digests(shutil.copytree(exported_g2p, folder))
    graphemes = json.loads((folder / "graphemes.json").read_text())
    (folder / "graphemes.json").write_text(
        json.dumps({**graphemes, "languages": ["eng_us", "ita"]})
    )
    with pytest.raises(ValueError, match="other reads eng_us, ita. Train one"):
        G2PFrontend(folder, lexicon).tokens("Dog.")


def test_an_unreadable_word_is_named_without_a_number(exported_g2p, lexicon):
    frontend = G2PFrontend(exported_g2p, lexicon)
    with pytest.raises(ValueError, match="^The word 'ƨx'"):
        frontend.tokens("Dog ƨx.")


def test_a_missing_lexicon_is_named(g2p_folder, tmp_path):
    frontend = G2PFrontend(g2p_folder, tmp_path / "lost.dict")
    with pytest.raises(ValueError, match="there is no .*lost.dict"):
        frontend.tokens("A dog.")


def test_identity_follows_model_and_lexicon(g2p_folder, lexicon):
    first = G2PFrontend(g2p_folder, lexicon).identity()
    assert G2PFrontend(g2p_folder, lexicon).identity() == first
    assert G2PFrontend(g2p_folder).identity() != first
    lexicon.write_text("dog D AO0 G\n")
    second = G2PFrontend(g2p_folder, lexicon).identity()
    assert second != first
    (g2p_folder / "graphemes.json").write_text("other")
    assert G2PFrontend(g2p_folder, lexicon).identity() != second


def test_an_export_holds_the_model_and_the_lexicon(g2p_folder, tmp_path):
    folder = tmp_path / "tts" / "model"
    frontend = G2PFrontend(g2p_folder)
    export_tts(folder, MODELS, nn.Linear(2, 2), ["a"], frontend, {})
    moved = tmp_path / "moved"
    folder.rename(moved)
    for name in ("hyperparams.yaml", "model.safetensors", "graphemes.json"):
        assert (moved / "g2p" / name).read_text() == name
    dictionary = moved / "lexicon.dict"
    assert dictionary.read_bytes() == read_content(find_cmudict())
    text = (moved / "hyperparams.yaml").read_text(encoding="utf-8")
    assert str(tmp_path) not in text and "/" not in text
    loaded = load_hyperpyyaml(text)["frontend"].locate(moved)
    loaded.check_files()
    assert loaded.identity() == frontend.identity()


def test_an_exported_model_reads_by_its_own_g2p(
    exported_with_g2p, exported_g2p, texts
):
    tts = TTS.from_hparams(source=str(exported_with_g2p))
    assert tts.hparams.frontend.source == exported_with_g2p / "g2p"
    # the lexicon first, its stress stripped, as the model knows none
    assert tts.tokens("Yes, I say.") == "Y EH S <pause> AY S EY <end>".split()
    g2p = G2P.from_hparams(source=str(exported_g2p))
    # an untrained model is silent about some words
    words = ["aabb", "abab", "acbb", "baaa"]
    word, phonemes = next(pair for pair in zip(words, g2p(words)) if pair[1])
    assert tts.tokens(f"say {word}") == ["S", "EY", *phonemes, "<end>"]
    assert len(tts.speak(texts, seed=0)) == len(texts)
    assert tts.finished == [True] * len(texts)


def test_g2p_reads_plain_characters(exported_g2p, tmp_path):
    path = tmp_path / "own.dict"
    path.write_text("a’b K AH B\ncafe\u0301 K AH\n", encoding="utf-8")
    frontend = G2PFrontend(exported_g2p, path)
    expected = frontend.tokens("a'b café cab")
    assert expected[:5] == "K AH B K AH".split()
    for text in ("a’b cafe\u0301 ｃａｂ", "aʼb café c\u00ada\u200bb"):
        assert frontend.tokens(text) == expected


def test_g2p_says_a_lexicon_in_the_spelling_of_the_model(
    tmp_path, repository, monkeypatch
):
    said = {"a": "a\u0303", "b": "s", "c": "z", "d": "ɪ"}
    monkeypatch.setattr(conftest, "SPELLING", said)
    model = export_small_g2p(tmp_path, repository, train=lambda *_: None)
    for vowel in ("a\u0303", "ã"):
        path = tmp_path / "own.tsv"
        path.write_text(f"as\t{vowel} s\n", encoding="utf-8")
        tokens = G2PFrontend(model, path).tokens("as")
        assert tokens == ["a\u0303", "s", "<end>"]


def test_a_corpus_folder_is_not_searched_for_the_g2p_model(
    g2p_folder, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    name = str(g2p_folder.relative_to(tmp_path))
    frontend = make_frontend("g2p", g2p_model=name)
    assert frontend.locate(tmp_path / "corpus").source == g2p_folder


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_an_exported_model_reads_by_its_own_pieces(
    tmp_path, repository, texts, kind
):
    export_small_model(
        tmp_path,
        repository,
        frontend="sentencepiece",
        sentencepiece_model=kind,
        sentencepiece_size=18,
    )
    moved = tmp_path / "moved model"
    (tmp_path / "model").rename(moved)
    tts = TTS.from_hparams(source=str(moved))
    expected = SentencePieceFrontend(kind, 18).fit(texts)
    for text in [*texts, "Who or what is short?", "2 words"]:
        assert tts.tokens(text) == expected.tokens(text)
    assert len(tts.speak(texts, seed=0)) == len(texts)
    (moved / "sentencepiece.json").unlink()
    with pytest.raises(ValueError, match="moved model/sentencepiece.json; got"):
        TTS.from_hparams(source=str(moved))


def test_an_export_of_letters_reads_letters(tmp_path):
    folder = tmp_path / "model"
    frontend = make_frontend("characters")
    export_tts(folder, MODELS, nn.Linear(2, 2), ["a"], frontend, {})
    text = (folder / "hyperparams.yaml").read_text(encoding="utf-8")
    loaded = load_hyperpyyaml(text)["frontend"]
    assert loaded.tokens("Go on.") == frontend.tokens("Go on.")


def test_an_export_keeps_the_voice(tmp_path):
    folder = tmp_path / "model"
    frontend = make_frontend("espeak", "en-gb+f3", 200)
    export_tts(folder, MODELS, nn.Linear(2, 2), ["a"], frontend, {})
    text = (folder / "hyperparams.yaml").read_text(encoding="utf-8")
    assert load_hyperpyyaml(text)["frontend"] == frontend


def test_g2p_without_a_model_of_ones_own(tmp_path):
    frontend = make_frontend("g2p")
    said = dict(frontend.words("They record a speechbrain record."))
    assert said["They"] == ["DH", "EY1"]
    # CMUdict has no such word
    assert said["speechbrain"][:2] == ["S", "P"]
    folder = tmp_path / "tts" / "model"
    export_tts(folder, MODELS, nn.Linear(2, 2), ["a"], frontend, {})
    text = (folder / "hyperparams.yaml").read_text(encoding="utf-8")
    located = load_hyperpyyaml(text)["frontend"].locate(folder)
    assert located.identity() == frontend.identity()
    assert located.tokens("speechbrain") == frontend.tokens("speechbrain")
