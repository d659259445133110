"""eSpeak NG as a teacher: rules and formants, and nobody's voice."""

from sb_sma.data.espeak.library import find_version
from sb_sma.data.espeak.voice import BOUNDS, Speech, VoiceSettings, speak
from sb_sma.data.teachers.interface import Teacher
from sb_sma.data.text.frontends import EspeakFrontend


class EspeakTeacher(Teacher):
    """Speaks by eSpeak NG, whose phoneme times are exact.

    Example
    -------
    >>> EspeakTeacher().speak("No.", VoiceSettings()).tokens
    ('n', 'ˈoʊ', '<end>')
    """

    name = "espeak"
    settings = ("voice", *BOUNDS)

    def speak(self, text: str, settings: VoiceSettings) -> Speech:
        """Speak once; see `sb_sma.data.espeak.voice.speak`.

        Arguments
        ---------
        text : str
            At least one letter or digit.
        settings : VoiceSettings
            Voice, rate, pitch and pitch range.

        Returns
        -------
        speech : Speech
            Samples, phonemes and their times.

        Raises
        ------
        ValueError
            If the text has nothing to say, or eSpeak NG lacks the voice.
        """
        return speak(text, settings)

    def identity(self) -> str:
        """Tell which eSpeak NG speaks.

        Returns
        -------
        version : str
            Of its wheel.
        """
        return find_version()

    def frontend(self, settings: VoiceSettings) -> EspeakFrontend:
        """Return eSpeak NG's own phonemes.

        Arguments
        ---------
        settings : VoiceSettings
            As for `speak`.

        Returns
        -------
        frontend : EspeakFrontend
            Reads with them.
        """
        return EspeakFrontend(settings)
