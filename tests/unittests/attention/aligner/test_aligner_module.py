"""Frames are owned by tokens in the order of the text, nothing later or padded
changes that, and the public form gives the public module's numbers.
"""

import math

import pytest
import torch
import torch.nn.functional as F

from sb_sma.attention import StepwiseMonotonicReferenceAttention
from sb_sma.ops.focus_rate import focus_rate

WIDTH, HEADS = 12, 3

# (T, M) of each item
BATCHES = [
    pytest.param([(1, 1)], id="one-of-all"),
    pytest.param([(7, 19), (5, 15), (6, 11)], id="three"),
    pytest.param([(5, 5), (2, 13)], id="as-many-frames-as-tokens"),
    pytest.param([(4, 9), (0, 3), (1, 7)], id="one-without-text"),
]
HEAD_OPTIONS = ["all", "focused", 0.6]
SWITCH = pytest.mark.parametrize("monotonic", [True, False], ids=["on", "off"])


def make_attention(monotonic=True, **options):
    """A module with energies that differ, in evaluation mode."""
    torch.manual_seed(0)
    options = {"d_k": 4, "d_v": 5, "frames_per_token": 3.0, **options}
    attention = StepwiseMonotonicReferenceAttention(
        WIDTH, n_head=HEADS, is_tunable=monotonic, **options
    )
    with torch.no_grad():
        attention.form.query_proj.weight.mul_(6.0)
    return attention.eval()


def make_inputs(shapes, seed=1):
    """Text, mel and their lengths, padding filled with noise."""
    generator = torch.Generator().manual_seed(seed)
    text_lengths, mel_lengths = torch.tensor(shapes).T
    text, mel = (
        torch.randn(len(shapes), int(n.max()), WIDTH, generator=generator)
        for n in (text_lengths, mel_lengths)
    )
    return text, mel, text_lengths, mel_lengths


def assert_close(actual, expected, atol=1e-5):
    torch.testing.assert_close(actual, expected, rtol=0, atol=atol)


def by_hand(attention, text, mel):
    """Contexts (T, D) and owners (H, M, T) of one item, in plain loops."""
    form = attention.form
    tokens, frames = form.query_proj(text), form.key_proj(mel)
    values = form.value_proj(mel)
    d_k, d_v = tokens.shape[-1] // HEADS, values.shape[-1] // HEADS
    contexts, alphas = [], []
    for head in range(HEADS):
        key = slice(head * d_k, (head + 1) * d_k)
        value = slice(head * d_v, (head + 1) * d_v)
        energies = frames[:, key] @ tokens[:, key].T / math.sqrt(d_k)
        p_stay = (energies + form.stay_bias[head]).sigmoid()
        alpha = [1.0] + [0.0] * (len(text) - 1)
        rows = []
        for stay in p_stay.tolist():
            stay[-1] = 1.0
            came = [0.0] + [a * (1.0 - p) for a, p in zip(alpha, stay)]
            alpha = [a * p + c for a, p, c in zip(alpha, stay, came)]
            rows.append(alpha)
        rows = torch.tensor(rows)  # (M, T)
        if not attention.monotonic:
            rows = energies.softmax(dim=-1)
        alphas.append(rows)
        contexts.append((rows / rows.sum(dim=0)).T @ values[:, value])
    return form.out_proj(torch.cat(contexts, dim=-1)), torch.stack(alphas)


@SWITCH
@pytest.mark.parametrize("shapes", BATCHES)
def test_every_token_reads_the_mean_of_its_frames(shapes, monotonic):
    attention = make_attention(monotonic)
    text, mel, text_lengths, mel_lengths = make_inputs(shapes)
    out = attention(text, mel, text_lengths, mel_lengths)
    assert out.alignment.shape == (
        len(shapes),
        HEADS,
        text.shape[1],
        mel.shape[1],
    )
    for item, (tokens, frames) in enumerate(shapes):
        if tokens:
            context, owners = by_hand(
                attention, text[item, :tokens], mel[item, :frames]
            )
            assert_close(out.context[item, :tokens], context)
            assert_close(
                out.alignment[item, :, :tokens, :frames], owners.mT, atol=1e-6
            )
            assert_close(out.focus_rate[item], owners.amax(dim=-1).mean(dim=-1))
        assert bool((out.context[item, tokens:] == 0).all())
        assert bool((out.alignment[item, :, tokens:] == 0).all())
        assert bool((out.alignment[item, :, :, frames:] == 0).all())


