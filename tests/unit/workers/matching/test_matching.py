import numpy as np
import pytest

from models.detector import Face
from models.embedder import open_embedder
from models.manifest import Role, read_manifest
from tests.faces import head
from workers.matching.score import similarity_of
from workers.matching.selection import (
    close_up,
    in_cards,
    needs_close_up,
    rivals,
    select_portrait,
    strangeness,
    stray_cards,
    tiles,
)

EMBEDDER = open_embedder(None, read_manifest().models[Role.EMBEDDER])
A, B, C = np.eye(512, dtype=np.float32)[:3]


def face(size, score=0.9, x=0.0):
    return Face(box=np.array([x, 0, x + size, size], np.float32), score=score)


def test_the_portrait_is_the_largest_face():
    ghost, holder = face(40, score=0.99), face(100, x=60)
    assert select_portrait([ghost, holder]) is holder
    assert select_portrait([]) is None


def test_of_faces_of_about_one_size_the_surer_one_is_the_portrait():
    blurred, clear = face(100, score=0.7), face(90, score=0.95, x=120)
    assert select_portrait([blurred, clear]) is clear


@pytest.mark.parametrize(
    ("height_px", "width", "expected"),
    [
        (200, 2000, True),  # 32 px in the detector's input
        (200, 400, False),  # 160 px
        (60, 240, False),  # nothing to gain: the image is not shrunk
    ],
)
def test_a_face_that_is_small_in_a_large_image_is_looked_at_again(height_px, width, expected):
    box = face(height_px).box
    assert needs_close_up(box, width=width, height=width * 3 // 4, input_width=320, input_height=240) is expected


def test_a_close_up_stays_inside_the_image():
    assert close_up(np.array([10, 20, 60, 90], np.float32), width=100, height=100) == (0, 0, 100, 100)
    assert close_up(np.array([400, 400, 500, 500], np.float32), width=1000, height=1000) == (300, 300, 601, 601)


def test_tiles_cover_the_image_and_overlap():
    covered = np.zeros((90, 160), int)
    for x0, y0, x1, y1 in tiles(160, 90):
        covered[y0:y1, x0:x1] += 1
    assert covered.min() >= 1
    assert covered[45, 80] == 4


def test_the_portrait_is_held_against_the_mean_of_the_frames():
    frames = np.stack([0.8 * A + 0.6 * B, 0.8 * A - 0.6 * B]).astype(np.float32)
    together, each = similarity_of(EMBEDDER, A[None], frames)
    assert together == pytest.approx(1.0, abs=1e-6)  # what the frames share is the person
    assert each == pytest.approx((0.8, 0.8))
    assert similarity_of(EMBEDDER, C[None], frames)[0] == pytest.approx(0.0, abs=1e-6)


def outline(x0, y0, x1, y1):
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)


def test_a_face_inside_an_outline_is_printed_there_unless_it_fills_it():
    small = face(40, x=100)
    assert in_cards([face(300, x=400), small], [outline(80, 0, 280, 120)]) == [small]
    assert in_cards([face(100)], [outline(0, 0, 110, 110)]) == []


def test_an_outline_beside_a_face_may_be_a_document():
    beside, round_it, speck = outline(400, 0, 560, 100), outline(0, 0, 300, 300), outline(400, 0, 410, 10)
    assert stray_cards(face(200).box, [beside, round_it, speck]) == [beside]


def test_rivals_are_other_faces_of_some_size_not_a_second_box_of_the_same_one():
    chosen, again, other, speck = face(100), face(95, x=5), face(60, x=300), face(10, x=500)
    assert rivals([chosen, again, other, speck], chosen) == [other]


def upright():
    points = head()
    five_high = points[:, 1].min() - 60
    return points, Face(np.array([140, five_high, 260, five_high + 178], np.float32), 1.0)


def test_a_face_squeezed_in_its_box_or_found_with_doubt_is_stranger():
    points, found = upright()
    usual = strangeness(points, found)
    wide = Face(found.box + np.array([-60, 0, 60, 0], np.float32), 1.0)
    assert strangeness(points, wide) > usual + 3
    assert strangeness(points, Face(found.box, 0.9)) == pytest.approx(usual + 2)
