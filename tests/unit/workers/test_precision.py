"""A worker that is to calculate otherwise than in FP32 starts only with a measurement that its policy lets through."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from models.drift import write_record
from models.placement import Device, Precision
from realname.drift import DriftRules
from realname.errors import SettingsWrong
from realname.settings import Worker
from tests.unit.models.test_drift import DIGESTS, RECORD
from workers.precision import insist_measured

ON_GPU = SimpleNamespace(device=Device.CUDA, digests=DIGESTS)
OTHER = SimpleNamespace(device=Device.CUDA, digests={"embedder": "b.onnx:1"})
ON_CPU = SimpleNamespace(device=Device.CPU, digests=DIGESTS)


@pytest.fixture
def measured(tmp_path: Path) -> str:
    path = tmp_path / "drift.json"
    path.write_bytes(write_record(RECORD))
    return str(path)


def test_fp32_needs_no_measurement():
    insist_measured(Worker(), [ON_GPU], DriftRules())


def test_fp32_on_tensorrt_does_as_it_is_tf32_unless_somebody_forbids_it(tmp_path: Path):
    on_tensorrt = SimpleNamespace(device=Device.TENSORRT, digests=DIGESTS)
    with pytest.raises(SettingsWrong, match="fp32 on tensorrt: REALNAME_DEVICE_DRIFT names no measurement"):
        insist_measured(Worker(device="tensorrt"), [on_tensorrt], DriftRules())
    path = tmp_path / "drift.json"
    path.write_bytes(write_record(msgspec.structs.replace(RECORD, device=Device.TENSORRT, precision=Precision.FP32)))
    insist_measured(Worker(device="tensorrt", device_drift=str(path)), [on_tensorrt], DriftRules())


def test_fp16_without_a_measurement_stops_the_start():
    with pytest.raises(SettingsWrong, match="names no measurement"):
        insist_measured(Worker(device_precision="fp16"), [ON_GPU], DriftRules())


def test_fp16_as_measured_starts(measured: str):
    insist_measured(Worker(device_precision="fp16", device_drift=measured), [ON_GPU], DriftRules())


def test_each_set_of_models_needs_its_own(measured: str, tmp_path: Path):
    settings = Worker(device_precision="fp16", device_drift=measured)
    with pytest.raises(SettingsWrong, match="of other models"):
        insist_measured(settings, [ON_GPU, OTHER], DriftRules())
    second = tmp_path / "second.json"
    second.write_bytes(write_record(msgspec.structs.replace(RECORD, digests=OTHER.digests)))
    insist_measured(msgspec.structs.replace(settings, device_drift=f"{measured}, {second}"), [ON_GPU, OTHER], DriftRules())


def test_a_policy_that_allows_less_stops_the_start(measured: str, tmp_path: Path):
    path = tmp_path / "far.json"
    drift = msgspec.structs.replace(RECORD.drift, similarity=0.004)
    path.write_bytes(write_record(msgspec.structs.replace(RECORD, drift=drift)))
    settings = Worker(device_precision="fp16", device_drift=str(path))
    insist_measured(settings, [ON_GPU], DriftRules())
    with pytest.raises(SettingsWrong, match="similarity"):
        insist_measured(settings, [ON_GPU], DriftRules(similarity_max=0.001))


def test_a_cpu_that_stands_in_calculates_in_fp32_anyway():
    insist_measured(Worker(device_precision="fp16", device_fallback="cpu"), [ON_CPU], DriftRules())


def test_a_measurement_that_does_not_read_is_named(tmp_path: Path):
    path = tmp_path / "wrong.json"
    path.write_text("{}")
    with pytest.raises(SettingsWrong, match=r"wrong\.json"):
        insist_measured(Worker(device_precision="fp16", device_drift=str(path)), [ON_GPU], DriftRules())
