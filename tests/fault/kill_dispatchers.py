"""What is broken? Dispatchers, by kill -9 at random points, some of them inside an open transaction.
What must still be true? Every registration gets exactly one decision, as an independent read_committed reader sees it.

    python -m tests.fault.kill_dispatchers --registrations 5000 --kills 20 --seed 1

A kill counts only while at least 50 jobs are queued or held by the worker. Whether it fell inside a transaction is seen
from outside: the broker says `Ongoing` of the dead dispatcher's transactional id. To hit one on purpose the harness freezes
the dispatcher (SIGSTOP) at a random point, asks the broker, and kills it if its transaction is open, else lets it go on.
A stall is the longest time that any partition went without a decision after a kill.
"""

from __future__ import annotations

import argparse
import bisect
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from deploy.local.child import Child
from deploy.local.kafka import Broker
from deploy.local.ports import free_run
from deploy.local.topics import admin_of
from deploy.local.valkey import Valkey
from realname.topics import PARTITIONS
from tests.fault.rig import Decision, Rig

IN_FLIGHT_MIN = 50
INSIDE_MIN = 3
BACKLOG = 400
THREADS = 12  # of the worker: some 50 registrations/s, so that kills lie 2-10 s apart and the backlog lasts
KILL_S_MAX = 60.0  # from when a kill is due until its conditions hold


class Kill(NamedTuple):
    """at_s: wall clock, as the broker's stamps on the same machine."""

    at_s: float
    slot: int
    in_flight: int
    is_inside: bool


class Outcome(NamedTuple):
    """What the run showed; verify() of the rig has passed."""

    registrations: int
    further: int
    kills: list[Kill]
    stalls_s: list[float]
    repeated_runs: int
    restarts: int
    took_s: float

    @property
    def inside(self) -> int:
        return sum(kill.is_inside for kill in self.kills)

    def lines(self) -> list[str]:
        stall = f"p50 {statistics.median(self.stalls_s):.1f} s, max {max(self.stalls_s):.1f} s" if self.stalls_s else "none"
        smallest = min((kill.in_flight for kill in self.kills), default=0)
        return [
            f"registrations {self.registrations}, further records of known ids {self.further}",
            f"kills {len(self.kills)}, inside an open transaction {self.inside}, in flight at a kill >= {smallest}",
            f"stalls of a partition after a kill: {stall}",
            f"restarts {self.restarts}, stage runs repeated {self.repeated_runs}",
            f"decided exactly once {self.registrations} of {self.registrations}, duplicates 0, missing 0",
            f"took {self.took_s:.0f} s",
        ]


def run(broker: Broker, valkey: Valkey, folder: Path, *, registrations: int, kills: int, inside: int, seed: int) -> Outcome:
    """Attack, then count. Raises AssertionError where an invariant does not hold."""
    chance = random.Random(seed)
    began = time.monotonic()
    made: list[Kill] = []
    with Rig(broker, valkey, folder, threads=THREADS, seed=seed) as rig:
        while len(rig.operator_of) < registrations or len(made) < kills:
            rig.drive(registrations, backlog=BACKLOG)
            is_due = len(rig.operator_of) >= (len(made) + 1) * registrations // (kills + 1)
            if len(made) < kills and is_due:
                missing = inside - sum(kill.is_inside for kill in made)
                aims = missing > 0 and (len(made) % 2 == 0 or kills - len(made) <= missing)
                kill = attack(rig, chance, registrations, aims=aims)
                made.append(kill)
                print(f"kill {len(made)}: slot {kill.slot}, in flight {kill.in_flight}, inside {kill.is_inside}", flush=True)
        rig.finish(within_s=120)
        decisions = rig.verify()
        assert sum(kill.is_inside for kill in made) >= inside, "too few kills inside a transaction"
        return Outcome(
            registrations=len(rig.operator_of),
            further=rig.further,
            kills=made,
            stalls_s=[stall_after(kill, decisions) for kill in made],
            repeated_runs=rig.repeated_runs(),
            restarts=rig.restarts,
            took_s=time.monotonic() - began,
        )


def attack(rig: Rig, chance: random.Random, registrations: int, *, aims: bool) -> Kill:
    """Kill one at a random point at which enough is in flight; where it aims, only inside an open transaction."""
    deadline = time.monotonic() + KILL_S_MAX
    while time.monotonic() < deadline:
        until = time.monotonic() + chance.uniform(0.0, 0.1 if aims else 1.0)
        while time.monotonic() < until:
            rig.drive(registrations, backlog=BACKLOG)
        slot = chance.randrange(len(rig.dispatchers))
        in_flight = rig.in_celery()
        if in_flight < IN_FLIGHT_MIN or not rig.dispatchers[slot].is_alive:
            continue
        if aims and not frozen_inside(rig, rig.dispatchers[slot], slot):
            continue
        rig.dispatchers[slot].kill9()
        return Kill(time.time(), slot, in_flight, is_inside=is_open(rig, slot))
    raise AssertionError(f"no kill within {KILL_S_MAX:.0f} s; in flight {rig.in_celery()}, undecided {rig.undecided}")


def frozen_inside(rig: Rig, child: Child, slot: int) -> bool:
    """Freeze it; leave it frozen inside a transaction, else let it go on."""
    child.freeze()
    if is_open(rig, slot):
        return True
    child.thaw()
    return False


def is_open(rig: Rig, slot: int) -> bool:
    """Whether the broker holds an open transaction of this slot."""
    name = f"dispatcher-{slot}"
    with admin_of(rig.broker.bootstrap) as admin:
        try:
            return str(admin.describe_transactions([name])[name].state).rsplit(".", 1)[-1].upper() == "ONGOING"
        except Exception as error:
            if "NotFound" in type(error).__name__:
                return False
            raise


def stall_after(kill: Kill, decisions: list[Decision]) -> float:
    """The longest time from the kill to a partition's next decision, seconds."""
    worst = 0.0
    for partition in range(PARTITIONS):
        stamps = sorted(each.at_ms for each in decisions if each.partition == partition)
        later = bisect.bisect_right(stamps, kill.at_s * 1000)
        if later < len(stamps):
            worst = max(worst, stamps[later] / 1000 - kill.at_s)
    return worst


def main() -> None:
    """The whole run, on servers of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--registrations", type=int, default=5000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    parser.add_argument("--folder", type=Path, default=None, help="logs stay there")
    asked = parser.parse_args()
    print(f"seed {asked.seed}")
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="kills-"))
    first = free_run(3)
    with Broker(folder / "kafka", first) as broker, Valkey(folder / "valkey", first + 2) as valkey:
        outcome = run(
            broker,
            valkey,
            folder,
            registrations=asked.registrations,
            kills=asked.kills,
            inside=min(INSIDE_MIN, asked.kills),
            seed=asked.seed,
        )
    print("\n".join(outcome.lines()))


if __name__ == "__main__":
    sys.exit(main())
