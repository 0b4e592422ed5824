"""What the projector may expect of the statuses, on the fake and on a real Valkey."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from deploy.local.valkey import Valkey
from realname.statuses import Status, decode_status, status_key, status_of
from services.projector.loop import Statuses
from services.projector.statuses import RedisStatuses
from tests.builders import NOON, an_id
from tests.fakes.projector import FakeStatuses
from tests.transactions import a_decision


class Rig(NamedTuple):
    statuses: Statuses
    held: Callable[[str], Status | None]
    lose: Callable[[], object]


@pytest.fixture(params=["fake", "real"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    if request.param == "fake":
        fake = FakeStatuses()
        yield Rig(fake, fake.store.get, fake.lose)
        return
    valkey: Valkey = request.getfixturevalue("own_valkey")
    real, client = RedisStatuses(valkey.url), valkey.client()

    def held(identity: str) -> Status | None:
        body = client.hget(status_key(identity), "status")
        return decode_status(body) if body else None

    yield Rig(real, held, client.flushall)
    real.close()


def test_a_status_is_written_once_and_only_forwards(rig: Rig) -> None:
    epoch = rig.statuses.epoch()
    decided = status_of(a_decision())
    earlier = Status(id=decided.id, operator="north", store="store-1", step="matching", at=NOON)
    assert rig.statuses.write([earlier]) == (epoch, 1)
    assert rig.statuses.write([decided]) == (epoch, 1)
    assert rig.statuses.write([decided, earlier]) == (epoch, 0)
    held = rig.held(decided.id)
    assert held is not None
    assert held.step == "decided"


def test_many_are_written_at_once(rig: Rig) -> None:
    rig.statuses.epoch()
    many = [status_of(a_decision(an_id())) for _ in range(500)]
    assert rig.statuses.write(many).moved == 500


def test_the_epoch_stays_until_the_store_is_lost(rig: Rig) -> None:
    epoch = rig.statuses.epoch()
    assert rig.statuses.epoch() == epoch
    assert rig.statuses.write([status_of(a_decision())]).epoch == epoch
    rig.lose()
    assert rig.statuses.write([status_of(a_decision())]).epoch != epoch
    assert rig.statuses.epoch() != epoch
