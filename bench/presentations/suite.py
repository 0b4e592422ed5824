"""Pure: the whole suite: genuine presentations and attacks, by id; and the short cut of it that every test run judges."""

from __future__ import annotations

from bench.presentations.attacks import attacks
from bench.presentations.genuine import genuine
from bench.presentations.presentation import Presentation

QUICK_GENUINE_EVERY = 8  # of the genuine ones with a wide turn, but for those that take long to encode
# One or two of each species, the cheap and telling one; chosen by what it is, not by its verdict.
QUICK = (
    "photo_flat-05",
    "photo_bent-12",
    "photo_painted_blink-01",
    "photo_cut_eyes-05",
    "frozen_overlaid-04",
    "cut_and_loop-01",
    "held_until_cue-01",
    "held_until_cue-02",
    "idle_loop-02",
    "held_stalling-02",
    "idle_stalling-12",
    "cut_behind_cover-05",
    "ended_in_turn-01",
    "mirrored-01",
    "mirrored_both-01",
    "extra_turn-01",
    "reversed-01",
    "sped_up-05",
    "same_clip_again-01",
    "same_motion_again-04",
    "other_challenge-01",
    "incomplete-01",
    "incomplete-02",
    "incomplete-03",
    "ill_timed-01",
    "ill_timed-05",
    "outside_visit-01",
    "file_tool-01",
    "others_document-01",
    "two_pictures-01",
    "two_pictures-04",
    "own_frame-01",
    "own_frame-09",
    "face_changes-01",
    "face_changes_in_action-05",
    "face_taken_over-07",
    "low_light-01",
    "glare-01",
    "blur-01",
    "tiny_face-03",
    "two_people-01",
    "face_leaves-01",
    "nobody-01",
)


def suite() -> list[Presentation]:
    """Genuine ones first, then the attacks by species."""
    return [*genuine(), *attacks()]


def quick() -> list[Presentation]:
    """Few of them."""
    small = [row for row in genuine() if row.counts and "1280" not in row.group and "av1" not in row.group]
    return [*small[::QUICK_GENUINE_EVERY], *(row for row in attacks() if row.id in QUICK)]
