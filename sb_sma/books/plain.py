"""A book in plain text: paragraphs between empty lines, chapters by headings."""

import re
from collections.abc import Iterable

from sb_sma.books.chapters import Book, Chapter, Paragraph, drop_empty
from sb_sma.data.plain_text import is_speakable, plain_text

_LONGEST_HEADING = 80
# between scenes, or below a title
_BREAK = re.compile(r"[\s*#=~_+•·…⁂†‡◦●○◆◇■□–—-]+")
_MARKDOWN = re.compile(r"#{1,2}\s+(?P<title>\S.*?)\s*#*")
_NUMBERED = re.compile(
    r"(?:the\s+)?(?:chapter|part|book|prologue|epilogue|preface|introduction|"
    r"foreword|afterword|kapitel|teil|prolog|epilog|vorwort|nachwort|chapitre|"
    r"partie|capítulo|parte|prólogo|epílogo|capitolo|hoofdstuk|rozdział|глава|"
    r"часть)\b.*",
    re.IGNORECASE,
)


def chapters_of_text(
    lines: Iterable[tuple[int, str]], title: str, name: str = "text"
) -> Book:
    """Cut a text into chapters.

    A heading is a paragraph of a single line that begins with a word such as
    *Chapter*, or with ``#`` or ``##`` as in Markdown. A line of signs such as
    ``* * *``, and a paragraph without a letter or a digit, is a break between
    scenes.

    Arguments
    ---------
    lines : iterable of (int, str)
        Each with its number.
    title : str
        Of the book, and of what stands before the first heading.
    name : str
        Of the file, for places.

    Returns
    -------
    book : Book
        With a chapter at least, if there is a line with anything in it.

    Example
    -------
    >>> text = "# One\\n\\nA line\\nand another.\\n\\nCHAPTER II\\n\\nThree."
    >>> book = chapters_of_text(enumerate(text.split("\\n"), 1), "Title")
    >>> for chapter in book.chapters:
    ...     print(chapter.title, [each.text for each in chapter.paragraphs])
    One ['One', 'A line and another.']
    CHAPTER II ['CHAPTER II', 'Three.']
    """
    chapters = [Chapter(title)]
    block: list[tuple[int, str]] = []

    def end_block() -> None:
        """Make a paragraph or a heading of the lines up to here."""
        if not block:
            return
        if not any(is_speakable(line) for _, line in block):
            chapters[-1].end_scene()
            block.clear()
            return
        text = " ".join(line for _, line in block)
        heading = len(block) == 1 and _heading(text)
        if heading:
            text = heading
            chapters.append(Chapter(heading))
        paragraph = Paragraph(f"{name}:{block[0][0]}", text)
        chapters[-1].paragraphs.append(paragraph)
        block.clear()

    for number, line in lines:
        seen = plain_text(line).strip()
        if seen and not _BREAK.fullmatch(seen):
            block.append((number, line.strip()))
            continue
        end_block()
        if seen:
            chapters[-1].end_scene()
    end_block()
    return Book(title, "", "", drop_empty(chapters), [])


def _heading(text: str) -> str | None:
    """Return the title that a paragraph is, if it is one."""
    markdown = _MARKDOWN.fullmatch(text)
    if markdown:
        return markdown["title"]
    is_title = len(text) <= _LONGEST_HEADING and _NUMBERED.fullmatch(text)
    # The book was closed.
    if is_title and not text[:1].islower() and text[-1] not in '.,;!?"”’':
        return text
    if is_title and re.fullmatch(r"\w+ [\dIVXLC]+\.", text):
        return text
    return None
