"""Measures a calibration: every image through our own detector, landmarks and alignment, then pairs of them.

Embeddings are held in memory only, and nothing of an image is written but how many there were.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.embedder import Embedder
from models.registry import Models
from realname.calibration import Calibration
from realname.settings import Worker
from workers.evaluation.by_person import spread_of
from workers.evaluation.dataset import Dataset, DatasetWrong, Portrayed
from workers.evaluation.images import Embeddings, listed_scores
from workers.evaluation.judging import embedding_of
from workers.evaluation.lfw import IMAGE_ENDINGS, find_lists
from workers.evaluation.operating_points import PERSONS_MIN, Origin, calibration_of, thresholds_of
from workers.evaluation.reading import has_manifest, read_dataset
from workers.evaluation.scores import Scores, all_pairs
from workers.opening import opened
from workers.runtime import Decodes

NO_PAIRS = "has no pairs of images: give a CSV with a, b, mated, LFW, or a folder of persons' folders"
_PERSONS_MIN = 2  # an impostor takes two

Tells = Callable[[int, int], None]  # images done, images in all


@dataclass(frozen=True, slots=True, eq=False)
class Calibrator:
    """All that a calibration needs, opened once; see `open_calibrator`."""

    models: Models
    decoder: Decodes

    def measure(self, dataset: Dataset, *, name: str, tell: Tells) -> Calibration:
        """As `calibrate`."""
        return calibrate(dataset, self.models, self.decoder, name=name, tell=tell)


@contextmanager
def open_calibrator(settings: Worker) -> Generator[Calibrator]:
    """Models and one sandboxed decoder child. Raises ModelCorrupt, DeviceMissing, SettingsWrong."""
    with opened(settings) as tools:
        yield Calibrator(tools.models, tools.decoder)


def read_images(place: Path) -> Dataset:
    """The pairs of a CSV manifest, LFW, or a folder of folders, one a person. Raises DatasetWrong."""
    if place.is_dir() and not has_manifest(place):
        persons = _of_persons(place)
        if len({each.person for each in persons.portrayed}) >= _PERSONS_MIN:
            return persons
        if not find_lists(place):
            raise DatasetWrong(f"{place} {NO_PAIRS}")
    dataset = read_dataset(place)
    if not (dataset.pairs or dataset.portrayed):
        raise DatasetWrong(f"{place} {NO_PAIRS}")
    return dataset


def calibrate(dataset: Dataset, models: Models, decoder: Decodes, *, name: str, tell: Tells) -> Calibration:
    """The table. tell: called after each image.

    Where it is known whose each image is, all are compared with all; else the pairs that are listed. An image that gives
    no embedding is counted, whatever the cause. Raises TooFewPairs.
    """
    images = list(dict.fromkeys(portrayed.image for portrayed in dataset.portrayed))
    images = images or list(dict.fromkeys(image for pair in dataset.pairs for image in (pair.a, pair.b)))
    embeddings: Embeddings = {}
    for done, image in enumerate(images, start=1):
        found = embedding_of(image, decoder, models)
        embeddings[image] = None if isinstance(found, str) else found
        tell(done, len(images))
    words, failed = f"{dataset.name}, {len(images)} images", sum(face is None for face in embeddings.values())
    origin = Origin(name, models.digests["embedder"], words, len(images), failed)
    if dataset.portrayed:
        return _of_all(dataset.portrayed, embeddings, models.embedder, origin)
    return calibration_of(listed_scores(dataset.pairs, embeddings, models.embedder.compare), origin)


def _of_all(portrayed: tuple[Portrayed, ...], embeddings: Embeddings, embedder: Embedder, origin: Origin) -> Calibration:
    found = [(each.person, face) for each in portrayed if (face := embeddings[each.image]) is not None]
    if not found:
        return calibration_of(Scores(), origin)
    persons, faces = [person for person, _ in found], np.stack([face for _, face in found])
    scores, origin = all_pairs(faces, persons, embedder.compare), origin._replace(persons=len(set(persons)))
    if origin.persons < PERSONS_MIN:
        return calibration_of(scores, origin)
    thresholds = [similarity for _, similarity in thresholds_of(scores, origin.persons)]
    return calibration_of(scores, origin, spread_of(faces, persons, embedder.compare, thresholds).fmr)


def _of_persons(place: Path) -> Dataset:
    folders = [folder for folder in sorted(place.iterdir()) if folder.is_dir()]
    images = tuple(
        Portrayed(image, folder.name)
        for folder in folders
        for image in sorted(folder.iterdir())
        if image.suffix.lower() in IMAGE_ENDINGS
    )
    return Dataset(place.resolve().name, portrayed=images)
