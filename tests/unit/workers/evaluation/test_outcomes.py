"""What a decision is in the words of ISO/IEC 30107-3."""

from __future__ import annotations

import msgspec
import pytest

from realname.messages import LivenessReport, MatchReport, RegistrationDecided, ShadowDecision
from realname.policy import Effect, load_policy
from realname.reasons import Reason
from realname.verdicts import Evidence, decide
from tests.builders import NOON, a_live_report, a_match, a_submission
from workers.evaluation.outcomes import as_evaluated, measured_of, pad_outcome, row_of_decision, row_of_shadow
from workers.evaluation.report import ReportWrong, decode

POLICY = load_policy("development")


def decided(liveness: LivenessReport, match: MatchReport | None = None, policy=POLICY) -> RegistrationDecided:
    return decide(a_submission(), Evidence(liveness, match or a_match()), policy, decided_at=NOON)


@pytest.mark.parametrize(
    ("liveness", "outcome"),
    [
        (a_live_report(), "let_through"),
        (a_live_report(pad_live=0.1), "stopped"),
        (a_live_report(pad_live=0.3), "no_response"),
        (a_live_report(parallax=0.01), "stopped"),
        (a_live_report(face_changed=True), "stopped"),
        (a_live_report(challenge_unmet=(Reason.BLINK_MISSING,)), "no_response"),
        (a_live_report(challenge_unmet=(Reason.BLINK_MISSING,), pad_live=0.1), "stopped"),
        (LivenessReport(capture=(Reason.TOO_DARK,)), "no_response"),
    ],
)
def test_what_liveness_alone_says(liveness: LivenessReport, outcome: str) -> None:
    assert pad_outcome(decided(liveness), POLICY.effects) == outcome


def test_another_person_is_no_matter_of_liveness_and_a_copied_portrait_is() -> None:
    impostor, copied = decided(a_live_report(), a_match(similarity=0.0)), decided(a_live_report(), a_match(copy_correlation=0.99))
    assert (impostor.verdict, pad_outcome(impostor, POLICY.effects)) == ("refused", "let_through")
    assert (copied.verdict, pad_outcome(copied, POLICY.effects)) == ("refused", "stopped")


def test_a_layer_that_the_policy_only_notes_stops_nothing() -> None:
    noting = msgspec.structs.replace(POLICY, effects=POLICY.effects | {Reason.FLAT_FACE: Effect.NOTE})
    flat = decided(a_live_report(parallax=0.01), policy=noting)
    assert pad_outcome(flat, noting.effects) == "let_through"


def test_an_unfit_portrait_is_a_failure_to_enrol_and_not_to_acquire() -> None:
    found = measured_of(decided(a_live_report(), MatchReport(portrait=(Reason.PORTRAIT_TOO_SMALL,))), POLICY.effects, {})
    assert (found.acquired, found.enrolled, found.verdict) == (True, False, "retry")


def test_a_live_decision_is_a_row_without_a_truth() -> None:
    row = row_of_decision(decided(a_live_report()), POLICY.effects)
    assert (row.kind, row.verdict, row.pad) == (None, "approved", "let_through")
    assert row.scores["similarity"] == 0.7


@pytest.mark.parametrize(
    "reason",
    [Reason.NOT_CALIBRATED, Reason.EVIDENCE_MISSING, Reason.LIVENESS_DOUBTFUL, Reason.PROCESSING_FAILED],
)
def test_what_cannot_be_measured_is_no_classification(reason: Reason) -> None:
    found = msgspec.structs.replace(decided(a_live_report()), reasons=(reason,))
    assert pad_outcome(found, POLICY.effects) == "no_response"


def test_a_customer_without_cues_is_no_matter_of_liveness() -> None:
    found = msgspec.structs.replace(decided(a_live_report()), verdict="review", reasons=(Reason.NO_CUES,))
    assert pad_outcome(found, POLICY.effects) == "let_through"


def test_a_file_that_is_no_report_is_named() -> None:
    with pytest.raises(ReportWrong, match=r"A\.json is no report of `realname evaluate`"):
        decode(b'{"format": "other"}', "A.json")


def test_a_shadow_decision_is_one_too_and_a_failed_one_was_not_judged() -> None:
    tried = ShadowDecision(policy="v3", profile="default", plan="0" * 16, verdict="review", reasons=(Reason.LIVENESS_DOUBTFUL,))
    assert (row_of_shadow("r1", tried).verdict, row_of_shadow("r1", tried).kind) == ("review", None)
    failed = row_of_shadow("r1", msgspec.structs.replace(tried, failure="failed"))
    assert (failed.verdict, failed.failure) == (None, "shadow_failed")


def test_that_no_index_was_asked_sends_nobody_to_a_person_and_is_said() -> None:
    """A policy may hand a clip to a person where the index is lost; an evaluation has none to lose."""
    careful = msgspec.structs.replace(POLICY, effects=POLICY.effects | {Reason.DUPLICATE_CHECK_UNAVAILABLE: Effect.REVIEW})
    unseen = a_live_report(seen_before=None)
    assert decided(unseen, policy=careful).verdict == "review"
    found = decided(unseen, policy=as_evaluated(careful))
    assert (found.verdict, pad_outcome(found, as_evaluated(careful).effects)) == ("approved", "let_through")
    assert as_evaluated(careful).effects[Reason.FLAT_FACE] is careful.effects[Reason.FLAT_FACE]
