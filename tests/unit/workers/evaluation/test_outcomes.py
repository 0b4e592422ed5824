"""What a decision is in the words of ISO/IEC 30107-3, and the rates of rows against a table made by hand."""

from __future__ import annotations

import msgspec
import pytest

from realname.messages import LivenessReport, MatchReport, RegistrationDecided, ShadowDecision
from realname.policy import Effect, load_policy
from realname.reasons import Reason
from realname.verdicts import Evidence, decide
from tests.builders import NOON, a_live_report, a_match, a_submission
from workers.evaluation.gaps import not_measured
from workers.evaluation.outcomes import measured_of, pad_outcome, row_of_decision, row_of_shadow
from workers.evaluation.report import ReportWrong, Row, decode
from workers.evaluation.summary import group_rates, match_rates, presentation_scores, system_rates

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


def attack(number: int, species: str, verdict: str, pad: str, **more) -> Row:
    known = {
        "kind": "attack",
        "species": species,
        "mated": True,
        "acquired": True,
        "enrolled": True,
        "scores": {"similarity": 0.9},
    }
    return Row(id=f"{species}{number}", verdict=verdict, pad=pad, **(known | more))


def genuine(number: int, verdict: str, pad: str, similarity: float, **more) -> Row:
    known = {"kind": "bona_fide", "mated": True, "acquired": True, "enrolled": True, "scores": {"similarity": similarity}}
    return Row(id=f"g{number}", verdict=verdict, pad=pad, **(known | more))


ROWS = (
    attack(1, "print", "refused", "stopped"),
    attack(2, "print", "retry", "no_response"),
    attack(3, "print", "approved", "let_through"),
    attack(4, "print", "review", "no_response"),
    attack(1, "replay", "refused", "let_through", mated=False),
    Row(id="replay2", kind="attack", species="replay", mated=True, failure="clip_missing"),
    genuine(1, "approved", "let_through", 0.8, groups={"age": "old"}),
    genuine(2, "refused", "stopped", 0.3, groups={"age": "old"}),
    genuine(3, "retry", "no_response", 0.7, acquired=False, enrolled=None),
    genuine(4, "review", "let_through", 0.4, groups={"age": "young"}),
    genuine(5, "refused", "let_through", 0.1, mated=False),
    genuine(6, "approved", "let_through", 0.5, mated=False),
)


def test_rates_of_rows_are_those_counted_by_hand() -> None:
    found = system_rates(ROWS)
    assert found is not None
    by_name = {one.species: one for one in found.species}
    fractions = {
        name: (rate.errors, rate.n)
        for name, rate in {
            "print APCER": by_name["print"].apcer,
            "print APNRR": by_name["print"].apnrr,
            "print IAPAR": by_name["print"].iapar,
            "replay APCER": by_name["replay"].apcer,
            "replay IAPAR": by_name["replay"].iapar,
            "worst APCER": found.apcer_worst,
            "BPCER": found.bpcer,
            "BPNRR": found.bpnrr,
            "FRR": found.frr,
            "FAR": found.far,
            "FTA": found.fta,
            "FTE": found.fte,
        }.items()
    }
    assert fractions == {
        "print APCER": (1, 4),
        "print APNRR": (2, 4),
        "print IAPAR": (1, 4),
        "replay APCER": (1, 1),
        "replay IAPAR": (0, 0),
        "worst APCER": (1, 1),
        "BPCER": (1, 6),
        "BPNRR": (1, 6),
        "FRR": (3, 4),
        "FAR": (1, 2),
        "FTA": (2, 12),
        "FTE": (0, 10),
    }
    assert by_name["print"].riapar.value == pytest.approx(0.25 + 0.75)


def test_an_artefacts_score_is_no_comparison_of_people() -> None:
    scores = presentation_scores(ROWS)
    assert (scores.fnmr(0.412).errors, scores.fnmr(0.412).n) == (2, 4)
    assert (scores.fmr(0.412).errors, scores.fmr(0.412).n) == (1, 2)


def test_groups_stand_side_by_side() -> None:
    old, young = group_rates(ROWS, 0.412)
    assert (old.value, old.frr.errors, old.frr.n, old.bpcer.errors) == ("old", 1, 2, 1)
    assert (young.value, young.frr.errors, young.frr.n, young.fmr.n) == ("young", 1, 1, 0)


def test_what_was_not_measured_is_said() -> None:
    matching = match_rates(presentation_scores(ROWS), POLICY, of="presentations", failed=system_rates(ROWS).fte)
    words = " ".join(not_measured(ROWS, system_rates(ROWS), (matching,)))
    assert "IAPAR < 7% for print: that claim takes 42 attacks without an error, here are 4" in words
    assert "FMR < 0.0001: that claim takes 29,956 impostor comparisons without an error, here are 2" in words
    assert "look-alikes" in words
    assert "no attack" not in words


def test_a_file_that_is_no_report_is_named() -> None:
    with pytest.raises(ReportWrong, match=r"A\.json is no report of `realname evaluate`"):
        decode(b'{"format": "other"}', "A.json")


def test_a_shadow_decision_is_one_too_and_a_failed_one_was_not_judged() -> None:
    tried = ShadowDecision(policy="v3", profile="default", plan="0" * 16, verdict="review", reasons=(Reason.LIVENESS_DOUBTFUL,))
    assert (row_of_shadow("r1", tried).verdict, row_of_shadow("r1", tried).kind) == ("review", None)
    failed = row_of_shadow("r1", msgspec.structs.replace(tried, failure="failed"))
    assert (failed.verdict, failed.failure) == (None, "shadow_failed")
