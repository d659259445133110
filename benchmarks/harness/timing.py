"""Contestants timed in turn: what disturbs one of them disturbs them all."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

Seconds = dict[str, list[float]]


def time_in_turn(
    contestants: dict[str, Callable[[], Any]],
    rounds: int,
    device: str = "cpu",
    warm_up: int = 2,
) -> Seconds:
    """Run every contestant once a round, always in the same order.

    Arguments
    ---------
    contestants : dict of str to Callable
        What is timed. A result is freed after the clock has stopped.
    rounds : int
        How often.
    device : str
        Where they work; CUDA events are the clock of a CUDA device.
    warm_up : int
        Rounds before those that count.

    Returns
    -------
    seconds : dict of str to list of float
        One number for each round.
    """
    clock = _cuda_seconds if device == "cuda" else _cpu_seconds
    seconds: Seconds = {name: [] for name in contestants}
    for done in range(warm_up + rounds):
        for name, contestant in contestants.items():
            spent = clock(contestant)
            if done >= warm_up:
                seconds[name].append(spent)
    return seconds


def median(values: Sequence[float]) -> float:
    """Middle value, to 5 significant digits.

    Arguments
    ---------
    values : sequence of float
        At least one.

    Returns
    -------
    median : float
        To be stored.
    """
    return significant(statistics.median(values))


def compare(
    over: Sequence[float], under: Sequence[float], factor: float = 1.0
) -> dict[str, float]:
    """Ratio of two contestants of the same rounds.

    Arguments
    ---------
    over : sequence of float
        Seconds of one, by round.
    under : sequence of float
        Seconds of the other, by round.
    factor : float
        What the ratio is multiplied by, such as work done per work done.

    Returns
    -------
    ratio : dict of str to float
        The median over rounds of the round's ratio, which is the headline,
        and the ratio of the medians.
    """
    by_round = [factor * a / b for a, b in zip(over, under)]
    of_medians = factor * statistics.median(over) / statistics.median(under)
    return {
        "median_of_ratios": median(by_round),
        "ratio_of_medians": significant(of_medians),
    }


def significant(value: float) -> float:
    """Return the value with 5 significant digits.

    Arguments
    ---------
    value : float
        Any number.

    Returns
    -------
    value : float
        To be stored.
    """
    return float(f"{value:.5g}")


def _cpu_seconds(contestant: Callable[[], Any]) -> float:
    """Wall time; the result lives until the clock has stopped."""
    start = time.perf_counter()
    result = contestant()
    spent = time.perf_counter() - start
    del result
    return spent


def _cuda_seconds(contestant: Callable[[], Any]) -> float:
    """Time between two events around the call, launches included."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    start.record()
    result = contestant()
    end.record()
    torch.cuda.synchronize()
    del result
    return start.elapsed_time(end) / 1000.0
