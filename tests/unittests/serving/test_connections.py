"""Whoever connects and asks for nothing is let go."""

import asyncio
import http.client
import json
import socket
import threading
import time

import pytest

uvicorn = pytest.importorskip("uvicorn", reason="pip install -e '.[dev]'")
connections = pytest.importorskip("sb_sma.serving.connections")

PATIENCE = 30.0
HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\n"


async def answer(scope, receive, send):
    """Answer at once, or after two seconds, without the body."""
    if scope["path"] == "/slow":
        await asyncio.sleep(2.0)
    await send({"type": "http.response.start", "status": 404})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture()
def address(monkeypatch):
    monkeypatch.setattr(connections, "_SECONDS_TO_ASK", 0.5)
    config = uvicorn.Config(
        answer, http=connections.PatientProtocol, lifespan="off", log_level=50
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as bound:
        thread = threading.Thread(target=server.run, args=([bound],))
        thread.start()
        yield bound.getsockname()
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize(
    "sent, dripped",
    [
        (b"", b""),
        (b"POST", b"T"),
        (HEAD, b"X: y\r\n"),
        (HEAD + b"Content-Length: 9999\r\n\r\n", b"a"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"G"),
    ],
    ids=["nothing", "method", "head", "unread body", "second request"],
)
def test_who_does_not_ask_is_let_go(address, sent, dripped):
    start = time.monotonic()
    with socket.create_connection(address, PATIENCE) as connection:
        connection.settimeout(0.1)
        connection.sendall(sent)
        is_open = True
        while is_open:
            assert time.monotonic() - start < PATIENCE
            try:
                connection.sendall(dripped)
                is_open = connection.recv(1000) != b""
            except TimeoutError:
                pass
            except OSError:
                is_open = False


def test_who_waits_for_an_answer_is_not(address):
    connection = http.client.HTTPConnection(*address, timeout=PATIENCE)
    for _ in range(2):
        connection.request("GET", "/slow")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (404, b"")
    connection.close()


def exchange(address, *parts):
    """Send parts, half a second apart; what comes until the connection ends."""
    with socket.create_connection(address, PATIENCE) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(0.3)
        return b"".join(iter(lambda: connection.recv(1000), b""))


def test_what_is_not_http_is_refused_as_all_else(address):
    head, _, body = exchange(address, b"\0\r\n\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    error = json.loads(body)["error"]
    assert error["message"] == "Invalid HTTP request received."
    assert error["type"] == "invalid_request_error"


def test_a_body_that_goes_wrong_after_the_answer_is_no_fault(address, caplog):
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    answer = exchange(address, head, b"no chunk\r\n")
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert "LocalProtocolError" not in caplog.text


def test_who_asks_to_speak_otherwise_is_answered(address, caplog):
    asked = b"Connection: upgrade, close\r\nUpgrade: websocket\r\n\r\n"
    with caplog.at_level("WARNING", "uvicorn.error"):
        answer = exchange(address, HEAD + asked)
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert caplog.text == ""


def test_an_answer_to_head_has_no_body(address, caplog):
    sent = b"HEAD / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    head, _, body = exchange(address, sent).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ") and body == b""
    assert "LocalProtocolError" not in caplog.text
