"""A candidate policy or model, tried beside the live one on the same recording. Whatever it does, the live part goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from msgspec.structs import replace

from realname.finite import is_finite
from realname.messages import LivenessReport, Seen
from realname.stages import LivenessJob, MatchingJob, ShadowMeasured
from workers.runtime import Runtime
from workers.sealed_chips import open_shadow_chips, seal_shadow_chips

if TYPE_CHECKING:  # at run time a stub worker does without OpenCV
    from workers.clip import Clip

_LOG = logging.getLogger(__name__)
_R = TypeVar("_R")


class Tried(NamedTuple):
    """What a candidate made of a clip. chips: encoded; none where it found the clip unfit, or failed."""

    liveness: LivenessReport | None = None
    chips: tuple[bytes, ...] = ()


def try_liveness(runtime: Runtime, job: LivenessJob, clip: Clip, seen: Seen, *, decoded_hz: float) -> Tried:
    """Judge the clip by the candidate, where the job names one. Never raises: without a report it could not.

    seen: what the index of clips said; it is asked once, for both. decoded_hz: the rate that the clip was thinned to.
    """
    plan = job.shadow
    if plan is None:
        return Tried()

    def judge() -> Tried:
        judges = runtime.judges_with(plan)
        if judges.process_hz > decoded_hz:
            return Tried()  # it wants more frames than were decoded: what it measured would not be what would go live
        judged = judges.liveness(clip, job.submitted.challenge)
        report = replace(judged.report, seen_before=seen)
        return Tried(report, tuple(judged.chips)) if is_finite(report) else Tried()

    return _guarded(judge) or Tried()


def ended_early(job: LivenessJob, tried: Tried) -> ShadowMeasured | None:
    """What stands beside a live clip that is not matched: a candidate that wanted to match could not."""
    if job.shadow is None:
        return None
    if tried.liveness is None:
        return ShadowMeasured(job.shadow, failure="failed")
    return ShadowMeasured(job.shadow, tried.liveness, failure="not_matched" if tried.chips else None)


def passed_over(job: MatchingJob) -> ShadowMeasured | None:
    """What stands beside a live match where the candidate was not tried in this run."""
    return None if job.shadow is None else ShadowMeasured(job.shadow, failure="passed_over")


def with_shadow_chips(runtime: Runtime, job: MatchingJob, chips: Sequence[bytes] | None) -> MatchingJob:
    """The job that is handed on, with the candidate's chips sealed; without its report where that fails. Never raises."""
    if not chips:
        return job
    sealed = _guarded(lambda: seal_shadow_chips(chips, job, runtime.keys))
    return replace(job, shadow_liveness=None) if sealed is None else replace(job, shadow_chips=sealed)


def open_tried(runtime: Runtime, job: MatchingJob) -> Sequence[bytes] | None:
    """The candidate's chips; None where they do not open. Never raises."""
    return _guarded(lambda: open_shadow_chips(job, runtime.keys)) if job.shadow_chips else ()


def try_match(runtime: Runtime, job: MatchingJob, portrait: Any, chips: Sequence[bytes] | None) -> ShadowMeasured | None:
    """Match by the candidate, where it found the clip fit. portrait: as decoded; chips: the candidate's. Never raises."""
    plan, liveness = job.shadow, job.shadow_liveness
    if plan is None:
        return None
    if liveness is None or chips is None:
        return ShadowMeasured(plan, failure="failed")
    if not chips:
        return ShadowMeasured(plan, liveness)
    match = _guarded(lambda: runtime.judges_with(plan).match(portrait, chips))
    if match is None or not is_finite(match):
        return ShadowMeasured(plan, failure="failed")
    return ShadowMeasured(plan, liveness, match)


def _guarded(work: Callable[[], _R]) -> _R | None:
    try:
        return work()
    except Exception:  # noqa: BLE001 - a candidate may be as broken as it likes
        _LOG.exception("candidate_failed")
        return None
