"""Pure: all attacks, by species. Each names the layers of which one must stop it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from bench.presentations.attacks_capture import capture_attacks
from bench.presentations.attacks_document import document_attacks
from bench.presentations.attacks_identity import identity_attacks
from bench.presentations.attacks_photo import photo_attacks
from bench.presentations.attacks_played import played_attacks
from bench.presentations.attacks_replay import replay_attacks
from bench.presentations.attacks_time import time_attacks
from bench.presentations.attacks_unwatched import unwatched_attacks
from bench.presentations.presentation import Presentation


def attacks() -> list[Presentation]:
    """Numbered within their species: photo_flat-01, photo_flat-02, ..."""
    photos, clips = (photo_attacks,), (replay_attacks, unwatched_attacks, played_attacks, time_attacks)
    made = (*photos, *clips, identity_attacks, document_attacks, capture_attacks)
    seen: Counter[str] = Counter()
    rows: list[Presentation] = []
    for row in (each for make in made for each in make()):
        seen[row.species] += 1
        rows.append(replace(row, id=f"{row.species}-{seen[row.species]:02d}"))
    return rows
