"""Whether a face is live or a picture of one (passive PAD). Never the only barrier: see MODEL_CARD.md.

How a crop is cut, what the model reads of it and which of its answers is `live` stands in its manifest entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.detector import RunsItems
from models.geometry import Box
from models.manifest import Liveness, ModelEntry
from models.pixels import Image, assert_colour, crop_round, size_of, to_numbers
from models.session import Floats, ModelMisbehaved

ROUNDING = 1e-3  # a softmax in float16 ends so near to 0 and 1


@dataclass(frozen=True, slots=True)
class Spoof:
    """Scores faces; shares its model with all other callers."""

    model: RunsItems
    entry: ModelEntry
    rules: Liveness

    def score(self, image: Image, box: Box) -> float:
        """Chance that the face is live, 0..1. image: uint8, h x w x 3, BGR."""
        return self.score_many([(image, box)])[0]

    def score_many(self, faces: Sequence[tuple[Image, Box]]) -> list[float]:
        """The same for many faces in one go. Take the median of five near-frontal frames, not one."""
        outputs = self.model.run([self.prepare(image, box) for image, box in faces])
        return [self.read(answer) for (answer,) in outputs]

    def prepare(self, image: Image, box: Box) -> NDArray[np.float32]:
        """A face -> (*input_shape), of the square of the box's height, grown by crop_scale."""
        assert_colour(image)
        height, _ = size_of(self.entry)
        return to_numbers(crop_round(image, box, scale=self.rules.crop_scale, size=height), self.entry)

    def read(self, answer: Floats) -> float:
        """The model's answer, (classes,) -> the chance of the class `live`, 0..1. Raises ModelMisbehaved."""
        if self.rules.answer == "probabilities":
            if not ((answer >= -ROUNDING) & (answer <= 1 + ROUNDING)).all():
                raise ModelMisbehaved(f"{self.entry.file}: its answers are no probabilities; are they logits?")
            return min(max(float(answer[self.rules.live_class]), 0.0), 1.0)
        powers = np.exp(answer - answer.max())
        return float(powers[self.rules.live_class] / powers.sum())


def open_spoof(model: RunsItems, entry: ModelEntry) -> Spoof:
    """The model as its entry says."""
    assert entry.liveness is not None, entry.file
    return Spoof(model, entry, entry.liveness)
