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
    fitting: list[bytes] = []
    for place, chip in enumerate(chips):
        sealed, _ = seal(chip, keys=keys, operator=job.submitted.operator, registration_id=job.submitted.id, kind=_kind(place))
        if sum(map(len, fitting)) + len(sealed) > CHIPS_BYTES_MAX:
            break
        fitting.append(sealed)
    assert fitting, "the best chip alone is larger than all may be"
    return tuple(fitting)


def open_chips(job: MatchingJob, keys: KeyProvider) -> list[bytes]:
    """Raises EvidenceMissing where one does not open here, and where there is none."""
    if not job.chips:
        raise EvidenceMissing("no chips")
    operator, identity = job.submitted.operator, job.submitted.id
    return [
        unseal(chip, keys=keys, operator=operator, registration_id=identity, kind=_kind(place))
        for place, chip in enumerate(job.chips)
    ]


def without_chips(job: MatchingJob) -> MatchingJob:
    """As it goes to the queue."""
    return replace(job, chips=())


def with_chips(job: MatchingJob, stored: bytes | None) -> MatchingJob:
    """The job with the chips of its stored copy; without, where there is none that reads."""
    if job.chips or stored is None:
        return job
    try:
        return replace(job, chips=decode_matching(stored).chips)
    except RecordUnreadable:
        return job


def _kind(place: int) -> str:
    return f"chip-{place}"
