import pytest

from realname.messages import Challenge
from realname.policy import load_policy
from realname.reasons import Reason
from realname.verdicts import Evidence, decide, unreadable
from tests.builders import NOON, a_live_report, a_match, a_submission

POLICY = load_policy("development")


def verdict_of(liveness=None, match=None, *, failure=None, policy=POLICY, **submission):
    decided = decide(a_submission(**submission), Evidence(liveness, match, failure), policy, decided_at=NOON)
    return decided.verdict, decided.reasons


def test_a_live_person_with_the_same_face_is_approved():
    assert verdict_of(a_live_report(), a_match()) == ("approved", (Reason.ALL_CHECKS_PASSED,))


@pytest.mark.parametrize("failure", ["processing_failed", "evidence_missing", "deadline"])
def test_a_failure_is_never_a_verdict(failure):
    verdict, reasons = verdict_of(a_live_report(), a_match(), failure=failure)
    assert verdict == "review"
    assert len(reasons) == 1


def test_no_report_at_all_goes_to_a_person():
    assert verdict_of() == ("review", (Reason.EVIDENCE_MISSING,))


def test_a_fit_clip_that_was_never_matched_goes_to_a_person():
    assert verdict_of(a_live_report(), None) == ("review", (Reason.EVIDENCE_MISSING,))


def test_a_match_without_a_similarity_goes_to_a_person():
    assert verdict_of(a_live_report(), a_match(similarity=None)) == ("review", (Reason.EVIDENCE_MISSING,))


def test_bad_capture_asks_again_even_where_the_face_looks_false():
    report = a_live_report(capture=(Reason.TOO_DARK,), pad_live=0.01)
    assert verdict_of(report, a_match(similarity=0.0)) == (
        "retry",
        (Reason.TOO_DARK, Reason.PRESENTATION_ATTACK, Reason.NOT_THE_SAME_PERSON),
    )


def test_a_portrait_that_cannot_be_read_asks_for_another():
    match = a_match(portrait=(Reason.NO_PORTRAIT_FOUND,), similarity=None)
    assert verdict_of(a_live_report(), match) == ("retry", (Reason.NO_PORTRAIT_FOUND,))


@pytest.mark.parametrize(
    ("report", "match", "reason"),
    [
        (a_live_report(pad_live=0.21), a_match(), Reason.PRESENTATION_ATTACK),
        (a_live_report(parallax=0.09, yaw_range_deg=20.0), a_match(), Reason.FLAT_FACE),
        (a_live_report(face_changed=True), a_match(), Reason.FACE_CHANGED),
        (a_live_report(), a_match(frames_similarity_min=0.33), Reason.FACE_CHANGED),
        (a_live_report(), a_match(copy_correlation=0.999), Reason.PORTRAIT_IS_COPY),
        (a_live_report(), a_match(similarity=0.33), Reason.NOT_THE_SAME_PERSON),
    ],
)
def test_each_refusing_reason_refuses_alone_and_before_an_unmet_challenge(report, match, reason):
    assert verdict_of(report, match) == ("refused", (reason,))


def test_a_refusing_reason_comes_before_an_unmet_challenge():
    report = a_live_report(pad_live=0.1, challenge_unmet=(Reason.BLINK_MISSING,))
    assert verdict_of(report, a_match()) == ("refused", (Reason.PRESENTATION_ATTACK, Reason.BLINK_MISSING))


def test_an_unmet_challenge_comes_before_the_review_bands():
    report = a_live_report(pad_live=0.4, challenge_unmet=(Reason.WRONG_ORDER,))
    assert verdict_of(report, a_match()) == ("retry", (Reason.WRONG_ORDER, Reason.LIVENESS_DOUBTFUL))


def test_low_parallax_in_a_small_turn_asks_to_turn_further_and_never_refuses():
    report = a_live_report(parallax=0.05, yaw_range_deg=19.9)
    assert verdict_of(report, a_match()) == ("retry", (Reason.TURN_FURTHER,))


@pytest.mark.parametrize(
    ("report", "match", "reason"),
    [
        (a_live_report(pad_live=0.22), a_match(), Reason.LIVENESS_DOUBTFUL),
        (a_live_report(pad_live=0.4999), a_match(), Reason.LIVENESS_DOUBTFUL),
        (a_live_report(pad_live=None), a_match(), Reason.LIVENESS_DOUBTFUL),
        (a_live_report(), a_match(similarity=0.34), Reason.SIMILARITY_DOUBTFUL),
        (a_live_report(), a_match(similarity=0.4099), Reason.SIMILARITY_DOUBTFUL),
    ],
)
def test_a_score_in_its_band_goes_to_a_person(report, match, reason):
    assert verdict_of(report, match) == ("review", (reason,))


def test_the_thresholds_themselves_pass():
    assert verdict_of(a_live_report(pad_live=0.5), a_match(similarity=0.41))[0] == "approved"


def test_at_the_line_limit_one_more_is_refused():
    assert verdict_of(a_live_report(), a_match(), lines_held=5) == ("refused", (Reason.LINE_LIMIT,))
    assert verdict_of(a_live_report(), a_match(), lines_held=4)[0] == "approved"


def test_the_referee_path_goes_to_a_person_without_any_media():
    verdict, reasons = verdict_of(path="referee", portrait=None, clip=None, portrait_source=None)
    assert (verdict, reasons) == ("review", (Reason.REFEREE_PATH,))


def test_the_line_limit_holds_on_the_referee_path_too():
    assert verdict_of(path="referee", portrait=None, clip=None, lines_held=9)[0] == "refused"


def test_production_takes_a_clip_without_cues_to_review_at_most():
    production = load_policy("production")
    assert verdict_of(a_live_report(), a_match(), policy=production) == ("review", (Reason.NO_CUES,))
    cued = Challenge(actions=("blink", "turn_left"), issued_at=NOON, cues_at_s=(1.0, 3.0))
    assert verdict_of(a_live_report(), a_match(), policy=production, challenge=cued)[0] == "approved"


def test_a_portrait_source_that_is_capped_never_approves():
    production = load_policy("production")
    cued = Challenge(actions=("blink", "turn_left"), issued_at=NOON, cues_at_s=(1.0, 3.0))
    seen = verdict_of(a_live_report(), a_match(), policy=production, challenge=cued, portrait_source="scan")
    assert seen == ("review", (Reason.PORTRAIT_SOURCE,))


def test_a_decision_carries_scores_beside_thresholds_and_the_evidence_of_sealed_bytes():
    decided = decide(a_submission(), Evidence(a_live_report(extra_blinks=2), a_match()), POLICY, decided_at=NOON)
    similarity = next(score for score in decided.scores if score.name == "similarity")
    assert (similarity.value, similarity.threshold, similarity.fmr) == (0.7, 0.41, 1e-4)
    assert decided.evidence == {"portrait": "a" * 64, "clip": "a" * 64}
    assert decided.policy == "v1-development"
    assert any("extra blinks: 2" in note for note in decided.notes)
    assert any("without cues" in note for note in decided.notes)


def test_an_unreadable_record_goes_to_a_person():
    decided = unreadable(a_submission().id, operator="north", store="unknown", policy=POLICY, at=NOON)
    assert (decided.verdict, decided.reasons) == ("review", (Reason.RECORD_UNREADABLE,))
