"""How much of each frame each state owns, summed over all walks.

The forward-sum: unlike the expectation of stepwise monotonic attention, which
knows what comes before a frame alone, a walk is weighed by the whole recording,
so that a step that looked right at first is taken back where what follows does
not fit.
"""

from collections.abc import Sequence

import numpy as np
import torch

from sb_sma.alignment.acoustic_model import AcousticModel
from sb_sma.alignment.lattice import Lattice

# as far as float32 can tell, a walk that nobody takes
_NEVER = -1e30


def occupancies(
    model: AcousticModel,
    lattices: Sequence[Lattice],
    features: Sequence[torch.Tensor],
    sharpness: float = 1.0,
) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Share out the frames of several recordings.

    Arguments
    ---------
    model : AcousticModel
        How states sound.
    lattices : sequence of Lattice
        Of the texts.
    features : sequence of torch.Tensor
        Of the recordings, (M, D) each.
    sharpness : float
        From 0 to 1: less than 1 lets walks differ less in weight, for a model
        that knows little yet.

    Returns
    -------
    occupancies : list of torch.Tensor
        (M, N) each; every frame sums to 1.
    log_likelihoods : torch.Tensor
        Of each recording, (B,).

    Example
    -------
    >>> from sb_sma.alignment.lattice import AlignedWord, build_lattice
    >>> model = AcousticModel.flat(["a"], torch.randn(50, 48), torch.zeros(16))
    >>> words = [AlignedWord("a", ["a"], ["a"], False)]
    >>> lattice = build_lattice(words, model.numbers)
    >>> shares, _ = occupancies(model, [lattice], [torch.randn(12, 48)])
    >>> shares[0].shape, bool(shares[0].sum(1).allclose(torch.ones(12)))
    (torch.Size([12, 9]), True)
    """
    walk = _Walk(model, lattices)
    lengths = torch.tensor([len(each) for each in features])
    scores = torch.full(
        (int(lengths.max()), len(lattices), walk.n_states), _NEVER
    )
    for item, (lattice, heard) in enumerate(zip(lattices, features)):
        fit = sharpness * model.score(heard)
        scores[: len(heard), item, : len(lattice)] = fit[:, lattice.emitters]
    alpha = walk.forward(scores)
    items = torch.arange(len(lattices))
    log_likelihoods = torch.logsumexp(
        alpha[lengths - 1, items] + walk.end, dim=-1
    )
    gamma = walk.backward_onto(alpha, scores, lengths)
    shared = [
        torch.softmax(gamma[: len(heard), item, : len(lattice)], dim=-1)
        for item, (lattice, heard) in enumerate(zip(lattices, features))
    ]
    return shared, log_likelihoods


class _Walk:
    """The moves through several lattices, padded to the longest."""

    def __init__(self, model: AcousticModel, lattices: Sequence[Lattice]):
        self.n_states = max(map(len, lattices))
        self.stay, self.leave, self.enter, self.skip, self.start, self.end = (
            torch.full((len(lattices), self.n_states), _NEVER) for _ in range(6)
        )
        # past the last state stands one that nobody is on
        nobody = (len(lattices), self.n_states), self.n_states
        self.skip_from, self.skip_to = torch.full(*nobody), torch.full(*nobody)
        self.skip_on = torch.full_like(self.skip, _NEVER)
        stay, leave = model.log_stay, model.log_move
        for item, lattice in enumerate(lattices):
            count = len(lattice)
            emitters = torch.from_numpy(lattice.emitters)
            self.stay[item, :count] = stay[emitters]
            self.leave[item, :count] = leave[emitters]
            for name in ("enter", "skip", "start", "end"):
                values = np.maximum(getattr(lattice, name), _NEVER)
                getattr(self, name)[item, :count] = torch.from_numpy(values)
            reached = np.nonzero(np.isfinite(lattice.skip))[0]
            sources = lattice.skip_from[reached]
            self.skip_from[item, reached] = torch.from_numpy(sources)
            self.skip_to[item, sources] = torch.from_numpy(reached)
            self.skip_on[item, sources] = self.skip[item, reached]
        self.nowhere = torch.full((len(lattices), 1), _NEVER)

    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        """Weigh the beginnings of walks, (M, B, N)."""
        alpha = torch.empty_like(scores)
        alpha[0] = here = self.start + scores[0]
        for frame in range(1, len(scores)):
            leaving = torch.cat([self.nowhere, here + self.leave], dim=1)
            moved = leaving[:, :-1] + self.enter
            leaving = leaving.roll(-1, dims=1)
            skipped = leaving.gather(1, self.skip_from) + self.skip
            here = torch.logaddexp(here + self.stay, moved)
            here = torch.logaddexp(here, skipped) + scores[frame]
            alpha[frame] = here
        return alpha

    def backward_onto(
        self, alpha: torch.Tensor, scores: torch.Tensor, lengths: torch.Tensor
    ) -> torch.Tensor:
        """Add the weight of the ends of walks, in place."""
        beta = self.end
        for frame in range(len(scores) - 1, -1, -1):
            beta = torch.where((frame >= lengths - 1)[:, None], self.end, beta)
            alpha[frame] += beta
            then = beta + scores[frame]
            moved = torch.cat([then + self.enter, self.nowhere], dim=1)[:, 1:]
            ahead = torch.cat([then, self.nowhere], dim=1)
            skipped = ahead.gather(1, self.skip_to) + self.skip_on
            onward = torch.logaddexp(moved, skipped) + self.leave
            beta = torch.logaddexp(then + self.stay, onward)
        return alpha
