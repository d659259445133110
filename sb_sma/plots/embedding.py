"""Pictures and sounds as data URIs, so that a page needs no other file."""

import base64
import io
import pickle
from collections.abc import Mapping
from pathlib import Path

from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image, ImageColor


def embed_figure(
    figure: Figure, theme: Mapping[str, str]
) -> tuple[str, tuple[int, int]]:
    """Render a figure as a PNG in the colours of a page.

    Arguments
    ---------
    figure : Figure
        What to render. It keeps its own colours.
    theme : mapping of str to str
        The page's colours; ``card``, ``ink`` and ``muted`` are used.

    Returns
    -------
    tuple of str and tuple of int
        The data URI, and the width and height in pixels.

    Example
    -------
    >>> theme = {"card": "#000000", "ink": "#ffffff", "muted": "#808080"}
    >>> uri, size = embed_figure(Figure(figsize=(2, 1), dpi=100), theme)
    >>> uri[:22], size
    ('data:image/png;base64,', (200, 100))
    """
    # a copy, so that the caller's figure keeps its colours
    figure = pickle.loads(pickle.dumps(figure))
    _recolour(figure, theme)
    rendered = io.BytesIO()
    figure.savefig(rendered, format="png", dpi=figure.dpi)
    # a palette is a third of the size, and a colour map has 256 colours
    # anyway; the widest palette keeps the thin lines over it
    picture = (
        Image.open(rendered)
        .convert("RGB")
        .quantize(256, method=Image.Quantize.MAXCOVERAGE)
    )
    # the picture's corner is the page: no seam between the two
    corner = 3 * picture.getpixel((0, 0))
    palette = picture.getpalette()
    palette[corner : corner + 3] = ImageColor.getrgb(theme["card"])
    picture.putpalette(palette)
    packed = io.BytesIO()
    picture.save(packed, format="png", optimize=True)
    return data_uri("image/png", packed.getvalue()), picture.size


def embed_wav(path: str | Path) -> str:
    """Read a WAV file.

    Arguments
    ---------
    path : str or Path
        The file.

    Returns
    -------
    str
        The data URI.

    Raises
    ------
    ValueError
        If the file cannot be read or is no WAV file.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ValueError(
            f"a sound must be a WAV file that can be read; got {path}: "
            f"{error.strerror}. Write it before the page."
        ) from error
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise ValueError(
            f"a sound must be a WAV file; got {path}, which is none. Convert "
            "it."
        )
    return data_uri("audio/wav", content)


def _recolour(figure: Figure, theme: Mapping[str, str]) -> None:
    """Put the page's colours where the figure has matplotlib's own."""
    figure.set_facecolor(theme["card"])
    for text in figure.findobj(Text):
        if to_rgba(text.get_color()) == to_rgba("black"):
            text.set_color(theme["ink"])
    for panel in figure.axes:
        for spine in panel.spines.values():
            spine.set_edgecolor(theme["muted"])
        panel.tick_params(color=theme["muted"], labelcolor=theme["ink"])


def data_uri(kind: str, content: bytes) -> str:
    """Write a file as a data URI.

    Arguments
    ---------
    kind : str
        Its MIME type.
    content : bytes
        The file.

    Returns
    -------
    str
        The data URI.

    Example
    -------
    >>> data_uri("text/plain", b"a")
    'data:text/plain;base64,YQ=='
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
