"""A stranger's folder runs no code of its own."""

import functools
import http.server
import shutil
import threading

import pytest
from speechbrain.utils.fetching import FetchConfig

from sb_sma.cli import main
from sb_sma.data import MelSettings
from sb_sma.inference import G2P, TTS
from sb_sma.inference.model_folder import ModelFolderError
from sb_sma.vocoders import HiFiGAN

REMEDY = r"trusted=True \(sb-sma: --trust_model\)"


def attacks(made):
    """Lines of a YAML file, each of which makes a file if it is run."""
    command = f"touch {made}"
    names = {
        "apply": f"!apply:os.system ['{command}']",
        "new": f"!new:subprocess.Popen {{args: ['touch', '{made}']}}",
        "name": f"!name:os.system ['{command}']",
        "module": "!module:os",
        "python": f"!!python/object/apply:os.system ['{command}']",
        "tuple": f'(!!python/object/apply:os.system ["{command}"])',
        "quoted": f"'(!!python/object/apply:os.system [\"{command}\"])'",
        "exec": f"!apply:builtins.exec [\"open('{made}', 'w')\"]",
        "builtin": f"!apply:exec [\"open('{made}', 'w')\"]",
        "applyref": f"!applyref:os.system\n  - {command}",
        "include": f"!include:{made.with_suffix('.yaml')}",
        "copy": "!copy <format>",
        "partial": f"!new:functools.partial [!name:os.system , '{command}']",
        "vocoder": "!apply:sb_sma.vocoders.make_vocoder\n"
        f"  vocoder: !name:os.system\n  mel_settings: {command}\n  options: {{}}",
        "through ours": "!name:sb_sma.attention.registry.functools.partial",
        "private": "!name:sb_sma.cli.main",
        "load": f"!apply:torch.load ['{made}']",
        "anchored": f"&x !apply:os.system ['{command}']",
        "in a list": f"[1, {{a: !apply:os.system ['{command}']}}]",
        "a key": f"{{!apply:os.system ['{command}'] : 1}}",
        "verbatim": f"!<!apply:os.system> ['{command}']",
        "handle": f"!h!apply:os.system ['{command}']",
        "second line": f"1 # a\u2028y: !apply:os.system ['{command}']",
    }
    return {key: f"zz_other: {value}\n" for key, value in names.items()}


KINDS = [*attacks(__import__("pathlib").Path("a"))]
HARMLESS = {"tuple", "quoted"}


def altered(folder, place, line, made):
    copy = shutil.copytree(folder, place / "model")
    evil = f"evil: !apply:os.system ['touch {made}']\n"
    made.with_suffix(".yaml").write_text(evil, encoding="utf-8")
    path = copy / "hyperparams.yaml"
    text = path.read_text(encoding="utf-8") + line
    if "!h!" in line:
        text = f"%TAG !h! !\n---\n{text}"
    path.write_text(text, encoding="utf-8")
    return copy


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loader", [TTS, G2P])
def test_no_code_is_run(exported, exported_g2p, tmp_path, loader, kind):
    made = tmp_path / "made"
    folder = exported[2] if loader is TTS else exported_g2p
    copy = altered(folder, tmp_path, attacks(made)[kind], made)
    for overrides in ({}, {"format": 1}):
        try:
            loader.from_hparams(source=str(copy), overrides=overrides)
        except ModelFolderError as error:
            assert kind not in HARMLESS
            assert "hyperparams.yaml" in str(error)
        else:
            assert kind in HARMLESS
    assert not made.exists()


@pytest.mark.parametrize("kind", ["apply", "new", "exec"])
def test_the_attacks_are_real(exported_g2p, tmp_path, kind):
    made = tmp_path / "made"
    copy = altered(exported_g2p, tmp_path, attacks(made)[kind], made)
    G2P.from_hparams(source=str(copy), trusted=True)
    for _ in range(100):
        if made.exists():
            return
        __import__("time").sleep(0.05)
    pytest.fail("nothing was run")


