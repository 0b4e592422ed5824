"""Pure: whether the face has depth. A flat picture's nose moves with its eyes and mouth; a head's does not.

The nose tip's parallax against the homography through eye and mouth corners; and, where a card is turned so far that its
landmarks are bent out of shape, how narrow it becomes for the yaw that they read. It says nothing against a replayed or
injected video: order and time of the challenge, and PAD, must.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians

import numpy as np
from numpy.typing import NDArray

from models.geometry import NOSE_TIP, SMALLEST

WINDOW_S = 3.0  # round a turn's widest point; the length on which the threshold was validated (facts, section 5)
FRAMES_MIN = 12  # fewer say nothing; same source
QUANTILE = 0.9  # of the parallax over the window; same source
PLANE = (36, 39, 42, 45, 48, 54)  # corners of eyes and mouth: nearly a plane in every face
EYES, MOUTH = (36, 45), (48, 54)  # outer corners
AHEAD_DEG_MAX = 5.0  # frames that show the face as wide as it is
AHEAD_MIN = 3  # so many of them, else the width says nothing

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Depth:
    """parallax: in eye-to-mouth heights. yaw_range_deg: largest less smallest nose-ratio yaw in the window."""

    parallax: float
    yaw_range_deg: float


def depth_around(
    peak_s: float, points: NDArray[np.float32], yaw_deg: NDArray[np.float32], at_s: NDArray[np.float64]
) -> Depth | None:
    """The depth seen in the window round peak_s; None where too few frames show the face, or it is no number.

    points: (T, 68, 2), yaw_deg: (T,), both NaN where no face was seen. at_s: (T,) seconds.
    A window at the clip's edge is moved inside, so that it keeps its length where the clip has it.
    """
    start_s = max(min(peak_s - WINDOW_S / 2, float(at_s[-1]) - WINDOW_S), float(at_s[0]))
    inside = (at_s >= start_s) & (at_s <= start_s + WINDOW_S) & ~np.isnan(yaw_deg)
    if int(inside.sum()) < FRAMES_MIN:
        return None
    parallax = parallax_of(points[inside])  # points that coincide or lie on a line span no plane
    return Depth(parallax, yaw_range_deg=float(np.ptp(yaw_deg[inside]))) if np.isfinite(parallax) else None


def width_at(peak: int, points: NDArray[np.float32], yaw_deg: NDArray[np.float32]) -> float | None:
    """The width between the eyes at a turn's widest frame, over that of a head which is turned by the yaw read there.

    peak: a frame. points: (T, 68, 2), yaw_deg: (T,), NaN where no face was seen. About 1 of a head; None where too few
    frames look ahead. The eyes of a head that turns by a come closer by cos a; a card must turn by 60 degrees and more until
    its landmarks read 15. Width is in eye-to-mouth heights, the median of three frames: ours.
    """
    widths = _widths(points.astype(np.float64))[0]
    ahead = np.abs(yaw_deg) <= AHEAD_DEG_MAX
    near = slice(max(0, peak - 1), peak + 2)
    if int(ahead.sum()) < AHEAD_MIN:
        return None
    turned_deg = float(np.nanmedian(np.abs(yaw_deg[near])))
    straight = float(np.median(widths[ahead])) * cos(radians(turned_deg))
    return float(np.nanmedian(widths[near])) / max(straight, SMALLEST)


def parallax_of(points: NDArray[np.float32]) -> float:
    """The nose tip's 90th-percentile distance from where the plane of eyes and mouth would carry it.

    points: (F, 68, 2), no NaN. The reference is the most frontal frame: the widest eyes for their height.
    """
    seen = points.astype(np.float64)
    widths, heights = _widths(seen)
    reference = seen[int(np.argmax(widths))]
    planes = homographies(reference[list(PLANE)], seen[:, list(PLANE)])
    carried = planes @ np.append(reference[NOSE_TIP], 1.0)
    expected = carried[:, :2] / carried[:, 2:]
    return float(np.quantile(np.linalg.norm(expected - seen[:, NOSE_TIP], axis=-1) / heights, QUANTILE))


def homographies(source: Floats, targets: Floats) -> Floats:
    """(F, 3, 3) maps that best take source (n, 2) to each of targets (F, n, 2), n >= 4; of unit norm.

    The normalised direct linear transform. Source: Hartley and Zisserman, algorithm 4.2.
    """
    to_unit, unit = _normalised(source[None])
    to_units, units = _normalised(targets)
    x, y = (np.broadcast_to(unit[..., axis], units.shape[:2]) for axis in (0, 1))
    u, v = units[..., 0], units[..., 1]
    zero, one = np.zeros_like(u), np.ones_like(u)
    rows_u = np.stack([x, y, one, zero, zero, zero, -u * x, -u * y, -u], axis=-1)
    rows_v = np.stack([zero, zero, zero, x, y, one, -v * x, -v * y, -v], axis=-1)
    _, _, right = np.linalg.svd(np.concatenate([rows_u, rows_v], axis=1))
    return np.linalg.inv(to_units) @ right[:, -1].reshape(-1, 3, 3) @ to_unit


def _normalised(points: Floats) -> tuple[Floats, Floats]:
    """Maps (F, 3, 3) that centre (F, n, 2) points and bring their mean distance to sqrt 2; and the mapped points."""
    centres = points.mean(axis=1)
    offsets = points - centres[:, None]
    scales = np.sqrt(2) / np.maximum(np.linalg.norm(offsets, axis=-1).mean(axis=1), SMALLEST)
    maps = np.zeros((len(points), 3, 3))
    maps[:, 0, 0] = maps[:, 1, 1] = scales
    maps[:, :2, 2] = -centres * scales[:, None]
    maps[:, 2, 2] = 1
    return maps, offsets * scales[:, None, None]


def _widths(points: Floats) -> tuple[Floats, Floats]:
    """Between the outer eye corners in eye-to-mouth heights; and those heights in pixels. points: (F, 68, 2)."""
    heights = np.maximum(np.linalg.norm(_middle(points, EYES) - _middle(points, MOUTH), axis=-1), SMALLEST)
    return np.linalg.norm(points[:, EYES[0]] - points[:, EYES[1]], axis=-1) / heights, heights


def _middle(points: Floats, pair: tuple[int, int]) -> Floats:
    return points[:, list(pair)].mean(axis=1)
