"""The texts in a rendering that no evaluated model made: recordings, or eSpeak
NG."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from sb_sma.data.espeak.voice import VoiceSettings, speak
from sb_sma.data.text.frontends import EspeakFrontend
from sb_sma.evaluation.ear import ENGLISH

ESPEAK = "eSpeak NG"
_NUMBER = re.compile(r"(\d+)$")

# the number of a text to samples, (N,), and their rate in Hz
Reference = Callable[[int], tuple[torch.Tensor, int]]


def espeak_reference(texts: Sequence[str], language: str) -> Reference:
    """Let eSpeak NG speak texts.

    Arguments
    ---------
    texts : sequence of str
        What it says.
    language : str
        Of the texts.

    Returns
    -------
    reference : Callable
        The number of a text, from 0, to samples and their rate.

    Raises
    ------
    ValueError
        If eSpeak NG has no voice of the language.

    Example
    -------
    >>> samples, sample_rate = espeak_reference(["No."], "en")(0)
    >>> samples.ndim, sample_rate
    (1, 22050)
    """
    voice = "en-us" if language == ENGLISH else language
    frontend = EspeakFrontend(VoiceSettings(voice))
    frontend.check()

    def render(number: int) -> tuple[torch.Tensor, int]:
        """Speak one text."""
        written = frontend.written_out(texts[number])
        speech = speak(written, frontend.settings)
        samples = torch.from_numpy(speech.samples.astype("float32") / 2**15)
        return samples, speech.sample_rate

    return render


def recorded_reference(folder: Path, positions: Sequence[int]) -> Reference:
    """Find the recording of each text.

    Arguments
    ---------
    folder : Path
        With WAV files whose names end in the number of their text, as those of
        ``sb-sma synthesize --input`` do.
    positions : sequence of int
        These numbers, of the texts that are needed.

    Returns
    -------
    reference : Callable
        As of `espeak_reference`.

    Raises
    ------
    ValueError
        If there is no folder, a recording is missing, or a number is there
        twice.

    Example
    -------
    >>> recorded_reference(getfixture("tmp_path"), [1, 2])
    Traceback (most recent call last):
    ...
    ValueError: --recordings must hold a WAV file for each of 2 texts, such as a-1.wav; none for 1, 2 in ...
    """
    if not folder.is_dir():
        raise ValueError(f"--recordings must be a folder; {folder} is none.")
    paths: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        found = _NUMBER.search(path.stem)
        if path.suffix.lower() != ".wav" or not found:
            continue
        known = paths.setdefault(int(found[1]), path)
        if known != path:
            raise ValueError(
                f"--recordings must hold one WAV file for each text; "
                f"{known.name} and {path.name} are both of text {found[1]}."
            )
    missing = [str(position) for position in positions if position not in paths]
    if missing:
        shown = ", ".join(missing[:5]) + ", ..." * (len(missing) > 5)
        raise ValueError(
            f"--recordings must hold a WAV file for each of {len(positions)} texts, "
            f"such as a-1.wav; none for {shown} in {folder}"
        )

    def read(number: int) -> tuple[torch.Tensor, int]:
        """Read one recording."""
        import soundfile

        path = paths[positions[number]]
        try:
            samples, rate = soundfile.read(path, dtype="float32")
        except soundfile.LibsndfileError as error:
            raise ValueError(f"{path} cannot be read: {error}") from error
        samples = torch.from_numpy(samples)
        return samples.mean(-1) if samples.ndim > 1 else samples, rate

    return read
