#!/usr/bin/env python3
"""Recipe for autoregressive Transformer TTS with swappable attention.

To run this recipe, do the following:
> python train.py hparams/train.yaml
> python train.py hparams/train.yaml --attention_type=regularMHA
> python train.py hparams/train.yaml --data_folder=/path/to/LJSpeech-1.1
> python train.py hparams/train.yaml --data_folder=/path/to/manifest.csv
> python train.py hparams/train.yaml --initial_model=results/tts/SMA/model

A Transformer encodes the text, the mel decoder attends to it with stepwise
monotonic attention or softmax, and every run ends with an exported model and
a report to look at and listen to.
"""

import json
import logging
import sys
from collections import ChainMap
from functools import partial
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

from sb_sma.torch_pair import require_torch_pair

# before SpeechBrain is imported, which imports both
require_torch_pair()

import numpy as np
import speechbrain as sb
import torch
from speechbrain.utils.distributed import if_main_process, run_on_main

from sb_sma.attention import walk_switches
from sb_sma.data.batch import with_lengths
from sb_sma.data.corpus.build_once import SPLITS, load_manifests
from sb_sma.data.sampler import LengthBatchSampler, ShardBatchSampler
from sb_sma.data.shards.manifest import ShardManifest
from sb_sma.data.shards.read import ShardReader
from sb_sma.data.shards.samples import read_mels
from sb_sma.data.speech.manifest.read import read_entries
from sb_sma.data.speech.mel import MelStatistics, check_mels
from sb_sma.data.speech.reach import leave_out_unreachable
from sb_sma.data.speech.speakers import find_speakers, speaker_of
from sb_sma.data.tokens import TokenTable, check_token_room, read_symbols
from sb_sma.hparams import keys_by_argument, load_experiment, write_experiment
from sb_sma.inference.export import export_tts, speaking_settings
from sb_sma.losses import masked_l1, stop_loss
from sb_sma.metrics.alignment_statistics import AlignmentStatistics
from sb_sma.metrics.path import true_path
from sb_sma.mistakes import tell_mistakes
from sb_sma.models.recomputation import set_recomputation
from sb_sma.training.distributed import close_process_group
from sb_sma.training.frozen import freeze
from sb_sma.training.history import log_epoch, log_figures
from sb_sma.training.initial_voice import InitialVoice
from sb_sma.training.recipe_frame import (
    Start,
    join_processes,
    open_logs,
    read_resolved,
    train_and_test,
)
from sb_sma.training.recovery.disk import tell_full_disk
from sb_sma.training.recovery.recoverable_brain import RecoverableBrain
from sb_sma.training.reports.tts import write_tts_report
from sb_sma.training.sample_writer import SampleWriter, Sentence
from sb_sma.training.setting_checks import check_settings
from sb_sma.training.styles import StyleEffect, set_mean_style
from sb_sma.training.usual_seconds import measure_usual_seconds

# the YAML names the prepare scripts, which stand beside this file, also where
# it is a link
sys.path.insert(0, str(Path(__file__).absolute().parent))

logger = logging.getLogger(__name__)

USUAL_UTTERANCES = 1000  # that tell how long tokens usually last


