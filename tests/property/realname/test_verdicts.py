"""Whatever was measured, or was not: nobody is approved, and nobody refused, on a measurement that is missing."""

from __future__ import annotations

from math import inf, isfinite, nan

from hypothesis import event, given, settings
from hypothesis import strategies as st

from realname.policy import load_policy
from realname.reasons import Reason
from realname.verdicts import Evidence, decide
from tests.builders import NOON, a_live_report, a_match, a_submission

POLICY = load_policy("development")
PAD, TURN, MATCH = POLICY.pad, POLICY.turn, POLICY.match
ABSENT = (None, nan, inf, -inf)

SUBMISSION = a_submission()  # asks for a blink and a turn


def good_or(passing: float, *thresholds: float) -> st.SearchStrategy[float | None]:
    """Mostly a passing value, so that every check is at times the only one that fails; else anything at all."""
    anything = st.one_of(st.sampled_from(ABSENT), st.sampled_from(thresholds), st.floats(-1, 1), st.floats())
    return st.integers(0, 4).flatmap(lambda place: anything if place == 0 else st.just(passing))


liveness_reports = st.builds(
    a_live_report,
    pad_live=good_or(0.97, PAD.live_min, PAD.review_min),
    parallax=good_or(0.2, TURN.parallax_min),
    yaw_range_deg=good_or(25.0, TURN.parallax_yaw_range_deg_min),
    track_similarity_min=good_or(0.8, POLICY.same_face_min),
    face_changed=st.sampled_from([False, False, False, True]),
    challenge_unmet=st.sampled_from([(), (), (), (Reason.BLINK_MISSING,)]),
    capture=st.sampled_from([(), (), (), (Reason.TOO_DARK,)]),
)
match_reports = st.builds(
    a_match,
    similarity=good_or(0.7, POLICY.accept_min, POLICY.review_min),
    copy_correlation=good_or(0.4, MATCH.copy_correlation_max),
    frames_similarity_min=good_or(0.8, POLICY.same_face_min),
    portrait=st.sampled_from([(), (), (), (Reason.NO_PORTRAIT_FOUND,)]),
)


def passes(liveness, match) -> bool:
    """Every measurement that the policy asks for is there, is a number and lies on the right side of its threshold.

    The similarities along the track and among the chips are only asked for where there was something to compare.
    """
    asked = [liveness.pad_live, liveness.parallax, liveness.yaw_range_deg, match.similarity, match.copy_correlation]
    compared = [same for same in (liveness.track_similarity_min, match.frames_similarity_min) if same is not None]
    return (
        all(value is not None and isfinite(value) for value in [*asked, *compared])
        and liveness.pad_live >= PAD.live_min
        and liveness.parallax > TURN.parallax_min
        and match.similarity >= POLICY.accept_min
        and match.copy_correlation <= MATCH.copy_correlation_max
        and all(same >= POLICY.same_face_min for same in compared)
        and not (liveness.face_changed or liveness.challenge_unmet or liveness.capture or match.portrait)
    )


@given(st.none() | liveness_reports, st.none() | match_reports)
@settings(max_examples=500)
def test_approved_is_given_where_everything_asked_for_was_measured_and_passes_and_nowhere_else(liveness, match):
    decided = decide(SUBMISSION, Evidence(liveness, match), POLICY, decided_at=NOON)
    event(decided.verdict)
    approvable = liveness is not None and match is not None and passes(liveness, match)
    assert (decided.verdict == "approved") == approvable


@given(st.none() | liveness_reports, st.none() | match_reports)
def test_every_score_of_a_decision_is_a_number(liveness, match):
    decided = decide(SUBMISSION, Evidence(liveness, match), POLICY, decided_at=NOON)
    assert all(isfinite(score.value) for score in decided.scores)


@given(
    st.builds(a_live_report, **dict.fromkeys(("pad_live", "parallax", "yaw_range_deg"), st.sampled_from(ABSENT))),
    st.builds(a_match, **dict.fromkeys(("similarity", "copy_correlation", "frames_similarity_min"), st.sampled_from(ABSENT))),
)
def test_nobody_is_refused_for_what_was_not_measured(liveness, match):
    assert decide(SUBMISSION, Evidence(liveness, match), POLICY, decided_at=NOON).verdict in {"retry", "review"}
