"""An EPUB of two documents and three chapters."""

import zipfile

FILES = {
    "mimetype": "application/epub+zip",
    "META-INF/container.xml": (
        '<?xml version="1.0"?>'
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
        '<rootfiles><rootfile full-path="OEBPS/content.opf"/></rootfiles>'
        "</container>"
    ),
    "OEBPS/content.opf": (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        "<dc:title>A Small\n Book</dc:title><dc:creator>Ann Author</dc:creator>"
        "<dc:language>en</dc:language></metadata><manifest>"
        '<item id="n" href="nav.xhtml" media-type="application/xhtml+xml" '
        'properties="nav"/>'
        '<item id="a" href="text/a%20b.xhtml" '
        'media-type="application/xhtml+xml"/>'
        '<item id="b" href="text/b.xhtml" media-type="application/xhtml+xml"/>'
        '<item id="x" href="../../etc/passwd" '
        'media-type="application/xhtml+xml"/></manifest><spine>'
        '<itemref idref="a"/><itemref idref="x"/><itemref idref="b"/>'
        "</spine></package>"
    ),
    "OEBPS/nav.xhtml": (
        '<html xmlns="http://www.w3.org/1999/xhtml" '
        'xmlns:epub="http://www.idpf.org/2007/ops"><body>'
        '<nav epub:type="toc"><ol>'
        '<li><a href="text/a%20b.xhtml">The First: a/b</a></li>'
        '<li><a href="text/b.xhtml#s1">The Second</a></li>'
        '<li><a href="text/b.xhtml#s2">The Third</a></li></ol></nav>'
        "</body></html>"
    ),
    "OEBPS/text/a b.xhtml": (
        "<html><head><title>No</title><style>p{}</style></head><body>"
        '<h1>The First</h1><p>A <b>small</b> cat<a epub:type="noteref">1</a>. '
        "It paid $5 &amp; left, if a &lt; b &lt;i&gt;.</p><hr/>"
        "<p>Then it came back.</p><script>bad()</script></body></html>"
    ),
    "OEBPS/text/b.xhtml": (
        '<html><body><h2 id="s1">The Second</h2><p>It rained.</p>'
        '<div id="s2"><h2>The Third</h2><p>The end.</p></div></body></html>'
    ),
}


def write_small_epub(path, **changed):
    """Write it with other files; None leaves one out."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**FILES, **changed}.items():
            if content is not None:
                archive.writestr(name, content)
    return path
