"""`make bench-gpu`: what one GPU does, on a machine that has one. Without one it says so and ends with status 2.

1. Batch curves: every model at every batch shape, in each precision, by the very sessions that a worker opens.
2. Drift: how far each precision moves the answers from FP32 on the CPU; a record to allow it by (REALNAME_DEVICE_DRIFT).
3. Checks: whole checks by a worker's own code, decoded before and decoded beside: checks/s, how busy the device is, how full
   the batches are, how many decoding cores and worker processes keep one device busy.
4. TensorRT, where its libraries are (it builds an engine a model and precision: minutes).
Nothing is begun after `--within` seconds; what was left out is said. `--device cpu` tries the command itself and says nothing
of a GPU.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from msgspec import structs
from rich.console import Console
from rich.table import Table

from bench import drift, gpu_checks
from bench.placed import frames, open_sessions, placement
from bench.result import Ratio, result_of, write
from models.drift import write_record
from models.placement import Device, Placement, Precision
from models.session import DeviceMissing, device_name, usable
from realname.settings import Fetch, Worker, read_settings

CURVE_RUNS_MAX = 200
THREADS = (8, 32, 64)
NO_GPU = """No GPU that onnxruntime can use was found: {why}
On a machine with an NVIDIA GPU and its driver (for CUDA 13: 580 or newer), on x86_64 Linux:
    make setup models media && .venv/bin/pip install --require-hashes -r requirements/gpu.txt && make bench-gpu
A machine without a network needs .venv and .cache brought along. `python -m bench.gpu --device cpu` tries the command itself."""


class Run:
    """What was found so far, and how much time is left. Prints each part as it is there."""

    def __init__(self, console: Console, within_s: float) -> None:
        self.console = console
        self.ratios: dict[str, Ratio] = {}
        self.figures: dict[str, float] = {}
        self.notes: list[str] = []
        self._until_s = time.monotonic() + within_s

    def part(self, name: str, work: Callable[[], None]) -> None:
        """One part, unless time is up; one that the device cannot do is a note, not the end."""
        if time.monotonic() > self._until_s:
            self.note(f"{name}: left out, the time was up")
            return
        self.console.rule(name)
        try:
            work()
        except DeviceMissing as missing:
            self.note(f"{name}: {missing}")

    def note(self, text: str) -> None:
        """Said now and in the results."""
        self.notes.append(text)
        self.console.print(text, style="yellow")


def main() -> int:
    given = _arguments()
    console, settings = Console(width=110), read_settings(Worker)
    device = Device(given.device)
    if device is not Device.CPU and (why := _missing(settings, device)):
        print(NO_GPU.format(why=why), file=sys.stderr)
        return 2
    run = Run(console, given.within)
    settings = structs.replace(settings, device=device.value)
    run.note(f"{device_name(device)}, {len(os.sched_getaffinity(0))} cores" + (": no GPU" if device is Device.CPU else ""))
    for precision in _precisions(device):
        run.part(
            f"batch curves, {precision} on {device}",
            lambda precision=precision: curves(run, settings, device, precision, given.seconds),
        )
    for precision in (Precision.FP16,) if device is Device.CPU else _precisions(device):
        run.part(
            f"drift, {precision} on {device}",
            lambda precision=precision: drifted(run, settings, device, precision, given.results),
        )
    checks(run, settings, given.check_seconds)
    if device is Device.CUDA:
        for precision in (Precision.FP32, Precision.FP16):
            run.part(f"tensorrt, {precision}", lambda precision=precision: tensorrt(run, settings, precision, given))
    if given.results:
        written = write(
            result_of(f"gpu-{device}", _command(given), ratios=run.ratios, figures=run.figures, notes=run.notes), given.results
        )
        console.print(f"written: {written}")
    return 0


def curves(run: Run, settings: Worker, device: Device, precision: Precision, seconds: float) -> None:
    """One row a model, one column a batch shape: ms a call, and items a second of the largest."""
    placed = placement(settings, device, precision)
    opened_s = time.monotonic()
    sessions = open_sessions(settings, placed)
    table = Table("ms a call", *(str(size) for size in placed.buckets), "items/s at the largest", "largest / one")
    noise = np.random.default_rng(1)
    for role, session in sessions.items():
        items_per_s: list[float] = []
        cells: list[str] = []
        for size in placed.buckets:
            call_ms = _call_ms(session.run, noise.random((size, *session.entry.input_shape), np.float32), seconds)
            cells.append(f"{call_ms:.2f}")
            items_per_s.append(size / call_ms * 1000)
            run.figures[f"{device}_{precision}_{role}_{size}_call_ms"] = call_ms
        gain = items_per_s[-1] / items_per_s[0]
        run.ratios[f"{device}_{precision}_{role}_largest_per_one"] = Ratio(value=gain, better="more", noise=0.3)
        table.add_row(role.value, *cells, f"{items_per_s[-1]:.0f}", f"{gain:.2f}")
    run.figures[f"{device}_{precision}_open_and_warm_s"] = time.monotonic() - opened_s
    run.console.print(table)


def drifted(run: Run, settings: Worker, device: Device, precision: Precision, results: Path | None) -> None:
    """The drift's table, and its record beside the results."""
    record = drift.measure(settings, device, precision, frames(Path(read_settings(Fetch).media_dir)))
    drift.show(run.console, record)
    run.ratios |= {f"{device}_{precision}_{name}": ratio for name, ratio in drift.ratios_of(record.drift).items()}
    run.figures |= {f"{device}_{precision}_drift_{name}": value for name, value in drift.figures_of(record.drift).items()}
    if results:
        records = results / "records"
        records.mkdir(parents=True, exist_ok=True)
        (records / f"drift-{device}-{precision}.json").write_bytes(write_record(record))


