"""Exported G2P models: what they return, and what they refuse."""

import json
import math
import shutil

import pytest
import torch

from sb_sma.inference import G2P
from tests.model_folders import forget_digests

WORDS = ["cab", "a", "bacca", "abc", "bb", "caab"]


@pytest.fixture(scope="module")
def g2p(exported_g2p):
    return G2P.from_hparams(source=str(exported_g2p))


def test_every_word_gets_its_phonemes_in_the_order_of_the_words(g2p):
    together = g2p(WORDS)
    assert len(together) == len(WORDS)
    # a batch gives what its items give alone
    assert together == [g2p([word])[0] for word in WORDS]
    assert {symbol for word in together for symbol in word} <= {"AH", "B", "K"}
    assert [" ".join(phonemes) for phonemes in g2p(["cab", "a", "bb"])] == [
        "K AH B",
        "AH",
        "B B",
    ]


def test_threads_give_what_one_gives(g2p):
    words = [word * times for times in (1, 2, 3) for word in WORDS * 5]
    n_threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        expected = g2p(words)
        torch.set_num_threads(3)
        assert g2p(words) == expected
    finally:
        torch.set_num_threads(n_threads)


def test_no_words_give_nothing(g2p):
    assert g2p([]) == []


def test_the_best_are_sorted_and_their_probability_is_the_models(g2p):
    for word, hypotheses in zip(WORDS, g2p.n_best(WORDS, 3)):
        assert 1 < len(hypotheses) <= 3
        texts = [tuple(each.phonemes) for each in hypotheses]
        assert len(set(texts)) == len(texts)
        for each in hypotheses:
            if not each.finished:
                continue
            ids = g2p.encode(word)
            targets = torch.tensor([g2p.hparams.phonemes.encode(each.phonemes)])
            logits, _ = g2p.mods.model(
                torch.tensor([ids]), torch.tensor([len(ids)]), targets
            )
            blocked = g2p.mods.model.blocked
            log_probs = logits.masked_fill(blocked, -math.inf).log_softmax(-1)
            expected = log_probs.gather(-1, targets[..., None]).sum()
            assert each.log_probability == pytest.approx(
                float(expected), abs=1e-4
            )


def test_no_pronunciation_at_all_is_refused(g2p):
    with pytest.raises(ValueError, match="n must be 1 or more.*got 0"):
        g2p.n_best(["cab"], 0)


def test_greedy_is_one_beam(g2p):
    assert g2p(WORDS, beam_size=1) == [
        hypotheses[0].phonemes
        for hypotheses in g2p.n_best(WORDS, 1, beam_size=1)
    ]


def test_letters_that_training_lacks_fall_back_or_are_refused(g2p):
    assert g2p(["Cáb"]) == g2p(["cab"])
    assert g2p.hparams.grapheme_tokenizer.fallbacks["á"] == 1
    with pytest.raises(ValueError, match="word 2: The word 'ж'"):
        g2p(["a", "ж"])


@pytest.mark.parametrize("word", ["", " ", "a\tb", "a\0", "a" * 200])
def test_what_is_no_word_is_refused(g2p, word):
    with pytest.raises(ValueError, match="word 1: "):
        g2p([word])


def test_a_string_is_not_a_list_of_words(g2p):
    with pytest.raises(ValueError, match="Put a single word into a list"):
        g2p("cab")


def test_a_language_that_the_model_lacks_is_refused(g2p):
    with pytest.raises(ValueError, match="language"):
        g2p(["cab"], language="eng_us")


def test_models_that_are_joined_average_their_probabilities(exported_g2p):
    source = str(exported_g2p)
    first, second, other = (G2P.from_hparams(source=source) for _ in range(3))
    with torch.no_grad():
        for parameter in second.parameters():
            parameter.mul_(0.5)
    first.join([second])
    graphemes = torch.tensor([first.encode("cab")])
    lengths = torch.tensor([graphemes.shape[1]])
    steps = []
    for g2p in (first, second, other):
        state = g2p.mods.model.start(graphemes, lengths, 4)
        steps.append(g2p.mods.model.step(torch.tensor([0]), state)[0].exp())
    torch.testing.assert_close(steps[0], (steps[1] + steps[2]) / 2)
    assert not torch.allclose(steps[1], steps[2])


