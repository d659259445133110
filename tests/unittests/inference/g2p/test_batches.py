"""Words of similar length stand side by side."""

import pytest

from sb_sma.inference.g2p.batches import make_batches


@pytest.mark.parametrize("n_threads", [1, 2, 7])
@pytest.mark.parametrize("n_words", [1, 31, 300, 700])
def test_every_word_is_in_one_batch(n_words, n_threads):
    words = [[3 + row % 5] * (1 + row * 7 % 30) for row in range(n_words)]
    batches = make_batches(words, n_threads)
    assert sorted(row for batch in batches for row in batch.rows) == list(
        range(n_words)
    )
    for batch in batches:
        for row, indices, length in zip(*batch):
            assert indices[:length].tolist() == words[row]
            assert not indices[length:].any()
    widths = [batch.graphemes.shape[1] for batch in batches]
    assert widths == sorted(widths, reverse=True)
    assert max(len(batch.rows) for batch in batches) <= 256


def test_all_threads_have_a_batch():
    assert len(make_batches([[5, 3]] * 80, n_threads=2)) == 2
    # fewer than 32 words are not worth a thread
    assert len(make_batches([[5, 3]] * 30, n_threads=2)) == 1


def test_short_words_do_not_wait_for_long_ones():
    words = [[3] * 20] * 10 + [[3] * 12] * 40 + [[3] * 11] * 60
    batches = make_batches(words, n_threads=1)
    # words of 11 letters are less than 0.6 of 20 long
    assert [tuple(batch.graphemes.shape) for batch in batches] == [
        (50, 20),
        (60, 11),
    ]
    # a few words are not worth a batch of their own
    few = [[3] * 20] * 10 + [[3] * 5] * 60
    assert [tuple(b.graphemes.shape) for b in make_batches(few, 1)] == [
        (32, 20),
        (38, 5),
    ]
