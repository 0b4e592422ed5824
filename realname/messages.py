"""Pure: every message on the wire. Fields are only ever added, with a default.

The tag of a struct is its CloudEvents type, with the version. A struct's constructor does not validate:
publishing decodes what it encoded (see envelope.py).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from realname.reasons import Reason

Id = Annotated[str, Meta(min_length=36, max_length=36)]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
Instant = Annotated[datetime, Meta(tz=True)]
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Unit = Annotated[float, Meta(ge=0.0, le=1.0)]

Action = Literal["turn_left", "turn_right", "blink"]  # left and right are the customer's own
Purpose = Literal["mobile", "broadband", "replacement"]
Path = Literal["face", "referee"]
PortraitSource = Literal["chip_read", "document_photo", "scan"]
Verdict = Literal["approved", "refused", "retry", "review"]
Seen = Literal["new", "file_seen", "motion_seen", "unavailable"]  # the duplicate check of a clip


class BlobRef(Struct, frozen=True, forbid_unknown_fields=True):
    """Where sealed media lies. sha256 is of the sealed bytes, never of the plaintext."""

    key: Annotated[str, Meta(max_length=200)]
    sha256: Digest
    size_bytes: Annotated[int, Meta(ge=1)]
    media_type: Annotated[str, Meta(max_length=60)]
    key_id: Annotated[str, Meta(max_length=80)]


class Consent(Struct, frozen=True, forbid_unknown_fields=True):
    """The customer's own agreement to the face check. `reference` is the operator's record of it."""

    reference: Annotated[str, Meta(min_length=1, max_length=80)]
    given_at: Instant
    text_version: Annotated[str, Meta(min_length=1, max_length=40)]
    language: Literal["zh", "en"]


class Challenge(Struct, frozen=True):
    """What was asked, and when. All times are seconds from issued_at.

    cues_at_s:         each action's release; empty where a finished clip was handed in without cues.
    clip_started_at_s: when the clip's first frame was taken, as the client says; intake held it within what it saw
                       itself: not after the first cue, and the clip's end not after its digest came.
    digest_at_s:       when the clip's digest reached intake; at most 5 s after the last cue.
    """

    actions: Annotated[tuple[Action, ...], Meta(max_length=3)]
    issued_at: Instant
    cues_at_s: tuple[float, ...] = ()
    clip_started_at_s: float | None = None
    digest_at_s: float | None = None

    @property
    def cues_in_clip_s(self) -> tuple[float, ...]:
        """The cues in seconds of the clip; empty where there are none, or nobody knows when the clip began."""
        if self.clip_started_at_s is None:
            return ()
        return tuple(cue - self.clip_started_at_s for cue in self.cues_at_s)


class RegistrationSubmitted(Struct, frozen=True, tag="realname.registration.submitted.v1", tag_field="type"):
    """Intake took a registration: its media is durable. Topic registrations.submitted.

    portrait and clip are None on the referee path. fingerprint: HMAC-SHA256 (hex) of the request under the
    operator's own secret; the same request again has the same one, and nobody without the secret can test a guess.
    lines_held: as the operator asserts it, at the person's document number.
    """

    id: Id
    operator: Name
    store: Name
    terminal: Name
    purpose: Purpose
    path: Path
    consent: Consent | None
    lines_held: Annotated[int, Meta(ge=0, le=10_000)]
    challenge: Challenge
    submitted_at: Instant
    fingerprint: Digest
    portrait_source: PortraitSource | None = None
    portrait: BlobRef | None = None
    clip: BlobRef | None = None
    previous: Id | None = None


class ActionTrace(Struct, frozen=True):
    """When an action was asked, and what was seen of it. All times are seconds from the clip's first frame.

    seen:     it answers. The next four are of what answers or, where nothing does, of what the cause speaks of (a late
              blink, a turn to the other side); None where there is neither.
    at_s:     its peak.
    strength: degrees for a turn (relative to the clip's own neutral, absolute value), closedness 0..1 for a blink.
    first_frame, last_frame: of the judged frames, the action's own.
    asked_at_s, until_s: its window, from its cue to where an answer that begins is too late; None without cues.
    cause:    why it is unmet; None where it is met.
    """

    action: Action
    seen: bool
    at_s: float | None = None
    strength: float | None = None
    asked_at_s: float | None = None
    until_s: float | None = None
    first_frame: int | None = None
    last_frame: int | None = None
    cause: Reason | None = None


class LivenessReport(Struct, frozen=True, tag="realname.liveness.report.v1", tag_field="type"):
    """What the liveness stage measured of one clip. It never says whether that is enough.

    capture: what makes the clip unfit to judge, worst first; empty on a fit clip.
    challenge_unmet: why the actions do not stand as asked; empty when they do.
    pad_live: median live probability over near-frontal frames; None when too few.
    parallax: nose-tip parallax against the eye-mouth homography, in eye-to-mouth heights; None when not measurable.
    yaw_range_deg: nose-ratio yaw, max - min over the window in which parallax was measured.
    face_leap: largest change of the aligned face from one judged frame to the next, 0..2; None when not measurable.
    repeat: unlikeness of the two most alike stretches, forwards or backwards: 0 the same, about 1 unrelated; None where
            too little moves to tell.
    turn_width: width between the eyes at the turn at which it is least, over a head's at that yaw; None without a turn.
    turned_s: how long the quickest turn stayed beyond half its angle; None where both its ends were not seen.
    drift:  how much more the face's details change in half a second than in a sixth, where they do so least; None where it
            moves all the time. About 1 of a held picture.
    again:  how much less a stretch and its repetition differ than neighbouring frames do; None where too little moves.
    signs: layers of the liveness stage that fired, by their own reason; the policy says what each leads to.
    seen_before: whether this clip, or its motion, was handed in within 24 h under another id; None: not looked at.
    recording: facts of the file, numbers and words of closed sets, never a text out of it; see workers/recording.py.
    """

    capture: tuple[Reason, ...] = ()
    challenge_unmet: tuple[Reason, ...] = ()
    duration_s: float = 0.0
    frames: int = 0
    frames_judged: int = 0
    frames_with_face: int = 0
    frame_rate_hz: float = 0.0
    pad_live: float | None = None
    pad_frames: int = 0
    parallax: float | None = None
    yaw_range_deg: float | None = None
    several_faces: bool = False
    face_changed: bool = False
    track_similarity_min: float | None = None
    actions: tuple[ActionTrace, ...] = ()
    extra_blinks: int = 0
    extra_turns: int = 0
    blinks_at_s: tuple[float, ...] = ()
    turns_at_s: tuple[float, ...] = ()
    turns_deg: tuple[float, ...] = ()
    quality: dict[str, float] = {}
    models: dict[str, str] = {}
    cpu_ms: dict[str, float] = {}
    device_ms: dict[str, float] = {}
    waited_s: float = 0.0
    ran_s: float = 0.0
    signs: tuple[Reason, ...] = ()
    seen_before: Seen | None = None
    face_leap: float | None = None
    repeat: float | None = None
    turn_width: float | None = None
    turned_s: float | None = None
    drift: float | None = None
    again: float | None = None
    recording: dict[str, float | str] = {}


class MatchReport(Struct, frozen=True, tag="realname.match.report.v1", tag_field="type"):
    """What the matching stage measured: the portrait against the clip's best frames.

    portrait: what makes the portrait unfit; empty when fit.
    similarity: cosine of the portrait's embedding and the mean of the frames', -1..1; None without a portrait.
    copy_correlation: highest correlation of the portrait's chip with a frame's chip, -1..1 (1 = the same photo).
    frames_similarity_min: least similarity of any two of the frames; low means that they show several people.
    doubts: why a low similarity may be the portrait's fault, though it is fit to be compared.
    """

    portrait: tuple[Reason, ...] = ()
    similarity: float | None = None
    similarities: tuple[float, ...] = ()
    copy_correlation: float | None = None
    portrait_face_px: float | None = None
    quality: dict[str, float] = {}
    models: dict[str, str] = {}
    cpu_ms: dict[str, float] = {}
    device_ms: dict[str, float] = {}
    waited_s: float = 0.0
    ran_s: float = 0.0
    frames_similarity_min: float | None = None
    doubts: tuple[Reason, ...] = ()


class Score(Struct, frozen=True):
    """A measured value beside the threshold it was held against.

    fmr:       the false match rate the threshold stands for. value_fmr: the one that the value itself stands for, by
               the policy's calibration. Beyond its strict end it is at most that end's; None below its other end (higher
               than any rate in it, how much is not known), and for another model than the calibration's.
    """

    name: Annotated[str, Meta(max_length=40)]
    value: float
    threshold: float
    fmr: float | None = None
    value_fmr: float | None = None


class ShadowDecision(Struct, frozen=True):
    """What a candidate policy or model would have decided of the same registration. It decides nothing.

    profile: the weights it ran with. plan: the digest of policy and profile. failure: why it could not be measured;
    then the rest says nothing.
    """

    policy: Annotated[str, Meta(max_length=40)]
    profile: Annotated[str, Meta(max_length=40)]
    plan: Annotated[str, Meta(max_length=16)]
    verdict: Verdict
    reasons: tuple[Reason, ...]
    scores: tuple[Score, ...] = ()
    models: dict[str, str] = {}
    failure: Annotated[str, Meta(max_length=40)] | None = None


class RegistrationDecided(Struct, frozen=True, tag="realname.registration.decided.v1", tag_field="type"):
    """The one decision of a registration. Topics registrations.decided and decisions.<operator>.

    reasons: every reason that holds, the decisive one first.
    evidence: sha256 of the sealed portrait and clip, as they lay in the vault.
    profile, plan: the weights that its plan named, and the plan's digest; empty: it had no plan, so the processes' own
            policy and the workers' own weights (see models).
    shadow: only on registrations.decided, where a candidate was tried beside it; operators are not shown it.
    """

    id: Id
    operator: Name
    store: Name
    verdict: Verdict
    reasons: Annotated[tuple[Reason, ...], Meta(min_length=1)]
    policy: Annotated[str, Meta(max_length=40)]
    submitted_at: Instant
    decided_at: Instant
    scores: tuple[Score, ...] = ()
    notes: tuple[Annotated[str, Meta(max_length=80)], ...] = ()
    models: dict[str, str] = {}
    evidence: dict[str, Digest] = {}
    liveness: LivenessReport | None = None
    match: MatchReport | None = None
    profile: str = ""
    plan: str = ""
    shadow: ShadowDecision | None = None


class RecordParked(Struct, frozen=True, tag="realname.record.parked.v1", tag_field="type"):
    """A record that could not be read, by its address; its bytes stay where they are. Topic registrations.dead."""

    topic: str
    partition: int
    offset: int
    error: Annotated[str, Meta(max_length=80)]
    parked_at: Instant
