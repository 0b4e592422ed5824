"""Pure: decide() turns what the stages measured into one verdict. The only place where a verdict is made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from realname.finite import finite, is_finite
from realname.messages import LivenessReport, MatchReport, RegistrationDecided, RegistrationSubmitted, Score, Seen, Verdict
from realname.policy import Effect, Policy
from realname.reasons import Reason
from realname.stages import Failure

_TURNS = frozenset({"turn_left", "turn_right"})
_FAILURES: dict[Failure, Reason] = {
    "processing_failed": Reason.PROCESSING_FAILED,
    "evidence_missing": Reason.EVIDENCE_MISSING,
    "deadline": Reason.DECIDED_TOO_LATE,
}


_WEIGHT: dict[Verdict, int] = {"refused": 0, "retry": 1, "review": 2, "approved": 3}
_VERDICTS: dict[Effect, Verdict] = {Effect.REFUSED: "refused", Effect.RETRY: "retry", Effect.REVIEW: "review"}
_SEEN_BEFORE: dict[Seen | None, Reason] = {
    None: Reason.DUPLICATE_CHECK_UNAVAILABLE,  # nobody looked
    "file_seen": Reason.CLIP_SEEN_BEFORE,
    "motion_seen": Reason.MOTION_SEEN_BEFORE,
    "unavailable": Reason.DUPLICATE_CHECK_UNAVAILABLE,
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

    In this order: bad capture -> retry; then what the policy's effects make of the layers that fired and of the
    challenge: refused before retry before review; PAD or similarity in its band -> review; else approved. Missing
    evidence never becomes a verdict: it ends in review with its reason, a turn whose depth was not measured in retry
    (invariant I5). A number that is NaN or infinite is a missing one.
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
        notes=tuple(_notes(submitted, evidence, policy)),
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
    """All that holds, the decisive first."""
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
    found = [*_weighed(submitted, liveness, match, policy), *_doubtful(submitted, liveness, match, policy)]
    yield from sorted(found, key=lambda finding: _WEIGHT[finding.verdict])


def _weighed(
    submitted: RegistrationSubmitted, liveness: LivenessReport, match: MatchReport | None, policy: Policy
) -> Iterator[_Finding]:
    """The layers that fired, each as the policy weighs it."""
    for reason in _fired(submitted, liveness, match, policy):
        effect = policy.effect_of(reason)
        if reason is Reason.NOT_THE_SAME_PERSON and effect is Effect.REFUSED and match is not None and match.doubts:
            yield from (_Finding("retry", doubt) for doubt in match.doubts)  # a bad picture refuses nobody
            continue
        verdict = _VERDICTS.get(effect)
        if verdict is not None:
            yield _Finding(verdict, reason)
    yield from _line_limit(submitted, policy)


def _fired(
    submitted: RegistrationSubmitted, liveness: LivenessReport, match: MatchReport | None, policy: Policy
) -> Iterator[Reason]:
    """The reasons of all layers that found something, whatever the policy makes of it."""
    if _is_below(liveness.pad_live, policy.pad.review_min) and _is_pad_calibrated(liveness, policy):
        yield Reason.PRESENTATION_ATTACK
    if _is_flat(liveness, policy):
        yield Reason.FLAT_FACE
    if _face_changed(liveness, match, policy):
        yield Reason.FACE_CHANGED
    if match is not None:
        copied = finite(match.copy_correlation)
        if copied is not None and copied > policy.match.copy_correlation_max:
            yield Reason.PORTRAIT_IS_COPY
        if _is_below(match.similarity, policy.review_min) and _is_calibrated(match, policy):
            yield Reason.NOT_THE_SAME_PERSON
    if liveness.seen_before in _SEEN_BEFORE:
        yield _SEEN_BEFORE[liveness.seen_before]
    yield from (*liveness.signs, *liveness.challenge_unmet)
    said = any(policy.effects.get(reason, Effect.REVIEW) in _VERDICTS for reason in liveness.challenge_unmet)
    if not said and _depth_unknown(submitted, liveness, policy):  # where the customer hears another reason, that one will do
        yield Reason.TURN_FURTHER


def _doubtful(
    submitted: RegistrationSubmitted, liveness: LivenessReport, match: MatchReport | None, policy: Policy
) -> Iterator[_Finding]:
    pad = policy.pad
    if finite(liveness.pad_live) is None or _is_between(liveness.pad_live, pad.review_min, pad.live_min):
        yield _Finding("review", Reason.LIVENESS_DOUBTFUL)
    if not (_is_complete(liveness, match) and _is_traced(submitted, liveness) and _is_watched(submitted, liveness, policy)):
        yield _Finding("review", Reason.EVIDENCE_MISSING)
    faces = _is_track_calibrated(liveness, policy) and (match is None or _is_calibrated(match, policy))
    if not (faces and _is_pad_calibrated(liveness, policy)):
        yield _Finding("review", Reason.NOT_CALIBRATED)
    if match is not None and _is_between(match.similarity, policy.review_min, policy.accept_min):
        yield _Finding("review", Reason.SIMILARITY_DOUBTFUL)
    if policy.rules.cues_required and not submitted.challenge.cues_in_clip_s:
        yield _Finding("review", Reason.NO_CUES)
    if policy.rules.portrait_sources.get(submitted.portrait_source or "", "review") != "approved":
        yield _Finding("review", Reason.PORTRAIT_SOURCE)


def _is_calibrated(match: MatchReport, policy: Policy) -> bool:
    """Whether the similarity is of the model that the thresholds were made for. Without a similarity nothing is at stake."""
    return match.similarity is None or _is_of(match, policy)


def _is_of(report: LivenessReport | MatchReport, policy: Policy) -> bool:
    """Whether the report's similarities are of the embedder that the policy's calibration was made for."""
    return report.models.get("embedder") == policy.calibration.embedder


def _is_track_calibrated(liveness: LivenessReport, policy: Policy) -> bool:
    return liveness.track_similarity_min is None or _is_of(liveness, policy)


def _is_pad_calibrated(liveness: LivenessReport, policy: Policy) -> bool:
    """Whether the PAD score is of the model that the policy's thresholds were measured for."""
    return liveness.pad_live is None or liveness.models.get("spoof") == policy.pad.model