@SWITCH
@pytest.mark.parametrize("heads", HEAD_OPTIONS)
def test_weights_of_a_token_over_its_frames_sum_to_one(heads, monotonic):
    """Seen from outside: equal values come out as they went in."""
    attention = make_attention(monotonic, heads=heads)
    with torch.no_grad():
        attention.form.value_proj.weight.zero_()
    shapes = [(7, 19), (5, 15), (6, 11)]
    out = attention(*make_inputs(shapes))
    expected = attention.form.out_proj(attention.form.value_proj.bias)
    for item, (tokens, frames) in enumerate(shapes):
        assert_close(out.context[item, :tokens], expected.expand(tokens, WIDTH))
        assert_close(
            out.alignment[item].sum(dim=1)[:, :frames],
            torch.ones(HEADS, frames),
        )


@SWITCH
def test_a_token_that_owns_nothing_gives_finite_numbers(monotonic):
    attention = make_attention(monotonic)
    with torch.no_grad():
        attention.form.stay_bias.fill_(200.0)
        if not monotonic:
            attention.form.query_proj.weight.mul_(1e3)
    text, mel, *lengths = make_inputs([(6, 8), (5, 8)])
    text.requires_grad_()
    out = attention(text, mel, *lengths)
    assert bool((out.alignment.sum(dim=-1) < 1e-20).any())
    out.context.square().sum().backward()
    assert bool(out.context.isfinite().all())
    assert bool(text.grad.isfinite().all())
    parameters = attention.parameters()
    gradients = [p.grad for p in parameters if p.grad is not None]
    assert gradients and all(bool(g.isfinite().all()) for g in gradients)


@SWITCH
@pytest.mark.parametrize("more", [1, 6])
def test_appended_frames_change_no_earlier_column(more, monotonic):
    attention = make_attention(monotonic)
    text, mel, text_lengths, mel_lengths = make_inputs([(4, 15), (3, 11)])
    later = torch.full((2, more, WIDTH), 3.0)
    for item, frames in enumerate((15, 11)):
        alone = mel[item, None, :frames]
        longer = torch.cat((alone, later[item, None]), dim=1)
        tokens = text_lengths[item, None]
        before, after = (
            attention(text[item, None], m, tokens, torch.tensor([m.shape[1]]))
            for m in (alone, longer)
        )
        assert_close(after.alignment[..., :frames], before.alignment, atol=1e-6)


@SWITCH
def test_columns_have_no_gradient_from_later_frames(monotonic):
    attention = make_attention(monotonic)
    text, mel, *lengths = make_inputs([(4, 8), (3, 6)])
    mel.requires_grad_()
    alignment = attention(text, mel, *lengths).alignment
    for frame in range(8):
        (gradient,) = torch.autograd.grad(
            alignment[..., frame].square().sum(), mel, retain_graph=True
        )
        assert bool((gradient[:, frame + 1 :] == 0).all())
        assert bool((gradient[0, frame] != 0).any())


@SWITCH
@pytest.mark.parametrize("heads", HEAD_OPTIONS)
@pytest.mark.parametrize("fill", [0.0, 50.0, math.nan], ids=str)
def test_padding_changes_nothing(fill, heads, monotonic):
    attention = make_attention(monotonic, heads=heads)
    text, mel, *lengths = make_inputs([(7, 19), (5, 15), (6, 11)])
    out = attention(text, mel, *lengths)
    more = torch.full((3, 4, WIDTH), fill)
    padded = attention(
        torch.cat((text, more), dim=1), torch.cat((mel, more), dim=1), *lengths
    )
    assert_close(padded.context[:, :7], out.context)
    assert_close(padded.alignment[:, :, :7, :19], out.alignment)
    assert_close(padded.focus_rate, out.focus_rate)
    assert bool((padded.context[:, 7:] == 0).all())


@SWITCH
@pytest.mark.parametrize("heads", HEAD_OPTIONS)
@pytest.mark.parametrize("shapes", BATCHES)
def test_a_batch_gives_what_its_items_give_alone(shapes, heads, monotonic):
    attention = make_attention(monotonic, heads=heads)
    text, mel, *lengths = make_inputs(shapes)
    out = attention(text, mel, *lengths)
    for item, (tokens, frames) in enumerate(shapes):
        if not tokens:
            continue
        alone = attention(
            text[item, None, :tokens],
            mel[item, None, :frames],
            torch.tensor([tokens]),
            torch.tensor([frames]),
        )
        assert_close(out.context[item, None, :tokens], alone.context)
        assert_close(
            out.alignment[item, None, :, :tokens, :frames], alone.alignment
        )
        assert_close(out.focus_rate[item, None], alone.focus_rate)


