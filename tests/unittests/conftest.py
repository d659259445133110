"""A small model, exported as a training run does it."""

import itertools
import shutil

import pytest
import torch

from tests.small_hifigan import write_small_hifigan

# sorted, and two that YAML would read as something else
SPEAKERS = ["225", "en-us+f2", "no"]
TEXTS = ["A short one, I say.", "No.", "Two words: three words; four words."]
SPELLING = {"a": "AH", "b": "B", "c": "K"}
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


def export_small_model(folder, repository, train=None, names=(), **overrides):
    """Build the model of hparams/tts.yaml, and export it, trained or not."""
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
    if train is not None:
        train(model)
    frontend = hparams["text_frontend"].fit(TEXTS)
    symbols = sorted({t for text in TEXTS for t in frontend.tokens(text)})
    export_tts(
        folder / "model",
        resolved,
        model,
        symbols,
        frontend,
        speaking_settings(hparams, hparams["attempts"]),
        names,
    )
    return model, symbols


@pytest.fixture(scope="session")
def hifigan_folder(tmp_path_factory):
    """Folder of a small HiFi-GAN with weights drawn at random."""
    folder = tmp_path_factory.mktemp("vocoders") / "small hifigan"
    return write_small_hifigan(folder, sample_rate=22050)


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
def exported_unusual(tmp_path_factory, exported):
    """Folder of a model to which all that it says is much shorter than usual."""
    folder = tmp_path_factory.mktemp("unusual") / "model"
    shutil.copytree(exported[2], folder)
    with open(folder / "hyperparams.yaml", "a", encoding="utf-8") as file:
        file.write(
            "usual_seconds: !new:sb_sma.inference.TokenSeconds\n"
            f"  by_token: {{'<end>': {[9.0] * 8}}}\n"
        )
    return folder


@pytest.fixture(scope="session")
def exported_softmax(tmp_path_factory, repository):
    """Folder of a model with softmax attention."""
    folder = tmp_path_factory.mktemp("softmax")
    export_small_model(folder, repository, attention_type="regularMHA")
    return folder / "model"


@pytest.fixture(scope="session")
def exported_gst(tmp_path_factory, repository):
    """Folder of a model with style tokens."""
    folder = tmp_path_factory.mktemp("gst")
    sizes = {"style_width": 8, "style_heads": 2, "reference_width": 8}
    export_small_model(folder, repository, style="gst", **sizes)
    return folder / "model"


@pytest.fixture(scope="session")
def exported_speakers(tmp_path_factory, repository):
    """Folder of a model with speakers and style tokens."""
    folder = tmp_path_factory.mktemp("speakers")
    sizes = {"style_width": 8, "style_heads": 2, "reference_width": 8}
    export_small_model(
        folder,
        repository,
        names=SPEAKERS,
        speakers=len(SPEAKERS) + 1,
        speaker_width=4,
        style="gst",
        **sizes,
    )
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


def learn_to_spell(model, tokenizer, table):
    """A phoneme for each letter, in a few seconds."""
    from sb_sma.losses import token_loss

    words = [
        "".join(letters)
        for length in (1, 2, 3, 4)
        for letters in itertools.product("abc", repeat=length)
    ]
    lengths = torch.tensor([len(word) for word in words])
    graphemes = torch.zeros(len(words), 4, dtype=torch.int64)
    phonemes = torch.zeros(len(words), 5, dtype=torch.int64)
    for row, word in enumerate(words):
        graphemes[row, : len(word)] = torch.tensor(tokenizer.encode(word))
        ids = table.encode(SPELLING[letter] for letter in word)
        phonemes[row, : len(ids)] = torch.tensor(ids)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        for _ in range(150):
            logits, _ = model(graphemes, lengths, phonemes)
            optimizer.zero_grad()
            token_loss(logits, phonemes, lengths + 1).backward()
            optimizer.step()
    model.eval()


def export_small_g2p(
    folder, repository, words=("a", "b", "c"), train=learn_to_spell, **overrides
):
    """Build the model of hparams/g2p.yaml, let it learn to spell a, b and c,
    or otherwise, and export it."""
    from hyperpyyaml import load_hyperpyyaml, resolve_references

    from sb_sma.data.phonemes import PhonemeTable
    from sb_sma.inference.export import export_g2p

    overrides = {
        "output_folder": str(folder / "run"),
        "d_model": 16,
        "nhead": 4,
        "d_ffn": 32,
        "encoder_layers": 1,
        "n_graphemes": 8,
        "n_phonemes": 6,
        **overrides,
    }
    path = repository / "hparams" / "g2p.yaml"
    with pytest.MonkeyPatch.context() as patch:
        recipe = repository / "recipes" / "CMUDict" / "G2P" / "transformer"
        patch.syspath_prepend(str(recipe))
        # the YAML seeds what the other tests use
        with torch.random.fork_rng(), open(path, encoding="utf-8") as stream:
            hparams = load_hyperpyyaml(stream, overrides)
            model = hparams["models"]["model"]
        with open(path, encoding="utf-8") as stream:
            resolved = resolve_references(stream, overrides).read()
    tokenizer = hparams["grapheme_tokenizer"]
    phonemes = PhonemeTable(sorted(SPELLING.values()), tokenizer.backwards)
    tokenizer.fit(words)
    model.set_n_phonemes(len(phonemes))
    train(model, tokenizer, phonemes)
    export_g2p(
        folder / "model",
        resolved,
        model,
        tokenizer,
        phonemes,
        hparams["beam_settings"],
    )
    return folder / "model"


@pytest.fixture(scope="session")
def exported_g2p(tmp_path_factory, repository):
    """Folder of a small G2P model that has learnt to spell a, b and c."""
    return export_small_g2p(tmp_path_factory.mktemp("g2p"), repository)


@pytest.fixture(scope="session")
def exported_backwards(tmp_path_factory, repository):
    """The same, of a model that spells from the end."""
    folder = tmp_path_factory.mktemp("backwards")
    return export_small_g2p(folder, repository, backwards=True)


@pytest.fixture
def assert_gives_golden(shared):
    """A check of outputs and of every gradient against a file of values that
    the public implementation gave."""

    def check(name, kind, call):
        path = shared / "golden" / f"{name}.pt"
        golden = torch.load(path, weights_only=True)
        module = kind(**golden["config"], legacy=True).eval()
        module.load_public_state_dict(golden["state_dict"])
        inputs = {
            key: value.clone().requires_grad_(value.is_floating_point())
            for key, value in golden["inputs"].items()
        }
        outputs = call(module, **inputs)
        (outputs[0] * golden["output_weight"]).sum().backward()
        actual = dict(enumerate(outputs))
        expected = dict(enumerate(golden["outputs"]))
        actual.update({key: inputs[key].grad for key in golden["input_grads"]})
        expected.update(golden["input_grads"])
        parameters = dict(module.named_parameters())
        assert parameters.keys() == golden["param_grads"].keys()
        actual.update({key: p.grad for key, p in parameters.items()})
        expected.update(golden["param_grads"])
        assert actual.keys() == expected.keys()
        for key, value in expected.items():
            torch.testing.assert_close(
                actual[key],
                value,
                rtol=0,
                atol=1e-5 * max(1.0, value.abs().max().item()),
                msg=lambda text, key=key: f"{key}: {text}",
            )

    return check
