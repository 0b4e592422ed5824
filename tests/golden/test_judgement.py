"""The whole judgement on the registry clips: the same verdicts, and the same numbers within what they stand for.

Cuts are natural pieces, re-encoded (bench/media.py). Where a number moves on purpose, look at it, then write
judgement.json anew: `GOLDEN=write pytest tests/golden/test_judgement.py`.
"""

import json
import os
from pathlib import Path

import msgspec
import numpy as np
import pytest

from bench import media
from models.registry import Models
from realname.policy import load_policy
from realname.reasons import Reason
from realname.settings import Worker
from tests.builders import NOON
from tests.recordings import clip_bytes
from workers.check import Checker, CheckResult
from workers.decoder.limits import limits_of
from workers.decoder.pool import Decoder

GOLDEN = Path(__file__).with_name("judgement.json")
POLICY = load_policy("development")
BLINK_LEFT = ("blink", "turn_left")

# Other processors round differently, other builds of the encoder choose other bits: that much may a number move.
TOLERANCES = {
    "pad_live": 0.05,
    "parallax": 0.03,
    "yaw_range_deg": 1.5,
    "turn_deg": 1.5,
    "turn_width": 0.06,
    "turned_s": 0.08,
    "face_leap": 0.06,
    "repeat": 0.12,
    "drift": 0.25,
    "again": 0.15,
    "similarity": 0.03,
    "frames_similarity_min": 0.05,
    "copy_correlation": 0.08,
    "sharpness": 12.0,
    "luminance_mean": 3.0,
    "inter_eye_distance_px": 1.5,
}


@pytest.fixture(scope="module")
def checker(real_models: Models):
    decoder = Decoder(limits_of(Worker()), children=1, died=lambda cause: pytest.fail(f"the decoder died: {cause}"))
    yield Checker(POLICY, real_models, decoder)
    decoder.close()


@pytest.fixture(scope="module")
def a(media_folder: Path) -> tuple[bytes, bytes]:
    """A's portrait and clip: blink, turn left (with a blink in it), blink."""
    return media.portrait(media_folder, media.A_PORTRAIT), media.cut(media_folder, media.A_BLINK_TURN_BLINK)


@pytest.fixture(scope="module")
def b(media_folder: Path) -> tuple[bytes, bytes]:
    """B's portrait and clip: blink, turn left."""
    return media.frame_as_portrait(media_folder, *media.B_PORTRAIT), media.cut(media_folder, media.B_BLINK_TURN)


def judged(checker: Checker, portrait: bytes, clip: bytes, actions=BLINK_LEFT) -> CheckResult:
    return checker.check(portrait, clip, actions, at=NOON)


def verdict(result: CheckResult):
    return result.decision.verdict, result.decision.reasons[0]


def numbers(result: CheckResult) -> dict[str, float]:
    liveness, match = result.liveness, result.match
    assert match is not None
    return {
        "pad_live": liveness.pad_live,
        "parallax": liveness.parallax,
        "yaw_range_deg": liveness.yaw_range_deg,
        "turn_deg": liveness.turns_deg[0],
        **{name: getattr(liveness, name) for name in ("turn_width", "turned_s", "face_leap", "repeat", "drift", "again")},
        "similarity": match.similarity,
        "frames_similarity_min": match.frames_similarity_min,
        "copy_correlation": match.copy_correlation,
        **{name: liveness.quality[name] for name in ("sharpness", "luminance_mean", "inter_eye_distance_px")},
    }


@pytest.mark.parametrize("person", ["a", "b"])
def test_a_genuine_registration_is_approved_with_the_numbers_it_always_had(checker, person, request):
    result = judged(checker, *request.getfixturevalue(person))
    assert verdict(result) == ("approved", Reason.ALL_CHECKS_PASSED)
    found = numbers(result)
    golden = json.loads(GOLDEN.read_text("utf-8")) if GOLDEN.exists() else {}
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.write_text(json.dumps(golden | {person: found}, indent=2, sort_keys=True) + "\n", "utf-8")
        return
    for name, value in golden[person].items():
        assert found[name] == pytest.approx(value, abs=TOLERANCES[name]), name


def test_the_blinks_and_turns_of_the_cuts_are_all_found_and_no_others(checker, a, b):
    """By hand: A blinks at frames 1063, 1080 and 1129 of 24 a second, turns at 1086; B blinks at 426 of 25, turns at 510."""
    of_a, of_b = judged(checker, *a).liveness, judged(checker, *b).liveness
    assert of_a.blinks_at_s == pytest.approx([23 / 24, 40 / 24, 89 / 24], abs=0.2)
    assert of_a.turns_at_s == pytest.approx([48 / 24], abs=0.2)
    assert of_b.blinks_at_s == pytest.approx([11 / 25], abs=0.2)
    assert of_b.turns_at_s == pytest.approx([95 / 25], abs=0.4)
    assert min(of_a.turns_deg + of_b.turns_deg) > 0  # both turn to their own left


