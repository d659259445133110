"""Whether styles do anything, and what they are on average."""

import logging
from collections.abc import Iterable

import torch

from sb_sma.losses import masked_l1
from sb_sma.models.tts.transformer_tts import TransformerTTS

logger = logging.getLogger(__name__)

LEAST_EFFECT = 0.01


class StyleEffect:
    """How much worse mels are predicted in the style of other utterances.

    A model may predict every mel as well without its style tokens; then they
    do nothing when they are chosen by hand, either.

    Example
    -------
    >>> StyleEffect().summarize()
    {}
    """

    def __init__(self):
        self.own, self.other = 0.0, 0.0

    @torch.no_grad()
    def append(
        self,
        model: TransformerTTS,
        tokens: torch.Tensor,
        token_lengths: torch.Tensor,
        mels: torch.Tensor,
        mel_lengths: torch.Tensor,
        speaker: torch.Tensor | None = None,
    ) -> None:
        """Exchange the styles of a batch, and compare.

        Arguments
        ---------
        model : TransformerTTS
            In evaluation mode. One without styles is passed over, and so is a
            batch of one item.
        tokens : torch.Tensor
            Token indices, padded with 0, (B, T).
        token_lengths : torch.Tensor
            Counts, int64, (B,).
        mels : torch.Tensor
            Natural-log mel, (B, M, C).
        mel_lengths : torch.Tensor
            Frames, int64, (B,).
        speaker : torch.Tensor, optional
            As the model takes it.
        """
        if model.style is None or len(tokens) == 1:
            return
        style = model.read_style(mels, mel_lengths)
        n_frames = int(mel_lengths.sum())
        devices = [mels.device] if mels.is_cuda else []
        for name, spoken in (
            ("own", style),
            ("other", style.roll(len(style) // 2, 0)),
        ):
            # the prenet's dropout must be the same in both
            with torch.random.fork_rng(devices):
                torch.manual_seed(0)
                output = model(
                    tokens,
                    token_lengths,
                    mels,
                    mel_lengths,
                    style=spoken,
                    speaker=speaker,
                )
            loss = masked_l1(output.mels_after, output.targets, mel_lengths)
            setattr(self, name, getattr(self, name) + float(loss) * n_frames)

    def summarize(self) -> dict[str, float]:
        """Give the figure, and warn if styles do nothing.

        Returns
        -------
        stats : dict of str to float
            ``style_effect``: 0.1 if the mel loss is a tenth larger in the
            style of others; empty without styles.
        """
        if not self.own:
            return {}
        effect = self.other / self.own - 1.0
        if not effect >= LEAST_EFFECT:
            logger.warning(
                "The style tokens do nothing of use so far: in the style of "
                "other utterances, the mel loss is only %.2g %% larger than in "
                "their own. If that stays, give data of more varied style, or "
                "train longer.",
                100.0 * effect,
            )
        return {"style_effect": effect}


@torch.no_grad()
def set_mean_style(model: TransformerTTS, mels: Iterable[torch.Tensor]) -> None:
    """Let a model speak in the mean style of a data set by default.

    Arguments
    ---------
    model : TransformerTTS
        Changed in place; one without styles is left as it is.
    mels : iterable of torch.Tensor
        Natural-log mels of the training set, each (M, C).

    Raises
    ------
    ValueError
        If there is none, and the model has styles.
    """
    if model.style is None:
        return
    device = model.mel_mean.device
    styles = []
    for mel in mels:
        length = torch.tensor([len(mel)], device=device)
        style = model.read_style(mel[None].to(device), length)[0]
        if style.isfinite().all():
            styles.append(style)
        else:
            logger.warning("A mel without a finite style is left out.")
    if not styles:
        raise ValueError(
            "mels must hold at least one; got none, or none that is finite."
        )
    model.style.tokens.set_mean_style(torch.stack(styles).mean(dim=0))
