"""A short piece of `python -m bench.duplicates`, which has the figures."""

from pathlib import Path

import pytest

from bench import media
from bench.duplicates import CHANGES, Change, copy_of, entry_of_clip, is_found
from workers.duplicates.tokens import Entry

CUTS = [(480, 599), (720, 839)]  # of franck.mp4: the same person in the same room


def noted(folder: Path, first: int, last: int, change: Change) -> Entry:
    return entry_of_clip(copy_of(media.frames_of(folder / "franck.mp4", first, last), 24.0, change), f"{first} {change}")


@pytest.fixture(scope="module")
def originals(media_folder: Path) -> list[Entry]:
    return [noted(media_folder, *cut, Change(bit_rate=1_300_000)) for cut in CUTS]


@pytest.mark.parametrize("what", ["H.264, 300 kbit/s", "320x240", "contrast x 0.6", "0.3 s off the start"])
def test_a_copy_is_found_and_only_in_its_own_recording(media_folder, originals, what):
    copy = noted(media_folder, *CUTS[0], CHANGES[what])
    assert [is_found(copy, each) for each in originals] == [True, False]
