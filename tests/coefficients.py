"""A file of the planner's coefficients that no benchmark writes: what tests compute by hand rests on it."""

from pathlib import Path

from services.planning.coefficients import Coefficients, decode

KEPT = Path(__file__).with_name("golden") / "coefficients.json"  # of 2026-11-25


def kept() -> Coefficients:
    """Decoded."""
    return decode(KEPT.read_bytes(), KEPT.name)
