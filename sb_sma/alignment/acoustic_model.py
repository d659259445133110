"""How each state sounds, and how long it lasts.

A state is a Gaussian over the features of a frame. As attention, its key is
the frame ``(x, x * x)`` itself, its query the mean and the precision: a score
that can only be high where the sound is that of the phoneme, so that an
alignment cannot move away from the sound as with keys that are learned.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save

from sb_sma.alignment.features import N_CEPSTRUM, N_FEATURES
from sb_sma.alignment.lattice import STATES_PER_UNIT
from sb_sma.data.json_files import parse_json

FORMAT = 1
_WEIGHTS = "aligner.safetensors"
# neighbouring frames overlap, and tell much of the same
SCALE = 0.2
# frames of the average sound that a state is believed to have heard
_BELIEVED_FRAMES = 20.0
# the same of visits, and how long each of them lasted
_BELIEVED_VISITS, _BELIEVED_STAY = 10.0, 3.0
_SHORTEST_STAY = 1.05
# far beyond what is heard
_LARGEST = {
    "mean": 1e4,
    "log_variance": 30.0,
    "log_stay": 30.0,
    "corpus_mean": 1e4,
}
# of the variance of all frames
_LEAST_VARIANCE = 0.01
# of all frames, those that are taken for pauses before any training
_QUIET_SHARE, _QUIET_VARIANCE = 0.12, 0.05


@dataclass
class Counts:
    """What was heard by each state, E in number.

    Arguments
    ---------
    frames : torch.Tensor
        How many, (E,).
    totals : torch.Tensor
        Their sum, (E, D).
    squares : torch.Tensor
        The sum of their squares, (E, D).
    visits : torch.Tensor
        How many walks passed through, (E,).
    """

    frames: torch.Tensor
    totals: torch.Tensor
    squares: torch.Tensor
    visits: torch.Tensor

    @classmethod
    def none(cls, n_states: int) -> "Counts":
        """Begin to count.

        Arguments
        ---------
        n_states : int
            E.

        Returns
        -------
        counts : Counts
            Zeros, in double precision.
        """
        shapes = ((), (N_FEATURES,), (N_FEATURES,), ())
        return cls(
            *(torch.zeros(n_states, *shape).double() for shape in shapes)
        )

    def add(
        self,
        emitters: torch.Tensor,
        occupancy: torch.Tensor,
        features: torch.Tensor,
    ) -> None:
        """Count an utterance.

        Arguments
        ---------
        emitters : torch.Tensor
            Which Gaussian each state of it is heard by, (N,).
        occupancy : torch.Tensor
            Share of each frame that each state has, (M, N).
        features : torch.Tensor
            (M, D).
        """
        held = occupancy.sum(dim=0)
        sums = occupancy.T @ features, occupancy.T @ features.square()
        self.frames.index_add_(0, emitters, held.double())
        self.totals.index_add_(0, emitters, sums[0].double())
        self.squares.index_add_(0, emitters, sums[1].double())
        self.visits.index_add_(0, emitters, held.clamp(max=1.0).double())

    def add_path(self, heard_by: torch.Tensor, features: torch.Tensor) -> None:
        """Count a single walk through an utterance.

        Arguments
        ---------
        heard_by : torch.Tensor
            The Gaussian that hears each frame, (M,).
        features : torch.Tensor
            (M, D).
        """
        frames, visits = torch.ones(2, len(heard_by)).double()
        visits[1:] = heard_by[1:] != heard_by[:-1]
        self.frames.index_add_(0, heard_by, frames)
        self.totals.index_add_(0, heard_by, features.double())
        self.squares.index_add_(0, heard_by, features.double().square())
        self.visits.index_add_(0, heard_by, visits)


class AcousticModel:
    """Gaussians and lengths of the states of all units.

    Arguments
    ---------
    units : sequence of str
        Of phonemes; the numbers before theirs are of what is none.
    mean : torch.Tensor
        (E, D).
    log_variance : torch.Tensor
        (E, D).
    log_stay : torch.Tensor
        Log-probability of staying for another frame, (E,).
    corpus_mean : torch.Tensor
        Of the cepstra that it was trained on, (C,).

    Example
    -------
    >>> model = AcousticModel.flat(["a"], torch.randn(50, 48), torch.zeros(16))
    >>> model.score(torch.zeros(5, 48)).shape
    torch.Size([5, 9])
    """

    def __init__(
        self,
        units: Sequence[str],
        mean: torch.Tensor,
        log_variance: torch.Tensor,
        log_stay: torch.Tensor,
        corpus_mean: torch.Tensor,
    ):
        self.units = list(units)
        self.mean = mean
        self.log_variance = log_variance
        self.log_stay = log_stay
        self.corpus_mean = corpus_mean

    @property
    def numbers(self) -> dict[str, int]:
        """The number of each unit."""
        return {unit: i for i, unit in enumerate(self.units, start=2)}

    @property
    def log_move(self) -> torch.Tensor:
        """Log-probability of moving on, (E,)."""
        return torch.log1p(-self.log_stay.exp())

    @classmethod
    def flat(
        cls,
        units: Sequence[str],
        features: torch.Tensor,
        corpus_mean: torch.Tensor,
    ) -> "AcousticModel":
        """Begin with all phonemes alike, and pauses quiet.

        Arguments
        ---------
        units : sequence of str
            Of phonemes.
        features : torch.Tensor
            Of many frames, (M, D).
        corpus_mean : torch.Tensor
            Of their cepstra, (C,).

        Returns
        -------
        model : AcousticModel
            To be trained.
        """
        n_states = (len(units) + 2) * STATES_PER_UNIT
        mean = features.mean(dim=0).repeat(n_states, 1)
        variance = features.var(dim=0).repeat(n_states, 1)
        level = features[:, 0]
        rank = max(1, int(_QUIET_SHARE * len(level)))
        quiet = features[level <= level.kthvalue(rank).values]
        mean[:STATES_PER_UNIT] = quiet.mean(dim=0)
        variance[:STATES_PER_UNIT] = torch.maximum(
            quiet.var(dim=0, unbiased=False), _QUIET_VARIANCE * variance[0]
        )
        log_stay = torch.full((n_states,), np.log(0.8), dtype=torch.float32)
        return cls(units, mean, variance.log(), log_stay, corpus_mean)

    def score(self, features: torch.Tensor) -> torch.Tensor:
        """Tell how well each state fits each frame.

        Arguments
        ---------
        features : torch.Tensor
            (M, D).

        Returns
        -------
        scores : torch.Tensor
            Scaled log-likelihoods but for a constant, (M, E).
        """
        precision = torch.exp(-self.log_variance)
        constant = (self.mean.square() * precision + self.log_variance).sum(1)
        keys = torch.cat([features, features.square()], dim=1)
        queries = torch.cat([self.mean * precision, -0.5 * precision], dim=1)
        return SCALE * (keys @ queries.T - 0.5 * constant)

    def updated(
        self, counts: Counts, believed: "AcousticModel | None" = None
    ) -> "AcousticModel":
        """Learn from what was heard.

        Arguments
        ---------
        counts : Counts
            Of a pass over the recordings.
        believed : AcousticModel, optional
            What a state sounds like that was hardly heard. Default: as the
            average frame.

        Returns
        -------
        model : AcousticModel
            The next one.
        """
        frames = counts.frames[:, None]
        n_frames = frames.sum()
        average = counts.totals.sum(0) / n_frames
        spread = counts.squares.sum(0) / n_frames - average.square()
        spread = spread.clamp(min=1e-6)
        prior_mean, prior_variance = average, spread
        if believed is not None:
            prior_mean = believed.mean.double()
            prior_variance = believed.log_variance.double().exp()
        weight = frames + _BELIEVED_FRAMES
        mean = (counts.totals + _BELIEVED_FRAMES * prior_mean) / weight
        prior_square = prior_variance + prior_mean.square()
        square = (counts.squares + _BELIEVED_FRAMES * prior_square) / weight
        variance = torch.maximum(
            square - mean.square(), _LEAST_VARIANCE * spread
        )
        stay = (counts.frames + _BELIEVED_VISITS * _BELIEVED_STAY) / (
            counts.visits + _BELIEVED_VISITS
        )
        log_stay = torch.log1p(-1 / stay.clamp(min=_SHORTEST_STAY))
        return AcousticModel(
            self.units,
            mean.float(),
            variance.log().float(),
            log_stay.float(),
            self.corpus_mean,
        )

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return all that it knows but its units.

        Returns
        -------
        tensors : dict
            By the names of its arguments.
        """
        return {
            name: getattr(self, name)
            for name in ("mean", "log_variance", "log_stay", "corpus_mean")
        }


