"""What is to be found in a recording: the words of its text."""

from dataclasses import dataclass

from sb_sma.alignment.arpabet import to_arpabet
from sb_sma.alignment.lattice import AlignedWord
from sb_sma.data.espeak.voice import VoiceSettings
from sb_sma.data.espeak.words import spoken_words
from sb_sma.data.notation import strip_stress
from sb_sma.data.text.frontends import EspeakFrontend

NOTATIONS = ("ipa", "arpabet")


@dataclass(frozen=True)
class TextReader:
    """Reads a text by eSpeak NG, word by word.

    Arguments
    ---------
    voice : str
        Of eSpeak NG: whose language it is.
    phones : str
        ``ipa``, or ``arpabet`` for English.

    Raises
    ------
    ValueError
        If there is no such notation.

    Example
    -------
    >>> [word.phonemes for word in TextReader(phones="arpabet")("Four, yes.")]
    [['F', 'AO', 'R'], ['Y', 'EH', 'S']]
    """

    voice: str = "en-us"
    phones: str = "ipa"

    def __post_init__(self):
        if self.phones not in NOTATIONS:
            raise ValueError(
                f"phones must be one of {', '.join(NOTATIONS)}; got "
                f"{self.phones!r}."
            )

    def __call__(self, text: str) -> list[AlignedWord]:
        """Read a text.

        Arguments
        ---------
        text : str
            At least one letter or digit.

        Returns
        -------
        words : list of AlignedWord
            As they are said: numbers and the like are put into words where
            eSpeak NG's front end does so.

        Raises
        ------
        ValueError
            If nothing of it can be said, or ARPAbet has no sign for it.
        """
        settings = VoiceSettings(voice=self.voice)
        written = EspeakFrontend(settings).written_out(text)
        words = []
        for word in spoken_words(written, settings):
            # a mark of stress may stand alone
            shown = [each for each in word.phonemes if strip_stress([each])]
            if self.phones == "arpabet":
                shown = to_arpabet(shown)
            units = list(strip_stress(shown))
            if units:
                words.append(AlignedWord(word.text, shown, units, word.pause))
        return words
