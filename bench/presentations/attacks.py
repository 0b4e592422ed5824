"""Attacks."""

from bench.presentations.presentation import Presentation


def attacks() -> list[Presentation]:
    return []
