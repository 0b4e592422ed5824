"""What light, lens and distance do to a picture, and what an attacker does to a photo. Pure: pictures in, pictures out."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.media import Image
from bench.presentations.shots import Change

CARD_DISTANCE = 3.0  # of a held-up sheet from the camera, in its own widths
CURVE_MIN_RAD = 1e-3  # below it a sheet is as good as flat, and its radius a number too large to reckon with
Box = tuple[int, int, int, int]  # left, top, right, bottom, in pixels


def light(gain: float, gamma: float = 1.0) -> Change:
    """The whole scene so many times as bright, then gamma: below 1 lifts the shadows."""
    levels = np.clip(255 * (np.arange(256) / 255 * gain).clip(0, 1) ** gamma, 0, 255).astype(np.uint8)
    return lambda frame: _image(cv2.LUT(frame, levels))


def out_of_focus(sigma_px: float) -> Change:
    """Gaussian blur."""
    return lambda frame: _image(cv2.GaussianBlur(frame, (0, 0), sigma_px))


def framed(width: int, height: int, *, middle: tuple[int, int], nearer: float = 1.0) -> Change:
    """The largest view of that shape with the face as near its middle as the picture allows, at an exact size.

    middle: of the face, in pixels. nearer: above 1 the view is so many times narrower.
    """

    def frame_it(frame: Image) -> Image:
        full_h, full_w = frame.shape[:2]
        view_w = min(full_w, full_h * width / height) / nearer
        view_h = view_w * height / width
        left = int(np.clip(middle[0] - view_w / 2, 0, full_w - view_w))
        top = int(np.clip(middle[1] - view_h / 2, 0, full_h - view_h))
        return resized(frame[top : top + round(view_h), left : left + round(view_w)], width, height)

    return frame_it


def resized(frame: Image, width: int, height: int) -> Image:
    """To an exact size."""
    way = cv2.INTER_AREA if frame.shape[1] > width else cv2.INTER_CUBIC
    return _image(cv2.resize(frame, (width, height), interpolation=way))


def far_away(share: float) -> Change:
    """The scene at a share of its size on a wall: the person stands far away."""

    def push(frame: Image) -> Image:
        height, width = frame.shape[:2]
        small = resized(frame, round(width * share), round(height * share))
        return placed(small, wall(width, height), left=(width - small.shape[1]) // 2, top=(height - small.shape[0]) // 2)

    return push


def placed(small: Image, large: Image, *, left: int, top: int) -> Image:
    """One picture on another; what lies outside is cut off."""
    result, (height, width) = large.copy(), small.shape[:2]
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + width, large.shape[1]), min(top + height, large.shape[0])
    if x0 < x1 and y0 < y1:
        result[y0:y1, x0:x1] = small[y0 - top : y1 - top, x0 - left : x1 - left]
    return result


def shifted(frame: Image, dx: float, dy: float, *, zoom: float = 1.0, turn_deg: float = 0.0) -> Image:
    """Moved as a whole, by parts of a pixel too; the edge is drawn on."""
    height, width = frame.shape[:2]
    mapping = cv2.getRotationMatrix2D((width / 2, height / 2), turn_deg, zoom)
    mapping[:, 2] += (dx, dy)
    return _image(cv2.warpAffine(frame, mapping, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE))


def grain(frame: Image, sigma: float, seed: int) -> Image:
    """A sensor's noise. sigma: in levels."""
    noise = np.random.default_rng(seed).normal(0, sigma, frame.shape)
    return np.clip(frame + noise, 0, 255).astype(np.uint8)


def eyes_from(other: Image, frame: Image, boxes: tuple[Box, ...]) -> Image:
    """A frame with the eyes of another picture of the same size and pose, blended in: cut-out eyes, or a painter's best."""
    result = frame.astype(np.float32)
    for left, top, right, bottom in boxes:
        mask = np.zeros(frame.shape[:2], np.float32)
        mask[top:bottom, left:right] = 1
        soft = cv2.GaussianBlur(mask, (0, 0), 2.0)[..., None]
        result = result * (1 - soft) + other.astype(np.float32) * soft
    return result.astype(np.uint8)


