"""Figures of what style tokens are used for, and of what they do.

As in :mod:`sb_sma.plots.figures`, each function returns a figure of its own,
with what a reader would see as its label.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from sb_sma.plots.panels import SERIES_COLOURS, TITLE_STYLE, make_panels

# inches
_ROW_HEIGHT = 0.26
_MARGIN_HEIGHT = 0.8
_PANEL_HEIGHT = 1.6
_SCATTER_HEIGHT = 3.6
_LINE_COLOUR = (0.5, 0.5, 0.5, 0.8)
_PANELS_PER_ROW = 5
# the fullest cell lets the page through, so that the page's ink is read on it
_MAX_OPACITY = 0.75


def plot_token_weights(weights: np.ndarray, names: Sequence[str]) -> Figure:
    """Draw which style tokens recordings use.

    Arguments
    ---------
    weights : np.ndarray
        Weight of each token, the mean of its heads, in [0, 1], of shape
        (recordings, tokens).
    names : sequence of str
        One per recording.

    Returns
    -------
    Figure
        One row per recording, one column per token.

    Raises
    ------
    ValueError
        If there are not as many names as recordings, or none.

    Example
    -------
    >>> figure = plot_token_weights(np.array([[0.75, 0.25]]), ["slow"])
    >>> figure.get_label()
    'Weights of 2 style tokens in 1 recording; slow uses token 0 most'
    """
    weights = np.asarray(weights)
    if weights.ndim != 2 or not len(weights) or len(names) != len(weights):
        raise ValueError(
            "weights must have shape (recordings, tokens) with one name per "
            f"recording; got {weights.shape} and {len(names)} names."
        )
    n_rows, n_tokens = weights.shape
    height = _MARGIN_HEIGHT + _ROW_HEIGHT * n_rows
    figure, (panel,) = make_panels(1, 1, height)
    cells = np.empty((*weights.shape, 4))
    cells[:] = to_rgba(SERIES_COLOURS[0])
    cells[..., 3] = _MAX_OPACITY * weights / weights.max()
    panel.imshow(cells, aspect="auto")
    for row, column in np.ndindex(*weights.shape):
        panel.text(
            column,
            row,
            f"{weights[row, column]:.2f}",
            ha="center",
            va="center",
            fontsize=8,
        )
    panel.set_xticks(range(n_tokens))
    panel.set_yticks(range(n_rows), names, fontsize=8.5, parse_math=False)
    panel.set_xlabel("style token")
    panel.spines[:].set_visible(False)
    figure.set_label(
        f"Weights of {n_tokens} style tokens in {n_rows} recording"
        f"{'s' * (n_rows > 1)}; {names[0]} uses token "
        f"{int(weights[0].argmax())} most"
    )
    return figure


def plot_token_sweep(
    scales: Sequence[float], seconds: np.ndarray, text: str
) -> Figure:
    """Draw how long a text takes in the style of each token.

    Arguments
    ---------
    scales : sequence of float
        Weights that a token was given alone.
    seconds : np.ndarray
        Durations, of shape (tokens, scales).
    text : str
        What was said.

    Returns
    -------
    Figure
        One panel per token, all of the same scale.

    Raises
    ------
    ValueError
        If there are not as many durations of a token as scales, or none.

    Example
    -------
    >>> seconds = np.array([[1.0, 1.0], [1.0, 2.0]])
    >>> figure = plot_token_sweep([0.0, 1.0], seconds, "Hello.")
    >>> figure.get_label()
    'Seconds of "Hello." by the weight of each token; token 1 changes most'
    """
    seconds = np.asarray(seconds)
    if seconds.ndim != 2 or not seconds.size or len(scales) != seconds.shape[1]:
        raise ValueError(
            "seconds must have shape (tokens, scales) with one column for "
            f"each of the {len(scales)} scales; got {seconds.shape}."
        )
    n_tokens = len(seconds)
    n_columns = min(_PANELS_PER_ROW, n_tokens)
    n_rows = -(-n_tokens // n_columns)
    figure, panels = make_panels(n_rows, n_columns, _PANEL_HEIGHT)
    for token, (panel, durations) in enumerate(zip(panels, seconds)):
        panel.plot(
            scales,
            durations,
            color=SERIES_COLOURS[0],
            linewidth=1.6,
            marker="o",
            markersize=3,
        )
        panel.set_title(f"token {token}", **TITLE_STYLE)
        panel.set_ylim(0.0, 1.1 * seconds.max())
        panel.grid(alpha=0.25, linewidth=0.6)
        panel.spines[["top", "right"]].set_visible(False)
        if token % n_columns == 0:
            panel.set_ylabel("seconds")
        if token >= n_tokens - n_columns:
            panel.set_xlabel("weight")
    for panel in panels[n_tokens:]:
        panel.remove()
    most = int(np.ptp(seconds, axis=1).argmax())
    figure.set_label(
        f'Seconds of "{text}" by the weight of each token; token {most} '
        "changes most"
    )
    return figure


def plot_style_transfer(
    quantities: Mapping[str, tuple[Sequence[float], Sequence[float]]],
) -> Figure:
    """Draw how speech follows the recordings whose style it was given.

    Arguments
    ---------
    quantities : mapping of str to (sequence of float, sequence of float)
        By name, the values of the references and of what was spoken in their
        styles, in the same order.

    Returns
    -------
    Figure
        One panel per quantity, with a dot per pair and the line on which they
        are equal.

    Raises
    ------
    ValueError
        If there is no quantity, or one has not as many values as the others.

    Example
    -------
    >>> figure = plot_style_transfer({"F0 in Hz": ([90, 200], [100, 190])})
    >>> figure.get_label()
    'Speech in the style of 2 references, against them: F0 in Hz'
    """
    counts = {len(values) for pair in quantities.values() for values in pair}
    if len(counts) != 1 or counts == {0}:
        raise ValueError(
            "all quantities must have as many values of references as of what "
            f"was spoken, at least one; got {sorted(counts)}."
        )
    figure, panels = make_panels(1, len(quantities), _SCATTER_HEIGHT)
    for panel, (name, (reference, spoken)) in zip(panels, quantities.items()):
        bounds = (min(*reference, *spoken), max(*reference, *spoken))
        panel.plot(bounds, bounds, color=_LINE_COLOUR, linewidth=0.8)
        panel.plot(
            reference,
            spoken,
            color=SERIES_COLOURS[0],
            linestyle="none",
            marker="o",
            markersize=4,
            alpha=0.8,
        )
        panel.set_title(name, **TITLE_STYLE)
        panel.set_xlabel("reference")
        panel.grid(alpha=0.25, linewidth=0.6)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("spoken in its style")
    figure.set_label(
        f"Speech in the style of {counts.pop()} references, against them: "
        f"{', '.join(quantities)}"
    )
    return figure
