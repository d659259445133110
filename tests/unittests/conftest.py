"""A small model, exported as a training run does it."""

import pytest
import torch

TEXTS = ["A short one, I say.", "No.", "Two words: three words; four words."]
SMALL = {
    "d_model": 16,
    "nhead": 2,
    "d_ffn": 32,
    "encoder_layers": 1,
    "n_tokens": 64,
    "postnet_channels": 8,
    "reduction_factor": 2,
    "hold_seconds": 0.1,
    "max_seconds_per_token": 0.2,
    "griffin_lim_iterations": 2,
}


def export_small_model(folder, repository, **overrides):
    """Build the model of hparams/tts.yaml, and export it untrained."""
    from hyperpyyaml import load_hyperpyyaml, resolve_references

    from sb_sma.inference.export import export_tts, speaking_settings

    overrides = {"output_folder": str(folder / "run"), **SMALL, **overrides}
    path = repository / "hparams" / "tts.yaml"
    with pytest.MonkeyPatch.context() as patch:
        recipe = repository / "recipes" / "Embedded" / "TTS" / "transformer"
        patch.syspath_prepend(str(recipe))
        # the YAML seeds what the other tests use
        with torch.random.fork_rng(), open(path, encoding="utf-8") as stream:
            hparams = load_hyperpyyaml(stream, overrides)
        with open(path, encoding="utf-8") as stream:
            resolved = resolve_references(stream, overrides).read()
    model = hparams["models"]["model"].eval()
    model.set_mel_statistics(torch.full((80,), -5.0), torch.full((80,), 2.0))
    model.set_frames_per_token(6.0)
    frontend = hparams["text_frontend"]
    symbols = sorted({t for text in TEXTS for t in frontend.tokens(text)})
    export_tts(
        folder / "model",
        resolved,
        model,
        symbols,
        frontend,
        speaking_settings(hparams),
    )
    return model, symbols


@pytest.fixture(scope="session")
def texts():
    """Texts whose phonemes the exported models know."""
    return list(TEXTS)


@pytest.fixture(scope="session")
def exported(tmp_path_factory, repository):
    """The model, its symbols, and the folder that it was exported to."""
    folder = tmp_path_factory.mktemp("exported")
    model, symbols = export_small_model(folder, repository)
    # an exported model can be moved
    moved = tmp_path_factory.mktemp("elsewhere") / "moved model"
    (folder / "model").rename(moved)
    return model, symbols, moved


@pytest.fixture(scope="session")
def exported_softmax(tmp_path_factory, repository):
    """Folder of a model with softmax attention."""
    folder = tmp_path_factory.mktemp("softmax")
    export_small_model(folder, repository, attention_type="regularMHA")
    return folder / "model"


@pytest.fixture(scope="session")
def exported_with_g2p(tmp_path_factory, repository, exported_g2p):
    """Folder of a TTS model that reads by a G2P model, which it holds."""
    folder = tmp_path_factory.mktemp("with_g2p")
    export_small_model(
        folder, repository, frontend="g2p", g2p_model=str(exported_g2p)
    )
    moved = tmp_path_factory.mktemp("elsewhere") / "moved model"
    (folder / "model").rename(moved)
    return moved


@pytest.fixture(scope="session")
def exported_g2p(tmp_path_factory, repository):
    """Folder of a small G2P model, exported untrained."""
    from hyperpyyaml import load_hyperpyyaml, resolve_references

    from sb_sma.inference.export import export_g2p

    folder = tmp_path_factory.mktemp("g2p")
    overrides = {
        "output_folder": str(folder / "run"),
        "d_model": 16,
        "nhead": 4,
        "d_ffn": 32,
        "encoder_layers": 1,
        "n_graphemes": 8,
        "n_phonemes": 6,
    }
    path = repository / "hparams" / "g2p.yaml"
    with pytest.MonkeyPatch.context() as patch:
        recipe = repository / "recipes" / "CMUDict" / "G2P" / "transformer"
        patch.syspath_prepend(str(recipe))
        # the YAML seeds what the other tests use
        with torch.random.fork_rng(), open(path, encoding="utf-8") as stream:
            hparams = load_hyperpyyaml(stream, overrides)
            model = hparams["models"]["model"].eval()
            # an untrained model says the same for every word
            for parameter in model.parameters():
                torch.nn.init.normal_(parameter, std=0.7)
        with open(path, encoding="utf-8") as stream:
            resolved = resolve_references(stream, overrides).read()
    phonemes = ["AH", "B", "K"]
    model.set_n_phonemes(2 + len(phonemes))
    tokenizer = hparams["grapheme_tokenizer"]
    tokenizer.fit(["a", "b", "c"])
    export_g2p(
        folder / "model",
        resolved,
        model,
        tokenizer,
        phonemes,
        hparams["beam_settings"],
    )
    return folder / "model"
