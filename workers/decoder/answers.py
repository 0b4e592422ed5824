"""Pure: whether a child's answer holds. The child may be in hands that are not ours."""

from __future__ import annotations

from itertools import pairwise
from math import prod

from workers.decoder.limits import DecoderLimits
from workers.decoder.wire import Answer, Decode, Frames, Picture, Refused


def fault_of(answer: Answer, request: Decode, limits: DecoderLimits) -> str | None:
    """What is wrong with an answer, in a word; None where it holds. What each field may be alone, the wire has checked."""
    if isinstance(answer, Refused):
        return None
    if request.kind == "clip" and isinstance(answer, Frames):
        return _fault_of_frames(answer, limits)
    if request.kind == "portrait" and isinstance(answer, Picture):
        return "pixels" if max(answer.height, answer.width) > limits.portrait_side_px_max else None
    return "kind"


def _fault_of_frames(answer: Frames, limits: DecoderLimits) -> str | None:
    if answer.height % 2 or answer.width % 2 or answer.height * answer.width > limits.clip_pixels_max:
        return "pixels"
    if prod(answer.shape) > limits.frames_bytes_max:
        return "bytes"
    rising = answer.at_s[0] == 0 and all(earlier < later for earlier, later in pairwise(answer.at_s))
    if not rising or not answer.at_s[-1] <= answer.duration_s <= limits.clip_s_max:
        return "times"
    return "count" if answer.frames_decoded < len(answer.at_s) else None
