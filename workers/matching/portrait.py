"""Finds the portrait in a picture: a cropped chip image, a photo of a card, a scan; upright or on its side.

Asks the models; what it is told it hands to pure functions. Measures and never decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from models.detector import HEIGHT_PX, WIDTH_PX, Face
from models.geometry import Box, Points, area
from models.pixels import Image
from models.registry import Models
from workers.matching.card import Corners, find_cards, flattened, sides_px
from workers.matching.selection import (
    alike,
    close_up,
    in_cards,
    needs_close_up,
    rivals,
    select_portrait,
    strangeness,
    stray_cards,
    tiles,
)
from workers.quality import single_face_of

USUAL_MAX = 2.0  # 90 of 100 upright faces; what is stranger is held against the picture turned
STRANGE_MAX = 2.8  # of 49 upright faces the strangest has 2.6, of 46 upside-down ones the least strange 3.1
HOPELESS = 8.0  # landmarks on nothing
SAME_PERSON_MIN = 0.2  # similarity of a portrait and its ghost image; strangers in one picture are below it in 99 of 100 (LFW)
CARD_PX = 1000  # long side of a card seen from above: its portrait then has 60 to 90 px between the eyes
CARDS_LOOKED_AT = 2


class Missing(StrEnum):
    """Why there is no portrait. SEVERAL: faces of different people, and nothing says which is the document's."""

    NONE = "none"
    SEVERAL = "several"


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The portrait. view: the picture in which it stands upright; box, points: in pixels of the view.

    strange: see selection.strangeness.
    single: ISO/IEC 29794-5 single face present, over the faces of the view.
    alike:  other faces of the view, about as large: nothing says which is the document's, unless all are of one person.
    """

    view: Image
    box: Box
    points: Points
    strange: float
    single: float
    alike: tuple[Face, ...] = ()


def find_portrait(picture: Image, models: Models) -> Found | Missing:
    """The document's portrait.

    Looked for where it usually is, upright. Only where nothing plausible is found: in the picture turned by quarters, on
    cards as seen from above, in parts of the picture. Of two people who are shown alike, none is chosen.
    """
    found = _likeliest(picture, models)
    if isinstance(found, Found) and found.alike and not _one_person(found, found.alike, models):
        return Missing.SEVERAL
    return found


def _likeliest(picture: Image, models: Models) -> Found | Missing:
    cards = find_cards(picture)
    first = _upright(picture, cards, models)
    if first is Missing.SEVERAL or (isinstance(first, Found) and first.strange <= USUAL_MAX):
        return first
    turned = (_upright(view, find_cards(view), models) for view in _quarters(picture, (1, 3, 2)))
    seen: list[Found | Missing] = [first, *turned]
    closest = _closest(seen)
    if _is_plausible(closest):
        return closest
    inside = _inside(picture, cards, models)
    return inside or _closest([closest, *_in_parts(picture, models)])


def mirrored_close_up(found: Found) -> tuple[Image, Box]:
    """The portrait's surroundings as a mirror shows them, and the face's box in that."""
    height, width = found.view.shape[:2]
    margin = np.tile((found.box[2:] - found.box[:2]) / 2, 2) * np.array([-1, -1, 1, 1])
    x0, y0, x1, y1 = np.clip((found.box + margin).round(), 0, [width, height, width, height]).astype(int).tolist()
    mirrored = np.ascontiguousarray(found.view[y0:y1, x0:x1][:, ::-1])
    left, top, right, bottom = found.box - np.array([x0, y0, x0, y0], np.float32)
    last = x1 - x0 - 1  # pixel i becomes last - i
    return mirrored, np.array([last - right, top, last - left, bottom], np.float32)


def _upright(view: Image, cards: Sequence[Corners], models: Models) -> Found | Missing:
    """The portrait of a picture that stands upright, plausible or not."""
    faces = models.detector.detect(view)
    held = in_cards(faces, cards)
    chosen = select_portrait(held or faces)
    if chosen is None:
        return Missing.NONE
    found = _refined(view, chosen, faces, models)
    if held or found.strange > STRANGE_MAX:
        return found
    inside = _inside(view, stray_cards(chosen.box, cards), models)
    if inside is not None:  # a face beside a document is not its portrait
        return inside
    others = rivals(faces, chosen)
    return found if not others or _one_person(found, others, models) else Missing.SEVERAL


def _is_plausible(found: Found | Missing) -> bool:
    return found is Missing.SEVERAL or (isinstance(found, Found) and found.strange <= STRANGE_MAX)


def _closest(seen: Sequence[Found | Missing]) -> Found | Missing:
    """What looks most like an upright face, unless nothing does; several people only where nobody stands out."""
    found = [each for each in seen if isinstance(each, Found) and each.strange <= HOPELESS]
    least = min(found, key=lambda each: each.strange, default=None)
    if least is not None and (least.strange <= STRANGE_MAX or Missing.SEVERAL not in seen):
        return least
    return Missing.SEVERAL if Missing.SEVERAL in seen else Missing.NONE


def _one_person(found: Found, others: Sequence[Face], models: Models) -> bool:
    """Whether the other faces of its view are ghost images of the one that was found."""
    points = models.landmarks.locate_many([(found.view, face.box) for face in others])
    return _are_one([(found.view, each) for each in (found.points, *points)], models)


def _are_one(shown: Sequence[tuple[Image, Points]], models: Models) -> bool:
    """Whether all are of the first one's person. At least two."""
    embeddings = models.embedder.embed(np.stack([models.embedder.cut(*each) for each in shown]))
    return bool(models.embedder.compare(embeddings[:1], embeddings[1:]).min() >= SAME_PERSON_MIN)


