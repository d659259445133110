"""The one walk that fits a recording best, of whatever length.

States that are far from the best one at a time are given up, and what all
walks that are left have in common is settled, so that memory does not grow
with the recording: half an hour takes as much as a minute.
"""

import numpy as np
import torch

from sb_sma.alignment.acoustic_model import AcousticModel
from sb_sma.alignment.lattice import Lattice

_STAY, _MOVE, _SKIP = range(3)
_CHUNK_FRAMES = 200
# what a walk may be behind the best before it is given up
_BEAM = 1500.0
# steps that are remembered before what is common to all walks is settled
_REMEMBERED = 2**24


def best_path(
    model: AcousticModel, lattice: Lattice, features: torch.Tensor
) -> tuple[np.ndarray, float]:
    """Find the state of each frame.

    Arguments
    ---------
    model : AcousticModel
        How states sound.
    lattice : Lattice
        Of the text.
    features : torch.Tensor
        Of the recording, (M, D), at least as many as the shortest walk has.

    Returns
    -------
    path : np.ndarray
        Number of the state of each frame, (M,); every phoneme has all of its
        states.
    score : float
        Mean log-likelihood of a frame, as far as it is comparable.

    Example
    -------
    >>> from sb_sma.alignment.lattice import AlignedWord, build_lattice
    >>> model = AcousticModel.flat(["a"], torch.randn(50, 48), torch.zeros(16))
    >>> words = [AlignedWord("a", ["a"], ["a"], False)]
    >>> lattice = build_lattice(words, model.numbers)
    >>> path, _ = best_path(model, lattice, torch.randn(3, 48))
    >>> path.tolist()
    [3, 4, 5]
    """
    beam = _BEAM
    while True:
        found = _Search(model, lattice, beam).run(features)
        if found is not None:
            return found
        # the text is not what is said for a while; nothing is given up at last
        beam = beam * 8 if beam < 1e5 else np.inf


class _Search:
    """A walk through the frames with all states that are not given up."""

    def __init__(self, model: AcousticModel, lattice: Lattice, beam: float):
        self.model = model
        self.lattice = lattice
        self.beam = beam
        emitters = lattice.emitters
        self.stay = model.log_stay.numpy()[emitters]
        self.leave = model.log_move.numpy()[emitters]
        self.reached_by_skip = np.nonzero(np.isfinite(lattice.skip))[0]
        self.settled: list[np.ndarray] = []
        # first state and steps (frames, states) of each chunk
        self.chunks: list[tuple[int, np.ndarray]] = []

    def run(self, features: torch.Tensor) -> tuple[np.ndarray, float] | None:
        """Return the path and its score; None if all ends were given up."""
        lattice = self.lattice
        here = lattice.start.astype(np.float64)
        low, high = 0, int(np.nonzero(np.isfinite(here))[0][-1]) + 1
        for first in range(0, len(features), _CHUNK_FRAMES):
            heard = self.model.score(features[first : first + _CHUNK_FRAMES])
            high = min(len(lattice), high + self._reach(len(heard)))
            steps = self._walk(here, low, high, heard.numpy(), first == 0)
            self.chunks.append((low, steps))
            alive = here[low:high] >= here[low:high].max() - self.beam
            here[low:high][~alive] = -np.inf
            kept = np.nonzero(alive)[0] + low
            low, high = int(kept[0]), int(kept[-1]) + 1
            if sum(steps.size for _, steps in self.chunks) > _REMEMBERED:
                self._settle(kept)
        end = here + lattice.end
        last = int(end.argmax())
        if not np.isfinite(end[last]):
            return None
        self._trace(last, len(self.chunks))
        return np.concatenate(self.settled), float(end[last]) / len(features)

    def _reach(self, n_frames: int) -> int:
        """Tell how many states may be passed, pauses skipped."""
        return n_frames * 4

    def _walk(
        self,
        here: np.ndarray,
        low: int,
        high: int,
        heard: np.ndarray,
        begins: bool,
    ) -> np.ndarray:
        """Walk on through a chunk, in place; return how each was reached."""
        lattice = self.lattice
        scores = heard[:, lattice.emitters[low:high]]
        now = here[low:high]
        stay, leave = self.stay[low:high], self.leave[low:high]
        enter = lattice.enter[low + 1 : high]
        bounds = np.searchsorted(self.reached_by_skip, (low, high))
        over = self.reached_by_skip[slice(*bounds)]
        over = over[lattice.skip_from[over] >= low]
        sources, skip = lattice.skip_from[over] - low, lattice.skip[over]
        over = over - low
        steps = np.zeros(scores.shape, dtype=np.int8)
        for frame, score in enumerate(scores):
            if begins and frame == 0:
                now += score
                continue
            leaving = now + leave
            now += stay
            moved = leaving[:-1] + enter
            skipped = leaving[sources] + skip
            better = moved > now[1:]
            steps[frame, 1:] = better
            np.maximum(now[1:], moved, out=now[1:])
            better = skipped > now[over]
            steps[frame, over[better]] = _SKIP
            now[over] = np.maximum(now[over], skipped)
            now += score
        return steps

    def _settle(self, states: np.ndarray) -> None:
        """Keep the part of the path that all walks have in common."""
        for number in range(len(self.chunks) - 1, -1, -1):
            low, steps = self.chunks[number]
            for row in steps[::-1]:
                states = self._before(states, row[states - low])
            states = np.unique(states)
            if len(states) == 1 and number:
                rest = self.chunks[number:]
                self._trace(int(states[0]), number)
                self.chunks = rest
                return

    def _trace(self, state: int, n_chunks: int) -> None:
        """Settle the path through the first chunks, which ends on a state."""
        parts = []
        for low, steps in self.chunks[:n_chunks][::-1]:
            part = np.empty(len(steps), dtype=np.int64)
            for frame in range(len(steps) - 1, -1, -1):
                part[frame] = state
                step = steps[frame, state - low]
                state = int(self._before(state, step))
            parts.append(part)
        self.settled += parts[::-1]

    def _before(self, states, steps):
        """Return where walks came from."""
        skipped = self.lattice.skip_from[states]
        return np.where(steps == _SKIP, skipped, states - (steps == _MOVE))
