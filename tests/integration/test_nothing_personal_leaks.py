"""A marked registration leaves nothing personal in logs, Kafka, Redis or metrics; planted marks are found in each."""

from __future__ import annotations

import hashlib
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
import redis
from kafka import KafkaAdminClient, KafkaProducer

from bench import media
from demo.cases import A_SHOWS
from deploy.local.layout import Stack
from deploy.local.processes import ports_of
from deploy.local.topics import create_topics
from models.registry import Models
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
from workers.liveness.stage import judge_liveness

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

PERSON_TOKEN = "person-7f3c9a51-leak-search-9e2b"
DOCUMENT_NUMBER = b"110101199003078515-PLANTED-NUMBER"
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
def needles(marked: Marked, real_models: Models, real_decoder: Decoder) -> list[Needle]:
    """Uploaded bytes, pixel rows of the chips, embeddings, plaintext digests, tokens and numbers, in every spelling."""
    policy = load_policy("development")
    clip = real_decoder.decode_clip(marked.clip, policy.clip.process_hz_min)
    challenge = Challenge(actions=("blink", "turn_left"), issued_at=datetime.now(UTC))
    chips = [unpack_chip(chip) for chip in judge_liveness(clip, challenge, real_models, policy).chips]
    assert chips
    wanted = [*runs_of("clip", marked.clip), *runs_of("portrait", marked.portrait)]
    for number, chip in enumerate(chips):
        for row in (20, 56, 90):
            wanted += runs_of(f"chip {number} row {row} BGR", chip[row].tobytes(), count=3)
            wanted += runs_of(f"chip {number} row {row} RGB", chip[row, :, ::-1].tobytes(), count=3)
        wanted += runs_of(f"embedding {number}", real_models.embedder.embed(chip[None])[0].tobytes(), count=4)
    secrets = {"person token": PERSON_TOKEN.encode(), "number in portrait": DOCUMENT_NUMBER, "number in clip": IN_CLIP}
    for what, content in (("clip", marked.clip), ("portrait", marked.portrait)):
        secrets[f"digest of {what}"] = hashlib.sha256(content).digest()
    return wanted + [needle for what, content in secrets.items() for needle in spellings(what, content)]


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


def metrics_of(stack: Stack) -> Iterator[Haystack]:
    for name, port in ports_of(stack).items():
        if name not in {"kafka", "valkey"}:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                yield Haystack(f"metrics {name}", answer.read())


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
    """The sealed chips and the store's name did pass through Redis and Kafka: the search looked at the right places."""
    assert passed_through_redis.count(b"realname.matching") >= 1
    assert found([Needle("store", "plain", b"leak-store")], records_of(stack.kafka))


@pytest.mark.parametrize("spell", [bytes, lambda raw: raw.hex().encode()], ids=["plain", "hex"])
def test_what_is_planted_on_purpose_is_found_in_each_place(stack, needles, marked, spell, prefix):
    secret = spell(marked.clip[3000:23000])  # holds some of the runs that are looked for
    with (stack.logs / "planted.log").open("ab") as log:
        log.write(b'{"event": "' + secret + b'"}\n')
    create_topics(stack.kafka, (Topic(f"{prefix}planted", 1, 3_600_000),))
    producer = KafkaProducer(bootstrap_servers=stack.kafka)
    producer.send(f"{prefix}planted", value=b"{" + secret + b"}").get(10)
    producer.close()
    with Monitor(stack.ports.valkey) as monitor:
        client = redis.Redis.from_url(stack.redis)
        client.xadd(f"{prefix}planted", {"entry": secret})
        client.close()
    try:
        assert found(needles, logs_of(stack.logs))
        assert found(needles, records_of(stack.kafka))
        assert found(needles, keys_of(stack.redis))
        assert found(needles, [Haystack("redis traffic", monitor.seen())])
        assert found(needles, [Haystack("metrics", b'x{label="' + secret + b'"} 1')])
    finally:
        (stack.logs / "planted.log").unlink()
        admin = KafkaAdminClient(bootstrap_servers=stack.kafka)
        admin.delete_topics([f"{prefix}planted"])
        eventually(lambda: f"{prefix}planted" not in admin.list_topics(), within_s=10)
        admin.close()
        with redis.Redis.from_url(stack.redis) as client:
            client.delete(f"{prefix}planted")
