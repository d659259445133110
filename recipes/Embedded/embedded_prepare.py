"""Prepares the embedded corpus: invented or given texts, spoken by a teacher.

That is eSpeak NG, unless another is chosen. No download: its voices come with
the wheel espeakng-loader, the texts from a grammar or a file. As it tells when
each phoneme starts, the corpus knows the true alignment, and as rate and pitch
are parameters, the true style.
"""

import logging
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from sb_sma.data.corpus.build_once import load_manifests
from sb_sma.data.corpus.digests import digest
from sb_sma.data.corpus.plan import Corpus
from sb_sma.data.espeak.text_grammar import generate_texts
from sb_sma.data.espeak.voice import BOUNDS, VoiceSettings, check_speakable
from sb_sma.data.problems import raise_problems
from sb_sma.data.processes import check_processes
from sb_sma.data.shards.package import load_webdataset
from sb_sma.data.speech.amount import tell_if_little
from sb_sma.data.speech.folder import Utterance, write_corpus
from sb_sma.data.speech.manifest.encoding import TextLines
from sb_sma.data.speech.mel import MelSettings
from sb_sma.data.teachers.ends import resampled
from sb_sma.data.teachers.espeak import EspeakTeacher
from sb_sma.data.teachers.interface import Teacher, check_speech
from sb_sma.data.text.frontends import respelled
from sb_sma.hparams.ranges import Number, Span

logger = logging.getLogger(__name__)

Range = int | Sequence[int]
_SPANS = {
    name: Span(Number(least=low, most=high))
    for name, (low, high) in BOUNDS.items()
}