@pytest.mark.parametrize("actions", [("turn_left", "blink"), ("blink", "turn_left", "blink")])
def test_other_orders_that_a_shows_are_met_too(checker, a, actions):
    assert judged(checker, *a, actions).decision.verdict == "approved"


def test_a_person_is_not_another_person(checker, a, b):
    assert verdict(judged(checker, b[0], a[1])) == ("refused", Reason.NOT_THE_SAME_PERSON)
    assert verdict(judged(checker, a[0], b[1])) == ("refused", Reason.NOT_THE_SAME_PERSON)


def test_actions_that_the_clip_does_not_show_are_asked_for_again(checker, a, b):
    assert verdict(judged(checker, *b, ("turn_left", "blink"))) == ("retry", Reason.WRONG_ORDER)
    assert verdict(judged(checker, *a, ("blink", "turn_right"))) == ("retry", Reason.WRONG_SIDE)


def test_a_clip_without_a_blink_or_without_a_turn_is_asked_for_again(checker, a, b, media_folder):
    no_blink = media.cut(media_folder, media.Piece("cap13_edit2.mp4", 440, 545))
    assert verdict(judged(checker, b[0], no_blink)) == ("retry", Reason.BLINK_MISSING)
    no_turn = media.cut(media_folder, media.Piece("franck.mp4", 1100, 1200))
    assert verdict(judged(checker, a[0], no_turn)) == ("retry", Reason.TURN_MISSING)


def test_a_mirrored_clip_turns_to_the_other_side(checker, b, media_folder):
    """A selfie preview that is recorded mirrored would show each turn to the wrong side."""
    mirrored = media.cut(media_folder, media.B_BLINK_TURN, media.mirror)
    assert verdict(judged(checker, b[0], mirrored, ("blink", "turn_right"))) == ("approved", Reason.ALL_CHECKS_PASSED)
    assert verdict(judged(checker, b[0], mirrored, BLINK_LEFT)) == ("retry", Reason.WRONG_SIDE)


def test_other_sizes_and_bit_rates_change_nothing(checker, a, b, media_folder):
    large = media.cut(media_folder, media.B_BLINK_TURN, media.scaled(640, 480))
    assert verdict(judged(checker, b[0], large)) == ("approved", Reason.ALL_CHECKS_PASSED)
    coarse = media.cut(media_folder, media.A_BLINK_TURN_BLINK, bit_rate=400_000)
    assert verdict(judged(checker, a[0], coarse)) == ("approved", Reason.ALL_CHECKS_PASSED)


def test_a_clip_through_a_veil_of_light_is_asked_for_again_and_not_taken_for_an_attack(checker, b, media_folder):
    """B's PAD is .07 then, so the clip would be refused."""
    veiled = media.cut(media_folder, media.B_BLINK_TURN, lambda frame: (frame * 0.4 + 120).astype(np.uint8))
    assert verdict(judged(checker, b[0], veiled)) == ("retry", Reason.HAZY)


def test_a_photo_as_a_clip_shows_no_action(checker, a, media_folder):
    result = judged(checker, a[0], media.still_clip(media.photo_of(media_folder, media.A_PORTRAIT_OTHER)))
    assert result.decision.verdict == "retry"
    assert {Reason.TURN_MISSING, Reason.BLINK_MISSING} <= set(result.decision.reasons)
    assert result.liveness.yaw_range_deg < 3


@pytest.mark.parametrize("yaw_deg", [40, 60])
def test_a_flat_photo_moved_about_is_never_approved_and_shows_no_depth(checker, a, media_folder, yaw_deg):
    moved = media.moved_photo_clip(media.photo_of(media_folder, media.A_PORTRAIT_OTHER), yaw_deg=yaw_deg)
    result = judged(checker, a[0], moved)
    assert result.decision.verdict in {"refused", "retry"}
    assert result.liveness.parallax <= 0.13  # a head's is .17 and more on these clips
    assert not any(action.seen for action in result.liveness.actions)


@pytest.mark.parametrize("first", ["A", "B"])
def test_a_face_that_changes_between_the_actions_is_refused(checker, a, b, media_folder, first):
    """Both people stand in the same place, so the boxes overlap: only the faces tell."""
    pieces = {
        "A": (media.Piece("franck.mp4", 1040, 1075), media.Piece("cap13_edit2.mp4", 480, 545)),
        "B": (media.Piece("cap13_edit2.mp4", 415, 470), media.Piece("franck.mp4", 1075, 1140)),
    }[first]
    portrait = a[0] if first == "A" else b[0]
    result = judged(checker, portrait, media.joined_clip(media_folder, *pieces))
    assert result.decision.verdict == "refused"
    assert Reason.FACE_CHANGED in result.decision.reasons


