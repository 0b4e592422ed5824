"""Pure: the closed list of what can be wrong with a request."""

from __future__ import annotations

from enum import StrEnum


class Name(StrEnum):
    """One word for one problem. Wire format: add, never rename."""

    TOKEN_MISSING = "token_missing"  # noqa: S105 - a name, no secret
    TOKEN_INVALID = "token_invalid"  # noqa: S105
    TOKEN_EXPIRED = "token_expired"  # noqa: S105
    STORE_NOT_ALLOWED = "store_not_allowed"
    REGISTRATION_UNKNOWN = "registration_unknown"
    ROUTE_UNKNOWN = "route_unknown"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    BODY_MALFORMED = "body_malformed"
    BODY_INCOMPLETE = "body_incomplete"
    BODY_TOO_SLOW = "body_too_slow"
    BODY_TOO_LARGE = "body_too_large"
    MEDIA_TYPE_UNSUPPORTED = "media_type_unsupported"
    PART_UNKNOWN = "part_unknown"
    PART_MISSING = "part_missing"
    PART_DUPLICATE = "part_duplicate"
    FIELD_UNKNOWN = "field_unknown"
    FIELD_MISSING = "field_missing"
    FIELD_INVALID = "field_invalid"
    PORTRAIT_NOT_AN_IMAGE = "portrait_not_an_image"
    CLIP_NOT_A_VIDEO = "clip_not_a_video"
    CONSENT_MISSING = "consent_missing"
    CHALLENGE_INVALID = "challenge_invalid"
    CHALLENGE_MISMATCH = "challenge_mismatch"
    CHALLENGE_EXPIRED = "challenge_expired"
    CHALLENGE_WITHOUT_CUES = "challenge_without_cues"
    DIGEST_EARLY = "digest_early"
    DIGEST_LATE = "digest_late"
    CLIP_START_WRONG = "clip_start_wrong"
    RECEIPT_MISSING = "receipt_missing"
    RECEIPT_INVALID = "receipt_invalid"
    CLIP_NOT_AS_ANNOUNCED = "clip_not_as_announced"
    ID_ALREADY_USED = "id_already_used"
    REGISTRATION_IN_PROGRESS = "registration_in_progress"
    RATE_LIMITED = "rate_limited"
    BACKLOG_SHARE_USED = "backlog_share_used"
    TOO_MANY_UPLOADS = "too_many_uploads"
    TOO_MANY_WAITING = "too_many_waiting"
    LEDGER_UNAVAILABLE = "ledger_unavailable"
    PUBLISH_DOUBTFUL = "publish_doubtful"
    VAULT_FULL = "vault_full"
    VAULT_UNAVAILABLE = "vault_unavailable"
    INTERNAL_ERROR = "internal_error"