def test_fewer_frames_than_tokens_is_an_error_of_the_walk_alone():
    attention = make_attention()
    inputs = make_inputs([(4, 9), (5, 4), (3, 2)])
    message = (
        r"mel_lengths must be at least text_lengths .* item 1 has 4 frames "
        r"for 5 tokens.*set_monotonic\(False\)"
    )
    with pytest.raises(ValueError, match=message):
        attention(*inputs)
    attention.set_monotonic(False)
    assert bool(attention(*inputs).context.isfinite().all())
    attention.set_monotonic(True)
    with pytest.raises(ValueError, match=message):
        attention(*inputs)


@pytest.mark.parametrize("name", ["text_lengths", "mel_lengths"])
@pytest.mark.parametrize(
    "lengths, message",
    [
        (torch.tensor([1.0, 0.5]), "must be integer counts"),
        (torch.tensor([1]), r"must have shape \(2,\)"),
    ],
    ids=["relative", "too few"],
)
def test_lengths_are_counts(name, lengths, message):
    text, mel, text_lengths, mel_lengths = make_inputs([(4, 9), (3, 7)])
    given = {"text_lengths": text_lengths, "mel_lengths": mel_lengths}
    given[name] = lengths
    with pytest.raises(ValueError, match=f"{name} {message}"):
        make_attention()(text, mel, **given)


def reading_heads(heads, monotonic=True):
    """What each head reads by with `heads`, and what it finds itself."""
    inputs = make_inputs([(7, 30), (5, 15), (6, 22)])
    own = make_attention(monotonic)(*inputs)
    read = make_attention(monotonic, heads=heads)(*inputs)
    assert_close(read.focus_rate, own.focus_rate)
    return own, read


@SWITCH
def test_focused_reads_by_the_head_with_the_highest_focus_rate(monotonic):
    own, read = reading_heads("focused", monotonic)
    best = own.focus_rate.argmax(dim=-1)
    assert len(best.unique()) > 1, "items should differ in their best head"
    for item, head in enumerate(best):
        expected = own.alignment[item, head].expand(HEADS, -1, -1)
        assert_close(read.alignment[item], expected)
    assert not torch.allclose(read.context, own.context, atol=1e-3)


@SWITCH
def test_threshold_keeps_the_heads_that_reach_it(monotonic):
    rates = reading_heads("all", monotonic)[0].focus_rate
    threshold = rates[0].sort().values[1].item()
    own, read = reading_heads(threshold, monotonic)
    kept = rates >= threshold
    assert kept[0].sum() == HEADS - 1
    best = rates.argmax(dim=-1)
    for item in range(3):
        for head in range(HEADS):
            source = head if kept[item, head] else best[item]
            assert_close(
                read.alignment[item, head], own.alignment[item, source]
            )


def test_threshold_that_no_head_reaches_is_focused():
    _, unreached = reading_heads(1.0)
    _, focused = reading_heads("focused")
    assert_close(unreached.context, focused.context)
    assert bool((unreached.focus_rate < 1.0).all())


def test_heads_that_are_not_used_read_by_nothing_of_their_own():
    attention = make_attention(heads="focused")
    inputs = make_inputs([(7, 30)])
    out = attention(*inputs)
    unused = int(out.focus_rate[0].argmin())
    out.context.sum().backward()
    gradient = attention.form.query_proj.weight.grad.unflatten(0, (HEADS, -1))
    assert bool((gradient[unused] == 0).all())
    assert bool((gradient[int(out.focus_rate[0].argmax())] != 0).any())


@pytest.mark.parametrize("heads", ["threshold", "", 1.5, -0.1, math.nan])
def test_unknown_heads_are_an_error(heads):
    with pytest.raises(
        ValueError, match="heads must be one of all, focused, or a focus rate"
    ):
        make_attention(heads=heads)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"d_k": 0}, "d_k must be 1 or more; got 0"),
        ({"noise_std": -1.0}, "noise_std must be 0 or more; got -1.0"),
        ({"frames_per_token": 0.0}, "frames_per_token must be above 0"),
        ({"frames_per_token": math.nan}, "frames_per_token must be above 0"),
    ],
    ids=str,
)
def test_numbers_out_of_range_are_errors(options, message):
    with pytest.raises(ValueError, match=message):
        make_attention(**options)