def _line_limit(submitted: RegistrationSubmitted, policy: Policy) -> Iterator[_Finding]:
    if submitted.lines_held >= policy.rules.lines_held_max:
        yield _Finding("refused", Reason.LINE_LIMIT)


def _is_below(measured: float | None, least: float) -> bool:
    """What was not measured is not below anything: it refuses nobody."""
    value = finite(measured)
    return value is not None and value < least


def _is_between(measured: float | None, least: float, enough: float) -> bool:
    value = finite(measured)
    return value is not None and least <= value < enough


def _face_changed(liveness: LivenessReport, match: MatchReport | None, policy: Policy) -> bool:
    """The liveness stage compared the best chip with the moments of the actions; here the chips are held together.

    What another embedder than the calibration's measured is compared with nothing.
    """
    least = policy.same_face_min
    along_track = liveness.track_similarity_min if _is_of(liveness, policy) else None
    among_chips = match.frames_similarity_min if match is not None and _is_of(match, policy) else None
    return liveness.face_changed or _is_below(along_track, least) or _is_below(among_chips, least)


def _is_complete(liveness: LivenessReport, match: MatchReport | None) -> bool:
    """Whether the match measured all that its thresholds ask for, and every number of both reports is one.

    A portrait that is unfit is not measured: it has its own reason.
    """
    if match is None or not (is_finite(liveness) and is_finite(match)):
        return False
    return bool(match.portrait) or (match.similarity is not None and match.copy_correlation is not None)


def _is_traced(submitted: RegistrationSubmitted, liveness: LivenessReport) -> bool:
    """Whether the report speaks of each action that was asked, and says of each unseen one why the challenge is unmet."""
    asked, seen = submitted.challenge.actions, liveness.actions
    if not asked or tuple(trace.action for trace in seen) != asked:
        return False
    return bool(liveness.challenge_unmet) or all(trace.seen for trace in seen)


