"""From recordings to styles, and from several styles to one."""

import pytest
import torch

from sb_sma.style import GlobalStyleTokens, ReferenceEncoder, StyleTokenLayer

N_MELS, STYLE = 20, 8
LENGTHS = [23, 10, 1]


def make_style_tokens(seed=0, query_width=6):
    torch.manual_seed(seed)
    return GlobalStyleTokens(
        ReferenceEncoder(n_mels=N_MELS, channels=[4, 6], width=6),
        StyleTokenLayer(
            n_tokens=5,
            token_width=3,
            query_width=query_width,
            num_heads=2,
            style_width=STYLE,
        ),
    ).eval()


@pytest.fixture
def style_tokens():
    return make_style_tokens()


def make_mel():
    generator = torch.Generator().manual_seed(1)
    mel = torch.randn(3, max(LENGTHS), N_MELS, generator=generator)
    return mel, torch.tensor(LENGTHS)


def assert_close(actual, expected, atol=1e-5):
    torch.testing.assert_close(actual, expected, rtol=0, atol=atol)


@torch.no_grad()
def test_different_references_give_different_styles_in_any_batch(style_tokens):
    """Weights that compete within the batch give one style to all that come
    alone."""
    mel, lengths = make_mel()
    style, weights = style_tokens(mel, lengths)
    alone = [
        style_tokens(mel[item, None, :length], lengths[item, None])
        for item, length in enumerate(LENGTHS)
    ]
    assert_close(torch.cat([style for style, _ in alone]), style)
    assert_close(torch.cat([weights for _, weights in alone]), weights)
    assert float(torch.pdist(style).min()) > 1e-3
    assert_close(weights.sum(dim=-1), torch.ones(3, 2))


@torch.no_grad()
def test_padding_changes_nothing(style_tokens):
    mel, lengths = make_mel()
    longer = torch.cat((mel, torch.full((3, 9, N_MELS), 7.0)), dim=1)
    for actual, expected in zip(
        style_tokens(longer, lengths), style_tokens(mel, lengths)
    ):
        assert_close(actual, expected)


def test_gradients_reach_every_parameter(style_tokens):
    style, _ = style_tokens.train()(*make_mel())
    style.square().sum().backward()
    for name, parameter in style_tokens.named_parameters():
        assert bool(parameter.grad.isfinite().all()), name
        assert bool(parameter.grad.any()), name


@torch.no_grad()
def test_bfloat16_stays_finite(style_tokens):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        style, weights = style_tokens(*make_mel())
    assert bool(style.isfinite().all()) and bool(weights.isfinite().all())


@torch.no_grad()
@pytest.mark.parametrize(
    "weights, shares",
    [
        ([1, 1, 1], [1 / 3, 1 / 3, 1 / 3]),
        ([0.5, 0.25, 0.25], [0.5, 0.25, 0.25]),
        ([2.0, 0.0, 2.0], [0.5, 0.0, 0.5]),
        ([2.0, -1.0, 0.0], [2.0, -1.0, 0.0]),
        ([-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]),
        (torch.tensor([0, 4, 0]), [0.0, 1.0, 0.0]),
    ],
    ids=["mean", "shares", "scaled", "away", "one-below-0", "tensor"],
)
def test_mix_is_a_weighted_mean(style_tokens, weights, shares):
    mel, lengths = make_mel()
    style, _ = style_tokens(mel, lengths)
    expected = sum(share * item for share, item in zip(shares, style))
    mixed = style_tokens.mix(mel, lengths, weights)
    assert mixed.shape == (1, STYLE)
    assert_close(mixed[0], expected)


@torch.no_grad()
def test_a_mix_of_one_style_is_that_style(style_tokens):
    mel, lengths = make_mel()
    style, _ = style_tokens(mel[:1], lengths[:1])
    twice = mel[:1].expand(2, -1, -1), lengths[:1].expand(2)
    assert_close(style_tokens.mix(*twice, [0.3, 0.5]), style)


@pytest.mark.parametrize(
    "weights",
    [
        [0.0, 0.0, 0.0],
        [1.0, -1.0, 0.0],
        [0.1, 0.2, -0.3],
        torch.tensor([0.1, 0.2, -0.3]),
        [torch.nan, 1.0, 1.0],
        [torch.inf, 1.0, 1.0],
    ],
    ids=["zeros", "cancel", "rounded", "rounded-float32", "nan", "inf"],
)
def test_weights_without_a_sum_are_refused(style_tokens, weights):
    with pytest.raises(ValueError, match="finite and their sum other than 0"):
        style_tokens.mix(*make_mel(), weights)


@pytest.mark.parametrize("weights", [[1.0, 1.0], [[1.0], [1.0], [1.0]], 1.0])
def test_one_weight_per_reference(style_tokens, weights):
    with pytest.raises(ValueError, match=r"\(B,\) = \(3,\), one per reference"):
        style_tokens.mix(*make_mel(), weights)


def test_mean_style_is_saved_and_loaded(style_tokens, tmp_path):
    assert torch.equal(style_tokens.mean_style, torch.zeros(STYLE))
    style, _ = style_tokens(*make_mel())
    style_tokens.set_mean_style(style.mean(dim=0))
    torch.save(style_tokens.state_dict(), tmp_path / "style.pt")
    loaded = make_style_tokens(seed=1)
    loaded.load_state_dict(torch.load(tmp_path / "style.pt", weights_only=True))
    assert torch.equal(loaded.mean_style, style.mean(dim=0))
    assert not style_tokens.mean_style.requires_grad


@pytest.mark.parametrize("shape", [(), (1,), (3, STYLE), (1, STYLE)])
def test_a_mean_style_of_another_shape_is_refused(style_tokens, shape):
    with pytest.raises(ValueError, match=r"\(style_width,\) = \(8,\); got"):
        style_tokens.set_mean_style(torch.zeros(shape))


def test_widths_that_do_not_fit_are_refused():
    with pytest.raises(
        ValueError,
        match=r"token_layer \(7\) must be width of reference_encoder \(6\)",
    ):
        make_style_tokens(query_width=7)
