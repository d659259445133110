"""Figures of one utterance and of one training run.

Each function returns a ``matplotlib.figure.Figure`` of its own, outside of
pyplot: nothing is shown, kept or switched globally. What a reader would see is
put into words as the figure's label (``figure.get_label()``), the alternative
text of a page.

Axes: ``H`` heads, ``Q`` queries (decoder steps), ``K`` keys (text tokens),
``M`` mel frames, ``C`` mel channels.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import cycle

import torch
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sb_sma.metrics.alignment import focus_rate
from sb_sma.plots.panels import (
    COLOURMAP,
    EMPTY_COLOUR,
    SERIES_COLOURS,
    TITLE_STYLE,
    draw_alignment,
    hide_tokens,
    label_queries,
    label_tokens,
    make_panels,
    name_true_path,
)


def plot_alignments(
    alignments: torch.Tensor,
    true_path: torch.Tensor | None = None,
    tokens: Sequence[str] | None = None,
    title: str = "",
    names: Sequence[str] | None = None,
    query_tokens: Sequence[str] | None = None,
) -> Figure:
    """Draw the alignment of every head, the true path over it.

    Brightness is the square root of the weight, so that a head that reads the
    whole text at once is dim, but not black.

    Arguments
    ---------
    alignments : torch.Tensor
        One item without padding, ``(H, Q, K)``, weights in [0, 1].
    true_path : torch.Tensor, optional
        Token spoken at each step of the target. Its length may differ from
        ``Q``, as it does for a free-running result.
    tokens : sequence of str, optional
        The ``K`` tokens, written along the text axis.
    title : str
        Title of the figure.
    names : sequence of str, optional
        Name of each head. Default: numbered from 0.
    query_tokens : sequence of str, optional
        What each of the ``Q`` decoder steps made, such as a phoneme, written
        along the other axis.

    Returns
    -------
    Figure
        One panel per head, titled with its focus rate.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Example
    -------
    >>> figure = plot_alignments(torch.eye(5)[None], torch.arange(5))
    >>> figure.get_label()
    'Alignment of 1 head over 5 decoder steps and 5 tokens, with the true path'
    """
    if alignments.ndim != 3 or 0 in alignments.shape:
        raise ValueError(
            "alignments must have shape (H, Q, K), no axis empty; got "
            f"{tuple(alignments.shape)}. Pass one item of the batch."
        )
    alignments = alignments.detach().float().cpu()
    n_heads, n_queries, n_tokens = alignments.shape
    _check_tokens(tokens, n_tokens)
    if query_tokens is not None and len(query_tokens) != n_queries:
        raise ValueError(
            f"query_tokens must name each of the {n_queries} decoder steps; "
            f"got {len(query_tokens)} names. Cut the padding off both."
        )
    if names is None:
        numbered = [f"head {head}" for head in range(n_heads)]
        names = numbered if n_heads > 1 else ["alignment"]
    if len(names) != n_heads:
        raise ValueError(
            f"names must hold one name per head, {n_heads}; got {len(names)}."
        )
    rates = focus_rate(
        alignments[None], torch.tensor([n_queries]), torch.tensor([n_tokens])
    )[0].tolist()
    # up to four in a row, four as a square, the rows as full as each other
    n_rows = 2 if n_heads == 4 else math.ceil(n_heads / 4)
    n_columns = math.ceil(n_heads / n_rows)
    height = 3.2 if n_rows == 1 else 2.4
    figure, axes = make_panels(n_rows, n_columns, height, title)
    for head, (panel, rate) in enumerate(zip(axes, rates)):
        draw_alignment(panel, alignments[head], true_path)
        panel.set_title(f"{names[head]}, focus {rate:.2f}", **TITLE_STYLE)
        if head % n_columns == 0:
            label_tokens(panel, tokens, n_tokens, height)
        else:
            hide_tokens(panel)
        if query_tokens is not None:
            label_queries(panel, query_tokens, n_columns)
        elif head + n_columns >= n_heads:
            panel.set_xlabel("decoder step")
    for panel in axes[n_heads:]:
        panel.remove()
    name_true_path(axes[0])
    heads = "1 head" if n_heads == 1 else f"{n_heads} heads"
    figure.set_label(
        f"Alignment of {heads} over {n_queries} decoder steps and "
        f"{n_tokens} tokens{_and_true_path(true_path)}"
    )
    return figure


def plot_layers(
    alignments: Sequence[torch.Tensor],
    true_path: torch.Tensor | None = None,
    tokens: Sequence[str] | None = None,
    query_tokens: Sequence[str] | None = None,
) -> Figure:
    """Draw every head of every decoder layer, teacher-forced.

    Arguments
    ---------
    alignments : sequence of torch.Tensor
        One item without padding, ``(1, H, Q, K)`` for each layer.
    true_path : torch.Tensor, optional
        As in `plot_alignments`.
    tokens : sequence of str, optional
        As in `plot_alignments`.
    query_tokens : sequence of str, optional
        As in `plot_alignments`.

    Returns
    -------
    Figure
        The drawing.

    Example
    -------
    >>> figure = plot_layers([torch.eye(4)[None, None]] * 2, tokens="four")
    >>> [panel.get_title(loc="left")[:15] for panel in figure.axes]
    ['layer 0, head 0', 'layer 1, head 0']
    """
    names = [
        f"layer {layer}, head {head}"
        for layer, heads in enumerate(alignments)
        for head in range(heads.shape[1])
    ]
    return plot_alignments(
        torch.cat(list(alignments), dim=1)[0].cpu(),
        true_path=true_path,
        tokens=tokens,
        title="Teacher-forced alignment",
        names=names,
        query_tokens=query_tokens,
    )


def plot_comparison(
    alignments: Mapping[str, torch.Tensor],
    true_path: torch.Tensor | None = None,
    tokens: Sequence[str] | None = None,
    title: str = "",
) -> Figure:
    """Draw the alignments of several models side by side, for one text.

    Arguments
    ---------
    alignments : mapping of str to torch.Tensor
        One head of each model by the model's name, ``(Q, K)``. ``Q`` may
        differ.
    true_path : torch.Tensor, optional
        Token spoken at each step of the target.
    tokens : sequence of str, optional
        The ``K`` tokens, written along the text axis.
    title : str
        Title of the figure.

    Returns
    -------
    Figure
        One panel per model, on the same time axis.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Example
    -------
    >>> models = {"softmax": torch.full((6, 4), 0.25), "SMA": torch.eye(4)}
    >>> figure = plot_comparison(models)
    >>> [panel.get_title(loc="left") for panel in figure.axes]
    ['softmax', 'SMA']
    """
    shapes = [tuple(alignment.shape) for alignment in alignments.values()]
    if (
        not shapes
        or any(len(shape) != 2 or 0 in shape for shape in shapes)
        or len({shape[1] for shape in shapes}) != 1
    ):
        raise ValueError(
            "alignments must be (Q, K) by name, with the same K; got "
            f"{dict(zip(alignments, shapes))}. Choose one head of one item of "
            "each model, for the same text."
        )
    n_tokens = shapes[0][1]
    _check_tokens(tokens, n_tokens)
    height = 3.2
    figure, axes = make_panels(1, len(shapes), height, title)
    longest = max(shape[0] for shape in shapes)
    for panel, (name, alignment) in zip(axes, alignments.items()):
        draw_alignment(panel, alignment.detach().float().cpu(), true_path)
        panel.set_xlim(-0.5, longest - 0.5)
        panel.set_title(name, **TITLE_STYLE)
        panel.set_xlabel("decoder step")
        if panel is axes[0]:
            label_tokens(panel, tokens, n_tokens, height)
        else:
            hide_tokens(panel)
    name_true_path(axes[0])
    figure.set_label(
        f"Alignments of {', '.join(alignments)} for the same {n_tokens} "
        f"tokens{_and_true_path(true_path)}"
    )
    return figure


def plot_mels(
    target: torch.Tensor | None, predicted: torch.Tensor, title: str = ""
) -> Figure:
    """Draw the target's and the predicted mel, one above the other.

    Both have the same time axis and the same colours.

    Arguments
    ---------
    target : torch.Tensor, optional
        Mel of the target, ``(M', C)``.
    predicted : torch.Tensor
        Mel of the result, ``(M, C)``.
    title : str
        Title of the figure.

    Returns
    -------
    Figure
        One panel per mel.

    Raises
    ------
    ValueError
        If a shape does not fit.

    Example
    -------
    >>> plot_mels(torch.rand(60, 80), torch.rand(50, 80)).get_label()
    'Mel of the target, 60 frames, and of the result, 50 frames'
    """
    mels = {"target": target, "predicted": predicted}
    mels = {name: mel for name, mel in mels.items() if mel is not None}
    for name, mel in mels.items():
        if mel.ndim != 2 or 0 in mel.shape:
            raise ValueError(
                f"{name} must have shape (M, C), no axis empty; got "
                f"{tuple(mel.shape)}. Pass one item of the batch."
            )
    mels = {name: mel.detach().float().cpu() for name, mel in mels.items()}
    values = torch.cat([mel.flatten() for mel in mels.values()])
    values = values[values.isfinite()]
    limits = {}
    if len(values):
        limits = {"vmin": float(values.min()), "vmax": float(values.max())}
    figure, axes = make_panels(len(mels), 1, 1.45, title)
    for panel, (name, mel) in zip(axes, mels.items()):
        panel.set_facecolor(EMPTY_COLOUR)
        panel.imshow(
            mel.T.numpy(),
            aspect="auto",
            origin="lower",
            cmap=COLOURMAP,
            **limits,
        )
        panel.set_xlim(-0.5, max(len(mel) for mel in mels.values()) - 0.5)
        panel.set_title(name, **TITLE_STYLE)
        panel.set_ylabel("channel")
    axes[-1].set_xlabel("mel frame")
    label = f"of the result, {len(predicted)} frames"
    if target is not None:
        label = f"of the target, {len(target)} frames, and {label}"
    figure.set_label(f"Mel {label}")
    return figure


def plot_curves(
    history: Sequence[Mapping[str, float]], x: str = "epoch", title: str = ""
) -> Figure:
    """Draw how the numbers of a training run moved.

    Arguments
    ---------
    history : sequence of mappings
        One mapping per epoch, from names to numbers. ``"train/loss"`` and
        ``"valid/loss"`` share the panel ``loss``; a name without a slash has a
        panel of its own. A number may be missing from some epochs.
    x : str
        Name of the number on the horizontal axis.
    title : str
        Title of the figure.

    Returns
    -------
    Figure
        One panel per quantity.

    Raises
    ------
    ValueError
        If there is nothing to draw, or an epoch lacks ``x``.

    Example
    -------
    >>> history = [
    ...     {"epoch": 1, "train/loss": 3.2, "valid/loss": 3.4, "focus": 0.3},
    ...     {"epoch": 2, "train/loss": 2.1, "valid/loss": 2.5, "focus": 0.8},
    ... ]
    >>> figure = plot_curves(history)
    >>> [panel.get_title(loc="left") for panel in figure.axes]
    ['loss', 'focus']
    """
    for row in history:
        if x not in row:
            raise ValueError(
                f"every row of history must hold {x!r}; got only "
                f"{sorted(row)}. Name the horizontal axis with x."
            )
    panels = _panels_of_history(history, x)
    if not panels:
        raise ValueError(
            f"history must hold a finite number beside {x!r}; got "
            f"{len(history)} rows. Leave the figure out of a run without one."
        )
    n_rows = math.ceil(len(panels) / 3)
    n_columns = math.ceil(len(panels) / n_rows)
    figure, axes = make_panels(n_rows, n_columns, 2.3, title)
    for panel, (name, series) in zip(axes, panels.items()):
        for colour, (label, points) in zip(
            cycle(SERIES_COLOURS), series.items()
        ):
            panel.plot(
                *zip(*points),
                color=colour,
                linewidth=1.6,
                marker="o" if len(points) <= 12 else "",
                markersize=3,
                label=label,
            )
        panel.set_title(name, **TITLE_STYLE)
        panel.set_xlabel(x)
        panel.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        panel.grid(alpha=0.25, linewidth=0.6)
        panel.spines[["top", "right"]].set_visible(False)
        if len(series) > 1:
            panel.legend(frameon=False, fontsize=8)
    for panel in axes[len(panels) :]:
        panel.remove()
    figure.set_label(f"Curves over the {x.rstrip('s')}s: {', '.join(panels)}")
    return figure


def _and_true_path(true_path: torch.Tensor | None) -> str:
    return "" if true_path is None else ", with the true path"


def _check_tokens(tokens: Sequence[str] | None, n_tokens: int) -> None:
    if tokens is not None and len(tokens) != n_tokens:
        raise ValueError(
            f"tokens must name each of the {n_tokens} keys; got "
            f"{len(tokens)} names. Cut the padding off both."
        )


def _panels_of_history(
    history: Sequence[Mapping[str, float]], x: str
) -> dict[str, dict[str, list[tuple[float, float]]]]:
    panels: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for row in history:
        for name, value in row.items():
            if name == x or not math.isfinite(value):
                continue
            series, _, quantity = name.rpartition("/")
            points = panels.setdefault(quantity, {}).setdefault(series, [])
            points.append((row[x], value))
    return panels
