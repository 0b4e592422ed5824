"""Pure: where a picture shows something flat with four sides: a card, a page, a printed photo."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportReturnType=false, reportArgumentType=false, reportCallIssue=false
# (OpenCV's stubs know only "some numbers"; shapes are asserted where images come in)

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.geometry import Box
from models.pixels import Image

Corners = NDArray[np.float32]  # (4, 2), clockwise, the longer side first

SIDE_PX = 320  # the picture is looked at in about this size: borders of cards survive it, print does not
AREA_MIN, AREA_MAX = 0.015, 0.7  # of the picture; what is larger is the picture's own border
FILLED_MIN = 0.85  # of its four sides' area that the contour holds; rounded corners cost a few hundredths
SIDES_MIN, SIDES_MAX = 1.1, 2.2  # longer to shorter side; ID-1 1.59, passport page 1.42, and what perspective makes of it
CANNY_LOW, CANNY_HIGH = 30, 90  # gray levels; a light card on a light desk has weak borders
POINTS_MIN = 8  # of a contour's corners: less is a straight stroke
MARGIN = 0.12  # of the outline's size
CARDS_MAX = 6  # more borders than that are a pattern


def find_cards(picture: Image) -> list[Corners]:
    """Four-sided outlines in pixels of the picture, the largest first; at most CARDS_MAX.

    Nested ones are all given: a card's own photo has a border, too. A hand over a corner hides a card.
    """
    height, width = picture.shape[:2]
    step = max(1, round(max(height, width) / SIDE_PX))
    small = np.ascontiguousarray(picture[::step, ::step])  # every third pixel is enough for outlines, at a tenth of a scaling
    gray = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), (5, 5), 0)
    edges = cv2.dilate(cv2.Canny(gray, CANNY_LOW, CANNY_HIGH), np.ones((3, 3), np.uint8))
    contours, _ = cv2.findContours(edges, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    large = [contour for contour in contours if len(contour) >= POINTS_MIN and _spans(contour) >= AREA_MIN * gray.size]
    found = [corners for contour in large if (corners := _four_sides(contour, float(gray.size))) is not None]
    found.sort(key=lambda corners: -float(cv2.contourArea(corners)))
    return [(corners * step).astype(np.float32) for corners in found[:CARDS_MAX]]


def holds(corners: Corners, box: Box) -> bool:
    """Whether the middle of the box lies inside the outline."""
    middle = (float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2)
    return bool(cv2.pointPolygonTest(corners.reshape(-1, 1, 2), middle, measureDist=False) >= 0)


def area_of(corners: Corners) -> float:
    """In pixels squared."""
    return float(cv2.contourArea(corners))


def share_of(box: Box, corners: Corners) -> float:
    """The box's area in areas of the outline."""
    return float((box[2] - box[0]) * (box[3] - box[1])) / max(float(cv2.contourArea(corners)), 1.0)


def flattened(picture: Image, corners: Corners, width: int) -> Image:
    """The outline as it would look from above, width pixels along its longer side, with a little of what lies round it.

    The outline may be that of a photo which its face fills, and a face that is cut off is not found.
    """
    middle = corners.mean(axis=0)
    corners = ((corners - middle) * (1 + MARGIN) + middle).astype(np.float32)
    long, short = sides_px(corners)
    height = max(1, round(width * short / max(long, 1.0)))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    there = cv2.getPerspectiveTransform(corners, target)
    return cv2.warpPerspective(picture, there, (width, height), flags=cv2.INTER_LINEAR)


def sides_px(corners: Corners) -> tuple[float, float]:
    """The mean of each pair of opposite sides in pixels, the longer first."""
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    pairs = float(sides[0] + sides[2]) / 2, float(sides[1] + sides[3]) / 2
    return max(pairs), min(pairs)


def _spans(contour: NDArray[np.int32]) -> float:
    _, _, width, height = cv2.boundingRect(contour)
    return float(width * height)


def _four_sides(contour: NDArray[np.int32], picture_area: float) -> Corners | None:
    outline = cv2.convexHull(contour)
    area = float(cv2.contourArea(outline))
    if not AREA_MIN * picture_area <= area <= AREA_MAX * picture_area:
        return None
    rough = cv2.approxPolyDP(outline, 0.04 * cv2.arcLength(outline, closed=True), closed=True)
    corners = rough.reshape(-1, 2).astype(np.float32) if len(rough) == 4 else cv2.boxPoints(cv2.minAreaRect(outline))  # noqa: PLR2004
    around = float(cv2.contourArea(corners))
    if around < 1 or not FILLED_MIN <= area / around <= 1 / FILLED_MIN:
        return None
    long, short = sides_px(corners)
    if not SIDES_MIN <= long / max(short, 1.0) <= SIDES_MAX:
        return None
    return _ordered(corners)


def _ordered(corners: Corners) -> Corners:
    """Clockwise in the picture, a longer side first; which of the two longer sides is open, so is up and down."""
    middle = corners.mean(axis=0)
    clockwise = corners[np.argsort(np.arctan2(corners[:, 1] - middle[1], corners[:, 0] - middle[0]))]
    sides = np.linalg.norm(clockwise - np.roll(clockwise, -1, axis=0), axis=1)
    return np.roll(clockwise, 0 if sides[0] + sides[2] >= sides[1] + sides[3] else -1, axis=0).astype(np.float32)
