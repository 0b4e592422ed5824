"""`python -m bench.all`: every benchmark that needs no GPU, one after another, then what got worse since the committed results.

Each writes its result into bench/results; `git diff` shows what moved, and `git checkout bench/results` goes back. Results are
held against the committed ones, however often it ran since. One that fails is named at the end, and the others run all the same.
Nothing else should run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from bench.compare import compared, results_in, show
from bench.result import RESULTS, Result
from bench.tables import table_of

GIVES_BACK_S = 60.0  # what one that is broken off has to take its stack down


class Benchmark(NamedTuple):
    """arguments: of `python -m`. limit_s: it is ended after so long."""

    arguments: str
    limit_s: float

    @property
    def name(self) -> str:
        """For `--only`."""
        module, _, options = self.arguments.removeprefix("bench.").partition(" ")
        _, named, name = options.partition("--name ")
        return f"{module}_{name}" if named else module


_RATE = "bench.load --profile base --seconds 60 --rate-scale"

BENCHMARKS = (
    Benchmark("bench.steps --runs 9", 180),
    Benchmark("bench.floor --runs 9", 240),
    Benchmark("bench.peers --runs 3", 420),
    Benchmark("bench.batching", 120),
    Benchmark("bench.intake", 240),
    Benchmark("bench.hops", 300),
    # Two rates that the planner's coefficients are fitted to, and one between them that its prediction is held against.
    Benchmark(f"{_RATE} 0.25 --name rate_10", 240),
    Benchmark(f"{_RATE} 0.5 --name rate_20", 240),
    Benchmark(f"{_RATE} 0.75 --name rate_30", 240),
    Benchmark("bench.growth", 600),
    Benchmark("bench.coefficients --leave-out load_rate_20", 60),
)


class Ended(NamedTuple):
    """One that ran. why: it failed; empty where it did not."""

    benchmark: Benchmark
    took_s: float
    why: str


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [each.name for each in BENCHMARKS]
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME", help=f"of: {', '.join(names)}")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder to write into (default: %(default)s)")
    asked = parser.parse_args()
    console = Console()
    before, found = committed(RESULTS), results_in(asked.results)
    ended = [run(console, each, asked.results) for each in BENCHMARKS if each.name in asked.only]
    now = {name: result for name, result in results_in(asked.results).items() if result != found.get(name)}
    worse = show(console, compared(before, now))
    console.print(table_of(results_in(asked.results).values()), markup=False, highlight=False, soft_wrap=True)
    for each in ended:
        console.print(f"{each.benchmark.name}: {each.took_s:.0f} s {each.why}", style="red" if each.why else "")
    return 1 if worse or any(each.why for each in ended) else 0


def committed(folder: Path) -> dict[str, Result]:
    """As results_in, of the last commit: what lies there may be of a run since. What lies there, where there is no repository."""
    with tempfile.TemporaryDirectory() as kept:
        archive = subprocess.run(["git", "archive", "HEAD", "--", folder], capture_output=True, check=False)
        if archive.returncode:
            has_commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, check=False).returncode == 0
            return {} if has_commit else results_in(folder)
        subprocess.run(["tar", "-x", "-C", kept], input=archive.stdout, check=True)
        return results_in(Path(kept) / folder)


def run(console: Console, benchmark: Benchmark, results: Path) -> Ended:
    """As long as it may take; what fails is said and raises nothing."""
    console.rule(f"{benchmark.name} (at most {benchmark.limit_s:.0f} s)")
    command = [sys.executable, "-m", *benchmark.arguments.split(), "--results", str(results)]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a shell's background job, a child would ignore it, too
    began_s, why = time.monotonic(), ""
    with subprocess.Popen(command) as child:
        try:
            code = child.wait(benchmark.limit_s)
            why = f"failed with {code}" if code else ""
        except subprocess.TimeoutExpired:
            why = f"did not end within {benchmark.limit_s:.0f} s"
            _break_off(child)
        except BaseException:
            child.wait(GIVES_BACK_S)  # Ctrl-C reached it, too
            raise
    return Ended(benchmark, time.monotonic() - began_s, why)


def _break_off(child: subprocess.Popen[bytes]) -> None:
    """As Ctrl-C does, so that it takes its stack down; killed, it would leave one behind."""
    child.send_signal(signal.SIGINT)
    try:
        child.wait(GIVES_BACK_S)
    except subprocess.TimeoutExpired:
        child.kill()


if __name__ == "__main__":
    sys.exit(main())
