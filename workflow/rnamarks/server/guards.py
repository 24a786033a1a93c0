"""What every answer of a server carries, and which requests get none."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from flask import Flask, Response, request

_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    # with no-referrer browsers send the forms of the server's own pages without their origin
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def add_guards(app: Flask, names: Collection[str] = ()) -> None:
    """Let an application answer only requests that are meant for it, under headers that keep others out.

    A page of another site may send forms here (its ``Origin`` tells), and a name that its owner points at this
    machine makes it read the answers (the ``Host`` tells). Addresses in numbers, names of this machine and ``names``
    are its own.
    """
    own = {name.lower().rstrip(".") for name in (*names, "localhost", socket.gethostname(), socket.getfqdn())}

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    @app.before_request
    def refuse() -> Response | None:
        try:
            host = (urlsplit(f"//{request.host}").hostname or "").rstrip(".")
        except ValueError:
            host = ""
        if host not in own and not _is_address(host):
            return line("this server does not go by that name; its owner can add it with --name", 421)
        origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site", "none")
        foreign = origin is not None and origin.partition("://")[2] != request.host
        if request.method == "POST" and (foreign or site not in ("same-origin", "none")):
            return line("the request comes from a page of another site", 403)
        return None


def line(text: str, status: int) -> Response:
    """An answer of one line."""
    return Response(f"{text}\n", status, mimetype="text/plain")


def owner_of(address: str) -> str:
    """Whose request it is: the address, of IPv6 its first 64 bits, which one household or laboratory has."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return address if found.version == 4 else str(ipaddress.ip_network(f"{address}/64", strict=False))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
