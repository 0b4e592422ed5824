from math import inf, nan

import pytest
from msgspec.structs import replace

from realname.messages import Challenge
from realname.policy import Effect, load_policy
from realname.reasons import Reason
from realname.verdicts import Evidence, decide, unreadable
from tests.builders import MET, NOON, a_live_report, a_match, a_submission

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


def test_a_match_without_a_copy_correlation_goes_to_a_person():
    assert verdict_of(a_live_report(), a_match(copy_correlation=None)) == ("review", (Reason.EVIDENCE_MISSING,))


@pytest.mark.parametrize("changes", [{"parallax": None}, {"yaw_range_deg": None}, {"parallax": None, "yaw_range_deg": None}])
def test_a_turn_whose_depth_was_not_measured_is_asked_for_again(changes):
    assert verdict_of(a_live_report(**changes), a_match()) == ("retry", (Reason.TURN_FURTHER,))


def test_an_unmet_challenge_is_not_also_told_to_turn_further():
    report = a_live_report(parallax=None, challenge_unmet=(Reason.TURN_MISSING,))
    assert verdict_of(report, a_match()) == ("retry", (Reason.TURN_MISSING,))


def test_a_challenge_without_a_turn_needs_no_depth():
    blink = Challenge(actions=("blink",), issued_at=NOON)
    report = a_live_report(parallax=None, actions=MET[:1])
    assert verdict_of(report, a_match(), challenge=blink)[0] == "approved"


@pytest.mark.parametrize("actions", [(), MET[:1], MET[::-1], (MET[0], replace(MET[1], seen=False))])
def test_a_report_that_does_not_speak_of_each_action_asked_never_approves(actions):
    assert verdict_of(a_live_report(actions=actions), a_match()) == ("review", (Reason.EVIDENCE_MISSING,))


def test_a_clip_that_nobody_looked_for_is_said_to_be_so():
    decided = decide(a_submission(), Evidence(a_live_report(seen_before=None), a_match()), POLICY, decided_at=NOON)
    assert "noted: duplicate_check_unavailable" in decided.notes


@pytest.mark.parametrize("number", [nan, inf, -inf])
@pytest.mark.parametrize(
    ("verdict", "reason", "liveness", "match"),
    [
        ("review", Reason.LIVENESS_DOUBTFUL, "pad_live", None),
        ("retry", Reason.TURN_FURTHER, "parallax", None),
        ("retry", Reason.TURN_FURTHER, "yaw_range_deg", None),
        ("review", Reason.EVIDENCE_MISSING, "track_similarity_min", None),
        ("review", Reason.EVIDENCE_MISSING, None, "similarity"),
        ("review", Reason.EVIDENCE_MISSING, None, "copy_correlation"),
        ("review", Reason.EVIDENCE_MISSING, None, "frames_similarity_min"),
    ],
)
def test_what_is_no_number_is_a_missing_measurement_and_no_score(number, verdict, reason, liveness, match):
    report = a_live_report(**({liveness: number} if liveness else {}))
    matched = a_match(**({match: number} if match else {}))
    decided = decide(a_submission(), Evidence(report, matched), POLICY, decided_at=NOON)
    assert (decided.verdict, decided.reasons[0]) == (verdict, reason)
    assert (liveness or match) not in {score.name for score in decided.scores}


def test_a_number_that_is_none_anywhere_in_a_report_goes_to_a_person():
    report = a_live_report(quality={"luminance_mean": nan})
    assert verdict_of(report, a_match()) == ("review", (Reason.EVIDENCE_MISSING,))


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
        (a_live_report(track_similarity_min=0.33), a_match(), Reason.FACE_CHANGED),
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
    assert verdict_of(a_live_report(pad_live=0.5), a_match(similarity=POLICY.accept_min))[0] == "approved"


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
    cued = Challenge(actions=("blink", "turn_left"), issued_at=NOON, cues_at_s=(1.0, 3.0), clip_started_at_s=0.5)
    assert verdict_of(a_live_report(), a_match(), policy=production, challenge=cued)[0] == "approved"


def test_a_portrait_source_that_is_capped_never_approves():
    production = load_policy("production")
    cued = Challenge(actions=("blink", "turn_left"), issued_at=NOON, cues_at_s=(1.0, 3.0), clip_started_at_s=0.5)
    seen = verdict_of(a_live_report(), a_match(), policy=production, challenge=cued, portrait_source="scan")
    assert seen == ("review", (Reason.PORTRAIT_SOURCE,))


