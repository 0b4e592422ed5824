"""Fetching, with a registry that is a folder: what is kept, what is refused, what a second run does."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from models.archives import FetchFailed, check_archive, take_out
from models.converting import largest_difference
from models.dynamic_batch import make_batch_dynamic
from models.fetch import Wanted, fetch, wanted_media, wanted_models
from models.manifest import ModelEntry, Package, Registry, Source, read_manifest
from models.profiles import read_loadout, shipped_profiles
from models.session import Floats

CLIP = b"a clip"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def tarball(path: Path, **files: bytes) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


class Shelf:
    """A registry with one package; counts how often it is asked."""

    def __init__(self, archive: bytes) -> None:
        self.archive = archive
        self.asked = 0

    def __call__(self, name: str, package: Package, folder: Path) -> Path:
        self.asked += 1
        found = folder / f"{name}-{package.version}.tgz"
        found.write_bytes(self.archive)
        return found


def package(archive: bytes) -> Package:
    return Package(Registry.NPM, "1.0.0", digest(archive), len(archive), "MIT")


def wanted(content: bytes = CLIP) -> Wanted:
    return Wanted("clip.mp4", "clips", "clip", digest(content), digest(content))


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tarball(tmp_path / "made.tgz", clip=CLIP, other=b"not wanted").read_bytes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_only_the_wanted_file_is_kept(shelf: Shelf, folder: Path):
    fetch([wanted()], {"clips": package(shelf.archive)}, folder, bring=shelf)
    assert names(folder) == ["clip.mp4"]
    assert (folder / "clip.mp4").read_bytes() == CLIP


def test_a_second_run_asks_no_registry(shelf: Shelf, folder: Path):
    for _ in range(2):
        fetch([wanted()], {"clips": package(shelf.archive)}, folder, bring=shelf)
    assert shelf.asked == 1


def test_a_damaged_file_is_fetched_again(shelf: Shelf, folder: Path):
    folder.mkdir()
    (folder / "clip.mp4").write_bytes(b"a clop")
    fetch([wanted()], {"clips": package(shelf.archive)}, folder, bring=shelf)
    assert (folder / "clip.mp4").read_bytes() == CLIP


def test_another_archive_than_the_pinned_one_is_refused_and_leaves_nothing(shelf: Shelf, folder: Path):
    with pytest.raises(FetchFailed, match=r"clips 1\.0\.0: the archive's sha256"):
        fetch([wanted()], {"clips": package(b"pinned")}, folder, bring=shelf)
    assert names(folder) == []


def test_another_file_than_the_pinned_one_is_refused_and_leaves_nothing(shelf: Shelf, folder: Path):
    with pytest.raises(FetchFailed, match="clip of clips: sha256"):
        fetch([wanted(b"pinned")], {"clips": package(shelf.archive)}, folder, bring=shelf)
    assert names(folder) == []


def test_a_file_that_the_archive_lacks_is_named(shelf: Shelf, tmp_path: Path):
    archive = tarball(tmp_path / "a.tgz", clip=CLIP)
    with pytest.raises(FetchFailed, match=r"a\.tgz has no file gone"):
        take_out(archive, "gone")


def test_a_wheel_is_read_by_its_own_paths(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "a-1.whl", "w") as wheel:
        wheel.writestr("inside/clip.mp4", CLIP)
    assert take_out(tmp_path / "a-1.whl", "inside/clip.mp4") == CLIP
    with pytest.raises(FetchFailed, match="has no file clip"):
        take_out(tmp_path / "a-1.whl", "clip.mp4")


def test_the_pinned_archive_passes(tmp_path: Path):
    archive = tarball(tmp_path / "a.tgz", clip=CLIP)
    check_archive("clips", package(archive.read_bytes()), archive)


def test_a_network_that_mixes_its_items_up_is_found_out():
    def honest(batch: Floats) -> tuple[Floats, ...]:
        return (batch.reshape(len(batch), -1) * 2,)

    def mixed(batch: Floats) -> tuple[Floats, ...]:
        return (np.roll(honest(batch)[0], 1, axis=0),)

    assert largest_difference(honest, honest, (1, 2, 2)) == 0
    assert largest_difference(honest, mixed, (1, 2, 2)) > 0.1


def test_the_manifest_pins_every_file_and_no_two_share_a_name():
    manifest = read_manifest()
    files = [*wanted_models(read_loadout()), *wanted_media(manifest)]
    assert len({file.name for file in files}) == len(files)
    for sha256 in [*(file.kept_sha256 for file in files), *(each.sha256 for each in manifest.packages.values())]:
        assert len(bytes.fromhex(sha256)) == 32
    assert {file.package for file in files} == set(manifest.packages)


@pytest.mark.parametrize("name", shipped_profiles())
def test_each_profile_that_ships_is_pinned_and_its_packages_are_described(name: str):
    loadout = read_loadout(name)
    files = wanted_models(loadout)
    assert len(files) == len({file.name for file in files}) == len(loadout.entries)
    assert {file.package for file in files} <= set(loadout.packages)


def network(*nodes: onnx.NodeProto) -> bytes:
    """From x to y, both 1x2x2."""
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2, 2]) for name in ("x", "y")]
    graph = helper.make_graph(list(nodes), "tiny", ends[:1], ends[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)], ir_version=4).SerializeToString()


def entry(onnx_file: bytes) -> ModelEntry:
    text = dict.fromkeys(("layout", "colour", "value_range", "output_meaning", "licence", "provenance"), "")
    return ModelEntry(
        **text, file="net.onnx", source=Source("nets", "net", digest(onnx_file)),
        loaded_sha256=digest(make_batch_dynamic(onnx_file)), input_name="x", input_shape=(2, 2), output_shapes=((2, 2),),
    )  # fmt: skip


def fetch_network(onnx_file: bytes, tmp_path: Path) -> Path:
    model = entry(onnx_file)
    shelf = Shelf(tarball(tmp_path / "nets.tgz", net=onnx_file).read_bytes())
    file = Wanted(model.file, "nets", "net", digest(onnx_file), model.loaded_sha256, model)
    fetch([file], {"nets": package(shelf.archive)}, tmp_path / "kept", bring=shelf)
    return tmp_path / "kept" / model.file


def test_a_model_is_kept_with_its_batch_free(tmp_path: Path):
    kept = onnx.load_model(fetch_network(network(helper.make_node("Relu", ["x"], ["y"])), tmp_path))
    assert kept.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"


def test_a_model_whose_batch_mixes_its_items_up_is_not_kept(tmp_path: Path):
    mean = helper.make_node("ReduceMean", ["x"], ["mean"], axes=[0], keepdims=1)
    mixes = network(mean, helper.make_node("Add", ["x", "mean"], ["y"]))
    with pytest.raises(FetchFailed, match=r"net\.onnx: 5 at once differ"):
        fetch_network(mixes, tmp_path)
    assert names(tmp_path / "kept") == []
