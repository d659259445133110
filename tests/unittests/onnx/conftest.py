"""Small models, and what was exported of them."""

import itertools

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.model_folders import forget_digests
from tests.unittests.conftest import export_small_g2p, export_small_model

for needed in ("onnx", "onnxscript", "onnxruntime"):
    pytest.importorskip(needed, reason="pip install 'sb_sma[onnx]'")

STYLE = {
    "style": "gst",
    "style_width": 8,
    "style_heads": 2,
    "reference_width": 8,
}
SPEAKERS = ["anna", "ben"]
MODELS = {
    "walking": {},
    "softmax": {
        "attention_type": "regularMHA",
        "attention_window": [1, 3],
        "encoder_type": "conformer",
    },
    "forward": {
        "attention_type": "forward",
        "decoder_layers": 1,
        "decoder_window": 5,
    },
    "one head": {
        "monotonic_head_choice": "focused",
        "moves_per_query": 2,
        "decoder_layers": 1,
    },
    "all parts": {
        **STYLE,
        "speakers": 3,
        "speaker_width": 4,
        "refiner": "flow",
        "refiner_width": 8,
        "frontend": "characters",
    },
}
G2P_MODELS = {
    "walking": {"encoder_attention_type": "RoPEMHA"},
    "softmax": {
        "attention_type": "regularMHA",
        "encoder_attention_type": "regularMHA",
        "backwards": True,
        "decoder_window": 3,
    },
}
WORDS = [
    "".join(letters)
    for length in (1, 2, 3, 5)
    for letters in itertools.islice(itertools.product("bca", repeat=length), 20)
]


def fill_zeros(folder):
    """Let what training begins at zero, such as the refiner's end, matter."""
    forget_digests(folder)
    path = folder / "model.safetensors"
    weights = load_file(path)
    generator = torch.Generator().manual_seed(0)
    for name, weight in weights.items():
        if weight.is_floating_point() and not weight.any():
            drawn = torch.randn(weight.shape, generator=generator)
            weights[name] = (0.1 * drawn).to(weight.dtype)
    save_file(weights, path)


@pytest.fixture(scope="session")
def exported_onnx(tmp_path_factory, repository):
    """Call it with a name of `MODELS`: folders of the model and of its graphs."""
    from sb_sma.onnx import export_onnx

    made = {}

    def export(name):
        """Export it once."""
        if name not in made:
            folder = tmp_path_factory.mktemp("onnx")
            settings = MODELS[name]
            names = SPEAKERS if "speakers" in settings else ()
            export_small_model(folder, repository, names=names, **settings)
            fill_zeros(folder / "model")
            graphs = folder / "graphs"
            export_onnx(folder / "model", graphs)
            made[name] = folder / "model", graphs
        return made[name]

    return export


@pytest.fixture(scope="session")
def exported_g2p_onnx(tmp_path_factory, repository):
    """The same of `G2P_MODELS`."""
    from sb_sma.onnx import export_onnx

    made = {}

    def export(name):
        """Export it once."""
        if name not in made:
            folder = tmp_path_factory.mktemp("onnx_g2p")
            export_small_g2p(folder, repository, **G2P_MODELS[name])
            export_onnx(folder / "model", folder / "graphs")
            made[name] = folder / "model", folder / "graphs"
        return made[name]

    return export