def test_a_decision_carries_scores_beside_thresholds_and_the_evidence_of_sealed_bytes():
    decided = decide(a_submission(), Evidence(a_live_report(extra_blinks=2), a_match()), POLICY, decided_at=NOON)
    similarity = next(score for score in decided.scores if score.name == "similarity")
    assert (similarity.value, similarity.threshold, similarity.fmr) == (0.7, POLICY.accept_min, 1e-4)
    assert similarity.value_fmr == POLICY.calibration.points[-1].fmr
    assert decided.evidence == {"portrait": "a" * 64, "clip": "a" * 64}
    assert decided.policy == POLICY.version
    assert any("extra blinks: 2" in note for note in decided.notes)
    assert any("without cues" in note for note in decided.notes)


def test_a_low_similarity_with_a_poor_portrait_is_asked_for_again_and_refuses_nobody():
    poor = {"doubts": (Reason.PORTRAIT_POOR,)}
    assert verdict_of(a_live_report(), a_match(similarity=0.1)) == ("refused", (Reason.NOT_THE_SAME_PERSON,))
    assert verdict_of(a_live_report(), a_match(similarity=0.1, **poor)) == ("retry", (Reason.PORTRAIT_POOR,))
    between = (POLICY.review_min + POLICY.accept_min) / 2
    assert verdict_of(a_live_report(), a_match(similarity=between, **poor)) == ("review", (Reason.SIMILARITY_DOUBTFUL,))
    assert verdict_of(a_live_report(), a_match(similarity=0.7, **poor)) == ("approved", (Reason.ALL_CHECKS_PASSED,))


def test_a_poor_portrait_takes_nothing_from_the_other_layers():
    match = a_match(similarity=0.1, doubts=(Reason.PORTRAIT_POOR,))
    seen = verdict_of(a_live_report(face_changed=True), match)
    assert seen == ("refused", (Reason.FACE_CHANGED, Reason.PORTRAIT_POOR))
    weighed = replace(POLICY, effects=POLICY.effects | {Reason.NOT_THE_SAME_PERSON: Effect.REVIEW})
    assert verdict_of(a_live_report(), match, policy=weighed) == ("review", (Reason.NOT_THE_SAME_PERSON,))


def test_a_stranger_s_similarity_is_given_no_false_match_rate():
    decided = decide(a_submission(), Evidence(a_live_report(), a_match(similarity=-0.047)), POLICY, decided_at=NOON)
    similarity = next(score for score in decided.scores if score.name == "similarity")
    assert similarity.value_fmr is None
    assert similarity.fmr == 1e-4


def test_an_unreadable_record_goes_to_a_person():
    decided = unreadable(a_submission().id, operator="north", store="unknown", policy=POLICY, at=NOON)
    assert (decided.verdict, decided.reasons) == ("review", (Reason.RECORD_UNREADABLE,))


def test_a_similarity_of_another_model_than_the_calibrations_goes_to_a_person():
    other = a_match(similarity=0.1, models={"embedder": "other.onnx:0123456789abcdef"})
    assert verdict_of(a_live_report(), other) == ("review", (Reason.NOT_CALIBRATED,))


def test_another_models_likeness_along_the_track_neither_refuses_nor_passes():
    report = a_live_report(track_similarity_min=0.1, models={"embedder": "other.onnx:0123456789abcdef"})
    assert verdict_of(report, a_match()) == ("review", (Reason.NOT_CALIBRATED,))
    other = a_match(frames_similarity_min=0.1, models={"embedder": "other.onnx:0123456789abcdef"})
    assert verdict_of(a_live_report(), other) == ("review", (Reason.NOT_CALIBRATED,))


@pytest.mark.parametrize("pad_live", [0.01, 0.99])
def test_another_pad_models_chance_neither_refuses_nor_passes(pad_live):
    report = a_live_report(pad_live=pad_live, models=a_live_report().models | {"spoof": "other.onnx:0123456789abcdef"})
    verdict, reasons = verdict_of(report, a_match())
    assert verdict == "review"
    assert Reason.NOT_CALIBRATED in reasons
    assert Reason.PRESENTATION_ATTACK not in reasons


@pytest.mark.parametrize(
    ("effect", "verdict"), [("refused", "refused"), ("retry", "retry"), ("review", "review"), ("off", "approved")]
)
def test_the_policy_says_what_a_layer_leads_to(effect, verdict):
    policy = replace(POLICY, effects=POLICY.effects | {Reason.CLIP_SPLICED: Effect(effect)})
    assert verdict_of(a_live_report(signs=(Reason.CLIP_SPLICED,)), a_match(), policy=policy)[0] == verdict


