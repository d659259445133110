"""Turns are fair, and whoever speaks together says what each would alone."""

import asyncio
import threading

import pytest

from sb_sma.inference import TTS
from sb_sma.inference.script import write_script
from sb_sma.serving.scheduler import Job, Scheduler
from sb_sma.serving.speech_maker import SpeechFailed, SpeechMaker
from sb_sma.serving.speech_request import SpeechRequest
from sb_sma.serving.voices import ServedModel

SENTENCE = "Two words: three words; four words. "


@pytest.fixture(scope="module")
def model(exported_speakers):
    return ServedModel("m", TTS.from_hparams(source=str(exported_speakers)))


def make(model, text, voice="default", name="wav", speed=1.0, words=False):
    request = SpeechRequest("m", text, voice, name, speed, words)
    script = write_script(text, speed)
    return SpeechMaker(request, model, model.tts.read_passages(script))


def begin(makers):
    """Begin the next line of all."""
    streamed = makers[0].model.stream_together(
        [maker.next_line for maker in makers],
        [maker.request.voice for maker in makers],
        32,
        makers[0].request.timestamps,
    )
    for maker, line in zip(makers, streamed):
        maker.begin_line(line)


def finish(maker):
    """All of an answer, spoken alone."""
    pieces = []
    while not maker.is_over:
        if maker.needs_line:
            begin([maker])
        pieces.append(maker.take_turn())
    return b"".join(pieces)


async def listen(job, scheduler):
    pieces = []
    while (piece := await job.next_piece()) is not None:
        scheduler.resume(job)
        pieces.append(piece)
    scheduler.drop(job)
    return b"".join(pieces)


def speak(makers, clients, n_threads=2):
    """What each client hears, of all at once."""

    async def speak_all():
        scheduler = Scheduler(n_threads)
        loop = asyncio.get_running_loop()
        jobs = [Job(each, who, loop) for each, who in zip(makers, clients)]
        for job in jobs:
            scheduler.submit(job)
        heard = await asyncio.gather(*(listen(job, scheduler) for job in jobs))
        assert scheduler.n_jobs == 0
        scheduler.close()
        return heard

    return asyncio.run(speak_all())


def of_samples(content):
    import numpy as np

    return np.frombuffer(content[44:], "<i2").astype(int)


def test_together_is_as_alone(model):
    wanted = [
        (SENTENCE, "default", "wav", 1.0),
        ("No.", "no", "wav", 1.0),
        (SENTENCE * 20, "no/style-2", "wav", 1.0),
        (f'No. <break time="0.4s"/> {SENTENCE}', "style-1", "wav", 1.0),
        (SENTENCE, "en-us+f2", "wav", 2.0),
    ]
    alone = [finish(make(model, *each)) for each in wanted]
    heard = speak([make(model, *each) for each in wanted], "abcde")
    for own, expected in zip(heard, alone):
        assert len(own) == len(expected)
        # Griffin-Lim makes more of what a batch rounds
        assert abs(of_samples(own) - of_samples(expected)).max() < 33


def turns_of(jobs, n_turns):
    """Who makes something, turn after turn, without a thread."""
    scheduler = Scheduler(0)
    for job in jobs:
        scheduler.submit(job)
    order = []
    for _ in range(n_turns):
        chosen = scheduler._choose()
        if chosen[0].maker.needs_line:
            begin([job.maker for job in chosen])
            scheduler._put_back(chosen[1:])
        before = chosen[0].maker.n_frames
        scheduler._take_turn(chosen[0])
        order.append((chosen[0], chosen[0].maker.n_frames - before))
        # somebody listens
        chosen[0]._unsent.clear()
        scheduler.resume(chosen[0])
    return order


@pytest.fixture
def job_of(model):
    loop = asyncio.new_event_loop()
    yield lambda client, text=SENTENCE * 40: Job(
        make(model, text), client, loop
    )
    loop.close()


