"""Checkpoints that a run can be killed while saving."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from speechbrain.utils.checkpoints import (
    CKPT_PREFIX,
    METAFNAME,
    Checkpoint,
    Checkpointer,
    ckpt_recency,
)
from speechbrain.utils.distributed import ddp_barrier, main_process_only

_UNFINISHED = METAFNAME + ".unfinished"


class AtomicCheckpointer(Checkpointer):
    """SpeechBrain's checkpointer, whose checkpoints count once they are whole.

    SpeechBrain begins a checkpoint with the file that makes a folder count as
    one; a run that is killed before the end of it would be resumed from half a
    checkpoint. Here this file gets its name last. What a killed run has left
    is deleted with the next checkpoints that are no longer needed.

    Nor does it make its folder before there is something to save.

    Arguments
    ---------
    checkpoints_dir : str or Path
        Where checkpoints are kept.
    recoverables : mapping, optional
        As `speechbrain.utils.checkpoints.Checkpointer` takes it.
    custom_load_hooks : mapping, optional
        The same.
    custom_save_hooks : mapping, optional
        The same.
    allow_partial_load : bool
        The same.

    Example
    -------
    >>> import torch
    >>> parts = {"model": torch.nn.Linear(2, 2)}
    >>> checkpointer = AtomicCheckpointer(getfixture("tmp_path"), parts)
    >>> checkpoint = checkpointer.save_checkpoint()
    >>> checkpointer.find_checkpoint().path == checkpoint.path
    True
    """

    def __init__(
        self,
        checkpoints_dir: str | Path,
        recoverables: Mapping[str, Any] | None = None,
        custom_load_hooks: Mapping[str, Callable] | None = None,
        custom_save_hooks: Mapping[str, Callable] | None = None,
        allow_partial_load: bool = False,
    ):
        super().__init__(
            os.curdir,  # which is there
            recoverables,
            custom_load_hooks,
            custom_save_hooks,
            allow_partial_load,
        )
        self.checkpoints_dir = Path(checkpoints_dir)

    def list_checkpoints(self) -> list[Checkpoint]:
        """List what is there, in a folder that may not be.

        Returns
        -------
        checkpoints : list of Checkpoint
            In any order.
        """
        is_there = self.checkpoints_dir.is_dir()
        return super().list_checkpoints() if is_there else []

    def save_checkpoint(self, *args: Any, **kwargs: Any) -> Checkpoint | None:
        """Save as SpeechBrain does, and let it count at the end.

        Arguments
        ---------
        *args : Any
            Of ``Checkpointer.save_checkpoint``.
        **kwargs : Any
            Of ``Checkpointer.save_checkpoint``.

        Returns
        -------
        checkpoint : Checkpoint, optional
            On the main process.
        """
        checkpoint = super().save_checkpoint(*args, **kwargs)
        if checkpoint is not None:
            unfinished = checkpoint.path / _UNFINISHED
            unfinished.rename(checkpoint.path / METAFNAME)
        # all processes have to find the same checkpoints
        ddp_barrier()
        return checkpoint

    def delete_checkpoints(
        self,
        *,
        importance_keys: Sequence[Callable] = (ckpt_recency,),
        **kwargs: Any,
    ) -> None:
        """Delete as SpeechBrain does, and what is not whole, too.

        Arguments
        ---------
        importance_keys : sequence of callable
            Of ``Checkpointer.delete_checkpoints``, each used once.
        **kwargs : Any
            Of ``Checkpointer.delete_checkpoints``.
        """
        # the list that `save_and_keep_only` gives grows with every checkpoint
        once = list(dict.fromkeys(importance_keys))
        super().delete_checkpoints(importance_keys=once, **kwargs)
        self._delete_unfinished()

    @main_process_only
    def _delete_unfinished(self) -> None:
        for folder in self.checkpoints_dir.glob(f"{CKPT_PREFIX}+*"):
            if folder.is_dir() and not self._is_checkpoint_dir(folder):
                shutil.rmtree(folder)

    def _save_checkpoint_metafile(
        self, fpath: str | Path, *args: Any, **kwargs: Any
    ) -> dict[str, Any]:
        path = Path(fpath).with_name(_UNFINISHED)
        return super()._save_checkpoint_metafile(path, *args, **kwargs)
