"""A marked registration leaves nothing personal in logs, Kafka, Redis or metrics; planted marks are found in each."""

from __future__ import annotations

import base64
import hashlib
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
import redis
from kafka import KafkaAdminClient, KafkaProducer
from prometheus_client import CollectorRegistry, Counter

from bench import media
from demo.cases import A_SHOWS
from deploy.local.layout import Stack
from deploy.local.processes import ports_of
from deploy.local.topics import create_topics
from models.registry import Models
from realname.health import serve_health
from realname.messages import Challenge, Consent
from realname.policy import load_policy
from realname.settings import Worker, read_settings
from realname.topics import Topic
from services.cli.client import IntakeClient, development_token, upload_of
from services.intake.requests import ChallengeRequest, RegistrationRequest
from tests.eventually import eventually
from tests.integration.leaks import Haystack, Needle, found, keys_of, logs_of, records_of, runs_of, spellings
from tests.integration.monitor import Monitor
from workers.chips import unpack_chip
from workers.decoder.limits import limits_of
from workers.decoder.pool import Decoder
from workers.glimpses import MARK, are_glimpses
from workers.liveness.stage import judge_liveness

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

PERSON_TOKEN = "person-7f3c9a51-leak-search-9e2b"
DOCUMENT_NUMBER = b"110101199003078515-PLANTED-NUMBER"
SHORT_BYTES = 64  # what is not longer is looked for whole
PLANTED_BYTES = 20_000  # of each: holds some of the runs that are looked for
IN_CLIP = b"CLIP-OWNER-13800138000-PLANTED"


class Marked(NamedTuple):
    """A registration whose every personal byte is known."""

    portrait: bytes
    clip: bytes


def planted_comment(jpeg: bytes, comment: bytes) -> bytes:
    """A JPEG with a comment segment right after its start."""
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]


def planted_box(mp4: bytes, content: bytes) -> bytes:
    """An MP4 with a free box at its end."""
    return mp4 + (len(content) + 8).to_bytes(4, "big") + b"free" + content


@pytest.fixture(scope="module")
def marked(media_folder: Path) -> Marked:
    portrait = planted_comment(media.portrait(media_folder, media.A_PORTRAIT), DOCUMENT_NUMBER)
    return Marked(portrait, planted_box(media.cut(media_folder, media.A_BLINK_TURN_BLINK), IN_CLIP))


@pytest.fixture(scope="module")
def real_decoder() -> Iterator[Decoder]:
    decoder = Decoder(limits_of(read_settings(Worker, {})), children=1, died=lambda _cause: None)
    yield decoder
    decoder.close()


@pytest.fixture(scope="module")
def personal(marked: Marked, real_models: Models, real_decoder: Decoder) -> dict[str, bytes]:
    """Everything personal of the marked registration, by what it is."""
    policy = load_policy("development")
    clip = real_decoder.decode_clip(marked.clip, policy.clip.process_hz_min)
    challenge = Challenge(actions=("blink", "turn_left"), issued_at=datetime.now(UTC))
    packed = judge_liveness(clip, challenge, real_models, policy).chips
    chips = [unpack_chip(chip) for chip in packed if not are_glimpses(chip)]
    (glimpses,) = (chip for chip in packed if are_glimpses(chip))
    assert chips
    found_in_it = {"clip": marked.clip, "portrait": marked.portrait, "glimpses": glimpses.removeprefix(MARK)}
    for number, chip in enumerate(chips):
        for row in (20, 56, 90):
            found_in_it[f"chip {number} row {row} BGR"] = chip[row].tobytes()
            found_in_it[f"chip {number} row {row} RGB"] = chip[row, :, ::-1].tobytes()
        found_in_it[f"embedding {number}"] = real_models.embedder.embed(chip[None])[0].tobytes()
    found_in_it |= {"person token": PERSON_TOKEN.encode(), "number in portrait": DOCUMENT_NUMBER, "number in clip": IN_CLIP}
    for what, content in (("clip", marked.clip), ("portrait", marked.portrait)):
        found_in_it[f"digest of {what}"] = hashlib.sha256(content).digest()
    return found_in_it


@pytest.fixture(scope="module")
def needles(personal: dict[str, bytes]) -> list[Needle]:
    """Runs of what is long, all of what is short, in every spelling."""
    return [
        needle
        for what, content in personal.items()
        for needle in (spellings(what, content) if len(content) <= SHORT_BYTES else runs_of(what, content))
    ]


@pytest.fixture(scope="module")
def passed_through_redis(stack: Stack, marked: Marked) -> bytes:
    """Hand the marked registration in and see it decided; all that went through Redis meanwhile."""
    client = IntakeClient(stack.intake_url, development_token(stack.keys, "north"))
    with Monitor(stack.ports.valkey) as monitor:
        decided = hand_in_marked(client, marked)
        eventually(lambda: client.status(decided).step == "decided", within_s=60)
    client.close()
    return monitor.seen()


