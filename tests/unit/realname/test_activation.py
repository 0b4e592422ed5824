import base64
import operator
from importlib.resources import files

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from realname.activation import (
    PLAN_BYTES_MAX,
    Activation,
    Held,
    Plan,
    PolicyActivated,
    Refused,
    SignerKeys,
    check,
    decode_plan,
    digest_of,
    encode_plan,
    is_shadowed,
    read_signers,
    sign,
)
from realname.errors import RecordUnreadable, SettingsWrong
from realname.ids import mint
from realname.policy import SHIPPED_EFFECTS, WEIGHED, Effect, load_policy
from realname.reasons import Reason
from tests.builders import NOON, a_signer, an_activation, signed_in_order

SIGNER = a_signer("north")
SIGNERS = SignerKeys((SIGNER, a_signer("harbor")))
PRODUCTION = load_policy("production")


def checked(*events: PolicyActivated, signers: SignerKeys = SIGNERS) -> Held | Refused:
    """The last one, after the others, all of which hold."""
    before = None
    for event in events[:-1]:
        before = check(event, before, signers)
        assert isinstance(before, Held), before
    return check(events[-1], before, signers)


def test_a_signed_event_in_its_order_holds_and_says_what_was_signed():
    events = signed_in_order(SIGNER, an_activation(), an_activation(share=0.5))
    assert checked(events[0]) == Held(events[0], an_activation())
    assert checked(*events).activation.share == 0.5


@pytest.mark.parametrize("change", [{"sequence": 1}, {"sequence": 3}, {"previous": ""}, {"previous": "0" * 64}])
def test_an_event_that_does_not_follow_the_last_one_is_refused(change):
    first, second = signed_in_order(SIGNER, an_activation(), an_activation(share=0.5))
    said = msgspec.json.decode(second.body, type=Activation)
    assert checked(first, sign(replace(said, **change), SIGNER)) == Refused("sequence")


def test_an_event_that_was_changed_after_it_was_signed_is_refused():
    event = sign(an_activation(), SIGNER)
    changed = replace(event, body=event.body.replace('"share":0.0', '"share":0.5'))
    assert changed != event
    assert checked(changed) == Refused("signature")


@pytest.mark.parametrize("signature", ["", "AAAA", "no base64 at all ***"])
def test_what_is_no_signature_is_refused(signature):
    assert checked(replace(sign(an_activation(), SIGNER), signature=signature)) == Refused("signature")


def test_a_signer_of_one_operator_activates_nothing_for_another():
    event = sign(an_activation(operator="harbor"), SIGNER)
    assert checked(event) == Refused("unknown_signer")
    assert checked(replace(event, operator="north")) == Refused("unsound")


def test_a_field_that_a_later_version_adds_changes_nothing_of_an_old_signature():
    body = msgspec.json.decode(sign(an_activation(), SIGNER).body)
    later = msgspec.json.encode(body | {"added_later": 1})
    event = PolicyActivated("north", SIGNER.kid, later.decode(), resigned(later))
    assert isinstance(checked(event), Held)


def test_a_signed_body_that_this_version_does_not_read_is_refused_as_such():
    body = b'{"operator":"north","sequence":"first"}'
    assert checked(PolicyActivated("north", SIGNER.kid, body.decode(), resigned(body))) == Refused("unreadable")


def resigned(body: bytes) -> str:
    """As a signer of another version would."""
    private = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(SIGNER.d + "=="))
    return base64.urlsafe_b64encode(private.sign(body)).decode()


@pytest.mark.parametrize(
    "policy",
    [
        replace(PRODUCTION, track=replace(PRODUCTION.track, change_fmr=1e-9)),
        replace(PRODUCTION, turn=replace(PRODUCTION.turn, yaw_deg_min=-5.0)),
        replace(PRODUCTION, match=replace(PRODUCTION.match, frames=0)),
        replace(PRODUCTION, effects=PRODUCTION.effects | {Reason.FLAT_FACE: Effect.OFF}),
        replace(PRODUCTION, calibration=replace(PRODUCTION.calibration, dataset="x" * PLAN_BYTES_MAX)),
    ],
)
def test_a_policy_that_could_not_decide_or_has_a_layer_off_is_never_live(policy):
    assert checked(sign(an_activation(live=Plan(policy)), SIGNER)) == Refused("unsound")


@pytest.mark.parametrize("reason", sorted(WEIGHED))
def test_a_reason_that_came_after_an_event_voids_nothing_and_leads_to_what_production_makes_of_it(reason):
    """As when a layer is added: the policies that were activated before it say nothing of it."""
    before = replace(PRODUCTION, effects={each: effect for each, effect in PRODUCTION.effects.items() if each is not reason})
    events = signed_in_order(SIGNER, an_activation(live=Plan(before)), an_activation(live=Plan(before), share=0.5))
    held = checked(*events)
    assert isinstance(held, Held)
    assert held.activation.live.policy.effect_of(reason) is PRODUCTION.effects[reason]
    assert digest_of(held.activation.live) == digest_of(Plan(before))


