"""Speaking while it is listened to: a mel piece by piece, as it is made."""

import math
from collections.abc import Iterator

import torch

from sb_sma.attention.masks import padding_mask
from sb_sma.models.tts.synthesis import Narrator
from sb_sma.models.tts.time_scaling import TimeScaler


def stream(narrator: Narrator, chunk_frames: int) -> Iterator[torch.Tensor]:
    """Give out the mel of one item while it is being made.

    The chunks lag behind the decoder by the frames that the postnet looks
    ahead, and at another pace than 1 by one more; together they are what
    `assemble` gives.

    Arguments
    ---------
    narrator : Narrator
        Before its first step, of one item.
    chunk_frames : int
        Least number of frames in a chunk, 1 or more; the last one may be
        shorter.

    Returns
    -------
    chunks : iterator of torch.Tensor
        Natural-log mels, each (M', C).

    Raises
    ------
    ValueError
        If there is more than one item, or `chunk_frames` is below 1.
    """
    if len(narrator.finished) != 1:
        raise ValueError(
            "only one text can be streamed at a time; got "
            f"{len(narrator.finished)}. Make one stream for each."
        )
    if chunk_frames < 1:
        raise ValueError(f"chunk_frames must be 1 or more; got {chunk_frames}.")
    if narrator.pace == 1:
        return _chunks(narrator, chunk_frames)
    return _paced_chunks(narrator, chunk_frames)


def _paced_chunks(
    narrator: Narrator, chunk_frames: int
) -> Iterator[torch.Tensor]:
    """Return the chunks of `stream` at another pace than 1."""
    scaler = TimeScaler(narrator.pace)
    made, n_made = [], 0
    for chunk in _chunks(narrator, math.ceil(chunk_frames * narrator.pace)):
        made.append(scaler.push(chunk))
        n_made += len(made[-1])
        if n_made >= chunk_frames:
            yield torch.cat(made)
            made, n_made = [], 0
    rest = torch.cat((*made, scaler.finish()))
    if len(rest):
        yield rest


@torch.no_grad()
def _chunks(narrator: Narrator, chunk_frames: int) -> Iterator[torch.Tensor]:
    """Return the chunks of `stream` at pace 1."""
    model = narrator.model
    pieces = _smooth_chunks(narrator, chunk_frames)
    if model.refiner is not None:
        pieces = _refined_chunks(narrator, pieces)
    for mel, _ in pieces:
        yield mel * model.mel_std + model.mel_mean


def _refined_chunks(
    narrator: Narrator, pieces: Iterator[tuple[torch.Tensor, torch.Tensor]]
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Make what `_smooth_chunks` gives sharp."""
    refining = narrator.model.refiner.stream()
    for mel, text in pieces:
        noise = narrator.noise.take(len(mel))
        mel = refining.push(mel, text, noise)
        if len(mel):
            yield mel, text
    mel = refining.finish()
    if len(mel):
        yield mel, text


def _smooth_chunks(
    narrator: Narrator, chunk_frames: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Give the postnet's mel, (M', C), and what was attended, (M', D)."""
    model = narrator.model
    reach = model.postnet.reach
    frames = []  # from `start` on, which is `reach` frames before `given`
    texts = []  # from `given` on
    n_made, n_given, start = 0, 0, 0

    def smooth(stop):
        heard = torch.cat(frames)[None]  # (1, n_made - start, C)
        valid = padding_mask(torch.tensor([heard.shape[1]]), heard.shape[1])
        smoothed = heard + model.postnet(heard, valid.to(heard.device))
        text = torch.cat(texts)
        texts[:] = [text[stop - n_given :]]
        chunk = smoothed[0, n_given - start : stop - start]
        return chunk, text[: len(chunk)]

    for step in narrator:
        frames.append(step.frames[0])
        alignments = [rows[:, :, None] for rows in step.alignments]
        texts.append(model.text_by_frame(alignments, narrator.memory)[0])
        n_made += len(frames[-1])
        if n_made - reach - n_given < chunk_frames:
            continue
        yield smooth(n_made - reach)
        n_given = n_made - reach
        kept = torch.cat(frames)[max(n_given - reach - start, 0) :]
        frames, start = [kept], n_made - len(kept)
    if n_made > n_given:
        yield smooth(n_made)
