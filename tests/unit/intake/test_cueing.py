"""Cues over HTTP on fakes: each at its time and never before, the digest, and the registration that needs its receipt."""

from __future__ import annotations

import asyncio
import base64
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from services.intake.problems import Refused
from tests.fakes.intake import CLIP, CUE_BOUNDS, NOW, Intake, a_challenge_request, events_of, until

OTHER = CLIP + b"another"


def name_of(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.json()["type"].rsplit(":", 1)[1]


def cued(intake: Intake, *, clip: bytes = CLIP) -> tuple[dict[str, Any], str]:
    """A challenge whose cues were shown, and the receipt for that clip."""
    issued = intake.challenge(cues=True)
    intake.cues(issued)
    return issued, intake.announce(issued, clip=clip).json()["digest_receipt"]


def nothing_is_left(intake: Intake) -> bool:
    return intake.stored == [] and intake.published == [] and intake.scratch.claims == {}


def readable(token: str) -> str:
    """Everything that anyone can read in a token, with what may be packed into it once more."""
    parts = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")[:2]]
    return b"".join(parts).decode()


# Issuing.


def test_the_answer_and_its_token_show_no_action() -> None:
    intake = Intake()
    for _ in range(50):
        issued = intake.challenge(cues=True)
        assert issued["actions"] == []
        assert issued["cues"] == f"/v1/challenges/{issued['id']}/cues"
        for text in (str(issued), readable(issued["challenge"])):
            assert not [action for action in ("blink", "turn", "left", "right") if action in text]
    assert intake.counter("realname_challenges_issued", operator="north", cues="yes") == 50


def test_answers_are_of_one_length_so_it_does_not_tell_how_many_cues_come() -> None:
    intake = Intake()
    assert len({len(intake.challenge(cues=True)["challenge"]) for _ in range(60)}) == 1


def test_a_challenge_without_cues_is_as_before() -> None:
    intake = Intake()
    issued = intake.challenge()
    assert issued["actions"]
    assert issued["cues"] is None
    assert intake.register(issued).status_code == 202
    [submitted] = intake.published
    assert (submitted.challenge.cues_at_s, submitted.challenge.clip_started_at_s) == ((), None)
    assert intake.counter("realname_challenges_issued", operator="north", cues="no") == 1


@pytest.mark.parametrize(("changes", "field"), [({"path": "referee"}, "cues"), ({"lifetime_s": 12}, "lifetime_s")])
def test_cues_need_a_face_and_time_enough_for_them(changes: dict[str, Any], field: str) -> None:
    answer = Intake().call("POST", "/v1/challenges", json=a_challenge_request(cues=True, **changes))
    assert (name_of(answer), answer.json()["field"]) == ("field_invalid", field)


# The stream.


def test_each_cue_comes_at_its_time_and_the_clock_at_once() -> None:
    intake = Intake()
    issued = intake.challenge(cues=True)
    intake.pass_time(0.125)

    async def follow() -> list[tuple[datetime, bytes]]:
        events = await intake.cueing.follow_cues(intake.headers["authorization"], issued["id"], issued["challenge"])
        return [(intake.now, event) async for event in events]

    seen = [(at, event) for at, text in asyncio.run(follow()) for event in events_of(text.decode())]
    (at, (first, clock)), *cues, (ended_at, (last, end)) = seen
    assert (first, clock["now_s"], at) == ("clock", 0.125, NOW + timedelta(seconds=0.125))
    assert [name for _, (name, _) in cues] == ["cue"] * len(cues)
    assert [cue["index"] for _, (_, cue) in cues] == list(range(len(cues))) in ([0, 1], [0, 1, 2])
    for released_at, (_, cue) in cues:
        assert 0 <= (released_at - NOW).total_seconds() - cue["at_s"] < 0.001
    assert (last, ended_at) == ("end", cues[-1][0])
    assert end["digest_until_s"] == pytest.approx(cues[-1][1][1]["at_s"] + 5.0)
    assert intake.metrics.registry.get_sample_value("realname_cue_late_seconds_count") == len(cues)


def test_while_nothing_is_due_the_stream_says_that_it_is_there() -> None:
    intake = Intake()
    answer = intake.cues(intake.challenge(cues=True))
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert ": still here\n\n" in answer.text


def test_a_stream_opened_again_or_late_shows_the_same_cues_at_once() -> None:
    intake = Intake()
    issued = intake.challenge(cues=True)
    first = events_of(intake.cues(issued).text)
    ended_at = intake.now
    again = events_of(intake.cues(issued).text)
    assert again[1:] == first[1:]
    assert intake.now == ended_at, "nothing had to be waited for"
    assert again[0][1]["now_s"] > first[0][1]["now_s"]


def test_no_other_call_shows_an_action_before_its_time() -> None:
    intake = Intake()
    issued = intake.challenge(cues=True)
    answers = [intake.announce(issued), intake.register(issued), intake.call("GET", f"/v1/registrations/{issued['id']}")]
    assert not [action for answer in answers for action in ("blink", "turn_") if action in answer.text]
    assert name_of(answers[0]) == "digest_early"
    assert "retry-after" not in answers[0].headers, "it would say when the last cue comes"
    assert nothing_is_left(intake)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("no token", "challenge_invalid"),
        ("other id", "challenge_mismatch"),
        ("other operator", "challenge_invalid"),
        ("other store", "store_not_allowed"),
        ("no caller", "token_missing"),
        ("expired", "challenge_expired"),
        ("no cues", "challenge_without_cues"),
        ("full", "too_many_waiting"),
    ],
)
def test_a_stream_is_refused_with_its_problem(change: str, name: str) -> None:
    intake = Intake()
    issued = intake.challenge(cues=change != "no cues")
    request: dict[str, Any] = {
        "no token": {"realname-challenge": ""},
        "other operator": {"authorization": f"Bearer {intake.token('harbor')}"},
        "other store": {"authorization": f"Bearer {intake.token(stores=('store-9',))}"},
        "no caller": {"authorization": ""},
    }.get(change, {})
    if change == "other id":
        issued["id"] = intake.challenge(cues=True)["id"]
    if change == "expired":
        intake.pass_time(601)
    intake.seats.taken = 3 if change == "full" else 0
    answer = intake.cues(issued, headers=request)
    assert name_of(answer) == name
    assert "cue" not in [event for event, _ in events_of(answer.text)]


