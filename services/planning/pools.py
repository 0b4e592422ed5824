"""Pure: the workers that the simulation of a day plays with, out of a demand and its coefficients."""

from __future__ import annotations

from math import ceil
from typing import Literal

from realname.settings import Worker
from services.planning.coefficients import Coefficients
from services.planning.day import Day
from services.planning.demand import Demand
from services.planning.machines import cpu_only_count, gpu_count, gpu_ms_a_check, host_ms_a_check, waited_s
from services.planning.national import Played, Pool
from services.planning.scaling import Scaling

Device = Literal["gpu", "cpu"]
WORKERS_MIN_SHARE = 0.1  # of the most, kept up at night; ASSUMED
WORKERS_MIN = 2  # one may die
PEAK_FELT_S = 900.0  # after the peak, the wait that it caused is over or told

CPU_WORKER_CORES = Worker().threads  # a worker's pod without a GPU: a core for each thread


def pool_of(demand: Demand, c: Coefficients, device: Device, *, is_scaled: bool, workers_min: int = 0) -> Pool:
    """All workers of the plan, or as many as KEDA has up. workers_min: the least it keeps; 0: WORKERS_MIN_SHARE of all."""
    worker_hz, workers = worker_hz_of(c, device), workers_of(demand, c, device)
    path_s = waited_s(c) + _check_s(c, device)
    scaling = Scaling(
        replicas_min=min(workers, workers_min or max(WORKERS_MIN, ceil(WORKERS_MIN_SHARE * workers))),
        replicas_max=workers,
        # What is in flight for each worker at the load that leaves the headroom free; whatever waits comes on top.
        target=max(1.0, worker_hz * path_s * (1 - demand.headroom)),
        start_s=c.of(f"{device}_pod_start_s"),
    )
    return Pool(worker_hz=worker_hz, path_s=path_s, workers=workers, scaling=scaling if is_scaled else None)


def workers_of(demand: Demand, c: Coefficients, device: Device) -> int:
    """A GPU each, with its cores; or CPU_WORKER_CORES cores each."""
    return gpu_count(demand, c) if device == "gpu" else max(WORKERS_MIN, ceil(cpu_only_count(demand, c) / CPU_WORKER_CORES))


def worker_hz_of(c: Coefficients, device: Device) -> float:
    """Checks a second of one worker."""
    if device == "gpu":
        return 1000 / gpu_ms_a_check(c)
    return CPU_WORKER_CORES * 1000 / (c.of("check_cpu_ms") + c.of("worker_cpu_ms"))


def worker_words(c: Coefficients, device: Device) -> str:
    """What one worker is, for people."""
    hz = worker_hz_of(c, device)
    if device == "cpu":
        return f"a worker: {CPU_WORKER_CORES} cores, {hz:.3g} checks a second"
    cores = hz * (c.of("decode_cpu_ms") + host_ms_a_check(c)) / 1000
    return f"a worker: one GPU with {ceil(cores)} cores in front of it, {hz:.3g} checks a second (no GPU was measured)"


def drained_s(played: Played, day: Day) -> float | None:
    """From the outage's end until no more waits than comes in a second; None: not before midnight, or there was no outage."""
    end_s = day.outage_at_s + day.outage_s
    after = (minute.at_s for minute in played.minutes if minute.at_s > end_s and minute.waiting <= day.sustained_hz)
    return next((at_s - end_s for at_s in after), None) if day.outage_s else None


def peak_p95_s(played: Played, day: Day) -> float | None:
    """The worst minute's p95 while the peak is felt."""
    felt = [
        minute.p95_s
        for minute in played.minutes
        if minute.p95_s is not None and day.peak_at_s < minute.at_s <= day.peak_at_s + PEAK_FELT_S
    ]
    return max(felt, default=None)


def _check_s(c: Coefficients, device: Device) -> float:
    cpu_ms = c.of("check_cpu_ms") + c.of("worker_cpu_ms")
    return (cpu_ms if device == "cpu" else c.of("decode_cpu_ms") + host_ms_a_check(c) + gpu_ms_a_check(c)) / 1000
