"""Statuses over HTTP on fakes: read, waited for, streamed; never 404 for an accepted id, never another's."""

from __future__ import annotations

import asyncio
import json

import httpx
import msgspec
import pytest

from realname.messages import RegistrationDecided
from realname.reasons import Reason
from realname.statuses import status_of
from services.intake.auth import Caller
from services.intake.problem_names import Name
from services.intake.problems import Problem
from services.intake.status import status_of_submitted
from tests.builders import a_submission, an_id
from tests.fakes.intake import NOW, Intake, until

NORTH = Caller("north", "x", "*")


def a_decision(registration_id: str) -> RegistrationDecided:
    return RegistrationDecided(
        id=registration_id,
        operator="north",
        store="store-1",
        verdict="approved",
        reasons=(Reason.ALL_CHECKS_PASSED,),
        policy="v1",
        submitted_at=NOW,
        decided_at=NOW,
    )


def accepted(intake: Intake) -> str:
    issued = intake.challenge()
    assert intake.register(issued).status_code == 202
    return issued["id"]


def read(intake: Intake, registration_id: str, query: str = "", **request) -> httpx.Response:
    return intake.call("GET", f"/v1/registrations/{registration_id}{query}", **request)


def events(text: str) -> list[dict]:
    return [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]


def test_an_accepted_registration_is_submitted_at_once() -> None:
    intake = Intake()
    registration_id = accepted(intake)
    answer = read(intake, registration_id)
    assert (answer.status_code, answer.json()["step"]) == (200, "submitted")
    assert answer.headers["cache-control"] == "no-store"
    assert set(answer.json()) == {"id", "step", "at"}, "no operator, no fingerprint"


@pytest.mark.parametrize("redis", ["there", "wiped", "away"])
def test_a_decided_one_is_found_with_and_without_redis(redis: str) -> None:
    intake = Intake()
    registration_id = accepted(intake)
    intake.log.decisions[registration_id] = a_decision(registration_id)
    asyncio.run(intake.scratch.write(status_of(a_decision(registration_id))))
    if redis == "wiped":
        intake.scratch.wipe()
    intake.scratch.away = redis == "away"
    answer = read(intake, registration_id)
    assert (answer.json()["verdict"], answer.json()["reasons"]) == ("approved", ["all_checks_passed"])
    if redis == "wiped":
        assert registration_id in intake.scratch.statuses, "and it stands in Redis again"


def test_an_accepted_id_is_never_404_where_nobody_can_look() -> None:
    intake = Intake()
    registration_id = accepted(intake)
    intake.scratch.wipe()
    intake.log.silent = True
    answer = read(intake, registration_id)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"


def test_another_operators_and_another_stores_id_read_as_an_unknown_one() -> None:
    intake = Intake()
    registration_id = accepted(intake)
    unknown = read(intake, an_id(NOW))
    assert unknown.status_code == 404
    others = [
        read(intake, registration_id, headers={"authorization": f"Bearer {intake.token('harbor')}"}),
        read(intake, registration_id, headers={"authorization": f"Bearer {intake.token(stores=('store-9',))}"}),
        read(intake, registration_id, "/events", headers={"authorization": f"Bearer {intake.token('harbor')}"}),
        read(intake, registration_id, "?wait_s=1", headers={"authorization": f"Bearer {intake.token('harbor')}"}),
        read(intake, "not-an-id"),
        read(intake, registration_id.upper()),
        read(intake, "018f0000-0000-4000-8000-000000000000"),
    ]
    for other in others:
        assert (other.status_code, other.content) == (unknown.status_code, unknown.content)


def test_an_id_from_the_future_is_not_looked_for() -> None:
    intake = Intake()
    future = an_id(NOW.replace(year=2030))
    assert read(intake, future).status_code == 404
    assert intake.log.looks == 0


@pytest.mark.parametrize("wait_s", ["-1", "1.5", "x", "99999", ""])
def test_a_wait_is_whole_seconds(wait_s: str) -> None:
    intake = Intake()
    answer = read(intake, an_id(NOW), f"?wait_s={wait_s}")
    assert (answer.status_code, answer.json()["field"]) == (422, "wait_s")


