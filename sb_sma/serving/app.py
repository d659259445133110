"""The routes: ``/v1/audio/speech``, ``/v1/models`` and ``/health``."""

import asyncio
import contextlib
import logging
import math
import time
from collections import Counter
from collections.abc import (
    AsyncIterator,
    Hashable,
    Iterable,
    Iterator,
    Sequence,
)
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sb_sma.inference.script import write_script
from sb_sma.serving.refusals import Refusal
from sb_sma.serving.scheduler import Job, Scheduler
from sb_sma.serving.speech_maker import SpeechFailed, SpeechMaker
from sb_sma.serving.speech_request import SpeechRequest, read_speech_request
from sb_sma.serving.voices import ServedModel

logger = logging.getLogger(__name__)

# of a character as JSON may write it, and of all that stands around the text
_BYTES_OF_CHARACTER, _BYTES_AROUND = 12, 16384
_SECONDS_TO_SEND, _SECONDS_TO_LISTEN = 20.0, 120.0
_RETRY_AFTER = {"Retry-After": "1"}
# beyond what is allowed, read so that whoever sends it reads the refusal
_MOST_UNREAD = 2**24  # bytes
# what else the client would send is not read
_CLOSE = {"Connection": "close"}
_MOST_SILENCE = 600  # seconds


@dataclass(frozen=True)
class Limits:
    """How much is taken on.

    Arguments
    ---------
    characters : int
        Of a text.
    requests : int
        That are being spoken or wait.

    Raises
    ------
    ValueError
        If a number is below 1.
    """

    characters: int = 20_000
    requests: int = 128

    def __post_init__(self):
        for name in ("characters", "requests"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must be 1 or more; got {getattr(self, name)}."
                )

    @property
    def of_one_client(self) -> int:
        """Requests that one client may have."""
        return math.ceil(self.requests / 2)

    @property
    def body(self) -> int:
        """Bytes of a request."""
        return _BYTES_OF_CHARACTER * self.characters + _BYTES_AROUND


class Desk:
    """Takes requests on, as many as there is room for.

    Arguments
    ---------
    limits : Limits
        How much is taken on.

    Example
    -------
    >>> desk = Desk(Limits(requests=1))
    >>> with desk.place_of("anna"):
    ...     desk.n_requests
    1
    """

    def __init__(self, limits: Limits):
        self.limits = limits
        self._by_client: Counter[Hashable] = Counter()

    @property
    def n_requests(self) -> int:
        """Requests that are taken on."""
        return self._by_client.total()

    @contextlib.contextmanager
    def place_of(self, client: Hashable) -> Iterator[None]:
        """Take a request on.

        Arguments
        ---------
        client : Hashable
            Whose it is.

        Returns
        -------
        place : context manager
            While it is answered.

        Raises
        ------
        Refusal
            If there is no room.
        """
        limits = self.limits
        if self.n_requests >= limits.requests:
            raise Refusal(
                503,
                f"{limits.requests} requests are being spoken or wait, as many "
                "as there is room for. Try again later.",
                code="server_is_busy",
                headers=_RETRY_AFTER,
            )
        if self._by_client[client] >= limits.of_one_client:
            raise Refusal(
                429,
                f"{limits.of_one_client} of your requests are being spoken or "
                "wait, as many as one client may have. Try again later.",
                code="rate_limit_exceeded",
                headers=_RETRY_AFTER,
            )
        self._by_client[client] += 1
        try:
            yield
        finally:
            self._by_client[client] -= 1
            if not self._by_client[client]:
                del self._by_client[client]


