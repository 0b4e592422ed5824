"""Faces for tests of the pure modules: readable series, and a head of 68 points that turns in space."""

from __future__ import annotations

import numpy as np

from workers.liveness.blink import Blink
from workers.liveness.events import Event
from workers.liveness.turn import Turn

STEP_S = 1 / 12
CLOSEDNESS = {"o": 0.0, "-": 0.2, "_": 0.5, "?": np.nan}  # open, half shut (neither open nor shut), shut, no face
YAW = {".": 0.0, "l": 11.0, "L": 18.0, "r": -11.0, "R": -18.0, "?": np.nan}  # a little and far to each side, no face

# Millimetres: x to the image's right, y down, z away from the camera; only the points that anything looks at matter.
PLANE_Z = 0.0
NOSE_Z = -35.0


def series(text: str) -> np.ndarray:
    """`oo__oo` -> closedness, frame by frame."""
    return np.array([CLOSEDNESS[sign] for sign in text], np.float32)


def yaws(text: str) -> np.ndarray:
    """`..LL..` -> yaw in degrees, frame by frame."""
    return np.array([YAW[sign] for sign in text], np.float32)


def times(count: int, step_s: float = STEP_S) -> np.ndarray:
    return np.arange(count) * step_s


def head(yaw_deg: float = 0.0, *, nose_z: float = NOSE_Z, eye_open: float = 0.3, scale: float = 1.0) -> np.ndarray:
    """(68, 2) of a head turned to its own left (+) or right, seen from afar. nose_z 0 makes it a picture of a head."""
    space = np.zeros((68, 3))
    space[:, 0] = np.linspace(-60, 60, 68)
    space[:, 1] = np.linspace(-20, 90, 68)
    for start, middle in ((36, -32.0), (42, 32.0)):
        half, lid = 15.0, 30.0 * eye_open / 2
        space[start : start + 6] = [
            (middle - half, 0, PLANE_Z),
            (middle - half / 2, -lid, PLANE_Z),
            (middle + half / 2, -lid, PLANE_Z),
            (middle + half, 0, PLANE_Z),
            (middle + half / 2, lid, PLANE_Z),
            (middle - half / 2, lid, PLANE_Z),
        ]
    space[30] = (0, 35, nose_z)
    space[[48, 60]] = (-25, 65, PLANE_Z)
    space[[54, 64]] = (25, 65, PLANE_Z)
    turn = np.radians(yaw_deg)
    about_y = np.array([[np.cos(turn), 0, -np.sin(turn)], [0, 1, 0], [np.sin(turn), 0, np.cos(turn)]])
    return ((space @ about_y.T)[:, :2] * scale + 200).astype(np.float32)


def heads(yaw_deg, **how) -> np.ndarray:
    """(T, 68, 2), one for each yaw; NaN gives a frame without a face."""
    return np.stack([np.full((68, 2), np.nan, np.float32) if np.isnan(deg) else head(deg, **how) for deg in yaw_deg])


def events(text: str) -> list[Event]:
    """`b l r` -> a blink, a turn to the left, a turn to the right, a second apart, twelve frames apart."""
    return [event(sign, place + 1.0) for place, sign in enumerate(text.split())]


def event(sign: str, at_s: float, *, begun_s: float | None = None) -> Event:
    """One of `b`, `l`, `r` with its peak at at_s, begun a quarter of a second before unless said otherwise."""
    names = {"b": "blink", "l": "turn_left", "r": "turn_right"}
    began_s = at_s - 0.25 if begun_s is None else begun_s
    return Event(names[sign], round(12 * began_s), round(12 * at_s) + 3, began_s, at_s, 20.0)


def a_blink(at_s: float) -> Blink:
    first = int(at_s * 12)
    return Blink(first=first, last=first + 1, begun_s=first / 12, at_s=at_s, closedness=0.5)


def a_turn(at_s: float, side: str) -> Turn:
    peak = int(at_s * 12)
    return Turn(side, first=peak - 3, last=peak + 3, peak=peak, begun_s=(peak - 3) / 12, at_s=at_s, deg=20.0)
