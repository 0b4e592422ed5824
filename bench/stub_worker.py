"""`python -m bench.stub_worker`: the worker's process with stub stages. Settings as for the real one (REALNAME_*).

--mean-ms 100 --slow-ms 1500 --slow-share 0.01    how long each of the two stages takes
--recover-s 4                                     a killed worker's jobs are back after about 4 s instead of 35
--stage-deadline-s 3                              what hangs longer ends the process
"""

from __future__ import annotations

import argparse

from bench.stub_runtime import Service, StubJudges, stub_runtime
from realname.log import start_logging
from realname.metrics import Metrics
from realname.settings import Worker, read_settings
from workers.process import body_of, run
from workers.timing import Timing


def main() -> int:
    """The exit code."""
    asked = _arguments()
    settings = read_settings(Worker)
    start_logging(settings.log_level)
    timing, metrics = timing_of(asked.recover_s, asked.stage_deadline_s), Metrics("worker")
    body = body_of(settings, timing)
    service = Service(asked.mean_ms / 1000, asked.slow_ms / 1000, asked.slow_share)
    runtime = stub_runtime(body, metrics, judges=StubJudges(service), timing=timing)
    return run(settings, runtime, body, metrics)


def timing_of(recover_s: float | None, stage_deadline_s: float | None) -> Timing:
    """Production's proportions, shortened. None: production's own."""
    if recover_s is None:
        return Timing()
    return Timing(
        visibility_timeout_s=recover_s * 0.75,
        restore_every_s=recover_s * 0.25,
        process_ttl_s=recover_s * 0.5,
        process_refresh_s=recover_s * 0.1,
        stage_deadline_s=stage_deadline_s or recover_s * 0.7,
        transient_wait_s=0.1,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.stub_worker")
    parser.add_argument("--mean-ms", type=float, default=0.0)
    parser.add_argument("--slow-ms", type=float, default=0.0)
    parser.add_argument("--slow-share", type=float, default=0.0)
    parser.add_argument("--recover-s", type=float, default=None)
    parser.add_argument("--stage-deadline-s", type=float, default=None)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
