"""Pure: the frames of one clip, as I420 planes with their times. Colours are made on demand: few frames need them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.recording import Recording

SMALL_WIDTH, SMALL_HEIGHT = 64, 48  # of the small pictures: enough for the motion of a whole picture, not for a face


@dataclass(frozen=True, eq=False)  # without slots, in which nothing can be kept
class Clip:
    """Frames of one clip in decoding order, thinned by pts to at least the asked rate.

    planes: (T, H*3//2, W) uint8, I420, H and W even (cropped by one where odd), video range (Y in 16..235), BT.601;
            read-only.
    at_s:   (T,) seconds from the first decoded frame, strictly increasing; from pts, never from a container's fps.
    duration_s:     first to last decoded pts, before thinning.
    frames_decoded: before thinning.
    decode_cpu_s:   CPU that decoding took, in the child; 0 for a clip that was made.
    recording:      what its file says of who made it; None for a clip that was made.
    """

    planes: NDArray[np.uint8]
    at_s: NDArray[np.float64]
    duration_s: float
    frames_decoded: int
    decode_cpu_s: float = 0.0
    recording: Recording | None = None

    def __len__(self) -> int:
        return int(self.planes.shape[0])

    @property
    def height(self) -> int:
        """H, even."""
        return int(self.planes.shape[1]) * 2 // 3

    @cached_property
    def small(self) -> NDArray[np.uint8]:
        """small_luma of the clip, made at the first use and kept, since several layers look at it; read-only."""
        small = small_luma(self)
        small.setflags(write=False)
        return small

    @property
    def width(self) -> int:
        """W, even."""
        return int(self.planes.shape[2])

    @property
    def frame_rate_hz(self) -> float:
        """Mean rate of the recording before thinning; 0 for a clip of one frame."""
        return (self.frames_decoded - 1) / self.duration_s if self.duration_s > 0 else 0.0

    def gray(self, index: int) -> NDArray[np.uint8]:
        """(H, W) luma of one frame, 16..235. A view: nothing is copied."""
        return self.planes[index, : self.height]

    def bgr(self, index: int) -> NDArray[np.uint8]:
        """(H, W, 3) of one frame, 0..255, converted now: about 0.15 ms for 640x480. Keep it if it is needed twice."""
        return _uint8(cv2.cvtColor(self.planes[index], cv2.COLOR_YUV2BGR_I420))


def clip_of(frames_bgr: Sequence[NDArray[np.uint8]], at_s: Sequence[float] | NDArray[np.float64]) -> Clip:
    """A clip of BGR frames, all (H, W, 3) of one size, at strictly increasing times. For tests and synthetic clips.

    An odd height or width is cropped by one. Times are shifted so that the first is 0.
    """
    times = np.asarray(at_s, np.float64)
    assert len(frames_bgr) == len(times) > 0, (len(frames_bgr), len(times))
    assert bool(np.all(np.diff(times) > 0)), "times must increase"
    height, width = (side - side % 2 for side in frames_bgr[0].shape[:2])
    even = [np.ascontiguousarray(frame[:height, :width]) for frame in frames_bgr]
    planes = np.stack([_uint8(cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420)) for frame in even])
    return Clip(planes=planes, at_s=times - times[0], duration_s=float(times[-1] - times[0]), frames_decoded=len(times))


def small_luma(clip: Clip) -> NDArray[np.uint8]:
    """(T, 48, 64) luma of all frames, 16..235: means of areas, so noise and blocks hardly count.

    The picture's shape is not kept: 48 x 64 whatever it was. Computed each time, 0.1 ms a frame of 640x480: a stage asks
    for Clip.small.
    """
    return np.stack([_small(clip.gray(index)) for index in range(len(clip))])


def _small(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Halved as often as can be, which OpenCV does fast; the rest at once. A third of the time of a single step."""
    height, width = luma.shape
    while width >= 4 * SMALL_WIDTH and height >= 4 * SMALL_HEIGHT:
        width, height = width // 2, height // 2
        luma = _uint8(cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA))
    return _uint8(cv2.resize(luma, (SMALL_WIDTH, SMALL_HEIGHT), interpolation=cv2.INTER_AREA))


def _uint8(image: Any) -> NDArray[np.uint8]:
    assert image.dtype == np.uint8
    return image
