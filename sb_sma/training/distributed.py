"""Training by several processes."""

import atexit
import os
import sys

import torch


def count_processes() -> int:
    """Tell how many processes share the training.

    Returns
    -------
    count : int
        1 outside of torchrun.

    Example
    -------
    >>> count_processes()
    1
    """
    if not torch.distributed.is_initialized():
        return 1
    return torch.distributed.get_world_size()


def close_process_group() -> None:
    """End a process that shares training with others; call it last.

    Alone, nothing happens. Otherwise the process ends here with status 0:
    what averages gradients keeps threads of gloo, closed group or not, and
    they may abort a process while its interpreter ends
    (pytorch/pytorch#179291). torchrun would then end the other processes,
    which may be about to export the model.

    Example
    -------
    >>> close_process_group()
    """
    if not torch.distributed.is_initialized():
        return
    torch.distributed.destroy_process_group()
    # all that a normal end does but for the end of the interpreter
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
