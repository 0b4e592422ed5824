"""Batchers over a simulated device that only does its work when the test lets it: what is counted is items a call, never time."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future

import pytest

from models.batcher import Batcher, BatchLimits, ModelStuck
from models.device import Turns
from tests.eventually import eventually


class Device:
    """Answers each item with its double, one call for each `let`. calls: model and size, in order."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []
        self.inside = 0  # items in the call that runs
        self._allowed = threading.Semaphore(0)
        self._free = threading.Event()
        self._only = threading.Lock()

    def model(self, name: str):
        def run(items: Sequence[int]) -> list[int]:
            assert self._only.acquire(blocking=False), "two models at once"
            try:
                self.inside = len(items)
                self.calls.append((name, len(items)))
                if not self._free.is_set():
                    assert self._allowed.acquire(timeout=20)
                if -1 in items:
                    raise ValueError("a bad item")
                return [2 * item for item in items]
            finally:
                self.inside = 0
                self._only.release()

        return run

    def let(self, calls: int = 1) -> None:
        """So many more calls may end."""
        self._allowed.release(calls)

    def let_all(self) -> None:
        self._free.set()
        self._allowed.release(1000)

    def began(self, calls: int) -> None:
        eventually(lambda: len(self.calls) >= calls)


@pytest.fixture
def device() -> Iterator[Device]:
    one = Device()
    yield one
    one.let_all()


class Models:
    """Batchers that share the device."""

    def __init__(self, device: Device, **limits: float) -> None:
        self.turns = Turns()
        self.limits = BatchLimits(**{"items_max": 32, "wait_s": 0.0, "queued_max": 1024, "answer_within_s": 20.0} | limits)
        self.device = device
        self.batchers: list[Batcher[int, int]] = []

    def add(self, name: str) -> Batcher[int, int]:
        self.batchers.append(Batcher(name, self.device.model(name), limits=self.limits, turns=self.turns))
        return self.batchers[-1]

    def close(self) -> None:
        self.device.let_all()
        for each in self.batchers:
            each.close()


@pytest.fixture
def models(device: Device) -> Iterator[Models]:
    made = Models(device)
    yield made
    made.close()


def registrations(batcher: Batcher[int, int], count: int, asks: int) -> list[threading.Thread]:
    """Threads that each ask one item after the other, as a registration does frame by frame."""

    def judge(number: int) -> None:
        for step in range(asks):
            assert batcher.run([number * asks + step]) == [2 * (number * asks + step)]

    threads = [threading.Thread(target=judge, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    return threads


def test_batches_fill_over_registrations_while_the_device_works(device: Device, models: Models):
    batcher = models.add("landmarks")
    first = batcher.submit(0)
    device.began(1)
    waiting = [batcher.submit(number) for number in range(40)]
    device.let(3)
    assert [future.result(timeout=20) for future in [first, *waiting]] == [0, *(2 * number for number in range(40))]
    assert device.calls == [("landmarks", 1), ("landmarks", 32), ("landmarks", 8)]


def test_sixteen_registrations_cost_a_quarter_of_the_calls_that_one_by_one_would(device: Device, models: Models):
    batcher = models.add("landmarks")
    threads = registrations(batcher, count=16, asks=20)
    while asking := [thread for thread in threads if thread.is_alive()]:
        ended = len(device.calls)
        # A call takes as long as those whom it does not serve need to ask their next: a device slower than Python is.
        eventually(lambda: all_ask(device, batcher, threads) or not any(thread.is_alive() for thread in asking))
        device.let()
        eventually(lambda ended=ended: len(device.calls) > ended or not queued(batcher))
    assert sum(size for _, size in device.calls) == 16 * 20
    assert 16 * 20 / len(device.calls) >= 4


def queued(batcher: Batcher[int, int]) -> int:
    return len(batcher._jobs)


def all_ask(device: Device, batcher: Batcher[int, int], threads: list[threading.Thread]) -> bool:
    return queued(batcher) + device.inside >= sum(thread.is_alive() for thread in threads)


def test_a_batch_fills_while_its_model_waits_for_its_turn(device: Device, models: Models):
    busy, other = models.add("busy"), models.add("other")
    held = busy.submit(1)
    device.began(1)
    futures = [other.submit(1)]
    eventually(lambda: models.turns.waiting == 1)
    futures += [other.submit(number) for number in range(2, 10)]
    device.let_all()
    assert held.result(timeout=20) == 2
    assert [future.result(timeout=20) for future in futures] == [2 * number for number in range(1, 10)]
    assert device.calls == [("busy", 1), ("other", 9)]


def test_two_models_take_turns_though_one_has_far_more_to_do(device: Device):
    models = Models(device, items_max=4)
    much, little = models.add("much"), models.add("little")
    futures: list[Future[int]] = [much.submit(number) for number in range(4)]
    device.began(1)
    futures += [much.submit(number) for number in range(40)]
    futures += [little.submit(number) for number in range(12)]
    for _ in range(16):
        eventually(lambda: models.turns.waiting == 1 or idle(models))
        device.let()
    assert len([future.result(timeout=20) for future in futures]) == 56
    names = [name for name, _ in device.calls]
    while_both = names[: len(names) - names[::-1].index("little")]
    assert Counter(while_both)["much"] <= Counter(while_both)["little"] + 1
    models.close()


def idle(models: Models) -> bool:
    return sum(bool(queued(each)) for each in models.batchers) <= 1


def test_one_bad_item_costs_no_other_registration_its_answer(device: Device, models: Models):
    batcher = models.add("landmarks")
    first = batcher.submit(1)
    device.began(1)
    numbers = [2, 3, -1, 4]
    futures = [batcher.submit(number) for number in numbers]
    device.let_all()
    assert first.result(timeout=20) == 2
    assert [future.exception(timeout=20) is None for future in futures] == [True, True, False, True]
    assert [future.result() for future in futures if not future.exception()] == [4, 6, 8]


def test_no_more_waits_than_the_queue_holds_and_who_comes_later_is_told(device: Device):
    models = Models(device, items_max=2, queued_max=3, answer_within_s=0.05)
    batcher = models.add("landmarks")
    batcher.submit(0)
    device.began(1)
    queue = [batcher.submit(number) for number in range(3)]
    for _ in range(3):
        with pytest.raises(ModelStuck, match="full"):
            batcher.submit(9)
    assert queued(batcher) == 3
    device.let_all()
    assert [future.result(timeout=20) for future in queue] == [0, 2, 4]
    models.close()
