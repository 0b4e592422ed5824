"""Pure: each layer switched off in turn, to see whether the suite notices.

A layer whose weight is the policy's is switched off there. Bands are narrowed to nothing. For a capture layer, which no
policy can switch off, its reason is struck from the report: the rest of a clip that ends early was not measured, so it says
only that the reason is looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from bench.presentations.judging import Measured, decided
from bench.presentations.presentation import Mode, Presentation
from realname.policy import WEIGHED, Effect, Policy
from realname.reasons import Reason

CAPTURE = (
    Reason.TOO_DARK,
    Reason.TOO_BRIGHT,
    Reason.BLURRED,
    Reason.FACE_TOO_SMALL,
    Reason.SEVERAL_FACES,
    Reason.FACE_LOST,
    Reason.NO_FACE,
    Reason.FRAME_RATE_TOO_LOW,
    Reason.CLIP_TOO_SHORT,
)
NOT_ATTACKED = frozenset({Reason.DUPLICATE_CHECK_UNAVAILABLE})  # says that a layer is missing; it is none
BANDS: dict[Reason, Callable[[Policy], Policy]] = {
    Reason.LIVENESS_DOUBTFUL: lambda policy: _with(
        policy, pad=msgspec.structs.replace(policy.pad, live_min=policy.pad.review_min)
    ),
    Reason.SIMILARITY_DOUBTFUL: lambda policy: _with(
        policy, match=msgspec.structs.replace(policy.match, accept_fmr=policy.match.review_fmr)
    ),
}


@dataclass(frozen=True, slots=True)
class Noticed:
    """What becomes of the suite without one layer.

    named:    attacks that name it. fired: attacks in which it was found.
    lost:     attacks of which none of the named layers is left. accepted: attacks that are approved now and were not.
    """

    layer: Reason
    named: int
    fired: int
    lost: tuple[str, ...]
    accepted: tuple[str, ...]

    @property
    def is_noticed(self) -> bool:
        """Whether the suite says so."""
        return bool(self.lost or self.accepted)


def layers() -> list[Reason]:
    """All that can be switched off, in the order of the reasons."""
    wanted = (WEIGHED - NOT_ATTACKED) | set(CAPTURE) | set(BANDS)
    return [reason for reason in Reason if reason in wanted]


def without(
    layer: Reason, presentations: dict[str, Presentation], found: Sequence[Measured], policies: dict[Mode, Policy]
) -> Noticed:
    """Decide every attack anew without the layer. presentations: by id."""
    lost, accepted, fired = dict[str, None](), dict[str, None](), dict[str, None]()
    for measured in found:
        attack = presentations[measured.presentation]
        if not attack.is_attack:
            continue
        policy = policies[measured.mode]
        before = decided(attack, measured, policy)
        after = decided(attack, _struck(layer, measured), _off(layer, policy))
        if layer in before.reasons:
            fired[attack.id] = None
        if set(attack.layers) & set(before.reasons) and not set(attack.layers) & set(after.reasons):
            lost[attack.id] = None
        if after.verdict == "approved" and before.verdict != "approved":
            accepted[attack.id] = None
    named = sum(one.is_attack and layer in one.layers for one in presentations.values())
    return Noticed(layer, named, len(fired), tuple(lost), tuple(accepted))


def _off(layer: Reason, policy: Policy) -> Policy:
    if layer in BANDS:
        return BANDS[layer](policy)
    return _with(policy, effects=policy.effects | {layer: Effect.OFF}) if layer in WEIGHED else policy


def _struck(layer: Reason, measured: Measured) -> Measured:
    if layer not in CAPTURE:
        return measured
    rest = tuple(reason for reason in measured.liveness.capture if reason is not layer)
    report = msgspec.structs.replace(measured.liveness, capture=rest)
    return Measured(measured.presentation, measured.mode, report, measured.match)


def _with(policy: Policy, **changes: object) -> Policy:
    return msgspec.structs.replace(policy, **changes)
