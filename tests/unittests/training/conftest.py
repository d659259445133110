"""Fixtures that the tests of this folder share."""

import random

import numpy as np
import pytest
import torch


@pytest.fixture
def own_streams():
    """Lets the other tests draw what they would."""
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        yield
    random.setstate(python)
    np.random.set_state(numpy)
