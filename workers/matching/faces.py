"""One photo's main face as an embedding: what calibration and evaluation of pairs ask of the models.

The recipe is the one that the shipped calibration was measured with (facts on models, section 2): one look at the
whole image, the large and central face of several, 68 points, alignment as the embedder's manifest entry says, no flip.
A document's portrait is looked for more patiently: see the matching stage.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.geometry import Points, largest_central
from models.pixels import Image
from models.registry import Models


def locate_face(image: Image, models: Models) -> Points | None:
    """The (68, 2) points of the main face, in image pixels; None without one. image: uint8, BGR, of any size."""
    faces = models.detector.detect(image)
    if not faces:
        return None
    height, width = image.shape[:2]
    main = largest_central(np.stack([face.box for face in faces]), width, height)
    assert main is not None
    return models.landmarks.locate(image, faces[main].box)


def embed_image(image: Image, models: Models) -> NDArray[np.float32] | None:
    """The main face's embedding, as `models.embedder` compares them; None where no face was found (failure to enrol).

    Two of them are held together by `models.embedder.compare`. They live in memory only.
    """
    points = locate_face(image, models)
    if points is None:
        return None
    return models.embedder.embed(models.embedder.cut(image, points)[None])[0]
