"""`python -m bench.floor`: what the check costs beside the least that its decoding and its model calls could cost.

The floor: the reference clip through bare libavcodec in this process, keeping the frames that the check keeps, and bare
onnxruntime runs of the very inputs that the check gave its models; nothing between. Both in turn, run by run, since the
machine is noisy: the median of the runs' own ratios is the figure.
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

import av
import numpy as np
from rich.console import Console
from rich.table import Table

from bench import media
from bench.steps import REFERENCE, SIZE
from models.detector import RunsItems
from models.manifest import Role
from models.profiles import read_loadout
from models.registry import Models
from models.session import Device, Floats, Session
from realname.policy import load_policy
from realname.settings import Fetch, Worker, read_settings
from workers.check import Checker, CheckResult
from workers.opening import opened


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
    parser.add_argument("--runs", type=int, default=15, help="counted pairs of runs (default: %(default)s)")
    runs = parser.parse_args().runs
    folder, settings, policy = Path(read_settings(Fetch).media_dir), read_settings(Worker), load_policy("development")
    clip = media.cut(folder, REFERENCE, SIZE)
    portrait = media.frame_as_portrait(folder, *media.B_PORTRAIT)
    with opened(settings) as tools:
        listening, heard = _listened(tools.models)
        Checker(policy, listening, tools.decoder).check(portrait, clip, None, at=datetime.now(UTC))
        checker = Checker(policy, tools.models, tools.decoder)
        bare = _sessions(settings)
        calls = [(role, batch) for role, one in heard.items() for batch in one.calls]
        pairs = [_pair(checker, portrait, clip, bare, calls) for _ in range(runs + 1)][1:]
    _show(Console(width=100), pairs, {role: len(one.calls) for role, one in heard.items()})


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


Pair = tuple[dict[str, float], dict[str, float]]  # CPU ms by step, of the check and of the floor


def _pair(
    checker: Checker, portrait: bytes, clip: bytes, bare: dict[Role, Session], calls: Sequence[tuple[Role, Floats]]
) -> Pair:
    found: list[CheckResult] = []
    own_ms = _cpu_ms(lambda: found.append(checker.check(portrait, clip, None, at=datetime.now(UTC))))
    decode_ms = found[0].cpu_ms["decode"]
    floor = {"decode": _cpu_ms(lambda: decode_bare(clip, found[0].liveness.frames_judged))}
    for role, session in bare.items():
        batches = [batch for each, batch in calls if each is role]
        floor[role.value] = _cpu_ms(lambda batches=batches, session=session: [session.run(batch) for batch in batches])
    return {"decode": decode_ms, "all else": own_ms}, floor


def decode_bare(clip: bytes, kept: int) -> int:
    """Decode every frame in one thread and copy the planes of about `kept` of them, evenly. Returns how many."""
    with av.open(io.BytesIO(clip)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        every = max(1, round(stream.frames / kept)) if stream.frames else 2
        planes = [frame.to_ndarray() for index, frame in enumerate(container.decode(stream)) if index % every == 0]
    return len(planes)


def _cpu_ms(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return (time.process_time() - before) * 1000


def _show(console: Console, pairs: Sequence[Pair], calls: dict[Role, int]) -> None:
    table = Table("", "CPU ms (median)", "least")
    for title, which in (("the check", 0), ("the floor", 1)):
        table.add_row(title, *_two([sum(pair[which].values()) for pair in pairs]), style="bold")
        for step in pairs[0][which]:
            asked = f" ({calls[Role(step)]} calls)" if which and step != "decode" else ""
            table.add_row(f"  {step}{asked}", *_two([pair[which][step] for pair in pairs]))
        table.add_section()
    console.print(table)
    ratios = sorted(sum(check.values()) / sum(floor.values()) for check, floor in pairs)
    middle = statistics.median(ratios)
    console.print(f"check / floor: {middle:.3f} at the median of {len(ratios)} pairs, {ratios[0]:.3f} to {ratios[-1]:.3f}")


def _two(values: Sequence[float]) -> tuple[str, str]:
    return f"{statistics.median(values):.1f}", f"{min(values):.1f}"


if __name__ == "__main__":
    main()
