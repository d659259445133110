"""OpenAI's own client is answered by the server, a process of its own."""

import asyncio
import base64
import contextlib
import http.client
import io
import json
import random
import signal
import socket
import string
import subprocess
import sys
import threading
import time
import urllib.request

import numpy as np
import pytest
import soundfile

from benchmarks.harness.running_server import post_and_stall, run_server
from sb_sma.cli import main
from sb_sma.inference import TTS

REASON = "needs the extra serve and its test client: pip install -e '.[dev]'"
openai = pytest.importorskip("openai", reason=REASON)
pytest.importorskip("starlette", reason=REASON)
pytest.importorskip("uvicorn", reason=REASON)

pytestmark = pytest.mark.integration

RATE = 22050
TEXT = "A short one, I say. Two words: three words; four words."
LONG = "Two words: three words; four words. No. " * 150
PATIENCE = 300.0


@pytest.fixture(scope="module")
def server(exported, exported_speakers):
    """A server of a model of one voice, and of one with three and styles."""
    models = [f"one={exported[2]}", f"three={exported_speakers}"]
    with run_server("--model", *models) as running:
        yield running
        printed = running.printed()
    assert "Traceback" not in printed, printed


@pytest.fixture(scope="module")
def small(exported):
    """A server with room for two requests, one of each client."""
    limits = ["--max_requests", 2, "--max_characters", 20_000]
    with run_server("--model", f"one={exported[2]}", *limits) as running:
        yield running
        printed = running.printed()
    assert "Traceback" not in printed, printed


def client_of(running, kind=None, key="anna"):
    kind = kind or openai.OpenAI
    url = f"{running.url}/v1"
    return kind(base_url=url, api_key=key, max_retries=0, timeout=PATIENCE)


def ask(**changed):
    wanted = {"model": "one", "voice": "default", "input": TEXT}
    return {**wanted, "response_format": "wav", **changed}


def speak(running, **changed):
    """The bytes that the official client gets."""
    return client_of(running).audio.speech.create(**ask(**changed)).content


def samples_of(content):
    samples, rate = soundfile.read(io.BytesIO(content), dtype="float64")
    assert rate == RATE
    return samples


def assert_same(content, other):
    """But for what a float32 cannot tell."""
    samples, others = samples_of(content), samples_of(other)
    assert len(samples) == len(others)
    np.testing.assert_allclose(samples, others, atol=3e-4)


def seconds_of(running, **changed):
    return len(samples_of(speak(running, **changed))) / RATE


def n_requests(running):
    with urllib.request.urlopen(
        f"{running.url}/health", timeout=PATIENCE
    ) as answer:
        health = json.load(answer)
    assert health.pop("status") == "ok"
    return health["requests"]


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def post(running, body, kind="application/json", path="/v1/audio/speech"):
    """Status, headers and JSON of a request that is not the client's."""
    connection = http.client.HTTPConnection(running.url[7:], timeout=PATIENCE)
    try:
        connection.request("POST", path, body, {"Content-Type": kind})
        answer = connection.getresponse()
        return answer.status, answer.headers, json.loads(answer.read())
    finally:
        connection.close()


@pytest.fixture(scope="module")
def alone(exported):
    """What the model says where there is no server."""
    tts = TTS.from_hparams(source=str(exported[2]))
    (waveform,), _ = tts.synthesize([TEXT], seed=0)
    return waveform.numpy()


@pytest.mark.parametrize("name", ["mp3", "wav", "flac", "pcm"])
def test_every_format_holds_the_speech(server, alone, name):
    answer = client_of(server).audio.speech.create(**ask(response_format=name))
    media = {"mp3": "mpeg"}.get(name, name)
    assert answer.response.headers["content-type"] == f"audio/{media}"
    if name == "pcm":
        samples, rate = np.frombuffer(answer.content, "<i2") / 32768, 24000
    else:
        samples, rate = soundfile.read(io.BytesIO(answer.content))
        info = soundfile.info(io.BytesIO(answer.content))
        assert (info.frames, info.channels) == (len(samples), 1)
    assert rate == (24000 if name in ("mp3", "pcm") else RATE)
    # MP3 adds silence at its ends
    late = 0.1 if name == "mp3" else 0.001
    assert len(samples) / rate == pytest.approx(len(alone) / RATE, abs=late)
    loud = [np.sqrt(np.mean(np.square(each))) for each in (samples, alone)]
    assert loud[1] > 1e-3 and loud[0] == pytest.approx(loud[1], rel=0.2)


