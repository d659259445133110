"""Scheduled sampling: a decoder that hears its own frames in training.

Either all at once, from the true ones (`mix_own_frames`), which costs one more
pass; or one after the other, as when it speaks (`roll_out`), so that its errors
add up as they do there.

Reference
---------
Bengio et al.: "Scheduled Sampling for Sequence Prediction with Recurrent Neural
Networks", NeurIPS 2015; in parallel as Mihaylova, Martins: "Scheduled Sampling
for Transformers", ACL SRW 2019.
"""

import torch

from sb_sma.attention.decoding import DecodingOptions
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


@torch.no_grad()
def roll_out(
    decoder: MelDecoder,
    memory: torch.Tensor,
    token_lengths: torch.Tensor,
    targets: torch.Tensor,
    shares: torch.Tensor,
) -> torch.Tensor:
    """Let the decoder speak in the time of the true frames.

    Stepwise monotonic heads go along the path that they take when all frames
    are true; other attention finds its own. Where a step's frames are not the
    decoder's, it goes on from the true ones. In float32.

    Arguments
    ---------
    decoder : MelDecoder
        Makes the frames, one step after the other.
    memory : torch.Tensor
        (B, T, D).
    token_lengths : torch.Tensor
        Counts, int64, (B,).
    targets : torch.Tensor
        Standardised true frames, whole decoder steps, (B, M, C).
    shares : torch.Tensor
        Of each item's decoder steps, in [0, 1], (B,).

    Returns
    -------
    heard : torch.Tensor
        What the decoder is to hear, (B, M, C).

    Example
    -------
    >>> from sb_sma.attention import StepwiseMonotonicMHA
    >>> decoder = MelDecoder(8, 2, 1, 16, StepwiseMonotonicMHA, n_mels=3)
    >>> memory, targets = torch.rand(1, 5, 8), torch.rand(1, 8, 3)
    >>> heard = roll_out(
    ...     decoder, memory, torch.tensor([5]), targets, torch.tensor([1.0])
    ... )
    >>> bool((heard == targets).any())
    False
    """
    _, _, alignments = decoder(memory, token_lengths, targets)
    # autocast must not reuse the casts of this pass, which have no graph
    torch.clear_autocast_cache()
    steps = targets.unflatten(1, (-1, decoder.reduction_factor))
    n_steps = steps.shape[1]
    drawn = torch.rand(len(targets), n_steps, device=targets.device)
    is_own = (drawn < shares[:, None])[:, :, None, None]
    generator = torch.Generator()
    generator.manual_seed(int(torch.randint(2**62, ())))
    heard, frame = [], torch.zeros_like(targets[:, 0])
    with torch.autocast(targets.device.type, enabled=False):
        state = decoder.start(
            memory.float(), token_lengths, DecodingOptions(), generator, n_steps
        )
        for layer, alignment in zip(state.layers, alignments):
            if hasattr(layer.cross, "follow"):
                layer.cross.follow(alignment.float())
        for index in range(n_steps):
            own = decoder.step(frame, state).frames
            heard.append(torch.where(is_own[:, index], own, steps[:, index]))
            frame = heard[-1][:, -1]
    return torch.cat(heard, dim=1)
