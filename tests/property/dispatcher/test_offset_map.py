from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatcher.offset_map import CHARS_MAX, MapUnreadable, OffsetBits, decode, encode

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "offset_maps"
offsets = st.sets(st.integers(0, 5000), max_size=300)


def text_of(complete: set[int], watermark: int) -> str:
    return encode(OffsetBits.of(complete, watermark), watermark)


@given(offsets, st.integers(0, 5000))
def test_decoding_gives_back_what_lies_at_or_above_the_watermark(complete: set[int], watermark: int) -> None:
    assert decode(text_of(complete, watermark), watermark) == {offset for offset in complete if offset >= watermark}


@given(offsets, st.lists(st.integers(0, 5000), max_size=20))
def test_a_bitmap_that_is_cut_from_commit_to_commit_reads_like_a_fresh_one(complete: set[int], steps: list[int]) -> None:
    kept = OffsetBits.of(complete, 0)
    for watermark in sorted(steps):
        kept.cut(watermark)
        assert encode(kept, watermark) == text_of(complete, watermark)
        assert all((offset in kept) == (offset in complete) for offset in range(watermark, 5000, 7))


@given(offsets, st.integers(0, 5000), st.text(max_size=60))
def test_what_follows_the_separator_is_not_the_maps(complete: set[int], watermark: int, head: str) -> None:
    text = text_of(complete, watermark)
    assert decode(f"{text}|{head}", watermark) == decode(text, watermark)


@given(st.text(alphabet=st.characters(exclude_characters="|"), min_size=1, max_size=40))
def test_a_broken_map_is_refused_or_read_never_anything_else(text: str) -> None:
    with contextlib.suppress(MapUnreadable):
        assert isinstance(decode(text, 0), set)


def test_an_unknown_version_is_named() -> None:
    with pytest.raises(MapUnreadable, match="version 9"):
        decode("CQE=", 0)


@pytest.mark.parametrize(
    ("share", "window", "chars_max"),
    [(0.99, 48_000, 1300), (0.99, 100_000, 2600), (0.5, 8000, 1400), (0.5, 24_000, CHARS_MAX + 64)],
)
def test_worst_cases_stay_as_short_as_measured(share: float, window: int, chars_max: int) -> None:
    chance = random.Random(1)
    complete = {offset for offset in range(window) if chance.random() < share}
    text = text_of(complete, 0)
    assert len(text) <= chars_max
    assert decode(text, 0) == complete


def test_a_random_window_of_the_takers_limit_does_not_fit_so_the_caller_must_ask() -> None:
    chance = random.Random(1)
    assert len(text_of({offset for offset in range(100_000) if chance.random() < 0.5}, 0)) > CHARS_MAX


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.txt")), ids=lambda path: path.stem)
def test_every_map_that_was_ever_committed_stays_readable(path: Path) -> None:
    watermark, text, complete = path.read_text("ascii").splitlines()
    assert decode(text, int(watermark)) == {int(offset) for offset in complete.split()}