def test_a_noted_layer_is_said_and_decides_nothing():
    report = a_live_report(signs=(Reason.RECORDER_UNLIKELY,))
    decided = decide(a_submission(), Evidence(report, a_match()), POLICY, decided_at=NOON)
    assert decided.verdict == "approved"
    assert "noted: recorder_unlikely" in decided.notes


def test_a_layer_that_came_after_the_policy_leads_to_what_production_makes_of_it():
    report = a_live_report(signs=(Reason.CLIP_SPLICED, Reason.RECORDER_UNLIKELY), seen_before="unavailable")
    decided = decide(a_submission(), Evidence(report, a_match()), replace(POLICY, effects={}), decided_at=NOON)
    assert decided.verdict == "retry"
    assert decided.reasons == (Reason.CLIP_SPLICED, Reason.RECORDER_UNLIKELY)
    assert "noted: duplicate_check_unavailable" in decided.notes


def test_a_layer_that_is_off_is_said():
    policy = replace(POLICY, effects=POLICY.effects | {Reason.FLAT_FACE: Effect.OFF})
    decided = decide(a_submission(), Evidence(a_live_report(), a_match()), policy, decided_at=NOON)
    assert "layer off: flat_face" in decided.notes


def test_a_refusing_layer_weighs_more_than_an_unmet_challenge_and_that_more_than_doubt():
    report = a_live_report(pad_live=0.3, challenge_unmet=(Reason.BLINK_MISSING,), signs=(Reason.FACE_CHANGED,))
    seen = verdict_of(report, a_match())
    assert seen == ("refused", (Reason.FACE_CHANGED, Reason.BLINK_MISSING, Reason.LIVENESS_DOUBTFUL))


@pytest.mark.parametrize(
    ("width", "parallax", "verdict"),
    [
        (0.77, 0.15, "refused"),  # a card whose landmarks are bent out of shape
        (0.77, 0.26, "approved"),  # as deep as only a head is
        (0.86, 0.15, "approved"),
        (None, 0.15, "review"),  # none of a turn that was made: nobody approves what was not looked at
        (float("nan"), 0.15, "review"),  # a number that is none says nothing, and a person looks
    ],
)
def test_a_face_that_narrows_more_than_a_head_does_is_flat_unless_it_is_deep(width, parallax, verdict):
    seen = verdict_of(a_live_report(turn_width=width, parallax=parallax), a_match())
    assert seen[0] == verdict
    assert (Reason.FLAT_FACE in seen[1]) == (verdict == "refused")


def test_a_sign_that_the_policy_does_not_know_goes_to_a_person():
    assert verdict_of(a_live_report(signs=(Reason.CLIP_TOO_LONG,)), a_match())[0] == "review"


@pytest.mark.parametrize(
    ("seen", "verdict", "reason"),
    [
        ("file_seen", "refused", Reason.CLIP_SEEN_BEFORE),
        ("motion_seen", "review", Reason.MOTION_SEEN_BEFORE),
        ("new", "approved", Reason.ALL_CHECKS_PASSED),
        ("unavailable", "approved", Reason.ALL_CHECKS_PASSED),
    ],
)
def test_a_clip_that_was_handed_in_before_under_another_id(seen, verdict, reason):
    policy = replace(POLICY, effects=load_policy("production").effects)
    assert verdict_of(a_live_report(seen_before=seen), a_match(), policy=policy) == (verdict, (reason,))


@pytest.mark.parametrize("field", ["turned_s", "turn_width", "face_leap", "parallax", "yaw_range_deg", "pad_live"])
@pytest.mark.parametrize("value", [None, nan])
def test_nobody_is_approved_by_a_measurement_that_is_missing(field, value):
    assert verdict_of(a_live_report(**{field: value}), a_match())[0] in ("review", "retry")
    assert verdict_of(a_live_report(), a_match())[0] == "approved"


def test_a_challenge_that_asked_nothing_is_met_by_nobody():
    nothing = Challenge(actions=(), issued_at=NOON)
    assert verdict_of(a_live_report(actions=()), a_match(), challenge=nothing) == ("review", (Reason.EVIDENCE_MISSING,))


@pytest.mark.parametrize("depth", [{"parallax": None}, {"parallax": 0.05, "yaw_range_deg": 15.0}])
def test_a_fault_that_is_only_noted_buys_no_freedom_from_the_depth_of_a_turn(depth):
    noted = replace(POLICY, effects=POLICY.effects | {Reason.EXTRA_TURN: Effect.NOTE})
    report = a_live_report(challenge_unmet=(Reason.EXTRA_TURN,), **depth)
    assert verdict_of(report, a_match(), policy=noted) == ("retry", (Reason.TURN_FURTHER,))
    assert verdict_of(report, a_match()) == ("retry", (Reason.EXTRA_TURN,))
