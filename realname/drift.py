"""How far a device's precision may move what the models answer. Pure; a policy's section, in a file of its own."""

from __future__ import annotations

from msgspec import Struct

from realname.messages import Unit


class DriftRules(Struct, frozen=True, forbid_unknown_fields=True):
    """How far a device's precision may move what the models answer (models/drift.py); a worker beyond it does not start.

    The defaults are a part of what is noise anyway: boxes carried from frame to frame move EAR by .007 at the mean, and a
    tenth of the FMR is about .07 of similarity.
    """

    box_px_max: float = 1.0
    landmarks_px_max: float = 0.25
    pad_max: Unit = 0.01
    similarity_max: float = 0.005
