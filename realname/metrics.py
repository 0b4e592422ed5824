"""Every metric of every process, in one table. Dashboards and alerts name only what stands here (tested).

Labels come from closed sets, never an id, a store or an error text. Buckets include the objectives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

Process = Literal["intake", "dispatcher", "worker", "projector", "janitor"]
Kind = Literal["counter", "gauge", "histogram"]
_M = TypeVar("_M", Counter, Histogram)

_LATENCY_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 15, 30, 60, 300, 900, 2700)
_STAGE_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2, 5, 10, 20, 60, 300, 2700)
_CUES_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 7.5)
_UNIT = (0.02, 0.05, 0.1, 0.15, 0.22, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)
_COSINE = (-0.1, 0.0, 0.1, 0.2, 0.3, 0.34, 0.38, 0.41, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_BATCH = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64)
_LUMINANCE = (10, 20, 30, 50, 75, 100, 125, 150, 175, 200, 240, 255)
_SHARPNESS = (2, 4, 7, 10, 15, 20, 30, 50, 75, 100, 200, 500)
_PIXELS = (10, 20, 30, 40, 60, 80, 120, 160, 240, 480)


class Metric(NamedTuple):
    """One row. name: without the _total that a counter gets on the wire."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]
    processes: tuple[Process, ...]
    buckets: tuple[float, ...] = ()


