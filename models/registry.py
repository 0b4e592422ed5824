"""Opens the four models of a profile and wires each to its batcher."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
from threadpoolctl import threadpool_limits

from models.batcher import Batcher, BatchLimits, Observes, observe_nothing
from models.detector import Detector
from models.embedder import Embedder, open_embedder
from models.inline import Inline
from models.landmarks import Landmarks
from models.manifest import ModelEntry, Role, digest_of
from models.profiles import read_loadout
from models.session import Device, Floats, Session, usable
from models.spoof import Spoof, open_spoof

if TYPE_CHECKING:
    from realname.settings import Worker

BATCH_MAX_CPU = 4  # a CPU gains nothing by batches, 64 costs 25-100 % more an item (facts on models, section 6)
BATCH_MAX_GPU = 32

Port = Batcher[Floats, tuple[Floats, ...]] | Inline[Floats, tuple[Floats, ...]]


@dataclass(frozen=True, slots=True)
class Models:
    """What the stages ask. digests: role -> how reports name the model (manifest.digest_of)."""

    detector: Detector
    landmarks: Landmarks
    spoof: Spoof
    embedder: Embedder
    digests: dict[str, str]
    device: Device
    ports: tuple[Port, ...]

    @property
    def are_open(self) -> bool:
        """Whether every model takes items; where not, the process is not alive any more."""
        return all(port.is_open for port in self.ports)

    def close(self) -> None:
        """Finish what is queued and end the threads."""
        for port in self.ports:
            port.close()


def load(settings: Worker, observe: Observes = observe_nothing) -> Models:
    """Open all models on the device of the settings. Raises SettingsWrong, ModelCorrupt, DeviceMissing.

    observe: told of each batch, by role.
    """
    cv2.setNumThreads(1)  # processes are scaled, not threads
    threadpool_limits(1)  # of numpy, likewise: BLAS threads that wait for work spin
    device = usable(Device(settings.device))
    loadout, folder = read_loadout(settings.models_profile), Path(settings.models_dir)
    entries = loadout.entries
    sessions = {role: _open(loadout.path_of(role, folder), entry, device) for role, entry in entries.items()}
    limits = batch_limits(device, items_max=settings.batch_max, wait_ms=settings.batch_wait_ms)
    way: type[Port] = Inline[Floats, tuple[Floats, ...]] if device is Device.CPU else Batcher[Floats, tuple[Floats, ...]]
    ports = {role: way(role.value, session.run_items, limits=limits, observe=observe) for role, session in sessions.items()}
    return Models(
        detector=Detector(ports[Role.DETECTOR]),
        landmarks=Landmarks(ports[Role.LANDMARKS]),
        spoof=open_spoof(ports[Role.SPOOF], entries[Role.SPOOF]),
        embedder=open_embedder(ports[Role.EMBEDDER], entries[Role.EMBEDDER]),
        digests={role.value: digest_of(entry) for role, entry in entries.items()},
        device=device,
        ports=tuple(ports.values()),
    )


def batch_limits(device: Device, *, items_max: int, wait_ms: float) -> BatchLimits:
    """By device: a GPU waits for company, a CPU gains nothing by waiting. items_max 0: as the device likes it."""
    if device is Device.CPU:
        return BatchLimits(items_max=items_max or BATCH_MAX_CPU, wait_s=0.0)
    return BatchLimits(items_max=items_max or BATCH_MAX_GPU, wait_s=wait_ms / 1000)


def _open(path: Path, entry: ModelEntry, device: Device) -> Session:
    return Session(path, entry, sha256=entry.loaded_sha256, device=device)
