"""A book as it is spoken: chapters of paragraphs, each with its place."""

from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Paragraph:
    """What is spoken between two longer pauses.

    Arguments
    ---------
    place : str
        Where it stands in the file, for messages.
    text : str
        With markup of `sb_sma.data.text.markup`, if any.
    ends_scene : bool
        Whether a break of the scene follows, such as ``* * *``.
    """

    place: str
    text: str
    ends_scene: bool = False


@dataclass
class Chapter:
    """A part of a book with a title.

    Arguments
    ---------
    title : str
        In one line.
    paragraphs : list of Paragraph
        The title among them, where the book has it in its text.
    """

    title: str
    paragraphs: list[Paragraph] = field(default_factory=list)

    def end_scene(self) -> None:
        """Let a break follow what there is so far."""
        if self.paragraphs:
            last = replace(self.paragraphs[-1], ends_scene=True)
            self.paragraphs[-1] = last


@dataclass
class Book:
    """What is read of a file.

    Arguments
    ---------
    title : str
        Of the book.
    author : str
        Empty if nobody is named.
    language : str
        As the book says; empty if it does not.
    chapters : list of Chapter
        In their order; none is empty.
    problems : list of str
        What was passed over, each with its place.
    """

    title: str
    author: str
    language: str
    chapters: list[Chapter]
    problems: list[str]


def drop_empty(chapters: list[Chapter]) -> list[Chapter]:
    """Leave out chapters with nothing in them.

    Arguments
    ---------
    chapters : list of Chapter
        In their order.

    Returns
    -------
    chapters : list of Chapter
        The others.

    Example
    -------
    >>> drop_empty([Chapter("Cover")])
    []
    """
    return [chapter for chapter in chapters if chapter.paragraphs]
