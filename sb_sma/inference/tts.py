"""Text to speech with a trained model."""

import contextlib
import copy
import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from sb_sma.attention.decoding import DecodingOptions
from sb_sma.data.espeak.voice import END, PAUSE, PAUSE_SECONDS, check_speakable
from sb_sma.data.speech.mel import MelSettings
from sb_sma.data.speech.speakers import SpeakerTable
from sb_sma.data.tokens import TokenTable
from sb_sma.inference.arguments import (
    MOST_ATTEMPTS,
    as_seed,
    as_strings,
    check_count,
    check_number,
    check_switch,
    check_tensor,
)
from sb_sma.inference.exported_names import SPEAKING
from sb_sma.inference.g2p.frontend import G2PFrontend
from sb_sma.inference.load_exported import ExportedModel
from sb_sma.inference.model_folder import ModelFolderError
from sb_sma.inference.performer import Line, Performer, StreamedLine
from sb_sma.inference.script import Passage, write_script
from sb_sma.inference.spoken import SpokenText, join_spoken, pad_spoken
from sb_sma.inference.styles import Styles
from sb_sma.inference.token_seconds import TokenSeconds
from sb_sma.inference.vocoder import choose_vocoder
from sb_sma.models.tts.pace import check_pace
from sb_sma.models.tts.stop_rule import StopRule
from sb_sma.models.tts.streaming import join_chunks
from sb_sma.models.tts.synthesis import Manner, Narrator, assemble
from sb_sma.safe_yaml import names_of
from sb_sma.vocoders.registry import Vocoder
from sb_sma.vocoders.streaming import WaveformStream

logger = logging.getLogger(__name__)

# passages that are read ahead, to find some of like lengths
_PASSAGES_AHEAD = 24
# of a mel of which the sound is made as a whole, and of a part of a longer one
_WHOLE_FRAMES, _PART_FRAMES = 5000, 1000
_LONGEST_CHUNK = 3600  # seconds


