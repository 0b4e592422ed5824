"""What is weaker than production is named, whatever field it is in; nothing of it is signed without a word."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import fields, replace

from realname.calibration import Calibration
from realname.errors import RealnameError
from realname.policy import Effect, Policy, load_policy
from realname.reasons import Reason
from services.cli.policy import activate
from services.cli.strictness import STRICTER, weaker

PRODUCTION, DEVELOPMENT = load_policy("production"), load_policy("development")
# With a table that reaches beyond production's rates, so that each of them can be changed.
FURTHER = (replace(PRODUCTION.calibration.points[0], fmr=0.5, similarity=-0.5), *PRODUCTION.calibration.points)
WIDE = replace(PRODUCTION, calibration=replace(PRODUCTION.calibration, points=FURTHER))
NUMBERS = [(section, field) for section, ways in STRICTER.items() for field in ways]
# What is no number with a direction: the names of a table and of a model, and what weaker() compares by itself.
NAMES = {("pad", "model"), ("match", "calibration"), ("rules", "cues_required"), ("rules", "portrait_sources")}


def with_number(section: str, field: str, value: float) -> Policy:
    """Production's on a wider table, with one number of it changed; as an int where it is one."""
    rules = getattr(WIDE, section)
    return replace(WIDE, **{section: replace(rules, **{field: type(getattr(rules, field))(value)})})


def test_every_field_of_a_policy_is_compared():
    sections = {name: rules for name in PRODUCTION.__struct_fields__ if isinstance(rules := getattr(PRODUCTION, name), Struct)}
    there = {(name, field.name) for name, rules in sections.items() if type(rules) is not Calibration for field in fields(rules)}
    assert there == set(NUMBERS) | NAMES


def test_production_and_a_copy_of_it_are_not_weaker_than_production():
    assert weaker(PRODUCTION, PRODUCTION) == []
    assert weaker(replace(PRODUCTION, version="v3"), PRODUCTION) == []


@pytest.mark.parametrize(("section", "field"), NUMBERS)
def test_each_number_is_weaker_on_one_side_and_named(section: str, field: str):
    shipped = getattr(getattr(WIDE, section), field)
    less = weaker(with_number(section, field, shipped - 1 if isinstance(shipped, int) else shipped * 0.99), WIDE)
    more = weaker(with_number(section, field, shipped + 1 if isinstance(shipped, int) else shipped * 1.01), WIDE)
    named = [any(each.startswith(f"{section}.{field} ") for each in said) for said in (less, more)]
    assert named == {"more": [True, False], "less": [False, True], "kept": [True, True]}[STRICTER[section][field]]


@given(st.sampled_from([each for each in NUMBERS if not each[1].endswith("_fmr")]), st.floats(0.001, 1000))
def test_of_two_policies_that_differ_in_one_number_one_is_the_weaker(which: tuple[str, str], factor: float):
    section, field = which
    other = with_number(section, field, getattr(getattr(WIDE, section), field) * factor)
    assert bool(weaker(other, WIDE) or weaker(WIDE, other)) == (other != WIDE)


@pytest.mark.parametrize("reason", sorted(PRODUCTION.effects))
def test_each_layer_that_leads_to_less_is_named(reason: Reason):
    said = weaker(replace(PRODUCTION, effects=PRODUCTION.effects | {reason: Effect.OFF}), PRODUCTION)
    assert said == [f"effects.{reason} off instead of {PRODUCTION.effects[reason]}"]


def test_what_a_layer_that_is_not_mentioned_leads_to_is_productions():
    assert weaker(replace(PRODUCTION, effects={}), PRODUCTION) == []


def test_clips_without_cues_and_portraits_of_any_source_are_named():
    rules = replace(PRODUCTION.rules, cues_required=False, portrait_sources={"scan": "approved", "chip_read": "review"})
    said = weaker(replace(PRODUCTION, rules=rules), PRODUCTION)
    assert said == ["rules.cues_required: clips without cues may be approved", "rules.portrait_sources.scan may be approved"]


def test_a_table_of_the_same_embedder_that_asks_for_less_likeness_is_named_and_another_embedders_is_not():
    table = PRODUCTION.calibration
    points = tuple(replace(point, similarity=point.similarity - 0.2) for point in table.points)
    lax = replace(PRODUCTION, calibration=replace(table, points=points))
    assert [each.partition(": ")[2].partition(" ")[0] for each in weaker(lax, PRODUCTION)] == [
        "accept_min",
        "review_min",
        "same_face_min",
    ]
    assert weaker(replace(PRODUCTION, calibration=replace(table, points=points, embedder="licensed.onnx:1:2")), PRODUCTION) == []


def test_development_says_what_it_allows_more():
    said = weaker(DEVELOPMENT, PRODUCTION)
    assert [each.split()[0].rstrip(":") for each in said] == [
        "rules.cues_required",
        "effects.clip_seen_before",
        "effects.motion_seen_before",
        "effects.recorder_unlikely",
    ]


def lax(folder: Path) -> str:
    """A policy with two layers off by their numbers alone."""
    path = folder / "lax.toml"
    path.write_text("inherits = 'production'\nversion = 'lax'\n[pad]\nlive_min = 0.0\nreview_min = 0.0\n")
    return str(path)


def test_nothing_weaker_is_signed_without_a_word_and_each_field_is_named(tmp_path: Path):
    with pytest.raises(RealnameError, match=r"pad\.live_min 0 instead of 0\.5.*pad\.review_min 0 .*--weakens"):
        activate(lax(tmp_path), why="a test", state=tmp_path)
    with pytest.raises(RealnameError, match=r"cues_required.*--weakens"):
        activate("development", why="a test", state=tmp_path)


def test_with_that_word_it_goes_on_and_says_what_is_weaker(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(RealnameError) as stopped:
        activate(lax(tmp_path), why="a test", weakens=True, state=tmp_path)
    assert "--weakens" not in str(stopped.value)
    assert "pad.live_min 0 instead of 0.5" in capsys.readouterr().err


def test_production_itself_needs_no_such_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(RealnameError) as stopped:
        activate("production", why="a test", state=tmp_path)
    assert "weak" not in str(stopped.value) + capsys.readouterr().err
