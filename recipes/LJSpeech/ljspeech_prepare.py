"""Prepares LJSpeech, or any corpus of its layout: metadata.csv and wavs/.

Each line of metadata.csv reads ``id|text|normalised text``; ``wavs/id.wav`` is
its recording. Tokens are those of a text front end for the normalised text.

Download: https://keithito.com/LJ-Speech-Dataset/
"""

import hashlib
import random
from dataclasses import asdict, dataclass
from pathlib import Path

import soundfile

from sb_sma.data.audio import read_mono
from sb_sma.data.corpus import (
    Utterance,
    build_once,
    raise_problems,
    write_corpus,
)
from sb_sma.data.espeak import is_speakable
from sb_sma.data.frontends import EspeakFrontend, Frontend
from sb_sma.data.mel import MelSettings

SMALL_CORPUS = 100
_HELD_OUT_OF_SMALL = 2
_HELD_OUT_SHARE = 0.01


def prepare_ljspeech(
    data_folder: str | Path,
    save_folder: str | Path,
    n_valid: int | None = None,
    n_test: int | None = None,
    seed: int = 1,
    frontend: Frontend = EspeakFrontend(),
    mel: MelSettings | None = None,
) -> None:
    """Builds the corpus, or reuses one that was built with the same arguments.

    Audio of any rate and number of channels becomes mono at the rate of the
    spectrograms.

    Arguments
    ---------
    data_folder : str or Path
        Holds metadata.csv and wavs/.
    save_folder : str or Path
        The corpus folder; see ``sb_sma.data.corpus`` for what it holds.
    n_valid : int, optional
        Utterances for validation; by default 1 % of the corpus, and 2 of a
        corpus of less than 100 utterances.
    n_test : int, optional
        Utterances for the test; the same default.
    seed : int
        Chooses the utterances that are held out.
    frontend : Frontend
        Turns texts into tokens; by default eSpeak NG, voice en-us.
    mel : MelSettings, optional
        The numbers that define the spectrograms.

    Raises
    ------
    ValueError
        If the corpus has problems (all are named, with file and line), or if
        the folder holds anything that is not a corpus.
    """
    mel = mel or MelSettings()
    data_folder = Path(data_folder).expanduser().absolute()
    metadata = data_folder / "metadata.csv"
    if not metadata.is_file():
        raise ValueError(
            "data_folder must hold metadata.csv and wavs/ as LJSpeech-1.1 "
            f"does; got {data_folder}, without metadata.csv. Unpack "
            "https://keithito.com/LJ-Speech-Dataset/ and give its folder."
        )
    # what would fail for every utterance should fail once, and at the start
    frontend.tokens("a")

    def build(folder: Path) -> None:
        lines = _read_metadata(metadata)
        splits = _split(len(lines), n_valid, n_test, seed)
        items = list(zip(lines, splits))
        write_corpus(
            folder, items, lambda item: _make(*item, frontend, mel), mel
        )

    parameters = {
        "corpus": "ljspeech",
        "data_folder": str(data_folder),
        "metadata_sha256": hashlib.sha256(metadata.read_bytes()).hexdigest(),
        "n_valid": n_valid,
        "n_test": n_test,
        "seed": seed,
        "frontend": frontend.identity(),
        "mel": asdict(mel),
    }
    build_once(save_folder, parameters, build)


@dataclass
class _Line:
    place: str
    name: str
    text: str
    wav: Path


def _read_metadata(metadata: Path) -> list[_Line]:
    """Reads all lines, and finds all problems that show without decoding."""
    try:
        content = metadata.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{metadata} must be UTF-8; got {error}. Convert the file."
        ) from error
    lines, problems, seen = [], [], {}
    # str.splitlines would also split at other characters
    for number, row in enumerate(content.split("\n"), start=1):
        if not row.strip():
            continue
        place = f"{metadata}, line {number}"
        fields = row.rstrip("\r").split("|")
        if len(fields) != 3:
            problems.append(
                f"{place}: expected 3 fields (id|text|normalised text), got "
                f"{len(fields)}. Mend the line."
            )
            continue
        name, text = fields[0].strip(), fields[2].strip()
        line = _Line(place, name, text, metadata.parent / f"wavs/{name}.wav")
        if name in seen:
            problems.append(
                f"{place}: the id {name!r} must be unique, but line "
                f"{seen[name]} has it, too. Remove one of them."
            )
            continue
        seen[name] = number
        problems += _problems_of_line(line)
        lines.append(line)
    raise_problems(problems)
    return lines


def _problems_of_line(line: _Line) -> list[str]:
    problems = []
    if not is_speakable(line.text):
        problems.append(
            f"{line.place}: the normalised text must have a letter or digit; "
            f"got {line.text!r}. Mend or remove the line."
        )
    if not line.name or Path(line.name).name != line.name:
        problems.append(
            f"{line.place}: the id must be the name of a file in wavs/; got "
            f"{line.name!r}. Mend the line."
        )
    elif not line.wav.is_file():
        problems.append(
            f"{line.place}: {line.wav} is missing. Add the recording or "
            "remove the line."
        )
    else:
        problems += _problems_of_wav(line)
    return problems


def _problems_of_wav(line: _Line) -> list[str]:
    try:
        if soundfile.info(line.wav).frames > 0:
            return []
        reason = "it has no samples"
    except soundfile.SoundFileError as error:
        reason = str(error)
    return [
        f"{line.place}: {line.wav} must be a readable recording; got: "
        f"{reason}. Replace the file or remove the line."
    ]


def _split(
    count: int, n_valid: int | None, n_test: int | None, seed: int
) -> list[str]:
    """Gives each utterance its split."""
    held_out = round(_HELD_OUT_SHARE * count)
    if count < SMALL_CORPUS:
        held_out = _HELD_OUT_OF_SMALL
    n_valid = held_out if n_valid is None else n_valid
    n_test = held_out if n_test is None else n_test
    if min(n_valid, n_test) < 1 or count <= n_valid + n_test:
        raise ValueError(
            "n_valid and n_test must be at least 1 and leave an utterance for "
            f"training; got {n_valid} and {n_test} of {count} utterances. "
            "Lower them or add recordings."
        )
    order = list(range(count))
    random.Random(seed).shuffle(order)
    splits = ["train"] * count
    for i in order[:n_valid]:
        splits[i] = "valid"
    for i in order[n_valid : n_valid + n_test]:
        splits[i] = "test"
    return splits


def _make(
    line: _Line, split: str, frontend: Frontend, mel: MelSettings
) -> Utterance:
    try:
        samples = read_mono(line.wav, mel).numpy()
        tokens = frontend.tokens(line.text)
    except ValueError as error:
        raise ValueError(f"{line.place}: {error}") from error
    return Utterance(
        name=line.name,
        split=split,
        text=line.text,
        samples=samples,
        tokens=tokens,
    )
