"""Pure: what one presentation is: its media, its challenge, and, of an attack, the layers that must stop it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from realname import ids
from realname.messages import Action, Challenge, RegistrationSubmitted
from realname.reasons import Reason
from workers.check import unsubmitted

Make = Callable[[Path], bytes]  # folder of fetched media -> bytes of an upload
Mode = Literal["cues", "no_cues"]  # cues under the production policy; a finished clip under the development policy

ISSUED_AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CLIP_STARTED_AT_S = 2.0  # after the challenge: the page opens the camera
SENDING_S = 0.3  # from the clip's end to its digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """One row of the suite.

    cues_at_s:  each action's cue in seconds of the clip, as a strong attacker would wish them where it is an attack.
    clip_s:     about how long the clip is; the digest follows its end.
    species:    of an attack, in the sense of ISO/IEC 30107-3's PAI species; of a genuine one, "bona_fide".
    layers:     of an attack: any of these must be among the decision's reasons. Empty for a genuine one.
    modes:      how it is judged. An attack that nothing but cues or an earlier clip can tell is not run without cues.
    earlier:    what was handed in under another id before it, oldest first.
    counts:     of a genuine one: whether it counts for the bar where it ends in retry (its turn peaks at 18 degrees or more).
    """

    id: str
    species: str
    subject: str
    portrait: Make
    clip: Make
    actions: tuple[Action, ...]
    cues_at_s: tuple[float, ...]
    clip_s: float
    layers: tuple[Reason, ...] = ()
    modes: tuple[Mode, ...] = ("cues", "no_cues")
    earlier: tuple[Make, ...] = ()
    counts: bool = True
    group: str = ""
    digest_after_s: float = SENDING_S

    @property
    def is_attack(self) -> bool:
        """Whether nobody may be approved by it."""
        return bool(self.layers)


def submitted(presentation: Presentation, mode: Mode) -> RegistrationSubmitted:
    """The registration it would come in."""
    cues = tuple(CLIP_STARTED_AT_S + cue for cue in presentation.cues_at_s) if mode == "cues" else ()
    challenge = Challenge(actions=presentation.actions, issued_at=ISSUED_AT)
    if cues:
        challenge = Challenge(
            actions=presentation.actions,
            issued_at=ISSUED_AT,
            cues_at_s=cues,
            clip_started_at_s=CLIP_STARTED_AT_S,
            digest_at_s=CLIP_STARTED_AT_S + presentation.clip_s + presentation.digest_after_s,
        )
    identity = ids.mint(ISSUED_AT, presentation.id.encode().ljust(10, b"-")[-10:])
    return msgspec.structs.replace(unsubmitted(challenge, "chip_read"), id=identity)


def numbered(prefix: str, rows: list[Presentation]) -> list[Presentation]:
    """The rows with ids prefix-01, prefix-02, ..."""
    return [replace(row, id=f"{prefix}-{number:02d}") for number, row in enumerate(rows, 1)]
