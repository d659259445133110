"""The page that a training run leaves behind: what was asked for, how well it
went, and every example to read, see and, where there is sound, hear.

One HTML file holds everything, pictures and sound included: it asks for nothing
else, runs no script, follows the reader's light or dark setting, and can be
sent by mail.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from matplotlib.figure import Figure

from sb_sma.metrics.bad_cases import GOOD
from sb_sma.plots.embedding import embed_figure, embed_wav
from sb_sma.plots.page_style import DARK, LIGHT, STYLE


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
    """

    title: str
    text: str
    target_wav: Path | None = None
    result_wav: Path | None = None
    figures: list[Figure] = field(default_factory=list)
    verdict: str = GOOD


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

    The file appears complete or not at all.

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
    path = Path(path)
    body = [
        _header(title, summary),
        "<main>",
        _metrics_section(metrics, tables, pictures),
        _curves_section(curves),
        _examples_section(examples),
        _usage_section(usage),
        _origin_section(command, versions),
        "</main>",
    ]
    page = _PAGE.format(
        title=escape(title),
        summary=escape(summary),
        style=STYLE,
        body="\n".join(part for part in body if part),
    )
    _write_atomically(path, page)
    return path


# the policy lets nothing in but what is written in the page itself
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
img-src data:; media-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="{summary}">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def _header(title: str, summary: str) -> str:
    return (
        f"<header>\n<h1>{escape(title)}</h1>\n"
        f'<p class="summary">{escape(summary)}</p>\n</header>'
    )


def _metrics_section(
    metrics: Sequence[tuple[str, ...]],
    tables: Sequence[Table],
    pictures: Sequence[Figure],
) -> str:
    blocks = []
    if metrics:
        rows = []
        for row in metrics:
            if len(row) not in (2, 3):
                raise ValueError(
                    "each of metrics must be (name, value) or (name, value, "
                    f"meaning); got {row!r}. Put longer rows in a Table."
                )
            name, value, meaning = (*row, "")[:3]
            rows.append(
                f'<tr><th scope="row">{escape(name)}</th>'
                f'<td class="value">{escape(value)}</td>'
                f'<td class="meaning">{escape(meaning)}</td></tr>'
            )
        blocks.append(
            '<table class="key-figures">\n<caption class="unseen">Key figures '
            "of the run</caption>\n"
            '<thead class="unseen"><tr><th scope="col">Figure</th>'
            '<th scope="col">Value</th><th scope="col">Meaning</th></tr>'
            "</thead>\n<tbody>\n" + "\n".join(rows) + "\n</tbody>\n</table>"
        )
    blocks += [_table(table) for table in tables]
    blocks += [_figure(picture) for picture in pictures]
    return _section("Key figures", blocks)


def _table(table: Table) -> str:
    columns = "".join(
        f'<th scope="col">{escape(column)}</th>' for column in table.columns
    )
    rows = "\n".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in table.rows
    )
    return (
        '<div class="scrolled"><table class="plain">\n'
        f"<caption>{escape(table.caption)}</caption>\n"
        f"<thead><tr>{columns}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n"
        "</table></div>"
    )


def _curves_section(curves: Sequence[Figure]) -> str:
    return _section("Training", [_figure(figure) for figure in curves])


def _examples_section(examples: Sequence[Example]) -> str:
    if not examples:
        return ""
    n_good = sum(example.verdict == GOOD for example in examples)
    links = "\n".join(
        f'<li><a href="#example-{number}">{escape(example.title)}</a> '
        f"{_badge(example.verdict)}</li>"
        for number, example in enumerate(examples, 1)
    )
    contents = (
        f'<nav aria-label="Examples">\n<p>Good: {n_good} of '
        f"{len(examples)} examples.</p>\n<ul>\n{links}\n</ul>\n</nav>"
    )
    articles = [
        _example(number, example) for number, example in enumerate(examples, 1)
    ]
    return _section("Examples", [contents, *articles])


def _example(number: int, example: Example) -> str:
    players = "\n".join(
        f"<figure><figcaption>{kind}</figcaption>"
        f'<audio controls preload="metadata" aria-label="{kind} of '
        f'{escape(example.title)}" src="{embed_wav(wav)}"></audio>'
        "</figure>"
        for kind, wav in (
            ("Target", example.target_wav),
            ("Result", example.result_wav),
        )
        if wav is not None
    )
    faults = ""
    if example.verdict != GOOD:
        items = "".join(
            f"<li>{escape(fault)}</li>"
            for fault in example.verdict.splitlines()
        )
        faults = f'<ul class="faults">{items}</ul>\n'
    if players:
        players = f'<div class="players">\n{players}\n</div>\n'
    figures = "\n".join(_figure(figure) for figure in example.figures)
    return (
        f'<article id="example-{number}">\n'
        f"<h3>{escape(example.title)} {_badge(example.verdict)}</h3>\n"
        f"<blockquote>{escape(example.text)}</blockquote>\n{faults}"
        f"{players}{figures}\n</article>"
    )


def _badge(verdict: str) -> str:
    if verdict == GOOD:
        return '<span class="badge good">good</span>'
    n_faults = len(verdict.splitlines())
    count = "1 fault" if n_faults == 1 else f"{n_faults} faults"
    return f'<span class="badge bad">{count}</span>'


def _usage_section(usage: str) -> str:
    return _section("Use this model", [_code(usage)])


def _origin_section(command: str, versions: Mapping[str, str]) -> str:
    blocks = [_code(command)]
    if versions:
        rows = tuple((name, value) for name, value in versions.items())
        blocks.append(_table(Table("Made with", ("What", "Version"), rows)))
    return _section("How this run was made", blocks)


def _section(heading: str, blocks: Sequence[str]) -> str:
    inner = "\n".join(block for block in blocks if block)
    if not inner:
        return ""
    return f"<section>\n<h2>{escape(heading)}</h2>\n{inner}\n</section>"


def _code(text: str) -> str:
    return (
        f"<pre><code>{escape(text.strip())}</code></pre>"
        if text.strip()
        else ""
    )


def _figure(figure: Figure) -> str:
    label = figure.get_label() or "Figure"
    dark, _ = embed_figure(figure, DARK)
    light, (width, height) = embed_figure(figure, LIGHT)
    return (
        '<figure><div class="scrolled"><picture>'
        '<source media="(prefers-color-scheme: dark)" '
        f'srcset="{dark}">'
        f'<img src="{light}" alt="{escape(label)}" '
        f'width="{width}" height="{height}"></picture></div>'
        f"<figcaption>{escape(label)}</figcaption></figure>"
    )


def _write_atomically(path: Path, page: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_text(page, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
