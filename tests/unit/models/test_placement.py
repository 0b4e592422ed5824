"""Batch shapes, padding and what onnxruntime is told, without a device."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.manifest import Role, read_manifest
from models.placement import (
    Device,
    Placement,
    Precision,
    bucket_of,
    buckets_up_to,
    cuda_options,
    fill_padded,
    pieces_of,
    placed_for,
    providers_of,
    tensorrt_options,
)
from models.registry import open_on, placement_of
from models.session import DeviceMissing
from realname.settings import Worker

ENTRY = read_manifest().models[Role.SPOOF]
GPU = Placement(device=Device.CUDA, buckets=(1, 4, 8), memory_bytes_max=10**9)
TENSORRT = Placement(device=Device.TENSORRT, buckets=(1, 4, 8, 16, 32), memory_bytes_max=10**9, engines_dir="engines")


def test_shapes_grow_to_the_largest_batch_and_end_with_it():
    assert buckets_up_to(32) == (1, 4, 8, 16, 32)
    assert buckets_up_to(10) == (1, 4, 8, 10)
    assert buckets_up_to(1) == (1,)


@pytest.mark.parametrize(("count", "size"), [(1, 1), (2, 4), (4, 4), (5, 8), (8, 8)])
def test_a_batch_goes_into_the_smallest_shape_that_holds_it(count: int, size: int):
    assert bucket_of(count, (1, 4, 8)) == size


@given(st.integers(1, 300), st.integers(1, 64))
def test_a_batch_is_cut_into_pieces_that_fit_and_no_item_is_left_out(count: int, items_max: int):
    buckets = buckets_up_to(items_max)
    pieces = pieces_of(count, buckets)
    assert [index for piece in pieces for index in range(count)[piece]] == list(range(count))
    assert all(len(range(count)[piece]) <= bucket_of(len(range(count)[piece]), buckets) <= items_max for piece in pieces)


def test_the_rest_of_a_shape_holds_nothing_of_the_last_batch():
    room = np.full((4, 2), 7.0, np.float32)
    fill_padded(room, np.ones((3, 2), np.float32))
    np.testing.assert_array_equal(room, [[1, 1], [1, 1], [1, 1], [0, 0]])


def test_the_wanted_provider_comes_first_and_the_cpu_last():
    assert [name for name, _ in providers_of(Placement(device=Device.CPU), ENTRY)] == ["CPUExecutionProvider"]
    assert [name for name, _ in providers_of(GPU, ENTRY)] == ["CUDAExecutionProvider", "CPUExecutionProvider"]
    assert providers_of(TENSORRT, ENTRY)[0][0] == "TensorrtExecutionProvider"


def test_cuda_keeps_to_its_memory_and_calculates_in_what_was_said():
    options = cuda_options(GPU)
    assert (options["gpu_mem_limit"], options["arena_extend_strategy"]) == ("1000000000", "kSameAsRequested")
    assert options["use_tf32"] == "0"
    assert cuda_options(Placement(device=Device.CUDA, precision=Precision.TF32))["use_tf32"] == "1"


def test_tensorrt_builds_one_engine_for_all_shapes_and_calls_it_by_its_weights_and_precision():
    options = tensorrt_options(TENSORRT, ENTRY)
    assert options["trt_profile_min_shapes"] == "input:1x3x128x128"
    assert options["trt_profile_opt_shapes"] == "input:8x3x128x128"
    assert options["trt_profile_max_shapes"] == "input:32x3x128x128"
    assert options["trt_engine_cache_path"] == "engines"
    assert ENTRY.loaded_sha256[:16] in options["trt_engine_cache_prefix"]
    assert options["trt_fp16_enable"] == "0"
    half = tensorrt_options(in_half(), ENTRY)
    assert half["trt_fp16_enable"] == "1"
    assert half["trt_engine_cache_prefix"] != options["trt_engine_cache_prefix"]


def in_half() -> Placement:
    return Placement(device=Device.TENSORRT, precision=Precision.FP16, buckets=TENSORRT.buckets, memory_bytes_max=10**9)


def test_a_file_of_one_image_has_one_shape():
    options = tensorrt_options(TENSORRT, msgspec.structs.replace(ENTRY, batch="one"))
    assert options["trt_profile_max_shapes"] == options["trt_profile_min_shapes"] == "input:1x3x128x128"


def test_the_detector_calculates_in_fp32_whatever_the_others_do():
    half = replace(GPU, precision=Precision.FP16)
    assert placed_for(Role.DETECTOR, half) == GPU
    assert all(placed_for(role, half) == half for role in Role if role is not Role.DETECTOR)


def test_the_memory_of_the_settings_is_that_of_all_sessions_together():
    one = placement_of(Worker(device_bytes_max=2**30), Device.CUDA)
    two = placement_of(Worker(device_bytes_max=2**30, candidate_profile="face-api"), Device.CUDA)
    assert (one.memory_bytes_max * 4, two.memory_bytes_max * 8) == (2**30, 2**30)
    assert one.buckets == (1, 4, 8, 16, 32)
    assert placement_of(Worker(), Device.CPU) == Placement(device=Device.CPU)


def gone(placement: Placement) -> Device:
    """A machine without a GPU."""
    if placement.device is not Device.CPU:
        raise DeviceMissing("no GPU found")
    return placement.device


def test_a_device_that_is_missing_stops_the_start():
    with pytest.raises(DeviceMissing, match="no GPU"):
        open_on(Worker(device="cuda"), gone)


def test_only_where_the_settings_say_so_the_cpu_stands_in():
    assert open_on(Worker(device="tensorrt", device_fallback="cpu"), gone) == (Device.CPU, Device.CPU)


def test_a_cpu_that_fails_has_nobody_to_stand_in():
    def fails(placement: Placement) -> None:
        raise DeviceMissing(placement.device.value)

    with pytest.raises(DeviceMissing, match="cpu"):
        open_on(Worker(device="cpu", device_fallback="cpu"), fails)
