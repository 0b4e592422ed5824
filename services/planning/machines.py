"""Pure: how many partitions, processes, cores and GPUs a demand takes."""

from __future__ import annotations

from math import ceil

from realname.settings import Dispatcher, Intake
from services.planning.coefficients import Coefficients
from services.planning.day import OPERATORS
from services.planning.demand import Demand, backlog, deciding_hz, draining_hz, peak_deciding_hz
from services.planning.rows import Row, row

LOOKAHEAD_SHARE = 0.5  # of the look-ahead, what all operators together may fill; source: Intake.lookahead_max
PARTITIONS_STEP = 12  # 1, 2, 3, 4, 6 or 12 dispatchers then get the same number each
PROCESSES_MIN = 2  # of each kind: one may die
REQUESTS = 3  # of one registration: challenge, cues' digest, upload
MEET_PEAK = ("valkey", "kafka")  # intake writes to them before anything is decided
BROKERS_MIN = 3  # replication 3 with two in step


def machine_rows(demand: Demand, c: Coefficients) -> list[Row]:
    """In the order in which a registration passes them."""
    return [
        deciding_row(demand, c),
        partitions_row(demand, c),
        intake_row(demand, c),
        dispatchers_row(demand, c),
        decode_row(demand, c),
        host_row(demand, c),
        gpus_row(demand, c),
        cpu_only_row(demand, c),
        *(cores_row(process, demand, c) for process in ("valkey", "kafka", "projector", "janitor")),
    ]


def gpu_ms_a_check(c: Coefficients) -> float:
    """Device time of one check: its images, and its share of the calls, batches being gpu_batch_fill_share full."""
    calls = c.of("model_items") / max(1.0, c.of("gpu_batch") * c.of("gpu_batch_fill_share"))
    return c.of("model_items") * c.of("gpu_item_ms") + calls * c.of("gpu_call_ms")


def host_ms_a_check(c: Coefficients) -> float:
    """CPU beside the GPU, decoding not counted: Python between the models, and the worker's own."""
    return max(0.0, c.of("check_cpu_ms") - c.of("decode_cpu_ms") - c.of("models_cpu_ms")) + c.of("worker_cpu_ms")


def waited_s(c: Coefficients) -> float:
    """Submission to decision where nobody waits for a core: small waits, and half a turn of the dispatcher on each way."""
    return c.of("path_wait_s") + c.of("dispatcher_turn_s")


def cores_for(rate_hz: float, cpu_ms: float, demand: Demand) -> int:
    """Whole cores, headroom among them."""
    return ceil(rate_hz * cpu_ms / 1000 / (1 - demand.headroom))


def deciding_row(demand: Demand, c: Coefficients) -> Row:
    """The rate that everything behind intake is sized for."""
    return row(
        "deciding rate",
        deciding_hz(demand),
        "/s",
        arithmetic=f"the most of: sustained {demand.sustained_hz:g}; drain after the outage {demand.sustained_hz:g} x (1 + "
        f"{demand.outage_s:g} s / {demand.drain_s:g} s) = {draining_hz(demand):g}; peak {demand.peak_hz:g} x "
        f"{demand.peak_s:g} s / ({demand.peak_s:g} s + {demand.wait_s_max:g} s) = {peak_deciding_hz(demand):.4g}",
        of=c,
        declared=("this command's options; all else has a headroom of " + f"{demand.headroom:.0%} at this rate",),
    )


def partitions_row(demand: Demand, c: Coefficients) -> Row:
    """Enough for the backlog and for every dispatcher, and for growth."""
    lookahead = Intake().lookahead_max
    for_backlog = backlog(demand) / (LOOKAHEAD_SHARE * lookahead)
    dispatchers = dispatcher_count(demand, c)
    wanted = demand.growth * max(for_backlog, dispatchers, 1)
    return row(
        "partitions",
        ceil(wanted / PARTITIONS_STEP) * PARTITIONS_STEP,
        "",
        arithmetic=f"growth {demand.growth:g} x the most of: backlog {backlog(demand):,.0f} / ({LOOKAHEAD_SHARE:g} x "
        f"{lookahead:,}) = {for_backlog:.2f}; dispatchers {dispatchers}; up to a multiple of {PARTITIONS_STEP}",
        of=c,
        figures=("dispatcher_cpu_ms",),
        declared=(f"lookahead_max {lookahead:,} of realname/settings.py; partitions are never changed in place",),
        assumed=(f"the load grows {demand.growth:g} times (--growth)",),
    )


