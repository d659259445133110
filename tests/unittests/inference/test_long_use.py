"""Many calls hold no more than a few, whatever is said."""

import logging
import random
import sys

import pytest
import torch

from sb_sma.inference import G2P, TTS
from tests.usage import assert_steady, read_usage

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

N_BLOCKS = 20
# that a call may keep: less than a mel of half a second has. Few calls fill
# caches, too, which many do not
MOST_KIB = {100: 12, 10_000: 1}
WORDS = "a short one I say no two words three four".split()


def use(call, n_calls):
    """Call often, with other words each time; the usage after each block."""
    draws = random.Random(0)
    usages = []
    for _ in range(N_BLOCKS):
        for _ in range(n_calls // N_BLOCKS):
            call(draws)
        usages.append(read_usage())
    return usages


def make_text(draws):
    """A text that hardly comes twice."""
    return " ".join(draws.choices(WORDS, k=draws.randint(1, 2))) + "."


def speaking(folder):
    """Every way to speak, one after the other."""
    tts = TTS.from_hparams(source=str(folder))
    ways = [
        lambda text: tts.speak(text, mode="soft", seed=0),
        lambda text: tts.speak(text, mode="hard", seed=0),
        lambda text: list(tts.stream(text, seed=0)),
        lambda text: tts.encode_text([text, "No."]),
    ]
    return lambda draws: draws.choice(ways)(make_text(draws))


def pronouncing(folder):
    """Words of random letters."""
    g2p = G2P.from_hparams(source=str(folder))

    def call(draws):
        g2p(["".join(draws.choices("abc", k=draws.randint(1, 9)))])

    return call


def often(n_calls):
    """The calls of a test, and the many of a nightly one."""
    return pytest.mark.parametrize(
        "n_calls", [n_calls, pytest.param(10_000, marks=pytest.mark.slow)]
    )


@pytest.fixture(autouse=True)
def no_logs():
    """pytest would hold on to every line."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@often(100)
def test_speaking_holds_on_to_nothing(exported, n_calls):
    most = MOST_KIB[n_calls] * n_calls / N_BLOCKS
    assert_steady(use(speaking(exported[2]), n_calls), most)


@often(100)
def test_pronouncing_holds_on_to_nothing(exported_g2p, n_calls):
    most = MOST_KIB[n_calls] * n_calls / N_BLOCKS
    assert_steady(use(pronouncing(exported_g2p), n_calls), most)


@pytest.mark.parametrize("what", ["memory", "files"])
def test_a_planted_leak_is_found(exported_g2p, what):
    pronounce = pronouncing(exported_g2p)
    kept = []

    def call(draws):
        pronounce(draws)
        if what == "memory":
            kept.append(torch.ones(64 * 256))  # 64 KiB
        else:
            kept.append(open("/dev/null"))

    usages = use(call, 100)
    with pytest.raises(
        AssertionError,
        match={"memory": "resident_kib", "files": "n_files"}[what],
    ):
        assert_steady(usages, MOST_KIB[100] * 100 / N_BLOCKS)
    if what == "files":
        for file in kept:
            file.close()
