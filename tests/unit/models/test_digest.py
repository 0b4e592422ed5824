"""How reports name a model: what was calibrated is a file and a way to read it, and either one changed is not calibrated."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from models.manifest import Alignment, ModelEntry, Pixels, Role, digest_of, read_manifest
from models.profiles import read_loadout, shipped_profiles
from realname.messages import RegistrationDecided
from realname.policy import load_policy
from realname.reasons import Reason
from realname.verdicts import Evidence, decide
from tests.builders import NOON, a_live_report, a_match, a_submission

PRODUCTION, DEVELOPMENT = load_policy("production"), load_policy("development")
ENTRIES = read_manifest().models
EMBEDDER, SPOOF = ENTRIES[Role.EMBEDDER], ENTRIES[Role.SPOOF]
EMBEDDER_READ_OTHERWISE = [
    replace(EMBEDDER, layout="NHWC"),
    replace(EMBEDDER, colour="BGR"),
    replace(EMBEDDER, input_shape=(3, 128, 128)),
    replace(EMBEDDER, pixels=Pixels(mean=(0.0,), scale=EMBEDDER.pixels.scale)),
    replace(EMBEDDER, pixels=Pixels(mean=EMBEDDER.pixels.mean, scale=(1.0,))),
    replace(EMBEDDER, embedding=replace(EMBEDDER.embedding, alignment=Alignment("dlib"))),
    replace(EMBEDDER, embedding=replace(EMBEDDER.embedding, alignment=Alignment("dlib", padding=0.3))),
    replace(EMBEDDER, embedding=replace(EMBEDDER.embedding, alignment=Alignment("points", points=((38.0, 51.0), (73.0, 51.0))))),
    replace(EMBEDDER, embedding=replace(EMBEDDER.embedding, alignment=Alignment("arcface", landmarks=((36,), (45,))))),
    replace(EMBEDDER, embedding=replace(EMBEDDER.embedding, comparison="euclidean")),
    replace(EMBEDDER, embedding=replace(EMBEDDER.embedding, comparison="euclidean", distance_unit=10.0)),
    replace(EMBEDDER, embedding=replace(EMBEDDER.embedding, normalise=False)),
    replace(EMBEDDER, loaded_sha256="0" * 64),
]
SPOOF_READ_OTHERWISE = [
    replace(SPOOF, colour="RGB"),
    replace(SPOOF, pixels=Pixels(mean=(0.0,), scale=(1 / 255,))),
    replace(SPOOF, liveness=replace(SPOOF.liveness, crop_scale=2.7)),
    replace(SPOOF, liveness=replace(SPOOF.liveness, live_class=1)),
    replace(SPOOF, liveness=replace(SPOOF.liveness, answer="probabilities")),
    replace(SPOOF, loaded_sha256="0" * 64),
]


def decided(embedder: ModelEntry = EMBEDDER, spoof: ModelEntry = SPOOF) -> RegistrationDecided:
    """Of a genuine customer, measured by these two."""
    models = {"embedder": digest_of(embedder), "spoof": digest_of(spoof)}
    evidence = Evidence(a_live_report(models=models), a_match(models=models))
    return decide(a_submission(), evidence, DEVELOPMENT, decided_at=NOON)


def test_what_ships_is_calibrated_for_what_ships():
    assert PRODUCTION.calibration.embedder == digest_of(EMBEDDER)
    assert PRODUCTION.pad.model == digest_of(SPOOF)
    assert decided().verdict == "approved"


@pytest.mark.parametrize("entry", EMBEDDER_READ_OTHERWISE)
def test_an_embedder_that_is_read_otherwise_is_not_calibrated(entry: ModelEntry):
    found = decided(embedder=entry)
    assert (found.verdict, found.reasons) == ("review", (Reason.NOT_CALIBRATED,))


@pytest.mark.parametrize("entry", SPOOF_READ_OTHERWISE)
def test_a_pad_model_that_is_read_otherwise_is_not_calibrated(entry: ModelEntry):
    found = decided(spoof=entry)
    assert (found.verdict, found.reasons) == ("review", (Reason.NOT_CALIBRATED,))


def test_each_way_to_read_a_file_has_a_name_of_its_own_that_begins_with_the_files():
    names = [digest_of(entry) for entry in (EMBEDDER, *EMBEDDER_READ_OTHERWISE)]
    assert len(set(names)) == len(names)
    assert all(name.startswith("fr_feature.onnx:") for name in names)
    file, sha256, reading = names[0].split(":")
    assert (file, sha256, len(reading)) == (EMBEDDER.file, EMBEDDER.loaded_sha256[:16], 16)


def test_words_for_people_and_how_many_go_at_once_change_no_name():
    told = replace(EMBEDDER, licence="another", provenance="known", value_range="as before", batch="one", source=None)
    assert digest_of(told) == digest_of(EMBEDDER)


def test_a_default_that_is_said_changes_no_name():
    said = msgspec.convert(
        {"alignment": {"template": "arcface", "padding": 0.25, "points": []}, "comparison": "cosine", "normalise": True},
        type=type(EMBEDDER.embedding),
    )
    assert digest_of(replace(EMBEDDER, embedding=said)) == digest_of(EMBEDDER)


def test_a_model_that_code_reads_is_named_by_its_file_alone():
    for name in shipped_profiles():
        entries = read_loadout(name).entries
        for role in (Role.DETECTOR, Role.LANDMARKS):
            assert digest_of(entries[role]) == f"{entries[role].file}:{entries[role].loaded_sha256[:16]}"
