"""Which false match rate a similarity stands for. Made by `realname calibrate` from labelled pairs; named by a policy.

A threshold is stated as an FMR; the table says which similarity that is for one embedding model. Between its points
log10(FMR) is linear in the similarity; beyond them nothing is extrapolated: the end point is as far as the data goes. A
similarity above the last point stands for at most that point's FMR, one below the first for an FMR that nobody knows.
"""

from __future__ import annotations

from itertools import pairwise
from math import log10
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from realname.errors import SettingsWrong
from realname.messages import Unit
from realname.shipped import read_toml

Rate = Annotated[float, Meta(gt=0.0, le=1.0)]


class Point(Struct, frozen=True, forbid_unknown_fields=True):
    """At this similarity and above, at most so large a share of the non-mated pairs matched.

    low, high:     95 % interval of the share that was seen, with pairs taken as independent.
    tar:           the share of mated pairs at and above it, where they were measured; tar_low, tar_high: its interval.
    by_person:     95 % interval of the FMR with persons as the units, where it is known whose each image is.
    lookalike_fmr: the share of non-mated pairs that were chosen because they look alike, and its interval.
    """

    fmr: Rate
    similarity: Annotated[float, Meta(ge=-1.0, le=1.0)]
    low: Unit
    high: Unit
    tar: Unit | None = None
    tar_low: Unit | None = None
    tar_high: Unit | None = None
    by_person: tuple[Unit, Unit] | None = None
    lookalike_fmr: Unit | None = None
    lookalike_low: Unit | None = None
    lookalike_high: Unit | None = None


class Calibration(Struct, frozen=True, forbid_unknown_fields=True):
    """One table.

    embedder: the model it was made with, as reports name it. Another model's similarities mean something else, and so do
              this one's where its entry has it read otherwise.
    dataset, interval: what was measured, and how the intervals were drawn, in words.
    points:   by falling FMR; similarity rises.
    lookalikes: further non-mated pairs, chosen because they look alike; none of them counts in an FMR.
    images, images_failed: how many were to be compared, and in how many no face was found; 0 where nobody counted.
    persons:  how many the images are of; 0 where nobody knows, as of listed pairs.
    """

    name: str
    embedder: str
    dataset: str
    interval: str
    mated: Annotated[int, Meta(ge=0)]
    non_mated: Annotated[int, Meta(ge=1)]
    points: Annotated[tuple[Point, ...], Meta(min_length=2)]
    lookalikes: Annotated[int, Meta(ge=0)] = 0
    images: Annotated[int, Meta(ge=0)] = 0
    images_failed: Annotated[int, Meta(ge=0)] = 0
    persons: Annotated[int, Meta(ge=0)] = 0

    def __post_init__(self) -> None:
        """Also run by a decoder, which reports it as a ValidationError."""
        for wider, stricter in pairwise(self.points):
            if stricter.fmr >= wider.fmr or stricter.similarity <= wider.similarity:
                raise ValueError("points must have falling fmr and rising similarity")

    def similarity_at(self, fmr: float) -> float:
        """The threshold that stands for this FMR. Raises ValueError where the data does not reach so far.

        Between two points log10(FMR) is taken as linear. Tails like a Gaussian's bend down, so the true FMR of a threshold
        between points is higher than asked: by the arithmetic of a Gaussian tail 5 % higher at 3e-4, 13 % at 3e-2. At a
        point nothing is added: ask for an FMR that the table has where that matters.
        """
        for wider, stricter in pairwise(self.points):
            if stricter.fmr <= fmr <= wider.fmr:
                share = (log10(wider.fmr) - log10(fmr)) / (log10(wider.fmr) - log10(stricter.fmr))
                return wider.similarity + share * (stricter.similarity - wider.similarity)
        ends = f"{self.points[-1].fmr:g} to {self.points[0].fmr:g}"
        raise ValueError(f"calibration {self.name}: FMR {fmr:g} is outside of {ends}")

    def fmr_at(self, similarity: float) -> float | None:
        """The FMR that this similarity stands for: at most the last point's beyond it, None (higher, unknown) below the first."""
        if similarity < self.points[0].similarity:
            return None
        for wider, stricter in pairwise(self.points):
            if similarity <= stricter.similarity:
                share = (similarity - wider.similarity) / (stricter.similarity - wider.similarity)
                return 10 ** (log10(wider.fmr) + share * (log10(stricter.fmr) - log10(wider.fmr)))
        return self.points[-1].fmr


def load_calibration(name_or_path: str, beside: Path | None = None) -> Calibration:
    """A calibration that ships with the code, or a TOML file. Raises SettingsWrong, naming what is wrong.

    beside: the folder of the policy file that names it.
    """
    toml = read_toml("calibration", "realname", "calibrations", name_or_path, beside)
    try:
        return msgspec.toml.decode(toml.text, type=Calibration)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise SettingsWrong(f"calibration {name_or_path!r}: {error}") from error
