"""One small clip and one small picture through a fresh child: what loads on first use must load before the seal."""

# PyAV's stubs leave type parameters open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import io

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from workers.decoder.clips import decode_clip
from workers.decoder.limits import DecoderLimits
from workers.decoder.portraits import decode_portrait

_SIDE_PX = 64


def warm_up(limits: DecoderLimits, canvas: NDArray[np.uint8]) -> None:
    """Decode both. Threads are turned off: a child has no right to start any."""
    cv2.setNumThreads(1)
    decode_clip(_grey_clip(), 12.0, limits, canvas)
    decode_portrait(_grey_picture(), limits, canvas)


def _grey_clip() -> bytes:
    clip = io.BytesIO()
    with av.open(clip, "w", format="webm") as container:
        stream = container.add_stream("libvpx", rate=25, options={"deadline": "realtime", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = _SIDE_PX, _SIDE_PX, "yuv420p"
        container.mux(stream.encode(av.VideoFrame(_SIDE_PX, _SIDE_PX, "yuv420p")))
        container.mux(stream.encode())
    return clip.getvalue()


def _grey_picture() -> bytes:
    _, picture = cv2.imencode(".jpg", np.full((_SIDE_PX, _SIDE_PX, 3), 128, np.uint8))
    return picture.tobytes()
