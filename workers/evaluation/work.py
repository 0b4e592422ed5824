"""The work of a run: every presentation that is not known yet and every image, with what a death takes along tried again.

A process that dies has one job. A presentation is that job alone: it is `process_died`, which is kept, and the next run
tries it once more, after all others. Images come several in a job: those of a lost one are tried one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workers.evaluation.dataset import Dataset, Presentation
from workers.evaluation.images import Embeddings
from workers.evaluation.judging import PROCESS_DIED, Answer, Embedding, Job, key_of
from workers.evaluation.outcomes import Measured
from workers.evaluation.state import State

IMAGES_MAX = 16  # in one job: enough that sending is cheap, few enough that a death costs little

Tells = Callable[[str, int, int], None]  # what is done, how many of them, of how many
Runs = Callable[[Sequence[Job], Callable[[int, Answer | None], None]], None]  # as processes.run_jobs


@dataclass(slots=True, eq=False)
class Work:
    """What is done so far. failed: of an image without an embedding, why."""

    dataset: Dataset
    state: State
    judged_by: str  # judging.judged_by
    tell: Tells
    measured: dict[str, Measured] = field(default_factory=dict[str, Measured])
    embeddings: Embeddings = field(default_factory=Embeddings)
    failed: dict[Path, str] = field(default_factory=dict[Path, str])
    images: list[Path] = field(init=False)

    def __post_init__(self) -> None:
        self.images = _images_of(self.dataset)

    @property
    def images_failed(self) -> dict[str, int]:
        """How many images have no embedding, by cause."""
        return dict(sorted(Counter(self.failed.values()).items()))

    def do(self, run: Runs) -> None:
        """All that is not known. Raises what `run` raises; what was done until then is kept."""
        starts = range(0, len(self.images), IMAGES_MAX)
        jobs: list[Job] = [*self._unknown(), *(self.images[start : start + IMAGES_MAX] for start in starts)]
        self._tell()
        while jobs:
            lost: list[Path] = []
            run(jobs, self._taking(jobs, lost))
            jobs = [[image] for image in lost]

    def _unknown(self) -> list[Job]:
        """Those of which something was kept come last: if one killed its process before, it does not keep others waiting."""
        fresh: list[Job] = []
        again: list[Job] = []
        for one in self.dataset.presentations:
            key = key_of(one, self.judged_by) if self.state.has(one.id) else None
            if (known := self.state.find(one.id, key)) is not None:
                self.measured[one.id] = known
            else:
                (again if self.state.has(one.id) else fresh).append(one)
        return [*fresh, *again]

    def _taking(self, jobs: Sequence[Job], lost: list[Path]) -> Callable[[int, Answer | None], None]:
        def take(place: int, answer: Answer | None) -> None:
            job = jobs[place]
            if isinstance(job, Presentation):
                self._judged(job, answer if isinstance(answer, Measured) else Measured(failure=PROCESS_DIED))
            elif isinstance(answer, list):
                self._embedded(job, answer)
            elif len(job) > 1:
                lost.extend(job)
            else:
                self._embedded(job, [PROCESS_DIED])
            self._tell()

        return take

    def _judged(self, one: Presentation, found: Measured) -> None:
        self.measured[one.id] = found
        if (key := key_of(one, self.judged_by)) is not None:
            self.state.keep(one.id, key, found)

    def _embedded(self, images: Sequence[Path], answers: Sequence[Embedding | str]) -> None:
        for image, answer in zip(images, answers, strict=True):
            if isinstance(answer, str):
                self.failed[image] = answer
            self.embeddings[image] = None if isinstance(answer, str) else answer

    def _tell(self) -> None:
        if self.dataset.presentations:
            self.tell("presentations", len(self.measured), len(self.dataset.presentations))
        if self.images:
            self.tell("images", len(self.embeddings), len(self.images))


def _images_of(dataset: Dataset) -> list[Path]:
    """Each image once, in the order of the dataset."""
    listed = (image for pair in dataset.pairs for image in (pair.a, pair.b))
    return list(dict.fromkeys((*listed, *(portrayed.image for portrayed in dataset.portrayed))))
