"""Speaking while it is listened to: a mel piece by piece, as it is made."""

from collections.abc import Iterator

import torch

from sb_sma.attention.masks import padding_mask
from sb_sma.models.tts.batch_streaming import StreamedItem
from sb_sma.models.tts.synthesis import Narrator
from sb_sma.models.tts.time_scaling import TimeScaler


def stream(
    narrator: Narrator | StreamedItem, chunk_frames: int
) -> Iterator[torch.Tensor]:
    """Give out the mel of one item while it is being made.

    The chunks lag behind the decoder by the frames that the postnet looks
    ahead, and at another pace than 1 by one more; together they are what
    `assemble` gives.

    Arguments
    ---------
    narrator : Narrator or StreamedItem
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
    return join_chunks(_mels(narrator, chunk_frames), chunk_frames)


def _mels(
    narrator: Narrator | StreamedItem, chunk_frames: int
) -> Iterator[torch.Tensor]:
    """Give the mel at the narrator's pace, in pieces of about that length."""
    model = narrator.model
    pieces = _smooth_pieces(
        narrator, max(1, round(chunk_frames * narrator.pace))
    )
    if model.refiner is None:
        mels = (mel for mel, _ in pieces)
    else:
        mels = _refined(narrator, pieces)
    mels = (mel * model.mel_std + model.mel_mean for mel in mels)
    return mels if narrator.pace == 1 else _paced(narrator.pace, mels)


def join_chunks(
    pieces: Iterator[torch.Tensor], n_frames: int
) -> Iterator[torch.Tensor]:
    """Join pieces of a mel into chunks of a length.

    Arguments
    ---------
    pieces : iterator of torch.Tensor
        Each (M', C); some may be empty.
    n_frames : int
        Least number of frames in a chunk; the last one may be shorter.

    Returns
    -------
    chunks : iterator of torch.Tensor
        Together the same, none empty.

    Example
    -------
    >>> pieces = torch.zeros(7, 80).split([2, 1, 0, 4])
    >>> [len(chunk) for chunk in join_chunks(iter(pieces), 3)]
    [3, 4]
    """
    waiting, n_waiting = [], 0
    for piece in pieces:
        waiting.append(piece)
        n_waiting += len(piece)
        if n_waiting >= n_frames:
            yield torch.cat(waiting)
            waiting, n_waiting = [], 0
    if n_waiting:
        yield torch.cat(waiting)


def _paced(pace: float, mels: Iterator[torch.Tensor]) -> Iterator[torch.Tensor]:
    """Stretch or shorten pieces in time."""
    scaler = TimeScaler(pace)
    for mel in mels:
        yield scaler.push(mel)
    yield scaler.finish()


def _refined(
    narrator: Narrator | StreamedItem,
    pieces: Iterator[tuple[torch.Tensor, torch.Tensor]],
) -> Iterator[torch.Tensor]:
    """Make what `_smooth_pieces` gives sharp."""
    refining = narrator.model.refiner.stream()
    for mel, text in pieces:
        with torch.no_grad():
            mel = refining.push(mel, text, narrator.noise.take(len(mel)))
        yield mel
    with torch.no_grad():
        mel = refining.finish()
    yield mel


@torch.no_grad()
def _smooth_pieces(
    narrator: Narrator | StreamedItem, least_frames: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor | None]]:
    """Give the postnet's mel, (M', C), and what a refiner wants, (M', D)."""
    model = narrator.model
    reach = model.postnet.reach
    frames = []  # from `start` on, which is `reach` frames before `given`
    texts = []  # from `given` on, for a refiner alone
    n_made, n_given, start = 0, 0, 0

    def smooth(stop):
        """Apply the postnet to the frames before a place."""
        heard = torch.cat(frames)[None]  # (1, n_made - start, C)
        valid = padding_mask(torch.tensor([heard.shape[1]]), heard.shape[1])
        smoothed = heard + model.postnet(heard, valid.to(heard.device))
        text = None
        if texts:
            text, rest = torch.cat(texts).tensor_split([stop - n_given])
            texts[:] = [rest]
        return smoothed[0, n_given - start : stop - start], text

    for step in narrator:
        frames.append(step.frames[0])
        if model.refiner is not None:
            alignments = [rows[:, :, None] for rows in step.alignments]
            texts.append(model.text_by_frame(alignments, narrator.memory)[0])
        n_made += len(frames[-1])
        if n_made - reach - n_given < least_frames:
            continue
        yield smooth(n_made - reach)
        n_given = n_made - reach
        kept = torch.cat(frames)[max(n_given - reach - start, 0) :]
        frames, start = [kept], n_made - len(kept)
    if n_made > n_given:
        yield smooth(n_made)
