"""The IPA of English as ARPAbet."""

import pytest

from sb_sma.alignment.arpabet import _TABLE, to_arpabet
from sb_sma.alignment.reader import TextReader
from sb_sma.data.notation import ARPABET_PHONEMES

SENTENCES = (
    "The birch canoe slid on the smooth planks, and the judge chose a rare "
    "prune. Sure, our fire burns near the poor tower; weird boys paw at joy.",
    "Certain little bottles of button mushrooms, loch water, and a beige "
    "measure: thou shouldst breathe. Where is the curious Euro, and whose?",
)


def test_table_gives_arpabet_alone():
    written = {phone for phones in _TABLE.values() for phone in phones.split()}
    assert written <= ARPABET_PHONEMES
    # all but none
    assert ARPABET_PHONEMES - written == set()


@pytest.mark.parametrize("voice", ["en-us", "en", "en-gb-scotland"])
@pytest.mark.parametrize("text", SENTENCES)
def test_english_voices_are_written_whole(voice, text):
    words = TextReader(voice, "arpabet")(text)
    phones = {phone for word in words for phone in word.phonemes}
    assert phones <= ARPABET_PHONEMES and len(phones) > 20


def test_words_read_as_in_cmudict():
    words = TextReader(phones="arpabet")("Four cats, their measure.")
    assert [" ".join(word.phonemes) for word in words] == [
        "F AO R",
        "K AE T S",
        "DH EH R",
        "M EH ZH ER",
    ]


def test_sounds_that_espeak_gives_no_time_are_read():
    (word,) = TextReader(phones="arpabet")("Hill.")
    assert word.phonemes == ["HH", "IH", "L"]


def test_a_sound_that_english_lacks_is_named():
    with pytest.raises(ValueError, match="no sign for 'ʁ'"):
        to_arpabet(["ʁ", "a"])
