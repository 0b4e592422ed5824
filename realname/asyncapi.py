"""Pure: the AsyncAPI 3 document of the topics, out of the same structs that are on the wire.

The committed realname/asyncapi.json is this document; a test fails where it is stale. `realname schema` prints it anew.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from realname import topics
from realname.activation import PolicyActivated
from realname.envelope import SOURCE, AnyMessage
from realname.messages import RecordParked, RegistrationDecided, RegistrationSubmitted

VERSION = "3.0.0"  # of AsyncAPI
_REF = "#/components/schemas/{name}"
_OPERATOR = "{operator}"


class Channel(NamedTuple):
    """One topic and what is on it. sender: who alone writes it; receivers: who reads it, from which group (None: no group)."""

    name: str
    topic: topics.Topic
    messages: tuple[type[AnyMessage], ...]
    text: str
    sender: str
    receivers: tuple[tuple[str, str | None], ...]


def asyncapi_document() -> dict[str, Any]:
    """The document, as JSON values. decisions.<operator> stands once, with the operator as a parameter."""
    channels = _channels()
    kinds = {kind.__name__: kind for channel in channels for kind in channel.messages}
    _, schemas = msgspec.json.schema_components(kinds.values(), ref_template=_REF)
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "realname",
            "version": "1",
            "description": "Face-checked registrations on Kafka: what goes in and the one decision that comes out. "
            "Readers must be read_committed: decisions are written in transactions.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {channel.name: _channel(channel) for channel in channels},
        "operations": dict(pair for channel in channels for pair in _operations(channel)),
        "components": {
            "messages": {name: _message(kind) for name, kind in kinds.items()},
            "schemas": schemas,
            "messageTraits": {"cloudEvent": {"headers": _headers()}},
        },
    }


def message_schemas() -> dict[str, Any]:
    """One JSON Schema (2020-12) for all messages, each under its name in $defs."""
    kinds = (RegistrationSubmitted, RegistrationDecided, RecordParked, PolicyActivated)
    roots, definitions = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    return {
        "title": "realname: every message on Kafka, told apart by its type (JSON Schema 2020-12)",
        "oneOf": list(roots),
        "$defs": definitions,
    }


def rendered(document: dict[str, Any]) -> str:
    """As committed: two spaces, the structs' own order, a line end."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _channels() -> tuple[Channel, ...]:
    submitted, decided, _, _, dead, policies, decisions = topics.all_topics((_OPERATOR,))
    return (
        Channel(
            "submitted",
            submitted,
            (RegistrationSubmitted,),
            "Registrations taken in, by registration id. Their media is durable when the record is.",
            "intake",
            (("dispatcher", topics.DISPATCHER_GROUP),),
        ),
        Channel(
            "decided",
            decided,
            (RegistrationDecided,),
            "Internal: exactly one decision a registration, in the partition of its submission.",
            "dispatcher",
            (("projector", None), ("janitor", "janitor")),
        ),
        Channel(
            "decisions",
            decisions,
            (RegistrationDecided,),
            "What one operator may read: its decisions, written in the transaction that decided.",
            "dispatcher",
            (("operator", None),),
        ),
        Channel("dead", dead, (RecordParked,), "Records that could not be read, by their address.", "dispatcher", ()),
        Channel(
            "policies",
            policies,
            (PolicyActivated,),
            "Internal: which policy and weights judge an operator's registrations, signed, each with the next sequence.",
            "policy_officer",
            (("dispatcher", None),),
        ),
    )


def _channel(channel: Channel) -> dict[str, Any]:
    binding = {
        "topic": channel.topic.name,
        "partitions": channel.topic.partitions,
        "topicConfiguration": {
            "cleanup.policy": [channel.topic.config["cleanup.policy"]],
            "retention.ms": channel.topic.retention_ms,
            "max.message.bytes": int(channel.topic.config["max.message.bytes"]),
        },
        "bindingVersion": "0.5.0",
    }
    found: dict[str, Any] = {
        "address": channel.topic.name,
        "description": channel.text,
        "messages": {kind.__name__: {"$ref": f"#/components/messages/{kind.__name__}"} for kind in channel.messages},
        "bindings": {"kafka": binding},
    }
    if _OPERATOR in channel.topic.name:
        found["parameters"] = {"operator": {"description": "The operator's name"}}
        del binding["topic"]  # the address has the parameter; a binding's topic may not
    return found


def _operations(channel: Channel) -> list[tuple[str, dict[str, Any]]]:
    """From the processes' own point of view: the sender sends, each receiver receives."""
    reference = {"$ref": f"#/channels/{channel.name}"}
    sends = {"action": "send", "channel": reference, "summary": f"Written by {channel.sender}"}
    found = [(f"{channel.sender}_sends_{channel.name}", sends)]
    for receiver, group in channel.receivers:
        receives: dict[str, Any] = {"action": "receive", "channel": reference, "summary": f"Read by {receiver}"}
        if group is not None:
            receives["bindings"] = {"kafka": {"groupId": {"type": "string", "const": group}, "bindingVersion": "0.5.0"}}
        found.append((f"{receiver}_receives_{channel.name}", receives))
    return found


def _message(kind: type[AnyMessage]) -> dict[str, Any]:
    key = "The registration id" if kind is not RecordParked else "The record's address, or its registration id"
    return {
        "name": str(kind.__struct_config__.tag),
        "summary": (kind.__doc__ or "").splitlines()[0],
        "contentType": "application/json",
        "payload": {"$ref": _REF.format(name=kind.__name__)},
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
        "bindings": {"kafka": {"key": {"type": "string", "description": key}, "bindingVersion": "0.5.0"}},
    }


def _headers() -> dict[str, Any]:
    """CloudEvents 1.0, Kafka binding, binary mode."""
    texts = {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_type": {"type": "string", "description": "The message's name"},
        "ce_source": {"type": "string", "const": SOURCE},
        "ce_id": {"type": "string", "description": "Deterministic: a repeated event has the same one"},
        "content-type": {"type": "string", "const": "application/json"},
        "traceparent": {"type": "string", "description": "W3C trace context, where the request had one"},
    }
    return {
        "type": "object",
        "properties": texts,
        "required": ["ce_specversion", "ce_type", "ce_source", "ce_id", "content-type"],
    }
