"""The server's connections: how many, for how long, and how it ends."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

from ..errors import InputError
from ..locks import claimed
from .guards import owner_of

CONNECTIONS, OF_ONE = 500, 32
"""Connections that are open at a time, of all addresses and of one."""
SECONDS, RATE = 20.0, 2_000.0
"""A request must be here after so many seconds, and one more for each so many bytes of it."""
_IDLE = 30
_EVERY = 2
# a body is written to disk from this size
_IN_MEMORY = 1 << 19


class _Channel(HTTPChannel):
    """A connection that knows when the request began that it is receiving."""

    began: float | None = None

    def received(self, data: bytes) -> bool:
        going = super().received(data)
        if self.request is None:
            self.began = None
        elif self.began is None:
            self.began = time.time()
        return going

    @property
    def is_idle(self) -> bool:
        """Whether nothing that it asked for is being worked on or sent."""
        return not self.requests and not self.total_outbufs_len

    def is_slow(self, now: float) -> bool:
        """Whether its request takes too long to arrive."""
        if self.began is None or self.requests:
            return False
        received = self.request.header_bytes_received + self.request.body_bytes_received if self.request else 0
        return now - self.began > SECONDS + received / RATE


class _Listener(TcpWSGIServer):
    channel_class = _Channel
    proxy = ""

    def maintenance(self, now: float) -> None:
        """Close what has been silent, or slow, for too long."""
        super().maintenance(now)
        for channel in self.active_channels.values():
            if channel.is_slow(now):
                channel.will_close = True

    def handle_accept(self) -> None:
        """Accept; an address with too many connections loses the oldest on which nothing is being done."""
        before = set(self.active_channels)
        super().handle_accept()
        for number in set(self.active_channels) - before:
            new = self.active_channels[number]
            others = [channel for channel in self.active_channels.values() if channel is not new]
            same = [channel for channel in others if self._owner(channel) == self._owner(new)]
            if len(others) >= CONNECTIONS:
                self._make_room(others, new)
            elif len(same) >= OF_ONE and self._owner(new) != self.proxy:
                self._make_room(same, new)

    @staticmethod
    def _owner(channel: _Channel) -> str:
        return owner_of(str(channel.addr[0]))

    @staticmethod
    def _make_room(channels: list[_Channel], new: _Channel) -> None:
        idle = [channel for channel in channels if channel.is_idle]
        (min(idle, key=lambda channel: channel.creation_time) if idle else new).handle_close()


def listen(
    app: Flask,
    *,
    host: str,
    port: int,
    threads: int,
    most: int,
    proxy: str = "",
    started: Callable[[str], None] = print,
    stop: Callable[[], None] = lambda: None,
) -> None:
    """Answer until the process is told to end.

    Parameters
    ----------
    app : Flask
    host, port
        Address; port 0 takes a free one.
    threads : int
        Requests that are worked on at a time.
    most : int
        Bytes that a request may have; further ones are not read.
    proxy : str
        Address of a proxy whose word about who asks, and by what name, is taken.
    started : callable
        Is told the address.
    stop : callable
        Ends the work behind the application, before the threads that wait for it.

    Raises
    ------
    InputError
        If the address cannot be had.
    """
    behind = {
        "trusted_proxy": proxy,
        "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"},
    }
    channels: dict[int, object] = {}
    dispatcher = ThreadedTaskDispatcher()
    try:
        settings = Adjustments(
            host=host,
            port=port,
            threads=threads,
            ident=None,
            max_request_body_size=most,
            inbuf_overflow=_IN_MEMORY,
            channel_timeout=_IDLE,
            cleanup_interval=_EVERY,
            # what comes beyond it is accepted, and room is made for it
            connection_limit=CONNECTIONS + 100,
            asyncore_use_poll=True,
            clear_untrusted_proxy_headers=True,
            **(behind if proxy else {}),
        )
        servers = [
            _Listener(app, channels, dispatcher=dispatcher, adj=settings, sockinfo=where) for where in settings.listen
        ]
    except (OSError, ValueError) as error:
        wasyncore.close_all(channels)
        raise InputError(
            f"the address cannot be had: {getattr(error, 'strerror', None) or error}",
            value=f"{host}:{port}",
            remedy="choose another --host or --port",
        ) from error
    for server in servers:
        server.proxy = owner_of(proxy)
    dispatcher.set_thread_count(threads)
    shown = f"[{host}]" if ":" in host else host
    started(f"http://{shown}:{servers[0].effective_port}/ answers until you press Ctrl-C")
    try:
        wasyncore.loop(timeout=1, map=channels, use_poll=True)
    except (SystemExit, KeyboardInterrupt):
        pass
    finally:
        # a second signal would leave threads in the middle of their work, at which the process aborts
        with _unheard(signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            stop()
            dispatcher.shutdown()
            wasyncore.close_all(channels)


@contextmanager
def own_folder(folder: Path) -> Iterator[Path]:
    """A folder that only this user can read, and only one server uses.

    Raises
    ------
    InputError
        If another server has it, or it belongs to somebody else.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if folder.stat().st_uid != os.getuid():
        raise InputError("the folder belongs to somebody else", path=folder, remedy="choose another --keep")

    def taken(holder: str) -> InputError:
        return InputError(
            f"another server keeps its results there ({holder})", path=folder, remedy="choose another --keep or --port"
        )

    with claimed(folder / "lock", taken):
        yield folder


@contextmanager
def _unheard(*numbers: int) -> Iterator[None]:
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
