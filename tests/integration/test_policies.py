"""Activations on the running stack: signed, followed by dispatchers and workers, tried beside the live one, undone."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.presentations.recorder import record
from bench.presentations.shots import shot_of
from demo.cases import A_IN_TIME, CASES, Case, Decided
from demo.handing_in import Seen, hand_in
from deploy.local.layout import Stack
from realname.errors import RealnameError
from realname.messages import RegistrationDecided
from realname.reasons import Reason
from realname.topics import DECIDED, decisions_of
from services.cli import shadow_report
from services.cli.client import IntakeClient, development_token
from services.cli.policy import activate
from tests.eventually import eventually
from tests.topics_read import read_whole
from workers.evaluation.compare import compare
from workers.evaluation.report import decode

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

OPERATOR = "summit"  # the other tests of this stack leave it alone
GENUINE = next(case for case in CASES if case.name == "genuine-a")._replace(operator=OPERATOR)
STRICTER = "inherits = 'development'\nversion = 'stricter'\n[rules]\nlines_held_max = 4\n"
# The same two people are filmed for every test: what was seen before is here only noted. All else is production's.
PRODUCTION = """
inherits = 'production'
version = 'production-here'
[effects]
clip_seen_before = 'note'
motion_seen_before = 'note'
"""
CUED = next(case for case in CASES if case.name == "cued")._replace(operator=OPERATOR)
CANDIDATE = "inherits = 'production'\nversion = 'candidate'\n"


@pytest.fixture
def policies(tmp_path: Path) -> tuple[str, str]:
    """Two policy files."""
    for name, text in (("stricter", STRICTER), ("candidate", CANDIDATE)):
        (tmp_path / f"{name}.toml").write_text(text)
    return str(tmp_path / "stricter.toml"), str(tmp_path / "candidate.toml")


def judged(stack: Stack, media_folder: Path, policy: str, case: Case = GENUINE) -> RegistrationDecided:
    """A case handed in until it is decided by this policy: dispatchers follow within a second or two."""
    found: list[RegistrationDecided] = []

    def by_it() -> bool:
        found.append(decision_of(stack, handed_in(stack, media_folder, case)))
        return found[-1].policy == policy

    eventually(by_it, within_s=60)
    return found[-1]


def handed_in(stack: Stack, media_folder: Path, case: Case) -> Seen:
    client = IntakeClient(stack.intake_url, development_token(stack.keys, OPERATOR))
    return hand_in(case, client, media_folder, lambda _step: None)


def decision_of(stack: Stack, seen: Seen) -> RegistrationDecided:
    [decided] = [each for each in read_whole(stack.kafka, DECIDED) if each.id == seen.registration_id]
    return decided


def test_an_activated_policy_judges_a_candidate_is_tried_beside_it_and_both_can_be_undone(
    stack: Stack, media_folder: Path, policies: tuple[str, str], tmp_path: Path
) -> None:
    stricter, candidate = policies
    told = {"operator": OPERATOR, "state": Path(stack.state)}
    activate(stricter, why="a test", shadow=candidate, share=1.0, weakens=True, **told)

    seen = judged(stack, media_folder, "stricter")

    assert seen.shadow is not None
    assert (seen.shadow.policy, seen.shadow.profile, seen.shadow.failure) == ("candidate", "default", None)
    assert Reason.NO_CUES in seen.shadow.reasons
    assert seen.shadow.scores == seen.scores
    shown = [each for each in read_whole(stack.kafka, decisions_of(OPERATOR)) if each.id == seen.id]
    assert [each.shadow for each in shown] == [None]

    shadow_report.command(operator=OPERATOR, state=Path(stack.state), out=tmp_path / "shadow")
    live, tried = (decode((tmp_path / "shadow" / name).read_bytes(), name) for name in ("live.json", "shadow.json"))
    found = compare(live, tried)
    assert (live.policy.version, tried.policy.version) == ("stricter", "candidate")
    assert seen.id in {change.id for change in found.changes}
    assert found.common == len(live.rows) >= 1

    activate(why="it was too strict", revert=True, **told)
    back = judged(stack, media_folder, "v2-development")
    assert Decided(back.verdict, back.reasons[0]) == GENUINE.expected
    assert back.shadow is None


def test_productions_rules_approve_a_cued_visit_and_hand_the_same_clip_without_cues_to_a_person(
    stack: Stack, media_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "production.toml").write_text(PRODUCTION)
    told = {"operator": OPERATOR, "state": Path(stack.state)}
    activate(str(tmp_path / "production.toml"), why="a test", weakens=True, **told)

    finished = CUED._replace(
        filmed=None, clip=lambda folder: record(shot_of(folder, A_IN_TIME.piece)), shows=(("turn_left", "blink"),)
    )
    without = judged(stack, media_folder, "production-here", finished)
    assert (without.verdict, without.reasons) == ("review", (Reason.NO_CUES,))

    cued = decision_of(stack, handed_in(stack, media_folder, CUED))
    assert (cued.policy, cued.verdict, cued.reasons) == ("production-here", "approved", (Reason.ALL_CHECKS_PASSED,))
    assert cued.liveness is not None
    assert [(trace.seen, trace.cause) for trace in cued.liveness.actions] == [(True, None), (True, None)]
    assert cued.liveness.signs == ()

    activate(why="the test is over", revert=True, **told)
    judged(stack, media_folder, "v2-development")


def test_a_key_of_another_operator_activates_nothing(stack: Stack) -> None:
    with pytest.raises(RealnameError, match="unknown_signer"):
        activate("production", why="a test", operator=OPERATOR, key=stack.keys / "north.policy.jwk.json", state=Path(stack.state))
