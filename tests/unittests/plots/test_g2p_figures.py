"""The figures of errors show every count and rate they were given, also of one
word, of one error and of symbols that look like mathematics.
"""

import io
import sys

import numpy as np
import pytest

from sb_sma.plots.g2p_figures import plot_confusions, plot_errors_by_length

CONFUSIONS = [
    ("S", "", 900),
    ("", "AH0", 70),
    ("AE", "AA", 12),
    ("AE", "EH", 3),
    ("EH", "AA", 1),
]
ROWS = [("1-2", 10, 90.0, 42.0), ("3-4", 1386, 84.0, 45.0), ("15+", 1, 0, 0)]


def rendered(figure):
    """The picture: drawing is where a bad label fails."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def labels_of(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def cells_of(figure):
    """Counts by the names of the row and of the column."""
    (panel,) = figure.axes
    rows, columns = labels_of(panel.yaxis), labels_of(panel.xaxis)
    return {
        (rows[round(y)], columns[round(x)]): text.get_text()
        for text in panel.texts
        for x, y in [text.get_position()]
    }


def test_every_error_is_in_its_cell():
    assert cells_of(plot_confusions(CONFUSIONS)) == {
        ("S", "–"): "900",
        ("–", "AH0"): "70",
        ("AE", "AA"): "12",
        ("AE", "EH"): "3",
        ("EH", "AA"): "1",
    }


def test_phonemes_come_by_their_number_of_errors():
    (panel,) = plot_confusions(CONFUSIONS).axes
    assert labels_of(panel.yaxis) == ["S", "–", "AE", "EH"]
    assert labels_of(panel.xaxis) == ["–", "AH0", "AA", "EH"]


def test_only_the_most_frequent_phonemes_are_drawn():
    figure = plot_confusions(CONFUSIONS, n_symbols=2)
    assert cells_of(figure) == {("S", "–"): "900", ("–", "AH0"): "70"}
    # of all errors, whatever is drawn
    assert figure.get_label().startswith("986 errors")


def test_a_fuller_cell_has_more_colour():
    (panel,) = plot_confusions(CONFUSIONS).axes
    opacity = np.asarray(panel.get_images()[0].get_array())[..., 3]
    drawn = [opacity[0, 0], opacity[1, 1], opacity[2, 2], opacity[3, 2]]
    assert drawn == sorted(set(drawn), reverse=True) and drawn[-1] > 0
    assert (opacity == 0).sum() == 16 - len(CONFUSIONS)


@pytest.mark.parametrize(
    "confusions, expected",
    [
        ([("a", "b", 1)], "1 error: the most frequent is b for a, once"),
        (
            [("a", "b", 1), ("", "c", 1200)],
            "1,201 errors: the most frequent is c inserted, 1,200 times",
        ),
        (
            [("a", "", 2), ("a", "b", 1)],
            "3 errors: the most frequent is a left out, 2 times",
        ),
    ],
)
def test_the_label_tells_the_most_frequent_error(confusions, expected):
    figure = plot_confusions(confusions)
    assert figure.get_label() == expected
    assert rendered(figure)[1:4] == b"PNG"


def test_every_rate_is_a_bar():
    figure = plot_errors_by_length(ROWS)
    (panel,) = figure.axes
    heights = [bar.get_height() for bar in panel.patches]
    assert heights == [90.0, 84.0, 0.0, 42.0, 45.0, 0.0]
    assert [text.get_text() for text in panel.texts] == [
        f"{height:.1f}" for height in heights
    ]
    assert labels_of(panel.xaxis) == [
        "1-2\n10 words",
        "3-4\n1,386 words",
        "15+\n1 word",
    ]
    (legend,) = figure.legends
    assert [t.get_text() for t in legend.get_texts()] == ["WER", "PER"]
    assert (
        figure.get_label() == "Error rates of words of 1-2, 3-4 and 15+ letters"
    )
    assert rendered(figure)[1:4] == b"PNG"


@pytest.mark.parametrize("per", [0.0, 50.0, 300.0])
def test_every_bar_fits_into_the_figure(per):
    (panel,) = plot_errors_by_length([("1-2", 5, 40.0, per)]).axes
    assert panel.get_ylim()[1] > max(40.0, per)


def test_one_length_is_a_figure():
    figure = plot_errors_by_length([("3-4", 5, 0.0, 0.0)])
    assert figure.get_label() == "Error rates of words of 3-4 letters"
    assert rendered(figure)[1:4] == b"PNG"


def test_symbols_are_never_mathematics():
    rendered(plot_confusions([("$_$", "\\frac{", 1)], title="$_$ \\frac{"))
    rendered(plot_errors_by_length(ROWS, title="$_$ \\frac{"))


def test_pyplot_is_never_touched(monkeypatch):
    # importing None is an ImportError
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    rendered(plot_confusions(CONFUSIONS))
    rendered(plot_errors_by_length(ROWS))


@pytest.mark.parametrize(
    "plot, message",
    [
        (lambda: plot_confusions([]), "at least one error; got none"),
        (
            lambda: plot_confusions(CONFUSIONS, n_symbols=0),
            "n_symbols must be at least 1; got 0",
        ),
        (lambda: plot_errors_by_length([]), "at least one length; got none"),
    ],
    ids=["no-error", "no-symbol", "no-length"],
)
def test_nothing_to_draw_is_refused(plot, message):
    with pytest.raises(ValueError, match=message):
        plot()
