"""Two made reports: what differs by more than chance, and for whom."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.evaluation_rows import DIED, POLICY, a_report, attacks, customer, pairs_of
from workers.evaluation.by_person import Spread
from workers.evaluation.compare import Comparison, Difference, compare
from workers.evaluation.rates import Rate, rate_of
from workers.evaluation.report import PairRow, Report
from workers.evaluation.scores import Scores, counts_of
from workers.evaluation.summary import match_rates

MASK = {"kind": "attack", "species": "mask", "verdict": "refused", "pad": "stopped"}
OTHERS = {"mated": False, "verdict": "refused"}
UNKNOWN = {"kind": None, "mated": None}
LET_THROUGH, NOTHING_SAID = {"pad": "let_through"}, {"pad": "no_response", "verdict": "retry"}


def found_in(found: Comparison, place: str) -> Difference:
    return next(one for one in found.differences if one.place == place)


def test_the_same_presentations_are_paired() -> None:
    one = found_in(compare(a_report(attacks(0, 30)), a_report(attacks(9, 30))), "attacks/print/IAPAR")
    assert (one.test, one.only_a, one.only_b, one.worse) == ("McNemar", 0, 9, True)
    assert one.is_significant
    assert one.p == pytest.approx(4 * 2 / 2**9), "four rates were tested, so Holm makes the lowest p four times as high"


def test_another_software_is_remarked_where_both_name_theirs() -> None:
    one, other = (msgspec.structs.replace(a_report(attacks(0, 5)), software=name) for name in ("0.1.0 (a)", "0.1.0 (b)"))
    assert "the software differs: 0.1.0 (a) and 0.1.0 (b)" in compare(one, other).remarks
    assert compare(one, one).remarks == compare(one, a_report(attacks(0, 5))).remarks == ()


def test_other_presentations_are_independent_samples() -> None:
    found = compare(a_report(attacks(0, 30)), a_report(attacks(9, 30, first=100)))
    one = found_in(found, "attacks/print/APCER")
    assert (one.test, one.a, one.b) == ("Fisher", rate_of(0, 30), rate_of(9, 30))
    assert one.is_significant
    assert (found.common, found.left_out) == (0, 60)
    assert any("independent samples" in remark for remark in found.remarks)


def test_chance_is_called_chance() -> None:
    found = compare(a_report(attacks(0, 30)), a_report(attacks(2, 30)))
    assert not any(one.is_significant for one in found.differences)
    assert not found.is_worse


def test_only_what_both_have_is_paired() -> None:
    found = compare(a_report(attacks(0, 30)), a_report(attacks(9, 33, first=-3)))
    one = found_in(found, "attacks/print/IAPAR")
    assert (one.test, one.a.n, one.b.n, one.only_b) == ("McNemar", 30, 30, 6)
    assert (found.common, found.left_out) == (30, 3)


def test_where_little_is_in_both_all_is_compared_and_that_is_said() -> None:
    a, b = attacks(0, 501), (*attacks(0, 1), *attacks(250, 500, first=5000))
    found = compare(a_report(a), a_report(b))
    one = found_in(found, "attacks/print/IAPAR")
    assert (one.test, one.a, one.b, one.worse) == ("Fisher", rate_of(0, 501), rate_of(250, 501), True)
    assert found.remarks[0].startswith("only 1 presentations are in both")


def test_equal_ids_of_other_recordings_are_not_paired_unless_the_user_says_so() -> None:
    a = a_report(attacks(0, 30))
    for other in (a_report(attacks(9, 30), recordings="other"), a_report(attacks(9, 30), recordings="")):
        found = compare(a, other)
        assert found_in(found, "attacks/print/IAPAR").test == "Fisher"
        assert (found.common, found.changes) == (0, ())
        assert "nothing says that they are the same" in found.remarks[0]
        told = compare(a, other, same=True)
        assert (found_in(told, "attacks/print/IAPAR").test, told.common, len(told.changes)) == ("McNemar", 30, 9)
    unknown = a_report(attacks(0, 30), recordings="")
    assert found_in(compare(unknown, unknown), "attacks/print/IAPAR").test == "Fisher", "no digest says nothing"


@pytest.mark.parametrize(
    ("before", "after", "worse"),
    [
        (MASK, LET_THROUGH, {"attacks/mask/APCER", "attacks/mask/APCER + APNRR"}),
        (MASK, NOTHING_SAID, {"attacks/mask/APCER + APNRR"}),
        (MASK, {"verdict": "approved"}, {"attacks/mask/IAPAR"}),
        (MASK | {"mated": False}, {"verdict": "approved"}, {"attacks/mask/FAR of attacks"}),
        (MASK, DIED, {"presentations/not judged"}),
        ({}, {"pad": "stopped"}, {"bona fide/BPCER"}),
        ({}, {"pad": "no_response"}, {"bona fide/BPNRR"}),
        ({}, {"verdict": "review"}, {"bona fide/FRR"}),
        (OTHERS, {"verdict": "approved"}, {"another's portrait/FAR"}),
        ({}, {"acquired": False}, {"bona fide/FTA"}),
        ({}, {"enrolled": False}, {"bona fide/FTE"}),
        ({}, DIED, {"bona fide/FTA", "presentations/not judged"}),
        (UNKNOWN, DIED, {"unlabelled/not judged"}),
        (UNKNOWN, {"verdict": "review"}, set()),
    ],
)
def test_each_thing_that_gets_worse_alone_is_found_and_the_way_back_is_better(
    before: dict[str, object], after: dict[str, object], worse: set[str]
) -> None:
    a = a_report(tuple(customer(place, **before) for place in range(40)))
    b = a_report(tuple(customer(place, **(before | (after if place < 12 else {}))) for place in range(40)))
    found, back = compare(a, b), compare(b, a)
    assert {one.place for one in found.differences if one.is_significant and one.worse} == worse
    assert found.is_worse is bool(worse)
    assert {one.place for one in back.differences if one.is_significant and one.worse is False} == worse
    assert not back.is_worse
    failed = 12 if after is DIED else 0
    assert (found.not_judged, back.not_judged) == ((0, failed), (failed, 0))


def test_a_candidate_that_dies_on_everything_is_worse() -> None:
    a, b = (a_report(tuple(customer(place, **more) for place in range(200))) for more in ({}, DIED))
    assert compare(a, b).is_worse


@pytest.mark.parametrize(
    ("before", "after", "for_worse"),
    [
        ({}, DIED, True),
        (DIED, {}, False),
        (OTHERS, DIED, True),
        (MASK, DIED, None),
        (UNKNOWN, DIED, None),
        ({}, {"verdict": "review"}, True),
        (OTHERS, {"verdict": "approved"}, True),
        (OTHERS, {"verdict": "review"}, None),
        (MASK, {"verdict": "approved"}, True),
    ],
)
def test_a_changed_verdict_says_for_whom(before: dict[str, object], after: dict[str, object], *, for_worse: bool | None) -> None:
    rows = [customer(0, **before), customer(0, **(after if before is DIED else before | after))]
    [change] = compare(*(a_report((row,)) for row in rows)).changes
    assert change.for_worse is for_worse


def test_changed_verdicts_are_listed_by_id_and_say_for_whom() -> None:
    found = compare(a_report(attacks(1, 3)), a_report((*attacks(0, 2), *attacks(1, 1, first=2))))
    assert [(change.id, change.a, change.b, change.for_worse) for change in found.changes] == [
        ("a0", "approved", "refused", False),
        ("a2", "refused", "approved", True),
    ]


def test_decisions_without_a_truth_are_compared_by_their_verdicts() -> None:
    found = compare(a_report(attacks(10, 30, kind=None)), a_report(attacks(25, 30, kind=None)))
    approved = found_in(found, "unlabelled/approved")
    assert approved.is_significant
    assert approved.worse is None
    assert not found.is_worse
    assert {change.for_worse for change in found.changes} == {None}


@pytest.mark.parametrize(
    ("kind", "after", "worse"),
    [
        ({"mated": True, "similarity": 0.9}, 0.1, {"pairs/accept/FNMR"}),
        ({"mated": False, "similarity": 0.1}, 0.9, {"pairs/accept/FMR"}),
        ({"mated": False, "similarity": 0.1, "lookalike": True}, 0.9, {"pairs/accept/FMR look-alikes"}),
        ({"mated": True, "similarity": 0.9}, None, {"pairs/not compared"}),
        ({"mated": False, "similarity": 0.1}, None, {"pairs/not compared"}),
    ],
)
def test_each_rate_of_pairs_that_gets_worse_alone_is_found(kind: dict[str, Any], after: float | None, worse: set[str]) -> None:
    a = tuple(PairRow(number, **kind) for number in range(40))
    b = tuple(PairRow(number, **(kind | ({"similarity": after} if number < 12 else {}))) for number in range(40))
    found, back = (compare(a_report(pairs=one), a_report(pairs=other)) for one, other in ((a, b), (b, a)))
    assert {one.place for one in found.differences if one.is_significant and one.worse} == worse
    assert {one.place for one in back.differences if one.is_significant and one.worse is False} == worse


def test_each_report_is_held_at_its_own_threshold() -> None:
    strict = a_report(pairs=pairs_of([0.5] * 20))
    strict = msgspec.structs.replace(strict, policy=msgspec.structs.replace(strict.policy, accept_min=0.6, digest="other"))
    one = found_in(compare(a_report(pairs=pairs_of([0.5] * 20)), strict), "pairs/accept/FNMR")
    assert (one.only_a, one.only_b, one.worse) == (0, 20, True)


def test_what_else_differs_is_said() -> None:
    a = a_report(attacks(0, 3))
    b = msgspec.structs.replace(a, models={"embedder": "f"}, policy=msgspec.structs.replace(a.policy, digest="other"))
    b = msgspec.structs.replace(b, dataset=msgspec.structs.replace(b.dataset, name="elsewhere"))
    assert compare(a, a).remarks == ()
    names, models, policies = compare(a, b).remarks
    assert names == "the datasets have other names: made and elsewhere"
    assert models == "the models differ"
    assert policies.startswith("the policies differ: ")
    assert policies.endswith("(other)")


def test_pairs_of_the_same_list_are_paired_and_others_are_not() -> None:
    a, b = pairs_of([0.8] * 20), pairs_of([0.8] * 10 + [0.2] * 10)
    assert found_in(compare(a_report(pairs=a), a_report(pairs=b)), "pairs/accept/FNMR").test == "McNemar"
    other = compare(a_report(pairs=a), a_report(pairs=b, pairs_digest="q"))
    assert found_in(other, "pairs/accept/FNMR").test == "Fisher"
    assert "the lists of pairs differ" in " ".join(other.remarks)


def everyone(similar: int, missed: int = 0, *, deviation: float = 0.0, persons: int = 200) -> Report:
    scores = Scores(
        mated=counts_of([0.1] * missed + [0.9] * (1000 - missed)), random=counts_of([0.5] * similar + [0.0] * (10_000 - similar))
    )
    matching = match_rates(
        scores,
        POLICY,
        of="all_pairs",
        failed=rate_of(0, 10),
        spreads=lambda thresholds: Spread([deviation] * len(thresholds), [0.0] * len(thresholds), persons, persons),
    )
    return msgspec.structs.replace(a_report(), matching=() if matching is None else (matching,))


@pytest.mark.parametrize(("b", "worse"), [(everyone(40), "FMR"), (everyone(1, missed=80), "FNMR")])
def test_all_pairs_are_compared_for_what_they_are_worth(b: Report, worse: str) -> None:
    found, back = compare(everyone(1), b), compare(b, everyone(1))
    assert {one.place for one in found.differences if one.is_significant} == {f"all pairs/accept/{worse}"}
    assert found_in(found, f"all pairs/accept/{worse}").test == "Fisher by person"
    assert (found.is_worse, back.is_worse) == (True, False)


def test_all_pairs_of_few_people_or_of_people_who_differ_much_show_no_difference() -> None:
    assert not compare(everyone(1, persons=10), everyone(40, persons=10)).is_worse
    assert not compare(everyone(1, deviation=3e-3), everyone(40, deviation=3e-3)).is_worse


def test_all_pairs_whose_persons_nobody_knows_are_not_tested() -> None:
    scores = Scores(mated=counts_of([0.9]), random=counts_of([0.5] * 400))
    matching = match_rates(scores, POLICY, of="all_pairs", failed=Rate(0, 0))
    unknown = msgspec.structs.replace(a_report(), matching=() if matching is None else (matching,))
    assert compare(everyone(1), unknown).differences == ()


def test_all_pairs_of_other_people_are_not_compared_and_that_is_said() -> None:
    other = everyone(40)
    other = msgspec.structs.replace(other, dataset=msgspec.structs.replace(other.dataset, pairs_digest="q"))
    found = compare(everyone(1), other)
    assert found.differences == ()
    assert "so their rates are not compared" in found.remarks[-1]
