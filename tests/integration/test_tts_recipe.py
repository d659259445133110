"""The main job, small: train, log, export, report, resume, refuse."""

import json
import re
import shutil
from pathlib import Path

import pytest
import soundfile
import torch
from safetensors.torch import load_file

from sb_sma.data.espeak.voice import speak
from sb_sma.inference import TTS
from tests.integration.recipe_runs import (
    read_history,
    refusal_of,
    train_tts as train,
)

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run of two epochs, continued by a third."""
    folder = tmp_path_factory.mktemp("tts") / "run"
    for n_epochs in (2, 3):
        done = train(
            folder,
            f"--number_of_epochs={n_epochs}",
            "--samples_every=2",
            "--n_samples=2",
        )
        assert done.returncode == 0, done.stderr[-3000:]
    return folder


def test_a_run_leaves_what_the_readme_promises(run):
    # SpeechBrain keeps the script and the YAML of a run
    for name in ("train.py", "hyperparams.yaml"):
        assert (run / name).stat().st_size > 0
    for name in ("index.html", "train_log.txt", "test_stats.json"):
        assert (run / name).stat().st_size > 0
    assert {path.name for path in (run / "model").iterdir()} == {
        "hyperparams.yaml",
        "model.safetensors",
    }
    assert {path.name for path in (run / "samples/epoch_002").iterdir()} == {
        f"{index}{ending}"
        for index in (1, 2)
        for ending in (".wav", "_alignment.png", "_mel.png")
    }
    assert list((run / "tensorboard").glob("events*"))
    page = (run / "index.html").read_text(encoding="utf-8")
    assert page.count("<audio") == 6
    assert "--number_of_epochs=3" in page


def test_the_logged_figures_are_all_there(run):
    log = (run / "train_log.txt").read_text()
    for name in (
        "train mel_loss",
        "valid mel_before",
        "valid stop_loss",
        "valid guided_loss",
        "valid focus_rate_1_1",
        "valid skips",
        "valid repeats",
        "valid backward_jumps",
        "valid coverage",
        "valid end_mass",
        "valid within_one",
        "valid line_within_one",
        "test within_one",
    ):
        assert f"{name}: " in log, name


def test_a_second_start_goes_on_where_the_first_ended(run):
    history = read_history(run)
    assert [record["epoch"] for record in history] == [1, 2, 3]
    steps = [record["step"] for record in history]
    minutes = [record["minutes"] for record in history]
    weights = [record["guided_weight"] for record in history]
    assert steps == sorted(set(steps))
    assert minutes == sorted(set(minutes))
    assert weights == pytest.approx([2 ** (-i / 4) for i in range(3)])
    # it warms up from the very first step on, and falls to 0 at the end, which
    # was that of two epochs at first
    rates = [record["lr"] for record in history]
    ends = (steps[1], steps[1], steps[2])
    assert rates == pytest.approx(
        [
            0.002 * step / 200 * (1 - (step - 1) / end)
            for step, end in zip(steps, ends)
        ]
    )


def test_the_averaged_weights_are_what_is_exported(run):
    exported = load_file(run / "model" / "model.safetensors")
    found, n_averaged = False, []
    for checkpoint in (run / "save").glob("CKPT*"):
        average, model = (
            torch.load(checkpoint / f"{name}.ckpt", weights_only=True)
            for name in ("average", "model")
        )
        n_averaged.append(int(average["n_averaged"]))
        found |= all(
            torch.equal(value, average[f"module.{name}"])
            for name, value in exported.items()
        )
        assert any(
            not torch.equal(value, model[name])
            for name, value in exported.items()
        )
    assert found
    assert max(n_averaged) == read_history(run)[-1]["step"]


def test_the_exported_model_speaks_where_the_recipe_is_absent(run, tmp_path):
    moved = tmp_path / "moved"
    (run / "model").rename(moved)
    try:
        tts = TTS.from_hparams(source=str(moved))
        for mode in ("soft", "hard"):
            mels, mel_lengths, alignments = tts.encode_text(
                ["Yes.", "No, no."], mode=mode, seed=1
            )
            assert mels.shape == (2, int(mel_lengths.max()), 80)
            steps = int(mel_lengths.max()) // 4
            n_tokens = len(tts.tokens("No, no."))
            assert alignments.shape == (2, 2, steps, n_tokens)
            assert torch.isfinite(mels).all()
            assert len(tts.finished) == 2
    finally:
        moved.rename(run / "model")


def files_of(folder):
    """Every file below a folder, with its content."""
    return {
        path: path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_another_architecture_is_refused_and_nothing_touched(run):
    before = files_of(run)
    flags = ("--number_of_epochs=4", "--attention_type=regularMHA")
    refusal = refusal_of(train, run, *flags)
    assert "is of another architecture" in refusal
    assert "Give another --output_folder" in refusal
    assert files_of(run) == before


REFUSED = {
    "head": (["--guided_heads=[9]"], "must be among 0 to 1, or null"),
    "layer": (["--guided_layers=[-3]"], "must be among 0 to 1, or null"),
    "heads": (["--guided_heads=0"], "'guided_heads' must be a list of one or"),
    "mels": (["--n_mels=300"], "n_mels must be at most what n_fft"),
    "limit": (["--max_batch_items=0"], "'max_batch_items' must be a whole"),
    "window": (["--decoder_window=abc"], "'decoder_window' must be a whole"),
    "minutes": (["--max_minutes=abc"], "'max_minutes' must be a number"),
    "frames": (["--frames_per_token=abc"], "'frames_per_token' must be a nu"),
    "device": (["--device=tpu"], "--device must be cpu, cuda or cuda:N"),
    "precision": (["--precision=fp16"], "--precision=fp16 needs a GPU"),
    "key": (["--epochs=1"], "Closest known names: number_of_epochs"),
    "dashes": (["typo=1"], "Write --typo=1."),
    "file": (
        ["--data_folder=x", "--frontend=g2p", "--g2p_model=lost"],
        "g2p_model must be the folder of an exported G2P model",
    ),
    "class": (["--attention_type=!name:a.B"], "!name:a.B names no class"),
    "texts": (["--texts=lost.txt"], "texts must be a file with a text a line"),
    "data": (["--data_folder=007"], "/007, without metadata.csv and wavs/"),
    "voice": (["--voice=1"], "voice must be a voice of eSpeak NG; got '1'"),
    "counts": (["--n_utterances=8"], "n_utterances must leave at least one"),
    "teacher": (["--teacher=piper"], "teacher: piper needs teacher_voice"),
    "teacher_voice": (
        ["--teacher=piper", "--teacher_voice=lost.onnx"],
        "there is no file lost.onnx. Correct the path",
    ),
    "teacher of recordings": (
        ["--teacher=hibari", "--data_folder=007"],
        "teacher must be left out for real speech",
    ),
    "optimizer": (["--opt_class={betas: [0.9, 2]}"], "Invalid beta parameter"),
}


@pytest.mark.parametrize("flags, message", REFUSED.values(), ids=REFUSED)
def test_a_mistake_is_one_message_and_leaves_nothing(tmp_path, flags, message):
    refusal = refusal_of(train, tmp_path / "run", *flags)
    assert message in refusal and "error: " in refusal
    assert "Traceback" not in refusal
    assert list(tmp_path.iterdir()) == []


def test_zeros_mean_none_never_and_at_once(tmp_path):
    zeros = ["n_samples", "samples_every", "warmup_steps", "own_frames_steps"]
    zeros += ["energy_noise_steps", "griffin_lim_iterations", "dropout"]
    zeros += ["short_first_epochs", "encoder_prenet_layers", "stop_weight"]
    done = train(
        tmp_path / "run",
        *(f"--{key}=0" for key in zeros),
        "--number_of_epochs=2",
        "--style=gst",
        "--style_width=8",
        "--reference_width=8",
        "--speakers=1",
    )
    assert done.returncode == 0, done.stderr[-3000:]
    rates = [record["lr"] for record in read_history(tmp_path / "run")]
    assert 0 < rates[1] < rates[0] <= 0.002
    assert not (tmp_path / "run" / "samples").exists()
    page = (tmp_path / "run" / "index.html").read_text(encoding="utf-8")
    assert "No test sentence was spoken" in page and "<audio" not in page


def test_a_folder_may_have_any_name_and_be_in_the_home_folder(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    done = train(
        Path("~/2024 <x>: [1] #(é)"),
        "--number_of_epochs=0",
        "--attention_type=regularMHA",
    )
    assert done.returncode == 0, done.stderr[-3000:]
    folder = tmp_path / "2024 <x>: [1] #(é)"
    for name in ("index.html", "hyperparams.yaml", "log.txt", "model"):
        assert (folder / name).exists()
    assert (tmp_path / "corpus").is_dir() and not (tmp_path / "~").exists()
    assert TTS.from_hparams(source=str(folder / "model")).speak("Yes.", seed=0)


def test_a_typo_in_the_attention_type_lists_the_choices(tmp_path):
    refusal = refusal_of(train, tmp_path / "run", "--attention_type=SAM")
    assert "must be one of SMA, regularMHA, forward or !name" in refusal


def test_the_embedded_corpus_has_no_other_front_end(tmp_path):
    refusal = refusal_of(train, tmp_path / "run", "--frontend=characters")
    assert "frontend must be espeak for the embedded" in refusal
    assert not (tmp_path / "corpus").exists()


def test_utterances_too_long_for_the_steps_are_named(run):
    refusal = refusal_of(train, run.parent / "fast", "--reduction_factor=8")
    assert "cannot be walked through at reduction_factor 8" in refusal
    assert "raise moves_per_query" in refusal


@pytest.mark.parametrize(
    "flags, message",
    [
        (
            ("--attention_type=regularMHA", "--monotonic_start_epoch=2"),
            "must be 1 for attention that never walks",
        ),
        (
            ("--attention_window=[1, 3]",),
            "StepwiseMonotonicMHA has no attention_window; got [1, 3]",
        ),
    ],
    ids=["walk", "window"],
)
def test_what_the_attention_cannot_do_is_refused(tmp_path, flags, message):
    assert message in refusal_of(train, tmp_path / "run", *flags)
    assert not (tmp_path / "corpus").exists()


def test_softmax_and_two_moves_train_from_the_recipes_own_folder(run):
    for flags in (
        ("--attention_type=regularMHA",),
        ("--reduction_factor=8", "--moves_per_query=2"),
    ):
        folder = run.parent / f"run{len(flags)}"
        done = train(
            folder,
            "--number_of_epochs=1",
            *flags,
            script="recipes/Embedded/TTS/transformer/train.py",
            yaml="recipes/Embedded/TTS/transformer/hparams/train.yaml",
        )
        assert done.returncode == 0, done.stderr[-3000:]
        assert (folder / "index.html").exists()


def test_softmax_comes_first_where_it_is_asked_for(run):
    folder = run.parent / "softmax_first"
    flags = "--monotonic_start_epoch=2", "--monotonic_focus_rate=1.0"
    done = train(folder, "--number_of_epochs=2", *flags)
    assert done.returncode == 0, done.stderr[-3000:]
    history = read_history(folder)
    assert [record["monotonic"] for record in history] == [0, 1]
    # what is exported has learnt to walk
    for checkpoint in (folder / "save").glob("CKPT*"):
        meta = (checkpoint / "CKPT.yaml").read_text()
        assert ("mel_loss" in meta) == ("epoch: 2" in meta)
    flags = ("--number_of_epochs=1", *flags)
    refusal = refusal_of(train, run.parent / "too_late", *flags)
    assert "train longer or start earlier" in refusal


def test_of_a_decoder_that_hears_itself_the_last_is_exported(run):
    folder = run.parent / "rolled"
    flags = "--rollouts=1", "--rollouts_steps=0", "--number_of_epochs=2"
    done = train(folder, *flags)
    assert done.returncode == 0, done.stderr[-3000:]
    for record in read_history(folder):
        valid = record["valid"]
        assert 0 < valid["own_mel_loss"] != valid["mel_loss"]
    (checkpoint,) = (folder / "save").glob("CKPT*")
    assert "epoch: 2" in (checkpoint / "CKPT.yaml").read_text()
    average = torch.load(checkpoint / "average.ckpt")
    exported = load_file(folder / "model" / "model.safetensors")
    for name, tensor in exported.items():
        assert torch.equal(average[f"module.{name}"], tensor), name
    assert "own mel loss" in (folder / "index.html").read_text()


def test_the_guide_is_not_computed_when_it_is_off(run):
    folder = run.parent / "guided"
    flags = "--guided_off_after=1", "--guided_heads=[1]", "--guided_layers=[-1]"
    done = train(folder, "--number_of_epochs=2", *flags)
    assert done.returncode == 0, done.stderr[-3000:]
    history = read_history(folder)
    assert [record["guided_weight"] for record in history] == [1.0, 0.0]
    computed = ["guided_loss" in record["train"] for record in history]
    assert computed == [True, False]
    assert all("guided_loss" in record["valid"] for record in history)


def test_the_clock_ends_training_but_not_before_the_walk(tmp_path):
    flags = (
        "--max_minutes=0.001",
        "--number_of_epochs=4",
        "--monotonic_start_epoch=2",
        "--use_tensorboard=False",
    )
    for _ in range(2):  # the second start trains no further
        done = train(tmp_path / "run", *flags)
        assert done.returncode == 0, done.stderr[-3000:]
        history = read_history(tmp_path / "run")
        assert [record["monotonic"] for record in history] == [0, 1]


def test_pieces_of_words_are_learned_and_exported(tmp_path, shared):
    folder = tmp_path / "run"
    done = train(
        folder,
        f"--data_folder={shared / 'data' / 'ljspeech-mini'}",
        "--frontend=sentencepiece",
        "--sentencepiece_model=bpe",
        "--number_of_epochs=1",
        "--samples_every=2",
        "--use_tensorboard=False",
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (corpus,) = tmp_path.rglob("train.json")
    entries = json.loads(corpus.read_text(encoding="utf-8")).values()
    shutil.rmtree(corpus.parent)
    (folder / "model").rename(tmp_path / "moved")
    tts = TTS.from_hparams(source=str(tmp_path / "moved"))
    for entry in entries:
        assert tts.tokens(entry["text"]) == entry["tokens"]
    assert any(len(token) > 3 for token in tts.tokens("The 2 others")[:-1])
    assert torch.isfinite(tts.speak("The 2 others", seed=0)[0].mel).all()


def test_a_manifest_trains_without_its_bad_utterances(tmp_path):
    lines = ["id,wav,text,speaker"]
    for i in range(8):
        text = f"This is sentence number {i}."
        soundfile.write(tmp_path / f"{i}.flac", speak(text).samples, 22050)
        lines.append(f"u{i},{i}.flac,{text},anna")
    lines.append("lost,lost.wav,Lost.,anna")
    soundfile.write(tmp_path / "long.flac", speak("No.").samples, 22050)
    lines.append("long,long.flac,Much more than it is,anna")
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("\n".join(lines))
    flags = (f"--data_folder={manifest}", "--number_of_epochs=1")
    folder = tmp_path / "run"
    problem = f"{manifest}, line 10: {tmp_path}/lost.wav cannot be read"
    assert problem in refusal_of(train, folder, *flags)
    assert not (folder / "history.jsonl").exists()
    done = train(folder, *flags, "--skip_bad_utterances=True", "--trim_db=null")
    assert done.returncode == 0, done.stderr[-3000:]
    output = done.stdout + done.stderr
    assert "without bad utterances, 1 problem(s)" in output
    assert "without 1 utterance(s) that cannot be walked through" in output
    assert f"{manifest}, line 11: long has " in output
    assert (folder / "index.html").exists()


def test_another_corpus_is_refused(run):
    before = files_of(run.parent)
    flags = ("--number_of_epochs=4", "--pitch=60")
    assert "began with something else" in refusal_of(train, run, *flags)
    assert files_of(run.parent) == before


def test_speakers_are_told_apart_and_exported(tmp_path):
    flags = (
        "--number_of_epochs=1",
        "--voice=[en-us+m3, en-us+f2]",
        "--speaker_width=6",
        "--samples_every=1",
        "--use_tensorboard=False",
    )
    refusal = refusal_of(train, tmp_path / "one", "--speakers=1", *flags)
    assert "has 2 speakers, the model room for 1" in refusal
    assert not (tmp_path / "one" / "history.jsonl").exists()
    folder = tmp_path / "two"
    done = train(folder, "--speakers=2", *flags)
    assert done.returncode == 0, done.stderr[-3000:]
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "spoken by the speaker of its target" in page
    tts = TTS.from_hparams(source=str(folder / "model"))
    assert tts.speakers == ["en-us+f2", "en-us+m3"]
    assert re.search(r"--out hello\.wav --speaker en-us\+[fm][23]<", page)
    low, high = (
        tts.speak("Yes.", seed=0, speaker=name)[0].mel for name in tts.speakers
    )
    assert not torch.equal(low, high)
    (optimizer,) = folder.glob("save/CKPT*/optimizer.ckpt")
    states = torch.load(optimizer, weights_only=True)["state"].values()
    squares = [state["exp_avg_sq"] for state in states]
    (table,) = [square for square in squares if square.shape == (2, 6)]
    assert bool((table > 0).any(1).all())  # both were heard


def test_styles_are_learned_measured_and_exported(tmp_path):
    done = train(
        tmp_path / "gst",
        "--number_of_epochs=1",
        "--n_samples=2",
        "--style=gst",
        "--style_width=8",
        "--reference_width=8",
        "--rate=[120, 250]",
        "--use_tensorboard=False",
    )
    assert done.returncode == 0, done.stderr[-3000:]
    log = (tmp_path / "gst" / "train_log.txt").read_text()
    assert "valid style_effect: " in log and "test style_effect: " in log
    page = (tmp_path / "gst" / "index.html").read_text(encoding="utf-8")
    assert "Weights of 10 style tokens in 2 recordings" in page
    assert "by the weight of each token" in page
    assert "spoken in the style of its target" in page
    assert re.search(r"--out hello\.wav --style_wav \S+\.wav<", page)
    styles = TTS.from_hparams(source=str(tmp_path / "gst" / "model")).styles
    assert bool((styles.mean() != 0).any())
