"""A topic as a read_committed reader sees it now."""

from __future__ import annotations

from typing import Any

from kafka import KafkaConsumer, TopicPartition

from realname.envelope import open_record


def read_whole(bootstrap: str, topic: str) -> list[Any]:
    """Every message of every partition, up to the ends as they stand."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False)
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        found: list[Any] = []
        while any(consumer.position(each) < ends[each] for each in partitions):
            for records in consumer.poll(timeout_ms=500).values():
                found += [open_record(record.value, record.headers) for record in records]
        return found
    finally:
        consumer.close()
