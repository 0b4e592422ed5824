import numpy as np
import pytest

from models.detector import Face
from models.embedder import open_embedder
from models.manifest import Role, read_manifest
from workers.matching.score import copy_correlation_of, similarity_of
from workers.matching.selection import close_up, needs_close_up, select_portrait, tiles

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


def test_one_frame_like_the_portrait_is_enough_for_a_copy():
    rng = np.random.default_rng(3)
    portrait, other = (rng.normal(128, 40, (112, 112)).astype(np.float32) for _ in range(2))
    assert copy_correlation_of(portrait, [other, portrait]) > 0.99
    assert copy_correlation_of(portrait, [other]) < 0.5