def save_model(folder: Path, model: AcousticModel, settings: dict) -> None:
    """Write a model into a folder, whole or not at all.

    Arguments
    ---------
    folder : Path
        Where; made if it is not there.
    model : AcousticModel
        What is saved.
    settings : dict
        What else is to be known of it; what JSON can hold.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> model = AcousticModel.flat(["a"], torch.randn(50, 48), torch.zeros(16))
    >>> save_model(folder, model, {"voice": "en-us"})
    >>> load_model(folder)[1]
    {'voice': 'en-us'}
    """
    folder.mkdir(parents=True, exist_ok=True)
    described = {"format": FORMAT, "units": model.units, "settings": settings}
    metadata = {"aligner": json.dumps(described, ensure_ascii=False)}
    content = save(
        {name: each.contiguous() for name, each in model.tensors().items()},
        metadata,
    )
    new = folder / f".{_WEIGHTS}.new"
    new.write_bytes(content)
    new.replace(folder / _WEIGHTS)


def load_model(folder: Path) -> tuple[AcousticModel, dict]:
    """Read what `save_model` wrote.

    Arguments
    ---------
    folder : Path
        Where.

    Returns
    -------
    model : AcousticModel
        What was saved.
    settings : dict
        What else was.

    Raises
    ------
    ValueError
        If there is no such folder, or what is in it cannot be read.
    """
    path = folder / _WEIGHTS
    if not path.is_file():
        raise ValueError(
            f"an aligner must be a folder with {_WEIGHTS}; got {folder}, "
            "which has none. Give the folder model/ of an earlier sb-sma align."
        )
    try:
        with safe_open(path, "pt") as file:
            described = parse_json(file.metadata()["aligner"], "what it says")
        units, settings = described["units"], described["settings"]
        if len({str(unit) for unit in units}) < len(units):
            raise ValueError("its units must be unique")
        tensors = load_file(path)
        n_states = (len(units) + 2) * STATES_PER_UNIT
        shapes = {name: tuple(each.shape) for name, each in tensors.items()}
        if described["format"] != FORMAT or shapes != {
            "mean": (n_states, N_FEATURES),
            "log_variance": (n_states, N_FEATURES),
            "log_stay": (n_states,),
            "corpus_mean": (N_CEPSTRUM,),
        }:
            raise ValueError("it is of another version")
        _check_numbers(tensors)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} cannot be read as an aligner: {error}. Train it anew: "
            "sb-sma align --data_folder."
        ) from error
    return AcousticModel(units, **tensors), settings


def _check_numbers(tensors: dict[str, torch.Tensor]) -> None:
    """Refuse what no training gives, and what no walk could be weighed by."""
    for name, each in tensors.items():
        # what is not a number is refused, too
        if not bool((each.abs() <= _LARGEST[name]).all()):
            raise ValueError(
                f"its {name} must be numbers from -{_LARGEST[name]:g} to "
                f"{_LARGEST[name]:g}"
            )
    if not bool((tensors["log_stay"] < 0).all()):
        raise ValueError("its log_stay must be below 0")
