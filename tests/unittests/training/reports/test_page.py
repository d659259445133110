"""The page holds everything it was given, asks for nothing else, and appears
whole or not at all.
"""

import base64
import io
import os
import re
import stat
import wave
from html.parser import HTMLParser

import pytest
import torch

from sb_sma.plots.embedding import embed_figure
from sb_sma.plots.figures import plot_alignments, plot_curves
from sb_sma.plots.g2p_figures import plot_errors_by_length
from sb_sma.plots.page_style import DARK, LIGHT
from sb_sma.training.reports.page import Example, Table, write_report

VOID = {"meta", "link", "img", "source", "br"}


class Reader(HTMLParser):
    """Collects the elements, and holds that each is closed in its order."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.open, self.words = [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words += data.split()

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self):
        return " ".join(self.words)


@pytest.fixture
def wav(tmp_path):
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(22050)
        sound.writeframes(bytes(2 * 2205))
    return path


@pytest.fixture
def content(wav):
    return {
        "summary": "It speaks.",
        "metrics": [("bad cases", "1 of 60"), ("focus", "0.9", "1 is best")],
        "tables": [Table("By kind", ("kind", "bad"), [("lists", "7")])],
        "curves": [plot_curves([{"epoch": 1, "loss": 2.0}])],
        "examples": [
            Example(
                "first",
                "Hello there.",
                wav,
                wav,
                [plot_alignments(torch.eye(3)[None])],
                "good",
            ),
            Example("second", "Bye.", None, wav, [], "too long\ntoo far"),
        ],
        "command": "python train.py hparams/tts.yaml",
        "versions": {"torch": "2.11.0"},
        "usage": "sb-sma say 'Hello'",
    }


def read(path):
    return Reader(path.read_text(encoding="utf-8"))


def test_everything_given_is_on_the_page(tmp_path, content):
    path = write_report(tmp_path / "index.html", "A run", **content)
    page = read(path)
    for words in (
        "A run",
        "It speaks.",
        "bad cases 1 of 60",
        "focus 0.9 1 is best",
        "By kind kind bad lists 7",
        "Good: 1 of 2 examples.",
        "first good Hello there.",
        "second 2 faults Bye. too long too far",
        "sb-sma say 'Hello'",
        "python train.py hparams/tts.yaml",
        "torch 2.11.0",
    ):
        assert words in page.text
    assert page.all("title") and page.all("html") == [{"lang": "en"}]


def test_the_page_holds_its_pictures_and_sounds(tmp_path, content, wav):
    page = read(write_report(tmp_path / "index.html", "A run", **content))
    sounds = [audio["src"] for audio in page.all("audio")]
    expected = base64.b64encode(wav.read_bytes()).decode()
    assert sounds == [f"data:audio/wav;base64,{expected}"] * 3
    assert all("controls" in audio for audio in page.all("audio"))
    assert [audio["aria-label"] for audio in page.all("audio")] == [
        "Target of first",
        "Result of first",
        "Result of second",
    ]
    assert [image["alt"] for image in page.all("img")] == [
        "Curves over the epochs: loss",
        "Alignment of 1 head over 3 decoder steps and 3 tokens",
    ]


def test_further_pictures_come_after_the_tables(tmp_path, content):
    content |= {"curves": [], "examples": []}
    content["pictures"] = [plot_errors_by_length([("3-4", 5, 40.0, 10.0)])]
    page = read(write_report(tmp_path / "index.html", "A run", **content))
    label = "Error rates of words of 3-4 letters"
    assert f"By kind kind bad lists 7 {label} Use this model" in page.text
    assert [image["alt"] for image in page.all("img")] == [label]


def test_pictures_come_in_the_light_and_in_the_dark(tmp_path, content):
    page = read(write_report(tmp_path / "index.html", "A run", **content))
    figures = [*content["curves"], *content["examples"][0].figures]
    for figure, light, dark in zip(
        figures, page.all("img"), page.all("source"), strict=True
    ):
        uri, (width, height) = embed_figure(figure, LIGHT)
        assert light["src"] == uri
        assert (light["width"], light["height"]) == (str(width), str(height))
        assert dark["srcset"] == embed_figure(figure, DARK)[0]
        assert dark["media"] == "(prefers-color-scheme: dark)"


def test_the_callers_figures_are_left_as_they_were(tmp_path, content):
    figure = content["curves"][0]
    before = io.BytesIO()
    figure.savefig(before, format="png")
    write_report(tmp_path / "index.html", "A run", **content)
    after = io.BytesIO()
    figure.savefig(after, format="png")
    assert after.getvalue() == before.getvalue()


def test_nothing_is_asked_for_and_no_script_runs(tmp_path, content):
    path = write_report(tmp_path / "index.html", "A run", **content)
    page = read(path)
    policy = next(
        meta["content"]
        for meta in page.all("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    )
    assert "default-src 'none'" in policy
    assert not page.all("script")
    # without an icon, a browser asks the server for one
    assert page.all("link") == [{"rel": "icon", "href": "data:,"}]
    for _, attributes in page.elements:
        for name in ("src", "srcset", "href"):
            assert attributes.get(name, "#").startswith(("data:", "#"))
    html = path.read_text(encoding="utf-8")
    assert not re.search(r"url\(|@import|https?://", html)


def test_every_text_of_a_user_is_escaped(tmp_path, content, wav):
    odd = "<script>alert(1)</script> & \"quoted\" {braces} 'single'"
    figure = plot_curves([{"epoch": 1, "loss": 2.0}])
    figure.set_label(odd)
    content = {
        "summary": odd,
        "metrics": [(odd, odd, odd)],
        "tables": [Table(odd, (odd, odd), [(odd, odd)])],
        "curves": [figure],
        "examples": [Example(odd, odd, wav, wav, [figure], odd)],
        "command": odd,
        "versions": {odd: odd},
        "usage": odd,
    }
    page = read(write_report(tmp_path / "index.html", odd, **content))
    assert not page.all("script")
    assert page.text.count(odd) >= 14
    assert [image["alt"] for image in page.all("img")] == [odd, odd]
    assert page.all("audio")[0]["aria-label"] == f"Target of {odd}"


def test_every_link_has_its_target(tmp_path, content):
    page = read(write_report(tmp_path / "index.html", "A run", **content))
    links = [link["href"] for link in page.all("a")]
    names = [f"#{article['id']}" for article in page.all("article")]
    assert links == names == ["#example-1", "#example-2"]


def test_tables_name_their_rows_and_columns(tmp_path, content):
    page = read(write_report(tmp_path / "index.html", "A run", **content))
    assert len(page.all("table")) == len(page.all("caption")) == 3
    assert {header["scope"] for header in page.all("th")} == {"row", "col"}


def test_what_is_not_given_leaves_no_heading(tmp_path):
    path = write_report(
        tmp_path / "index.html",
        "A run",
        summary="It speaks.",
        metrics=[],
        curves=[],
        examples=[],
        command="",
        versions={},
        usage="",
    )
    assert not read(path).all("section")


def test_an_example_may_have_no_sound(tmp_path, content):
    content["examples"] = [Example("word", "bread")]
    page = read(write_report(tmp_path / "index.html", "A run", **content))
    assert not page.all("audio")
    assert "Good: 1 of 1 examples. word good word good bread" in page.text


def test_missing_folders_are_made_and_nothing_else_is_left(tmp_path, content):
    path = tmp_path / "a" / "b" / "index.html"
    assert write_report(path, "A run", **content) == path
    assert os.listdir(path.parent) == ["index.html"]
    # readable for whoever may read any other new file
    (tmp_path / "other").touch()
    mode = stat.S_IMODE((tmp_path / "other").stat().st_mode)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_an_old_page_stays_whole_when_writing_fails(
    tmp_path, content, monkeypatch
):
    path = write_report(tmp_path / "index.html", "Old", **content)
    before = sorted(os.listdir(tmp_path))

    def fail(self, target):
        raise OSError("disk full")

    monkeypatch.setattr(type(path), "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_report(path, "New", **content)
    assert "<title>Old</title>" in path.read_text(encoding="utf-8")
    assert sorted(os.listdir(tmp_path)) == before


def test_a_missing_sound_is_refused(tmp_path, content):
    content["examples"][0].result_wav = tmp_path / "missing.wav"
    with pytest.raises(
        ValueError,
        match="must be a WAV file that can be read; got .*missing.wav",
    ):
        write_report(tmp_path / "index.html", "A run", **content)
    assert not (tmp_path / "index.html").exists()


@pytest.mark.parametrize("row", [("alone",), ("one", "two", "three", "four")])
def test_a_key_figure_of_another_length_is_refused(tmp_path, content, row):
    content["metrics"] = [row]
    with pytest.raises(
        ValueError, match=r"metrics must be \(name, value\).*got"
    ):
        write_report(tmp_path / "index.html", "A run", **content)


def test_a_row_of_another_length_is_refused():
    with pytest.raises(
        ValueError, match=r"table 'By kind' must have 2 cells; got \['a'\]"
    ):
        Table("By kind", ("kind", "bad"), [("a",)])
