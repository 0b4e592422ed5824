"""The simulated accelerator: what a call costs, that one device is shared, and that batches fill across registrations."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from bench.accelerator import (
    LIVENESS_ASKS,
    MATCHING_ASKS,
    MODELS,
    Accelerator,
    AcceleratorJudges,
    Ask,
    CostModel,
    StandInCpu,
    WaitingDecoder,
)
from bench.accelerator_worker import arguments_of, parse
from bench.load.stack import Shape, services_of
from bench.load.watching import stood_in_of
from bench.stub_runtime import Service, StubJudges
from realname.messages import Challenge
from tests.builders import NOON


def test_a_call_costs_its_own_and_each_items_time():
    assert CostModel().call_s(1) == pytest.approx(0.00305)
    assert CostModel().call_s(64) == pytest.approx(0.0062)


def test_full_batches_share_the_calls_own_time():
    cost = CostModel(call_ms=3.0, item_ms=0.05, batch_max=60)
    assert cost.device_s([Ask("spoof", 60)]) == pytest.approx(cost.call_s(60))
    assert cost.device_s([Ask("spoof", 6)]) == pytest.approx(cost.call_s(60) / 10)


def test_the_highest_rate_is_the_slower_ones_of_device_and_decoders():
    few = CostModel(decoders=1, clip_ms=60, portrait_ms=10)
    assert few.rate_max_hz == pytest.approx(1 / 0.07)
    many = CostModel(decoders=1000)
    assert many.rate_max_hz == pytest.approx(1 / many.device_s((*LIVENESS_ASKS, *MATCHING_ASKS)))


def test_one_device_serves_all_models_one_call_at_a_time():
    busy_s: list[float] = []
    accelerator = Accelerator(CostModel(call_ms=5, wait_ms=0), StandInCpu(), took=busy_s.append)
    began_s = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda index: accelerator.ask([Ask(MODELS[index % len(MODELS)], 1)]), range(12)))
    took_s = time.monotonic() - began_s
    accelerator.close()
    assert accelerator.device.items == 12
    assert took_s >= sum(busy_s) >= 0.005 * accelerator.device.calls


def test_batches_fill_across_registrations():
    sizes: list[int] = []
    cost = CostModel(call_ms=1, wait_ms=20)
    accelerator = Accelerator(cost, StandInCpu(), lambda _model, size, **_: sizes.append(size))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: accelerator.ask([Ask("spoof", 5)]), range(8)))
    accelerator.close()
    assert accelerator.device.items == 40
    assert sum(sizes) == 8
    assert max(sizes) > 1


def test_what_is_more_than_a_call_takes_is_several_calls():
    accelerator = Accelerator(CostModel(call_ms=1, wait_ms=0, batch_max=16), StandInCpu())
    accelerator.ask([Ask("landmarks", 63)])
    accelerator.close()
    assert (accelerator.device.calls, accelerator.device.items) == (4, 63)


def test_its_judges_report_a_live_person_and_hand_on_the_chips():
    cost = CostModel(call_ms=0, item_ms=0, clip_ms=0, portrait_ms=0, wait_ms=0)
    cpu = StandInCpu()
    accelerator = Accelerator(cost, cpu)
    judges = AcceleratorJudges(accelerator, cost, cpu, StubJudges(Service(), chips=[b"one", b"two"]))
    clip = WaitingDecoder(cost, cpu).decode_clip(b"sealed and opened", judges.process_hz)
    judged = judges.liveness(clip, Challenge(actions=("blink",), issued_at=NOON))
    assert list(judged.chips) == [b"one", b"two"]
    assert judged.report.pad_live is not None
    assert judges.match("portrait", judged.chips).similarity is not None
    accelerator.close()


def test_what_the_simulation_uses_itself_is_told_and_its_waits_are_no_cpu():
    cpu = StandInCpu()
    with cpu.counted():
        time.sleep(0.05)
    assert cpu.total_s < 0.04, "waiting costs nothing"
    with cpu.counted():
        began_s = time.thread_time()
        while time.thread_time() - began_s < 0.02:
            pass
    assert cpu.total_s >= 0.02
    [told] = cpu.collect()
    registry = CollectorRegistry()
    registry.register(cpu)
    assert stood_in_of(generate_latest(registry).decode()) == pytest.approx(cpu.total_s)
    assert told.samples[0].value == cpu.total_s


def test_batchers_and_turns_are_the_products_and_stay_with_their_worker():
    def busy(*_: object, **__: object) -> None:
        began_s = time.thread_time()
        while time.thread_time() - began_s < 0.02:
            pass

    cpu, cost = StandInCpu(), CostModel(call_ms=0, item_ms=0, wait_ms=0)
    accelerator = Accelerator(cost, cpu, observe=busy, took=busy)
    judges = AcceleratorJudges(accelerator, cost, cpu, StubJudges(Service(), chips=[]))
    for _ in range(3):
        judges.match("portrait", [])
    accelerator.close()
    assert cpu.total_s < 0.02, "none of 18 times 20 ms that a batcher and its turn took"


def test_a_worker_gets_the_cost_model_by_its_command_line():
    cost = CostModel(decoders=4, slow_share=0.01, slow_ms=1500)
    assert parse(list(arguments_of(cost))) == cost
    assert arguments_of(CostModel()) == ()


def test_a_stack_has_as_many_processes_as_its_shape_says_each_with_a_name_and_a_slot_of_its_own():
    services = {service.name: service for service in services_of(Shape(processes=3, dispatchers=4, cost=CostModel(decoders=4)))}
    assert [name for name in services if name.startswith("worker")] == ["worker", "worker-1", "worker-2", "worker-solo"]
    slots = [services[f"dispatcher-{number}"].settings["REALNAME_SLOT"] for number in range(4)]
    assert slots == ["0", "1", "2", "3"]
    assert {services[name].module for name in services if name.startswith("worker")} == {"bench.accelerator_worker"}
    assert "--decoders=4" in services["worker-2"].arguments
    assert services["worker-solo"].settings["REALNAME_THREADS"] == "1"
    one = {service.name for service in services_of(Shape(workers="real", processes=1, dispatchers=1))}
    assert "dispatcher-1" not in one
    assert {service.module for service in services_of(Shape(workers="real")) if service.name.startswith("worker")} == {"workers"}