class SpeechServer:
    """Answers requests.

    Arguments
    ---------
    models : iterable of ServedModel
        What speaks.
    limits : Limits
        How much is taken on.
    n_threads : int
        That speak.
    """

    def __init__(
        self,
        models: Iterable[ServedModel],
        limits: Limits = Limits(),
        n_threads: int = 1,
    ):
        self.models = {model.name: model for model in models}
        self.limits = limits
        self.desk = Desk(limits)
        self.scheduler = Scheduler(n_threads)
        self._started = int(time.time())
        self._voices = {
            name: list(model.voices) for name, model in self.models.items()
        }

    async def health(self, request: Request) -> Response:
        """Tell that the server answers, and how much it has to do.

        Arguments
        ---------
        request : Request
            Any.

        Returns
        -------
        response : Response
            JSON.
        """
        return JSONResponse({"status": "ok", "requests": self.desk.n_requests})

    async def list_models(self, request: Request) -> Response:
        """Name the models and their voices.

        Arguments
        ---------
        request : Request
            Any.

        Returns
        -------
        response : Response
            JSON.
        """
        data = [self._describe(name) for name in self.models]
        return JSONResponse({"object": "list", "data": data})

    async def show_model(self, request: Request) -> Response:
        """Name a model and its voices.

        Arguments
        ---------
        request : Request
            Its path names the model.

        Returns
        -------
        response : Response
            JSON.

        Raises
        ------
        Refusal
            If there is no such model.
        """
        name = request.path_params["name"]
        if name not in self.models:
            known = ", ".join(self.models)
            raise Refusal(
                404,
                f"there is no such model; there are {known}.",
                "model",
                "model_not_found",
            )
        return JSONResponse(self._describe(name))

    async def speak(self, request: Request) -> Response:
        """Answer with speech.

        Arguments
        ---------
        request : Request
            As OpenAI's clients send it.

        Returns
        -------
        response : Response
            Sound, while it is made.

        Raises
        ------
        Refusal
            If it cannot be answered so.
        """
        client = _client_of(request)
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.desk.place_of(client))
            body = await self._read_body(request)
            wanted = read_speech_request(
                body, self._voices, self.limits.characters
            )
            model = self.models[wanted.model]
            maker = await asyncio.to_thread(_begin, wanted, model)
            job = Job(maker, client, asyncio.get_running_loop())
            # the place is kept until all is sent
            return _SpeechResponse(self.scheduler, job, stack.pop_all())

    def _describe(self, name: str) -> dict[str, Any]:
        return {
            "id": name,
            "object": "model",
            "created": self._started,
            "owned_by": "sb_sma",
            "voices": self._voices[name],
        }

    async def _read_body(self, request: Request) -> bytes:
        kind = request.headers.get("content-type", "")
        # what a page of another site cannot send without asking first
        if kind.partition(";")[0].strip().lower() != "application/json":
            raise Refusal(415, "Content-Type must be application/json.")
        try:
            return await asyncio.wait_for(
                self._take_body(request), _SECONDS_TO_SEND
            )
        except asyncio.TimeoutError as error:
            raise Refusal(
                408,
                f"the body did not come within {_SECONDS_TO_SEND:g} seconds.",
                headers=_CLOSE,
            ) from error

    async def _take_body(self, request: Request) -> bytes:
        body, n_bytes = bytearray(), 0
        async for part in request.stream():
            n_bytes += len(part)
            if n_bytes <= self.limits.body:
                body += part
            elif n_bytes > self.limits.body + _MOST_UNREAD:
                break
        if n_bytes > self.limits.body:
            raise Refusal(
                413,
                f"the body may have {self.limits.body} bytes, for an input "
                f"of {self.limits.characters} characters.",
                headers=_CLOSE,
            )
        return bytes(body)


class _SpeechResponse(Response):
    """Sends what a job makes, until its client has it or has gone."""

    def __init__(
        self,
        scheduler: Scheduler,
        job: Job,
        place: contextlib.AbstractContextManager,
    ):
        self.scheduler = scheduler
        self.job = job
        self.place = place
        self.background = None
        self.status_code = 200
        self.media_type = job.maker.media_type
        self.init_headers({"Cache-Control": "no-store"})

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        with self.place:
            self.scheduler.submit(self.job)
            sending = asyncio.ensure_future(self._send(scope, receive, send))
            leaving = asyncio.ensure_future(_wait_until_gone(receive))
            try:
                await asyncio.wait(
                    {sending, leaving}, return_when=asyncio.FIRST_COMPLETED
                )
                if sending.done():
                    sending.result()
            finally:
                self.scheduler.drop(self.job)
                # before Python 3.12, wait_for forgets that it was cancelled
                # where what it waits for has just ended
                self.job.fail()
                for task in (sending, leaving):
                    task.cancel()
                await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            piece = await self.job.next_piece()
        except SpeechFailed:
            await _as_json(_FAILED)(scope, receive, send)
            return
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        # a connection that ends early tells that the speech is not whole
        with contextlib.suppress(SpeechFailed, asyncio.TimeoutError):
            while piece is not None:
                self.scheduler.resume(self.job)
                message = {
                    "type": "http.response.body",
                    "body": piece,
                    "more_body": True,
                }
                await asyncio.wait_for(send(message), _SECONDS_TO_LISTEN)
                piece = await self.job.next_piece()
            await send({"type": "http.response.body", "body": b""})


