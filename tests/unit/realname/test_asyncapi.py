from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from realname import envelope
from realname.asyncapi import asyncapi_document, message_schemas, rendered
from realname.topics import all_topics
from tests.transactions import a_decision

COMMITTED = Path(__file__).resolve().parents[3] / "realname" / "asyncapi.json"


def test_the_committed_document_is_what_the_structs_say() -> None:
    assert COMMITTED.read_text("utf-8") == rendered(asyncapi_document()), "run: realname schema > realname/asyncapi.json"


def test_every_reference_leads_somewhere() -> None:
    for document in (asyncapi_document(), message_schemas()):
        plain = json.loads(msgspec.json.encode(document))
        for reference in references(plain):
            found: Any = plain
            for step in reference.removeprefix("#/").split("/"):
                found = found[step]


def test_every_message_on_the_wire_is_in_the_document() -> None:
    names = {message["name"] for message in asyncapi_document()["components"]["messages"].values()}
    assert names == set(envelope._TYPES)


def test_every_topic_that_has_messages_yet_is_in_the_document() -> None:
    addresses = {channel["address"] for channel in asyncapi_document()["channels"].values()}
    declared = {topic.name for topic in all_topics(("{operator}",))}
    assert addresses <= declared
    assert declared - addresses == {"registrations.reviewed", "registrations.erased"}  # their messages come with later issues


def test_every_header_of_a_record_is_described() -> None:
    record = envelope.seal_record(a_decision(), key="k", traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-03")
    headers = asyncapi_document()["components"]["messageTraits"]["cloudEvent"]["headers"]
    assert {name for name, _ in record.headers} == set(headers["properties"])


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [found for each in value.values() for found in references(each)]
    if isinstance(value, list):
        return [found for each in value for found in references(each)]
    return []
