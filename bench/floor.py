"""`python -m bench.floor`: what the check costs beside the least that its decoding and its model calls could cost.

The floor: the same clip through bare libavcodec in this process, keeping the frames that the check keeps, and bare onnxruntime
runs of the very inputs that the check gave its models; nothing between. All in turn, run by run, since the machine is noisy: the
median of the runs' own ratios is the figure. The check passes over pictures that none refers to, which bare decoding does not:
`leanest` is a floor that does so, too.
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

import av
import numpy as np
from rich.console import Console
from rich.table import Table

from bench import media
from bench.result import Ratio, ratio_of, result_of, write
from bench.steps import clips_of
from models.detector import RunsItems
from models.manifest import Role
from models.profiles import read_loadout
from models.registry import Models
from models.session import Device, Floats, Session
from realname.policy import load_policy
from realname.settings import Fetch, Worker, read_settings
from workers.check import Checker, CheckResult
from workers.opening import Opened, opened

GOAL = 1.15  # times the floor


@dataclass(slots=True)
class Listening:
    """Passes items on to a model and keeps each call's, stacked."""

    model: RunsItems
    calls: list[Floats] = field(default_factory=list[Floats])

    def run(self, items: Sequence[Floats]) -> list[tuple[Floats, ...]]:
        """As the model."""
        self.calls.append(np.stack(items))
        return self.model.run(items)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15, help="counted rounds of each clip (default: %(default)s)")
    parser.add_argument("--results", type=Path, help="folder to write floor.json into")
    asked = parser.parse_args()
    folder, settings, console = Path(read_settings(Fetch).media_dir), read_settings(Worker), Console(width=100)
    portrait, ratios, figures = media.frame_as_portrait(folder, *media.B_PORTRAIT), dict[str, Ratio](), dict[str, float]()
    with opened(settings) as tools:
        bare = _sessions(settings)
        for name, clip in clips_of(folder).items():
            rounds, calls = _measured(tools, bare, portrait, clip, asked.runs)
            _show(console, name, rounds, calls)
            ratios |= _ratios(name, rounds)
            figures |= _figures(name, rounds)
    if asked.results is not None:
        write(result_of("floor", "python -m bench.floor", ratios=ratios, figures=figures), asked.results)


class Round(NamedTuple):
    """CPU ms by step. leanest_ms: of decoding without the pictures that none refers to."""

    check: dict[str, float]
    floor: dict[str, float]
    leanest_ms: float

    @property
    def over_floor(self) -> float:
        """The check beside the floor."""
        return sum(self.check.values()) / sum(self.floor.values())

    @property
    def over_leanest(self) -> float:
        """The check beside the floor with leaner decoding."""
        return sum(self.check.values()) / (sum(self.floor.values()) - self.floor["decode"] + self.leanest_ms)


def _measured(
    tools: Opened, bare: dict[Role, Session], portrait: bytes, clip: bytes, runs: int
) -> tuple[list[Round], dict[Role, int]]:
    """The counted rounds, and how often each model was asked."""
    policy = load_policy("development")
    listening, heard = _listened(tools.models)
    Checker(policy, listening, tools.decoder).check(portrait, clip, None, at=datetime.now(UTC))
    checker = Checker(policy, tools.models, tools.decoder)
    calls = [(role, batch) for role, one in heard.items() for batch in one.calls]
    rounds = [_round(checker, portrait, clip, bare, calls) for _ in range(runs + 1)][1:]
    return rounds, {role: len(one.calls) for role, one in heard.items()}


def _listened(models: Models) -> tuple[Models, dict[Role, Listening]]:
    heard = {
        Role.DETECTOR: Listening(models.detector.model),
        Role.LANDMARKS: Listening(models.landmarks.model),
        Role.SPOOF: Listening(models.spoof.model),
        Role.EMBEDDER: Listening(models.embedder.model),
    }
    listening = replace(
        models,
        detector=replace(models.detector, model=heard[Role.DETECTOR]),
        landmarks=replace(models.landmarks, model=heard[Role.LANDMARKS]),
        spoof=replace(models.spoof, model=heard[Role.SPOOF]),
        embedder=replace(models.embedder, model=heard[Role.EMBEDDER]),
    )
    return listening, heard


