"""Everything that reads a file of somebody's, each with good files for it.

A kind is a list of cases. A case has the files of a folder, which of them are
altered, and what reads the folder: it returns, or raises our error.
"""

import gzip
import io
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from speechbrain.utils.epoch_loop import EpochCounter

from sb_sma.alignment.acoustic_model import AcousticModel
from sb_sma.alignment.aligner import Aligner
from sb_sma.alignment.features import N_CEPSTRUM, N_FEATURES
from sb_sma.alignment.reader import TextReader
from sb_sma.cli.lines import TextLines, decode_line
from sb_sma.cli.styles import read_style
from sb_sma.cli.utterances import read_texts
from sb_sma.data import MelSettings
from sb_sma.data.corpus.build_once import load_manifests
from sb_sma.data.corpus.content import find_damage
from sb_sma.data.corpus.listing import list_corpora
from sb_sma.data.lexicon.read import read_pronunciations
from sb_sma.data.speech.check import find_problems
from sb_sma.data.speech.manifest.read import read_entries
from sb_sma.data.speech.mel import MelStatistics, check_mels
from sb_sma.data.speech.recording.audio import read_recording
from sb_sma.hparams import load_experiment
from sb_sma.inference import G2P, TTS
from sb_sma.training.history import History
from sb_sma.training.means import WeightedMeans
from sb_sma.training.recovery.checkpoint_checks import check_same_start
from sb_sma.training.recovery.checkpointer import AtomicCheckpointer
from sb_sma.training.recovery.random_state import RandomState
from sb_sma.training.recovery.skipped_steps import SkippedSteps
from sb_sma.vocoders import HiFiGAN
from tests.model_folders import forget_digests
from tests.small_hifigan import write_small_hifigan

FROZEN = Path(__file__).resolve().parents[1] / "frozen" / "1"
ROOT = FROZEN.parents[2]
# 44 bytes of a header, and a quarter of a second
_TONE = np.sin(np.arange(6000) / 9) * np.hanning(6000) / 2


@dataclass
class Case:
    """What is read.

    Arguments
    ---------
    files : dict of str to bytes
        Of a good folder, by their paths in it.
    read : Callable
        Reads the folder.
    altered : list of str
        Which files are malformed. Default: all.
    told : str
        What an error must name: the ``path``, ``none``.
    """

    files: dict[str, bytes]
    read: Callable[[Path], None]
    altered: list[str] | None = None
    told: str = "path"


