"""Checkpoints that a run can be killed while saving."""

import contextlib
import logging
import math
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

import yaml
from speechbrain.core import Brain
from speechbrain.utils.checkpoints import (
    CKPT_PREFIX,
    METAFNAME,
    Checkpoint,
    Checkpointer,
    ckpt_recency,
)
from speechbrain.utils.distributed import ddp_barrier, main_process_only
from speechbrain.utils.epoch_loop import EpochCounter

from sb_sma.training.recovery.disk import tell_full_disk
from sb_sma.training.recovery.integrity import (
    find_damage,
    flush,
    refuse_nonfinite,
    seal,
)

logger = logging.getLogger(__name__)

_UNFINISHED = METAFNAME + ".unfinished"
_DAMAGED = "damaged"
# of every checkpoint, and of those that tell it
_META = {"unixtime": Real, "end-of-epoch": bool}
_PROGRESS = {"epoch": int, "step": int}


class AtomicCheckpointer(Checkpointer):
    """SpeechBrain's checkpointer, whose checkpoints count once they are whole.

    SpeechBrain begins a checkpoint with the file that makes a folder count as
    one; a run that is killed before the end of it would be resumed from half a
    checkpoint. Here this file gets its name last. What a killed run has left
    is deleted with the next checkpoints that are no longer needed.

    Nor does it make its folder before there is something to save. What is not
    finite is not saved. A checkpoint is sealed with hashes of its files, and
    compared with them before it is loaded; in place of a damaged one, the next
    in order is taken. The most recent one is that of the most progress, by
    epochs and steps: clocks are set back.

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
        self._damaged: dict[Path, str] = {}

    def list_checkpoints(self) -> list[Checkpoint]:
        """List what is there, in a folder that may not be.

        Returns
        -------
        checkpoints : list of Checkpoint
            In any order, without those that are known to be damaged.
        """
        if not self.checkpoints_dir.is_dir():
            return []
        checkpoints = []
        for folder in self._list_checkpoint_dirs():
            if folder in self._damaged:
                continue
            try:
                (checkpoint,) = self._construct_checkpoint_objects([folder])
                if _is_sound(checkpoint.meta):
                    checkpoints.append(checkpoint)
                    continue
            except (OSError, ValueError, TypeError, yaml.YAMLError):
                pass
            self._pass_over(folder, f"{METAFNAME} cannot be read")
        return checkpoints

    def find_checkpoints(
        self,
        importance_key: Callable[[Checkpoint], Any] | None = None,
        max_key: str | None = None,
        min_key: str | None = None,
        ckpt_predicate: Callable[[Checkpoint], bool] | None = None,
        max_num_checkpoints: int | None = None,
    ) -> list[Checkpoint]:
        """Rank checkpoints, of equal ones that of the most progress first.

        Arguments
        ---------
        importance_key : callable, optional
            The higher, the earlier. Default: progress.
        max_key : str, optional
            The higher in the meta, the earlier; NaN is last.
        min_key : str, optional
            The lower in the meta, the earlier; NaN is last.
        ckpt_predicate : callable, optional
            Which are ranked. Default: all.
        max_num_checkpoints : int, optional
            How many are returned. Default: all.

        Returns
        -------
        checkpoints : list of Checkpoint
            Ranked.

        Raises
        ------
        ValueError
            If more than one way to rank is given.
        """
        ways = (importance_key, max_key, min_key)
        if sum(way is not None for way in ways) > 1:
            raise ValueError(
                "Give one of importance_key, max_key and min_key; got more."
            )
        key = max_key or min_key
        sign = 1 if max_key else -1

        def rank(checkpoint):
            """Rank a checkpoint."""
            if key is None:
                return (importance_key or self._progress)(checkpoint)
            value = checkpoint.meta[key]
            return (False,) if math.isnan(value) else (True, sign * value)

        found = [
            checkpoint
            for checkpoint in filter(ckpt_predicate, self.list_checkpoints())
            if key is None or isinstance(checkpoint.meta.get(key), Real)
        ]
        found.sort(key=self._progress, reverse=True)
        found.sort(key=rank, reverse=True)
        return found[:max_num_checkpoints]

    def find_checkpoint(self, *args: Any, **kwargs: Any) -> Checkpoint | None:
        """Find the first checkpoint that is sound; name those that are not.

        Arguments
        ---------
        *args : Any
            Of `find_checkpoints`.
        **kwargs : Any
            Of `find_checkpoints`.

        Returns
        -------
        checkpoint : Checkpoint, optional
            None if there has never been one.

        Raises
        ------
        ValueError
            If all are damaged.
        """
        for checkpoint in self.find_checkpoints(*args, **kwargs):
            damage = find_damage(checkpoint.path)
            if damage is None:
                return checkpoint
            self._pass_over(checkpoint.path, damage)
        if self._damaged and not self.list_checkpoints():
            names = [f"{path.name}: {x}" for path, x in self._damaged.items()]
            raise ValueError(
                f"No checkpoint in {self.checkpoints_dir} is sound: "
                f"{'; '.join(sorted(names))}. Put back a copy, or begin anew: "
                f"remove {self.checkpoints_dir}, or give another "
                "--output_folder."
            )
        return None

    def load_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Load as SpeechBrain does; an error names the checkpoint.

        Arguments
        ---------
        checkpoint : Checkpoint
            One that was found.

        Raises
        ------
        ValueError
            If it does not hold what is to be filled.
        """
        try:
            super().load_checkpoint(checkpoint)
        # what another file holds may raise anything
        except Exception as error:
            told = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            raise ValueError(
                f"The checkpoint {checkpoint.path} cannot be loaded ({told}). "
                "Go on with the settings and the version that it was saved "
                "with; or remove it, and the same command goes on from the "
                "one before."
            ) from error

    def save_checkpoint(
        self, meta: Mapping[str, Any] | None = None, *args: Any, **kwargs: Any
    ) -> Checkpoint | None:
        """Save as SpeechBrain does, and let it count at the end.

        Arguments
        ---------
        meta : mapping, optional
            Of ``Checkpointer.save_checkpoint``; epoch and step are added.
        *args : Any
            Of ``Checkpointer.save_checkpoint``.
        **kwargs : Any
            Of ``Checkpointer.save_checkpoint``.

        Returns
        -------
        checkpoint : Checkpoint, optional
            On the main process.

        Raises
        ------
        ValueError
            If something is not finite, or cannot be written; no other
            checkpoint is touched.
        """
        refuse_nonfinite(self.recoverables, self.checkpoints_dir)
        meta = {**self._where(), **(meta or {})}
        try:
            with tell_full_disk(self.checkpoints_dir):
                checkpoint = super().save_checkpoint(meta, *args, **kwargs)
                if checkpoint is not None:
                    metafile = checkpoint.path / METAFNAME
                    unfinished = metafile.with_name(_UNFINISHED)
                    if metafile.exists():
                        # a SpeechBrain that renames it has done so by now
                        metafile.rename(unfinished)
                    seal(checkpoint.path, {_UNFINISHED: METAFNAME})
                    unfinished.rename(metafile)
                    # the older ones are deleted next
                    flush(checkpoint.path)
                    flush(self.checkpoints_dir)
        except ValueError:
            self._delete_unfinished()
            raise
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

        What was passed over is kept under another name: perhaps it could only
        not be read at that time.

        Arguments
        ---------
        importance_keys : sequence of callable
            Of ``Checkpointer.delete_checkpoints``, each used once; progress in
            place of recency.
        **kwargs : Any
            Of ``Checkpointer.delete_checkpoints``.
        """
        # the list that `save_and_keep_only` gives grows with every checkpoint
        once = dict.fromkeys(
            self._progress if key is ckpt_recency else key
            for key in importance_keys
        )
        super().delete_checkpoints(importance_keys=list(once), **kwargs)
        self._delete_unfinished()

    @main_process_only
    def _delete_unfinished(self) -> None:
        for folder in self.checkpoints_dir.glob(f"{CKPT_PREFIX}+*"):
            if folder in self._damaged:
                folder.rename(folder.with_name(f"{_DAMAGED}+{folder.name}"))
            elif folder.is_dir() and not self._is_checkpoint_dir(folder):
                shutil.rmtree(folder)

    def _pass_over(self, folder: Path, damage: str) -> None:
        """Take a checkpoint for damaged from now on."""
        self._damaged[folder] = damage
        logger.warning(
            "The checkpoint %s is damaged and passed over: %s", folder, damage
        )

    def _save_checkpoint_metafile(
        self, fpath: str | Path, *args: Any, **kwargs: Any
    ) -> dict[str, Any]:
        path = Path(fpath).with_name(_UNFINISHED)
        return super()._save_checkpoint_metafile(path, *args, **kwargs)

    def _where(self) -> dict[str, int]:
        """Tell epoch and step, for the meta of a checkpoint."""
        where = {}
        for part in self.recoverables.values():
            if isinstance(part, EpochCounter):
                where["epoch"] = part.current
            if isinstance(part, Brain):
                where["step"] = part.step
        return where

    def _progress(self, checkpoint: Checkpoint) -> tuple[float, ...]:
        """Tell how far the training was; by the clock where that is unknown."""
        meta = checkpoint.meta
        epoch = meta.get("epoch", self._read_epoch(checkpoint))
        if epoch is None:
            return 0, True, 0, meta["unixtime"]
        is_end = meta["end-of-epoch"]
        return epoch, is_end, meta.get("step", 0), meta["unixtime"]

    def _read_epoch(self, checkpoint: Checkpoint) -> int | None:
        """Read the epoch that the meta of an earlier version does not tell."""
        for name, part in self.recoverables.items():
            if isinstance(part, EpochCounter):
                with contextlib.suppress(KeyError, OSError, ValueError):
                    return int(checkpoint.paramfiles[name].read_text("utf-8"))
        return None


def _is_sound(meta: Any) -> bool:
    """Say whether a checkpoint tells what it is ranked by."""
    if not isinstance(meta, dict):
        return False
    told = {key: kind for key, kind in _PROGRESS.items() if key in meta}
    return all(
        isinstance(meta.get(key), kind)
        for key, kind in {**_META, **told}.items()
    )
