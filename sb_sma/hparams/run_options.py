"""SpeechBrain's options, refused before training where it would do so later."""

import typing
from dataclasses import fields, replace
from typing import Any

import torch
from speechbrain.utils.distributed import infer_device
from speechbrain.utils.run_opts import RunOptions

from sb_sma.hparams.document import Document, plain_value, tag_of
from sb_sma.hparams.ranges import NUMBERS


def check_run_options(run_opts: RunOptions, document: Document) -> RunOptions:
    """Refuse what SpeechBrain, or this machine, cannot do.

    Arguments
    ---------
    run_opts : RunOptions
        Of the command line.
    document : Document
        The experiment, whose keys may be options, too.

    Returns
    -------
    run_opts : RunOptions
        With a number where SpeechBrain has a text.

    Raises
    ------
    ValueError
        If an option is out of range or unknown, two contradict each other, or
        there is no such device.
    """
    # argparse is not told that it is a number
    limit = run_opts.optimizer_step_limit
    if isinstance(limit, str) and limit.isdecimal():
        run_opts = replace(run_opts, optimizer_step_limit=int(limit))
    values = {
        field.name: _value(field.name, run_opts, document)
        for field in fields(RunOptions)
    }
    for field in fields(RunOptions):
        name, value = field.name, values[field.name]
        allowed = NUMBERS.get(name)
        if allowed is not None and not allowed.allows(value):
            raise ValueError(f"--{name} must be {allowed}; got {value!r}.")
        choices = typing.get_args(field.type)
        is_choice = typing.get_origin(field.type) is typing.Literal
        if is_choice and value not in choices:
            raise ValueError(
                f"--{name} must be one of {', '.join(choices)}; got '{value}'."
            )
    if values["ckpt_interval_minutes"] > 0 < values["ckpt_interval_steps"]:
        raise ValueError(
            "ckpt_interval_minutes and ckpt_interval_steps cannot both be "
            f"above 0; got {values['ckpt_interval_minutes']} and "
            f"{values['ckpt_interval_steps']}. Give the other one as 0."
        )
    _check_device(values)
    return run_opts


def _value(name: str, run_opts: RunOptions, document: Document) -> Any:
    """Return what SpeechBrain's Brain takes: the command line, or the YAML.

    What the YAML computes is not known yet; then it is SpeechBrain's default.
    """
    node = document.items.get(name)
    if node is None or name in run_opts.overridden_args or tag_of(node):
        return run_opts[name]
    return plain_value(node)


def _check_device(values: dict[str, Any]) -> None:
    """Refuse a device that is not there, or cannot do what is asked for."""
    name = values["device"] or infer_device()
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"--device must be cpu, cuda or cuda:N; got '{name}'."
        ) from error
    if device.type == "cuda":
        n_devices = torch.cuda.device_count()
        is_there = (device.index or 0) < n_devices
    else:
        n_devices = 0
        is_there = device.type == "cpu" or _can_hold(device)
    if not is_there:
        raise ValueError(
            f"--device={name} is not there: PyTorch {torch.__version__} sees "
            f"{n_devices} CUDA device(s). Leave it out, or write --device=cpu."
        )
    if device.type == "cpu":
        for option in ("precision", "eval_precision"):
            if values[option] == "fp16":
                raise ValueError(
                    f"--{option}=fp16 needs a GPU; the device is '{name}'. "
                    f"Write --{option}=bf16, or leave it out."
                )
        if values["auto_mix_prec"]:
            raise ValueError(
                f"--auto_mix_prec needs a GPU; the device is '{name}'. Write "
                "--precision=bf16, or leave it out."
            )
    if values["data_parallel_backend"] and not torch.cuda.device_count():
        raise ValueError(
            "--data_parallel_backend needs a GPU; there is none. Leave it out."
        )


def _can_hold(device: torch.device) -> bool:
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        return False
    return device.type != "meta"