def hand_in_marked(client: IntakeClient, marked: Marked) -> str:
    asked = ChallengeRequest(store="leak-store", terminal="leak-till", person_token=PERSON_TOKEN)
    challenge = client.challenge(asked)
    while challenge.actions not in A_SHOWS:
        challenge = client.challenge(asked)
    request = RegistrationRequest(
        challenge=challenge.challenge,
        store="leak-store",
        terminal="leak-till",
        person_token=PERSON_TOKEN,
        purpose="mobile",
        lines_held=0,
        consent=Consent(reference="c-1", given_at=datetime.now(UTC), text_version="1", language="zh"),
        portrait_source="document_photo",
    )
    return client.register(upload_of(request, marked.portrait, marked.clip)).id


def metrics_at(ports: dict[str, int]) -> Iterator[Haystack]:
    for name, port in ports.items():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            yield Haystack(f"metrics {name}", answer.read())


def metrics_of(stack: Stack) -> Iterator[Haystack]:
    return metrics_at({name: port for name, port in ports_of(stack).items() if name not in {"kafka", "valkey"}})


def test_a_marked_registration_is_found_nowhere(stack, needles, passed_through_redis):
    places = [
        *logs_of(stack.logs),
        *records_of(stack.kafka),
        *keys_of(stack.redis),
        Haystack("redis traffic", passed_through_redis),
        *metrics_of(stack),
    ]
    kinds = {place.where.split()[0] for place in places}
    assert {"log", "topic", "redis", "metrics"} <= kinds, "every kind of place was searched"
    assert found(needles, places) == []


def test_the_search_reached_what_the_registration_did_leave(stack, passed_through_redis):
    """The job, its result and the store's name did pass through Redis and Kafka: the search looked at the right places."""
    assert passed_through_redis.count(b"realname.liveness") >= 1
    assert passed_through_redis.count(b"realname.stage.result") >= 1
    assert found([Needle("store", "plain", b"leak-store")], records_of(stack.kafka))


SPELL = {"plain": bytes, "hex": lambda raw: raw.hex().encode(), "base64": base64.b64encode}


@pytest.mark.parametrize("spelling", SPELL)
def test_what_is_planted_on_purpose_is_found_in_each_place(stack, needles, personal, spelling, prefix):
    """Each kind of personal bytes, in each spelling, in each kind of place: else the search above proves nothing."""
    secrets = {what: SPELL[spelling](content[:PLANTED_BYTES]) for what, content in personal.items()}
    planted = b"|".join(secrets.values())
    with planted_in(stack, prefix, planted) as places:
        for place in places:
            seen = found(needles, [place])
            for what in secrets:
                kinds = [each for each in seen if each.startswith(what)]
                assert kinds, f"{what} ({spelling}) in {place.where}"


@contextmanager
def planted_in(stack: Stack, prefix: str, planted: bytes) -> Iterator[list[Haystack]]:
    """Put it into a log, a topic, a Redis key and a metric's label; give what the searches see there; take it away again."""
    topic, log, label = f"{prefix}planted", stack.logs / "planted.log", planted.decode("latin-1")
    registry = CollectorRegistry()
    Counter("planted", "Planted on purpose", ["label"], registry=registry).labels(label).inc()
    log.write_bytes(b'{"event": "' + planted + b'"}\n')
    create_topics(stack.kafka, (Topic(topic, 1, 3_600_000),))
    producer = KafkaProducer(bootstrap_servers=stack.kafka)
    producer.send(topic, value=b"{" + planted + b"}").get(10)
    producer.close()
    server = serve_health(0, registry, alive=lambda: None, ready=lambda: None)
    client = redis.Redis.from_url(stack.redis)
    with Monitor(stack.ports.valkey) as monitor:
        client.xadd(topic, {"entry": planted})
    try:
        yield [
            *(place for place in logs_of(stack.logs) if "planted" in place.where),
            *(place for place in records_of(stack.kafka) if "planted" in place.where),
            *(place for place in keys_of(stack.redis) if "planted" in place.where),
            Haystack("redis traffic", monitor.seen()),
            *(as_sent(place) for place in metrics_at({"planted": server.server_address[1]})),
        ]
    finally:
        server.shutdown()
        log.unlink()
        client.delete(topic)
        client.close()
        admin = KafkaAdminClient(bootstrap_servers=stack.kafka)
        admin.delete_topics([topic])
        eventually(lambda: topic not in admin.list_topics(), within_s=10)
        admin.close()


def as_sent(place: Haystack) -> Haystack:
    """Raw bytes as a label came through latin-1: undo what the exposition format escaped and encoded."""
    text = place.content.decode().replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")
    return Haystack(place.where, text.encode("latin-1", "replace"))
