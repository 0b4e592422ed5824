"""The way to a GPU, on this CPU: fixed shapes, batchers, turns. What many registrations get is what one gets who asks alone."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from bench import media
from models.batcher import Batcher, BatchLimits
from models.device import Turns
from models.manifest import read_manifest
from models.placement import Device, Placement, buckets_up_to
from models.registry import Models, models_of
from models.session import Session

ENTRIES = read_manifest().models
LIMITS = BatchLimits(items_max=8, wait_s=0.002)
FACES = 12


@pytest.fixture(scope="module")
def turns_s() -> list[float]:
    return []


@pytest.fixture(scope="module")
def as_on_a_gpu(models_folder: Path, turns_s: list[float]) -> Iterator[Models]:
    turns, placed = Turns(turns_s.append), Placement(device=Device.CPU, buckets=buckets_up_to(LIMITS.items_max))
    ports = {}
    for role, entry in ENTRIES.items():
        session = Session(models_folder / entry.file, entry, sha256=entry.loaded_sha256, device=placed)
        ports[role] = Batcher(role.value, session.run_items, limits=LIMITS, turns=turns)
    models = models_of(ENTRIES, ports, Device.CPU)
    yield models
    models.close()


def seen(models: Models, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray, float, np.ndarray]:
    """What a registration asks of one frame, in order."""
    box = models.detector.detect(picture)[0].box
    points = models.landmarks.locate(picture, box)
    chip = models.embedder.cut(picture, points)
    return box, points, models.spoof.score(picture, box), models.embedder.embed(chip[None])[0]


def test_registrations_at_once_get_what_each_gets_alone(
    as_on_a_gpu: Models, real_models: Models, media_folder: Path, turns_s: list[float]
):
    piece = media.B_BLINK_TURN
    frames = media.frames_of(media_folder / piece.file, piece.first, piece.first + FACES - 1)
    alone = [seen(real_models, frame) for frame in frames]
    with ThreadPoolExecutor(FACES) as registrations:
        together = list(registrations.map(lambda frame: seen(as_on_a_gpu, frame), frames))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(other[0], one[0], atol=0.05)
        np.testing.assert_allclose(other[1], one[1], atol=0.05)
        assert other[2] == pytest.approx(one[2], abs=1e-3)
        assert float(other[3] @ one[3]) > 0.9999
    assert 4 <= len(turns_s) <= 4 * FACES
    assert all(each > 0 for each in turns_s)
