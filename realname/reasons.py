"""Pure: why a decision is what it is. A closed list; each reason has a text for the customer and one for staff.

The texts stand in reasons.toml, in zh and en. A test holds that both languages have every reason.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Literal, NamedTuple

Language = Literal["zh", "en"]
ADVICE_MAX = 2  # things that a customer can change at once; what is wrong beyond them is staff's to read


class Reason(StrEnum):
    """One word for one cause. Names are wire format: add, never rename."""

    # Everything held.
    ALL_CHECKS_PASSED = "all_checks_passed"
    # Bad capture: the customer can do better at once.
    CLIP_UNREADABLE = "clip_unreadable"
    CLIP_TOO_SHORT = "clip_too_short"
    CLIP_TOO_LONG = "clip_too_long"
    NO_FACE = "no_face"
    FACE_LOST = "face_lost"
    FACE_TOO_SMALL = "face_too_small"
    SEVERAL_FACES = "several_faces"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    BLURRED = "blurred"
    FRAME_RATE_TOO_LOW = "frame_rate_too_low"
    UNEVEN_LIGHT = "uneven_light"
    HAZY = "hazy"
    EYES_COVERED = "eyes_covered"
    HEAD_TILTED = "head_tilted"
    PORTRAIT_UNREADABLE = "portrait_unreadable"
    NO_PORTRAIT_FOUND = "no_portrait_found"
    PORTRAIT_TOO_SMALL = "portrait_too_small"
    PORTRAIT_GLARE = "portrait_glare"
    PORTRAIT_BLURRED = "portrait_blurred"
    PORTRAIT_SEVERAL_FACES = "portrait_several_faces"
    PORTRAIT_POOR = "portrait_poor"
    # Layers against attacks. What each leads to is the policy's to say.
    PRESENTATION_ATTACK = "presentation_attack"
    FLAT_FACE = "flat_face"
    FACE_CHANGED = "face_changed"
    PORTRAIT_IS_COPY = "portrait_is_copy"
    NOT_THE_SAME_PERSON = "not_the_same_person"
    FACE_FROZEN = "face_frozen"
    CLIP_SPLICED = "clip_spliced"
    CLIP_SPED_UP = "clip_sped_up"
    CLIP_SEEN_BEFORE = "clip_seen_before"
    MOTION_SEEN_BEFORE = "motion_seen_before"
    DUPLICATE_CHECK_UNAVAILABLE = "duplicate_check_unavailable"
    RECORDER_UNLIKELY = "recorder_unlikely"
    LINE_LIMIT = "line_limit"
    # Unmet challenge: ask again.
    BLINK_MISSING = "blink_missing"
    TURN_MISSING = "turn_missing"
    TURN_FURTHER = "turn_further"
    WRONG_ORDER = "wrong_order"
    WRONG_SIDE = "wrong_side"
    EXTRA_TURN = "extra_turn"
    ACTION_EARLY = "action_early"
    ACTION_LATE = "action_late"
    CLIP_MIRRORED = "clip_mirrored"
    CLIP_OUTSIDE_VISIT = "clip_outside_visit"
    EVIDENCE_WITHDRAWN = "evidence_withdrawn"
    REVIEW_EXPIRED = "review_expired"
    # A person must look.
    LIVENESS_DOUBTFUL = "liveness_doubtful"
    SIMILARITY_DOUBTFUL = "similarity_doubtful"
    NOT_CALIBRATED = "not_calibrated"
    NO_CUES = "no_cues"
    PORTRAIT_SOURCE = "portrait_source"
    REFEREE_PATH = "referee_path"
    RECORD_UNREADABLE = "record_unreadable"
    EVIDENCE_MISSING = "evidence_missing"
    PROCESSING_FAILED = "processing_failed"
    DECIDED_TOO_LATE = "decided_too_late"


class ReasonText(NamedTuple):
    """What to say. customer: plain words and the one thing to change; staff: the cause and what to do."""

    customer: str
    staff: str


def text_of(reason: Reason, language: Language) -> ReasonText:
    """The words for one reason. Every reason has both languages (tested)."""
    entry = _texts()[reason.value][language]
    return ReasonText(customer=entry["customer"], staff=entry["staff"])


def advice(reasons: Iterable[Reason], language: Language) -> tuple[str, ...]:
    """What to tell the customer: at most two things, each once. reasons: as a decision lists them, the decisive first."""
    texts = dict.fromkeys(text_of(reason, language).customer for reason in reasons)
    return tuple(texts)[:ADVICE_MAX]


@cache
def _texts() -> dict[str, dict[str, dict[str, str]]]:
    return tomllib.loads(files(__package__ or "realname").joinpath("reasons.toml").read_text("utf-8"))