def _files_of(folder, *left_out):
    """Read a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in left_out
    }


def _encode(text):
    return text.encode("utf-8", "surrogateescape")


def metadata(scratch):
    """metadata.csv in the layout of LJSpeech."""
    wavs = {f"wavs/{name}.wav": b"" for name in ("a1", "a2", "a3")}
    layouts = [
        "a1|Dr. Yes.|Doctor Yes.\na2|No, 5.|No, five.\na3|Well.|Well.\n",
        "a1|Yes, I do.\na2|No.\na3|\u201cWell\u201d, he said\n",
        "id|speaker|text\na1|anna|Yes.\na2|bela|No.\na3|anna|Well.\n",
    ]
    return [
        Case({"metadata.csv": _encode(text), **wavs}, _check, ["metadata.csv"])
        for text in layouts
    ]


def _check(place):
    """Check a manifest as sb-sma check does; problems are its answer."""
    for problem in find_problems(place, skip_audio=True)[1]:
        problem.encode("utf-8")
    read_entries(place)


def manifest(scratch):
    """Manifests with a header, and of JSON."""
    rows = [
        {
            "id": f"a{i}",
            "wav": f"clips/a{i}.flac",
            "text": f"This is number {i}, I say.",
            "speaker": "anna",
            "style_mood": "calm",
            "split": split,
        }
        for i, split in enumerate(["train", "valid", "test", "train"])
    ]
    tables = {
        f"m.{suffix}": "\n".join(
            [between.join(rows[0]), *(between.join(r.values()) for r in rows)]
        )
        for suffix, between in (("csv", "|"), ("tsv", "\t"))
    }
    quoted = [",".join(f'"{x}"' for x in r.values()) for r in rows]
    lines = [json.dumps(row) for row in rows]
    by_id = {row["id"]: {**row, "id": row["id"]} for row in rows}
    for row in by_id.values():
        del row["id"]
    files = {
        **tables,
        "quoted.csv": "\n".join([",".join(rows[0]), *quoted]),
        "m.jsonl": "\n".join(lines),
        "m.json": json.dumps(by_id, indent=1),
    }
    return [
        Case({name: _encode(text)}, lambda place, n=name: _check(place / n))
        for name, text in files.items()
    ]


def lexicon(scratch):
    """Lexicons in both layouts, with and without probabilities, packed."""
    files = {
        "a.tsv": "tomato\tt \u0259 m e\u026a t o\u028a\ntomato\tt \u0259 m\nice\ta\u026a s\n",
        "a.dict": ";;; words\nREAD  R EH1 D\nREAD(2)  R IY1 D # verb\nA  AH0\n",
        "p.dict": "a 0.9 AH\na(2) 0.1 EY\nb 1.0 B IY\n",
        "p.tsv": "caf\u00e9\t1e-05 k a f e\nb\t0.5 b\n",
    }
    contents = {name: _encode(text) for name, text in files.items()}
    contents["a.dict.gz"] = gzip.compress(contents["a.dict"], mtime=0)
    return [
        Case(
            {name: content},
            lambda place, n=name: read_pronunciations(place / n),
        )
        for name, content in contents.items()
    ]


_SCRIPT = """
def main(hparams, brain):
    print(hparams["seed"], hparams.get("note"), hparams["model"]["layer"])
    print(brain.hparams.epochs, hparams["built"], hparams["rate"])
    print(hparams["output_folder"], hparams["names"])
"""
_TRAIN = """\
# a comment
seed: 1
note: SMA
epochs: 3
rate: 175.
width: 8
names: [a, b]
output_folder: results/<seed>
model: !include:models/model.yaml
    width: !ref <width>
built: !new:collections.Counter
    a: !ref <width>
"""
_MODEL = """\
width: !PLACEHOLDER
dropout: 0.1
layer: !new:collections.Counter
    width: !ref <width>
    half: !ref <width> // 2
    dropout: !ref <dropout>
"""
_BASE = """\
seed: 1
note: SMA
epochs: 3
rate: 175.
names: [a, b]
output_folder: results
model:
    width: 8
    layer: !new:collections.Counter
        width: !ref <rate> // 2
built: !new:collections.Counter
    a: !ref <epochs>
"""
_VARIANT = """\
base: base.yaml
note: another
epochs: 4
model:
    width: 9
