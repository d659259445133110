"""EPUBs are read chapter by chapter, and nothing else of the archive is."""

import pytest

from sb_sma.books import epub
from sb_sma.books.epub import read_epub
from tests.small_epub import FILES, write_small_epub


def read(tmp_path, **changed):
    return read_epub(write_small_epub(tmp_path / "a.epub", **changed))


def texts(book):
    return {
        chapter.title: [each.text for each in chapter.paragraphs]
        for chapter in book.chapters
    }


def test_chapters_are_those_of_the_contents(tmp_path):
    book = read(tmp_path)
    assert (book.title, book.author, book.language) == (
        "A Small Book",
        "Ann Author",
        "en",
    )
    assert texts(book) == {
        "The First: a/b": [
            "The First",
            "A small cat. It paid $5 &amp; left, if a &lt; b &lt;i>.",
            "Then it came back.",
        ],
        "The Second": ["The Second", "It rained."],
        "The Third": ["The Third", "The end."],
    }


def test_what_is_not_there_is_named(tmp_path):
    book = read(tmp_path)
    assert book.problems == ["a.epub: ../etc/passwd: is not in the archive"]
    assert book.chapters[0].paragraphs[1].place == (
        "a.epub: OEBPS/text/a b.xhtml, paragraph 2, in 'The First: a/b'"
    )


def test_a_rule_and_a_line_of_signs_are_breaks(tmp_path):
    body = "<p>* * *</p><p>One.</p><hr/><p>Two.</p><p>***</p><p>Three.</p>"
    name = "OEBPS/text/a b.xhtml"
    book = read(tmp_path, **{name: f"<html><body>{body}</body></html>"})
    paragraphs = book.chapters[0].paragraphs
    assert [(each.text, each.ends_scene) for each in paragraphs] == [
        ("One.", True),
        ("Two.", True),
        ("Three.", False),
    ]


def test_breaks_where_a_document_begins_and_ends(tmp_path):
    contents = '<nav><ol><li><a href="text/a%20b.xhtml">A</a></li></ol></nav>'
    begins = "<hr/><p>Two.</p><p>&#8203;</p><p>Three.</p>"
    book = read(
        tmp_path,
        **{
            "OEBPS/nav.xhtml": f"<html><body>{contents}</body></html>",
            "OEBPS/text/a b.xhtml": "<html><body><p>One.</p></body></html>",
            "OEBPS/text/b.xhtml": f"<html><body>{begins}</body></html>",
        },
    )
    paragraphs = book.chapters[0].paragraphs[:3]
    assert [(each.text, each.ends_scene) for each in paragraphs] == [
        ("One.", True),
        ("Two.", False),
        ("Three.", False),
    ]


def test_without_contents_every_document_is_a_chapter(tmp_path):
    package = FILES["OEBPS/content.opf"].replace('properties="nav"', "")
    book = read(tmp_path, **{"OEBPS/content.opf": package})
    assert list(texts(book)) == ["The First", "The Second"]


def test_contents_of_epub_2(tmp_path):
    package = FILES["OEBPS/content.opf"].replace('properties="nav"', "")
    package = package.replace(
        'nav.xhtml" media-type="application/xhtml+xml"',
        'toc.ncx" media-type="application/x-dtbncx+xml"',
    ).replace("<spine>", '<spine toc="n">')
    ncx = (
        '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint>'
        "<navLabel><text>One</text></navLabel>"
        '<content src="text/a%20b.xhtml"/></navPoint></navMap></ncx>'
    )
    book = read(
        tmp_path, **{"OEBPS/content.opf": package, "OEBPS/toc.ncx": ncx}
    )
    # what no entry begins belongs to the chapter before
    assert [len(found) for found in texts(book).values()] == [7]
    assert list(texts(book)) == ["One"]


