#!/usr/bin/env python3
"""Recipe for training a Transformer text-to-speech system with stepwise
monotonic attention.

To run this recipe, do the following:
> python train.py hparams/train.yaml --data_folder=/path/to/LJSpeech-1.1
"""

import sys

import speechbrain as sb
import torch
import torchaudio
from hyperpyyaml import load_hyperpyyaml
from speechbrain.dataio import audio_io
from speechbrain.utils.text_to_sequence import text_to_sequence


class TransformerTTSBrain(sb.Brain):
    """Trains the model, and averages its losses over all frames of a stage."""

    def compute_forward(self, batch, stage):
        """Predict every frame from the text and the true frames before it."""
        batch = batch.to(self.device)
        return self.modules.model(*batch.tokens, *batch.mel)

    def compute_objectives(self, predictions, batch, stage):
        """Compute the loss, and add its parts to the sums of the stage."""
        mels, mel_lens = batch.mel
        stats = self.hparams.criterion(
            predictions, mels, mel_lens, batch.tokens.lengths
        )
        n_frames = mel_lens.sum() * mels.shape[1]
        self.n_frames += n_frames
        for name, value in stats._asdict().items():
            self.sums[name] = self.sums.get(name, 0) + n_frames * value.detach()
        return stats.loss

    def on_fit_batch_end(self, batch, outputs, loss, should_step):
        """Anneal the learning rate after each optimizer step."""
        if should_step:
            self.hparams.lr_annealing(self.optimizer)

    def on_stage_start(self, stage, epoch=None):
        """Start the sums anew."""
        self.sums, self.n_frames = {}, 0

    def on_stage_end(self, stage, stage_loss, epoch=None):
        """Log the averages, and save a checkpoint after validation."""
        stats = {k: float(v / self.n_frames) for k, v in self.sums.items()}
        if stage == sb.Stage.TRAIN:
            self.train_stats = stats
        elif stage == sb.Stage.VALID:
            lr = self.optimizer.param_groups[0]["lr"]
            self.hparams.train_logger.log_stats(
                stats_meta={"epoch": epoch, "lr": lr},
                train_stats=self.train_stats,
                valid_stats=stats,
            )
            self.checkpointer.save_and_keep_only(
                meta={"epoch": epoch, "mel_loss": stats["mel_loss"]},
                min_keys=["mel_loss"],
            )
        else:
            self.hparams.train_logger.log_stats(
                {"epoch": self.hparams.epoch_counter.current}, test_stats=stats
            )


def dataio_prepare(hparams):
    """Prepare the datasets, which read symbols and mel-spectrograms.

    Arguments
    ---------
    hparams : dict
        Hyperparameters of the experiment.

    Returns
    -------
    datasets : dict
        A DynamicItemDataset for each split.
    """
    phonemes = {p: i for i, p in enumerate(hparams["phonemes"] or [], start=1)}

    @sb.utils.data_pipeline.takes("label_phoneme" if phonemes else "label")
    @sb.utils.data_pipeline.provides("tokens")
    def text_pipeline(text):
        """Convert the phonemes, or the characters, to symbols."""
        if phonemes:
            return torch.LongTensor([phonemes[p] for p in text.split()])
        sequence = text_to_sequence(text, hparams["text_cleaners"])
        return torch.LongTensor(sequence)

    @sb.utils.data_pipeline.takes("wav")
    @sb.utils.data_pipeline.provides("mel")
    def audio_pipeline(wav):
        """Compute the log mel-spectrogram, (time, channels)."""
        audio = sb.dataio.dataio.read_audio(wav)
        sample_rate = audio_io.info(wav).sample_rate
        audio = torchaudio.functional.resample(
            audio, sample_rate, hparams["sample_rate"]
        )
        return hparams["mel_spectrogram"](audio=audio).transpose(0, 1)

    data_info = {
        "train": hparams["train_json"],
        "valid": hparams["valid_json"],
        "test": hparams["test_json"],
    }
    return {
        split: sb.dataio.dataset.DynamicItemDataset.from_json(
            json_path=data_info[split],
            replacements={"data_root": hparams["data_folder"]},
            dynamic_items=[text_pipeline, audio_pipeline],
            output_keys=["id", "tokens", "mel"],
        )
        for split in hparams["splits"]
    }


if __name__ == "__main__":
    hparams_file, run_opts, overrides = sb.parse_arguments(sys.argv[1:])
    sb.utils.distributed.ddp_init_group(run_opts)
    with open(hparams_file, encoding="utf-8") as fin:
        hparams = load_hyperpyyaml(fin, overrides)
    sb.create_experiment_directory(
        experiment_directory=hparams["output_folder"],
        hyperparams_to_save=hparams_file,
        overrides=overrides,
    )

    if not hparams["skip_prep"]:
        from ljspeech_prepare import prepare_ljspeech

        sb.utils.distributed.run_on_main(
            prepare_ljspeech,
            kwargs={
                "data_folder": hparams["data_folder"],
                "save_folder": hparams["save_folder"],
                "splits": hparams["splits"],
                "split_ratio": hparams["split_ratio"],
                "seed": hparams["seed"],
            },
        )
    datasets = dataio_prepare(hparams)

    brain = TransformerTTSBrain(
        modules=hparams["modules"],
        opt_class=hparams["opt_class"],
        hparams=hparams,
        run_opts=run_opts,
        checkpointer=hparams["checkpointer"],
    )
    brain.fit(
        hparams["epoch_counter"],
        train_set=datasets["train"],
        valid_set=datasets["valid"],
        train_loader_kwargs=hparams["train_dataloader_opts"],
        valid_loader_kwargs=hparams["valid_dataloader_opts"],
    )
    if "test" in datasets:
        brain.evaluate(
            datasets["test"],
            min_key="mel_loss",
            test_loader_kwargs=hparams["valid_dataloader_opts"],
        )
