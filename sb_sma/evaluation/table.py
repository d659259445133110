"""An evaluation as lines for a terminal, and as cells for a page."""

from collections.abc import Sequence
from typing import Any

FIGURES = {
    "spoken_again": ("texts spoken again", "{:.1f}"),
    "did_not_end": ("texts without an end", "{:.1f}"),
    "unsaid_words": ("unsaid words", "{:.1f}"),
    "words": ("of words", "{:.0f}"),
    "shortest_length_ratio": ("shortest, over the usual time", "{:.2f}"),
    "longest_length_ratio": ("longest, over the usual time", "{:.2f}"),
    "unaligned_share": ("unaligned share", "{:.3f}"),
    "scattered_share": ("scattered share", "{:.3f}"),
    "diagonal_ratio": ("diagonal ratio", "{:.3f}"),
    "backward_moves": ("moves back of the attention", "{:.1f}"),
    "skipped_tokens": ("tokens that it passes over", "{:.1f}"),
}
"""Title and format of each figure of a reading, means over the seeds."""


def bad_cells(bad: dict[str, Any]) -> tuple[str, str]:
    """Write a count of bad texts.

    Arguments
    ---------
    bad : dict
        Of `sb_sma.evaluation.summary.summarize`.

    Returns
    -------
    counts : str
        Best, mean and worst seed; one number where they are one.
    interval : str
        Of the mean share.

    Example
    -------
    >>> counts = {"best": 0, "mean": 0.4, "worst": 1, "of": 50}
    >>> bad_cells({**counts, "interval_of_share": [0.0, 0.0792]})
    ('0 / 0.4 / 1 of 50', '0.0 to 7.9 %')
    >>> counts = {"best": 1234, "mean": 1234.0, "worst": 1234, "of": 2000}
    >>> bad_cells({**counts, "interval_of_share": [0.595, 0.638]})
    ('1234 of 2000', '59.5 to 63.8 %')
    """
    low, high = bad["interval_of_share"]
    counts = f"{bad['best']} / {bad['mean']:.3g} / {bad['worst']}"
    if bad["best"] == bad["worst"]:
        counts = str(bad["best"])
    return f"{counts} of {bad['of']}", f"{100 * low:.1f} to {100 * high:.1f} %"


def rate_cells(rate: dict[str, Any]) -> tuple[str, str]:
    """Write a word error rate, or an opinion.

    Arguments
    ---------
    rate : dict
        Of `sb_sma.evaluation.summary.summarize_heard`.

    Returns
    -------
    rates : str
        Best, mean and worst seed; one number where they are one.
    interval : str
        Of the mean.

    Example
    -------
    >>> rates = {"best": 1.0, "mean": 1.25, "worst": 1.5}
    >>> rate_cells({**rates, "interval": [0.5, 2.0]})
    ('1.00 / 1.25 / 1.50', '0.50 to 2.00')
    """
    numbers = [rate["best"], rate["mean"], rate["worst"]]
    if len(set(numbers)) == 1:
        numbers = numbers[:1]
    low, high = rate["interval"]
    rates = " / ".join(f"{number:.2f}" for number in numbers)
    return rates, f"{low:.2f} to {high:.2f}"


def make_tables(
    evaluation: dict[str, Any],
) -> list[tuple[str, list[str], list[list[str]]]]:
    """Make the tables of an evaluation.

    Arguments
    ---------
    evaluation : dict
        As it is stored.

    Returns
    -------
    tables : list of (str, list of str, list of list of str)
        Caption, headings and rows of each.
    """
    systems = evaluation["systems"]
    seeds = len(evaluation["seeds"])
    seeds = "1 seed" if seeds == 1 else f"best / mean / worst of {seeds} seeds"
    tables = [
        (
            f"Bad texts, {seeds}",
            ["kind of text", *_with_intervals(systems)],
            [
                [
                    kind,
                    *_cells(bad_cells, [s["bad_texts"][kind] for s in systems]),
                ]
                for kind in systems[0]["bad_texts"]
            ],
        ),
        (
            "How the texts were read"
            + ", mean over the seeds" * (len(evaluation["seeds"]) > 1),
            ["figure", *(system["name"] for system in systems)],
            [
                [title, *(form.format(s["reading"][name]) for s in systems)]
                for name, (title, form) in FIGURES.items()
            ],
        ),
    ]
    reference = evaluation["reference"]
    if reference is None:
        return tables
    heard = [*systems, reference]
    for figure, title in (
        ("word_error_rate", "Word errors in per cent"),
        ("opinion", "Predicted opinion, 1 to 5"),
    ):
        if figure in reference["heard"]:
            rates = [each["heard"][figure] for each in heard]
            tables.append(
                (
                    f"{title}, {seeds}",
                    ["kind of text", *_with_intervals(heard)],
                    [
                        [kind, *_cells(rate_cells, [r[kind] for r in rates])]
                        for kind in rates[0]
                    ],
                )
            )
    return tables


def format_tables(evaluation: dict[str, Any]) -> str:
    """Write an evaluation for a terminal.

    Arguments
    ---------
    evaluation : dict
        As it is stored.

    Returns
    -------
    lines : str
        Tables, and the texts that were bad with most seeds.
    """
    parts = [_lines(*table) for table in make_tables(evaluation)]
    for system in evaluation["systems"]:
        worst = system["faults"][:_SHOWN]
        if worst:
            lines = [f"{system['name']}: bad texts such as"]
            lines += [f"  {describe_fault(row)}" for row in worst]
            parts.append("\n".join(lines))
    return "\n\n".join(parts)


_SHOWN = 5


def describe_fault(row: dict[str, Any]) -> str:
    """Write what is wrong with a text.

    Arguments
    ---------
    row : dict
        Of ``faults`` of a summary.

    Returns
    -------
    line : str
        The text, shortened, and the faults of the first seed that has any.

    Example
    -------
    >>> describe_fault(
    ...     {"text": "No.", "by_seed": {"2": ["goes back once"]}, "kind": "a"}
    ... )
    'No. (seed 2: goes back once)'
    """
    text = row["text"]
    shown = text if len(text) <= 50 else text[:47] + "..."
    seed, faults = next(iter(row["by_seed"].items()))
    return f"{shown} (seed {seed}: {'; '.join(faults)})"


def _with_intervals(systems: Sequence[dict[str, Any]]) -> list[str]:
    return [
        heading
        for system in systems
        for heading in (system["name"], "95 % interval")
    ]


def _cells(write, values: Sequence[dict[str, Any]]) -> list[str]:
    return [cell for value in values for cell in write(value)]


def _lines(
    caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]]
) -> str:
    """Make columns as wide as their longest cell, the first to the left."""
    table = [headings, *rows]
    widths = [max(map(len, column)) for column in zip(*table)]
    lines = [caption, ""]
    for cells in table:
        first, *others = [
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(cells, widths))
        ]
        lines.append("  ".join([first, *others]).rstrip())
    lines.insert(3, "-" * (sum(widths) + 2 * (len(widths) - 1)))
    return "\n".join(lines)
