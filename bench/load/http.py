"""A light HTTP/1.1 client for one address: kept connections, bodies in pieces. A loader must cost little beside its load."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self, cast

import httptools

CONNECTIONS_MAX = 512
ANSWER_WITHIN_S = 60.0


@dataclass(slots=True)
class Reply:
    """status, headers by lower-case name, body."""

    status: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    body: bytes = b""


class Connection(asyncio.Protocol):
    """One at a time is asked, one answer comes."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._reply = Reply()
        self._answered: asyncio.Future[Reply] | None = None
        self.served = 0

    @property
    def is_open(self) -> bool:
        """Whether it can be asked once more."""
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, parts: Sequence[bytes]) -> Reply:
        """Raises ConnectionError where it breaks before the answer is whole, TimeoutError."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("closed before it was asked")
        self._answered = asyncio.get_running_loop().create_future()
        self._reply = Reply()
        self._transport.writelines(parts)
        try:
            return await asyncio.wait_for(self._answered, ANSWER_WITHIN_S)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """At once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._end(ConnectionResetError("no HTTP"))
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's
        self._end(ConnectionResetError("closed before the answer"))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._reply.headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        self._reply.body += body

    def on_message_complete(self) -> None:
        self._reply.status = self._parser.get_status_code()
        self.served += 1
        if not self._parser.should_keep_alive() and self._transport is not None:
            self._transport.close()
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(self._reply)

    def _end(self, error: ConnectionError) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(error)


class Client:
    """Belongs to one event loop. Use as an async context manager."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._idle: list[Connection] = []
        self._free = asyncio.Semaphore(CONNECTIONS_MAX)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in self._idle:
            connection.close()

    async def post(self, path: bytes, headers: Sequence[tuple[bytes, bytes]], parts: Sequence[bytes]) -> Reply:
        """A reply, whatever its status. Raises OSError (no connection, or a broken one) and TimeoutError.

        A kept connection that the server had just closed is replaced once: every request of ours may be repeated.
        """
        length = b"%d" % sum(map(len, parts))
        named = (*headers, (b"host", self._host.encode()), (b"content-length", length))
        head = b"POST " + path + b" HTTP/1.1\r\n" + b"".join(b"%s: %s\r\n" % each for each in named) + b"\r\n"
        async with self._free:
            connection = self._kept() or await self._new()
            try:
                reply = await connection.ask((head, *parts))
            except ConnectionError:
                if not connection.served:
                    raise
                connection = await self._new()
                reply = await connection.ask((head, *parts))
            if connection.is_open:
                self._idle.append(connection)
            return reply

    def _kept(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
        return None

    async def _new(self) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, self._host, self._port)
        return connection
