"""Documents made at run time: cards with a printed face, laid on a desk, held beside a face, printed and scanned.

For tests and `python -m bench.portraits`. Synthetic: what holds on them holds on their geometry and their degradations, and
says little of real holograms, papers and printers. Nothing made here is ever committed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.geometry import Points, five_points, similarity

Image = NDArray[np.uint8]  # (h, w, 3) BGR
Corners = NDArray[np.float32]  # (4, 2), clockwise from the top left

CARD_W_PX, CARD_H_PX = 1012, 638  # ID-1, 85.6 x 54 mm, at 300 dpi
PHOTO = (50, 150, 290, 460)  # x0, y0, x1, y1 of the portrait on the card
GHOST = (760, 330, 880, 485)  # of the ghost image
EYES_AT, EYE_SHARE = 0.43, 0.3  # height of the eyes in a portrait; distance of the eyes in its widths


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture with one document in it. photo, ghost: where its faces lie, as corners in pixels of the picture."""

    picture: Image
    photo: Corners
    ghost: Corners


def face_photo(picture: Image, points: Points, width: int, height: int) -> Image:
    """The face as an identity photo of this size, its eyes level. points: (68, 2) in the picture."""
    half = EYE_SHARE * width / 2
    eyes = np.array([[width / 2 - half, EYES_AT * height], [width / 2 + half, EYES_AT * height]])
    mapping = similarity(five_points(points)[:2], eyes)
    return _image(cv2.warpAffine(picture, mapping, (width, height), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE))


