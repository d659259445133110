"""The whole model: taught by true frames, and speaking on its own."""

import pytest
import torch

from sb_sma.attention import (
    DecodingOptions,
    ForwardMHA,
    RegularMHA,
    StepwiseMonotonicMHA,
    walk_switches,
)
from sb_sma.models.convolution import MaskedConvStack
from sb_sma.models.encoder.transformer import (
    ENCODER_ATTENTION_TYPES,
    TransformerTextEncoder,
)
from sb_sma.models.refiner.flow import FlowRefiner
from sb_sma.models.tts.batch_streaming import BatchStream
from sb_sma.models.tts.mel_decoder import MelDecoder
from sb_sma.models.tts.stop_rule import StopRule
from sb_sma.models.tts.streaming import stream
from sb_sma.models.tts.synthesis import LOG_FLOOR, Manner, Narrator, assemble
from sb_sma.models.tts.transformer_tts import TransformerTTS
from sb_sma.style import make_speakers

N_MELS = 5
TOKEN_LENGTHS, MEL_LENGTHS = [7, 4, 1], [21, 11, 3]
SECONDS_PER_FRAME = 0.0125
FACTORIES = [StepwiseMonotonicMHA, RegularMHA, ForwardMHA]
BRIEF = StopRule(hold_seconds=0.1, max_seconds_per_token=0.15)


def make_model(
    factory=StepwiseMonotonicMHA,
    reduction_factor=2,
    encoder_attention_type="regularMHA",
    n_speakers=0,
    refiner=None,
    **options,
):
    torch.manual_seed(0)
    arguments = {"dropout": 0.1, "prenet_dropout": 0.0, **options}
    model = TransformerTTS(
        TransformerTextEncoder(
            12, 8, 2, 1, 16, encoder_attention_type=encoder_attention_type
        ),
        MelDecoder(
            8,
            2,
            2,
            16,
            factory,
            n_mels=N_MELS,
            reduction_factor=reduction_factor,
            **arguments,
        ),
        MaskedConvStack([N_MELS, 6, N_MELS], activate_last=False),
        speakers=make_speakers(n_speakers, d_model=8, width=4),
        refiner=refiner,
    )
    model.set_mel_statistics(
        torch.linspace(-6, -2, N_MELS), torch.linspace(0.5, 2, N_MELS)
    )
    return model.eval()


def make_batch():
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(2, 12, (3, 7), generator=generator)
    token_lengths = torch.tensor(TOKEN_LENGTHS)
    tokens = tokens * (torch.arange(7) < token_lengths[:, None])
    mels = torch.randn(3, 21, N_MELS, generator=generator) - 4
    mel_lengths = torch.tensor(MEL_LENGTHS)
    mels = mels * (torch.arange(21) < mel_lengths[:, None])[..., None]
    return tokens, token_lengths, mels, mel_lengths


def speak(model, items=slice(None), rule=BRIEF, seed=0, **options):
    tokens, lengths, _, _ = make_batch()
    lengths = lengths[items]
    narrator = Narrator(
        model,
        tokens[items, : int(lengths.max())],
        lengths,
        rule,
        SECONDS_PER_FRAME,
        Manner(DecodingOptions(**options), seed),
    )
    return assemble(narrator)


def assert_close(actual, expected, atol=1e-5):
    torch.testing.assert_close(actual, expected, rtol=0, atol=atol)


@torch.no_grad()
@pytest.mark.parametrize("factory", FACTORIES)
@pytest.mark.parametrize("factor", [1, 2, 4, 8])
def test_padding_changes_no_prediction(factory, factor):
    model = make_model(factory, factor)
    tokens, token_lengths, mels, mel_lengths = make_batch()
    output = model(tokens, token_lengths, mels, mel_lengths)
    longer = model(
        torch.cat((tokens, torch.full((3, 5), 7)), dim=1),
        token_lengths,
        torch.cat((mels, torch.full((3, 9, N_MELS), 9.0)), dim=1),
        mel_lengths,
    )
    assert torch.equal(longer.query_lengths, output.query_lengths)
    for item, (frames, queries) in enumerate(
        zip(MEL_LENGTHS, output.query_lengths.tolist())
    ):
        for name in ("mels_before", "mels_after", "targets"):
            assert_close(
                getattr(longer, name)[item, :frames],
                getattr(output, name)[item, :frames],
            )
        assert_close(
            longer.stop_logits[item, :queries],
            output.stop_logits[item, :queries],
        )
        for actual, expected in zip(longer.alignments, output.alignments):
            assert_close(
                actual[item, :, :queries, :7], expected[item, :, :queries]
            )


