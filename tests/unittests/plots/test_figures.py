"""A figure shows what it was given, whatever the sizes, and changes nothing
outside of itself.
"""

import io
import sys

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from sb_sma.plots.figures import (
    plot_alignments,
    plot_comparison,
    plot_curves,
    plot_mels,
)


def titles(figure):
    return [panel.get_title(loc="left") for panel in figure.axes]


def image_of(panel):
    return np.asarray(panel.get_images()[0].get_array())


def rendered(figure):
    """The pixels: drawing is where a bad label fails."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def random_alignments(n_heads, n_queries, n_tokens):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(
        n_heads, n_queries, n_tokens, generator=generator
    ).softmax(-1)


FIGURES = [
    pytest.param(
        lambda: plot_alignments(
            random_alignments(2, 9, 5), torch.arange(9) // 2, list("abcde")
        ),
        id="alignments",
    ),
    pytest.param(
        lambda: plot_comparison(
            {
                "softmax": random_alignments(1, 9, 5)[0],
                "SMA": random_alignments(1, 7, 5)[0],
            },
            torch.arange(9) // 2,
        ),
        id="comparison",
    ),
    pytest.param(
        lambda: plot_mels(torch.rand(30, 80), torch.rand(20, 80)), id="mels"
    ),
    pytest.param(lambda: plot_curves([{"epoch": 1, "loss": 2.0}]), id="curves"),
]


@pytest.mark.parametrize("make", FIGURES)
def test_every_figure_can_be_rendered_and_says_what_it_shows(make):
    figure = make()
    assert isinstance(figure, Figure)
    assert figure.get_label()
    assert rendered(figure)[1:4] == b"PNG"


@pytest.mark.parametrize("make", FIGURES)
def test_pyplot_is_never_touched(make, monkeypatch):
    # importing None is an ImportError
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    rendered(make())


@pytest.mark.parametrize(
    "n_heads, n_queries, n_tokens",
    [(1, 1, 1), (2, 13, 5), (3, 5, 13), (4, 7, 7), (5, 31, 2), (12, 9, 50)],
)
def test_every_head_is_drawn(n_heads, n_queries, n_tokens):
    alignments = random_alignments(n_heads, n_queries, n_tokens)
    figure = plot_alignments(alignments)
    assert len(figure.axes) == n_heads
    for panel, alignment in zip(figure.axes, alignments):
        np.testing.assert_array_equal(image_of(panel), alignment.T)
    rendered(figure)


@pytest.mark.parametrize(
    "n_heads, grid",
    [(1, (1, 1)), (3, (1, 3)), (4, (2, 2)), (6, (2, 3)), (12, (3, 4))],
)
def test_heads_fill_the_grid(n_heads, grid):
    figure = plot_alignments(random_alignments(n_heads, 5, 5))
    assert figure.axes[0].get_gridspec().get_geometry() == grid


def test_heads_are_titled_with_their_focus():
    alignments = torch.stack([torch.eye(4), torch.full((4, 4), 0.25)])
    assert titles(plot_alignments(alignments)) == [
        "head 0, focus 1.00",
        "head 1, focus 0.25",
    ]
    assert titles(plot_alignments(alignments[:1])) == ["alignment, focus 1.00"]
    assert titles(plot_alignments(alignments, names=["a", "b"])) == [
        "a, focus 1.00",
        "b, focus 0.25",
    ]
    with pytest.raises(ValueError, match="one name per head, 2; got 1"):
        plot_alignments(alignments, names=["a"])


@pytest.mark.parametrize("n_steps", [3, 6, 9])
def test_the_true_path_is_drawn_over_every_head(n_steps):
    path = torch.arange(n_steps)
    figure = plot_alignments(random_alignments(3, 6, 10), path)
    for panel in figure.axes:
        (line,) = panel.get_lines()
        np.testing.assert_array_equal(line.get_ydata(), path)
        # a longer target never widens the result
        assert panel.get_xlim() == (-0.5, 5.5)
        assert panel.get_ylim() == (-0.5, 9.5)
    legend = figure.axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["true path"]
    assert figure.get_label().endswith("with the true path")


def test_without_a_true_path_none_is_named():
    figure = plot_alignments(random_alignments(2, 6, 5))
    assert not figure.axes[0].get_lines()
    assert figure.axes[0].get_legend() is None
    assert "true path" not in figure.get_label()


@pytest.mark.parametrize("n_tokens", [1, 5, 40, 300])
def test_tokens_are_written_beside_their_row(n_tokens):
    tokens = [f"t{index}" for index in range(n_tokens)]
    figure = plot_alignments(random_alignments(1, 9, n_tokens), tokens=tokens)
    panel = figure.axes[0]
    labels = [label.get_text() for label in panel.get_yticklabels()]
    rows = [int(row) for row in panel.get_yticks()]
    assert labels == [tokens[row] for row in rows]
    assert 0 in rows and len(rows) >= min(n_tokens, 10)
    # labels never run into each other
    figure.draw_without_rendering()
    heights = panel.get_window_extent().height / n_tokens
    gaps = [after - before for before, after in zip(rows, rows[1:])]
    assert all(gap * heights > 7.5 for gap in gaps)


@pytest.mark.parametrize("n_heads", [1, 3, 8])
@pytest.mark.parametrize("n_queries", [1, 9, 40])
@pytest.mark.parametrize("name", ["ə", "AH0", "t͡ʃʷː"])
def test_what_was_made_is_written_below_its_column(n_heads, n_queries, name):
    made = [f"{name}{index % 10}" for index in range(n_queries)]
    figure = plot_alignments(
        random_alignments(n_heads, n_queries, 5), query_tokens=made
    )
    figure.draw_without_rendering()
    for panel in figure.axes:
        labels = panel.get_xticklabels()
        columns = [int(column) for column in panel.get_xticks()]
        assert columns[0] == 0 and len(columns) >= min(n_queries, 3)
        assert [label.get_text() for label in labels] == [
            made[column] for column in columns
        ]
        # labels never run into each other
        boxes = [label.get_window_extent() for label in labels]
        assert all(a.x1 < b.x0 for a, b in zip(boxes, boxes[1:]))
        assert panel.get_xlabel() == ""


def test_everything_made_is_written_where_there_is_room():
    made = "S T EH1 P W AY2 Z </s>".split()
    figure = plot_alignments(random_alignments(2, 8, 8), query_tokens=made)
    for panel in figure.axes:
        assert len(panel.get_xticklabels()) == 8


def test_something_made_at_each_step_is_asked_for():
    with pytest.raises(
        ValueError, match="must name each of the 4 decoder steps; got 3"
    ):
        plot_alignments(torch.eye(4)[None], query_tokens=["a", "b", "c"])


def test_text_of_a_user_is_never_mathematics():
    odd = "$_$ \\frac{"
    made = [odd, "$x$"]
    rendered(plot_alignments(torch.eye(2)[None], query_tokens=made))
    rendered(plot_alignments(torch.eye(2)[None], None, [odd, "$x$"], odd))
    rendered(plot_comparison({odd: torch.eye(2)}, None, [odd, odd], odd))
    rendered(plot_mels(None, torch.rand(3, 4), odd))
    rendered(plot_curves([{"epoch": 1, odd: 1.0}], title=odd))


def test_models_are_compared_on_one_time_axis():
    figure = plot_comparison(
        {
            "softmax": random_alignments(1, 9, 5)[0],
            "SMA": random_alignments(1, 6, 5)[0],
        }
    )
    assert titles(figure) == ["softmax", "SMA"]
    assert {panel.get_xlim() for panel in figure.axes} == {(-0.5, 8.5)}
    assert "softmax, SMA" in figure.get_label()


def test_mels_share_time_and_colours():
    target, predicted = torch.rand(30, 8), 3 * torch.rand(20, 8)
    figure = plot_mels(target, predicted)
    assert titles(figure) == ["target", "predicted"]
    for panel, mel in zip(figure.axes, (target, predicted)):
        np.testing.assert_array_equal(image_of(panel), mel.T)
        assert panel.get_xlim() == (-0.5, 29.5)
    limits = {panel.get_images()[0].get_clim() for panel in figure.axes}
    both = torch.cat([target, predicted])
    assert limits == {(float(both.min()), float(both.max()))}


def test_a_mel_without_a_target_stands_alone():
    figure = plot_mels(None, torch.rand(20, 8))
    assert titles(figure) == ["predicted"]
    assert figure.get_label() == "Mel of the result, 20 frames"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_diverged_model_can_still_be_looked_at(value):
    target, mel = torch.rand(5, 8), torch.full((5, 8), value)
    figure = plot_mels(target, mel)
    rendered(figure)
    limits = float(target.min()), float(target.max())
    assert figure.axes[0].get_images()[0].get_clim() == limits
    rendered(plot_mels(None, mel))
    rendered(plot_alignments(torch.full((2, 5, 4), value)))
    rendered(plot_curves([{"epoch": 1, "loss": value, "focus": 0.5}]))


def test_series_of_one_quantity_share_a_panel():
    history = [
        {"epoch": 1, "train/loss": 3.0, "valid/loss": 4.0, "focus": 0.2},
        {"epoch": 2, "train/loss": 2.0},
        {"epoch": 3, "train/loss": 1.0, "valid/loss": 2.0, "focus": 0.9},
    ]
    figure = plot_curves(history)
    loss, focus = figure.axes
    assert titles(figure) == ["loss", "focus"]
    points = {
        line.get_label(): line.get_xydata().tolist()
        for line in loss.get_lines()
    }
    assert points == {
        "train": [[1, 3], [2, 2], [3, 1]],
        "valid": [[1, 4], [3, 2]],
    }
    assert loss.get_legend() is not None
    assert focus.get_lines()[0].get_xydata().tolist() == [[1, 0.2], [3, 0.9]]
    assert focus.get_legend() is None


@pytest.mark.parametrize("n_quantities", [1, 2, 3, 4, 7])
def test_every_quantity_has_a_panel(n_quantities):
    names = [f"quantity {index}" for index in range(n_quantities)]
    figure = plot_curves([{"step": 5} | dict.fromkeys(names, 1.0)], x="step")
    assert titles(figure) == names
    assert "over the steps" in figure.get_label()


def test_tensors_that_need_gradients_are_drawn():
    rendered(plot_alignments(torch.eye(3)[None].requires_grad_()))
    rendered(plot_mels(None, torch.rand(3, 4).requires_grad_()))
    rendered(plot_comparison({"a": torch.eye(3).bfloat16().requires_grad_()}))


@pytest.mark.parametrize("shape", [(4, 5), (1, 1, 4, 5), (2, 0, 5)], ids=str)
def test_alignments_of_another_shape_are_refused(shape):
    with pytest.raises(
        ValueError, match=r"alignments must have shape \(H, Q, K\).*got"
    ):
        plot_alignments(torch.zeros(shape))


@pytest.mark.parametrize(
    "shapes",
    [{}, {"a": (4, 5), "b": (4, 6)}, {"a": (1, 4, 5)}, {"a": (0, 5)}],
    ids=["none", "other-text", "heads", "empty"],
)
def test_alignments_that_cannot_be_compared_are_refused(shapes):
    alignments = {name: torch.zeros(shape) for name, shape in shapes.items()}
    with pytest.raises(
        ValueError, match=r"must be \(Q, K\) by name, with the same K; got"
    ):
        plot_comparison(alignments)


@pytest.mark.parametrize(
    "plot",
    [
        pytest.param(
            lambda tokens: plot_alignments(torch.eye(4)[None], None, tokens),
            id="alignments",
        ),
        pytest.param(
            lambda tokens: plot_comparison({"a": torch.eye(4)}, None, tokens),
            id="comparison",
        ),
    ],
)
def test_tokens_of_another_text_are_refused(plot):
    with pytest.raises(
        ValueError, match="tokens must name each of the 4 keys; got 3"
    ):
        plot(["a", "b", "c"])


@pytest.mark.parametrize("which", ["target", "predicted"])
@pytest.mark.parametrize("shape", [(5,), (1, 5, 8), (0, 8)], ids=str)
def test_mels_of_another_shape_are_refused(which, shape):
    mels = {"target": torch.rand(5, 8), "predicted": torch.rand(5, 8)}
    mels[which] = torch.zeros(shape)
    with pytest.raises(
        ValueError, match=rf"{which} must have shape \(M, C\).*got"
    ):
        plot_mels(**mels)


@pytest.mark.parametrize(
    "history",
    [[], [{"epoch": 1}], [{"epoch": 1, "loss": float("nan")}]],
    ids=["empty", "bare", "not-finite"],
)
def test_a_history_without_a_number_is_refused(history):
    with pytest.raises(
        ValueError, match="must hold a finite number beside 'epoch'; got"
    ):
        plot_curves(history)


def test_a_history_without_its_axis_is_refused():
    with pytest.raises(
        ValueError, match=r"must hold 'step'; got only \['epoch', 'loss'\]"
    ):
        plot_curves([{"epoch": 1, "loss": 2.0}], x="step")
