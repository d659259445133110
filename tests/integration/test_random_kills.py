"""Runs that are killed at random moments; .ci/nightly does it far more often."""

import pytest

from tests.integration.random_kills import kill_g2p, kill_tts

pytestmark = pytest.mark.integration


def test_killed_runs_of_speech_end_as_others(tmp_path):
    assert sum(kill_tts(2, tmp_path).values()) == 2


def test_killed_runs_of_pronunciations_end_as_others(tmp_path):
    assert sum(kill_g2p(1, tmp_path).values()) == 1
