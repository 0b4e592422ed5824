"""What a run does, what it keeps, and what it does again: on made answers, without a process or a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from realname.errors import BadRecording, Transient
from realname.policy import load_policy
from realname.reasons import Reason
from realname.settings import Worker
from workers.evaluation.dataset import Dataset, Pair, Presentation
from workers.evaluation.judging import FileMissing, Job, embedding_of, judged_by, key_of, read_both
from workers.evaluation.outcomes import Measured
from workers.evaluation.software import software
from workers.evaluation.state import State
from workers.evaluation.work import IMAGES_MAX, Work

FACE = np.ones(4, np.float32)
APPROVED = Measured(verdict="approved")


class Crew:
    """Runs jobs here. killers: ids and images that kill their process."""

    def __init__(self, *killers: str) -> None:
        self.killers = set(killers)
        self.asked: list[Job] = []

    def run(self, jobs: Sequence[Job], done: Callable[[int, object], None]) -> None:
        for place, job in enumerate(jobs):
            self.asked.append(job)
            parts = {job.id} if isinstance(job, Presentation) else {image.name for image in job}
            answer = APPROVED if isinstance(job, Presentation) else ["no_face" if "no" in each.name else FACE for each in job]
            done(place, None if parts & self.killers else answer)

    @property
    def ids(self) -> list[str]:
        return [job.id for job in self.asked if isinstance(job, Presentation)]


def a_presentation(folder: Path, name: str) -> Presentation:
    portrait, clip = folder / f"{name}.jpg", folder / f"{name}.mp4"
    portrait.write_bytes(b"portrait " + name.encode())
    clip.write_bytes(b"clip " + name.encode())
    return Presentation(id=name, kind="bona_fide", portrait=portrait, clip=clip)


def done_by(crew: Crew, dataset: Dataset, file: Path, *, by: str = "judge") -> Work:
    with State(file) as state:
        work = Work(dataset, state, by, lambda *_: None)
        work.do(crew.run)
    return work


def test_images_of_a_lost_job_are_tried_one_by_one(tmp_path: Path) -> None:
    images = [Path(f"{number}.jpg") for number in range(IMAGES_MAX - 1)] + [Path("no_one.jpg"), Path("last.jpg")]
    dataset = Dataset("d", pairs=tuple(Pair(images[0], image, mated=True) for image in images))
    work = done_by(Crew("3.jpg"), dataset, tmp_path / "s")
    assert work.failed == {Path("3.jpg"): "process_died", Path("no_one.jpg"): "no_face"}
    assert work.images_failed == {"no_face": 1, "process_died": 1}
    assert {image for image, face in work.embeddings.items() if face is None} == set(work.failed)
    assert set(work.embeddings) == set(images)


def test_what_was_judged_is_not_judged_again(tmp_path: Path) -> None:
    dataset = Dataset("d", (a_presentation(tmp_path, "a"), a_presentation(tmp_path, "b")))
    assert done_by(Crew(), dataset, tmp_path / "s").measured == {"a": APPROVED, "b": APPROVED}
    again = Crew()
    assert done_by(again, dataset, tmp_path / "s").measured == {"a": APPROVED, "b": APPROVED}
    assert again.ids == []


def test_one_that_killed_its_process_is_tried_once_more_after_all_others_and_then_never(tmp_path: Path) -> None:
    dataset = Dataset("d", (a_presentation(tmp_path, "killer"), a_presentation(tmp_path, "b"), a_presentation(tmp_path, "c")))
    first = Crew("killer", "c")
    assert done_by(first, Dataset("d", dataset.presentations[:2]), tmp_path / "s").measured["killer"].failure == "process_died"
    second, third = Crew("killer"), Crew("killer")
    assert done_by(second, dataset, tmp_path / "s").measured["killer"].failure == "process_died"
    assert second.ids == ["c", "killer"]
    assert done_by(third, dataset, tmp_path / "s").measured["killer"].failure == "process_died"
    assert third.ids == []


def test_a_death_that_was_another_s_fault_is_forgotten_once_it_is_judged(tmp_path: Path) -> None:
    dataset = Dataset("d", (a_presentation(tmp_path, "a"),))
    done_by(Crew("a"), dataset, tmp_path / "s")
    assert done_by(Crew(), dataset, tmp_path / "s").measured == {"a": APPROVED}
    assert done_by(Crew("a"), dataset, tmp_path / "s").measured == {"a": APPROVED}


def test_any_other_failure_is_tried_in_every_run(tmp_path: Path) -> None:
    with State(tmp_path / "s") as state:
        state.keep("a", "key", Measured(failure="no_decoder"))
    assert (tmp_path / "s").read_bytes() == b""


def test_what_was_measured_is_found_by_its_key_alone(tmp_path: Path) -> None:
    with State(tmp_path / "s") as state:
        state.keep("a", "key", APPROVED)
    with State(tmp_path / "s") as state:
        assert state.find("a", "key") == APPROVED
        assert state.find("a", "another key") is None
        assert state.find("a", None) is None
        assert state.find("b", "key") is None


BY = judged_by(load_policy("production"), {"embedder": "e"}, "1.0", Worker())


def test_whatever_judges_makes_another_key() -> None:
    others = [
        judged_by(load_policy("development"), {"embedder": "e"}, "1.0", Worker()),
        judged_by(load_policy("production"), {"embedder": "f"}, "1.0", Worker()),
        judged_by(load_policy("production"), {"embedder": "e"}, "1.1", Worker()),
        judged_by(load_policy("production"), {"embedder": "e"}, "1.0", Worker(decode_within_s=7.0)),
    ]
    assert judged_by(load_policy("production"), {"embedder": "e"}, "1.0", Worker()) == BY
    assert len({BY, *others}) == 5


@pytest.mark.parametrize(
    "change",
    [
        {"id": "b"},
        {"actions": ("blink",)},
        {"cues_at_s": (1.0,)},
        {"clip_started_at_s": 0.5},
        {"digest_at_s": 9.0},
        {"portrait_source": "scan"},
    ],
    ids=str,
)
def test_what_was_asked_is_part_of_the_key(tmp_path: Path, change: dict[str, object]) -> None:
    one = a_presentation(tmp_path, "a")
    assert key_of(msgspec.structs.replace(one, **change), BY) != key_of(one, BY) == key_of(one, BY)


def test_a_changed_recording_is_judged_again_and_a_missing_one_has_no_key(tmp_path: Path) -> None:
    one = a_presentation(tmp_path, "a")
    before = key_of(one, BY)
    assert key_of(one, "another judge") != before
    one.clip.write_bytes(b"another")
    changed = key_of(one, BY)
    one.portrait.write_bytes(b"another")
    assert len({before, changed, key_of(one, BY)}) == 3
    one.portrait.unlink()
    assert key_of(one, BY) is None


def test_a_file_that_intake_would_not_take_is_too_large(tmp_path: Path) -> None:
    one = a_presentation(tmp_path, "a")
    with one.portrait.open("r+b") as stream:
        stream.truncate(60 * 1024 * 1024)
    with pytest.raises(FileMissing, match="portrait_too_large"):
        read_both(one)


class Decoder:
    """Answers by the file's content."""

    def decode_portrait(self, content: bytes) -> np.ndarray:
        if content == b"bad":
            raise BadRecording(Reason.PORTRAIT_UNREADABLE)
        if content == b"busy":
            raise Transient("no decoder came free")
        raise ValueError(content)


@pytest.mark.parametrize(
    ("content", "cause"),
    [(b"bad", "image_unreadable"), (b"busy", "no_decoder"), (b"odd", "bug_ValueError"), (None, "image_missing")],
)
def test_an_image_without_an_embedding_says_why(tmp_path: Path, content: bytes | None, cause: str) -> None:
    file = tmp_path / "x.jpg"
    if content is not None:
        file.write_bytes(content)
    assert embedding_of(file, Decoder(), models=None) == cause


def test_the_software_is_named_by_version_and_digest() -> None:
    assert software() == software()
    assert software().startswith("0.1.0 (")
