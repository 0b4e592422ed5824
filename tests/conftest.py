"""What every test may ask for: a real broker and a real Valkey, started once, and names of its own on them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from deploy.local.kafka import Broker
from deploy.local.ports import free_run
from deploy.local.valkey import Valkey


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The run's broker: `.bootstrap`, `.port`. Shared, so never kill it: take `own_kafka` for that."""
    with Broker(tmp_path_factory.mktemp("kafka"), free_run(2)) as broker:
        yield broker


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """The run's Valkey: `.url`, `.port`, `.client()`. Shared, so never wipe it: take `own_valkey` for that."""
    with Valkey(tmp_path_factory.mktemp("valkey"), free_run(1)) as server:
        yield server


@pytest.fixture
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker for this test alone (about 3 s), to be killed, frozen and started again."""
    with Broker(tmp_path_factory.mktemp("own-kafka"), free_run(2)) as broker:
        yield broker


@pytest.fixture
def own_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """A Valkey for this test alone, to be wiped, frozen and killed."""
    with Valkey(tmp_path_factory.mktemp("own-valkey"), free_run(1)) as server:
        yield server


@pytest.fixture
def prefix() -> str:
    """A start for the names of this test's topics, groups and keys on the shared servers, e.g. `t3f9a1c02.`."""
    return f"t{uuid.uuid4().hex[:8]}."
