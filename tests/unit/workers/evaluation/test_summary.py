"""Rates of rows against tables made by hand."""

from __future__ import annotations

import pytest

from realname.policy import load_policy
from tests.evaluation_rows import ROWS, attack, genuine
from workers.evaluation.rates import Rate, rate_of
from workers.evaluation.report import GroupRates
from workers.evaluation.scores import FoldResult, Scores, counts_of
from workers.evaluation.summary import group_rates, match_rates, pair_group, presentation_scores, system_rates
from workers.evaluation.wording import group_rates_of

POLICY = load_policy("development")


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
            "print review": by_name["print"].review,
            "print FAR": by_name["print"].far,
            "replay APCER": by_name["replay"].apcer,
            "replay IAPAR": by_name["replay"].iapar,
            "replay FAR": by_name["replay"].far,
            "worst APCER": found.apcer_worst,
            "worst IAPAR": found.iapar_worst,
            "BPCER": found.bpcer,
            "BPNRR": found.bpnrr,
            "FRR": found.frr,
            "FAR": found.far,
            "review": found.review,
            "FTA": found.fta,
            "FTE": found.fte,
            "FTA of attacks": found.attacks_fta,
            "FTE of attacks": found.attacks_fte,
        }.items()
    }
    assert fractions == {
        "print APCER": (1, 4),
        "print APNRR": (2, 4),
        "print IAPAR": (1, 4),
        "print review": (1, 4),
        "print FAR": (0, 0),
        "replay APCER": (2, 3),
        "replay IAPAR": (0, 0),
        "replay FAR": (1, 3),
        "worst APCER": (2, 3),
        "worst IAPAR": (0, 0),
        "BPCER": (1, 6),
        "BPNRR": (1, 6),
        "FRR": (3, 4),
        "FAR": (1, 2),
        "review": (1, 4),
        "FTA": (1, 6),
        "FTE": (0, 5),
        "FTA of attacks": (1, 8),
        "FTE of attacks": (1, 7),
    }
    assert by_name["print"].riapar.value == pytest.approx(0.25 + 0.75)
    assert found.riapar_worst.value is None
    assert found.worst_species == {"APCER": "replay", "IAPAR": "replay", "RIAPAR": "replay"}


def test_an_artefacts_score_is_no_comparison_of_people() -> None:
    scores = presentation_scores(ROWS)
    assert (scores.fnmr(0.412).errors, scores.fnmr(0.412).n) == (2, 4)
    assert (scores.fmr(0.412).errors, scores.fmr(0.412).n) == (1, 2)


def test_groups_stand_side_by_side() -> None:
    old, young = group_rates(ROWS, 0.412)
    assert (old.value, old.frr.errors, old.frr.n, old.bpcer.errors) == ("old", 1, 2, 1)
    assert (young.value, young.frr.errors, young.frr.n, young.fmr.n) == ("young", 1, 1, 0)
    assert [(one.fnmr.errors, one.fnmr.n) for one in (old, young)] == [(1, 2), (1, 1)]


def test_a_group_has_its_own_failures_and_its_own_worst_attacks() -> None:
    dark = {"groups": {"tone": "dark"}}
    rows = (
        *(
            genuine(number, "retry", "no_response", 0.7, acquired=number > 1, enrolled=number > 2, **dark)
            for number in (1, 2, 3, 4)
        ),
        *(attack(number, "print", "approved" if number < 4 else "retry", "no_response", **dark) for number in (1, 2, 3, 4, 5)),
        genuine(9, "approved", "let_through", 0.7, groups={"tone": "light"}),
    )
    found, _ = group_rates(rows, 0.412)
    counts = {name: (rate.errors, rate.n) for name, rate in found_rates(found).items()}
    assert counts == {
        "APCER worst": (0, 5),
        "APNRR worst": (5, 5),
        "IAPAR worst": (3, 5),
        "BPCER": (0, 4),
        "BPNRR": (4, 4),
        "FRR": (4, 4),
        "FTA": (1, 4),
        "FTE": (2, 4),
        "FNMR": (0, 4),
        "FMR": (0, 0),
    }


def found_rates(group: GroupRates) -> dict[str, Rate]:
    return {named.name: named.rate for named in group_rates_of(group) if isinstance(named.rate, Rate)}


def test_a_group_of_pairs_has_both_rates_of_matching() -> None:
    scores = Scores(mated=counts_of([0.2, 0.5, 0.6]), random=counts_of([0.1, 0.2, 0.3, 0.45, 0.5]))
    found = pair_group("age", "old", scores, 0.412)
    assert [(rate.errors, rate.n) for rate in (found.fnmr, found.fmr)] == [(1, 3), (2, 5)]
    assert (found.column, found.value, found.of, found.frr.n) == ("age", "old", "pairs", 0)


def test_rates_of_matching_stand_at_the_policys_thresholds() -> None:
    accept, review = POLICY.accept_min, POLICY.review_min
    scores = Scores(mated=counts_of([0.9, accept - 0.01]), random=counts_of([accept + 0.01, review + 0.01, review - 0.01]))
    found = match_rates(scores, POLICY, of="pairs", failed=Rate(0, 0))
    assert found is not None
    points = [(one.name, one.similarity, one.fnmr.errors, one.fmr.errors) for one in found.points[:2]]
    assert points == [("accept", round(accept, 4), 1, 1), ("review", round(review, 4), 0, 2)]


def test_folds_say_how_they_vary() -> None:
    scores = Scores(mated=counts_of([0.9]), random=counts_of([0.1]))
    folds = FoldResult([1.0, 0.5, 0.75], [0.3, 0.2, 0.4], 3, 12)
    found = match_rates(scores, POLICY, of="pairs", folds=folds, failed=Rate(0, 0))
    assert found is not None
    assert found.folds is not None
    assert (found.folds.mean, found.folds.deviation) == (0.75, 0.25)
    assert (found.folds.threshold_min, found.folds.threshold_max, found.folds.wrong) == (0.2, 0.4, rate_of(3, 12))


def test_the_worst_species_is_named_and_so_is_the_one_that_bounds_it() -> None:
    rows = [attack(number, "print", "approved" if number == 0 else "refused", "stopped") for number in range(90)]
    rows += [attack(number, "mask", "refused", "stopped") for number in range(5)]
    found = system_rates(rows)
    assert found is not None
    assert found.worst_species["IAPAR"] == "print, bound of mask"
    assert (found.iapar_worst.errors, found.iapar_worst.n) == (1, 90)
    assert found.iapar_worst.upper == rate_of(0, 5).upper
