"""Pure: the topics, their partitions and settings. Partition counts are never changed in place."""

from __future__ import annotations

from typing import NamedTuple

SUBMITTED = "registrations.submitted"
DECIDED = "registrations.decided"
REVIEWED = "registrations.reviewed"
ERASED = "registrations.erased"
DEAD = "registrations.dead"
POLICIES = "policies.activated"
DISPATCHER_GROUP = "dispatcher"

PARTITIONS = 12  # on one machine; a submission and its decision have the same partition number
MESSAGE_BYTES_MAX = 256 * 1024  # of a record batch, headers and all: what a producer sends at once must stay below it
_DAY_MS = 86_400_000


class Topic(NamedTuple):
    """One topic. retention_ms: how long records stay (-1: for ever); timestamp: LogAppendTime where ages are measured."""

    name: str
    partitions: int
    retention_ms: int
    log_append_time: bool = False

    @property
    def config(self) -> dict[str, str]:
        """Kafka's own topic settings."""
        stamp = "LogAppendTime" if self.log_append_time else "CreateTime"
        return {
            "cleanup.policy": "delete",
            "retention.ms": str(self.retention_ms),
            "message.timestamp.type": stamp,
            "max.message.bytes": str(MESSAGE_BYTES_MAX),
        }


def decisions_of(operator: str) -> str:
    """The only topic that this operator's principal may read."""
    return f"decisions.{operator}"


def all_topics(operators: tuple[str, ...], *, partitions: int = PARTITIONS) -> tuple[Topic, ...]:
    """Everything that has to exist before the first registration."""
    return (
        Topic(SUBMITTED, partitions, 7 * _DAY_MS, log_append_time=True),
        Topic(DECIDED, partitions, 400 * _DAY_MS, log_append_time=True),
        Topic(REVIEWED, 1, 400 * _DAY_MS),
        Topic(ERASED, 1, 400 * _DAY_MS),
        Topic(DEAD, 1, 30 * _DAY_MS),
        Topic(POLICIES, 1, -1),  # for ever: who judged by what is asked years later, and a start reads it whole
        *(Topic(decisions_of(operator), partitions, 30 * _DAY_MS) for operator in operators),
    )