def card(photo: Image, *, ghost: bool = True, hologram: float = 0.12, seed: int = 1) -> Image:
    """A card of CARD_W_PX x CARD_H_PX with the photo, lines of text, a pattern over all, and perhaps a ghost image."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:CARD_H_PX, :CARD_W_PX].astype(np.float32)
    waves = np.sin(x / 9 + 3 * np.sin(y / 60)) + np.sin(y / 7 + 2 * np.sin(x / 80))
    tint = np.array([rng.uniform(190, 235), rng.uniform(190, 235), rng.uniform(190, 235)], np.float32)
    made = tint + 6 * waves[..., None] + 12 * (y / CARD_H_PX)[..., None]
    x0, y0, x1, y1 = PHOTO
    made[y0:y1, x0:x1] = cv2.resize(photo, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA)
    if ghost:
        gx0, gy0, gx1, gy1 = GHOST
        small = cv2.cvtColor(cv2.resize(photo, (gx1 - gx0, gy1 - gy0), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
        made[gy0:gy1, gx0:gx1] = 0.45 * made[gy0:gy1, gx0:gx1] + 0.55 * small[..., None]
    band = np.stack([np.sin((x + 2 * y) / 40 + phase) for phase in (0, 2, 4)], axis=-1)
    made += 255 * hologram * np.maximum(band, 0) * np.exp(-(((x - 290) ** 2 + (y - 380) ** 2) / 150**2))[..., None]
    return _written(np.clip(made, 0, 255).astype(np.uint8), rng)


def on_desk(
    document: Image, *, width: int, height: int, share: float = 0.75, roll_deg: float = 0.0, tilt: float = 0.0, seed: int = 2
) -> Scene:
    """The card photographed on a desk. share: of the picture's width that the card takes lying straight.

    tilt: how much nearer one side is seen than the other, 0..0.4 (perspective).
    """
    rng = np.random.default_rng(seed)
    return placed(document, desk(width, height, rng), share=share, roll_deg=roll_deg, tilt=tilt)


def placed(
    document: Image,
    background: Image,
    *,
    share: float,
    roll_deg: float = 0.0,
    tilt: float = 0.0,
    at: tuple[float, float] = (0.5, 0.5),
) -> Scene:
    """The card before any background; at: its middle, in shares of the picture."""
    height, width = background.shape[:2]
    card_w = share * width
    card_h = card_w * document.shape[0] / document.shape[1]
    near, far = 1 + tilt / 2, 1 - tilt / 2
    flat = np.array([[-1, -far], [1, -near], [1, near], [-1, far]]) * (card_w / 2, card_h / 2)
    roll = np.radians(roll_deg)
    turned = flat @ np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
    corners = (turned + np.array([at[0] * width, at[1] * height])).astype(np.float32)
    source = _corners(0, 0, document.shape[1], document.shape[0])
    mapping = cv2.getPerspectiveTransform(source, corners)
    shrink = card_w / document.shape[1]
    fine = cv2.GaussianBlur(document, (0, 0), 0.45 / shrink) if shrink < 1 else document  # so that shrinking does not alias
    cut = cv2.warpPerspective(fine, mapping, (width, height), flags=cv2.INTER_LINEAR)
    mask = cv2.warpPerspective(_rounded(document.shape[1], document.shape[0]), mapping, (width, height))[..., None] / 255.0
    picture = (mask * cut + (1 - mask) * background).astype(np.uint8)
    return Scene(picture, _moved(PHOTO, mapping), _moved(GHOST, mapping))


def beside(holder: Image, document: Image, *, share: float, roll_deg: float) -> Scene:
    """A selfie of the holder, whose face is large, with the card held up beside it."""
    background = desk(2000, 1200, np.random.default_rng(4))
    background[:, :1160] = cv2.resize(holder, (1160, 1498), interpolation=cv2.INTER_CUBIC)[100:1300]
    return placed(document, background, share=share, roll_deg=roll_deg, at=(0.76, 0.5))


def turned(scene: Scene, quarters: int) -> Scene:
    """The whole picture turned by quarter turns against the clock, as a phone held on its side stores it."""
    picture, photo, ghost = scene.picture, scene.photo, scene.ghost
    for _ in range(quarters % 4):
        width = picture.shape[1]
        picture = np.ascontiguousarray(np.rot90(picture))
        photo, ghost = (np.stack([each[:, 1], width - each[:, 0]], axis=1) for each in (photo, ghost))
    return Scene(picture, photo.astype(np.float32), ghost.astype(np.float32))


def print_scan(picture: Image, *, strength: float = 1.0, seed: int = 3) -> Image:
    """Printed and scanned: ink spreads, dots, paper, a steeper gamma, the scanner's noise, JPEG.

    strength: 1 as a good office printer at 300 dpi might do, 2 twice as much of each. A simulation, not a measurement of one.
    """
    rng = np.random.default_rng(seed)
    height, width = picture.shape[:2]
    inked = cv2.GaussianBlur(picture, (0, 0), 0.7 * strength).astype(np.float32)
    y, x = np.mgrid[:height, :width]
    dots = sum(np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / 3.2) for angle in np.radians([15, 75]))
    paper = cv2.GaussianBlur(rng.normal(0, 1, (height, width)).astype(np.float32), (0, 0), 1.5) * 6
    made = inked + strength * (4 * np.asarray(dots, np.float32) + paper)[..., None]
    made = 255 * np.clip((18 * strength + made * (1 - 0.12 * strength)) / 255, 0, 1) ** (1 + 0.15 * strength)
    made += rng.normal(0, 3 * strength, made.shape)
    return recompressed(np.clip(made, 0, 255).astype(np.uint8), quality=max(10, round(85 - 20 * strength)))


def glare(picture: Image, middle: tuple[float, float], radius_px: float) -> Image:
    """A lamp's reflection: saturated within the radius, soft at its edge."""
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    away = np.hypot(x - middle[0], y - middle[1]) / max(radius_px, 1e-6)
    light = np.clip(1.6 - 0.6 * away**2, 0, 1)[..., None]
    return np.clip(picture + 255 * light, 0, 255).astype(np.uint8)


def soft_glare(picture: Image, middle: tuple[float, float], radius_px: float, *, level: float) -> Image:
    """A dull reflection: towards one grey level, nowhere saturated. radius_px: its standard deviation."""
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    light = np.exp(-((x - middle[0]) ** 2 + (y - middle[1]) ** 2) / (2 * radius_px**2))[..., None]
    return (picture * (1 - light) + level * light).astype(np.uint8)


def iridescent(picture: Image, strength: float) -> Image:
    """Under a hologram's coloured bands, all over."""
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
    bands = np.stack([np.maximum(np.sin((x + 2 * y) / 14 + phase), 0) for phase in (0, 2, 4)], axis=-1)
    return np.clip(picture + 255 * strength * bands, 0, 255).astype(np.uint8)


def covered(picture: Image, share: tuple[float, float, float, float]) -> Image:
    """A finger over part of it. share: x0, y0, x1, y1 in shares of the picture."""
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = (round(each * side) for each, side in zip(share, (width, height) * 2, strict=True))
    made = picture.copy()
    made[y0:y1, x0:x1] = (120, 150, 200)
    return made


