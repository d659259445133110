"""Speech training starts from a model that was trained before."""

import re

import pytest
import torch

from sb_sma.data.speech.speakers import SpeakerTable, find_speakers
from sb_sma.data.text.frontends import EspeakFrontend, VoiceSettings
from sb_sma.hparams import keys_by_argument, load_experiment
from sb_sma.models.convolution import MaskedConvStack
from sb_sma.training.frozen import freeze
from sb_sma.training.initial_voice import InitialVoice
from tests.unittests.conftest import SMALL, SPEAKERS

SIZES = {name: SMALL[name] for name in list(SMALL)[:7]}
STYLE = {"style": "gst", "style_width": 8, "style_heads": 2}
STYLE |= {"reference_width": 8}


@pytest.fixture
def load(repository, monkeypatch, own_streams, tmp_path):
    """Loads the YAML of a run that would start from a model like those of the
    fixtures, and tells of which key each argument is."""
    recipe = repository / "recipes/Embedded/TTS/transformer/train.py"
    monkeypatch.syspath_prepend(str(recipe.parent))

    def load(**overrides):
        # another seed than theirs
        given = {**SIZES, "seed": 7, "output_folder": tmp_path / "run"}
        given |= overrides
        flags = [f"--{name}={value}" for name, value in given.items()]
        yaml = str(repository / "hparams/tts.yaml")
        _, hparams, _, text = load_experiment([yaml, *flags], recipe)
        return hparams, keys_by_argument("models", yaml, recipe, text)

    return load


def start(initial, loaded, symbols, speakers=()):
    """All that the recipe does with it."""
    hparams, keys = loaded
    model = hparams["models"]["model"]
    initial.check(hparams, keys)
    table = initial.make_table(symbols, hparams["n_tokens"])
    initial.fill(model, table, SpeakerTable(speakers))
    return model, table


@pytest.mark.parametrize("n_tokens", [40, 64, 100])
def test_known_symbols_keep_their_rows(exported, load, n_tokens, caplog):
    trained, known, folder = exported
    assert len(known) + 2 < 39
    loaded = load(n_tokens=n_tokens)
    blank = loaded[0]["models"]["model"].encoder.embedding.weight.clone()
    new = ["ʒ", known[3], "ɲ", known[0]]
    model, table = start(InitialVoice(str(folder)), loaded, new)
    assert table.symbols == [*known, "ʒ", "ɲ"]
    rows = model.encoder.embedding.weight
    n_rows = min(n_tokens, 64)
    given = trained.encoder.embedding.weight
    assert torch.equal(rows[:n_rows], given[:n_rows])
    assert torch.equal(rows[n_rows:], blank[n_rows:])
    assert "never heard ʒ, ɲ, which start untrained" in caplog.text


def test_all_other_weights_and_statistics_are_taken(exported, load, caplog):
    trained, known, folder = exported
    model, table = start(InitialVoice(str(folder)), load(), known)
    given = trained.state_dict()
    assert model.state_dict().keys() == given.keys()
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, given[name]), name
    assert (model.mel_mean == -5.0).all() and (model.mel_std == 2.0).all()
    assert table.symbols == known
    assert "untrained" not in caplog.text and "left out" not in caplog.text


@pytest.mark.parametrize("format_", ["0", "1"])
@pytest.mark.parametrize(
    "name, settings",
    [
        ("tts_sma", {}),
        (
            "tts_styles",
            {
                "attention_type": "forward",
                "encoder_type": "ConformerEncoder",
                "frontend": "characters",
                "data_folder": "recordings",
                "speakers": 3,
                "speaker_width": 4,
                **STYLE,
            },
        ),
    ],
    ids=["sma", "styles"],
)
def test_models_of_older_versions_are_taken(
    repository, load, format_, name, settings
):
    folder = repository / "tests" / "frozen" / format_ / name
    initial = InitialVoice(str(folder))
    hparams, keys = load(**settings)
    initial.check(hparams, keys)
    hparams, keys = load(**settings, moves_per_query=2)
    with pytest.raises(ValueError, match="got moves_per_query: 1 there, 2 her"):
        initial.check(hparams, keys)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"d_model": 32}, "d_model: 16 there, 32 here. Give"),
        (
            {"nhead": 4, "reduction_factor": 3},
            "nhead: 2 there, 4 here; reduction_factor: 2 there, 3 here. Give",
        ),
        ({"decoder_window": 3}, "decoder_window: None there, 3 here"),
        ({"moves_per_query": 2}, "moves_per_query: 1 there, 2 here"),
        ({"attention_type": "regularMHA"}, "SMA there, regularMHA here. Give"),
        (
            {"attention_type": "!name:sb_sma.attention.ForwardMHA"},
            "attention_type: SMA there, ForwardMHA here",
        ),
        ({"encoder_type": "conformer"}, "transformer there, conformer here"),
        ({"postnet_channels": 9}, "postnet_channels: 8 there, 9 here"),
        (
            {"encoder_attention_type": "RoPEMHA"},
            "encoder_attention_type: regularMHA there, RoPEMHA here",
        ),
        (
            {"mel_settings": "{hop_length: 200}"},
            "hop_length: 256 there, 200 here",
        ),
        ({"frontend": "characters"}, "frontend: espeak there, characters here"),
    ],
    ids=str,
)
def test_other_settings_are_refused(exported, load, change, message):
    initial = InitialVoice(str(exported[2]))
    hparams, keys = load(**change)
    expected = "must have the settings of this run; got .*" + re.escape(message)
    with pytest.raises(ValueError, match=expected):
        initial.check(hparams, keys)


