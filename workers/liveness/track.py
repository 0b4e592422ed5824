"""Pure: one face followed through a clip. Detections now and then; between them the landmarks carry the box.

A mutable state machine without I/O: the stage asks `detection_due`, tells it what was detected and which landmarks
were found, and reads off the track at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.geometry import POINTS, SMALLEST, Box, Points, area, iou, largest_central, nose_ratio
from workers.quality import single_face_of

COMPARABLE_AREA_MIN = 0.25  # a second face counts from this share of the followed one's area: nearer than a passer-by


@dataclass(slots=True)
class Track:
    """The followed face, frame by frame.

    frames:       in the clip. width, height: of the image, in pixels.
    detect_every: frames between two detections while the face is followed.
    overlap_min:  IoU of a detection with the carried box, from which on it is the same face.
    box:          where the face is looked for now; None: it is lost, or not yet found.
    points:       (frames, 68, 2) landmarks, NaN where unseen. boxes: (frames, 4), the same.
    askew:        (frames,) how much larger the nose ratio is by both ways of looking than by one; NaN where not looked.
    jumps:        frames at which a face was found elsewhere than where the track led.
    singles:      of each detection with a face: ISO/IEC 29794-5 single face present.
    """

    frames: int
    width: int
    height: int
    detect_every: int
    overlap_min: float
    box: Box | None = None
    points: NDArray[np.float32] = field(init=False)
    boxes: NDArray[np.float32] = field(init=False)
    askew: NDArray[np.float32] = field(init=False)
    jumps: list[int] = field(default_factory=list[int])
    detections: int = 0
    crowded: int = 0
    singles: list[float] = field(default_factory=list[float])
    _last_box: Box | None = None
    _margins: NDArray[np.float32] | None = None
    _confirmed: int = -1

    def __post_init__(self) -> None:
        """Nothing is seen yet."""
        self.points = np.full((self.frames, POINTS, 2), np.nan, np.float32)
        self.boxes = np.full((self.frames, 4), np.nan, np.float32)
        self.askew = np.full(self.frames, np.nan, np.float32)

    def detection_due(self, index: int) -> bool:
        """While the face is lost on every frame; else now and then, and on the last frame, which confirms the tail."""
        return self.box is None or index - self._confirmed >= self.detect_every or index == self.frames - 1

    def meet(self, index: int, found: Sequence[Box]) -> None:
        """Take the detections of frame index. The face followed is the one that overlaps the carried box best."""
        self.detections += 1
        boxes = np.stack(found) if found else np.zeros((0, 4), np.float32)
        if not len(boxes):
            self._lose(index)
            return
        chosen = self._choose(boxes)
        if chosen is None:
            if self._last_box is not None:
                self.jumps.append(index)
            self._lose(index)
            chosen = largest_central(boxes, self.width, self.height) or 0
        self.box, self._margins = boxes[chosen], None
        self._confirmed = index
        areas = area(boxes)
        self.singles.append(single_face_of(areas.tolist()))
        self.crowded += int((np.delete(areas, chosen) >= COMPARABLE_AREA_MIN * areas[chosen]).any())

    def follow(self, index: int, points: Points) -> None:
        """Take the landmarks found in the box on frame index; the box moves and grows with them."""
        assert self.box is not None, index
        self.points[index], self.boxes[index] = points, self.box
        low, high = points.min(axis=0), points.max(axis=0)
        extent = np.maximum(high - low, SMALLEST)
        if self._margins is None:
            self._margins = np.stack([(self.box[:2] - low) / extent, (self.box[2:] - high) / extent])
        self.box = np.concatenate([low + self._margins[0] * extent, high + self._margins[1] * extent]).astype(np.float32)
        self._last_box = self.box

    def compare(self, index: int, points: Points, mirrored: Points) -> None:
        """Take what the landmarks say of frame index as it is, and as a mirror shows it."""
        self.askew[index] = (nose_ratio(mirrored) - nose_ratio(points)) / 2

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(frames,): the face was followed here, and a later detection found it where it was followed to."""
        return ~np.isnan(self.boxes[:, 0])

    def _choose(self, boxes: NDArray[np.float32]) -> int | None:
        """The detection that goes on with the track; None: none overlaps, or there is no track yet."""
        expected = self._last_box if self.box is None else self.box
        if expected is None:
            return None
        overlaps = iou(expected, boxes)
        best = int(np.argmax(overlaps))
        return best if overlaps[best] >= self.overlap_min else None

    def _lose(self, index: int) -> None:
        """Landmarks always find something: what no detection confirmed is not evidence, so it goes."""
        self.points[self._confirmed + 1 : index + 1] = np.nan
        self.boxes[self._confirmed + 1 : index + 1] = np.nan
        self.askew[self._confirmed + 1 : index + 1] = np.nan
        self.box, self._margins = None, None


def longest_hidden_s(seen: NDArray[np.bool_], at_s: NDArray[np.float64], jumps: Sequence[int]) -> float:
    """The longest time without the face between two frames that show it, less one usual frame; 0 where it shows throughout.

    seen: (T,), at_s: (T,) seconds. jumps: of the track; a gap before one is left out, since its sides are compared anyway.
    """
    frames = np.flatnonzero(seen)
    gaps = [
        float(at_s[after] - at_s[before])
        for before, after in pairwise(frames.tolist())
        if after - before > 1 and not any(before < jump <= after for jump in jumps)
    ]
    return max(0.0, max(gaps) - float(np.median(np.diff(at_s)))) if gaps else 0.0


def longest_gap_s(seen: NDArray[np.bool_], at_s: NDArray[np.float64]) -> float:
    """The longest time without the face, from the clip's start to its end; frames that are missing count, too.

    seen: (T,), at_s: (T,) seconds. Between neighbouring seen frames the time less one usual frame counts,
    so that a clip seen throughout has a gap of 0.
    """
    if len(at_s) < 2 or not seen.any():  # noqa: PLR2004 - no time passes within one frame
        return float(at_s[-1] - at_s[0]) if len(at_s) else 0.0
    usual_s = float(np.median(np.diff(at_s)))
    marks = np.concatenate([[at_s[0] - usual_s], at_s[seen], [at_s[-1] + usual_s]])
    return max(0.0, float(np.diff(marks).max()) - usual_s)