def _is_watched(submitted: RegistrationSubmitted, liveness: LivenessReport, policy: Policy) -> bool:
    """Whether all was measured that every clip of a face which does what was asked lets be measured, and the policy asks for.

    A picture held, a stretch that comes again: that they were not found is no gap, where the face moved or sat still.
    """
    rules, turns = policy.turn, any(action in _TURNS for action in submitted.challenge.actions)
    if turns and not liveness.challenge_unmet:
        if rules.turned_s_min > 0 and finite(liveness.turned_s) is None:
            return False
        if rules.width_min > 0 and finite(liveness.turn_width) is None:
            return False
    return finite(liveness.face_leap) is not None


def _depth(liveness: LivenessReport) -> tuple[float, float] | None:
    """Parallax and the yaw range in which it was measured: one measurement, None without either."""
    parallax, yaw_range_deg = finite(liveness.parallax), finite(liveness.yaw_range_deg)
    return None if parallax is None or yaw_range_deg is None else (parallax, yaw_range_deg)


def _is_flat(liveness: LivenessReport, policy: Policy) -> bool:
    """Little parallax, where the yaw range is wide enough for it to have been validated; or too narrow, and not deep."""
    depth, rules = _depth(liveness), policy.turn
    if depth is None:
        return False
    narrow = _is_below(liveness.turn_width, rules.width_min) and depth[0] < rules.deep_min
    return narrow or (depth[0] <= rules.parallax_min and depth[1] >= rules.parallax_yaw_range_deg_min)


def _depth_unknown(submitted: RegistrationSubmitted, liveness: LivenessReport, policy: Policy) -> bool:
    """A low parallax below the validated yaw range says nothing, and nor does a turn of which none was measured.

    Then a wider turn is asked for; it never refuses. A challenge without a turn needs no depth.
    """
    depth, rules = _depth(liveness), policy.turn
    if depth is None:
        return any(action in _TURNS for action in submitted.challenge.actions)
    return depth[0] <= rules.parallax_min and depth[1] < rules.parallax_yaw_range_deg_min


def _scores(liveness: LivenessReport | None, match: MatchReport | None, policy: Policy) -> Iterator[Score]:
    pad, turn, same = policy.pad, policy.turn, policy.match
    if liveness is not None and (pad_live := finite(liveness.pad_live)) is not None:
        yield Score("pad_live", pad_live, pad.live_min)
    if liveness is not None and (parallax := finite(liveness.parallax)) is not None:
        yield Score("parallax", parallax, turn.parallax_min)
    if match is not None and (similarity := finite(match.similarity)) is not None:
        value_fmr = policy.calibration.fmr_at(similarity) if _is_calibrated(match, policy) else None
        yield Score("similarity", similarity, policy.accept_min, same.accept_fmr, value_fmr)
    if match is not None and (copied := finite(match.copy_correlation)) is not None:
        yield Score("copy_correlation", copied, same.copy_correlation_max)


def _notes(submitted: RegistrationSubmitted, evidence: Evidence, policy: Policy) -> Iterator[str]:
    """What a reader of the decision should know and what decided nothing."""
    liveness, match = evidence.liveness, evidence.match
    if liveness is not None and liveness.extra_blinks:
        yield f"extra blinks: {liveness.extra_blinks}"
    if submitted.path == "face" and not submitted.challenge.cues_in_clip_s and not policy.rules.cues_required:
        yield "a finished clip without cues was taken: policy without cues"
    if liveness is not None:
        noted = (reason for reason in _fired(submitted, liveness, match, policy) if policy.effect_of(reason) is Effect.NOTE)
        yield from (f"noted: {reason}" for reason in dict.fromkeys(noted))
    yield from (f"layer off: {reason}" for reason, effect in policy.effects.items() if effect is Effect.OFF)


def _digests(submitted: RegistrationSubmitted) -> dict[str, str]:
    pairs = (("portrait", submitted.portrait), ("clip", submitted.clip))
    return {kind: blob.sha256 for kind, blob in pairs if blob is not None}
