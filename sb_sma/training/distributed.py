"""Training by several processes."""

from typing import Any

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from sb_sma.mistakes import end_at_once
from sb_sma.style.running_norm import RunningNorm


def place() -> tuple[int, int]:
    """Tell which of how many processes this is.

    Returns
    -------
    rank : int
        Counted from 0, which is the main one.
    n_processes : int
        That share the training.

    Example
    -------
    >>> place()
    (0, 1)
    """
    if not torch.distributed.is_initialized():
        return 0, 1
    return torch.distributed.get_rank(), torch.distributed.get_world_size()


def gather(value: Any) -> list[Any]:
    """Let every process know what each of them has; all have to call it.

    Arguments
    ---------
    value : Any
        Of this process, to be pickled.

    Returns
    -------
    values : list
        By rank.

    Example
    -------
    >>> gather("what this one has")
    ['what this one has']
    """
    values = [value]
    if torch.distributed.is_initialized():
        values *= torch.distributed.get_world_size()
        torch.distributed.all_gather_object(values, value)
    return values


def share_gradients(
    module: nn.Module, device: torch.device, find_unused_parameters: bool
) -> DistributedDataParallel:
    """Let every process step by the mean of all gradients.

    Gradients are averaged where they lie, and buffers are compared only where
    batches change them: each comparison lets every process wait for the last.

    Arguments
    ---------
    module : nn.Module
        What is trained, on `device`.
    device : torch.device
        Of this process.
    find_unused_parameters : bool
        Whether some may have no gradient.

    Returns
    -------
    module : DistributedDataParallel
        The module, wrapped.
    """
    module = nn.SyncBatchNorm.convert_sync_batchnorm(module)
    return DistributedDataParallel(
        module,
        device_ids=None if device.type == "cpu" else [device],
        find_unused_parameters=find_unused_parameters,
        gradient_as_bucket_view=True,
        broadcast_buffers=any(
            isinstance(each, (RunningNorm, nn.modules.batchnorm._NormBase))
            for each in module.modules()
        ),
    )


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
    end_at_once(status=0)
