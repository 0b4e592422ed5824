"""One suite on the batcher over a fake model and over a real one: every caller gets its own answer, once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from models.batcher import Batcher, BatcherClosed, BatchLimits, ModelStuck
from models.manifest import Role, read_manifest
from models.session import Device, Floats, ModelMisbehaved, Session

Answer = tuple[Floats, ...]
Run = Callable[[Sequence[Floats]], Sequence[Answer]]
ENTRY = read_manifest().models[Role.LANDMARKS]


def item(number: int) -> Floats:
    return np.random.default_rng(number).random(ENTRY.input_shape, np.float32)


def spoiled() -> Floats:
    """An item that both models choke on."""
    return np.full(ENTRY.input_shape, np.nan, np.float32)


def fake(items: Sequence[Floats]) -> list[Answer]:
    """Answers the mean, and fails the whole batch for one item that is no number, as a session does."""
    if any(np.isnan(each).any() for each in items):
        raise ValueError("no number")
    return [(each.mean(keepdims=True),) for each in items]


@pytest.fixture(params=["fake", "real"])
def model(request: pytest.FixtureRequest) -> Run:
    if request.param == "fake":
        return fake
    folder: Path = request.getfixturevalue("models_folder")
    return Session(folder / ENTRY.file, ENTRY, sha256=ENTRY.loaded_sha256, device=Device.CPU).run_items


@dataclass
class Gate:
    """A model that waits to be let in, and keeps account. So tests decide what is queued when."""

    model: Run
    sizes: list[int] = field(default_factory=list[int])
    threads: set[int] = field(default_factory=set[int])
    entered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    open: threading.Event = field(default_factory=threading.Event)

    def __call__(self, items: Sequence[Floats], /) -> Sequence[Answer]:
        self.sizes.append(len(items))
        self.threads.add(threading.get_ident())
        self.entered.release()
        assert self.open.wait(timeout=20)
        return self.model(items)


@pytest.fixture
def gate(model: Run) -> Gate:
    return Gate(model)


Start = Callable[..., Batcher[Floats, Answer]]


@pytest.fixture
def start(gate: Gate) -> Iterator[Start]:
    """Starts batchers over the gate; lets all through and closes them at the end."""
    started: list[Batcher[Floats, Answer]] = []

    def make(*, items_max: int = 4, wait_s: float = 0, queued_max: int = 100, answer_within_s: float = 20, **more: object):
        limits = BatchLimits(items_max=items_max, wait_s=wait_s, queued_max=queued_max, answer_within_s=answer_within_s)
        started.append(Batcher("tested", gate, limits=limits, **more))
        return started[-1]

    yield make
    gate.open.set()
    for batcher in started:
        batcher.close()


def held(batcher: Batcher[Floats, Answer], gate: Gate):
    """Bring the model's thread to a halt inside a batch of one; what is submitted now is queued."""
    first = batcher.submit(item(0))
    assert gate.entered.acquire(timeout=20)
    return first


def test_each_caller_gets_the_answer_to_its_own_item(start: Start, gate: Gate):
    batcher = start()
    gate.open.set()
    with ThreadPoolExecutor(8) as callers:
        found = list(callers.map(lambda number: batcher.run([item(number)])[0], range(60)))
    for number, (answer,) in enumerate(found):
        np.testing.assert_array_equal(answer, gate.model([item(number)])[0][0])


def test_many_items_of_one_caller_come_back_in_order(start: Start, gate: Gate):
    batcher = start(items_max=3, queued_max=5)
    gate.open.set()
    found = batcher.run([item(number) for number in range(20)])
    for number, (answer,) in enumerate(found):
        np.testing.assert_array_equal(answer, gate.model([item(number)])[0][0])


def test_what_queued_up_runs_together_and_never_beyond_the_limit(start: Start, gate: Gate):
    batcher = start(items_max=4)
    futures = [held(batcher, gate), *(batcher.submit(item(number)) for number in range(10))]
    gate.open.set()
    for future in futures:
        future.result(timeout=20)
    assert gate.sizes == [1, 4, 4, 2]


def test_one_callers_items_share_a_batch_from_the_start(start: Start, gate: Gate):
    batcher = start(items_max=4)
    gate.open.set()
    batcher.run([item(number) for number in range(4)])
    assert gate.sizes == [4]


def test_a_lone_item_waits_for_company(start: Start, gate: Gate):
    batcher = start(items_max=2, wait_s=15)
    gate.open.set()
    first = batcher.submit(item(1))
    assert not first.done()
    batcher.submit(item(2)).result(timeout=10)  # the batch is full: long before 15 s
    assert first.done()
    assert gate.sizes == [2]


def test_a_lone_item_does_not_wait_for_ever(start: Start, gate: Gate):
    batcher = start(items_max=32, wait_s=0.01)
    gate.open.set()
    assert len(batcher.run([item(1)])) == 1
    assert gate.sizes == [1]


