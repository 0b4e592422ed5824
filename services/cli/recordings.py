"""Reads the two files that the commands take, no larger than intake would."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from realname.errors import RealnameError
from realname.settings import Intake, read_settings


class Recordings(NamedTuple):
    """What is judged: bytes of an image and of a clip."""

    portrait: bytes
    clip: bytes


def read_recordings(portrait: Path, clip: Path) -> Recordings:
    """Both files. RealnameError names one that does not read, or that is larger than intake takes."""
    limits = read_settings(Intake)
    return Recordings(_read(portrait, limits.portrait_bytes_max), _read(clip, limits.clip_bytes_max))


def _read(path: Path, bytes_max: int) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(bytes_max + 1)
    except OSError as error:
        raise RealnameError(f"{path} does not read: {error.strerror}") from None
    if len(content) > bytes_max:
        raise RealnameError(f"{path} is larger than the {bytes_max} bytes that intake takes")
    return content
