"""Pure: the whole suite: genuine presentations and attacks, by id."""

from __future__ import annotations

from bench.presentations.attacks import attacks
from bench.presentations.genuine import genuine
from bench.presentations.presentation import Presentation


def suite() -> list[Presentation]:
    """Genuine ones first, then the attacks by species."""
    return [*genuine(), *attacks()]