def test_a_walk_that_knows_the_frames_is_perfectly_focused():
    """Energies of a diagonal: each token owns its frames and no other."""
    attention = StepwiseMonotonicReferenceAttention(6, d_k=6, d_v=6, n_head=1)
    with torch.no_grad():
        for layer in (attention.form.query_proj, attention.form.key_proj):
            layer.weight.copy_(torch.eye(6) * 20.0)
            layer.bias.zero_()
        attention.form.stay_bias.fill_(-80.0)
    durations = torch.tensor([3, 1, 4, 2])
    path = torch.arange(4).repeat_interleave(durations)
    text, mel = torch.eye(6)[None, :4], torch.eye(6)[None, path]
    lengths = torch.tensor([4]), torch.tensor([10])
    out = attention(text, mel, *lengths)
    assert_close(out.alignment[0, 0], F.one_hot(path).T.float())
    assert_close(out.focus_rate, torch.ones(1, 1))
    assert_close(focus_rate(out.alignment.mT, *lengths[::-1]), out.focus_rate)


def test_switch_is_in_the_checkpoint():
    inputs = make_inputs([(7, 19), (5, 15)])
    attention = make_attention()
    walked = attention(*inputs).alignment
    attention.monotonic = False
    attended = attention(*inputs).alignment
    assert not torch.allclose(walked, attended, atol=1e-3)

    other = make_attention(monotonic=True)
    assert other.monotonic
    other.load_state_dict(attention.state_dict())
    assert not other.monotonic
    assert_close(other(*inputs).alignment, attended)
    other.set_monotonic(True)
    assert_close(other(*inputs).alignment, walked)
    assert attention.monotonic is False


def test_switching_keeps_the_scale_of_the_context():
    """The means of long and short tokens are means either way."""
    attention = make_attention()
    text, mel, *lengths = make_inputs([(5, 60), (5, 10)])
    mel = mel.roll(1, dims=0) * 0.0 + 1.0
    walked = attention(text, mel, *lengths).context
    attention.set_monotonic(False)
    assert_close(attention(text, mel, *lengths).context, walked)


@pytest.mark.parametrize(
    "frames_per_token, p_stay", [(8.0, 0.875), (1.0, 1 - 1 / 1.1), (1e3, 0.98)]
)
def test_bias_starts_at_the_length_of_a_token(frames_per_token, p_stay):
    attention = make_attention(frames_per_token=frames_per_token)
    expected = torch.full((HEADS,), p_stay).logit()
    assert_close(attention.form.stay_bias.detach(), expected)
    attention.set_frames_per_token(2.0)
    assert_close(attention.form.stay_bias.detach(), torch.zeros(HEADS))


def test_noise_is_there_in_training_alone():
    attention = make_attention(noise_std=2.0)
    inputs = make_inputs([(7, 19), (5, 15)])
    quiet = attention(*inputs).alignment
    assert_close(attention(*inputs).alignment, quiet, atol=0.0)
    attention.train()
    assert not torch.allclose(attention(*inputs).alignment, quiet, atol=1e-2)
    attention.noise_std = 0.0
    assert_close(attention(*inputs).alignment, quiet, atol=0.0)


def test_dropout_leaves_the_alignment_whole():
    attention = make_attention(dropout=0.5).train()
    inputs = make_inputs([(7, 19), (5, 15)])
    first, second = attention(*inputs), attention(*inputs)
    assert_close(first.alignment, second.alignment, atol=0.0)
    assert not torch.allclose(first.context, second.context, atol=1e-2)


@SWITCH
@pytest.mark.parametrize("heads", HEAD_OPTIONS)
def test_bfloat16_is_finite_and_keeps_its_mass(heads, monotonic):
    attention = make_attention(monotonic, heads=heads).bfloat16()
    text, mel, *lengths = make_inputs([(20, 300), (17, 211)])
    out = attention(text.bfloat16(), mel.bfloat16(), *lengths)
    assert out.context.dtype == torch.bfloat16
    assert bool(out.context.isfinite().all())
    owned = out.alignment.sum(dim=2)
    assert_close(owned[1, :, :211].float(), torch.ones(HEADS, 211))
    out.context.float().square().sum().backward()
    gradients = [p.grad for p in attention.parameters() if p.grad is not None]
    assert all(bool(g.isfinite().all()) for g in gradients)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = make_attention(monotonic)(text, mel, *lengths)
    assert bool(out.context.isfinite().all())


