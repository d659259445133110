"""HiFi-GAN, as SpeechBrain trains and loads it.

A generator of transposed convolutions makes ``hop_length`` samples of every
mel frame (Kong et al., 2020, "HiFi-GAN: Generative Adversarial Networks for
Efficient and High Fidelity Speech Synthesis"). The mel of this package is that
of SpeechBrain's recipe, so that nothing is converted.
"""

import logging
import re
import textwrap
from pathlib import Path
from typing import Any

import torch
from hyperpyyaml import load_hyperpyyaml
from speechbrain.inference.vocoders import HIFIGAN
from speechbrain.lobes.models.HifiGAN import HifiganGenerator
from speechbrain.utils.fetching import fetch
from speechbrain.utils.parameter_transfer import Pretrainer
from torch import nn

from sb_sma.data.speech.mel import MelSettings
from sb_sma.finite import find_nonfinite
from sb_sma.model_size import limit_parameters
from sb_sma.safe_yaml import load_safely, names_of
from sb_sma.vocoders.source import HYPERPARAMS, LJSPEECH, check_vocoder_source

logger = logging.getLogger(__name__)

# keys of SpeechBrain's recipe, and what they are called here
_STATED = {
    "sample_rate": "sample_rate",
    "hop_length": "hop_length",
    "win_length": "win_length",
    "n_fft": "n_fft",
    "n_mel_channels": "n_mels",
    "mel_fmin": "f_min",
    "mel_fmax": "f_max",
}
# of a generator whose files are not there yet; the paper's has 14 million
_MOST_OF_A_HUB = 2**25
# frames that a sample of the paper's depends on, several times
_MOST_REACH = 1000
_NEEDED = ("generator", "modules", "pretrainer")


class _Pretrainer(Pretrainer):
    """SpeechBrain's, of files that lie beside the YAML alone."""

    def __init__(self, loadables: dict[str, nn.Module]):
        for name in loadables:
            if not re.fullmatch(r"\w+", name):
                raise ValueError(
                    "files must be named by letters and digits, and lie in the "
                    f"folder of the vocoder; got {name!r}."
                )
        super().__init__(loadables=loadables)


_NAMES_ALLOWED = {
    **names_of([("speechbrain.lobes.models", HifiganGenerator)]),
    f"{Pretrainer.__module__}.{Pretrainer.__qualname__}": _Pretrainer,
}


