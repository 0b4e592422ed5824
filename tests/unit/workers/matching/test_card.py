import cv2
import numpy as np
import pytest

from workers.matching.card import find_cards, flattened, holds, share_of, sides_px

DESK = (90, 110, 130)
CARD = np.array([[100, 120], [500, 120], [500, 372], [100, 372]], np.float32)


def desk(*outlines, width=800, height=600):
    picture = np.full((height, width, 3), DESK, np.uint8)
    for corners in outlines:
        cv2.fillPoly(picture, [corners.astype(np.int32)], (225, 230, 220))
    return picture


def rolled(corners, deg):
    mapping = cv2.getRotationMatrix2D((300, 246), deg, 1.0)
    return (corners @ mapping[:, :2].T + mapping[:, 2]).astype(np.float32)


@pytest.mark.parametrize("deg", [0, 17, 45, 90])
def test_a_card_is_found_however_it_lies(deg):
    card = rolled(CARD, deg)
    found = find_cards(desk(card))
    assert found
    nearest = np.linalg.norm(card[:, None] - found[0][None], axis=2).min(axis=1)
    assert nearest.max() < 12  # px of 800
    assert sides_px(found[0]) == pytest.approx((400, 252), abs=15)


def test_a_circle_a_strip_and_the_picture_s_own_border_are_no_cards():
    picture = desk(np.array([[50, 500], [750, 500], [750, 540], [50, 540]], np.float32))
    cv2.circle(picture, (300, 250), 120, (230, 230, 230), -1)
    cv2.rectangle(picture, (4, 4), (795, 595), (20, 20, 20), 3)
    assert find_cards(picture) == []


def test_the_middle_of_a_box_says_whether_a_card_holds_it():
    assert holds(CARD, np.array([200, 200, 300, 300], np.float32))
    assert not holds(CARD, np.array([450, 200, 600, 300], np.float32))
    assert share_of(np.array([100, 120, 300, 246], np.float32), CARD) == pytest.approx(0.25)


def test_a_card_seen_from_above_has_its_own_shape_and_a_margin():
    leaning = np.array([[100, 150], [500, 90], [500, 402], [100, 342]], np.float32)
    above = flattened(desk(leaning), leaning, 400)
    assert above.shape[1] == 400
    assert above[5, 5].tolist() == pytest.approx(DESK, abs=3)
    assert above[40:-40, 40:-40].min() > 200
