"""Pure: what a run plays: phases with their rates, who sends, what is away; and by how much this machine plays it smaller."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from realname.errors import SettingsWrong

Away = Literal["workers", "dispatchers", "kafka", "valkey", "projector"]
Workers = Literal["real", "simulated"]
NATIONAL_HZ_MAX = 100_000
PHASES_MAX = 50


class Phase(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stretch of a run.

    rate_hz: registrations a second of all operators together; 0: nobody comes.
    weights: operator -> its part of them; an operator that is not named has 1.
    away:    what does not run meanwhile; it is started again at the phase's end.
    """

    name: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_]{0,23}$")]
    seconds: Annotated[float, Meta(gt=0, le=86_400)]
    rate_hz: Annotated[float, Meta(ge=0, le=NATIONAL_HZ_MAX)]
    weights: dict[str, Annotated[float, Meta(ge=0, le=1000)]] = {}
    away: tuple[Away, ...] = ()


class Profile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of bench/load/profiles, or one of yours.

    sustained_hz: the rate that the machine is meant to carry for good; what exceeds it (a flash) is meant to. 0: the highest.
    clip_bit_rate: of the clips that are sent, bit/s.
    """

    name: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_]{0,39}$")]
    about: str
    phases: Annotated[tuple[Phase, ...], Meta(min_length=1, max_length=PHASES_MAX)]
    workers: Workers = "simulated"
    sustained_hz: Annotated[float, Meta(ge=0)] = 0.0
    clip_bit_rate: Annotated[int, Meta(ge=50_000, le=8_000_000)] = 600_000

    @property
    def seconds(self) -> float:
        """Of all phases."""
        return sum(phase.seconds for phase in self.phases)

    @property
    def carried_hz(self) -> float:
        """What a machine must carry for good to play this as it is."""
        return self.sustained_hz or max(phase.rate_hz for phase in self.phases)


class Scale(Struct, frozen=True):
    """By what the national figures were multiplied. 1.0: as they are."""

    rate: float
    time: float

    @property
    def words(self) -> str:
        """For a report."""
        return f"rates {_share(self.rate)}, time {_share(self.time)}"


def shipped_names() -> list[str]:
    """The profiles that come with the code."""
    return sorted(each.name.removesuffix(".toml") for each in files(__package__).joinpath("profiles").iterdir())


def read_profile(name_or_path: str) -> Profile:
    """Raises SettingsWrong, which names the file and what is wrong in it."""
    if name_or_path.endswith(".toml"):
        source: Path = Path(name_or_path)
    else:
        source = Path(str(files(__package__).joinpath("profiles", f"{name_or_path}.toml")))
    try:
        return msgspec.convert(tomllib.loads(source.read_text("utf-8")), type=Profile)
    except OSError:
        known = ", ".join(shipped_names())
        raise SettingsWrong(f"no load profile {name_or_path!r}: one of {known}, or a file that ends in .toml") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise SettingsWrong(f"load profile {name_or_path!r}: {error}") from None


def scale_of(profile: Profile, *, carries_hz: float, rate_scale: float | None = None, seconds: float | None = None) -> Scale:
    """One factor for all rates and one for all times, never above 1 unless asked for.

    carries_hz: what this machine carries for good. rate_scale: given outright, it is taken. seconds: of the whole run.
    """
    rate = min(1.0, carries_hz / profile.carried_hz) if profile.carried_hz else 1.0
    return Scale(rate_scale if rate_scale is not None else rate, min(1.0, (seconds or profile.seconds) / profile.seconds))


def scaled(profile: Profile, scale: Scale) -> Profile:
    """As it is played."""
    phases = tuple(
        replace(phase, rate_hz=phase.rate_hz * scale.rate, seconds=phase.seconds * scale.time) for phase in profile.phases
    )
    return replace(profile, phases=phases, sustained_hz=profile.sustained_hz * scale.rate)


def _share(factor: float) -> str:
    return "as they are" if factor == 1.0 else f"x {factor:.3g}"
