"""The demo: how a case is followed to its end, and how its outcome is shown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from demo.cases import Act, Case, Decided, Refused
from demo.handing_in import hand_in
from demo.table import DemoTable
from realname.reasons import Reason
from services.cli.client import ProblemAnswered, Upload
from services.intake.problems import ProblemDocument
from services.intake.requests import Accepted, ChallengeIssued, ChallengeRequest, StatusAnswer

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ID = "01939f2e-0000-7000-8000-000000000001"


class Counter:
    """An intake that takes the first body under its one id, refuses every other, and approves."""

    def __init__(self) -> None:
        self.taken: Upload | None = None
        self.decided = False

    def challenge(self, request: ChallengeRequest) -> ChallengeIssued:
        expires_at = NOW + timedelta(minutes=5)
        return ChallengeIssued(
            id=ID, challenge="token", path=request.path, actions=("blink",), issued_at=NOW, expires_at=expires_at
        )

    def register(self, upload: Upload) -> Accepted:
        if self.taken not in {None, upload}:
            raise ProblemAnswered(ProblemDocument("urn:realname:problem:id_already_used", "Used", 422, "Ask for another."))
        self.taken = upload
        return Accepted(id=ID, status=f"/v1/registrations/{ID}")

    def follow_on(self, registration_id: str, *, within_s: float) -> Iterator[StatusAnswer]:
        assert within_s > 0
        self.decided = True
        yield StatusAnswer(id=registration_id, step="decided", at=NOW, verdict="approved", reasons=(Reason.ALL_CHECKS_PASSED,))


def a_case(act: Act) -> Case:
    expected = Decided("approved", Reason.ALL_CHECKS_PASSED)
    return Case("one", "a case", "north", expected, lambda _: b"portrait", lambda _: b"clip", act=act)


@pytest.mark.parametrize(
    ("act", "outcome"),
    [
        (Act.ONCE, Decided("approved", Reason.ALL_CHECKS_PASSED)),
        (Act.TWICE, Decided("approved", Reason.ALL_CHECKS_PASSED)),
        (Act.OTHER_BODY, Refused("id_already_used")),
    ],
)
def test_what_was_accepted_is_followed_until_it_is_decided(act: Act, outcome: Decided | Refused) -> None:
    counter = Counter()
    seen = hand_in(a_case(act), counter, Path(), lambda _: None)
    assert seen.outcome == outcome
    assert counter.decided


def test_an_error_is_shown_as_it_is_whatever_brackets_it_has() -> None:
    case, console = a_case(Act.ONCE), Console(width=200)
    table = DemoTable((case,), console)
    table.ended(case, "broken [/] at [bold]one[/bold]")
    with console.capture() as captured:
        console.print(table.live.get_renderable())
    assert "broken [/] at [bold]one[/bold]" in captured.get()
