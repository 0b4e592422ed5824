"""The four real models on registry stills give the numbers they gave when the manifest was pinned.

A difference means another model, another preprocessing or another runtime: find out which before
changing models.json. Thresholds were measured with these numbers. No embedding is written down here,
only how similar two of them are.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.geometry import Box, Points, eye_aspect_ratios, largest_central, nose_ratio
from models.pixels import Image
from models.registry import Models

PINNED = json.loads((Path(__file__).parent / "models.json").read_text())
PX = 0.5  # tolerances: rounding differs from CPU to CPU, a wrong colour order or crop is far beyond
RATIO = 0.005
SCORE = 0.005

A_STILL, A_OTHER_STILL, P_STILL, CROWD = "franck_03909.jpg", "franck_02683.jpg", "single_face.jpg", "multi_face.jpg"


def still(folder: Path, name: str) -> Image:
    image = cv2.imread(str(folder / name))
    assert image is not None, name
    return image.astype(np.uint8, copy=False)


def main_face(models: Models, image: Image) -> Box:
    boxes = np.stack([face.box for face in models.detector.detect(image)])
    chosen = largest_central(boxes, image.shape[1], image.shape[0])
    assert chosen is not None
    return boxes[chosen]


def points_of(models: Models, image: Image) -> Points:
    return models.landmarks.locate(image, main_face(models, image))


def chip_of(models: Models, image: Image) -> Image:
    return models.embedder.cut(image, points_of(models, image))


def similarity(models: Models, one: Image, other: Image) -> float:
    first, second = models.embedder.embed(np.stack([chip_of(models, one), chip_of(models, other)]))
    return float(first @ second)


@pytest.mark.parametrize("name", PINNED)
def test_faces_are_found_where_they_were(real_models: Models, media_folder: Path, name: str):
    image = still(media_folder, name)
    assert len(real_models.detector.detect(image)) == PINNED[name]["faces"]
    np.testing.assert_allclose(main_face(real_models, image), PINNED[name]["box"], atol=PX)


@pytest.mark.parametrize("name", PINNED)
def test_points_lie_where_they_lay(real_models: Models, media_folder: Path, name: str):
    points = points_of(real_models, still(media_folder, name))
    np.testing.assert_allclose(points[30], PINNED[name]["nose_tip"], atol=PX)
    np.testing.assert_allclose(points[8], PINNED[name]["chin"], atol=PX)
    np.testing.assert_allclose(eye_aspect_ratios(points), PINNED[name]["eye_aspect_ratios"], atol=RATIO)
    assert nose_ratio(points) == pytest.approx(PINNED[name]["nose_ratio"], abs=RATIO)


@pytest.mark.parametrize("name", PINNED)
def test_live_scores_are_what_they_were(real_models: Models, media_folder: Path, name: str):
    image = still(media_folder, name)
    live = real_models.spoof.score(image, main_face(real_models, image))
    assert live == pytest.approx(PINNED[name]["live"], abs=SCORE)


def test_a_landscape_has_no_face(real_models: Models, media_folder: Path):
    assert real_models.detector.detect(still(media_folder, "free-mountain-vector-01.jpg")) == []


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [(A_STILL, A_OTHER_STILL, 0.908), (A_STILL, P_STILL, 0.146), (A_OTHER_STILL, CROWD, 0.050)],
    ids=["the same person", "two persons", "two other persons"],
)
def test_similarities_are_what_they_were(real_models: Models, media_folder: Path, one: str, other: str, expected: float):
    found = similarity(real_models, still(media_folder, one), still(media_folder, other))
    assert found == pytest.approx(expected, abs=0.01)


def test_a_face_turned_on_its_side_is_aligned_to_the_same_person(real_models: Models, media_folder: Path):
    image = still(media_folder, A_STILL)
    height, width = image.shape[:2]
    tilt = cv2.getRotationMatrix2D((width / 2, height / 2), 12, 0.8)
    tilted = cv2.warpAffine(image, tilt, (width, height)).astype(np.uint8, copy=False)
    assert similarity(real_models, image, tilted) > 0.8


def test_blue_taken_for_red_changes_what_the_models_see(real_models: Models, media_folder: Path):
    """So that a mix-up of the channels cannot pass the tests above unseen."""
    chip = chip_of(real_models, still(media_folder, A_STILL))
    right, wrong = real_models.embedder.embed(np.stack([chip, chip[:, :, ::-1]]))
    assert right @ wrong < 0.99


def test_a_clips_y_plane_serves_the_landmarks_as_well_as_the_colour_image(real_models: Models, media_folder: Path):
    image = still(media_folder, A_STILL)
    box = main_face(real_models, image)
    y_plane = (cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) * (219 / 255) + 16).astype(np.uint8)  # video range
    colour, gray = real_models.landmarks.locate_many([(image, box), (y_plane, box)])
    eyes_apart = np.linalg.norm(colour[36] - colour[45])
    assert np.linalg.norm(colour - gray, axis=1).mean() < 0.01 * eyes_apart
    np.testing.assert_allclose(eye_aspect_ratios(gray), eye_aspect_ratios(colour), atol=0.02)


def test_many_at_once_are_answered_as_one_by_one(real_models: Models, media_folder: Path):
    image = still(media_folder, CROWD)
    faces = [(image, face.box) for face in real_models.detector.detect(image)]
    np.testing.assert_allclose(real_models.spoof.score_many(faces), [real_models.spoof.score(*face) for face in faces], atol=1e-5)
    np.testing.assert_allclose(
        np.stack(real_models.landmarks.locate_many(faces)),
        np.stack([real_models.landmarks.locate(*face) for face in faces]),
        atol=1e-2,
    )


def test_reports_name_each_model_by_its_file_its_hash_and_how_it_is_read(real_models: Models):
    assert real_models.digests == {
        "detector": "fr_detect.onnx:8c28360d8b93582d",
        "landmarks": "fr_landmark.onnx:3f3d593bf3e42e61",
        "spoof": "fr_liveness.onnx:b8372b1a8cc90120:6a62af63308c4259",
        "embedder": "fr_feature.onnx:f00d533988d75645:2ba48fb92d27df74",
    }