def test_a_client_of_many_requests_gets_no_more(job_of):
    jobs = [job_of("many") for _ in range(5)] + [job_of("one")]
    order = turns_of(jobs, 24)
    # a share of the work, which is counted in frames
    work = {"many": 0, "one": 0}
    for job, n_frames in order:
        work[job.client] += n_frames
    assert abs(work["many"] - work["one"]) <= 256
    first = [job.client for job, _ in order].index("one")
    assert first <= 1


def test_whoever_comes_late_is_heard_at_once(job_of):
    old = job_of("old")
    scheduler = Scheduler(0)
    scheduler.submit(old)
    old.share = scheduler._clients["old"].share = 10_000
    scheduler.submit(job_of("new"))
    late = job_of("old")
    scheduler.submit(late)
    # as much as the others have had, and not all that they have had
    assert scheduler._clients["new"].share == 10_000
    assert late.share == 10_000


def test_those_that_begin_do_so_together(job_of):
    scheduler = Scheduler(0)
    jobs = [job_of(client) for client in "abc"]
    for job in jobs:
        scheduler.submit(job)
    assert scheduler._choose() == jobs


def test_whoever_does_not_listen_is_not_spoken_to(job_of):
    job = job_of("a")
    scheduler = Scheduler(1)
    scheduler.submit(job)
    waited = threading.Event()
    while not job.is_paused:
        waited.wait(0.01)
    made = job.maker.n_frames
    waited.wait(0.2)
    assert job.maker.n_frames == made and not job.maker.is_over
    scheduler.drop(job)
    while not job.maker.is_over:
        waited.wait(0.01)
    scheduler.close()


def test_a_text_is_read_passage_by_passage(model, job_of, monkeypatch):
    """Nothing is read of what nobody waits for."""
    read = []
    frontend = model.tts.hparams.frontend
    monkeypatch.setattr(
        type(frontend),
        "tokens",
        lambda self, text, tokens=type(frontend).tokens: (
            read.append(text) or tokens(self, text)
        ),
    )
    script = write_script(SENTENCE * 40)
    request = SpeechRequest("m", "", "default", "wav", 1.0, False)
    maker = SpeechMaker(request, model, model.tts.read_passages(script))
    assert len(read) == 1 < len(script)
    begin([maker])
    while not maker.needs_line:
        maker.take_turn()
    assert len(read) == 2
    begin([maker])
    maker.leave()
    assert maker.take_turn() == b"" and len(read) == 2


@pytest.mark.parametrize(
    "word, told",
    [("[b](/q q/)", "/q q/ must be phonemes"), ("<i>b</i>", "<i>")],
)
def test_what_is_wrong_at_the_end_is_told_at_the_beginning(model, word, told):
    with pytest.raises(ValueError, match=told):
        model.tts.read_passages(write_script(SENTENCE * 40 + word))


def test_a_passage_without_a_sound_ends_the_speech(model, caplog):
    """What was said before is heard, and the log tells it in one line."""

    def lines():
        yield from model.tts.read("No.")
        raise ValueError("there is no sound in it.")

    request = SpeechRequest("m", "", "default", "wav", 1.0, False)
    maker = SpeechMaker(request, model, lines())
    with pytest.raises(SpeechFailed):
        speak([maker], "a")
    (record,) = caplog.records
    assert "there is no sound in it." in record.getMessage()
    assert not record.exc_info


def test_a_failure_ends_its_own_and_no_others(model):
    broken = make(model, "No.")
    broken.request = SpeechRequest("m", "No.", "nobody", "wav", 1.0, True)

    async def speak_both():
        scheduler = Scheduler(1)
        loop = asyncio.get_running_loop()
        jobs = [Job(broken, "a", loop), Job(make(model, "No."), "b", loop)]
        for job in jobs:
            scheduler.submit(job)
        with pytest.raises(SpeechFailed):
            await listen(jobs[0], scheduler)
        scheduler.drop(jobs[0])
        heard = await listen(jobs[1], scheduler)
        scheduler.close()
        return heard

    assert len(asyncio.run(speak_both())) > 1000
