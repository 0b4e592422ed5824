"""Where the portrait is looked for, with faces that are drawn and models that only see what is drawn."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from models.detector import HEIGHT_PX, WIDTH_PX, Face
from models.geometry import Box, Points
from models.pixels import Image
from workers.matching.portrait import Found, Missing, find_portrait
from workers.matching.selection import UPRIGHT

WALL, CARD, FACE = 90, 200, 255  # of green; a face's blue says whose it is, its red how strange it looks
COARSE_BELOW_PX, COARSE_PX = 40.0, 6.0  # of the detector's input: how far a smaller face's box is off
SEEN_PX_MIN = 20.0  # of the detector's input: smaller faces go unseen
A, B = 40, 120


class Drawn:
    """The detector, the landmarks and the embedder of a drawn world."""

    def detect(self, image: Image) -> list[Face]:
        scale = min(WIDTH_PX / image.shape[1], HEIGHT_PX / image.shape[0], 1.0)
        mask = (image[..., 1] > (FACE + CARD) // 2).astype(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
        faces: list[Face] = []
        for label in range(1, count):
            x, y, width, height = stats[label, :4].tolist()
            if height * scale >= SEEN_PX_MIN:
                off = COARSE_PX / scale if height * scale < COARSE_BELOW_PX else 0.0
                box = np.array([x + off, y, x + width + off, y + height], np.float32)
                strange = float(np.median(image[labels == label, 2])) / 10
                faces.append(Face(box, 1 - strange / 20))
        return faces

    def locate(self, _: Image, box: Box) -> Points:
        """Of an upright face, by its proportions: only the detector's doubt makes it strange."""
        x0, y0, x1, y1 = box.tolist()
        width, eyes = x1 - x0, UPRIGHT[0] * np.sqrt((x1 - x0) * (y1 - y0))
        points = np.zeros((68, 2), np.float32)
        points[:36, 0] = np.linspace(-UPRIGHT[1] * width / 2, UPRIGHT[1] * width / 2, 36)
        points[36:42] = (-eyes / 2, 0)
        points[42:48] = (eyes / 2, 0)
        points[48:] = (0, UPRIGHT[2] * eyes)
        return points + np.float32([(x0 + x1) / 2, y0 + 0.4 * (y1 - y0)])

    def locate_many(self, asked: list[tuple[Image, Box]]) -> list[Points]:
        return [self.locate(*each) for each in asked]

    def cut(self, view: Image, points: Points) -> Image:
        x, y = points[36:48].mean(axis=0).round().astype(int)
        return view[y : y + 1, x : x + 1]

    def embed(self, chips: Image) -> np.ndarray:
        people = chips[:, 0, 0, :1].astype(np.float32)
        return (np.abs(people - np.float32([[A, B]])) < 10).astype(np.float32)

    def compare(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return left @ right.T


DRAWN: Any = SimpleNamespace(detector=Drawn(), landmarks=Drawn(), embedder=Drawn())


def wall(width: int, height: int) -> Image:
    return np.full((height, width, 3), WALL, np.uint8)


def draw(picture: Image, person: int, *, at: tuple[int, int], width: int, strange: float = 1.0) -> None:
    """A face of usual proportions, its top left corner there."""
    height = round(width * UPRIGHT[3])
    cv2.rectangle(picture, at, (at[0] + width - 1, at[1] + height - 1), (person, FACE, round(10 * strange)), -1)


def lay_card(picture: Image, corners: list[tuple[int, int]]) -> None:
    cv2.fillConvexPoly(picture, np.array(corners, np.int32), (CARD, CARD, CARD))


def whose(found: Found | Missing) -> int:
    assert isinstance(found, Found)
    return int(found.view[int(found.points[40, 1]), int(found.points[40, 0]), 0])


def found_in(picture: Image) -> Found | Missing:
    return find_portrait(picture, DRAWN)


def test_a_face_alone_is_the_portrait():
    picture = wall(640, 480)
    draw(picture, A, at=(200, 100), width=150)
    assert whose(found_in(picture)) == A
    assert found_in(wall(640, 480)) is Missing.NONE


def test_a_small_face_in_a_large_picture_is_looked_at_closer_and_its_box_is_exact():
    picture = wall(1600, 1200)
    draw(picture, A, at=(700, 500), width=120)
    found = found_in(picture)
    assert isinstance(found, Found)
    assert found.box.tolist() == pytest.approx([700, 500, 820, 678], abs=1)


def test_a_card_beside_a_large_face_is_looked_at_from_above_for_a_face_that_the_whole_view_misses():
    picture = wall(1600, 1200)
    draw(picture, B, at=(100, 200), width=500)
    lay_card(picture, [(850, 500), (1350, 500), (1350, 815), (850, 815)])
    draw(picture, A, at=(900, 600), width=50)
    assert whose(found_in(picture)) == A


def test_without_the_card_the_large_face_is_taken():
    picture = wall(1600, 1200)
    draw(picture, B, at=(100, 200), width=500)
    assert whose(found_in(picture)) == B


def test_what_is_too_strange_for_an_upright_face_gives_way_to_a_small_upright_one_in_a_part():
    picture = wall(1600, 1200)
    draw(picture, A, at=(1000, 800), width=45)  # 13 px of the detector's input, 22 in a part's
    assert whose(found_in(picture)) == A
    draw(picture, B, at=(100, 100), width=300, strange=5.0)
    assert whose(found_in(picture)) == A


def test_what_is_a_little_strange_is_taken_where_nothing_is_less_so():
    picture = wall(640, 480)
    draw(picture, B, at=(100, 100), width=150, strange=5.0)
    assert whose(found_in(picture)) == B
    draw(picture, B, at=(100, 100), width=150, strange=9.0)
    assert found_in(picture) is Missing.NONE


CARDS = [(100, 300), (700, 300), (700, 680), (100, 680)], [(900, 300), (1500, 300), (1500, 680), (900, 680)]


def test_of_two_cards_with_different_people_none_is_chosen():
    for other, expected in ((B, Missing.SEVERAL), (A, A)):
        picture = wall(1600, 1200)
        for card, person in zip(CARDS, (A, other), strict=True):
            lay_card(picture, card)
            draw(picture, person, at=(card[0][0] + 50, 380), width=130)
        found = found_in(picture)
        assert found is expected or whose(found) == expected


def test_of_two_cards_that_only_a_look_from_above_reads_none_is_chosen_either():
    picture = wall(1600, 1200)
    for card, person in zip(CARDS, (A, B), strict=True):
        lay_card(picture, card)
        draw(picture, person, at=(card[0][0] + 50, 400), width=50)
    assert found_in(picture) is Missing.SEVERAL


def test_two_people_of_one_size_on_one_card_are_several_and_a_smaller_ghost_is_not_asked_who_it_is():
    for width, expected in ((120, Missing.SEVERAL), (80, A)):
        picture = wall(1600, 1200)
        lay_card(picture, [(200, 200), (1400, 200), (1400, 950), (200, 950)])
        draw(picture, A, at=(300, 400), width=130)
        draw(picture, B, at=(1000, 400), width=width)
        found = found_in(picture)
        assert found is expected or whose(found) == expected