def intake_row(demand: Demand, c: Coefficients) -> Row:
    """One core each; the most of CPU, bodies held at once, and the limit of requests an operator."""
    settings, free = Intake(), f"(1 - {demand.headroom:g})"
    cpu = cores_for(demand.peak_hz, c.of("intake_cpu_ms"), demand)
    seats = ceil(demand.peak_hz * c.of("upload_s") / settings.uploads_max / (1 - demand.headroom))
    largest = max(OPERATORS.values())
    limit = ceil(demand.peak_hz * largest * REQUESTS / settings.requests_per_s_max)
    return row(
        "intake processes",
        max(cpu, seats, limit, PROCESSES_MIN),
        "",
        arithmetic=f"the most of: CPU {demand.peak_hz:g}/s x {c.of('intake_cpu_ms'):g} ms / {free} = {cpu}; bodies "
        f"in memory {demand.peak_hz:g}/s x {c.of('upload_s'):g} s / {settings.uploads_max} / {free} = {seats}; "
        f"requests of the largest operator {demand.peak_hz:g}/s x {largest:g} x {REQUESTS} / {settings.requests_per_s_max:g} = "
        f"{limit}; {PROCESSES_MIN}, as one may die",
        of=c,
        figures=("intake_cpu_ms", "upload_s"),
        declared=(
            f"uploads_max {settings.uploads_max}, requests_per_s_max {settings.requests_per_s_max:g} of realname/settings.py",
        ),
        assumed=(f"the largest operator has {largest:.0%} of the load",),
    )


def dispatcher_count(demand: Demand, c: Coefficients) -> int:
    """One core each; enough seats for every job in flight."""
    return max(_dispatchers_by_cpu(demand, c), _dispatchers_by_seats(demand, c), PROCESSES_MIN)


def dispatchers_row(demand: Demand, c: Coefficients) -> Row:
    """Dispatchers at the deciding rate."""
    started_max, rate_hz, free = Dispatcher().started_max, deciding_hz(demand), f"(1 - {demand.headroom:g})"
    return row(
        "dispatchers",
        dispatcher_count(demand, c),
        "",
        arithmetic=f"the most of: CPU {rate_hz:.4g}/s x {c.of('dispatcher_cpu_ms'):g} ms / {free} = "
        f"{_dispatchers_by_cpu(demand, c)}; jobs in flight {rate_hz:.4g}/s x {_in_flight_s(c):.3f} s / {started_max} / "
        f"{free} = {_dispatchers_by_seats(demand, c)}; {PROCESSES_MIN}, as one may die",
        of=c,
        figures=("dispatcher_cpu_ms", "path_wait_s", "dispatcher_turn_s", "check_cpu_ms", "worker_cpu_ms"),
        declared=(f"started_max {started_max} of realname/settings.py",),
    )


def decode_row(demand: Demand, c: Coefficients) -> Row:
    """Cores that decode in front of the GPUs."""
    return _cores(
        "decode cores (GPU workers)", deciding_hz(demand), c.of("decode_cpu_ms"), demand=demand, c=c, figures=("decode_cpu_ms",)
    )


def host_row(demand: Demand, c: Coefficients) -> Row:
    """Cores for what is neither decoding nor a model."""
    figures = ("check_cpu_ms", "decode_cpu_ms", "models_cpu_ms", "worker_cpu_ms")
    return _cores(
        "other worker cores (GPU workers)", deciding_hz(demand), host_ms_a_check(c), demand=demand, c=c, figures=figures
    )


def gpu_count(demand: Demand, c: Coefficients) -> int:
    """GPUs at the deciding rate; two at least."""
    return max(PROCESSES_MIN, cores_for(deciding_hz(demand), gpu_ms_a_check(c), demand))