def test_an_event_that_names_a_reason_which_is_weighed_no_more_still_holds():
    policy = replace(PRODUCTION, effects=PRODUCTION.effects | {Reason.LINE_LIMIT: Effect.NOTE})
    assert isinstance(checked(sign(an_activation(live=Plan(policy)), SIGNER)), Held)


def test_the_effects_that_hold_without_a_word_are_those_of_the_shipped_production_policy():
    assert PRODUCTION.effects == SHIPPED_EFFECTS


@pytest.mark.parametrize("line", ["[effects]\nline_limit = 'note'", "effects = {}"])
def test_a_file_names_every_weighed_reason_and_no_other(tmp_path, line):
    path = tmp_path / "mine.toml"
    text = files("realname").joinpath("policies", "production.toml").read_text("utf-8")
    whole = text.replace("[effects]", line) if "line_limit" in line else f"{line}\n{text.partition('[effects]')[0]}"
    path.write_text(whole)
    with pytest.raises(SettingsWrong, match="every weighed reason and no other"):
        load_policy(str(path))


def test_a_candidate_that_could_not_decide_is_refused_with_its_event():
    broken = Plan(replace(PRODUCTION, match=replace(PRODUCTION.match, accept_fmr=1e-3)))
    assert checked(sign(an_activation(shadow=broken, share=0.1), SIGNER)) == Refused("unsound")


def test_what_a_retired_signer_signed_still_holds_and_nothing_after_it():
    events = signed_in_order(SIGNER, an_activation(), an_activation(share=0.5))
    retired = SignerKeys((replace(SIGNER, until_sequence=1),))
    assert isinstance(checked(events[0], signers=retired), Held)
    assert checked(*events, signers=retired) == Refused("sequence")


def test_a_signature_survives_the_wire():
    event = sign(an_activation(), SIGNER)
    assert isinstance(checked(msgspec.json.decode(msgspec.json.encode(event), type=PolicyActivated)), Held)


def test_a_public_key_signs_nothing():
    with pytest.raises(SettingsWrong, match="no private half"):
        sign(an_activation(), replace(SIGNER, d=msgspec.UNSET))


def test_a_plan_survives_a_job():
    plan = an_activation().live
    assert decode_plan(encode_plan(plan)) == plan
    with pytest.raises(RecordUnreadable):
        decode_plan(b"nothing")


def test_two_policies_of_one_version_have_two_digests():
    other = Plan(replace(PRODUCTION, pad=replace(PRODUCTION.pad, live_min=0.6)))
    assert digest_of(other) != digest_of(Plan(PRODUCTION))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_the_share_of_a_candidate_is_kept_and_the_same_registration_is_always_in_or_out(share):
    said = an_activation(shadow=an_activation().live, share=share)
    ids = [mint(NOON, number.to_bytes(10)) for number in range(2000)]
    chosen = [is_shadowed(said, each) for each in ids]
    assert sum(chosen) / len(ids) == pytest.approx(share, abs=0.04)
    assert chosen == [is_shadowed(said, each) for each in ids]


def test_another_candidate_is_tried_on_others():
    """Else who was in a share once would be in every later one of that size, and tried for ever."""
    ids = [mint(NOON, number.to_bytes(10)) for number in range(2000)]
    candidates = Plan(PRODUCTION), Plan(replace(PRODUCTION, version="other"))
    tried = [an_activation(shadow=shadow, share=0.5) for shadow in candidates]
    one, two = ([is_shadowed(said, each) for each in ids] for said in tried)
    assert sum(map(operator.and_, one, two)) / len(ids) == pytest.approx(0.25, abs=0.04)


def test_back_to_the_settings_policy_holds_without_a_candidate_alone():
    first, back = signed_in_order(SIGNER, an_activation(), an_activation(live=None))
    assert checked(first, back).activation.live is None
    beside = an_activation(live=None, shadow=Plan(PRODUCTION), share=0.1)
    assert checked(sign(beside, SIGNER)) == Refused("unsound")


def test_without_a_candidate_nothing_is_shadowed():
    assert not is_shadowed(an_activation(share=1.0), mint(NOON, bytes(10)))


def test_without_a_file_of_signers_nobodys_events_hold(tmp_path):
    assert read_signers(tmp_path) == SignerKeys(())


def test_a_file_of_signers_that_does_not_read_is_named(tmp_path):
    (tmp_path / "policies.jwks.json").write_text("{}")
    with pytest.raises(SettingsWrong, match=r"policies\.jwks\.json"):
        read_signers(tmp_path)


@pytest.mark.parametrize(
    ("line", "place"), [("parallax_min = nan", "turn.parallax_min"), ("yaw_deg_min = -5.0", "turn.yaw_deg_min")]
)
def test_a_policy_file_with_a_number_that_means_nothing_is_refused(tmp_path, line, place):
    path = tmp_path / "mine.toml"
    path.write_text(f"inherits = 'production'\nversion = 'x'\n[turn]\n{line}\n")
    with pytest.raises(SettingsWrong, match=place.replace(".", r"\.")):
        load_policy(str(path))