def test_a_bad_item_gets_its_error_and_the_others_their_answers(start: Start, gate: Gate):
    batcher = start(items_max=4)
    first = held(batcher, gate)
    good = [batcher.submit(item(number)) for number in (1, 2)]
    bad = batcher.submit(spoiled())
    last = batcher.submit(item(3))
    gate.open.set()
    with pytest.raises((ValueError, ModelMisbehaved), match=r"no number|not finite"):
        bad.result(timeout=20)
    for number, future in ((0, first), (1, good[0]), (2, good[1]), (3, last)):
        np.testing.assert_array_equal(future.result(timeout=20)[0], gate.model([item(number)])[0][0])
    assert gate.sizes == [1, 4, 1, 1, 1, 1]


def test_an_item_of_another_shape_does_not_spoil_its_batch(start: Start, gate: Gate):
    batcher = start(items_max=4)
    first = held(batcher, gate)
    odd = batcher.submit(np.full((1, 2, 3), np.nan, np.float32))
    good = batcher.submit(item(1))
    gate.open.set()
    assert odd.exception(timeout=20) is not None
    assert first.result(timeout=20) is not None
    assert good.result(timeout=20) is not None


def test_only_one_thread_ever_runs_the_model(start: Start, gate: Gate):
    batcher = start()
    gate.open.set()
    with ThreadPoolExecutor(8) as callers:
        list(callers.map(lambda number: batcher.run([item(number)]), range(30)))
    assert len(gate.threads) == 1
    assert threading.get_ident() not in gate.threads


def test_who_finds_the_queue_full_waits_and_is_told_when_it_stays_full(start: Start, gate: Gate):
    batcher = start(items_max=1, queued_max=2, answer_within_s=0.05)
    held(batcher, gate)
    queued = [batcher.submit(item(number)) for number in (1, 2)]
    with pytest.raises(ModelStuck):
        batcher.submit(item(3))
    gate.open.set()
    assert [len(future.result(timeout=20)) for future in queued] == [1, 1]


def test_a_model_that_hangs_is_reported_to_its_callers(start: Start, gate: Gate):
    batcher = start(answer_within_s=0.05)
    with pytest.raises(ModelStuck, match="tested"):
        batcher.run([item(1)])


def test_what_nobody_waits_for_any_more_is_not_run(start: Start, gate: Gate):
    batcher = start(answer_within_s=0.05)
    held(batcher, gate)
    with pytest.raises(ModelStuck):
        batcher.run([item(1), item(2)])
    last = batcher.submit(item(3))
    gate.open.set()
    last.result(timeout=20)
    assert gate.sizes == [1, 1]


def test_closing_finishes_what_is_queued_and_takes_no_more(start: Start, gate: Gate):
    batcher = start()
    queued = [held(batcher, gate), *(batcher.submit(item(number)) for number in range(5))]
    closing = threading.Thread(target=batcher.close)
    closing.start()
    gate.open.set()
    closing.join(timeout=20)
    assert all(future.done() and future.exception() is None for future in queued)
    with pytest.raises(BatcherClosed):
        batcher.submit(item(9))


def test_closing_twice_is_as_good_as_once(start: Start, gate: Gate):
    batcher = start()
    assert batcher.is_open
    batcher.close()
    batcher.close()
    assert not batcher.is_open


def test_no_items_give_no_answers(start: Start, gate: Gate):
    assert start().run([]) == []


def test_each_batch_is_observed_with_its_size_and_times(start: Start, gate: Gate):
    seen: list[tuple[str, int, float, float]] = []
    done = threading.Event()

    def observe(model: str, size: int, *, waited_s: float, ran_s: float) -> None:
        seen.append((model, size, waited_s, ran_s))
        if len(seen) == 2:
            done.set()

    batcher = start(observe=observe)
    held(batcher, gate)
    for number in range(3):
        batcher.submit(item(number))
    gate.open.set()
    assert done.wait(timeout=20)
    assert [(model, size) for model, size, _, _ in seen] == [("tested", 1), ("tested", 3)]
    assert all(waited_s >= 0 and ran_s > 0 for _, _, waited_s, ran_s in seen)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_observer_that_fails_leaves_no_caller_waiting(start: Start, gate: Gate):
    def observe(model: str, size: int, *, waited_s: float, ran_s: float) -> None:
        raise RuntimeError("a metric that is not declared")

    batcher = start(items_max=1, observe=observe)
    first, second = held(batcher, gate), batcher.submit(item(1))
    gate.open.set()
    assert first.result(timeout=20) is not None
    with pytest.raises(BatcherClosed):
        second.result(timeout=20)
    assert not batcher.is_open


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_is_ended_inside_the_model_leaves_no_caller_waiting():
    def ends(items: Sequence[Floats]) -> list[Answer]:
        raise KeyboardInterrupt

    batcher = Batcher[Floats, Answer]("tested", ends, limits=BatchLimits(items_max=4, wait_s=0))
    with pytest.raises(BatcherClosed):
        batcher.run([item(1)])
    batcher.close()
    assert not batcher.is_open