N_SYMBOLS, N_TOKENS = 8, 6


def make_corpus(n_items, generator):
    """Texts of a small alphabet, each symbol heard as a vector of its own."""
    # steps other than 0, so that no symbol follows itself
    steps = (n_items, N_TOKENS)
    steps = torch.randint(1, N_SYMBOLS, steps, generator=generator)
    symbols = steps.cumsum(dim=1) % N_SYMBOLS
    durations = torch.randint(2, 8, symbols.shape, generator=generator)
    paths = [torch.arange(N_TOKENS).repeat_interleave(d) for d in durations]
    paths = torch.nn.utils.rnn.pad_sequence(
        paths, batch_first=True, padding_value=N_TOKENS - 1
    )  # (B, M)
    text = 2.0 * torch.eye(N_SYMBOLS)[symbols]
    mel = text.gather(1, paths[..., None].expand(-1, -1, N_SYMBOLS))
    mel = mel + 0.1 * torch.randn(mel.shape, generator=generator)
    lengths = torch.full((n_items,), N_TOKENS), durations.sum(dim=1)
    return (text, mel, *lengths), paths


def boundary_distances(attention, inputs, paths):
    """Tokens between the true and the found one, at each true boundary."""
    with torch.no_grad():
        found = attention(*inputs).alignment[:, 0].argmax(dim=1)  # (B, M)
    # the padding of a path repeats its end
    begins = paths.diff(dim=1) == 1
    return (found - paths)[:, 1:][begins].abs()


