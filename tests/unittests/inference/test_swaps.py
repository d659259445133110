"""Every encoder with every attention, with styles and without, by overrides."""

import itertools

import pytest
import torch

from sb_sma.attention.decoding import DecodingOptions
from sb_sma.attention.registry import ATTENTION_TYPES
from sb_sma.inference import TTS
from sb_sma.losses import masked_l1, stop_loss
from sb_sma.models.encoder.registry import ENCODER_TYPES
from sb_sma.style.registry import STYLES
from tests.unittests.conftest import export_small_model

SWAPS = list(itertools.product(ENCODER_TYPES, ATTENTION_TYPES, STYLES))
STYLE_SIZES = {"style_width": 8, "style_heads": 2, "reference_width": 8}


def train_two_steps(model):
    """On noise; every parameter must have moved."""
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(1, 20, (3, 6), generator=generator)
    mels = torch.randn(3, 40, 80, generator=generator) - 5.0
    token_lengths, mel_lengths = (
        torch.tensor(lengths) for lengths in ([6, 5, 3], [40, 30, 9])
    )
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    model.train()
    for _ in range(2):
        output = model(tokens, token_lengths, mels, mel_lengths, own_frames=0.5)
        loss = stop_loss(output.stop_logits, output.query_lengths, 5.0)
        for predicted in (output.mels_before, output.mels_after):
            loss = loss + masked_l1(predicted, output.targets, mel_lengths)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    stuck = [n for n, p in model.named_parameters() if p.equal(before[n])]
    assert not stuck


@pytest.mark.parametrize(
    ("encoder_type", "attention_type", "style"),
    SWAPS,
    ids=["-".join(swap) for swap in SWAPS],
)
def test_it_trains_and_speaks_after_saving(
    tmp_path, repository, texts, encoder_type, attention_type, style
):
    model, _ = export_small_model(
        tmp_path,
        repository,
        train=train_two_steps,
        encoder_type=encoder_type,
        attention_type=attention_type,
        style=style,
        **STYLE_SIZES,
    )
    tts = TTS.from_hparams(source=str(tmp_path / "model"))
    loaded = tts.mods.model.state_dict()
    assert loaded.keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        assert torch.equal(loaded[name], value), name
    for item in tts.speak(texts[:2], seed=0):
        assert len(item.mel) and bool(item.mel.isfinite().all())


def test_softmax_attends_through_the_window_of_the_yaml(
    tmp_path, repository, texts
):
    export_small_model(
        tmp_path,
        repository,
        attention_type="regularMHA",
        attention_window=[0, 2],
    )
    tts = TTS.from_hparams(source=str(tmp_path / "model"))

    def extreme_steps():
        paths = [item.alignment.argmax(-1) for item in tts.speak(texts, seed=0)]
        steps = torch.cat([path.diff(dim=-1) for path in paths], dim=-1)
        return int(steps.min()), int(steps.max())

    lowest, highest = extreme_steps()
    assert lowest == 0 and 0 < highest <= 2
    tts.hparams.decoding = DecodingOptions()
    lowest, highest = extreme_steps()
    assert lowest < 0 and highest > 2  # else nothing is tested


@pytest.mark.parametrize("transition_agent", [True, False])
def test_forward_attention_has_the_options_of_the_yaml(
    tmp_path, repository, transition_agent
):
    export_small_model(
        tmp_path,
        repository,
        attention_type="forward",
        moves_per_query=3,
        transition_agent=transition_agent,
    )
    tts = TTS.from_hparams(source=str(tmp_path / "model"))
    for layer in tts.mods.model.decoder.layers:
        attention = layer.cross_attn
        assert attention.moves_per_query == 3
        assert (attention.transition_agent is not None) == transition_agent
