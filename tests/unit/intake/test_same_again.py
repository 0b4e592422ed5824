"""The id rule over HTTP on fakes (invariant I4): the same again, another body, with and without Redis."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from services.intake.known import Sight
from tests.fakes.intake import CLIP, Intake, multipart, until

OTHER = {"clip": ("c.mp4", CLIP + b"another")}


def name_of(answer: httpx.Response) -> str:
    return answer.json()["type"].rsplit(":", 1)[1]


@pytest.mark.parametrize("redis", ["there", "wiped", "away"])
def test_the_same_request_again_gets_the_same_answer_and_is_published_once(redis: str) -> None:
    intake = Intake()
    issued = intake.challenge()
    first = intake.register(issued)
    upset(intake, redis)
    again = intake.register(issued)
    assert (again.status_code, again.content) == (202, first.content)
    assert len(intake.published) == 1
    assert len(intake.stored) == 2
    assert intake.counter("realname_registrations_accepted", operator="north", path="face") == 1


@pytest.mark.parametrize("redis", ["there", "wiped", "away"])
def test_another_body_under_a_known_id_is_refused(redis: str) -> None:
    intake = Intake()
    issued = intake.challenge()
    intake.register(issued)
    upset(intake, redis)
    answer = intake.register(issued, parts=OTHER)
    assert (answer.status_code, name_of(answer)) == (422, "id_already_used")
    assert len(intake.published) == 1
    assert len(intake.stored) == 2
    assert intake.register(issued).status_code == 202, "and the first is still answered as before"


def test_the_same_again_is_answered_so_also_after_the_challenge_expired() -> None:
    intake = Intake()
    issued = intake.challenge()
    first = intake.register(issued)
    intake.pass_time(3600)
    assert intake.register(issued).content == first.content
    intake.scratch.wipe()
    assert intake.register(issued).content == first.content
    assert name_of(intake.register(issued, parts=OTHER)) == "id_already_used"


def test_without_redis_a_registration_is_still_taken_in() -> None:
    intake = Intake()
    intake.scratch.away = True
    issued = intake.challenge()
    assert intake.register(issued).status_code == 202
    assert len(intake.published) == 1


def test_with_redis_there_kafka_is_not_asked() -> None:
    intake = Intake()
    issued = intake.challenge()
    intake.register(issued)
    intake.register(issued)
    intake.register(issued, parts=OTHER)
    assert intake.log.looks == 0


def test_where_neither_redis_nor_kafka_can_say_the_answer_is_503_and_nothing_is_left() -> None:
    intake = Intake()
    issued = intake.challenge()
    intake.scratch.wipe()
    intake.log.silent = True
    answer = intake.register(issued)
    assert name_of(answer) == "ledger_unavailable"
    assert intake.stored == []
    assert intake.scratch.claims == {}


@pytest.mark.parametrize("process", ["the_same", "a_new_one"])
def test_what_was_accepted_while_redis_was_away_is_known_when_it_is_back_with_all_its_marks(process: str) -> None:
    intake = Intake()
    issued = intake.challenge()
    intake.scratch.away = True
    first = intake.register(issued)
    assert first.status_code == 202
    intake.scratch.away = False
    if process == "a_new_one":
        intake.scratch.sight = Sight()
    assert name_of(intake.register(issued, parts=OTHER)) == "id_already_used"
    assert intake.register(issued).content == first.content
    assert len(intake.published) == 1


def test_another_body_that_claimed_the_id_and_died_does_not_take_the_place_of_what_was_accepted_while_redis_was_away() -> None:
    intake = Intake()
    issued = intake.challenge()
    intake.scratch.away = True
    intake.register(issued)
    intake.scratch.away = False
    intake.scratch.claims[issued["id"]] = "f" * 64
    assert intake.register(issued).status_code == 202
    assert len(intake.published) == 1


def test_an_id_that_another_process_is_taking_in_is_not_new_to_one_that_has_just_started() -> None:
    intake = Intake()
    issued = intake.challenge()
    intake.scratch.claims[issued["id"]] = "f" * 64  # and its record is not in Kafka yet
    intake.scratch.sight = Sight()
    assert name_of(intake.register(issued)) == "id_already_used"
    assert intake.published == []
    assert intake.log.looks == 1


def test_a_challenge_of_after_the_gap_needs_no_look_into_kafka() -> None:
    intake = Intake()
    intake.scratch.away = True
    intake.challenge()
    intake.scratch.away = False
    assert intake.register(intake.challenge()).status_code == 202
    assert intake.log.looks == 0


@pytest.mark.parametrize("arrives", [True, False])
def test_after_a_doubtful_publish_the_media_stays_and_repeating_is_safe(arrives: bool) -> None:  # noqa: FBT001 - a case, not a switch
    intake = Intake()
    issued = intake.challenge()
    intake.publisher.outcome, intake.publisher.arrives = "doubtful", arrives
    answer = intake.register(issued)
    assert (answer.status_code, name_of(answer)) == (503, "publish_doubtful")
    assert answer.headers["retry-after"] == "5"
    assert len(intake.stored) == 2
    assert intake.counter("realname_publishes_doubtful") == 1
    assert name_of(intake.register(issued, parts=OTHER)) == "id_already_used", "only the same body may come now"
    intake.publisher.outcome = "acknowledged"
    assert intake.register(issued).status_code == 202
    assert {submitted.id for submitted in intake.published} == {issued["id"]}


def test_a_doubtful_one_that_never_arrived_is_not_taken_in_after_its_challenge_expired() -> None:
    intake = Intake()
    issued = intake.challenge()
    intake.publisher.outcome = "doubtful"
    intake.register(issued)
    intake.publisher.outcome = "acknowledged"
    intake.pass_time(601)
    assert name_of(intake.register(issued)) == "challenge_expired"
    assert intake.published == []


def test_a_doubtful_one_that_did_arrive_is_answered_202_also_after_its_challenge_expired() -> None:
    intake = Intake()
    issued = intake.challenge()
    intake.publisher.outcome, intake.publisher.arrives = "doubtful", True
    intake.register(issued)
    intake.pass_time(601)
    assert intake.register(issued).status_code == 202
    assert len(intake.published) == 1


def test_a_refused_request_frees_its_id_for_another_body() -> None:
    intake = Intake()
    issued = intake.challenge()
    intake.publisher.outcome = "not_sent"
    intake.register(issued)
    intake.publisher.outcome = "acknowledged"
    assert intake.register(issued, parts=OTHER).status_code == 202


def test_a_wrong_claim_after_a_loss_of_redis_does_not_lock_the_right_request_out() -> None:
    intake = Intake()
    issued = intake.challenge()
    intake.register(issued)
    intake.scratch.wipe()
    intake.scratch.claims[issued["id"]] = "f" * 64  # another body claimed it, and its process died before it asked Kafka
    assert intake.register(issued).status_code == 202


def test_of_two_requests_at_once_one_is_taken_in_and_the_other_is_told_to_repeat() -> None:
    intake = Intake()
    issued = intake.challenge()

    async def both() -> list[httpx.Response]:
        intake.publisher.gate = asyncio.Event()
        first = asyncio.create_task(intake.acall("POST", "/v1/registrations", files=multipart(issued)))
        await until(lambda: intake.registering.under_way)
        second = await intake.acall("POST", "/v1/registrations", files=multipart(issued, parts=OTHER))
        intake.publisher.gate.set()
        return [await first, second]

    first, second = asyncio.run(both())
    assert first.status_code == 202
    assert (second.status_code, name_of(second)) == (409, "registration_in_progress")
    assert len(intake.published) == 1
    assert len(intake.stored) == 2


def upset(intake: Intake, redis: str) -> None:
    if redis == "wiped":
        intake.scratch.wipe()
    intake.scratch.away = redis == "away"
