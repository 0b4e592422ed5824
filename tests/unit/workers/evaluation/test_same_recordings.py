"""Two datasets are the same where every recording and every question is, whatever the files are called."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from workers.evaluation.dataset import Presentation
from workers.evaluation.same_recordings import ids_digest, presentations_digest


def presentations(folder: Path, *names: str) -> list[Presentation]:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / f"{name}.jpg").write_bytes(f"portrait of {name}".encode())
        (folder / f"{name}.mp4").write_bytes(f"clip of {name}".encode())
    return [
        Presentation(id=name, kind="bona_fide", portrait=folder / f"{name}.jpg", clip=folder / f"{name}.mp4") for name in names
    ]


def test_neither_order_nor_place_nor_label_makes_another_dataset(tmp_path: Path) -> None:
    here, there = presentations(tmp_path / "here", "a", "b"), presentations(tmp_path / "there", "b", "a")
    assert len(presentations_digest(here)) == 16
    assert presentations_digest(here) == presentations_digest(there)
    relabelled = [msgspec.structs.replace(one, mated=False) for one in here]
    assert presentations_digest(relabelled) == presentations_digest(here)


@pytest.mark.parametrize("changed", ["portrait", "clip", "gone", "id", "actions", "more"])
def test_any_other_recording_or_question_does(tmp_path: Path, changed: str) -> None:
    one, other = presentations(tmp_path, "a", "b")
    before = presentations_digest([one, other])
    if changed == "portrait":
        one.portrait.write_bytes(b"another")
    elif changed == "clip":
        one.clip.write_bytes(b"another")
    elif changed == "gone":
        one.clip.unlink()
    elif changed == "id":
        one = msgspec.structs.replace(one, id="c")
    elif changed == "actions":
        one = msgspec.structs.replace(one, actions=("blink",))
    more = presentations(tmp_path, "c") if changed == "more" else []
    assert presentations_digest([one, other, *more]) != before


def test_nothing_has_no_digest_and_registrations_are_known_by_their_ids() -> None:
    assert presentations_digest([]) == ids_digest([]) == ""
    assert ids_digest(["a", "b"]) == ids_digest(["b", "a"]) != ids_digest(["a", "c"])
