"""The random streams, kept in checkpoints so that a resumed run goes on."""

import logging
import random
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from speechbrain.utils.checkpoints import (
    mark_as_loader,
    mark_as_saver,
    register_checkpoint_hooks,
)
from speechbrain.utils.distributed import if_main_process

from sb_sma.training.distributed import gather, place

logger = logging.getLogger(__name__)


@partial(register_checkpoint_hooks, save_on_main_only=False)
class RandomState:
    """Saves and recovers the global random streams of every process.

    They are those of Python, NumPy and PyTorch, on the CPU and on the current
    CUDA device. Each process of a distributed run gets its own back; where
    there are more of them than before, with a warning, the new ones get others.

    Example
    -------
    >>> from speechbrain.utils.checkpoints import Checkpointer
    >>> parts = {"random_state": RandomState()}
    >>> checkpointer = Checkpointer(getfixture("tmp_path"), parts)
    >>> _ = checkpointer.save_checkpoint()
    >>> drawn = torch.rand(3)
    >>> _ = checkpointer.recover_if_possible()
    >>> torch.equal(torch.rand(3), drawn)
    True
    """

    @mark_as_saver
    def _save(self, path: str | Path) -> None:
        states = gather(_read_streams())
        if if_main_process():
            torch.save(states, path)

    @mark_as_loader
    def _load(self, path: str | Path, end_of_epoch: bool = True) -> None:
        del end_of_epoch  # needed by the checkpointer
        rank, n_processes = place()
        states = torch.load(path, map_location="cpu", weights_only=True)
        if len(states) != n_processes:
            logger.warning(
                "%s is of a run of %d process(es), this one has %d: what is "
                "drawn at random will not be what one run draws. Start as many "
                "for that.",
                path,
                len(states),
                n_processes,
            )
        _set_streams(states[rank % len(states)])
        set_apart(rank // len(states) * rank)


def set_apart(rank: int) -> None:
    """Let a process draw other numbers than those that it draws with.

    SpeechBrain seeds all of them alike.

    Arguments
    ---------
    rank : int
        Of this process; nothing changes for the main one, which is 0.
    """
    if not rank:
        return
    seed = int(torch.randint(2**31, ())) + rank
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def _read_streams() -> dict[str, Any]:
    """State of every stream, of types that are safe to load."""
    kind, keys, *rest = np.random.get_state()
    return {
        "python": random.getstate(),
        "numpy": (kind, keys.tolist(), *rest),
        "cpu": torch.get_rng_state(),
        # where a device is in use
        "cuda": torch.cuda.get_rng_state()
        if torch.cuda.is_initialized()
        else None,
    }


def _set_streams(state: dict[str, Any]) -> None:
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["cpu"])
    if state["cuda"] is not None and torch.cuda.is_initialized():
        torch.cuda.set_rng_state(state["cuda"])