"""


def _experiment(yaml, *overrides, script="train.py"):
    """Return what loads an experiment."""

    def load(place):
        """Load it."""
        line = [str(place / yaml), *overrides]
        load_experiment(line, place / script)

    return load


def yaml(scratch):
    """Experiments, what they include, and their variants."""
    files = {
        "train.py": _encode(_SCRIPT),
        "train.yaml": _encode(_TRAIN.replace("results/<seed>", "results")),
        "models/model.yaml": _encode(_MODEL),
        "base.yaml": _encode(_BASE),
        "variant.yaml": _encode(_VARIANT),
    }
    small = ["train.yaml", "models/model.yaml"]
    cases = [Case(files, _experiment("train.yaml"), small)] * 6
    variant = Case(
        files, _experiment("variant.yaml"), ["base.yaml", "variant.yaml"]
    )
    recipe = ROOT / "recipes" / "CMUDict" / "G2P" / "transformer"
    sys.path.insert(0, str(recipe))
    real = {"g2p.yaml": (ROOT / "hparams" / "g2p.yaml").read_bytes()}
    whole = Case(real, _experiment("g2p.yaml", script=recipe / "train.py"))
    return [*cases, variant, variant, whole]


def overrides(scratch):
    """Options of a command line; each line of the file is one."""
    files = {
        "train.py": _encode(_SCRIPT),
        "train.yaml": _encode(_TRAIN.replace("results/<seed>", "results")),
        "models/model.yaml": _encode(_MODEL),
        "options": b"--seed=3\n--note=a b\n--names=[a, c]\n--width=16\n"
        b"--device=cpu\n--rate=1.5e2\n--debug\n"
        b"--output_folder=out\n--precision=fp32\n--epochs=4\n",
    }

    def load(place):
        """Load the experiment with the options."""
        # the kernel gives a program no line with NUL
        content = (place / "options").read_bytes().replace(b"\0", b"")
        options = content.decode("utf-8", "surrogateescape").splitlines()
        _experiment("train.yaml", *options)(place)

    return [Case(files, load, ["options"], told="none")]


def wav(scratch):
    """Recordings of every container."""
    files = {}
    for suffix, kind, subtype in [
        *((".wav", "WAV", each) for each in ("PCM_16", "FLOAT", "PCM_U8")),
        *((".wav", "WAVEX", each) for each in ("PCM_24", "DOUBLE")),
        *((".wav", "WAV", each) for each in ("ULAW", "IMA_ADPCM", "MS_ADPCM")),
        *((".wav", each, "PCM_16") for each in ("RF64", "W64", "CAF", "AU")),
        *((".flac", "FLAC", each) for each in ("PCM_16", "PCM_24")),
        *((".ogg", "OGG", each) for each in ("VORBIS", "OPUS")),
        *((".aiff", "AIFF", "PCM_16"), (".mp3", "MP3", "MPEG_LAYER_III")),
        *((".wav", "NIST", "PCM_16"), (".wav", "SVX", "PCM_16")),
    ]:
        file = io.BytesIO()
        samples = np.stack([_TONE, _TONE], 1) if kind == "WAVEX" else _TONE
        rate = 48000 if subtype == "OPUS" else 22050
        soundfile.write(file, samples, rate, subtype, format=kind)
        files[f"{kind}-{subtype}{suffix}".lower()] = file.getvalue()
    settings = MelSettings()
    return [
        Case(
            {name: content},
            lambda place, n=name: read_recording(place / n, settings, 40),
        )
        for name, content in files.items()
    ]


def _speak(place):
    """Load a model, and say something."""
    tts = TTS.from_hparams(source=str(place))
    for text in ("No.", "abc"):
        _allow(tts.speak, text, speaker=(*tts.speakers, None)[0])


def tts(scratch):
    """Folders of exported TTS models, without digests of their files."""
    cases = []
    for name in ("tts_sma", "tts_styles", "tts_pieces", "tts_by_g2p"):
        folder = shutil.copytree(FROZEN / name, scratch / name)
        forget_digests(folder)
        files = _files_of(folder, "expected.safetensors")
        cases.append(Case(files, _speak))
        yaml = [name for name in files if name.endswith("hyperparams.yaml")]
        cases.append(Case(files, _speak, yaml))
    return cases


def _pronounce(place):
    """Load a model, and pronounce something."""
    g2p = G2P.from_hparams(source=str(place))
    _allow(g2p, ["ab"])


def g2p(scratch):
    """Folders of exported G2P models, without digests of their files."""
    cases = []
    for name in ("g2p_letters", "g2p_hinted", "g2p_pieces"):
        folder = shutil.copytree(FROZEN / name, scratch / name)
        forget_digests(folder)
        cases.append(Case(_files_of(folder, "expected.json"), _pronounce))
    return cases


def graphemes(scratch):
    """Tokenizers of exported models."""
    cases = []
    for name in ("g2p_letters", "g2p_hinted", "g2p_pieces"):
        folder = shutil.copytree(FROZEN / name, scratch / f"{name}_tokenizer")
        forget_digests(folder)
        files = _files_of(folder, "expected.json")
        cases.append(Case(files, _pronounce, ["graphemes.json"]))
    return cases


def text(scratch):
    """Lists of texts, read by every front end, and spoken."""
    models = [
        TTS.from_hparams(source=str(FROZEN / name))
        for name in ("tts_sma", "tts_styles", "tts_pieces", "tts_by_g2p")
    ]

    def read(place, model):
        """Read every line."""
        lines = TextLines("texts.txt", _lines(place / "texts.txt"), "a text")
        for _, line in read_texts(lines)[:2]:
            if line is not None:
                _allow(model.tokens, line[:200])

    content = _encode(
        "acb, bca.\nNo.\nbb 3 \u20ac5.20 at 10:30\n\nDr. A-b's caf\u00e9\n"
    )
    return [
        Case(
            {"texts.txt": content},
            lambda place, model=model: read(place, model),
            told="none",
        )
        for model in models
    ]


def word(scratch):
    """Lists of words, as sb-sma g2p reads them."""
    models = [
        G2P.from_hparams(source=str(FROZEN / name))
        for name in ("g2p_letters", "g2p_hinted", "g2p_pieces")
    ]

    def read(place, model):
        """Pronounce every word."""
        words = []
        for _, line in TextLines(
            "words.txt", _lines(place / "words.txt"), "a word"
        ):
            word = _allow(decode_line, line)
            if word is not None and _allow(model.encode, word) is not None:
                words.append(word)
        model(words[:3])

    return [
        Case(
            {"words.txt": b"abc\ncab\r\n\nbb\na-b\n"},
            lambda place, model=model: read(place, model),
            told="none",
        )
        for model in models
    ]


def _lines(path):
    return io.BytesIO(path.read_bytes())


def _allow(read, line, **options):
    """Read a line, which may be bad."""
    from tests.fuzzing.fuzz_readers import fault_of

    try:
        return read(line, **options)
    except Exception as error:
        if fault_of(error):
            raise
        return None


def style(scratch):
    """Weights of style tokens, as --style_weights takes them."""
    model = TTS.from_hparams(source=str(FROZEN / "tts_styles"))

    class Options:
        style_wav = style_token = None

    def read(place):
        """Make a style."""
        content = (place / "weights.json").read_bytes().replace(b"\0", b"")
        Options.style_weights = content.decode("utf-8", "surrogateescape")
        read_style(Options)(model.styles)

    weights = {"weights.json": b'{"0": 0.3, "4": -0.2}'}
    return [Case(weights, read, told="none")]


def vocoder(scratch):
    """Folders of HiFi-GANs, and weights in them."""
    folder = write_small_hifigan(scratch / "hifigan", sample_rate=22050)
    files = _files_of(folder)

    def read(place):
        """Make sound."""
        HiFiGAN(MelSettings(), place)(torch.zeros(2, 80))

    weights = [name for name in files if name.endswith(".ckpt")]
    return [
        Case(files, read, ["hyperparams.yaml"]),
        Case(files, read, weights),
    ]


def aligner(scratch):
    """Folders of aligners."""
    frames = torch.randn(50, N_FEATURES)
    model = AcousticModel.flat(["j", "ɛ", "s"], frames, torch.zeros(N_CEPSTRUM))
    Aligner(model, TextReader()).save(scratch / "aligner")
    samples = torch.from_numpy(_TONE).float()

    def read(place):
        """Align with it."""
        aligner = Aligner.load(place)
        aligner.align(samples, aligner.reader("Yes."))

    return [Case(_files_of(scratch / "aligner"), read)]


def _parts(place):
    """What a checkpoint keeps."""
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 3)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    return {
        "model": model,
        "optimizer": optimizer,
        "counter": EpochCounter(9),
        "history": History(place / "history.jsonl"),
        "loss_means": WeightedMeans(),
        "skipped_steps": SkippedSteps(),
        "random_state": RandomState(),
    }


def checkpoint(scratch):
    """Checkpoints of this version and of earlier ones, without digests."""
    folder = scratch / "run" / "save"
    parts = _parts(folder.parent)
    parts["history"].start(0)
    parts["history"].append({"epoch": 1, "valid": {"loss": 0.5}})
    for _ in (1, 2):
        AtomicCheckpointer(folder, parts).save_checkpoint({"loss": 0.5})
    start = {"format": 1, "parameters": {"seed": 1, "utterances": {"a": "b"}}}
    (folder / "corpus.json").write_text(json.dumps(start))
    files = _files_of(folder.parent)
    earlier = {
        name: content
        for name, content in files.items()
        if not name.endswith("digests.json")
    }

    def read(place):
        """Go on with a run."""
        parts = _parts(place)
        check_same_start(place / "save", start)
        AtomicCheckpointer(place / "save", parts).recover_if_possible()
        parts["history"].start(1)

    return [
        Case(each, read, [name for name in each if "save" in name])
        for each in (files, earlier)
    ]


def history(scratch):
    """Figures of the epochs of a run."""
    records = [
        {"epoch": i, "minutes": i / 2, "valid": {"loss": 0.5}} for i in (1, 2)
    ]
    content = "".join(json.dumps(record) + "\n" for record in records)

    def read(place):
        """Go on with a run of an earlier version."""
        history = History(place / "history.jsonl")
        history.start(last_epoch=2)
        history.append({"epoch": 3})

    return [Case({"history.jsonl": _encode(content)}, read)]


def corpus(scratch):
    """Folders of corpora."""
    entry = {
        "mel": "{data_root}/mels/a.npy",
        "wav": "{data_root}/wavs/a.wav",
        "text": "a b",
        "tokens": ["a", "b"],
        "voice": "en",
        "duration": 0.2,
    }
    mel = io.BytesIO()
    np.save(mel, np.full((20, 80), -5.0, np.float32))
    files = {
        "corpus.json": {
            "format": 1,
            "parameters": {},
            "about": {"kind": "speech"},
            "files": ["tokens.json", "mel_statistics.json"],
        },
        "tokens.json": ["a", "b"],
        "mel_statistics.json": {"mean": [0.0] * 80, "std": [1.0] * 80},
        **{
            f"{split}.json": {"a": entry}
            for split in ("train", "valid", "test")
        },
    }
    files = {f"c-0/{name}": _encode(json.dumps(x)) for name, x in files.items()}
    files["c-0/mels/a.npy"] = mel.getvalue()
    files["c-0/wavs/a.wav"] = b""

    def read(place):
        """List a corpus, and read what a run reads."""
        list_corpora(place)
        folder = place / "c-0"
        if find_damage(folder) is None:
            check_mels(load_manifests(folder)["train"])
        MelStatistics.load(folder / "mel_statistics.json")

    # what is missing is named by the utterance that needs it
    return [Case(files, read, told="none")]


def voice(scratch):
    """Settings of a voice of Piper."""
    from sb_sma.data.teachers.piper import PiperTeacher

    settings = {
        "audio": {"sample_rate": 22050},
        "espeak": {"voice": "en-us"},
        "phoneme_type": "espeak",
        "num_speakers": 1,
    }
    files = {
        "a.onnx": b"",
        "a.onnx.json": _encode(json.dumps(settings)),
    }

    def read(place):
        """Look at a voice."""
        PiperTeacher(place / "a.onnx")._settings()

    return [Case(files, read, ["a.onnx.json"])]


KINDS = {
    kind.__name__: kind
    for kind in (
        *(metadata, manifest, lexicon, yaml, overrides, wav, tts, g2p),
        *(graphemes, text, word, style, vocoder, checkpoint, history, corpus),
        *(voice, aligner),
    )
}
"""Makers of cases, which take a folder for what they need."""