def test_what_no_key_names_is_refused_by_its_shape(exported, load):
    hparams, keys = load()
    hparams["models"]["model"].postnet = MaskedConvStack([80, 8, 80])
    with pytest.raises(
        ValueError, match=r"postnet.convs.1.weight: \(8, 8, 5\) there, \(80, 8"
    ):
        InitialVoice(str(exported[2])).check(hparams, keys)


def test_dropout_and_what_is_not_built_may_differ(exported, load):
    hparams, keys = load(
        dropout=0.3,
        prenet_dropout=0.2,
        postnet_dropout=0.0,
        conformer_kernel_size=9,
        transition_agent=False,
        style_width=12,
    )
    InitialVoice(str(exported[2])).check(hparams, keys)


def test_its_speed_is_kept(exported, load):
    hparams, keys = load(frames_per_token=4)
    with pytest.raises(ValueError, match="frames_per_token must be null .* 4"):
        InitialVoice(str(exported[2])).check(hparams, keys)


def test_new_parts_start_untrained(exported, load, caplog):
    trained, known, folder = exported
    loaded = load(refiner="flow", refiner_width=8, speakers=2, **STYLE)
    model = loaded[0]["models"]["model"]
    blank = {name: x.clone() for name, x in model.state_dict().items()}
    initial = InitialVoice(str(folder))
    parts = ["style", "speakers", "refiner"]
    assert initial.lacking_parts(model) == parts
    start(initial, loaded, known, ["anna", "ben"])
    given = trained.state_dict()
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, given.get(name, blank[name])), name
    assert "has no style and no speakers and no refiner, which" in caplog.text


def test_a_refiner_may_be_left_out(load, tmp_path, repository, caplog):
    from tests.unittests.conftest import export_small_model

    sizes = {"refiner": "flow", "refiner_width": 8}
    export_small_model(tmp_path, repository, **sizes)
    initial = InitialVoice(str(tmp_path / "model"))
    start(initial, load(), ["a"])
    assert "The refiner of initial_model is left out" in caplog.text
    loaded = load(refiner="flow", refiner_width=16)
    with pytest.raises(ValueError, match="refiner_width: 8 there, 16 here"):
        initial.check(*loaded)
    initial.check(*load(refiner_steps=3, **sizes))


def test_speakers_keep_their_rows(exported_speakers, load, caplog):
    initial = InitialVoice(str(exported_speakers))
    given = initial.tts.mods.model.speakers.table.weight
    manifest = {
        f"u{i}": {"voice": None, "speaker": name}
        for i, name in enumerate(["zoe", "no", "adam"])
    }
    table = find_speakers({"train": manifest}, 5, initial.speakers)
    assert table.names == [*SPEAKERS, "adam", "zoe"]
    loaded = load(speakers=5, speaker_width=4, **STYLE)
    model, _ = start(initial, loaded, initial.symbols, table.names)
    assert torch.equal(model.speakers.table.weight[:4], given)
    assert "never heard adam, zoe, which start untrained" in caplog.text
    with pytest.raises(
        ValueError,
        match="initial_model has 3 speakers and the corpus 2 others, the model "
        "room for 4: 225, en-us.f2, no, adam, zoe. Give speakers: 5 or more",
    ):
        find_speakers({"train": manifest}, 4, initial.speakers)


@pytest.mark.parametrize(
    "overrides, message",
    [
        (STYLE, "got speakers: 0. Give --speakers=3 or more"),
        ({"speakers": 3, "speaker_width": 4}, "got style: none. Give --style"),
    ],
    ids=["speakers", "style"],
)
def test_speakers_and_styles_cannot_be_left_out(
    exported_speakers, load, overrides, message
):
    with pytest.raises(ValueError, match=message):
        InitialVoice(str(exported_speakers)).check(*load(**overrides))


def test_symbols_that_find_no_room_are_refused(exported):
    _, known, folder = exported
    initial = InitialVoice(str(folder))
    n_known = len(known) + 2
    assert len(initial.make_table(["ʒ", "ɲ"], n_known + 2)) == n_known + 2
    with pytest.raises(
        ValueError,
        match=f"has {n_known} tokens and the corpus 2 others, the model room "
        f"for {n_known + 1}. Give n_tokens: {n_known + 2} or more",
    ):
        initial.make_table(["ʒ", known[0], "ɲ"], n_known + 1)


def test_new_rows_of_a_frozen_part_are_told(exported, load, caplog):
    hparams, _ = loaded = load()
    freeze(hparams["models"]["model"], ["encoder"])
    start(InitialVoice(str(exported[2])), loaded, ["ʒ"])
    assert "heard ʒ, which stay untrained, for frozen: encoder" in caplog.text


def test_texts_that_are_read_otherwise_are_told(exported, caplog):
    initial = InitialVoice(str(exported[2]))
    initial.compare_frontend(EspeakFrontend())
    assert "otherwise" not in caplog.text
    initial.compare_frontend(EspeakFrontend(VoiceSettings(voice="de")))
    assert "read texts otherwise: voice: en-us there, de here. W" in caplog.text


def test_models_are_told_apart(exported, exported_speakers):
    identity = InitialVoice(str(exported[2])).identity
    assert re.fullmatch("[0-9a-f]{12}", identity)
    assert InitialVoice(str(exported[2])).identity == identity
    assert InitialVoice(str(exported_speakers)).identity != identity
    renamed = InitialVoice(str(exported_speakers))
    before = renamed.identity
    renamed.speakers[0] = "226"
    assert renamed.identity != before


def test_a_model_of_another_kind_is_refused(exported_g2p, tmp_path):
    with pytest.raises(
        ValueError, match="must be a TTS model; .* lacks tokens, mel_settings"
    ):
        InitialVoice(str(exported_g2p))
    with pytest.raises(ValueError, match="does not exist. Give the folder"):
        InitialVoice(f"{tmp_path}/nothing")
