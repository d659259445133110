"""Sums up what was found: best, mean and worst seed, by kind of text."""

from collections.abc import Sequence
from statistics import fmean, median
from typing import Any

from sb_sma.evaluation.ear import Heard
from sb_sma.evaluation.measure import Results
from sb_sma.evaluation.texts import EvaluationText
from sb_sma.metrics.confidence import bootstrap_interval, wilson_interval

ALL = "all"


def summarize(
    results: Results, texts: Sequence[EvaluationText], seeds: Sequence[int]
) -> dict[str, Any]:
    """Sum up one system.

    Arguments
    ---------
    results : Results
        Of the system.
    texts : sequence of EvaluationText
        What it said.
    seeds : sequence of int
        In the order of the results.

    Returns
    -------
    summary : dict of str to object
        What JSON can hold.
    """
    groups = group_by_kind(texts)
    system = results.system
    summary: dict[str, Any] = {
        "name": system.name,
        "model": system.model.source,
        "mode": system.mode,
        "window": system.window,
        "monotonic": system.model.monotonic,
        "attempts": system.model.attempts,
        "seconds_to_speak": round(results.seconds, 1),
        "seconds_spoken": round(
            sum(r.seconds for readings in results.readings for r in readings), 1
        ),
        "bad_texts": {
            kind: _count_bad(results.faults, numbers)
            for kind, numbers in groups.items()
        },
        "reading": _figures(results),
        "faults": _list_faults(results, texts, seeds),
    }
    if results.heard:
        summary["heard"] = summarize_heard(results.heard, groups)
    return summary


def group_by_kind(texts: Sequence[EvaluationText]) -> dict[str, list[int]]:
    """Find the texts of each kind.

    Arguments
    ---------
    texts : sequence of EvaluationText
        All of them.

    Returns
    -------
    groups : dict of str to list of int
        Numbers of the texts; those of `ALL` first, then the kinds in the order
        in which they come, if there are several.
    """
    groups: dict[str, list[int]] = {}
    for number, each in enumerate(texts):
        groups.setdefault(each.kind, []).append(number)
    everything = {ALL: list(range(len(texts)))}
    return everything | (groups if len(groups) > 1 else {})


def summarize_heard(
    heard: Sequence[Sequence[Heard]], groups: dict[str, list[int]]
) -> dict[str, Any]:
    """Sum up what an ear heard.

    Arguments
    ---------
    heard : sequence of sequence of Heard
        By seed, by text.
    groups : dict of str to list of int
        Of `group_by_kind`.

    Returns
    -------
    summary : dict of str to object
        ``word_error_rate`` in per cent, and ``opinion`` where there is one.
    """
    summary = {
        "word_error_rate": {
            kind: _rates(
                [
                    [100 * each[n].word_errors for n in numbers]
                    for each in heard
                ],
                [heard[0][n].words for n in numbers],
            )
            for kind, numbers in groups.items()
        }
    }
    if heard[0][0].opinion is not None:
        summary["opinion"] = {
            kind: _rates(
                [[each[n].opinion for n in numbers] for each in heard],
                [1] * len(numbers),
                best=max,
            )
            for kind, numbers in groups.items()
        }
    return summary


def _count_bad(
    faults: Sequence[Sequence[list[str]]], numbers: Sequence[int]
) -> dict[str, Any]:
    counts = [sum(bool(each[n]) for n in numbers) for each in faults]
    mean = fmean(counts)
    interval = wilson_interval(mean, len(numbers))
    return {
        "of": len(numbers),
        "best": min(counts),
        "mean": round(mean, 3),
        "worst": max(counts),
        "by_seed": counts,
        "interval_of_share": [round(bound, 5) for bound in interval],
    }


def _rates(
    parts: Sequence[Sequence[float]], wholes: Sequence[float], best=min
) -> dict[str, Any]:
    """Give ratios of sums, by seed and over them."""
    total = sum(wholes)
    rates = [sum(each) / total for each in parts]
    worst = max if best is min else min
    means = [fmean(of_text) for of_text in zip(*parts)]
    interval = bootstrap_interval(means, wholes)
    return {
        "best": round(best(rates), 3),
        "mean": round(fmean(rates), 3),
        "worst": round(worst(rates), 3),
        "by_seed": [round(rate, 3) for rate in rates],
        "interval": [round(bound, 3) for bound in interval],
    }


def _figures(results: Results) -> dict[str, float]:
    """Give means over texts and seeds, and sums over a seed."""
    readings = [r for by_text in results.readings for r in by_text]
    n_seeds = len(results.readings)
    words = [w for r in readings for w in r.word_times(results.usual)]
    ratios = [r.length_ratio(results.usual) for r in readings]
    return {
        "spoken_again": results.spoken_again / n_seeds,
        "did_not_end": sum(not r.finished for r in readings) / n_seeds,
        "words": len(words) / n_seeds,
        "unsaid_words": sum(not word.said for word in words) / n_seeds,
        "median_length_ratio": round(median(ratios), 4),
        "shortest_length_ratio": round(min(ratios), 4),
        "longest_length_ratio": round(max(ratios), 4),
        "unaligned_share": fmean(r.unaligned_share for r in readings),
        "scattered_share": fmean(r.scattered_share for r in readings),
        "diagonal_ratio": round(fmean(r.diagonal_ratio for r in readings), 4),
        "backward_moves": sum(r.path.backward_jumps for r in readings)
        / n_seeds,
        "skipped_tokens": sum(r.path.skips for r in readings) / n_seeds,
    }


def _list_faults(
    results: Results, texts: Sequence[EvaluationText], seeds: Sequence[int]
) -> list[dict[str, Any]]:
    """Every text that was bad with any seed, the worst first."""
    listed = []
    for number, each in enumerate(texts):
        by_seed = {
            str(seed): faults[number]
            for seed, faults in zip(seeds, results.faults)
            if faults[number]
        }
        if by_seed:
            listed.append(
                {"kind": each.kind, "text": each.text, "by_seed": by_seed}
            )
    return sorted(listed, key=lambda row: -len(row["by_seed"]))
