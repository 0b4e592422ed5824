"""Everything that passes through a Redis while it is watched, as raw bytes: MONITOR, unescaped."""

from __future__ import annotations

import re
import socket
from threading import Thread
from typing import Self

_ESCAPE = re.compile(rb"\\(x[0-9a-f]{2}|[nrtab\"\\])")
_PLAIN = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b", b'"': b'"', b"\\": b"\\"}
_RECEIVE_BYTES = 1 << 20


class Monitor:
    """A context manager; `seen()` after it ended gives all that passed."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._raw = bytearray()
        self._reader = Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._socket.sendall(b"MONITOR\r\n")
        assert self._socket.recv(5) == b"+OK\r\n"
        self._socket.settimeout(None)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join(10)
        self._socket.close()

    def seen(self) -> bytes:
        """Escapes undone, so that binary arguments are as they were sent."""
        return _ESCAPE.sub(_unescape, bytes(self._raw))

    def _read(self) -> None:
        while received := self._socket.recv(_RECEIVE_BYTES):
            self._raw += received


def _unescape(found: re.Match[bytes]) -> bytes:
    token = found[1]
    return bytes.fromhex(token[1:].decode()) if token[:1] == b"x" and len(token) == 3 else _PLAIN[token]