class TTSBrain(RecoverableBrain):
    """Trains the model and measures how it follows the text."""

    def compute_forward(self, batch, stage):
        """Predict every frame from the true frames before it."""
        batch = batch.to(self.device)
        tokens, token_lengths = with_lengths(batch.token_ids)
        mels, mel_lengths = with_lengths(batch.log_mel)
        speaker = self._speaker(batch)
        if stage != sb.Stage.TRAIN:
            average = self.hparams.average.module
            return average(
                tokens, token_lengths, mels, mel_lengths, speaker=speaker
            )
        step = self.optimizer_step
        return self.modules.model(
            tokens,
            token_lengths,
            mels,
            mel_lengths,
            self.hparams.own_frames_schedule(step),
            speaker=speaker,
            rollouts=self.hparams.rollouts_schedule(step),
        )

    def compute_objectives(self, predictions, batch, stage):
        """Mel, stop and guided attention losses."""
        _, token_lengths = with_lengths(batch.token_ids)
        _, mel_lengths = with_lengths(batch.log_mel)
        output = predictions
        losses = {
            "mel_before": masked_l1(
                output.mels_before, output.targets, mel_lengths
            ),
            "mel_loss": masked_l1(
                output.mels_after, output.targets, mel_lengths
            ),
            "stop_loss": stop_loss(
                output.stop_logits,
                output.query_lengths,
                self.hparams.stop_positive_weight,
            ),
        }
        if output.refiner_loss is not None:
            losses["refiner_loss"] = output.refiner_loss
        guided_weight = self.read_schedule(self.hparams.guided_schedule)
        if guided_weight > 0 or stage != sb.Stage.TRAIN:
            losses["guided_loss"] = self.hparams.guided_attention(
                output.alignments, output.query_lengths, token_lengths
            )
        if stage != sb.Stage.TRAIN and self.hparams.rollouts > 0:
            losses["own_mel_loss"] = self._own_mel_loss(batch)
        self.loss_means.append(losses, mel_lengths.sum())
        if stage != sb.Stage.TRAIN:
            self.style_effect.append(
                self.hparams.average.module,
                *with_lengths(batch.token_ids),
                *with_lengths(batch.log_mel),
                self._speaker(batch),
            )
            self.alignment_statistics.append(
                output.alignments,
                output.query_lengths,
                token_lengths,
                self._true_paths(batch.id, output.query_lengths),
            )
        return (
            losses["mel_before"]
            + losses["mel_loss"]
            + self.hparams.stop_weight * losses["stop_loss"]
            + guided_weight * losses.get("guided_loss", 0.0)
            + self.hparams.refiner_weight * losses.get("refiner_loss", 0.0)
        )

    def on_fit_start(self):
        """Recover, and train no further where the minutes were over."""
        super().on_fit_start()
        records = self.history.records
        if records:
            self.hparams.epoch_counter.update(
                records[-1]["minutes"], bool(records[-1].get("monotonic", 1))
            )

    def on_fit_batch_start(self, batch, should_step):
        """Set the learning rate and the energy noise of this step."""
        for part in self.frozen:
            part.eval()
        if should_step:
            self.hparams.lr_schedule.set_rate(
                self.optimizer, self.optimizer_step, self.progress()
            )
        walk_switches.set_energy_noise(
            self.hparams.models["model"],
            self.hparams.noise_schedule(self.optimizer_step),
        )

    def on_stage_start(self, stage, epoch=None):
        """Start the averages anew; let attention walk, or not yet."""
        if stage == sb.Stage.TRAIN:
            self.walks = self.hparams.monotonic_start.begin_epoch(epoch)
            for model in self._models():
                walk_switches.set_monotonic(model, self.walks)
        super().on_stage_start(stage, epoch)
        self.alignment_statistics = AlignmentStatistics()
        self.style_effect = StyleEffect()

    def on_stage_end(self, stage, stage_loss, epoch=None):
        """Log, choose the guiding head and those that read, save."""
        stats = self.loss_means.summarize()
        if stage == sb.Stage.TRAIN:
            self.train_stats = {**stats, **self.skipped_steps.summarize()}
            return
        stats.update(self.style_effect.summarize())
        average = self.hparams.average.module
        if stage == sb.Stage.TEST:
            guide = average.guide.tolist()
            stats.update(self.alignment_statistics.summarize(guide))
            self.test_stats = stats
            self.hparams.train_logger.log_stats(
                {"epoch": self.hparams.epoch_counter.current}, test_stats=stats
            )
            return
        stats.update(self.alignment_statistics.summarize())
        focus_rates = self.alignment_statistics.per_head("focus_rate")
        for model in self._models():
            model.set_guide(*self.alignment_statistics.guide())
            walk_switches.choose_heads(model, focus_rates)
        stats_meta = {
            "epoch": epoch,
            "step": self.optimizer_step,
            "lr": self.optimizer.param_groups[0]["lr"],
            "guided_weight": self.read_schedule(self.hparams.guided_schedule),
        }
        if walk_switches.can_walk(average):
            stats_meta["monotonic"] = int(self.walks)
        log_epoch(
            self.loggers, self.history, stats_meta, self.train_stats, stats
        )
        self.hparams.monotonic_start.end_epoch(stats["focus_rate"])
        counter, minutes = self.hparams.epoch_counter, self.history.minutes()
        counter.update(minutes, self.walks)
        logger.info(
            "Epoch %d of %d in %.0f minutes; about %.0f left",
            epoch,
            counter.expected,
            minutes,
            counter.minutes_left(minutes),
        )
        meta = {"epoch": epoch}
        if self.walks:
            # only these are candidates for the model that is exported
            meta["mel_loss"] = stats["mel_loss"]
        if if_main_process():
            self._save_samples(epoch)
        # last, since what comes after it is lost when a run is interrupted
        keys = [self.min_key] if self.min_key else []
        self.checkpointer.save_and_keep_only(meta=meta, min_keys=keys)

    @property
    def min_key(self):
        """What is lowest in the model that is exported, or None for the last.

        True frames do not tell how well a decoder goes on from its own, and
        losses of these rise and fall by chance.
        """
        return None if self.hparams.rollouts > 0 else "mel_loss"

    def _own_mel_loss(self, batch):
        """Mel loss of a decoder that hears its own frames."""
        mels, mel_lengths = with_lengths(batch.log_mel)
        output = self.hparams.average.module(
            *with_lengths(batch.token_ids),
            mels,
            mel_lengths,
            speaker=self._speaker(batch),
            rollouts=1.0,
        )
        return masked_l1(output.mels_after, output.targets, mel_lengths)

    def _save_samples(self, epoch):
        """Draw and speak a few validation sentences, now and then."""
        every = self.hparams.samples_every
        if not every or epoch % every:
            return
        figures = self.sample_writer.write(
            self.hparams.average.module, f"epoch_{epoch:03d}"
        )
        log_figures(self.loggers, figures, epoch)

    def _models(self):
        """Return the model that is trained, and its average."""
        return self.hparams.models["model"], self.hparams.average.module

    def _speaker(self, batch):
        """Index of each item's speaker, where the model has speakers."""
        entries = [self.manifest[name] for name in batch.id]
        return speaker_indices(entries, self.speakers)

    def _true_paths(self, names, query_lengths):
        """Return the true path of each item, where the manifest knows it."""
        return [
            find_true_path(self.manifest[name], steps, self.hparams)
            for name, steps in zip(names, query_lengths.tolist())
        ]


