"""Every weight and every duration is drawn where it belongs."""

import io

import numpy as np
import pytest

from sb_sma.plots.style_figures import (
    plot_style_transfer,
    plot_token_sweep,
    plot_token_weights,
)


def render(figure):
    """Drawing is where a bad label fails."""
    figure.savefig(io.BytesIO(), format="png")


def test_every_weight_is_in_its_cell():
    weights = np.array([[0.7, 0.1, 0.2], [0.0, 0.25, 0.75]])
    figure = plot_token_weights(weights, ["$slow", "fast"])
    render(figure)
    (panel,) = figure.axes
    assert [label.get_text() for label in panel.get_yticklabels()] == [
        "$slow",
        "fast",
    ]
    drawn = {text.get_position(): text.get_text() for text in panel.texts}
    assert drawn == {
        (column, row): f"{weights[row, column]:.2f}"
        for row, column in np.ndindex(2, 3)
    }
    opacity = panel.images[0].get_array()[..., 3]
    np.testing.assert_allclose(opacity, weights)  # 0.75 is the fullest


@pytest.mark.parametrize("n_tokens", [1, 5, 7])
def test_every_token_has_its_panel(n_tokens):
    scales = [-0.5, 0.0, 1.0]
    seconds = np.arange(3.0 * n_tokens).reshape(n_tokens, 3) ** 2
    figure = plot_token_sweep(scales, seconds, "Some $text.")
    render(figure)
    assert len(figure.axes) == n_tokens
    for token, panel in enumerate(figure.axes):
        assert panel.get_title(loc="left") == f"token {token}"
        (line,) = panel.lines
        assert line.get_xdata().tolist() == scales
        assert line.get_ydata().tolist() == seconds[token].tolist()
        assert panel.get_ylim() == figure.axes[0].get_ylim()
    assert f"token {n_tokens - 1} changes most" in figure.get_label()


def test_every_pair_is_a_dot():
    pairs = {
        "rate": ([1.0, 3.0], [1.5, 2.0]),
        "$F0": ([90.0, 80.0], [200.0, 70.0]),
    }
    figure = plot_style_transfer(pairs)
    render(figure)
    for panel, (name, (reference, spoken)) in zip(figure.axes, pairs.items()):
        assert panel.get_title(loc="left") == name
        equal, dots = panel.lines
        assert dots.get_xdata().tolist() == reference
        assert dots.get_ydata().tolist() == spoken
        ends = [min(*reference, *spoken), max(*reference, *spoken)]
        assert list(equal.get_xdata()) == list(equal.get_ydata()) == ends


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="one name per recording"):
        plot_token_weights(np.zeros((2, 3)), ["one"])
    with pytest.raises(ValueError, match="each of the 3 scales"):
        plot_token_sweep([0.0, 0.5, 1.0], np.zeros((2, 2)), "Hello.")
    for pairs in ({}, {"F0": ([], [])}, {"F0": ([1.0, 2.0], [1.0])}):
        with pytest.raises(ValueError, match="all quantities must have as"):
            plot_style_transfer(pairs)
