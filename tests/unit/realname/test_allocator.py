"""The allocator keeps what is freed: measured in page faults, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

ROUNDS = 50
PLAY = f"""
import resource, sys
from realname.allocator import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
def play(rounds):
    for _ in range(rounds):
        blocks = [bytearray(400_000) for _ in range(8)]
        for block in blocks:
            block[::4096] = b"x" * len(range(0, 400_000, 4096))
        del block, blocks
play(5)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
play({ROUNDS})
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / {ROUNDS})
"""


def faults_a_round(how: str) -> float:
    run = subprocess.run([sys.executable, "-c", PLAY, how], capture_output=True, text=True, timeout=60, check=True)
    return float(run.stdout)


def test_large_buffers_that_were_freed_come_back_without_page_faults() -> None:
    assert faults_a_round("kept") < 10
    assert faults_a_round("by itself") > 100, "there is nothing to keep here: the test shows nothing"