def test_a_face_that_is_suddenly_elsewhere_is_refused_as_another_and_asked_again_as_the_same(checker, a, media_folder):
    start, end = media.Piece("franck.mp4", 1040, 1090), media.Piece("franck.mp4", 1091, 1140)
    other = media.Piece("cap13_edit2.mp4", 480, 530)
    same = judged(checker, a[0], media.moved_aside_clip(media_folder, start, end))
    assert verdict(same) == ("retry", Reason.FACE_LOST)
    assert same.liveness.track_similarity_min > POLICY.same_face_min
    changed = judged(checker, a[0], media.moved_aside_clip(media_folder, start, other))
    assert verdict(changed) == ("refused", Reason.FACE_CHANGED)


def test_two_people_in_the_picture_are_asked_to_record_alone(checker, a, media_folder):
    together = media.two_faces_clip(media_folder, media.A_BLINK_TURN_BLINK, media.B_BLINK_TURN)
    assert verdict(judged(checker, a[0], together)) == ("retry", Reason.SEVERAL_FACES)


def test_a_frame_of_the_clip_is_no_document_portrait(checker, a, media_folder):
    result = judged(checker, a[0], a[1])
    assert result.signals is not None
    assert result.clip is not None
    matched = media.jpeg(result.clip.bgr(result.signals.chip_frames[0]), quality=60)
    assert verdict(judged(checker, matched, a[1])) == ("refused", Reason.PORTRAIT_IS_COPY)


def test_what_is_no_face_and_no_clip_is_named(checker, a, media_folder):
    portrait, clip = a
    assert verdict(judged(checker, portrait, media.noise_clip())) == ("retry", Reason.NO_FACE)
    assert verdict(judged(checker, portrait, media.truncated(clip))) == ("retry", Reason.CLIP_UNREADABLE)
    assert verdict(judged(checker, portrait, clip_bytes(frames=50))) == ("retry", Reason.NO_FACE)
    no_face = media.portrait(media_folder, media.NO_FACE_PORTRAIT)
    assert verdict(judged(checker, no_face, clip)) == ("retry", Reason.NO_PORTRAIT_FOUND)
    assert verdict(judged(checker, b"no image", clip)) == ("retry", Reason.PORTRAIT_UNREADABLE)
    short = media.cut(media_folder, media.Piece("franck.mp4", 1040, 1060))
    assert verdict(judged(checker, portrait, short)) == ("retry", Reason.CLIP_TOO_SHORT)


def test_a_portrait_is_found_in_a_photo_of_the_whole_document(checker, a, media_folder):
    """The face is 4 % of the picture's width between the eyes, and there is print around it."""
    photo = media.photo_of(media_folder, media.A_PORTRAIT)[60:540, 150:570]
    document = np.full((1200, 1900, 3), 215, np.uint8)
    document[200::60, 700:1700] = 60
    document[400:880, 120:540] = photo
    assert judged(checker, media.jpeg(document), a[1]).decision.verdict == "approved"


def test_a_portrait_smaller_than_the_policy_allows_is_not_compared(checker, a, media_folder):
    small = media.scaled(90, 72)(media.photo_of(media_folder, media.A_PORTRAIT))
    result = judged(checker, media.jpeg(small), a[1])
    assert verdict(result) == ("retry", Reason.PORTRAIT_TOO_SMALL)
    assert result.match.similarity is None


def test_the_same_clip_gives_the_same_report(checker, a):
    timeless = {"cpu_ms": {}, "device_ms": {}}
    first, again = judged(checker, *a), judged(checker, *a)
    assert msgspec.structs.replace(first.liveness, **timeless) == msgspec.structs.replace(again.liveness, **timeless)
    assert msgspec.structs.replace(first.match, **timeless) == msgspec.structs.replace(again.match, **timeless)


def test_without_a_challenge_whatever_is_shown_was_asked(checker, a):
    result = judged(checker, *a, None)
    assert result.decision.verdict == "approved"
    assert [action.action for action in result.liveness.actions] == ["blink", "blink", "turn_left", "blink"]


def test_each_step_is_timed_and_each_model_named(checker, a):
    result = judged(checker, *a)
    assert set(result.liveness.models) == {"detector", "landmarks", "spoof", "embedder"}
    assert {"decode", "liveness detect", "liveness landmarks", "liveness pad", "matching embed"} <= set(result.cpu_ms)
    assert all(spent_ms > 0 for spent_ms in result.cpu_ms.values())


@pytest.mark.parametrize("shown", ["genuine", "unreadable"])
def test_a_check_is_drawn(checker, a, tmp_path, shown):
    result = judged(checker, *a) if shown == "genuine" else judged(checker, a[0], b"no clip")
    checker.plot(result, tmp_path / "check.png")
    assert (tmp_path / "check.png").read_bytes().startswith(b"\x89PNG")
