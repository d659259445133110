"""Figures of what a grapheme-to-phoneme model gets wrong.

As in :mod:`sb_sma.plots.figures`, each function returns a figure of its own,
with what a reader would see as its label.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from sb_sma.plots.panels import SERIES_COLOURS, make_panels

# stands for no phoneme; none of the IPA or of ARPAbet
_NOTHING = "–"
# inches
_CELL_HEIGHT = 0.24
_MARGIN_HEIGHT = 0.85
_LENGTH_HEIGHT = 2.6
# the fullest cell lets the page through, so that the page's ink is read on it
_MAX_OPACITY = 0.75


def plot_confusions(
    confusions: Sequence[tuple[str, str, int]],
    n_symbols: int = 16,
    title: str = "",
) -> Figure:
    """Draw which phoneme was taken for which, and how often.

    Only errors are drawn: the diagonal is empty.

    Arguments
    ---------
    confusions : sequence of tuple of str, str and int
        What ``PhonemeErrorRates.confusions`` returned: phoneme of the
        reference, of the hypothesis (``""`` for none), and count.
    n_symbols : int
        Most rows and most columns; those with the most errors are drawn.
    title : str
        Title of the figure.

    Returns
    -------
    Figure
        One row per phoneme of the references, one column per phoneme of the
        hypotheses, the most frequent first.

    Raises
    ------
    ValueError
        If there is no error to draw, or ``n_symbols`` is below 1.

    Example
    -------
    >>> figure = plot_confusions([("AE", "AA", 3), ("S", "", 1)])
    >>> figure.get_label()
    '4 errors: the most frequent is AA for AE, 3 times'
    """
    if not confusions:
        raise ValueError(
            "confusions must hold at least one error; got none. Leave the "
            "figure out of a report without errors."
        )
    if n_symbols < 1:
        raise ValueError(
            f"n_symbols must be at least 1; got {n_symbols}. Leave it out for "
            "16."
        )
    rows = _rank([(old, count) for old, _, count in confusions], n_symbols)
    columns = _rank([(new, count) for _, new, count in confusions], n_symbols)
    counts = np.zeros((len(rows), len(columns)), dtype=int)
    for old, new, count in confusions:
        if old in rows and new in columns:
            counts[rows.index(old), columns.index(new)] += count
    height = _MARGIN_HEIGHT + _CELL_HEIGHT * len(rows)
    figure, (panel,) = make_panels(1, 1, height, title)
    cells = np.empty((*counts.shape, 4))
    cells[:] = to_rgba(SERIES_COLOURS[0])
    # the root, so that a rare error can still be told from none
    cells[..., 3] = _MAX_OPACITY * np.sqrt(counts / max(counts.max(), 1))
    panel.imshow(cells, aspect="auto")
    _write_counts(panel, counts)
    for axis, symbols in ((panel.yaxis, rows), (panel.xaxis, columns)):
        axis.set_ticks(
            range(len(symbols)),
            [symbol or _NOTHING for symbol in symbols],
            fontsize=8.5,
            parse_math=False,
        )
    panel.set_ylabel(f"reference ({_NOTHING} where one was added)")
    panel.set_xlabel(f"hypothesis ({_NOTHING} where one was left out)")
    panel.spines[:].set_visible(False)
    n_errors = sum(count for _, _, count in confusions)
    figure.set_label(
        f"{n_errors:,} error{'s' if n_errors > 1 else ''}: the most frequent "
        f"is {_describe(max(confusions, key=lambda entry: entry[2]))}"
    )
    return figure


def plot_errors_by_length(
    rows: Sequence[tuple[str, int, float, float]], title: str = ""
) -> Figure:
    """Draw the error rates of short and of long words.

    Arguments
    ---------
    rows : sequence of tuple of str, int, float and float
        What ``PhonemeErrorRates.by_length`` returned: letters, number of
        words, WER and PER in percent.
    title : str
        Title of the figure.

    Returns
    -------
    Figure
        Two bars for each length.

    Raises
    ------
    ValueError
        If there is no row.

    Example
    -------
    >>> rows = [("3-4", 386, 31.0, 12.0), ("5-6", 1202, 44.0, 11.0)]
    >>> plot_errors_by_length(rows).get_label()
    'Error rates of words of 3-4 and 5-6 letters'
    """
    if not rows:
        raise ValueError(
            "rows must hold at least one length; got none. Score some words "
            "first."
        )
    lengths, n_words, wers, pers = zip(*rows)
    figure, (panel,) = make_panels(1, 1, _LENGTH_HEIGHT, title)
    positions = np.arange(len(rows))
    width = 0.38
    for shift, name, rates, colour in (
        (-0.5, "WER", wers, SERIES_COLOURS[0]),
        (0.5, "PER", pers, SERIES_COLOURS[1]),
    ):
        bars = panel.bar(
            positions + shift * width, rates, width, color=colour, label=name
        )
        panel.bar_label(bars, fmt="%.1f", fontsize=7.5, padding=2)
    panel.set_xticks(
        positions,
        [
            f"{length}\n{count:,} word{'s' if count != 1 else ''}"
            for length, count in zip(lengths, n_words)
        ],
    )
    panel.set_xlabel("letters of the word")
    panel.set_ylabel("percent")
    # as wide as eight lengths: one bar never fills the figure
    panel.set_xlim(-0.6, max(len(rows), 8) - 0.4)
    panel.set_ylim(0, 1.12 * max(*wers, *pers, 1))
    panel.grid(axis="y", alpha=0.25, linewidth=0.6)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper right", ncols=2, frameon=False, fontsize=8)
    *first, last = lengths
    listed = f"{', '.join(first)} and {last}" if first else last
    figure.set_label(f"Error rates of words of {listed} letters")
    return figure


def _rank(counts: Sequence[tuple[str, int]], n_symbols: int) -> list[str]:
    """Return the symbols with the highest sums; of equal ones, by name."""
    sums: Counter[str] = Counter()
    for symbol, count in counts:
        sums[symbol] += count
    ranked = sorted(sums, key=lambda symbol: (-sums[symbol], symbol))
    return ranked[:n_symbols]


def _write_counts(panel: Axes, counts: np.ndarray) -> None:
    for row, column in zip(*counts.nonzero()):
        panel.text(
            column,
            row,
            f"{counts[row, column]:,}",
            ha="center",
            va="center",
            fontsize=7.5,
        )


def _describe(confusion: tuple[str, str, int]) -> str:
    old, new, count = confusion
    times = "once" if count == 1 else f"{count:,} times"
    if not new:
        return f"{old} left out, {times}"
    if not old:
        return f"{new} inserted, {times}"
    return f"{new} for {old}, {times}"
