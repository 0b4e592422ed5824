"""`python -m bench.drift`: how far a precision moves what the models answer, from FP32 on this CPU, on frames of registry clips.

On a CPU (`--device cpu`) FP16 is imitated: bench/rounded.py says how near. It tells whether a GPU is worth the trial; what allows
its use is only its own measurement (`make bench-gpu`).
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench.placed import EVERY, alone, as_it_is, frames, placement
from bench.result import Ratio, result_of, write
from bench.rounded import rounded
from models.drift import Drift, DriftRecord, faults_of, write_record
from models.manifest import Role
from models.placement import ALWAYS_FP32, Device, Placement, Precision
from models.registry import Models
from models.session import device_name
from realname.policy import load_policy
from realname.settings import Fetch, Worker, read_settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cpu", "cuda", "tensorrt"], default="cpu", help="default: %(default)s")
    parser.add_argument("--precision", choices=[each.value for each in Precision], default="fp16", help="default: %(default)s")
    parser.add_argument("--every", type=int, default=EVERY, help="take every so many-th frame (default: %(default)s)")
    parser.add_argument("--detector", action="store_true", help="not kept in FP32, as a worker does: what it would cost")
    parser.add_argument("--record", type=Path, help="file to write for REALNAME_DEVICE_DRIFT")
    parser.add_argument("--results", type=Path, help="folder to write drift-DEVICE-PRECISION[-detector].json to")
    given = parser.parse_args()
    settings, console = read_settings(Worker), Console(width=100)
    pictures = frames(Path(read_settings(Fetch).media_dir), every=given.every)
    exempt = frozenset[Role]() if given.detector else ALWAYS_FP32
    record = measure(settings, Device(given.device), Precision(given.precision), pictures, exempt=exempt)
    show(console, record)
    if given.record and not given.detector:  # no worker calculates so
        given.record.write_bytes(write_record(record))
    if given.results:
        name = f"drift-{given.device}-{given.precision}{'-detector' if given.detector else ''}"
        command = f"python -m bench.drift --device {given.device} --precision {given.precision} --every {given.every}"
        command += " --detector" if given.detector else ""
        write(result_of(name, command, ratios=ratios_of(record.drift), figures=figures_of(record.drift)), given.results)


def measure(
    settings: Worker,
    device: Device,
    precision: Precision,
    pictures: list[NDArray[np.uint8]],
    *,
    exempt: frozenset[Role] = ALWAYS_FP32,
) -> DriftRecord:
    """Opens the models twice. exempt: kept in FP32. Raises DeviceMissing."""
    imitated = device is Device.CPU and precision is Precision.FP16
    placed = Placement(device=device) if imitated else placement(settings, device, precision)
    with (
        alone(settings, Placement(device=Device.CPU)) as whole,
        alone(settings, placed, rounded if imitated else as_it_is, exempt=exempt) as tried,
    ):
        return DriftRecord(
            device=device,
            precision=precision,
            gpu=device_name(device),
            taken_at=datetime.now(UTC),
            digests=tried.digests,
            drift=drift_of(whole, tried, pictures),
        )


def drift_of(whole: Models, tried: Models, pictures: list[NDArray[np.uint8]]) -> Drift:
    """Landmarks, PAD and chips of both are asked about the same boxes and points, so that each model is looked at alone."""
    differ, boxes, points, live, chips = 0, [0.0], [0.0], [0.0], []
    for picture in pictures:
        faces, others = (models.detector.detect(picture) for models in (whole, tried))
        if len(faces) != len(others):
            differ += 1
        if not faces or not others:
            continue
        box = faces[0].box
        boxes.append(float(np.abs(box - others[0].box).max()))
        found, other = (models.landmarks.locate(picture, box) for models in (whole, tried))
        points.append(float(np.linalg.norm(found - other, axis=1).max()))
        live.append(abs(whole.spoof.score(picture, box) - tried.spoof.score(picture, box)))
        chips.append(whole.embedder.cut(picture, found))
    ones, others = (models.embedder.embed(np.stack(chips)) for models in (whole, tried))
    lengths = np.linalg.norm(ones, axis=1) * np.linalg.norm(others, axis=1)
    upper = np.triu_indices(len(chips), 1)
    moved = np.abs(whole.embedder.compare(ones, ones) - tried.embedder.compare(others, others))[upper]
    return Drift(
        frames=len(pictures),
        pairs=len(moved),
        faces_differ=differ,
        box_px=float(np.max(boxes)),  # a NaN among them is the worst; Python's own max would pass it over
        landmarks_px=float(np.max(points)),
        pad=float(np.max(live)),
        cosine_min=float(((ones * others).sum(axis=1) / lengths).min()),
        similarity=float(moved.max(initial=0.0)),
    )


def figures_of(drift: Drift) -> dict[str, float]:
    """By name, with their units."""
    return {
        "frames": drift.frames,
        "pairs": drift.pairs,
        "faces_differ": drift.faces_differ,
        "box_px": drift.box_px,
        "landmarks_px": drift.landmarks_px,
        "pad_probability": drift.pad,
        "embedding_cosine_min": drift.cosine_min,
        "similarity": drift.similarity,
    }


def ratios_of(drift: Drift) -> dict[str, Ratio]:
    """What moves as a share of what production allows; a number below 1 is let through."""
    rules = load_policy("production").drift
    shares = {
        "box": drift.box_px / rules.box_px_max,
        "landmarks": drift.landmarks_px / rules.landmarks_px_max,
        "pad": drift.pad / rules.pad_max,
        "similarity": drift.similarity / rules.similarity_max,
    }
    return {f"{name}_per_allowed": Ratio(value=value, better="less", goal=1.0) for name, value in shares.items()}


def show(console: Console, record: DriftRecord) -> None:
    """One line a measure, and whether production lets it through."""
    drift, rules = record.drift, load_policy("production").drift
    table = Table(f"{record.precision} on {record.device} ({record.gpu})", "worst", "allowed")
    table.add_row("frames with other faces", str(drift.faces_differ), "0")
    table.add_row("box, px", f"{drift.box_px:.4f}", f"{rules.box_px_max:g}")
    table.add_row("landmarks, px", f"{drift.landmarks_px:.4f}", f"{rules.landmarks_px_max:g}")
    table.add_row("PAD, probability", f"{drift.pad:.5f}", f"{rules.pad_max:g}")
    table.add_row("embedding, cosine", f"{drift.cosine_min:.6f}", "")
    table.add_row("similarity", f"{drift.similarity:.5f}", f"{rules.similarity_max:g}")
    console.print(table)
    faults = list(faults_of(record, rules, device=record.device, precision=record.precision, digests=record.digests))
    console.print(f"{drift.frames} frames, {drift.pairs} pairs; " + ("; ".join(faults) or "production lets it through"))


if __name__ == "__main__":
    main()
