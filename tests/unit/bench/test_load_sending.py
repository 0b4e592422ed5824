"""The open loop owns to its own lateness: a loader that is too slow must not pass for a slow stack."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from bench.load.accounting import Sent
from bench.load.http import Client, Reply
from bench.load.samples import Bodies, Material
from bench.load.schedule import Arrival
from bench.load.sending import LEAD_S, Sender
from deploy.local.devkeys import make_keys

RATE_HZ, COUNT = 200, 120


class Answers(Client):
    """Answers at once, and takes the loop's own time for it."""

    def __init__(self, busy_s: float) -> None:
        super().__init__("nowhere", 0)
        self._busy_s = busy_s

    async def post(self, path: bytes, headers: object, parts: object) -> Reply:  # noqa: ARG002 - the client's
        time.sleep(self._busy_s)  # noqa: ASYNC251 - what a loader does that computes
        await asyncio.sleep(0)
        return Reply(429)


def played(keys: Path, *, busy_s: float) -> list[Sent]:
    """From the first, whose challenge is due at once."""
    make_keys(keys, ("north",))
    bodies = Bodies()
    material = Material(bodies, [bodies.sample_of(b"portrait", b"clip", ())])
    sender = Sender(Answers(busy_s), keys, material, fitting=False, on_sent=lambda _: None)
    arrivals = [Arrival(number / RATE_HZ, 0, "north", 0) for number in range(COUNT)]
    return asyncio.run(sender.play(arrivals, time.monotonic() + LEAD_S))


def test_a_loader_that_cannot_keep_up_says_by_how_much(tmp_path: Path):
    sent = played(tmp_path, busy_s=0.02)  # 50 a second at most, of 200 that are due
    assert max(each.slip_s for each in sent) > 1.0
