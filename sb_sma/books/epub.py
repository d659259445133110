"""A book in EPUB: its table of contents, and the text of its documents.

An EPUB is a ZIP archive of XHTML. Nothing is unpacked to the disk, no more than
`_MOST_BYTES` are read, and names that lead out of the archive find nothing.
"""

import posixpath
import re
import zipfile
import zlib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

from sb_sma.books.chapters import Book, Chapter, Paragraph, drop_empty
from sb_sma.data.plain_text import is_speakable, plain_text
from sb_sma.data.text.markup import escape_markup

_MOST_FILES = 20_000
_MOST_BYTES = 200 * 2**20
_LONGEST_FILE = 50 * 2**20
CONTAINER = "META-INF/container.xml"
"""A file that every EPUB has."""
UNREADABLE = (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError)
"""What an archive raises whose list of files is damaged."""
_ENCRYPTION = "META-INF/encryption.xml"
_DOCUMENTS = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")
_NCX = "application/x-dtbncx+xml"
_BLOCKS = frozenset(
    "address article aside blockquote body br caption center dd details div dl "
    "dt figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr legend li "
    "main ol p pre section summary table tbody tfoot thead title tr ul".split()
)
_HEADINGS = frozenset("h1 h2 h3 h4 h5 h6".split())
_UNREAD = frozenset("head math nav rp rt script style svg template".split())
_EMPTY = frozenset(
    "area base br col embed hr img input link meta source track wbr".split()
)
_ENCODING = re.compile(rb"<\?xml[^>]*encoding=[\"']([\w.-]+)[\"']")
_LONGEST_TITLE = 120