def _refined(view: Image, chosen: Face, faces: Sequence[Face], models: Models) -> Found:
    """The chosen face with its landmarks; looked at closer where it is small."""
    height, width = view.shape[:2]
    if needs_close_up(chosen.box, width=width, height=height, input_width=WIDTH_PX, input_height=HEIGHT_PX):
        part = close_up(chosen.box, width=width, height=height)
        closer = select_portrait(models.detector.detect(view[part[1] : part[3], part[0] : part[2]]))
        chosen = chosen if closer is None else _moved(closer, part)
    points = models.landmarks.locate(view, chosen.box)
    single = single_face_of([float(area(face.box)) for face in faces])
    return Found(view, chosen.box, points, strangeness(points, chosen), single, tuple(alike(faces, chosen)))


def _inside(picture: Image, cards: Sequence[Corners], models: Models) -> Found | Missing | None:
    """The portrait on one of the cards, seen from above; cards that show different people are not told apart."""
    found = [each for corners in cards[:CARDS_LOOKED_AT] for each in _from_above(picture, corners, models)]
    if len(found) > 1 and not _are_one([(each.view, each.points) for each in found], models):
        return Missing.SEVERAL
    return found[0] if found else None


def _from_above(picture: Image, card: Corners, models: Models) -> list[Found]:
    """One or none; only a plausible one: a pattern may look like a face."""
    above = flattened(picture, card, min(CARD_PX, round(sides_px(card)[0])))
    found = [each for view in _quarters(above, (0, 1, 2, 3)) for each in _looked_at(view, models)]
    closest = min(found, key=lambda each: each.strange, default=None)
    return [] if closest is None or closest.strange > STRANGE_MAX else [closest]


def _in_parts(picture: Image, models: Models) -> Iterator[Found]:
    """For a document photographed from afar, whose portrait the whole view is too coarse for."""
    height, width = picture.shape[:2]
    if width > WIDTH_PX or height > HEIGHT_PX:
        for x0, y0, x1, y1 in tiles(width, height):
            yield from (found for found in _looked_at(picture[y0:y1, x0:x1], models) if _is_whole(found))


def _is_whole(found: Found) -> bool:
    """Not cut off by the part's edge: half a face is no portrait, though its landmarks may look less strange."""
    height, width = found.view.shape[:2]
    x0, y0, x1, y1 = found.box.tolist()
    return x0 >= 0 and y0 >= 0 and x1 <= width and y1 <= height


def _looked_at(view: Image, models: Models) -> list[Found]:
    """One or none."""
    faces = models.detector.detect(view)
    chosen = select_portrait(faces)
    return [] if chosen is None else [_refined(view, chosen, faces, models)]


def _quarters(view: Image, quarters: Sequence[int]) -> Iterator[Image]:
    return (np.ascontiguousarray(np.rot90(view, quarter)) for quarter in quarters)


def _moved(face: Face, part: tuple[int, int, int, int]) -> Face:
    """A face found in a part, in the coordinates of the whole."""
    return Face(box=face.box + np.array([part[0], part[1], part[0], part[1]], np.float32), score=face.score)
