"""A cued visit made of a registry clip: challenges are followed side by side until the cues of one fit what was filmed.

Nobody knows the actions before they are released, and a person in a registry clip does what they did. So several visits
begin at once, and the first whose cues the footage answers goes on; in the others no clip comes, and they expire.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

from bench.media import as_is, mirror
from bench.presentations.recorder import record
from bench.presentations.shots import changed, shot_of
from demo.footage import Footage, fitted, may_fit
from realname.messages import Action
from services.cli.client import IntakeClient, ProblemAnswered
from services.cli.cued import Cued, CueStream, Recorded, record_cued
from services.intake.requests import ChallengeRequest

# Of 3,000 drawn plans 18 % fit A in time and 13 % A too late: a round misses in 0.2 and 1 %, all rounds once in 10^8.
AT_ONCE = 32
ROUNDS_MAX = 4
_STEP_S = 0.05


class NothingFits(Exception):
    """No challenge of all rounds asked for what was filmed."""


class _NoClip(Exception):
    """This visit ends without a clip."""


def film(footage: Footage, client: IntakeClient, request: ChallengeRequest, media: Path, moved: Callable[[str], None]) -> Cued:
    """The first visit that the footage answers, up to its receipt. Raises NothingFits, and as record_cued does."""
    clips = clips_of(footage, media)  # before any clock runs: a digest must come within seconds
    for number in range(1, ROUNDS_MAX + 1):
        moved(f"following {AT_ONCE} cued challenges" + (f", round {number}" if number > 1 else ""))
        filming = _Filming(footage, clips, moved)
        with ThreadPoolExecutor(AT_ONCE) as visits:
            begun = [visits.submit(filming.visited, client, request) for _ in range(AT_ONCE)]
        for visit in begun:
            if (cued := visit.result()) is not None:
                return cued
    raise NothingFits(f"no plan of {ROUNDS_MAX * AT_ONCE} fits what {footage.person.name} does in {footage.person.file}")


def clips_of(footage: Footage, media: Path) -> dict[bool, bytes]:
    """As a browser's recorder makes them: mirrored or not -> the upload."""
    shot = shot_of(media, footage.piece)
    return {is_mirrored: record(changed(shot, mirror if is_mirrored else as_is)) for is_mirrored in footage.mirrored}


class _Filming:
    """One round: at most one visit gets its clip."""

    def __init__(self, footage: Footage, clips: dict[bool, bytes], moved: Callable[[str], None]) -> None:
        self._footage, self._clips, self._moved = footage, clips, moved
        self._free = Lock()

    def visited(self, client: IntakeClient, request: ChallengeRequest) -> Cued | None:
        """One visit to its receipt; None where it gets no clip, or a machine too busy for its seconds gives no digest in time."""
        try:
            return record_cued(client, request, self._record)
        except _NoClip:
            return None
        except ProblemAnswered as problem:
            if problem.name == "digest_late":
                return None
            raise

    def _record(self, stream: CueStream) -> Recorded:
        for _ in stream:
            if self._free.locked() or not may_fit(self._footage, [cue.action for cue in stream.released]):
                raise _NoClip
        assert stream.digest_until_s is not None, "the stream ends with it"
        actions: list[Action] = [cue.action for cue in stream.released]
        cues_at_s = [cue.at_s for cue in stream.released]
        found = fitted(self._footage, actions, cues_at_s, digest_until_s=stream.digest_until_s)
        if found is None or not self._free.acquire(blocking=False):
            raise _NoClip
        self._moved("recording")
        while stream.now_s() < found.started_at_s + self._footage.length_s:  # no clip is there before its last frame
            time.sleep(_STEP_S)
        return Recorded(self._clips[found.is_mirrored], found.started_at_s)