TABLE: tuple[Metric, ...] = (
    # intake
    Metric(
        "realname_requests",
        "counter",
        "Requests answered, by route and outcome (ok or the problem's name)",
        ("route", "outcome"),
        ("intake",),
    ),
    Metric("realname_request_seconds", "histogram", "Time to answer a request", ("route",), ("intake",), _LATENCY_S),
    Metric(
        "realname_registrations_accepted",
        "counter",
        "Registrations answered 202 for the first time",
        ("operator", "path"),
        ("intake",),
    ),
    Metric(
        "realname_registrations_refused",
        "counter",
        "Registration requests refused, by problem",
        ("operator", "problem"),
        ("intake",),
    ),
    Metric("realname_upload_bytes", "counter", "Bytes of media taken in, before sealing", ("kind",), ("intake",)),
    Metric("realname_uploads_in_progress", "gauge", "Bodies being read", (), ("intake",)),
    Metric("realname_publish_seconds", "histogram", "Kafka acknowledgement of a submission", (), ("intake",), _LATENCY_S),
    Metric("realname_publishes_doubtful", "counter", "Publishes not acknowledged in time", (), ("intake",)),
    Metric("realname_challenges_issued", "counter", "Challenges issued; cues: yes or no", ("operator", "cues"), ("intake",)),
    Metric(
        "realname_digests",
        "counter",
        "Digests announced, by outcome (ok or the problem's name)",
        ("operator", "outcome"),
        ("intake",),
    ),
    Metric("realname_digest_wait_seconds", "histogram", "Last cue to its clip's digest", (), ("intake",), _CUES_S),
    Metric("realname_cue_late_seconds", "histogram", "A cue's time to when an open stream sent it", (), ("intake",), _CUES_S),
    # dispatcher
    Metric(
        "realname_consumer_lag_records",
        "gauge",
        "Records behind the end of the partition",
        ("topic", "partition"),
        ("dispatcher", "projector", "janitor"),
    ),
    Metric("realname_records_taken", "counter", "Records taken from registrations.submitted", ("operator",), ("dispatcher",)),
    Metric(
        "realname_records_dropped", "counter", "Records completed without a decision of their own", ("cause",), ("dispatcher",)
    ),
    Metric("realname_undecided_records", "gauge", "Records taken and undecided", ("operator",), ("dispatcher",)),
    Metric(
        "realname_in_flight_jobs",
        "gauge",
        "Jobs sent to a stage and without a result; stage as far as known",
        ("stage", "operator"),
        ("dispatcher",),
    ),
    Metric("realname_queue_length_jobs", "gauge", "Waiting in the Celery queue", ("queue",), ("dispatcher",)),
    Metric("realname_unacked_jobs", "gauge", "Held by workers, not acknowledged", (), ("dispatcher",)),
    Metric("realname_decisions", "counter", "Decisions committed", ("operator", "verdict", "reason"), ("dispatcher",)),
    Metric(
        "realname_decision_seconds", "histogram", "Submission to committed decision", ("operator",), ("dispatcher",), _LATENCY_S
    ),
    Metric(
        "realname_shadow_decisions",
        "counter",
        "Decisions beside which a candidate was tried, by both verdicts",
        ("operator", "verdict", "shadow_verdict"),
        ("dispatcher",),
    ),
    Metric(
        "realname_policy_events",
        "counter",
        "Events of policies.activated read, by outcome (activated, or why it does not hold)",
        ("operator", "outcome"),
        ("dispatcher",),
    ),
    Metric("realname_commits", "counter", "Transactions, by outcome", ("outcome",), ("dispatcher",)),
    Metric("realname_commit_seconds", "histogram", "One transaction, begin to commit", (), ("dispatcher",), _LATENCY_S),
    Metric(
        "realname_commit_decisions",
        "histogram",
        "Decisions in one transaction",
        (),
        ("dispatcher",),
        (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000),
    ),
    Metric("realname_window_records", "gauge", "Widest window: from a watermark to the next offset to take", (), ("dispatcher",)),
    Metric("realname_offset_map_chars", "gauge", "Length of the longest encoded offset map", (), ("dispatcher",)),
    Metric("realname_redispatches", "counter", "Jobs sent again, by cause", ("cause",), ("dispatcher",)),
    Metric("realname_dead_letters", "counter", "Records parked", ("error",), ("dispatcher",)),
    Metric("realname_partitions_owned", "gauge", "Partitions of registrations.submitted assigned here", (), ("dispatcher",)),
    Metric(
        "realname_partitions_stopped",
        "gauge",
        "Partitions that stand before a record of a newer version: upgrade that process",
        (),
        ("dispatcher", "projector", "janitor"),
    ),
    Metric(
        "realname_dispatcher_halted",
        "gauge",
        "1 where the limit of dead letters stopped all taking: a misconfiguration",
        (),
        ("dispatcher",),
    ),
    Metric("realname_redis_losses", "counter", "Times that Redis came back empty", (), ("dispatcher",)),
    # workers
    Metric("realname_stage_wait_seconds", "histogram", "Dispatch to start", ("stage",), ("worker",), _STAGE_S),
    Metric("realname_stage_run_seconds", "histogram", "Start to end", ("stage",), ("worker",), _STAGE_S),
    Metric(
        "realname_stage_step_cpu_seconds", "histogram", "CPU of one step of a stage", ("stage", "step"), ("worker",), _STAGE_S
    ),
    Metric("realname_stage_outcomes", "counter", "Stage runs, by outcome", ("stage", "outcome"), ("worker",)),
    Metric("realname_stages_running", "gauge", "Stages running now", ("stage", "operator"), ("worker",)),
    Metric("realname_batch_items", "histogram", "Items in one model call", ("model",), ("worker",), _BATCH),
    Metric("realname_batch_wait_seconds", "histogram", "Item's wait for its batch", ("model",), ("worker",), _STAGE_S),
    Metric("realname_device_busy_seconds", "counter", "Time that models had the GPU, of which one has it", (), ("worker",)),
    Metric("realname_device_fallback", "gauge", "1 where the CPU stands in for a device that cannot be used", (), ("worker",)),
    Metric("realname_model_run_seconds", "histogram", "One model call", ("model",), ("worker",), _STAGE_S),
    Metric("realname_pad_live_score", "histogram", "Median live probability of a clip", ("model",), ("worker",), _UNIT),
    Metric("realname_similarity_score", "histogram", "Portrait to clip, cosine", ("model",), ("worker",), _COSINE),
    Metric(
        "realname_quality_luminance_mean", "histogram", "Mean luminance of the face, 0..255", ("source",), ("worker",), _LUMINANCE
    ),
    Metric(
        "realname_quality_sharpness",
        "histogram",
        "Fine detail of the face, thousandths of its contrast",
        ("source",),
        ("worker",),
        _SHARPNESS,
    ),
    Metric("realname_quality_eye_distance_pixels", "histogram", "Inter-eye distance", ("source",), ("worker",), _PIXELS),
    Metric("realname_decoder_deaths", "counter", "Decoder children that died, by cause", ("cause",), ("worker",)),
    Metric("realname_decode_wait_seconds", "histogram", "Wait for a free decoder", ("kind",), ("worker",), _STAGE_S),
    Metric("realname_decoded_clips", "gauge", "Clips decoded and not yet let go", (), ("worker",)),
    Metric("realname_decode_seconds", "histogram", "Decoding one clip or portrait", ("kind",), ("worker",), _STAGE_S),
    Metric("realname_duplicate_checks", "counter", "Clips looked for in the index, by outcome", ("outcome",), ("worker",)),
    Metric("realname_lost_starts", "counter", "Starts whose process died", ("stage",), ("worker",)),
    # projector
    Metric("realname_statuses_written", "counter", "Statuses moved forwards", ("step",), ("projector",)),
    # janitor
    Metric("realname_vault_deletions", "counter", "Objects deleted, by cause", ("cause",), ("janitor",)),
    Metric("realname_vault_objects", "gauge", "Objects in the vault at the last sweep", ("operator",), ("janitor",)),
    Metric("realname_vault_bytes", "gauge", "Sealed bytes in the vault at the last sweep", ("operator",), ("janitor",)),
    Metric("realname_vault_oldest_seconds", "gauge", "Age of the oldest object at the last sweep", ("operator",), ("janitor",)),
    Metric("realname_clock_doubted", "gauge", "1 while Redis TIME is not believed, having jumped ahead", (), ("janitor",)),
    Metric("realname_deletions_pending", "gauge", "Decided registrations whose retention runs", (), ("janitor",)),
)


