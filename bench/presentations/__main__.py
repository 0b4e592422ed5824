"""`python -m bench.presentations`: genuine cuts and attacks, built from registry media, judged whole with the real models.

With cues under the production policy, as finished clips under the development policy. Exit code 1 where an attack is
accepted, or a genuine presentation is refused. `--mutate`: switch each layer off and say which attacks notice.
`--drawn COUNT SEED`: genuine cuts that nothing was tuned on, of the same two people.
`--build FOLDER`: write them as files with manifest.csv, for `realname evaluate FOLDER/manifest.csv`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from bench.presentations.drawn import drawn
from bench.presentations.folder import write_folder
from bench.presentations.judging import POLICIES, Draw, by_id, measure_all
from bench.presentations.mutation import layers, without
from bench.presentations.presentation import Presentation
from bench.presentations.suite import quick, suite
from bench.presentations.tables import accepted, rows_of, show_genuine, show_mutation, show_open, show_suite
from realname.policy import load_policy
from realname.settings import Fetch, read_settings


def main() -> int:
    arguments = _arguments()
    console = Console(width=160)
    draw = Draw(*arguments.drawn) if arguments.drawn else None
    chosen = drawn(*draw) if draw else _chosen(arguments.only, short=arguments.quick)
    if arguments.build is not None:
        with Progress(console=console) as progress:
            task = progress.add_task("building", total=len(chosen))
            media = Path(read_settings(Fetch).media_dir)
            manifest = write_folder(chosen, media, arguments.build, lambda: progress.advance(task))
        console.print(f"realname evaluate {manifest}", highlight=False)
        return 0
    policies = {mode: load_policy(name) for mode, name in POLICIES.items()}
    table = by_id(chosen)
    with Progress(console=console) as progress:
        task = progress.add_task("judging", total=len(chosen))
        found = measure_all(chosen, policies, processes=arguments.processes, draw=draw, tick=lambda: progress.advance(task))
    rows = rows_of(table, found, policies)
    show_suite(console, rows)
    show_genuine(console, rows)
    show_open(console, rows)
    if arguments.mutate:
        show_mutation(console, [without(layer, table, found, policies) for layer in layers()])
    refused = [row for row in rows if not row[0].is_attack and row[2].verdict == "refused"]
    attacks = {row[0].id for row in rows if row[0].is_attack}
    fooled = {row[0].id for row in accepted(rows)}
    console.print(f"{len(fooled)} of {len(attacks)} attacks accepted; {len(refused)} genuine refused", style="bold")
    return 1 if fooled or refused else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], metavar="SPECIES", help="species or ids (default: all)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--quick", action="store_true", help="the short cut of `make test`")
    which.add_argument("--drawn", nargs=2, type=int, metavar=("COUNT", "SEED"), help="instead, genuine cuts drawn at random")
    parser.add_argument("--mutate", action="store_true", help="then switch each layer off")
    parser.add_argument("--build", type=Path, metavar="FOLDER", help="write files and a manifest, judge nothing")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="default: %(default)s")
    arguments = parser.parse_args()
    if arguments.drawn and arguments.only:
        parser.error("--drawn makes genuine cuts of its own: --only has nothing to choose from")
    if arguments.drawn and arguments.mutate:
        parser.error("--drawn makes no attacks: --mutate needs some to notice")
    return arguments


def _chosen(only: Sequence[str], *, short: bool) -> list[Presentation]:
    rows = quick() if short else suite()
    return [row for row in rows if not only or row.species in only or row.id in only]


if __name__ == "__main__":
    sys.exit(main())
