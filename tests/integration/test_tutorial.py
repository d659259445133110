"""The tutorial does what it says, block by block."""

import os

import numpy as np
import pytest
import soundfile

from tests.code_blocks import blocks_of, make_clone, run_block

CLONE = "git clone https://github.com/speechbrain/speechbrain"

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def tutorial(repository, tmp_path_factory):
    """Where it was followed to its end, and what each block printed."""
    clone = make_clone(tmp_path_factory.mktemp("tutorial") / "sb_sma")
    printed = []
    for block in blocks_of(repository / "docs" / "tutorial.md"):
        if CLONE not in block.text:
            printed.append(run_block(block, clone))
            print(f"\n{block.text}\n{printed[-1][-2000:]}")
    return clone / "results" / "tutorial", printed


def test_what_is_promised_is_there(tutorial):
    folder, _ = tutorial
    for name in ("sma", "softmax", "gst", "voice"):
        assert (folder / name / "index.html").stat().st_size > 0
        assert (folder / name / "model" / "model.safetensors").is_file()
    for name in ("hello.png", "alignments.png", "evaluation/index.html"):
        assert (folder / name).stat().st_size > 0
    assert len([*folder.glob("alignments/TextGrid/*.TextGrid")]) == 64
    wavs = [path for path in folder.glob("*.wav")]
    assert len(wavs) == 5
    for path in wavs:
        samples, _ = soundfile.read(path)
        assert 0 < np.abs(samples).max() <= 1, path


def test_a_walk_never_goes_back_and_softmax_does(tutorial):
    _, printed = tutorial
    (text,) = [text for text in printed if "skipped" in text]
    sma, softmax = (line for line in text.splitlines() if "skipped" in line)
    assert sma.startswith("sma: 0 back")
    assert softmax.startswith("softmax: ") and " 0 back" not in softmax


def test_a_contribution_is_made(repository, tmp_path):
    checkout = os.environ.get("SPEECHBRAIN_CHECKOUT")
    if checkout is None:
        pytest.skip("needs SPEECHBRAIN_CHECKOUT, a clone of SpeechBrain")
    *_, block = blocks_of(repository / "docs" / "tutorial.md")
    clone = make_clone(tmp_path / "sb_sma")
    text = block.text.replace(CLONE, f"git clone -q {checkout}")
    assert text != block.text
    run_block(type(block)("shell", text, block.line), clone)