def test_mp3_is_the_default(server):
    answer = client_of(server).audio.speech.create(
        model="one", voice="default", input="No."
    )
    assert answer.response.headers["content-type"] == "audio/mpeg"
    assert soundfile.info(io.BytesIO(answer.content)).format == "MP3"


@pytest.mark.parametrize("name", ["mp3", "wav", "flac", "pcm"])
def test_sound_comes_while_it_is_made(server, name):
    asked = client_of(server).audio.speech.with_streaming_response
    wanted = ask(input=LONG[:2000], response_format=name)
    with asked.create(**wanted) as answer:
        pieces = answer.iter_bytes(500)
        assert len([next(pieces) for _ in range(3)]) == 3
        assert n_requests(server) == 1
    wait_until(lambda: n_requests(server) == 0)


@pytest.mark.parametrize("speed, factor", [(0.5, 2.0), (1.25, 0.8), (2, 0.5)])
def test_speed_divides_the_duration(server, alone, speed, factor):
    seconds = seconds_of(server, speed=speed)
    assert seconds == pytest.approx(factor * len(alone) / RATE, rel=0.05)


def test_voices_are_speakers_and_styles(server):
    names = ["default", "225", "en-us+f2", "no", "style-3", "no/style-3"]
    heard = {
        name: speak(server, model="three", voice=name, speed=1.5)
        for name in names
    }
    assert_same(heard["default"], heard["225"])
    assert len(set(heard.values())) >= len(names) - 1
    # as the client sends a voice of somebody's own
    again = speak(server, model="three", voice={"id": "no"}, speed=1.5)
    assert_same(again, heard["no"])


def test_the_same_text_is_the_same_speech(server):
    assert_same(speak(server), speak(server))


def test_words_have_times_that_are_those_of_the_model(server, exported):
    answer = client_of(server).audio.speech.create(
        **ask(), extra_body={"timestamps": True}
    )
    content = json.loads(answer.content)
    assert content["response_format"] == "wav"
    assert_same(base64.b64decode(content["audio"]), speak(server))
    (spoken,) = TTS.from_hparams(source=str(exported[2])).speak([TEXT], seed=0)
    seconds = len(spoken.mel) * 256 / RATE
    assert content["duration"] == pytest.approx(seconds, abs=1e-3)
    told = [
        (word["word"], word["start"], word["end"], word["said"])
        for word in content["words"]
    ]
    assert told == [
        (
            word.text,
            pytest.approx(word.start, abs=2e-3),
            pytest.approx(word.end, abs=2e-3),
            word.said,
        )
        for word in spoken.words
    ]
    assert len(told) == 11


def test_words_of_several_passages_follow_each_other(server):
    text = TEXT + ' <break time="2s"/> ' + TEXT
    answer = client_of(server).audio.speech.create(
        **ask(input=text), extra_body={"timestamps": True}
    )
    content = json.loads(answer.content)
    starts = [word["start"] for word in content["words"]]
    assert len(starts) == 22 and starts == sorted(starts)
    assert starts[11] - content["words"][10]["end"] > 1.9
    samples = samples_of(base64.b64decode(content["audio"]))
    assert content["duration"] == pytest.approx(len(samples) / RATE, abs=0.02)


def test_fifty_at_once_are_as_each_would_be_alone(server):
    texts = [TEXT, "No.", "Two words.", f"{TEXT} No.", f"No. {TEXT}"]
    wanted = [
        ask(input=texts[i % 5], speed=1.5 if i % 3 else 1.0) for i in range(50)
    ]
    expected = {
        (each["input"], each["speed"]): speak(server, **each) for each in wanted
    }

    async def speak_all():
        client = client_of(server, openai.AsyncOpenAI)
        return await asyncio.gather(
            *(client.audio.speech.create(**each) for each in wanted)
        )

    answers = asyncio.run(speak_all())
    for each, answer in zip(wanted, answers):
        assert_same(answer.content, expected[each["input"], each["speed"]])
    wait_until(lambda: n_requests(server) == 0)