def test_learns_which_frames_belong_to_which_token():
    """From the audio alone: tokens upsampled by the alignment say it again."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    attention = StepwiseMonotonicReferenceAttention(
        N_SYMBOLS,
        d_k=64,
        d_v=N_SYMBOLS,
        n_head=1,
        noise_std=0.5,
        frames_per_token=4.5,
    )
    # a walk that moves where it hears its token, not where it no longer does,
    # is one token ahead and nearly as good: the start decides between them
    attention.form.key_proj.load_state_dict(
        attention.form.query_proj.state_dict()
    )
    held_out = make_corpus(64, generator)
    before = boundary_distances(attention.eval(), *held_out)
    assert float((before == 0).float().mean()) < 0.5

    attention.train()
    optimizer = torch.optim.Adam(attention.parameters(), lr=5e-3)
    for _ in range(250):
        inputs, _ = make_corpus(16, generator)
        _, mel, _, mel_lengths = inputs
        out = attention(*inputs)
        heard = out.alignment[:, 0].mT @ out.context
        valid = torch.arange(mel.shape[1]) < mel_lengths[:, None]
        loss = (heard - mel)[valid].square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    after = boundary_distances(attention.eval(), *held_out)
    assert float((after <= 1).float().mean()) > 0.95
    assert float((after == 0).float().mean()) > 0.9
    rates = attention(*held_out[0]).focus_rate
    assert bool((rates > 0.9).all())


def load_golden(shared, name):
    path = shared / "golden" / f"{name}.pt"
    if not path.exists():
        pytest.skip(f"there is no {path}")
    return torch.load(path, weights_only=True)


def assert_near(actual, golden, name):
    bound = 1e-5 * max(1.0, float(golden.abs().max()))
    error = float((actual - golden).abs().max().detach())
    assert error <= bound, f"{name}: {error} > {bound}"


@pytest.mark.parametrize("name", ["keonlee_sma_off", "keonlee_sma_on"])
def test_public_form_gives_the_golden_numbers(shared, name):
    golden = load_golden(shared, name)
    attention = StepwiseMonotonicReferenceAttention(
        **golden["config"], legacy=True
    ).eval()
    attention.load_public_state_dict(golden["state_dict"])
    text, mel = (
        golden["inputs"][key].clone().requires_grad_() for key in ("q", "k")
    )
    text_lengths = (~golden["inputs"]["text_mask"]).sum(dim=(1, 2))
    mel_lengths = (~golden["inputs"]["attn_mask"][:, 0]).sum(dim=1)
    out = attention(text, mel, text_lengths, mel_lengths)
    for actual, expected, what in zip(
        out, golden["outputs"], ("context", "alignment", "focus rate")
    ):
        assert_near(actual, torch.as_tensor(expected), what)

    (out.context * golden["output_weight"]).sum().backward()
    assert_near(text.grad, golden["input_grads"]["q"], "q")
    assert_near(mel.grad, golden["input_grads"]["k"], "k")
    layers = {
        "energy.w_qs": attention.form.query_proj,
        "energy.w_ks": attention.form.key_proj,
        "energy.w_vs": attention.form.value_proj,
        "last_layer": attention.form.out_proj,
        "layer_norm": attention.form.layer_norm,
    }
    assert len(golden["param_grads"]) == 2 * len(layers)
    for key, expected in golden["param_grads"].items():
        layer, kind = key.rsplit(".", 1)
        assert_near(getattr(layers[layer], kind).grad, expected, key)


def public_by_hand(attention, text, mel, text_lengths, mel_lengths):
    """The public formulas, frame by frame and head by head."""
    form, n_head = attention.form, attention.form.n_head
    outs, chosen, best_rates = [], [], []
    for item, (tokens, frames) in enumerate(
        zip(text_lengths.tolist(), mel_lengths.tolist())
    ):
        queries = form.query_proj(text[item]).chunk(n_head, dim=-1)
        keys = form.key_proj(mel[item]).chunk(n_head, dim=-1)
        values = form.value_proj(mel[item]).chunk(n_head, dim=-1)
        heads, rates = [], []
        for query, key in zip(queries, keys):
            energies = query @ key.T / math.sqrt(query.shape[-1])
            weights = torch.zeros_like(energies)
            weights[:tokens, :frames] = energies[:tokens, :frames].softmax(-1)
            heads.append(weights)
            rates.append(weights.max(dim=0).values.sum() / frames)
        rates = torch.stack(rates)
        best = int(rates.argmax())
        chosen.append(heads[best])
        best_rates.append(rates[best])
        if attention.monotonic:
            p_stay = heads[best].sigmoid()
            alpha = torch.eye(text.shape[1], dtype=text.dtype)[0]
            columns = []
            for frame in range(mel.shape[1]):
                p = p_stay[:, frame]
                moved = (alpha * (1 - p)).roll(1)
                moved = moved * (torch.arange(len(p)) > 0)
                alpha = alpha * p + moved
                columns.append(alpha)
            heads = [torch.stack(columns, dim=1)] * n_head
        context = torch.cat([w @ v for w, v in zip(heads, values)], dim=-1)
        outs.append(form.layer_norm(form.out_proj(context)))
    return torch.stack(outs), torch.stack(chosen), torch.stack(best_rates)


PUBLIC_SIZES = [
    pytest.param((12, 4, 4, 3), [(7, 19), (5, 15), (6, 11)], id="three-heads"),
    pytest.param((10, 3, 7, 1), [(5, 40)], id="one-head-other-widths"),
    pytest.param(
        (8, 5, 2, 5), [(9, 4), (2, 13)], id="fewer-frames-than-tokens"
    ),
    pytest.param((6, 2, 3, 2), [(1, 1), (3, 1)], id="one-frame"),
]


@SWITCH
@pytest.mark.parametrize("sizes, shapes", PUBLIC_SIZES)
def test_public_form_is_the_public_formulas(sizes, shapes, monotonic):
    torch.manual_seed(3)
    attention = StepwiseMonotonicReferenceAttention(
        *sizes, noise_std=1.0, dropout=0.1, is_tunable=monotonic, legacy=True
    )
    attention = attention.double().eval()
    text_lengths, mel_lengths = torch.tensor(shapes).T
    text, mel = (
        torch.randn(len(shapes), int(n.max()), sizes[0]).double()
        for n in (text_lengths, mel_lengths)
    )
    leaves = [text.requires_grad_(), mel.requires_grad_()]
    leaves += attention.parameters()
    inputs = text, mel, text_lengths, mel_lengths
    out = attention(*inputs)
    context, chosen, rates = public_by_hand(attention, *inputs)
    assert_close(out.context, context, atol=1e-10)
    assert_close(out.alignment, chosen, atol=1e-10)
    assert_close(out.focus_rate, rates.mean(), atol=1e-10)
    weight = torch.randn_like(context)
    gradients, expected = (
        torch.autograd.grad((result * weight).sum(), leaves)
        for result in (out.context, context)
    )
    for actual, gradient in zip(gradients, expected):
        assert_close(actual, gradient, atol=1e-10)


def test_public_form_runs_off_the_end_of_the_text():
    attention = StepwiseMonotonicReferenceAttention(
        8, 4, 4, 2, noise_std=0.0, legacy=True
    ).eval()
    with torch.no_grad():
        attention.form.out_proj.bias.zero_()
        attention.form.value_proj.weight.zero_()
        attention.form.value_proj.bias.fill_(1.0)
        attention.form.layer_norm = torch.nn.Identity()
        attention.form.out_proj.weight.copy_(torch.eye(8))
    frames = 60
    out = attention(
        torch.randn(1, 3, 8),
        torch.randn(1, frames, 8),
        torch.tensor([3]),
        torch.tensor([frames]),
    )
    # values of one add up to the frames that the tokens own
    assert float(out.context[0, :, 0].sum()) < 0.2 * frames


def test_public_form_draws_noise_and_dropout_in_training_alone():
    attention = StepwiseMonotonicReferenceAttention(
        8, 4, 4, 2, noise_std=1.0, legacy=True
    )
    generator = torch.Generator().manual_seed(0)
    inputs = (
        torch.randn(2, 3, 8, generator=generator),
        torch.randn(2, 9, 8, generator=generator),
        torch.tensor([3, 2]),
        torch.tensor([9, 7]),
    )
    first, second = attention(*inputs), attention(*inputs)
    assert not torch.allclose(first.context, second.context, atol=1e-3)
    assert_close(first.alignment, second.alignment, atol=0.0)
    attention.set_monotonic(False)
    first, second = attention(*inputs), attention(*inputs)
    assert_close(first.context, second.context, atol=0.0)
    attention.form.dropout.p = 0.5
    first, second = attention(*inputs), attention(*inputs)
    assert not torch.allclose(first.context, second.context, atol=1e-3)
    attention.set_monotonic(True)
    attention.eval()
    first, second = attention(*inputs), attention(*inputs)
    assert_close(first.context, second.context, atol=0.0)


def public_state_dict():
    """Of a module with `d_model=8, d_k=4, d_v=4, n_head=2`."""
    state = {}
    for name in ("energy.w_qs", "energy.w_ks", "energy.w_vs", "last_layer"):
        state[f"{name}.weight"] = torch.randn(8, 8)
        state[f"{name}.bias"] = torch.randn(8)
    for kind in ("weight", "bias"):
        state[f"layer_norm.{kind}"] = torch.randn(8)
    return state


@pytest.mark.parametrize(
    "change, message",
    [
        (
            lambda s: s.pop("last_layer.bias"),
            "'last_layer.bias' is missing",
        ),
        (
            lambda s: s.update({"module.last_layer.bias": torch.zeros(8)}),
            "'module.last_layer.bias' is unknown",
        ),
        (
            lambda s: s.update({"energy.w_ks.bias": torch.zeros(6)}),
            r"'energy.w_ks.bias' has shape \(6,\), not \(8,\)",
        ),
    ],
    ids=["missing", "unexpected", "shape"],
)
def test_public_weights_that_do_not_fit_are_errors(change, message):
    attention = StepwiseMonotonicReferenceAttention(8, 4, 4, 2, legacy=True)
    before = {k: v.clone() for k, v in attention.state_dict().items()}
    state = public_state_dict()
    attention.load_public_state_dict(state)
    assert torch.equal(attention.form.key_proj.bias, state["energy.w_ks.bias"])
    attention.load_state_dict(before)
    change(state)
    with pytest.raises(ValueError, match=message):
        attention.load_public_state_dict(state)
    for key, value in attention.state_dict().items():
        assert torch.equal(value, before[key])


@pytest.mark.parametrize(
    "options", [{"heads": "focused"}, {"frames_per_token": 4.0}], ids=str
)
def test_public_form_refuses_what_it_lacks(options):
    with pytest.raises(ValueError, match="legacy=True has its own choice"):
        StepwiseMonotonicReferenceAttention(8, 4, 4, 2, legacy=True, **options)


def test_calls_of_the_other_form_are_errors():
    with pytest.raises(ValueError, match="Construct .* with legacy=True"):
        make_attention().load_public_state_dict(public_state_dict())
    public = StepwiseMonotonicReferenceAttention(8, 4, 4, 2, legacy=True)
    with pytest.raises(ValueError, match="Construct .* without legacy=True"):
        public.set_frames_per_token(4.0)
