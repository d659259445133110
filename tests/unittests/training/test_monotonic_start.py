"""When the walk begins, and that a model which attended by softmax until then
is soon as good as before.
"""

import pytest
import torch
from speechbrain.utils.checkpoints import Checkpointer

from sb_sma.attention import StepwiseMonotonicMHA, walk_switches
from sb_sma.losses import GuidedLayers, masked_l1
from sb_sma.models.convolution import MaskedConvStack
from sb_sma.models.encoder.transformer import TransformerTextEncoder
from sb_sma.models.tts.mel_decoder import MelDecoder
from sb_sma.models.tts.transformer_tts import TransformerTTS
from sb_sma.training.monotonic_start import MonotonicStart

N_MELS, N_TOKENS, WIDTH = 8, 12, 16


def epochs_walked(start, rates):
    """Whether each epoch walked, given the focus rates at their ends."""
    walked = []
    for epoch, rate in enumerate(rates, 1):
        walked.append(start.begin_epoch(epoch))
        start.end_epoch(rate)
    return walked


@pytest.mark.parametrize(
    "arguments, walked",
    [
        ({}, [True, True, True, True]),
        ({"epoch": 3}, [False, False, True, True]),
        ({"epoch": 4, "focus_rate": 0.5}, [False, False, True, True]),
        ({"epoch": 4, "focus_rate": 0.2}, [False, True, True, True]),
        ({"epoch": 3, "focus_rate": 0.9}, [False, False, True, True]),
        ({"epoch": 5, "focus_rate": 0.9}, [False, False, False, False]),
    ],
    ids=str,
)
def test_it_begins_at_the_epoch_or_after_the_focus_rate(arguments, walked):
    rates = [0.2, 0.5, 0.1, 0.1]
    assert epochs_walked(MonotonicStart(**arguments), rates) == walked


@pytest.mark.parametrize(
    "arguments, n_epochs", [({"epoch": 9, "focus_rate": 0.5}, 1), ({}, 2)]
)
def test_a_resumed_run_goes_on_walking(tmp_path, arguments, n_epochs):
    start = MonotonicStart(**arguments)
    epochs_walked(start, [0.6] * n_epochs)
    Checkpointer(tmp_path, {"start": start}).save_checkpoint()
    # with other arguments, too
    resumed = MonotonicStart(epoch=9)
    assert not resumed.begin_epoch(n_epochs + 1)
    Checkpointer(tmp_path, {"start": resumed}).recover_if_possible()
    assert resumed.begin_epoch(n_epochs + 1)


def test_without_training_nothing_has_to_walk():
    assert MonotonicStart(epoch=1, number_of_epochs=0).epoch == 1
    with pytest.raises(ValueError, match="number_of_epochs = 1; got 2"):
        MonotonicStart(epoch=2, number_of_epochs=1)


def test_a_walk_that_an_interrupted_epoch_began_goes_on(tmp_path):
    start = MonotonicStart(epoch=3)
    start.begin_epoch(3)
    Checkpointer(tmp_path, {"start": start}).save_checkpoint()
    resumed = MonotonicStart(epoch=6)
    Checkpointer(tmp_path, {"start": resumed}).recover_if_possible()
    assert resumed.begin_epoch(3)


def test_a_resumed_run_goes_on_waiting(tmp_path):
    start = MonotonicStart(epoch=4, focus_rate=0.5)
    epochs_walked(start, [0.2, 0.2])
    Checkpointer(tmp_path, {"start": start}).save_checkpoint()
    resumed = MonotonicStart(epoch=4, focus_rate=0.5)
    Checkpointer(tmp_path, {"start": resumed}).recover_if_possible()
    assert [resumed.begin_epoch(epoch) for epoch in (3, 4)] == [False, True]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"epoch": 0}, "start_epoch must be 1 or more; got 0"),
        (
            {"epoch": 5, "number_of_epochs": 4},
            "at most number_of_epochs = 4; got 5.*train longer or start earl",
        ),
        ({"epoch": 2, "focus_rate": 1.5}, r"in \(0, 1\], or null; got 1.5"),
        ({"focus_rate": 0.5}, "which is 1. Give a later epoch"),
    ],
    ids=str,
)
def test_a_start_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        MonotonicStart(**arguments)


def make_model():
    """A small TTS model that knows how long tokens are."""
    model = TransformerTTS(
        TransformerTextEncoder(N_TOKENS, WIDTH, 2, 1, 2 * WIDTH),
        MelDecoder(
            WIDTH,
            2,
            2,
            2 * WIDTH,
            StepwiseMonotonicMHA,
            n_mels=N_MELS,
            reduction_factor=1,
            dropout=0.0,
        ),
        MaskedConvStack([N_MELS, N_MELS], activate_last=False),
    )
    model.set_frames_per_token(3.0)
    return model


def make_batch(sounds, n_items=16, n_tokens=8):
    """Texts whose tokens last 1 to 5 frames of their own sound."""
    tokens = torch.randint(2, N_TOKENS, (n_items, n_tokens))
    durations = torch.randint(1, 6, (n_items, n_tokens))
    mels = [
        sounds[text].repeat_interleave(frames, dim=0)
        for text, frames in zip(tokens, durations)
    ]
    return (
        tokens,
        torch.full((n_items,), n_tokens),
        torch.nn.utils.rnn.pad_sequence(mels, batch_first=True),
        durations.sum(dim=1),
    )


@pytest.mark.integration
def test_a_model_recovers_within_200_steps_of_the_switch():
    torch.manual_seed(0)
    model, guided_attention = make_model(), GuidedLayers(sigma=0.3)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    sounds = torch.randn(N_TOKENS, N_MELS)
    held_out = make_batch(sounds, n_items=64)

    def loss_of(batch):
        output = model(*batch)
        mel_loss = masked_l1(output.mels_after, output.targets, batch[3])
        return mel_loss + guided_attention(
            output.alignments, output.query_lengths, batch[1]
        )

    def train(n_steps):
        for _ in range(n_steps):
            optimizer.zero_grad()
            loss_of(make_batch(sounds)).backward()
            optimizer.step()

    @torch.no_grad()
    def measure():
        return float(loss_of(held_out))

    walk_switches.set_monotonic(model, False)
    untrained = measure()
    train(700)  # until little is gained any more
    before = measure()
    assert before < 0.25 * untrained
    walk_switches.set_monotonic(model, True)
    assert measure() > before  # what it learnt was not the walk
    for _ in range(8):
        train(25)
        after = measure()
        if after <= before:
            break
    assert after <= before
