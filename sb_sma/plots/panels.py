"""What the panels of all figures share: sizes, colours, and how one alignment
is drawn.
"""

import math
from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

COLOURMAP = "magma"
# readable on white and on near-black
SERIES_COLOURS = ("#3987d6", "#e07b39", "#2ba173", "#a56fd1")
# where a shorter result has nothing, on any page
EMPTY_COLOUR = (0.5, 0.5, 0.5, 0.2)
# text that comes from a user is never read as mathematics
TITLE_STYLE = {"loc": "left", "fontsize": 9, "parse_math": False}

_DPI = 100
_WIDTH = 9.0  # inches
_TRUTH_COLOUR = "#35e0e6"
# room for one token beside its row, and for all but the rows, in inches
_TOKEN_HEIGHT = 0.115
_MARGIN_HEIGHT = 0.7
# of one letter below its column, of the gap between two, of what is beside the
# columns, in inches
_LETTER_WIDTH = 0.062
_LETTER_GAP = 0.07
_MARGIN_WIDTH = 0.6


def make_panels(
    n_rows: int, n_columns: int, height: float, title: str = ""
) -> tuple[Figure, list[Axes]]:
    """Make a figure with a grid of empty panels.

    Arguments
    ---------
    n_rows : int
        Rows of the grid.
    n_columns : int
        Columns of the grid.
    height : float
        Height of a row in inches.
    title : str
        Title of the figure.

    Returns
    -------
    tuple of Figure and list of Axes
        The figure and its panels, row by row.

    Example
    -------
    >>> figure, panels = make_panels(n_rows=2, n_columns=3, height=1.5)
    >>> len(panels)
    6
    """
    heading = 0.3 if title else 0.0
    figure = Figure(
        figsize=(_WIDTH, n_rows * height + heading),
        dpi=_DPI,
        layout="constrained",
        facecolor="white",
    )
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.06)
    if title:
        figure.suptitle(title, fontsize=10, parse_math=False)
    panels = figure.subplots(n_rows, n_columns, squeeze=False).ravel().tolist()
    for panel in panels:
        panel.set_facecolor("none")
        panel.tick_params(labelsize=7.5, length=2.5)
        panel.xaxis.label.set_size(8.5)
        panel.yaxis.label.set_size(8.5)
    return figure, panels


def draw_alignment(
    panel: Axes, alignment: torch.Tensor, true_path: torch.Tensor | None = None
) -> None:
    """Draw one head, time to the right and the text upwards.

    Arguments
    ---------
    panel : Axes
        Where to draw.
    alignment : torch.Tensor
        Weights in [0, 1] of ``Q`` decoder steps over ``K`` tokens, ``(Q, K)``.
    true_path : torch.Tensor, optional
        Token spoken at each step of the target, drawn as a line.

    Example
    -------
    >>> _, panels = make_panels(n_rows=1, n_columns=1, height=2.0)
    >>> draw_alignment(panels[0], torch.eye(4), torch.arange(4))
    >>> panels[0].get_lines()[0].get_label()
    'true path'
    """
    n_queries, n_tokens = alignment.shape
    panel.set_facecolor(EMPTY_COLOUR)
    panel.imshow(
        alignment.T.numpy(),
        aspect="auto",
        origin="lower",
        cmap=COLOURMAP,
        norm=PowerNorm(0.5, vmin=0.0, vmax=1.0),
    )
    if true_path is not None:
        panel.plot(
            torch.as_tensor(true_path).cpu().numpy(),
            color=_TRUTH_COLOUR,
            linewidth=0.8,
            drawstyle="steps-mid",
            label="true path",
        )
    panel.set_xlim(-0.5, n_queries - 0.5)
    panel.set_ylim(-0.5, n_tokens - 0.5)
    panel.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def name_true_path(panel: Axes) -> None:
    """Say which line is the true path, if one was drawn.

    Arguments
    ---------
    panel : Axes
        A panel after :func:`draw_alignment`.
    """
    if panel.get_legend_handles_labels()[0]:
        # where nothing is read: the end of the text at the start of the speech
        panel.legend(
            loc="upper left",
            frameon=False,
            fontsize=8,
            labelcolor=_TRUTH_COLOUR,
            handlelength=1.2,
        )


def label_tokens(
    panel: Axes, tokens: Sequence[str] | None, n_tokens: int, height: float
) -> None:
    """Write the tokens beside their rows, as many as there is room for.

    Arguments
    ---------
    panel : Axes
        A panel after :func:`draw_alignment`.
    tokens : sequence of str, optional
        The tokens; their numbers are written where there is none.
    n_tokens : int
        Number of tokens.
    height : float
        Height of the panel's row in inches.
    """
    if tokens is None:
        panel.set_ylabel("token")
        panel.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        return
    stride = math.ceil(n_tokens * _TOKEN_HEIGHT / (height - _MARGIN_HEIGHT))
    shown = range(0, n_tokens, stride)
    panel.set_yticks(
        shown, [tokens[index] for index in shown], fontsize=7, parse_math=False
    )


def label_queries(panel: Axes, names: Sequence[str], n_columns: int) -> None:
    """Write what each decoder step made below its column, as many as there is
    room for.

    Arguments
    ---------
    panel : Axes
        A panel after :func:`draw_alignment`.
    names : sequence of str
        One per decoder step.
    n_columns : int
        Panels beside each other in the figure.
    """
    room = _LETTER_WIDTH * max(map(len, names)) + _LETTER_GAP
    width = _WIDTH / n_columns - _MARGIN_WIDTH
    stride = math.ceil(len(names) * room / width)
    shown = range(0, len(names), stride)
    panel.set_xticks(
        shown, [names[index] for index in shown], fontsize=7, parse_math=False
    )


def hide_tokens(panel: Axes) -> None:
    """Leave the text axis bare, where the panel to the left has labels.

    Arguments
    ---------
    panel : Axes
        A panel after :func:`draw_alignment`.
    """
    panel.tick_params(left=False, labelleft=False)
