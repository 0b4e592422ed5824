"""The door to onnxruntime: refuses what is not pinned, and answers in the shapes that the manifest says."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from models.manifest import Role, read_manifest
from models.registry import load
from models.session import Device, ModelCorrupt, ModelMisbehaved, Session
from realname.settings import Worker

ENTRY = read_manifest().models[Role.LANDMARKS]


def opened(folder: Path) -> Session:
    return Session(folder / ENTRY.file, ENTRY, sha256=ENTRY.loaded_sha256, device=Device.CPU)


@pytest.fixture
def copied(models_folder: Path, tmp_path: Path) -> Path:
    """All models in a folder that may be spoiled."""
    return Path(shutil.copytree(models_folder, tmp_path / "models"))


def test_one_changed_byte_in_the_weights_is_refused_and_named(copied: Path):
    content = bytearray((copied / ENTRY.file).read_bytes())
    content[len(content) // 2] ^= 1
    (copied / ENTRY.file).write_bytes(content)
    with pytest.raises(ModelCorrupt, match=r"fr_landmark\.onnx is not the pinned file .*make models"):
        opened(copied)


def test_no_model_is_loaded_where_one_of_them_is_spoiled(copied: Path):
    (copied / "fr_feature.onnx").write_bytes(b"")
    with pytest.raises(ModelCorrupt, match=r"fr_feature\.onnx"):
        load(Worker(models_dir=str(copied), device="cpu"))


def test_a_missing_model_says_how_to_get_it(tmp_path: Path):
    with pytest.raises(ModelCorrupt, match=r"fr_landmark\.onnx cannot be read .*make models"):
        opened(tmp_path)


def test_the_published_file_is_not_taken_for_the_converted_one(models_folder: Path):
    with pytest.raises(ModelCorrupt):
        Session(models_folder / ENTRY.file, ENTRY, sha256=ENTRY.source.sha256, device=Device.CPU)


def test_a_batch_comes_back_in_the_manifests_shapes(models_folder: Path):
    (points,) = opened(models_folder).run(np.zeros((3, *ENTRY.input_shape), np.float32))
    assert points.shape == (3, 136)
    assert points.dtype == np.float32


@pytest.mark.parametrize(
    "batch",
    [np.zeros((0, 1, 64, 64), np.float32), np.zeros((1, 1, 64, 32), np.float32), np.zeros((1, 1, 64, 64))],
    ids=["empty", "wrong shape", "wrong type"],
)
def test_a_batch_that_breaks_the_contract_is_a_bug_of_the_caller(models_folder: Path, batch: np.ndarray):
    with pytest.raises(AssertionError):
        opened(models_folder).run(batch)


def test_an_answer_in_other_shapes_than_the_manifests_is_not_passed_on(models_folder: Path):
    other = msgspec.structs.replace(ENTRY, output_shapes=((68, 2),))
    session = Session(models_folder / ENTRY.file, other, sha256=ENTRY.loaded_sha256, device=Device.CPU)
    with pytest.raises(ModelMisbehaved, match=r"fr_landmark\.onnx"):
        session.run(np.zeros((2, *ENTRY.input_shape), np.float32))


def test_a_number_that_is_none_is_not_passed_on(models_folder: Path):
    with pytest.raises(ModelMisbehaved, match="not finite"):
        opened(models_folder).run(np.full((1, *ENTRY.input_shape), np.nan, np.float32))


def test_opening_and_running_says_nothing_on_stderr(models_folder: Path):
    script = f"""
import numpy as np
from models.registry import load
from realname.settings import Worker
models = load(Worker(models_dir={str(models_folder)!r}, device="auto"))
models.detector.detect(np.zeros((48, 64, 3), np.uint8))
models.close()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    assert done.stdout == ""


def test_numpy_calculates_in_one_thread_beside_the_models(models_folder: Path):
    script = f"""
import numpy
from threadpoolctl import threadpool_info
from models.registry import load
from realname.settings import Worker
load(Worker(models_dir={str(models_folder)!r}, device="cpu")).close()
print(*(pool["num_threads"] for pool in threadpool_info()))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert set(done.stdout.split()) == {"1"}


def test_a_file_that_takes_one_image_answers_many_one_by_one(models_folder: Path):
    alone = Session(
        models_folder / ENTRY.file, msgspec.structs.replace(ENTRY, batch="one"), sha256=ENTRY.loaded_sha256, device=Device.CPU
    )
    images = np.random.default_rng(4).random((3, *ENTRY.input_shape), np.float32)
    np.testing.assert_allclose(alone.run(images)[0], opened(models_folder).run(images)[0], atol=1e-5)


def test_an_entry_that_names_another_input_is_refused(models_folder: Path):
    wrong = msgspec.structs.replace(ENTRY, input_name="data")
    with pytest.raises(ModelMisbehaved, match="the entry says data"):
        Session(models_folder / ENTRY.file, wrong, sha256=ENTRY.loaded_sha256, device=Device.CPU)