def test_models_that_read_words_otherwise_are_not_joined(
    exported_g2p, tmp_path
):
    folder = tmp_path / "other"
    forget_digests(shutil.copytree(exported_g2p, folder))
    graphemes = json.loads((folder / "graphemes.json").read_text())
    (folder / "graphemes.json").write_text(
        json.dumps({**graphemes, "decompose": True})
    )
    first, second = (
        G2P.from_hparams(source=str(each)) for each in (exported_g2p, folder)
    )
    with pytest.raises(ValueError, match="they differ in decompose. Take"):
        first.join([second])


def test_models_of_other_lexicons_are_not_joined(exported_g2p):
    source = str(exported_g2p)
    first, second = (G2P.from_hparams(source=source) for _ in range(2))
    second.hparams.phonemes.symbols.append("ZH")
    with pytest.raises(
        ValueError,
        match="phonemes: 3 and 4 symbols, of which one model lacks ZH",
    ):
        first.join([second])


def test_given_pronunciations_are_as_probable_as_found_ones(exported_g2p):
    source = str(exported_g2p)
    alone, first, second = (G2P.from_hparams(source=source) for _ in range(3))
    with torch.no_grad():
        for parameter in second.parameters():
            parameter.mul_(0.5)
    first.join([second])
    for g2p in (alone, first):
        found = g2p.n_best(WORDS, 3)
        weighed = g2p.weigh(
            g2p.read(WORDS),
            [[each.phonemes for each in several] for several in found],
        )
        for several, log_probabilities in zip(found, weighed):
            assert log_probabilities == pytest.approx(
                [each.log_probability for each in several], abs=1e-4
            )


def test_phonemes_that_a_model_lacks_are_impossible(g2p):
    known = g2p(["cab"])[0]
    (weighed,) = g2p.weigh(g2p.read(["cab"]), [[known, [*known, "ZH"]]])
    assert weighed[0] > weighed[1] == -math.inf
    assert g2p.weigh(g2p.read(["cab", "a"]), [[], []]) == [[], []]


def test_every_word_needs_its_pronunciations(g2p):
    with pytest.raises(ValueError, match="each word; got 1 for 2 words"):
        g2p.weigh(g2p.read(["cab", "a"]), [[["K"]]])


def test_threads_weigh_as_one_does(g2p):
    words = [word * repeats for word in WORDS for repeats in range(1, 12)]
    said = [[phonemes] for phonemes in g2p(words)]
    n_threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        expected = g2p.weigh(g2p.read(words), said)
        torch.set_num_threads(2)
        found = g2p.weigh(g2p.read(words), said)
    finally:
        torch.set_num_threads(n_threads)
    assert [each for (each,) in found] == pytest.approx(
        [each for (each,) in expected], abs=1e-4
    )


def test_models_with_other_room_are_not_joined(exported_g2p):
    first, second = (
        G2P.from_hparams(source=str(exported_g2p)) for _ in range(2)
    )
    embedding = second.mods.model.encoder.embedding
    embedding.num_embeddings += 1
    with pytest.raises(ValueError, match="differ in n_graphemes: "):
        first.join([second])
    embedding.num_embeddings -= 1
    second.hparams.phonemes.symbols.reverse()
    with pytest.raises(ValueError, match="the order of phonemes"):
        first.join([second])


def test_a_word_that_ends_early_gains_nothing_from_the_others(exported_g2p):
    g2p = G2P.from_hparams(source=str(exported_g2p))
    # too few of them end for the others to be moved
    words = ["a", *["abcab"] * 25]
    (found,) = g2p.n_best(words, 1, beam_size=1)[0]
    (alone,) = g2p.n_best(["a"], 1, beam_size=1)[0]
    assert found.phonemes == alone.phonemes
    assert found.log_probability == pytest.approx(
        alone.log_probability, abs=1e-4
    )
