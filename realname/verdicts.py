"""Pure: decide() turns what the stages measured into one verdict. The only place where a verdict is made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from realname.messages import LivenessReport, MatchReport, RegistrationDecided, RegistrationSubmitted, Score, Verdict
from realname.policy import Policy
from realname.reasons import Reason
from realname.stages import Failure

_FAILURES: dict[Failure, Reason] = {
    "processing_failed": Reason.PROCESSING_FAILED,
    "evidence_missing": Reason.EVIDENCE_MISSING,
    "deadline": Reason.DECIDED_TOO_LATE,
}


class Evidence(NamedTuple):
    """All that decide() may look at. failure: the stages could not measure."""

    liveness: LivenessReport | None = None
    match: MatchReport | None = None
    failure: Failure | None = None


class _Finding(NamedTuple):
    verdict: Verdict
    reason: Reason


def decide(submitted: RegistrationSubmitted, evidence: Evidence, policy: Policy, *, decided_at: datetime) -> RegistrationDecided:
    """The one decision. Lists every reason that holds, the decisive one first.

    The order of policy v1: bad capture -> retry; a refusing reason -> refused; unmet challenge -> retry;
    PAD or similarity in its band -> review; else approved. Missing evidence never becomes a verdict: it ends
    in review with its reason (invariant I5).
    """
    findings = list(_findings(submitted, evidence, policy))
    if not findings:
        findings = [_Finding("approved", Reason.ALL_CHECKS_PASSED)]
    liveness, match = evidence.liveness, evidence.match
    return RegistrationDecided(
        id=submitted.id,
        operator=submitted.operator,
        store=submitted.store,
        verdict=findings[0].verdict,
        reasons=tuple(dict.fromkeys(finding.reason for finding in findings)),
        policy=policy.version,
        submitted_at=submitted.submitted_at,
        decided_at=decided_at,
        scores=tuple(_scores(liveness, match, policy)),
        notes=tuple(_notes(submitted, liveness, policy)),
        models={**(liveness.models if liveness else {}), **(match.models if match else {})},
        evidence=_digests(submitted),
        liveness=liveness,
        match=match,
    )


def unreadable(submitted_id: str, *, operator: str, store: str, policy: Policy, at: datetime) -> RegistrationDecided:
    """The decision for a record that does not decode but whose key is a registration id."""
    return RegistrationDecided(
        id=submitted_id,
        operator=operator,
        store=store,
        verdict="review",
        reasons=(Reason.RECORD_UNREADABLE,),
        policy=policy.version,
        submitted_at=at,
        decided_at=at,
    )


def _findings(submitted: RegistrationSubmitted, evidence: Evidence, policy: Policy) -> Iterator[_Finding]:
    if submitted.path == "referee":
        yield from _line_limit(submitted, policy)
        yield _Finding("review", Reason.REFEREE_PATH)
        return
    if evidence.failure is not None:
        yield _Finding("review", _FAILURES[evidence.failure])
        return
    if evidence.liveness is None:
        yield _Finding("review", Reason.EVIDENCE_MISSING)
        return
    liveness, match = evidence.liveness, evidence.match
    yield from (_Finding("retry", reason) for reason in (*liveness.capture, *(match.portrait if match else ())))
    if liveness.capture and match is None:
        return  # nothing more was measured on a clip that cannot be judged
    yield from _refusing(submitted, liveness, match, policy)
    yield from (_Finding("retry", reason) for reason in liveness.challenge_unmet)
    if _turned_too_little(liveness, policy):
        yield _Finding("retry", Reason.TURN_FURTHER)
    yield from _doubtful(submitted, liveness, match, policy)


def _refusing(
    submitted: RegistrationSubmitted, liveness: LivenessReport, match: MatchReport | None, policy: Policy
) -> Iterator[_Finding]:
    if liveness.pad_live is not None and liveness.pad_live < policy.pad.review_min:
        yield _Finding("refused", Reason.PRESENTATION_ATTACK)
    if _is_flat(liveness, policy):
        yield _Finding("refused", Reason.FLAT_FACE)
    if liveness.face_changed or _chips_differ(match, policy):
        yield _Finding("refused", Reason.FACE_CHANGED)
    if match is not None:
        if match.copy_correlation is not None and match.copy_correlation > policy.match.copy_correlation_max:
            yield _Finding("refused", Reason.PORTRAIT_IS_COPY)
        if match.similarity is not None and match.similarity < policy.match.review_min:
            yield _Finding("refused", Reason.NOT_THE_SAME_PERSON)
    yield from _line_limit(submitted, policy)


def _doubtful(
    submitted: RegistrationSubmitted, liveness: LivenessReport, match: MatchReport | None, policy: Policy
) -> Iterator[_Finding]:
    pad, similarity = policy.pad, policy.match
    if liveness.pad_live is None or pad.review_min <= liveness.pad_live < pad.live_min:
        yield _Finding("review", Reason.LIVENESS_DOUBTFUL)
    if match is None or (match.similarity is None and not match.portrait):
        yield _Finding("review", Reason.EVIDENCE_MISSING)
    elif match.similarity is not None and similarity.review_min <= match.similarity < similarity.accept_min:
        yield _Finding("review", Reason.SIMILARITY_DOUBTFUL)
    if policy.rules.cues_required and not submitted.challenge.cues_at_s:
        yield _Finding("review", Reason.NO_CUES)
    if policy.rules.portrait_sources.get(submitted.portrait_source or "", "review") != "approved":
        yield _Finding("review", Reason.PORTRAIT_SOURCE)


def _line_limit(submitted: RegistrationSubmitted, policy: Policy) -> Iterator[_Finding]:
    if submitted.lines_held >= policy.rules.lines_held_max:
        yield _Finding("refused", Reason.LINE_LIMIT)


def _chips_differ(match: MatchReport | None, policy: Policy) -> bool:
    """The liveness stage compared the best chip with the moments of the actions; here the chips are held together."""
    same = None if match is None else match.frames_similarity_min
    return same is not None and same < policy.track.similarity_min


def _is_flat(liveness: LivenessReport, policy: Policy) -> bool:
    """Only where the yaw range is wide enough for the measure to have been validated."""
    return (
        liveness.parallax is not None
        and liveness.yaw_range_deg is not None
        and liveness.yaw_range_deg >= policy.turn.parallax_yaw_range_deg_min
        and liveness.parallax <= policy.turn.parallax_min
    )


def _turned_too_little(liveness: LivenessReport, policy: Policy) -> bool:
    """A low parallax below the validated yaw range says nothing: ask for a wider turn, never refuse."""
    return (
        liveness.parallax is not None
        and liveness.yaw_range_deg is not None
        and liveness.yaw_range_deg < policy.turn.parallax_yaw_range_deg_min
        and liveness.parallax <= policy.turn.parallax_min
        and not liveness.challenge_unmet
    )


def _scores(liveness: LivenessReport | None, match: MatchReport | None, policy: Policy) -> Iterator[Score]:
    if liveness is not None and liveness.pad_live is not None:
        yield Score("pad_live", liveness.pad_live, policy.pad.live_min)
    if liveness is not None and liveness.parallax is not None:
        yield Score("parallax", liveness.parallax, policy.turn.parallax_min)
    if match is not None and match.similarity is not None:
        yield Score("similarity", match.similarity, policy.match.accept_min, policy.match.accept_fmr)
    if match is not None and match.copy_correlation is not None:
        yield Score("copy_correlation", match.copy_correlation, policy.match.copy_correlation_max)


def _notes(submitted: RegistrationSubmitted, liveness: LivenessReport | None, policy: Policy) -> Iterator[str]:
    if liveness is not None and liveness.extra_blinks:
        yield f"extra blinks: {liveness.extra_blinks}"
    if submitted.path == "face" and not submitted.challenge.cues_at_s and not policy.rules.cues_required:
        yield "a finished clip without cues was taken: policy without cues"


def _digests(submitted: RegistrationSubmitted) -> dict[str, str]:
    pairs = (("portrait", submitted.portrait), ("clip", submitted.clip))
    return {kind: blob.sha256 for kind, blob in pairs if blob is not None}
