"""A clip's frames by OpenCV's own reader, as any script reads them: one thread, BGR. Runs with OpenCV 4 and 5."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

ROUNDING_S = 0.002  # containers keep milliseconds

cv2.setNumThreads(1)


def frames_of(clip: str, at_s: Sequence[float] | None = None) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """(seconds from the first frame, (h, w, 3) BGR): every frame, or those at these times, increasing. None of what won't open.

    All are decoded; only those that are wanted are converted. The times are the container's: its rate may be a lie.
    """
    capture = cv2.VideoCapture(clip, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    wanted, first_s = list(at_s or ()), None
    try:
        while capture.grab():
            now_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            first_s = now_s if first_s is None else first_s
            if at_s is None:
                yield now_s - first_s, _retrieved(capture)
            elif wanted and now_s - first_s >= wanted[0] - ROUNDING_S:
                yield wanted.pop(0), _retrieved(capture)
    finally:
        capture.release()


def is_among(at_s: float, times: Sequence[float]) -> bool:
    """Whether that is one of them."""
    return any(abs(at_s - each) <= ROUNDING_S for each in times)


def picture(path: str) -> NDArray[np.uint8] | None:
    """A still, BGR; None where it does not decode."""
    image: Any = cv2.imread(path, cv2.IMREAD_COLOR)
    return image


def _retrieved(capture: cv2.VideoCapture) -> NDArray[np.uint8]:
    _, frame = capture.retrieve()
    image: Any = frame
    return image