def prepare_embedded(
    save_folder: str | Path | None = None,
    n_utterances: int = 3200,
    n_valid: int = 60,
    n_test: int = 60,
    seed: int = 1,
    texts: str | Path | None = None,
    voice: str | Sequence[str] = "en-us",
    rate: Annotated[Range, _SPANS["rate"]] = 175,
    pitch: Annotated[Range, _SPANS["pitch"]] = 50,
    pitch_range: Annotated[Range, _SPANS["pitch_range"]] = 50,
    n_processes: int = 1,
    mel: MelSettings | None = None,
    teacher: Teacher = EspeakTeacher(),
    utterances_per_shard: int = 0,
) -> Corpus:
    """Tell what the corpus is, and build it where a folder is given.

    Arguments
    ---------
    save_folder : str or Path, optional
        The corpus folder; see ``sb_sma.data.speech.folder`` for what it holds.
        One that was built with the same arguments is reused. Default: nothing
        is built yet.
    n_utterances : int
        All splits together.
    n_valid : int
        Utterances for validation; no text of theirs is in another split.
    n_test : int
        Utterances for the test; no text of theirs is in another split.
    seed : int
        Chooses texts and voices.
    texts : str or Path, optional
        A file with a text a line, of which each is spoken at most once, as
        the front end of the teacher writes it out. Default: texts are invented.
    voice : str or list of str
        eSpeak NG's voice, or voices of which each utterance gets one.
    rate : int or [int, int]
        Words per minute; a pair is drawn from for each utterance.
    pitch : int or [int, int]
        From 0 to 99; a pair is drawn from for each utterance.
    pitch_range : int or [int, int]
        From 0 to 99; a pair is drawn from for each utterance.
    n_processes : int
        Processes that speak; the corpus is the same with any number.
    mel : MelSettings, optional
        The numbers that define the spectrograms; speech of another rate is
        resampled.
    teacher : Teacher
        Who speaks; most have no voices, rates and pitches to choose from.
    utterances_per_shard : int
        Utterances in a shard of the training split, which then has no files of
        its own for each; needs the extra ``data``. 0 makes none.

    Returns
    -------
    corpus : Corpus
        Its ``make_in`` builds it where other corpora are.

    Raises
    ------
    ValueError
        If an argument is out of its bounds, or the teacher cannot obey it, if
        there are too few texts or bad ones (all are named, with file and line),
        or if the folder holds anything else.
    FileNotFoundError
        If there is no file of texts.
    ImportError
        If the teacher's package is missing, or that of shards.

    Example
    -------
    >>> folder = getfixture("tmp_path") / "corpus"
    >>> sizes = {"n_utterances": 6, "n_valid": 1, "n_test": 1}
    >>> corpus = prepare_embedded(folder, **sizes)
    >>> sorted(path.name for path in folder.glob("*.json"))[-3:]
    ['tokens.json', 'train.json', 'valid.json']
    """
    if utterances_per_shard:
        load_webdataset()
    mel = mel or MelSettings()
    voices = [voice] if isinstance(voice, str) else list(voice)
    ranges = {
        name: _as_range(name, value)
        for name, value in (
            ("rate", rate),
            ("pitch", pitch),
            ("pitch_range", pitch_range),
        )
    }
    _check_counts(n_utterances, n_valid, n_test)
    check_processes(n_processes)
    if not voices:
        raise ValueError(
            "voice must name at least one voice; got an empty list. Give "
            "'en-us'."
        )
    _check_obeyed(teacher, {"voice": voices, **ranges})
    # what would fail for every utterance should fail once, and at the start
    teacher.check()
    sample_rates = set()
    for name in voices:
        speech = teacher.speak("a", VoiceSettings(voice=name))
        check_speech(speech, teacher.name)
        sample_rates.add(speech.sample_rate)
    teacher.close()

    chosen = _choose_texts(texts, n_utterances, seed)

    def build(folder: Path) -> None:
        """Write the corpus into a folder."""
        draw = random.Random(seed)
        items = []
        for i, (text, place) in enumerate(chosen):
            split = "train"
            if i < n_valid + n_test:
                split = "valid" if i < n_valid else "test"
            drawn = {name: draw.randint(*ranges[name]) for name in ranges}
            settings = VoiceSettings(voice=draw.choice(voices), **drawn)
            # invented texts are spoken as the teacher reads them
            read = text
            if texts is not None:
                read = teacher.frontend(settings).written_out(text)
            name = f"{split}_{i:06d}"
            items.append((name, split, text, read, settings, place))
        try:
            write_corpus(
                folder,
                items,
                _Speaker(teacher, mel.sample_rate),
                mel,
                key=lambda item: repr(item[:-1]),  # whatever its line
                n_processes=n_processes,
                utterances_per_shard=utterances_per_shard,
            )
        finally:
            teacher.close()

    spoken = [text for text, _ in chosen]
    read_otherwise = {}
    if texts is not None:
        frontends = [teacher.frontend(VoiceSettings(name)) for name in voices]
        read_otherwise = respelled(frontends, spoken)
    obeyed = {
        name: value
        for name, value in {"voice": voices, **ranges}.items()
        if name in teacher.settings
    }
    others = sorted(sample_rates - {mel.sample_rate})
    parameters = {
        "corpus": "embedded",
        teacher.name: teacher.identity(),
        "n_utterances": n_utterances,
        "n_valid": n_valid,
        "n_test": n_test,
        "seed": seed,
        "texts": digest(repr(spoken).encode()),
        **read_otherwise,
        **obeyed,
        **({"resampled_from": others} if others else {}),
        "mel": asdict(mel),
        **(
            {"utterances_per_shard": utterances_per_shard}
            if utterances_per_shard
            else {}
        ),
    }
    names = obeyed.get("voice", [teacher.name])
    corpus = Corpus(
        "embedded-" + (names[0] if len(names) == 1 else f"{len(names)}-voices"),
        parameters,
        build,
        about={
            "utterances": n_utterances,
            "voice": " ".join(names),
            **{
                name: low if low == high else f"{low} to {high}"
                for name, (low, high) in ranges.items()
                if name in obeyed
            },
            "texts": texts and str(Path(texts).expanduser().absolute()),
            **({"resampled_from": f"{others[0]} Hz"} if others else {}),
        },
        goes_on_with=parameters,
        when_ready=_tell_what_is_there,
    )
    if save_folder is not None:
        corpus.make(save_folder)
    return corpus


