"""Good results pass, every planted fault is named, and no result that walks
through the text without a model passes as speech.
"""

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sb_sma.data.espeak.voice import VoiceSettings, speak
from sb_sma.data.speech.mel import LogMel
from sb_sma.metrics.alignment import straight_line_path, true_path
from sb_sma.metrics.bad_cases import BadCaseRules, find_faults, format_verdict

TEXTS = [
    "Yes.",
    "Banana",
    "A B C D, one two three",
    "Please call me at nine four seven, two two one five.",
    "He bought apples, pears, oranges, plums and a very large melon.",
    "Where did you put the blue umbrella that my sister gave you?",
    "Seven silver spoons lay on the table. Nobody had touched them.",
]
HOP_LENGTH = 256
REDUCTION_FACTOR = 4


@dataclasses.dataclass
class Rendering:
    tokens: tuple[str, ...]
    starts: tuple[int, ...]
    mel: torch.Tensor

    @property
    def n_steps(self):
        return -(-len(self.mel) // REDUCTION_FACTOR)


def render(text, **voice):
    speech = speak(text, VoiceSettings(**voice))
    samples = torch.from_numpy(np.array(speech.samples)).float() / 2**15
    return Rendering(speech.tokens, speech.starts, LogMel()(samples[None])[0])


@pytest.fixture(scope="module")
def renderings():
    return [render(text) for text in TEXTS]


@pytest.fixture(scope="module")
def statistics(renderings):
    frames = torch.cat([rendering.mel for rendering in renderings])
    return frames.mean(0), frames.std(0)


def alignment_of(path, n_tokens):
    """One head on the path, and one that reads the whole text at once."""
    path = torch.as_tensor(path)
    head = F.one_hot(path, n_tokens).float()
    return torch.stack([torch.full_like(head, 1 / n_tokens), head])


def straight_walk(rendering):
    n_tokens = len(rendering.tokens)
    path = straight_line_path(rendering.n_steps, n_tokens)
    return alignment_of(path, n_tokens)


def stretched(mel, n_frames):
    return F.interpolate(mel.T[None], size=n_frames, mode="linear")[0].T


def phoneme_averages(rendering, renderings):
    """The mean frame of each phoneme, each phoneme for the same time."""
    frames = {}
    for other in renderings:
        path = true_path(other.starts, len(other.mel), HOP_LENGTH, 1)
        for frame, token in zip(other.mel, path.tolist()):
            frames.setdefault(other.tokens[token], []).append(frame)
    path = straight_line_path(len(rendering.mel), len(rendering.tokens))
    return torch.stack(
        [
            torch.stack(frames[rendering.tokens[token]]).mean(0)
            for token in path.tolist()
        ]
    )


def test_the_target_itself_is_good(renderings, statistics):
    for rendering in renderings:
        walk = true_path(
            rendering.starts, rendering.n_steps, HOP_LENGTH, REDUCTION_FACTOR
        )
        alignments = alignment_of(walk, len(rendering.tokens))
        mel = rendering.mel
        assert find_faults(alignments, True, mel, mel, *statistics) == []


@pytest.mark.parametrize("factor", [0.8, 0.9, 1.1, 1.2])
def test_the_target_slightly_warped_is_good(renderings, statistics, factor):
    for rendering in renderings:
        mel = stretched(rendering.mel, round(len(rendering.mel) * factor))
        faults = find_faults(
            straight_walk(rendering), True, mel, rendering.mel, *statistics
        )
        assert faults == []


@pytest.mark.parametrize("voice", [{"rate": 150}, {"rate": 200}], ids=str)
def test_another_rendering_of_the_text_is_good(renderings, statistics, voice):
    for text, rendering in zip(TEXTS, renderings):
        result = render(text, **voice)
        faults = find_faults(
            straight_walk(rendering),
            True,
            result.mel,
            rendering.mel,
            *statistics,
        )
        assert faults == []


def is_far(faults):
    return len(faults) == 1 and faults[0].startswith("mel distance")


def test_a_walk_that_says_the_mean_frame_is_bad(renderings, statistics):
    mean, _ = statistics
    for rendering in renderings:
        mel = mean.expand(len(rendering.mel), -1)
        assert is_far(
            find_faults(
                straight_walk(rendering), True, mel, rendering.mel, *statistics
            )
        )


def test_a_walk_that_says_noise_is_bad(renderings, statistics):
    mean, std = statistics
    generator = torch.Generator().manual_seed(0)
    for rendering in renderings:
        noise = torch.randn(rendering.mel.shape, generator=generator)
        assert is_far(
            find_faults(
                straight_walk(rendering),
                True,
                mean + std * noise,
                rendering.mel,
                *statistics,
            )
        )


def test_a_walk_that_says_another_text_is_bad(renderings, statistics):
    for rendering, other in zip(renderings, renderings[1:] + renderings[:1]):
        mel = stretched(other.mel, len(rendering.mel))
        assert is_far(
            find_faults(
                straight_walk(rendering), True, mel, rendering.mel, *statistics
            )
        )


def test_a_walk_that_says_phoneme_averages_is_bad(renderings, statistics):
    # in a single word, the mean phonemes are nearly the word itself
    several_words = [item for item in renderings if len(item.tokens) > 10]
    assert len(several_words) == 5
    for rendering in several_words:
        averages = phoneme_averages(rendering, renderings)
        assert is_far(
            find_faults(
                straight_walk(rendering),
                True,
                averages,
                rendering.mel,
                *statistics,
            )
        )


def verdict_on(path, n_tokens, finished=True, ratio=1.0, rules=BadCaseRules()):
    """Judges a sound that is perfect, so that only the rest can be at fault."""
    mel = torch.zeros(20, 3)
    n_frames = round(20 * ratio)
    return find_faults(
        alignment_of(path, n_tokens),
        finished,
        mel[:1].expand(n_frames, 3),
        mel,
        torch.zeros(3),
        torch.ones(3),
        rules,
    )


@pytest.mark.parametrize(
    "path, expected",
    [
        pytest.param([0, 1, 2, 3, 4, 5], [], id="stepwise"),
        pytest.param([0, 3, 4, 5], [], id="passes-over-two"),
        pytest.param([2, 3, 4, 5], [], id="starts-on-the-third"),
        pytest.param([1, 3, 5], [], id="passes-over-one-three-times"),
        pytest.param(
            [0, 4, 5],
            ["attention passes over 3 tokens at once (at most 2)"],
            id="passes-over-three",
        ),
        pytest.param(
            [3, 4, 5],
            ["attention passes over 3 tokens at once (at most 2)"],
            id="starts-on-the-fourth",
        ),
        pytest.param(
            [0, 1, 2, 1, 2, 3, 4, 5],
            ["attention moves back 1 time"],
            id="moves-back",
        ),
        pytest.param(
            [0, 1, 0, 1, 2, 3, 2, 3, 4, 5],
            ["attention moves back 2 times"],
            id="moves-back-twice",
        ),
        pytest.param(
            [0, 1, 2, 3, 4],
            ["attention ends on token 5 of 6"],
            id="does-not-arrive",
        ),
        pytest.param(
            [5, 0],
            [
                "attention moves back 1 time",
                "attention passes over 5 tokens at once (at most 2)",
                "attention ends on token 1 of 6",
            ],
            id="all-three",
        ),
    ],
)
def test_faults_of_the_path_are_named(path, expected):
    assert verdict_on(path, 6) == expected


def test_only_the_most_focused_head_is_judged():
    walk = torch.eye(4)
    wandering = 0.7 * torch.eye(4)[[3, 1, 0, 2]] + 0.3 / 4
    mel, statistics = torch.zeros(4, 3), (torch.zeros(3), torch.ones(3))
    for heads in ([wandering, walk], [walk, wandering]):
        assert not find_faults(torch.stack(heads), True, mel, mel, *statistics)


@pytest.mark.parametrize(
    "ratio, expected",
    [
        (0.55, ["0.55 times as long as the target (0.6 to 1.4)"]),
        (0.6, []),
        (1.4, []),
        (1.45, ["1.45 times as long as the target (0.6 to 1.4)"]),
    ],
)
def test_length_is_judged(ratio, expected):
    assert verdict_on([0, 1], 2, ratio=ratio) == expected


def test_a_result_that_does_not_stop_is_bad():
    assert verdict_on([0, 1], 2, finished=False) == [
        "hit the frame limit after 20 frames"
    ]


def test_the_rules_are_those_given():
    path = [0, 2, 3]
    assert verdict_on(path, 4) == []
    assert verdict_on(path, 4, rules=BadCaseRules(max_skip=0)) == [
        "attention passes over 1 tokens at once (at most 0)"
    ]
    strict = BadCaseRules(min_length_ratio=1.1, max_length_ratio=1.2)
    assert verdict_on([0, 1], 2, rules=strict) == [
        "1.00 times as long as the target (1.1 to 1.2)"
    ]
    mel = torch.ones(4, 3)
    arguments = (
        torch.eye(4)[None],
        True,
        mel,
        mel - 0.3,
        torch.zeros(3),
        torch.ones(3),
    )
    assert find_faults(*arguments) == []
    assert find_faults(*arguments, BadCaseRules(max_mel_distance=0.25)) == [
        "mel distance 0.30 (at most 0.25)"
    ]


def test_a_result_without_a_frame_is_bad():
    faults = find_faults(
        torch.zeros(2, 0, 5),
        True,
        torch.zeros(0, 3),
        torch.zeros(9, 3),
        torch.zeros(3),
        torch.ones(3),
    )
    assert faults == [
        "made no decoder step",
        "0.00 times as long as the target (0.6 to 1.4)",
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_diverged_result_is_bad(value):
    mel, statistics = torch.zeros(4, 3), (torch.zeros(3), torch.ones(3))
    alignments, broken_mel = torch.eye(4)[None].clone(), mel.clone()
    alignments[0, 2, 2] = broken_mel[2, 2] = value
    assert find_faults(alignments, True, broken_mel, mel, *statistics) == [
        "attention is not finite",
        "mel is not finite",
    ]


@pytest.mark.parametrize("shape", [(4, 4), (1, 1, 4, 4)], ids=str)
def test_alignments_of_another_shape_are_refused(shape):
    mel = torch.zeros(4, 3)
    with pytest.raises(
        ValueError, match=r"alignments must have shape \(H, Q, K\).*got"
    ):
        find_faults(
            torch.zeros(shape),
            True,
            mel,
            mel,
            torch.zeros(3),
            torch.ones(3),
        )


def test_a_target_without_a_frame_is_refused():
    with pytest.raises(ValueError, match=r"reference must have shape"):
        find_faults(
            torch.eye(4)[None],
            True,
            torch.zeros(4, 3),
            torch.zeros(0, 3),
            torch.zeros(3),
            torch.ones(3),
        )


def test_the_verdict_is_good_or_one_fault_per_line():
    assert format_verdict([]) == "good"
    assert format_verdict(["too long", "too far"]) == "too long\ntoo far"
