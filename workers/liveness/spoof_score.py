"""Pure: one passive PAD score of a clip. One frame errs too often (18 % of live ones); a median of several does not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from realname.policy import PadRules
from workers.liveness.choice import spread


def pad_frames(yaw_deg: NDArray[np.float32], rules: PadRules) -> list[int]:
    """The frames to score: frames_min of the near-frontal ones, spread evenly in time; fewer where there are fewer.

    yaw_deg: (T,), NaN where no face was seen.
    """
    frontal = np.flatnonzero(np.abs(yaw_deg) <= rules.frontal_yaw_deg_max)
    return spread(frontal.tolist(), rules.frames_min)


def pad_live(scores: Sequence[float], rules: PadRules) -> float | None:
    """The median live probability; None of too few frames: that is no evidence either way."""
    return float(np.median(scores)) if len(scores) >= rules.frames_min else None
