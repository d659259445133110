"""Shares of a speech, or of its attention, that tell of an alignment as a whole.

Axes: ``Q`` queries (decoder steps), ``K`` keys (text tokens).

* Unaligned share: Shen et al., *Non-Attentive Tacotron*, 2020
  (https://arxiv.org/abs/2010.04301); there, a recogniser finds what is not
  aligned, here the attention tells.
* Diagonal ratio: Chen et al., *MultiSpeech*, 2020
  (https://arxiv.org/abs/2006.04664).
"""

import torch

_LONGEST_STAY = 1.0  # seconds
_BAND = 0.1  # of the text, to both sides of the diagonal
_NARROWEST_BAND = 2  # tokens
_NEAR = 2  # tokens
_LEAST_NEAR = 0.6  # of the attention


def unaligned_share(path: torch.Tensor, seconds: float) -> float:
    """Tell how much of the speech belongs to nothing in the text.

    Arguments
    ---------
    path : torch.Tensor
        Token read at each decoder step, ``(Q,)`` integer.
    seconds : float
        Duration of the speech.

    Returns
    -------
    share : float
        Of the steps, in [0, 1]: those of stays on one token that last for more
        than a second.

    Example
    -------
    >>> unaligned_share(torch.tensor([0, 1, 1, 1]), seconds=2.0)
    0.75
    """
    _, stays = torch.unique_consecutive(path, return_counts=True)
    long_ones = stays * (seconds / len(path)) > _LONGEST_STAY
    return float(stays[long_ones].sum()) / len(path)


def diagonal_ratio(alignment: torch.Tensor) -> float:
    """Tell how much of the attention lies near the diagonal.

    Arguments
    ---------
    alignment : torch.Tensor
        One head of one item without padding, ``(Q, K)``.

    Returns
    -------
    ratio : float
        Share of the attention, in [0, 1], that is at most a tenth of the text,
        or two tokens, away from where a steady reader would be.

    Example
    -------
    >>> diagonal_ratio(torch.eye(30)), diagonal_ratio(torch.eye(2).flip(0))
    (1.0, 1.0)
    >>> diagonal_ratio(torch.eye(20).roll(10, dims=0))
    0.0
    """
    n_queries, n_keys = alignment.shape
    weights = alignment.detach().double()
    middles = (torch.arange(n_queries, device=weights.device) + 0.5) / n_queries
    distance = torch.arange(n_keys, device=weights.device) + 0.5
    distance = (distance - middles[:, None] * n_keys).abs()
    near = distance <= max(_NARROWEST_BAND, _BAND * n_keys)
    return float((weights * near).sum() / weights.sum())


def scattered_share(alignment: torch.Tensor) -> float:
    """Tell how much of the speech is read at several places at once.

    The decoder then hears a mixture, and says one.

    Arguments
    ---------
    alignment : torch.Tensor
        One head of one item without padding, ``(Q, K)``.

    Returns
    -------
    share : float
        Of the steps, in [0, 1]: those with less than 0.6 of the attention
        within two tokens of the most attended one.

    Example
    -------
    >>> two_places = (torch.eye(8) + torch.eye(8).roll(4, dims=1)) / 2
    >>> scattered_share(torch.eye(8)), scattered_share(two_places)
    (0.0, 1.0)
    """
    weights = alignment.detach().double()
    keys = torch.arange(weights.shape[1], device=weights.device)
    distance = (keys - weights.argmax(-1, keepdim=True)).abs()
    near = (weights * (distance <= _NEAR)).sum(-1) / weights.sum(-1)
    return float((near < _LEAST_NEAR).double().mean())