def find_true_path(entry, n_queries, hparams):
    """Find the true token of each decoder step, where it is known."""
    if entry["token_starts"] is None:
        return None
    return true_path(
        entry["token_starts"],
        n_queries,
        hparams.mel_settings.hop_length,
        hparams.reduction_factor,
    )


def speaker_indices(entries, speakers):
    """Index of each entry's speaker, or None without a table of them."""
    if not speakers.names:
        return None
    return torch.tensor(speakers.encode(map(speaker_of, entries)))


def choose_frontend(hparams):
    """Return that of real speech, or that of the embedded corpus's teacher."""
    frontend, teacher = hparams["text_frontend"], hparams["speaking_teacher"]
    if hparams["data_folder"] is not None:
        if teacher.name != "espeak":
            raise ValueError(
                "teacher must be left out for real speech, which nobody "
                f"speaks anew; got {teacher.name}. Leave out teacher or "
                "data_folder."
            )
        return frontend
    if hparams["frontend"] != "espeak":
        raise ValueError(
            "frontend must be espeak for the embedded corpus, whose phonemes "
            "have the timing of its teacher; got "
            f"'{hparams['frontend']}'. Leave frontend out, or give real speech "
            "with --data_folder=DIR."
        )
    return teacher.frontend(frontend.settings)


def check_attention(hparams):
    """Refuse what the attention of the decoder cannot do."""
    model = hparams["models"]["model"]
    start = hparams["monotonic_start"].epoch
    if start > 1 and not walk_switches.can_walk(model):
        raise ValueError(
            "monotonic_start_epoch must be 1 for attention that never walks; "
            f"got {start}. Leave it out, or take attention_type: SMA."
        )
    model.decoder.layers.check_decoding(hparams["decoding"])


def plan_corpus(hparams):
    """Tell which corpus it is, without making it."""
    mel = hparams["mel_settings"]
    if hparams["data_folder"] is None:
        return hparams["prepare_embedded"](mel=mel)
    return hparams["prepare_speech"](hparams["data_folder"], mel=mel)


def choose_utterances(hparams, manifests):
    """Refuse texts that are too long for their audio, or leave them out."""
    places = {}
    if hparams["data_folder"] is not None:
        entries, _ = read_entries(hparams["data_folder"])
        places = {entry.name: entry.place for entry in entries}
    return leave_out_unreachable(
        manifests,
        hparams["reduction_factor"],
        walk_switches.moves_per_query(hparams["models"]["model"]),
        places,
        hparams["skip_bad_utterances"],
    )


