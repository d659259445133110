"""SpeechBrain's Transformer with a choice of encoder-decoder attention.

SpeechBrain's own has this option with the branch ``sma-attention``.
"""

from collections.abc import Callable
from functools import partial

from speechbrain.lobes.models.transformer import Transformer
from torch import nn

from sb_sma.attention.registry import set_cross_attention
from sb_sma.ops import stepwise_monotonic_expectation
from sb_sma.stepwise_monotonic import StepwiseMonotonicAttention


class TransformerInterface(Transformer.TransformerInterface):
    """SpeechBrain's, whose decoder attends to the memory as one chooses.

    Arguments
    ---------
    *args : tuple
        As SpeechBrain's.
    cross_attention_type : str or Callable, optional
        ``SMA``, or what is called with the keywords ``d_model``, ``nhead`` and
        ``dropout``. Default: SpeechBrain's attention.
    **kwargs : dict
        As SpeechBrain's.

    Raises
    ------
    ValueError
        If `cross_attention_type` is another word.

    Example
    -------
    >>> import torch
    >>> model = TransformerInterface(8, 2, 1, 1, 16, cross_attention_type="SMA")
    >>> memory, target = torch.rand(3, 7, 8), torch.rand(3, 5, 8)
    >>> model.decoder(target, memory)[2][0].shape
    torch.Size([3, 2, 5, 7])
    """

    def __init__(
        self,
        *args,
        cross_attention_type: str | Callable[..., nn.Module] | None = None,
        **kwargs,
    ):
        super().__init__(*args, **kwargs)
        if cross_attention_type == "SMA":
            cross_attention_type = partial(
                StepwiseMonotonicAttention,
                recurrence=stepwise_monotonic_expectation,
            )
        if callable(cross_attention_type):
            set_cross_attention(self.decoder, cross_attention_type)
        elif cross_attention_type is not None:
            raise ValueError(
                "cross_attention_type must be 'SMA', a callable or None; got "
                f"{cross_attention_type!r}."
            )
