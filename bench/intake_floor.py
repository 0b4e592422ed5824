"""The least that taking a registration in could cost: bare ASGI on the same server, event loop and clients as intake.

POST: read the body, hash it, seal it, write and sync it, hash what was sealed, publish one record and wait for all replicas.
GET: a short answer. No routes, no parts, no token, no challenge, no claim, no status. `python -m bench.intake` runs it.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import secrets
import threading
from pathlib import Path
from typing import Any

import uvicorn
from confluent_kafka import Producer
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from realname.topics import PARTITIONS, SUBMITTED

VALUE_BYTES = 1200  # a submission's record is about so long
_HEADERS = [(b"content-type", b"application/json")]


class Floor:
    """The ASGI application."""

    def __init__(self, folder: Path, producer: Producer) -> None:
        """folder: where the sealed bodies go."""
        self._folder = folder
        self._producer = producer

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        if scope["method"] == "POST":
            await self._take(body)
        await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS, (b"content-length", b"13")]})
        await send({"type": "http.response.body", "body": b'{"ok": "yes"}'})

    async def _take(self, body: bytearray) -> None:
        hashlib.sha256(body).digest()
        nonce = os.urandom(12)
        sealed = nonce + AESGCM(AESGCM.generate_key(256)).encrypt(nonce, body, b"floor")
        name = secrets.token_hex(16)
        descriptor = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, sealed)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        value = hashlib.sha256(sealed).hexdigest().encode().ljust(VALUE_BYTES)
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def settle(error: Any, _: Any) -> None:
            if error:
                loop.call_soon_threadsafe(done.set_exception, RuntimeError(str(error)))
            else:
                loop.call_soon_threadsafe(done.set_result, None)

        self._producer.produce(SUBMITTED, value, name.encode(), int(name[:4], 16) % PARTITIONS, on_delivery=settle)
        await done


def serve_reports(producer: Producer) -> None:
    """Delivery reports, for ever."""
    while True:
        producer.poll(1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("kafka", help="host:port of the broker")
    parser.add_argument("folder", type=Path, help="where the sealed bodies go")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    producer = Producer({"bootstrap.servers": arguments.kafka, "acks": "all", "enable.idempotence": True, "linger.ms": 0})
    threading.Thread(target=serve_reports, args=(producer,), daemon=True).start()
    app: Any = Floor(arguments.folder, producer)
    options: dict[str, Any] = {"loop": "uvloop", "http": "httptools", "ws": "none", "lifespan": "off", "access_log": False}
    uvicorn.run(app, host="127.0.0.1", port=arguments.port, log_config=None, server_header=False, **options)


if __name__ == "__main__":
    main()