@torch.no_grad()
@pytest.mark.parametrize("factor", [1, 4])
def test_a_batch_predicts_what_its_items_predict_alone(factor):
    model = make_model(reduction_factor=factor)
    tokens, token_lengths, mels, mel_lengths = make_batch()
    output = model(tokens, token_lengths, mels, mel_lengths)
    for item, (n_tokens, frames) in enumerate(zip(TOKEN_LENGTHS, MEL_LENGTHS)):
        alone = model(
            tokens[item, None, :n_tokens],
            token_lengths[item, None],
            mels[item, None, :frames],
            mel_lengths[item, None],
        )
        queries = -(-frames // factor)
        assert alone.query_lengths.tolist() == [queries]
        for name in ("mels_before", "mels_after", "targets"):
            assert_close(
                getattr(output, name)[item, :frames],
                getattr(alone, name)[0, :frames],
            )
        assert_close(output.stop_logits[item, :queries], alone.stop_logits[0])
        for together, own in zip(output.alignments, alone.alignments):
            assert_close(together[item, :, :queries, :n_tokens], own[0])


@pytest.mark.parametrize("factor", [1, 4, 5])
def test_targets_are_standardised_and_fill_the_last_step(factor):
    model = make_model(reduction_factor=factor)
    tokens, token_lengths, mels, mel_lengths = make_batch()
    output = model(tokens, token_lengths, mels, mel_lengths)
    frames = -(-21 // factor) * factor
    for tensor in (output.targets, output.mels_before, output.mels_after):
        assert tensor.shape == (3, frames, N_MELS)
    assert output.query_lengths.tolist() == [
        -(-length // factor) for length in MEL_LENGTHS
    ]
    assert output.stop_logits.shape == (3, frames // factor)
    expected = (mels - model.mel_mean) / model.mel_std
    for item, length in enumerate(MEL_LENGTHS):
        assert_close(output.targets[item, :length], expected[item, :length])
        assert bool((output.targets[item, length:] == 0).all())


def test_gradients_reach_every_parameter():
    model = make_model().train()
    output = model(*make_batch())
    (output.mels_after.square().sum() + output.stop_logits.sum()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert bool(parameter.grad.isfinite().all()), name


def hear(model, own_frames, seed=0):
    """What the decoder hears in the pass that is learnt from, and the
    output."""
    heard = []
    handle = model.decoder.register_forward_pre_hook(
        lambda module, inputs: heard.append(inputs[2])
    )
    torch.manual_seed(seed)
    output = model(*make_batch(), own_frames)
    handle.remove()
    return heard[-1], output


@pytest.mark.parametrize("factor", [1, 4])
def test_own_frames_take_the_place_of_true_ones(factor):
    model = make_model(reduction_factor=factor)
    true, plain = hear(model, 0.0)
    assert torch.equal(true, plain.targets)
    own, output = hear(model, 1.0)
    assert_close(own, plain.mels_before)
    assert torch.equal(output.targets, plain.targets)
    assert not torch.allclose(output.mels_before, plain.mels_before)

    drawn, _ = hear(model, 0.4)
    is_own = (drawn == own).all(-1)
    assert not torch.equal(is_own[0], is_own[1])
    shares = []
    for seed in range(10):
        mixed, _ = hear(model, 0.4, seed)
        is_own = (mixed == own).all(-1)
        assert bool((is_own | (mixed == true).all(-1)).all())
        # of whole decoder steps
        steps = is_own.unflatten(1, (-1, factor))
        assert torch.equal(steps.any(-1), steps.all(-1))
        shares.append(float(is_own.float().mean()))
    assert sum(shares) / 10 == pytest.approx(0.4, abs=0.12)


def test_rollouts_are_drawn_batch_by_batch():
    model = make_model()

    def heard(rollouts, seed=0):
        seen = []
        handle = model.decoder.register_forward_pre_hook(
            lambda module, inputs: seen.append(inputs[2])
        )
        torch.manual_seed(seed)
        output = model(*make_batch(), rollouts=rollouts)
        handle.remove()
        return not torch.equal(seen[-1], output.targets)

    assert not heard(0.0) and heard(1.0)
    share = sum(heard(0.5, seed) for seed in range(40)) / 40
    assert share == pytest.approx(0.5, abs=0.25)


def test_own_frames_are_not_learnt_through():
    model = make_model()
    heard, output = hear(model, 1.0)
    assert not heard.requires_grad
    output.mels_before.square().sum().backward()
    assert bool((model.decoder.to_frames.weight.grad != 0).any())


def test_own_frames_do_not_hide_the_gradient_from_autocast():
    model = make_model().train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = model(*make_batch(), own_frames=1.0)
        loss = output.mels_after.square().sum() + output.stop_logits.sum()
    loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_stays_finite(dtype):
    model = make_model(prenet_dropout=0.5)
    with torch.no_grad(), torch.autocast("cpu", dtype=dtype):
        output = model(*make_batch())
        speech = speak(model)
    for tensor in (output.mels_after, output.stop_logits, speech.mels):
        assert bool(tensor.isfinite().all())
    for alignment in output.alignments:
        assert_close(alignment.sum(-1), torch.ones(alignment.shape[:3]))


def test_arguments_are_left_as_they_were():
    model, batch = make_model(), make_batch()
    model(*batch)
    speak(model)
    for tensor, copy in zip(batch, make_batch()):
        assert torch.equal(tensor, copy)


@pytest.mark.parametrize(
    "factory, mode",
    [
        (StepwiseMonotonicMHA, "soft"),
        (StepwiseMonotonicMHA, "hard"),
        (RegularMHA, "soft"),
    ],
)
def test_a_batch_speaks_as_its_items_do(factory, mode):
    model = make_model(factory, prenet_dropout=0.5)
    together = speak(model, seed=5, mode=mode)
    for item, n_tokens in enumerate(TOKEN_LENGTHS):
        alone = speak(model, slice(item, item + 1), seed=5, mode=mode)
        frames = int(alone.mel_lengths)
        assert int(together.mel_lengths[item]) == frames
        assert bool(together.finished[item]) == bool(alone.finished[0])
        assert_close(together.mels[item, :frames], alone.mels[0], atol=1e-4)
        for both, own in zip(together.alignments, alone.alignments):
            assert_close(both[item, :, : frames // 2, :n_tokens], own[0])


@torch.no_grad()
@pytest.mark.parametrize("factory", FACTORIES)
def test_an_item_that_has_ended_costs_nothing_more(factory, monkeypatch):
    model = make_model(factory)
    batch_sizes = []
    step = MelDecoder.step

    def counted(decoder, frame, state):
        batch_sizes.append(len(frame))
        return step(decoder, frame, state)

    monkeypatch.setattr(MelDecoder, "step", counted)
    speech = speak(model, seed=5)
    steps = speech.mel_lengths // model.decoder.reduction_factor
    assert len(steps.unique()) > 1  # else nothing is tested
    assert batch_sizes == [
        int((steps > index).sum()) for index in range(int(steps.max()))
    ]


@pytest.mark.parametrize("chunk_frames", [1, 5, 1000])
@pytest.mark.parametrize("item", [0, 1, 2])
def test_a_stream_is_the_whole_in_pieces(item, chunk_frames):
    model = make_model(StepwiseMonotonicMHA)
    tokens, lengths, _, _ = make_batch()
    narrator = Narrator(
        model,
        tokens[item : item + 1, : int(lengths[item])],
        lengths[item : item + 1],
        BRIEF,
        SECONDS_PER_FRAME,
        Manner(seed=5),
    )
    chunks = []
    for chunk in stream(narrator, chunk_frames):
        assert torch.is_grad_enabled()  # the caller's own setting
        made = narrator.state.n_steps * model.decoder.reduction_factor
        chunks.append(chunk)
        given = sum(map(len, chunks))
        # as early as the postnet allows
        assert given in (made - model.postnet.reach, made)
        if given < made:
            assert len(chunk) >= chunk_frames
    whole = speak(model, slice(item, item + 1), seed=5)
    torch.testing.assert_close(
        torch.cat(chunks), whole.mels[0], rtol=0, atol=1e-5
    )
    assert len(chunks) == 1 or chunk_frames < 1000


def make_batch_stream(model, seed=5):
    tokens, lengths, _, _ = make_batch()
    narrator = Narrator(
        model, tokens, lengths, BRIEF, SECONDS_PER_FRAME, Manner(seed=seed)
    )
    return BatchStream(narrator, seed)


@pytest.mark.parametrize("is_refined", [False, True])
@pytest.mark.parametrize("chunk_frames", [1, 5, 1000])
def test_items_of_a_batch_are_streamed_as_alone(is_refined, chunk_frames):
    model = make_refined_model() if is_refined else make_model()
    batch = make_batch_stream(model)
    streams = [stream(item, chunk_frames) for item in batch.items]
    chunks = [[] for _ in streams]
    waiting = set(range(3))
    while waiting:  # in turns
        for item in sorted(waiting):
            chunk = next(streams[item], None)
            if chunk is None:
                waiting.remove(item)
            else:
                chunks[item].append(chunk)
    for item in range(3):
        alone = speak(model, slice(item, item + 1), seed=5)
        assert_close(torch.cat(chunks[item]), alone.mels[0], atol=1e-4)
        finished = batch.items[item].finished
        assert finished.tolist() == alone.finished.tolist()


def test_no_item_of_a_batch_that_fails_seems_to_have_ended(monkeypatch):
    model = make_model()
    batch = make_batch_stream(model)
    assert batch.next_step(0) is not None

    def fail(decoder, frame, state):
        raise MemoryError("no room")

    monkeypatch.setattr(MelDecoder, "step", fail)
    with pytest.raises(MemoryError):
        batch.next_step(0)
    for item in (0, 1):
        if item:  # what was made before
            assert batch.next_step(item) is not None
        with pytest.raises(RuntimeError, match="the batch has failed"):
            batch.next_step(item)
    batch.leave(2)
    assert batch.next_step(2) is None


def test_an_item_that_leaves_is_not_computed(monkeypatch):
    model = make_model()
    batch = make_batch_stream(model)
    sizes = []
    step = MelDecoder.step

    def counted(decoder, frame, state):
        sizes.append(len(frame))
        return step(decoder, frame, state)

    monkeypatch.setattr(MelDecoder, "step", counted)
    given = [batch.next_step(0), batch.next_step(1)]
    batch.leave(1)
    batch.leave(1)
    assert batch.next_step(1) is None
    mel = torch.cat(list(stream(batch.items[2], 1)))
    alone = speak(model, slice(2, 3), seed=5)
    assert_close(mel, alone.mels[0])
    assert all(step is not None for step in given)
    assert sizes[0] == 3 and max(sizes[1 : len(mel)]) == 2


def make_refined_model(factory=StepwiseMonotonicMHA):
    torch.manual_seed(3)
    refiner = FlowRefiner(N_MELS, 8, width=8, dilations=[1, 2], steps=2)
    for parameter in refiner.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return make_model(factory, refiner=refiner)


@pytest.mark.parametrize("chunk_frames", [1, 5, 1000])
def test_a_refined_stream_is_the_refined_whole(chunk_frames):
    model = make_refined_model()
    tokens, lengths, _, _ = make_batch()
    narrator = Narrator(
        model,
        tokens[:1, : int(lengths[0])],
        lengths[:1],
        BRIEF,
        SECONDS_PER_FRAME,
        Manner(seed=5),
    )
    chunks = list(stream(narrator, chunk_frames))
    assert all(len(chunk) >= chunk_frames for chunk in chunks[:-1])
    whole = speak(model, slice(1), seed=5)
    torch.testing.assert_close(
        torch.cat(chunks), whole.mels[0], rtol=0, atol=1e-4
    )
    plain = speak(make_model(), slice(1), seed=5)
    assert not torch.allclose(plain.mels, whole.mels)


@torch.no_grad()
def test_items_are_refined_as_they_are_alone():
    model = make_refined_model()
    together = speak(model, seed=5)
    for item, length in enumerate(together.mel_lengths.tolist()):
        alone = speak(model, slice(item, item + 1), seed=5)
        assert_close(together.mels[item, :length], alone.mels[0])


def test_the_refiner_teaches_itself_and_the_encoder_that_it_reads():
    model = make_refined_model().train()
    torch.manual_seed(0)
    output = model(*make_batch())
    output.refiner_loss.backward()
    for name, parameter in model.named_parameters():
        learns = parameter.grad is not None
        assert learns == name.startswith(("refiner.", "encoder.")), name


def test_the_text_of_a_frame_is_what_was_attended():
    model = make_model()
    model.set_guide(0, 1)
    memory = torch.eye(3)[None]
    alignment = torch.zeros(1, 2, 4, 3)
    alignment[0, 1, range(4), [0, 1, 1, 2]] = 1.0
    text = model.text_by_frame([alignment, None], memory)
    assert text[0].argmax(-1).tolist() == [0, 0, 1, 1, 1, 1, 2, 2]


@pytest.mark.parametrize("encoder_attention_type", ENCODER_ATTENTION_TYPES)
def test_training_goes_on_after_speaking(encoder_attention_type):
    model = make_model(encoder_attention_type=encoder_attention_type)
    # longer than anything before: what is kept of it must not be for good
    tokens = torch.ones(1, 50, dtype=torch.long)
    length = torch.tensor([50])
    narrator = Narrator(model, tokens, length, BRIEF, SECONDS_PER_FRAME)
    speech = assemble(narrator)
    model.train()
    output = model(*make_batch())
    (output.mels_after.square().sum() + speech.mels.sum()).backward()
    assert model.encoder.embedding.weight.grad is not None


@pytest.mark.parametrize(
    "n_items, chunk_frames, message",
    [
        (2, 5, "only one text can be streamed at a time; got 2"),
        (1, 0, "chunk_frames must be 1 or more; got 0"),
    ],
)
def test_what_cannot_be_streamed_is_refused(n_items, chunk_frames, message):
    model = make_model(StepwiseMonotonicMHA)
    tokens, lengths, _, _ = make_batch()
    narrator = Narrator(
        model, tokens[:n_items], lengths[:n_items], BRIEF, SECONDS_PER_FRAME
    )
    with pytest.raises(ValueError, match=message):
        stream(narrator, chunk_frames)


def test_the_seed_decides_what_is_said():
    model = make_model(prenet_dropout=0.5)
    first = speak(model, seed=3).mels
    assert torch.equal(speak(model, seed=3).mels, first)
    for seed in (4, None):
        other = speak(model, seed=seed).mels
        assert other.shape != first.shape or not torch.equal(other, first)


def test_speaking_leaves_the_global_randomness_alone():
    model = make_model(prenet_dropout=0.5)
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    speak(model, seed=3)
    assert torch.equal(torch.rand(3), expected)


def test_speech_is_teacher_forced_on_itself():
    model = make_model()
    speech = speak(model, slice(1))
    tokens, token_lengths, _, _ = make_batch()
    before = [
        speech.mels,
        speech.mel_lengths,
    ]
    # the postnet hides what the decoder heard: leave it out
    for conv in model.postnet.convs:
        torch.nn.init.zeros_(conv.weight)
        torch.nn.init.zeros_(conv.bias)
    speech = speak(model, slice(1))
    assert torch.equal(speech.mel_lengths, before[1])
    assert not torch.allclose(speech.mels, before[0])
    with torch.no_grad():
        output = model(
            tokens[:1], token_lengths[:1], speech.mels, speech.mel_lengths
        )
    assert_close(output.mels_after, output.targets, atol=1e-4)
    for actual, expected in zip(output.alignments, speech.alignments):
        assert_close(actual, expected, atol=1e-4)


def force_stop(model, logit):
    torch.nn.init.zeros_(model.decoder.to_stop.weight)
    torch.nn.init.constant_(model.decoder.to_stop.bias, logit)


def move_at_once(model):
    for layer in model.decoder.layers:
        torch.nn.init.constant_(layer.cross_attn.stay_bias, -100.0)


def test_an_item_ends_where_it_reaches_its_last_token():
    model = make_model()
    move_at_once(model)
    force_stop(model, 100.0)
    speech = speak(model)
    # the walk of n tokens reaches the last in n - 1 steps, and makes a step
    # even if it stands there from the start
    assert speech.mel_lengths.tolist() == [2 * 6, 2 * 3, 2 * 1]
    assert speech.finished.tolist() == [True, True, True]
    assert speech.mels.shape == (3, 12, N_MELS)
    floor = torch.full((), LOG_FLOOR)
    for mel, length in zip(speech.mels, speech.mel_lengths.tolist()):
        assert bool((mel[length:] == floor).all())
        assert bool((mel[:length] != floor).all())
    for alignment in speech.alignments:
        assert alignment.shape == (3, 2, 6, 7)
        assert alignment.sum(-1)[:, 0].tolist() == [
            [1.0] * 6,
            [1.0] * 3 + [0.0] * 3,
            [1.0] + [0.0] * 5,
        ]


def test_without_a_stop_the_hold_rule_ends_an_item():
    model = make_model()
    move_at_once(model)
    force_stop(model, -100.0)
    speech = speak(model, rule=StopRule(hold_seconds=0.1))  # 4 steps
    assert speech.mel_lengths.tolist() == [2 * 9, 2 * 6, 2 * 4]
    assert bool(speech.finished.all())


def test_a_walk_that_does_not_end_is_cut_off_and_says_so():
    model = make_model()
    for layer in model.decoder.layers:
        torch.nn.init.constant_(layer.cross_attn.stay_bias, 100.0)
    force_stop(model, 100.0)
    rule = StopRule(max_seconds_per_token=0.1)  # 4 steps per token
    speech = speak(model, rule=rule)
    # the only token of the last item is its last one
    assert speech.finished.tolist() == [False, False, True]
    assert speech.mel_lengths.tolist() == [2 * 28, 2 * 16, 2 * 1]


def test_an_item_that_was_cut_off_did_not_end_later():
    model = make_model()
    force_stop(model, 100.0)
    for layer in model.decoder.layers:
        torch.nn.init.zeros_(layer.cross_attn.query_proj.weight)
        torch.nn.init.zeros_(layer.cross_attn.query_proj.bias)
        # p_stay is 0.89, whose sixth power falls below one half
        torch.nn.init.constant_(layer.cross_attn.stay_bias, 2.09)
    rule = StopRule(max_seconds_per_token=0.1)  # 4 steps per token
    # the second item, of 4 tokens, reaches its last after 18 steps
    speech = speak(model, slice(2), rule=rule, mode="hard")
    assert speech.finished.tolist() == [False, False]
    assert speech.mel_lengths.tolist() == [2 * 28, 2 * 16]


def test_an_item_that_ends_at_the_limit_ended_by_itself():
    model = make_model()
    move_at_once(model)
    force_stop(model, 100.0)
    # the last of 7 tokens is 6 steps away, and 6 are allowed
    rule = StopRule(max_seconds_per_token=6 * 0.025 / 7)
    speech = speak(model, slice(1), rule=rule)
    assert speech.mel_lengths.tolist() == [12]
    assert speech.finished.tolist() == [True]


def test_the_guides_layer_decides_where_the_end_is():
    model = make_model()
    force_stop(model, 100.0)
    for layer in model.decoder.layers:
        torch.nn.init.constant_(layer.cross_attn.stay_bias, 100.0)
    with torch.no_grad():
        model.decoder.layers[0].cross_attn.stay_bias.fill_(-100.0)
    rule = StopRule(max_seconds_per_token=0.1)
    assert model.guide.tolist() == [1, 0]
    assert speak(model, slice(1), rule=rule).finished.tolist() == [False]
    model.set_guide(layer=0, head=1)
    speech = speak(model, slice(1), rule=rule)
    assert speech.finished.tolist() == [True]
    assert speech.mel_lengths.tolist() == [12]


def test_what_was_measured_is_kept_with_the_weights():
    model, other = make_model(), make_model()
    model.set_guide(layer=0, head=1)
    model.set_mel_statistics(torch.full((N_MELS,), 3.0), torch.ones(N_MELS))
    other.load_state_dict(model.state_dict())
    assert other.guide.tolist() == [0, 1]
    assert other.mel_mean.tolist() == [3.0] * N_MELS


def test_the_mels_are_those_of_the_statistics():
    model = make_model()
    expected = speak(model, seed=0)
    mean, std = model.mel_mean.clone(), model.mel_std.clone()
    model.set_mel_statistics(mean + 2, 3 * std)
    shifted = speak(model, seed=0)
    valid = slice(0, int(expected.mel_lengths[2]))
    assert_close(
        (shifted.mels[2, valid] - mean - 2) / (3 * std),
        (expected.mels[2, valid] - mean) / std,
    )


@pytest.mark.parametrize("moves", [1, 2])
@pytest.mark.parametrize("factor", [1, 4])
def test_monotonic_attentions_start_at_the_measured_speed(moves, factor):
    def factory(**arguments):
        return StepwiseMonotonicMHA(**arguments, moves_per_query=moves)

    model = make_model(factory, factor)
    model.set_frames_per_token(8.0)
    for layer in model.decoder.layers:
        p_move = 1 - layer.cross_attn.stay_bias.sigmoid()
        assert_close(p_move, torch.full((2,), factor / 8 / moves))
    make_model(RegularMHA).set_frames_per_token(8.0)


def test_the_slowest_layer_limits_the_moves():
    moves = iter([3, 2])

    def factory(**arguments):
        return StepwiseMonotonicMHA(**arguments, moves_per_query=next(moves))

    assert walk_switches.moves_per_query(make_model(factory)) == 2
    assert walk_switches.moves_per_query(make_model(ForwardMHA)) == 1
    assert walk_switches.moves_per_query(make_model(RegularMHA)) is None


def test_noise_reaches_every_layer():
    model = make_model().train()
    walk_switches.set_energy_noise(model, 1.5)
    assert [layer.cross_attn.noise_std for layer in model.decoder.layers] == [
        1.5,
        1.5,
    ]
    softmax = make_model(RegularMHA)
    walk_switches.set_energy_noise(softmax, 1.5)
    assert not hasattr(softmax.decoder.layers[0].cross_attn, "noise_std")


def test_each_layer_chooses_its_head():
    def factory(**arguments):
        return StepwiseMonotonicMHA(**arguments, head_choice="focused")

    layers = make_model(factory).decoder.layers
    walk_switches.choose_heads(layers, torch.tensor([[0.2, 0.8], [0.6, 0.5]]))
    chosen = [layer.cross_attn.reads_by.tolist() for layer in layers]
    assert chosen == [[1, 1], [0, 0]]
    walk_switches.choose_heads(make_model(RegularMHA), torch.ones(2, 2))


def test_softmax_has_no_hard_mode():
    with pytest.raises(
        ValueError, match="RegularMHA can only be decoded with mode='soft'"
    ):
        speak(make_model(RegularMHA), mode="hard")


@torch.no_grad()
def test_each_item_is_predicted_by_its_own_speaker():
    model = make_model(n_speakers=3)
    tokens, token_lengths, mels, mel_lengths = make_batch()
    speakers = torch.tensor([2, 0, 1])
    together = model(*make_batch(), speaker=speakers)
    for item, (n_tokens, n_frames) in enumerate(
        zip(TOKEN_LENGTHS, MEL_LENGTHS)
    ):
        one = slice(item, item + 1)
        inputs = (
            tokens[one, :n_tokens],
            token_lengths[one],
            mels[one, :n_frames],
            mel_lengths[one],
        )
        alone = model(*inputs, speaker=speakers[one])
        assert_close(
            together.mels_after[item, :n_frames], alone.mels_after[0, :n_frames]
        )
        other = model(*inputs, speaker=(speakers[one] + 1) % 3)
        assert not torch.allclose(alone.mels_after, other.mels_after)


def test_a_speaker_for_a_model_without_speakers_is_refused():
    with pytest.raises(ValueError, match="speaker must be None for a model"):
        make_model()(*make_batch(), speaker=torch.tensor([0]))
