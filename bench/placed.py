"""The product's models opened on a device and in a precision of our choice, and faces of registry clips to ask them about."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import media
from models.batcher import BatchLimits
from models.inline import Inline
from models.manifest import ModelEntry, Role, sha256_of
from models.placement import ALWAYS_FP32, Device, Placement, Precision, buckets_up_to, placed_for
from models.profiles import read_loadout
from models.registry import Models, models_of
from models.session import Floats, Session
from realname.settings import Worker

ALONE = BatchLimits(items_max=32, wait_s=0.0)
# Two people who turn their heads and two who do not; every EVERY-th frame of each.
PIECES = (
    media.A_BLINK_TURN_BLINK,
    media.B_BLINK_TURN,
    media.Piece("WolfgangLanger_Pexels.mp4", 0, 119),
    media.Piece("single_face.mp4", 0, 71),
)
EVERY = 10


Change = Callable[[bytes], bytes]


def as_it_is(onnx_file: bytes) -> bytes:
    """No change."""
    return onnx_file


def placement(settings: Worker, device: Device, precision: Precision, *, items_max: int = 32) -> Placement:
    """As a worker would have it (models/registry.py), but of any precision; on a CPU with fixed shapes, too."""
    return Placement(
        device=device,
        precision=precision,
        buckets=buckets_up_to(items_max),
        memory_bytes_max=settings.device_bytes_max // len(Role),
        engines_dir=settings.engines_dir,
    )


def open_sessions(
    settings: Worker, placed: Placement, change: Change = as_it_is, *, exempt: frozenset[Role] = ALWAYS_FP32
) -> dict[Role, Session]:
    """change: what is done to each file before it is opened, but of those exempt. Raises ModelCorrupt, DeviceMissing."""
    loadout = read_loadout(settings.models_profile)
    with tempfile.TemporaryDirectory() as scratch:
        return {
            role: _opened(
                loadout.path_of(role, Path(settings.models_dir)),
                entry,
                placed_for(role, placed) if exempt else placed,
                as_it_is if role in exempt else change,
                Path(scratch),
            )
            for role, entry in loadout.entries.items()
        }


def _opened(path: Path, entry: ModelEntry, placed: Placement, change: Change, scratch: Path) -> Session:
    if change is as_it_is:
        return Session(path, entry, sha256=entry.loaded_sha256, device=placed)
    changed = scratch / path.name
    changed.write_bytes(change(path.read_bytes()))
    return Session(changed, entry, sha256=sha256_of(changed), device=placed)


@contextmanager
def alone(
    settings: Worker, placed: Placement, change: Change = as_it_is, *, exempt: frozenset[Role] = ALWAYS_FP32
) -> Iterator[Models]:
    """The models for one caller, each run in its thread. change, exempt: as open_sessions."""
    sessions = open_sessions(settings, placed, change, exempt=exempt)
    ports = {
        role: Inline[Floats, tuple[Floats, ...]](role.value, each.run_items, limits=ALONE) for role, each in sessions.items()
    }
    yield models_of(read_loadout(settings.models_profile).entries, ports, placed.device)
    for port in ports.values():
        port.close()


def frames(media_dir: Path, *, every: int = EVERY) -> list[NDArray[np.uint8]]:
    """(h, w, 3) BGR each, of four people."""
    found: list[Any] = []
    for piece in PIECES:
        found += media.frames_of(media_dir / piece.file, piece.first, piece.last)[::every]
    return found
