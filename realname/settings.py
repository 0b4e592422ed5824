"""Every process's settings, and the only reader of the environment. One frozen struct a process, read once in main().

An unknown or wrong REALNAME_ variable stops the start and is named.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from realname.errors import SettingsWrong

Port = Annotated[int, Meta(ge=0, le=65535)]  # 0: none is served
Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0)]
_PREFIX = "REALNAME_"


class Common(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What several processes need. Variable names are REALNAME_ + the field's name in capitals."""

    kafka: str = "127.0.0.1:19092"
    redis: str = "redis://127.0.0.1:16379/0"
    operators: str = "north,harbor,summit"  # comma separated; each has a topic, a key file and a JWKS entry
    operator_weights: str = ""  # "north=2,harbor=1": turns and backlog share; an operator that is not named weighs 1
    policy: str = "production"  # shipped name or a file
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    metrics_port: Port = 0
    partitions: Annotated[int, Meta(ge=1, le=1000)] = 12
    vault: str = "file://.realname/vault"
    keys: str = ".realname/keys"  # folder: <operator>.keys.json, callers.jwks.json, challenge.key
    vault_free_bytes_min: Annotated[int, Meta(ge=0)] = 256 * 1024 * 1024
    challenge_lifetime_s: Positive = 600  # the longest; ids are remembered that long plus 10 minutes
    decide_within_s: Positive = 2700  # after it, a registration ends as review / decided_too_late

    @property
    def operator_names(self) -> tuple[str, ...]:
        """The operators, in order."""
        return tuple(name.strip() for name in self.operators.split(",") if name.strip())

    @property
    def weights(self) -> dict[str, float]:
        """Each operator's weight, > 0. Raises SettingsWrong where one does not read or names no operator."""
        found = dict.fromkeys(self.operator_names, 1.0)
        for entry in filter(None, (entry.strip() for entry in self.operator_weights.split(","))):
            name, _, weight = entry.partition("=")
            if name not in found or not weight.replace(".", "", 1).isdecimal() or float(weight) <= 0:
                raise SettingsWrong(f"{_PREFIX}OPERATOR_WEIGHTS: {entry!r} is no `operator=weight` with a weight above 0")
            found[name] = float(weight)
        return found


class Intake(Common, frozen=True, kw_only=True):
    """services.intake."""

    intake_host: str = "127.0.0.1"
    intake_port: Port = 18080
    portrait_bytes_max: Positive = 5 * 1024 * 1024
    clip_bytes_max: Positive = 8 * 1024 * 1024
    request_bytes_max: Positive = 16 * 1024  # the JSON part
    uploads_max: Positive = 64  # bodies held in memory at once; beyond it 503
    publish_within_s: Seconds = 5.0  # an unacknowledged publish is doubtful after this
    # As the dispatcher's, a partition; an operator's share of the undecided is its weight x half of it x partitions.
    lookahead_max: Positive = 100_000
    status_wait_s_max: Positive = 30
    upload_within_s: Seconds = 60.0  # a body that takes longer is cut off: it holds one of uploads_max
    waiters_max: Positive = 2000  # long polls and event streams at once; beyond it 503
    # After the last cue: the customer answers, the recorder ends, one digest is taken. Longer serves only a clip made to fit.
    digest_within_s: Seconds = 5.0
    requests_per_s_max: Annotated[float, Meta(gt=0)] = 500.0  # an operator and process
    requests_burst: Positive = 1000  # tokens that an idle operator saves up


class Dispatcher(Common, frozen=True, kw_only=True):
    """services.dispatcher."""

    slot: Annotated[int, Meta(ge=0, le=999)] = 0  # transactional.id dispatcher-<slot>; never two processes at once
    group: str = "dispatcher"
    commit_every_s: Seconds = 0.05
    started_max: Positive = 256  # jobs in Celery or running, at once
    lookahead_max: Positive = 100_000  # records taken and undecided, a partition
    session_timeout_s: Seconds = 6.0
    transaction_timeout_s: Seconds = 15.0
    dead_letters_max: Positive = 100  # in 10 minutes; beyond it nothing more is taken: it is misconfigured
    overtaken_check_s: Seconds = 5.0