def test_a_wait_ends_with_the_decision() -> None:
    intake = Intake()
    registration_id = accepted(intake)

    async def wait() -> httpx.Response:
        fan_out = asyncio.create_task(intake.statuses.run())
        asked = asyncio.create_task(intake.acall("GET", f"/v1/registrations/{registration_id}?wait_s=30"))
        await until(lambda: intake.seats.taken and intake.scratch.listeners)
        await intake.scratch.write(status_of(a_decision(registration_id)))
        answer = await asyncio.wait_for(asked, 5)
        fan_out.cancel()
        return answer

    assert asyncio.run(wait()).json()["step"] == "decided"


def test_a_wait_ends_with_the_decision_also_where_the_wake_up_got_lost() -> None:
    intake = Intake()  # nobody runs the fan-out: only the slow poll is left
    registration_id = accepted(intake)

    async def wait() -> object:
        asked = asyncio.create_task(intake.statuses.wait_decided(NORTH, registration_id, 30))
        await until(lambda: intake.seats.taken)
        await intake.scratch.write(status_of(a_decision(registration_id)))
        return await asyncio.wait_for(asked, 5)

    found = asyncio.run(wait())
    assert not isinstance(found, Problem)
    assert found.step == "decided"  # type: ignore[attr-defined]


def test_a_wait_ends_when_its_time_is_up() -> None:
    intake = Intake()
    registration_id = accepted(intake)
    found = asyncio.run(intake.statuses.wait_decided(NORTH, registration_id, 0.02))
    assert not isinstance(found, Problem)
    assert found.step == "submitted"
    assert intake.statuses._waiters == {}


def test_a_stream_tells_each_step_once_and_ends_with_the_decision() -> None:
    intake = Intake()
    submitted = a_submission(an_id(NOW), fingerprint="a" * 64)
    first = status_of_submitted(submitted)

    async def follow() -> bytes:
        await intake.scratch.write(first)
        stream = await intake.statuses.events(NORTH, submitted.id, 0)
        assert not isinstance(stream, Problem)
        seen = b""
        async for piece in stream:
            seen += piece
            if b"submitted" in piece:
                await intake.scratch.write(msgspec.structs.replace(first, step="liveness"))
            if b"liveness" in piece:
                await intake.scratch.write(status_of(a_decision(submitted.id)))
        return seen

    text = asyncio.run(follow()).decode()
    assert [event["step"] for event in events(text)] == ["submitted", "liveness", "decided"]
    assert [line for line in text.splitlines() if line.startswith("id: ")] == ["id: 1", "id: 2", "id: 4"]
    assert text.startswith("retry: ")


def test_a_stream_that_comes_back_goes_on_after_the_last_event_seen() -> None:
    intake = Intake()
    registration_id = accepted(intake)
    asyncio.run(intake.scratch.write(status_of(a_decision(registration_id))))
    whole = read(intake, registration_id, "/events")
    assert whole.headers["content-type"].startswith("text/event-stream")
    assert whole.headers["cache-control"] == "no-store"
    assert whole.headers["x-accel-buffering"] == "no"
    assert [event["step"] for event in events(whole.text)] == ["decided"]
    rest = read(intake, registration_id, "/events", headers={"last-event-id": "1"})
    assert [event["step"] for event in events(rest.text)] == ["decided"]
    done = read(intake, registration_id, "/events", headers={"last-event-id": "4"})
    assert done.status_code == 204, "an EventSource stops asking"


def test_a_quiet_stream_sends_a_comment_line() -> None:
    intake = Intake()
    registration_id = accepted(intake)

    async def first_comment() -> bytes:
        stream = await intake.statuses.events(NORTH, registration_id, 1)
        assert not isinstance(stream, Problem)
        async for piece in stream:
            if piece.startswith(b":"):
                return piece
        raise AssertionError("it ended")

    assert asyncio.run(asyncio.wait_for(first_comment(), 5)).endswith(b"\n\n")


def test_beyond_the_limit_nobody_else_may_wait() -> None:
    intake = Intake()
    registration_id = accepted(intake)
    intake.seats.taken = 3
    refused = Problem(Name.TOO_MANY_WAITING, retry_after_s=2)
    assert asyncio.run(intake.statuses.wait_decided(NORTH, registration_id, 1)) == refused
    assert asyncio.run(intake.statuses.events(NORTH, registration_id, 0)) == refused
    assert read(intake, registration_id).status_code == 200, "asking without waiting is still allowed"
