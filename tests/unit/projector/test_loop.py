from __future__ import annotations

import pytest

from realname.envelope import Record, seal_record
from realname.ids import partition_of
from realname.messages import RegistrationDecided
from realname.metrics import Metrics
from services.projector.loop import Projector
from services.projector.progress import CatchUp
from tests.builders import an_id
from tests.fakes.projector import FakeDecisions, FakeLog, FakeStatuses
from tests.transactions import a_decision

PARTITIONS = 2
DAY_MS = 86_400_000


class House:
    """A projector on fakes, and the clock that it looks at."""

    def __init__(self) -> None:
        self.log = FakeLog({partition: [] for partition in range(PARTITIONS)})
        self.decisions, self.statuses = FakeDecisions(self.log), FakeStatuses()
        self.metrics = Metrics("projector")
        self.at_s = 0.0
        self.paused_s: list[float] = []
        self.projector = Projector(
            self.decisions, self.statuses, self.metrics, now_s=lambda: self.at_s, pause=self.paused_s.append
        )

    def decide(self, at_ms: int = DAY_MS, **changes) -> RegistrationDecided:
        decided = a_decision(**changes)
        self.log.write(partition_of(decided.id, PARTITIONS), seal_record(decided, key=decided.id), at_ms)
        return decided

    def turn(self, times: int = 1, *, seconds: float = 1.0) -> None:
        for _ in range(times):
            self.projector.run_once()
            self.at_s += seconds

    def written(self) -> float:
        return self.metrics.registry.get_sample_value("realname_statuses_written_total", {"step": "decided"}) or 0.0


@pytest.fixture
def house() -> House:
    return House()


def test_a_decision_becomes_its_status(house: House) -> None:
    decided = house.decide(verdict="refused", reasons=("flat_face",))
    house.turn()
    status = house.statuses.store[decided.id]
    assert (status.step, status.verdict, status.reasons) == ("decided", "refused", ("flat_face",))
    assert house.written() == 1


def test_it_is_ready_once_it_has_read_what_was_there_at_its_start(house: House) -> None:
    house.decide()
    assert house.projector.problem() == "starting"
    house.turn()
    assert house.projector.problem() is None


def test_decisions_older_than_a_day_are_left_alone(house: House) -> None:
    old = house.decide(at_ms=0)
    new = house.decide(at_ms=DAY_MS + 1)
    house.turn()
    assert old.id not in house.statuses.store
    assert new.id in house.statuses.store


def test_a_lost_redis_gets_the_last_day_again(house: House) -> None:
    decided = [house.decide() for _ in range(5)]
    house.turn(2)
    house.statuses.lose()
    house.turn(2)
    assert set(house.statuses.store) == {each.id for each in decided}
    assert house.decisions.rewinds == 2


def test_a_redis_lost_and_named_by_another_process_is_noticed_by_its_name(house: House) -> None:
    decided = house.decide()
    house.turn(2)
    house.statuses.lose()
    house.statuses.epoch()  # a dispatcher came first and gave the new store its name
    house.turn(2)
    assert decided.id in house.statuses.store


def test_a_store_lost_between_the_look_and_the_write_is_noticed_by_the_write(house: House) -> None:
    first = house.decide()
    house.turn(2, seconds=0.01)
    house.statuses.lose()
    house.decide()
    house.turn(2, seconds=0.01)  # no look at the epoch is due in these turns
    assert first.id in house.statuses.store


def test_a_batch_that_redis_did_not_take_is_written_when_it_answers(house: House) -> None:
    house.turn()
    decided = house.decide()
    house.statuses.is_silent = True
    house.turn(3, seconds=0.1)
    assert house.projector.problem() == "redis_silent"
    assert house.paused_s
    house.statuses.is_silent = False
    house.turn()
    assert house.statuses.store[decided.id].verdict == "approved"
    assert house.projector.problem() is None


def test_a_silent_kafka_costs_readiness_and_nothing_else(house: House) -> None:
    house.decisions.is_silent = True
    house.turn(2)
    assert house.projector.problem() == "kafka_silent"
    house.decisions.is_silent = False
    decided = house.decide()
    house.turn()
    assert decided.id in house.statuses.store


def test_a_record_that_does_not_read_is_skipped(house: House) -> None:
    decided = a_decision()
    partition = partition_of(decided.id, PARTITIONS)
    house.log.write(partition, seal_record(decided, key=decided.id)._replace(value=b"{"), DAY_MS)
    house.log.write(partition, seal_record(decided, key=decided.id), DAY_MS)
    house.turn()
    assert decided.id in house.statuses.store


def test_a_record_of_a_newer_version_stops_its_partition_and_no_other(house: House) -> None:
    newer = Record(b"k", b"{}", [("ce_type", b"realname.registration.decided.v2")])
    house.log.write(0, newer, DAY_MS)
    after, beside = id_in(0), id_in(1)
    house.decide(registration_id=after)
    house.decide(registration_id=beside)
    house.turn(3)
    assert set(house.statuses.store) == {beside}
    assert house.projector.problem() == "record_too_new"
    assert house.decisions.positions()[0] == 0
    assert house.metrics.registry.get_sample_value("realname_partitions_stopped") == 1


def test_lag_is_what_is_left_to_read(house: House) -> None:
    house.decide()
    house.turn(2)
    sample = {"topic": "registrations.decided", "partition": "0"}
    assert house.metrics.registry.get_sample_value("realname_consumer_lag_records", sample) == 0


def test_it_has_caught_up_only_when_every_partition_has() -> None:
    catch_up = CatchUp({0: 5, 1: 0, 2: 3})
    assert not catch_up.look({0: 5, 1: 0})
    assert not catch_up.look({0: 5, 1: 0, 2: 2})
    assert catch_up.look({0: 9, 1: 0, 2: 3})
    assert catch_up.look({0: 0})  # readiness is not taken away again


def id_in(partition: int) -> str:
    return next(found for found in iter(an_id, "") if partition_of(found, PARTITIONS) == partition)