def _sessions(settings: Worker) -> dict[Role, Session]:
    loadout, folder = read_loadout(settings.models_profile), Path(settings.models_dir)
    return {
        role: Session(loadout.path_of(role, folder), entry, sha256=entry.loaded_sha256, device=Device.CPU)
        for role, entry in loadout.entries.items()
    }


def _round(
    checker: Checker, portrait: bytes, clip: bytes, bare: dict[Role, Session], calls: Sequence[tuple[Role, Floats]]
) -> Round:
    found: list[CheckResult] = []
    own_ms = _cpu_ms(lambda: found.append(checker.check(portrait, clip, None, at=datetime.now(UTC))))
    kept = found[0].liveness.frames_judged
    floor = {"decode": _cpu_ms(lambda: decode_bare(clip, kept))}
    for role, session in bare.items():
        batches = [batch for each, batch in calls if each is role]
        floor[role.value] = _cpu_ms(lambda batches=batches, session=session: [session.run(batch) for batch in batches])
    leanest_ms = _cpu_ms(lambda: decode_bare(clip, kept, skipping="NONREF")) if _is_thinned(found[0]) else floor["decode"]
    return Round({"decode": found[0].cpu_ms["decode"], "all else": own_ms}, floor, leanest_ms)


def _is_thinned(result: CheckResult) -> bool:
    return result.clip is not None and result.clip.frames_decoded > len(result.clip)


def decode_bare(clip: bytes, kept: int, *, skipping: Literal["DEFAULT", "NONREF"] = "DEFAULT") -> int:
    """Decode in one thread and copy the planes of about `kept` frames, evenly. Returns how many.

    skipping: NONREF passes over the pictures that none refers to, whether they would be kept or not.
    """
    with av.open(io.BytesIO(clip)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        stream.codec_context.skip_frame = skipping
        every = max(1, round(stream.frames / kept)) if stream.frames and skipping == "DEFAULT" else 1
        planes = [frame.to_ndarray() for index, frame in enumerate(container.decode(stream)) if index % every == 0]
    return len(planes)


def _cpu_ms(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return (time.process_time() - before) * 1000


def _ratios(name: str, rounds: Sequence[Round]) -> dict[str, Ratio]:
    return {
        f"{name}_check_over_floor": ratio_of([each.over_floor for each in rounds], "less", goal=GOAL),
        f"{name}_check_over_leanest_floor": ratio_of([each.over_leanest for each in rounds], "less"),
    }


def _figures(name: str, rounds: Sequence[Round]) -> dict[str, float]:
    return {
        f"{name}_check_cpu_ms": statistics.median(sum(each.check.values()) for each in rounds),
        f"{name}_floor_cpu_ms": statistics.median(sum(each.floor.values()) for each in rounds),
    }


def _show(console: Console, name: str, rounds: Sequence[Round], calls: dict[Role, int]) -> None:
    table = Table(f"{name} clip", "CPU ms (median)", "least")
    table.add_row("the check", *_two([sum(each.check.values()) for each in rounds]), style="bold")
    for step in rounds[0].check:
        table.add_row(f"  {step}", *_two([each.check[step] for each in rounds]))
    table.add_section()
    table.add_row("the floor", *_two([sum(each.floor.values()) for each in rounds]), style="bold")
    for step in rounds[0].floor:
        asked = "" if step == "decode" else f" ({calls[Role(step)]} calls)"
        table.add_row(f"  {step}{asked}", *_two([each.floor[step] for each in rounds]))
    table.add_row("  decode at its leanest, instead", *_two([each.leanest_ms for each in rounds]))
    console.print(table)
    for title, ratio in _ratios(name, rounds).items():
        console.print(f"{title}: {ratio.value:.3f} at the median of {len(rounds)} rounds, {ratio.least:.3f} to {ratio.most:.3f}")


def _two(values: Sequence[float]) -> tuple[str, str]:
    return f"{statistics.median(values):.1f}", f"{min(values):.1f}"


if __name__ == "__main__":
    main()