class TTS(ExportedModel):
    """Speaks with the model that a training run exported.

    Arguments
    ---------
    *args, **kwargs
        Those of ``speechbrain.inference.interfaces.Pretrained``; use
        ``TTS.from_hparams(source=DIR)``.
    vocoder : str or Callable, optional
        What makes the sound: a word of the YAML or a factory, as of
        `sb_sma.vocoders.make_vocoder`. Default: that of the training run.
    vocoder_source : str or Path, optional
        For hifigan: folder, or repository on a hub. Default: that of the
        training run, or SpeechBrain's for LJSpeech.

    Attributes
    ----------
    finished : list of bool
        For each text of the last call, whether it ended by itself.
    vocoder : Callable
        A natural-log mel, (M, C), to a waveform, (N,).

    Raises
    ------
    ValueError
        If there is no such vocoder, or it is of other mels.
    """

    NAMES_ALLOWED = {
        **SPEAKING,
        **names_of([("sb_sma.inference", G2PFrontend)]),
    }
    MODULES_NEEDED = ["model"]
    HPARAMS_NEEDED = [
        "tokens",
        "mel_settings",
        "frontend",
        "decoding",
        "stop_rule",
        "griffin_lim_iterations",
    ]
    KINDS_NEEDED = {
        "tokens": TokenTable,
        "mel_settings": MelSettings,
        "decoding": DecodingOptions,
        "stop_rule": StopRule,
        "griffin_lim_iterations": int,
    }

    def __init__(
        self,
        *args,
        vocoder: str | Callable[..., Vocoder] | None = None,
        vocoder_source: str | Path | None = None,
        **kwargs,
    ):
        super().__init__(*args, **kwargs)
        self.finished: list[bool] = []
        # the folder of a model without speakers holds none
        self._speaker_table = getattr(
            self.hparams, "speaker_table", SpeakerTable([])
        )
        self.vocoder = choose_vocoder(
            self.hparams,
            vocoder,
            vocoder_source,
            getattr(self.hparams, "trusted", False) is True,
        )
        if isinstance(self.vocoder, nn.Module):
            self.vocoder.to(self.device)

    @classmethod
    def _check_parts(
        cls, modules: Any, hparams: Mapping[str, Any], trusted: bool
    ) -> None:
        """Refuse parts that are missing, or are something else."""
        super()._check_parts(modules, hparams, trusted)
        check_count("attempts", hparams.get("attempts", 1), most=MOST_ATTEMPTS)
        usual = hparams.get("usual_seconds")
        if not isinstance(usual, TokenSeconds | None):
            raise ValueError(
                f"usual_seconds must be a TokenSeconds; got {usual!r:.80}."
            )

    @classmethod
    def from_hparams(cls, source: str, *args, **kwargs) -> "TTS":
        """Load an exported model.

        Arguments
        ---------
        source : str
            Folder, or repository on a hub; a folder if the model reads by
            frontend: g2p or sentencepiece.
        *args, **kwargs
            Those of ``speechbrain.inference.interfaces.Pretrained``, and
            ``vocoder`` and ``vocoder_source``.

        Returns
        -------
        tts : TTS
            Ready to speak.

        Raises
        ------
        ValueError
            If `source` is a path at which there is no exported model, or the
            vocoder is not there.
        """
        tts = super().from_hparams(source, *args, **kwargs)
        if tts is None:  # only fetched
            return None
        frontend = tts.hparams.frontend
        if isinstance(frontend, type) or not hasattr(frontend, "locate"):
            raise ModelFolderError(
                f"{source}: frontend must turn a text into tokens; got "
                f"{frontend!r:.80}. Copy the folder or export the model again."
            )
        if isinstance(frontend, G2PFrontend):
            frontend.trusted = tts.hparams.trusted
            if frontend.trusted is not True:
                frontend.check_inside()
        tts.hparams.frontend = frontend.locate(source)
        return tts

    def try_out(self) -> None:
        """Take a step on the last symbol, by the last speaker."""
        last = len(self.hparams.tokens) - 1
        tokens = torch.tensor([[last]], device=self.device)
        speaker = self._find_speakers(self.speakers[-1:] or None, 1)
        settings = self.hparams.mel_settings
        narrator = Narrator(
            self.mods.model,
            tokens,
            torch.ones_like(tokens[0]),
            self.hparams.stop_rule,
            settings.seconds_per_frame,
            Manner(self.hparams.decoding, seed=0, speaker=speaker),
        )
        narrator.leave(0)
        n_mels = assemble(narrator).mels.shape[-1]
        if n_mels != settings.n_mels:
            raise ValueError(
                "mel_settings must have the n_mels of the model; got "
                f"{settings.n_mels}, and {n_mels} of the model."
            )

    @property
    def styles(self) -> Styles:
        """What makes styles to speak in; a model without them has none."""
        return Styles(self.mods.model, self.hparams.mel_settings)

    @property
    def attempts(self) -> int:
        """How often a passage that does not become good is spoken, 1 to 100.

        Good is one that ends by itself, is about as long as usual, says every
        word, and stays nowhere; of the attempts, the one with fewest faults is
        given. A stream is spoken once, as is a text of one very long piece, one
        in another style than the mean one, and everything by a model that does
        not know what is usual.
        """
        return getattr(self.hparams, "attempts", 1)

    @attempts.setter
    def attempts(self, attempts: int) -> None:
        """Let passages be spoken so often at most."""
        check_count("attempts", attempts, most=MOST_ATTEMPTS)
        self.hparams.attempts = attempts

    @property
    def usual_seconds(self) -> TokenSeconds | None:
        """How long the model usually lets its tokens last, if it knows, in the
        mean style."""
        return getattr(self.hparams, "usual_seconds", None)

    @property
    def speakers(self) -> list[str]:
        """Names of the speakers; the first speaks if none is asked for."""
        return self._speaker_table.names

    def tokens(self, text: str) -> list[str]:
        """Turn a text into the tokens that the model reads.

        Arguments
        ---------
        text : str
            What is to be said.

        Returns
        -------
        tokens : list of str
            Phonemes, letters or pieces of words, pauses and the end; of a text
            that is taken apart, with pauses for the silences between.

        Raises
        ------
        ValueError
            If nothing in the text can be spoken.
        """
        (text,) = _as_texts(text, only_one=True)
        script = write_script(text)
        performer = self._performer()
        tokens: list[str] = []
        for passage in script:
            read, _ = performer.read_passage(passage)
            if len(script) == 1:
                return read
            pauses = round((passage.silence or 0.0) / PAUSE_SECONDS)
            tokens += [*read[:-1], *[PAUSE] * pauses]
        return [*tokens, END]

    def check_text(
        self, text: str, pace: float = 1.0, split: bool = True
    ) -> None:
        """Refuse what cannot be spoken, before anything is.

        Arguments
        ---------
        text : str
            What is to be said.
        pace : float
            As in `encode_text`.
        split : bool
            As in `encode_text`.

        Raises
        ------
        ValueError
            If a passage has nothing to say, the model does not know one of its
            tokens, or the markup is wrong.
        """
        check_switch("split", split)
        performer = self._performer()
        for passage in write_script(text, pace, split):
            check_pace(passage.pace)
            tokens, _ = performer.read_passage(passage)
            self.hparams.tokens.encode(tokens)

    def read(self, text: str, pace: float = 1.0) -> list[Line]:
        """Take a text apart into what is spoken in one go, and read it.

        Arguments
        ---------
        text : str
            What is to be said.
        pace : float
            As in `encode_text`.

        Returns
        -------
        lines : list of Line
            At least one, for `stream_together`.

        Raises
        ------
        ValueError
            If it cannot be spoken.
        """
        return list(self.read_passages(write_script(text, pace)))

    def read_passages(self, script: Sequence[Passage]) -> Iterator[Line]:
        """Read what is spoken in one go, each passage when its turn comes.

        Arguments
        ---------
        script : sequence of Passage
            Of one text, as `sb_sma.inference.script.write_script` gives it.

        Returns
        -------
        lines : iterator of Line
            One for each passage, for `stream_together`. The first, and those
            with words that are respelled, are read at once.

        Raises
        ------
        ValueError
            If it cannot be spoken; where the front end finds no sound in a
            later passage, when its turn comes.
        """
        performer = self._performer()
        for passage in script:
            check_pace(passage.pace)
            if passage.text:
                check_speakable(passage.text)
        early = {
            place: performer.read_line(passage)
            for place, passage in enumerate(script)
            if not place or passage.respellings
        }
        return (
            early[place] if place in early else performer.read_line(passage)
            for place, passage in enumerate(script)
        )

    def encode_text(
        self,
        texts: str | Sequence[str],
        mode: str | None = None,
        pace: float = 1.0,
        seed: int | None = None,
        progress: bool = False,
        style: torch.Tensor | None = None,
        speaker: str | Sequence[str] | None = None,
        split: bool = True,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Turn texts into mels.

        Arguments
        ---------
        texts : str or sequence of str
            What is to be said.
        mode : str, optional
            ``soft`` carries the expected alignment, ``hard`` stands on one
            token (monotonic attention only). Default: as the model's YAML
            file says.
        pace : float
            Above 1 speaks faster, below 1 slower: everything lasts 1 / pace of
            what it lasts otherwise, at the same pitch. From 0.25 to 4.
        seed : int, optional
            Of the prenet's dropout. Default: another one each time.
        progress : bool
            Whether to show a progress bar.
        style : torch.Tensor, optional
            How the texts are spoken, one of `styles`, (1, S), or one for each
            text, (B, S). Default: the mean style of the training set.
        speaker : str or sequence of str, optional
            Who speaks the texts, one of `speakers`, or one for each text.
            Default: the first of `speakers`.
        split : bool
            Whether a text of more than 600 characters is taken apart at its
            sentences; if not, it is spoken in one piece.

        Returns
        -------
        mels : torch.Tensor
            Natural-log mel, (B, M, C).
        mel_lengths : torch.Tensor
            Frames, int64, (B,).
        alignments : torch.Tensor
            Of the decoder layer that follows the text best, (B, H, M', T),
            M' decoder steps of the time that they last at the pace.

        Raises
        ------
        ValueError
            If there is no text, or one that cannot be spoken, or if the model
            does not know a speaker.
        """
        return pad_spoken(
            self.speak(texts, mode, pace, seed, progress, style, speaker, split)
        )

    def speak(
        self,
        texts: str | Sequence[str],
        mode: str | None = None,
        pace: float = 1.0,
        seed: int | None = None,
        progress: bool = False,
        style: torch.Tensor | None = None,
        speaker: str | Sequence[str] | None = None,
        split: bool = True,
    ) -> list[SpokenText]:
        """Turn texts into mels, each without padding.

        Arguments
        ---------
        texts : str or sequence of str
            What is to be said.
        mode : str, optional
            As in `encode_text`.
        pace : float
            As in `encode_text`.
        seed : int, optional
            As in `encode_text`.
        progress : bool
            As in `encode_text`.
        style : torch.Tensor, optional
            As in `encode_text`.
        speaker : str or sequence of str, optional
            As in `encode_text`.
        split : bool
            As in `encode_text`.

        Returns
        -------
        spoken : list of SpokenText
            One per text.

        Raises
        ------
        ValueError
            If there is no text, or one that cannot be spoken, or if the model
            does not know a speaker.
        """
        check_switch("progress", progress)
        texts = _as_texts(texts)
        manner = self._manner(len(texts), mode, pace, seed, style, speaker)
        check_switch("split", split)
        performer = self._performer()
        lines = [
            performer.read(index, passage)
            for index, text in enumerate(texts)
            for passage in self._write_script(index, text, pace, split)
        ]
        spoken: dict[int, list[SpokenText]] = {}
        times = performer.times_in(manner)
        with tqdm(total=len(texts), unit="text", disable=not progress) as bar:
            told = bar.update if len(lines) == len(texts) else _ignore
            with self.inference_ctx:
                passages = performer.speak(lines, manner, times, told)
            for line, item in zip(lines, passages):
                spoken.setdefault(line.index, []).append(item)
            bar.update(len(texts) - bar.n)
        seconds = self.hparams.mel_settings.seconds_per_frame
        joined = [
            join_spoken(text, spoken[index], seconds)
            for index, text in enumerate(texts)
        ]
        self.finished = [item.finished for item in joined]
        self._warn_about_limits(texts)
        return joined

    def narrate(
        self,
        texts: str | Sequence[str],
        mode: str | None = None,
        pace: float = 1.0,
        seed: int | None = None,
        style: torch.Tensor | None = None,
        speaker: str | Sequence[str] | None = None,
        split: bool = True,
    ) -> Iterator[tuple[int, SpokenText]]:
        """Speak texts of any length passage by passage, in bounded memory.

        Arguments
        ---------
        texts : str or sequence of str
            What is to be said.
        mode : str, optional
            As in `encode_text`.
        pace : float
            As in `encode_text`.
        seed : int, optional
            As in `encode_text`.
        style : torch.Tensor, optional
            As in `encode_text`.
        speaker : str or sequence of str, optional
            As in `encode_text`.
        split : bool
            As in `encode_text`.

        Returns
        -------
        passages : iterator of (int, SpokenText)
            The index of the text, and the next of its passages with the silence
            after it, in their order; together they are what `speak` gives with
            the same seed. `to_sound` makes sound of those of one text.

        Raises
        ------
        ValueError
            If there is no text, one is marked up wrongly, or the model does not
            know a speaker; and where a passage cannot be spoken, when its turn
            comes.
        """
        texts = _as_texts(texts)
        check_switch("split", split)
        manner = self._manner(len(texts), mode, pace, seed, style, speaker)
        scripts = [
            self._write_script(index, text, pace, split)
            for index, text in enumerate(texts)
        ]
        return self._narrate(texts, scripts, manner)

    def _narrate(
        self, texts: list[str], scripts: list[list[Passage]], manner: Manner
    ) -> Iterator[tuple[int, SpokenText]]:
        passages = (
            (index, passage)
            for index, script in enumerate(scripts)
            for passage in script
        )
        performer = self._performer()
        times = performer.times_in(manner)
        finished = [True] * len(texts)
        while some := list(itertools.islice(passages, _PASSAGES_AHEAD)):
            lines = [performer.read(*each) for each in some]
            with self.inference_ctx:
                spoken = performer.speak(lines, manner, times, _ignore)
            for line, item in zip(lines, spoken):
                finished[line.index] &= item.finished
                yield line.index, item
        self.finished = finished
        self._warn_about_limits(texts)

    def stream(
        self,
        text: str,
        mode: str | None = None,
        pace: float = 1.0,
        seed: int | None = None,
        chunk_seconds: float = 0.25,
        style: torch.Tensor | None = None,
        speaker: str | Sequence[str] | None = None,
        split: bool = True,
    ) -> Iterator[torch.Tensor]:
        """Give out the mel of a text while it is being made.

        Arguments
        ---------
        text : str
            What is to be said.
        mode : str, optional
            As in `encode_text`.
        pace : float
            As in `encode_text`.
        seed : int, optional
            As in `encode_text`.
        chunk_seconds : float
            Least duration of a chunk, in seconds; the last one may be
            shorter.
        style : torch.Tensor, optional
            As in `encode_text`.
        speaker : str or sequence of str, optional
            As in `encode_text`.
        split : bool
            As in `encode_text`.

        Returns
        -------
        chunks : iterator of torch.Tensor
            Natural-log mels, each (M', C); put together, they are the mel
            that `speak` gives with the same seed in one attempt.

        Raises
        ------
        ValueError
            If the text cannot be spoken, `chunk_seconds` is not above 0, or
            the model does not know the speaker.
        """
        check_number("chunk_seconds", chunk_seconds, _LONGEST_CHUNK)
        (text,) = _as_texts(text, only_one=True)
        settings = self.hparams.mel_settings
        frames = chunk_seconds / settings.seconds_per_frame
        check_switch("split", split)
        script = self._write_script(0, text, pace, split)
        performer = self._performer()
        first = performer.read(0, script[0])
        self.finished = []
        manner = self._manner(1, mode, pace, seed, style, speaker)
        lines = itertools.chain(
            [first], (performer.read(0, passage) for passage in script[1:])
        )
        return self._give_out(text, lines, manner, max(1, round(frames)))

    def stream_together(
        self,
        lines: Sequence[Line],
        mode: str | None = None,
        seed: int | None = None,
        chunk_seconds: float = 0.25,
        style: torch.Tensor | None = None,
        speaker: str | Sequence[str] | None = None,
        timed: bool = False,
    ) -> list[StreamedLine]:
        """Speak lines of several texts together, each while it is being made.

        Arguments
        ---------
        lines : sequence of Line
            As `read` gives them, all of one pace; silences alone, or none.
        mode : str, optional
            As in `encode_text`.
        seed : int, optional
            As in `encode_text`.
        chunk_seconds : float
            As in `stream`.
        style : torch.Tensor, optional
            As in `encode_text`, of the lines.
        speaker : str or sequence of str, optional
            As in `encode_text`, of the lines.
        timed : bool
            Whether it is kept when their words are said.

        Returns
        -------
        streamed : list of StreamedLine
            One for each line, of what `stream` gives of it with the same seed.
            They may be taken from by several threads.

        Raises
        ------
        ValueError
            If the model does not know a speaker, or the paces differ.

        """
        check_number("chunk_seconds", chunk_seconds, _LONGEST_CHUNK)
        kinds = {(line.passage.pace, bool(line.tokens)) for line in lines}
        if len(kinds) != 1:
            raise ValueError(
                "lines must be of one pace, and silences or none; got "
                f"{len(kinds)} kinds of them. Speak each kind by itself."
            )
        ((pace, _),) = kinds
        manner = self._manner(len(lines), mode, pace, seed, style, speaker)
        numbered = [replace(line, index=i) for i, line in enumerate(lines)]
        frames = chunk_seconds / self.hparams.mel_settings.seconds_per_frame
        with copy.deepcopy(self.inference_ctx):
            streamed = self._performer().stream_together(
                numbered, manner, max(1, round(frames)), timed
            )
        return [
            replace(line, mels=self._within_context(line.mels))
            for line in streamed
        ]

    def stream_waveform(
        self,
        text: str,
        mode: str | None = None,
        pace: float = 1.0,
        seed: int | None = None,
        chunk_seconds: float = 0.25,
        style: torch.Tensor | None = None,
        speaker: str | Sequence[str] | None = None,
        split: bool = True,
    ) -> Iterator[torch.Tensor]:
        """Give out the sound of a text while it is being made.

        Arguments
        ---------
        text : str
            What is to be said.
        mode : str, optional
            As in `encode_text`.
        pace : float
            As in `encode_text`.
        seed : int, optional
            As in `encode_text`.
        chunk_seconds : float
            As in `stream`; by Griffin-Lim, chunks are of 0.37 s or more.
        style : torch.Tensor, optional
            As in `encode_text`.
        speaker : str or sequence of str, optional
            As in `encode_text`.
        split : bool
            As in `encode_text`.

        Returns
        -------
        chunks : iterator of torch.Tensor
            Samples in [-1, 1], each (N',). By hifigan they are, put together,
            what `synthesize` gives with the same seed; by Griffin-Lim they are
            as long, and near it.

        Raises
        ------
        ValueError
            As `stream`.
        """
        mels = self.stream(
            text, mode, pace, seed, chunk_seconds, style, speaker, split
        )
        settings = self.hparams.mel_settings
        least = max(1, round(chunk_seconds / settings.seconds_per_frame))
        return self._sounds(mels, least)

    def synthesize(
        self,
        texts: str | Sequence[str],
        mode: str | None = None,
        pace: float = 1.0,
        seed: int | None = None,
        progress: bool = False,
        style: torch.Tensor | None = None,
        speaker: str | Sequence[str] | None = None,
        split: bool = True,
    ) -> tuple[list[torch.Tensor], int]:
        """Turn texts into waveforms.

        Arguments
        ---------
        texts : str or sequence of str
            What is to be said.
        mode : str, optional
            As in `encode_text`.
        pace : float
            As in `encode_text`.
        seed : int, optional
            As in `encode_text`.
        progress : bool
            As in `encode_text`.
        style : torch.Tensor, optional
            As in `encode_text`.
        speaker : str or sequence of str, optional
            As in `encode_text`.
        split : bool
            As in `encode_text`.

        Returns
        -------
        waveforms : list of torch.Tensor
            One (N,) per text, in [-1, 1].
        sample_rate : int
            In Hz.
        """
        check_switch("progress", progress)
        texts = _as_texts(texts)
        passages = self.narrate(texts, mode, pace, seed, style, speaker, split)
        waveforms = []
        with tqdm(total=len(texts), unit="text", disable=not progress) as bar:
            for _, own in itertools.groupby(passages, key=lambda each: each[0]):
                sound = self.to_sound(item for _, item in own)
                waveforms.append(torch.cat(list(sound)))
                bar.update()
        return waveforms, self.hparams.mel_settings.sample_rate

    def to_sound(
        self, passages: Iterable[SpokenText]
    ) -> Iterator[torch.Tensor]:
        """Make sound of a text while it is being spoken.

        Arguments
        ---------
        passages : iterable of SpokenText
            Of one text, as `narrate` gives them.

        Returns
        -------
        pieces : iterator of torch.Tensor
            Samples in [-1, 1], each (N',); a text of a single passage is one.
        """
        passages = iter(passages)
        ahead = list(itertools.islice(passages, 2))
        if len(ahead) == 1:
            yield self.to_waveform(ahead[0].mel)
            return
        mels = (item.mel for item in itertools.chain(ahead, passages))
        yield from self._sounds(mels, _PART_FRAMES)

    def to_waveform(self, mel: torch.Tensor) -> torch.Tensor:
        """Turn one mel into a waveform; a long one part by part.

        Arguments
        ---------
        mel : torch.Tensor
            Natural-log mel, (M, C).

        Returns
        -------
        waveform : torch.Tensor
            (N,), in [-1, 1].

        Raises
        ------
        ValueError
            If it is no such mel.
        """
        check_tensor("mel", mel, "(M, C)")
        if mel.dim() == 2 and len(mel) > _WHOLE_FRAMES:
            parts = iter(mel.split(_PART_FRAMES))
            return torch.cat(list(self._sounds(parts, _PART_FRAMES)))
        return self.vocoder(mel).clamp(-1.0, 1.0)

    def forward(self, texts: Sequence[str]):
        """Do the same as `encode_text`.

        Arguments
        ---------
        texts : sequence of str
            What is to be said.

        Returns
        -------
        output : tuple
            As of `encode_text`.
        """
        return self.encode_text(texts)

    def _write_script(
        self, index: int, text: str, pace: float, split: bool
    ) -> list[Passage]:
        """Take a text apart; an error says which it was."""
        check_pace(pace)
        try:
            script = write_script(text, pace, split)
            for passage in script:
                check_pace(passage.pace)
            return script
        except ValueError as error:
            raise ValueError(f"text {index + 1}: {error}") from error

    def _performer(self) -> Performer:
        return Performer(self.mods.model, self.hparams, self.device)

    def _give_out(
        self,
        text: str,
        lines: Iterator[Line],
        manner: Manner,
        chunk_frames: int,
    ) -> Iterator[torch.Tensor]:
        """Return the chunks, and tell whether the text has ended by itself."""
        finished: list[bool] = []
        chunks = join_chunks(
            self._performer().stream(lines, manner, chunk_frames, finished),
            chunk_frames,
        )
        yield from self._within_context(chunks)
        self.finished = [all(finished)]
        self._warn_about_limits([text])

    def _within_context(
        self, chunks: Iterator[torch.Tensor]
    ) -> Iterator[torch.Tensor]:
        """Make each within the context, which nobody has between them."""
        while True:
            # a context is of one thread
            with copy.deepcopy(self.inference_ctx):
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield chunk

    def _sounds(
        self, mels: Iterator[torch.Tensor], least_frames: int
    ) -> Iterator[torch.Tensor]:
        """Give the sound of each mel as soon as there is any."""
        hop_length = self.hparams.mel_settings.hop_length
        waveform = WaveformStream(self.vocoder, hop_length, least_frames)
        for mel in mels:
            for part in mel.split(_PART_FRAMES):
                samples = waveform.push(part)
                if len(samples):
                    yield samples.clamp(-1.0, 1.0)
        yield waveform.finish().clamp(-1.0, 1.0)

    def _manner(
        self,
        n_texts: int,
        mode: str | None,
        pace: float,
        seed: int | None,
        style: torch.Tensor | None,
        speaker: str | Sequence[str] | None,
    ) -> Manner:
        """Make one object of what a user says about how texts are spoken."""
        decoding = self.hparams.decoding
        return Manner(
            decoding if mode is None else replace(decoding, mode=mode),
            as_seed(seed),
            self._check_style(style, n_texts),
            self._find_speakers(speaker, n_texts),
            pace,
        )

    def _check_style(
        self, style: torch.Tensor | None, n_texts: int
    ) -> torch.Tensor | None:
        """One style for each text, (B, S), or None for the mean style."""
        if style is None:
            return None
        check_tensor("style", style, f"(1, S) or ({n_texts}, S)")
        if style.dim() != 2 or len(style) not in (1, n_texts):
            raise ValueError(
                f"style must have shape (1, S) or ({n_texts}, S), one for "
                f"each text; got {tuple(style.shape)}."
            )
        return style.to(self.device).expand(n_texts, -1)

    def _find_speakers(
        self, speaker: str | Sequence[str] | None, n_texts: int
    ) -> torch.Tensor | None:
        """Find the index of each text's speaker, (B,); None is the first."""
        if speaker is None:
            return None
        if isinstance(speaker, str):
            names = [speaker] * n_texts
        else:
            names = as_strings("speaker", speaker)
        if len(names) != n_texts:
            raise ValueError(
                f"speaker must be a name or a list of {n_texts}, one for each "
                f"text; got {len(names)}."
            )
        return torch.tensor(self._speaker_table.encode(names))

    def _warn_about_limits(self, texts: list[str]) -> None:
        """Name the texts that were cut off."""
        for index, text in enumerate(texts):
            if not self.finished[index]:
                logger.warning(
                    "text %d was cut off after max_seconds_per_token (%s s) "
                    "for each of its tokens: %.60r",
                    index + 1,
                    self.hparams.stop_rule.max_seconds_per_token,
                    text,
                )


@contextlib.contextmanager
def without_limit_warnings() -> Iterator[None]:
    """Let no `TTS` warn of texts that were cut off, where the caller does.

    Returns
    -------
    context : context manager
        For what speaks.

    Example
    -------
    >>> with without_limit_warnings():
    ...     pass
    """

    def is_other(record: logging.LogRecord) -> bool:
        """Say whether another function logs this."""
        return record.funcName != TTS._warn_about_limits.__name__

    logger.addFilter(is_other)
    try:
        yield
    finally:
        logger.removeFilter(is_other)


def _as_texts(texts: str | Sequence[str], only_one: bool = False) -> list[str]:
    """Return a list of at least one string, or of just one."""
    if isinstance(texts, str):
        return [texts]
    try:
        found = as_strings("texts", texts)
    except ValueError:
        found = []
    if only_one and len(found) != 1:
        raise ValueError(f"text must be a string; got {texts!r:.80}.")
    if not found:
        raise ValueError(
            "texts must be a string or a list of at least one string; got "
            f"{texts!r:.80}."
        )
    return found


def _ignore(count: int) -> None:
    """Show nothing."""
