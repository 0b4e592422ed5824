"""What the real models find in synthetic documents. All of them: `python -m bench.portraits`."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from bench import documents, media
from models.geometry import Points, arcface_map, area, five_points
from models.registry import Models
from realname.policy import load_policy
from realname.reasons import Reason
from workers.chips import core_details, pack_chip
from workers.glimpses import pack_glimpses
from workers.matching.faces import locate_face
from workers.matching.portrait import Found, Missing, find_portrait
from workers.matching.stage import judge_match

POLICY = load_policy("production")


class Person:
    """A still of one person as an identity photo, its points, and a chip of the live face."""

    def __init__(self, models: Models, portrait: documents.Image, live: documents.Image) -> None:
        self.photo = documents.face_photo(portrait, points_of(models, portrait), 480, 620)
        points = points_of(models, live)
        self.chips = [pack_chip(models.embedder.cut(live, points)), glimpses_of((live, points))]


def glimpses_of(*faces: tuple[documents.Image, Points]) -> bytes:
    """As liveness packs them, of BGR pictures."""
    details = [core_details(cv2.cvtColor(face, cv2.COLOR_BGR2GRAY), arcface_map(five_points(points))) for face, points in faces]
    return pack_glimpses(np.stack(details).reshape(len(faces), -1))


def points_of(models: Models, picture: documents.Image) -> Points:
    largest = max(models.detector.detect(picture), key=lambda face: float(area(face.box)))
    return models.landmarks.locate(picture, largest.box)


@pytest.fixture(scope="module")
def person_a(real_models: Models, media_folder: Path) -> Person:
    live = media.frames_of(media_folder / "franck.mp4", 700, 700)[0]
    return Person(real_models, media.photo_of(media_folder, media.A_PORTRAIT), live)


@pytest.fixture(scope="module")
def person_p(real_models: Models, media_folder: Path) -> Person:
    live = media.frames_of(media_folder / "single_face.mp4", 5, 5)[0]
    return Person(real_models, media.photo_of(media_folder, "single_face.jpg"), live)


def match(picture: documents.Image, person: Person, models: Models):
    return judge_match(picture, person.chips, models, POLICY)


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_photo_is_turned_upright_where_no_exif_says_how(real_models: Models, person_a: Person, quarters: int):
    report = match(np.ascontiguousarray(np.rot90(person_a.photo, quarters)), person_a, real_models)
    assert report.portrait == ()
    assert report.similarity is not None
    assert report.similarity > 0.7


@pytest.mark.parametrize(("roll_deg", "tilt"), [(0.0, 0.0), (25.0, 0.2), (-70.0, 0.0)])
def test_the_portrait_is_cut_out_of_a_photographed_card_not_its_ghost_image(
    real_models: Models, person_a: Person, roll_deg: float, tilt: float
):
    scene = documents.on_desk(documents.card(person_a.photo), width=1600, height=1200, share=0.6, roll_deg=roll_deg, tilt=tilt)
    report = match(scene.picture, person_a, real_models)
    assert report.similarity is not None
    assert report.similarity > POLICY.accept_min
    assert report.portrait_face_px is not None
    assert report.portrait_face_px > 45  # the ghost image has half of the portrait's 82


def test_the_document_s_face_is_taken_not_the_larger_one_of_whoever_holds_it(
    real_models: Models, person_a: Person, person_p: Person
):
    scene = documents.beside(person_p.photo, documents.card(person_a.photo), share=0.42, roll_deg=10.0)
    similarities = [match(scene.picture, person, real_models).similarity for person in (person_a, person_p)]
    assert all(value is not None for value in similarities)
    mine, theirs = (value or 0.0 for value in similarities)
    assert mine > POLICY.accept_min
    assert theirs < POLICY.review_min


def test_of_several_people_without_a_document_nobody_is_chosen(real_models: Models, media_folder: Path, person_a: Person):
    crowd = media.photo_of(media_folder, "multi_face.jpg")
    assert find_portrait(crowd, real_models) is Missing.SEVERAL
    assert match(crowd, person_a, real_models).portrait == (Reason.PORTRAIT_SEVERAL_FACES,)


def test_a_picture_without_a_face_has_no_portrait(real_models: Models, media_folder: Path, person_a: Person):
    report = match(media.photo_of(media_folder, media.NO_FACE_PORTRAIT), person_a, real_models)
    assert report.portrait == (Reason.NO_PORTRAIT_FOUND,)


def test_small_glaring_and_blurred_portraits_are_told_apart(real_models: Models, person_a: Person):
    def scaled(eyes_px: float) -> documents.Image:
        return media.scaled(round(480 * eyes_px / 144), round(620 * eyes_px / 144))(person_a.photo)

    assert match(scaled(16), person_a, real_models).portrait == (Reason.PORTRAIT_TOO_SMALL,)
    reflection = documents.glare(scaled(60), (120, 142), 30)
    assert match(reflection, person_a, real_models).portrait[0] is Reason.PORTRAIT_GLARE
    assert match(documents.blurred(scaled(60), 5), person_a, real_models).portrait == (Reason.PORTRAIT_BLURRED,)
    assert match(scaled(60), person_a, real_models).portrait == ()


@pytest.mark.parametrize("name", documents.SPOILT)
def test_a_spoilt_portrait_of_the_right_person_refuses_nobody(real_models: Models, person_a: Person, name: str):
    """Accepted, unfit or doubted. Unspoilt it is not doubted: a stranger's is refused."""
    small = media.scaled(200, 258)(person_a.photo)
    report = match(documents.SPOILT[name](small), person_a, real_models)
    assert report.portrait or report.doubts or (report.similarity or 0.0) >= POLICY.review_min
    assert match(small, person_a, real_models).doubts == ()


