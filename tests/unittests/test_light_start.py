"""What is only asked for a word does not load PyTorch, and the way in never
changes which kernel runs.
"""

import argparse
import subprocess
import sys

import pytest
import torch
from hyperpyyaml import load_hyperpyyaml
from speechbrain.lobes.models.transformer.Transformer import TransformerDecoder
from torch.utils._python_dispatch import TorchDispatchMode

import sb_sma
from sb_sma.attention.decoding import MODES
from sb_sma.cli import synthesize

HEAVY = ("matplotlib", "numba", "numpy", "speechbrain", "torch", "torchaudio")


def heavy_modules_of(statement, folder):
    """What of the heavy packages a fresh interpreter has loaded after it."""
    script = (
        "import sys\n"
        "try:\n"
        f"    {statement}\n"
        "except SystemExit:\n"
        "    pass\n"
        f"print('loaded', *(sys.modules.keys() & {set(HEAVY)}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.splitlines()[-1].split()[1:]


@pytest.mark.parametrize(
    "statement",
    [
        "import sb_sma; sb_sma.__version__; dir(sb_sma)",
        *(
            f"from sb_sma.cli import main; main({arguments})"
            for arguments in (
                ["--version"],
                ["--help"],
                ["synthesize", "--help"],
                ["g2p", "--help"],
                ["book", "--help"],
                ["export", "--help"],
                ["export", "--model", "./no/such/model", "--onnx", "tests"],
                ["demo", "--help"],
                ["demo", "--model", "./no/such/model"],
                ["book", "none.txt", "--model", "m", "--out", "a.m4b"],
                ["book", "README.md", "--model", "./no/such/model"],
                ["synthesise", "--text", "a"],
                ["synthesize", "--model", "m", "--text", "a", "--out", "a.mp3"],
                ["g2p", "--model", "./no/such/model"],
                ["align", "--help"],
                ["align", "a.wav", "--out", "a"],
                ["check", "--help"],
                ["check"],
                ["render", "--help"],
                ["serve", "--help"],
                ["serve", "--model", "./no/such/model"],
                ["render", "none.yaml"],
                ["render", "hparams/tts.yaml", "--out", "none/a.yaml"],
                *(
                    [*"synthesize --out a.wav --model docs".split(), *mistake]
                    for mistake in (
                        ["--input", "none.txt"],
                        ["--text", "a", "--plot", "none/a.png"],
                        ["--text", "a", "--style_weights", "{"],
                        ["--text", "a", "--style_token", "1=x"],
                        ["--text", "a", "--style_wav", "none.wav"],
                        ["--text", "a", "--vocoder_source", "./none"],
                    )
                ),
                ["corpora"],
                [],
            )
        ),
    ],
)
def test_a_word_loads_nothing_heavy(statement, repository):
    assert heavy_modules_of(statement, repository) == []


def test_the_check_finds_what_is_loaded(repository):
    found = heavy_modules_of("from sb_sma import TTS", repository)
    assert {"torch", "speechbrain", "torchaudio"} <= set(found)


def test_every_name_is_handed_on():
    for name in sb_sma.__all__:
        value = getattr(sb_sma, name)
        assert getattr(value, "__name__", name) == name
    assert set(sb_sma.__all__) <= set(dir(sb_sma))
    assert set(sb_sma.attention.__all__) <= set(sb_sma.__all__)


def test_the_modes_of_the_command_are_those_of_the_attention():
    parser = argparse.ArgumentParser()
    synthesize.add_arguments(parser)
    (mode,) = (each for each in parser._actions if each.dest == "mode")
    assert mode.choices == MODES


class Operators(TorchDispatchMode):
    """The names of the operators that run."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.add(func.name())
        return func(*args, **(kwargs or {}))


def attend(module):
    query, memory = torch.rand(2, 5, 16), torch.rand(2, 7, 16)
    module(query=query, key=memory, value=memory)


def by_class(request):
    return lambda: attend(sb_sma.StepwiseMonotonicMHA(nhead=2, d_model=16))


def by_yaml(request):
    text = (
        "attention: !new:sb_sma.attention.StepwiseMonotonicMHA\n"
        "    nhead: 2\n"
        "    d_model: 16\n"
    )
    return lambda: attend(load_hyperpyyaml(text)["attention"])


def by_name(request):
    factory = sb_sma.attention_factory("SMA")
    return lambda: attend(factory(nhead=2, d_model=16, dropout=0.0))


def by_set_cross_attention(request):
    decoder = TransformerDecoder(num_layers=1, nhead=2, d_ffn=16, d_model=16)
    sb_sma.set_cross_attention(decoder, "SMA")
    return lambda: decoder(torch.rand(2, 5, 16), torch.rand(2, 7, 16))


def by_exported_model(request):
    _, _, folder = request.getfixturevalue("exported")
    model = sb_sma.TTS.from_hparams(source=str(folder)).mods.model
    return lambda: model(
        torch.ones(2, 7, dtype=torch.int64),
        torch.tensor([7, 5]),
        torch.rand(2, 8, 80),
        torch.tensor([8, 6]),
    )


@pytest.mark.parametrize(
    "way_in",
    [by_class, by_yaml, by_name, by_set_cross_attention, by_exported_model],
)
def test_the_fast_form_runs_whatever_the_way_in(way_in, request):
    pytest.importorskip("numba", reason="needs numba: pip install numba")
    run = way_in(request)
    with Operators() as operators, torch.no_grad():
        run()
    assert "sb_sma::stepwise_monotonic_numba" in operators.names


def test_the_fast_form_runs_in_a_fresh_interpreter(repository):
    pytest.importorskip("numba", reason="needs numba: pip install numba")
    script = (
        "from sb_sma import StepwiseMonotonicMHA\n"
        "import torch\n"
        "from torch.profiler import profile\n"
        "attention = StepwiseMonotonicMHA(nhead=2, d_model=16)\n"
        "query, memory = torch.rand(2, 5, 16), torch.rand(2, 7, 16)\n"
        "with profile() as calls, torch.no_grad():\n"
        "    attention(query=query, key=memory, value=memory)\n"
        "print(*{call.key for call in calls.key_averages()})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "sb_sma::stepwise_monotonic_numba" in done.stdout.split()