def test_the_commands_run_none_unless_told(
    exported_g2p, tmp_path, capsys, monkeypatch
):
    made = tmp_path / "made"
    copy = altered(exported_g2p, tmp_path, attacks(made)["apply"], made)
    words = tmp_path / "words.txt"
    words.write_text("cab\n")
    call = ["g2p", "--model", str(copy), "--input", str(words)]
    assert main(call) == 1
    assert "--trust_model" in capsys.readouterr().err and not made.exists()
    assert main([*call, "--trust_model"]) == 0
    assert made.exists()


def test_the_place_and_the_remedy_are_told(exported, tmp_path):
    made = tmp_path / "made"
    copy = altered(exported[2], tmp_path, attacks(made)["apply"], made)
    path = copy / "hyperparams.yaml"
    line = path.read_text(encoding="utf-8").count("\n")
    with pytest.raises(
        ModelFolderError, match=f"yaml, line {line}: !apply:os.system.*{REMEDY}"
    ):
        TTS.from_hparams(source=str(copy))


def test_own_names_may_be_trusted(exported_g2p, tmp_path):
    copy = altered(
        exported_g2p,
        tmp_path,
        "own: !new:collections.Counter\n",
        tmp_path / "m",
    )
    with pytest.raises(ModelFolderError, match="collections.Counter"):
        G2P.from_hparams(source=str(copy))
    for trusted in (True, ["collections.Counter"]):
        g2p = G2P.from_hparams(source=str(copy), trusted=trusted)
        assert not g2p.hparams.own
    # what the caller says is the caller's
    g2p = G2P.from_hparams(
        source=str(exported_g2p),
        overrides="own: !new:collections.Counter",
        overrides_must_match=False,
    )
    assert not g2p.hparams.own


def test_a_g2p_model_within_runs_none(exported_with_g2p, tmp_path):
    made = tmp_path / "made"
    copy = shutil.copytree(exported_with_g2p, tmp_path / "model")
    for path in (copy / "hyperparams.yaml", copy / "g2p" / "hyperparams.yaml"):
        text = path.read_text(encoding="utf-8")
        text = text.partition("sha256:")[0]
        if path.parent.name == "g2p":
            text += attacks(made)["apply"]
        path.write_text(text, encoding="utf-8")
    tts = TTS.from_hparams(source=str(copy))
    with pytest.raises(ModelFolderError, match="os.system"):
        tts.tokens("cab")
    assert not made.exists()


@pytest.mark.parametrize("source", ["/etc", "../other", "g2p/../../other"])
def test_files_outside_of_the_folder_are_left_alone(
    exported_with_g2p, tmp_path, source
):
    copy = shutil.copytree(exported_with_g2p, tmp_path / "model")
    shutil.copytree(copy / "g2p", tmp_path / "other")
    path = copy / "hyperparams.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("source: g2p\n", f"source: {source}\n"))
    with pytest.raises(ValueError, match="in the folder"):
        TTS.from_hparams(source=str(copy))


def test_a_vocoder_runs_none(exported, hifigan_folder, tmp_path):
    made = tmp_path / "made"
    copy = altered(hifigan_folder, tmp_path, attacks(made)["apply"], made)
    options = {"vocoder": "hifigan", "vocoder_source": copy}
    with pytest.raises(ValueError, match=f"os.system.*{REMEDY}"):
        HiFiGAN(MelSettings(), copy)
    with pytest.raises(ValueError, match="os.system"):
        TTS.from_hparams(source=str(exported[2]), **options)
    assert not made.exists()
    tts = TTS.from_hparams(source=str(exported[2]), trusted=True, **options)
    assert made.exists() and tts.vocoder.n_mels == 80


@pytest.mark.parametrize(
    "old, new",
    [
        ("  d_model: 16\n", "  d_model: 1000000000\n"),
        ("  d_model: 16\n", "  d_model: 1000000\n"),
        ("  d_ffn: 32\n", "  d_ffn: 1000000\n"),
        ("  num_layers: 2\n", "  num_layers: 1000000\n"),
        ("  n_tokens: 8\n", "  n_tokens: 999999\n"),
    ],
)
def test_a_size_that_fills_the_memory_is_refused(
    exported_g2p, tmp_path, old, new
):
    copy = shutil.copytree(exported_g2p, tmp_path / "model")
    path = copy / "hyperparams.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ModelFolderError, match="again"):
        G2P.from_hparams(source=str(copy))