def make_datasets(manifests, table):
    """SpeechBrain datasets that give token indices and mels, or shards of them."""

    @sb.utils.data_pipeline.takes("tokens")
    @sb.utils.data_pipeline.provides("token_ids")
    def token_pipeline(tokens):
        """Convert tokens to their indices."""
        return torch.tensor(table.encode(tokens))

    @sb.utils.data_pipeline.takes("mel")
    @sb.utils.data_pipeline.provides("log_mel")
    def mel_pipeline(mel):
        """Read a mel, (M, C)."""
        return torch.from_numpy(np.load(mel))

    return {
        split: ShardReader(manifest, partial(make_item, table=table))
        if isinstance(manifest, ShardManifest)
        else sb.dataio.dataset.DynamicItemDataset(
            manifest,
            dynamic_items=[token_pipeline, mel_pipeline],
            output_keys=["id", "token_ids", "log_mel"],
        )
        for split, manifest in manifests.items()
    }


def make_item(entry, mel, table):
    """Return what a dataset of files gives of an utterance."""
    tokens = torch.tensor(table.encode(entry["tokens"]))
    return {"id": entry["id"], "token_ids": tokens, "log_mel": mel}


def make_sampler(manifest, hparams, shuffle):
    """Return batches of about as many frames each."""
    limits = {
        "max_length": hparams["max_batch_frames"],
        "max_items": hparams["max_batch_items"],
        "seed": hparams["seed"],
        "shuffle": shuffle,
        "short_first_epochs": hparams["short_first_epochs"],
    }
    if isinstance(manifest, ShardManifest):
        return ShardBatchSampler(
            manifest.lengths,
            manifest.shards,
            mixed=hparams["mixed_shards"],
            **limits,
        )
    lengths = [entry["mel_length"] for entry in manifest.values()]
    return LengthBatchSampler(lengths, **limits)


