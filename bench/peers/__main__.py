"""`python -m bench.peers`: the CPU of our check beside what people would use instead, on the same clips, in the same run.

Each peer runs on every frame, as its script would, and on our frame schedule. `--quality`: what each makes of genuine
presentations and attacks. `make peers` makes the virtual environment that two of the peers need.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from bench import media
from bench.peers import children, costs, quality, tables
from bench.peers.wire import Ask, PeerBroke
from bench.result import result_of, write
from bench.steps import REFERENCE, SIZE
from realname.settings import Fetch, read_settings

ASKED = ("turn_left",)  # what the reference piece shows


def main() -> int:
    """0: measured. 1: a peer is missing or broke."""
    arguments = _arguments()
    console = Console(width=170)
    try:
        with tempfile.TemporaryDirectory() as folder, children.opened(children.interpreters(arguments.peers)) as sides:
            _measure(arguments, sides, Path(folder), console)
    except (children.PeersMissing, PeerBroke) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def _measure(arguments: argparse.Namespace, sides: dict[str, children.Child], folder: Path, console: Console) -> None:
    for name, side in sides.items():
        console.print(f"{name}: {side.about}", highlight=False)
    asks: dict[str, costs.Asks] = dict(sides)
    source = Path(read_settings(Fetch).media_dir)
    asked = clips(source, folder)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        rounds = (arguments.runs + 1) * len(asked) * len(costs.PEERS) * len(costs.MODES)
        task = progress.add_task("in turns", total=rounds)
        pairs = costs.pairs_of(asks, asked, runs=arguments.runs, tick=lambda: progress.advance(task))
    tables.show_costs(console, pairs)
    figures = costs.figures_of(pairs)
    if arguments.quality:
        verdicts = _verdicts(arguments, asks, source, folder, console)
        tables.show_quality(console, verdicts)
        figures |= tables.figures_of({name: quality.score_of([each for each in verdicts if each.side == name]) for name in sides})
    if arguments.results:
        command = f"python -m bench.peers --runs {arguments.runs}" + (
            f" --quality --seed {arguments.seed}" if arguments.quality else ""
        )
        notes = [f"{name}: {side.about}" for name, side in sides.items()]
        result = result_of("peers", command, ratios=costs.ratios_of(pairs), figures=figures, notes=notes)
        console.print(f"written: {write(result, arguments.results)}")


def _verdicts(
    arguments: argparse.Namespace, sides: dict[str, costs.Asks], source: Path, folder: Path, console: Console
) -> list[quality.Verdict]:
    os.environ["SVT_LOG"] = "1"  # the AV1 encoder says its name on each clip
    chosen = quality.sample(arguments.seed, genuine_count=arguments.genuine, attack_count=arguments.attacks)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("presentations", total=len(chosen))
        return list(quality.verdicts_of(sides, chosen, source, folder, tick=lambda: progress.advance(task)))


def clips(source: Path, folder: Path) -> dict[str, Ask]:
    """The clips of the cost figures as files, with what they are asked for: B, who turns once, and a frame of B's other clip."""
    portrait = folder / "portrait.jpg"
    portrait.write_bytes(media.frame_as_portrait(source, *media.B_PORTRAIT))
    made = {"reference": media.cut(source, REFERENCE, SIZE), "page": media.page_clip(source, REFERENCE)}
    asked: dict[str, Ask] = {}
    for name, clip in made.items():
        path = folder / f"{name}.mp4"
        path.write_bytes(clip)
        asked[name] = Ask(str(path), str(portrait), ASKED)
    return asked


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7, help="counted rounds (default: %(default)s)")
    parser.add_argument("--quality", action="store_true", help="then what each makes of genuine presentations and attacks")
    parser.add_argument("--genuine", type=int, default=16, help="with --quality: how many (default: %(default)s)")
    parser.add_argument("--attacks", type=int, default=24, help="with --quality: how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=2026, help="with --quality: which (default: %(default)s)")
    parser.add_argument("--results", type=Path, metavar="FOLDER", help="write peers.json there")
    parser.add_argument(
        "--peers", type=Path, default=children.PEERS, metavar="FOLDER", help="their virtual environment (default: %(default)s)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