def _choose_texts(
    path: str | Path | None, count: int, seed: int
) -> list[tuple[str, str]]:
    """Different texts, and the line of each if there is one."""
    if path is None:
        return [(text, "") for text in generate_texts(count, seed)]
    if not Path(path).expanduser().is_file():
        raise FileNotFoundError(
            "texts must be a file with a text a line; there is no file "
            f"'{path}'. Correct the path, or leave it out for invented texts."
        )
    places: dict[str, str] = {}
    problems = []
    lines = TextLines(Path(path).expanduser())
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text in places:
            continue
        places[text] = f"{path}, line {number}"
        try:
            check_speakable(text)
        except ValueError as error:
            problems.append(f"{places[text]}: {error}")
    raise_problems(problems)
    if len(places) < count:
        raise ValueError(
            f"{path} must have a text a line, at least n_utterances = {count} "
            f"different ones; got {len(places)}. Give more texts, or lower "
            "n_utterances."
        )
    chosen = list(places.items())
    random.Random(seed).shuffle(chosen)
    return chosen[:count]


@dataclass(frozen=True)
class _Speaker:
    """Makes an utterance by letting the teacher speak."""

    teacher: Teacher
    sample_rate: int

    def __call__(
        self, item: tuple[str, str, str, str, VoiceSettings, str]
    ) -> Utterance:
        name, split, text, read, settings, place = item
        try:
            speech = self.teacher.speak(read, settings)
            check_speech(speech, self.teacher.name)
        except ValueError as error:
            raise ValueError(f"{place or name}: {error}") from error
        speech = resampled(speech, self.sample_rate)
        voice = {
            name: value
            for name, value in asdict(settings).items()
            if name in self.teacher.settings
        }
        return Utterance(
            name=name,
            split=split,
            text=text,
            samples=speech.samples,
            tokens=speech.tokens,
            token_starts=speech.starts,
            voice={"voice": self.teacher.name, **voice},
            place=place,
        )


def _tell_what_is_there(folder: Path) -> None:
    """Tell how little there is, of speech and of phoneme times."""
    count, unknown, seconds = 0, 0, 0.0
    for manifest in load_manifests(folder).values():
        for entry in manifest.values():
            count += 1
            unknown += entry["token_starts"] is None
            seconds += entry["duration"]
    if unknown:
        logger.warning(
            "The teacher tells no phoneme times of %d of %d utterances: their "
            "alignment is not compared with the truth.",
            unknown,
            count,
        )
    tell_if_little(seconds)


def _check_obeyed(teacher: Teacher, given: dict[str, list]) -> None:
    """Refuse settings that the teacher would ignore."""
    usual = asdict(VoiceSettings())
    for name, values in given.items():
        if name in teacher.settings or {*values} == {usual[name]}:
            continue
        raise ValueError(
            f"{name} must be left as it is, {usual[name]}, for the teacher "
            f"{teacher.name}, which has no {name} to choose; got "
            f"{values if len({*values}) > 1 else values[0]}. Leave it out, or "
            "take teacher: espeak."
        )


def _as_range(name: str, value: Range) -> list[int]:
    bounds = [value, value] if isinstance(value, int) else list(value)
    if len(bounds) != 2 or bounds[0] > bounds[1]:
        raise ValueError(
            f"{name} must be a number or a pair [low, high]; got {value!r}. "
            "Give the lower bound first."
        )
    # checks the bounds
    for bound in bounds:
        VoiceSettings(**{name: bound})
    return bounds


def _check_counts(n_utterances: int, n_valid: int, n_test: int) -> None:
    if min(n_valid, n_test) < 1 or n_utterances <= n_valid + n_test:
        raise ValueError(
            "n_utterances must leave at least one for training beside "
            "n_valid and n_test, which are at least 1; got "
            f"{n_utterances}, {n_valid} and {n_test}. Raise n_utterances."
        )
