"""What a style does to the memory of a text."""

import pytest
import torch

from sb_sma.style.conditioning import STYLE_COMBINATIONS
from sb_sma.style.registry import STYLES, make_style

LENGTHS = torch.tensor([5, 2])
SIZES = {
    "d_model": 16,
    "n_mels": 80,
    "n_tokens": 5,
    "style_width": 8,
    "num_heads": 2,
    "reference_channels": [4, 8],
    "reference_width": 6,
}


def make_conditioning(combination="add", **options):
    torch.manual_seed(0)
    return make_style("gst", combination=combination, **{**SIZES, **options})


@pytest.fixture(params=STYLE_COMBINATIONS)
def conditioning(request):
    return make_conditioning(request.param).eval()


def make_inputs():
    generator = torch.Generator().manual_seed(1)
    memory = torch.randn(2, 5, 16, generator=generator)
    memory[1, 2:] = 0.0
    return memory, torch.randn(2, 8, generator=generator)


@torch.no_grad()
def test_a_batch_gives_what_its_items_give_alone(conditioning):
    memory, style = make_inputs()
    out = conditioning(memory, LENGTHS, style)
    assert bool((out[1, 2:] == 0).all())
    for item, length in enumerate(LENGTHS.tolist()):
        alone = conditioning(
            memory[item, None, :length],
            torch.tensor([length]),
            style[item, None],
        )
        torch.testing.assert_close(out[item, :length], alone[0])


@torch.no_grad()
def test_every_token_hears_the_style(conditioning):
    memory, style = make_inputs()
    changed = conditioning(memory, LENGTHS, style) != conditioning(
        memory, LENGTHS, -style
    )
    assert changed.any(-1).tolist() == [[True] * 5, [True] * 2 + [False] * 3]


@torch.no_grad()
@pytest.mark.parametrize("shape", [(8,), (1, 8)], ids=["S", "1S"])
def test_one_style_is_for_all_items(conditioning, shape):
    memory, style = make_inputs()
    expected = conditioning(memory, LENGTHS, style[0].expand(2, -1))
    got = conditioning(memory, LENGTHS, style[0].view(shape))
    torch.testing.assert_close(got, expected)


def test_adding_keeps_what_the_text_says():
    conditioning = make_conditioning("add")
    memory, style = make_inputs()
    added = conditioning(memory, LENGTHS, style) - memory
    torch.testing.assert_close(added[0], added[0, :1].expand(5, -1))


def test_a_style_of_another_shape_is_refused():
    memory, _ = make_inputs()
    with pytest.raises(ValueError, match=r"style must have shape .*\(3, 8\)"):
        make_conditioning()(memory, LENGTHS, torch.rand(3, 8))


def test_unknown_words_list_the_known_ones():
    with pytest.raises(ValueError, match="one of none, gst; got 'gsts'"):
        make_style("gsts", **SIZES, combination="add")
    with pytest.raises(ValueError, match="one of add, concatenate; got 'sum'"):
        make_conditioning("sum")
    assert list(STYLES) == ["none", "gst"]


def test_tokens_learn_through_the_memory(conditioning):
    memory, _ = make_inputs()
    mel, lengths = torch.randn(2, 9, 80), torch.tensor([9, 4])
    style, _ = conditioning.tokens(mel, lengths)
    conditioning(memory, LENGTHS, style).square().sum().backward()
    for name, parameter in conditioning.named_parameters():
        assert parameter.grad is not None, name
        assert bool((parameter.grad != 0).any()), name


def test_heads_share_the_width_of_the_style():
    message = (
        r"num_heads \(3; style_heads in the YAML\) must divide style_width"
    )
    with pytest.raises(ValueError, match=message):
        make_conditioning(num_heads=3)
