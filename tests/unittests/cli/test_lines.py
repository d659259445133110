"""Lines are cut where a file has line ends, and read as UTF-8 or not at all."""

import logging

import pytest

from sb_sma.cli.lines import TextLines, decode_line, open_lines, tell_log


def texts_of(path):
    with open_lines(str(path), "one text") as lines:
        return [(number, decode_line(line)) for number, line in lines]


@pytest.mark.parametrize(
    "content, expected",
    [
        ("a\nb\n", [(1, "a"), (2, "b")]),
        ("a\r\n\r\nb", [(1, "a"), (2, ""), (3, "b")]),
        ("a\rb\r", [(1, "a"), (2, "b")]),
        ("a\x0cb\x0b\nc\x1cd\x1e", [(1, "a\x0cb"), (2, "c\x1cd")]),
        ("a\u2028b\u2029c\x85d\n", [(1, "a\u2028b\u2029c\x85d")]),
        ("\ufeffa\n \ufeffb\ufeffc \n", [(1, "a"), (2, "bc")]),
        ("\ufeff\n\u3000\xa0\t\n", [(1, ""), (2, "")]),
        ("", []),
    ],
    ids=[
        "unix",
        "windows",
        "old mac",
        "pages",
        "separators",
        "marks",
        "blank",
        "empty",
    ],
)
def test_only_line_ends_cut_lines(tmp_path, content, expected):
    (tmp_path / "a.txt").write_bytes(content.encode())
    assert texts_of(tmp_path / "a.txt") == expected


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
@pytest.mark.parametrize("order", ["le", "be"])
def test_a_mark_of_another_encoding_is_told(tmp_path, encoding, order):
    content = "\ufeffNo.\nNo.\n".encode(f"{encoding}-{order}")
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(ValueError) as error:
        texts_of(tmp_path / "a.txt")
    assert str(error.value).startswith(f"{tmp_path}/a.txt:1: must be UTF-8")
    assert f"iconv -f {encoding.upper()} -t UTF-8" in str(error.value)


@pytest.mark.parametrize(
    "line, found",
    [
        ("café".encode("cp1252"), r"b'\\xe9'"),
        ("“No”".encode("cp1252"), r"b'\\x93'"),
        ("No".encode("utf-16-le"), r"b'\\x00'"),
        (b"N\0o", r"b'\\x00'"),
        ("é".encode()[:1], r"b'\\xc3'"),
        ("\ud800".encode(errors="surrogatepass"), r"b'\\xed'"),
    ],
    ids=["letter", "quotes", "utf-16", "nul", "cut", "surrogate"],
)
def test_what_is_not_utf_8_is_told(line, found):
    with pytest.raises(ValueError, match=f"must be UTF-8; got {found}, as a"):
        decode_line(line)


def test_what_is_passed_over_is_counted(capsys):
    lines = TextLines("a.txt", [b"a\n", b"b\n"], "one word")
    lines.conclude(n_good=0)
    assert capsys.readouterr().err == ""
    lines.warn(1, "is odd")
    lines.pass_over(2, "is bad")
    lines.conclude(n_good=1)
    assert capsys.readouterr().err.splitlines() == [
        "sb-sma: a.txt:1: is odd",
        "sb-sma: a.txt:2: is bad",
        "sb-sma: 1 bad line(s) passed over: 2",
    ]
    lines.pass_over(10, "is bad")
    lines.pass_over(1, "is bad")
    capsys.readouterr()
    lines.conclude(n_good=1)
    told = "sb-sma: 3 bad line(s) passed over: 1, 2, 10\n"
    assert capsys.readouterr().err == told
    with pytest.raises(ValueError, match="none of the 3 .* Give one word per"):
        lines.conclude(n_good=0)


def test_what_is_logged_again_is_told_once_unless_something_failed(capsys):
    logger = logging.getLogger("sb_sma.data")
    with tell_log():
        for _ in range(3):
            logger.warning("odd")
            logger.error("speech could not be made")
    told = capsys.readouterr().err.split("\n")
    assert told.count("sb-sma: odd") == 1
    assert told.count("sb-sma: speech could not be made") == 3
