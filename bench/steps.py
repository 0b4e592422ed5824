"""`python -m bench.steps`: CPU of the whole check by step, in one process with no broker, on the reference clip.

The reference clip: 4 s, 640x480, 25 fps, H.264 at 1.3 Mbit/s, cut from a registry clip. CPU is that of this process and of its
decoder child; the median over the runs is printed, after one run to warm up.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import media
from realname.policy import load_policy
from realname.settings import Fetch, Worker, read_settings
from workers.check import CheckResult, open_checker

REFERENCE = media.Piece("cap13_edit2.mp4", 430, 529)  # 100 frames at 25 fps: 4 s
SIZE = media.scaled(640, 480)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9, help="counted runs (default: %(default)s)")
    runs = parser.parse_args().runs
    console = Console(width=100)
    folder = Path(read_settings(Fetch).media_dir)
    clip = media.cut(folder, REFERENCE, SIZE)
    portrait = media.frame_as_portrait(folder, *media.B_PORTRAIT)
    with open_checker(read_settings(Worker), load_policy("development")) as checker:
        results: list[tuple[float, CheckResult]] = []
        for _ in range(runs + 1):
            before = time.process_time()
            result = checker.check(portrait, clip, None, at=datetime.now(UTC))
            results.append(((time.process_time() - before) * 1000, result))
    show(console, results[1:], len(clip))


def show(console: Console, results: list[tuple[float, CheckResult]], clip_bytes: int) -> None:
    """One row a step, the decoder child's CPU among them."""
    last = results[-1][1]
    assert last.clip is not None
    console.print(
        f"{platform.machine()}, Python {platform.python_version()}; clip: {last.clip.width}x{last.clip.height}, "
        f"{last.clip.duration_s:.2f} s, {last.clip.frame_rate_hz:.1f} fps, {clip_bytes / 1000:.0f} kB; "
        f"{last.liveness.frames_judged} frames judged; verdict {last.decision.verdict}; {len(results)} runs"
    )
    table = Table("step", "CPU ms (median)", "min", "max")
    for step in last.cpu_ms:
        values = [result.cpu_ms.get(step, 0.0) for _, result in results]
        table.add_row(step, *(f"{pick(values):.1f}" for pick in (statistics.median, min, max)))
    totals = [sum(result.cpu_ms.values()) for _, result in results]
    table.add_section()
    table.add_row("sum of steps", *(f"{pick(totals):.1f}" for pick in (statistics.median, min, max)))
    own = [spent for spent, _ in results]
    table.add_row("this process (all threads, no child)", *(f"{pick(own):.1f}" for pick in (statistics.median, min, max)))
    console.print(table)


if __name__ == "__main__":
    main()
