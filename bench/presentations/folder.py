"""Writes presentations as files with a manifest, for `realname evaluate`. They show people: nothing of it is ever committed."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.presentations.presentation import Presentation, submitted

COLUMNS = (
    "presentation",
    "kind",
    "species",
    "subject",
    "clip",
    "portrait",
    "actions",
    "cues_at_s",
    "clip_started_at_s",
    "digest_at_s",
    "portrait_source",
    "mated",
    "group_recording",
)
WEBM_MAGIC = b"\x1a\x45\xdf\xa3"


def write_folder(presentations: Sequence[Presentation], media: Path, folder: Path, tick: Callable[[], None]) -> Path:
    """Clips and portraits below folder, and manifest.csv, whose path is returned.

    What needs an earlier clip is left out: an evaluation looks at each presentation alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    manifest = folder / "manifest.csv"
    with manifest.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.DictWriter(stream, COLUMNS)
        rows.writeheader()
        for one in presentations:
            if not one.earlier:
                rows.writerow(_written(one, media, folder))
            tick()
    return manifest


def _written(one: Presentation, media: Path, folder: Path) -> dict[str, object]:
    clip, challenge = one.clip(media), submitted(one, "cues").challenge
    clip_name = f"{one.id}.{'webm' if clip.startswith(WEBM_MAGIC) else 'mp4'}"
    (folder / clip_name).write_bytes(clip)
    (folder / f"{one.id}.jpg").write_bytes(one.portrait(media))
    return {
        "presentation": one.id,
        "kind": "attack" if one.is_attack else "bona_fide",
        "species": one.species if one.is_attack else "",
        "subject": one.subject,
        "clip": clip_name,
        "portrait": f"{one.id}.jpg",
        "actions": " ".join(challenge.actions),
        "cues_at_s": " ".join(f"{cue:.3f}" for cue in challenge.cues_at_s),
        "clip_started_at_s": challenge.clip_started_at_s,
        "digest_at_s": challenge.digest_at_s,
        "portrait_source": "chip_read",
        "mated": "no" if one.species == "others_document" else "yes",
        "group_recording": "" if one.is_attack else one.group,
    }
