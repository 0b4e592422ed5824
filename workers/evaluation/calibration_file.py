"""Pure: a calibration as the TOML file that a policy names, with what a reader must know written into it."""

from __future__ import annotations

from msgspec.structs import asdict

from realname.calibration import Calibration, Point

WARNING = """\
# Which similarity stands for which false match rate, for one embedding model. Made by `realname calibrate`.
# Name it in a policy: [match] calibration = "<this file>", accept_fmr and review_fmr within its points.
# Pairs share images and people, so the intervals low..high are narrower than the truth; by_person allows for it where it
# stands. The rates are those of these images: portraits and clips of your own stores may differ, and above all the tar.
"""


def to_toml(calibration: Calibration) -> str:
    """The file. Reading it gives the same calibration."""
    head = asdict(calibration)
    points: tuple[Point, ...] = head.pop("points")
    lines = [f"{name} = {_value(value)}" for name, value in head.items()]
    for point in points:
        lines += ["", "[[points]]"]
        lines += [f"{name} = {_value(value)}" for name, value in asdict(point).items() if value is not None]
    return WARNING + "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, str):
        return '"' + "".join(_escaped(sign) for sign in value) + '"'
    if isinstance(value, float):
        return repr(value)  # 1e-05 is TOML, too
    if isinstance(value, int):
        return str(value)
    assert isinstance(value, tuple), value
    low, high = value  # pyright: ignore[reportUnknownVariableType] - a pair of rates
    return f"[{low!r}, {high!r}]"


def _escaped(sign: str) -> str:
    """As TOML's basic strings want it; a byte of a name that is no text becomes U+FFFD. Source: TOML 1.0, String."""
    if "\ud800" <= sign <= "\udfff":
        return "\ufffd"
    if sign in '"\\':
        return "\\" + sign
    return sign if sign.isprintable() else f"\\U{ord(sign):08x}"
