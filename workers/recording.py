"""Pure: what a recording's file says of who made it, and whether a recorder is likely to have.

A hint for a person who looks, nothing more: who writes files by hand can write these as well. What recorders make was read
from files of Chromium's MediaRecorder (docs/judgement.md); of phones' own cameras only what is documented.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from msgspec import Meta, Struct

from realname.reasons import Reason

Writer = Literal["chrome", "firefox", "apple", "android", "lavf", "gpac", "other", "unnamed"]
Brand = Literal["webm", "qt", "mp42", "isom", "other"]
Codec = Literal["h264", "vp8", "vp9", "av1"]
Profile = Literal["baseline", "main", "high", "other", "unnamed"]

STRONG = 3  # marks that an encoder of files leaves and no camera: its own name
_TOOLS = frozenset({"lavf", "gpac"})
_COUNT = Annotated[int, Meta(ge=0, le=1 << 20)]
_SECONDS = Annotated[float, Meta(ge=0, le=1e6)]
_HERTZ = Annotated[float, Meta(ge=0, le=1e6)]


class Recording(Struct, frozen=True, kw_only=True):
    """Facts of the container and its video stream, none of them free text. Said by the sandboxed child: unproven.

    writer:        of the container, as far as it is named. encoder_named: the stream says x264, x265 or libavcodec.
    reordered:     frames are stored in another order than shown: B-frames.
    edit_list:     an MP4 with one.
    fragmented:    an MP4 written piece by piece, as a recorder that streams does.
    packets, key_packets: compressed frames, and those that stand alone.
    gap_*:         between the times of frames in order; gaps_even: all the same, but for one tick of the stream's clock.
    repeated:      frames with the time of another one.
    declared_hz:   the rate the container claims; 0: none.
    """

    brand: Brand
    writer: Writer
    codec: Codec
    profile: Profile
    encoder_named: bool
    reordered: bool
    edit_list: bool
    fragmented: bool
    packets: _COUNT
    key_packets: _COUNT
    gap_s_min: _SECONDS
    gap_s_max: _SECONDS
    gap_s_mean: _SECONDS
    gaps_even: bool
    repeated: _COUNT
    declared_hz: _HERTZ


class Gaps(Struct, frozen=True):
    """As in Recording."""

    minimum_s: float
    maximum_s: float
    mean_s: float
    even: bool
    repeated: int


EVEN_FROM = 12  # gaps: fewer may be even by chance


def gaps_of(ticks: list[int], tick_s: float) -> Gaps:
    """ticks: the frames' times in any order; tick_s: of the stream's clock."""
    gaps = [later - earlier for earlier, later in pairwise(sorted(ticks))]
    if not gaps:
        return Gaps(0.0, 0.0, 0.0, even=False, repeated=0)
    even = len(gaps) >= EVEN_FROM and max(gaps) - min(gaps) <= 1
    return Gaps(min(gaps) * tick_s, max(gaps) * tick_s, sum(gaps) / len(gaps) * tick_s, even, gaps.count(0))


def marks_of(recording: Recording) -> int:
    """How much speaks against a recorder. Each may have an honest cause; a named tool weighs STRONG, all others 1.

    Browsers and phones encode in real time: frames in their order, at times that the camera gives, which never come even to
    a tick over a whole clip, and with 8 bits and a profile that hardware has. Editors do the opposite by default.
    """
    weak = (
        recording.reordered,
        recording.gaps_even,
        recording.repeated > 0,
        recording.edit_list and not recording.fragmented and recording.reordered,
        recording.profile == "other",
    )
    named = recording.encoder_named or recording.writer in _TOOLS
    return STRONG * named + sum(weak)


def signs_of(recording: Recording | None, marks_min: int) -> tuple[Reason, ...]:
    """None: nothing is known of the file, as of a clip that was made in memory."""
    unlikely = recording is not None and marks_of(recording) >= marks_min
    return (Reason.RECORDER_UNLIKELY,) if unlikely else ()


def facts_of(recording: Recording | None) -> dict[str, float | str]:
    """For the report: words of closed sets, numbers rounded; yes and no as 1 and 0."""
    if recording is None:
        return {}
    values = ((name, getattr(recording, name)) for name in Recording.__struct_fields__)
    facts: dict[str, float | str] = {name: value if isinstance(value, str) else round(float(value), 6) for name, value in values}
    return facts | {"marks": float(marks_of(recording))}
