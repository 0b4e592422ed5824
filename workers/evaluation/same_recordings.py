"""Whether two evaluations are of the same recordings: one digest over all of them, which says nothing of any."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from workers.evaluation.dataset import Presentation

DIGEST_CHARS = 16
MISSING = "missing"  # a file that does not read


def presentations_digest(presentations: Iterable[Presentation]) -> str:
    """Over ids, portraits, clips and what was asked, in whatever order they are listed; empty without any. Not over labels."""
    return _cut(
        [
            one.id,
            _content(one.portrait),
            _content(one.clip),
            one.actions,
            one.cues_at_s,
            one.clip_started_at_s,
            one.digest_at_s,
            one.portrait_source,
        ]
        for one in sorted(presentations, key=lambda one: one.id)
    )


def ids_digest(ids: Iterable[str]) -> str:
    """The same of registrations, whose ids are given once and never to others."""
    return _cut([each] for each in sorted(ids))


def _content(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return MISSING


def _cut(lines: Iterable[list[object]]) -> str:
    whole = list(lines)
    return hashlib.sha256(msgspec.json.encode(whole)).hexdigest()[:DIGEST_CHARS] if whole else ""
