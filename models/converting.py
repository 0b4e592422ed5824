"""From a published model file to the one that is loaded, with the proof that it answers as it should.

Which conversion an entry takes stands in the manifest; each gives the same bytes each time.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from models.archives import FetchFailed
from models.channel_blocks import fill_channel_blocks
from models.dynamic_batch import make_batch_dynamic
from models.face_api import WeightsWrong, build
from models.prelu import spell_out_prelu
from models.session import Device, Floats, Session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from models.manifest import ModelEntry

BATCH = 5  # a converted model must answer this many at once as it answers them one by one
# Share of the largest output. The files in use differ by 0 on x86; another CPU's kernels may round
# differently, while a batch that is mixed up differs by about 1.
DIFFERENCE_MAX = 1e-4
SEED = 20261124


def convert(published: bytes, beside: Mapping[str, bytes], entry: ModelEntry, scratch: Path) -> tuple[bytes, float]:
    """The file that is loaded, and by how much a batch of it differs from single runs. Raises FetchFailed.

    beside: the further files that the entry's source names. scratch: an empty place for the files while they are tried.
    """
    assert entry.source is not None, entry.file
    if entry.source.conversion == "face_api":
        converted = _built(published, beside, entry)
        reference, sha256 = converted, hashlib.sha256(converted).hexdigest()  # there is no network in the published file
    else:
        converted = spell_out_prelu(fill_channel_blocks(make_batch_dynamic(published)))
        reference, sha256 = published, entry.source.sha256
    before, after = scratch / "single.onnx", scratch / "batched.onnx"
    before.write_bytes(reference)
    after.write_bytes(converted)
    single = Session(before, entry, sha256=sha256, device=Device.CPU)
    batched = Session(after, entry, sha256=hashlib.sha256(converted).hexdigest(), device=Device.CPU)
    worst = largest_difference(single.run, batched.run, entry.input_shape)
    if not worst <= DIFFERENCE_MAX:
        raise FetchFailed(f"{entry.file}: {BATCH} at once differ from one by one by {worst:.2g}; do not use it")
    return converted, worst


def largest_difference(
    single: Callable[[Floats], tuple[Floats, ...]],
    batched: Callable[[Floats], tuple[Floats, ...]],
    shape: tuple[int, ...],
) -> float:
    """Largest difference between BATCH items at once and one by one, as a share of the largest output.

    Tried with both ranges of input in use: about -1..1, and 0..255.
    """
    noise = np.random.default_rng(SEED)
    worst = 0.0
    for low, high in ((-1.0, 1.0), (0.0, 255.0)):
        items = noise.uniform(low, high, (BATCH, *shape)).astype(np.float32)
        together = batched(items)
        alone = [np.concatenate(parts) for parts in zip(*(single(items[i : i + 1]) for i in range(BATCH)), strict=True)]
        for one, other in zip(together, alone, strict=True):
            worst = max(worst, float(np.abs(one - other).max() / np.abs(other).max()))
    return worst


def _built(published: bytes, beside: Mapping[str, bytes], entry: ModelEntry) -> bytes:
    try:
        (listed,) = beside.values()
        return build(published, listed)
    except (ValueError, WeightsWrong, msgspec.ValidationError) as error:
        raise FetchFailed(f"{entry.file}: cannot be built: {error}") from None
