"""How far a result is from the target, whatever its rate: the mel distance
after a dynamic time warping in which bent time costs.

Axes: ``M`` mel frames, ``C`` mel channels. Mels are natural-log amplitudes.
"""

import torch

from sb_sma.metrics.warping import cost_of_best_path

BENDING_COST = 1.25
"""Standard deviations that one frame of bent time costs: enough for the mean
frame of each phoneme, at a constant rate, to be further than 0.45 from a
sentence, as `BadCaseRules` wants it."""


def warped_mel_distance(
    mel: torch.Tensor,
    reference: torch.Tensor,
    mean: torch.Tensor,
    std: torch.Tensor,
) -> float:
    """Return the mean difference under the best time warping of two mels.

    The cost of two frames is the mean over the channels of their absolute
    difference in standard deviations. Every frame that the warping repeats or
    merges adds `BENDING_COST`, except those that the difference in length
    needs: a walk at a constant rate that says the mean frame of each phoneme
    would pass for speech otherwise. The sum is divided by the frames of the
    longer mel: 0 is the same sound at any steady rate, 0.8 what the mean
    frame scores.

    Arguments
    ---------
    mel : torch.Tensor
        Mel of the result, ``(M, C)``.
    reference : torch.Tensor
        Mel of the target, ``(M', C)``.
    mean : torch.Tensor
        Mean of each channel over the training data, ``(C,)``.
    std : torch.Tensor
        Standard deviation of each channel over the training data, ``(C,)``.

    Returns
    -------
    float
        Mean cost per frame, in standard deviations.

    Raises
    ------
    ValueError
        If a shape does not fit, a mel has no frame, a value is not finite or
        a standard deviation is not positive.

    Example
    -------
    >>> mel = torch.rand(30, 80)
    >>> slower = mel.repeat_interleave(2, dim=0)
    >>> warped_mel_distance(slower, mel, torch.zeros(80), torch.ones(80))
    0.0
    """
    mel, reference, mean, std = (
        torch.as_tensor(values).detach().cpu().double()
        for values in (mel, reference, mean, std)
    )
    _check(mel, reference, mean, std)
    cost = torch.cdist(
        ((mel - mean) / std)[None], ((reference - mean) / std)[None], p=1.0
    )[0] / len(mean)
    needed = BENDING_COST * abs(len(mel) - len(reference))
    total = cost_of_best_path(cost.numpy(), BENDING_COST) - needed
    return total / max(len(mel), len(reference))


def _check(
    mel: torch.Tensor,
    reference: torch.Tensor,
    mean: torch.Tensor,
    std: torch.Tensor,
) -> None:
    if mean.ndim != 1 or std.shape != mean.shape:
        raise ValueError(
            "mean and std must both have shape (C,); got "
            f"{tuple(mean.shape)} and {tuple(std.shape)}. Pass the training "
            "data's mel statistics."
        )
    for name, values in (("mel", mel), ("reference", reference)):
        if values.ndim != 2 or values.shape[1] != len(mean) or not len(values):
            raise ValueError(
                f"{name} must have shape (M, {len(mean)}), at least one "
                f"frame; got {tuple(values.shape)}. Pass one utterance, "
                "frames first."
            )
    for name, values in (
        ("mel", mel),
        ("reference", reference),
        ("mean", mean),
        ("std", std),
    ):
        if not bool(values.isfinite().all()):
            raise ValueError(
                f"{name} must be finite; got NaN or infinity. Has the model "
                "diverged?"
            )
    if not bool((std > 0).all()):
        raise ValueError(
            f"std must be positive; got {float(std.min()):g}. Leave constant "
            "channels out, or give them a floor."
        )
