"""Connections that are let go when nothing is asked on them."""

import asyncio
from typing import Any

import h11
from starlette.responses import JSONResponse
from uvicorn.protocols.http.h11_impl import H11Protocol

from sb_sma.serving.refusals import Refusal

_SECONDS_TO_ASK = 20.0


class PatientProtocol(H11Protocol):
    """HTTP/1.1 of uvicorn, which lets go whoever does not ask.

    Every connection takes a place. uvicorn itself waits for ever for the head
    of a request, and for the rest of a body that is not read.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Wait for the first request.

        Arguments
        ---------
        transport : asyncio.Transport
            The connection.
        """
        super().connection_made(transport)
        self._wait_for_request()

    def data_received(self, data: bytes) -> None:
        """Wait no longer once there is the head of a request.

        Arguments
        ---------
        data : bytes
            Any part of it.
        """
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._waiting.cancel()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        # it may be there already
        if self.cycle.response_complete:
            self._wait_for_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more.

        Arguments
        ---------
        exc : Exception, optional
            What ended it.
        """
        self._waiting.cancel()
        super().connection_lost(exc)

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing is missing where nobody is to speak otherwise."""

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, as all else is refused.

        Arguments
        ---------
        msg : str
            What is wrong.
        """
        # something was answered already where a body goes wrong later
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            told = JSONResponse(
                Refusal(400, msg).body, headers={"Connection": "close"}
            )
            is_head = bool(self.scope) and self.scope["method"] == "HEAD"
            for event in (
                h11.Response(status_code=400, headers=told.raw_headers),
                h11.Data(data=b"" if is_head else told.body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event))
        self.transport.close()

    def _wait_for_request(self) -> None:
        self._waiting: Any = self.loop.call_later(
            _SECONDS_TO_ASK, self.timeout_keep_alive_handler
        )
