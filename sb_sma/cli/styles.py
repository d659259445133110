"""The options of a command that say in which style a model speaks."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sb_sma.cli.paths import check_readable

if TYPE_CHECKING:
    import torch

    from sb_sma.inference.styles import Styles


def add_style_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options; at most one kind of style may be given.

    Arguments
    ---------
    parser : argparse.ArgumentParser
        Of the command.
    """
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument(
        "--style_wav",
        nargs="+",
        metavar="FILE[=WEIGHT]",
        help="speak as this recording does, or as a mix of several",
    )
    kinds.add_argument(
        "--style_token",
        metavar="INDEX[=SCALE]",
        help="speak in the style of one token, such as 3 or 3=0.5",
    )
    kinds.add_argument(
        "--style_weights",
        metavar="JSON",
        help='weight of each style token, such as {"0": 0.3, "4": -0.2}',
    )


def read_style(
    arguments: argparse.Namespace,
) -> "Callable[[Styles], torch.Tensor] | None":
    """Read which style was asked for, before there is a model.

    Arguments
    ---------
    arguments : argparse.Namespace
        What `add_style_arguments` declared.

    Returns
    -------
    make : callable or None
        Makes the style, (1, S), of the styles of a model; None for the mean
        style.

    Raises
    ------
    ValueError
        If an option cannot be read.
    """
    if arguments.style_wav is not None:
        wavs, weights = zip(
            *(
                _split_number("--style_wav", item)
                for item in arguments.style_wav
            )
        )
        for wav in wavs:
            check_readable("--style_wav", wav)
        return lambda styles: styles.from_wavs(wavs, weights)
    if arguments.style_token is not None:
        index, scale = _split_number("--style_token", arguments.style_token)
        return lambda styles: styles.from_weights({index: scale})
    if arguments.style_weights is not None:
        weights = _read_weights(arguments.style_weights)
        return lambda styles: styles.from_weights(weights)
    return None


def style_wavs(arguments: argparse.Namespace) -> list[str]:
    """Name the recordings of a style.

    Arguments
    ---------
    arguments : argparse.Namespace
        What `add_style_arguments` declared.

    Returns
    -------
    wavs : list of str
        What --style_wav names, without weights.
    """
    given = arguments.style_wav or []
    return [_split_number("--style_wav", item)[0] for item in given]


def _split_number(option: str, item: str) -> tuple[str, float]:
    """Return what stands before the last =, and the number after it, or 1."""
    name, separator, number = item.rpartition("=")
    if not separator or Path(item).is_file():
        return item, 1.0
    try:
        return name, float(number)
    except ValueError:
        raise ValueError(
            f"{option} must have a number after the last =; got {item}."
        ) from None


def _read_weights(text: str) -> dict[str, float]:
    """Return the weights by token index."""
    try:
        weights = json.loads(text, object_pairs_hook=_without_repeats)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(
            f"--style_weights must be JSON; got {text[:200]!r} ({error})."
        ) from None
    if not isinstance(weights, dict):
        raise ValueError(
            "--style_weights must name tokens and their weights, such as "
            f'{{"0": 0.3, "4": -0.2}}; got {text!r}.'
        )
    return weights


def _without_repeats(pairs: list[tuple[str, float]]) -> dict[str, float]:
    """Return a JSON object that names nothing twice."""
    named = dict(pairs)
    if len(named) < len(pairs):
        raise ValueError("--style_weights must name each token once.")
    return named
