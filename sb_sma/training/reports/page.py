"""The page that a training run leaves behind: what was asked for, how well it
went, and every example to read, see and, where there is sound, hear.

One HTML file holds everything, pictures and sound included: it asks for nothing
else, runs no script, follows the reader's light or dark setting, and can be
sent by mail.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure

from sb_sma.metrics.bad_cases import GOOD
from sb_sma.plots.embedding import embed_figure, embed_wav
from sb_sma.plots.page_style import DARK, LIGHT, STYLE

logger = logging.getLogger(__name__)


@dataclass
class Example:
    """One utterance or word of a report.

    Arguments
    ---------
    title : str
        A few words that name the example, such as its identifier.
    text : str
        What was to be said, or what was asked and answered.
    target_wav : Path, optional
        A WAV file with the target, if there is one.
    result_wav : Path, optional
        A WAV file with what the model made, if that is sound.
    figures : list of Figure
        Drawn below the players, the label of each as its description.
    verdict : str
        ``"good"``, or one fault per line.
    vocoded_wav : Path, optional
        A WAV file of the target's mel, made by the vocoder that made the
        result: what the result could sound like at best.
    """

    title: str
    text: str
    target_wav: Path | None = None
    result_wav: Path | None = None
    figures: list[Figure] = field(default_factory=list)
    verdict: str = GOOD
    vocoded_wav: Path | None = None


@dataclass(frozen=True)
class Table:
    """A table of a report.

    Arguments
    ---------
    caption : str
        What the table shows.
    columns : sequence of str
        Headings.
    rows : sequence of sequences of str
        Cells, as many per row as headings; the first names the row.

    Raises
    ------
    ValueError
        If a row has another number of cells than there are headings.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __post_init__(self):
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"each row of table {self.caption!r} must have "
                    f"{len(self.columns)} cells; got {list(row)}. Fill the "
                    "missing ones with an empty string."
                )


def write_report(
    path: str | Path,
    title: str,
    *,
    summary: str,
    metrics: Sequence[tuple[str, ...]],
    curves: Sequence[Figure],
    examples: Sequence[Example],
    command: str,
    versions: Mapping[str, str],
    usage: str,
    tables: Sequence[Table] = (),
    pictures: Sequence[Figure] = (),
) -> Path:
    """Write the page of a run as one file that needs nothing else.

    The file appears complete or not at all; where it is, and how the model is
    used, are logged.

    Arguments
    ---------
    path : str or Path
        The file to write, usually ``index.html``. Missing folders are made.
    title : str
        Title of the page.
    summary : str
        One sentence: what came out.
    metrics : sequence of tuples of str
        The key figures: name, value and, optionally, what it means.
    curves : sequence of Figure
        How the run got there.
    examples : sequence of Example
        What to listen to, or to look at.
    command : str
        The command that made the run.
    versions : mapping of str to str
        What the run was made with: packages, machine, commit.
    usage : str
        The commands that use the trained model.
    tables : sequence of Table
        Further tables, after the key figures.
    pictures : sequence of Figure
        What the tables cannot show, after them.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If a sound cannot be read or is no WAV file, or a key figure is neither
        two nor three texts.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> path = write_report(
    ...     folder / "index.html",
    ...     "A first run",
    ...     summary="All 60 texts were read to the end.",
    ...     metrics=[("bad cases", "0 of 60", "skips, repeats, wrong length")],
    ...     curves=[],
    ...     examples=[],
    ...     command="python train.py hparams/tts.yaml",
    ...     versions={"torch": "2.11.0"},
    ...     usage="sb-sma say 'Hello'",
    ... )
    >>> "All 60 texts were read to the end." in path.read_text("utf-8")
    True
    """
    for row in metrics:
        if len(row) not in (2, 3):
            raise ValueError(
                "each of metrics must be (name, value) or (name, value, "
                f"meaning); got {row!r}. Put longer rows in a Table."
            )
    page = _TEMPLATE.render(
        title=title,
        summary=summary,
        metrics=[(*row, "")[:3] for row in metrics],
        tables=tables,
        pictures=[_draw(figure) for figure in pictures],
        curves=[_draw(figure) for figure in curves],
        examples=[_show(example) for example in examples],
        usage=usage.strip(),
        command=command.strip(),
        versions=versions,
        style=STYLE,
        good=GOOD,
    )
    path = Path(path)
    _write_atomically(path, page + "\n")
    logger.info("Report: %s; use the model by: %s", path, usage.strip())
    return path


_TEMPLATE = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
).get_template("page.html")


def _draw(figure: Figure) -> dict[str, Any]:
    """Draw a figure in the light and in the dark."""
    dark, _ = embed_figure(figure, DARK)
    light, (width, height) = embed_figure(figure, LIGHT)
    return {
        "label": figure.get_label() or "Figure",
        "dark": dark,
        "light": light,
        "width": width,
        "height": height,
    }


def _show(example: Example) -> dict[str, Any]:
    """Embed the sounds and figures of an example."""
    sounds = {
        "Target": example.target_wav,
        "Target, vocoded": example.vocoded_wav,
        "Result": example.result_wav,
    }
    return {
        "title": example.title,
        "text": example.text,
        "verdict": example.verdict,
        "players": [
            (kind, embed_wav(wav))
            for kind, wav in sounds.items()
            if wav is not None
        ],
        "pictures": [_draw(figure) for figure in example.figures],
    }


def _write_atomically(path: Path, page: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_text(page, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
