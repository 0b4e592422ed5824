"""What one process of an evaluation does: judge presentations, embed images."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.registry import Models
from realname.errors import BadRecording, RealnameError, Transient
from realname.policy import Policy
from realname.settings import Intake, Worker, read_settings
from workers.check import Checker, Recorded, open_checker
from workers.decoder.limits import limits_of
from workers.evaluation.dataset import Presentation
from workers.evaluation.outcomes import Measured, measured_of
from workers.matching.faces import embed_image
from workers.runtime import Decodes

ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)  # the time of every decision, so that two runs give the same

Embedding = NDArray[np.float32]
Job = Presentation | list[Path]
Answer = Measured | list[Embedding | str]

PROCESS_DIED, IMAGE_MISSING = "process_died", "image_missing"


class FileMissing(RealnameError):
    """A file of a presentation is not there, or does not read: a failure to acquire. The message names the kind of file."""


@contextmanager
def open_judge(settings: Worker, policy: Policy) -> Generator[Callable[[Job], Answer]]:
    """Judges a presentation, or embeds a few images at once; see `judge` and `embed`.

    Raises ModelCorrupt, DeviceMissing.
    """
    with open_checker(settings, policy) as checker:
        yield lambda job: judge(job, checker) if isinstance(job, Presentation) else [embed(image, checker) for image in job]


def judge(one: Presentation, checker: Checker) -> Measured:
    """The whole check. Never raises for what one recording does: the row says it, and the run goes on."""
    try:
        portrait, clip = read_both(one)
        recorded = Recorded(one.cues_at_s, one.clip_started_at_s, one.digest_at_s, one.portrait_source)
        result = checker.check(portrait, clip, one.actions, at=ALWAYS, recorded=recorded)
    except FileMissing as missing:
        return Measured(failure=str(missing))
    except Transient:
        return Measured(failure="no_decoder")
    except Exception as error:  # noqa: BLE001 - the door of an hours' run: a bug's name stands in the report, nothing of its words
        return Measured(failure=f"bug_{type(error).__name__}")
    measured = measured_of(result.decision, checker.policy.effects, result.cpu_ms)
    return msgspec.structs.replace(measured, waited_ms={step: round(ms, 3) for step, ms in result.waited_ms.items()})


def embed(image: Path, checker: Checker) -> Embedding | str:
    """The main face (see matching.faces); where there is none, why, and the run goes on."""
    return embedding_of(image, checker.decoder, checker.models)


def embedding_of(image: Path, decoder: Decodes, models: Models) -> Embedding | str:
    """The main face's embedding, or one word: image_missing, image_unreadable, no_face, no_decoder, bug_NAME.

    Never raises for what one image does.
    """
    try:
        content = image.read_bytes()
    except OSError:
        return IMAGE_MISSING
    try:
        found = embed_image(decoder.decode_portrait(content), models)
    except BadRecording:
        return "image_unreadable"
    except Transient:
        return "no_decoder"
    except Exception as error:  # noqa: BLE001 - as in `judge`: one odd image must not end an hours' run
        return f"bug_{type(error).__name__}"
    return "no_face" if found is None else found


def read_both(one: Presentation) -> tuple[bytes, bytes]:
    """Portrait and clip, no larger than intake takes. Raises FileMissing."""
    limits = read_settings(Intake)
    return _read(one.portrait, "portrait", limits.portrait_bytes_max), _read(one.clip, "clip", limits.clip_bytes_max)


def judged_by(policy: Policy, models: dict[str, str], software: str, settings: Worker) -> str:
    """Names all that judges: rules, models, software.software(), what the decoder may spend, and the device."""
    parts = [policy, models, software, limits_of(settings), settings.device]
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()


def key_of(one: Presentation, by: str) -> str | None:
    """Names a measurement: what was judged, and by what (judged_by). None where a file is missing.

    One digest of all together, so that nothing can be tested against a recording alone.
    """
    try:
        portrait, clip = read_both(one)
    except FileMissing:
        return None
    asked: list[Any] = [one.actions, one.cues_at_s, one.clip_started_at_s, one.digest_at_s, one.portrait_source]
    digest = hashlib.sha256()
    for part in (one.id.encode(), msgspec.json.encode([asked, by]), portrait, clip):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def _read(file: Path, kind: str, bytes_max: int) -> bytes:
    try:
        with file.open("rb") as stream:
            content = stream.read(bytes_max + 1)
    except OSError:
        raise FileMissing(f"{kind}_missing") from None
    if len(content) > bytes_max:
        raise FileMissing(f"{kind}_too_large")
    return content
