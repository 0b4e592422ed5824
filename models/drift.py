"""How far a device and a precision move the models' answers, as measured, and whether a policy lets that through. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from models.placement import Device, Precision

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from realname.drift import DriftRules


class Drift(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From FP32 on a CPU: the worst over the frames and over the pairs of their faces; bench/drift.py measures it.

    faces_differ:  frames in which another number of faces was found.
    box_px:        of a corner of the best face's box. landmarks_px: of a point. Both in pixels of the frame.
    pad:           of the live probability.
    cosine_min:    between a face's two embeddings; 1 would be none.
    similarity:    of what two faces are compared as, genuine and impostor pairs.
    """

    frames: int
    pairs: int
    faces_differ: int
    box_px: float
    landmarks_px: float
    pad: float
    cosine_min: float
    similarity: float


class DriftRecord(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One measurement. gpu: its name as the driver says it. digests: role -> the model, as reports name it."""

    device: Device
    precision: Precision
    gpu: str
    taken_at: datetime
    digests: dict[str, str]
    drift: Drift


def faults_of(
    record: DriftRecord, rules: DriftRules, *, device: Device, precision: Precision, digests: Mapping[str, str]
) -> Iterator[str]:
    """Why the measurement does not allow this process to calculate so; nothing where it does."""
    if (record.device, record.precision) != (device, precision):
        yield f"it is of {record.precision} on {record.device}, not of {precision} on {device}"
    if record.digests != dict(digests):
        yield "it is of other models"
    drift = record.drift
    if drift.faces_differ:
        yield f"other faces were found in {drift.faces_differ} of {drift.frames} frames"
    for name, worst, most in (
        ("box_px", drift.box_px, rules.box_px_max),
        ("landmarks_px", drift.landmarks_px, rules.landmarks_px_max),
        ("pad", drift.pad, rules.pad_max),
        ("similarity", drift.similarity, rules.similarity_max),
    ):
        if not worst <= most:  # a NaN is a fault, too
            yield f"{name} moves by {worst:.4g}, the policy allows {most:g}"


def read_record(text: bytes) -> DriftRecord:
    """Raises msgspec.ValidationError or DecodeError naming what does not fit."""
    return msgspec.json.decode(text, type=DriftRecord)


def write_record(record: DriftRecord) -> bytes:
    """Indented, to be read by people too."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"
