"""`python -m bench.steps`: CPU of the whole check by step, in one process with no broker, on two clips.

The reference clip: 4 s, 640x480, 25 fps, H.264 at 1.3 Mbit/s, cut from a registry clip; and the same piece as the capture page
records it: 480x640, 15 fps, 0.8 Mbit/s. CPU is that of this process and of its decoder child; the median over the runs is
printed, after one run to warm up.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from bench import media
from bench.result import result_of, write
from realname.policy import load_policy
from realname.settings import Fetch, Worker, read_settings
from workers.check import Checker, CheckResult, open_checker

REFERENCE = media.Piece("cap13_edit2.mp4", 430, 529)  # 100 frames at 25 fps: 4 s
SIZE = media.scaled(640, 480)


class Run(NamedTuple):
    """own_ms: CPU of this process, without the decoder child's."""

    own_ms: float
    check: CheckResult


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9, help="counted runs of each clip (default: %(default)s)")
    parser.add_argument("--results", type=Path, help="folder to write steps.json into")
    asked = parser.parse_args()
    console = Console(width=100)
    folder = Path(read_settings(Fetch).media_dir)
    portrait, figures = media.frame_as_portrait(folder, *media.B_PORTRAIT), dict[str, float]()
    with open_checker(read_settings(Worker), load_policy("development")) as checker:
        for name, clip in clips_of(folder).items():
            runs = [_checked(checker, portrait, clip) for _ in range(asked.runs + 1)][1:]
            show(console, f"{name} clip", runs, len(clip))
            figures |= {f"{name}_{step}": spent for step, spent in _figures(runs).items()}
    if asked.results is not None:
        write(result_of("steps", "python -m bench.steps", ratios={}, figures=figures), asked.results)


def clips_of(folder: Path) -> dict[str, bytes]:
    """The clips whose cost is told, by name."""
    return {"reference": media.cut(folder, REFERENCE, SIZE), "page": media.page_clip(folder, REFERENCE)}


def _checked(checker: Checker, portrait: bytes, clip: bytes) -> Run:
    before = time.process_time()
    result = checker.check(portrait, clip, None, at=datetime.now(UTC))
    return Run((time.process_time() - before) * 1000, result)


def show(console: Console, title: str, runs: Sequence[Run], clip_bytes: int) -> None:
    """One row a step, the decoder child's CPU among them."""
    last = runs[-1].check
    assert last.clip is not None
    console.print(
        f"{title}: {last.clip.width}x{last.clip.height}, {last.clip.duration_s:.2f} s, {last.clip.frame_rate_hz:.1f} fps, "
        f"{clip_bytes / 1000:.0f} kB; {last.liveness.frames_judged} frames judged; verdict {last.decision.verdict}; "
        f"{len(runs)} runs; {platform.machine()}, Python {platform.python_version()}"
    )
    table = Table("step", "CPU ms (median)", "min", "max")
    for step in last.cpu_ms:
        table.add_row(step, *_three([run.check.cpu_ms.get(step, 0.0) for run in runs]))
    table.add_section()
    table.add_row("sum of steps", *_three([_whole(run) for run in runs]))
    table.add_row("this process (all threads, no child)", *_three([run.own_ms for run in runs]))
    console.print(table)


def _figures(runs: Sequence[Run]) -> dict[str, float]:
    """Medians, and the least of the whole, which a busy machine moves less."""
    steps = {
        f"{step.replace(' ', '_')}_cpu_ms": statistics.median(run.check.cpu_ms.get(step, 0.0) for run in runs)
        for step in runs[-1].check.cpu_ms
    }
    whole = [_whole(run) for run in runs]
    return {"check_cpu_ms": statistics.median(whole), "check_least_cpu_ms": min(whole), **steps}


def _whole(run: Run) -> float:
    return sum(run.check.cpu_ms.values())


def _three(values: Sequence[float]) -> tuple[str, ...]:
    return tuple(f"{pick(values):.1f}" for pick in (statistics.median, min, max))


if __name__ == "__main__":
    main()
