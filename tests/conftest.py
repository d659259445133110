"""Fixtures and skips that all tests share."""

import gc
import os
from pathlib import Path

import pytest
import torch

# triton's kernels then run on the CPU; read when triton is imported
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")

# several threads wait for each other where other work takes the cores
torch.set_num_threads(1)

REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(config, items):
    """Leave out slow tests that are asked for neither by ``-m slow`` nor by
    name."""
    is_named = any("::" in argument for argument in config.args)
    if "slow" in config.getoption("markexpr") or is_named:
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if not item.get_closest_marker("slow")]


def pytest_collection_finish(session):
    """Leave what has been imported out of every later garbage collection."""
    gc.freeze()


def pytest_runtest_setup(item):
    if item.get_closest_marker("requires_cuda"):
        if not torch.cuda.is_available():
            pytest.skip("needs a CUDA device")


@pytest.fixture(scope="session")
def repository():
    """The root of the repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared():
    """The folder of real speech and golden values, which is not part of the
    repository."""
    folder = Path(os.environ.get("SB_SMA_SHARED", REPOSITORY / ".." / "shared"))
    if not folder.is_dir():
        pytest.skip(
            f"there is no folder {folder}; name it in the environment "
            "variable SB_SMA_SHARED"
        )
    return folder.resolve()