def test_a_long_text_lets_others_speak(server):
    """Those of the same client, too."""

    def listen(answer):
        """As long as there is anything, and somebody who wants it."""
        with contextlib.suppress(Exception):
            list(answer.iter_bytes())

    asked = client_of(server).audio.speech.with_streaming_response
    with asked.create(**ask(input=LONG)) as answer:
        listening = threading.Thread(target=listen, args=[answer])
        listening.start()
        for _ in range(3):
            speak(server, input="No.")
        assert listening.is_alive()
    listening.join()


def test_a_client_that_goes_frees_its_place(small):
    asked = client_of(small).audio.speech.with_streaming_response
    with asked.create(**ask(input=LONG)) as answer:
        pieces = answer.iter_bytes(100)
        next(pieces)
        assert n_requests(small) == 1
    wait_until(lambda: n_requests(small) == 0)
    assert len(speak(small, input="No.")) > 1000


def is_idle(running):
    """Whether it does nothing for a second."""
    before = running.processor_seconds()
    time.sleep(1.0)
    return running.processor_seconds() - before < 0.1


def test_a_client_that_goes_stops_its_work(small):
    asked = client_of(small).audio.speech.with_streaming_response
    with asked.create(**ask(input=LONG)) as answer:
        pieces = answer.iter_bytes(100)
        next(pieces)
    wait_until(lambda: n_requests(small) == 0)
    time.sleep(0.5)
    assert is_idle(small)


def test_a_client_that_does_not_listen_takes_no_memory(small):
    """Of a sound of 100 MB, which is made when it is heard."""
    speak(small, input=LONG[:500], speed=0.5)
    before = small.memory()
    wanted = ask(input=LONG * 3, speed=0.5, response_format="pcm")
    with post_and_stall(small.url[7:], wanted, "dora"):
        wait_until(lambda: n_requests(small) == 1)
        for _ in range(3):
            speak(small, input="No.")
        wait_until(lambda: is_idle(small))
        assert n_requests(small) == 1
        assert small.memory() - before < 80 * 2**20
    wait_until(lambda: n_requests(small) == 0)


def test_there_is_room_for_so_many(small):
    """One of two for a client, and two for all."""
    anna, ben, cleo = (client_of(small, key=key) for key in ("a", "b", "c"))
    wanted = ask(input=LONG)
    with anna.audio.speech.with_streaming_response.create(**wanted):
        with pytest.raises(openai.RateLimitError) as told:
            anna.audio.speech.create(**ask())
        assert told.value.response.headers["retry-after"] == "1"
        assert "as many as one client may have" in told.value.message
        with ben.audio.speech.with_streaming_response.create(**wanted):
            with pytest.raises(openai.InternalServerError) as told:
                cleo.audio.speech.create(**ask())
            assert told.value.status_code == 503
            assert told.value.response.headers["retry-after"] == "1"
            assert told.value.body["code"] == "server_is_busy"
    wait_until(lambda: n_requests(small) == 0)


REFUSED = {
    "format": ({"response_format": "opus"}, "mp3, wav, flac, pcm"),
    "format in capitals": ({"response_format": "MP3"}, "mp3, wav, flac, pcm"),
    "voice": ({"voice": "alloy"}, "voice must be one of default"),
    "voice object": ({"voice": {"id": "alloy"}}, "one of default"),
    "model": ({"model": "tts-1"}, "model must be one of one, three"),
    "path": ({"model": "../one"}, "model must be one of one, three"),
    "too slow": ({"speed": 0.49}, "from 0.5 to 2; got 0.49"),
    "too fast": ({"speed": 2.01}, "from 0.5 to 2"),
    "no speed": ({"speed": True}, "from 0.5 to 2; got true"),
    "events": ({"stream_format": "sse"}, "stream_format must be audio"),
    "instructions": ({"instructions": "Whisper."}, "choose a voice"),
    "too long": ({"input": "a " * 10_001}, "20000 characters here; got 20002"),
    "nothing": ({"input": ""}, "input: text must have"),
    "no words": ({"input": "* * *"}, "input: text must have"),
    "markup": ({"input": "<i>No</i>"}, "input: .*<i>"),
    "silence": (
        {"input": '<break time="60s"/>' * 11 + "No."},
        "600 seconds of silence",
    ),
    "unknown field": ({"extra_body": {"pitch": 2}}, 'no field "pitch"'),
    "timestamps": ({"extra_body": {"timestamps": 1}}, "true or false; got 1"),
}


