"""Each model between its session and its caller: what goes in, what its answer means. On a fake session."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from msgspec.structs import replace

from models.detector import Detector
from models.embedder import Embedder, open_embedder
from models.geometry import MIRRORED
from models.landmarks import Landmarks
from models.manifest import Alignment, Embedding, Role, read_manifest
from models.session import Floats, ModelMisbehaved
from models.spoof import Spoof, open_spoof

ENTRIES = read_manifest().models
IMAGE = np.full((480, 640, 3), 90, np.uint8)
BOX = np.float32([100, 100, 200, 200])


class Answers:
    """Answers every item alike and remembers what it was shown."""

    def __init__(self, *outputs: Floats) -> None:
        self.outputs = outputs
        self.shown: list[list[Floats]] = []

    def run(self, items: Sequence[Floats]) -> list[tuple[Floats, ...]]:
        self.shown.append(list(items))
        return [self.outputs for _ in items]


def spoof(answers: Answers, **rules) -> Spoof:
    entry = ENTRIES[Role.SPOOF]
    return open_spoof(answers, replace(entry, liveness=replace(entry.liveness, **rules)))


def embedder(answers: Answers, **changes) -> Embedder:
    return open_embedder(answers, replace(ENTRIES[Role.EMBEDDER], **changes))


def detections(*found: tuple[float, tuple[float, float, float, float]]) -> tuple[Floats, Floats]:
    """(score, box in 0..1) rows, padded to the model's 4420 with sure non-faces."""
    scores, corners = np.tile(np.float32([1, 0]), (4420, 1)), np.zeros((4420, 4), np.float32)
    for row, (score, box) in enumerate(found):
        scores[row] = 1 - score, score
        corners[row] = box
    return scores, corners


def test_a_face_comes_back_in_pixels_of_the_image_that_was_given():
    answers = Answers(*detections((0.9, (0.25, 0.25, 0.5, 0.5))))
    (face,) = Detector(answers).detect(IMAGE)
    np.testing.assert_allclose(face.box, [160, 120, 320, 240])
    assert face.box.dtype == np.float32
    assert face.score == pytest.approx(0.9)
    assert answers.shown[0][0].shape == (3, 240, 320)


def test_a_letterboxed_image_is_scaled_back_by_its_own_scale_on_both_axes():
    (face,) = Detector(Answers(*detections((0.9, (0.25, 0.25, 0.5, 0.5))))).detect(np.zeros((960, 320, 3), np.uint8))
    np.testing.assert_allclose(face.box, [320, 240, 640, 480])


def test_a_doubtful_face_is_no_face():
    assert Detector(Answers(*detections((0.64, (0.2, 0.2, 0.5, 0.5))))).detect(IMAGE) == []


def test_faces_come_best_first_and_each_once():
    found = detections((0.8, (0, 0, 0.2, 0.2)), (0.9, (0.5, 0.5, 0.9, 0.9)), (0.85, (0.5, 0.5, 0.9, 0.88)))
    assert [round(face.score, 2) for face in Detector(Answers(*found)).detect(IMAGE)] == [0.9, 0.8]


def test_a_crowd_is_cut_off():
    crowd = [(0.9, (x / 10, y / 10, x / 10 + 0.09, y / 10 + 0.09)) for x in range(10) for y in range(10)]
    assert len(Detector(Answers(*detections(*crowd))).detect(IMAGE)) == 32


def test_many_images_go_to_the_model_at_once():
    answers = Answers(*detections((0.9, (0.25, 0.25, 0.5, 0.5))))
    large, small = Detector(answers).detect_many([IMAGE, IMAGE[::2, ::2]])
    assert len(answers.shown) == 1
    np.testing.assert_allclose(large[0].box, 2 * small[0].box)


def test_landmarks_are_read_in_the_square_of_the_boxs_height():
    points = Landmarks(Answers(np.tile(np.float32([0.5, 0.25]), 68))).locate(IMAGE, np.float32([100, 100, 140, 180]))
    assert points.shape == (68, 2)
    assert points.dtype == np.float32
    np.testing.assert_allclose(points, np.tile([120, 120], (68, 1)))


def test_a_face_is_looked_at_in_a_mirror_too_and_its_points_come_back_in_order():
    """A model that says where a bright pixel is, and calls it the left corner of the left eye, whichever way it looks."""
    gray = np.zeros((80, 80), np.uint8)
    gray[20, 10] = 255

    class SeesBright:
        def run(self, items):
            found = []
            for item in items:
                y, x = np.unravel_index(int(item[0].argmax()), item[0].shape)
                points = np.full((68, 2), 0.5, np.float32)
                points[36] = x / 64, y / 64
                found.append((points.reshape(-1),))
            return found

    plain, mirrored = Landmarks(SeesBright()).locate_both_ways(gray, np.float32([0, 0, 64, 64]))
    np.testing.assert_allclose(plain[36], [10, 20])
    np.testing.assert_allclose(mirrored[45], [10, 20])  # the mirrored eye is the other one
    assert mirrored[36, 0] > 30  # the middle, where everything else is


def test_each_point_of_a_mirrored_face_mirrored_again_is_itself():
    assert (MIRRORED[MIRRORED] == np.arange(68)).all()
    on_the_middle_line = [8, 27, 28, 29, 30, 33, 51, 57, 62, 66]  # chin, ridge and tip and base of the nose, lips
    assert np.flatnonzero(np.arange(68) == MIRRORED).tolist() == on_the_middle_line


def test_landmarks_take_a_y_plane_as_it_is():
    answers = Answers(np.zeros(136, np.float32))
    Landmarks(answers).locate(np.full((480, 640), 128, np.uint8), np.float32([100, 100, 140, 180]))
    assert answers.shown[0][0].shape == (1, 64, 64)
    np.testing.assert_array_equal(answers.shown[0][0], 0.5)


