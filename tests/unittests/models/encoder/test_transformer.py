"""One vector per token, whatever the batch."""

import pytest
import torch
from speechbrain.lobes.models.transformer.Transformer import TransformerEncoder

from sb_sma.models.encoder.transformer import (
    ENCODER_ATTENTION_TYPES,
    TransformerTextEncoder,
)
from sb_sma.ops.dropout import Dropout

LENGTHS = [9, 5, 1]


def make_encoder(**options):
    torch.manual_seed(0)
    arguments = {
        "n_tokens": 12,
        "d_model": 16,
        "nhead": 2,
        "num_layers": 2,
        "d_ffn": 32,
        **options,
    }
    return TransformerTextEncoder(**arguments).eval()


def make_tokens():
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(2, 12, (3, 9), generator=generator)
    lengths = torch.tensor(LENGTHS)
    return tokens * (torch.arange(9) < lengths[:, None]), lengths


@pytest.fixture(params=ENCODER_ATTENTION_TYPES)
def encoder(request):
    return make_encoder(encoder_attention_type=request.param)


@torch.no_grad()
@pytest.mark.parametrize("fill", [0, 7], ids=["zeros", "tokens"])
def test_padding_changes_nothing(encoder, fill):
    tokens, lengths = make_tokens()
    memory = encoder(tokens, lengths)
    longer = torch.cat((tokens, torch.full((3, 6), fill)), dim=1)
    longer[1, 5:] = fill
    memory_longer = encoder(longer, lengths)
    torch.testing.assert_close(memory_longer[:, :9], memory, rtol=0, atol=1e-5)
    padding = torch.arange(15) >= lengths[:, None]
    assert bool((memory_longer[padding] == 0).all())


@torch.no_grad()
def test_a_batch_gives_what_its_items_give_alone(encoder):
    tokens, lengths = make_tokens()
    memory = encoder(tokens, lengths)
    for item, length in enumerate(LENGTHS):
        alone = encoder(tokens[item, None, :length], torch.tensor([length]))
        torch.testing.assert_close(
            memory[item, :length], alone[0], rtol=0, atol=1e-5
        )


@torch.no_grad()
def test_the_order_of_tokens_far_apart_is_heard(encoder):
    # further apart than the convolutions reach
    tokens = torch.full((2, 40), 3)
    tokens[0, 5], tokens[1, 6] = 4, 4
    memory = encoder(tokens, torch.tensor([40, 40]))
    assert not torch.allclose(memory[0, 30], memory[1, 30], atol=1e-6)


def test_gradients_reach_every_parameter(encoder):
    encoder.train()
    encoder(*make_tokens()).square().sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert bool(parameter.grad.isfinite().all()), name
    assert bool((encoder.embedding.weight.grad[0] == 0).all())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_stays_finite(encoder, dtype):
    with torch.no_grad(), torch.autocast("cpu", dtype=dtype):
        memory = encoder(*make_tokens())
    assert bool(memory.isfinite().all())


@pytest.mark.parametrize("prenet_layers", [0, 1, 3])
def test_prenet_layers_are_counted(prenet_layers):
    encoder = make_encoder(prenet_layers=prenet_layers)
    assert len(encoder.prenet.convs) == prenet_layers
    assert encoder(*make_tokens()).shape == (3, 9, 16)


@pytest.mark.parametrize("typo", ["SMA", "regularmha", ""])
def test_a_typo_lists_the_choices(typo):
    with pytest.raises(
        ValueError,
        match="encoder_attention_type must be one of regularMHA, RelPosMHAXL, "
        f"RoPEMHA; got '{typo}'",
    ):
        make_encoder(encoder_attention_type=typo)


@pytest.mark.parametrize("name", ENCODER_ATTENTION_TYPES)
def test_heads_that_do_not_divide_the_width_are_refused(name):
    with pytest.raises(ValueError, match=r"nhead \(3\) must divide d_model"):
        make_encoder(nhead=3, encoder_attention_type=name)


def test_all_dropout_has_cheap_masks(encoder):
    kinds = {
        type(module)
        for module in encoder.modules()
        if isinstance(module, torch.nn.Dropout)
    }
    assert kinds == {Dropout}


@torch.no_grad()
@pytest.mark.parametrize("attention_type", ["regularMHA", "RoPEMHA"])
def test_layers_are_those_of_speechbrain(attention_type):
    encoder = make_encoder(encoder_attention_type=attention_type)
    theirs = TransformerEncoder(
        num_layers=2,
        nhead=2,
        d_ffn=32,
        d_model=16,
        normalize_before=True,
        attention_type=attention_type,
    ).eval()
    theirs.load_state_dict(encoder.transformer.state_dict())
    features = torch.randn(2, 5, 16)
    ours, _ = encoder.transformer(features)
    torch.testing.assert_close(ours, theirs(features)[0])
