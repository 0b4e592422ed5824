"""A photo's embedding is the one that the shipped calibration was measured with.

The recipe is written out here a second time, without a line of models/: the published files, one image at a time, and
plain arithmetic. LFW's bars (TAR >= .945 at FMR 1e-4, accuracy >= .985) were reached by it, so what `realname evaluate`
and `realname calibrate` do must be it, on images of LFW's kind too: 250 x 250, the person in the middle.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest

from models.registry import Models
from workers.matching.faces import embed_image, locate_face

ARCFACE = np.float64(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)  # InsightFace's five points on a chip of 112 px


class Plain:
    """fr_detect, fr_landmark and fr_feature, asked one by one."""

    def __init__(self, folder: Path) -> None:
        self.detect, self.landmark, self.feature = (
            onnxruntime.InferenceSession(str(folder / name), providers=["CPUExecutionProvider"])
            for name in ("fr_detect.onnx", "fr_landmark.onnx", "fr_feature.onnx")
        )

    def embedding(self, image: np.ndarray) -> np.ndarray:
        points = self.points(image)
        five = np.array([points[[37, 38, 40, 41]].mean(0), points[[43, 44, 46, 47]].mean(0), points[30]])
        five = np.concatenate([five, [points[[48, 60]].mean(0), points[[54, 64]].mean(0)]])
        chip = cv2.warpAffine(image, fitted(five, ARCFACE), (112, 112))[:, :, ::-1].astype(np.float32)
        numbers = self.feature.run(None, {"input": ((chip - 127) / 128).transpose(2, 0, 1)[None]})[0][0]
        return numbers / np.linalg.norm(numbers)

    def points(self, image: np.ndarray) -> np.ndarray:
        x0, y0, x1, y1 = self.box(image)
        side, left = y1 - y0, (x0 + x1) / 2 - (y1 - y0) / 2
        scale = 64 / side
        way = np.float32([[scale, 0, -left * scale], [0, scale, -y0 * scale]])
        gray = cv2.cvtColor(cv2.warpAffine(image, way, (64, 64)), cv2.COLOR_BGR2GRAY).astype(np.float32) / 256
        found = self.landmark.run(None, {"input": gray[None, None]})[0][0].reshape(68, 2)
        return found * side + [left, y0]

    def box(self, image: np.ndarray) -> np.ndarray:
        """Large and central: the area less twice the squared distance from the middle; boxes that overlap by .4 are one."""
        height, width = image.shape[:2]
        scale = min(320 / width, 240 / height)
        to = (round(width * scale), round(height * scale))
        canvas = np.zeros((240, 320, 3), np.uint8)
        canvas[: to[1], : to[0]] = cv2.resize(image, to, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        planes = ((canvas[:, :, ::-1].astype(np.float32) - 127) / 128).transpose(2, 0, 1)[None]
        scores, boxes = (output[0] for output in self.detect.run(None, {"input": planes}))
        sure = scores[:, 1] > 0.65
        chances, found = scores[sure, 1], boxes[sure] * np.float32([320, 240, 320, 240]) / scale
        kept: list[int] = []
        for i in np.argsort(-chances):
            if all(overlap(found[i], found[j]) < 0.4 for j in kept):
                kept.append(int(i))
        found = found[kept]
        areas = (found[:, 2] - found[:, 0]) * (found[:, 3] - found[:, 1])
        centres = (found[:, :2] + found[:, 2:]) / 2 - [width / 2, height / 2]
        return found[np.argmax(areas - 2 * (centres**2).sum(1))]


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    sides = np.clip(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0, None)
    whole = np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2])
    return float(np.prod(sides) / (whole - np.prod(sides)))


def fitted(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The similarity of least squares as a linear system in (a, b, x, y): x' = a x - b y + tx, y' = b x + a y + ty."""
    rows, aims = [], []
    for (x, y), (to_x, to_y) in zip(source, target, strict=True):
        rows += [[x, -y, 1, 0], [y, x, 0, 1]]
        aims += [to_x, to_y]
    a, b, shift_x, shift_y = np.linalg.lstsq(np.array(rows), np.array(aims), rcond=None)[0]
    return np.float32([[a, -b, shift_x], [b, a, shift_y]])


@pytest.fixture(scope="module")
def plain(models_folder: Path) -> Plain:
    return Plain(models_folder)


def still(folder: Path, name: str) -> np.ndarray:
    image = cv2.imread(str(folder / name))
    assert image is not None
    return image


def like_lfw(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """250 x 250 round the face, which fills about as much of it as LFW's do; black where the photo ends."""
    side = 2.2 * (points[:, 1].max() - points[:, 1].min())
    middle, scale = points.mean(0), 250 / side
    way = np.float32([[scale, 0, 125 - middle[0] * scale], [0, scale, 125 - middle[1] * scale]])
    return cv2.warpAffine(image, way, (250, 250), flags=cv2.INTER_AREA)


STILLS = ["franck_03909.jpg", "franck_02683.jpg", "single_face.jpg", "multi_face.jpg"]


@pytest.mark.parametrize("name", STILLS)
def test_a_photos_embedding_is_the_measured_recipes(plain: Plain, real_models: Models, media_folder: Path, name: str):
    image = still(media_folder, name)
    assert embed_image(image, real_models) @ plain.embedding(image) > 0.9999


@pytest.mark.parametrize("name", STILLS)
def test_so_it_is_on_a_photo_of_lfws_size(plain: Plain, real_models: Models, media_folder: Path, name: str):
    image = still(media_folder, name)
    small = like_lfw(image, plain.points(image))
    assert small.shape == (250, 250, 3)
    assert embed_image(small, real_models) @ plain.embedding(small) > 0.9999


def test_of_several_people_the_one_in_the_middle_is_meant(plain: Plain, real_models: Models, media_folder: Path):
    """As in LFW, where others look over the person's shoulder."""
    a, p = (still(media_folder, name) for name in ("franck_03909.jpg", "single_face.jpg"))
    size = (150, 150)
    middle, beside = (cv2.resize(like_lfw(image, plain.points(image)), size) for image in (a, p))
    scene = np.full((250, 250, 3), 90, np.uint8)
    scene[50:200, 50:200] = middle
    scene[100:250, 200:250] = beside[:, 50:100]
    wide = np.full((250, 450, 3), 90, np.uint8)
    wide[50:200, 150:300] = middle
    wide[50:200, 300:450] = beside
    for image in (scene, wide):
        found = embed_image(image, real_models)
        assert found @ plain.embedding(image) > 0.9999
        assert found @ plain.embedding(a) > 0.7
    assert len(real_models.detector.detect(wide)) == 2


def test_a_photo_without_a_face_is_a_failure_to_enrol(real_models: Models, media_folder: Path):
    landscape = still(media_folder, "free-mountain-vector-01.jpg")
    assert locate_face(landscape, real_models) is None
    assert embed_image(landscape, real_models) is None