def checks(run: Run, settings: Worker, seconds: float) -> None:
    """Whole checks: decoded before at several numbers of threads, then decoded beside by all cores but one."""
    given = gpu_checks.recorded()
    cores = len(os.sched_getaffinity(0))
    table = Table(
        "threads",
        "decode",
        "checks/s",
        "device busy",
        "host cores",
        "mean batch",
        "checks/s per device",
        "decode cores",
        "processes",
    )

    def one(threads: int, *, decode: bool) -> None:
        each = structs.replace(settings, threads=threads, decoders=max(1, cores - 1))
        found = gpu_checks.run(each, given, seconds=seconds, decode=decode)
        where = "beside" if decode else "before"
        batches = " ".join(f"{model}:{mean:.1f}" for model, mean in found.mean_batch.items())
        per_device = (
            f"{found.checks_per_device_s:.1f}",
            f"{found.decode_cores_per_device:.1f}",
            f"{found.processes_per_device:.1f}",
        )
        table.add_row(
            str(threads), where, f"{found.checks_per_s:.1f}", f"{found.busy:.0%}", f"{found.host_cores:.2f}", batches, *per_device
        )
        key = f"{settings.device}_{threads}_{where}"
        run.figures |= {
            f"{key}_checks_per_s": found.checks_per_s,
            f"{key}_busy_share": found.busy,
            f"{key}_checks_per_device_s": found.checks_per_device_s,
            f"{key}_decode_cores_per_device": found.decode_cores_per_device,
        }

    for threads in THREADS:
        run.part(f"checks, {threads} threads", lambda threads=threads: one(threads, decode=False))
    run.part("checks, decoded beside", lambda: one(max(THREADS), decode=True))
    run.console.print(table)


def tensorrt(run: Run, settings: Worker, precision: Precision, given: argparse.Namespace) -> None:
    """Curves and drift; engines stay in settings.engines_dir."""
    Path(settings.engines_dir).mkdir(parents=True, exist_ok=True)
    curves(run, settings, Device.TENSORRT, precision, given.seconds)
    drifted(run, settings, Device.TENSORRT, precision, given.results)


def _call_ms(runs: Callable[[np.ndarray], object], batch: np.ndarray, seconds: float) -> float:
    """The median over as many calls as fit, after one to warm."""
    runs(batch)
    until_s, took_s = time.monotonic() + seconds, list[float]()
    while not took_s or (time.monotonic() < until_s and len(took_s) < CURVE_RUNS_MAX):
        began_s = time.monotonic()
        runs(batch)
        took_s.append(time.monotonic() - began_s)
    return float(np.median(took_s)) * 1000


def _precisions(device: Device) -> tuple[Precision, ...]:
    """On a CPU, FP16 has no kernels of its own: its curve would be FP32's, and its drift is imitated."""
    return (Precision.FP32,) if device is Device.CPU else (Precision.FP32, Precision.TF32, Precision.FP16)


def _missing(settings: Worker, device: Device) -> str | None:
    """Why the device cannot be used; the smallest session says it best."""
    try:
        open_sessions(settings, Placement(device=usable(device), memory_bytes_max=2**30))
    except DeviceMissing as missing:
        return str(missing)
    return None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda", help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=0.4, help="of each point of a curve (default: %(default)s)")
    parser.add_argument("--check-seconds", type=float, default=20.0, help="of each run of checks (default: %(default)s)")
    parser.add_argument("--within", type=float, default=400.0, help="nothing is begun after it (default: %(default)s s)")
    parser.add_argument("--results", type=Path, help="folder to write gpu-DEVICE.json and records/drift-*.json to")
    return parser.parse_args()


def _command(given: argparse.Namespace) -> str:
    return f"python -m bench.gpu --device {given.device} --seconds {given.seconds:g} --check-seconds {given.check_seconds:g}"


if __name__ == "__main__":
    raise SystemExit(main())
