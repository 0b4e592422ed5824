"""What a worker measures of itself: the tasks' words on one side, the metrics' names on the other."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Literal

from realname.clock import monotonic
from realname.messages import LivenessReport, MatchReport
from realname.metrics import Metrics
from realname.stages import Stage

Outcome = Literal[
    "next",  # liveness handed on to matching
    "result",  # the entry was added, with what was measured
    "bad_recording",  # the entry was added; the recording cannot be judged
    "evidence_missing",
    "deadline",
    "processing_failed",
    "repeated",  # what had been achieved was sent or added again
    "moved_alone",
    "chips_again",  # liveness was sent again, for chips that open
    "transient",
    "bug",
    "unreadable",
]

_MS = 1e-3
_QUALITY = {
    "luminance_mean": "realname_quality_luminance_mean",
    "sharpness": "realname_quality_sharpness",
    "inter_eye_distance_px": "realname_quality_eye_distance_pixels",
}


class Observing:
    """One for the process. Safe for many threads."""

    def __init__(self, metrics: Metrics) -> None:
        """metrics: of the process "worker"."""
        self._metrics = metrics

    @contextmanager
    def running(self, stage: Stage, operator: str) -> Generator[None]:
        """Around one stage of one registration."""
        self._metrics.shift("realname_stages_running", 1, stage.value, operator)
        started_s = monotonic()
        try:
            yield
        finally:
            self._metrics.shift("realname_stages_running", -1, stage.value, operator)
            self._metrics.observe("realname_stage_run_seconds", monotonic() - started_s, stage.value)

    def started(self, stage: Stage, *, waited_s: float, newly_lost: int) -> None:
        """A start was noted. newly_lost: earlier starts of this job that are now known as lost."""
        self._metrics.observe("realname_stage_wait_seconds", waited_s, stage.value)
        if newly_lost:
            self._metrics.count("realname_lost_starts", stage.value, by=newly_lost)

    def ended(self, stage: Stage, outcome: Outcome) -> None:
        """How it ended."""
        self._metrics.count("realname_stage_outcomes", stage.value, outcome)

    def decoded(self, kind: Literal["clip", "portrait"], *, waited_s: float, cpu_s: float, wall_s: float) -> None:
        """One recording, decoded or refused. As workers.decoder.pool.Cost."""
        stage = Stage.LIVENESS if kind == "clip" else Stage.MATCHING
        self._metrics.observe("realname_decode_wait_seconds", waited_s, kind)
        self._metrics.observe("realname_decode_seconds", wall_s, kind)
        self._metrics.observe("realname_stage_step_cpu_seconds", cpu_s, stage.value, "decode")

    def liveness(self, report: LivenessReport) -> None:
        """The scores and steps of one clip."""
        if report.seen_before is not None:
            self._metrics.count("realname_duplicate_checks", report.seen_before)
        if report.pad_live is not None:
            self._metrics.observe("realname_pad_live_score", report.pad_live, report.models.get("spoof", "unknown"))
        self._measured(Stage.LIVENESS, "clip", report)

    def match(self, report: MatchReport) -> None:
        """The scores and steps of one match."""
        if report.similarity is not None:
            self._metrics.observe("realname_similarity_score", report.similarity, report.models.get("embedder", "unknown"))
        self._measured(Stage.MATCHING, "portrait", report)

    def batch(self, model: str, size: int, *, waited_s: float, ran_s: float) -> None:
        """models.batcher's observer: one model call. model: the role."""
        self._metrics.observe("realname_batch_items", size, model)
        self._metrics.observe("realname_batch_wait_seconds", waited_s, model)
        self._metrics.observe("realname_model_run_seconds", ran_s, model)

    def device_busy(self, busy_s: float) -> None:
        """models.device's observer: a model's turn ended."""
        self._metrics.count("realname_device_busy_seconds", by=busy_s)

    def placed(self, *, fell_back: bool) -> None:
        """The models are open; fell_back: not on the device that was asked for."""
        self._metrics.gauge("realname_device_fallback", float(fell_back))

    def held(self, count: Callable[[], float]) -> None:
        """How many decoded clips there are is asked of the decoder when somebody looks."""
        self._metrics.follow("realname_decoded_clips", count)

    def decoder_died(self, cause: str) -> None:
        """The decoder's observer: a child died or was ended. cause: one of the decoder's closed words."""
        self._metrics.count("realname_decoder_deaths", cause)

    def _measured(self, stage: Stage, source: str, report: LivenessReport | MatchReport) -> None:
        for step, cpu_ms in report.cpu_ms.items():
            self._metrics.observe("realname_stage_step_cpu_seconds", cpu_ms * _MS, stage.value, step)
        for name, metric in _QUALITY.items():
            if name in report.quality:
                self._metrics.observe(metric, report.quality[name], source)