class Metrics:
    """The metrics of one process in a registry of its own. Look one up by its name in TABLE; another name is a KeyError."""

    def __init__(self, process: Process, *, registry: CollectorRegistry | None = None) -> None:
        """registry: a fresh one unless given; Python's and the process's own collectors are added to a fresh one."""
        self.registry = CollectorRegistry() if registry is None else registry
        if registry is None:
            ProcessCollector(registry=self.registry)
            PlatformCollector(registry=self.registry)
            GCCollector(registry=self.registry)
        self._children: dict[tuple[str, tuple[str, ...]], Any] = {}
        rows = [metric for metric in TABLE if process in metric.processes]
        self._histograms = {row.name: self._histogram(row) for row in rows if row.kind == "histogram"}
        self._counters = {
            row.name: Counter(row.name, row.help, row.labels, registry=self.registry) for row in rows if row.kind == "counter"
        }
        self._gauges = {
            row.name: Gauge(row.name, row.help, row.labels, registry=self.registry) for row in rows if row.kind == "gauge"
        }

    def count(self, name: str, *labels: str, by: float = 1) -> None:
        """Add to a counter."""
        self._child(self._counters, name, labels).inc(by)

    def observe(self, name: str, value: float, *labels: str) -> None:
        """Observe a value in a histogram."""
        self._child(self._histograms, name, labels).observe(value)

    def gauge(self, name: str, value: float, *labels: str) -> None:
        """Set a gauge."""
        gauge = self._gauges[name]
        (gauge.labels(*labels) if labels else gauge).set(value)

    def shift(self, name: str, by: float, *labels: str) -> None:
        """Move a gauge up or down."""
        gauge = self._gauges[name]
        (gauge.labels(*labels) if labels else gauge).inc(by)

    def follow(self, name: str, reading: Callable[[], float]) -> None:
        """Have a gauge read when it is asked for. reading: of any thread, and quick."""
        self._gauges[name].set_function(reading)

    def forget(self, name: str) -> None:
        """Drop all label sets of a gauge, before it is filled anew."""
        self._gauges[name].clear()

    def _child(self, table: dict[str, _M], name: str, labels: tuple[str, ...]) -> _M:
        """That metric with these labels. Kept: the library checks and locks at each look. Gauges are not, they are forgotten."""
        if not labels:
            return table[name]
        found: _M | None = self._children.get((name, labels))
        if found is None:
            found = self._children[name, labels] = table[name].labels(*labels)
        return found

    def _histogram(self, row: Metric) -> Histogram:
        return Histogram(row.name, row.help, row.labels, buckets=row.buckets, registry=self.registry)
