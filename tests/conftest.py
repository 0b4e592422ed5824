"""What every test may ask for: a real broker, a real Valkey and the real models, each started once; test media."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from deploy.local.kafka import Broker
from deploy.local.ports import free_run
from deploy.local.valkey import Valkey
from models.fetch import wanted_models
from models.manifest import read_manifest
from models.profiles import read_loadout
from models.registry import Models, load
from realname.settings import Fetch, Worker, read_settings

# No unit test is timed: on a machine that does other work besides, a slow example says nothing of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

TESTS = Path(__file__).parent
# What takes longest goes first, so that the end of a run on several cores is made of small pieces.
FIRST = ("fault", "integration", "property", "golden", "contract")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long folders first; within each the order stays as it was shuffled."""

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(TESTS).parts[0]
        return FIRST.index(folder) if folder in FIRST else len(FIRST)

    items.sort(key=place)


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


@pytest.fixture(scope="session")
def models_folder() -> Path:
    """The folder of the fetched models; fails, never skips, where one is missing."""
    return fetched(Path(read_settings(Fetch).models_dir), [file.name for file in wanted_models(read_loadout())], "models")


@pytest.fixture(scope="session")
def extra_models_folder(models_folder: Path) -> Path:
    """The folder of the fetched models, the second embedder among them."""
    return fetched(models_folder, [file.name for file in wanted_models(read_loadout("face-api"))], "models-extra")


@pytest.fixture(scope="session")
def media_folder() -> Path:
    """The folder of the fetched clips and stills (models/manifest.toml says what each shows)."""
    return fetched(Path(read_settings(Fetch).media_dir), list(read_manifest().media), "media")


@pytest.fixture(scope="session")
def real_models(models_folder: Path) -> Iterator[Models]:
    """The four real models on the CPU, shared by the run."""
    loaded = load(Worker(models_dir=str(models_folder), device="cpu"))
    yield loaded
    loaded.close()


def fetched(folder: Path, names: list[str], goal: str) -> Path:
    """The folder, if it has every name; else the test fails and says which command to run."""
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        pytest.fail(f"{folder} lacks {', '.join(missing)}: run `make {goal}`", pytrace=False)
    return folder
