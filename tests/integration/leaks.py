"""Searches what a stack left behind for bytes that must never be there. Finds plain, hex and base64."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import redis
from kafka import KafkaConsumer, TopicPartition

RUN_BYTES = 24  # long enough to be no accident, short enough to survive being cut


class Needle(NamedTuple):
    """One thing to look for, in one spelling."""

    what: str
    spelling: str
    content: bytes


class Haystack(NamedTuple):
    """One place: a file, a record, a key."""

    where: str
    content: bytes


def spellings(what: str, content: bytes) -> Iterator[Needle]:
    """Plain, hex in both cases, base64 at each of the three alignments (standard and URL alphabet)."""
    yield Needle(what, "plain", content)
    yield Needle(what, "hex", content.hex().encode())
    yield Needle(what, "HEX", content.hex().upper().encode())
    for shift in range(3):
        inner = content[shift : shift + (len(content) - shift) // 3 * 3]
        yield Needle(what, f"base64+{shift}", base64.b64encode(inner))
        yield Needle(what, f"base64url+{shift}", base64.urlsafe_b64encode(inner))


def runs_of(what: str, content: bytes, count: int = 100) -> Iterator[Needle]:
    """Runs of RUN_BYTES spread over the content; runs of few distinct bytes are skipped, they are everywhere."""
    step = max(1, (len(content) - RUN_BYTES) // count)
    for start in range(0, len(content) - RUN_BYTES + 1, step):
        run = content[start : start + RUN_BYTES]
        if len(set(run)) > RUN_BYTES // 2:
            yield from spellings(f"{what}@{start}", run)


def found(needles: Iterable[Needle], haystacks: Iterable[Haystack]) -> list[str]:
    """Every needle in every haystack, as `what (spelling) in where`."""
    wanted = list(needles)
    return [
        f"{needle.what} ({needle.spelling}) in {place.where}"
        for place in haystacks
        for needle in wanted
        if needle.content and needle.content in place.content
    ]


def logs_of(folder: Path) -> Iterator[Haystack]:
    """Every file below a log folder."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield Haystack(f"log {path.name}", path.read_bytes())


def records_of(bootstrap: str) -> Iterator[Haystack]:
    """Key, value and headers of every record of every topic, aborted ones too."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_uncommitted", enable_auto_commit=False)
    try:
        for topic in sorted(consumer.topics()):
            partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
            yield from _records(consumer, partitions)
    finally:
        consumer.close()


def _records(consumer: KafkaConsumer, partitions: list[TopicPartition]) -> Iterator[Haystack]:
    ends = consumer.end_offsets(partitions)
    for partition in partitions:
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        while consumer.position(partition) < ends[partition]:
            for records in consumer.poll(timeout_ms=2000).values():
                for record in records:
                    parts = [record.key or b"", record.value or b"", *(value for _, value in record.headers)]
                    yield Haystack(f"topic {record.topic}/{record.partition}@{record.offset}", b"\0".join(parts))


def keys_of(url: str) -> Iterator[Haystack]:
    """Every key of Redis with its serialised value (DUMP may compress: values are read by their type)."""
    client = redis.Redis.from_url(url)
    try:
        for key in client.scan_iter(count=1000):
            yield Haystack(f"redis {key!r}", key + b"\0" + _value(client, key))
    finally:
        client.close()


def _value(client: redis.Redis, key: bytes) -> bytes:
    kind = client.type(key)
    readers = {
        b"string": lambda: [client.get(key) or b""],
        b"hash": lambda: [part for pair in client.hgetall(key).items() for part in pair],
        b"list": lambda: client.lrange(key, 0, -1),
        b"set": lambda: list(client.smembers(key)),
        b"zset": lambda: client.zrange(key, 0, -1),
        b"stream": lambda: [part for _, fields in client.xrange(key) for pair in fields.items() for part in pair],
    }
    return b"\0".join(readers[kind]()) if kind in readers else b""