def test_a_stream_takes_one_seat_and_gives_it_back_when_its_reader_goes() -> None:
    intake = Intake()
    issued = intake.challenge(cues=True)

    async def open_and_leave() -> None:
        events: Any = await intake.cueing.follow_cues(intake.headers["authorization"], issued["id"], issued["challenge"])
        await anext(events)
        assert intake.seats.taken == 1
        await events.aclose()

    asyncio.run(open_and_leave())
    assert intake.seats.taken == 0


# The digest.


def test_a_digest_after_the_last_cue_gets_a_receipt() -> None:
    intake = Intake()
    issued = intake.challenge(cues=True)
    intake.cues(issued)
    intake.pass_time(2.0)
    answer = intake.announce(issued)
    assert answer.status_code == 201
    assert answer.json()["digest_at_s"] == pytest.approx((intake.now - NOW).total_seconds(), abs=0.001)
    assert intake.counter("realname_digests", operator="north", outcome="ok") == 1
    assert intake.metrics.registry.get_sample_value("realname_digest_wait_seconds_sum") == pytest.approx(2.0, abs=0.002)


@pytest.mark.parametrize(
    ("waited_s", "changes", "name"),
    [
        (5.1, {}, "digest_late"),
        (601, {}, "challenge_expired"),
        (1, {"challenge": "x" * 40}, "challenge_invalid"),
        (1, {"clip_started_at_s": 2.6}, "clip_start_wrong"),
        (1, {"clip_started_at_s": -0.6}, "clip_start_wrong"),
        (1, {"clip_started_at_s": 1e9}, "field_invalid"),
        (1, {"clip_sha256": "abc"}, "field_invalid"),
        (1, {"more": 1}, "field_unknown"),
    ],
)
def test_a_digest_is_refused_with_its_problem(waited_s: float, changes: dict[str, Any], name: str) -> None:
    intake = Intake()
    issued = intake.challenge(cues=True)
    intake.cues(issued)
    intake.pass_time(waited_s)
    assert name_of(intake.announce(issued, **changes)) == name
    assert intake.counter("realname_digests", operator="north", outcome=name) == 1


def test_a_digest_for_another_address_store_or_kind_of_challenge_is_refused() -> None:
    intake = Intake()
    issued, other, plain = intake.challenge(cues=True), intake.challenge(cues=True), intake.challenge()
    intake.pass_time(9.0)
    assert name_of(intake.announce(issued, challenge=other["challenge"])) == "challenge_mismatch"
    assert name_of(intake.announce(plain)) == "challenge_without_cues"
    intake.headers = {"authorization": f"Bearer {intake.token(stores=('store-9',))}"}
    assert name_of(intake.announce(issued)) == "store_not_allowed"


def test_a_digest_whose_body_ends_late_is_late() -> None:
    intake = Intake()
    issued = intake.challenge(cues=True)
    intake.cues(issued)

    async def slowly() -> Any:
        yield b'{"challenge": "' + issued["challenge"].encode() + b'", "clip_sha256": "'
        intake.pass_time(CUE_BOUNDS.digest_within_s + 0.1)
        yield b"a" * 64 + b'", "clip_started_at_s": 0}'

    answer = intake.call("POST", f"/v1/challenges/{issued['id']}/digest", content=slowly())
    assert name_of(answer) == "digest_late"


