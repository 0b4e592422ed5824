"""A document's file that shows one person to whoever opens it, and holds another for whatever decodes it plainly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from bench.media import Image
from bench.presentations.attacks_replay import piece, replayed
from bench.presentations.genuine import portraits_of
from bench.presentations.labels import A, B, Cut
from bench.presentations.presentation import Make, Presentation
from realname.reasons import Reason

HIDDEN_MAX = 0.4  # how light the held picture may be: behind it the page's white must still come through as dark
GLIMPSE_MS, STAYS_MS = 1, 60_000
_CUT = Cut(A, 1050, 1180, (1, 2))

Lay = Callable[[Image, Image, str], bytes]  # held, shown, ".png" or ".webp" -> a file


def document_attacks() -> list[Presentation]:
    """The clip's owner is held, the document's owner is shown."""
    row = replayed(
        "two_pictures",
        A,
        piece(A, _CUT.first, _CUT.last),
        actions=_CUT.actions,
        cues_at_s=_CUT.cues_at_s,
        clip_s=_CUT.length_s,
        layers=(Reason.PORTRAIT_UNREADABLE,),
    )
    ways: tuple[tuple[str, Lay], ...] = (("through it", seen_through), ("after it", played_after))
    return [
        replace(row, portrait=_portrait(lay, kind), group=f"{kind[1:]}, {name}")
        for kind in (".png", ".webp")
        for name, lay in ways
    ]


def seen_through(held: Image, shown: Image, kind: str) -> bytes:
    """The held picture in dark colours, so transparent in places that on white it looks like the other, in grey."""
    dark = held.astype(np.float32) * HIDDEN_MAX
    wanted = 255 * HIDDEN_MAX + cv2.cvtColor(shown, cv2.COLOR_BGR2GRAY).astype(np.float32) * (1 - HIDDEN_MAX)
    opacity = np.clip((255 - wanted) / (255 - dark.max(axis=2)), 0, 1)
    done, body = cv2.imencode(kind, np.dstack([dark, 255 * opacity]).round().astype(np.uint8))
    assert done
    return body.tobytes()


def played_after(held: Image, shown: Image, kind: str) -> bytes:
    """An animation whose first frame is over before anybody sees it."""
    animation = cv2.Animation()
    animation.frames, animation.durations, animation.loop_count = [held, shown], [GLIMPSE_MS, STAYS_MS], 1
    done, body = cv2.imencodeanimation(kind, animation)
    assert done
    return body.tobytes()


def _portrait(lay: Lay, kind: str) -> Make:
    def make(media: Path) -> bytes:
        held, other = (_decoded(portraits_of(person)[0](media)) for person in (A, B))
        shown = cv2.resize(other, (held.shape[1], held.shape[0]), interpolation=cv2.INTER_AREA)
        return lay(held, np.asarray(shown, np.uint8), kind)

    return make


def _decoded(body: bytes) -> Image:
    return np.asarray(cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR), np.uint8)