class _HostMiddleware:
    """Refuses other names of this machine, as all else is refused."""

    def __init__(self, app: ASGIApp, allowed_hosts: Sequence[str]):
        self.app = app
        self.allowed_hosts = list(allowed_hosts)

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        is_trusted = False

        async def trust(*_: object) -> None:
            nonlocal is_trusted
            is_trusted = True

        async def tell_nobody(message: object) -> None:
            """Drop what Starlette answers, which is no JSON."""

        await TrustedHostMiddleware(
            trust, self.allowed_hosts, www_redirect=False
        )(scope, receive, tell_nobody)
        chosen = self.app if is_trusted else _as_json(self._refusal)
        await chosen(scope, receive, send)

    @property
    def _refusal(self) -> Refusal:
        return Refusal(
            400,
            "the Host of a request must be one of "
            f"{', '.join(self.allowed_hosts)}.",
        )


def make_app(
    models: Iterable[ServedModel],
    limits: Limits,
    n_threads: int,
    hosts: Sequence[str],
) -> Starlette:
    """Make the application.

    Arguments
    ---------
    models : iterable of ServedModel
        What speaks.
    limits : Limits
        How much is taken on.
    n_threads : int
        That speak.
    hosts : sequence of str
        By which it may be asked, as of `names_of`.

    Returns
    -------
    app : Starlette
        To be served.
    """
    server = SpeechServer(models, limits, n_threads)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        """End the threads with the server."""
        yield
        await asyncio.to_thread(server.scheduler.close)

    app = Starlette(
        routes=[
            Route("/v1/audio/speech", server.speak, methods=["POST"]),
            Route("/v1/models", server.list_models),
            Route("/v1/models/{name:path}", server.show_model),
            Route("/health", server.health),
        ],
        exception_handlers={
            Refusal: _tell_refusal,
            HTTPException: _tell_exception,
            ClientDisconnect: _tell_gone,
            Exception: _tell_failure,
        },
        middleware=[Middleware(_HostMiddleware, allowed_hosts=hosts)],
        lifespan=lifespan,
    )
    # a redirection would name whatever host the client has named
    app.router.redirect_slashes = False
    return app


_FAILED = Refusal(
    500, "The speech could not be made; the server's log says why."
)


def _begin(wanted: SpeechRequest, model: ServedModel) -> SpeechMaker:
    """Take a text apart and refuse it, before anything of it is said."""
    try:
        script = write_script(wanted.text, wanted.speed)
        lines = model.tts.read_passages(script)
    except ValueError as error:
        raise Refusal(400, f"input: {error}", "input") from error
    silence = sum(passage.silence or 0.0 for passage in script)
    if silence > _MOST_SILENCE:
        raise Refusal(
            400,
            f"input may have {_MOST_SILENCE} seconds of silence between what "
            f"is said; got {silence:.0f}.",
            "input",
        )
    return SpeechMaker(wanted, model, lines)


def _client_of(request: Request) -> Hashable:
    """Tell clients apart, by where they are and by their keys."""
    host = request.client.host if request.client else None
    return host, request.headers.get("authorization")


async def _wait_until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _as_json(refusal: Refusal) -> JSONResponse:
    return JSONResponse(refusal.body, refusal.status, headers=refusal.headers)


async def _tell_refusal(request: Request, refusal: Refusal) -> Response:
    return _as_json(refusal)


async def _tell_exception(request: Request, error: HTTPException) -> Response:
    return _as_json(
        Refusal(error.status_code, f"{error.detail}.", headers=error.headers)
    )


async def _tell_gone(request: Request, error: ClientDisconnect) -> Response:
    return Response(status_code=499)


async def _tell_failure(request: Request, error: Exception) -> Response:
    return _as_json(_FAILED)