@pytest.mark.parametrize("changed, told", REFUSED.values(), ids=REFUSED)
def test_what_it_has_not_is_refused(server, changed, told):
    with pytest.raises(openai.BadRequestError, match=told) as error:
        speak(server, **changed)
    assert error.value.type == "invalid_request_error"
    assert error.value.body["message"].endswith(".")


def test_what_changes_nothing_is_taken(server):
    same = speak(server, stream_format="audio", instructions="")
    assert_same(same, speak(server))


@pytest.mark.parametrize("n_characters", [300_000, 10_000_000])
def test_a_body_is_not_kept_beyond_its_limit(server, n_characters):
    """What is sent too much is heard out, or nobody would read the answer."""
    body = json.dumps(ask(input="a" * n_characters)).encode()
    status, headers, content = post(server, body)
    assert status == 413 and headers["connection"] == "close"
    assert "20000 characters" in content["error"]["message"]


def test_a_page_of_another_site_is_not_served(server):
    """It can send plain text without asking, and JSON not."""
    body = json.dumps(ask()).encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        status, headers, content = post(server, body, kind)
        assert status == 415 and "application/json" in str(content)
        assert "access-control-allow-origin" not in headers


WRONG = {
    "nothing": b"",
    "no JSON": b"{",
    "no UTF-8": b'{"input": "\xff"}',
    "UTF-16": json.dumps({"model": "one"}).encode("utf-16"),
    "no object": b"[1]",
    "a name twice": b'{"model": "one", "model": "one"}',
    "deep": b"[" * 100_000,
    "deep object": b'{"a":' * 50_000,
    "many digits": b'{"speed": ' + b"1" * 10_000 + b"}",
    "half of a pair": json.dumps(ask(input="No. \ud800")).encode(),
    "infinite": b'{"model": "one", "voice": "default", "input": "No.", '
    b'"speed": Infinity}',
    "no input": json.dumps({"model": "one", "voice": "default"}).encode(),
    "no model": b'{"input": "No."}',
    "a list": json.dumps(ask(input=["No."])).encode(),
    "long marks": json.dumps(ask(input="<" * 20_000)).encode(),
    "long phonemes": json.dumps(ask(input=f"[a](/{'&' * 9_000}/)")).encode(),
    "a number": json.dumps(ask(voice=7)).encode(),
    "an object": json.dumps(ask(model={"id": "one"})).encode(),
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
def test_a_wrong_body_is_told(server, body):
    status, _, content = post(server, body)
    assert status == 400
    assert content["error"]["type"] == "invalid_request_error"
    assert len(content["error"]["message"]) < 500


def test_malformed_bodies_are_told(server):
    chance = random.Random(0)
    whole = json.dumps(ask(input="No.", speed=1.5)).encode()
    printable = string.printable.encode()
    refused = 0
    for _ in range(60):
        body = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            place = chance.randrange(len(body))
            stop = place + chance.choice([0, 1, 5])
            body[place:stop] = bytes(chance.choices(printable, k=2))
        connection = http.client.HTTPConnection(
            server.url[7:], timeout=PATIENCE
        )
        kind = {"Content-Type": "application/json"}
        connection.request("POST", "/v1/audio/speech", bytes(body), kind)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        assert answer.status in (200, 400), (bytes(body), content)
        if answer.status == 400:
            refused += 1
            assert json.loads(content)["error"]["message"]
    assert refused > 30
    wait_until(lambda: n_requests(server) == 0)


@pytest.mark.parametrize(
    "host, status", [("evil.example", 400), ("localhost:1", 200)]
)
def test_a_name_of_another_site_is_not_answered(server, host, status):
    """Its owner may let it point to this machine."""
    connection = http.client.HTTPConnection(server.url[7:], timeout=PATIENCE)
    connection.request("GET", "/v1/models", headers={"Host": host})
    answer = connection.getresponse()
    content = json.loads(answer.read())
    connection.close()
    assert answer.status == status
    if status == 400:
        assert "must be one of localhost" in content["error"]["message"]


def test_models_and_their_voices_are_listed(server):
    client = client_of(server)
    one, three = client.models.list().data
    assert (one.id, one.object, one.voices) == ("one", "model", ["default"])
    assert three.voices[:4] == ["default", "225", "en-us+f2", "no"]
    assert client.models.retrieve("three").id == "three"
    with pytest.raises(openai.NotFoundError, match="there are one, three"):
        client.models.retrieve("four")


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/v1/audio/speech/x", "/v1/audio/speech/"]
)
def test_other_paths_are_told(server, path):
    status, _, content = post(server, b"{}", path=path)
    assert status == 404 and content["error"]["message"] == "Not Found."


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_running_requests_have(exported, number):
    with run_server("--model", f"one={exported[2]}") as running:
        asked = client_of(running).audio.speech.with_streaming_response
        with asked.create(**ask(input=LONG[:700])) as answer:
            pieces = answer.iter_bytes(1000)
            content = next(pieces)
            running.process.send_signal(number)
            content += b"".join(pieces)
        assert running.process.wait(PATIENCE) == 0
        printed = running.printed()
    assert len(samples_of(content)) > 5 * RATE
    assert printed.endswith("sb-sma: ended\n") and "Traceback" not in printed


