"""A picture in a page has the page's colours and no seam; a sound is the file
as it is.
"""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageColor

from sb_sma.plots.embedding import embed_figure, embed_wav
from sb_sma.plots.figures import plot_alignments, plot_curves, plot_mels
from sb_sma.plots.page_style import DARK, LIGHT

THEMES = [pytest.param(LIGHT, id="light"), pytest.param(DARK, id="dark")]


def content_of(uri, kind):
    start = f"data:{kind};base64,"
    assert uri.startswith(start)
    return base64.b64decode(uri[len(start) :])


def pixels_of(uri):
    picture = Image.open(io.BytesIO(content_of(uri, "image/png")))
    return np.asarray(picture.convert("RGB"))


def make_figures():
    generator = torch.Generator().manual_seed(0)
    mel = 5 * torch.randn(200, 80, generator=generator)
    heads = torch.randn(4, 90, 50, generator=generator).softmax(-1)
    return [
        plot_curves([{"epoch": 1, "a/loss": 2.0, "b/loss": 1.0}]),
        plot_alignments(heads, torch.arange(90) // 2),
        plot_mels(mel, mel[:150]),
    ]


@pytest.mark.parametrize("theme", THEMES)
def test_a_picture_has_the_colour_of_the_page_all_around(theme):
    card = ImageColor.getrgb(theme["card"])
    for figure in make_figures():
        pixels = pixels_of(embed_figure(figure, theme)[0])
        for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]):
            assert {tuple(pixel) for pixel in edge.tolist()} == {card}


def test_letters_have_soft_edges_in_the_dark():
    # drawn on white, their edges would be as bright as they are
    pixels = pixels_of(embed_figure(make_figures()[0], DARK)[0])
    title = pixels[:20].max(-1)
    card, ink = (max(ImageColor.getrgb(DARK[name])) for name in ("card", "ink"))
    assert title.min() == card and abs(int(title.max()) - ink) < 16
    assert ((title > card + 30) & (title < ink - 60)).sum() > 30


@pytest.mark.parametrize("theme", THEMES)
def test_the_size_is_that_of_the_picture(theme):
    for figure in make_figures():
        uri, (width, height) = embed_figure(figure, theme)
        assert pixels_of(uri).shape == (height, width, 3)


def test_few_colours_keep_what_is_seen():
    figure = make_figures()[1]
    rendered = io.BytesIO()
    figure.savefig(rendered, format="png")
    exact = np.asarray(Image.open(rendered).convert("RGB")).astype(int)
    white = LIGHT | {"ink": "#000000", "muted": "#000000"}
    packed = pixels_of(embed_figure(figure, white)[0]).astype(int)
    assert np.abs(packed - exact).mean() < 4


def test_a_sound_is_the_file_as_it_is(tmp_path):
    path = tmp_path / "sound.wav"
    path.write_bytes(b"RIFF\x24\0\0\0WAVEfmt and so on")
    for name in (path, str(path)):
        assert content_of(embed_wav(name), "audio/wav") == path.read_bytes()


def test_a_missing_sound_is_refused(tmp_path):
    with pytest.raises(
        ValueError,
        match="a sound must be a WAV file that can be read; got .*none.wav: No",
    ):
        embed_wav(tmp_path / "none.wav")


def test_a_sound_that_is_no_wav_is_refused(tmp_path):
    path = tmp_path / "sound.mp3"
    path.write_bytes(b"ID3 and so on, long enough")
    with pytest.raises(
        ValueError, match="a sound must be a WAV file; got .*3,"
    ):
        embed_wav(path)
