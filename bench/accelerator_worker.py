"""`python -m bench.accelerator_worker`: a worker's process with a simulated accelerator. Settings as for a real one.

Real: tasks, wire, recovery, the vault's unsealing, the sealing of chips, batching. Simulated: decoding and inference, which
wait by a cost model (bench/accelerator.py). Left out: the duplicate check, whose cost is a part of the check's.
"""

from __future__ import annotations

import argparse
import dataclasses
import os

from bench.accelerator import Accelerator, AcceleratorJudges, CostModel, StandInCpu, WaitingDecoder
from bench.stub_runtime import Service, StubJudges, stub_runtime
from realname.keys import FileKeys
from realname.log import start_logging
from realname.metrics import Metrics
from realname.settings import Worker, keys_folder, read_settings
from realname.vault import open_vault
from workers.observing import Observing
from workers.process import body_of, run
from workers.timing import Timing

CHIP_BYTES = 25_600  # a packed face, as bench/stub_runtime.py has it; two of them travel, 51 kB
CHIPS = 2


def main() -> int:
    """The exit code."""
    cost = parse()
    settings = read_settings(Worker)
    start_logging(settings.log_level)
    timing, metrics = Timing(), Metrics("worker")
    body = body_of(settings, timing)
    observing = Observing(metrics)
    cpu = StandInCpu()
    metrics.registry.register(cpu)
    accelerator = Accelerator(cost, cpu, observing.batch, observing.device_busy)
    reports = StubJudges(Service(), chips=[os.urandom(CHIP_BYTES) for _ in range(CHIPS)])
    judges = AcceleratorJudges(accelerator, cost, cpu, reports)
    keys = FileKeys(keys_folder(settings))
    stub = stub_runtime(body, metrics, judges=judges, timing=timing)
    runtime = dataclasses.replace(stub, vault=open_vault(settings.vault, keys), keys=keys, decoder=WaitingDecoder(cost, cpu))
    return run(settings, runtime, body, metrics, close=[accelerator.close])


def arguments_of(cost: CostModel) -> tuple[str, ...]:
    """The command line that gives a worker this cost model; what is as usual is not said."""
    usual = CostModel()
    named = ((field.name, getattr(cost, field.name)) for field in dataclasses.fields(cost))
    return tuple(f"--{name.replace('_', '-')}={value:g}" for name, value in named if value != getattr(usual, name))


def parse(argv: list[str] | None = None) -> CostModel:
    """One option a field of the cost model."""
    parser = argparse.ArgumentParser(prog="python -m bench.accelerator_worker", description=__doc__)
    for field in dataclasses.fields(CostModel):
        kind = type(field.default)
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=field.default)
    return CostModel(**vars(parser.parse_args(argv)))


if __name__ == "__main__":
    raise SystemExit(main())
