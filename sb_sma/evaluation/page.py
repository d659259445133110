"""The picture and the page of an evaluation."""

import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import soundfile
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sb_sma.evaluation.measure import Results
from sb_sma.evaluation.summary import ALL
from sb_sma.evaluation.table import bad_cells, make_tables, rate_cells
from sb_sma.evaluation.texts import EvaluationText
from sb_sma.inference.spoken import SpokenText
from sb_sma.metrics.bad_cases import format_verdict
from sb_sma.plots.figures import plot_alignments
from sb_sma.plots.panels import SERIES_COLOURS, make_panels
from sb_sma.training.reports.page import Example, Table, write_report
from sb_sma.training.reports.shared import describe_versions

_ROW_HEIGHT = 0.17  # inches, of a bar
_MARGIN = 0.9
_SHOWN_BAD = 3
_SHOWN_GOOD = 2


def plot_evaluation(evaluation: dict[str, Any]) -> Figure:
    """Draw the share of bad texts of each kind, and the word errors.

    Arguments
    ---------
    evaluation : dict
        As it is stored.

    Returns
    -------
    figure : Figure
        A bar is the mean over the seeds, its line goes from the best to the
        worst.
    """
    systems = evaluation["systems"]
    kinds = list(systems[0]["bad_texts"])
    reference = evaluation["reference"]
    n_panels = 1 if reference is None else 2
    n_bars = len(systems) + (reference is not None)
    height = _MARGIN + len(kinds) * (n_bars * _ROW_HEIGHT + 0.12)
    figure, panels = make_panels(1, n_panels, height)
    shares = {
        system["name"]: [
            [100 * bad[name] / bad["of"] for name in ("best", "mean", "worst")]
            for bad in system["bad_texts"].values()
        ]
        for system in systems
    }
    _draw_bars(panels[0], kinds, shares, "bad texts in %")
    label = "Bad texts of each kind"
    if reference is not None:
        errors = {
            each["name"]: [
                [rate[name] for name in ("best", "mean", "worst")]
                for rate in each["heard"]["word_error_rate"].values()
            ]
            for each in [*systems, reference]
        }
        _draw_bars(panels[1], kinds, errors, "word errors in %")
        panels[1].set_yticklabels([])
        label += ", and word errors"
    panels[-1].legend(
        frameon=False,
        fontsize=8,
        ncols=2,
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
    )
    if len(evaluation["seeds"]) > 1:
        label += (
            ": bars are means over the seeds, lines go from the best to the "
            "worst"
        )
    figure.set_label(label)
    return figure


def write_page(
    path: Path,
    evaluation: dict[str, Any],
    results: Sequence[Results],
    texts: Sequence[EvaluationText],
    seeds: Sequence[int],
    figure: Figure,
) -> Path:
    """Write the page of an evaluation, complete or not at all.

    Arguments
    ---------
    path : Path
        The file.
    evaluation : dict
        As it is stored.
    results : sequence of Results
        Of the systems.
    texts : sequence of EvaluationText
        What they said.
    seeds : sequence of int
        In the order of the results.
    figure : Figure
        Of `plot_evaluation`.

    Returns
    -------
    path : Path
        The file.
    """
    first = evaluation["systems"][0]
    tables = [Table(*table) for table in make_tables(evaluation)]
    passed_over = evaluation["passed_over_texts"]
    if passed_over:
        rows = [list(row) for row in passed_over.items()]
        tables.append(Table("Texts passed over", ["text", "why"], rows))
    with tempfile.TemporaryDirectory() as folder:
        return write_report(
            path,
            "Evaluation",
            summary=_summarize(evaluation),
            metrics=_key_figures(evaluation),
            tables=tables,
            pictures=[figure],
            curves=[],
            examples=[
                example
                for number, each in enumerate(results)
                for example in _examples(
                    each, texts, seeds, Path(folder) / str(number)
                )
            ],
            command=evaluation["command"],
            versions=describe_versions(),
            usage=shlex.join(
                [
                    *("sb-sma", "synthesize", "--model", first["model"]),
                    *("--text", "Hello there.", "--out", "hello.wav"),
                ]
            ),
        )


def _summarize(evaluation: dict[str, Any]) -> str:
    n_texts = evaluation["n_texts"]
    n_seeds = len(evaluation["seeds"])
    seeds = "1 seed" if n_seeds == 1 else f"the worst of {n_seeds} seeds"
    parts = [
        f"{system['name']}: {system['bad_texts'][ALL]['worst']}"
        for system in evaluation["systems"]
    ]
    return (
        f"Bad texts of {n_texts}, {seeds}: {'; '.join(parts)}. The examples of "
        f"each are the {_SHOWN_BAD} texts with most faults, as far as there "
        f"are bad ones, and the {_SHOWN_GOOD} good ones whose lengths are "
        "furthest from the usual, each with the seed where that is so."
    )


