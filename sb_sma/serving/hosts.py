"""The names by which a server of this machine alone may be asked."""

import ipaddress
import socket

_OF_THIS_MACHINE = ["localhost", "*.localhost", "127.0.0.1", "[::1]"]


def names_of(host: str) -> list[str]:
    """Name what may stand in the header ``Host`` of a request.

    A name of another site, which its owner lets point to this machine, would
    let the pages of that site ask, and read what is answered.

    Arguments
    ---------
    host : str
        At which the server listens.

    Returns
    -------
    names : list of str
        For Starlette's `TrustedHostMiddleware`; all, where others than this
        machine can reach the server.

    Example
    -------
    >>> names_of("127.0.0.1")[:2], names_of("0.0.0.0")
    (['localhost', '*.localhost'], ['*'])
    """
    address = socket.getaddrinfo(host, None)[0][4][0]
    if not ipaddress.ip_address(address).is_loopback:
        return ["*"]
    own = f"[{host}]" if ":" in host else host
    return [*_OF_THIS_MACHINE, own]
