"""The whole stack, as `realname up` starts it, once for the tests that need it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deploy.local.layout import Stack, ports_from, stack_of
from deploy.local.ports import free_run
from deploy.local.up import bring_up, take_down


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, models_folder: object) -> Iterator[Stack]:
    """A running stack with the development policy and a short objection window. Shared: leave its processes alone."""
    state = tmp_path_factory.mktemp("stack")
    caller = os.environ | {"REALNAME_SWEEP_EVERY_S": "1"}
    started = stack_of(state, ports_from(free_run(10), {}), {})
    lines: list[str] = []
    try:
        bring_up(started, caller, lines.append)
        with leash(int((started.run / "supervisord.pid").read_text())):
            yield started
    finally:
        take_down(started, lines.append)


@contextmanager
def leash(supervisor: int) -> Iterator[None]:
    """Its supervisor ends, and all of its own with it, also where this process is killed: a broken-off run kills its workers."""
    waits = ["/bin/sh", "-c", f"read _; kill -TERM {supervisor}"]
    with subprocess.Popen(waits, stdin=subprocess.PIPE, start_new_session=True) as held:
        yield
        held.kill()
