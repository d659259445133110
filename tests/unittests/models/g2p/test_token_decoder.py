"""The decoder of tokens: causal, and the same at once and step by step."""

import pytest
import torch

from sb_sma.attention import DecodingOptions
from sb_sma.attention.decoding import select_rows

LENGTHS = [6, 3, 1, 0]


def make_inputs(queries=5):
    """Memory, how much of it is valid, and true tokens."""
    generator = torch.Generator().manual_seed(1)
    memory = torch.randn(4, 6, 8, generator=generator, dtype=torch.float64)
    tokens = torch.randint(2, 8, (4, queries), generator=generator)
    return memory, torch.tensor(LENGTHS), tokens


def step_through(decoder, memory, lengths, tokens):
    """Logits (B, Q, V) and alignments of every layer, step by step."""
    n_steps = tokens.shape[1]
    state = decoder.start(memory, lengths, DecodingOptions(), n_steps)
    heard = torch.nn.functional.pad(tokens, (1, 0))
    logits, alignments = zip(
        *(decoder.step(heard[:, step], state) for step in range(n_steps))
    )
    layers = [torch.stack(layer, dim=2) for layer in zip(*alignments)]
    return torch.stack(logits, dim=1), layers


def assert_close(actual, expected, atol=1e-10):
    torch.testing.assert_close(actual, expected, rtol=0, atol=atol)


@torch.no_grad()
@pytest.mark.parametrize("window", [None, 2])
def test_step_by_step_is_the_whole_sequence(make_g2p, attention, window):
    decoder = make_g2p(attention, window=window).decoder
    inputs = make_inputs()
    logits, alignments = decoder(*inputs)
    logits_steps, alignments_steps = step_through(decoder, *inputs)
    assert_close(logits_steps, logits)
    for actual, expected in zip(alignments_steps, alignments):
        assert_close(actual, expected)


@torch.no_grad()
@pytest.mark.parametrize("window", [None, 2])
@pytest.mark.parametrize("from_lines", [True, False], ids=["lines", "rows"])
def test_hypotheses_are_what_they_are_alone(
    make_g2p, attention, window, from_lines
):
    """Rows that fork, change places and leave say what they would have said
    in a batch of their own."""
    decoder = make_g2p(attention, window=window).decoder
    memory, lengths, _ = make_inputs()
    moves = [
        [[0, 0, 0], [1, 1, 1], [2, 2, 2], [3, 3, 3]],
        [[2, 0, 0], [3, 4, 5], [8, 8, 7], [9, 9, 9]],
        [[1, 2, 0], [6, 8, 7], [9, 11, 9]],
        [[0, 2, 2], [5, 5, 5], [8, 6, 7]],
        [[8, 6], [2, 0]],
        [[1, 0], [3, 3]],
        [[0], [3]],
    ]
    generator = torch.Generator().manual_seed(2)
    items, said = torch.arange(4), torch.zeros(4, 0, dtype=torch.int64)
    state = decoder.start(memory, lengths, DecodingOptions(), len(moves) + 1)
    heard = torch.zeros(4, dtype=torch.int64)
    for rows in map(torch.tensor, moves):
        decoder.step(heard, state)
        rows_alone = rows.flatten()
        state = select_rows(state, rows if from_lines else rows_alone)
        heard = torch.randint(2, 8, (rows.numel(),), generator=generator)
        said = torch.cat((said[rows_alone], heard[:, None]), dim=1)
        items = items[rows_alone]
    logits, alignments = decoder.step(heard, state)
    targets = torch.nn.functional.pad(said, (0, 1))
    expected, expected_alignments = decoder(
        memory[items], lengths[items], targets
    )
    assert_close(logits, expected[:, -1])
    for actual, layer in zip(alignments, expected_alignments):
        assert_close(actual, layer[:, :, -1])


@torch.no_grad()
def test_padding_and_the_rest_of_the_batch_change_nothing(make_g2p, attention):
    decoder = make_g2p(attention).decoder
    memory, lengths, tokens = make_inputs()
    logits, _ = decoder(memory, lengths, tokens)
    for item, length in enumerate(LENGTHS[:3]):
        row = slice(item, item + 1)
        for run in (decoder, lambda *inputs: step_through(decoder, *inputs)):
            alone, _ = run(memory[row, :length], lengths[row], tokens[row])
            assert_close(alone, logits[row])
    longer = torch.cat((memory, torch.full((4, 3, 8), 9.0).double()), dim=1)
    more_tokens = torch.nn.functional.pad(tokens, (0, 2))
    logits_longer, alignments = decoder(longer, lengths, more_tokens)
    assert_close(logits_longer[:, :5], logits)
    for layer in alignments:
        assert bool((layer[..., 6:] == 0).all())


def test_a_step_hears_the_tokens_before_it_only(make_g2p, attention):
    decoder = make_g2p(attention).decoder
    memory, lengths, tokens = make_inputs()
    tokens = torch.arange(2, 7)[None]  # each a row of the table of its own
    heard = []
    decoder.dropout.register_forward_hook(
        lambda module, inputs, output: heard.append(output)
    )
    logits, _ = decoder(memory[:1], lengths[:1], tokens)
    for step in range(5):
        (gradient,) = torch.autograd.grad(
            logits[:, step].square().sum(), heard[0], retain_graph=True
        )
        reached = (gradient[0] != 0).any(-1)
        assert reached.tolist() == [other <= step for other in range(5)]
    # and the step hears the token before, not its own
    changed, _ = decoder(memory[:1], lengths[:1], tokens.roll(1, dims=1))
    assert torch.equal(changed[:, 0], logits[:, 0])
    assert not torch.allclose(changed[:, 1], logits[:, 1])


def test_gradients_reach_everything(make_g2p, attention):
    decoder = make_g2p(attention).decoder
    memory, lengths, tokens = make_inputs()
    memory.requires_grad_()
    logits, _ = decoder(memory, lengths, tokens)
    logits.square().sum().backward()
    assert bool((memory.grad[:3] != 0).any())
    for name, parameter in decoder.named_parameters():
        assert bool((parameter.grad != 0).any()), name


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_stays_finite(make_g2p, attention, dtype):
    decoder = make_g2p(attention).decoder
    inputs = make_inputs()
    expected, _ = decoder(*inputs)
    decoder = decoder.float()
    inputs = (10 * inputs[0].float(), *inputs[1:])
    with torch.autocast("cpu", dtype=dtype):
        logits, _ = decoder(*inputs)
        logits_steps, _ = step_through(decoder, *inputs)
    assert bool(logits.isfinite().all())
    assert_close(logits_steps, logits, atol=0.1 * float(logits.abs().max()))
