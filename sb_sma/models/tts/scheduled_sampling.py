"""Scheduled sampling: a decoder that hears its own frames in training.

Reference
---------
Bengio et al.: "Scheduled Sampling for Sequence Prediction with Recurrent Neural
Networks", NeurIPS 2015; in parallel as Mihaylova, Martins: "Scheduled Sampling
for Transformers", ACL SRW 2019.
"""

import torch

from sb_sma.models.tts.mel_decoder import MelDecoder


@torch.no_grad()
def mix_own_frames(
    decoder: MelDecoder,
    memory: torch.Tensor,
    token_lengths: torch.Tensor,
    targets: torch.Tensor,
    share: float,
) -> torch.Tensor:
    """Replace the frames of some decoder steps by predictions.

    Arguments
    ---------
    decoder : MelDecoder
        Predicts all frames at once, from the true ones.
    memory : torch.Tensor
        (B, T, D).
    token_lengths : torch.Tensor
        Counts, int64, (B,).
    targets : torch.Tensor
        Standardised true frames, whole decoder steps, (B, M, C).
    share : float
        Of the decoder steps, in [0, 1].

    Returns
    -------
    heard : torch.Tensor
        What the decoder is to hear, (B, M, C).

    Example
    -------
    >>> from sb_sma.attention import StepwiseMonotonicMHA
    >>> decoder = MelDecoder(8, 2, 1, 16, StepwiseMonotonicMHA, n_mels=3)
    >>> memory, targets = torch.rand(1, 5, 8), torch.rand(1, 8, 3)
    >>> heard = mix_own_frames(decoder, memory, torch.tensor([5]), targets, 0.0)
    >>> bool((heard == targets).all())
    True
    """
    own, _, _ = decoder(memory, token_lengths, targets)
    # autocast must not reuse the casts of this pass, which have no graph
    torch.clear_autocast_cache()
    factor = decoder.reduction_factor
    n_steps = targets.shape[1] // factor
    drawn = torch.rand(len(targets), n_steps, 1, device=targets.device)
    is_own = (drawn < share).repeat_interleave(factor, dim=1)
    return torch.where(is_own, own.to(targets.dtype), targets)