# The registration.


def test_a_registration_with_its_receipt_is_published_with_all_times() -> None:
    intake = Intake()
    issued = intake.challenge(cues=True)
    cues = [cue for name, cue in events_of(intake.cues(issued).text) if name == "cue"]
    taken = intake.announce(issued).json()
    assert intake.register(issued, digest_receipt=taken["digest_receipt"]).status_code == 202
    [submitted] = intake.published
    met = submitted.challenge
    assert met.actions == tuple(cue["action"] for cue in cues)
    assert met.cues_at_s == tuple(cue["at_s"] for cue in cues)
    assert (met.clip_started_at_s, met.digest_at_s) == (0.25, taken["digest_at_s"])
    assert met.issued_at == datetime.fromisoformat(issued["issued_at"])


@pytest.mark.parametrize(
    ("change", "name", "field"),
    [
        ("no receipt", "receipt_missing", "digest_receipt"),
        ("other id", "receipt_invalid", "digest_receipt"),
        ("a challenge", "receipt_invalid", "digest_receipt"),
        ("other clip", "clip_not_as_announced", "clip"),
        ("null", "field_invalid", "digest_receipt"),
    ],
)
def test_a_registration_without_its_own_receipt_leaves_nothing(change: str, name: str, field: str) -> None:
    intake = Intake()
    (issued, receipt), (_, foreign) = cued(intake), cued(intake)
    sent = {"no receipt": ..., "other id": foreign, "a challenge": issued["challenge"], "null": None}.get(change, receipt)
    parts = {"clip": ("c.mp4", OTHER)} if change == "other clip" else {}
    answer = intake.register(issued, parts=parts, digest_receipt=sent)
    assert (answer.status_code, name_of(answer), answer.json()["field"]) == (422, name, field)
    assert nothing_is_left(intake)
    assert intake.register(issued, digest_receipt=receipt).status_code == 202, "the right request may still come"


def test_a_receipt_with_a_challenge_without_cues_is_refused() -> None:
    intake = Intake()
    _, receipt = cued(intake)
    assert name_of(intake.register(intake.challenge(), digest_receipt=receipt)) == "challenge_without_cues"
    assert nothing_is_left(intake)


@pytest.mark.parametrize("redis", ["there", "wiped", "away"])
def test_the_same_cued_request_again_gets_the_same_answer_also_when_all_is_expired(redis: str) -> None:
    intake = Intake()
    issued, receipt = cued(intake)
    first = intake.register(issued, digest_receipt=receipt)
    intake.pass_time(3600)
    if redis == "wiped":
        intake.scratch.wipe()
    intake.scratch.away = redis == "away"
    again = intake.register(issued, digest_receipt=receipt)
    assert (again.status_code, again.content) == (202, first.content)
    assert len(intake.published) == 1


def test_another_clip_with_a_receipt_of_its_own_is_another_body() -> None:
    intake = Intake()
    issued, receipt = cued(intake)
    other = intake.announce(issued, clip=OTHER).json()["digest_receipt"]
    assert intake.register(issued, digest_receipt=receipt).status_code == 202
    answer = intake.register(issued, parts={"clip": ("c.mp4", OTHER)}, digest_receipt=other)
    assert name_of(answer) == "id_already_used"
    assert len(intake.published) == 1


def test_a_clip_may_follow_its_digest_as_long_as_the_challenge_lives() -> None:
    intake = Intake()
    (early, in_time), (late, too_late) = cued(intake), cued(intake)
    intake.pass_time(550)
    assert intake.register(early, digest_receipt=in_time).status_code == 202
    intake.pass_time(60)
    assert name_of(intake.register(late, digest_receipt=too_late)) == "challenge_expired"


def test_cues_do_not_lean_on_redis() -> None:
    intake = Intake()
    intake.scratch.away = True
    issued, receipt = cued(intake)
    assert intake.register(issued, digest_receipt=receipt).status_code == 202


def test_a_waiting_stream_counts_beside_those_who_wait_for_a_status() -> None:
    intake = Intake()
    issued = intake.challenge(cues=True)

    async def fill() -> None:
        arguments = (intake.headers["authorization"], issued["id"], issued["challenge"])
        streams: list[Any] = [await intake.cueing.follow_cues(*arguments) for _ in range(3)]
        for stream in streams:
            await anext(stream)
        with pytest.raises(Refused, match="too_many_waiting"):
            await intake.cueing.follow_cues(*arguments)
        for stream in streams:
            await stream.aclose()
        await until(lambda: intake.seats.taken == 0)

    asyncio.run(fill())