def read_epub(path: Path) -> Book:
    """Read a book.

    Arguments
    ---------
    path : Path
        Of the EPUB.

    Returns
    -------
    book : Book
        A chapter for each entry of its table of contents; without one, for
        each document.

    Raises
    ------
    ValueError
        If it is no EPUB, is protected against copying, or too large.
    OSError
        If it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(_Archive(path, archive))
    except (*UNREADABLE, zlib.error, EOFError) as e:
        raise ValueError(
            f"{path} must be an EPUB, which is a ZIP archive; it cannot be read "
            f"({e}). Fetch it again, or give a text file."
        ) from e


class _Archive:
    """The files of an EPUB, read up to a limit."""

    def __init__(self, path: Path, archive: zipfile.ZipFile):
        self.path = path
        self._archive = archive
        self._left = _MOST_BYTES
        names = archive.namelist()
        if len(names) > _MOST_FILES:
            raise ValueError(
                f"{path} must hold at most {_MOST_FILES} files; got "
                f"{len(names)}."
            )
        self.names = frozenset(names)

    def read(self, name: str) -> bytes:
        """Return what is in a file."""
        try:
            with self._archive.open(name) as file:
                content = file.read(min(_LONGEST_FILE, self._left) + 1)
        except RuntimeError as error:  # a password
            raise ValueError(f"{self.path}: {name}: {error}.") from error
        if len(content) > min(_LONGEST_FILE, self._left):
            raise ValueError(
                f"{self.path}: {name} must have at most "
                f"{_LONGEST_FILE >> 20} MiB, and what is read "
                f"{_MOST_BYTES >> 20} MiB; it has more, as no book has."
            )
        self._left -= len(content)
        return content

    def xml(self, name: str) -> ElementTree.Element:
        """Return a file as a tree."""
        if name not in self.names:
            raise ValueError(
                f"{self.path} must hold {name}, as every EPUB does; it does "
                "not. Fetch it again."
            )
        content = self.read(name)
        # UTF-16 and UTF-32 have zeros between
        if b"<!ENTITY" in content.replace(b"\0", b""):
            raise ValueError(
                f"{self.path}: {name} must define no entities; it does."
            )
        try:
            return ElementTree.fromstring(content)
        except (ElementTree.ParseError, LookupError, ValueError) as error:
            raise ValueError(
                f"{self.path}: {name} must be XML; it is not ({error}). Fetch "
                "it again."
            ) from error


class _Package:
    """What the package document of an EPUB says."""

    def __init__(self, archive: _Archive):
        container = archive.xml(CONTAINER)
        roots = [
            each.get("full-path", "")
            for each in container.iter()
            if _local(each) == "rootfile"
        ]
        if not roots:
            raise ValueError(f"{archive.path}: {CONTAINER} names no book.")
        self.name = roots[0]
        root = archive.xml(self.name)
        self.title = self._metadata(root, "title")
        self.author = self._metadata(root, "creator")
        self.language = self._metadata(root, "language")
        self.types: dict[str, str] = {}
        items: dict[str, str] = {}
        self.contents: str | None = None
        for item in root.iter():
            if _local(item) != "item":
                continue
            name = _beside(self.name, item.get("href", ""))[0]
            items[item.get("id", "")] = name
            self.types[name] = item.get("media-type", "")
            if "nav" in (item.get("properties") or "").split():
                self.contents = name
        self.documents = []
        for item in root.iter():
            if _local(item) == "spine" and self.contents is None:
                self.contents = items.get(item.get("toc", ""))
            if _local(item) == "itemref" and item.get("linear") != "no":
                self.documents.append(items.get(item.get("idref", ""), ""))

    @staticmethod
    def _metadata(root: ElementTree.Element, name: str) -> str:
        found = [
            _one_line("".join(each.itertext()))
            for each in root.iter()
            if _local(each) == name
        ]
        return next(filter(None, found), "")


def _read(archive: _Archive) -> Book:
    package = _Package(archive)
    _refuse_protected(archive, package)
    problems: list[str] = []
    titles = _contents(archive, package, problems)
    chapters = [Chapter(package.title or archive.path.stem)]
    for name in package.documents:
        place = f"{archive.path.name}: {name}"
        if name not in archive.names:
            problems.append(f"{place}: is not in the archive")
            continue
        if package.types.get(name, _DOCUMENTS[0]) not in _DOCUMENTS:
            problems.append(f"{place}: is no text")
            continue
        try:
            document = _parse(_decoded(archive.read(name)))
        except (LookupError, UnicodeError) as error:
            problems.append(f"{place}: {error}")
            continue
        _add_document(chapters, name, place, document, titles)
    return Book(
        package.title or archive.path.stem,
        package.author,
        package.language,
        drop_empty(chapters),
        problems,
    )


def _add_document(
    chapters: list[Chapter],
    name: str,
    place: str,
    document: "_TextOf",
    titles: dict[tuple[str, str], list[str]],
) -> None:
    """Add the paragraphs of a document, and begin chapters where it says so.

    A part and its first chapter may begin together.
    """
    begins: dict[int, list[str]] = {}
    for (file, anchor), own in titles.items():
        if file == name and (not anchor or anchor in document.anchors):
            begins.setdefault(document.anchors.get(anchor, 0), []).extend(own)
    if not titles and document.paragraphs:
        begins[0] = [document.first_heading or f"Part {len(chapters)}"]
    for number, text in enumerate(document.paragraphs):
        if number in document.scenes:
            chapters[-1].end_scene()
        if number in begins:
            title = " – ".join(dict.fromkeys(begins[number]))
            chapters.append(Chapter(title[:_LONGEST_TITLE]))
        here = f"{place}, paragraph {number + 1}, in {chapters[-1].title!r}"
        chapters[-1].paragraphs.append(Paragraph(here, escape_markup(text)))
    if len(document.paragraphs) in document.scenes:
        chapters[-1].end_scene()


def _contents(
    archive: _Archive, package: _Package, problems: list[str]
) -> dict[tuple[str, str], list[str]]:
    """Return the titles of each place that the table of contents names."""
    name = package.contents
    if name is None or name not in archive.names:
        return {}
    try:
        root = archive.xml(name)
    except ValueError as error:
        problems.append(str(error))
        return {}
    is_ncx = package.types.get(name) == _NCX
    found = _ncx_entries(root) if is_ncx else _nav_entries(root)
    titles: dict[tuple[str, str], list[str]] = {}
    for target, title in found:
        if title:
            titles.setdefault(_beside(name, target), []).append(title)
    return titles


def _nav_entries(root: ElementTree.Element) -> list[tuple[str, str]]:
    navs = [each for each in root.iter() if _local(each) == "nav"]
    chosen = [
        nav
        for nav in navs
        if any(
            key.endswith("type") and "toc" in value.split()
            for key, value in nav.attrib.items()
        )
    ]
    return [
        (link.get("href", ""), _one_line("".join(link.itertext())))
        for nav in (chosen or navs)[:1]
        for link in nav.iter()
        if _local(link) == "a"
    ]


def _ncx_entries(root: ElementTree.Element) -> list[tuple[str, str]]:
    entries = []
    for point in root.iter():
        if _local(point) != "navPoint":
            continue
        title, target = "", ""
        for child in point:
            if _local(child) == "navLabel":
                title = _one_line("".join(child.itertext()))
            elif _local(child) == "content":
                target = child.get("src", "")
        entries.append((target, title))
    return entries


def _refuse_protected(archive: _Archive, package: _Package) -> None:
    """Refuse a book whose texts are encrypted; fonts may be."""
    if _ENCRYPTION not in archive.names:
        return
    hidden = {
        unquote(each.get("URI", ""))
        for each in archive.xml(_ENCRYPTION).iter()
        if _local(each) == "CipherReference"
    }
    if hidden & set(package.documents):
        raise ValueError(
            f"{archive.path} is protected against copying (DRM), and its text "
            "cannot be read. Give a book without protection."
        )


class _TextOf(HTMLParser):
    """The paragraphs of a document."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.paragraphs: list[str] = []
        self.anchors: dict[str, int] = {}
        # before which paragraphs there is a break of the scene
        self.scenes: set[int] = set()
        self.first_heading = ""
        self._text: list[str] = []
        self._unread = 0  # how deep in what is not read
        self._in_heading = False

    def handle_starttag(self, tag: str, attrs: list) -> None:
        """Begin an element."""
        found = dict(attrs)
        if self._unread:
            self._unread += tag not in _EMPTY
            return
        if tag in _UNREAD or found.get("epub:type") == "noteref":
            self._unread = 1
            return
        if tag in _BLOCKS:
            self._end_paragraph()
            if tag == "hr":
                self.scenes.add(len(self.paragraphs))
        elif tag in ("td", "th"):
            self._text.append(" ")
        for anchor in (found.get("id"), found.get("name")):
            if anchor:
                self.anchors.setdefault(anchor, len(self.paragraphs))
        self._in_heading |= tag in _HEADINGS

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        """Pass an element without content."""
        self.handle_starttag(tag, attrs)
        if tag not in _EMPTY:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """End an element."""
        if self._unread:
            self._unread -= tag not in _EMPTY
            return
        if tag in _BLOCKS:
            self._end_paragraph()
        if tag in _HEADINGS:
            self._in_heading = False

    def handle_data(self, data: str) -> None:
        """Take text."""
        if not self._unread:
            self._text.append(data)

    def close(self) -> None:
        """End the document."""
        super().close()
        self._end_paragraph()

    def _end_paragraph(self) -> None:
        text = _one_line("".join(self._text))
        self._text = []
        if not is_speakable(text):
            if plain_text(text).strip():
                self.scenes.add(len(self.paragraphs))
            return
        self.paragraphs.append(text)
        if self._in_heading and not self.first_heading:
            self.first_heading = text


def _parse(text: str) -> _TextOf:
    parser = _TextOf()
    parser.feed(text)
    parser.close()
    return parser


def _decoded(content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16")
    declared = _ENCODING.match(content)
    encoding = declared[1].decode() if declared else "utf-8"
    return content.decode(encoding).lstrip("\ufeff")


def _beside(name: str, target: str) -> tuple[str, str]:
    """Return the name and the anchor that a file's link leads to."""
    file, _, anchor = target.partition("#")
    path = posixpath.join(posixpath.dirname(name), unquote(file))
    return posixpath.normpath(path) if file else name, unquote(anchor)


def _local(element: ElementTree.Element) -> str:
    """Return a tag without its namespace."""
    return str(element.tag).rpartition("}")[2]


def _one_line(text: str) -> str:
    return " ".join(text.split())
