"""Every text encoder that YAML can name keeps the same promises."""

import pytest
import torch

from sb_sma.models.encoder.registry import ENCODER_TYPES, make_text_encoder

LENGTHS = torch.tensor([9, 5, 1])
SIZES = {
    "n_tokens": 12,
    "d_model": 16,
    "nhead": 2,
    "num_layers": 2,
    "dropout": 0.1,
    "prenet_layers": 1,
    "prenet_kernel_size": 3,
}
OPTIONS = {
    "transformer": {"d_ffn": 32, "encoder_attention_type": "RoPEMHA"},
    "conformer": {"kernel_size": 5},
    "ConformerEncoder": {
        "d_ffn": 32,
        "encoder_attention_type": "RelPosMHAXL",
        "kernel_size": 5,
    },
}


def make_encoder(encoder_type, **changes):
    torch.manual_seed(0)
    chosen = {**OPTIONS[encoder_type], **changes}
    encoder = make_text_encoder(encoder_type, {encoder_type: chosen}, **SIZES)
    # what is near zero at the start would hide a leak
    for name, parameter in encoder.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter)
    return encoder.eval()


@pytest.fixture(params=ENCODER_TYPES)
def encoder(request):
    return make_encoder(request.param)


def make_tokens():
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(2, 12, (3, 9), generator=generator)
    return tokens * (torch.arange(9) < LENGTHS[:, None])


@torch.no_grad()
def test_padding_changes_nothing(encoder):
    tokens = make_tokens()
    memory = encoder(tokens, LENGTHS)
    longer = torch.cat((tokens, torch.full((3, 30), 7)), dim=1)
    longer_memory = encoder(longer, LENGTHS)
    torch.testing.assert_close(longer_memory[:, :9], memory, rtol=0, atol=1e-5)
    padding = torch.arange(39) >= LENGTHS[:, None]
    assert bool((longer_memory[padding] == 0).all())


@torch.no_grad()
def test_a_batch_gives_what_its_items_give_alone(encoder):
    tokens = make_tokens()
    memory = encoder(tokens, LENGTHS)
    for item, length in enumerate(LENGTHS.tolist()):
        alone = encoder(tokens[item, None, :length], torch.tensor([length]))
        torch.testing.assert_close(
            memory[item, :length], alone[0], rtol=0, atol=1e-5
        )


@torch.no_grad()
def test_every_token_hears_the_others(encoder):
    tokens = make_tokens()[:1]
    changed = tokens.clone()
    changed[0, 8] = 2 if tokens[0, 8] != 2 else 3
    lengths = LENGTHS[:1]
    moved = encoder(tokens, lengths) != encoder(changed, lengths)
    assert bool(moved.any(-1).all())


def test_every_parameter_learns(encoder):
    encoder.train()
    memory = encoder(make_tokens(), LENGTHS)
    (memory * torch.randn_like(memory)).sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name


@torch.no_grad()
def test_bfloat16_is_near(encoder):
    expected = encoder(make_tokens(), LENGTHS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        memory = encoder(make_tokens(), LENGTHS)
    torch.testing.assert_close(memory.float(), expected, rtol=0, atol=0.2)


@torch.no_grad()
@pytest.mark.parametrize("encoder_type", ENCODER_TYPES)
def test_weights_in_bfloat16_are_near(encoder_type):
    # SpeechBrain's RelPosMHAXL refuses them
    rotary = {"encoder_attention_type": "RoPEMHA"}
    changes = rotary if encoder_type == "ConformerEncoder" else {}
    encoder = make_encoder(encoder_type, **changes)
    expected = encoder(make_tokens(), LENGTHS)
    memory = encoder.bfloat16()(make_tokens(), LENGTHS)
    assert memory.dtype == torch.bfloat16
    torch.testing.assert_close(memory.float(), expected, rtol=0, atol=0.2)


@torch.no_grad()
@pytest.mark.parametrize("kind", ["regularMHA", "RelPosMHAXL", "RoPEMHA"])
def test_the_order_of_tokens_matters_in_speechbrains_conformer(kind):
    encoder = make_encoder("ConformerEncoder", encoder_attention_type=kind)
    tokens, lengths = make_tokens()[:1], LENGTHS[:1]
    backwards = encoder(tokens.flip(1), lengths).flip(1)
    assert not torch.allclose(encoder(tokens, lengths), backwards, atol=1e-3)


@pytest.mark.parametrize("encoder_type", ["conformer", "ConformerEncoder"])
def test_an_even_kernel_is_refused(encoder_type):
    with pytest.raises(ValueError, match="must be odd .*; got 4"):
        make_encoder(encoder_type, kernel_size=4)


def test_unknown_names_list_the_known_ones():
    with pytest.raises(
        ValueError,
        match="one of transformer, conformer, ConformerEncoder; got 'x'",
    ):
        make_text_encoder("x", {}, **SIZES)