def painted_lids(frame: Image, boxes: tuple[Box, ...]) -> Image:
    """Lids painted over both eyes in the colour of the skin above them, with a dark line where they meet."""
    result = frame.copy()
    for left, top, right, bottom in boxes:
        skin = np.median(frame[max(top - 6, 0) : max(top - 2, 1), left:right].reshape(-1, 3), axis=0)
        centre, axes = ((left + right) // 2, (top + bottom) // 2), ((right - left) // 2, max((bottom - top) // 2, 1))
        cv2.ellipse(result, centre, axes, 0, 0, 360, skin.tolist(), -1, cv2.LINE_AA)
        cv2.ellipse(result, (centre[0], bottom - 2), (axes[0], 1), 0, 0, 180, (0.45 * skin).tolist(), 1, cv2.LINE_AA)
    return result


def sheet(
    photo: Image, background: Image, *, yaw_deg: float, pitch_deg: float = 0.0, bend_rad: float = 0.0, width_px: float = 330
) -> Image:
    """A photo as a sheet in space, turned, bent round an upright axis towards the camera, seen by a pinhole.

    Each pixel's ray is met with the cylinder on which the sheet lies: its width is the arc of bend_rad.
    """
    height, width = background.shape[:2]
    tall = photo.shape[0] / photo.shape[1]
    half_w, half_h = (min(side // 2, round(0.75 * side_px)) for side, side_px in ((width, width_px), (height, width_px * tall)))
    part = np.s_[
        height // 2 - half_h : height // 2 + half_h, width // 2 - half_w : width // 2 + half_w
    ]  # the sheet is nowhere else
    x, y = np.meshgrid(np.arange(-half_w, half_w, dtype=np.float64), np.arange(-half_h, half_h, dtype=np.float64))
    back = _rotation(np.radians(yaw_deg), np.radians(pitch_deg)).T  # from the camera's axes to the sheet's
    rays = np.stack([x / width_px, y / width_px, np.full_like(x, CARD_DISTANCE)], -1) @ back.T
    eye = back @ np.array([0.0, 0.0, -CARD_DISTANCE])
    along, across = _met(rays, eye, bend_rad)
    inside = (np.abs(across) <= 1 / 2) & (np.abs(along) <= tall / 2)
    pixels_x = ((across + 1 / 2) * (photo.shape[1] - 1)).astype(np.float32)
    pixels_y = ((along / tall + 1 / 2) * (photo.shape[0] - 1)).astype(np.float32)
    seen = cv2.remap(photo, pixels_x, pixels_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    picture = background.copy()
    picture[part] = np.where(inside[..., None], seen, background[part])
    return picture


@cache
def wall(width: int, height: int) -> Image:
    """A background with soft light. Shared: not to be written to."""
    y, x = np.mgrid[:height, :width]
    return np.stack([140 + 40 * np.sin(x / 170 + c) + 25 * np.cos(y / 130 - c) for c in (0, 0.5, 1)], axis=-1).astype(np.uint8)


def _rotation(yaw: float, pitch: float) -> NDArray[np.float64]:
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    return about_x @ about_y


def _met(rays: NDArray[np.float64], eye: NDArray[np.float64], bend_rad: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """Where rays (h, w, 3) from eye (3,) meet the sheet: height on it, and arc from its middle; far off where they miss.

    The cylinder's axis is upright through (0, 0, radius), so the sheet's middle is the origin and its edges bend away.
    """
    if bend_rad < CURVE_MIN_RAD:
        reach = -eye[2] / rays[..., 2]
        return eye[1] + reach * rays[..., 1], eye[0] + reach * rays[..., 0]
    radius = 1 / bend_rad
    a = rays[..., 0] ** 2 + rays[..., 2] ** 2
    b = 2 * (rays[..., 0] * eye[0] + rays[..., 2] * (eye[2] - radius))
    c = eye[0] ** 2 + (eye[2] - radius) ** 2 - radius**2
    under = b * b - 4 * a * c
    reach = np.where(under >= 0, (-b - np.sqrt(np.maximum(under, 0))) / (2 * a), np.nan)
    hit_x, hit_z = eye[0] + reach * rays[..., 0], eye[2] + reach * rays[..., 2]
    across = radius * np.arctan2(hit_x, radius - hit_z)
    return np.nan_to_num(eye[1] + reach * rays[..., 1], nan=9.0), np.nan_to_num(across, nan=9.0)


def _image(array: Any) -> Image:
    assert array is not None
    assert array.dtype == np.uint8
    return array