def make_sentences(manifest, dataset, hparams, speakers):
    """Return the first validation items, for pictures and sounds."""
    sentences = []
    for index in range(min(hparams["n_samples"], len(dataset))):
        item = dataset[index]
        entry = manifest[item["id"]]
        steps = -(-entry["mel_length"] // hparams["reduction_factor"])
        truth = find_true_path(entry, steps, SimpleNamespace(**hparams))
        sentences.append(
            Sentence(
                item["token_ids"],
                item["log_mel"],
                entry["tokens"],
                truth,
                speaker_indices([entry], speakers),
            )
        )
    return sentences


def measure_frames_per_token(manifest):
    """Mean number of mel frames per token."""
    frames = sum(entry["mel_length"] for entry in manifest.values())
    tokens = sum(len(entry["tokens"]) for entry in manifest.values())
    return frames / tokens


def make_tables(hparams, initial, symbols, manifests):
    """List the model's symbols and speakers, those of the initial one first."""
    n_tokens, n_speakers = hparams["n_tokens"], hparams["speakers"]
    if initial is None:
        table = TokenTable(symbols)
        check_token_room(table, n_tokens)
        return table, find_speakers(manifests, n_speakers)
    table = initial.make_table(symbols, n_tokens)
    return table, find_speakers(manifests, n_speakers, initial.speakers)


def freeze_parts(hparams, initial):
    """Freeze what the YAML lists, and what the initial model has learnt."""
    model = hparams["models"]["model"]
    untrained = initial and initial.lacking_parts(model)
    return freeze(model, hparams["frozen"], untrained)


def set_up_model(hparams, folder, manifests):
    """Give the model what is measured on the training set."""
    model = hparams["models"]["model"]
    statistics = MelStatistics.load(folder / "mel_statistics.json")
    model.set_mel_statistics(statistics.mean, statistics.std)
    frames_per_token = hparams["frames_per_token"]
    if frames_per_token is None:
        frames_per_token = measure_frames_per_token(manifests["train"])
    model.set_frames_per_token(frames_per_token)


def speak_training_texts(model, hparams, table, manifest, speakers):
    """Return how long the model usually lets its tokens last, if one speaks."""
    if len(speakers.names) > 1:
        return None
    every = -(-len(manifest) // USUAL_UTTERANCES)
    entries = [manifest[name] for name in islice(manifest, 0, None, every)]
    return measure_usual_seconds(
        model,
        hparams,
        table,
        [entry["tokens"] for entry in entries],
        speaker_indices(entries, speakers),
    )


def export_and_report(brain, hparams, resolved_yaml, table, manifests, dataset):
    """Write model/ and index.html."""
    output_folder = Path(hparams["output_folder"])
    model = hparams["average"].module
    usual_seconds = speak_training_texts(
        model, hparams, table, manifests["train"], brain.speakers
    )
    export_tts(
        output_folder / "model",
        resolved_yaml,
        model,
        table.symbols,
        brain.frontend,
        speaking_settings(hparams, hparams["attempts"], usual_seconds),
        brain.speakers.names,
    )
    shown = dict(list(manifests["test"].items())[: hparams["n_samples"]])
    sentences = make_sentences(shown, dataset, hparams, brain.speakers)
    figures = {
        name: brain.sample_writer.draw_alignment(model, sentence)
        for name, sentence in zip(shown, sentences)
    }
    (output_folder / "test_stats.json").write_text(
        json.dumps(brain.test_stats, indent=1) + "\n"
    )
    write_tts_report(
        output_folder,
        output_folder / "model",
        shown,
        figures,
        brain.history.records,
        brain.test_stats,
    )


def main(argv):
    """Train, test, export and report."""
    hparams_file, hparams, run_opts, overrides = load_experiment(argv, __file__)
    frontend = choose_frontend(hparams)
    check_attention(hparams)
    check_settings(hparams, run_opts)
    join_processes(hparams, run_opts)
    initial, identity = None, None
    if hparams["initial_model"] is not None:
        initial = InitialVoice(
            hparams["initial_model"], hparams["models"]["model"]
        )
        keys = keys_by_argument("models", hparams_file, __file__, overrides)
        initial.check(hparams, keys)
        identity = initial.identity
    frozen = freeze_parts(hparams, initial)
    set_recomputation(
        hparams["models"]["model"], hparams["activation_checkpointing"]
    )
    start = Start(
        partial(plan_corpus, hparams),
        hparams["save_folder"],
        run_opts,
        identity,
        remedy=f"--initial_model={hparams['output_folder']}/model with another "
        "--output_folder goes on from its weights, with other recordings, too.",
        output_folder=hparams["output_folder"],
    )
    with tell_full_disk(hparams["output_folder"]):
        run_on_main(
            write_experiment,
            args=[hparams["output_folder"], hparams_file, __file__, overrides],
        )
        sb.create_experiment_directory(
            experiment_directory=hparams["output_folder"]
        )
    folder = start.make_corpus(hparams["corpus_folder"])
    manifests = choose_utterances(hparams, load_manifests(folder))
    symbols = read_symbols(folder / "tokens.json")
    table, speakers = make_tables(hparams, initial, symbols, manifests)
    frontend = frontend.locate(folder)
    if initial is None:
        set_up_model(hparams, folder, manifests)
    else:
        initial.compare_frontend(frontend)
        initial.fill(hparams["models"]["model"], table, speakers)
        # it was made when the YAML was read
        average = hparams["average"].module
        average.load_state_dict(hparams["models"]["model"].state_dict())
    start.remember(folder)
    datasets = make_datasets(manifests, table)
    for split in ("valid", "test"):
        check_mels(manifests[split])

    brain = TTSBrain(
        modules=hparams["modules"],
        opt_class=hparams["opt_class"],
        hparams=hparams,
        run_opts=run_opts,
        checkpointer=hparams["checkpointer"],
    )
    samplers = {
        split: make_sampler(manifests[split], hparams, split == "train")
        for split in SPLITS
    }
    loader_options = {
        split: {
            "batch_sampler": samplers[split],
            "num_workers": hparams["num_workers"],
        }
        for split in SPLITS
    }
    brain.manifest = ChainMap(*manifests.values())
    brain.speakers = speakers
    brain.frontend = frontend
    brain.frozen = frozen
    open_logs(
        brain,
        hparams["output_folder"],
        hparams["train_logger"],
        hparams["use_tensorboard"],
    )
    brain.sample_writer = SampleWriter(
        Path(hparams["output_folder"]) / "samples",
        make_sentences(
            manifests["valid"], datasets["valid"], hparams, speakers
        ),
        hparams["mel_settings"],
        hparams["stop_rule"],
        hparams["decoding"],
        hparams["to_waveform"],
    )
    train_and_test(
        brain,
        hparams["epoch_counter"],
        datasets,
        loader_options,
        brain.min_key,
    )
    if if_main_process():
        resolved = read_resolved(hparams["output_folder"])
        if hparams["models"]["model"].style not in frozen:
            mels = (
                read_mels(manifests["train"])
                if isinstance(manifests["train"], ShardManifest)
                else (item["log_mel"] for item in datasets["train"])
            )
            set_mean_style(hparams["average"].module, mels)
        with tell_full_disk(hparams["output_folder"]):
            export_and_report(
                *(brain, hparams, resolved, table),
                *(manifests, datasets["test"]),
            )
    close_process_group()


if __name__ == "__main__":
    with tell_mistakes(__file__):
        main(sys.argv[1:])
