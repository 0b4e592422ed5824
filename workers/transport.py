# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportPrivateUsage=false
# kombu has no types; and some of the methods replaced here are private: tests hold that each still has its effect.
"""kombu's Redis transport with three changes: one client a channel, cheap notes, and no long sleep after a long outage.

redis-py's client takes 0.09 ms to make, and kombu makes one for each publish, each message it takes and each
acknowledgement: 0.4 ms of a registration's two stages (measured with redis-py 8.1, kombu 5.7).
kombu notes each message that it takes, and strikes it out when it is acknowledged, by a transaction each: half of a
worker's Python in a stage that takes no time. Here an acknowledgement waits for the next message, ACK_WITHIN_S at most,
and goes with its note in one script. What a worker that dies meanwhile had acknowledged is delivered again after the visibility
timeout: where it is decided by then it is measured for nothing, and its entry deleted on sight.
A consumer that cannot connect waits 2, 4, 6... 32 s between its tries: after 20 s without Redis it was back 10 s late.
"""

from __future__ import annotations

from collections import deque
from time import time
from typing import Any

import msgspec
from celery.app.amqp import AMQP
from kombu.connection import Connection
from kombu.transport import redis, virtual

from realname.redis_lines import Lines, Script

RECONNECT_EVERY_S = 1.0
ACK_WITHIN_S = 0.05
ACKS_MAX = 500  # struck out at once; Lua unpacks some thousands

# KEYS: kombu's index of what is taken, by time, and what was taken. ARGV: tag ('' for none), time, entry, tags to strike out.
# Striking out comes first: it is allowed in a full Redis, and what follows it then is, too.
_NOTE = Script("""
if #ARGV > 3 then
  redis.call('ZREM', KEYS[1], unpack(ARGV, 4))
  redis.call('HDEL', KEYS[2], unpack(ARGV, 4))
end
if ARGV[1] ~= '' then
  redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
end
""")


class CheapNotes(redis.QoS):
    """What this consumer has taken and not acknowledged. Celery calls all of it in its loop's thread."""

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self._acked: deque[str] = deque()
        channel: Any = self.channel
        self._lines = Lines(channel.pool)
        self._is_closing = False

    def append(self, message: Any, delivery_tag: str) -> None:
        """Note a message that was taken; what was acknowledged since is struck out with it."""
        delivery = message.delivery_info
        entry = msgspec.json.encode((message._raw, delivery["exchange"], delivery["routing_key"]))  # noqa: SLF001 - as kombu does
        self._run(delivery_tag, entry)
        virtual.QoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Strike it out within ACK_WITHIN_S; at once where nothing more is taken."""
        self._acked.append(delivery_tag)
        virtual.QoS.ack(self, delivery_tag)
        if self._is_closing:
            self.flush_acks()

    def flush_acks(self) -> None:
        """Strike out what was acknowledged, where there is something."""
        while self._acked:
            self._run("", b"")

    def restore_unacked_once(self, stderr: Any = None) -> None:
        """At the end: what is acknowledged is not put back."""
        self._is_closing = True
        try:
            self.flush_acks()
        except self.channel.connection_errors:
            self._acked.clear()  # Redis is away: they come again
        super().restore_unacked_once(stderr)

    def _run(self, tag: str, entry: bytes) -> None:
        acked = [self._acked.popleft() for _ in range(min(len(self._acked), ACKS_MAX))]
        keys: tuple[str, str] = (self.unacked_index_key, self.unacked_key)
        try:
            self._lines.run(_NOTE, keys, (tag, time(), entry, *acked))
        except BaseException:
            self._acked.extendleft(reversed(acked))
            raise


class Channel(redis.Channel):
    """Clients are safe for many threads; each takes its connection from the channel's pool."""

    QoS = CheapNotes
    _kept: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:  # noqa: FBT001, FBT002 - kombu's signature
        if asynchronous:  # its connection is its own: the event loop waits on it
            return super()._create_client(asynchronous=True)
        if self._kept is None or self._kept.connection_pool is not self.pool:  # the pool changes at a reconnect
            self._kept = super()._create_client()
        return self._kept


class Transport(redis.Transport):
    """As `redis://`, by its class."""

    Channel = Channel
    _acks_timer: Any = None

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """As kombu's, and acknowledgements that wait for no next message."""
        super().register_with_event_loop(connection, loop)
        if self._acks_timer is not None:
            self._acks_timer.cancel()
        self._acks_timer = loop.call_repeatedly(ACK_WITHIN_S, self._flush_acks)

    def _flush_acks(self) -> None:
        channels: list[Any] = [*(self.channels or ())]
        if not channels:
            self._acks_timer.cancel()  # a reconnect makes another transport, on the same loop
        for channel in channels:
            try:
                channel.qos.flush_acks()
            except self.connection_errors:
                return  # they are kept; the loop sees the broken connection by itself


class SteadyConnection(Connection):
    """Tries to connect at a steady pace, for as long as it takes."""

    def ensure_connection(self, *args: Any, **keywords: Any) -> Any:
        """As kombu's; the steps of its waiting are ours."""
        steps = {"interval_start": RECONNECT_EVERY_S, "interval_step": 0, "interval_max": RECONNECT_EVERY_S}
        return super().ensure_connection(*args, **(keywords | steps))


class SteadyAmqp(AMQP):
    """Celery's place for the connection class."""

    Connection = SteadyConnection