@pytest.mark.parametrize(
    "frontend", ["hello", "!name:sb_sma.data.CharacterFrontend"]
)
def test_what_reads_texts_is_looked_at(exported, frontend):
    overrides = f"frontend: {frontend}"
    with pytest.raises(ModelFolderError, match="frontend must turn a text"):
        TTS.from_hparams(source=str(exported[2]), overrides=overrides)


def test_one_name_may_be_trusted(exported_g2p):
    source = str(exported_g2p)
    assert G2P.from_hparams(source=source, trusted="collections.Counter")
    with pytest.raises(ValueError, match="there is no nobody.Knows"):
        G2P.from_hparams(source=source, trusted="nobody.Knows")


def test_own_mistakes_are_not_the_folders(exported):
    with pytest.raises(ValueError, match="vocoder") as told:
        TTS.from_hparams(source=str(exported[2]), vocoder="nope")
    assert not isinstance(told.value, ModelFolderError)


@pytest.fixture
def on_a_hub(exported_g2p, tmp_path):
    """A model that a server of this machine sends, and its folder."""
    folder = shutil.copytree(exported_g2p, tmp_path / "hub" / "model")
    handler = functools.partial(
        http.server.SimpleHTTPRequestHandler, directory=tmp_path / "hub"
    )
    handler.log_message = lambda *args: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/model", folder
        server.shutdown()


def load_from_hub(source, tmp_path):
    return G2P.from_hparams(
        source=source,
        savedir=tmp_path / "saved",
        fetch_config=FetchConfig(allow_updates=True),
    )


def test_a_model_of_a_hub_has_the_bounds_of_a_folder(on_a_hub, tmp_path):
    source, folder = on_a_hub
    assert load_from_hub(source, tmp_path)(["cab"])
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    shutil.rmtree(tmp_path / "saved")
    with pytest.raises(ModelFolderError, match="is damaged, or another one"):
        load_from_hub(source, tmp_path)
    path = folder / "hyperparams.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("  d_ffn: 32\n", "  d_ffn: 1000000\n"))
    shutil.rmtree(tmp_path / "saved")
    with pytest.raises(ModelFolderError, match="describes a model of more"):
        load_from_hub(source, tmp_path)


@pytest.mark.parametrize("there", ["someone/a-vocoder", "/tmp/vocoder"])
def test_a_vocoder_that_lies_elsewhere_is_refused(exported, tmp_path, there):
    copy = shutil.copytree(exported[2], tmp_path / "model")
    path = copy / "hyperparams.yaml"
    lines = path.read_text(encoding="utf-8").splitlines(True)
    kept = [line for line in lines if not line.startswith("vocoder")]
    kept += ["vocoder: hifigan\n", f"vocoder_source: {there}\n"]
    path.write_text("".join(kept), encoding="utf-8")
    with pytest.raises(ModelFolderError, match=f"{there}.*name it yourself"):
        TTS.from_hparams(source=str(copy))
    # whoever names it has it looked for
    with pytest.raises(ValueError, match="vocoder_source must be a folder"):
        TTS.from_hparams(source=str(copy), vocoder_source="/no/vocoder")


def test_an_unknown_override_is_the_callers_mistake(exported_g2p):
    for given in ({"beam_setings": 1}, "beam_setings: 1"):
        with pytest.raises(ValueError, match="beam_settings") as told:
            G2P.from_hparams(source=str(exported_g2p), overrides=given)
        assert not isinstance(told.value, ModelFolderError)


@pytest.mark.parametrize(
    "name, value",
    [("n_fft", 10**6), ("n_mels", 10**5), ("n_fft", "x"), ("n_mels", 1.5)],
)
def test_features_that_fill_the_memory_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} must be"):
        MelSettings(**{name: value})