class HiFiGAN(nn.Module):
    """Turns a mel spectrogram into a waveform by SpeechBrain's HiFi-GAN.

    The samples are those of ``speechbrain.inference.vocoders.HIFIGAN`` without
    the frames that it adds at both ends (``inference_padding``).

    Arguments
    ---------
    mel_settings : MelSettings
        The numbers that define the spectrogram.
    source : str or Path
        Folder, or repository on a hub, that SpeechBrain's ``HIFIGAN`` loads.
    trusted : bool
        Whether its YAML may name, and run, more than a ``HifiganGenerator``.

    Attributes
    ----------
    reach : int
        Frames before and after its own that a sample depends on.

    Raises
    ------
    ValueError
        If there is no such generator, its files are not whole, or it was
        trained on other mels; or if a spectrogram has another shape than
        (M, C) with M > 0.
    """

    def __init__(
        self,
        mel_settings: MelSettings,
        source: str | Path = LJSPEECH,
        trusted: bool = False,
    ):
        super().__init__()
        check_vocoder_source(source)
        # the weights are drawn before they are loaded
        with torch.random.fork_rng(devices=[]):
            hparams = _load(str(source), trusted).hparams
        self.generator = hparams.generator
        try:
            self._measure()
        # arguments that fit to no mel raise errors of many kinds
        except Exception as error:
            raise ValueError(
                f"{source} must describe a generator that makes sound of a "
                f"mel; it makes none ({_in_a_line(error)}). Fetch or export it "
                "again."
            ) from error
        made = {"n_mels": self.n_mels, "hop_length": self.hop_length}
        stated = {
            ours: getattr(hparams, theirs)
            for theirs, ours in _STATED.items()
            if getattr(hparams, theirs, None) is not None
        }
        _check_mels(mel_settings, {**stated, **made}, source)

    @torch.no_grad()
    def _measure(self) -> None:
        """Find the numbers of the generator, and try it."""
        self.generator.remove_weight_norm()
        self.n_mels = self.generator.conv_pre.conv.in_channels
        self.hop_length = 1
        for layer in self.generator.ups:
            self.hop_length *= layer.conv.stride[0]
        self.reach = _reach_of(self.generator, self.hop_length)
        self._least_frames = _least_frames(self.generator)
        most = _MOST_REACH * max(self.hop_length, 1)
        if not 0 <= self._least_frames * self.hop_length <= most:
            raise ValueError("it needs too many frames")
        samples = self(torch.zeros(1, self.n_mels))
        if samples.shape != (self.hop_length,):
            raise ValueError(f"samples of shape {tuple(samples.shape)}")

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """Make the waveform.

        Arguments
        ---------
        mel : torch.Tensor
            Natural-log mel spectrogram, of shape (M, C).

        Returns
        -------
        torch.Tensor
            Samples in [-1, 1], of shape (M * hop_length,).
        """
        if mel.dim() != 2 or mel.shape[1] != self.n_mels or len(mel) < 1:
            raise ValueError(
                f"mel must have shape (M, {self.n_mels}) with M > 0; got "
                f"{tuple(mel.shape)}. Remove the batch axis, and put frames "
                "before channels."
            )
        added = self.generator.inference_padding
        # both ends are mirrored, of what must be longer
        missing = max(self._least_frames - len(mel) - 2 * added, 0)
        whole = torch.cat([mel, mel[-1:].expand(missing, -1)])
        samples = self.generator.inference(whole.float().T[None])[0, 0]
        start = added * self.hop_length
        return samples[start : start + len(mel) * self.hop_length]


def _load(source: str, trusted: bool) -> HIFIGAN:
    """Load SpeechBrain's interface; an error names the file."""
    path = _fetched(HYPERPARAMS, source)
    try:
        text = path.read_text(encoding="utf-8")
        if trusted:
            hparams = load_hyperpyyaml(text)
        else:
            with limit_parameters(_count_weights(source)):
                hparams = load_safely(text, path, _NAMES_ALLOWED)
        missing = [key for key in _NEEDED if key not in hparams]
    # whatever is wrong with the file, and whatever it names
    except Exception as error:
        raise ValueError(
            f"{path} must describe a vocoder of SpeechBrain; it cannot be "
            f"read ({_in_a_line(error)}). Fetch or export it again."
        ) from error
    if missing:
        raise ValueError(
            f"{path} must have the keys {', '.join(_NEEDED)}; it lacks "
            f"{', '.join(missing)}. Give the folder of an exported HIFIGAN, "
            "not of its training."
        )
    _check_generator(hparams["generator"], path)
    pretrainer = hparams["pretrainer"]
    pretrainer.set_collect_in(None)
    pretrainer.add_custom_hooks(
        dict.fromkeys(pretrainer.loadables, _load_weights)
    )
    try:
        pretrainer.collect_files(default_source=source)
    except Exception as error:
        raise _unreachable(source, error) from error
    pretrainer.load_collected()
    return HIFIGAN(hparams["modules"], hparams, run_opts={"device": "cpu"})


def _count_weights(source: str) -> int:
    """Count the numbers that a folder's weights are, by the files' sizes."""
    paths = Path(source).glob("*.ckpt") if Path(source).is_dir() else ()
    sizes = [path.stat().st_size for path in paths if path.is_file()]
    return sum(sizes) // 4 if sizes else _MOST_OF_A_HUB


def _fetched(name: str, source: str) -> Path:
    """Find a file of the folder, or ask a hub for it."""
    try:
        return Path(fetch(name, source))
    except Exception as error:
        raise _unreachable(source, error) from error