def test_titles_of_one_place_are_joined(tmp_path):
    nav = FILES["OEBPS/nav.xhtml"].replace(
        "</ol>",
        '<li><a href="text/b.xhtml#s1">Scene 1</a></li>'
        '<li><a href="text/b.xhtml">Scene 1</a></li>'
        '<li><a href="text/b.xhtml#d">Third</a></li></ol>',
    )
    page = FILES["OEBPS/text/b.xhtml"].replace(
        'id="s2"><', 'id="s2"><b id="d"/><'
    )
    changed = {"OEBPS/nav.xhtml": nav, "OEBPS/text/b.xhtml": page}
    assert list(texts(read(tmp_path, **changed))) == [
        "The First: a/b",
        "The Second – Scene 1",
        "The Third – Third",
    ]


@pytest.mark.parametrize("encoding", ["undefined", "no-such", "hex"])
def test_a_document_in_no_encoding_is_named(tmp_path, encoding):
    page = (
        f'<?xml version="1.0" encoding="{encoding}"?>'
        "<html><body><p>No.</p></body></html>"
    )
    book = read(tmp_path, **{"OEBPS/text/b.xhtml": page})
    assert book.problems[1].startswith("a.epub: OEBPS/text/b.xhtml: ")
    assert list(texts(book)) == ["The First: a/b"]


def test_contents_in_no_encoding_are_named(tmp_path):
    nav = '<?xml version="1.0" encoding="undefined"?><a/>'
    book = read(tmp_path, **{"OEBPS/nav.xhtml": nav})
    assert "OEBPS/nav.xhtml must be XML; it is not" in book.problems[0]
    assert list(texts(book)) == ["The First", "The Second"]


def test_no_archive_is_refused(tmp_path):
    path = tmp_path / "a.epub"
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ValueError, match="must be an EPUB, which is a ZIP"):
        read_epub(path)


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"META-INF/container.xml": None}, "must hold META-INF/container.xml"),
        ({"META-INF/container.xml": "<a>"}, "must be XML; it is not"),
        ({"META-INF/container.xml": "<a/>"}, "names no book"),
        ({"OEBPS/content.opf": None}, "must hold OEBPS/content.opf"),
        (
            {
                "OEBPS/content.opf": '<!DOCTYPE a [<!ENTITY b "cccc">]>'
                "<a>&b;</a>"
            },
            "must define no entities",
        ),
        (
            {
                "OEBPS/content.opf": '<!DOCTYPE a [<!ENTITY b "cccc">]>'
                "<a>&b;</a>".encode("utf-16")
            },
            "must define no entities",
        ),
        (
            {
                "META-INF/encryption.xml": "<a><CipherReference "
                'URI="OEBPS/text/b.xhtml"/></a>'
            },
            "is protected against copying",
        ),
    ],
    ids=[
        "no container",
        "no XML",
        "no root",
        "no package",
        "bomb",
        "16",
        "DRM",
    ],
)
def test_what_is_no_book_is_refused(tmp_path, changed, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, **changed)


def test_what_is_packed_too_well_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(epub, "_LONGEST_FILE", 1 << 20)
    bomb = "<html><body><p>" + "a" * (4 << 20) + "</p></body></html>"
    path = write_small_epub(tmp_path / "a.epub", **{"OEBPS/text/b.xhtml": bomb})
    assert path.stat().st_size < 1 << 16
    with pytest.raises(ValueError, match="b.xhtml must have at most 1 MiB"):
        read_epub(path)


def test_an_encrypted_archive_is_refused(tmp_path):
    path = write_small_epub(tmp_path / "a.epub")
    content = bytearray(path.read_bytes())
    # the flag of a password, in every header
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = content.find(mark)
        while start >= 0:
            content[start + place] |= 1
            start = content.find(mark, start + 4)
    path.write_bytes(content)
    with pytest.raises(ValueError, match="a.epub: .*password"):
        read_epub(path)


def test_other_encodings_are_read(tmp_path):
    page = '<?xml version="1.0" encoding="%s"?><html><body><p>Zoë</p></body></html>'
    for encoding in ("iso-8859-1", "utf-16"):
        content = (page % encoding).encode(encoding)
        book = read(tmp_path, **{"OEBPS/text/b.xhtml": content})
        assert texts(book)["The First: a/b"][-1] == "Zoë"