def test_it_ends_though_a_client_does_not_listen(exported):
    with run_server("--model", f"one={exported[2]}") as running:
        asked = client_of(running).audio.speech.with_streaming_response
        with asked.create(**ask(input=LONG)):
            assert running.end() == 0


def test_a_port_that_is_taken_is_told(exported, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        arguments = ["--model", str(exported[2]), "--port", str(port)]
        assert main(["serve", *arguments]) == 1
    error = capsys.readouterr().err
    assert f"cannot listen at 127.0.0.1, port {port}: Address" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["--model", "./none"], "./none does not exist"),
        (["--model", "a=./none", "a=./other"], "have the same name, a"),
        (["--model", "=./none"], "must be DIR or NAME=DIR"),
        (["--model", "MODEL", "--host", "nowhere.invalid"], "no address"),
    ],
)
def test_a_mistake_is_one_line(exported, capsys, arguments, told):
    given = [str(exported[2]) if a == "MODEL" else a for a in arguments]
    assert main(["serve", *given]) == 1
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1


@pytest.mark.parametrize(
    "option, value",
    [("--port", "70000"), ("--port", "x"), ("--max_requests", "0")],
)
def test_a_number_out_of_range_is_told(capsys, option, value):
    with pytest.raises(SystemExit):
        main(["serve", "--model", "m", option, value])
    assert f"got {value}" in capsys.readouterr().err


def test_the_missing_extra_is_named(exported, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["serve", "--model", str(exported[2])]) == 1
    assert "pip install 'sb_sma[serve]'" in capsys.readouterr().err


def test_a_folder_that_names_code_is_refused(exported, tmp_path):
    yaml = (exported[2] / "hyperparams.yaml").read_text(encoding="utf-8")
    folder = tmp_path / "stranger"
    folder.mkdir()
    for path in exported[2].iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "hyperparams.yaml").write_text(
        f"{yaml}\nx: !apply:os.mkdir [{tmp_path / 'made'}]\n", encoding="utf-8"
    )
    command = [sys.executable, "-m", "sb_sma.cli", "serve", "--port", "0"]
    done = subprocess.run(
        [*command, "--model", str(folder)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1 and "os.mkdir" in done.stderr
    assert not (tmp_path / "made").exists()