def shaded(picture: Image, light: float) -> Image:
    """The left half in shadow."""
    made = picture.astype(np.float32)
    made[:, : made.shape[1] // 2] *= light
    return made.astype(np.uint8)


def shaken(picture: Image, length_px: int) -> Image:
    """Moved downwards while it was taken."""
    return _image(cv2.blur(picture, (1, length_px)))


SPOILT: dict[str, Callable[[Image], Image]] = {
    "hologram .3": partial(iridescent, strength=0.3),
    "hologram .5": partial(iridescent, strength=0.5),
    "hologram .8": partial(iridescent, strength=0.8),
    "dull glare to 240": lambda photo: soft_glare(photo, (0.55 * photo.shape[1], 0.5 * photo.shape[0]), 48, level=240),
    "half in shadow, .15": partial(shaded, light=0.15),
    "half in shadow, .05": partial(shaded, light=0.05),
    "finger over the eyes": partial(covered, share=(0, 0.37, 1, 0.49)),
    "finger over half the face": partial(covered, share=(0.5, 0.2, 1, 1)),
    "finger over the mouth": partial(covered, share=(0, 0.62, 1, 0.9)),
    "shaken by 21 px": partial(shaken, length_px=21),
}


def blurred(picture: Image, sigma_px: float) -> Image:
    """Out of focus."""
    return _image(cv2.GaussianBlur(picture, (0, 0), sigma_px))


def gray(picture: Image) -> Image:
    """As a copier without colour makes it."""
    return _image(cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR))


def recompressed(picture: Image, *, quality: int) -> Image:
    """Through a JPEG of this quality, 1..100."""
    done, body = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return _image(cv2.imdecode(body, cv2.IMREAD_COLOR))


def holds(corners: Corners, spot: NDArray[np.floating[Any]]) -> bool:
    """Whether the point (2,) lies inside the quadrilateral."""
    return cv2.pointPolygonTest(corners.reshape(-1, 1, 2), (float(spot[0]), float(spot[1])), measureDist=False) >= 0


def _written(made: Image, rng: np.random.Generator) -> Image:
    """Text as a card bears it: made-up letters and digits."""
    ink, font = (60, 50, 40), cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(made, "SPECIMEN IDENTITY CARD", (50, 80), font, 1.4, ink, 3, cv2.LINE_AA)
    for line in range(5):
        text = "".join(rng.choice(list("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789 "), 14))
        cv2.putText(made, text, (330, 190 + 55 * line), font, 0.9, ink, 2, cv2.LINE_AA)
    for line in range(2):
        cv2.putText(
            made, "P<" + "<".join(rng.choice(list("ABCXYZ0129"), 20)), (50, 540 + 55 * line), font, 0.85, ink, 2, cv2.LINE_AA
        )
    return made


def desk(width: int, height: int, rng: np.random.Generator) -> Image:
    """A background: wood, bands, grain, light from one side."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    grain = cv2.GaussianBlur(rng.normal(0, 1, (height, width)).astype(np.float32), (0, 0), sigmaX=12, sigmaY=1) * 40
    wood = 95 + 10 * np.sin(y / 23 + 2 * np.sin(x / 210)) + grain + 30 * x / width
    colour = np.array([0.62, 0.8, 1.0], np.float32) * rng.uniform(0.7, 1.2)
    return np.clip(wood[..., None] * colour, 0, 255).astype(np.uint8)


def _rounded(width: int, height: int) -> Image:
    """A card's outline, its corners rounded by 3.2 mm (ISO/IEC 7810)."""
    radius = round(3.18 / 85.6 * width)
    mask = np.zeros((height, width), np.uint8)
    cv2.rectangle(mask, (radius, 0), (width - radius, height), 255, -1)
    cv2.rectangle(mask, (0, radius), (width, height - radius), 255, -1)
    for middle in ((radius, radius), (width - radius, radius), (radius, height - radius), (width - radius, height - radius)):
        cv2.circle(mask, middle, radius, 255, -1)
    return mask


def _corners(x0: float, y0: float, x1: float, y1: float) -> Corners:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)


def _moved(box: tuple[int, int, int, int], mapping: NDArray[Any]) -> Corners:
    return np.asarray(cv2.perspectiveTransform(_corners(*box)[None], mapping)[0], np.float32)


def _image(array: Any) -> Image:
    assert array is not None
    assert array.dtype == np.uint8
    return array
