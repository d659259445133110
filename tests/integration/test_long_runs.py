"""Many epochs hold no more than a few."""

import sys

import pytest

from tests.integration.recipe_runs import read_observed, train_g2p, train_tts
from tests.integration.spelling import write_dictionary
from tests.usage import assert_steady

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "linux", reason="needs /proc"),
]
# an epoch keeps its line in the history, in the curves and in the checkpoint
MOST_KIB = {16: 600, 200: 100}


@pytest.mark.parametrize(
    "n_epochs", [16, pytest.param(200, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("train", [train_tts, train_g2p])
def test_epochs_hold_on_to_nothing(tmp_path, train, n_epochs):
    flags = ["--n_utterances=10", "--n_valid=2", "--n_test=2"]
    flags += ["--samples_every=4", "--max_batch_frames=900"]
    if train is train_g2p:
        lexicon = write_dictionary(tmp_path / "lexicon")
        flags = [f"--data_folder={lexicon}", "--batch_words=256"]
    done = train(
        tmp_path / "run",
        f"--number_of_epochs={n_epochs}",
        *flags,
        observed_in=tmp_path / "seen",
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (seen,) = read_observed(tmp_path / "seen")
    usages = [each for each in seen if "resident_kib" in each]
    assert len(usages) == n_epochs
    assert_steady(usages, MOST_KIB[n_epochs])
