"""What is in a branch for SpeechBrain takes the state dicts of what is here, and
gives the same numbers.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.upstream.conftest import needs_checkout

pytestmark = [pytest.mark.integration, needs_checkout]

ATTENTION = """
from sb_sma.attention import StepwiseMonotonicMHA
from speechbrain.nnet.monotonic_attention import StepwiseMonotonicAttention

options = {"queries_per_token": 3.0, "moves_per_query": 2, "noise_std": 0.5}
ours = StepwiseMonotonicMHA(16, 4, **options)
theirs = StepwiseMonotonicAttention(16, 4, **options)
torch.testing.assert_close(theirs.stay_bias, ours.stay_bias, rtol=0, atol=0)
theirs.load_state_dict(ours.state_dict(), strict=True)
for training in (True, False):
    compare(
        *(
            lambda query, memory, module=module.train(training): module(
                query, memory, memory, key_padding_mask=mask
            )
            for module in (theirs, ours)
        )
    )
    assert_same_gradients(theirs, ours)
"""

DECODER = """
from sb_sma.attention import set_cross_attention
from speechbrain.lobes.models.transformer.Transformer import TransformerDecoder

sizes = {"num_layers": 2, "nhead": 4, "d_ffn": 32, "d_model": 16}
ours = set_cross_attention(TransformerDecoder(**sizes), "SMA")
theirs = TransformerDecoder(**sizes, cross_attention_type="SMA")
theirs.load_state_dict(ours.state_dict(), strict=True)


def decode(decoder):
    def outputs(query, memory):
        out, _, attn = decoder(query, memory, memory_key_padding_mask=mask)
        return out, torch.stack(attn)
    return outputs


compare(decode(theirs), decode(ours))
assert_same_gradients(theirs, ours)
"""

KERNELS = """
from sb_sma.ops import stepwise_monotonic_expectation
from speechbrain.integrations.triton.monotonic_attention import (
    triton_expected_alignment,
)

lengths = torch.tensor([5, 3, 0])
for moves in (1, 3):
    compare(
        lambda query, memory: [
            triton_expected_alignment(
                (query @ memory.mT).sigmoid()[:, None],
                lengths,
                moves_per_query=moves,
            )
        ],
        lambda query, memory: [
            stepwise_monotonic_expectation(
                (query @ memory.mT).sigmoid()[:, None],
                lengths,
                moves_per_query=moves,
                backend="triton",
            )
        ],
    )
"""

COMPARE = """
import torch

torch.manual_seed(0)
query, memory = torch.randn(3, 9, 16), torch.randn(3, 5, 16)
mask = torch.arange(5) >= torch.tensor([5, 3, 0])[:, None]


def outcome(call):
    torch.manual_seed(1)  # the noise
    inputs = [x.clone().requires_grad_() for x in (query, memory)]
    outputs = call(*inputs)
    sum(output.square().sum() for output in outputs).backward()
    return [*outputs, *(x.grad for x in inputs)]


def compare(theirs, ours):
    torch.testing.assert_close(
        outcome(theirs), outcome(ours), rtol=1e-5, atol=1e-5
    )


def assert_same_gradients(theirs, ours):
    for (name, actual), expected in zip(
        theirs.named_parameters(), ours.parameters()
    ):
        torch.testing.assert_close(
            actual.grad, expected.grad, rtol=1e-4, atol=1e-4, msg=name
        )
        actual.grad = expected.grad = None
"""

ASR = """
import sys

import torch
from speechbrain.lobes.models.transformer.TransformerASR import TransformerASR

torch.manual_seed(0)
net = TransformerASR(9, 16, 16, 4, 1, 2, 32).eval()
out = net(torch.rand(2, 7, 16), torch.randint(1, 9, (2, 5)))
torch.save([*out, *net.state_dict().values()], sys.argv[1])
"""

G2P = """
import sys

import torch
from speechbrain.lobes.models.g2p.model import TransformerG2P
from torch.nn import Embedding, Identity

torch.manual_seed(0)
tables = {"emb": Embedding(6, 8), "encoder_emb": Embedding(6, 8)}
layers = {name: Identity() for name in ("char_lin", "phn_lin", "lin", "out")}
net = TransformerG2P(**tables, **layers, d_model=8, nhead=2, d_ffn=16).eval()
phonemes = torch.randint(6, (2, 5))
out, _, memory, attention = net(
    (torch.randint(6, (2, 7)), torch.tensor([1.0, 0.5])), (phonemes, None)
)
decoded = net.decode(phonemes, memory, torch.tensor([7, 4]))
torch.save(
    [out, memory, *attention, *decoded, *net.state_dict().values()], sys.argv[1]
)
"""


def run(script, *arguments, checkout=None, repository=None):
    """Run a script in a fresh interpreter."""
    paths = [str(path) for path in (checkout, repository) if path is not None]
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        # Python looks for modules in it first
        cwd=checkout or Path(__file__).parent,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            "TRITON_INTERPRET": "1",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "branch, script",
    [
        pytest.param("sma-attention", ATTENTION, id="attention"),
        pytest.param("sma-attention", DECODER, id="decoder"),
        pytest.param("triton", KERNELS, id="kernels"),
    ],
)
def test_a_branch_computes_what_is_computed_here(
    branch, script, made_checkout, repository
):
    if branch == "triton":
        pytest.importorskip("triton", reason="needs triton: pip install triton")
    checkout = made_checkout(branch)
    run(COMPARE + script, checkout=checkout, repository=repository)


@pytest.mark.parametrize(
    "branch, script",
    [
        pytest.param("sma-attention", ASR, id="asr"),
        pytest.param("g2p-sma", G2P, id="g2p"),
    ],
)
def test_without_the_option_nothing_is_other(
    branch, script, made_checkout, tmp_path
):
    if branch == "g2p-sma":
        pytest.importorskip(
            "transformers",
            reason="needs transformers: pip install transformers",
        )
    before, after = tmp_path / "before.pt", tmp_path / "after.pt"
    run(script, before)
    run(script, after, checkout=made_checkout(branch))
    expected, actual = torch.load(before), torch.load(after)
    assert len(actual) == len(expected)
    assert all(map(torch.equal, actual, expected))
