"""Builders of messages for tests: everything has a default, a test names only what it is about."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from realname import ids
from realname.activation import Activation, Plan, PolicyActivated, SignerKey, sign
from realname.calibration import load_calibration
from realname.jwk import new_key
from realname.messages import ActionTrace, BlobRef, Challenge, Consent, LivenessReport, MatchReport, RegistrationSubmitted
from realname.policy import load_policy

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def an_id(at: datetime = NOON) -> str:
    return ids.mint(at, os.urandom(10))


def a_blob(kind: str, registration_id: str, operator: str = "north") -> BlobRef:
    media_type = "image/jpeg" if kind == "portrait" else "video/mp4"
    return BlobRef(
        key=f"{operator}/{registration_id}/{kind}", sha256="a" * 64, size_bytes=10, media_type=media_type, key_id="north-1"
    )


def a_submission(registration_id: str | None = None, **changes) -> RegistrationSubmitted:
    identity = registration_id or an_id()
    values = {
        "id": identity,
        "operator": "north",
        "store": "store-1",
        "terminal": "till-1",
        "purpose": "mobile",
        "path": "face",
        "consent": Consent(reference="c-1", given_at=NOON, text_version="2026-01", language="zh"),
        "lines_held": 0,
        "challenge": Challenge(actions=("blink", "turn_left"), issued_at=NOON),
        "submitted_at": NOON + timedelta(seconds=20),
        "fingerprint": "f" * 64,
        "portrait_source": "chip_read",
        "portrait": a_blob("portrait", identity),
        "clip": a_blob("clip", identity),
    }
    return RegistrationSubmitted(**(values | changes))


EMBEDDER = load_calibration("lfw-fr-feature").embedder
SPOOF = load_policy("production").pad.model


MET = (ActionTrace(action="blink", seen=True, at_s=1.0), ActionTrace(action="turn_left", seen=True, at_s=2.0))  # a_submission's


def a_live_report(**changes) -> LivenessReport:
    values = {"pad_live": 0.97, "pad_frames": 7, "parallax": 0.2, "yaw_range_deg": 25.0, "duration_s": 4.0, "frames_judged": 50}
    values |= {"turn_width": 0.98, "turned_s": 0.9, "face_leap": 0.15, "repeat": 0.9, "drift": 2.2, "again": 0.9}
    values |= {"actions": MET, "seen_before": "new", "models": {"embedder": EMBEDDER, "spoof": SPOOF}}
    return LivenessReport(**(values | changes))


def a_match(**changes) -> MatchReport:
    measured = {"similarity": 0.7, "copy_correlation": 0.4, "models": {"embedder": EMBEDDER}}
    return MatchReport(**(measured | changes))


def a_signer(operator: str = "north") -> SignerKey:
    """A key pair made anew."""
    return new_key(SignerKey, operator, f"{operator}-policy-1")


def an_activation(**changes) -> Activation:
    """The first of its operator."""
    fields = {"operator": "north", "sequence": 1, "live": Plan(load_policy("production")), "activated_at": NOON, "why": "a test"}
    return Activation(**(fields | changes))


def signed_in_order(signer: SignerKey, *activations: Activation) -> list[PolicyActivated]:
    """Each with the next sequence and the digest of the one before."""
    events: list[PolicyActivated] = []
    for number, activation in enumerate(activations, 1):
        previous = events[-1].digest if events else ""
        events.append(sign(replace(activation, sequence=number, previous=previous), signer))
    return events
