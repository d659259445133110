"""Stepwise monotonic attention from text to a reference's audio.

Text queries read mel frames, and get the audio fused to the length of the
text, whatever its own length: what a style or prosody encoder wants of a
reference recording. The walk still runs over time. At each mel frame it stays
on a token or moves to the next, so that every frame is owned by one token, and
a token's context is the mean of the frames that it owns.

Reference
---------
He, Deng, He: "Robust Sequence-to-Sequence Acoustic Modeling with Stepwise
Monotonic Attention for Neural TTS", Interspeech 2019. Liang et al.:
"Enhancing Monotonicity for Robust Autoregressive Transformer TTS",
Interspeech 2020. Ren et al.: "FastSpeech: Fast, Robust and Controllable Text
to Speech", NeurIPS 2019 (the focus rate).
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import nn

from sb_sma.attention.aligner.public_form import PublicForm
from sb_sma.attention.aligner.stepwise import StepwiseForm, least_focus_rate
from sb_sma.attention.staying import stay_logit
from sb_sma.ops.checks import check_axes, check_lengths

DEFAULT_FRAMES_PER_TOKEN = 8.0


class ReferenceOutput(NamedTuple):
    """What the attention gives.

    Attributes
    ----------
    context : torch.Tensor
        The audio of each token, (B, T, D); zero on padding.
    alignment : torch.Tensor
        How much of each frame each token owns, as each head read it,
        (B, H, T, M). The column of a valid frame sums to 1; zero on padding.
        In the public form, the chosen head's softmax over frames, (B, T, M).
    focus_rate : torch.Tensor
        Of every head's own alignment, in [0, 1], (B, H). In the public form,
        its own rate of the chosen heads, averaged over the items, ().
    """

    context: torch.Tensor
    alignment: torch.Tensor
    focus_rate: torch.Tensor


class StepwiseMonotonicReferenceAttention(nn.Module):
    """Multi-head attention that fuses audio to the length of a text.

    With the energies ``e[m, t] = q[t] . k[m] / sqrt(d_k)`` of each head, the
    token that owns frame ``m`` is found by a walk along the frames:

    ``p_stay[m, t] = sigmoid(e[m, t] + stay_bias + noise)``,
    ``alpha[m, t] = alpha[m-1, t] p_stay[m, t]
    + alpha[m-1, t-1] (1 - p_stay[m, t-1])``

    from all mass on token 0; the last valid token absorbs. ``p_stay`` sees one
    frame and one token, so that later frames change nothing before them. The
    context of a token is ``sum_m alpha[m, t] v[m] / sum_m alpha[m, t]``.

    Where the walk is off (`set_monotonic`), ``alpha[m]`` is the softmax of
    ``e[m]`` over the tokens. A frame is then shared out among the tokens as
    well, and contexts are the same means over owned frames, so that nothing
    changes in scale when the walk is switched on.

    The first seven arguments are those of the public class, in its order.

    Arguments
    ---------
    d_model : int
        Width of the text, the mel and the output, D.
    d_k : int
        Width of a head's queries and keys.
    d_v : int
        Width of a head's values.
    n_head : int
        Number of heads, H.
    noise_std : float
        Standard deviation of the Gaussian noise on the energies in training,
        which makes probabilities of staying go to 0 or 1.
    dropout : float
        Dropout in training on the weights that make the context; in the
        public form, after the output projection.
    is_tunable : bool
        The public class's word for whether the walk is on from the start.
    heads : str or float
        Which heads' alignments are used. ``all``: each head reads its values
        by its own. ``focused``: all read by that of the head with the highest
        focus rate, which each item chooses anew. A number in [0, 1]: heads
        whose focus rate is at least that read by their own, the others by
        that of the most focused one.
    frames_per_token : float
        Mean number of mel frames on a token, which sets the bias that the
        energy of staying starts from.
    legacy : bool
        Compute the public form instead, for models trained with it: see
        :mod:`sb_sma.attention.aligner.public_form`. It has its own choice of
        heads and no bias.

    Attributes
    ----------
    monotonic : bool
        Whether the walk is on; in the checkpoint.
    noise_std : float
        May be changed at any time.
    form : nn.Module
        What computes: the projections, and in this form the bias.

    Raises
    ------
    ValueError
        If a number or word is out of range, or `legacy` meets an option that
        the public form lacks.

    Example
    -------
    >>> attention = StepwiseMonotonicReferenceAttention(
    ...     d_model=8, d_k=4, d_v=4, n_head=2
    ... )
    >>> out = attention(
    ...     text=torch.rand(3, 4, 8),
    ...     mel=torch.rand(3, 9, 8),
    ...     text_lengths=torch.tensor([4, 3, 2]),
    ...     mel_lengths=torch.tensor([9, 7, 5]),
    ... )
    >>> out.context.shape, out.alignment.shape, out.focus_rate.shape
    (torch.Size([3, 4, 8]), torch.Size([3, 2, 4, 9]), torch.Size([3, 2]))
    >>> owned = out.alignment.sum(dim=2)  # of each frame
    >>> bool(torch.allclose(owned[1, :, :7], torch.ones(2, 7)))
    True
    """

    def __init__(
        self,
        d_model: int,
        d_k: int,
        d_v: int,
        n_head: int,
        noise_std: float = 0.0,
        dropout: float = 0.0,
        is_tunable: bool = True,
        *,
        heads: str | float = "all",
        frames_per_token: float = DEFAULT_FRAMES_PER_TOKEN,
        legacy: bool = False,
    ):
        super().__init__()
        sizes = {"d_model": d_model, "d_k": d_k, "d_v": d_v, "n_head": n_head}
        for name, size in sizes.items():
            if size < 1:
                raise ValueError(f"{name} must be 1 or more; got {size}.")
        if noise_std < 0:
            raise ValueError(f"noise_std must be 0 or more; got {noise_std}.")
        if not legacy:
            self.form = StepwiseForm(
                **sizes, dropout=dropout, least_rate=least_focus_rate(heads)
            )
            self.set_frames_per_token(frames_per_token)
        elif (heads, frames_per_token) == ("all", DEFAULT_FRAMES_PER_TOKEN):
            self.form = PublicForm(**sizes, dropout=dropout)
        else:
            raise ValueError(
                "legacy=True has its own choice of heads and no bias; got "
                f"heads={heads!r}, frames_per_token={frames_per_token}. Leave "
                "both out."
            )
        self.noise_std = noise_std
        self.register_buffer("is_monotonic", torch.tensor(bool(is_tunable)))

    @property
    def monotonic(self) -> bool:
        """Whether the walk is on."""
        return bool(self.is_monotonic)

    @monotonic.setter
    def monotonic(self, monotonic: bool):
        """Switch the walk on or off."""
        self.is_monotonic.fill_(monotonic)

    def set_monotonic(self, monotonic: bool) -> None:
        """Switch the walk on or off, which the checkpoint remembers.

        Arguments
        ---------
        monotonic : bool
            Whether frames are owned by a walk or by a softmax over the text.

        Example
        -------
        >>> attention = StepwiseMonotonicReferenceAttention(8, 4, 4, n_head=2)
        >>> attention.set_monotonic(False)
        >>> attention.monotonic
        False
        """
        self.monotonic = monotonic

    def set_frames_per_token(self, frames_per_token: float) -> None:
        """Start the bias of staying anew from the mean length of a token.

        Arguments
        ---------
        frames_per_token : float
            Mel frames per token of the training data.

        Raises
        ------
        ValueError
            If it is not above 0, or this is the public form, which has no
            bias.

        Example
        -------
        >>> attention = StepwiseMonotonicReferenceAttention(8, 4, 4, n_head=2)
        >>> attention.set_frames_per_token(4.0)
        >>> attention.form.stay_bias.sigmoid().mean().isclose(
        ...     torch.tensor(0.75)
        ... )
        tensor(True)
        """
        if not isinstance(self.form, StepwiseForm):
            raise ValueError(
                "set_frames_per_token needs a bias, which the public form "
                "does not have. Construct the module without legacy=True."
            )
        if not frames_per_token > 0:
            raise ValueError(
                f"frames_per_token must be above 0; got {frames_per_token}."
            )
        with torch.no_grad():
            self.form.stay_bias.fill_(stay_logit(frames_per_token))

    def forward(
        self,
        text: torch.Tensor,
        mel: torch.Tensor,
        text_lengths: torch.Tensor,
        mel_lengths: torch.Tensor,
    ) -> ReferenceOutput:
        """Fuse the audio to the length of the text.

        Arguments
        ---------
        text : torch.Tensor
            Queries, (B, T, D).
        mel : torch.Tensor
            Keys and values, (B, M, D).
        text_lengths : torch.Tensor
            Valid tokens, int64, (B,).
        mel_lengths : torch.Tensor
            Valid frames, int64, (B,).

        Returns
        -------
        output : ReferenceOutput
            Context (B, T, D), alignment (B, H, T, M) and focus rate (B, H).

        Raises
        ------
        ValueError
            If lengths are no counts, or an item has fewer frames than tokens
            while the walk is on: it could not reach the end. (On a device
            other than the CPU, this look waits for it.) The public form does
            not look.
        """
        check_axes(text=(text, "B, T, D"), mel=(mel, "B, M, D"))
        check_lengths("text_lengths", text_lengths, text)
        check_lengths("mel_lengths", mel_lengths, mel)
        return ReferenceOutput(
            *self.form(
                text,
                mel,
                text_lengths,
                mel_lengths,
                monotonic=self.monotonic,
                noise_std=self.noise_std if self.training else 0.0,
            )
        )

    def load_public_state_dict(
        self, state_dict: Mapping[str, torch.Tensor]
    ) -> None:
        """Load the weights of the public module, with ``legacy=True``.

        Whether the walk is on is not among them: that is `is_tunable`, or
        `set_monotonic`.

        Arguments
        ---------
        state_dict : Mapping[str, torch.Tensor]
            What the public module's ``state_dict()`` gives.

        Raises
        ------
        ValueError
            If a key is missing, unexpected or of another shape, or this is
            not the public form.
        """
        if not isinstance(self.form, PublicForm):
            raise ValueError(
                "load_public_state_dict needs the public form, which has "
                "other layers. Construct the module with legacy=True."
            )
        self.form.load_public_state_dict(state_dict)
