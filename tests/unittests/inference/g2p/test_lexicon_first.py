"""Words are said as a lexicon says them, and the others by a model."""

import pytest

from sb_sma.data.lexicon.cmudict import Cmudict
from sb_sma.data.notation import strip_stress
from sb_sma.inference import G2P
from sb_sma.inference.g2p.lexicon_first import LexiconG2P, find_packaged


class Never:
    """Fails if the model is loaded."""

    def __call__(self):
        raise AssertionError("the model was loaded")


def test_the_model_is_not_loaded_for_words_of_the_lexicon():
    g2p = LexiconG2P(Never())
    assert g2p(["HELLO", "It’s"]) == [
        ["HH", "AH0", "L", "OW1"],
        ["IH1", "T", "S"],
    ]
    assert g2p([]) == []
    assert not g2p.fallbacks
    with pytest.raises(AssertionError, match="was loaded"):
        g2p(["helloo"])


def test_words_stay_in_their_order(exported_g2p):
    model = G2P.from_hparams(source=str(exported_g2p))
    g2p = LexiconG2P(lambda: model, {"cab": (("K",), ("B",))})
    words = ["abc", "cab", "bb", "Cab", "a"]
    alone = model.n_best(words, 2)
    found = g2p.n_best(words, 2)
    for row in (0, 2, 4):
        assert [each.phonemes for each in found[row]] == [
            each.phonemes for each in alone[row]
        ]
    assert [each.phonemes for each in found[1]] == [["K"], ["B"]]
    assert found[1] == found[3]
    assert [each.phonemes for each in g2p.n_best(["cab"], 1)[0]] == [["K"]]
    assert g2p.fallbacks == model.fallbacks


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda g2p: g2p("hello"), "words must be a list of words; got the"),
        (lambda g2p: g2p(["hello", 3]), "words must be a list of strings"),
        (lambda g2p: g2p.n_best(["hello"], 0), "n must be"),
        (lambda g2p: g2p(["hello"], beam_size=0), "beam_size must be"),
        (
            lambda g2p: g2p(["hello", "..."]),
            "word 2: A word must have a letter",
        ),
        (lambda g2p: g2p(["hello"], "fr"), "language must be one"),
        (lambda g2p: G2P.pretrained("xx"), "must be one of en-us; got 'xx'"),
    ],
)
def test_mistakes_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(G2P.pretrained())


def test_the_packaged_model_is_small_and_in_arpabet():
    files = [path for path in find_packaged().iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 4 * 2**20
    g2p = G2P.pretrained("en-us", lexicon=False)
    assert len(g2p.hparams.phonemes.symbols) == 69
    assert g2p(["speechbrain"]) == [
        ["S", "P", "IY1", "CH", "B", "R", "EY2", "N"]
    ]
    lexicon = Cmudict()
    words = list(lexicon)[::500]
    said = map(strip_stress, g2p(words))
    right = [
        phonemes in map(strip_stress, lexicon[word])
        for word, phonemes in zip(words, said)
    ]
    assert sum(right) >= 0.7 * len(words)