def _key_figures(evaluation: dict[str, Any]) -> list[tuple[str, str, str]]:
    rows = []
    several = len(evaluation["seeds"]) > 1
    meaning = "bad texts" + (
        " with the best seed, in the mean, and with the worst" * several
    )
    share = "mean share" if several else "share"
    for system in evaluation["systems"]:
        counts, interval = bad_cells(system["bad_texts"][ALL])
        rows.append(
            (
                system["name"],
                counts,
                f"{meaning}; 95 % interval of the {share} (Wilson): {interval}",
            )
        )
    reference = evaluation["reference"]
    for each in [*evaluation["systems"], reference] if reference else []:
        rates, interval = rate_cells(each["heard"]["word_error_rate"][ALL])
        rows.append(
            (
                each["name"],
                f"{rates} %",
                f"word errors; 95 % interval (bootstrap): {interval}",
            )
        )
    return rows


def _examples(
    results: Results,
    texts: Sequence[EvaluationText],
    seeds: Sequence[int],
    folder: Path,
) -> list[Example]:
    """Speak some bad texts again, then the most unusual of the good ones."""
    folder.mkdir()
    system = results.system
    guide = int(system.model.tts.mods.model.guide[1])
    examples = []
    for row, number in _choose(results):
        again: dict[int, SpokenText] = {}
        system.speak([texts[number].text], seeds[row], again.__setitem__)
        spoken = again[0]
        wav = folder / f"{row}-{number}.wav"
        soundfile.write(wav, *system.to_samples(spoken.mel))
        examples.append(
            Example(
                title=f"{system.name}, seed {seeds[row]}, {texts[number].kind}, "
                f"text {texts[number].position}",
                text=texts[number].text,
                result_wav=wav,
                figures=[
                    plot_alignments(
                        spoken.alignment[guide, None].cpu(),
                        tokens=spoken.tokens,
                    )
                ],
                verdict=format_verdict(results.faults[row][number]),
            )
        )
    return examples


def _choose(results: Results) -> list[tuple[int, int]]:
    """Give rows of seeds and numbers of texts, no text twice."""
    bad: dict[int, tuple[int, int]] = {}
    good: dict[int, tuple[float, int]] = {}
    for row, (readings, faults) in enumerate(
        zip(results.readings, results.faults)
    ):
        for number, (reading, found) in enumerate(zip(readings, faults)):
            if found:
                rank = (len(found), row)
                bad[number] = max(bad.get(number, rank), rank)
            else:
                distance = abs(reading.length_ratio(results.usual) - 1)
                good[number] = max(
                    good.get(number, (0.0, row)), (distance, row)
                )
    worst = sorted(bad, key=lambda number: -bad[number][0])[:_SHOWN_BAD]
    odd = sorted(good.keys() - bad.keys(), key=lambda number: -good[number][0])[
        :_SHOWN_GOOD
    ]
    return [(bad[number][1], number) for number in worst] + [
        (good[number][1], number) for number in odd
    ]


def _draw_bars(
    panel: Axes,
    kinds: Sequence[str],
    values: dict[str, Sequence[Sequence[float]]],
    label: str,
) -> None:
    """Draw a bar for each kind and system, the first kind on top."""
    thickness = 0.8 / len(values)
    for index, (name, rows) in enumerate(values.items()):
        best, mean, worst = torch.tensor(rows).unbind(1)
        low, high = torch.minimum(best, worst), torch.maximum(best, worst)
        places = [
            place + (index + 0.5) * thickness - 0.4
            for place in range(len(kinds))
        ]
        panel.barh(
            places,
            mean.tolist(),
            height=thickness * 0.9,
            color=SERIES_COLOURS[index % len(SERIES_COLOURS)],
            label=name,
        )
        for place, value, end in zip(places, mean.tolist(), high.tolist()):
            panel.annotate(
                f"{value:.3g}",
                (end, place),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=7,
            )
        panel.hlines(places, low.tolist(), high.tolist(), "0.5", linewidth=1.2)
    panel.set_yticks(range(len(kinds)), kinds, fontsize=8, parse_math=False)
    panel.invert_yaxis()
    panel.set_xlabel(label)
    # room for the numbers
    largest = max(max(row) for rows in values.values() for row in rows)
    panel.set_xlim(0, 1.15 * max(largest, 1.0))
    panel.xaxis.set_major_locator(MaxNLocator(6))
