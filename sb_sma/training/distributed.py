"""Training by several processes."""

import torch


def close_process_group() -> None:
    """End what processes have in common, if there is anything; call it last.

    The threads of gloo, left alone, may abort a process while its interpreter
    ends (pytorch/pytorch#179291). torchrun would then end the others, which
    may be about to export the model.

    Example
    -------
    >>> close_process_group()
    """
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
