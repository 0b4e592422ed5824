"""What a report says that it did not measure."""

from __future__ import annotations

import msgspec
import pytest

from realname.policy import Effect, load_policy
from realname.reasons import Reason
from tests.evaluation_rows import ROWS, attack, genuine
from workers.evaluation.by_person import Spread
from workers.evaluation.gaps import not_measured
from workers.evaluation.rates import Rate
from workers.evaluation.report import Row
from workers.evaluation.scores import Scores, counts_of
from workers.evaluation.summary import group_rates, match_rates, presentation_scores, system_rates

POLICY = load_policy("development")

MODELS = {"embedder": POLICY.calibration.embedder, "spoof": POLICY.pad.model}
ATTACKS = "that claim takes 42 attacks without an error"
IMPOSTORS = "that claim takes 29,956 impostor comparisons without an error"
INDEX = "clips handed in before: each presentation is judged by itself, without an operator's index of clips"


def gaps_of(rows, *, matching=(), groups=(), policy=POLICY, models=MODELS) -> list[str]:
    return list(not_measured(rows, system_rates(rows), matching, groups=groups, policy=policy, models=models))


def test_what_was_not_measured_is_said() -> None:
    matching = match_rates(presentation_scores(ROWS), POLICY, of="presentations", failed=Rate(0, 0))
    assert gaps_of(ROWS, matching=(matching,), groups=group_rates(ROWS, 0.412)) == [
        f"IAPAR < 7% for print: {ATTACKS}, here are 4 with 1, which says below 75.1\N{NO-BREAK SPACE}%",
        f"IAPAR < 7% for replay: {ATTACKS}, here are 0 that were judged and show the portrait's own face",
        f"FMR < 0.0001: {IMPOSTORS}, here are 2 with 1, which says below 97.5\N{NO-BREAK SPACE}%",
        "look-alikes: no pair is marked as one, and random impostors flatter the FMR",
        INDEX,
    ]


def test_a_claim_counts_pairs_of_persons_and_not_of_their_photos() -> None:
    """320 photos each of two people: 102,400 comparisons without a false match are one of two people."""
    matching = match_rates(
        Scores(random=counts_of([0.0] * 102_400)),
        POLICY,
        of="all_pairs",
        failed=Rate(0, 0),
        spreads=lambda thresholds: Spread([0.0] * len(thresholds), [0.0] * len(thresholds), 2, 2),
    )
    words = "here are 102,400, of people who are in many, worth 1 independent ones, which says below 95\N{NO-BREAK SPACE}%"
    assert f"FMR < 0.0001: {IMPOSTORS}, {words}" in gaps_of(ROWS, matching=(matching,))


def test_of_nothing_nothing_was_measured() -> None:
    assert [gap.split(":")[0] for gap in gaps_of(())] == [
        "attacks",
        "honest customers",
        "false matches",
        "look-alikes",
        "differences between groups of people",
    ]


@pytest.mark.parametrize(
    ("n", "accepted", "claims"), [(42, 0, True), (41, 0, False), (60, 20, False), (65, 1, False), (66, 1, True)]
)
def test_a_claim_takes_attacks_enough_and_few_of_them_accepted(n: int, accepted: int, *, claims: bool) -> None:
    rows = [attack(number, "print", "approved" if number < accepted else "refused", "stopped") for number in range(n)]
    assert any("IAPAR < 7% for print" in gap for gap in gaps_of(rows)) is not claims


@pytest.mark.parametrize(
    ("random", "claims"),
    [([0.0] * 29_956, True), ([0.0] * 29_955, False), ([0.0] * 40_000 + [0.9], False), ([0.0] * 48_000 + [0.9], True)],
)
def test_so_does_one_of_false_matches(random: list[float], *, claims: bool) -> None:
    matching = match_rates(Scores(random=counts_of(random)), POLICY, of="pairs", failed=Rate(0, 0))
    assert any("FMR < 0.0001" in gap for gap in gaps_of(ROWS, matching=(matching,))) is not claims


def test_a_species_of_which_all_failed_is_there_and_leaves_the_worst_unmeasured() -> None:
    clean = [attack(number, "print", "refused", "stopped") for number in range(60)]
    died = [Row(id=f"m{number}", kind="attack", species="mask", mated=True, failure="process_died") for number in range(50)]
    found = system_rates((*clean, *died))
    assert found is not None
    assert [(one.species, one.apcer.n, one.iapar.n) for one in found.species] == [("mask", 0, 0), ("print", 60, 60)]
    assert found.iapar_worst == found.apcer_worst == Rate(0, 0)
    assert found.worst_species == {"APCER": "mask", "IAPAR": "mask", "RIAPAR": "mask, print"}
    assert any("for mask" in gap for gap in gaps_of((*clean, *died)))


def test_where_liveness_says_nothing_of_customers_that_is_said() -> None:
    silent = [genuine(number, "review", "no_response", 0.7) for number in (1, 2)]
    assert any(gap.startswith("liveness: it classified no bona fide") for gap in gaps_of(silent))
    assert not any(gap.startswith("liveness") for gap in gaps_of((*silent, genuine(3, "approved", "let_through", 0.7))))


def test_models_that_no_threshold_was_measured_for_are_named() -> None:
    strange = genuine(1, "review", "no_response", 0.7, reasons=(Reason.NOT_CALIBRATED,))
    words = " ".join(gaps_of((strange, *ROWS), models={"embedder": "other.onnx:1"}))
    assert f"liveness and matching, in 1 of {len(ROWS) + 1}: a model judged that the policy's thresholds" in words
    assert f"calibration lfw-fr-feature is of {POLICY.calibration.embedder}, and here is other.onnx:1" in words
    assert "calibration" not in " ".join(gaps_of(ROWS))


def test_what_was_not_asked_of_a_clip_is_counted() -> None:
    rows = (*ROWS, genuine(7, "review", "let_through", 0.8, challenged=False, reasons=(Reason.NO_CUES,)))
    words = " ".join(gaps_of(rows))
    assert f"the challenge, in 1 of {len(rows)}: no actions are named" in words
    assert f"timed cues, in 1 of {len(rows)}: they have none" in words
    assert "the challenge" not in " ".join(gaps_of(ROWS))
    assert "timed cues" not in " ".join(gaps_of(ROWS))


def test_that_no_index_was_asked_is_said_with_what_the_policy_makes_of_it() -> None:
    careful = msgspec.structs.replace(POLICY, effects=POLICY.effects | {Reason.DUPLICATE_CHECK_UNAVAILABLE: Effect.REVIEW})
    assert f"{INDEX}; that none was asked has no effect here, by the policy it is review" in gaps_of(ROWS, policy=careful)
