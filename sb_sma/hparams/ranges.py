"""Which numbers the keys of the recipes, and SpeechBrain's options, may have.

A number that takes for ever, or more memory than any machine has, is out of
range, too: it is a slip of the keyboard.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sb_sma.hparams.annotations import matches
from sb_sma.inference.arguments import MOST_ATTEMPTS


@dataclass(frozen=True)
class Number:
    """What a number of the YAML may be.

    Arguments
    ---------
    kind : type
        int or float.
    least : float
        The lowest value.
    most : float
        The highest value.
    or_null : bool
        Whether there may be none.
    above : bool
        Whether `least` itself is too low.
    below : bool
        Whether `most` itself is too high.
    odd : bool
        Whether it has to be odd.
    or_infinity : bool
        Whether it may be infinite.

    Example
    -------
    >>> rate = Number(float, 0, 1, below=True, or_null=True)
    >>> str(rate), rate.allows(1.0)
    ('a number, 0 or more and below 1, or null', False)
    """

    kind: type = int
    least: float = 0
    most: float = math.inf
    or_null: bool = False
    above: bool = False
    below: bool = False
    odd: bool = False
    or_infinity: bool = False

    def __str__(self) -> str:
        """Describe it for an error."""
        name = "a whole number" if self.kind is int else "a number"
        lower = (
            f"above {self.least:,}" if self.above else f"{self.least:,} or more"
        )
        upper = (
            f"below {self.most:,}" if self.below else f"at most {self.most:,}"
        )
        ends = [lower] * (self.least > -math.inf)
        ends += [upper] * (self.most < math.inf)
        if len(ends) == 2 and not (self.above or self.below):
            ends = [f"from {self.least:,} to {self.most:,}"]
        parts = ["an odd" + name[1:] if self.odd else name]
        parts += [" and ".join(ends)] * bool(ends)
        parts += ["or .inf"] * self.or_infinity + ["or null"] * self.or_null
        return ", ".join(parts)

    def allows(self, value: Any) -> bool:
        """Say whether a value is one.

        Arguments
        ---------
        value : Any
            Of the YAML.

        Returns
        -------
        allows : bool
            Whether it is of this kind and in range; NaN never is.
        """
        if value is None:
            return self.or_null
        if not matches(value, self.kind):
            return False
        if abs(value) == math.inf:
            return self.or_infinity and value > 0
        return (
            (self.least < value if self.above else self.least <= value)
            and (value < self.most if self.below else value <= self.most)
            and not (self.odd and value % 2 == 0)
        )


@dataclass(frozen=True)
class Span:
    """A number that is fixed, or drawn between two.

    Arguments
    ---------
    end : Number
        What it may be.
    """

    end: Number

    def __str__(self) -> str:
        """Describe it for an error."""
        return f"{self.end}, or a list [lowest, highest] of two"

    def allows(self, value: Any) -> bool:
        """Say whether a value is one.

        Arguments
        ---------
        value : Any
            Of the YAML.

        Returns
        -------
        allows : bool
            Whether it is a number or a pair in order.
        """
        ends = value if isinstance(value, list) else [value, value]
        return (
            len(ends) == 2
            and all(map(self.end.allows, ends))
            and ends[0] <= ends[1]
        )


@dataclass(frozen=True)
class Several:
    """A list of numbers.

    Arguments
    ---------
    each : Number
        What each of them may be.
    count : int, optional
        How many there are. Default: one or more.
    or_null : bool
        Whether there may be none.
    """

    each: Number
    count: int | None = None
    or_null: bool = False

    def __str__(self) -> str:
        """Describe it for an error."""
        count = "one or more" if self.count is None else self.count
        return f"a list of {count}, each {self.each}" + (
            ", or null" * self.or_null
        )

    def allows(self, value: Any) -> bool:
        """Say whether a value is one.

        Arguments
        ---------
        value : Any
            Of the YAML.

        Returns
        -------
        allows : bool
            Whether it is such a list.
        """
        if not isinstance(value, list):
            return value is None and self.or_null
        has_count = self.count in (None, len(value))
        return has_count and value != [] and all(map(self.each.allows, value))


_COUNT = Number()
_SIZE = Number(least=1)
_WIDTH = Number(least=1, most=2**14)
_LAYERS = Number(least=1, most=256)
_ROOM = Number(least=1, most=10**6)
_KERNEL = Number(least=1, most=999, odd=True)
_SHARE = Number(float, 0, 1)
_DROPOUT = Number(float, 0, 1, below=True)
_INNER_SHARE = Number(float, 0, 1, above=True, below=True)
_WEIGHT = Number(float, 0, 10**6)
_SECONDS = Number(float, 0, 3600, above=True)
_POSITIVE_OR_NULL = Number(float, 0, or_null=True, above=True)
_INDICES = Several(Number(least=-256, most=255), or_null=True)
NUMBERS: Mapping[str, Number | Several] = {
    "attention_window": Several(Number(most=10**6), count=2, or_null=True),
    "average_decay": _DROPOUT,
    "attempts": Number(least=1, most=MOST_ATTEMPTS),
    "batch_words": _SIZE,
    "beam_size": Number(least=1, most=1000),
    "beam_threshold": Number(float, 0, above=True, or_infinity=True),
    "conformer_kernel_size": _KERNEL,
    "d_ffn": _WIDTH,
    "d_model": _WIDTH,
    "decoder_layers": _LAYERS,
    "decoder_window": Number(least=1, most=10**6, or_null=True),
    "dropout": _DROPOUT,
    "encoder_layers": _LAYERS,
    "encoder_prenet_kernel_size": _KERNEL,
    "encoder_prenet_layers": Number(most=256),
    "energy_noise": _WEIGHT,
    "energy_noise_end": _WEIGHT,
    "energy_noise_steps": _COUNT,
    "extra_steps": Number(least=1, most=10**4),
    "frames_per_token": Number(float, 0, 10**6, or_null=True, above=True),
    "griffin_lim_iterations": Number(most=10**4),
    "guided_half_life": _POSITIVE_OR_NULL,
    "guided_heads": _INDICES,
    "guided_layers": _INDICES,
    "guided_off_after": Number(float, or_null=True),
    "guided_weight": _WEIGHT,
    "head_spread": Number(least=1, most=10**6, or_null=True),
    "hold_seconds": _SECONDS,
    "label_smoothing": _SHARE,
    "language_balance": _SHARE,
    "length_penalty": Number(float, 0, 10),
    "lr": Number(float, 0, 10),
    "max_batch_frames": _SIZE,
    "max_batch_items": _SIZE,
    "max_minutes": _POSITIVE_OR_NULL,
    "max_run": Number(least=1, most=10**6),
    "max_seconds_per_token": Number(float, 0, 10, above=True),
    "max_stay": Number(float, 0, 1, above=True),
    "max_stay_seconds": Number(float, 0.001, 3600, or_null=True),
    "mixed_shards": Number(least=1, most=10**6),
    "monotonic_focus_rate": Number(float, 0, 1, or_null=True, above=True),
    "monotonic_heads": Number(least=1, most=2**14, or_null=True),
    "monotonic_start_epoch": _SIZE,
    "moves_per_query": Number(least=1, most=100),
    "n_graphemes": _ROOM,
    "n_mels": Number(least=1, most=1024),
    "n_phonemes": _ROOM,
    "n_processes": Number(least=1, most=1024),
    "n_samples": _COUNT,
    "n_test": Number(least=1, most=10**6),
    "n_tokens": _ROOM,
    "n_utterances": Number(least=3, most=10**6),
    "n_valid": Number(least=1, most=10**6),
    "nhead": _WIDTH,
    "num_workers": Number(most=1024),
    "number_of_epochs": _COUNT,
    "own_frames": _SHARE,
    "own_frames_steps": _COUNT,
    "postnet_channels": _WIDTH,
    "postnet_dropout": _DROPOUT,
    "prenet_dropout": _DROPOUT,
    "reduction_factor": Number(least=1, most=8),
    "reference_channels": Several(_WIDTH),
    "reference_width": _WIDTH,
    "refiner_crop_frames": Number(least=1, most=10**6),
    "refiner_dilations": Several(Number(least=1, most=256)),
    "refiner_steps": Number(least=1, most=1000),
    "refiner_temperature": Number(float, 0, 10),
    "refiner_weight": _WEIGHT,
    "refiner_width": _WIDTH,
    "rollouts": _SHARE,
    "rollouts_steps": _COUNT,
    "samples_every": _COUNT,
    "seed": Number(most=2**32 - 1),
    "sentencepiece_size": _ROOM,
    "short_first_epochs": _COUNT,
    "soft_spread": Number(least=1, most=10**6, or_null=True),
    "speaker_width": _WIDTH,
    "speakers": Number(most=10**6),
    "spliced_words": Number(most=10**6),
    "steps_per_grapheme": Number(float, 0, 1000),
    "stop_positive_weight": _WEIGHT,
    "stop_threshold": _INNER_SHARE,
    "stop_weight": _WEIGHT,
    "style_heads": _WIDTH,
    "style_tokens": _WIDTH,
    "style_width": _WIDTH,
    "test_share": _INNER_SHARE,
    "trim_db": _POSITIVE_OR_NULL,
    "utterances_per_shard": Number(most=10**6),
    "valid_share": _INNER_SHARE,
    "warmup_share": _SHARE,
    "warmup_steps": _COUNT,
    # SpeechBrain's own, which a YAML file may give, too
    "ckpt_interval_minutes": Number(float, -math.inf),
    "ckpt_interval_steps": Number(least=-math.inf),
    "debug_batches": _SIZE,
    "debug_epochs": Number(least=-math.inf),
    "grad_accumulation_factor": _SIZE,
    "max_grad_norm": Number(float, -math.inf),
    "nonfinite_patience": _COUNT,
    "optimizer_step_limit": Number(least=1, or_null=True),
    "profile_steps": _SIZE,
    "profile_warmup": _COUNT,
}
"""Numbers of the recipes, by their key."""
