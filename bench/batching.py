"""`python -m bench.batching`: what the batcher makes of many registrations that ask one item at a time, on a simulated device.

The device takes 3 ms a call and 0.05 ms an item. Plain: each thread has its item run by itself. Batcher: the product's own, at
most 32 items, 2 ms of waiting for company. Two models: two batchers that take turns at one device, each with half of the
threads; their shares of the device's time say whether the turns are fair. Both ways in turn, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from bench.result import Ratio, ratio_of, result_of, write
from bench.simulated_device import SimulatedDevice
from models.batcher import Batcher, BatchLimits
from models.device import Turns

THREADS = (4, 8, 16, 32)
LIMITS = BatchLimits(items_max=32, wait_s=0.002)
WALL_NOISE = 0.3  # sleeps end late on a busy machine, and short ones by a larger share
Asks = Callable[[Sequence[int]], Sequence[int]]


class Measured(NamedTuple):
    """items_per_s: of all threads. mean_batch: items a call. busy: share of the time in which the device worked."""

    items_per_s: float
    mean_batch: float
    busy: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each run (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=3, help="pairs of runs for each row (default: %(default)s)")
    parser.add_argument("--results", type=Path, help="folder to write batching.json to")
    given = parser.parse_args()
    console, ratios, figures = Console(width=100), dict[str, Ratio](), dict[str, float]()
    table = Table("threads", "plain, items/s", "batcher, items/s", "mean batch", "batcher / plain", "device busy")
    for threads in THREADS:
        pairs = [(plain(threads, given.seconds), batched(threads, given.seconds)) for _ in range(given.repeats)]
        ratio = ratio_of([after.items_per_s / before.items_per_s for before, after in pairs], "more", noise=WALL_NOISE)
        before, after = pairs[len(pairs) // 2]
        table.add_row(
            str(threads),
            f"{before.items_per_s:.0f}",
            f"{after.items_per_s:.0f}",
            f"{after.mean_batch:.1f}",
            f"{ratio.value:.2f}",
            f"{after.busy:.0%}",
        )
        ratios[f"batcher_per_plain_{threads}"] = ratio
        figures |= {f"batcher_{threads}_items_per_s": after.items_per_s, f"batcher_{threads}_mean_batch": after.mean_batch}
    console.print(table)
    fairness = [fair_share(max(THREADS), given.seconds) for _ in range(given.repeats)]
    ratios["turns_less_per_more"] = ratio_of(fairness, "more")
    share = ratios["turns_less_per_more"].value
    console.print(f"two models, {max(THREADS) // 2} threads each: the less served one gets {share:.2f} of the other's items")
    if given.results:
        command = f"python -m bench.batching --seconds {given.seconds:g} --repeats {given.repeats}"
        write(result_of("batching", command, ratios=ratios, figures=figures), given.results)


def plain(threads: int, seconds: float) -> Measured:
    """Every item a call of its own."""
    device = SimulatedDevice()
    return _measured(device, [device.run] * threads, seconds)


def batched(threads: int, seconds: float) -> Measured:
    """Through the batcher."""
    device, busy = SimulatedDevice(), list[float]()
    batcher = Batcher[int, int]("simulated", device.run, limits=LIMITS, turns=Turns(busy.append))
    try:
        return _measured(device, [batcher.run] * threads, seconds, busy)
    finally:
        batcher.close()


def fair_share(threads: int, seconds: float) -> float:
    """Items of the less served of two models, as a share of the other's."""
    device, turns = SimulatedDevice(), Turns()
    counts = {"one": 0, "other": 0}

    def counting(name: str) -> Asks:
        def run(items: Sequence[int]) -> list[int]:
            counts[name] += len(items)
            return device.run(items)

        return run

    batchers = [Batcher[int, int](name, counting(name), limits=LIMITS, turns=turns) for name in counts]
    try:
        _measured(device, [batchers[index % 2].run for index in range(threads)], seconds)
    finally:
        for batcher in batchers:
            batcher.close()
    return min(counts.values()) / max(counts.values())


def _measured(device: SimulatedDevice, asks: Sequence[Asks], seconds: float, turns_s: Sequence[float] = ()) -> Measured:
    """Each of `asks` on a thread of its own, one item after the other, for so long. turns_s: how long each turn took."""
    started_s = time.monotonic()
    until_s = started_s + seconds

    def judge(ask: Asks) -> None:
        while time.monotonic() < until_s:
            ask([1])

    threads = [threading.Thread(target=judge, args=(ask,)) for ask in asks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took_s = time.monotonic() - started_s
    return Measured(device.items / took_s, device.mean_batch, sum(turns_s) / took_s)


if __name__ == "__main__":
    main()