class Worker(Common, frozen=True, kw_only=True):
    """workers."""

    queues: str = "liveness,matching"
    # Matching in liveness's own task where this process serves both queues: no second message, no chips through Redis.
    join_stages: bool = True
    threads: Annotated[int, Meta(ge=1, le=256)] = 4
    device: Literal["auto", "cpu", "cuda", "tensorrt"] = "auto"
    device_fallback: Literal["none", "cpu"] = "none"  # none: a named device that cannot be used stops the start
    device_bytes_max: Annotated[int, Meta(ge=256 * 1024 * 1024)] = 4 * 1024 * 1024 * 1024  # GPU arenas of all models together
    device_precision: Literal["fp32", "tf32", "fp16"] = (
        "fp32"  # of a GPU; others than fp32, and all on TensorRT, need device_drift
    )
    device_drift: str = ""  # files of `make bench-gpu`, comma separated: what it does to scores, held against the policy
    engines_dir: str = ".cache/engines"  # TensorRT's: of one GPU model each, made at the first start, which takes minutes
    models_dir: str = ".cache/models"
    models_profile: str = "default"  # shipped name or a file: which models play the roles (docs/models.md)
    candidate_profile: str = ""  # a second one, for the plans that name it: live for some operators, or tried in shadow
    batch_max: Annotated[int, Meta(ge=0, le=256)] = 0  # 0: by device, 4 on a CPU and 32 else
    batch_wait_ms: Annotated[float, Meta(ge=0, le=100)] = 2.0
    decoders: Annotated[int, Meta(ge=1, le=256)] = 2  # children that decode: one core each (docs/device.md)
    # Clips decoded and not yet let go, waiting or judged: 23 MB each for 4 s of 640x480. 0: as many as threads.
    decoded_max: Annotated[int, Meta(ge=0, le=1024)] = 0
    decode_within_s: Seconds = 8.0
    decoder_bytes_max: Positive = 1536 * 1024 * 1024  # RLIMIT_AS of a decoder child, its buffers not counted
    clip_pixels_max: Positive = 1280 * 1280
    decoder_served_max: Positive = 1000  # recordings after which a decoder child is replaced
    clip_packets_max: Positive = 900  # 15 s at 60 frames a second
    clip_s_max: Seconds = 15.0  # what is decoded at all; the policy judges the length within it
    portrait_pixels_max: Positive = 24_000_000


class Fetch(Common, frozen=True, kw_only=True):
    """models.fetch. Tests and the demo find their clips in media_dir."""

    models_dir: str = ".cache/models"
    models_profile: str = "default"
    media_dir: str = ".cache/media"


class Projector(Common, frozen=True, kw_only=True):
    """services.projector."""


class Janitor(Common, frozen=True, kw_only=True):
    """services.janitor."""

    objection_s: Positive = 1800  # refused: media stays this long
    review_s: Positive = 72 * 3600  # review without a ruling: media stays this long
    orphan_s: Positive = 7200  # an object whose registration never came, or was decided long ago
    sweep_every_s: Seconds = 60.0


_S = TypeVar("_S", bound=Common)


def read_settings(kind: type[_S], environment: Mapping[str, str] | None = None) -> _S:
    """Settings of one process out of REALNAME_* variables.

    A variable that belongs to another process is allowed (one environment can serve all); one that belongs to none,
    or a value out of bounds, raises SettingsWrong and is named.
    """
    found = {
        name.removeprefix(_PREFIX).lower(): value
        for name, value in (os.environ if environment is None else environment).items()
        if name.startswith(_PREFIX)
    }
    kinds: tuple[type[Common], ...] = (Common, Intake, Dispatcher, Worker, Fetch, Projector, Janitor)
    known = {field for each in kinds for field in each.__struct_fields__} | {"state", "token"}  # the command line's own
    unknown = sorted(set(found) - known)
    if unknown:
        raise SettingsWrong(f"unknown variable {_PREFIX}{unknown[0].upper()}: see realname/settings.py for all of them")
    own = {name: value for name, value in found.items() if name in kind.__struct_fields__}
    try:
        return msgspec.convert(own, type=kind, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsWrong(f"{_PREFIX}{_field_of(error).upper()}: {error}") from None


def keys_folder(settings: Common) -> Path:
    """The folder with key files."""
    return Path(settings.keys)


def _field_of(error: msgspec.ValidationError) -> str:
    _, _, path = str(error).partition("`$.")
    return path.rstrip("`") or "?"
