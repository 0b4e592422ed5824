"""Pure: timed cues. Which action is released when, drawn and sealed into the challenge. Clock and randomness come in.

**Nothing is kept.** Release times are absolute, in seconds from `issued_at`, and the plan travels sealed inside the
signed challenge. So every intake process that has challenge.key releases the same cue at the same moment; opening a
stream early, twice or from two places shows nothing before its time; and the rule does not lean on Redis, which may be
lost at any moment (invariant I4). The price: a challenge that was asked for cannot be held back or postponed.
"""

from __future__ import annotations

import base64
import binascii
import random
from itertools import accumulate
from typing import Annotated, NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Meta, Struct

from realname.errors import SettingsWrong
from realname.messages import Action
from realname.policy import Policy

# Two or three actions, always a blink and a turn, never the same twice in a row: two blinks in a row can be one slow one.
SEQUENCES: tuple[tuple[Action, ...], ...] = (
    ("blink", "turn_left"),
    ("turn_left", "blink"),
    ("blink", "turn_right"),
    ("turn_right", "blink"),
    ("blink", "turn_left", "blink"),
    ("blink", "turn_right", "blink"),
    ("blink", "turn_left", "turn_right"),
    ("blink", "turn_right", "turn_left"),
    ("turn_left", "blink", "turn_right"),
    ("turn_right", "blink", "turn_left"),
    ("turn_left", "turn_right", "blink"),
    ("turn_right", "turn_left", "blink"),
)
# Seconds from issued_at to the first cue. Least: the answer travels, a recorder that has its camera open starts and sees
# a neutral face. Longest: nobody stands before a blank screen for longer.
LEAD_S = (1.0, 2.5)
# Seconds from one cue to the next. Least: a turn and back takes 1 to 1.5 s in the registry's clips, and the next cue must
# not fall into it. The width is what a clip made in advance would have to guess.
GAP_S = (1.8, 3.5)
_ACTIONS_MAX = max(len(actions) for actions in SEQUENCES)
_ROOM_S_MIN = 1.0  # between the shortest plan and the limit: less would leave nothing to guess
_DRAWS_MAX = 1000  # with that room one draw of three actions in 26 fits: a thousand misses happen once in 10^17

_NONCE_BYTES = 12
# One length for all plans, so that the challenge's own length does not tell how many actions it has.
_SEALED_PLAIN_BYTES = 128


class CueBounds(NamedTuple):
    """What plans and announcements are held to.

    last_s_max:      the latest last cue, seconds from issued_at.
    start_slack_s:   how long before issued_at a clip may say that it began: two clocks and the network.
    digest_within_s: after the last cue, within which the clip's digest must come.
    """

    last_s_max: float
    start_slack_s: float
    digest_within_s: float


class Plan(Struct, frozen=True):
    """The actions in order, and each one's release in seconds from issued_at, to the millisecond, increasing."""

    actions: Annotated[tuple[Action, ...], Meta(min_length=1, max_length=_ACTIONS_MAX)]
    at_s: Annotated[tuple[float, ...], Meta(min_length=1, max_length=_ACTIONS_MAX)]

    @property
    def first_s(self) -> float:
        """When the first cue is released."""
        return self.at_s[0]

    @property
    def last_s(self) -> float:
        """When the last cue is released."""
        return self.at_s[-1]


def bounds_of(policy: Policy, *, digest_within_s: float) -> CueBounds:
    """The bounds under which a clip that the policy judges can hold every plan.

    The longest clip begins start_slack_s before the challenge was issued, and ends where an answer to the last cue would
    be too late; it is no longer than the policy's clip.duration_s_max. Raises SettingsWrong where no plan fits.
    """
    slack_s = policy.cues.slack_s
    last_s_max = round(policy.clip.duration_s_max - policy.cues.within_s - slack_s, 3)
    shortest_s = LEAD_S[0] + GAP_S[0] * (_ACTIONS_MAX - 1)
    if last_s_max < shortest_s + _ROOM_S_MIN:
        raise SettingsWrong(
            f"policy {policy.version!r}: no cues fit into clip.duration_s_max: it must be at least "
            f"{shortest_s + _ROOM_S_MIN:.1f} s + cues.within_s + cues.slack_s"
        )
    return CueBounds(last_s_max, slack_s, digest_within_s)


def draw_actions(draw: random.Random) -> tuple[Action, ...]:
    """One of SEQUENCES, each as likely as the next."""
    return draw.choice(SEQUENCES)


def draw_plan(draw: random.Random, bounds: CueBounds) -> Plan:
    """A new plan. draw: the system's SystemRandom in production.

    Lead-in and gaps are uniform in their ranges; what would end after bounds.last_s_max is drawn again as a whole, so
    that no gap is narrower for coming last (a gap that fills what is left over could be told in advance).
    """
    actions = draw_actions(draw)
    for _ in range(_DRAWS_MAX):
        waits = [draw.uniform(*LEAD_S), *(draw.uniform(*GAP_S) for _ in actions[1:])]
        at_s = tuple(round(at, 3) for at in accumulate(waits))
        if at_s[-1] <= bounds.last_s_max:
            return Plan(actions, at_s)
    raise AssertionError("bounds_of lets no bounds pass that so few plans fit")


def seal_plan(plan: Plan, *, key: bytes, identity: str, draw: random.Random) -> str:
    """The plan as base64url: nonce (12 bytes), then AES-256-GCM of its padded JSON, bound to the challenge's id.

    key: 32 bytes. A random nonce serves 2^32 plans a key (NIST SP 800-38D, 8.3): eleven years of a million a day.
    """
    plain = msgspec.json.encode(plan).ljust(_SEALED_PLAIN_BYTES)  # spaces after a JSON value are no part of it
    assert len(plain) == _SEALED_PLAIN_BYTES, "a longer plan would show in its length"
    nonce = draw.randbytes(_NONCE_BYTES)
    return base64.urlsafe_b64encode(nonce + AESGCM(key).encrypt(nonce, plain, identity.encode())).decode()


def open_plan(sealed: str, *, key: bytes, identity: str) -> Plan | None:
    """The plan; None where it does not open: under another id, another key, or with a changed byte."""
    try:
        raw = base64.urlsafe_b64decode(sealed)
        plain = AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], identity.encode())
        return msgspec.json.decode(plain, type=Plan)
    except (binascii.Error, ValueError, InvalidTag, msgspec.MsgspecError):
        return None
