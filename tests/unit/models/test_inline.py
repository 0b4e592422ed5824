import threading

import pytest

from models.batcher import BatcherClosed, BatchLimits, ModelStuck
from models.inline import Inline

PATIENT = BatchLimits(items_max=3, wait_s=0.0, answer_within_s=10.0)
HASTY = BatchLimits(items_max=3, wait_s=0.0, answer_within_s=0.01)


def doubled(items):
    return [2 * item for item in items]


def test_answers_come_in_order_in_batches_of_at_most_so_many():
    sizes = []

    def observe(model, size, *, waited_s, ran_s):
        assert min(waited_s, ran_s) >= 0
        sizes.append((model, size))

    one = Inline("m", doubled, limits=PATIENT, observe=observe)
    assert one.run([1, 2, 3, 4]) == [2, 4, 6, 8]
    assert sizes == [("m", 3), ("m", 1)]
    assert one.run([]) == []


def test_it_runs_in_the_thread_that_asks():
    seen = []
    Inline("m", lambda items: [seen.append(threading.get_ident()) for _ in items], limits=PATIENT).run([1])
    assert seen == [threading.get_ident()]


def test_what_the_model_raises_reaches_who_asked_and_the_next_is_served():
    def fails_on_zero(items):
        return [1 / item for item in items]

    one = Inline("m", fails_on_zero, limits=PATIENT)
    with pytest.raises(ZeroDivisionError):
        one.run([0])
    assert one.run([2]) == [0.5]


def test_a_model_runs_once_at_a_time_and_who_waits_for_too_long_is_told():
    inside, leave = threading.Event(), threading.Event()

    def waits(items):
        inside.set()
        assert leave.wait(10)
        return items

    one = Inline("m", waits, limits=HASTY)
    other = threading.Thread(target=one.run, args=([1],))
    other.start()
    assert inside.wait(10)
    with pytest.raises(ModelStuck, match="no answer within"):
        one.run([2])
    leave.set()
    other.join(10)
    assert one.run([3]) == [3]


def test_a_closed_one_takes_nothing_more():
    one = Inline("m", doubled, limits=PATIENT)
    assert one.is_open
    one.close()
    assert not one.is_open
    with pytest.raises(BatcherClosed):
        one.run([1])


def test_an_answer_too_few_is_noticed():
    with pytest.raises(AssertionError):
        Inline("m", lambda items: items[:-1], limits=PATIENT).run([1, 2])
