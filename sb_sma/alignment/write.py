"""Files that other programs read: TextGrid of Praat, CTM, JSON."""

import io
import json
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sb_sma.alignment.alignment import Alignment, Interval

SPOKEN_PAUSE = "spn"
"""A pause in the phones of ARPAbet, as SpeechBrain's FastSpeech 2 knows it."""

TEXTGRIDS = "TextGrid"
# where SpeechBrain's ljspeech_prepare.py looks, and what it unpacks
_ZIP, _IN_ZIP = "alignments.zip", "TextGrid/LJSpeech"


def textgrid(alignment: Alignment, pause: str = "") -> str:
    """Write the tiers ``words`` and ``phones`` as Praat does.

    Arguments
    ---------
    alignment : Alignment
        Of a recording.
    pause : str
        What stands in ``phones`` for a pause; ``words`` has nothing there.

    Returns
    -------
    content : str
        Of a file in the long text format.

    Example
    -------
    >>> word = [Interval("no", 0.0, 1.0)]
    >>> print(*textgrid(Alignment(1.0, word, word, 0.0)).splitlines()[:5])
    File type = "ooTextFile" Object class = "TextGrid"  xmin = 0 xmax = 1
    """
    phones = [
        interval if interval.label else interval._replace(label=pause)
        for interval in alignment.phones
    ]
    end = f"{alignment.duration:.10g}"
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {end}",
        "tiers? <exists>",
        "size = 2",
        "item []:",
    ]
    tiers = {"words": alignment.words, "phones": phones}
    for number, (name, intervals) in enumerate(tiers.items(), start=1):
        lines += [
            f"    item [{number}]:",
            '        class = "IntervalTier"',
            f'        name = "{name}"',
            "        xmin = 0",
            f"        xmax = {end}",
            f"        intervals: size = {len(intervals)}",
        ]
        for count, interval in enumerate(intervals, start=1):
            label = interval.label.replace('"', '""')
            lines += [
                f"        intervals [{count}]:",
                f"            xmin = {interval.start:.10g}",
                f"            xmax = {interval.end:.10g}",
                f'            text = "{label}"',
            ]
    return "\n".join(lines) + "\n"


def ctm(name: str, intervals: Iterable[Interval]) -> str:
    """Write what is said as NIST's scoring programs read it; no pauses.

    Arguments
    ---------
    name : str
        Of the recording.
    intervals : iterable of Interval
        Words or phonemes.

    Returns
    -------
    lines : str
        ``name 1 start length label``; spaces within become ``_``.

    Example
    -------
    >>> ctm("a1", [Interval("", 0.0, 0.5), Interval("no", 0.5, 0.75)])
    'a1 1 0.5000 0.2500 no\\n'
    """
    return "".join(
        f"{_one_word(name)} 1 {start:.4f} {end - start:.4f} "
        f"{_one_word(label)}\n"
        for label, start, end in intervals
        if label
    )


def write_textgrid(
    folder: Path, name: str, alignment: Alignment, pause: str = ""
) -> None:
    """Write the TextGrid of a recording, whole or not at all.

    Arguments
    ---------
    folder : Path
        Of all of them.
    name : str
        Of the recording.
    alignment : Alignment
        What is in it.
    pause : str
        As of `textgrid`.
    """
    content = textgrid(alignment, pause).encode()
    write_whole(folder / f"{name}.TextGrid", content)


def write_tables(
    folder: Path,
    alignments: Mapping[str, Alignment],
    wavs: Mapping[str, Path],
) -> list[str]:
    """Write ``words.ctm``, ``phones.ctm`` and ``alignments.json``.

    Arguments
    ---------
    folder : Path
        Where.
    alignments : mapping
        By the names of the recordings.
    wavs : mapping
        Their files.

    Returns
    -------
    names : list of str
        Of the files.
    """
    content = {
        name: {"wav": str(wavs[name]), **alignment.as_json()}
        for name, alignment in alignments.items()
    }
    # a recording on a line: half a gigabyte of indents helps nobody
    lines = ",\n".join(
        f"{json.dumps(name, ensure_ascii=False)}: "
        f"{json.dumps(each, ensure_ascii=False)}"
        for name, each in content.items()
    )
    files = {
        tier + ".ctm": "".join(
            ctm(name, getattr(alignment, tier))
            for name, alignment in alignments.items()
        )
        for tier in ("words", "phones")
    }
    files["alignments.json"] = f"{{\n{lines}\n}}\n"
    for name, text in files.items():
        write_whole(folder / name, text.encode())
    return list(files)


def write_zip(folder: Path, names: Sequence[str]) -> str:
    """Pack TextGrids as SpeechBrain's FastSpeech 2 recipe unpacks them.

    Arguments
    ---------
    folder : Path
        Which has them.
    names : sequence of str
        Of the recordings.

    Returns
    -------
    name : str
        Of the file, which the recipe looks for in its data folder.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            file = f"{name}.TextGrid"
            archive.write(folder / TEXTGRIDS / file, f"{_IN_ZIP}/{file}")
    write_whole(folder / _ZIP, packed.getvalue())
    return _ZIP


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is there when all of it is.

    Arguments
    ---------
    path : Path
        Its name.
    content : bytes
        What is in it.

    Example
    -------
    >>> write_whole(getfixture("tmp_path") / "a.txt", b"a")
    """
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(content)
    new.replace(path)


def _one_word(label: str) -> str:
    return re.sub(r"\s+", "_", label)
