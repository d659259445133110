"""What a client is told when a request is not answered with speech."""

from collections.abc import Mapping
from typing import Any


class Refusal(Exception):
    """A request that is not answered with speech.

    Arguments
    ---------
    status : int
        Of HTTP.
    message : str
        What is wrong, and what would be right.
    param : str, optional
        The field of the request.
    code : str, optional
        OpenAI's word for it.
    headers : mapping, optional
        Of the answer.

    Example
    -------
    >>> Refusal(400, "speed must be a number.", "speed").body
    {'error': {'message': 'speed must be a number.', 'type': 'invalid_request_error', 'param': 'speed', 'code': None}}
    """

    def __init__(
        self,
        status: int,
        message: str,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ):
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code
        self.headers = dict(headers or {})

    @property
    def body(self) -> dict[str, Any]:
        """The error as OpenAI's clients read it."""
        kinds = {429: "rate_limit_error", 401: "authentication_error"}
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        return {
            "error": {
                "message": self.message,
                "type": kinds.get(self.status, kind),
                "param": self.param,
                "code": self.code,
            }
        }
