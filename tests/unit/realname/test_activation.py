import msgspec
import pytest
from msgspec.structs import replace

from realname.activation import (
    Plan,
    PolicyActivated,
    Refused,
    SignerKeys,
    check,
    decode_plan,
    encode_plan,
    is_shadowed,
    read_signers,
    sign,
)
from realname.errors import RecordUnreadable, SettingsWrong
from realname.ids import mint
from tests.builders import NOON, a_policy_event, a_signer

SIGNER = a_signer("north")
SIGNERS = SignerKeys((SIGNER, a_signer("harbor")))


def test_a_signed_event_in_its_order_holds():
    first = sign(a_policy_event(), SIGNER)
    second = sign(a_policy_event(sequence=2), SIGNER)
    assert check(first, None, SIGNERS) is None
    assert check(second, first, SIGNERS) is None


@pytest.mark.parametrize("sequence", [1, 3])
def test_an_event_that_does_not_follow_the_last_one_is_refused(sequence):
    first = sign(a_policy_event(), SIGNER)
    assert check(sign(a_policy_event(sequence=sequence), SIGNER), first, SIGNERS) == Refused("sequence")


@pytest.mark.parametrize(
    "change", [{"share": 0.5}, {"operator": "north", "why": "another"}, {"live": Plan(a_policy_event().live.policy, "other")}]
)
def test_an_event_that_was_changed_after_it_was_signed_is_refused(change):
    assert check(replace(sign(a_policy_event(), SIGNER), **change), None, SIGNERS) == Refused("signature")


@pytest.mark.parametrize("signature", ["", "AAAA", "no base64 at all ***"])
def test_what_is_no_signature_is_refused(signature):
    event = replace(sign(a_policy_event(), SIGNER), signature=signature)
    assert check(event, None, SIGNERS) == Refused("signature")


def test_a_signer_of_one_operator_activates_nothing_for_another():
    event = sign(a_policy_event(operator="harbor"), SIGNER)
    assert check(event, None, SIGNERS) == Refused("unknown_signer")


def test_a_signature_survives_the_wire():
    event = sign(a_policy_event(), SIGNER)
    again = msgspec.json.decode(msgspec.json.encode(event), type=PolicyActivated)
    assert check(again, None, SIGNERS) is None


def test_a_public_key_signs_nothing():
    with pytest.raises(SettingsWrong, match="no private half"):
        sign(a_policy_event(), replace(SIGNER, d=msgspec.UNSET))


def test_a_plan_survives_a_job():
    plan = a_policy_event().live
    assert decode_plan(encode_plan(plan)) == plan
    with pytest.raises(RecordUnreadable):
        decode_plan(b"nothing")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_the_share_of_a_candidate_is_kept_and_the_same_registration_is_always_in_or_out(share):
    event = a_policy_event(shadow=a_policy_event().live, share=share)
    ids = [mint(NOON, number.to_bytes(10)) for number in range(4000)]
    chosen = [is_shadowed(event, each) for each in ids]
    assert sum(chosen) / len(ids) == pytest.approx(share, abs=0.03)
    assert chosen == [is_shadowed(event, each) for each in ids]


def test_without_a_candidate_nothing_is_shadowed():
    assert not is_shadowed(a_policy_event(share=1.0), mint(NOON, bytes(10)))


def test_without_a_file_of_signers_nobodys_events_hold(tmp_path):
    assert read_signers(tmp_path) == SignerKeys(())


def test_a_file_of_signers_that_does_not_read_is_named(tmp_path):
    (tmp_path / "policies.jwks.json").write_text("{}")
    with pytest.raises(SettingsWrong, match=r"policies\.jwks\.json"):
        read_signers(tmp_path)