def test_the_live_score_is_the_softmax_of_the_first_class():
    score = spoof(Answers(np.log(np.float32([6, 3, 1])))).score(IMAGE, np.float32([100, 100, 200, 200]))
    assert score == pytest.approx(0.6)


def test_a_very_sure_answer_does_not_overflow():
    assert spoof(Answers(np.float32([900, -900, 0]))).score(IMAGE, np.float32([0, 0, 9, 9])) == 1.0


def test_the_pad_model_is_shown_blue_first_and_unscaled():
    answers = Answers(np.zeros(3, np.float32))
    image = np.full((480, 640, 3), (200, 100, 50), np.uint8)
    spoof(answers).score_many([(image, np.float32([100, 100, 200, 200]))] * 5)
    assert len(answers.shown[0]) == 5
    np.testing.assert_array_equal(answers.shown[0][0][:, 0, 0], [200, 100, 50])


def test_embeddings_have_length_one_and_the_model_is_shown_red_first():
    answers = Answers(np.full(512, 3, np.float32))
    chips = np.full((2, 112, 112, 3), (127, 127, 255), np.uint8)
    embeddings = embedder(answers).embed(chips)
    assert embeddings.shape == (2, 512)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(answers.shown[0][0][:, 0, 0], [1, 0, 0])


def test_no_chips_give_no_embeddings():
    assert embedder(Answers(np.ones(512, np.float32))).embed(np.zeros((0, 112, 112, 3), np.uint8)).shape == (0, 512)


def test_a_chip_of_another_size_is_a_bug_of_the_caller():
    with pytest.raises(AssertionError):
        embedder(Answers(np.ones(512, np.float32))).embed(np.zeros((1, 96, 112, 3), np.uint8))


def test_an_embedding_without_direction_is_not_passed_on():
    with pytest.raises(AssertionError):
        embedder(Answers(np.zeros(512, np.float32))).embed(np.zeros((1, 112, 112, 3), np.uint8))


def test_a_profile_may_say_which_class_is_live_and_that_answers_are_chances_already():
    answers = Answers(np.float32([0.7, 0.2, 0.1]))
    assert spoof(answers, answer="probabilities", live_class=1).score(IMAGE, BOX) == pytest.approx(0.2)


@pytest.mark.parametrize("answer", [[7.75, -3.0, 0.2], [0.9, -0.2, 0.3], [1.5, 0.0, 0.0]])
def test_logits_are_not_taken_for_chances(answer: list[float]):
    with pytest.raises(ModelMisbehaved, match="no probabilities"):
        spoof(Answers(np.float32(answer)), answer="probabilities").score(IMAGE, BOX)


def test_a_chance_is_never_beyond_one_by_rounding():
    assert spoof(Answers(np.float32([1.0001, -0.0001, 0.0])), answer="probabilities").score(IMAGE, BOX) == 1.0
    assert spoof(Answers(np.float32([1.0001, -0.0001, 0.0])), answer="probabilities", live_class=1).score(IMAGE, BOX) == 0.0


def test_a_profile_may_cut_the_face_closer():
    shown = {}
    for scale in (1.0, 2.0):
        answers, image = Answers(np.zeros(3, np.float32)), np.zeros((480, 640, 3), np.uint8)
        image[100:200, 100:200] = 255
        spoof(answers, crop_scale=scale).score(image, np.float32([100, 100, 200, 200]))
        shown[scale] = answers.shown[0][0].mean()
    assert shown[1.0] > 240
    assert shown[2.0] < 80


DLIB = {
    "input_shape": (3, 150, 150),
    "output_shapes": ((128,),),
    "embedding": Embedding(Alignment("dlib"), comparison="euclidean", normalise=False, distance_unit=2.0),
}


def test_another_embedders_chip_is_of_its_own_size():
    points = np.random.default_rng(2).uniform(200, 300, (68, 2)).astype(np.float32)
    made = embedder(Answers(np.ones(128, np.float32)), **DLIB)
    chip = made.cut(IMAGE, points)
    assert chip.shape == made.chip_shape == (150, 150, 3)
    assert made.embed(chip[None]).shape == (1, 128)
    assert made.embed(np.zeros((0, 150, 150, 3), np.uint8)).shape == (0, 128)


def test_a_distance_becomes_a_similarity_that_falls_with_it():
    made = embedder(Answers(), **DLIB)
    one, near, far = np.zeros((3, 128), np.float32)
    near[0], far[0] = 1.0, 9.0
    np.testing.assert_allclose(made.compare(one[None], np.stack([one, near, far])), [[1.0, 0.5, -1.0]])


def test_an_answer_that_is_compared_by_distance_keeps_its_length():
    made = embedder(Answers(np.full(128, 3, np.float32)), **DLIB)
    np.testing.assert_array_equal(made.embed(np.zeros((1, 150, 150, 3), np.uint8)), np.full((1, 128), 3))
    unit = embedder(Answers(np.full(128, 3, np.float32)), **DLIB | {"embedding": replace(DLIB["embedding"], normalise=True)})
    assert np.linalg.norm(unit.embed(np.zeros((1, 150, 150, 3), np.uint8))) == pytest.approx(1)


def test_several_faces_of_one_person_are_one_of_length_one_and_heavier_ones_count_more():
    made = embedder(Answers())
    a, b = np.eye(512, dtype=np.float32)[:2]
    fused = made.fuse(np.stack([a, b]), np.float32([3, 4]))
    np.testing.assert_allclose(made.compare(fused, np.stack([a, b])), [[0.6, 0.8]], rtol=1e-6)