def gpus_row(demand: Demand, c: Coefficients) -> Row:
    """Device time of the images and of the calls."""
    items = c.of("model_items")
    return row(
        "GPUs",
        gpu_count(demand, c),
        "",
        arithmetic=f"{deciding_hz(demand):.4g}/s x {gpu_ms_a_check(c):.3g} ms / (1 - {demand.headroom:g}), {PROCESSES_MIN} at "
        f"least; a check is {items:g} images x {c.of('gpu_item_ms'):g} ms and {items:g} / ({c.of('gpu_batch'):g} x "
        f"{c.of('gpu_batch_fill_share'):g}) calls x {c.of('gpu_call_ms'):g} ms",
        of=c,
        figures=("model_items", "gpu_call_ms", "gpu_item_ms", "gpu_batch", "gpu_batch_fill_share"),
    )


def cpu_only_count(demand: Demand, c: Coefficients) -> int:
    """Worker cores where there is no GPU."""
    return max(PROCESSES_MIN, cores_for(deciding_hz(demand), c.of("check_cpu_ms") + c.of("worker_cpu_ms"), demand))


def cpu_only_row(demand: Demand, c: Coefficients) -> Row:
    """Instead of the three rows before it."""
    cpu_ms = c.of("check_cpu_ms") + c.of("worker_cpu_ms")
    name = "instead, CPU-only worker cores"
    return _cores(name, deciding_hz(demand), cpu_ms, demand=demand, c=c, figures=("check_cpu_ms", "worker_cpu_ms"))


def cores_row(process: str, demand: Demand, c: Coefficients) -> Row:
    """A process of the back: its cost by registration, and what it spends idle (each broker by itself)."""
    instances = BROKERS_MIN if process == "kafka" else 1
    meets_peak = process in MEET_PEAK
    rate_hz = (max(demand.peak_hz, deciding_hz(demand)) + deciding_hz(demand)) / 2 if meets_peak else deciding_hz(demand)
    cpu_ms, idle = c.of(f"{process}_cpu_ms"), c.of(f"{process}_idle_cores")
    busy = rate_hz * cpu_ms / 1000 + idle * instances
    return row(
        f"{process} cores",
        ceil(busy / (1 - demand.headroom)),
        "",
        arithmetic=f"({rate_hz:.4g}/s x {cpu_ms:g} ms + {instances} x {idle:g} idle) / (1 - {demand.headroom:g}) = "
        f"{busy / (1 - demand.headroom):.2f}" + ("; one thread serves: above 1, shard it" if process == "valkey" else ""),
        of=c,
        figures=(f"{process}_cpu_ms", f"{process}_idle_cores"),
        declared=(f"{BROKERS_MIN} brokers: replication with two in step",) if process == "kafka" else (),
        assumed=("half its work is taking a registration in, at the peak's rate, half deciding it",) if meets_peak else (),
    )


def _cores(name: str, rate_hz: float, cpu_ms: float, *, demand: Demand, c: Coefficients, figures: tuple[str, ...]) -> Row:
    found = max(PROCESSES_MIN, cores_for(rate_hz, cpu_ms, demand))
    words = f"{rate_hz:.4g}/s x {cpu_ms:.4g} ms / (1 - {demand.headroom:g})"
    return row(name, found, "", arithmetic=f"{words}, {PROCESSES_MIN} at least", of=c, figures=figures)


def _dispatchers_by_cpu(demand: Demand, c: Coefficients) -> int:
    return cores_for(deciding_hz(demand), c.of("dispatcher_cpu_ms"), demand)


def _dispatchers_by_seats(demand: Demand, c: Coefficients) -> int:
    """Little's law: what is in flight is the rate times how long it is in flight; CPU is the longer way to check."""
    return ceil(deciding_hz(demand) * _in_flight_s(c) / Dispatcher().started_max / (1 - demand.headroom))


def _in_flight_s(c: Coefficients) -> float:
    return waited_s(c) + (c.of("check_cpu_ms") + c.of("worker_cpu_ms")) / 1000
