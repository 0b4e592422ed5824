"""How the models are batched, by device."""

from __future__ import annotations

from models.registry import batch_limits
from models.session import Device, usable


def test_a_cpu_takes_small_batches_and_never_waits_for_company():
    limits = batch_limits(Device.CPU, items_max=0, wait_ms=2)
    assert (limits.items_max, limits.wait_s) == (4, 0)


def test_a_gpu_takes_large_batches_and_waits_a_little():
    limits = batch_limits(Device.CUDA, items_max=0, wait_ms=2)
    assert (limits.items_max, limits.wait_s) == (32, 0.002)


def test_the_settings_may_name_another_size():
    assert batch_limits(Device.CPU, items_max=1, wait_ms=2).items_max == 1
    assert batch_limits(Device.TENSORRT, items_max=8, wait_ms=2).items_max == 8


def test_a_device_that_is_named_is_not_second_guessed():
    assert usable(Device.CPU) is Device.CPU
    assert usable(Device.CUDA) is Device.CUDA
    assert usable(Device.AUTO) in {Device.CPU, Device.CUDA}
