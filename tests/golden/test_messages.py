"""Every message type ever shipped still decodes to what it meant. Add a file for each new tag; never change one."""

from pathlib import Path

import msgspec
import pytest

from realname import stages, statuses
from realname.activation import Held, PolicyActivated, SignerKey, SignerKeys, check
from realname.envelope import open_record
from realname.messages import LivenessReport, MatchReport, RecordParked, RegistrationDecided, RegistrationSubmitted

FOLDER = Path(__file__).parent / "messages"
KAFKA = {
    "realname.registration.submitted.v1": RegistrationSubmitted,
    "realname.registration.decided.v1": RegistrationDecided,
    "realname.record.parked.v1": RecordParked,
    "realname.policy.activated.v1": PolicyActivated,
}
SIGNER = SignerKey(kid="north-policy-1", operator="north", x="A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg")


@pytest.mark.parametrize("tag", KAFKA)
def test_a_shipped_kafka_message_still_decodes(tag):
    message = open_record((FOLDER / f"{tag}.json").read_bytes(), [("ce_type", tag.encode())])
    assert isinstance(message, KAFKA[tag])
    # Nothing in the file is ignored: each field of it is still a field of the struct with the same value.
    shipped = msgspec.json.decode((FOLDER / f"{tag}.json").read_bytes())
    now = msgspec.json.decode(msgspec.json.encode(message))
    assert contains(now, shipped)


def test_a_shipped_activation_still_holds():
    """Every start of a dispatcher reads all events there ever were: policy fields are only added, with a default."""
    tag = "realname.policy.activated.v1"
    event = open_record((FOLDER / f"{tag}.json").read_bytes(), [("ce_type", tag.encode())])
    held = check(event, None, SignerKeys((SIGNER,)))
    assert isinstance(held, Held)
    assert (held.activation.live.policy.version, held.activation.shadow.policy.version) == ("v2", "v2-development")


def test_every_kafka_type_has_a_golden_file():
    assert {path.stem for path in FOLDER.glob("*.json")} >= set(KAFKA)


@pytest.mark.parametrize(
    ("tag", "decode"),
    [
        ("realname.liveness.job.v1", stages.decode_liveness),
        ("realname.matching.job.v1", stages.decode_matching),
        ("realname.stage.result.v1", stages.decode_result),
    ],
)
def test_a_shipped_stage_message_still_decodes(tag, decode):
    message = decode((FOLDER / f"{tag}.msgpack").read_bytes())
    assert message.__struct_config__.tag == tag


def test_a_shipped_status_still_decodes():
    assert statuses.decode_status((FOLDER / "realname.status.v1.json").read_bytes()).step == "decided"


def test_reports_without_their_newest_fields_still_decode():
    assert msgspec.json.decode(b'{"type":"realname.liveness.report.v1"}', type=LivenessReport).frames == 0
    assert msgspec.json.decode(b'{"type":"realname.match.report.v1"}', type=MatchReport).similarity is None


def contains(now, shipped):
    """At any depth: a field that came later may be beside the shipped ones."""
    if isinstance(shipped, dict):
        return all(name in now and contains(now[name], value) for name, value in shipped.items())
    if isinstance(shipped, list):
        return len(now) == len(shipped) and all(contains(*pair) for pair in zip(now, shipped, strict=True))
    return now == shipped