def _unreachable(source: str, error: Exception) -> ValueError:
    """Say that a hub did not give a vocoder."""
    return ValueError(
        f"vocoder_source must be a folder, or a name on a hub; {source} is no "
        f"folder, and could not be fetched ({_in_a_line(error)}). Give a "
        f"folder with {HYPERPARAMS} and the weights that it names."
    )


def _load_weights(module: nn.Module, path: str | Path) -> None:
    """Fill a module with all of a file; SpeechBrain lets weights be missing."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        bad = find_nonfinite(state)
        if bad:
            raise ValueError(f"{bad} is not of finite numbers")
        module.load_state_dict(state)
    # a file that is cut, or is something else, raises errors of many kinds
    except Exception as error:
        raise ValueError(
            f"{path} must hold the weights of the {type(module).__name__} that "
            f"{HYPERPARAMS} describes ({_in_a_line(error)}). Fetch or export "
            "it again."
        ) from error


def _check_generator(generator: Any, path: Path) -> None:
    """Refuse what makes no sound of a mel alone."""
    kind = type(generator).__name__
    if isinstance(generator, HifiganGenerator):
        if not hasattr(generator, "cond_layer"):
            return
        kind += " with cond_channels"
    raise ValueError(
        f"{path} must describe a HifiganGenerator that reads mels and nothing "
        f"else; got {kind}. Give another vocoder_source."
    )


def _check_mels(
    mel_settings: MelSettings, found: dict[str, Any], source: str | Path
) -> None:
    """Refuse a generator that was trained on other mels."""
    differing = {
        name: (getattr(mel_settings, name), value)
        for name, value in found.items()
        if getattr(mel_settings, name) != value
    }
    if differing:
        ours = ", ".join(
            f"{name} {ours}" for name, (ours, _) in differing.items()
        )
        theirs = ", ".join(
            f"{name} {got}" for name, (_, got) in differing.items()
        )
        raise ValueError(
            f"the vocoder must be of this model's mels, with {ours}; "
            f"{source} has {theirs}. Give a vocoder_source that was trained on "
            "such mels, or take vocoder: griffin_lim."
        )
    if "sample_rate" not in found:
        logger.info(
            "%s does not say its sample_rate; it is taken for %d Hz",
            source,
            mel_settings.sample_rate,
        )


def _reach_of(generator: HifiganGenerator, hop_length: int) -> int:
    """Follow the samples of one frame back to the frames that they are of."""
    first, last = 0, hop_length - 1
    blocks = list(generator.resblocks)
    width = _half_width(generator.conv_post)
    for layer in reversed(generator.ups):
        beside = [blocks.pop() for _ in range(generator.num_kernels)]
        width += max(map(_half_width, beside))
        first, last = first - width, last + width
        conv = layer.conv
        stride, padding = conv.stride[0], conv.padding[0]
        # sample t is made of those i with 0 <= t + padding - i * stride < size
        first = -((conv.kernel_size[0] - 1 - padding - first) // stride)
        last = (last + padding) // stride
        width = 0
    width = _half_width(generator.conv_pre)
    return max(width - first, width + last)


def _least_frames(generator: HifiganGenerator) -> int:
    """Count the frames of which every convolution can mirror the ends."""
    blocks = iter(generator.resblocks)
    least, rate = _half_width(generator.conv_pre) + 1, 1
    for layer in generator.ups:
        rate *= layer.conv.stride[0]
        for _ in range(generator.num_kernels):
            widths = map(_half_width, _convolutions(next(blocks)))
            least = max(least, max(widths) // rate + 1)
    return max(least, _half_width(generator.conv_post) // rate + 1)


def _half_width(module: nn.Module) -> int:
    """Count inputs on each side of convolutions in a row, none strided."""
    return sum(
        conv.dilation[0] * (conv.kernel_size[0] - 1) // 2
        for conv in _convolutions(module)
    )


def _convolutions(module: nn.Module) -> list[nn.Conv1d]:
    return [each for each in module.modules() if isinstance(each, nn.Conv1d)]


def _in_a_line(error: Exception) -> str:
    """Write what went wrong in one line, cut where it is long."""
    return textwrap.shorten(f"{type(error).__name__}: {error}", 500)