def test_an_upright_portrait_is_found_at_the_first_look(real_models: Models, person_a: Person):
    found = find_portrait(person_a.photo, real_models)
    assert isinstance(found, Found)
    assert found.view is person_a.photo
    assert found.single == 1


def test_the_portrait_s_quality_has_the_same_names_as_the_clip_s(real_models: Models, person_a: Person):
    quality = match(person_a.photo, person_a, real_models).quality
    assert {"sharpness", "eyes_visible", "over_exposure_prevention", "single_face_present"} <= set(quality)
    assert quality["inter_eye_distance_px"] == pytest.approx(144, abs=6)


@pytest.mark.parametrize("worked", ["as it is", "mirrored", "made taller"])
def test_a_portrait_that_is_a_frame_of_the_clip_is_known_for_a_copy(real_models: Models, person_a: Person, worked: str):
    """The photo's own picture among the glimpses, as if it had been taken from the clip, and among the chips not."""
    found = locate_face(person_a.photo, real_models)
    assert found is not None
    chips = [person_a.chips[0], glimpses_of((np.ascontiguousarray(255 - person_a.photo), found), (person_a.photo, found))]
    photo = {
        "as it is": person_a.photo,
        "mirrored": np.ascontiguousarray(person_a.photo[:, ::-1]),
        "made taller": cv2.resize(person_a.photo, None, fx=1.0, fy=1.1, interpolation=cv2.INTER_LINEAR),
    }[worked]
    alone = judge_match(photo, person_a.chips, real_models, POLICY)
    among = judge_match(photo, chips, real_models, POLICY)
    assert alone.copy_correlation is not None
    assert among.copy_correlation is not None
    assert alone.copy_correlation < POLICY.match.copy_correlation_max < among.copy_correlation
    assert among.similarities == alone.similarities


def test_chips_that_were_cut_for_another_embedder_are_not_compared(real_models: Models, person_a: Person):
    """A worker with another profile cut them; the portrait's own quality is measured nevertheless."""
    other = pack_chip(np.full((150, 150, 3), 90, np.uint8))
    report = judge_match(person_a.photo, [other, person_a.chips[1]], real_models, POLICY)
    assert report.similarity is None
    assert report.copy_correlation is None
    assert report.portrait == ()
    assert report.quality["inter_eye_distance_px"] == pytest.approx(144, abs=6)


def test_two_documents_of_two_people_in_one_picture_are_several(
    real_models: Models, media_folder: Path, person_a: Person, person_p: Person
):
    """Read on their way to the clerk, who sees both, and matched by only one of them."""

    def beside(left: documents.Image, right: documents.Image) -> documents.Image:
        desk = documents.desk(2000, 1200, np.random.default_rng(4))
        scene = documents.placed(documents.card(left, seed=1), desk, share=0.45, at=(0.26, 0.5))
        return documents.placed(documents.card(right, seed=2), scene.picture, share=0.45, at=(0.74, 0.5)).picture

    other = media.photo_of(media_folder, media.A_PORTRAIT_OTHER)
    same = documents.face_photo(other, points_of(real_models, other), 480, 620)
    for pair in ((person_a.photo, person_p.photo), (person_p.photo, person_a.photo)):
        assert match(beside(*pair), person_a, real_models).portrait == (Reason.PORTRAIT_SEVERAL_FACES,)
    assert match(beside(person_a.photo, same), person_a, real_models).portrait == ()


def test_a_card_with_two_people_s_photos_of_one_size_is_several(real_models: Models, person_a: Person, person_p: Person):
    card = documents.card(person_a.photo, ghost=False)
    card[200:510, 700:940] = cv2.resize(person_p.photo, (240, 310), interpolation=cv2.INTER_AREA)
    scene = documents.on_desk(card, width=1600, height=1200, roll_deg=20.0)
    assert match(scene.picture, person_a, real_models).portrait == (Reason.PORTRAIT_SEVERAL_FACES,)


def test_without_a_glimpse_nothing_is_said_of_copies(real_models: Models, person_a: Person):
    for chips in (person_a.chips[:1], [person_a.chips[0], b"glimpses" + bytes(648)]):  # the second of an older worker
        report = judge_match(person_a.photo, chips, real_models, POLICY)
        assert report.similarity is not None
        assert report.copy_correlation is None
