"""Pure but for randomness: the face chips between the stages, sealed for their registration and their place.

They travel in the stored copy of the matching message; the one in Celery's queue goes without. Its Redis transport
writes a message twice, as base64 in JSON: 0.7 ms of CPU and 70 kB more a registration, measured with 51 kB of chips.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from realname.errors import EvidenceMissing, RecordUnreadable
from realname.keys import KeyProvider
from realname.sealing import seal, unseal
from realname.stages import CHIPS_BYTES_MAX, Job, MatchingJob, decode_matching


def seal_chips(chips: Sequence[bytes], job: Job, keys: KeyProvider) -> tuple[bytes, ...]:
    """As many of the best as fit CHIPS_BYTES_MAX together. chips: encoded, best first, at least one."""
    return _sealed(chips, job, keys, "chip")


def seal_shadow_chips(chips: Sequence[bytes], job: Job, keys: KeyProvider) -> tuple[bytes, ...]:
    """A candidate's, likewise; they have a limit of their own."""
    return _sealed(chips, job, keys, "shadow-chip")


def _sealed(chips: Sequence[bytes], job: Job, keys: KeyProvider, kind: str) -> tuple[bytes, ...]:
    operator, identity = job.submitted.operator, job.submitted.id
    fitting: list[bytes] = []
    for place, chip in enumerate(chips):
        sealed, _ = seal(chip, keys=keys, operator=operator, registration_id=identity, kind=f"{kind}-{place}")
        if sum(map(len, fitting)) + len(sealed) > CHIPS_BYTES_MAX:
            break
        fitting.append(sealed)
    assert fitting, "the best chip alone is larger than all may be"
    return tuple(fitting)


def open_chips(job: MatchingJob, keys: KeyProvider) -> list[bytes]:
    """Raises EvidenceMissing where one does not open here, and where there is none."""
    if not job.chips:
        raise EvidenceMissing("no chips")
    return _opened(job.chips, job, keys, "chip")


def open_shadow_chips(job: MatchingJob, keys: KeyProvider) -> list[bytes]:
    """A candidate's. Raises EvidenceMissing."""
    return _opened(job.shadow_chips, job, keys, "shadow-chip")


def _opened(sealed: Sequence[bytes], job: MatchingJob, keys: KeyProvider, kind: str) -> list[bytes]:
    operator, identity = job.submitted.operator, job.submitted.id
    return [
        unseal(chip, keys=keys, operator=operator, registration_id=identity, kind=f"{kind}-{place}")
        for place, chip in enumerate(sealed)
    ]


def without_chips(job: MatchingJob) -> MatchingJob:
    """As it goes to the queue."""
    return replace(job, chips=(), shadow_chips=())


def with_chips(job: MatchingJob, stored: bytes | None) -> MatchingJob:
    """The job with the chips of its stored copy; without, where there is none that reads."""
    if job.chips or stored is None:
        return job
    try:
        kept = decode_matching(stored)
        return replace(job, chips=kept.chips, shadow_chips=kept.shadow_chips)
    except RecordUnreadable:
        return job
