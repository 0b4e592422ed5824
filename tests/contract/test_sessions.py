"""One suite on a session whose batches go as they come and on one that is bound to fixed shapes: the same answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from models.manifest import ModelEntry, Role, read_manifest
from models.placement import Device, Placement
from models.session import ModelMisbehaved, Session

ENTRIES = read_manifest().models
PLAIN = Placement(device=Device.CPU)
BOUND = Placement(device=Device.CPU, buckets=(1, 4, 8))

Opens = Callable[..., Session]


@pytest.fixture(params=[PLAIN, BOUND], ids=["plain", "bound"])
def opens(request: pytest.FixtureRequest, models_folder: Path) -> Opens:
    def make(role: Role = Role.LANDMARKS, **changed: object) -> Session:
        entry = msgspec.structs.replace(ENTRIES[role], **changed)
        return Session(models_folder / entry.file, entry, sha256=entry.loaded_sha256, device=request.param)

    return make


def images(entry: ModelEntry, count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random((count, *entry.input_shape), np.float32)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("count", [1, 3, 4])
def test_a_batch_is_answered_as_its_items_are(opens: Opens, role: Role, count: int):
    session = opens(role)
    batch = images(session.entry, count)
    alone = [session.run(batch[i : i + 1]) for i in range(count)]
    for number, answer in enumerate(session.run(batch)):
        assert answer.shape[0] == count
        single = np.concatenate([outputs[number] for outputs in alone])
        np.testing.assert_allclose(answer, single, atol=1e-4 * np.abs(answer).max())


def test_more_than_the_largest_shape_comes_back_in_order(opens: Opens):
    session = opens()
    batch = images(session.entry, 19)
    (answers,) = session.run(batch)
    for index in (0, 7, 8, 15, 16, 18):
        np.testing.assert_allclose(answers[index], session.run(batch[index : index + 1])[0][0], atol=1e-5)


def test_an_answer_stays_as_it_was_when_the_next_is_asked(opens: Opens):
    session = opens()
    (first,) = session.run(images(session.entry, 3))
    before = first.copy()
    session.run(images(session.entry, 3, seed=2))
    np.testing.assert_array_equal(first, before)


def test_what_lay_in_a_shape_before_does_not_reach_the_next_answer(opens: Opens):
    session = opens()
    with pytest.raises(ModelMisbehaved, match="not finite"):
        session.run(np.full((4, *session.entry.input_shape), np.nan, np.float32))
    (answer,) = session.run(images(session.entry, 3))
    assert np.isfinite(answer).all()


def test_one_bad_item_is_seen_in_a_padded_batch(opens: Opens):
    session = opens()
    batch = images(session.entry, 3)
    batch[1] = np.nan
    with pytest.raises(ModelMisbehaved, match="not finite"):
        session.run(batch)


def test_a_file_that_takes_one_image_answers_many(opens: Opens):
    session, free = opens(batch="one"), opens()
    batch = images(session.entry, 5)
    np.testing.assert_allclose(session.run(batch)[0], free.run(batch)[0], atol=1e-5)


def test_the_items_of_many_callers_come_back_one_by_one(opens: Opens):
    session = opens(Role.DETECTOR)
    batch = images(session.entry, 3)
    found = session.run_items(list(batch))
    assert [len(outputs) for outputs in found] == [2, 2, 2]
    np.testing.assert_allclose(found[2][1], session.run(batch)[1][2], atol=1e-5)


def test_an_answer_of_another_shape_than_the_entrys_is_not_passed_on(opens: Opens):
    with pytest.raises(ModelMisbehaved, match=r"fr_landmark\.onnx"):
        opens(output_shapes=((68, 2),)).run(images(ENTRIES[Role.LANDMARKS], 2))
