"""Opens the four models of a profile and wires each to its batcher."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import cv2
from threadpoolctl import threadpool_limits

from models.batcher import Batcher, BatchLimits, Observes, observe_nothing
from models.detector import Detector
from models.device import Turns
from models.embedder import Embedder, open_embedder
from models.inline import Inline
from models.landmarks import Landmarks
from models.manifest import ModelEntry, Role, digest_of
from models.placement import Device, Placement, Precision, buckets_up_to, placed_for
from models.profiles import Loadout, read_loadout
from models.session import DeviceMissing, Floats, Session, usable
from models.spoof import Spoof, open_spoof

if TYPE_CHECKING:
    from realname.settings import Worker

BATCH_MAX_CPU = 4  # a CPU gains nothing by batches, 64 costs 25-100 % more an item (facts on models, section 6)
BATCH_MAX_GPU = 32

_LOG = logging.getLogger(__name__)

Opened = TypeVar("Opened")
Sessions = dict[Role, Session]
Port = Batcher[Floats, tuple[Floats, ...]] | Inline[Floats, tuple[Floats, ...]]


@dataclass(frozen=True, slots=True)
class Models:
    """What the stages ask.

    digests: role -> how reports name the model (manifest.digest_of).
    fell_back: the device of the settings could not be used, and the settings allow the CPU instead.
    """

    detector: Detector
    landmarks: Landmarks
    spoof: Spoof
    embedder: Embedder
    digests: dict[str, str]
    device: Device
    ports: tuple[Port, ...]
    fell_back: bool = False

    @property
    def are_open(self) -> bool:
        """Whether every model takes items; where not, the process is not alive any more."""
        return all(port.is_open for port in self.ports)

    def close(self) -> None:
        """Finish what is queued and end the threads."""
        for port in self.ports:
            port.close()


def load(settings: Worker, observe: Observes = observe_nothing, turns: Turns | None = None) -> Models:
    """Open all models on the device of the settings. Raises SettingsWrong, ModelCorrupt, DeviceMissing.

    observe: told of each batch, by role. turns: of the process's device, where several sets of models share it.
    """
    cv2.setNumThreads(1)  # processes are scaled, not threads
    threadpool_limits(1)  # of numpy, likewise: BLAS threads that wait for work spin
    loadout, folder = read_loadout(settings.models_profile), Path(settings.models_dir)
    entries = loadout.entries
    device, sessions = open_on(settings, lambda placement: _sessions(loadout, folder, placement))
    limits = batch_limits(device, items_max=settings.batch_max, wait_ms=settings.batch_wait_ms)
    ports = _ports(sessions, limits, observe, None if device is Device.CPU else turns or Turns())
    models = models_of(entries, ports, device)
    return models if device is usable(Device(settings.device)) else replace(models, fell_back=True)


def models_of(entries: Mapping[Role, ModelEntry], ports: Mapping[Role, Port], device: Device) -> Models:
    """The four models over the ports of their sessions."""
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


def placement_of(settings: Worker, device: Device) -> Placement:
    """How the settings would have a device used; device: not AUTO. A process with a candidate profile has eight sessions."""
    if device is Device.CPU:
        return Placement(device=device)
    sessions = len(Role) * (2 if settings.candidate_profile else 1)
    limits = batch_limits(device, items_max=settings.batch_max, wait_ms=settings.batch_wait_ms)
    return Placement(
        device=device,
        precision=Precision(settings.device_precision),
        buckets=buckets_up_to(limits.items_max),
        memory_bytes_max=settings.device_bytes_max // sessions,
        engines_dir=settings.engines_dir,
    )


def open_on(settings: Worker, opens: Callable[[Placement], Opened]) -> tuple[Device, Opened]:
    """What was opened on the device of the settings; on the CPU instead only where they say so, and never in silence.

    Raises DeviceMissing, and what `opens` raises.
    """
    device = usable(Device(settings.device))
    try:
        return device, opens(placement_of(settings, device))
    except DeviceMissing as missing:
        if settings.device_fallback == "none" or device is Device.CPU:
            raise
        _LOG.error("device_fallback", extra={"device": device.value, "because": str(missing)})
        return Device.CPU, opens(Placement(device=Device.CPU))


def _sessions(loadout: Loadout, folder: Path, placement: Placement) -> Sessions:
    return {
        role: Session(loadout.path_of(role, folder), entry, sha256=entry.loaded_sha256, device=placed_for(role, placement))
        for role, entry in loadout.entries.items()
    }


def _ports(sessions: Sessions, limits: BatchLimits, observe: Observes, turns: Turns | None) -> dict[Role, Port]:
    """turns: None on a CPU, where models run in the threads that ask."""
    if turns is None:
        return {role: Inline(role.value, each.run_items, limits=limits, observe=observe) for role, each in sessions.items()}
    return {
        role: Batcher(role.value, each.run_items, limits=limits, observe=observe, turns=turns) for role, each in sessions.items()
    }
