"""Every block of the README runs, small; the whole is run by CI."""

import re

import pytest
import soundfile

from sb_sma.data.lexicon.cmudict import find_cmudict
from sb_sma.data.lexicon.content import read_content
from tests.code_blocks import Block, blocks_of, make_clone, run_block
from tests.integration.recipe_runs import SMALL_G2P, SMALL_TTS

pytestmark = pytest.mark.integration

# commands that are run in their full length, by what, and what is run here
FULL_LENGTH = {
    "pip install -c constraints.txt -e . && python train.py hparams/tts.yaml": (
        ".ci/nightly",
        "python train.py hparams/tts.yaml",
    ),
    "pip install -c constraints.txt -e '.[dev]' && pytest": (".ci/run", ":"),
}
SMALL = {
    "hparams/tts.yaml": (*SMALL_TTS, "--number_of_epochs=1"),
    "hparams/g2p.yaml": (
        *SMALL_G2P,
        "--number_of_epochs=1",
        "--data_folder=dictionary",
    ),
}


def make_small(block, repository):
    """The same block with fewer texts, words and layers."""
    text = block.text
    for command, (place, small) in FULL_LENGTH.items():
        if command in text:
            assert command in (repository / place).read_text("utf-8")
            text = text.replace(command, small)
    text = re.sub(
        r"(?m)^(python train\.py (\S+).*)$",
        lambda match: " ".join([match[1], *SMALL[match[2]]]),
        text,
    )
    assert block.language in ("shell", "python")
    return Block(block.language, text, block.line)


@pytest.mark.slow
def test_every_block_runs(repository, tmp_path):
    clone = make_clone(tmp_path / "sb_sma")
    (clone / "words.txt").write_text("speechbrain\ntacotron\n")
    (clone / "dictionary").mkdir()
    text = read_content(find_cmudict()).decode()
    lines = text.splitlines(keepends=True)
    (clone / "dictionary" / "cmudict.dict").write_text("".join(lines[::200]))
    blocks = blocks_of(repository / "README.md")
    assert len(blocks) == 8
    for block in blocks:
        run_block(make_small(block, repository), clone)
    samples, sample_rate = soundfile.read(clone / "hello.wav")
    assert len(samples) > 0 and sample_rate == 22050
    assert (clone / "hello.png").stat().st_size > 0
    words = [line.split("\t")[0] for line in open(clone / "out.tsv")]
    assert words == [*["speechbrain"] * 3, *["tacotron"] * 3]
    for name in ("SMA", "regularMHA"):
        assert (clone / "results" / "tts" / name / "index.html").is_file()


@pytest.mark.parametrize(
    "language, text",
    [
        ("shell", "false\ntrue"),
        ("python", "from sb_sma import NoSuchName"),
        ("yaml", "base: tts.yaml"),
        ("shell", "python train.py hparams/other.yaml"),
    ],
)
def test_a_block_that_does_not_run_is_found(
    language, text, repository, tmp_path
):
    block = Block(language, text, 7)
    with pytest.raises((AssertionError, KeyError)):
        run_block(make_small(block, repository), tmp_path)
