"""Topic set-up and what status shows of Kafka: this package's only door to kafka-python."""
# pyright: reportAttributeAccessIssue=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false
# kafka-python has no types, and pyright's own stubs are of a version long gone.

from __future__ import annotations

import contextlib
import logging
import socket
import time
from collections.abc import Generator, Sequence
from typing import Any

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError, NoError, RetriableError
from kafka.structs import OffsetAndMetadata

from deploy.local.errors import StackError
from realname.topics import Topic

COORDINATOR_S_MAX = 60.0  # a new broker makes its inner offsets topic at the first question for it: about 0.5 s; 20 s were too
# short for one on a machine whose cores were wanted several times over, and 10 s for a new topic's leaders
LEADERS_S_MAX = 60.0


def answers_metadata(bootstrap: str) -> bool:
    """Whether a broker answers there and is a live member of its cluster (a fenced one does not list itself)."""
    host, port = bootstrap.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=0.2).close()
        with admin_of(bootstrap, timeout_ms=2000) as admin:
            return bool(admin.describe_cluster()["brokers"])
    except (OSError, KafkaError):
        return False


@contextlib.contextmanager
def admin_of(bootstrap: str, *, timeout_ms: int = 10_000) -> Generator[Any]:
    """An admin client, closed at the end. KafkaError if no broker answers in time."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # its warnings while a broker is down say nothing that we do not
    make: Any = KafkaAdminClient
    admin = make(
        bootstrap_servers=bootstrap,
        bootstrap_timeout_ms=timeout_ms,
        request_timeout_ms=timeout_ms,
        reconnect_backoff_max_ms=500,
    )
    try:
        yield admin
    finally:
        admin.close()


def create_topics(bootstrap: str, topics: Sequence[Topic]) -> tuple[str, ...]:
    """Create those that are missing and wait until each partition has its leader; the names of the new ones.

    StackError where one exists with another number of partitions: counts are never changed in place (a submission and
    its decision share a partition number, and the known ids of a partition are in it alone).
    """
    with admin_of(bootstrap) as admin:
        present = {found["name"]: len(found["partitions"]) for found in admin.describe_topics()}
        for topic in topics:
            count = present.get(topic.name, topic.partitions)
            if count != topic.partitions:
                raise StackError(
                    f"topic {topic.name} has {count} partitions, declared are {topic.partitions}: never change it in place"
                )
        missing = [topic for topic in topics if topic.name not in present]
        if missing:
            wanted = {topic.name: {"num_partitions": topic.partitions, "configs": topic.config} for topic in missing}
            admin.create_topics(wanted)
            admin.wait_for_topics(list(wanted), timeout_ms=int(LEADERS_S_MAX * 1000))
        return tuple(topic.name for topic in missing)


def commit_first_offsets(bootstrap: str, group: str, topic: Topic) -> None:
    """Commit offset 0 for each partition of an empty topic that has no committed offset yet.

    The dispatcher runs with auto.offset.reset=error. A partition that holds records and has no committed offset is left
    as it is: the dispatcher then stops and points to its runbook, instead of deciding everything again or nothing.
    """
    with admin_of(bootstrap) as admin:
        partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        committed = _committed(admin, group, partitions)
        ends = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
        first = {
            partition: OffsetAndMetadata(0, "", -1)
            for partition in partitions
            if committed[partition].offset < 0 and ends[partition].offset == 0
        }
        refused = {p.partition: e.__name__ for p, e in admin.alter_group_offsets(group, first).items() if e is not NoError}
        if refused:
            raise StackError(f"the first offsets of group {group} could not be committed: {refused}")


def lag_of(bootstrap: str, group: str, topic: str) -> dict[int, int | None]:
    """Records behind the log's end, by partition; None where the group has no committed offset."""
    with admin_of(bootstrap, timeout_ms=3000) as admin:
        found = admin.describe_topics([topic])[0]
        partitions = [TopicPartition(topic, entry["partition_index"]) for entry in found["partitions"]]
        committed = _committed(admin, group, partitions)
        ends = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
        return {p.partition: _behind(committed[p].offset, ends[p].offset) for p in sorted(partitions)}


def lags(bootstrap: str) -> dict[tuple[str, str], dict[int, int | None]] | None:
    """Of each group that ever committed, by (group, topic) and partition; None where no broker answers."""
    try:
        with admin_of(bootstrap, timeout_ms=3000) as admin:
            groups = [found["group_id"] for found in admin.list_groups()]
            committed = {group: admin.list_group_offsets({group: None})[group] for group in groups}
            asked = {p for offsets in committed.values() for p in offsets}
            ends = admin.list_partition_offsets(dict.fromkeys(asked, OffsetSpec.LATEST)) if asked else {}
    except (OSError, KafkaError):
        return None
    found: dict[tuple[str, str], dict[int, int | None]] = {}
    for group, offsets in committed.items():
        for p in sorted(offsets):
            found.setdefault((group, p.topic), {})[p.partition] = _behind(offsets[p].offset, ends[p].offset)
    return found


def _behind(committed: int, end: int) -> int | None:
    return max(0, end - committed) if committed >= 0 else None


def _committed(admin: Any, group: str, partitions: list[Any]) -> dict[Any, Any]:
    """The group's offsets (-1 where none), asked again while its coordinator is being made or loads."""
    deadline = time.monotonic() + COORDINATOR_S_MAX
    while True:
        try:
            return admin.list_group_offsets({group: partitions})[group]
        except RetriableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
