"""What makes a face that person's, as numbers. Embeddings live in memory only, never on a wire.

How a chip is cut, what the model reads of it and how two answers are compared stands in the embedder's manifest entry.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.alignment import Template, template_of
from models.detector import RunsItems
from models.geometry import Points
from models.manifest import Embedding, ModelEntry
from models.pixels import Image, assert_colour, lay, size_of, to_numbers
from models.session import Floats

LENGTH_MIN = 1e-6
SIMILARITY_MIN = -1.0  # of a Euclidean comparison: farther apart says no more


@dataclass(frozen=True, slots=True, eq=False)
class Embedder:
    """Cuts, embeds and compares faces; shares its model with all other callers."""

    model: RunsItems
    entry: ModelEntry
    template: Template
    rules: Embedding

    @property
    def chip_shape(self) -> tuple[int, int, int]:
        """Of a chip: (height, width, 3)."""
        return self.template.height, self.template.width, 3

    def cut(self, image: Image, points: Points) -> Image:
        """The aligned chip of one face, (*chip_shape) uint8 BGR. points: (68, 2) pixels of the image.

        Raises ValueError where the points coincide.
        """
        return lay(image, self.template.map_of(points), width=self.template.width, height=self.template.height)

    def embed(self, chips: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, *chip_shape) uint8 BGR, as of `cut` -> (n, numbers) float32, to be held together by `compare`."""
        outputs = self.model.run([self.prepare(chip) for chip in chips])
        if not outputs:
            return np.zeros((0, *self.entry.output_shapes[0]), np.float32)
        return np.stack([self.read(numbers) for (numbers,) in outputs])

    def compare(self, ones: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, numbers) and (m, numbers) -> (n, m) similarities, -1..1; the larger the more alike."""
        products = ones @ others.T
        if self.rules.comparison == "cosine":
            return products
        squared = (ones**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)[None] - 2 * products
        distances = np.sqrt(np.maximum(squared, 0))
        return np.maximum(1 - distances / np.float32(self.rules.distance_unit), np.float32(SIMILARITY_MIN))

    def fuse(self, embeddings: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, numbers) of one person and (n,) weights, of any sum above 0 -> (1, numbers): their weighted mean."""
        mean = (weights / weights.sum()) @ embeddings
        return (self.read(mean) if normalises(self.rules) else mean)[None].astype(np.float32)

    def prepare(self, chip: Image) -> NDArray[np.float32]:
        """A chip -> (*input_shape), as the entry says."""
        assert_colour(chip)
        assert chip.shape == self.chip_shape, chip.shape
        return to_numbers(chip, self.entry)

    def read(self, numbers: Floats) -> NDArray[np.float32]:
        """The model's answer, (numbers,), divided by its length where the entry says so."""
        length = float(np.linalg.norm(numbers))
        assert length > LENGTH_MIN, "an embedding of length 0"
        return (numbers / length).astype(np.float32) if normalises(self.rules) else numbers.astype(np.float32)


def normalises(rules: Embedding) -> bool:
    """Whether answers are brought to length 1."""
    return rules.normalise or rules.comparison == "cosine"


def open_embedder(model: RunsItems, entry: ModelEntry) -> Embedder:
    """Raises AlignmentWrong where the entry's alignment does not fit its input."""
    assert entry.embedding is not None, entry.file
    height, width = size_of(entry)
    template = template_of(entry.embedding.alignment, width=width, height=height)
    return Embedder(model, entry, template, entry.embedding)
