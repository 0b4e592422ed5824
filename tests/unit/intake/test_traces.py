"""A trace goes with a registration; whatever else a client puts into that header goes nowhere (I7, I8)."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from realname.metrics import Metrics
from services.intake.app import build_app
from services.intake.problem_names import Name
from services.intake.problems import Problem, Refused
from services.intake.registering import Call
from services.intake.routes import Desk
from tests.fakes.intake import Intake, multipart

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
NOT_ONE = ["", "Wang Xiaoming 110101199003070012", TRACE + "-" + "a" * 300_000, TRACE.upper(), TRACE + "\t;x", "00-1-2-03"]


class Listener:
    """Stands where Registering stands, and keeps what the route gave it."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def create_registration(self, call: Call) -> None:
        self.calls.append(call)
        raise Refused(Problem(Name.TOKEN_MISSING))


def heard(traceparent: str) -> str | None:
    """What comes through the route."""
    listener, absent = Listener(), Any
    desk = Desk(absent, absent, listener, absent, absent, Metrics("intake"), lambda: None, 30, {})  # type: ignore[arg-type]

    async def post() -> None:
        transport = httpx.ASGITransport(app=build_app(desk))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://intake") as client:
            await client.post("/v1/registrations", headers={"traceparent": traceparent})

    asyncio.run(post())
    [call] = listener.calls
    return call.traceparent


def test_a_trace_is_carried_on() -> None:
    intake = Intake()
    assert heard(TRACE) == TRACE
    intake.call("POST", "/v1/registrations", files=multipart(intake.challenge()), headers={"traceparent": TRACE})
    [(_, record)] = intake.publisher.records
    assert ("traceparent", TRACE.encode()) in record.headers


@pytest.mark.parametrize("text", NOT_ONE, ids=range(len(NOT_ONE)))
def test_what_is_no_trace_ends_at_the_door_and_the_registration_does_not(text: str) -> None:
    intake = Intake()
    assert heard(text) is None
    answer = intake.call("POST", "/v1/registrations", files=multipart(intake.challenge()), headers={"traceparent": text})
    assert answer.status_code == 202
    [(_, record)] = intake.publisher.records
    assert "traceparent" not in dict(record.headers)
    assert sum(len(value) for _, value in record.headers) < 300
